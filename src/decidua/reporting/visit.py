"""The visit report: one woman, one day; what was found, where it stands, and what it cannot say."""

from __future__ import annotations

from decidua import __version__
from decidua.knowledge import label
from decidua.measurement import Instant, Moment, Specimen
from decidua.reporting.appendix import appendix
from decidua.reporting.citations import Citations, inputs_hash, short_hash
from decidua.reporting.document import Block, Card, Facts, Page, Report, Section, Text, note
from decidua.reporting.drawing import draw
from decidua.reporting.findings import StudyFindings, VisitFindings
from decidua.reporting.first_page import (
    NK_ROWS,
    first_views,
    fitting,
    further_note,
    nk_rows,
    nk_sections,
    results_table,
)
from decidua.reporting.numerals import plain
from decidua.reporting.rows import key_of, rows_of
from decidua.reporting.second_page import course_views, second_page
from decidua.reporting.sentences import finding, quality, statement
from decidua.reporting.wording import AGES, counted, moment_text

FIXED_LINES = ("fixed_cause", "fixed_next", "fixed_treatment", "fixed_guidelines")


def visit_report(study: StudyFindings, findings: VisitFindings) -> Report:
    """Write the report of one visit.

    Parameters
    ----------
    study : StudyFindings
        For her earlier visits, the laboratory and the files read.
    findings : VisitFindings
        The visit.

    Returns
    -------
    Report
        Page 1, page 2 and the appendix. No model, medicine effect, exposure or axis score stands on it.
    """
    rows = rows_of(study, findings)
    number, activity = nk_rows(rows, findings)
    nk = {key_of(r.measurement) for r in (*number, *activity)}
    others = [r for r in rows if key_of(r.measurement) not in nk]
    shown = (*number[:NK_ROWS], *activity[:NK_ROWS])
    groups, further = fitting(others, findings, min(max(len(number), len(activity)), NK_ROWS))
    on_page = [row for group in groups for row in group.rows]
    views = first_views(groups, shown) | course_views(study, findings, (*on_page, *shown, *further))
    figures = dict(zip(views, draw(views.values()), strict=True))
    key, cited = findings.visit.key, Citations()
    bands = nk_sections(number[:NK_ROWS], activity[:NK_ROWS], figures)
    table: tuple[Block, ...] = (results_table(groups, figures, key.subject),) if groups else ()
    left_out = further_note(len(further) + len(number) + len(activity) - len(shown))
    first = Page(
        (
            Section("", _identity(study, findings), "identity"),
            Section("", (Text(finding(rows, findings.moment), role="finding"),), "finding"),
            Section("", (*table, *((note(left_out),) if left_out else ())), "results"),
            *(bands if rows else ()),
            Section("", (note(quality(rows), "Quality."),), "quality"),
            Section("", tuple(Text(statement(k), role="line") for k in FIXED_LINES), "fixed"),
            Section("", (note(statement("not_released")),), "release"),
        )
    )
    second = second_page(study, findings, rows, figures, cited)
    name = f"{key.subject}-{key.visit}"
    return Report(
        kind="Visit report",
        id=name,
        status=("PRELIMINARY", f"not signed · report {name}"),
        foot=(
            f"{key.subject} · {moment_text(findings.moment)} · report {name}",
            f"decidua {__version__} · inputs {short_hash(inputs_hash(study.inputs))}",
        ),
        research_use=statement("research_use"),
        pages=(first, second, appendix(study, findings, rows, cited)),
    )


def _identity(study: StudyFindings, findings: VisitFindings) -> tuple[Block, ...]:
    visit, moment = findings.visit, findings.moment
    age = "age not stated" if visit.age_years is None else f"age {visit.age_years}"
    where = f"study {study.id}, laboratory {study.laboratory}"
    who = Card(visit.key.subject, (f"pseudonym · {age}", f"visit {visit.key.visit}", where))
    fetuses = visit.pregnancy.fetuses if visit.pregnancy else None
    count = "" if fetuses is None else f", {counted(fetuses, 'fetus', 'fetuses')}"
    phase = label("phases", moment.phase)
    lines = [] if phase == moment_text(moment) else [f"{phase}{count}"]
    when = Card(moment_text(moment), (*lines, _dated(moment)))
    medicines = "not asked" if visit.medicines is None else "none" if not visit.medicines else ""
    taken = ", ".join(f"{d.drug} {d.dose}".strip() for d in visit.medicines or ())
    infection = {"yes": "yes, in 4 weeks", "no": "none in 4 weeks"}.get(visit.infection_or_vaccine_4w, "not stated")
    materials = dict.fromkeys(s.material for s in visit.specimens if s.material)
    materials = materials or dict.fromkeys(m.measurand.material for m in findings.measurements if m.measurand.material)
    facts = (
        ("accession", ", ".join(s.id for s in visit.specimens if s.id) or "not stated"),
        ("material", ", ".join(label("materials", m) for m in materials) or "not stated"),
        ("drawn → set up", "; ".join(dict.fromkeys(_waited(s) for s in visit.specimens)) or "not stated"),
        ("sample age", _classes(findings)),
        ("medicines at draw", medicines or taken),
        ("infection, vaccine", infection),
    )
    return (who, when, Facts(facts))


def _dated(moment: Moment) -> str:
    if moment.phase == "unknown":
        return "no dating is stated: not placed"
    if not moment.method:
        return "how it was dated is not stated"
    sd = "" if moment.sd_days is None else f", SD {plain(moment.sd_days)} d"
    how = "dating stated without its source" if moment.method == "stated" else label("datings", moment.method)
    return how + sd if how.startswith(("dating", "counted")) else f"dated by {how}{sd}"


def _waited(specimen: Specimen) -> str:
    ready = specimen.set_up or specimen.spun
    if specimen.collected is None or ready is None or not (specimen.collected.timed and ready.timed):
        return "not stated"
    return _hours(ready, specimen.collected)


def _hours(later: Instant, earlier: Instant) -> str:
    minutes = round(60 * later.hours_since(earlier))
    return f"{minutes // 60}\u00a0h {minutes % 60}\u00a0min"


def _classes(findings: VisitFindings) -> str:
    classes = dict.fromkeys(m.measurand.sample_age_class for m in findings.measurements)
    return "; ".join(AGES.get(c, c.replace("_", " ")) for c in classes) or "not stated"
