"""How far a repeat may differ with nothing changed: regression to the mean, and the reference change.

Every figure comes from the caller and belongs to one measurand of one laboratory; none is borrowed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from decidua.errors import OutsideLimits
from decidua.statistics.checks import FloatArray, check_log_sd, check_positive
from decidua.statistics.intervals import Interval, Z, log_normal_interval


@dataclass(frozen=True, slots=True)
class WomenTested:
    """How a measurand varies, on the log scale, among the women who were tested.

    Parameters
    ----------
    geometric_mean : float
        Of the women tested, not of the healthy [unit of the measurand].
    within_log_sd : float
        Standard deviation of the natural logarithm within one woman, assay included [1].
    icc : float
        Share of the log variance that lies between women, from 0 to below 1 [1].

    Raises
    ------
    OutsideLimits
        The mean is not above zero, the ICC not within 0 to below 1, or a standard deviation, within one woman
        or in all, not within 0 to `MAX_LOG_SD`.
    """

    geometric_mean: float
    within_log_sd: float
    icc: float

    def __post_init__(self) -> None:
        check_positive(self.geometric_mean, "geometric_mean")
        _check_icc(self.icc)
        check_log_sd(self.within_log_sd, "within_log_sd")
        check_log_sd(self.total_log_sd, "icc")

    @property
    def total_log_sd(self) -> float:
        """Standard deviation of the natural logarithm of one value of any woman [1]."""
        return self.within_log_sd / math.sqrt(1 - self.icc)


def reliability_of_mean(icc: float, baselines: int) -> float:
    """Give the reliability of the geometric mean of several values of one woman.

    Parameters
    ----------
    icc : float
        Reliability of one value, from 0 to below 1 [1].
    baselines : int
        How many values are averaged.

    Returns
    -------
    float
        k ICC / (1 + (k - 1) ICC) [1].

    Raises
    ------
    OutsideLimits
        The ICC is not within 0 to below 1, or there is no value.

    Sources
    -------
    Spearman1910
    """
    _check_icc(icc)
    _check_number(baselines, "baselines")
    return baselines * icc / (1 + (baselines - 1) * icc)


def repeat_limits(
    observed: npt.ArrayLike, tested: WomenTested, baselines: int = 1
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Predict one repeat of each woman, nothing having changed.

    The prediction holds whichever women were picked, if they were picked by the observed value alone.

    Parameters
    ----------
    observed : array_like
        Her value, or the geometric mean of her baselines [unit of the measurand].
    tested : WomenTested
        How the measurand varies among the women tested.
    baselines : int
        How many values `observed` is the mean of.

    Returns
    -------
    tuple of ndarray
        Expected repeat (a median) and the 95 % limits of one repeat [unit of the measurand], in the shape
        of `observed`.

    Raises
    ------
    OutsideLimits
        A value is not above zero, or there is no baseline.

    Sources
    -------
    Davis1976
    """
    values = _checked_values(observed)
    log_mean = math.log(tested.geometric_mean)
    slope = reliability_of_mean(tested.icc, baselines)
    expected = np.exp(log_mean + slope * (np.log(values) - log_mean))
    factor = math.exp(Z * _repeat_log_sd(tested, baselines))
    return expected, expected / factor, expected * factor


def repeat_interval(observed: float, tested: WomenTested, baselines: int = 1) -> Interval:
    """Predict one woman's repeat, nothing having changed.

    Parameters
    ----------
    observed : float
        Her value, or the geometric mean of her baselines [unit of the measurand].
    tested : WomenTested
        How the measurand varies among the women tested.
    baselines : int
        How many values `observed` is the mean of.

    Returns
    -------
    Interval
        Expected repeat and the limits of 95 % of repeats [unit of the measurand].

    Raises
    ------
    OutsideLimits
        The value is not above zero, or there is no baseline.

    Sources
    -------
    Davis1976
    """
    expected, lower, upper = repeat_limits(observed, tested, baselines)
    return Interval(float(expected), float(lower), float(upper))


def group_repeat_interval(observed: float, women: int, tested: WomenTested, baselines: int = 1) -> Interval:
    """Predict the geometric mean of the repeats of a group, nothing having changed.

    Parameters
    ----------
    observed : float
        Geometric mean of the group's first values [unit of the measurand].
    women : int
        How many women.
    tested : WomenTested
        How the measurand varies among the women tested.
    baselines : int
        How many values of each woman went into `observed`.

    Returns
    -------
    Interval
        Expected mean and its 95 % limits [unit of the measurand].

    Raises
    ------
    OutsideLimits
        The value is not above zero, or there is no woman or no baseline.

    Sources
    -------
    Davis1976
    """
    _check_number(women, "women")
    expected = repeat_interval(observed, tested, baselines).value
    return log_normal_interval(expected, _repeat_log_sd(tested, baselines) / math.sqrt(women))


def arithmetic_mean_of_repeats(observed: npt.ArrayLike, tested: WomenTested, baselines: int = 1) -> float:
    """Predict the arithmetic mean of the repeats of a group, nothing having changed.

    Parameters
    ----------
    observed : array_like
        The women's first values [unit of the measurand]; where only their mean is known, that one value, and
        the answer is then a little too high, because the values' own spread is left out.
    tested : WomenTested
        How the measurand varies among the women tested.
    baselines : int
        How many values of each woman went into hers.

    Returns
    -------
    float
        Mean of the medians expected, times exp(variance / 2) [unit of the measurand].

    Raises
    ------
    OutsideLimits
        A value is not above zero, or there is no value or no baseline.

    Sources
    -------
    Davis1976
    """
    expected, _, _ = repeat_limits(observed, tested, baselines)
    return float(expected.mean()) * math.exp(_repeat_log_sd(tested, baselines) ** 2 / 2)


def reference_change(log_sd: float) -> Interval:
    """Give the change between two single values that is exceeded one time in twenty with nothing changed.

    Parameters
    ----------
    log_sd : float
        Standard deviation of the natural logarithm within one woman, assay included [1]; see `log_sd_of_cvs`.

    Returns
    -------
    Interval
        Factors on the first value [1]: 1, the greatest usual fall and the greatest usual rise.

    Raises
    ------
    OutsideLimits
        The standard deviation, times the square root of 2, is not within 0 to `MAX_LOG_SD`.

    Sources
    -------
    Fokkema2006
    """
    return log_normal_interval(1.0, math.sqrt(2) * log_sd)


def _repeat_log_sd(tested: WomenTested, baselines: int) -> float:
    # Of one later value about its expectation: with one baseline the factor is 1 - ICC squared.
    unexplained = 1 - tested.icc * reliability_of_mean(tested.icc, baselines)
    return tested.total_log_sd * math.sqrt(unexplained)


def _checked_values(observed: npt.ArrayLike) -> FloatArray:
    try:
        values = np.asarray(observed, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OutsideLimits(f"The values are not numbers: {error}.", place="observed") from error
    if values.size == 0 or not np.all((values > 0) & np.isfinite(values)):
        raise OutsideLimits("A value with a logarithm is finite and above zero.", place="observed")
    return values


def _check_icc(icc: float) -> None:
    if not 0 <= icc < 1:
        raise OutsideLimits(
            f"An ICC of {icc} is not within 0 to below 1.",
            place="icc",
            remedy="Give the ICC of this measurand in this laboratory; where it is unknown, show the range.",
        )


def _check_number(number: int, place: str) -> None:
    if number < 1:
        raise OutsideLimits(f"{number} is not a number of women or values of at least one.", place=place)
