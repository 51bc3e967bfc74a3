"""The curve through a dilution series: plateau and rate, lytic units, and when neither may be given as a number."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from decidua.cytotoxicity.lysis import LysisDraws, quantity_of
from decidua.cytotoxicity.noise import FloatArray
from decidua.errors import OutsideLimits
from decidua.knowledge import constant, fact, table
from decidua.measurement import Censoring, LogNormal, Quantity
from decidua.tables import nearest

_TAIL = 0.025
_LYMPHOCYTES = 1e7  # a lytic unit is counted per 10^7 lymphocytes
_RATE_STEPS = 64
_LEAST_RISE, _MOST_RISE = 1e-3, 8.0  # of k x: beyond them the curve is a straight line from 0, or flat
_FINE_STEPS = (0.1, 0.02, 0.004)  # of ln k
_FIGURE_POINTS = 25
_CONVERGED = 1e-6  # of the logarithms of middle and slope

_Line = tuple[float, ...]


class CurveModel(StrEnum):
    """Shape of the curve."""

    EXPONENTIAL = "exponential"
    LOGISTIC = "logistic"


@dataclass(frozen=True, slots=True, eq=False)
class Exponential:
    """Curves y = A (1 - exp(-k x)), one a draw.

    Attributes
    ----------
    plateau : float array [draw]
        A, 0-1.
    rate : float array [draw]
        k, for one effector per target.
    edges : tuple of float
        Least and greatest rate the effector:target ratios can tell from a straight line and from a plateau.

    Notes
    -----
    Source: Bol1986.
    """

    plateau: FloatArray
    rate: FloatArray
    edges: tuple[float, float]

    @classmethod
    def fit(cls, ratios: FloatArray, lysis: FloatArray, weights: FloatArray) -> Exponential:
        """Fit every draw by weighted least squares, 0 <= A <= 1.

        For a given k the best A is known, so only k is searched; where that A comes out above 1, k is searched again
        with A = 1.

        Parameters
        ----------
        ratios : float array [ratio]
            Effectors per target.
        lysis : float array [draw, ratio]
            As fractions.
        weights : float array [ratio]
            Reciprocal variances.

        Returns
        -------
        Exponential
            One curve a draw.
        """
        edges = (_LEAST_RISE / float(ratios.max()), _MOST_RISE / float(ratios.min()))
        rate = _best_rate(edges, ratios, lysis, weights, free=True)
        plateau = _plateau(-np.expm1(-rate[:, None] * ratios), lysis, weights)
        full = plateau > 1
        rate[full] = _best_rate(edges, ratios, lysis[full], weights, free=False)
        return cls(np.clip(plateau, 0.0, 1.0), rate, edges)

    def lysis_at(self, ratios: FloatArray) -> FloatArray:
        """Return the lysis at effectors per target, float array [draw, ratio]."""
        return self.plateau[:, None] * -np.expm1(-self.rate[:, None] * ratios)

    def ratio_at(self, lysis: float) -> FloatArray:
        """Return the effectors per target that reach a lysis, infinite where the plateau lies below it."""
        reached = self.plateau > lysis
        part = np.divide(lysis, self.plateau, out=np.zeros_like(self.plateau), where=reached)
        return np.where(reached, -np.log1p(-part) / self.rate, np.inf)


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """Curves logistic in ln x with plateau 1, one a draw: y = 1 / (1 + (x / middle)^-slope).

    Attributes
    ----------
    middle : float array [draw]
        Effectors per target that kill half.
    slope : float array [draw]
        Of the logit in ln x.

    Notes
    -----
    Source: Pross1981 (the von Krogh equation).
    """

    middle: FloatArray
    slope: FloatArray

    @classmethod
    def fit(cls, ratios: FloatArray, lysis: FloatArray, weights: FloatArray) -> Logistic:
        """Fit every draw by weighted least squares (Levenberg-Marquardt on all draws at once).

        Parameters
        ----------
        ratios : float array [ratio]
            Effectors per target.
        lysis : float array [draw, ratio]
            As fractions.
        weights : float array [ratio]
            Reciprocal variances.

        Returns
        -------
        Logistic
            One curve a draw; slope 0.1 to 10.
        """
        x = np.log(ratios)
        least = np.array([x.min() - 8.0, math.log(0.1)])
        most = np.array([x.max() + 12.0, math.log(10.0)])
        inner = np.clip(lysis, 0.005, 0.995)
        logits = np.log(inner / (1 - inner))
        slope = np.clip((logits * (x - x.mean())).sum(axis=1) / ((x - x.mean()) ** 2).sum(), 0.2, 5.0)
        at = np.clip(np.stack([x.mean() - logits.mean(axis=1) / slope, np.log(slope)], axis=1), least, most)
        damping = np.full(len(lysis), 1e-3)
        error = _logistic_error(at, x, lysis, weights)
        for _ in range(60):
            step = _logistic_step(at, x, lysis, weights, damping, (least, most))
            tried = np.clip(at + step, least, most)
            new = _logistic_error(tried, x, lysis, weights)
            moved = float(np.abs(tried - at).max())
            better = new < error
            at[better], error[better] = tried[better], new[better]
            if moved < _CONVERGED:
                break
            damping = np.clip(np.where(better, damping / 5, damping * 4), 1e-9, 1e9)
        return cls(np.exp(at[:, 0]), np.exp(at[:, 1]))

    def lysis_at(self, ratios: FloatArray) -> FloatArray:
        """Return the lysis at effectors per target, float array [draw, ratio]."""
        return _expit(self.slope[:, None] * np.log(ratios / self.middle[:, None]))

    def ratio_at(self, lysis: float) -> FloatArray:
        """Return the effectors per target that reach a lysis, float array [draw]."""
        return self.middle * (lysis / (1 - lysis)) ** (1 / self.slope)


@dataclass(frozen=True, slots=True)
class KillingCurve:
    """The curve through the lysis of one sample without drug.

    Attributes
    ----------
    plateau : Quantity or None
        A [%]; None for the logistic curve, whose plateau is 100 %.
    rate : Quantity or None
        k [1], for one effector per target; None for the logistic curve.
    activity : Quantity or None
        k for one NK cell per target [1]; None where the NK share is not stated.
    lytic_units : Quantity or None
        Per 10^7 lymphocytes; None where the targets per tube are not stated.
    effector_target, lysis, lower, upper : tuple of float
        The curve with its 95 % band for the figure, from half the lowest ratio to the highest [x of x:1, %].
    flags : tuple of str
        ``curve_misfit`` where the points stray from the curve by more than their errors.
    """

    plateau: Quantity | None
    rate: Quantity | None
    activity: Quantity | None
    lytic_units: Quantity | None
    effector_target: tuple[float, ...]
    lysis: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    flags: tuple[str, ...] = ()


def lytic_unit(percent: float) -> str:
    """Return the unit of lytic units at a lysis.

    Parameters
    ----------
    percent : float
        Lysis [%].

    Returns
    -------
    str
        Such as ``{LU10}/10*7``.

    Raises
    ------
    OutsideLimits
        Where the units table has none for it.
    """
    unit = f"{{LU{percent:g}}}/10*7"
    if fact("units", unit) is None:
        known = [key for key, row in table("units").items() if row["kind"] == "lytic units"]
        raise OutsideLimits(f"there is no lytic unit at {percent:g} %.", place="percent", remedy=nearest(unit, known))
    return unit


def curve_of(
    lysis: LysisDraws,
    *,
    model: CurveModel,
    percent: float,
    targets_per_tube: float | None,
    nk_share: float | None,
) -> KillingCurve:
    """Fit the curve and read from it what the series can carry.

    Parameters
    ----------
    lysis : LysisDraws
        Without drug.
    model : CurveModel
        Exponential or logistic.
    percent : float
        Lysis that defines the lytic unit [%].
    targets_per_tube : float or None
        Targets put into each tube [cells].
    nk_share : float or None
        NK cells among live effectors, 0-1.

    Returns
    -------
    KillingCurve
        With intervals from the draws, each fitted with the same weights.

    Raises
    ------
    OutsideLimits
        Where the units table has no lytic unit at this lysis.
    BrokenKnowledge
        Where a constant of the room is missing.
    """
    unit = lytic_unit(percent)
    shape = Exponential if model is CurveModel.EXPONENTIAL else Logistic
    best = shape.fit(lysis.ratios, lysis.observed[None, :], lysis.weights)
    drawn = shape.fit(lysis.ratios, lysis.draws, lysis.weights)
    plateau = rate = units = None
    if isinstance(best, Exponential) and isinstance(drawn, Exponential):
        shared = lysis.condition.spontaneous.shared_error
        plateau = quantity_of(100 * float(best.plateau[0]), 100 * drawn.plateau, "%", shared)
        rate = _rate(best, drawn, shared)
    if targets_per_tube is not None:
        units = lytic_units(
            (float(best.ratio_at(percent / 100)[0]), drawn.ratio_at(percent / 100)),
            lysis,
            plateau_lower=100.0 if plateau is None or plateau.lower is None else plateau.lower,
            percent=percent,
            targets_per_tube=targets_per_tube,
            unit=unit,
        )
    flags = ("curve_misfit",) if _strays(lysis, best, drawn) else ()
    line = _line(lysis.ratios, best, drawn)
    return KillingCurve(plateau, rate, _per_nk_cell(rate, nk_share), units, *line, flags)


def lytic_units(
    reached: tuple[float, FloatArray],
    lysis: LysisDraws,
    *,
    plateau_lower: float,
    percent: float,
    targets_per_tube: float,
    unit: str,
) -> Quantity:
    """State lytic units, 10^7 / (T x_p), or the limit the series can carry; nothing is extrapolated.

    Parameters
    ----------
    reached : tuple of float and float array [draw]
        x_p, effectors per target that reach the lysis, and its draws; infinite where never.
    lysis : LysisDraws
        The series.
    plateau_lower : float
        Lower 95 % limit of the plateau [%].
    percent : float
        p [%].
    targets_per_tube : float
        T [cells].
    unit : str
        That of the result.

    Returns
    -------
    Quantity
        Below (the value being that of the highest ratio tested) where the plateau is not shown to exceed p, where no
        ratio reaches p within its interval, or where the curve reaches p beyond the highest ratio only. Above (that
        of half the lowest ratio) where the curve reaches p before. The interval is that of the draws all the same.
    """
    ratio, draws = reached
    highest, lowest = float(lysis.ratios.max()), float(lysis.ratios.min())
    shared = lysis.condition.spontaneous.shared_error
    uppers = [point.lysis.upper for point in lysis.condition.points]
    units = _LYMPHOCYTES / (targets_per_tube * draws)
    low, high = (float(q) for q in np.quantile(units, (_TAIL, 1 - _TAIL)))
    none_reaches = all(upper is not None and upper < percent for upper in uppers)
    if plateau_lower <= percent or none_reaches or ratio > highest:
        limit = _LYMPHOCYTES / (targets_per_tube * highest)
        return Quantity(limit, unit, min(low, limit), max(high, limit), Censoring.BELOW, shared_error=shared)
    if ratio < lowest / 2:
        limit = _LYMPHOCYTES / (targets_per_tube * lowest / 2)
        return Quantity(limit, unit, min(low, limit), None, Censoring.ABOVE, shared_error=shared)
    return quantity_of(_LYMPHOCYTES / (targets_per_tube * ratio), units, unit, shared)


def _rate(best: Exponential, drawn: Exponential, shared: str) -> Quantity:
    """State k: not determined without lysis, a lower bound where the lowest ratio is already on the plateau."""
    if best.plateau[0] <= 0 or np.quantile(drawn.plateau, _TAIL) <= 0:
        return Quantity(None, "1", censored=Censoring.UNDETERMINED, shared_error=shared)
    stated = quantity_of(float(best.rate[0]), drawn.rate, "1", shared)
    if stated.lower is None or stated.upper is None or stated.upper < 0.99 * drawn.edges[1]:
        return stated
    return Quantity(stated.lower, "1", stated.lower, None, Censoring.ABOVE, shared_error=shared)


def _line(
    ratios: FloatArray, best: Exponential | Logistic, drawn: Exponential | Logistic
) -> tuple[_Line, _Line, _Line, _Line]:
    """Return effectors per target, lysis and its 95 % limits [%] along the curve."""
    x = np.geomspace(ratios.min() / 2, ratios.max(), _FIGURE_POINTS)
    lower, upper = 100 * np.quantile(drawn.lysis_at(x), (_TAIL, 1 - _TAIL), axis=0)
    middle = 100 * best.lysis_at(x)[0]
    return tuple(x.tolist()), tuple(middle.tolist()), tuple(lower.tolist()), tuple(upper.tolist())


def _per_nk_cell(rate: Quantity | None, nk_share: float | None) -> Quantity | None:
    """Divide k by the NK share, which is what fitting on x times that share comes to."""
    if rate is None or nk_share is None:
        return None
    if nk_share == 0:
        return Quantity(None, "1", censored=Censoring.UNDETERMINED, shared_error=rate.shared_error)
    value, lower, upper = (None if v is None else v / nk_share for v in (rate.value, rate.lower, rate.upper))
    kept = rate.uncertainty if isinstance(rate.uncertainty, LogNormal) else None
    return replace(rate, value=value, lower=lower, upper=upper, uncertainty=kept)


def _strays(lysis: LysisDraws, best: Exponential | Logistic, drawn: Exponential | Logistic) -> bool:
    """Compare the residuals of the points with those their errors alone would leave."""
    left = lysis.observed - best.lysis_at(lysis.ratios)[0]
    by_chance = lysis.draws - drawn.lysis_at(lysis.ratios) - left
    observed = float((lysis.weights * left**2).sum())
    return bool(((lysis.weights * by_chance**2).sum(axis=1) >= observed).mean() < constant("curve_misfit_level"))


def _best_rate(
    edges: tuple[float, float], ratios: FloatArray, lysis: FloatArray, weights: FloatArray, *, free: bool
) -> FloatArray:
    """Search k of every draw on a grid within the edges, then by parabolas through the lowest point."""
    rates = np.geomspace(*edges, _RATE_STEPS)
    shape = -np.expm1(-np.outer(rates, ratios))
    over, under = (lysis * weights) @ shape.T, shape**2 @ weights
    log_rate = np.log(rates)[_misfit(over, under, free=free).argmin(axis=1)]
    for step in (math.log(rates[1] / rates[0]), *_FINE_STEPS):
        around = np.exp(log_rate[:, None] + step * np.array([-1.0, 0.0, 1.0]))
        shapes = -np.expm1(-around[:, :, None] * ratios)
        over, under = (shapes * (weights * lysis)[:, None, :]).sum(axis=2), shapes**2 @ weights
        low, middle, high = _misfit(over, under, free=free).T
        bend = low - 2 * middle + high
        shift = np.divide(0.5 * (low - high), bend, out=np.zeros_like(bend), where=bend > 0)
        log_rate = np.clip(log_rate + step * np.clip(shift, -1.0, 1.0), *np.log(edges))
    found: FloatArray = np.exp(log_rate)
    return found


def _misfit(over: FloatArray, under: FloatArray, *, free: bool) -> FloatArray:
    """Return the weighted squared residuals, less those of no curve at all, at the best plateau above 0 or at 1."""
    misfit: FloatArray = -(np.maximum(over, 0.0) ** 2) / under if free else under - 2 * over
    return misfit


def _plateau(shape: FloatArray, lysis: FloatArray, weights: FloatArray) -> FloatArray:
    best: FloatArray = (weights * lysis * shape).sum(axis=1) / (shape**2 @ weights)
    return best


def _expit(z: FloatArray) -> FloatArray:
    return 0.5 * (1 + np.tanh(z / 2))


def _logistic_error(at: FloatArray, x: FloatArray, lysis: FloatArray, weights: FloatArray) -> FloatArray:
    fitted = _expit(np.exp(at[:, 1:]) * (x - at[:, :1]))
    error: FloatArray = (weights * (lysis - fitted) ** 2).sum(axis=1)
    return error


def _logistic_step(
    at: FloatArray,
    x: FloatArray,
    lysis: FloatArray,
    weights: FloatArray,
    damping: FloatArray,
    limits: tuple[FloatArray, FloatArray],
) -> FloatArray:
    slope, distance = np.exp(at[:, 1:]), x - at[:, :1]
    fitted = _expit(slope * distance)
    steep = fitted * (1 - fitted) * slope
    along = np.stack([-steep, steep * distance], axis=2)
    gradient = (along * (weights * (lysis - fitted))[:, :, None]).sum(axis=1)
    held = ((at <= limits[0]) & (gradient < 0)) | ((at >= limits[1]) & (gradient > 0))
    along *= ~held[:, None, :]
    gradient *= ~held
    normal = np.einsum("dri,drj,r->dij", along, along, weights)
    index = np.arange(2)
    normal[:, index, index] *= 1 + damping[:, None]
    normal[:, index, index] += 1e-12
    step: FloatArray = np.linalg.solve(normal, gradient[:, :, None])[:, :, 0]
    return step
