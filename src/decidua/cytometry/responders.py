"""Responders: the share of a parent that makes a cytokine, above the unstimulated control, negatives kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from decidua.cytometry.counts import CountFile, Subsets, TubeCounts
from decidua.errors import Ambiguous, BrokenStudy, DecidualError, Refused
from decidua.measurement import (
    JointCounts,
    Measurand,
    Measurement,
    PairedCounts,
    Population,
    Quantity,
    Source,
    Status,
    status_of,
)
from decidua.statistics import net_share_interval
from decidua.study import Judgement, Panel, SampleRow, Study, judge
from decidua.tables import Note

PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Tube:
    """A row of the sheet with the counts it points at.

    Attributes
    ----------
    row : SampleRow
        Visit, stain and culture.
    counts : TubeCounts
        What was counted.
    source : Source
        File and place.
    """

    row: SampleRow
    counts: TubeCounts
    source: Source


def tubes_of(counted: CountFile, sheet_rows: list[SampleRow]) -> tuple[list[Tube], list[DecidualError], list[Note]]:
    """Match the rows of the sheet to the rows of a count table.

    Parameters
    ----------
    counted : CountFile
        The count table.
    sheet_rows : list of SampleRow
        Rows of the sheet that name it.

    Returns
    -------
    tuple of list of Tube, list of DecidualError and list of Note
        Matched tubes; rows that match none, or that two visits claim; count rows on no line of the sheet.
    """
    found: list[Tube] = []
    refused: list[DecidualError] = []
    claimed: dict[str, SampleRow] = {}
    for row in sheet_rows:
        try:
            first = claimed.setdefault(row.sample, row)
            if first.key != row.key:
                raise Ambiguous(
                    f"row {row.sample!r} is given to {first.key} and to {row.key}.",
                    place=f"{first.place} and {row.place}",
                    remedy="Give it to one visit.",
                )
            tube = counted.tube(row.sample)
            found.append(Tube(row, tube, Source(counted.file, counted.sha256, f"{tube.place}, {tube.row}")))
        except DecidualError as error:
            refused.append(error.within("samples.csv", row.place))
    named = {row.sample for row in sheet_rows}
    refused += [e for e in counted.refused if e.place.partition(", ")[2] not in named]
    twice = {e.place.split(" and ")[0] for e in refused if isinstance(e, Ambiguous)}
    notes = [
        Note("row_unused", counted.file, f"{tube.place}, {key}", "on no line of the sheet")
        for key, tube in counted.tubes.items()
        if key not in named
    ]
    return [tube for tube in found if tube.row.place not in twice], refused, notes


def responders(study: Study, tubes: Iterable[Tube]) -> tuple[list[Measurement], list[DecidualError]]:
    """Turn counted tubes into shares: positives above background, and populations of unstimulated tubes.

    Parameters
    ----------
    study : Study
        Panels and specimens.
    tubes : iterable of Tube
        Every counted tube of the study.

    Returns
    -------
    tuple of list of Measurement and list of DecidualError
        Shares in percent with their counts; a stimulated tube without exactly one control is refused.
    """
    every = [tube for tube in tubes if tube.row.role == "sample"]
    found: list[Measurement] = []
    refused: list[DecidualError] = []
    for tube in every:
        try:
            panel = _panel(study, tube.row)
            if tube.row.stimulus == "none":
                found += _populations(study, panel, tube)
            else:
                found += _positives(study, panel, tube, _control(tube, every))
        except DecidualError as error:
            refused.append(error.within("samples.csv", tube.row.place))
    return found, refused


def _panel(study: Study, row: SampleRow) -> Panel:
    if not row.panel:
        raise BrokenStudy(
            "counts need a panel, which names their populations.",
            place=f"{row.place}, panel",
            remedy="State the panel.",
        )
    return study.panels[row.panel]


def _control(tube: Tube, every: list[Tube]) -> Tube:
    partners = [t for t in every if t.row.stimulus == "none" and t.row.pairing == tube.row.pairing]
    what = f"the tube stimulated with {tube.row.stimulus} of {tube.row.key}"
    shared = "subject, visit, panel, run, hours and blocker"
    if not partners:
        raise BrokenStudy(f"{what} has no unstimulated control.", remedy=f"Add its control with the same {shared}.")
    if len(partners) > 1:
        places = " and ".join(t.row.place for t in partners)
        raise Ambiguous(f"{what} has {len(partners)} controls ({places}).", remedy=f"Keep one of the same {shared}.")
    return partners[0]


def _positives(study: Study, panel: Panel, tube: Tube, control: Tube) -> list[Measurement]:
    specimen = study.specimens[tube.row.key, tube.row.specimen]
    verdict = judge(specimen, "ics")
    found = []
    for population, analyte, counts, joint in _pairs(panel, tube, control):
        _check_culture(tube.row, analyte)
        measurand = Measurand(
            quantity="share",
            numerator=f"{analyte}+",
            parent=population.id,
            material=specimen.material,
            sample_age_class=verdict.age_class,
            stimulus=tube.row.stimulus,
            stimulus_h=tube.row.stimulus_h,
            blocker=tube.row.blocker,
            background=panel.rules.background,
            threshold=panel.rules.threshold,
            laboratory=study.laboratory,
        )
        phorbol = panel.stimuli[tube.row.stimulus].phorbol and population.definition == "CD3+CD8-"
        flags = (*verdict.flags, *_count_flags(panel, population, counts), *(["phorbol_parent"] if phorbol else []))
        share = _share(measurand, counts, tube, verdict, flags, f"{population.path} {analyte}+")
        shared = f"control:{control.source.file}:{control.source.place}"
        found.append(replace(share, quantity=replace(share.quantity, joint=joint, shared_error=shared)))
    return found


def _check_culture(row: SampleRow, analyte: str) -> None:
    if analyte == "CD69" and row.blocker in ("brefeldin_a", "both"):
        raise Refused(
            "surface CD69 is blocked by brefeldin.",
            place=f"{row.place}, blocker",
            remedy="Stain CD69 inside the cell as its own analyte, or use monensin.",
        )


def _pairs(
    panel: Panel, tube: Tube, control: Tube
) -> Iterator[tuple[Population, str, PairedCounts, JointCounts | None]]:
    subtracted = panel.rules.background == "subtracted"
    if tube.counts.subsets:
        for subsets in tube.counts.subsets:
            population = panel.population_at(subsets.parent)
            if population is None:
                raise BrokenStudy(
                    f"panel {panel.panel.id} names no population at {subsets.parent!r}.",
                    place=f"{tube.row.place}, panel",
                    remedy="Add it under [populations] with this path.",
                )
            joint = _joint(subsets, control if subtracted else None)
            for analyte in subsets.markers:
                if not panel.positives or analyte in panel.positives:
                    yield population, analyte, joint.positive(analyte), joint
        return
    for analyte, positive in panel.positives.items():
        for name in positive.parents:
            population = panel.population(name)
            path = f"{population.path}/{positive.gate}"
            background = _count(control, path, population.path) if subtracted else (None, None)
            yield population, analyte, PairedCounts(*_count(tube, path, population.path), *background), None


def _joint(subsets: Subsets, control: Tube | None) -> JointCounts:
    if control is None:
        return JointCounts(subsets.markers, subsets.cells)
    for theirs in control.counts.subsets:
        if theirs.parent == subsets.parent and theirs.markers == subsets.markers:
            return JointCounts(subsets.markers, subsets.cells, theirs.cells)
    raise BrokenStudy(
        f"the control has no subsets of {subsets.parent!r} over the same markers.", place=control.row.place
    )


def _count(tube: Tube, path: str, parent: str) -> tuple[int, int]:
    for wanted in (path, parent):
        if wanted not in tube.counts.counts:
            raise BrokenStudy(
                f"{tube.source.file} counts no population {wanted!r}.",
                place=f"{tube.row.place}, panel",
                remedy="Export this population, or correct its path in the panel.",
            )
    return tube.counts.counts[path], tube.counts.counts[parent]


def _count_flags(panel: Panel, population: Population, counts: PairedCounts) -> tuple[str, ...]:
    minimum = panel.rules.minimum
    fewest = minimum.nk_parent if population.id.startswith("NK") else minimum.parent
    parents = [n for n in (counts.n_parent, counts.n_parent_control) if n is not None]
    flags = ["few_parent_cells"] if min(parents) < fewest else []
    if counts.net_share * counts.n_parent < minimum.net_positives:
        flags.append("few_net_positives")
    return tuple(flags)


def _populations(study: Study, panel: Panel, tube: Tube) -> list[Measurement]:
    specimen = study.specimens[tube.row.key, tube.row.specimen]
    verdict = judge(specimen, "phenotype")
    gates = {f"{panel.population(p).path}/{g.gate}" for g in panel.positives.values() for p in g.parents}
    named = {panel.population(name).path: panel.population(name) for name in panel.populations}
    found = []
    for path, population in named.items():
        if path not in tube.counts.counts or path in gates:
            continue
        above = _named_parent(path, named, tube.counts)
        if above is None:
            continue
        parent, parent_id = above
        measurand = Measurand(
            quantity="share",
            numerator=population.id,
            parent=parent_id,
            material=specimen.material,
            sample_age_class=verdict.age_class,
            stimulus_h=tube.row.stimulus_h,
            blocker=tube.row.blocker,
            background="not_subtracted",
            threshold=panel.rules.threshold,
            laboratory=study.laboratory,
        )
        counts = PairedCounts(*_count(tube, path, parent))
        found.append(_share(measurand, counts, tube, verdict, verdict.flags, path))
    return found


def _named_parent(path: str, named: dict[str, Population], tube: TubeCounts) -> tuple[str, str] | None:
    parts = path.split("/")
    for length in range(len(parts) - 1, 0, -1):
        above = "/".join(parts[:length])
        if above in named and above in tube.counts:
            return above, named[above].id
    return None


def _share(
    measurand: Measurand,
    counts: PairedCounts,
    tube: Tube,
    verdict: Judgement,
    flags: tuple[str, ...],
    place: str,
) -> Measurement:
    interval = net_share_interval(counts)
    void = verdict.status is Status.VOID
    quantity = Quantity(
        value=None if void else PERCENT * interval.value,
        unit="%",
        lower=None if void else PERCENT * interval.lower,
        upper=None if void else PERCENT * interval.upper,
        uncertainty=counts,
    )
    return Measurement(
        key=tube.row.key,
        measurand=measurand,
        quantity=quantity,
        specimen=tube.row.specimen,
        run=tube.row.run,
        status=Status.VOID if void else status_of(flags),
        flags=flags,
        method="cell counts; 95 % interval by MOVER on Jeffreys limits",
        source=replace(tube.source, place=f"{tube.source.place}, {place}"),
    )
