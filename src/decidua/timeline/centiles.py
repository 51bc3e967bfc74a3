"""Smooth centiles over gestation: the Box-Cox Cole-Green density and its penalised fit to a cohort.

L is the skewness, M the median and S the coefficient of variation of one measurand, each a curve over
gestational days or, in a phase without a time axis, a constant.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import BSpline
from scipy.special import log_ndtr

from decidua.errors import DidNotConverge, OutsideLimits
from decidua.measurement.nouns import FloatArray, IntArray
from decidua.timeline.standing import box_cox, box_cox_slope, finite, positive

WINDOW = (28, 294)
"""First and last gestational day the knots span unless said [d]."""

MIN_WOMEN = 20
"""Fewest women a reference is fitted to: below, the report draws the women themselves."""

MIN_DAYS = 4
"""Fewest different days a curve over gestation is fitted to."""

MAX_ROUNDS = 200
"""Rounds of scoring and smoothing after which a fit has failed; a fit takes about 12, the slowest seen 154."""

_REMEDY = "Collect more women; look for values that repeat or follow the days without spread."

_PRIOR = (0.0, 0.0, 1.0)
"""Precision of the normal prior of each coefficient of ln M, ln S and L [1]."""


@dataclass(frozen=True, slots=True, eq=False)
class LMS:
    """Skewness, median and coefficient of variation with their standard errors, arrays of one shape.

    Attributes
    ----------
    L : ndarray
        Box-Cox power [1]; 0 is log-normal.
    M : ndarray
        Median [unit of the values].
    S : ndarray
        Coefficient of variation [1].
    se_L, se_lnM, se_lnS : ndarray
        Standard errors of L, ln M and ln S [1].
    """

    L: FloatArray
    M: FloatArray
    S: FloatArray
    se_L: FloatArray
    se_lnM: FloatArray
    se_lnS: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class FittedLMS(LMS):
    """L, M and S fitted to a cohort, on every whole day from its first value to its last.

    Attributes
    ----------
    gestational_day : ndarray of int
        Axis `day` of the six arrays [d]; empty where they are constants of a phase without a time axis.
    n_women, n_values : int
        Behind the fit.
    edf_L, edf_lnM, edf_lnS : float
        Effective degrees of freedom of each curve [1].
    """

    gestational_day: IntArray
    n_women: int
    n_values: int
    edf_L: float
    edf_lnM: float
    edf_lnS: float

    def at(self, gestational_day: npt.ArrayLike) -> LMS:
        """Read the curves at whole days.

        Parameters
        ----------
        gestational_day : array_like of int
            Of any shape [d].

        Returns
        -------
        LMS
            Arrays in the shape of the days.

        Raises
        ------
        OutsideLimits
            A day is not whole or lies outside those observed, or the fit has no time axis.
        """
        day = finite(gestational_day, "gestational_day")
        if not self.gestational_day.size:
            raise OutsideLimits("This fit has no time axis.", remedy="Use its constants as they are.")
        first, last = self.gestational_day[[0, -1]]
        if np.any((day < first) | (day > last) | (day != np.round(day))):
            raise OutsideLimits(
                f"The curves hold whole days from {first} to {last} only.",
                place="gestational_day",
                remedy="Place only within the gestational ages that the reference observed.",
            )
        i = day.astype(np.int64) - first
        return LMS(self.L[i], self.M[i], self.S[i], self.se_L[i], self.se_lnM[i], self.se_lnS[i])


def log_density(value: npt.ArrayLike, L: npt.ArrayLike, M: npt.ArrayLike, S: npt.ArrayLike) -> FloatArray:
    """Give the logarithm of the Box-Cox Cole-Green density.

    Parameters
    ----------
    value : array_like
        Above zero [unit of M].
    L, M, S : array_like
        Box-Cox power [1], median [unit of the values] and coefficient of variation [1]; all shapes broadcast.

    Returns
    -------
    ndarray
        Natural logarithm of the density per unit of M.

    Raises
    ------
    OutsideLimits
        A number is not finite, or a value, M or S is not above zero.

    Sources
    -------
    ColeGreen1992, Rigby2004
    """
    y, median, spread, skew = positive(value, "value"), positive(M, "M"), positive(S, "S"), finite(L, "L")
    ratio = np.log(y / median)
    with np.errstate(divide="ignore"):
        inside = log_ndtr(1 / (spread * np.abs(skew)))
    half = box_cox(ratio, skew, spread) ** 2 / 2
    return np.asarray(skew * ratio - np.log(spread) - half - np.log(y) - np.log(2 * np.pi) / 2 - inside)


def fit_lms(
    gestational_day: npt.ArrayLike,
    value: npt.ArrayLike,
    woman: Iterable[Hashable],
    *,
    window: tuple[int, int] = WINDOW,
    bases: int = 10,
) -> FittedLMS:
    """Fit smooth curves of L, M and S over gestation by penalised likelihood.

    Several values of one woman count as independent in the curves; the women enter the smoothing and the
    standard errors, which join the sandwich over women and the bias expected of smoothing. The likelihood leaves
    out the share of the normal beyond the value zero or infinity, so that scores are normal and M is the median.

    Parameters
    ----------
    gestational_day : array_like
        Day of each value, axis `value` [d].
    value : array_like
        Above zero, axis `value` [one unit].
    woman : iterable of hashable
        Who each value is of, axis `value`.
    window : tuple of int
        First and last day the knots span [d]; every value lies within.
    bases : int
        Cubic B-splines of each curve, at least 4.

    Returns
    -------
    FittedLMS
        On every whole day from the first value to the last.

    Raises
    ------
    OutsideLimits
        The three differ in length; a number is not finite, a value not above zero or a day outside the window;
        there are fewer than `MIN_WOMEN` women, `MIN_DAYS` days or 4 bases; or all values are equal.
    DidNotConverge
        Scoring and smoothing came to no rest.

    Sources
    -------
    ColeGreen1992, Rigby2004, EilersMarx1996, WoodFasiolo2017, LiangZeger1986
    """
    day = finite(gestational_day, "gestational_day")
    ln_value, owner = _cohort(value, woman)
    if day.shape != ln_value.shape:
        raise OutsideLimits(f"{day.size} days stand beside {ln_value.size} values.", place="gestational_day")
    if bases < 4 or window[1] <= window[0]:
        raise OutsideLimits("A cubic curve needs at least 4 bases over a window that ends after it begins.")
    if np.any((day < window[0]) | (day > window[1])):
        raise OutsideLimits(
            f"A value lies outside the window of days {window[0]} to {window[1]}.",
            place="gestational_day",
            remedy="Fit the phases outside it on their own, or widen the window.",
        )
    if np.unique(day).size < MIN_DAYS:
        raise OutsideLimits(
            f"Fewer than {MIN_DAYS} different days carry no curve over gestation.",
            place="gestational_day",
            remedy="Use fit_lms_constant.",
        )
    differences = tuple(np.diff(np.eye(bases), order, axis=0) for order in (2, 2, 1))
    stiffness = tuple(np.asarray(np.linalg.svd(d, compute_uv=False) ** 2, dtype=np.float64) for d in differences)
    model = _Model(ln_value, owner, _splines(day, window, bases), differences, stiffness)
    grid = np.arange(np.ceil(day.min()), np.floor(day.max()) + 1)
    return _read(model, _splines(grid, window, bases), grid.astype(np.int64))


def fit_lms_constant(value: npt.ArrayLike, woman: Iterable[Hashable]) -> FittedLMS:
    """Fit constant L, M and S to a phase without a time axis, such as post partum.

    Parameters
    ----------
    value : array_like
        Above zero, axis `value` [one unit].
    woman : iterable of hashable
        Who each value is of, axis `value`.

    Returns
    -------
    FittedLMS
        Arrays without axes and no gestational day; standard errors are the sandwich over women.

    Raises
    ------
    OutsideLimits
        The two differ in length; a number is not finite or not above zero; there are fewer than `MIN_WOMEN`
        women; or all values are equal.
    DidNotConverge
        Scoring came to no rest.

    Sources
    -------
    ColeGreen1992, Rigby2004, LiangZeger1986
    """
    ln_value, owner = _cohort(value, woman)
    model = _Model(ln_value, owner, np.ones((ln_value.size, 1)), (np.zeros((0, 1)),) * 3, (np.zeros(0),) * 3)
    return _read(model, np.ones(1), np.empty(0, dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """A cohort and the basis its curves are drawn in; coefficients run through ln M, ln S, L."""

    ln_value: FloatArray
    owner: IntArray
    basis: FloatArray
    differences: tuple[FloatArray, ...]
    stiffness: tuple[FloatArray, ...]

    @property
    def n_women(self) -> int:
        return int(self.owner.max()) + 1

    @property
    def blocks(self) -> tuple[slice, slice, slice]:
        k = self.basis.shape[1]
        return slice(0, k), slice(k, 2 * k), slice(2 * k, 3 * k)

    def start(self) -> FloatArray:
        return np.repeat([self.ln_value.mean(), np.log(self.ln_value.std()), 0.0], self.basis.shape[1])

    def curves(self, coefficients: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        ln_m, ln_s, skew = (self.basis @ coefficients[block] for block in self.blocks)
        return ln_m, ln_s, skew

    def penalised(self, coefficients: FloatArray, smoothing: FloatArray) -> float:
        rough = sum(
            lam * np.sum((d @ coefficients[block]) ** 2)
            for lam, d, block in zip(smoothing, self.differences, self.blocks, strict=True)
        )
        prior = _PRIOR[2] * np.sum(coefficients[self.blocks[2]] ** 2)
        return float(np.sum(_log_likelihood(self.ln_value, *self.curves(coefficients))) - (rough + prior) / 2)

    def scores(self, coefficients: FloatArray) -> FloatArray:
        """Give the slopes of each value's log-density, axes `value`, `coefficient`."""
        slopes = _likelihood_slopes(self.ln_value, *self.curves(coefficients))
        return np.concatenate([self.basis * slope[:, None] for slope in slopes], axis=1)

    def information(self, coefficients: FloatArray) -> FloatArray:
        """Give the expected information, axes `coefficient`, `coefficient`."""
        _, ln_s, skew = self.curves(coefficients)
        s = np.exp(ln_s)
        # The matrix of the six is positive definite only while |L S| < 0.83.
        bend = np.clip(skew * s, -0.6, 0.6)
        weights = {
            (0, 0): (1 + 2 * bend**2) / s**2,
            (1, 1): np.full_like(s, 2.0),
            (2, 2): 1.75 * s**2,
            (0, 1): 2 * bend / s,
            (0, 2): np.full_like(s, -0.5),
            (1, 2): bend * s,
        }
        k, blocks = self.basis.shape[1], self.blocks
        information = np.empty((3 * k, 3 * k))
        for (i, j), weight in weights.items():
            block = (self.basis * weight[:, None]).T @ self.basis
            information[blocks[i], blocks[j]] = information[blocks[j], blocks[i]] = block
        return information

    def penalty(self, smoothing: FloatArray) -> FloatArray:
        """Give the penalty of roughness, and of coefficients of L away from their prior N(0, 1)."""
        k = self.basis.shape[1]
        penalty = np.diag(np.repeat(_PRIOR, k))
        for lam, d, block in zip(smoothing, self.differences, self.blocks, strict=True):
            penalty[block, block] += lam * (d.T @ d)
        return penalty


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """One set of coefficients with the slopes of each value's log-density, axis `value` first, and the information."""

    coefficients: FloatArray
    scores: FloatArray
    information: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Spread:
    """What smoothing and standard errors need at a point: posterior, women's noise, degrees of freedom, clustering."""

    posterior: FloatArray
    noise: FloatArray
    edf: FloatArray
    clustering: FloatArray


