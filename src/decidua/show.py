"""What the commands print: JSON lines for programs, tables and progress for people.

In: plain values of the rooms. Out: dictionaries for JSON lines; text on stdout and stderr.
May import: batch, pipeline and below. Source: section 7 of the format reference.
Start reading at `acquired_line`.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table as Grid

from decidua.batch import RunOutcome, write_file
from decidua.cytometry.acquisition import Acquisition
from decidua.cytometry.counts import CountFile, TubeCounts
from decidua.cytometry.engine import Counts
from decidua.cytometry.flowjo import Workspace, WorkspaceSample
from decidua.cytotoxicity.series import killing_series
from decidua.cytotoxicity.tubes import KillingTable
from decidua.errors import BrokenStudy, DecidualError
from decidua.immunoassay.curve import Calibration, calibrate
from decidua.immunoassay.plate import Plate, Role
from decidua.immunoassay.readback import read_wells
from decidua.immunoassay.results import analyte_of
from decidua.pipeline import Progress as Report
from decidua.statistics import share_limits
from decidua.tables import Note, Table

if TYPE_CHECKING:
    from decidua.synthetic.recovery import Recovery

WIDTH_OF_FILES = 200


def error_line(error: DecidualError) -> dict[str, Any]:
    """Write an error as its JSON line.

    Parameters
    ----------
    error : DecidualError
        What was refused.

    Returns
    -------
    dict
        Keys of the format reference.
    """
    return {
        "kind": "error",
        "file": error.file,
        "error": type(error).__name__,
        "place": error.place,
        "message": error.message,
        "remedy": error.remedy,
    }


def acquired_line(found: Acquisition | Workspace | Plate | KillingTable | CountFile | Table) -> dict[str, Any]:
    """Write what a file holds as its JSON line.

    Parameters
    ----------
    found : Acquisition, Workspace, Plate, KillingTable, CountFile or Table
        What `pipeline.acquire` read.

    Returns
    -------
    dict
        Of kind ``fcs``, ``workspace``, ``plate``, ``killing``, ``counts`` or ``results``.
    """
    if isinstance(found, Acquisition | Workspace):
        return found.line()
    if isinstance(found, Plate):
        return plate_line(found)
    if isinstance(found, KillingTable):
        return killing_line(found)
    if isinstance(found, CountFile):
        defects = [
            *map(_defect, found.notes),
            *({"code": type(e).__name__, "place": e.place, "message": e.message} for e in found.refused),
        ]
        return {
            "kind": "counts",
            "file": found.file,
            "sha256": found.sha256,
            "rows": len(found.tubes),
            "populations": found.populations,
            "defects": defects,
        }
    return {
        "kind": "results",
        "file": found.file,
        "sha256": found.sha256,
        "rows": len(found.rows),
        "defects": [_defect(n) for n in found.notes],
    }


def _defect(note: Note) -> dict[str, str]:
    return {"code": note.code, "place": note.place, "message": note.message}


def plate_line(plate: Plate) -> dict[str, Any]:
    """Write what a plate holds as its JSON line.

    Parameters
    ----------
    plate : Plate
        As read.

    Returns
    -------
    dict
        Of kind ``plate``.
    """
    roles = Counter(w.role for w in plate.wells)
    names = [
        {"analyte": name, "analyte_id": analyte_of(name), "unit": unit}
        for name, unit in zip(plate.analytes, plate.units, strict=True)
    ]
    counts = {
        "standards": len({w.sample for w in plate.wells if w.role is Role.STANDARD}),
        "controls": len({w.sample for w in plate.wells if w.role is Role.CONTROL}),
        "blanks": roles[Role.BLANK],
        "samples": len({w.sample for w in plate.wells if w.role is Role.SAMPLE}),
    }
    defects = [_defect(n) for n in plate.defects]
    head = {"kind": "plate", "file": plate.file, "sha256": plate.sha256, "dialect": plate.dialect}
    return {**head, "wells": len(plate.wells), **counts, "analytes": names, "defects": defects}


def killing_line(table: KillingTable) -> dict[str, Any]:
    """Write what a killing table holds as its JSON line.

    Parameters
    ----------
    table : KillingTable
        As read.

    Returns
    -------
    dict
        Of kind ``killing``.
    """
    return {
        "kind": "killing",
        "file": table.file,
        "sha256": table.sha256,
        "assay": table.assay.value,
        "tubes": len(table.tubes),
        "samples": list(table.samples),
        "drugs": sorted({tube.drug.name for tube in table.tubes if tube.drug is not None}),
        "defects": [_defect(n) for n in table.notes],
    }


def lysis_lines(table: KillingTable) -> tuple[list[dict[str, Any]], tuple[DecidualError, ...]]:
    """Write the lysis of every sample, drug and effector:target ratio as JSON lines.

    Parameters
    ----------
    table : KillingTable
        As read.

    Returns
    -------
    tuple of list of dict and tuple of DecidualError
        Specific lysis [%] with its limits; samples that were refused.
    """
    lines: list[dict[str, Any]] = []
    refused: list[DecidualError] = []
    for sample in table.samples:
        try:
            series = killing_series(table, sample)
        except DecidualError as error:
            refused.append(error)
            continue
        lines += [
            {
                "kind": "lysis",
                "file": table.file,
                "sample": sample,
                "drug": None if condition.drug is None else condition.drug.name,
                "drug_dose": None if condition.drug is None else condition.drug.dose,
                "drug_unit": None if condition.drug is None else condition.drug.unit or None,
                "effector_target": point.effector_target,
                "value": point.lysis.value,
                "unit": "%",
                "lower": point.lysis.lower,
                "upper": point.lysis.upper,
                "replicates": list(point.replicates),
                "flags": [*condition.flags, *point.flags],
            }
            for condition in (series.without_drug, *series.with_drugs)
            for point in condition.points
        ]
    return lines, tuple(refused)


def well_lines(plate: Plate, calibration: Calibration) -> list[dict[str, Any]]:
    """Write every well and analyte of a plate as JSON lines, replicates apart.

    Parameters
    ----------
    plate : Plate
        As read.
    calibration : Calibration
        Its curves.

    Returns
    -------
    list of dict
        Values and limits times the dilution.
    """
    return [
        {
            "kind": "well",
            "file": plate.file,
            "well": c.wells[0],
            "sample": c.sample,
            "role": c.role.value,
            "analyte": c.analyte,
            "analyte_id": analyte_of(c.analyte),
            "value": c.value,
            "unit": c.unit,
            "lower": c.lower,
            "upper": c.upper,
            "censored": c.censored.value,
            "dilution": c.dilution,
            "flags": list(c.flags),
        }
        for c in read_wells(plate, calibration)
    ]


def gated_lines(acquisition: Acquisition, sample: WorkspaceSample, counts: Counts) -> list[dict[str, Any]]:
    """Write every population of a gated tube as JSON lines.

    Parameters
    ----------
    acquisition : Acquisition
        The tube.
    sample : WorkspaceSample
        Its gates, with the counts of the program that drew them.
    counts : Counts
        Ours.

    Returns
    -------
    list of dict
        The root first, with no parent.
    """
    lines = []
    for p in counts.populations:
        line = share_line(acquisition.file, sample.name, p.path, p.parent, p.count, p.parent_count)
        lines.append({**line, "gate_id": p.gate_id, "stored_count": sample.stored_counts.get(p.path)})
    return lines


def population_lines(
    found: Acquisition | Workspace | Plate | KillingTable | CountFile | Table,
) -> tuple[list[dict[str, Any]], tuple[DecidualError, ...]]:
    """Write every population, well or lysis of a bare file as JSON lines.

    Parameters
    ----------
    found : Acquisition, Workspace, Plate, KillingTable, CountFile or Table
        What `pipeline.acquire` read.

    Returns
    -------
    tuple of list of dict and tuple of DecidualError
        A line a population, the root first with no parent, a well, or a lysis; rows and samples that were refused.

    Raises
    ------
    BrokenStudy
        For a tube without its gates, a workspace without its tube, or a results table, which is quantified already.
    """
    if isinstance(found, Acquisition):
        raise BrokenStudy("a tube needs its gates.", file=found.file, remedy="Add --gates with its workspace.")
    if isinstance(found, Workspace):
        raise BrokenStudy(
            "a workspace needs its tube.", file=found.file, remedy="Give the tube, and this with --gates."
        )
    if isinstance(found, Plate):
        (calibration,) = calibrate([found])
        return well_lines(found, calibration), ()
    if isinstance(found, KillingTable):
        return lysis_lines(found)
    if not isinstance(found, CountFile):
        raise BrokenStudy("a results table is quantified already.", file=found.file, remedy="Put it in a study.")
    lines = [line for tube in found.tubes.values() for line in _tube_lines(found.file, tube)]
    return lines, found.refused


def _tube_lines(file: str, tube: TubeCounts) -> Iterator[dict[str, Any]]:
    for subsets in tube.subsets:
        whole = tube.counts[subsets.parent]
        yield _population(file, tube, subsets.parent, None, whole, None)
        bits = range(len(subsets.markers) - 1, -1, -1)
        for marker, bit in zip(subsets.markers, bits, strict=True):
            positive = sum(int(c) for i, c in enumerate(subsets.cells) if i >> bit & 1)
            yield _population(file, tube, f"{subsets.parent}/{marker}+", subsets.parent, positive, whole)
        for index, count in enumerate(subsets.cells):
            signs = "".join(f"{m}{'+' if index >> b & 1 else '-'}" for m, b in zip(subsets.markers, bits, strict=True))
            yield _population(file, tube, f"{subsets.parent}/{signs}", subsets.parent, int(count), whole)
    if tube.subsets:
        return
    for path, count in tube.counts.items():
        top = not path or ("/" not in path and "" not in tube.counts)
        parent = None if top else tube.parent_of(path)
        yield _population(file, tube, path or "root", parent, count, None if parent is None else tube.counts[parent])


def _population(
    file: str, tube: TubeCounts, path: str, parent: str | None, count: int, parent_count: int | None
) -> dict[str, Any]:
    return share_line(file, tube.row, path, "root" if parent == "" else parent, count, parent_count)


def share_line(
    file: str, sample: str, path: str, parent: str | None, count: int, parent_count: int | None
) -> dict[str, Any]:
    """Write one population as its JSON line.

    Parameters
    ----------
    file, sample, path : str
        Where it was counted.
    parent : str or None
        None at the top.
    count, parent_count : int
        Cells.

    Returns
    -------
    dict
        With its share of the parent and the 95 % interval, null at the top and within an empty parent.
    """
    share = lower = upper = None
    if parent_count:
        share = count / parent_count
        lower, upper = (float(limit) for limit in share_limits(count, parent_count))
    return {
        "kind": "population",
        "file": file,
        "sample": sample,
        "population": path,
        "gate_id": path,
        "parent": parent,
        "count": count,
        "parent_count": parent_count,
        "share": share,
        "lower": lower,
        "upper": upper,
        "stored_count": None,
    }


def write_events(counts: Counts, path: Path) -> None:
    """Write which events lie in which gate as a Parquet file of one boolean column a gate.

    Parameters
    ----------
    counts : Counts
        Of one tube.
    path : Path
        The file to write.

    Raises
    ------
    Refused
        Where it cannot be written.
    """
    gates = [p for p in counts.populations if p.parent is not None]
    frame = pl.DataFrame({p.gate_id: counts.mask(p.path) for p in gates})
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    write_file(path, buffer.getvalue())


def show_lines(lines: Iterable[dict[str, Any]]) -> None:
    """Print JSON lines as a table for a person.

    Parameters
    ----------
    lines : iterable of dict
        Lines of any kind.
    """
    console = _console()
    groups: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        groups.setdefault(line["kind"], []).append(line)
    for kind, members in groups.items():
        if len(members) == 1:
            grid = Grid(title=kind, show_header=False, box=None, title_justify="left")
            for key, value in members[0].items():
                grid.add_row(key, _text(value))
        else:
            hidden = ("kind", "file", "gate_id", "stored_count", "replicates")
            columns = [key for key in members[0] if key not in hidden]
            grid = Grid(title=f"{kind}: {len(members)}", box=None, title_justify="left")
            for column in columns:
                grid.add_column(column, overflow="fold")
            for member in members:
                grid.add_row(*(_text(member[key]) for key in columns))
        console.print(grid)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH_OF_FILES)


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return "\n".join(map(_item, value)) or "none"
    return str(value)


def _item(value: object) -> str:
    if not isinstance(value, dict):
        return _text(value)
    return str(value.get("message") or " ".join(_text(v) for v in value.values() if v not in (None, "")))


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Report | None]:
    """Show progress on stderr while a long job runs.

    Parameters
    ----------
    quiet : bool
        Show nothing.

    Yields
    ------
    callable or None
        Takes stage, done and total.
    """
    if quiet:
        yield None
        return
    columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done + 1)

        yield report


def run_summary(outcome: RunOutcome) -> None:
    """Say what a run found, what was refused first.

    Parameters
    ----------
    outcome : RunOutcome
        Of `batch.run_study`.
    """
    console = _console()
    findings = outcome.findings
    for error in findings.refused:
        console.print(f"× {type(error).__name__}: {error}", markup=False, highlight=False)
    placements = [p for v in findings.visits for p in v.placements]
    placed = [p for p in placements if not p.not_placeable]
    console.print(
        f"{len(findings.visits)} visits, {len(placements)} results, {len(placed)} placed, "
        f"{len(findings.refused)} refused, {len(findings.notes)} notes.",
        highlight=False,
    )
    console.print(f"Study report: {outcome.written[0]}", highlight=False, soft_wrap=True)


def check_summary(refused: Sequence[DecidualError], notes: Sequence[Note]) -> None:
    """Say what a run would refuse.

    Parameters
    ----------
    refused : sequence of DecidualError
        Of `checking.check_study`.
    notes : sequence of Note
        What would be read with a note.
    """
    console = _console()
    for error in refused:
        console.print(f"× {type(error).__name__}: {error}", markup=False, highlight=False)
    for note in notes:
        console.print(f"– {note.file} {note.place}: {note.message}", markup=False, highlight=False)
    console.print(f"{len(refused)} refused, {len(notes)} notes.", highlight=False)


def recovery_summary(recovery: Recovery, outcome: RunOutcome) -> None:
    """Say how well a made study's truth was recovered, and where its reports are.

    Parameters
    ----------
    recovery : Recovery
        Of `synthetic.recovery.compare`.
    outcome : RunOutcome
        Of `batch.run_study`.
    """
    console = _console()
    grid = Grid(title="Truth inside its 95 % interval", box=None, title_justify="left")
    for column in ("result", "stratum", "inside", "of", "%"):
        grid.add_column(column, justify="left" if column in ("result", "stratum") else "right")
    for c in recovery.coverage:
        share = f"{100 * c.covered / c.intervals:.1f}" if c.intervals else "–"
        grid.add_row(c.kind, c.stratum, str(c.covered), str(c.intervals), share)
    console.print(grid)
    for subject, axis in dict.fromkeys((p.true.subject, p.true.axis) for p in recovery.planted):
        placed = [p for p in recovery.planted if p.true.subject == subject and p.outside is not None]
        side, outside = sum(p.own_side is True for p in placed), sum(p.outside is True for p in placed)
        console.print(
            f"{subject} was planted on {axis}: of {len(placed)} placed results, {side} surely on that side, "
            f"{outside} outside.",
            highlight=False,
        )
    console.print(
        f"Ordinary women placed outside on these axes: {len(recovery.false_outside)} results.", highlight=False
    )
    for trap in recovery.traps:
        said = "named" if trap.named else "NOT NAMED"
        console.print(f"{trap.subject} {trap.visit}, {trap.trap.replace('_', ' ')}: {said}.", highlight=False)
    run_summary(outcome)
