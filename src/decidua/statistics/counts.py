"""Counts of cells in one tube, or in a tube and its unstimulated control."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from decidua.errors import OutsideLimits
from decidua.statistics.checks import FloatArray


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """Positive cells of one population in a tube and, where background is subtracted, in its control tube.

    Parameters
    ----------
    n_pos, n_parent : int
        Positive cells and their parent population [cells].
    n_pos_control, n_parent_control : int or None
        The same in the unstimulated tube; both None where no background is subtracted.

    Raises
    ------
    OutsideLimits
        A count is not whole or negative, a parent is empty or smaller than its part, or half a control is given.
    """

    n_pos: int
    n_parent: int
    n_pos_control: int | None = None
    n_parent_control: int | None = None

    def __post_init__(self) -> None:
        checked_counts(self.n_pos, self.n_parent)
        if (self.n_pos_control is None) != (self.n_parent_control is None):
            raise OutsideLimits(
                "Only one of the two counts of the control tube is given.",
                place="n_pos_control, n_parent_control",
                remedy="Give both, or neither where no background is subtracted.",
            )
        if self.n_pos_control is not None and self.n_parent_control is not None:
            checked_counts(self.n_pos_control, self.n_parent_control)

    @property
    def net_share(self) -> float:
        """The share less the control's share, negatives kept [1]."""
        share = self.n_pos / self.n_parent
        if self.n_pos_control is None or self.n_parent_control is None:
            return share
        return share - self.n_pos_control / self.n_parent_control


@dataclass(frozen=True, slots=True)
class BooleanCounts:
    """The cells of one tube, parted by whether they carry a ratio's upper and lower marker.

    Parameters
    ----------
    both, numerator_only, denominator_only, neither : int
        Cells of the parent population that carry both markers, one, or none [cells].

    Raises
    ------
    OutsideLimits
        A count is not whole or negative, or all are zero.
    """

    both: int
    numerator_only: int
    denominator_only: int
    neither: int

    def __post_init__(self) -> None:
        checked_counts(self.cells, checked_cells(self.cells, "cells").sum())

    @property
    def cells(self) -> tuple[int, int, int, int]:
        """The four counts in the order ++, +-, -+, -- [cells]."""
        return (self.both, self.numerator_only, self.denominator_only, self.neither)

    @property
    def n_numerator(self) -> int:
        """Cells that carry the ratio's upper marker [cells]."""
        return self.both + self.numerator_only

    @property
    def n_denominator(self) -> int:
        """Cells that carry the ratio's lower marker [cells]."""
        return self.both + self.denominator_only

    @property
    def n_parent(self) -> int:
        """All cells of the parent population [cells]."""
        return sum(self.cells)


def checked_counts(n_pos: npt.ArrayLike, n_parent: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the counts as floats once they are known to be counts of a part and its whole.

    Parameters
    ----------
    n_pos, n_parent : array_like
        Positive cells and their parent population [cells], of shapes that broadcast.

    Returns
    -------
    tuple of ndarray
        The two, each of its own shape.

    Raises
    ------
    OutsideLimits
        A count is not a whole number or negative, or a parent is empty or smaller than its part.
    """
    part, whole = checked_cells(n_pos, "n_pos"), checked_cells(n_parent, "n_parent")
    try:
        np.broadcast_shapes(part.shape, whole.shape)
    except ValueError as error:
        raise OutsideLimits(f"The counts do not match: {error}.", place="n_pos, n_parent") from error
    if not np.all(whole > 0):
        raise OutsideLimits(
            "The parent population is empty, so it has no share.",
            place="n_parent",
            remedy="Leave this population out, or gate a parent that holds cells.",
        )
    if not np.all(part <= whole):
        raise OutsideLimits(
            "There are more positive cells than cells in the parent population.",
            place="n_pos",
            remedy="Give the count of the population the gate was drawn in.",
        )
    return part, whole


def checked_cells(counts: npt.ArrayLike, place: str) -> FloatArray:
    """Return counts as floats once they are known to be whole numbers of zero or more.

    Parameters
    ----------
    counts : array_like
        Counts of cells [cells].
    place : str
        What the error names.

    Returns
    -------
    ndarray
        Of the same shape.

    Raises
    ------
    OutsideLimits
        A count is not a finite whole number of zero or more.
    """
    try:
        cells = np.asarray(counts, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OutsideLimits(f"The counts are not numbers: {error}.", place=place) from error
    if not np.all(np.isfinite(cells) & (cells >= 0) & (cells == np.floor(cells))):
        raise OutsideLimits(
            "A count of cells is a whole number, zero or more.",
            place=place,
            remedy="Give the counts of cells, not shares or weighted sums.",
        )
    return cells