def _point(model: _Model, coefficients: FloatArray) -> _Point:
    return _Point(coefficients, model.scores(coefficients), model.information(coefficients))


def _spread(model: _Model, point: _Point, smoothing: FloatArray) -> _Spread:
    posterior = np.asarray(np.linalg.inv(point.information + model.penalty(smoothing)), dtype=np.float64)
    by_value = point.scores @ posterior
    by_woman = np.zeros((model.n_women, by_value.shape[1]))
    np.add.at(by_woman, model.owner, by_value)
    edf, clustering = np.empty(3), np.ones(3)
    for j, (d, block) in enumerate(zip(model.differences, model.blocks, strict=True)):
        edf[j] = np.sum(posterior[block] * point.information[block])
        rough = np.sum((by_value[:, block] @ d.T) ** 2)
        # Roughness that women bring in beyond what as many independent values would.
        if rough > 0:
            clustering[j] = max(1.0, np.sum((by_woman[:, block] @ d.T) ** 2) / rough)
    return _Spread(posterior, by_woman.T @ by_woman, edf, clustering)


def _step(model: _Model, point: _Point, smoothing: FloatArray) -> tuple[_Point, float]:
    """Take one step of Fisher scoring, halved until the likelihood rises; also give twice the gain it promised."""
    penalty = model.penalty(smoothing)
    slope = point.scores.sum(axis=0) - penalty @ point.coefficients
    move = np.linalg.solve(point.information + penalty, slope)
    gain = float(slope @ move)
    before = model.penalised(point.coefficients, smoothing)
    for part in 0.5 ** np.arange(30):
        coefficients = point.coefficients + part * move
        after = model.penalised(coefficients, smoothing)
        if after >= before + 0.1 * part * gain - 1e-13 * (1 + abs(before)):
            return _point(model, coefficients), gain
    raise DidNotConverge("A step of the LMS fit found no better curve.", place="value", remedy=_REMEDY)


