"""The results of one visit as a reader meets them: each with its place, its last value and its group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from decidua.knowledge import label
from decidua.measurement import Censoring, GestationalAge, Measurand, Measurement, Moment, PairedCounts, Status
from decidua.reporting.findings import StudyFindings, VisitFindings
from decidua.reporting.numerals import DASH, FIXED, near_background, number, plain
from decidua.reporting.wording import in_words, parent_text, term_text
from decidua.timeline.placement import Placement, Women

ROWS_ON_PAGE_ONE, RATIOS_KEPT = 9, 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where a result stands on a visit report, or why it is not placed.

    Attributes
    ----------
    outside : str
        ``above`` or ``below``; empty inside, and where it is not placed.
    women : Women or None
        The women drawn.
    limits : Placement or None
        The curve whose limits are used: never one of fewer than 40 women.
    reason : str
        Why it is not placed; empty where it is.
    """

    outside: str = ""
    women: Women | None = None
    limits: Placement | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A result with what is said beside it.

    Attributes
    ----------
    measurement : Measurement
        The result.
    placement : Placement or None
        As computed.
    place : Place
        As a visit report may say it.
    last : tuple of Moment and Measurement, or None
        Her last comparable result.
    """

    measurement: Measurement
    placement: Placement | None
    place: Place
    last: tuple[Moment, Measurement] | None = None

    @property
    def women(self) -> Women | None:
        """The women of this phase, drawn even where her own result has no place among them."""
        found = None if self.placement is None else self.placement.women
        return found if found and found.values else None

    @property
    def folds(self) -> bool:
        """Whether it can be drawn in multiples of the women's middle value."""
        return self.women is not None and self.women.middle > 0


def has_number(m: Measurement) -> bool:
    """Tell whether a result carries a number or a limit.

    Parameters
    ----------
    m : Measurement
        Any result.

    Returns
    -------
    bool
        False where it is void, failed or not determined.
    """
    read = m.status in (Status.OK, Status.FLAG)
    return read and m.quantity.value is not None and m.quantity.censored is not Censoring.UNDETERMINED


def comparable(m: Measurement) -> bool:
    """Tell whether a result may be compared with the same woman's others.

    Parameters
    ----------
    m : Measurement
        Any result.

    Returns
    -------
    bool
        False under a medicine that acts on immune cells, and where there is no number.
    """
    return has_number(m) and "under_treatment" not in m.flags and "unknown_medicine" not in m.flags


def rows_of(study: StudyFindings, findings: VisitFindings) -> tuple[Row, ...]:
    """Gather the results of a visit.

    Parameters
    ----------
    study : StudyFindings
        For her earlier visits.
    findings : VisitFindings
        The visit.

    Returns
    -------
    tuple of Row
        In the order of the measurements.
    """
    placements = {key_of(p.measurement): p for p in findings.placements}
    earlier = study.earlier(findings)
    rows = []
    for m in findings.measurements:
        placement = placements.get(key_of(m))
        last = next(
            ((v.moment, found) for v in reversed(earlier) if (found := same_measurand(v, m)) and comparable(found)),
            None,
        )
        rows.append(Row(m, placement, place_of(m, placement), last))
    return tuple(rows)


def key_of(m: Measurement) -> tuple[str, str, str, str]:
    """Tell a result from the others of its visit.

    Parameters
    ----------
    m : Measurement
        Any result.

    Returns
    -------
    tuple of str
        Measurand, specimen, run and place in its file.
    """
    return (m.measurand.id, m.specimen, m.run, m.source.place)


def same_measurand(findings: VisitFindings, m: Measurement) -> Measurement | None:
    """Find the result of another visit that may be held against one of this visit.

    Parameters
    ----------
    findings : VisitFindings
        The other visit.
    m : Measurement
        The result of this one.

    Returns
    -------
    Measurement or None
        One with a number and the same unit, where its binding fields agree.
    """
    fitting = (
        other
        for other in findings.measurements
        if has_number(other)
        and other.quantity.unit == m.quantity.unit
        and other.measurand.mismatch(m.measurand) is None
    )
    return next(fitting, None)


