"""Where standards contradict a rising curve: falling top standards, and misfit beyond the error of replicates."""

from __future__ import annotations

import numpy as np
from scipy import special

from decidua.immunoassay.least_squares import BoolArray, FloatArray, IndexArray

_HOOK_ERRORS = 2.0
_FEWEST_LEVELS_LEFT = 4
_FEWEST_REPLICATES = 5
_PARAMETERS = 5


def falling(dose: FloatArray, signal: FloatArray, scatter: FloatArray, present: BoolArray) -> BoolArray:
    """Find top standards on the falling side of a hook.

    A top level falls when the mean of its wells lies below that of the next by more than two standard errors.

    Parameters
    ----------
    dose, signal : array [standard, curve]
        Nominal concentrations and signals [MFI].
    scatter : array [standard, curve]
        Variance of each well [MFI^2].
    present : array [standard, curve]
        Which points are there.

    Returns
    -------
    array [standard, curve]
        True for wells of falling levels.
    """
    fallen = np.zeros(present.shape, dtype=bool)
    for curve in range(present.shape[1]):
        there = present[:, curve] & (dose[:, curve] > 0)
        levels = np.unique(dose[there, curve])
        while levels.size > _FEWEST_LEVELS_LEFT:
            top, below = (there & (dose[:, curve] == level) for level in levels[[-1, -2]])
            drop = signal[below, curve].mean() - signal[top, curve].mean()
            variance = sum(scatter[wells, curve].mean() / wells.sum() for wells in (top, below))
            if drop <= _HOOK_ERRORS * np.sqrt(variance):
                break
            fallen[top, curve] = True
            levels = levels[:-1]
    return fallen


def lack_of_fit(
    dose: FloatArray, signal: FloatArray, fitted: FloatArray, scatter: FloatArray, used: BoolArray, plate: IndexArray
) -> FloatArray:
    """Test each curve against the scatter of replicate wells, pooled over its plate.

    Parameters
    ----------
    dose, signal, fitted : array [standard, curve]
        Nominal concentrations, signals and curve [MFI].
    scatter : array [standard, curve]
        Variance of each well [MFI^2].
    used : array [standard, curve]
        Which points were fitted.
    plate : array [curve]
        To which plate each curve belongs.

    Returns
    -------
    array [curve]
        P of the F test; NaN where the plate has fewer than five replicate wells to spare.
    """
    plates, curves = int(plate.max()) + 1, dose.shape[1]
    pure, spare = np.zeros(plates), np.zeros(plates)
    between, levels_of = np.zeros(curves), np.zeros(curves)
    for curve in range(curves):
        wells = used[:, curve]
        levels, level = np.unique(dose[wells, curve], return_inverse=True)
        weight = 1.0 / scatter[wells, curve]
        y, f = signal[wells, curve], fitted[wells, curve]
        total = np.bincount(level, weight)
        mean = np.bincount(level, weight * y) / total
        pure[plate[curve]] += (weight * (y - mean[level]) ** 2).sum()
        spare[plate[curve]] += wells.sum() - levels.size
        between[curve] = (total * (mean - np.bincount(level, weight * f) / total) ** 2).sum()
        levels_of[curve] = levels.size
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(spare >= _FEWEST_REPLICATES, pure / spare, np.nan)[plate]
        left = levels_of - _PARAMETERS
        ratio = np.where(left > 0, between / left / error, np.nan)
    return np.asarray(special.fdtrc(np.maximum(left, 1), spare[plate], ratio))
