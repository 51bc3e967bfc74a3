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
_STEEPEST = 500.0
_EARLY = 40
_EXTREME_LOG_G = 1.5


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
    t = np.clip(np.exp(parameters[LOG_B]) * (log_x - parameters[LOG_C]), -_STEEPEST, _STEEPEST)
    share = np.exp(-np.exp(parameters[LOG_G]) * np.log1p(np.exp(-t)))
    return np.asarray(parameters[A] + np.exp(parameters[LOG_SPAN]) * share)


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
    t = np.clip(b * (log_x - parameters[LOG_C]), -_STEEPEST, _STEEPEST)
    odds = np.exp(-t)
    depth = g * np.log1p(odds)
    rise = np.exp(parameters[LOG_SPAN]) * np.exp(-depth)
    slope = rise * (g * odds / (1.0 + odds))
    gradient = np.empty((5, *np.shape(rise)))
    gradient[A] = 1.0
    gradient[LOG_SPAN] = rise
    gradient[LOG_C] = -b * slope
    gradient[LOG_B] = t * slope
    gradient[LOG_G] = -depth * rise
    return parameters[A] + rise, gradient


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
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
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
class Prior:
    """What is known of the parameters before a fit: independent normals, an infinite SD where nothing is.

    Attributes
    ----------
    mean, sd : array [parameter]
        Of (A, log(D - A), log C, log B, log G).
    """

    mean: FloatArray
    sd: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Standards:
    """Standards of many curves, padded: a root weight of 0 marks a point that is not there.

    Attributes
    ----------
    log_x, signal, root_weight : array [standard, curve]
        Log dose, signal [MFI], square root of the weight.
    """

    log_x: FloatArray
    signal: FloatArray
    root_weight: FloatArray


def fit(standards: Standards, prior: Prior, starts: FloatArray, *, rounds: int = 300) -> Solutions:
    """Fit every curve, and those that end in doubt again from every start; keep the best.

    Parameters
    ----------
    standards : Standards
        The data of all curves.
    prior : Prior
        Shared by all curves.
    starts : array [parameter, start, curve]
        Where the searches begin.
    rounds : int
        Most steps of a search in doubt: not ended early, or ended at an extreme asymmetry.

    Returns
    -------
    Solutions
        One column a curve.
    """
    curve = np.arange(standards.signal.shape[1])
    first = minimise(_Family(standards, prior, curve), starts[:, 0], rounds=_EARLY)
    doubt = np.flatnonzero(~first.converged | (np.abs(first.parameters[LOG_G]) > _EXTREME_LOG_G))
    if not doubt.size:
        return first
    again = np.concatenate([first.parameters[:, None, doubt], starts[:, 1:][:, :, doubt]], axis=1)
    tries = again.shape[1]
    second = minimise(_Family(standards, prior, np.tile(doubt, tries)), again.reshape(5, -1), rounds=rounds)
    winner = second.cost.reshape(tries, -1).argmin(axis=0) * doubt.size + np.arange(doubt.size)
    first.parameters[:, doubt] = second.parameters[:, winner]
    first.cost[doubt], first.converged[doubt] = second.cost[winner], second.converged[winner]
    return first


def guesses(standards: Standards) -> FloatArray:
    """Guess where to begin: asymptotes from the extremes, the rest from a line through the logits, three asymmetries.

    Parameters
    ----------
    standards : Standards
        The data of all curves.

    Returns
    -------
    array [parameter, start, curve]
        Starts.
    """
    there = standards.root_weight > 0
    y = np.where(there, standards.signal, np.nan)
    low, high = np.nanmin(y, axis=0), np.nanmax(y, axis=0)
    reach = np.maximum(high - low, 1e-9 * np.abs(high) + 1e-12)
    real = there & (standards.log_x > ZERO_DOSE)
    starts = []
    for log_g, room in ((0.0, 0.05), (-0.7, 0.2), (0.7, 0.6)):
        a, span = low - 0.02 * reach, reach * (1.02 + room)
        share = np.clip((y - a) / span, 1e-3, 1 - 1e-3)
        logit = -np.log(np.expm1(-np.log(share) / np.exp(log_g)))
        used = real & (share > 0.01) & (share < 0.99)
        used = np.where(used.sum(axis=0) >= 3, used, real)
        slope, middle = _line(standards.log_x, logit, used)
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

    def __init__(self, standards: Standards, prior: Prior, curve: IndexArray) -> None:
        self.standards = standards
        self.prior = prior
        self.curve = curve
        self.bound = np.flatnonzero(np.isfinite(prior.sd))

    def __call__(self, parameters: FloatArray, problems: IndexArray) -> tuple[FloatArray, FloatArray]:
        curve = self.curve[problems]
        log_x, signal, root = (
            table[:, curve] for table in (self.standards.log_x, self.standards.signal, self.standards.root_weight)
        )
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            predicted, jacobian = value_and_gradient(parameters[:, None], log_x)
            residual = root * (signal - predicted)
            jacobian *= -root
        if self.bound.size:
            pull = (parameters[self.bound] - self.prior.mean[self.bound, None]) / self.prior.sd[self.bound, None]
            rows = np.zeros((5, len(self.bound), curve.size))
            rows[self.bound, np.arange(len(self.bound))] = 1.0 / self.prior.sd[self.bound, None]
            residual = np.concatenate([residual, pull])
            jacobian = np.concatenate([jacobian, rows], axis=1)
        return residual, jacobian