def _smoothing_step(model: _Model, point: _Point, smoothing: FloatArray, spread: _Spread) -> FloatArray:
    """Give the logarithmic step of each smoothing parameter after Fellner and Schall.

    The likelihood of values that cluster in women counts for less, by the factor `clustering`.
    """
    step = np.zeros(3)
    for j, (d, block) in enumerate(zip(model.differences, model.blocks, strict=True)):
        prior = smoothing[j] * model.stiffness[j]
        taken = smoothing[j] * np.sum(spread.posterior[block, block] * (d.T @ d))
        free = np.sum(prior / (prior + _PRIOR[j])) - taken
        rough = smoothing[j] * np.sum((d @ point.coefficients[block]) ** 2)
        step[j] = np.log(spread.clustering[j] * max(free, 1e-12) / max(rough, 1e-300))
    return step


def _solve(model: _Model) -> tuple[_Point, FloatArray]:
    """Alternate scoring and smoothing until both rest, then score at the smoothing found."""
    point = _point(model, model.start())
    information = np.diag(point.information)
    first = np.array(
        [np.sum(information[b]) / max(np.sum(e), 1.0) for e, b in zip(model.stiffness, model.blocks, strict=True)]
    )
    smoothing, edf, pace, step, rests = 100 * first, np.full(3, np.inf), np.ones(3), np.zeros(3), False
    for _ in range(MAX_ROUNDS):
        point, gain = _step(model, point, smoothing)
        if rests and gain < 1e-8:
            return point, smoothing
        spread = _spread(model, point, smoothing)
        rests = rests or (gain < 1e-3 and bool(np.max(np.abs(spread.edf - edf)) < 1e-3))
        if rests:
            continue
        edf, before = spread.edf, step
        step = _smoothing_step(model, point, smoothing, spread)
        # Bare updates crawl where a curve wants to be straight: quicken while the direction holds.
        pace = np.where(step * before > 0, np.minimum(1.5 * pace, 64.0), 1.0)
        smoothing = np.clip(smoothing * np.exp(np.clip(pace * step, -5, 5)), 1e-6 * first, 1e6 * first)
    raise DidNotConverge(f"The LMS fit came to no rest in {MAX_ROUNDS} rounds.", place="value", remedy=_REMEDY)


