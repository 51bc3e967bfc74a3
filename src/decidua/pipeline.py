"""The whole programme on one screen: acquire, quantify, profile, place. Nothing else starts work.

In: a study, or a bare file. Out: plain values; writing them is `batch`'s, drawing them `reporting`'s.
May import: every room below. Sources: none of its own.
Start reading at `quantify`, then `place_study`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from decidua import balance
from decidua.cytometry.counts import CountFile, guess_spec, read_counts
from decidua.cytometry.responders import Tube, responders, tubes_of
from decidua.errors import BrokenStudy, DecidualError, UnsupportedFCS
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


@dataclass(frozen=True, slots=True)
class Quantified:
    """What the files of a study hold: results, what was refused, what was noted, what was read."""

    measurements: tuple[Measurement, ...]
    refused: tuple[DecidualError, ...]
    notes: tuple[Note, ...]
    inputs: tuple[Source, ...]


def acquire(path: Path, file: str) -> CountFile | Table:
    """Read a bare file and say what it holds.

    Parameters
    ----------
    path : Path
        Where it lies.
    file : str
        How the user named it.

    Returns
    -------
    CountFile or Table
        A count table, or a results table as text cells.

    Raises
    ------
    UnsupportedFCS
        For an FCS file.
    UnreadableFile, BrokenStudy, Ambiguous, BrokenCounts
        Where it is none of these, or damaged.
    """
    _not_yet(path, file)
    text = read_table(path, file=file, known=tuple(SCHEMA))
    if all(name in text.columns for name in REQUIRED):
        return text
    return read_counts(path, guess_spec(path, file))


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
    found: list[Measurement] = []
    refused: list[DecidualError] = []
    notes: list[Note] = []
    inputs: list[Source] = []
    tubes: list[Tube] = []
    for done, (file, rows) in enumerate(by_file.items()):
        if progress:
            progress("quantify", done, len(by_file))
        try:
            if file in study.counts:
                counted = read_counts(study.path(file), study.counts[file])
                matched, broken, unused = tubes_of(counted, rows)
                tubes += matched
                notes += [*counted.notes, *unused]
                inputs.append(Source(file, counted.sha256))
            else:
                text = _results_table(study, file)
                results, broken = finished_results(study, text, rows)
                found += results
                notes += text.notes
                inputs.append(Source(file, text.sha256))
            refused += broken
        except DecidualError as error:
            refused.append(error.within(file))
    counted_results, broken = responders(study, tubes)
    same_unit, mixed = one_unit([*counted_results, *found])
    single, doubled = one_value(same_unit)
    return Quantified(tuple(single), (*refused, *broken, *mixed, *doubled), tuple(notes), tuple(inputs))


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
        visits.append(profile_visit(visit, when, results, references))
    return StudyFindings(
        id=study.id,
        laboratory=study.laboratory,
        visits=tuple(visits),
        refused=tuple(refused),
        notes=(*study.notes, *quantified.notes, *notes),
        inputs=(*study.inputs, *quantified.inputs, *read),
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
    return VisitFindings(visit, when, every, joined, tuple(place(m, when, visit, references) for m in every))


def _flagged(m: Measurement, extra: tuple[str, ...]) -> Measurement:
    flags = (*m.flags, *(flag for flag in extra if flag not in m.flags))
    return replace(m, flags=flags, status=m.status if m.status in (Status.VOID, Status.FAILED) else status_of(flags))


def _not_yet(path: Path, file: str) -> None:
    if path.suffix.lower() in (".fcs", ".lmd"):
        remedy = "Export the counts from your gating program."
        raise UnsupportedFCS("FCS files are not read yet.", file=file, remedy=remedy)


def _results_table(study: Study, file: str) -> Table:
    path = study.path(file)
    _not_yet(path, file)
    if file in study.plates:
        raise BrokenStudy("plates are not read yet.", file=file, remedy="Give finished results under finished/.")
    text = read_table(path, file=file, known=tuple(SCHEMA))
    if "numerator" not in text.columns and "quantity" not in text.columns:
        raise BrokenStudy(
            "neither a results table nor a count table that study.toml describes.",
            file=file,
            place="row 1",
            remedy="Describe a count table under [[counts]], or use the columns of the results table.",
        )
    return text


def _visit_notes(visit: Visit, when: Moment, has_results: bool) -> list[Note]:
    notes = []
    if when.phase == "unknown":
        notes.append(Note("not_dated", "samples.csv", f"visit {visit.key}", "no dating: placed in no phase"))
    if not has_results:
        notes.append(Note("no_result", "samples.csv", f"visit {visit.key}", "no result of this visit could be used"))
    return notes


def _order(visit: Visit) -> tuple[str, bool, int, str]:
    return (visit.key.subject, visit.day is None, visit.day.day if visit.day else 0, visit.key.visit)
