"""Check a study without computing: every file opened, every row matched, no cell counted, no curve fitted.

In: a `Study`. Out: what would be refused, and notes. May import: every room below pipeline.
Source: the rules of the format reference. Start reading at `check_study`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from decidua.cytometry.counts import read_counts
from decidua.cytometry.responders import check_culture, control_of, tubes_of
from decidua.cytometry.tubes import Workspaces, is_tube, one_subject, open_tube
from decidua.cytotoxicity.table import COLUMNS as KILLING_COLUMNS
from decidua.cytotoxicity.table import read_killing
from decidua.cytotoxicity.tubes import tubes_of as killing_tubes_of
from decidua.errors import DecidualError, OutsideLimits
from decidua.immunoassay.exports import read_plate
from decidua.immunoassay.results import owners_of
from decidua.knowledge import label
from decidua.measurement import Status
from decidua.measurement.table import SCHEMA
from decidua.study import SampleRow, Study, judge
from decidua.study.finished import finished_results
from decidua.tables import Note, read_table
from decidua.timeline.gestation import moment
from decidua.timeline.references import references_of


def check_study(study: Study) -> tuple[list[DecidualError], list[Note]]:
    """Find what a run would refuse.

    Parameters
    ----------
    study : Study
        A read study.

    Returns
    -------
    tuple of list of DecidualError and list of Note
        Missing tubes, unmatched wells, unknown channels, two subjects in one well, times that do not exist, visits
        that cannot be dated, stimulated tubes without control, surface CD69 under brefeldin, samples beyond
        their limit; and what would be read with a note.
    """
    refused: list[DecidualError] = list(study.refused)
    notes: list[Note] = list(study.notes)
    by_file: dict[str, list[SampleRow]] = defaultdict(list)
    for row in study.rows:
        by_file[row.file].append(row)
    workspaces = Workspaces(study)
    for file, rows in by_file.items():
        refused += _attempt(lambda file=file, rows=rows: _file(study, file, rows, workspaces, notes), file)  # type: ignore[misc]
    for row in study.rows:
        refused += _attempt(lambda row=row: _row(study, row), "samples.csv", row.place)  # type: ignore[misc]
    for visit in study.visits.values():
        refused += _attempt(lambda visit=visit: (moment(visit), [])[1], "samples.csv", f"visit {visit.key}")  # type: ignore[misc]
    refused += references_of(study)[1]
    return refused, notes


def _attempt(step: Callable[[], Iterable[DecidualError]], file: str, place: str = "") -> list[DecidualError]:
    try:
        return list(step())
    except DecidualError as error:
        return [error.within(file, place)]


def _file(
    study: Study, file: str, rows: list[SampleRow], workspaces: Workspaces, notes: list[Note]
) -> list[DecidualError]:
    if file in study.counts:
        counted = read_counts(study.path(file), study.counts[file])
        _, broken, unused = tubes_of(counted, rows)
        notes += [*counted.notes, *unused]
        return broken
    if file in study.plates:
        plate = read_plate(study.path(file), file=file)
        notes += plate.defects
        return owners_of(plate, rows)[1]
    if is_tube(file):
        return [
            e
            for row in one_subject(rows)
            for e in _attempt(lambda row=row: _tube(study, row, workspaces), file)  # type: ignore[misc]
        ]
    text = read_table(study.path(file), file=file, known=(*SCHEMA, *KILLING_COLUMNS))
    notes += text.notes
    if "effector_target" not in text.columns:
        return finished_results(study, text, rows)[1]
    table = read_killing(study.path(file), file=file)
    return [
        e
        for row in rows
        for e in _attempt(lambda row=row: (killing_tubes_of(table, row.sample), [])[1], file, row.place)  # type: ignore[misc]
    ]


def _tube(study: Study, row: SampleRow, workspaces: Workspaces) -> list[DecidualError]:
    open_tube(study, row, workspaces)
    return []


def _row(study: Study, row: SampleRow) -> list[DecidualError]:
    found: list[DecidualError] = []
    panel = study.panels.get(row.panel)
    if row.stimulus != "none" and panel is not None and (row.file in study.counts or is_tube(row.file)):
        control_of(row, study.rows)
        for analyte in panel.positives:
            check_culture(row, analyte)
    verdict = judge(study.specimens[row.key, row.specimen], _assay(study, row))
    if verdict.status is Status.VOID:
        reasons = "; ".join(label("flags", flag) for flag in verdict.flags)
        found.append(
            OutsideLimits(
                f"{row.key}: {reasons}.",
                file="samples.csv",
                place=row.place,
                remedy="Repeat the draw; a run keeps the row without a number.",
            )
        )
    return found


def _assay(study: Study, row: SampleRow) -> str:
    if row.file in study.plates:
        return "immunoassay"
    if row.stimulus == "k562":
        return "killing"
    return "ics" if row.stimulus != "none" else "phenotype"
