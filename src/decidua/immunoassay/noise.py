"""How far one well's signal scatters: floor and proportional part of a plate, pooled over its curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from decidua.immunoassay.least_squares import BoolArray, FloatArray, IndexArray

BEAD_SPREAD = 0.2
"""Standard error of a median of n beads is this share of the signal over root n: .1 and .4 on two open plates."""
_SMALLEST_CV = 0.01
_WINSOR = 3.0
_WINSOR_MEAN = 0.99460
"""Mean of min(z^2, 9) for a standard normal z."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Variance of one well: floor^2 + (cv signal)^2 + (bead spread signal)^2 / beads.

    Attributes
    ----------
    floor : float
        Standard deviation where there is no signal [MFI].
    cv : float
        Proportional part, as a fraction.
    freedom : float
        Degrees of freedom behind the two.
    """

    floor: float
    cv: float
    freedom: float

    def variance(self, signal: FloatArray, beads: FloatArray | None = None) -> FloatArray:
        """Return the variance of single wells.

        Parameters
        ----------
        signal : array
            Expected signal [MFI].
        beads : array, optional
            Beads counted; where NaN or absent the bead part is left out.

        Returns
        -------
        array
            Variance [MFI^2].
        """
        return variance(self.floor, self.cv, signal, beads)


def variance(
    floor: FloatArray | float, cv: FloatArray | float, signal: FloatArray, beads: FloatArray | None
) -> FloatArray:
    """Return the variance of single wells of several plates.

    Parameters
    ----------
    floor, cv : array or float
        Of each plate, to be broadcast.
    signal : array
        Expected signal [MFI].
    beads : array, optional
        Beads counted; where NaN the bead part is left out.

    Returns
    -------
    array
        Variance [MFI^2].
    """
    share = np.square(cv) if beads is None else np.square(cv) + bead_share(beads)
    return np.asarray(np.square(floor) + share * np.square(signal))


def bead_share(beads: FloatArray) -> FloatArray:
    """Return the bead part of the squared coefficient of variation.

    Parameters
    ----------
    beads : array
        Beads counted; NaN where unknown.

    Returns
    -------
    array
        Fraction squared; 0 where unknown.
    """
    return np.where(np.isnan(beads), 0.0, BEAD_SPREAD**2 / np.maximum(np.nan_to_num(beads, nan=1.0), 1.0))


def estimate(
    residual: FloatArray,
    fitted: FloatArray,
    leverage: FloatArray,
    beads: FloatArray,
    present: BoolArray,
    plate: IndexArray,
    start: FloatArray,
) -> FloatArray:
    """Estimate floor and cv of every plate from the residuals of its curves.

    Pseudo-likelihood by Fisher scoring; a residual beyond three standard deviations counts as three.

    Parameters
    ----------
    residual, fitted, leverage, beads : array [standard, curve]
        Observed minus fitted [MFI], fitted [MFI], diagonal of the hat matrix, beads counted.
    present : array [standard, curve]
        Which points are there.
    plate : array [curve]
        To which plate each curve belongs.
    start : array [floor and cv, plate]
        Where to begin.

    Returns
    -------
    array [floor and cv, plate]
        The estimates.

    Sources
    -------
    CarrollRuppert1988
    """
    squared = np.where(present, residual**2 / np.clip(1.0 - leverage, 0.05, 1.0), 0.0)
    basis = (np.ones_like(fitted), fitted**2)
    known = bead_share(beads) * fitted**2
    smallest = np.array([1e-3 * start[0] + 1e-12, np.full(start.shape[1], _SMALLEST_CV)]) ** 2
    parts = start**2
    for _ in range(30):
        expected = parts[0, plate] + parts[1, plate] * basis[1] + known
        weight = np.where(present, expected**-2.0, 0.0)
        excess = np.minimum(squared, _WINSOR**2 * expected) / _WINSOR_MEAN - known
        sums = [_by_plate(weight * left * right, plate, start.shape[1]) for left, right in _pairs(basis, excess)]
        updated = np.maximum(_solve(*sums), smallest)
        settled = np.allclose(updated, parts, rtol=1e-6)
        parts = updated
        if settled:
            break
    return np.sqrt(parts)


def _pairs(basis: tuple[FloatArray, FloatArray], excess: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
    one, square = basis
    return [(one, one), (one, square), (square, square), (one, excess), (square, excess)]


def _by_plate(table: FloatArray, plate: IndexArray, plates: int) -> FloatArray:
    return np.asarray(np.bincount(plate, weights=table.sum(axis=0), minlength=plates), dtype=np.float64)


def _solve(aa: FloatArray, ab: FloatArray, bb: FloatArray, ay: FloatArray, by: FloatArray) -> FloatArray:
    """Solve two normal equations for each plate; a negative part is set to zero and the other solved alone."""
    determinant = np.maximum(aa * bb - ab * ab, 1e-300)
    first, second = (bb * ay - ab * by) / determinant, (aa * by - ab * ay) / determinant
    alone_first, alone_second = ay / np.maximum(aa, 1e-300), by / np.maximum(bb, 1e-300)
    first, second = (
        np.where(second < 0, alone_first, np.where(first < 0, 0.0, first)),
        np.where(first < 0, alone_second, np.where(second < 0, 0.0, second)),
    )
    return np.stack([first, second])
