"""What the room refuses at its door, said once."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from decidua.errors import OutsideLimits

FloatArray = npt.NDArray[np.float64]

MIN_DRAWS = 400
"""Fewest draws an interval is read from: ten beyond either end."""

MAX_LOG_SD = 10.0
"""Greatest standard deviation of a natural logarithm [1]: a larger one was never on the log scale."""


def check_draws(draws: int) -> None:
    """Refuse a number of draws too small to hold an interval's ends.

    Parameters
    ----------
    draws : int
        How many.

    Raises
    ------
    OutsideLimits
        There are fewer than `MIN_DRAWS`.
    """
    if draws < MIN_DRAWS:
        raise OutsideLimits(
            f"{draws} draws are too few for a 95 % interval.",
            place="draws",
            remedy=f"Make at least {MIN_DRAWS} draws.",
        )


def finite_draws(draws: npt.ArrayLike, place: str) -> FloatArray:
    """Return draws of one quantity as an array once they are known to hold an interval.

    Parameters
    ----------
    draws : array_like
        Draws, axis `draw` [unit of the quantity].
    place : str
        What the error names.

    Returns
    -------
    ndarray
        The draws, axis `draw`.

    Raises
    ------
    OutsideLimits
        There are fewer than `MIN_DRAWS` draws, or one is not a finite number, or there is more than one axis.
    """
    try:
        values = np.asarray(draws, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OutsideLimits(f"The draws are not numbers: {error}.", place=place) from error
    if values.ndim != 1 or not np.all(np.isfinite(values)):
        raise OutsideLimits("Draws of one quantity are finite numbers on one axis.", place=place)
    check_draws(values.size)
    return values


def check_positive(value: float, place: str) -> None:
    """Refuse a number that has no logarithm.

    Parameters
    ----------
    value : float
        In any unit.
    place : str
        What the error names.

    Raises
    ------
    OutsideLimits
        It is not a finite number above zero.
    """
    if not 0 < value < math.inf:
        raise OutsideLimits(f"{value} is not a finite number above zero.", place=place)


def check_log_sd(value: float, place: str) -> None:
    """Refuse a number that is no standard deviation of a natural logarithm.

    Parameters
    ----------
    value : float
        Standard deviation of a natural logarithm [1].
    place : str
        What the error names.

    Raises
    ------
    OutsideLimits
        It is not a number from 0 to `MAX_LOG_SD`.
    """
    if not 0 <= value <= MAX_LOG_SD:
        raise OutsideLimits(
            f"A standard deviation of {value} on the natural-log scale is not within 0 to {MAX_LOG_SD:g}.",
            place=place,
            remedy="Give the standard deviation of the natural logarithm, or turn a CV (a fraction) into one.",
        )
