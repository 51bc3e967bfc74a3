"""How numbers are written: the digits that the interval allows, and limits rounded to the side that still holds."""

from __future__ import annotations

import math

MINUS, DASH, THIN, FIXED = "−", "–", "\u202f", "\u00a0"


def places(lower: float, upper: float) -> int:
    """Return how many decimals an interval allows: two digits of its half-width.

    Parameters
    ----------
    lower, upper : float
        Its ends, different from each other.

    Returns
    -------
    int
        Decimals; negative where tens or hundreds are the last digit.
    """
    return 1 - math.floor(math.log10((upper - lower) / 2))


def significant(value: float, digits: int = 3) -> int:
    """Return the decimals that show a number of significant digits.

    Parameters
    ----------
    value : float
        The number.
    digits : int
        Significant digits.

    Returns
    -------
    int
        Decimals, never below 0: whole numbers stay whole.
    """
    return max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0


def number(value: float, decimals: int) -> str:
    """Write a number.

    Parameters
    ----------
    value : float
        The number.
    decimals : int
        Decimals; negative rounds to tens or hundreds.

    Returns
    -------
    str
        With a true minus, and a thin space in thousands from 10 000 on.
    """
    text = f"{abs(round(value, decimals)):.{max(decimals, 0)}f}"
    sign = MINUS if value < 0 and float(text) else ""
    whole, point, rest = text.partition(".")
    if len(whole) > 4:
        whole = f"{int(whole):,}".replace(",", THIN)
    return f"{sign}{whole}{point}{rest}"


def plain(value: float) -> str:
    """Write a number that has no interval: three significant digits, none invented.

    Parameters
    ----------
    value : float
        As stated.

    Returns
    -------
    str
        The number.
    """
    text = number(value, significant(value))
    return text.rstrip("0").rstrip(".") if "." in text else text


def coarse(value: float) -> str:
    """Write one of the women's values: two significant digits, one decimal from 10, none from 100.

    Parameters
    ----------
    value : float
        The number.

    Returns
    -------
    str
        The number.
    """
    return number(value, 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else significant(value, 2))


def bound(value: float, *, upwards: bool) -> str:
    """Write a limit to two significant digits, three after a leading 1, rounded to the side on which it still holds.

    Parameters
    ----------
    value : float
        The limit.
    upwards : bool
        Whether the true value lies above it.

    Returns
    -------
    str
        The number.
    """
    if not value:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    digits = 3 if abs(value) < 2 * 10.0**exponent else 2
    step = 10.0 ** (exponent - digits + 1)
    steps = round(value / step, 6)
    held = (math.floor(steps) if upwards else math.ceil(steps)) * step
    return number(held, significant(held, digits))


def span(low: str, high: str) -> str:
    """Join the ends of a range.

    Parameters
    ----------
    low, high : str
        Written numbers.

    Returns
    -------
    str
        With an en dash, or with *to* where a minus stands in it.
    """
    return f"{low}{FIXED}to{FIXED}{high}" if MINUS in low + high else f"{low}{DASH}{high}"
