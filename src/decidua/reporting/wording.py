"""How names and identities are written, and which words no report may hold."""

from __future__ import annotations

import re

from decidua.knowledge import fact, label, table
from decidua.measurement import Measurand, Moment
from decidua.reporting.numerals import FIXED, plain

_FORBIDDEN = re.compile(
    r"\b(?:hostil\w*|sever(?:e|ely|ity)|abnormal\w*|rais(?:e|ed|es|ing)|attack\w*|reject\w*|embryo-killing"
    r"|you need|recommended dose|safe for you|will prevent miscarriage)\b",
    re.IGNORECASE,
)
_MARKER = re.compile(r"[A-Z][A-Za-z]*\d*[A-Za-z]*(?:-DR)?(?:hi|lo|dim|bright|[+-])?")

AGES = {
    "fresh": "set up in the accepted time",
    "late": "set up late, its own class",
    "acd_cold": "ACD, kept cold",
    "not_stated": "not stated",
}


def forbidden_words(text: str) -> list[str]:
    """Find the words that no report may hold.

    Parameters
    ----------
    text : str
        Everything a reader sees: text, figure text and alternative text.

    Returns
    -------
    list of str
        As they stand in the text; empty where it may be shown.
    """
    return _FORBIDDEN.findall(text)


def markers(definition: str) -> str:
    """Write a marker path with its signs raised above the line.

    Parameters
    ----------
    definition : str
        ``CD3+CD8-``.

    Returns
    -------
    str
        ``CD3⁺CD8⁻``.
    """
    return _MARKER.sub(lambda found: re.sub(r"\+$", "⁺", re.sub(r"-$", "⁻", found[0])), definition)


def term_text(code: str) -> str:
    """Write what is counted: positives of analytes, an analyte, or a population.

    Parameters
    ----------
    code : str
        ``IFNG+``, ``IFNG+IL4-``, or an id of the knowledge tables.

    Returns
    -------
    str
        ``IFN-γ⁺``, ``IFN-γ⁺IL-4⁻``, or its label; a definition of the panel's own stands behind in brackets.
    """
    bare, bracket, definition = code.partition("[")
    if fact("populations", bare):
        return label("populations", bare) + (f" ({markers(definition.rstrip(']'))})" if bracket else "")
    signed = re.findall(r"([A-Z0-9]+)([+-])", code)
    if signed and "".join(a + s for a, s in signed) == code:
        return "".join(label("analytes", a) + {"+": "⁺", "-": "⁻"}[s] for a, s in signed)
    return label("analytes", code)


def parent_text(parent: str) -> str:
    """Write a parent population by its markers.

    Parameters
    ----------
    parent : str
        Id, with the panel's own definition in brackets where there is one.

    Returns
    -------
    str
        ``CD3⁺CD8⁻``; the id where its markers are not known.
    """
    bare, _, own = parent.partition("[")
    found = fact("populations", bare)
    return markers(own.rstrip("]") or (found["definition"] if found else "") or parent)


def name_of(measurand: Measurand) -> str:
    """Write the short name of a measurand, as a row of a group carries it.

    Parameters
    ----------
    measurand : Measurand
        Any.

    Returns
    -------
    str
        ``IFN-γ⁺`` or ``IFN-γ / IL-10``.
    """
    if measurand.quantity != "ratio":
        return term_text(measurand.numerator) + _WORK.get(measurand.quantity, "")
    for named in table("ratios").values():
        if (named["numerator"], named["denominator"]) == (measurand.numerator, measurand.denominator):
            return named["label"]
    return f"{term_text(measurand.numerator)} / {term_text(measurand.denominator)}"


_WORK = {"activity": ", activity per cell", "lysis": ", killed", "lytic_units": ", lytic units", "signal": ", signal"}


def full_name(measurand: Measurand) -> str:
    """Write the name of a measurand with its parent, as a caption carries it.

    Parameters
    ----------
    measurand : Measurand
        Any.

    Returns
    -------
    str
        ``IFN-γ⁺ of CD3⁺CD8⁻``.
    """
    of = f" of {parent_text(measurand.parent)}" if measurand.parent else ""
    return name_of(measurand) + of


def method_parts(measurand: Measurand) -> tuple[tuple[str, str], ...]:
    """Write the identity fields in words.

    Parameters
    ----------
    measurand : Measurand
        Any.

    Returns
    -------
    tuple of (str, str)
        Name of the field and its value, in the order of a method line; *not stated* where it is not.
    """
    m = measurand
    hours = "" if m.stimulus_h is None else f", {plain(m.stimulus_h)}{FIXED}h"
    cells = m.quantity in ("share", "ratio")
    parts = [
        ("material", label("materials", m.material) or "not stated"),
        ("sample age", AGES.get(m.sample_age_class, m.sample_age_class)),
        ("stimulus", label("stimuli", m.stimulus) + hours),
        ("blocker", label("blockers", m.blocker or "none")),
        ("parent", parent_text(m.parent) if m.parent else ("not stated" if cells else "none")),
        ("background", m.background.replace("_", " ") or "not stated"),
        ("threshold", threshold_text(m.threshold)),
        ("platform", m.platform or "not stated"),
        ("kit", m.kit or "not stated"),
        ("laboratory", m.laboratory or "not stated"),
    ]
    left_out = () if cells else ("blocker", "parent", "background", "threshold")
    return tuple(p for p in parts if p[0] not in left_out)


def threshold_text(rule: str) -> str:
    """Write a threshold rule.

    Parameters
    ----------
    rule : str
        ``drawn``, ``control_quantile:0.999``, ``tail``, ``fmo`` or ``not_stated``.

    Returns
    -------
    str
        In words.
    """
    name, _, q = rule.partition(":")
    words = {"drawn": "gates as drawn", "tail": "tail of the unstimulated tube", "fmo": "fluorescence minus one"}
    if name == "control_quantile" and q:
        return f"quantile {q} of the unstimulated tube"
    return words.get(name, rule.replace("_", " ") or "not stated")


def method_line(measurand: Measurand) -> str:
    """Write the identity of a measurand in one line.

    Parameters
    ----------
    measurand : Measurand
        Any.

    Returns
    -------
    str
        What is stated, joined by points, and its id.
    """
    said = [f"{name} {text}" if name in ("parent", "background", "threshold", "laboratory") else text
            for name, text in method_parts(measurand) if text not in ("not stated", "none", "no blocker")]  # fmt: skip
    return " · ".join([*said, measurand.id])


def moment_text(moment: Moment) -> str:
    """Write where a visit stands.

    Parameters
    ----------
    moment : Moment
        Of the visit.

    Returns
    -------
    str
        ``13w2d``, or the phase where there is no day; *not dated*.
    """
    if moment.gestational_day is None and moment.phase_day is None and moment.phase != "unknown":
        return label("phases", moment.phase)
    return moment.age


def counted(count: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun.

    Parameters
    ----------
    count : int
        Not negative.
    noun, plural : str
        Singular, and plural where it does not end in s.

    Returns
    -------
    str
        ``1 result``, ``3 results``.
    """
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def in_words(count: int) -> str:
    """Write a small number as a word.

    Parameters
    ----------
    count : int
        Not negative.

    Returns
    -------
    str
        A word up to ten.
    """
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[count] if count < len(words) else str(count)
