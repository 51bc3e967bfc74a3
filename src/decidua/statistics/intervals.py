"""95 % intervals of a share, of a paired-background difference, of a log-normal quantity and of draws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincinv, ndtr, ndtri

from decidua.errors import OutsideLimits
from decidua.statistics.checks import FloatArray, check_draws, check_log_sd, check_positive, finite_draws
from decidua.statistics.counts import PairedCounts, checked_counts

TAIL = 0.025
"""Probability left outside at either end of every interval of this room [1]."""

Z = float(ndtri(1 - TAIL))
"""The standard normal quantile that leaves `TAIL` above it [1]."""

MAX_CV = 3.0
"""Greatest coefficient of variation taken for a fraction [1]: a larger one was given in per cent."""


class LimitsMethod(StrEnum):
    """How the limits of one share are found."""

    JEFFREYS = "jeffreys"
    WILSON = "wilson"


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % limits; a side without a limit is 0 or infinite.

    Parameters
    ----------
    value, lower, upper : float
        All in the unit of the quantity; negatives are kept.
    """

    value: float
    lower: float
    upper: float


def share_limits(
    n_pos: npt.ArrayLike, n_parent: npt.ArrayLike, method: LimitsMethod = LimitsMethod.JEFFREYS
) -> tuple[FloatArray, FloatArray]:
    """Find the 95 % limits of shares.

    Parameters
    ----------
    n_pos, n_parent : array_like
        Positive cells and their parent population [cells], of shapes that broadcast.
    method : LimitsMethod
        Jeffreys (equal tails of the posterior; closed at 0 and 1 where the count is) or Wilson (score).

    Returns
    -------
    tuple of ndarray
        Lower and upper limits [1], in the broadcast shape.

    Raises
    ------
    OutsideLimits
        A count is not a whole number or negative, or a parent is empty or smaller than its part.

    Sources
    -------
    Brown2001, Newcombe1998
    """
    part, whole = checked_counts(n_pos, n_parent)
    if method is LimitsMethod.JEFFREYS:
        lower = betaincinv(part + 0.5, whole - part + 0.5, TAIL)
        upper = betaincinv(part + 0.5, whole - part + 0.5, 1 - TAIL)
    else:
        share = part / whole
        centre = share + Z**2 / (2 * whole)
        half = Z * np.sqrt(share * (1 - share) / whole + (Z / (2 * whole)) ** 2)
        lower, upper = (centre - half) / (1 + Z**2 / whole), (centre + half) / (1 + Z**2 / whole)
    return np.where(part == 0, 0.0, lower), np.where(part == whole, 1.0, upper)


def difference_limits(
    n_pos: npt.ArrayLike,
    n_parent: npt.ArrayLike,
    n_pos_control: npt.ArrayLike,
    n_parent_control: npt.ArrayLike,
    method: LimitsMethod = LimitsMethod.JEFFREYS,
) -> tuple[FloatArray, FloatArray]:
    """Find the 95 % limits of the share less the control's share by variance recovery (MOVER).

    On Wilson limits this is Newcombe's interval. The limits of each tube are found in that tube's own shape
    before the two are joined, so an open mesh of counts costs no more than its two sides.

    Parameters
    ----------
    n_pos, n_parent : array_like
        Positive cells and their parent population in the stimulated tube [cells].
    n_pos_control, n_parent_control : array_like
        The same in the unstimulated tube.
    method : LimitsMethod
        How each tube's own limits are found.

    Returns
    -------
    tuple of ndarray
        Lower and upper limits of the difference [1], in the broadcast shape.

    Raises
    ------
    OutsideLimits
        A count is not a whole number or negative, or a parent is empty or smaller than its part.

    Sources
    -------
    Newcombe1998, DonnerZou2012
    """
    lower_s, upper_s = share_limits(n_pos, n_parent, method)
    lower_u, upper_u = share_limits(n_pos_control, n_parent_control, method)
    share_s = np.asarray(n_pos, dtype=np.float64) / np.asarray(n_parent, dtype=np.float64)
    share_u = np.asarray(n_pos_control, dtype=np.float64) / np.asarray(n_parent_control, dtype=np.float64)
    difference = share_s - share_u
    below = np.sqrt((share_s - lower_s) ** 2 + (upper_u - share_u) ** 2)
    above = np.sqrt((upper_s - share_s) ** 2 + (share_u - lower_u) ** 2)
    return difference - below, difference + above


