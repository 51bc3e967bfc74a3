"""Intervals of a concentration by inverting the test, never by the delta rule.

A dose x belongs to the interval while |y - f(x)| <= t sqrt(var y(x) + var f(x)). Near a plateau the interval has no
end, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from decidua.immunoassay import logistic
from decidua.immunoassay.least_squares import BoolArray, FloatArray, IndexArray
from decidua.immunoassay.noise import critical, variance

_GRID = 200
_BEYOND = np.log(1e4)
_HALVINGS = 26
_BLOCK = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Curves side by side.

    Attributes
    ----------
    parameters : array [parameter, curve]
        See `logistic`.
    covariance : array [parameter, parameter, curve]
        Of the parameters.
    floor, cv : array [curve]
        Noise of each curve's plate.
    uncertainty : array [3, curve]
        Of that noise, as in `Noise`.
    lowest, highest : array [curve]
        Log dose of the end standards.
    """

    parameters: FloatArray
    covariance: FloatArray
    floor: FloatArray
    cv: FloatArray
    uncertainty: FloatArray
    lowest: FloatArray
    highest: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Signals to read back.

    Attributes
    ----------
    curve : array [reading]
        Which curve each belongs to.
    signal : array [reading]
        Mean signal of the replicate wells [MFI].
    wells : array [reading]
        How many wells.
    beads : array [reading]
        Harmonic mean of the beads counted in them; NaN where unknown.
    """

    curve: IndexArray
    signal: FloatArray
    wells: FloatArray
    beads: FloatArray

    def some(self, which: BoolArray | slice) -> Readings:
        """Pick readings.

        Parameters
        ----------
        which : array [reading] or slice
            Those wanted.

        Returns
        -------
        Readings
            In the same order.
        """
        return Readings(self.curve[which], self.signal[which], self.wells[which], self.beads[which])


def intervals(curves: Curves, readings: Readings, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Return both ends of every reading's interval.

    Parameters
    ----------
    curves : Curves
        With covariance and noise.
    readings : Readings
        What was read.
    level : float
        Coverage.

    Returns
    -------
    lower, upper : array [reading]
        Doses, undiluted; 0 where the interval reaches down to no dose, inf where it has no upper end.

    Sources
    -------
    Fieller1954
    """
    low = curves.lowest - _BEYOND
    step = (curves.highest + _BEYOND - low) / (_GRID - 1)
    table = _band(curves, slice(None), low + step * np.arange(_GRID)[:, None])
    lower, upper = np.empty(readings.signal.size), np.empty(readings.signal.size)
    for start in range(0, readings.signal.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        part = readings.some(block)
        at = part.curve
        above, below = _first_rejected(curves, part, level, table, low[at], step[at])
        left, right = low[at] + step[at] * above, low[at] + step[at] * (below - 1)
        ends = [_halve(curves, part, level, *side, step[at]) for side in ((1.0, left), (-1.0, right))]
        lower[block] = np.where(above < 0, 0.0, np.exp(ends[0]))
        upper[block] = np.where(below == _GRID, np.inf, np.exp(ends[1]))
    return lower, upper


def reading_cv(curves: Curves, readings: Readings, log_x: FloatArray) -> FloatArray:
    """Return the first-order coefficient of variation of concentrations read back.

    Parameters
    ----------
    curves : Curves
        With covariance and noise.
    readings : Readings
        What was read; its signals are not used.
    log_x : array [reading]
        Log of the doses.

    Returns
    -------
    array [reading]
        Fraction; inf where the curve is flat.
    """
    at = readings.curve
    log_x = np.clip(log_x, curves.lowest[at] - _BEYOND, curves.highest[at] + _BEYOND)
    fitted, known = _band(curves, at, log_x)
    _, gradient = logistic.value_and_gradient(curves.parameters[:, at], log_x)
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(np.sqrt(_well_variance(curves, readings, fitted) + known) / -gradient[logistic.LOG_C])


def _band(curves: Curves, at: IndexArray | slice, log_x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the curve at log doses [..., curve] and the variance of its fit there."""
    fitted, gradient = logistic.value_and_gradient(curves.parameters[:, at], log_x)
    covariance = curves.covariance[:, :, at]
    known = np.zeros(fitted.shape)
    for p in range(5):
        known += gradient[p] ** 2 * covariance[p, p]
        for q in range(p):
            known += 2.0 * gradient[p] * gradient[q] * covariance[p, q]
    return fitted, np.maximum(known, 0.0)


def _well_variance(curves: Curves, readings: Readings, fitted: FloatArray) -> FloatArray:
    at = readings.curve
    well = variance(curves.floor[at], curves.cv[at], fitted, readings.beads)
    return np.asarray(well / readings.wells)


def _off(curves: Curves, readings: Readings, level: float, fitted: FloatArray, known: FloatArray) -> FloatArray:
    """How many critical distances a reading lies above the curve: beyond +1 or -1 the dose is rejected."""
    at = readings.curve
    far = critical(curves.floor[at], curves.cv[at], curves.uncertainty[:, at], fitted, level)
    error = np.sqrt(_well_variance(curves, readings, fitted) + known)
    return np.asarray((readings.signal - fitted) / (error * far))


def _first_rejected(
    curves: Curves,
    readings: Readings,
    level: float,
    table: tuple[FloatArray, FloatArray],
    low: FloatArray,
    step: FloatArray,
) -> tuple[IndexArray, IndexArray]:
    """Walk the grid down and up from each reading's dose; -1 or the size of the grid where none is rejected."""
    off = _off(curves, readings, level, table[0][:, readings.curve], table[1][:, readings.curve])
    middle = logistic.inverse(curves.parameters[:, readings.curve], readings.signal)
    place = np.rint(np.clip((middle - low) / step, 0, _GRID - 1))
    rank = np.arange(_GRID)[:, None]
    above = np.where((off > 1.0) & (rank <= place), rank, -1).max(axis=0)
    below = np.where((off < -1.0) & (rank >= place), rank, _GRID).min(axis=0)
    return above, below


def _halve(
    curves: Curves, readings: Readings, level: float, edge: float, left: FloatArray, step: FloatArray
) -> FloatArray:
    """Find the log dose where the distance falls through an edge, between a grid point and the next."""
    right = left + step
    for _ in range(_HALVINGS):
        centre = 0.5 * (left + right)
        over = _off(curves, readings, level, *_band(curves, readings.curve, centre)) > edge
        left, right = np.where(over, centre, left), np.where(over, right, centre)
    return np.asarray(0.5 * (left + right))
