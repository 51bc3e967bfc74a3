"""The visit report: two pages about one woman and one day, and appendices. No model, no drug, no composite."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from decidua import __version__
from decidua.knowledge import fact, label, table
from decidua.measurement import Measurand, Measurement, PairedCounts, Specimen, Status, Visit
from decidua.reporting.document import Figure, Grid, Report, Section, StripGroup, StripRow
from decidua.reporting.figures import course, fold_axis, strip
from decidua.reporting.findings import StudyFindings, VisitFindings
from decidua.reporting.gates import gate_sections
from decidua.reporting.wording import (
    DASH,
    group_of,
    interval,
    name_of,
    number,
    placed,
    population,
    superscript,
    unit,
    value,
)
from decidua.timeline.placement import Placement, Women

ROWS_ON_PAGE_1 = 9
COURSES = 4


def visit_report(study: StudyFindings, findings: VisitFindings) -> Report:
    """Assemble the report of one visit.

    Parameters
    ----------
    study : StudyFindings
        The study it belongs to; the woman's earlier visits come from it.
    findings : VisitFindings
        The visit.

    Returns
    -------
    Report
        Preliminary: nobody has signed it.
    """
    visit, when = findings.visit, findings.moment
    number_axis = {id(c.measurement) for c in findings.profile.nk_number}
    activity_axis = {id(c.measurement) for c in findings.profile.nk_activity}
    nk = number_axis | activity_axis
    main = [p for p in findings.placements if id(p.measurement) not in nk]
    rows, spill = main[:ROWS_ON_PAGE_1], main[ROWS_ON_PAGE_1:]
    before = _last_results(study, findings)
    groups = _groups(rows, before)
    folds = any(row.figure for group in groups for row in group.rows)
    first = [
        *_nk_sections(findings.placements, number_axis, activity_axis, before),
        Section("Quality", (quality_line(findings),), kind="line"),
    ]
    if spill:
        more = f"{len(spill)} further results stand in the appendix."
        first.append(Section("More", (more,), kind="line"))
    return Report(
        kind="visit",
        title=f"Visit report {visit.key}",
        heading="Visit report",
        status="PRELIMINARY · unsigned",
        foot=f"{visit.key.subject} · {when.age} · report {visit.key.subject}-{visit.key.visit}",
        sentence=closed_sentence(findings.placements, findings.measurements, when.phase),
        identity=_identity(study, findings),
        groups=tuple(groups),
        axis=fold_axis("axis") if folds else None,
        first=tuple(first),
        fixed=tuple(f["text"] for f in table("statements").values() if f["kind"] == "fixed_line"),
        second=tuple(_second_page(study, findings)),
        appendix=tuple(_appendix(study, findings)),
    )


def closed_sentence(placements: Sequence[Placement], results: Sequence[Measurement], phase: str) -> str:
    """Say how many results lie outside the women drawn, from a closed list of sentences.

    Parameters
    ----------
    placements : sequence of Placement
        Of one visit.
    results : sequence of Measurement
        Of the same visit.
    phase : str
        Key of `knowledge/phases.csv`.

    Returns
    -------
    str
        Counts that the table bears out, and what chance alone would give.
    """
    if not results:
        return "No result of this visit could be used."
    if any(m.status is Status.FAILED for m in results):
        return "Test failed: its run control lay outside its limits. No result of this run can be read."
    among = [p for p in placements if p.women is not None]
    unplaced = len(placements) - len(among)
    rest = f" {unplaced} {'result' if unplaced == 1 else 'results'} cannot be placed." if unplaced else ""
    if phase == "unknown":
        return f"The visit is not dated: none of its {len(placements)} results can be placed."
    if not among:
        return f"No healthy women were measured like this {_at(phase)}: nothing is placed.{rest}"
    counts = {len(p.women.values) for p in among if p.women is not None}
    women = f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
    outside = sum(bool(p.outside_women) for p in among)
    m = len(among)
    if not outside:
        inside = "The one result that can be placed lies" if m == 1 else f"All {m} results that can be placed lie"
        return f"{inside} inside the {women} healthy women seen {_at(phase)}.{rest}"
    n = min(counts)
    tenths = round(10 * (1 - (1 - 2 / (n + 1)) ** m))
    usual = f"About {tenths} in 10 healthy women have one." if tenths else "Few healthy women have one."
    return (
        f"{outside} of {m} results that can be placed {'lies' if outside == 1 else 'lie'} outside "
        f"the {women} healthy women seen {_at(phase)}. {usual}{rest}"
    )


def _at(phase: str) -> str:
    words = {"post_partum": "post partum", "after_loss": "after a loss", "unknown": "at this time"}
    return words.get(phase, f"in the same phase ({label('phases', phase)})")


def _identity(study: StudyFindings, findings: VisitFindings) -> tuple[tuple[str, str], ...]:
    visit, when = findings.visit, findings.moment
    dated = f"dated by {label('datings', when.method)}" if when.method else "not dated"
    fetuses = visit.pregnancy.fetuses if visit.pregnancy else None
    count = {1: ", one fetus", 2: ", two fetuses"}.get(fetuses or 0, "")
    materials = {label("materials", m.measurand.material) for m in findings.measurements if m.measurand.material}
    return (
        ("pseudonym", visit.key.subject),
        ("age", f"{visit.age_years} years" if visit.age_years is not None else "not stated"),
        ("visit", visit.key.visit),
        ("time", when.age),
        ("phase", f"{label('phases', when.phase)}, {dated}{count}"),
        ("laboratory", study.laboratory),
        ("accession", ", ".join(s.id for s in visit.specimens if s.id) or "not stated"),
        ("material", ", ".join(sorted(materials)) or "not stated"),
        ("collected → set up", _way(visit.specimens)),
        ("medicines at draw", _medicines(visit)),
        (
            "infection, vaccine",
            {"yes": "yes, in 4 weeks", "no": "none in 4 weeks"}.get(visit.infection_or_vaccine_4w, "not stated"),
        ),
    )


def _way(specimens: Iterable[Specimen]) -> str:
    hours = [s.set_up.hours_since(s.collected) for s in specimens if s.set_up and s.collected and s.set_up.timed]
    if not hours:
        return "not stated"
    whole, minutes = divmod(round(60 * max(hours)), 60)
    return f"{whole} h {minutes:02d} min later"


def _medicines(visit: Visit) -> str:
    if visit.medicines is None:
        return "not stated"
    return ", ".join(f"{d.drug} {d.dose}".strip() for d in visit.medicines) or "none"


def _last_results(study: StudyFindings, findings: VisitFindings) -> dict[str, Measurement]:
    last: dict[str, Measurement] = {}
    for earlier in study.earlier(findings):
        for m in earlier.measurements:
            if m.quantity.value is not None:
                last[m.measurand.id] = m
    return last


def _groups(placements: Sequence[Placement], before: dict[str, Measurement]) -> list[StripGroup]:
    grouped: dict[str, list[Placement]] = defaultdict(list)
    for p in placements:
        grouped[group_of(p.measurement.measurand)].append(p)
    groups: list[StripGroup] = []
    for title, members in grouped.items():
        rows = tuple(_row(p, before, f"s{len(groups)}-{i}") for i, p in enumerate(members))
        groups.append(StripGroup(title[0].upper() + title[1:], _group_note(members), rows))
    return groups


def _group_note(members: Sequence[Placement]) -> str:
    counts = [p.measurement.quantity.uncertainty for p in members]
    parents = {c.n_parent for c in counts if isinstance(c, PairedCounts)}
    if members[0].measurement.measurand.quantity == "ratio":
        return "ratios of shares add no independent finding"
    return f"{number(max(parents), 0)} parent cells" if parents else ""


def _row(p: Placement, before: dict[str, Measurement], name: str) -> StripRow:
    m = p.measurement
    last = before.get(m.measurand.id)
    figure = None
    if p.women is not None and p.women.middle > 0:
        figure = strip(m, p.women, last, name)
    return StripRow(
        name=name_of(m.measurand),
        value=value(m),
        interval=_interval_with_counts(m),
        women=_women_text(p.women),
        place=_place_text(p),
        last=_last_text(last),
        variation="cannot say" if last is not None else "",
        figure=figure,
    )


def _interval_with_counts(m: Measurement) -> str:
    counts = m.quantity.uncertainty
    few = "few_net_positives" in m.flags
    if few and isinstance(counts, PairedCounts) and counts.n_pos_control is not None:
        return f"{interval(m)} · {counts.n_pos} cells over {counts.n_pos_control}"
    return interval(m)


def _women_text(women: Women | None) -> str:
    if women is None:
        return ""
    return f"{number(women.middle)} ({number(women.values[0])}{DASH}{number(women.values[-1])})"


def _place_text(p: Placement) -> str:
    if p.women is not None:
        n = len(p.women.values)
        if p.measurement.quantity.censored != "none":
            return "not placed"
        return f"{p.outside_women} all {n}" if p.outside_women else f"inside {n} women"
    if p.not_placeable:
        return f"not placed: {placed(p.not_placeable)}"
    return f"not placed: the curve rests on {p.n_women} women, see the study report"


def _last_text(last: Measurement | None) -> str:
    return value(last).replace("\u00a0" + unit(last.quantity.unit), "") if last is not None else ""


def _nk_sections(
    placements: Sequence[Placement], number_axis: set[int], activity_axis: set[int], before: dict[str, Measurement]
) -> list[Section]:
    sections: list[Section] = []
    for title, members, note in (
        ("NK cells: how many", number_axis, ""),
        ("NK cells: how they work in the dish", activity_axis, _K562),
    ):
        mine = [p for p in placements if id(p.measurement) in members]
        if not mine:
            continue
        figures = [_nk_figure(p, before, f"n{len(sections)}-{i}") for i, p in enumerate(mine)]
        sections.append(Section(title, (note,) if note else (), figures=tuple(figures), kind="nk"))
    return sections


_K562 = "K562 is a leukaemia cell line; no cell of the placenta is in the tube."


def _nk_figure(p: Placement, before: dict[str, Measurement], name: str) -> Figure:
    m = p.measurement
    last = before.get(m.measurand.id)
    caption = f"{name_of(m.measurand)}, {unit(m.quantity.unit) or m.measurand.quantity}: {value(m)}"
    said = f" ({interval(m)})"
    note = f"last {_last_text(last)} · more than usual variation: cannot say" if last else ""
    if p.women is None or p.women.middle <= 0:
        return Figure("", caption, caption + said, "; ".join(t for t in (_place_text(p), note) if t))
    drawn = strip(m, p.women, last, name, fold=False, ticks=True)
    place = f"{_place_text(p)}, middle {number(p.women.middle)}"
    return Figure(drawn.svg, drawn.alt, caption + said, "; ".join(t for t in (place, note) if t))


def quality_line(findings: VisitFindings) -> str:
    """Say in one line what was flagged.

    Parameters
    ----------
    findings : VisitFindings
        The visit.

    Returns
    -------
    str
        *Nothing flagged*, or each flag with the number of results it stands on.
    """
    counts: dict[str, int] = defaultdict(int)
    for m in findings.measurements:
        for flag in m.flags:
            found = fact("flags", flag)
            if found is not None and found["severity"] != "note":
                counts[flag] += 1
    if not counts:
        return "Nothing flagged."
    said = [f"{label('flags', flag)} ({n} {'result' if n == 1 else 'results'})" for flag, n in counts.items()]
    text = "; ".join(said) + "."
    return text[0].upper() + text[1:]


def _second_page(study: StudyFindings, findings: VisitFindings) -> list[Section]:
    return [
        _course_section(study, findings),
        Section("What was done", pairs=_what_was_done(findings)),
        Section("Where the range comes from", _range_text(findings.placements)),
        Section("What is known of these tests", _known(findings)),
        Section("What guidelines do advise to look at after repeated loss", _statements("guideline")),
        Section("In plain words", _plain_words(findings), kind="plain-words"),
        Section("Sources", (_sources(findings),)),
    ]


def _course_section(study: StudyFindings, findings: VisitFindings) -> Section:
    earlier = study.earlier(findings)
    if not earlier or findings.visit.day is None:
        return Section("Her course", ("This is the first dated visit: there is no course yet.",))
    offset = _offset(findings, earlier)
    pregnancy = findings.visit.pregnancy
    ended = pregnancy.ended.day if pregnancy is not None and pregnancy.ended is not None else None
    figures: list[Figure] = []
    for p in findings.placements:
        m = p.measurement
        points = [
            (v.visit.day.day, v.moment, found)
            for v in (*earlier, findings)
            for found in v.measurements
            if found.measurand.id == m.measurand.id and found.quantity.value and v.visit.day is not None
        ]
        if len(points) > 1 and len(figures) < COURSES:
            drawn = course(points, p.women, offset, ended, f"c{len(figures)}")
            caption = f"{name_of(m.measurand)}, {unit(m.quantity.unit) or 'ratio'}"
            figures.append(Figure(drawn.svg, drawn.alt, caption, "more than usual variation: cannot say"))
    text = (
        "Points are results with 95 % intervals; a grey block is the healthy women of this phase, with their middle "
        "value. How far a repeat falls by itself is not known for these measurands in this laboratory, so no band is "
        "drawn. Vertical axes double at each step."
    )
    return Section(f"Her course over {len(earlier) + 1} visits", (text,), figures=tuple(figures), kind="course")


def _offset(findings: VisitFindings, earlier: Sequence[VisitFindings]) -> int:
    for v in (findings, *reversed(earlier)):
        if v.moment.gestational_day is not None and v.visit.day is not None:
            return v.visit.day.day - v.moment.gestational_day
    return 0


def _what_was_done(findings: VisitFindings) -> tuple[tuple[str, str], ...]:
    shares = [m for m in findings.measurements if m.measurand.quantity == "share"]
    if not shares:
        return (("method", "; ".join(sorted({m.method for m in findings.measurements})) or "nothing measured"),)
    measurand = shares[0].measurand
    material = label("materials", measurand.material) if measurand.material else "material not stated"
    stimulated = next((m.measurand for m in shares if m.measurand.stimulus != "none"), measurand)
    return (
        ("material, class", f"{material}, {measurand.sample_age_class.replace('_', ' ')}"),
        ("stimulus, blocker", _stimulus_text(stimulated)),
        ("parent, gates", "; ".join(sorted({_parent_text(m.measurand) for m in shares}))),
        ("background", f"unstimulated tube {stimulated.background.replace('_', ' ')}, negatives kept"),
        ("threshold", stimulated.threshold.replace("_", " ") or "not stated"),
        ("interval", shares[0].method),
    )


def _stimulus_text(measurand: Measurand) -> str:
    if measurand.stimulus == "none":
        return "none"
    hours = "hours not stated" if measurand.stimulus_h is None else f"{measurand.stimulus_h:g} h"
    return f"{label('stimuli', measurand.stimulus)}, {hours}; {label('blockers', measurand.blocker)}"


def _parent_text(measurand: Measurand) -> str:
    known = fact("populations", measurand.parent.partition("[")[0])
    text = superscript(known["definition"]) if known and known["definition"] else population(measurand.parent)
    return text + (f" ({known['note']})" if known and known["note"] and known.key == "T_helper" else "")


def _range_text(placements: Sequence[Placement]) -> tuple[str, ...]:
    used: dict[tuple[int, str, str], list[str]] = defaultdict(list)
    for p in placements:
        if p.women is not None:
            used[len(p.women.values), p.population, p.source].append(name_of(p.measurement.measurand))
    if not used:
        return ("No range was used on this report.",)
    texts = []
    for (n, people, source), names in used.items():
        texts.append(
            f"{', '.join(names)}: {n} women, one value each; {people or 'population not described'}; source {source}. "
            f"Fewer than 40 women: every woman is drawn and no limit is computed. “Outside” means beyond all of "
            f"them; a healthy woman has a 1 in {round((n + 1) / 2)} chance of that for any one result."
        )
    return tuple(texts)


def _known(findings: VisitFindings) -> tuple[str, ...]:
    axes = {axis for r in findings.profile.ratios for axis in (fact_axes(r.id),)}
    if findings.profile.nk_number or findings.profile.nk_activity:
        axes.add("NK")
    if any(c.axis in ("Th1", "Th2") for c in findings.profile.coordinates):
        axes.add("Th1/Th2")
    if any(c.axis in ("Th17", "Treg") for c in findings.profile.coordinates):
        axes.add("Th17/Treg")
    texts = []
    for kind, head in (("for", "For: "), ("against", "Against: ")):
        said = [f["text"] for f in table("statements").values() if f["kind"] == kind and f["about"] in axes]
        if said:
            texts.append(head + " ".join(said))
    return tuple(texts)


def fact_axes(ratio_id: str) -> str:
    """Return the axes a named ratio spans.

    Parameters
    ----------
    ratio_id : str
        Key of `knowledge/ratios.csv`.

    Returns
    -------
    str
        Such as ``Th1/Th2``; empty where it is not known.
    """
    found = fact("ratios", ratio_id)
    return found["axes"] if found else ""


def _statements(kind: str) -> tuple[str, ...]:
    return tuple(f["text"] for f in table("statements").values() if f["kind"] == kind)


def _plain_words(findings: VisitFindings) -> tuple[str, ...]:
    counted, end = _statements("plain")
    among = [p for p in findings.placements if p.women is not None]
    outside = sum(bool(p.outside_women) for p in among)
    other = len(findings.placements) - len(among)
    said = []
    if among and not outside:
        said.append("The results that can be compared read like those of healthy women at the same stage.")
    elif among:
        few = "One result differs" if outside == 1 else f"{outside} results differ"
        said.append(f"{few} from those of the healthy women we compared with; in healthy women, too, this happens.")
    if other:
        said.append(f"{other} {'result' if other == 1 else 'results'} could not be compared with other women.")
    return (f"{counted} {' '.join(said)}", end)


def _sources(findings: VisitFindings) -> str:
    keys = {p.source for p in findings.placements if p.source}
    for f in table("statements").values():
        if f["kind"] in ("fixed_line", "guideline"):
            keys |= set(f.codes("source_id"))
    cited = [
        found["citation"] + (f", {found['year']}" if found["year"] else "")
        for k in sorted(keys)
        if (found := fact("sources", k))
    ]
    own = [k for k in sorted(keys) if fact("sources", k) is None]
    return " · ".join(f"{i} {text}" for i, text in enumerate([*cited, *own], start=1))


def _appendix(study: StudyFindings, findings: VisitFindings) -> list[Section]:
    return [
        Section("Every result with its counts", grid=_counts_grid(findings)),
        *gate_sections(findings.gated),
        Section("Identity of each measurand", grid=_identity_grid(findings.measurements)),
        Section("Flags", pairs=_flag_pairs(findings)),
        Section(
            "Methods and files",
            kind="files",
            pairs=(
                *(
                    (f"method {i}", method)
                    for i, method in enumerate(sorted({m.method for m in findings.measurements}), 1)
                ),
                *(
                    (file, f"SHA-256 {sha[:16]}…")
                    for file, sha in sorted({(m.source.file, m.source.sha256) for m in findings.measurements})
                ),
                ("software", f"decidua {__version__}, study {study.id}"),
            ),
        ),
    ]


def _counts_grid(findings: VisitFindings) -> Grid:
    rows = []
    for p in findings.placements:
        m = p.measurement
        c = m.quantity.uncertainty
        counts = ("", "")
        if isinstance(c, PairedCounts):
            control = "" if c.n_pos_control is None else f"{c.n_pos_control} / {c.n_parent_control}"
            counts = (f"{c.n_pos} / {c.n_parent}", control)
        rows.append((name_of(m.measurand), value(m), interval(m), *counts, _place_text(p), m.source.place))
    heads = ("result", "value", "95 % interval", "positive / parent", "unstimulated", "place", "where in the file")
    return Grid(heads, tuple(rows))


def _identity_grid(measurements: Sequence[Measurement]) -> Grid:
    rows = [(m.measurand.id, " · ".join(v for v in m.measurand.values if v)) for m in measurements]
    return Grid(("measurand", "identity"), tuple(dict.fromkeys(rows)))


def _flag_pairs(findings: VisitFindings) -> tuple[tuple[str, str], ...]:
    on: dict[str, list[str]] = defaultdict(list)
    for m in findings.measurements:
        for flag in m.flags:
            on[flag].append(name_of(m.measurand))
    return tuple((label("flags", flag), ", ".join(dict.fromkeys(names))) for flag, names in on.items()) or (
        ("nothing", "no result carries a flag"),
    )