def place_of(m: Measurement, placement: Placement | None) -> Place:
    """Say where a result stands, as far as a visit report may say it.

    Parameters
    ----------
    m : Measurement
        The result.
    placement : Placement or None
        As computed.

    Returns
    -------
    Place
        Among the women drawn; else within limits of 40 women or more; else the reason.
    """
    if not has_number(m):
        return Place(reason="no number")
    if near_background(m):
        return Place(reason="one-sided")
    if placement is None:
        return Place(reason="no reference")
    if placement.not_placeable:
        return Place(reason=reason_text(placement.not_placeable))
    value = m.quantity.value
    if placement.women is not None and placement.women.values:
        return Place(placement.outside_women, women=placement.women)
    if placement.indicative:
        return Place(reason=f"the curve rests on {placement.n_women} women, see the study report")
    low, high = placement.low, placement.high
    if value is None or low is None or high is None:
        return Place(reason="the reference gives no limits")
    return Place("above" if value > high else "below" if value < low else "", limits=placement)


def reason_text(not_placeable: str) -> str:
    """Write in words why a result is not placed.

    Parameters
    ----------
    not_placeable : str
        ``FIELD: ours, theirs``.

    Returns
    -------
    str
        A phrase that follows *not placed*.
    """
    field, _, both = not_placeable.partition(": ")
    ours, _, theirs = both.partition(", ")
    if field == "phase":
        return "not dated" if ours == "not dated" else "no controls at this phase"
    if field == "medicine":
        return f"under {both.rpartition(', ')[0]}: compared with herself only"
    if field == "gestational_day":
        return f"the reference covers {_ages(theirs)}"
    days = theirs.replace("-", DASH)
    words = {
        "reference": "no reference",
        "censored": "not determined" if ours == "undetermined" else "one-sided",
        "status": "no number",
        "phase_day": f"the reference covers days {days} after the end",
        "value": "not above zero",
        "unit": f"the reference is in {label('units', theirs)}",
        "laboratory": f"the reference is of another laboratory, {theirs}",
    }
    return words.get(field, f"the reference has another {field.replace('_', ' ')}, {theirs.replace('_', ' ')}")


def _ages(days: str) -> str:
    first, _, last = days.partition("-")
    if first.isdecimal() and last.isdecimal():
        return f"{GestationalAge(int(first))}{DASH}{GestationalAge(int(last))}"
    return days


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows that share stimulus, parent and unit."""

    title: str
    note: str
    rows: tuple[Row, ...]


def page_one(rows: Iterable[Row], findings: VisitFindings, most: int) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Choose the rows of the first page's table.

    Parameters
    ----------
    rows : iterable of Row
        Of the visit, NK number and activity left out.
    findings : VisitFindings
        Tells which of them are coordinates of an axis.
    most : int
        How many there is room for.

    Returns
    -------
    tuple of Row and tuple of Row
        Chosen, those outside before all others, and left for the appendix; both in the order given.
    """
    every = list(rows)
    on_axis = {key_of(c.measurement) for c in findings.profile.coordinates}
    ratios = [i for i, r in enumerate(every) if r.measurement.measurand.quantity == "ratio"]
    first = [i for i, r in enumerate(every) if key_of(r.measurement) in on_axis and i not in ratios]
    rest = [i for i in range(len(every)) if i not in ratios and i not in first]
    room = max(0, most - min(len(ratios), RATIOS_KEPT))
    outside = [i for i, r in enumerate(every) if r.place.outside]
    wanted = [*outside, *first[:room], *ratios[:RATIOS_KEPT], *ratios[RATIOS_KEPT:], *first[room:], *rest]
    chosen = set(list(dict.fromkeys(wanted))[:most])
    kept = tuple(r for i, r in enumerate(every) if i in chosen)
    return kept, tuple(r for i, r in enumerate(every) if i not in chosen)