def _read(model: _Model, at: FloatArray, grid: IntArray) -> FittedLMS:
    """Fit, and read curves and standard errors at rows of the basis."""
    try:
        # Trial steps may leave the range of floats; they are then refused for their likelihood.
        with np.errstate(all="ignore"):
            point, smoothing = _solve(model)
    except np.linalg.LinAlgError as error:
        raise DidNotConverge("The LMS fit lost its information.", place="value", remedy=_REMEDY) from error
    spread = _spread(model, point, smoothing)
    women, edf = model.n_women, spread.edf
    bias = spread.posterior @ model.penalty(smoothing * spread.clustering) @ spread.posterior
    covariance = spread.noise * women / max(women - edf.sum(), 1.0) + bias
    ln_m, ln_s, skew = (np.asarray(at @ point.coefficients[block]) for block in model.blocks)
    se_m, se_s, se_l = (np.sqrt(np.sum(at @ covariance[block, block] * at, axis=-1)) for block in model.blocks)
    return FittedLMS(
        L=skew,
        M=np.exp(ln_m),
        S=np.exp(ln_s),
        se_L=se_l,
        se_lnM=se_m,
        se_lnS=se_s,
        gestational_day=grid,
        n_women=women,
        n_values=model.ln_value.size,
        edf_L=float(edf[2]),
        edf_lnM=float(edf[0]),
        edf_lnS=float(edf[1]),
    )


