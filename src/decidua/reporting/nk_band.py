"""NK cells on the first page: how many, and apart from that how they work in the dish."""

from __future__ import annotations

from collections.abc import Sequence

from decidua.reporting.document import Block, Figure, Reading, Section, note
from decidua.reporting.findings import VisitFindings
from decidua.reporting.first_page import Figures, shown
from decidua.reporting.rows import Row, key_of
from decidua.reporting.sentences import statement
from decidua.reporting.strips import place_words
from decidua.reporting.values import number_of
from decidua.reporting.wording import full_name

NK_ROWS = 3


def nk_rows(rows: Sequence[Row], findings: VisitFindings) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Part NK number and NK activity from the other results.

    Parameters
    ----------
    rows : sequence of Row
        Every result of the visit.
    findings : VisitFindings
        Tells what is a coordinate of which.

    Returns
    -------
    tuple of Row and tuple of Row
        How many, and how they work; never merged.
    """
    number = {key_of(c.measurement) for c in findings.profile.nk_number}
    activity = {key_of(c.measurement) for c in findings.profile.nk_activity}
    return tuple(r for r in rows if key_of(r.measurement) in number), tuple(
        r for r in rows if key_of(r.measurement) in activity
    )


def nk_sections(number: Sequence[Row], activity: Sequence[Row], figures: Figures) -> tuple[Section, Section]:
    """Write how many NK cells there are and, apart from it, how they work.

    Parameters
    ----------
    number, activity : sequence of Row
        Rows shown.
    figures : mapping of str to Figure
        Drawn from `first_views`, number first.

    Returns
    -------
    tuple of Section and Section
        Left and right.
    """
    many: tuple[Block, ...] = tuple(_reading(r, figures.get(f"nk {k}")) for k, r in enumerate(number))
    work: tuple[Block, ...] = tuple(
        _reading(r, figures.get(f"nk {k}")) for k, r in enumerate(activity, start=len(number))
    )
    if activity:
        work += (note(statement("k562")),)
    missing = (note("Not measured at this visit."),)
    return (
        Section("NK cells: how many", many or missing, "nk", "left"),
        Section(
            "NK cells: how they work in the dish",
            work or missing,
            "nk",
            "right",
        ),
    )


def _reading(row: Row, figure: Figure | None) -> Reading:
    m = row.measurement
    value, interval = shown(row)
    last = f"last {number_of(row.last[1].quantity)}" if row.last else "no last value"
    words = f"{last} · more than usual variation: cannot say"
    return Reading(full_name(m.measurand), value, f"({interval}) · {place_words(row)}", words, figure)