def grouped(rows: Iterable[Row]) -> tuple[RowGroup, ...]:
    """Put rows under the heads they share.

    Parameters
    ----------
    rows : iterable of Row
        Rows of a table.

    Returns
    -------
    tuple of RowGroup
        Those drawn among women first; in each half shares, then ratios, counts and the rest.
    """
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        what = row.measurement.measurand
        groups.setdefault((row.folds, row.measurement.quantity.unit, *_shared(what)), []).append(row)
    ordered = sorted(groups.values(), key=lambda found: (not found[0].folds, _rank(found[0])))
    found: list[RowGroup] = []
    cells: set[tuple[object, ...]] = set()
    for same in ordered:
        m = same[0].measurement.measurand
        above = m.quantity == "ratio" and _shared(m)[1:] in cells
        title = "Ratios of the shares above" if above else group_title(same[0].measurement)
        found.append(RowGroup(title, _note(same), tuple(same)))
        if m.quantity == "share":
            cells.add(_shared(m)[1:])
    return tuple(found)


def _rank(row: Row) -> int:
    order = ("share", "ratio", "count", "concentration")
    quantity = row.measurement.measurand.quantity
    return order.index(quantity) if quantity in order else len(order)


def _shared(m: Measurand) -> tuple[object, ...]:
    if m.quantity in ("share", "ratio"):
        return (m.quantity, m.material, m.stimulus, m.stimulus_h, m.blocker, m.parent, m.background)
    return (m.quantity, m.material, m.stimulus, m.stimulus_h)


def group_title(result: Measurement) -> str:
    """Write what the rows of a group share.

    Parameters
    ----------
    result : Measurement
        One of them.

    Returns
    -------
    str
        Stimulus, hours, blocker, parent and background of cells; unit and material of the rest.
    """
    m = result.measurand
    words = []
    if m.stimulus != "none":
        hours = "" if m.stimulus_h is None else f", {plain(m.stimulus_h)}{FIXED}h"
        blocker = "" if m.blocker in ("", "none") else f", {label('blockers', m.blocker)}"
        words.append(f"After {label('stimuli', m.stimulus)}{hours}{blocker}")
    elif m.quantity in ("share", "ratio"):
        words.append("Unstimulated")
    minus = " minus unstimulated" if m.background == "subtracted" else ""
    if m.quantity == "share":
        words.append(f"share of {_named(m.parent)}{minus}")
    elif m.quantity == "ratio":
        words.append(f"ratios of shares of {_named(m.parent)}")
    else:
        kinds = {"count": "cells counted", "concentration": "concentrations", "lytic_units": "lytic units"}
        unit = label("units", result.quantity.unit)
        parts = (kinds.get(m.quantity, m.quantity), unit, label("materials", m.material))
        words.append(", ".join(part for part in parts if part))
    text = "; ".join(words)
    return text[0].upper() + text[1:]


def _named(parent: str) -> str:
    if not parent:
        return "cells, parent not stated"
    name, path = term_text(parent.partition("[")[0]), parent_text(parent)
    return path if name == path else f"{name} ({path})"


def _note(rows: list[Row]) -> str:
    if rows[0].measurement.measurand.quantity == "ratio":
        terms = {t for r in rows for t in (r.measurement.measurand.numerator, r.measurement.measurand.denominator)}
        k = len(terms)
        return f"their {in_words(k)} shares give {in_words(k)} free numbers, not {in_words(k + len(rows))}"
    counts = [r.measurement.quantity.uncertainty for r in rows]
    parents = sorted({c.n_parent for c in counts if isinstance(c, PairedCounts)})
    if not parents:
        return ""
    ends = [number(n, 0) for n in (parents[0], parents[-1])]
    return f"{ends[0] if ends[0] == ends[1] else DASH.join(ends)} parent cells"