def _cohort(value: npt.ArrayLike, woman: Iterable[Hashable]) -> tuple[FloatArray, IntArray]:
    """Check values and their owners; give logarithms and the owners' places."""
    ln_value = np.log(positive(value, "value"))
    places: dict[Hashable, int] = {}
    owner = np.array([places.setdefault(w, len(places)) for w in woman], dtype=np.int64)
    if ln_value.ndim != 1 or owner.shape != ln_value.shape:
        raise OutsideLimits(f"{owner.size} women stand beside {ln_value.size} values.", place="woman")
    if len(places) < MIN_WOMEN:
        raise OutsideLimits(
            f"{len(places)} women are too few for a reference.",
            place="woman",
            remedy=f"Collect at least {MIN_WOMEN} women; until then show their values.",
        )
    if np.ptp(ln_value) == 0:
        raise OutsideLimits("All values are equal: they have no spread.", place="value")
    return ln_value, owner


def _splines(day: FloatArray, window: tuple[int, int], bases: int) -> FloatArray:
    """Cubic B-splines on even knots that run on beyond the window, axes `day`, `basis`."""
    gap = (window[1] - window[0]) / (bases - 3)
    knots = window[0] + gap * np.arange(-3, bases + 1)
    # Rounding may leave the window's last day a hair beyond the knot that stands for it.
    return np.asarray(BSpline.design_matrix(np.minimum(day, knots[-4]), knots, 3).toarray())


def _log_likelihood(ln_value: FloatArray, ln_m: FloatArray, ln_s: FloatArray, skew: FloatArray) -> FloatArray:
    """Give Cole and Green's log-likelihood of each value, less what no parameter enters.

    With the share beyond zero or infinity, which `log_density` holds, a wide and skewed cohort has its greatest
    likelihood on a ridge, and an M there that is no median.
    """
    ratio = ln_value - ln_m
    return np.asarray(skew * ratio - ln_s - box_cox(ratio, skew, np.exp(ln_s)) ** 2 / 2)


def _likelihood_slopes(
    ln_value: FloatArray, ln_m: FloatArray, ln_s: FloatArray, skew: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give its slopes in ln M, ln S and L."""
    ratio, s = ln_value - ln_m, np.exp(ln_s)
    z = box_cox(ratio, skew, s)
    return z * np.exp(skew * ratio) / s - skew, z**2 - 1, ratio - z * box_cox_slope(ratio, skew, s)
