"""Reference limits of a laboratory's own controls: the central 95 % of healthy women, with intervals of both limits.

One value a woman; the intervals of the limits are 90 %, as laboratories print them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, t

from decidua.errors import OutsideLimits
from decidua.statistics.checks import FloatArray
from decidua.statistics.intervals import TAIL, Interval

FEWEST_ROBUST = 40
"""Fewest women robust limits are computed from: below, the women themselves are shown."""

FEWEST_NONPARAMETRIC = 120
"""Fewest women of whom the outermost value bounds a limit's 90 % interval."""

VERIFIERS = 20
"""Women a borrowed interval is verified on."""

MOST_OUTSIDE = 2
"""Most of the `VERIFIERS` that may lie outside a borrowed interval."""

RESAMPLES = 2_000
"""Bootstrap samples behind the intervals of robust limits."""

_LIMIT_TAIL = 0.05
_WIDE, _NARROW = 205.6, 3.7
_MAD_TO_SD = 0.6745
_CLOSE = 1e-6
_MOST_ROUNDS = 1_000


@dataclass(frozen=True, slots=True)
class ReferenceLimits:
    """The limits that hold the central 95 % of women.

    Attributes
    ----------
    low, high : Interval
        Centiles 2.5 and 97.5 with the 90 % interval of each [unit of the values].
    n : int
        Women behind them.
    """

    low: Interval
    high: Interval
    n: int


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a borrowed interval holds in a laboratory's own women.

    Attributes
    ----------
    n, outside : int
        Women it was tried on, and how many of them lie outside.
    """

    n: int
    outside: int

    @property
    def holds(self) -> bool:
        """Whether at most `MOST_OUTSIDE` of them lie outside."""
        return self.outside <= MOST_OUTSIDE


def robust_limits(values: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Estimate the central 95 % by Horn's robust method, on the scale of the values.

    Parameters
    ----------
    values : array_like
        One a woman, axes `..., woman` [any unit].

    Returns
    -------
    tuple of ndarray
        Low and high limits, axes `...` [unit of the values].

    Raises
    ------
    OutsideLimits
        There are fewer than three women, a value is not a finite number, or at least half of a set are equal.

    Sources
    -------
    Horn1998, EP28
    """
    x = _numbers(values, fewest=3)
    median = np.median(x, axis=-1, keepdims=True)
    mad = np.median(np.abs(x - median), axis=-1, keepdims=True) / _MAD_TO_SD
    if np.any(mad == 0):
        raise OutsideLimits(
            "At least half of the values are equal: they have no robust spread.",
            place="values",
            remedy="Report more digits, or show the women themselves.",
        )
    return _horn(x, median, mad)


def robust_reference(values: npt.ArrayLike, rng: np.random.Generator, resamples: int = RESAMPLES) -> ReferenceLimits:
    """Estimate robust limits with bootstrap intervals.

    Parameters
    ----------
    values : array_like
        One a woman, axis `woman` [any unit].
    rng : numpy.random.Generator
        Seeded by the caller.
    resamples : int
        Bootstrap samples.

    Returns
    -------
    ReferenceLimits
        With 90 % percentile intervals.

    Raises
    ------
    OutsideLimits
        There are fewer than `FEWEST_ROBUST` women, or as of `robust_limits`.

    Sources
    -------
    Horn1998, EP28
    """
    x = _numbers(values, fewest=FEWEST_ROBUST, axes=1)
    low, high = (float(limit) for limit in robust_limits(x))
    drawn = x[rng.integers(x.size, size=(resamples, x.size))]
    median = np.median(drawn, axis=-1, keepdims=True)
    mad = np.median(np.abs(drawn - median), axis=-1, keepdims=True) / _MAD_TO_SD
    spread = mad[:, 0] > 0  # rounded values: a resample of one value alone has no limits
    lows, highs = _horn(drawn[spread], median[spread], mad[spread])
    tails = [_LIMIT_TAIL, 1 - _LIMIT_TAIL]
    return ReferenceLimits(
        Interval(low, *_around(low, np.quantile(lows, tails))),
        Interval(high, *_around(high, np.quantile(highs, tails))),
        x.size,
    )


