"""Standards that lost their decimal point, found by the constant ratio of their dilution series."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from decidua.immunoassay.least_squares import FloatArray
from decidua.tables import Note

_FEWEST_LEVELS = 4
_ON_THE_LINE = 0.02
"""Largest distance from the series, on the natural log: printed numbers are rounded."""
_LEADING_ZEROS = 4


def restore_points(
    names: Sequence[str], texts: Sequence[str], values: FloatArray, analyte: str, file: str
) -> tuple[FloatArray, list[Note]]:
    """Put back lost decimal points of one analyte's dilution series.

    Parameters
    ----------
    names : sequence of str
        Standards in the order of the file, the strongest first or last.
    texts : sequence of str
        Their concentrations as printed; only one printed without a decimal point can have lost it.
    values : array [standard]
        The same as numbers; NaN where none is stated.
    analyte, file : str
        For the notes.

    Returns
    -------
    repaired : array [standard]
        Concentrations.
    notes : list of Note
        One for each repair.
    """
    line = _series(values)
    if line is None:
        return values, []
    repaired, notes = values.copy(), []
    off = np.log(np.where(values > 0, values, np.nan)) - line
    for i, name in enumerate(names):
        text = texts[i].strip()
        if np.isnan(off[i]) or off[i] <= _ON_THE_LINE or not re.fullmatch(r"\d+", text):
            continue
        places = round(off[i] / np.log(10.0))
        near = 1 <= places < len(text) + _LEADING_ZEROS and abs(off[i] - places * np.log(10.0)) <= _ON_THE_LINE
        if near and text[-places:].strip("0"):  # a fraction of zeros is not printed, so it cannot be lost
            repaired[i] = float(f"{text}e-{places}")
            notes.append(Note("decimal_lost", file, f"{name} {analyte}", f"{text} read as {repaired[i]:.15g}"))
    return repaired, notes


def _series(values: FloatArray) -> FloatArray | None:
    """Return the log concentrations of the geometric series that most levels lie on, or None."""
    known = np.flatnonzero(values > 0)
    if known.size < _FEWEST_LEVELS:
        return None
    logs = np.log(values[known])
    best, most = None, 0
    for (i, first), (j, second) in pairwise(zip(known, logs, strict=True)):
        step = (second - first) / (j - i)
        line = first + step * (known - i)
        hits = int((np.abs(logs - line) <= _ON_THE_LINE).sum())
        if hits > most and step != 0.0:
            best, most = first + step * (np.arange(len(values)) - i), hits
    if best is None or 2 * most <= known.size or most < _FEWEST_LEVELS - 1:
        return None
    return np.asarray(best)
