"""The first page of a visit report: the table of results, NK cells how many and how they work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from decidua.knowledge import label
from decidua.reporting.axes import FOLD, extent, natural
from decidua.reporting.document import Block, Cell, Column, Figure, Group, Reading, Section, Table, note
from decidua.reporting.drawing import View
from decidua.reporting.findings import VisitFindings
from decidua.reporting.numerals import (
    counts_text,
    interval_text,
    limit_text,
    near_background,
    number_of,
    unit_of,
    value_text,
)
from decidua.reporting.rows import ROWS_ON_PAGE_ONE, Row, RowGroup, grouped, has_number, key_of, page_one
from decidua.reporting.sentences import statement
from decidua.reporting.strips import (
    HEIGHT,
    fold_strip,
    natural_strip,
    place_words,
    standing_strip,
    strip_axis,
    women_text,
)
from decidua.reporting.wording import counted, full_name, moment_text, name_of

NK_WIDTH, NK_ROWS = 290, 3
Figures = Mapping[str, Figure]


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


def first_views(groups: Sequence[RowGroup], nk: Sequence[Row]) -> dict[str, View]:
    """Prepare the figures of the first page.

    Parameters
    ----------
    groups : sequence of RowGroup
        Of the table.
    nk : sequence of Row
        NK rows that are shown.

    Returns
    -------
    dict of str to View
        By the key that `results_table` and `nk_sections` look them up with.
    """
    views: dict[str, View] = {}
    last_fold = max((i for i, g in enumerate(groups) if g.rows[0].folds), default=None)
    for i, group in enumerate(groups):
        if group.rows[0].folds:
            views |= {f"strip {i} {k}": fold_strip(row) for k, row in enumerate(group.rows)}
            if i == last_fold:
                views[f"axis {i}"] = strip_axis(FOLD, caption="times the healthy women's middle value")
        elif any(has_number(row.measurement) for row in group.rows):
            axis = natural(extent(row.measurement for row in group.rows))
            views |= {f"strip {i} {k}": natural_strip(row, axis) for k, row in enumerate(group.rows)}
            views[f"axis {i}"] = strip_axis(axis, caption=label("units", group.rows[0].measurement.quantity.unit))
    for k, row in enumerate(nk):
        if has_number(row.measurement):
            among = row.women.values if row.women else ()
            axis = natural([*extent([row.measurement]), *among])
            views[f"nk {k}"] = standing_strip(row, axis, NK_WIDTH)
    return views


def fitting(rows: Sequence[Row], findings: VisitFindings, nk: int) -> tuple[tuple[RowGroup, ...], tuple[Row, ...]]:
    """Choose as many rows as the first page holds.

    Parameters
    ----------
    rows : sequence of Row
        NK number and activity left out.
    findings : VisitFindings
        The visit.
    nk : int
        Readings in the longer of the two NK columns.

    Returns
    -------
    tuple of RowGroup and tuple of Row
        At most nine rows in their groups, and the rows left for the appendix.
    """
    for most in range(ROWS_ON_PAGE_ONE, 0, -1):
        chosen, further = page_one(rows, findings, most)
        groups = grouped(chosen)
        heights = [_TITLE + HEIGHT * len(g.rows) + _AXIS * (not g.rows[0].folds) for g in groups]
        if sum(heights) + _READING * nk <= _ROOM:
            break
    return groups, further


_TITLE, _AXIS, _READING, _ROOM = 22, 20, 84, 620
"""Heights on the first page, and the room that table and NK band share there [px]."""


def results_table(groups: Sequence[RowGroup], figures: Figures, subject: str) -> Table:
    """Write the table of results.

    Parameters
    ----------
    groups : sequence of RowGroup
        At most nine rows in all.
    figures : mapping of str to Figure
        Drawn from `first_views`.
    subject : str
        Her pseudonym, for the key.

    Returns
    -------
    Table
        A row a result: value, interval, strip, women, last value, and whether it varies more than usual.
    """
    moments = {moment_text(r.last[0]) for g in groups for r in g.rows if r.last}
    last = f"last, {moments.pop()}" if len(moments) == 1 else "last"
    key = (("●", "mark", "one healthy woman"), ("●", "woman", subject), ("○", "woman", "last visit"))
    columns = (
        Column("result", "name"),
        Column("this visit", "value"),
        Column("95\u00a0% interval", "interval"),
        Column("", "strip", key),
        Column("healthy women: middle (all)", "place"),
        Column(last, "last"),
        Column("more than usual variation?", "change"),
    )
    drawn = Counter(len(r.women.values) for g in groups for r in g.rows if r.women)
    usual = drawn.most_common(1)[0][0] if drawn else 0
    return Table(columns, tuple(_group(i, g, figures, usual) for i, g in enumerate(groups)), "results")


def _group(i: int, group: RowGroup, figures: Figures, usual: int) -> Group:
    rows = tuple(_cells(row, figures.get(f"strip {i} {k}"), usual) for k, row in enumerate(group.rows))
    folds = group.rows[0].folds
    unit = label("units", group.rows[0].measurement.quantity.unit)
    note = f"{unit or 'the ratio'}, each step doubles"
    if folds:
        beyond = any(_reaches_out(row) for row in group.rows)
        note = "× the healthy women’s middle; each step doubles" + ("; dots at an end lie beyond it" if beyond else "")
    return Group(group.title, group.note, rows, figures.get(f"axis {i}"), note)


def _reaches_out(row: Row) -> bool:
    women = row.women
    return women is not None and any(FOLD.inside(v / women.middle) != v / women.middle for v in women.values)


def _cells(row: Row, strip: Figure | None, usual: int) -> tuple[Cell, ...]:
    m = row.measurement
    value, interval = shown(row)
    if m.quantity.unit != "%":
        value = value.removesuffix(unit_of(m.quantity.unit))
    return (
        Cell(name_of(m.measurand)),
        Cell(value),
        Cell(interval if has_number(m) else "no number"),
        Cell(figure=strip) if has_number(m) and strip else Cell(note=interval),
        _place(row, usual),
        Cell(number_of(row.last[1].quantity) if row.last else "none"),
        Cell("cannot say"),
    )


def shown(row: Row) -> tuple[str, str]:
    """Write value and interval as a visit report shows them.

    Parameters
    ----------
    row : Row
        A result.

    Returns
    -------
    tuple of str and str
        A share near its background is a limit, with its counts in place of the interval.
    """
    m = row.measurement
    if near_background(m):
        return limit_text(m), counts_text(m) or interval_text(m)
    return value_text(m), interval_text(m)


def _place(row: Row, usual: int) -> Cell:
    words = place_words(row)
    if row.women is None:
        return Cell(note=words)
    middle, ends = women_text(row.women)
    among = f"{middle} ({ends})"
    if row.place.outside:
        return Cell(among, mark=words)
    if row.place.reason == "one-sided":
        return Cell(among, note="not placed")
    n = len(row.women.values)
    return Cell(among, note=words if row.place.reason else "" if n == usual else counted(n, "woman", "women"))


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


def further_note(further: int) -> str:
    """Say how many results stand only in the appendix.

    Parameters
    ----------
    further : int
        Results left out of the table and of the NK band.

    Returns
    -------
    str
        Empty where there are none.
    """
    return (
        f"{further} further {'result stands' if further == 1 else 'results stand'} in the appendix." if further else ""
    )
