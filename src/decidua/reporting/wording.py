"""How numbers, names and results are written; which words a report may not use."""

from __future__ import annotations

import math
import re

from decidua.knowledge import fact, label
from decidua.measurement import Censoring, Measurand, Measurement, Quantity, Status

THIN, NO_BREAK, MINUS, DASH = "\u202f", "\u00a0", "−", "–"
_SUPERSCRIPT = {"+": "⁺", "-": "⁻"}
FORBIDDEN = (
    *("hostile", "severe", "abnormal", "raised", "attack", "reject", "embryo-killing"),
    *("you need", "recommended dose", "safe for you", "will prevent miscarriage"),
)


def forbidden_words(text: str) -> list[str]:
    """Find the words that a document for a clinician or a woman may not use.

    Parameters
    ----------
    text : str
        Everything a reader sees.

    Returns
    -------
    list of str
        Those that occur.
    """
    folded = text.casefold()
    return [word for word in FORBIDDEN if re.search(rf"(?<![a-z]){re.escape(word)}", folded)]


def places_for(quantity: Quantity) -> int | None:
    """Return the decimal places that the interval allows: two digits of its half-width.

    Parameters
    ----------
    quantity : Quantity
        A value with or without interval.

    Returns
    -------
    int or None
        None where there is no interval.
    """
    if quantity.lower is None or quantity.upper is None or quantity.upper <= quantity.lower:
        return None
    half = (quantity.upper - quantity.lower) / 2
    return max(0, 1 - math.floor(math.log10(half)))


def number(value: float, places: int | None = None) -> str:
    """Write a number.

    Parameters
    ----------
    value : float
        Finite.
    places : int, optional
        Decimal places; three significant digits by default.

    Returns
    -------
    str
        With a true minus and thin spaces between thousands.
    """
    if places is None:
        places = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{abs(value):,.{min(places, 9)}f}".replace(",", THIN)
    zero = not text.strip("0.")
    return text if value >= 0 or zero else MINUS + text


def span(lower: float | None, upper: float | None, places: int | None = None) -> str:
    """Write an interval.

    Parameters
    ----------
    lower, upper : float or None
        Its ends.
    places : int, optional
        Decimal places.

    Returns
    -------
    str
        Empty where an end is missing.
    """
    if lower is None or upper is None:
        return ""
    joint = f" to {MINUS}" if upper < 0 else DASH if lower >= 0 else " to "
    return f"{number(lower, places)}{joint if upper >= 0 else ' to '}{number(upper, places)}"


def unit(code: str) -> str:
    """Write a unit.

    Parameters
    ----------
    code : str
        UCUM code.

    Returns
    -------
    str
        As people write it.
    """
    return label("units", code)


def value(m: Measurement) -> str:
    """Write a result with its unit.

    Parameters
    ----------
    m : Measurement
        Any result.

    Returns
    -------
    str
        ``> 5.6`` for a limit, words for what carries no number.
    """
    if m.status is Status.FAILED:
        return "test failed"
    if m.status is Status.VOID:
        return "void"
    quantity = m.quantity
    if quantity.value is None or quantity.censored is Censoring.UNDETERMINED:
        return "not determined"
    sign = {Censoring.BELOW: f"<{NO_BREAK}", Censoring.ABOVE: f">{NO_BREAK}"}.get(quantity.censored, "")
    places = places_for(quantity) if not sign else None
    written = unit(quantity.unit)
    return f"{sign}{number(quantity.value, places)}{NO_BREAK + written if written else ''}"


def interval(m: Measurement) -> str:
    """Write the interval of a result, or what stands in its place.

    Parameters
    ----------
    m : Measurement
        Any result.

    Returns
    -------
    str
        ``5.32–5.91``, *one-sided*, *no interval stated*, or why there is none.
    """
    quantity = m.quantity
    if m.status in (Status.VOID, Status.FAILED):
        return "; ".join(label("flags", f) for f in m.flags if _is_grave(f))
    if quantity.censored is Censoring.ABOVE:
        return "one-sided"
    if quantity.censored is Censoring.BELOW:
        return "below its limit"
    if quantity.censored is Censoring.UNDETERMINED:
        return "both terms reach their background"
    return span(quantity.lower, quantity.upper, places_for(quantity)) or "no interval stated"


