"""The five-parameter logistic, rising with dose, and its weighted fit to many curves at once.

y = A + (D - A) / (1 + (x/C)^-B)^G, held as (A, log(D - A), log C, log B, log G): every positivity rule vanishes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from decidua.immunoassay.least_squares import FloatArray, IndexArray, Solutions, minimise

A, LOG_SPAN, LOG_C, LOG_B, LOG_G = range(5)
ZERO_DOSE = -745.0
"""Stands for log 0: the smallest double is exp(-745)."""
_EARLY, _LATE, _LONG = 40, 300, 3000
_EXTREME_LOG_G = 1.5
FIXED = 1e-6
"""Standard deviation that stands for a fixed log G."""
_GUESSES = ((0.0, 0.05), (-0.7, 0.2), (0.7, 0.6))
"""Log G of a start, and how far above the highest signal its upper asymptote lies."""


def log_dose(dose: FloatArray) -> FloatArray:
    """Take logs, a zero dose included.

    Parameters
    ----------
    dose : array
        Concentrations [unit of the plate].

    Returns
    -------
    array
        Natural logs; `ZERO_DOSE` at zero.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.maximum(np.log(dose), ZERO_DOSE)


@np.errstate(all="ignore")
def value(parameters: FloatArray, log_x: FloatArray) -> FloatArray:
    """Evaluate curves.

    Parameters
    ----------
    parameters : array [parameter, ...]
        Curves.
    log_x : array
        Log dose, to be broadcast against one parameter.

    Returns
    -------
    array
        Signal [MFI].
    """
    t = np.exp(parameters[LOG_B]) * (log_x - parameters[LOG_C])
    fall = np.log1p(np.exp(-np.abs(t))) - np.minimum(t, 0.0)
    return np.asarray(parameters[A] + np.exp(parameters[LOG_SPAN] - np.exp(parameters[LOG_G]) * fall))


