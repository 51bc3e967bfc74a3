"""The study report: what failed first, then every result, the ratios and what they allow to be said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from decidua import __version__
from decidua.balance import Ratio
from decidua.reporting.appendix import flag_table, inputs_table, letters_of, methods
from decidua.reporting.citations import Citations, inputs_hash, short_hash
from decidua.reporting.document import Block, Facts, Figure, Gallery, Page, Report, Section, Text, note
from decidua.reporting.drawing import View, draw
from decidua.reporting.findings import StudyFindings
from decidua.reporting.panels import Seen, forests, hue_of, panel
from decidua.reporting.plates import plate_sections
from decidua.reporting.sentences import statement
from decidua.reporting.study_tables import (
    by_measurand,
    notes_block,
    outcome,
    ratios_block,
    refused_block,
    results_block,
)
from decidua.reporting.wording import counted, full_name

MOST_PANELS = 24
Series = Sequence[Sequence[Seen]]


def study_report(study: StudyFindings) -> Report:
    """Write the report of a study.

    Parameters
    ----------
    study : StudyFindings
        Everything found.

    Returns
    -------
    Report
        What failed or was refused, notes, every result with its place, ratios, figures, sources and inputs.
    """
    series = by_measurand(study)
    ratios = [r for v in study.visits for r in v.profile.ratios]
    flags = Counter(f for seen in series for s in seen for f in s.measurement.flags)
    views = _ratio_views(ratios) | _panel_views(study, series)
    figures = dict(zip(views, draw(views.values()), strict=True))
    women = {v.visit.key.subject for v in study.visits}
    sizes = ((len(women), "woman", "women"), (len(study.visits), "visit", ""), (sum(map(len, series)), "result", ""))
    about = ", ".join(counted(*size) for size in sizes)
    opening = (Text(title(study), role="finding"), note(f"Study {study.id}, laboratory {study.laboratory} · {about}"))
    first = (
        Section("", opening, "finding"),
        Section("What failed or was refused", (refused_block(study),), "refused"),
        Section("Notes", (notes_block(study),), "notes"),
    )
    results = Section("Every visit and result", (results_block(series, letters_of(flags)),), "every")
    divided = Section("Ratios", (ratios_block(ratios), *_gallery(figures, "ratio")), "ratios")
    drawn = _figures(series, figures)
    return Report(
        kind="Study report",
        id=study.id,
        status=("PRELIMINARY", about),
        foot=(f"study {study.id}", f"decidua {__version__} · inputs {short_hash(inputs_hash(study.inputs))}"),
        research_use=statement("research_use"),
        pages=(
            Page(first),
            Page((results,)),
            Page((divided, drawn)),
            *(Page((section,)) for section in plate_sections(study.plates)),
            _sources(study, flags, series),
        ),
    )


def title(study: StudyFindings) -> str:
    """Say what was found, no stronger than the intervals allow.

    Parameters
    ----------
    study : StudyFindings
        The study.

    Returns
    -------
    str
        What was refused, how many results can be placed, how many ratios are determined.
    """
    results = sum(len(v.measurements) for v in study.visits)
    refused = counted(len(study.refused), "input was", "inputs were")
    if not results:
        return f"No result could be used; {refused} refused."
    said = [f"{refused} refused"] if study.refused else []
    placed = sum(not p.not_placeable for v in study.visits for p in v.placements)
    whole = counted(results, "result")
    said.append(f"{placed} of {whole} can be placed" if placed else f"none of {whole} can be placed")
    outcomes = Counter(outcome(r.result) for v in study.visits for r in v.profile.ratios)
    if outcomes:
        verb = "is" if outcomes["determined"] == 1 else "are"
        rest = [f"{outcomes[w]} {w}" for w in ("one-sided", "not determined", "no interval") if outcomes[w]]
        of = f"{outcomes['determined']} of {counted(outcomes.total(), 'ratio')}"
        said.append(", ".join([f"{of} {verb} determined", *rest]))
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _ratio_views(ratios: Iterable[Ratio]) -> dict[str, View]:
    found: dict[str, list[Ratio]] = {}
    for ratio in ratios:
        found.setdefault(ratio.result.measurand.id, []).append(ratio)
    views: dict[str, View] = {}
    for i, same in enumerate(found.values()):
        measurand = same[0].result.measurand
        outcomes = Counter(outcome(r.result) for r in same)
        found_out = ", ".join(f"{n} {word}" for word, n in outcomes.items())
        caption = f"log axis · {counted(len(same), 'visit')}: {found_out}"
        parts = forests(full_name(measurand), [r.result for r in same], hue_of(measurand, ""), caption)
        views |= {f"ratio {i} {k}": view for k, view in enumerate(parts)}
    return views


def _panel_views(study: StudyFindings, series: Series) -> dict[str, View]:
    profiles = [v.profile for v in study.visits]
    coordinates = [c for p in profiles for c in (*p.coordinates, *p.nk_number, *p.nk_activity)]
    axes = {c.measurement.measurand.id: c.axis for c in coordinates}
    views: dict[str, View] = {}
    for i, seen in enumerate(_drawn(series)[:MOST_PANELS]):
        measurand = seen[0].measurement.measurand
        view = panel(seen, hue_of(measurand, axes.get(measurand.id, "")))
        if view is not None:
            views[f"panel {i}"] = view
    return views


def _drawn(series: Series) -> list[Sequence[Seen]]:
    return [seen for seen in series if seen[0].measurement.measurand.quantity != "ratio"]


def _gallery(figures: dict[str, Figure], kind: str) -> tuple[Block, ...]:
    found = tuple(figure for key, figure in figures.items() if key.startswith(f"{kind} "))
    return (Gallery(found),) if found else ()


def _figures(series: Series, figures: dict[str, Figure]) -> Section:
    gallery = _gallery(figures, "panel")
    left_out = len(_drawn(series)) - MOST_PANELS
    more = (note(f"Not drawn, in the table: {counted(left_out, 'further measurand')}."),) if left_out > 0 else ()
    return Section("Every woman over gestation", (*gallery, *more) or (note("No result can be drawn."),), "figures")


def _sources(study: StudyFindings, flags: Counter[str], series: Series) -> Page:
    cited = Citations()
    results = [s for seen in series for s in seen]
    references: dict[str, str] = {}
    for p in (s.placement for s in results):
        if p is not None and not p.not_placeable:
            parts = (counted(p.n_women, "woman", "women"), p.population, p.licence)
            references[p.reference_id] = f"{', '.join(x for x in parts if x)} {cited.cite([p.source])}".strip()
    flagged = flag_table(flags, letters_of(flags), len(results), cited)
    listed: Block = Facts(tuple(sorted(references.items()))) if references else note(statement("no_reference"))
    used = (methods(s.measurement.method for s in results), Facts(cited.full()))
    return Page(
        (
            Section("Flags", (flagged,), "appendix"),
            Section("References placed against", (listed,), "appendix"),
            Section("Methods and sources actually used", used, "appendix numbered"),
            Section("Files read", (inputs_table(study.inputs),), "appendix"),
        )
    )
