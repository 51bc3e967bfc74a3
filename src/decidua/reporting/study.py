"""The study report: what failed first, then every visit and result on one table, then figures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from decidua import __version__
from decidua.balance import AXES, Ratio
from decidua.knowledge import fact, label
from decidua.measurement import Censoring, Status, status_of
from decidua.reporting.document import Figure, Grid, Report, Section
from decidua.reporting.figures import intervals, over_gestation
from decidua.reporting.findings import StudyFindings
from decidua.reporting.look import AXIS_HUES, TEXT3
from decidua.reporting.wording import DASH, group_of, interval, name_of, number, placed, unit, value
from decidua.timeline.placement import Placement

FIGURES = 8


def study_report(study: StudyFindings) -> Report:
    """Assemble the report of a study.

    Parameters
    ----------
    study : StudyFindings
        Everything found.

    Returns
    -------
    Report
        Research output; it claims no difference between groups.
    """
    visits = study.visits
    women = len({v.visit.key.subject for v in visits})
    placements = [p for v in visits for p in v.placements]
    done = sum(not p.not_placeable for p in placements)
    refused = len(study.refused)
    failed = (
        f"{refused} {'item was' if refused == 1 else 'items were'} refused; " if refused else "Nothing was refused; "
    )
    sentence = f"{failed}{done} of {len(placements)} results are placed on the pregnancy timeline."
    return Report(
        kind="study",
        title=f"Study report {study.id}",
        heading="Study report",
        status=f"preliminary · {women} women, {len(visits)} visits",
        foot=f"study {study.id} · laboratory {study.laboratory}",
        sentence=sentence,
        first=tuple(
            s
            for s in (
                _refused(study),
                _notes(study),
                _ratio_section(study),
                _figure_section(study),
                _result_section(study),
            )
            if s is not None
        ),
        appendix=(
            Section("References used", grid=_references(placements)),
            Section("Inputs", grid=_inputs(study), kind="files"),
            Section("Sources", (_sources(placements),)),
            Section("Software", (f"decidua {__version__}",)),
        ),
    )


def _refused(study: StudyFindings) -> Section:
    if not study.refused:
        return Section("What failed", ("Nothing was refused.",))
    rows = tuple((e.file, e.place, e.message, e.remedy) for e in study.refused)
    return Section("What failed", grid=Grid(("file", "place", "what is wrong", "remedy"), rows), kind="failed")


def _notes(study: StudyFindings) -> Section | None:
    if not study.notes:
        return None
    grouped: dict[tuple[str, str], list[str]] = defaultdict(list)
    for n in study.notes:
        grouped[n.code, n.file].append(n.place or n.message)
    rows = tuple((label("flags", code), file, _short(places)) for (code, file), places in grouped.items())
    return Section("Read with a note", grid=Grid(("note", "file", "where"), rows))


def _short(places: Sequence[str]) -> str:
    shown = "; ".join(dict.fromkeys(places[:6]))
    return f"{shown}; and {len(places) - 6} more" if len(places) > 6 else shown


def _ratio_section(study: StudyFindings) -> Section | None:
    ratios = [r for v in study.visits for r in v.profile.ratios]
    if not ratios:
        return None
    by_id: dict[str, list[Ratio]] = defaultdict(list)
    for r in ratios:
        by_id[r.id].append(r)
    texts = tuple(_ratio_text(members) for members in by_id.values())
    figures: list[Figure] = []
    for members in list(by_id.values())[:FIGURES]:
        results = [(str(r.result.key), r.result) for r in members][:40]
        axis = members[0].label
        hue = AXIS_HUES.get(_first_axis(members[0]), TEXT3)
        drawn = intervals(results, hue, f"{axis} by visit", f"r{len(figures)}")
        note = group_of(members[0].result.measurand) + " · 95 % interval, doubling axis · arrow: one-sided"
        figures.append(Figure(drawn.svg, drawn.alt, axis, note))
    return Section("Ratios", texts, figures=tuple(figures), kind="figures")


def _first_axis(ratio: Ratio) -> str:
    found = fact("ratios", ratio.id)
    return found["axes"].split("/")[0] if found else AXES[0]


def _ratio_text(members: Sequence[Ratio]) -> str:
    seen = Counter(r.result.quantity.censored for r in members)
    one = [r for r in members if r.result.quantity.censored is Censoring.ABOVE]
    text = f"{members[0].label}: {seen[Censoring.NONE]} determined"
    if one:
        lows = [r.p_denominator_absent for r in one]
        lower_term = name_of(one[0].denominator.measurand)
        text += (
            f", {len(one)} one-sided because {lower_term} reaches its background there (probability that it is not "
            f"above the unstimulated tube {_range(lows)}, where .025 is the limit): only a "
            f"lower bound is given, and it is kept"
        )
    if seen[Censoring.UNDETERMINED]:
        text += f", {seen[Censoring.UNDETERMINED]} not determined because both terms reach their background"
    return text + "."


def _range(values: Sequence[float]) -> str:
    low, high = number(min(values), 3), number(max(values), 3)
    return low if low == high else f"{low} to {high}"


def _figure_section(study: StudyFindings) -> Section | None:
    by_measurand: dict[str, list[Placement]] = defaultdict(list)
    for v in study.visits:
        for p in v.placements:
            if p.median is not None and p.moment.gestational_day is not None:
                by_measurand[p.measurement.measurand.id].append(p)
    axes = {
        c.measurement.measurand.id: c.axis for v in study.visits for c in (*v.profile.coordinates, *v.profile.nk_number)
    }
    figures: list[Figure] = []
    for name, members in by_measurand.items():
        if len({p.moment.gestational_day for p in members}) < 2 or len(figures) >= FIGURES:
            continue
        drawn = over_gestation(members, AXIS_HUES.get(axes.get(name, ""), TEXT3), f"g{len(figures)}")
        first = members[0]
        warning = " · indicative" if first.indicative else ""
        note = (
            f"{unit(first.measurement.quantity.unit)} · grey: central 95 % of {first.n_women} women{warning} · log axis"
        )
        figures.append(Figure(drawn.svg, drawn.alt, name_of(first.measurement.measurand), note))
    return Section("By gestational age", figures=tuple(figures), kind="figures") if figures else None


def _result_section(study: StudyFindings) -> Section:
    rows = []
    for v in study.visits:
        for p in v.placements:
            m = p.measurement
            where = f"{label('phases', v.moment.phase)}, {v.moment.age}" if v.moment.phase != "unknown" else "not dated"
            flags = "; ".join(
                label("flags", f) for f in m.flags if f != "not_dated" and status_of((f,)) is not Status.OK
            )
            rows.append((str(v.visit.key), where, name_of(m.measurand), value(m), interval(m), _place(p), flags))
    if not rows:
        return Section("Every result", ("There is no result.",))
    heads = ("visit", "time", "result", "value", "95 % interval", "place", "flags")
    return Section("Every result", grid=Grid(heads, tuple(rows)), kind="wide")


def _place(p: Placement) -> str:
    if p.not_placeable:
        return f"not placeable: {placed(p.not_placeable)}"
    if p.z is None or p.centile is None:
        n = len(p.women.values) if p.women else 0
        return f"{p.outside_women} all {n} women" if p.outside_women else f"inside {n} women"
    ends = (p.centile_lower or 0.0, p.centile_upper or 0.0)
    z_ends = (p.z_lower or 0.0, p.z_upper or 0.0)
    doubt = ", indicative" if p.indicative else ""
    return (
        f"centile {number(p.centile, 0)} ({number(ends[0], 0)}{DASH}{number(ends[1], 0)}), "
        f"z {number(p.z, 2)} ({number(z_ends[0], 2)} to {number(z_ends[1], 2)}), {p.n_women} women{doubt}"
    )


def _references(placements: Sequence[Placement]) -> Grid:
    used = sorted(
        {(p.reference_id, p.n_women, p.population, p.source, p.licence) for p in placements if not p.not_placeable}
    )
    rows = tuple((r, str(n), people, source, licence) for r, n, people, source, licence in used)
    return Grid(
        ("reference", "women", "population", "source", "licence"), rows or (("none", "", "", "", ""),), numeric=(1,)
    )


def _inputs(study: StudyFindings) -> Grid:
    return Grid(("file", "SHA-256"), tuple((s.file, s.sha256) for s in sorted(study.inputs, key=lambda s: s.file)))


def _sources(placements: Sequence[Placement]) -> str:
    keys = sorted({p.source for p in placements if p.source})
    cited = [(fact("sources", k)) for k in keys]
    texts = [f"{f['citation']}, {f['journal']} {f['year']}" if f else k for f, k in zip(cited, keys, strict=True)]
    return " · ".join(texts) or "No reference was used."
