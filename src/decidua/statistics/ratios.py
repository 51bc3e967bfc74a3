"""95 % intervals of a ratio whose lower term may be near zero: determined, one-sided or not determined."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from decidua.errors import OutsideLimits
from decidua.statistics.checks import FloatArray, check_draws, finite_draws
from decidua.statistics.counts import BooleanCounts, PairedCounts, checked_cells, checked_counts
from decidua.statistics.intervals import TAIL, Interval, net_share_draws, p_net_not_positive

DRAWS = 100_000
"""Posterior draws behind one ratio: an end's standard error is then some 0.2 % of the interval's width, and up to
1.5 % where the lower term is barely above zero."""

ROUNDING = 1e-12
"""Slack that keeps a probability equal to a tail within the closed set [1]."""

LARGEST_LOG = 700.0
"""Beyond e to this power an end of a ratio is as good as none, and no float holds it [1]."""


class Outcome(StrEnum):
    """What can be said of a ratio."""

    DETERMINED = "determined"
    ONE_SIDED = "one_sided"
    NOT_DETERMINED = "not_determined"


class RatioBasis(StrEnum):
    """What a ratio's interval was computed from."""

    JOINT_COUNTS = "joint_counts"
    MARGINS_ONLY = "margins_only"
    SEPARATE_CELLS = "separate_cells"
    INTERVALS = "intervals"
    DRAWS = "draws"


@dataclass(frozen=True, slots=True)
class RatioInterval:
    """A ratio with its 95 % set and what that set allows to be said.

    Parameters
    ----------
    outcome : Outcome
        Determined: both ends; one-sided: one end, the ratio is stored as censored there; not determined: none.
    point : float or None
        The ratio of the two values [1]; None where the lower one is not above zero or is only bounded.
    lower, upper : float or None
        Ends of the set [1]; None where there is no such end.
    p_denominator_not_positive : float
        Posterior probability that the lower term is zero or less [1]; to be printed with the ratio, because
        an interval of a ratio that is rarely determined is too narrow whenever it is.
    basis : RatioBasis
        What it was computed from; `MARGINS_ONLY` took two shares of the same cells for independent.
    """

    outcome: Outcome
    point: float | None
    lower: float | None
    upper: float | None
    p_denominator_not_positive: float
    basis: RatioBasis