def net_share_interval(counts: PairedCounts, method: LimitsMethod = LimitsMethod.JEFFREYS) -> Interval:
    """Give a net share with its 95 % interval, negatives kept.

    Parameters
    ----------
    counts : PairedCounts
        With a control tube: the difference of the two shares; without: the share itself.
    method : LimitsMethod
        How each tube's own limits are found.

    Returns
    -------
    Interval
        In shares of the parent population [1].
    """
    if counts.n_pos_control is None or counts.n_parent_control is None:
        lower, upper = share_limits(counts.n_pos, counts.n_parent, method)
    else:
        lower, upper = difference_limits(
            counts.n_pos, counts.n_parent, counts.n_pos_control, counts.n_parent_control, method
        )
    return Interval(counts.net_share, float(lower), float(upper))


def probability_not_positive(
    n_pos: npt.ArrayLike,
    n_parent: npt.ArrayLike,
    n_pos_control: npt.ArrayLike,
    n_parent_control: npt.ArrayLike,
) -> FloatArray:
    """Find the posterior probability, under Jeffreys' priors, that a share is not above its control's.

    The one-dimensional integral is summed over equal steps of a normal score, without draws.

    Parameters
    ----------
    n_pos, n_parent : array_like
        Positive cells and their parent population in the stimulated tube [cells].
    n_pos_control, n_parent_control : array_like
        The same in the unstimulated tube; all four of shapes that broadcast.

    Returns
    -------
    ndarray
        Probabilities [1], in the broadcast shape.

    Raises
    ------
    OutsideLimits
        A count is not a whole number or negative, or a parent is empty or smaller than its part.
    """
    tube = _posterior(n_pos, n_parent)
    control = _posterior(n_pos_control, n_parent_control)
    tube_is_narrower = _beta_variance(*tube) < _beta_variance(*control)
    # Steps over the narrower posterior, along which the wider one's distribution function is smooth.
    narrow = [np.where(tube_is_narrower, t, c)[..., None] for t, c in zip(tube, control, strict=True)]
    wide = [np.where(tube_is_narrower, c, t)[..., None] for t, c in zip(tube, control, strict=True)]
    score = np.arange(-7, 7.01, 0.25)
    weight = np.exp(-(score**2) / 2)
    below = np.asarray(betainc(*wide, betaincinv(*narrow, ndtr(score))), dtype=np.float64)
    wide_is_lower: FloatArray = below @ weight / weight.sum()
    return np.where(tube_is_narrower, 1 - wide_is_lower, wide_is_lower)


