"""How numbers are written: the digits that the interval allows, and limits rounded to the side that still holds."""

from __future__ import annotations

import math

from decidua.knowledge import fact, label
from decidua.measurement import Censoring, Measurement, PairedCounts, Quantity, Status

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


def near_background(m: Measurement) -> bool:
    """Tell whether a share cannot be told from its unstimulated tube.

    Parameters
    ----------
    m : Measurement
        A result.

    Returns
    -------
    bool
        Where its interval reaches zero: on an axis of doublings only its upper end can be shown, if that.
    """
    share = m.measurand.quantity == "share" and m.quantity.censored is Censoring.NONE
    return share and m.quantity.value is not None and m.quantity.lower is not None and m.quantity.lower <= 0


def unit_of(unit: str) -> str:
    """Write a unit with the space before it.

    Parameters
    ----------
    unit : str
        UCUM code.

    Returns
    -------
    str
        Empty for plain numbers.
    """
    text = label("units", unit)
    return f"{FIXED}{text}" if text else ""


def value_text(m: Measurement) -> str:
    """Write a result, its limit, or why there is no number.

    Parameters
    ----------
    m : Measurement
        Any result.

    Returns
    -------
    str
        ``17.9 %``, ``> 560``, ``not determined``, ``test failed`` or ``void``.
    """
    q = m.quantity
    if m.status is Status.FAILED:
        return "test failed"
    if m.status is Status.VOID:
        return "void"
    if q.value is None or q.censored is Censoring.UNDETERMINED:
        return "not determined"
    if q.censored is Censoring.NONE:
        return number_of(q) + unit_of(q.unit)
    upwards = q.censored is Censoring.ABOVE
    return f"{'>' if upwards else '<'}{FIXED}{bound(q.value, upwards=upwards)}{unit_of(q.unit)}"


def limit_text(m: Measurement) -> str:
    """Write the upper end of a share near its background.

    Parameters
    ----------
    m : Measurement
        A share for which `near_background` holds.

    Returns
    -------
    str
        ``< 0.06 %``; ``< 0 %`` where the whole interval lies below zero.
    """
    return f"<{FIXED}{bound(max(m.quantity.upper or 0.0, 0.0), upwards=False)}{unit_of(m.quantity.unit)}"


def number_of(q: Quantity) -> str:
    """Write the number of a quantity to the place its interval allows.

    Parameters
    ----------
    q : Quantity
        With a value.

    Returns
    -------
    str
        Without its unit; empty where there is no value.
    """
    if q.value is None:
        return ""
    if q.lower is None or q.upper is None or not q.upper > q.lower:
        return plain(q.value)
    return number(q.value, places(q.lower, q.upper))


def interval_text(m: Measurement) -> str:
    """Write the interval of a result, or why it has none.

    Parameters
    ----------
    m : Measurement
        Any result.

    Returns
    -------
    str
        ``17.5–18.3``, ``one-sided``, ``no interval``; the reason of a void result.
    """
    q = m.quantity
    if m.status in (Status.VOID, Status.FAILED):
        return "; ".join(label("flags", f) for f in m.flags if _is(f, m.status)) or "no reason stated"
    if q.value is None or q.censored is Censoring.UNDETERMINED:
        return "both terms reach their background" if m.measurand.quantity == "ratio" else "no number"
    if q.censored is not Censoring.NONE:
        return "one-sided"
    if q.lower is None or q.upper is None:
        return "no interval"
    if not q.upper > q.lower:
        return "interval of no width"
    decimals = places(q.lower, q.upper)
    return span(number(q.lower, decimals), number(q.upper, decimals))


def _is(flag: str, status: Status) -> bool:
    found = fact("flags", flag)
    return found is not None and found["severity"] == status.value


def counts_text(m: Measurement) -> str:
    """Write positive cells over what the unstimulated tube lets expect.

    Parameters
    ----------
    m : Measurement
        A share.

    Returns
    -------
    str
        ``12 cells over 9``; empty where there are no counts of both tubes.
    """
    c = m.quantity.uncertainty
    if not isinstance(c, PairedCounts) or c.n_pos_control is None or not c.n_parent_control:
        return ""
    expected = c.n_pos_control * c.n_parent / c.n_parent_control
    return f"{number(c.n_pos, 0)} cells over {number(expected, 0)}"
