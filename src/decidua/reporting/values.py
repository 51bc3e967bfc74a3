"""How results are written: value, limit or reason, with unit and interval."""

from __future__ import annotations

from decidua.knowledge import fact, label
from decidua.measurement import Censoring, Measurement, PairedCounts, Quantity, Status
from decidua.reporting.numerals import FIXED, bound, number, places, plain, span


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
