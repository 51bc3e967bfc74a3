"""The whole programme on one screen: acquire, quantify, profile, place. Nothing else starts work.

In: a study, or a bare file. Out: plain values; writing them is `batch`'s, drawing them `reporting`'s.
May import: every room below. Sources: none of its own.
Start reading at `quantify`, then `place_study`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from decidua import balance
from decidua.cytometry.acquisition import Acquisition
from decidua.cytometry.counts import CountFile, guess_spec, read_counts
from decidua.cytometry.engine import Counts, count
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.flowjo import Workspace, WorkspaceSample, read_workspace
from decidua.cytometry.responders import Tube, responders, tubes_of
from decidua.cytometry.tubes import GatedTube, Workspaces, is_tube, one_subject, read_tube
from decidua.cytotoxicity.results import killing_results
from decidua.cytotoxicity.series import KillingSeries
from decidua.cytotoxicity.table import COLUMNS as KILLING_COLUMNS
from decidua.errors import BrokenStudy, DecidualError
from decidua.immunoassay.exports import is_plate, read_plate
from decidua.immunoassay.plate import Plate
from decidua.immunoassay.results import AssayedPlate, assay_plate
from decidua.measurement import Measurement, Moment, Source, Status, Visit, VisitKey, status_of
from decidua.measurement.consistency import one_unit, one_value
from decidua.measurement.table import REQUIRED, SCHEMA
from decidua.reporting.findings import StudyFindings, VisitFindings
from decidua.study import SampleRow, Study
from decidua.study.finished import finished_results
from decidua.tables import Note, Table, read_table
from decidua.timeline.gestation import settle
from decidua.timeline.placing import immune_active, place
from decidua.timeline.references import Reference, references_of

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Quantified:
    """What the files of a study hold, gathered file by file.

    Attributes
    ----------
    measurements : list of Measurement
        Results, each of one visit.
    tubes, gated : list of Tube, list of GatedTube
        Counted tubes, and what the report shows of their gates.
    killing : list of (VisitKey, KillingSeries)
        Killing assays by visit.
    plates : list of AssayedPlate
        Plates with their curves.
    refused, notes, inputs
        What failed, what was noted, what was read.
    """

    measurements: list[Measurement] = field(default_factory=list)
    tubes: list[Tube] = field(default_factory=list)
    gated: list[GatedTube] = field(default_factory=list)
    killing: list[tuple[VisitKey, KillingSeries]] = field(default_factory=list)
    plates: list[AssayedPlate] = field(default_factory=list)
    refused: list[DecidualError] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    inputs: list[Source] = field(default_factory=list)


def acquire(path: Path, file: str) -> Acquisition | Workspace | Plate | CountFile | Table:
    """Read a bare file and say what it holds.

    Parameters
    ----------
    path : Path
        Where it lies.
    file : str
        How the user named it.

    Returns
    -------
    Acquisition, Workspace, Plate, CountFile or Table
        A tube, a workspace, a plate, a count table, or a results or killing table as text cells.

    Raises
    ------
    NotFCS, BrokenFCS, UnsupportedFCS, NotAWorkspace
        For a damaged tube or workspace.
    UnreadableFile, BrokenStudy, Ambiguous, BrokenCounts
        Where it is none of these, or damaged.
    """
    if is_tube(file):
        return read_fcs(path, name=file)
    if path.suffix.lower() == ".wsp":
        return read_workspace(path, on_defect="record", name=file)
    if is_plate(path, file):
        return read_plate(path, file=file)
    text = read_table(path, file=file, known=(*SCHEMA, *KILLING_COLUMNS))
    if "effector_target" in text.columns or all(name in text.columns for name in REQUIRED):
        return text
    return read_counts(path, guess_spec(path, file))


def gate(path: Path, workspace: Path) -> tuple[Acquisition, WorkspaceSample, Counts]:
    """Count a bare tube by a workspace.

    Parameters
    ----------
    path : Path
        The tube.
    workspace : Path
        The workspace its gates were drawn in.

    Returns
    -------
    tuple of Acquisition, WorkspaceSample and Counts
        The tube, its gates, and every population.

    Raises
    ------
    NotFCS, BrokenFCS, UnsupportedFCS, UnreadableFile, Ambiguous
        Where the tube cannot be read.
    NotAWorkspace, NotComparable, UnsupportedGate
        Where the workspace cannot be read or is another tube's.
    """
    acquisition = read_fcs(path, name=path.name)
    sample = read_workspace(workspace, on_defect="record", name=workspace.name).sample_of(acquisition)
    return acquisition, sample, count(acquisition, sample.tree)


def quantify(study: Study, progress: Progress | None = None) -> Quantified:
    """Turn every file of a study into measurements.

    Parameters
    ----------
    study : Study
        A read study.
    progress : callable, optional
        Called with stage, done and total.

    Returns
    -------
    Quantified
        Results by visit; a file or row that fails is named and the rest goes on.
    """
    by_file: dict[str, list[SampleRow]] = defaultdict(list)
    for row in study.rows:
        by_file[row.file].append(row)
    found = Quantified()
    workspaces = Workspaces(study)
    for done, (file, rows) in enumerate(by_file.items()):
        if progress:
            progress("quantify", done, len(by_file))
        try:
            _read_file(study, file, rows, workspaces, found)
        except DecidualError as error:
            found.refused.append(error.within(file))
    shares, broken = responders(study, found.tubes)
    same_unit, mixed = one_unit([*shares, *found.measurements])
    found.measurements, doubled = one_value(same_unit)
    found.refused += [*broken, *mixed, *doubled]
    return found


def _read_file(study: Study, file: str, rows: list[SampleRow], workspaces: Workspaces, found: Quantified) -> None:
    broken: list[DecidualError] = []
    if file in study.counts:
        counted = read_counts(study.path(file), study.counts[file])
        tubes, broken, unused = tubes_of(counted, rows)
        found.tubes += tubes
        found.notes += [*counted.notes, *unused]
        found.inputs.append(Source(file, counted.sha256))
    elif file in study.plates:
        assayed = assay_plate(study, file, rows)
        found.plates.append(assayed)
        found.measurements += assayed.measurements
        found.notes += assayed.notes
        found.inputs.append(assayed.source)
        broken = list(assayed.refused)
    elif is_tube(file):
        for row in one_subject(rows):
            read = read_tube(study, row, workspaces)
            found.tubes.append(read.tube)
            found.gated.append(read.gated)
            found.notes += read.notes
            found.inputs += [source for source in read.inputs if source not in found.inputs]
    else:
        text = read_table(study.path(file), file=file, known=(*SCHEMA, *KILLING_COLUMNS))
        found.inputs.append(Source(file, text.sha256))
        if "effector_target" in text.columns:
            series, results, broken = killing_results(study, file, rows)
            found.killing += series
        else:
            _require_results(text)
            results, broken = finished_results(study, text, rows)
        found.measurements += results
        found.notes += text.notes
    found.refused += broken


def place_study(study: Study, quantified: Quantified, progress: Progress | None = None) -> StudyFindings:
    """Join each visit's results into a profile and place them.

    Parameters
    ----------
    study : Study
        A read study.
    quantified : Quantified
        Its results.
    progress : callable, optional
        Called with stage, done and total.

    Returns
    -------
    StudyFindings
        Everything the reports need.
    """
    references, broken, read = references_of(study)
    refused: list[DecidualError] = [*study.refused, *quantified.refused, *broken]
    mine: dict[VisitKey, list[Measurement]] = defaultdict(list)
    for m in quantified.measurements:
        mine[m.key].append(m)
    visits: list[VisitFindings] = []
    notes: list[Note] = []
    for done, visit in enumerate(sorted(study.visits.values(), key=_order)):
        if progress:
            progress("place", done, len(study.visits))
        when, results, clashes = settle(visit, mine[visit.key])
        refused += clashes
        notes += _visit_notes(visit, when, bool(results))
        profiled = profile_visit(visit, when, results, references)
        gated = tuple(tube for tube in quantified.gated if tube.key == visit.key)
        killing = tuple(series for key, series in quantified.killing if key == visit.key)
        visits.append(replace(profiled, gated=gated, killing=killing))
    return StudyFindings(
        id=study.id,
        laboratory=study.laboratory,
        visits=tuple(visits),
        refused=tuple(refused),
        notes=(*study.notes, *quantified.notes, *notes),
        inputs=(*study.inputs, *quantified.inputs, *read),
        plates=tuple(quantified.plates),
    )


def profile_visit(visit: Visit, when: Moment, results: list[Measurement], references: list[Reference]) -> VisitFindings:
    """Profile one visit and place each of its results.

    Parameters
    ----------
    visit : Visit
        With its medicines.
    when : Moment
        Where it stands.
    results : list of Measurement
        Its results.
    references : list of Reference
        In the order they are tried.

    Returns
    -------
    VisitFindings
        Results with the visit's own flags, profile and placements.
    """
    active = {immune_active(dose.drug) for dose in visit.medicines or ()}
    flags = {
        "not_dated": when.phase == "unknown",
        "under_treatment": True in active,
        "unknown_medicine": None in active,
    }
    flagged = [_flagged(m, tuple(flag for flag, holds in flags.items() if holds)) for m in results]
    joined = balance.profile(visit.key, flagged)
    every = (*flagged, *(ratio.result for ratio in joined.ratios))
    placements = tuple(place(m, when, visit, references) for m in every)
    return VisitFindings(visit, when, every, joined, placements)


def _flagged(m: Measurement, extra: tuple[str, ...]) -> Measurement:
    flags = (*m.flags, *(flag for flag in extra if flag not in m.flags))
    return replace(m, flags=flags, status=m.status if m.status in (Status.VOID, Status.FAILED) else status_of(flags))


def _require_results(text: Table) -> None:
    if "numerator" not in text.columns and "quantity" not in text.columns:
        raise BrokenStudy(
            "no table that study.toml describes, no killing table and no results table.",
            file=text.file,
            place="row 1",
            remedy="Describe it under [[counts]] or [[plates]], or use the columns of the results table.",
        )


def _visit_notes(visit: Visit, when: Moment, has_results: bool) -> list[Note]:
    notes = []
    if when.phase == "unknown":
        notes.append(Note("not_dated", "samples.csv", f"visit {visit.key}", "no dating: placed in no phase"))
    if not has_results:
        notes.append(Note("no_result", "samples.csv", f"visit {visit.key}", "no result of this visit could be used"))
    return notes


def _order(visit: Visit) -> tuple[str, bool, int, str]:
    return (visit.key.subject, visit.day is None, visit.day.day if visit.day else 0, visit.key.visit)