def nonparametric_reference(values: npt.ArrayLike) -> ReferenceLimits:
    """Read the limits off the ranks p (n + 1), and their intervals off the binomial ranks.

    Parameters
    ----------
    values : array_like
        One a woman, axis `woman` [any unit].

    Returns
    -------
    ReferenceLimits
        With 90 % intervals that assume no distribution.

    Raises
    ------
    OutsideLimits
        There are fewer than `FEWEST_NONPARAMETRIC` women, or a value is not a finite number.

    Sources
    -------
    EP28
    """
    x = np.sort(_numbers(values, fewest=FEWEST_NONPARAMETRIC, axes=1))
    n = x.size
    low, high = np.interp([TAIL * (n + 1), (1 - TAIL) * (n + 1)], np.arange(1, n + 1), x)
    # The r-th value lies above the centile when fewer than r women do not: each side may err one time in twenty.
    first = int(binom.ppf(_LIMIT_TAIL, n, TAIL))
    last = int(binom.ppf(1 - _LIMIT_TAIL, n, TAIL)) + 1
    return ReferenceLimits(
        Interval(float(low), float(x[first - 1]), float(x[last - 1])),
        Interval(float(high), float(x[n - last]), float(x[n - first])),
        n,
    )


def verify_interval(values: npt.ArrayLike, low: float, high: float) -> Verification:
    """Try a borrowed interval on the first twenty of a laboratory's own women.

    An interval that is right fails one such trial in thirteen by chance.

    Parameters
    ----------
    values : array_like
        One a woman in the order they were measured, axis `woman` [any unit].
    low, high : float
        The borrowed limits [unit of the values].

    Returns
    -------
    Verification
        How many of the twenty lie outside.

    Raises
    ------
    OutsideLimits
        There are fewer than `VERIFIERS` women, a value is not a finite number, or the limits do not ascend.

    Sources
    -------
    EP28
    """
    if not low < high:
        raise OutsideLimits(f"{low} to {high} is no interval.", place="low, high")
    x = _numbers(values, fewest=VERIFIERS, axes=1)[:VERIFIERS]
    return Verification(VERIFIERS, int(np.sum((x < low) | (x > high))))


def _horn(x: FloatArray, median: FloatArray, mad: FloatArray) -> tuple[FloatArray, FloatArray]:
    n = x.shape[-1]
    centre = _bisquare_centre(x, median, mad)
    wide = _spread(_WIDE, x, median, mad)
    narrow = _spread(_NARROW, x, centre, _spread(_NARROW, x, median, mad))
    half = t.ppf(1 - TAIL, n - 1) * np.sqrt(wide**2 + narrow**2 / n)
    return (centre - half)[..., 0], (centre + half)[..., 0]


def _bisquare_centre(x: FloatArray, median: FloatArray, mad: FloatArray) -> FloatArray:
    centre, moving = median.copy(), np.ones(median.shape, dtype=bool)
    for _ in range(_MOST_ROUNDS):
        u = (x - centre) / (_NARROW * mad)
        weight = np.where(np.abs(u) < 1, (1 - u**2) ** 2, 0.0)
        moved = (weight * x).sum(axis=-1, keepdims=True) / weight.sum(axis=-1, keepdims=True)
        moving &= np.abs(moved - centre) >= _CLOSE
        if not moving.any():
            break
        # The published digits keep the centre before the last small step.
        centre = np.where(moving, moved, centre)
    return centre


def _spread(c: float, x: FloatArray, centre: FloatArray, scale: FloatArray) -> FloatArray:
    u = (x - centre) / (c * scale)
    square = np.where(np.abs(u) < 1, u**2, 1.0)
    top = (square * (1 - square) ** 4).sum(axis=-1, keepdims=True)
    bottom = ((1 - square) * (1 - 5 * square)).sum(axis=-1, keepdims=True)
    return np.asarray(c * scale * np.sqrt(x.shape[-1] * top / (bottom * np.maximum(1.0, bottom - 1))))


def _around(value: float, ends: FloatArray) -> tuple[float, float]:
    return min(value, float(ends[0])), max(value, float(ends[1]))


def _numbers(values: npt.ArrayLike, *, fewest: int, axes: int | None = None) -> FloatArray:
    try:
        x = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OutsideLimits(f"The values are not numbers: {error}.", place="values") from error
    if x.ndim == 0 or (axes is not None and x.ndim != axes) or not np.all(np.isfinite(x)):
        raise OutsideLimits("Reference values are finite numbers, one a woman.", place="values")
    if x.shape[-1] < fewest:
        raise OutsideLimits(
            f"{x.shape[-1]} women are fewer than {fewest}.",
            place="values",
            remedy="Measure more women; until then show the women themselves.",
        )
    return x
