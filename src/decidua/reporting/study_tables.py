"""Tables of a study report: what was refused, what was noted, every result, every ratio."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from decidua.balance import Ratio
from decidua.knowledge import label
from decidua.measurement import Censoring, Measurement, Status
from decidua.reporting.document import Block, Cell, Group, Table, cells, columns, note
from decidua.reporting.findings import StudyFindings
from decidua.reporting.numerals import FIXED, interval_text, near_background, span, unit_of, value_text
from decidua.reporting.panels import Seen
from decidua.reporting.rows import has_number, key_of, reason_text
from decidua.reporting.sentences import probability, z_text
from decidua.reporting.wording import counted, full_name, method_line, moment_text, name_of
from decidua.timeline.placement import Placement


def refused_block(study: StudyFindings) -> Block:
    """List what could not be read, and what failed.

    Parameters
    ----------
    study : StudyFindings
        The study.

    Returns
    -------
    Table or Text
        File, place, what is wrong and the remedy; then results without a number.
    """
    refused = tuple(
        (*cells(e.file or "no file", e.place or "whole file"), Cell(e.message, type(e).__name__), Cell(e.remedy))
        for e in study.refused
    )
    void = tuple(
        cells(m.source.file or "no file", m.source.place or "not stated", _failed(m), interval_text(m))
        for v in study.visits
        for m in v.measurements
        if m.status in (Status.FAILED, Status.VOID)
    )
    heads = (("Refused", "input", refused), ("Without a number", "result", void))
    groups = tuple(Group(head, counted(len(rows), noun), rows) for head, noun, rows in heads if rows)
    if not groups:
        return note("Nothing was refused, no test failed and no result is void.")
    titles = (("file", "file"), ("place", "where"), ("what is wrong", "message"), ("remedy, or reason", "remedy"))
    return Table(columns(*titles), groups, "failed")


def _failed(m: Measurement) -> str:
    return f"{m.key}, {full_name(m.measurand)}: {value_text(m)}"


def notes_block(study: StudyFindings) -> Block:
    """List what was read with a tolerance, or looks odd.

    Parameters
    ----------
    study : StudyFindings
        The study.

    Returns
    -------
    Table or Text
        Notes of one kind and message together, with every place.
    """
    found: dict[tuple[str, str, str], list[str]] = {}
    for met in study.notes:
        found.setdefault((met.code, met.file, met.message), []).append(met.place)
    if not found:
        return note("Nothing was read with a tolerance.")
    rows = tuple(
        cells(label("flags", code), file or "no file", message, _places(places))
        for (code, file, message), places in found.items()
    )
    titles = (("note", "message"), ("file", "file"), ("what was done", "remedy"), ("places", "where"))
    return Table(columns(*titles), (Group("", "", rows),), "noted")


def _places(places: Sequence[str]) -> str:
    """Join places, what they all begin with written once."""
    found = [p for p in dict.fromkeys(places) if p]
    if len(found) > 1 and all(p.startswith("visit ") for p in found):
        return f"visits {', '.join(p.removeprefix('visit ') for p in found)}"
    return "; ".join(found) or "whole file"


def results_block(series: Sequence[Sequence[Seen]], letters: Mapping[str, str]) -> Block:
    """List every result of every visit.

    Parameters
    ----------
    series : sequence of sequences of Seen
        Results by measurand.
    letters : mapping of str to str
        Letter of each flag.

    Returns
    -------
    Table or Text
        A group a measurand, a row a visit.
    """
    if not series:
        return note("No result could be used.")
    heads = columns(
        ("visit", "visit"),
        ("at", "at"),
        ("value", "value"),
        ("95\u00a0% interval", "interval"),
        ("outcome", "outcome"),
        ("place", "place"),
        ("flags", "letters"),
    )
    return Table(heads, tuple(_series(seen, letters) for seen in series), "study")


def _series(seen: Sequence[Seen], letters: Mapping[str, str]) -> Group:
    m = seen[0].measurement
    unit = label("units", m.quantity.unit)
    rows = tuple(_row(s, letters) for s in seen)
    return Group(full_name(m.measurand) + (f", {unit}" if unit else ""), method_line(m.measurand), rows)


def _row(seen: Seen, letters: Mapping[str, str]) -> tuple[Cell, ...]:
    m = seen.measurement
    value = value_text(m).removesuffix(unit_of(m.quantity.unit))
    place = place_text(seen.placement) if seen.placement else "not placeable"
    flags = " ".join(letters[f] for f in m.flags) or "none"
    return cells(str(m.key), moment_text(seen.moment), value, interval_text(m), outcome(m), place, flags)


def outcome(m: Measurement) -> str:
    """Say in a word or two what a result is.

    Parameters
    ----------
    m : Measurement
        Any result.

    Returns
    -------
    str
        ``determined``, ``one-sided``, ``not determined``, ``measured``, ``near background``, ``below its limit``,
        ``above its limit``, ``void`` or ``test failed``.
    """
    if m.status in (Status.FAILED, Status.VOID):
        return value_text(m)
    censored = m.quantity.censored
    if not has_number(m):
        return "not determined"
    if m.measurand.quantity == "ratio":
        whole = m.quantity.lower is not None and m.quantity.upper is not None
        return "one-sided" if censored is not Censoring.NONE else "determined" if whole else "no interval"
    limits = {Censoring.BELOW: "below its limit", Censoring.ABOVE: "above its limit"}
    return limits.get(censored, "near background" if near_background(m) else "measured")


def place_text(p: Placement) -> str:
    """Write where a result stands for a reader of the study.

    Parameters
    ----------
    p : Placement
        Placed or not.

    Returns
    -------
    str
        z and centile with their intervals, marked indicative where the curve rests on fewer than 40 women; how many
        of the women drawn lie below; or why it is not placeable.
    """
    if p.not_placeable:
        return f"not placeable: {reason_text(p.not_placeable)}"
    said = []
    if p.z is not None and p.z_lower is not None and p.z_upper is not None:
        said.append(f"z {z_text(p.z)} ({span(z_text(p.z_lower), z_text(p.z_upper))})")
    if p.centile is not None and p.centile_lower is not None and p.centile_upper is not None:
        said.append(f"centile {_centile(p.centile)} ({_centile(p.centile_lower)}–{_centile(p.centile_upper)})")
    if p.indicative and said:
        said.append(f"indicative, {p.n_women} women")
    if p.women is not None and p.women.values:
        said.append(f"{p.women_below} of {len(p.women.values)} women drawn below")
    return " · ".join(said)


def _centile(centile: float) -> str:
    return f"{centile:.0f}" if 1 <= centile <= 99 else f"{centile:.1f}"


def ratios_block(ratios: Iterable[Ratio]) -> Block:
    """Count for each named ratio how many are determined, one-sided or not determined, and say why.

    Parameters
    ----------
    ratios : iterable of Ratio
        Of every visit.

    Returns
    -------
    Table or Text
        A row a ratio and parent, with the reasons under it.
    """
    found: dict[tuple[str, str], list[Ratio]] = {}
    for ratio in ratios:
        found.setdefault((ratio.id, full_name(ratio.result.measurand)), []).append(ratio)
    if not found:
        return note("No named ratio could be formed: none has both its terms from cells that may be divided.")
    words = ("determined", "one-sided", "not determined", "no interval")
    heads = columns(
        ("ratio", "name"), ("visits", "count"), *((word, "count") for word in words), ("computed from", "place")
    )
    rows: list[tuple[Cell, ...]] = []
    for (_, name), same in found.items():
        outcomes = Counter(outcome(r.result) for r in same)
        methods = "; ".join(dict.fromkeys(r.result.method for r in same))
        rows.append(cells(name, str(len(same)), *(str(outcomes[word]) for word in words), methods))
        rows += [(Cell(note=why),) for why in _reasons(same)]
    return Table(heads, (Group("", "", tuple(rows)),), "ratios")


def _reasons(ratios: Sequence[Ratio]) -> Iterable[str]:
    what = name_of(ratios[0].denominator.measurand)
    reached = {
        "one-sided": f"the denominator, {what}, reaches its background",
        "not determined": f"numerator and denominator, {what}, both reach their background",
    }
    for word, reason in reached.items():
        these = [r for r in ratios if outcome(r.result) == word]
        if these:
            listed = "; ".join(f"{r.result.key} {_probability(r)}" for r in these)
            yield f"{word.capitalize()} because {reason}. P, the probability that it is not above it: {listed}."


def _probability(ratio: Ratio) -> str:
    p = ratio.p_denominator_absent
    if math.isnan(p):
        return "P not computed"
    return f"P{FIXED}{'' if p < 0.001 or p > 0.999 else f'={FIXED}'}{probability(p)}"


def by_measurand(study: StudyFindings) -> list[list[Seen]]:
    """Gather every result by measurand and unit.

    Parameters
    ----------
    study : StudyFindings
        The study.

    Returns
    -------
    list of list of Seen
        In the order they are first met, each by woman and day; shares before ratios.
    """
    found: dict[tuple[str, str], list[Seen]] = {}
    for visit in study.visits:
        placements = {key_of(p.measurement): p for p in visit.placements}
        for m in visit.measurements:
            seen = Seen(visit.moment, m, placements.get(key_of(m)))
            found.setdefault((m.measurand.id, m.quantity.unit), []).append(seen)
    return sorted(found.values(), key=lambda seen: seen[0].measurement.measurand.quantity == "ratio")
