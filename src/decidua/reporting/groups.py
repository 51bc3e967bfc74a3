"""Which rows the first page shows, and under which heads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from decidua.knowledge import label
from decidua.measurement import Measurand, Measurement, PairedCounts
from decidua.reporting.findings import VisitFindings
from decidua.reporting.numerals import DASH, FIXED, number, plain
from decidua.reporting.rows import Row, key_of
from decidua.reporting.wording import in_words, parent_text, term_text

ROWS_ON_PAGE_ONE, RATIOS_KEPT = 9, 3


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