def _posterior(n_pos: npt.ArrayLike, n_parent: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    part, whole = checked_counts(n_pos, n_parent)
    return part + 0.5, whole - part + 0.5


def _beta_variance(a: FloatArray, b: FloatArray) -> FloatArray:
    return a * b / ((a + b) ** 2 * (a + b + 1))


def p_net_not_positive(counts: PairedCounts) -> float:
    """Find the posterior probability that a net share is zero or less.

    Parameters
    ----------
    counts : PairedCounts
        Without a control tube the answer is 0: a share is above zero.

    Returns
    -------
    float
        Probability [1].
    """
    if counts.n_pos_control is None or counts.n_parent_control is None:
        return 0.0
    return float(probability_not_positive(counts.n_pos, counts.n_parent, counts.n_pos_control, counts.n_parent_control))


def share_draws(n_pos: npt.ArrayLike, n_parent: npt.ArrayLike, rng: np.random.Generator, draws: int) -> FloatArray:
    """Draw shares from their posterior under Jeffreys' prior.

    Parameters
    ----------
    n_pos, n_parent : array_like
        Positive cells and their parent population [cells], of shapes that broadcast.
    rng : numpy.random.Generator
        Seeded by the caller.
    draws : int
        How many.

    Returns
    -------
    ndarray
        Shares [1], in the broadcast shape with the axis `draw` last.

    Raises
    ------
    OutsideLimits
        A count is not a whole number or negative, a parent is empty or smaller than its part, or there are
        fewer than `MIN_DRAWS` draws.
    """
    check_draws(draws)
    part, whole = np.broadcast_arrays(*checked_counts(n_pos, n_parent))
    return rng.beta(part[..., None] + 0.5, (whole - part)[..., None] + 0.5, (*part.shape, draws))


def net_share_draws(counts: PairedCounts, rng: np.random.Generator, draws: int) -> FloatArray:
    """Draw a net share from its posterior: a draw of the tube's share less a draw of the control's.

    Parameters
    ----------
    counts : PairedCounts
        Without a control tube nothing is subtracted.
    rng : numpy.random.Generator
        Seeded by the caller.
    draws : int
        How many.

    Returns
    -------
    ndarray
        Net shares [1], axis `draw`; negatives kept.

    Raises
    ------
    OutsideLimits
        There are fewer than `MIN_DRAWS` draws.
    """
    net = share_draws(counts.n_pos, counts.n_parent, rng, draws)
    if counts.n_pos_control is None or counts.n_parent_control is None:
        return net
    return net - share_draws(counts.n_pos_control, counts.n_parent_control, rng, draws)


def interval_of_draws(draws: npt.ArrayLike) -> Interval:
    """Read the median and the equal-tailed 95 % interval from draws of one quantity.

    Parameters
    ----------
    draws : array_like
        Draws, axis `draw` [unit of the quantity].

    Returns
    -------
    Interval
        In the unit of the draws.

    Raises
    ------
    OutsideLimits
        There are fewer than `MIN_DRAWS` draws, or one is not a finite number.
    """
    lower, median, upper = np.quantile(finite_draws(draws, "draws"), (TAIL, 0.5, 1 - TAIL))
    return Interval(float(median), float(lower), float(upper))


def log_normal_interval(median: float, log_sd: float) -> Interval:
    """Give the 95 % interval of a log-normal quantity.

    Parameters
    ----------
    median : float
        Above zero [unit of the quantity].
    log_sd : float
        Standard deviation of its natural logarithm [1].

    Returns
    -------
    Interval
        In the unit of the median.

    Raises
    ------
    OutsideLimits
        The median is not a finite number above zero, or the standard deviation not within 0 to `MAX_LOG_SD`.
    """
    check_positive(median, "median")
    check_log_sd(log_sd, "log_sd")
    factor = math.exp(Z * log_sd)
    return Interval(median, median / factor, median * factor)


def log_sd_of_cvs(*cvs: float) -> float:
    """Join coefficients of variation into the standard deviation of the natural logarithm.

    Parameters
    ----------
    *cvs : float
        Independent coefficients of variation of one log-normal quantity, as fractions [1].

    Returns
    -------
    float
        sqrt(ln(1 + sum of squares)) [1].

    Raises
    ------
    OutsideLimits
        One is not a fraction within 0 to `MAX_CV`.

    Sources
    -------
    Fokkema2006
    """
    for cv in cvs:
        if not 0 <= cv <= MAX_CV:
            raise OutsideLimits(
                f"A coefficient of variation of {cv} is not a fraction within 0 to {MAX_CV:g}.",
                place="cvs",
                remedy="Give it as a fraction: 0.10 for 10 %.",
            )
    return math.sqrt(math.log1p(math.fsum(cv**2 for cv in cvs)))