@np.errstate(all="ignore")
def value_and_gradient(parameters: FloatArray, log_x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Evaluate curves and their derivatives by the five parameters.

    Parameters
    ----------
    parameters : array [parameter, ...]
        Curves.
    log_x : array
        Log dose, to be broadcast against one parameter.

    Returns
    -------
    signal : array
        Signal [MFI].
    gradient : array [parameter, ...]
        Its derivatives.
    """
    b, g = np.exp(parameters[LOG_B]), np.exp(parameters[LOG_G])
    t = b * (log_x - parameters[LOG_C])
    small = np.exp(-np.abs(t))
    depth = g * (np.log1p(small) - np.minimum(t, 0.0))
    rise = np.exp(parameters[LOG_SPAN] - depth)
    slope = rise * (g * np.where(t > 0.0, small, 1.0) / (1.0 + small))
    gradient = np.empty((5, *np.shape(rise)))
    gradient[A] = 1.0
    gradient[LOG_SPAN] = rise
    gradient[LOG_C] = -b * slope
    gradient[LOG_B] = t * slope
    gradient[LOG_G] = -depth * rise
    return parameters[A] + rise, gradient


@np.errstate(all="ignore")
def inverse(parameters: FloatArray, signal: FloatArray) -> FloatArray:
    """Read log doses back from signals.

    Parameters
    ----------
    parameters : array [parameter, ...]
        Curves.
    signal : array
        Signals [MFI], to be broadcast against one parameter.

    Returns
    -------
    array
        Log dose; -inf at or below the lower asymptote, +inf at or above the upper.
    """
    share = (signal - parameters[A]) / np.exp(parameters[LOG_SPAN])
    odds = np.expm1(-np.log(share) / np.exp(parameters[LOG_G]))
    log_x = parameters[LOG_C] - np.log(odds) / np.exp(parameters[LOG_B])
    log_x = np.where(share <= 0.0, -np.inf, np.where(share >= 1.0, np.inf, log_x))
    return np.where(np.isnan(signal), np.nan, log_x)


def ec50(parameters: FloatArray) -> FloatArray:
    """Find the dose half-way between the asymptotes; it is C only where G is 1.

    Parameters
    ----------
    parameters : array [parameter, ...]
        Curves.

    Returns
    -------
    array
        Dose [unit of the plate].
    """
    return np.asarray(np.exp(inverse(parameters, value_at_share(parameters, 0.5))))


def value_at_share(parameters: FloatArray, share: float) -> FloatArray:
    """Find the signal at a share of the way from the lower to the upper asymptote.

    Parameters
    ----------
    parameters : array [parameter, ...]
        Curves.
    share : float
        Between 0 and 1.

    Returns
    -------
    array
        Signal [MFI].
    """
    return np.asarray(parameters[A] + share * np.exp(parameters[LOG_SPAN]))


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Standards of many curves, padded: a root weight of 0 marks a point that is not there.

    Attributes
    ----------
    log_x, signal, root_weight : array [standard, curve]
        Log dose, signal [MFI], square root of the weight.
    """

    log_x: FloatArray
    signal: FloatArray
    root_weight: FloatArray


@np.errstate(all="ignore")
def fit(points: Points, starts: FloatArray, *, log_g_sd: float = np.inf, thorough: bool = False) -> Solutions:
    """Fit every curve; try those that end in doubt again from every start, and keep the best.

    Parameters
    ----------
    points : Points
        The data of all curves.
    starts : array [parameter, start, curve]
        Where the searches begin.
    log_g_sd : float
        Standard deviation of a normal prior on log G about 0: infinite for none, 0 for a four-parameter logistic.
    thorough : bool
        Doubt every curve and search longer; otherwise those not ended early or ended at an extreme asymmetry.

    Returns
    -------
    Solutions
        One column a curve; the cost holds the prior's part.
    """
    curve = np.arange(points.signal.shape[1])
    first = minimise(_Family(points, log_g_sd, curve), starts[:, 0], rounds=_EARLY)
    doubt = np.flatnonzero(thorough | ~first.converged | (np.abs(first.parameters[LOG_G]) > _EXTREME_LOG_G))
    if not doubt.size:
        return first
    again = np.concatenate([first.parameters[:, None, doubt], starts[:, 1:][:, :, doubt]], axis=1)
    tries = again.shape[1]
    second = minimise(
        _Family(points, log_g_sd, np.tile(doubt, tries)), again.reshape(5, -1), rounds=_LONG if thorough else _LATE
    )
    winner = second.cost.reshape(tries, -1).argmin(axis=0) * doubt.size + np.arange(doubt.size)
    first.parameters[:, doubt] = second.parameters[:, winner]
    first.cost[doubt], first.converged[doubt] = second.cost[winner], second.converged[winner]
    return first


def guesses(points: Points) -> FloatArray:
    """Guess where to begin: asymptotes from the extremes, a line through the logits, for three asymmetries.

    Parameters
    ----------
    points : Points
        The data of all curves.

    Returns
    -------
    array [parameter, start, curve]
        Starts.
    """
    there = points.root_weight > 0
    y = np.where(there, points.signal, np.nan)
    low, high = np.nanmin(y, axis=0), np.nanmax(y, axis=0)
    reach = np.maximum(high - low, 1e-9 * np.abs(high) + 1e-12)
    real = there & (points.log_x > ZERO_DOSE)
    starts = []
    for log_g, room in _GUESSES:
        a, span = low - 0.02 * reach, reach * (1.02 + room)
        share = np.clip((y - a) / span, 1e-3, 1 - 1e-3)
        logit = -np.log(np.expm1(-np.log(share) / np.exp(log_g)))
        used = real & (share > 0.01) & (share < 0.99)
        used = np.where(used.sum(axis=0) >= 3, used, real)
        slope, middle = _line(points.log_x, logit, used)
        slope = np.clip(slope, 0.2, 5.0)
        starts.append(np.stack([a, np.log(span), middle, np.log(slope), np.full_like(a, log_g)]))
    return np.stack(starts, axis=1)


def _line(x: FloatArray, y: FloatArray, used: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return slope and x-intercept of a least-squares line for each column."""
    n = np.maximum(used.sum(axis=0), 1)
    x, y = np.where(used, x, 0.0), np.where(used, y, 0.0)
    mean_x, mean_y = x.sum(axis=0) / n, y.sum(axis=0) / n
    dx = np.where(used, x - mean_x, 0.0)
    slope = (dx * (y - mean_y)).sum(axis=0) / np.maximum((dx * dx).sum(axis=0), 1e-12)
    return slope, mean_x - mean_y / np.where(np.abs(slope) < 1e-3, 1e-3, slope)


class _Family:
    """Weighted residuals of the curves, the prior's among them, for `minimise`."""

    def __init__(self, points: Points, log_g_sd: float, curve: IndexArray) -> None:
        self.points = points
        self.pull = 1.0 / max(log_g_sd, FIXED)
        self.curve = curve

    def __call__(self, parameters: FloatArray, problems: IndexArray) -> tuple[FloatArray, FloatArray]:
        curve = self.curve[problems]
        log_x, signal, root = (
            table[:, curve] for table in (self.points.log_x, self.points.signal, self.points.root_weight)
        )
        predicted, jacobian = value_and_gradient(parameters[:, None], log_x)
        residual = root * (signal - predicted)
        jacobian *= -root
        if self.pull > 0.0:
            rows = np.zeros((5, 1, curve.size))
            rows[LOG_G] = self.pull
            residual = np.concatenate([residual, self.pull * parameters[LOG_G : LOG_G + 1]])
            jacobian = np.concatenate([jacobian, rows], axis=1)
        return residual, jacobian