def _is_grave(flag: str) -> bool:
    found = fact("flags", flag)
    return found is not None and found["severity"] in ("void", "failed")


def superscript(definition: str) -> str:
    """Write marker signs as superscripts.

    Parameters
    ----------
    definition : str
        Such as ``CD3+CD8-``.

    Returns
    -------
    str
        Such as CD3⁺CD8⁻.
    """
    signs = re.compile(r"(?<!HLA)(?<=[A-Za-z0-9])([+-])(?=[A-Z]|$|\]|\s)")
    return signs.sub(lambda m: _SUPERSCRIPT[m[1]], definition)


def term(name: str) -> str:
    """Write a numerator or denominator.

    Parameters
    ----------
    name : str
        ``IFNG+``, an analyte or a population id.

    Returns
    -------
    str
        IFN-γ⁺, or the label of the knowledge tables.
    """
    if name.endswith("+") and fact("analytes", name[:-1]):
        return f"{label('analytes', name[:-1])}⁺"
    if fact("analytes", name):
        return label("analytes", name)
    return population(name)


def population(name: str) -> str:
    """Write a population.

    Parameters
    ----------
    name : str
        Population id, with its definition in brackets where the panel's own.

    Returns
    -------
    str
        Its label, and its definition where that is not the standard one.
    """
    bare, bracket, definition = name.partition("[")
    return label("populations", bare) + (f" ({superscript(definition.rstrip(']'))})" if bracket else "")


def name_of(measurand: Measurand) -> str:
    """Write what was measured, without how.

    Parameters
    ----------
    measurand : Measurand
        Any identity.

    Returns
    -------
    str
        IFN-γ⁺, NK cells, IFN-γ / IL-10.
    """
    if measurand.quantity == "ratio":
        return f"{term(measurand.numerator).rstrip('⁺')} / {term(measurand.denominator).rstrip('⁺')}"
    return term(measurand.numerator)


def group_of(measurand: Measurand) -> str:
    """Write how and in what something was measured: the heading of its group.

    Parameters
    ----------
    measurand : Measurand
        Any identity.

    Returns
    -------
    str
        Parent, stimulus, hours, blocker, background and material in words.
    """
    parts = []
    parent = fact("populations", measurand.parent.partition("[")[0])
    whole = superscript(parent["definition"]) if parent and parent["definition"] else population(measurand.parent)
    if measurand.quantity == "share":
        parts.append(f"share of {whole}" + (" minus unstimulated" if measurand.background == "subtracted" else ""))
    elif measurand.quantity == "ratio":
        parts.append(f"ratios of shares of {whole}")
    else:
        parts.append(measurand.quantity.replace("_", " ") + (f" in {whole}" if measurand.parent else ""))
    if measurand.stimulus != "none":
        hours = "" if measurand.stimulus_h is None else f", {measurand.stimulus_h:g} h"
        blocker = "" if measurand.blocker in ("", "none") else f", {label('blockers', measurand.blocker)}"
        parts.insert(0, f"after {label('stimuli', measurand.stimulus)}{hours}{blocker}")
    if measurand.material:
        parts.append(label("materials", measurand.material))
    return "; ".join(parts)


def placed(not_placeable: str) -> str:
    """Write why a result is not placed.

    Parameters
    ----------
    not_placeable : str
        ``FIELD: ours, theirs``.

    Returns
    -------
    str
        A phrase for people.
    """
    field, _, rest = not_placeable.partition(": ")
    ours, _, theirs = rest.partition(", ")
    words = {
        "censored": "a limit has no place",
        "status": "no number",
        "reference": "no reference of this measurand",
        "phase": "the visit is not dated" if ours == "not dated" else f"no reference {label('phases', ours)}",
        "medicine": f"under {ours}: only against herself",
    }
    days = {"gestational_day": "day of pregnancy", "phase_day": "day after the end"}
    named = days.get(field, field.replace("_", " "))
    return words.get(field, f"{named} {ours}, reference {theirs}")