def ratio_of_joint_counts(
    stimulated: BooleanCounts,
    unstimulated: BooleanCounts | None,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> RatioInterval:
    """Divide two net shares of the same cells.

    Parameters
    ----------
    stimulated : BooleanCounts
        The four counts of the tube.
    unstimulated : BooleanCounts or None
        Those of its control; None where no background is subtracted.
    rng : numpy.random.Generator
        Seeded by the caller.
    draws : int
        Posterior draws.

    Returns
    -------
    RatioInterval
        On the basis of joint counts.

    Raises
    ------
    OutsideLimits
        There are fewer than `MIN_DRAWS` draws.

    Sources
    -------
    Fieller1954
    """
    control = None if unstimulated is None else unstimulated.cells
    terms = joint_draws(stimulated.cells, control, rng, draws)
    numerator, denominator = _margin_counts(stimulated, unstimulated)
    return _ratio_of_counts(numerator, denominator, terms, RatioBasis.JOINT_COUNTS)


def ratio_of_separate_counts(
    numerator: PairedCounts,
    denominator: PairedCounts,
    rng: np.random.Generator,
    *,
    same_cells: bool,
    draws: int = DRAWS,
) -> RatioInterval:
    """Divide two net shares whose errors are taken for independent.

    Parameters
    ----------
    numerator, denominator : PairedCounts
        Each with its own tube, parent and control, or without a control.
    rng : numpy.random.Generator
        Seeded by the caller.
    same_cells : bool
        True where both come from the same cells and only their joint counts are missing: the basis then says
        that independence was assumed. False where they come from different tubes or parents.
    draws : int
        Posterior draws.

    Returns
    -------
    RatioInterval
        On the basis of margins only, or of separate cells.

    Raises
    ------
    OutsideLimits
        There are fewer than `MIN_DRAWS` draws.

    Sources
    -------
    Fieller1954
    """
    terms = net_share_draws(numerator, rng, draws), net_share_draws(denominator, rng, draws)
    basis = RatioBasis.MARGINS_ONLY if same_cells else RatioBasis.SEPARATE_CELLS
    return _ratio_of_counts(numerator, denominator, terms, basis)


def ratio_of_draws(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> RatioInterval:
    """Divide two quantities given as draws of their posterior.

    Parameters
    ----------
    numerator, denominator : array_like
        Draws, axis `draw`, in one unit; drawn together where their errors are shared.

    Returns
    -------
    RatioInterval
        On the basis of draws; the point is the median of the quotients where the lower term is positive, None
        where that is in doubt.

    Raises
    ------
    OutsideLimits
        The two differ in length, hold fewer than `MIN_DRAWS` draws or one that is not a finite number.
    """
    upper_term = finite_draws(numerator, "numerator")
    lower_term = finite_draws(denominator, "denominator")
    if upper_term.shape != lower_term.shape:
        raise OutsideLimits(
            f"{upper_term.size} draws cannot be divided by {lower_term.size}.",
            place="numerator, denominator",
            remedy="Give as many draws of the one as of the other, paired where their errors are shared.",
        )
    p_not_positive = float(np.mean(upper_term <= 0)), float(np.mean(lower_term <= 0))
    point = None
    if p_not_positive[1] < TAIL:
        positive = lower_term > 0
        point = float(np.median(upper_term[positive] / lower_term[positive]))
    return _ratio_interval((upper_term, lower_term), p_not_positive, point, RatioBasis.DRAWS)


def ratio_of_intervals(numerator: Interval, denominator: Interval) -> RatioInterval:
    """Divide two positive quantities with independent errors by variance recovery on logarithms (MOVER).

    A censored quantity has its limit as value and an open side: below is `Interval(c, 0, c)`, above is
    `Interval(c, c, inf)`. If one of the two has an open side, the end it leaves is given; if both have, none.

    Parameters
    ----------
    numerator, denominator : Interval
        In one unit; values above zero, limits from 0 to infinity.

    Returns
    -------
    RatioInterval
        On the basis of intervals; the point is None unless determined.

    Raises
    ------
    OutsideLimits
        A value is not above zero and finite, or does not lie within its limits.

    Sources
    -------
    DonnerZou2012
    """
    below_n, above_n = _log_distances(numerator, "numerator")
    below_d, above_d = _log_distances(denominator, "denominator")
    log_ratio = math.log(numerator.value) - math.log(denominator.value)
    log_lower, log_upper = log_ratio - math.hypot(below_n, above_d), log_ratio + math.hypot(above_n, below_d)
    if math.inf in (below_n, above_n) and math.inf in (below_d, above_d):
        log_lower, log_upper = -math.inf, math.inf
    lower = math.exp(log_lower) if log_lower > -LARGEST_LOG else None
    upper = math.exp(log_upper) if log_upper < LARGEST_LOG else None
    if lower is not None and upper is not None:
        outcome, point = Outcome.DETERMINED, math.exp(log_ratio)
        return RatioInterval(outcome, point, lower, upper, 0.0, RatioBasis.INTERVALS)
    one_sided = lower is not None or upper is not None
    outcome = Outcome.ONE_SIDED if one_sided else Outcome.NOT_DETERMINED
    return RatioInterval(outcome, None, lower, upper, 0.0, RatioBasis.INTERVALS)


def joint_draws(
    stimulated: npt.ArrayLike,
    unstimulated: npt.ArrayLike | None,
    rng: np.random.Generator,
    draws: int,
) -> tuple[FloatArray, FloatArray]:
    """Draw two net shares of the same cells from their joint posterior (Dirichlet, prior 1/4 a cell).

    Parameters
    ----------
    stimulated : array_like
        Counts of many tubes at once, axes `..., cell` in the order ++, +-, -+, -- [cells].
    unstimulated : array_like or None
        The same of their controls; None where no background is subtracted.
    rng : numpy.random.Generator
        Seeded by the caller.
    draws : int
        How many.

    Returns
    -------
    tuple of ndarray
        Net shares [1] of the ratio's upper and lower term, axes `..., draw`.

    Raises
    ------
    OutsideLimits
        There are fewer than `MIN_DRAWS` draws, a count is not whole or negative, or a tube is empty or not four
        counts.
    """
    check_draws(draws)
    numerator, denominator = _margins(stimulated, rng, draws)
    if unstimulated is not None:
        numerator_control, denominator_control = _margins(unstimulated, rng, draws)
        numerator -= numerator_control
        denominator -= denominator_control
    return numerator, denominator


def ratio_limits(
    numerator: FloatArray,
    denominator: FloatArray,
    p_numerator: npt.ArrayLike | None = None,
    p_denominator: npt.ArrayLike | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Find the ends of {R >= 0 : 0.025 <= P(numerator > R denominator) <= 0.975} from draws.

    As R grows, each draw changes its answer at most once, at the quotient of its two terms: sorting the
    quotients gives the probability at every R at once. Where the set has gaps, its outermost ends are given.
    Of a term that is surely below zero nothing can be said, and the set is everything.

    Parameters
    ----------
    numerator, denominator : ndarray
        Draws of many ratios at once, axes `..., draw`.
    p_numerator, p_denominator : array_like or None
        Probabilities that the terms are zero or less [1], axes `...`, where they are known better than from
        the draws: the probability at R = 0 and at R without end is then theirs, so that which ends there are
        does not depend on the draws.

    Returns
    -------
    tuple of ndarray
        Lower ends or 0, upper ends or infinity [1], axes `...`.

    Raises
    ------
    OutsideLimits
        The two differ in shape, or have no draws.

    Sources
    -------
    Fieller1954
    """
    if numerator.shape != denominator.shape or numerator.size == 0:
        raise OutsideLimits("Draws are divided one by one.", place="numerator, denominator")
    draws = numerator.shape[-1]
    edges, above = _turning_points(numerator, denominator)
    drawn_at_zero, drawn_at_end = above[..., 0] / draws, above[..., -1] / draws
    at_zero = drawn_at_zero if p_numerator is None else 1 - np.asarray(p_numerator, dtype=np.float64)
    at_end = drawn_at_end if p_denominator is None else np.asarray(p_denominator, dtype=np.float64)
    drawn_fall = drawn_at_zero - drawn_at_end
    stretch = np.divide(at_zero - at_end, drawn_fall, out=np.ones_like(drawn_fall), where=drawn_fall != 0)
    level = at_end[..., None] + (above / draws - drawn_at_end[..., None]) * stretch[..., None]
    inside = (level >= TAIL - ROUNDING) & (level <= 1 - TAIL + ROUNDING)
    first = inside.argmax(axis=-1)[..., None]
    last = draws - inside[..., ::-1].argmax(axis=-1)[..., None]
    lower = np.where(first == 0, 0.0, np.take_along_axis(edges, np.maximum(first - 1, 0), axis=-1))
    upper = np.where(last == draws, np.inf, np.take_along_axis(edges, np.minimum(last, draws - 1), axis=-1))
    below_zero = (at_zero < TAIL) | (at_end > 1 - TAIL)
    return np.where(below_zero, 0.0, lower[..., 0]), np.where(below_zero, np.inf, upper[..., 0])


def _turning_points(numerator: FloatArray, denominator: FloatArray) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    # The R at which draws change their answer, rising, infinite for those that never do; and the number of
    # draws above R before the first and after each, one longer.
    rises = (numerator <= 0) & (denominator < 0)
    step = rises.astype(np.int64) - ((numerator > 0) & (denominator > 0))
    turn = np.full(numerator.shape, np.inf)
    np.divide(numerator, denominator, out=turn, where=step != 0)
    order = np.argsort(turn, axis=-1)
    steps = [(numerator > 0).sum(axis=-1, keepdims=True), np.take_along_axis(step, order, axis=-1)]
    return np.take_along_axis(turn, order, axis=-1), np.concatenate(steps, axis=-1).cumsum(axis=-1)


def _margin_counts(stimulated: BooleanCounts, unstimulated: BooleanCounts | None) -> tuple[PairedCounts, PairedCounts]:
    tubes = [tube for tube in (stimulated, unstimulated) if tube is not None]
    numerator = [count for tube in tubes for count in (tube.n_numerator, tube.n_parent)]
    denominator = [count for tube in tubes for count in (tube.n_denominator, tube.n_parent)]
    return PairedCounts(*numerator), PairedCounts(*denominator)


def _ratio_of_counts(
    numerator: PairedCounts,
    denominator: PairedCounts,
    terms: tuple[FloatArray, FloatArray],
    basis: RatioBasis,
) -> RatioInterval:
    p_not_positive = p_net_not_positive(numerator), p_net_not_positive(denominator)
    point = numerator.net_share / denominator.net_share if denominator.net_share > 0 else None
    return _ratio_interval(terms, p_not_positive, point, basis)


def _ratio_interval(
    terms: tuple[FloatArray, FloatArray],
    p_not_positive: tuple[float, float],
    point: float | None,
    basis: RatioBasis,
) -> RatioInterval:
    lower, upper = (float(end) for end in ratio_limits(*terms, *p_not_positive))
    p_numerator, p_denominator = p_not_positive
    if upper < math.inf:
        return RatioInterval(Outcome.DETERMINED, point, lower, upper, p_denominator, basis)
    if lower <= 0 and p_numerator < TAIL:
        lower = _bound_where_positive(*terms)
    if lower > 0:
        return RatioInterval(Outcome.ONE_SIDED, point, lower, None, p_denominator, basis)
    return RatioInterval(Outcome.NOT_DETERMINED, point, None, None, p_denominator, basis)


def _bound_where_positive(numerator: FloatArray, denominator: FloatArray) -> float:
    """Bound a ratio whose lower term is surely below its background, but cannot truly be less than zero."""
    possible = denominator > 0
    return float(np.quantile(numerator[possible] / denominator[possible], TAIL)) if possible.any() else 0.0


def _margins(cells: npt.ArrayLike, rng: np.random.Generator, draws: int) -> tuple[FloatArray, FloatArray]:
    counts = checked_cells(cells, "cells")
    if counts.ndim == 0 or counts.shape[-1] != 4:
        raise OutsideLimits("A tube has four counts: ++, +-, -+ and --.", place="cells")
    checked_counts(counts, counts.sum(axis=-1, keepdims=True))
    weights = rng.standard_gamma(counts[..., None] + 0.25, (*counts.shape, draws))
    both, numerator_only, denominator_only, neither = np.moveaxis(weights, -2, 0)
    total = both + numerator_only + denominator_only + neither
    return (both + numerator_only) / total, (both + denominator_only) / total


def _log_distances(quantity: Interval, place: str) -> tuple[float, float]:
    value, lower, upper = quantity.value, quantity.lower, quantity.upper
    if not (0 < value < math.inf and 0 <= lower <= value <= upper):
        raise OutsideLimits(
            f"A value above zero within its limits is needed, not {value} in {lower} to {upper}.", place=place
        )
    log_value = math.log(value)
    below = log_value - math.log(lower) if lower > 0 else math.inf
    above = math.log(upper) - log_value if upper < math.inf else math.inf
    return below, above
