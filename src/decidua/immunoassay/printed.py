"""Numbers and marks as instruments print them: one censoring state, there and back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from decidua.errors import BrokenPlate
from decidua.measurement import Censoring

_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?")
_RESULT = re.compile(rf"([<>]?)\s*({_NUMBER.pattern})(?:\s+([^\d\s<>]\S*))?")
_MARKS = {"<": Censoring.BELOW, ">": Censoring.ABOVE, "": Censoring.NONE}
_SIGNS = {state: mark for mark, state in _MARKS.items()}
_NO_NUMBER = ("", "nan", "n/a", "na", "--", "---")


@dataclass(frozen=True, slots=True)
class Printed:
    """A result as a vendor printed it.

    Attributes
    ----------
    value : float or None
        The number; the limit where censored below or above; None where undetermined.
    censored : Censoring
        Which of these it is.
    word : str
        What stood for an undetermined value: ``NaN``, ``N/A``, or any other text without a number.
    unit : str
        The unit printed beside the number; empty where none.
    """

    value: float | None
    censored: Censoring
    word: str = ""
    unit: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return self.word
        sign = _SIGNS[self.censored]
        number = f"{self.value:.17g}" if float(f"{self.value:.15g}") != self.value else f"{self.value:.15g}"
        return f"{sign + ' ' if sign else ''}{number}{' ' + self.unit if self.unit else ''}"


def read_printed(text: str, decimal_comma: bool = False) -> Printed:
    """Read a printed result.

    Parameters
    ----------
    text : str
        Such as ``118.3``, ``< 0.105``, ``> 3450``, ``N/A``, ``215.51 pg/mL``.
    decimal_comma : bool
        Whether the file writes decimal commas.

    Returns
    -------
    Printed
        Whatever is no number, with or without ``<`` or ``>``, is undetermined and keeps its word.
    """
    cleaned = text.strip()
    found = _RESULT.fullmatch(_with_point(cleaned, decimal_comma))
    if not found:
        return Printed(None, Censoring.UNDETERMINED, cleaned)
    return Printed(float(found[2]), _MARKS[found[1]], unit=found[3] or "")


def read_signal(text: str, decimal_comma: bool, *, file: str, place: str) -> float:
    """Read a signal, count or factor: a number, or a mark that there is none.

    Parameters
    ----------
    text : str
        A cell.
    decimal_comma : bool
        Whether the file writes decimal commas.
    file, place : str
        For the error.

    Returns
    -------
    float
        NaN where the cell is empty or says so.

    Raises
    ------
    BrokenPlate
        Where it is anything else; the cell itself is not quoted, it may hold a person's name.
    """
    cleaned = text.strip()
    if cleaned.casefold() in _NO_NUMBER:
        return float("nan")
    if _NUMBER.fullmatch(_with_point(cleaned, decimal_comma)):
        number = float(_with_point(cleaned, decimal_comma))
        if abs(number) < float("inf"):
            return number
    raise BrokenPlate("the cell is not a number.", file=file, place=place)


def _with_point(text: str, decimal_comma: bool) -> str:
    return text.replace(",", ".") if decimal_comma and text.count(",") == 1 and "." not in text else text
