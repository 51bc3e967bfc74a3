"""The arithmetic of standing: scores and quantiles of the Box-Cox Cole-Green distribution, and their errors.

L is the skewness, M the median and S the coefficient of variation of one measurand at one moment. A value stands
there with the error of the reference and its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import exprel, ndtr, ndtri

from decidua.errors import OutsideLimits
from decidua.measurement.nouns import FloatArray

BAND = (2.5, 97.5)
"""Centiles between which a true value counts as inside unless said."""

FARTHEST = 1e6
"""Largest score given; beyond, value and reference are of different units [1]."""

_Z95 = float(ndtri(0.975))


class LMSPoint(Protocol):
    """L, M and S with standard errors, as numbers or as arrays that broadcast against the values placed there."""

    @property
    def L(self) -> npt.ArrayLike:
        """Box-Cox power [1]; 0 is log-normal."""

    @property
    def M(self) -> npt.ArrayLike:
        """Median [unit of the values]."""

    @property
    def S(self) -> npt.ArrayLike:
        """Coefficient of variation [1]."""

    @property
    def se_L(self) -> npt.ArrayLike:
        """Standard error of L [1]."""

    @property
    def se_lnM(self) -> npt.ArrayLike:
        """Standard error of ln M [1]."""

    @property
    def se_lnS(self) -> npt.ArrayLike:
        """Standard error of ln S [1]."""


def box_cox(log_ratio: FloatArray, L: FloatArray, S: FloatArray) -> FloatArray:
    """Turn logarithms of value over median into standard deviation scores, unchecked.

    Parameters
    ----------
    log_ratio : ndarray
        ln(value/M) [1].
    L, S : ndarray
        Box-Cox power and coefficient of variation [1]; all shapes broadcast.

    Returns
    -------
    ndarray
        (exp(L log_ratio) - 1)/(L S), its limit log_ratio/S at L = 0 [1].

    Sources
    -------
    ColeGreen1992
    """
    return np.asarray(log_ratio * exprel(L * log_ratio) / S)


def box_cox_slope(log_ratio: FloatArray, L: FloatArray, S: FloatArray) -> FloatArray:
    """Give the slope of `box_cox` in L, unchecked.

    Parameters
    ----------
    log_ratio : ndarray
        ln(value/M) [1].
    L, S : ndarray
        Box-Cox power and coefficient of variation [1]; all shapes broadcast.

    Returns
    -------
    ndarray
        dz/dL, its limit log_ratio^2/(2 S) at L = 0 [1].
    """
    u = L * log_ratio
    near = np.abs(u) < 0.02
    far = np.where(near, 1.0, u)
    # The closed form loses its digits near 0; this series is exact to 1e-14 there.
    series = 1 / 2 + u * (1 / 3 + u * (1 / 8 + u * (1 / 30 + u * (1 / 144 + u / 840))))
    return np.asarray(log_ratio**2 / S * np.where(near, series, (np.exp(far) - exprel(far)) / far))


def z_score(value: npt.ArrayLike, L: npt.ArrayLike, M: npt.ArrayLike, S: npt.ArrayLike) -> FloatArray:
    """Turn values into standard deviation scores.

    Parameters
    ----------
    value : array_like
        Above zero [unit of M].
    L, M, S : array_like
        Skewness [1], median [unit of the values] and coefficient of variation [1]; all shapes broadcast.

    Returns
    -------
    ndarray
        ((value/M)^L - 1)/(L S), its limit ln(value/M)/S at L = 0 [1].

    Raises
    ------
    OutsideLimits
        A number is not finite; a value, M or S is not above zero; a score is beyond `FARTHEST`; or the shapes do
        not broadcast.

    Sources
    -------
    ColeGreen1992
    """
    return _scored(value, L, M, S)[0][()]


def quantile(p: npt.ArrayLike, L: npt.ArrayLike, M: npt.ArrayLike, S: npt.ArrayLike) -> FloatArray:
    """Give the values at which a share of the population lies below.

    The inverse of `z_score` at the normal quantile of p, as centile charts are drawn: the part of the normal
    beyond the value zero is not divided out.

    Parameters
    ----------
    p : array_like
        Shares between 0 and 1 [1].
    L, M, S : array_like
        As in `z_score`; all shapes broadcast.

    Returns
    -------
    ndarray
        In the unit of M; 0 or infinite where the density ends before that share.

    Raises
    ------
    OutsideLimits
        A share is not between 0 and 1; a number is not finite; M or S is not above zero; or the shapes do not
        broadcast.

    Sources
    -------
    ColeGreen1992
    """
    share, skew, median, spread = _together(finite(p, "p"), finite(L, "L"), positive(M, "M"), positive(S, "S"))
    if np.any((share <= 0) | (share >= 1)):
        raise OutsideLimits("A share lies between 0 and 1.", place="p")
    z = ndtri(share)
    bend = np.maximum(skew * spread * z, -1.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        straight = np.where(bend == 0, 1.0, np.log1p(bend) / bend)
        return np.asarray(median * np.exp(spread * z * straight))[()]


def z_slopes(
    value: npt.ArrayLike, L: npt.ArrayLike, M: npt.ArrayLike, S: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the slopes of the standard deviation score in L, ln M and ln S.

    The slope in the logarithm of the value is that in ln M with its sign turned.

    Parameters
    ----------
    value : array_like
        Above zero [unit of M].
    L, M, S : array_like
        As in `z_score`; all shapes broadcast.

    Returns
    -------
    tuple of ndarray
        dz/dL, dz/dlnM, dz/dlnS [1].

    Raises
    ------
    OutsideLimits
        As of `z_score`.

    Sources
    -------
    ColeGreen1992
    """
    z, ratio, skew, spread = _scored(value, L, M, S)
    return box_cox_slope(ratio, skew, spread)[()], -np.exp(skew * ratio) / spread, -z


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where values stand in their reference: arrays in the shape of the values, numbers where these are numbers.

    Attributes
    ----------
    z, z_lower, z_upper : ndarray
        Standard deviation score and its 95 % interval [1]: errors of reference and measurement, not shrunk.
    centile, centile_lower, centile_upper : ndarray
        The same as centiles, 0-100.
    predictive_centile : ndarray
        Share of the population expected below the value once the reference's error is allowed for, 0-100.
    p_outside : ndarray or None
        Probability that the true value lies outside the band [1], the population as prior and both errors allowed
        for; None where the measurement error is not known.
    """

    z: FloatArray
    z_lower: FloatArray
    z_upper: FloatArray
    centile: FloatArray
    centile_lower: FloatArray
    centile_upper: FloatArray
    predictive_centile: FloatArray
    p_outside: FloatArray | None


def standing(
    value: npt.ArrayLike, point: LMSPoint, cv: npt.ArrayLike | None, band: tuple[float, float] = BAND
) -> Standing:
    """Place values on a reference with the errors of both.

    Parameters
    ----------
    value : array_like
        Above zero, of any shape [unit of M].
    point : LMSPoint
        The reference at the moment of each value.
    cv : array_like or None
        Coefficient of variation of the measurement, as a fraction [1]; None where it is not known: the interval
        then holds the reference's error alone.
    band : tuple of float
        Centiles, 0-100, between which a true value counts as inside.

    Returns
    -------
    Standing
        In the broadcast shape of values, point and cv.

    Raises
    ------
    OutsideLimits
        As of `z_score`; or a standard error or CV is negative, or the band does not ascend within 0 to 100.

    Sources
    -------
    ColeGreen1992
    """
    if not 0 <= band[0] < band[1] <= 100:
        raise OutsideLimits(f"{band[0]} to {band[1]} is no band of centiles.", place="band")
    slopes = z_slopes(value, point.L, point.M, point.S)
    errors = (_not_negative(getattr(point, name), name) for name in ("se_L", "se_lnM", "se_lnS"))
    slope_l, slope_m, slope_s, se_l, se_m, se_s, known = _together(
        *slopes, *errors, _not_negative(0.0 if cv is None else cv, "cv")
    )
    z = -slope_s
    reference = (slope_l * se_l) ** 2 + (slope_m * se_m) ** 2 + (slope_s * se_s) ** 2
    variance = reference + np.log1p(known**2) * slope_m**2
    half = _Z95 * np.sqrt(variance)
    return Standing(
        z=z,
        z_lower=z - half,
        z_upper=z + half,
        centile=100 * ndtr(z),
        centile_lower=100 * ndtr(z - half),
        centile_upper=100 * ndtr(z + half),
        predictive_centile=100 * ndtr(z / np.sqrt(1 + reference)),
        p_outside=None if cv is None else _p_outside(z, variance, band),
    )


def _p_outside(z: FloatArray, variance: FloatArray, band: tuple[float, float]) -> FloatArray:
    """Give the mass beyond the band of the posterior of the true score: prior N(0, 1), score N(true, variance)."""
    low, high = ndtri(np.array(band) / 100)
    mean, sd = z / (1 + variance), np.sqrt(variance / (1 + variance))
    with np.errstate(divide="ignore", invalid="ignore"):
        outside = ndtr((low - mean) / sd) + ndtr((mean - high) / sd)
    return np.where(sd > 0, outside, np.where((z < low) | (z > high), 1.0, 0.0))[()]


def finite(numbers: npt.ArrayLike, place: str) -> FloatArray:
    """Return numbers as an array once they are known to be finite.

    Parameters
    ----------
    numbers : array_like
        Of any shape and unit.
    place : str
        What the error names.

    Returns
    -------
    ndarray
        The numbers.

    Raises
    ------
    OutsideLimits
        One is not a finite number.
    """
    try:
        array = np.asarray(numbers, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OutsideLimits(f"These are not numbers: {error}.", place=place) from error
    if not np.all(np.isfinite(array)):
        raise OutsideLimits("A number is not finite.", place=place)
    return array


def positive(numbers: npt.ArrayLike, place: str) -> FloatArray:
    """Return numbers as an array once they are known to have logarithms.

    Parameters
    ----------
    numbers : array_like
        Of any shape and unit.
    place : str
        What the error names.

    Returns
    -------
    ndarray
        The numbers.

    Raises
    ------
    OutsideLimits
        One is not a finite number above zero.
    """
    array = finite(numbers, place)
    if np.any(array <= 0):
        raise OutsideLimits(f"{array.min()} is not above zero.", place=place)
    return array


def _not_negative(numbers: npt.ArrayLike, place: str) -> FloatArray:
    array = finite(numbers, place)
    if np.any(array < 0):
        raise OutsideLimits(f"{array.min()} is below zero.", place=place)
    return array


def _together(*arrays: FloatArray) -> tuple[FloatArray, ...]:
    try:
        return np.broadcast_arrays(*arrays)
    except ValueError as error:
        raise OutsideLimits(f"The shapes do not broadcast: {error}.") from error


def _scored(
    value: npt.ArrayLike, L: npt.ArrayLike, M: npt.ArrayLike, S: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Give scores, logarithms of value over M, L and S in one shape."""
    numerator, median = np.log(positive(value, "value")), np.log(positive(M, "M"))
    numerator, median, skew, spread = _together(numerator, median, finite(L, "L"), positive(S, "S"))
    ratio = numerator - median
    z = box_cox(ratio, skew, spread)
    if np.any(np.abs(z) > FARTHEST):
        raise OutsideLimits(
            "A value is too far from the median for a score.",
            place="value",
            remedy="Look for a value in another unit than its reference.",
        )
    return z, ratio, skew, spread
