"""The truth of a made study: what each result should find, and what befell which tube."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from io import StringIO


@dataclass(frozen=True, slots=True)
class TrueValue:
    """One true value.

    Attributes
    ----------
    subject, visit, run : str
        Whose, when, in which run.
    kind : str
        ``share``, ``population``, ``ratio``, ``killing`` or ``concentration``.
    quantity, numerator, parent, denominator : str
        As in the identity of the result that should find it.
    value : float
        The planted value, in `unit`.
    unit : str
        UCUM code.
    score : float or None
        Standard deviation score among healthy women of the phase [1]; None for quantities that follow from others.
    axis : str
        What the woman is planted high in, if this value stands on it.
    trap : str
        Trap of the bench that befell its tube.
    """

    subject: str
    visit: str
    run: str
    kind: str
    quantity: str
    numerator: str
    parent: str
    denominator: str
    value: float
    unit: str
    score: float | None = None
    axis: str = ""
    trap: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What a result must share to be held against this value."""
        return self.subject, self.visit, self.quantity, self.numerator, self.parent, self.denominator


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything planted in a study.

    Attributes
    ----------
    seed : int
        Of the study.
    values : tuple of TrueValue
        By woman and visit.
    """

    seed: int
    values: tuple[TrueValue, ...]

    def traps(self) -> Iterator[tuple[str, str, str]]:
        """Yield each trap once.

        Yields
        ------
        tuple of str
            Subject, visit and trap.
        """
        yield from dict.fromkeys((v.subject, v.visit, v.trap) for v in self.values if v.trap)

    def planted(self) -> Iterator[tuple[str, str, str]]:
        """Yield each planted visit once.

        Yields
        ------
        tuple of str
            Subject, visit and axis.
        """
        yield from dict.fromkeys((v.subject, v.visit, v.axis) for v in self.values if v.axis)

    def to_csv(self) -> str:
        """Write the table.

        Returns
        -------
        str
            A row a value, its columns the fields of `TrueValue`.
        """
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([f.name for f in fields(TrueValue)])
        writer.writerows(["" if cell is None else cell for cell in astuple(value)] for value in self.values)
        return text.getvalue()
