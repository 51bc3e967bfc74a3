"""The second page of a visit report: her course, what was done, where the range comes from, what is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from decidua.knowledge import table
from decidua.measurement import Censoring, Measurement
from decidua.reporting.citations import Citations
from decidua.reporting.courses import Point, course, drawable, medicine_bars
from decidua.reporting.document import Block, Facts, Figure, Gallery, Page, Section, Text, note
from decidua.reporting.drawing import View
from decidua.reporting.findings import StudyFindings, VisitFindings
from decidua.reporting.rows import Row, same_measurand
from decidua.reporting.sentences import in_phase, plain_words, statement, weeks_of
from decidua.reporting.timelines import timeline
from decidua.reporting.wording import counted, in_words, method_parts, moment_text, name_of

COURSES = 4


def course_views(study: StudyFindings, findings: VisitFindings, rows: Sequence[Row]) -> dict[str, View]:
    """Prepare the courses of the results that an earlier visit has too.

    Parameters
    ----------
    study : StudyFindings
        For her earlier visits.
    findings : VisitFindings
        This visit.
    rows : sequence of Row
        Results, those to be drawn first in front.

    Returns
    -------
    dict of str to View
        At most four courses on one time axis, and her medicines on the same.
    """
    visits = [*same_pregnancy(study, findings), findings]
    if findings.moment.phase == "unknown":
        return {}
    ranked = sorted(rows, key=lambda row: _rank(row, rows))
    courses = [(row, points) for row in ranked if len(points := drawable(_points(visits, row.measurement))) > 1]
    courses = [(row, points) for row, points in courses if points[-1].measurement is row.measurement][:COURSES]
    if not courses:
        return {}
    women = [row.women for row, _ in courses if row.women]
    days = (
        [d for w in women for d in (w.from_day, w.to_day) if d is not None] if findings.moment.gestational_day else []
    )
    line = timeline([v.moment for v in visits], 240, days)
    views = {f"course {i}": course(points, line, row.women) for i, (row, points) in enumerate(courses)}
    bars = medicine_bars([(v.moment, v.visit.medicines) for v in visits], line)
    return views | ({"medicines": bars} if bars else {})


def _rank(row: Row, rows: Sequence[Row]) -> int:
    """Draw first what lies outside, then one each of ratio, NK number and NK activity, then shares."""
    if row.place.outside:
        return 0
    kind = _kind(row)
    first = next(r for r in rows if _kind(r) == kind)
    return 3 if row is not first else 1 if kind in ("ratio", "NK number", "NK activity") else 2


def _kind(row: Row) -> str:
    m = row.measurement.measurand
    if m.numerator.startswith("NK") and m.quantity != "ratio":
        return "NK activity" if m.quantity in ("activity", "lysis", "lytic_units") else "NK number"
    return m.quantity if row.measurement.quantity.censored is Censoring.NONE else "limit"


def same_pregnancy(study: StudyFindings, findings: VisitFindings) -> list[VisitFindings]:
    """Return her earlier visits of the same pregnancy.

    Parameters
    ----------
    study : StudyFindings
        The study.
    findings : VisitFindings
        This visit.

    Returns
    -------
    list of VisitFindings
        By day.
    """
    return [v for v in study.earlier(findings) if _pregnancy(v) == _pregnancy(findings)]


def _pregnancy(findings: VisitFindings) -> int:
    return findings.visit.pregnancy.number if findings.visit.pregnancy else 1


def _points(visits: Iterable[VisitFindings], m: Measurement) -> list[Point]:
    found = ((v.moment, m if v.visit.key == m.key else same_measurand(v, m)) for v in visits)
    return [Point(moment, other) for moment, other in found if other is not None]


def second_page(
    study: StudyFindings, findings: VisitFindings, rows: Sequence[Row], figures: Mapping[str, Figure], cited: Citations
) -> Page:
    """Write the second page.

    Parameters
    ----------
    study : StudyFindings
        For her earlier visits.
    findings : VisitFindings
        This visit.
    rows : sequence of Row
        Every result.
    figures : mapping of str to Figure
        Drawn from `course_views`.
    cited : Citations
        Receives the sources used.

    Returns
    -------
    Page
        Course over both columns, the rest in two.
    """
    left = (
        Section("What was done", (Facts(_done(rows)),), "facts", "left"),
        Section("Where the range comes from", tuple(_range(rows, cited)), "notes", "left"),
        Section("What is known of these tests", tuple(_known(findings, cited)), "notes", "left"),
    )
    guideline = table("statements")["plain_advised"]
    advised = note(f"{guideline['text'].partition(': ')[2]} {cited.cite(guideline.codes('source_id'))}")
    plain = tuple(Text(text, role="plain") for text in plain_words(rows))
    right = (
        Section("What guidelines do advise to look at after repeated loss", (advised,), "notes", "right"),
        Section("In plain words", plain, "plain", "right"),
        Section("Sources", (note(f"{cited.short()}. In full in the appendix."),), "notes", "right"),
    )
    return Page((_course(study, findings, figures), *left, *right))


def _course(study: StudyFindings, findings: VisitFindings, figures: Mapping[str, Figure]) -> Section:
    drawn = [figure for key, figure in figures.items() if key.startswith("course ")]
    earlier = study.earlier(findings)
    visits = [*same_pregnancy(study, findings), findings]
    if not drawn:
        key = "course_not_dated" if findings.moment.phase == "unknown" else "course_none"
        return Section("Her course", (note(statement(key)),), "course")
    said = [statement("course"), statement("no_reliability")]
    other = len(earlier) + 1 - len(visits)
    if other:
        said.append(f"Not drawn: {counted(other, 'visit')} of another pregnancy.")
    unasked = [moment_text(v.moment) for v in visits if v.visit.medicines is None]
    if unasked:
        said.append(f"Medicines not asked for at {', '.join(unasked)}.")
    bars = [figures["medicines"]] * min(2, len(drawn)) if "medicines" in figures else []
    return Section(
        f"Her course over {in_words(len(visits))} visits", (note(" ".join(said)), Gallery((*drawn, *bars))), "course"
    )


_DONE = {
    "material, age": ("material", "sample age"),
    "stimulus, blocker": ("stimulus", "blocker"),
    "parent, gates": ("parent", "threshold"),
    "background": ("background",),
    "where": ("laboratory", "platform", "kit"),
}


_UNSTATED = ("not stated", "none", "no blocker")


def _done(rows: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    """Join the identity fields of every result: what is the same once, what differs joined."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, text in method_parts(row.measurement.measurand):
            found.setdefault(name, {}).setdefault(text)
    lines = []
    for head, names in _DONE.items():
        stated = [
            "; ".join(t for t in found.get(n, {}) if t not in ("not stated", "none", "no blocker")) for n in names
        ]
        lines.append((head, " · ".join(text for text in stated if text) or "not stated"))
    if any("phorbol_parent" in row.measurement.flags for row in rows):
        lines.append(("CD3⁺CD8⁻", statement("phorbol_parent")))
    return tuple(lines)


