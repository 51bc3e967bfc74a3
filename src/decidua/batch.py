"""Run a whole study from its folder to results and reports, going on past what is refused.

In: a study folder. Out: files under `results/` and `reports/`, and a `RunOutcome`.
May import: pipeline, reporting and the rooms below. Source: section 1 of the format reference.
Start reading at `run_study`.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from decidua import __version__
from decidua.errors import Refused
from decidua.knowledge import label
from decidua.measurement import Status
from decidua.measurement.table import to_frame
from decidua.pipeline import Progress, place_study, quantify
from decidua.reporting.findings import StudyFindings
from decidua.reporting.html import render_html
from decidua.reporting.study import study_report
from decidua.reporting.visit import visit_report
from decidua.study import load_study
from decidua.timeline.placement import placement_line

DONE, SOMETHING_REFUSED, QUALITY_FAILED = 0, 1, 3


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a run found and wrote.

    Attributes
    ----------
    findings : StudyFindings
        Everything found.
    written : tuple of Path
        Files written, the study report first.
    """

    findings: StudyFindings
    written: tuple[Path, ...]

    @property
    def exit_code(self) -> int:
        """0 done, 1 something was refused, 3 done but quality control failed."""
        if self.findings.refused:
            return SOMETHING_REFUSED
        failed = any(m.status is Status.FAILED for v in self.findings.visits for m in v.measurements)
        return QUALITY_FAILED if failed else DONE


def run_study(folder: Path, out: Path | None = None, progress: Progress | None = None) -> RunOutcome:
    """Take a study from its files to its reports.

    Parameters
    ----------
    folder : Path
        Holds `study.toml`.
    out : Path, optional
        Where `results/` and `reports/` go; the study folder by default.
    progress : callable, optional
        Called with stage, done and total.

    Returns
    -------
    RunOutcome
        Findings and the files written.

    Raises
    ------
    UnreadableFile, BrokenStudy, Ambiguous
        Where the study cannot be read at all.
    Refused
        Where the output folder cannot be written.
    """
    study = load_study(folder)
    findings = place_study(study, quantify(study, progress), progress)
    target = out or folder
    written = [*_reports(findings, target / "reports", progress), *write_results(findings, target / "results")]
    return RunOutcome(findings, tuple(written))


def write_results(findings: StudyFindings, folder: Path) -> list[Path]:
    """Write the tables of a study.

    Parameters
    ----------
    findings : StudyFindings
        What was found.
    folder : Path
        `results/`, made where absent.

    Returns
    -------
    list of Path
        measurements (CSV and Parquet), placements, quality, refused, manifest.

    Raises
    ------
    Refused
        Where a file cannot be written.
    """
    moments = {v.visit.key: v.moment for v in findings.visits}
    frame = to_frame((m for v in findings.visits for m in v.measurements), moments)
    placements = [placement_line(p) for v in findings.visits for p in v.placements]
    refused = [(e.file, e.place, type(e).__name__, e.message, e.remedy) for e in findings.refused]
    parquet = io.BytesIO()
    frame.write_parquet(parquet)
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    guarded = frame.with_columns(pl.col(name).str.replace(r"^([=+\-@\t\r])", "'$1") for name in texts)
    contents = {
        "measurements.csv": guarded.write_csv().encode(),
        "measurements.parquet": parquet.getvalue(),
        "placements.csv": _csv([k for k in placements[0] if k != "kind"] if placements else ["subject"], placements),
        "quality.csv": _quality(findings),
        "refused.csv": _rows(("file", "place", "error", "message", "remedy"), refused),
        "manifest.json": _manifest(findings),
    }
    return [write_file(folder / name, content) for name, content in contents.items()]


def write_file(path: Path, content: bytes) -> Path:
    """Write a file whole or not at all: a temporary name first, then rename.

    Parameters
    ----------
    path : Path
        Its final name; folders are made.
    content : bytes
        What to write.

    Returns
    -------
    Path
        The same path.

    Raises
    ------
    Refused
        Where it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as failure:
        temporary.unlink(missing_ok=True)
        raise Refused(
            f"cannot be written: {failure.strerror}.", file=path.name, remedy="Give another folder with --out."
        ) from failure
    return path


def _reports(findings: StudyFindings, folder: Path, progress: Progress | None) -> list[Path]:
    written = [write_file(folder / "study.html", render_html(study_report(findings)).encode())]
    for done, visit in enumerate(findings.visits):
        if progress:
            progress("report", done, len(findings.visits))
        name = f"visit-{visit.visit.key.subject}-{visit.visit.key.visit}.html"
        written.append(write_file(folder / name, render_html(visit_report(findings, visit)).encode()))
    return written


def _quality(findings: StudyFindings) -> bytes:
    rows: list[tuple[object, ...]] = [
        (n.code, label("flags", n.code), n.file, n.place, "", "", "", n.message) for n in findings.notes
    ]
    for visit in findings.visits:
        for m in visit.measurements:
            for flag in m.flags:
                where = (m.source.file, m.source.place, m.key.subject, m.key.visit, m.measurand.id)
                rows.append((flag, label("flags", flag), *where, m.status.value))
    return _rows(("code", "meaning", "file", "place", "subject", "visit", "measurand", "message"), rows)


def _manifest(findings: StudyFindings) -> bytes:
    placed = [p for v in findings.visits for p in v.placements if p.reference_id]
    flags = {flag for v in findings.visits for m in v.measurements for flag in m.flags}
    content = {
        "study": findings.id,
        "decidua": __version__,
        "inputs": [{"file": s.file, "sha256": s.sha256} for s in sorted(findings.inputs, key=lambda s: s.file)],
        "knowledge": {
            "references": sorted({p.reference_id for p in placed}),
            "sources": sorted({p.source for p in placed if p.source}),
            "flags": sorted(flags),
        },
    }
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _csv(columns: Sequence[str], rows: Iterable[dict[str, object]]) -> bytes:
    return _rows(columns, [tuple(row[c] for c in columns) for row in rows])


def _rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """Guard a text cell against being run as a formula by a spreadsheet (OWASP ASVS 5.0, 1.2.10)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