def _range(rows: Sequence[Row], cited: Citations) -> Iterable[Block]:
    groups: dict[tuple[int, str, str, str], list[str]] = {}
    limits: dict[tuple[int, str, str, str], list[str]] = {}
    for row in rows:
        p, women = row.placement, row.women
        if p is None or (women is None and row.place.limits is None):
            continue
        source = "".join((f" {cited.cite([p.source])}" if p.source else "", f", {p.licence}" if p.licence else ""))
        if women is not None:
            when = weeks_of([women]) or in_phase(p.moment.phase)
            found = groups.setdefault((len(women.values), p.population, when, source), [])
        else:
            found = limits.setdefault((p.n_women, p.population, "their 95\u00a0% limits", source), [])
        found.append(name_of(row.measurement.measurand))
    for (n, population, how, source), names in (*groups.items(), *limits.items()):
        who = f" ({population})" if population else ""
        yield note(f"{counted(n, 'woman', 'women')}{who} {how}, for {', '.join(dict.fromkeys(names))}{source}.")
    if groups:
        sizes = sorted({n + 1 for n, *_ in groups})
        odds = " to ".join(f"2 in {n}" for n in dict.fromkeys((sizes[0], sizes[-1])))
        yield note(f"{statement('dots_only')} A healthy woman has a chance of {odds} of that for any one result.")
    if not groups and not limits:
        yield note(statement("no_reference"))


def _known(findings: VisitFindings, cited: Citations) -> Iterable[Block]:
    profile = findings.profile
    axes = {c.axis for c in profile.coordinates}
    told = {
        "Th1/Th2": bool(axes & {"Th1", "Th2"}),
        "Th17/Treg": bool(axes & {"Th17", "Treg"}),
        "NK": bool(profile.nk_number or profile.nk_activity),
    }
    if not any(told.values()):
        yield note(statement("nothing_known"))
    for topic in (t for t, is_told in told.items() if is_told):
        known = [r for r in table("statements").values() if r["about"] == topic and r["kind"] in ("for", "against")]
        said = (f"{r['kind'].capitalize()}: {r['text']} {cited.cite(r.codes('source_id'))}".strip() for r in known)
        yield note(" ".join(said), f"{topic}.")
