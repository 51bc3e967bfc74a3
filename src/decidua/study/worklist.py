"""A worklist from the laboratory's system: accessions and tests, turned into rows of a sample sheet."""

from __future__ import annotations

import re
from pathlib import Path

from decidua.errors import BrokenStudy, DecidualError
from decidua.study.settings import StudySettings
from decidua.study.sheet import COLUMNS, WORKLIST_COLUMNS
from decidua.tables import Note, Row, Table


def rows_of_worklist(
    text: Table, settings: StudySettings, folder: Path, refused: list[DecidualError]
) -> tuple[Table, list[Note]]:
    """Turn a worklist into a sample sheet by the file pattern of `sheet.files`.

    Parameters
    ----------
    text : Table
        The worklist.
    settings : StudySettings
        Holds the pattern, with ``{specimen}``, ``{panel}`` and ``{stimulus}``.
    folder : Path
        The study folder.
    refused : list of DecidualError
        Receives an error for each test without a tube.

    Returns
    -------
    tuple of Table and list of Note
        A sheet of one row a tube found, and a note for each tube that no accession names.

    Raises
    ------
    BrokenStudy
        Where the pattern is missing, or a column is unknown or missing.
    """
    text.allow_only(WORKLIST_COLUMNS)
    text.require(("specimen", "tests", "subject", "visit"))
    pattern = settings.sheet.files
    if not re.search(r"\{specimen\}", pattern):
        raise BrokenStudy(
            "a worklist needs the pattern of its tubes.",
            file="study.toml",
            place="sheet.files",
            remedy='Write files = "tubes/{specimen}_{panel}_{stimulus}.fcs".',
        )
    finder = _finder(pattern)
    tubes = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    found = {name: match.groupdict() for name in tubes if (match := finder.fullmatch(name))}
    rows: list[Row] = []
    used: set[str] = set()
    for row in text:
        for panel in row["tests"].split(";"):
            mine = [
                (name, parts)
                for name, parts in found.items()
                if parts["specimen"] == row["specimen"] and parts.get("panel", panel) == panel
            ]
            if not mine:
                refused.append(
                    BrokenStudy(
                        f"no tube of accession {row['specimen']} for test {panel}.",
                        file=text.file,
                        place=row.place,
                        remedy="Add the tube, or take the test off the worklist.",
                    )
                )
            for name, parts in mine:
                used.add(name)
                cells = {k: v for k, v in row.cells.items() if k in COLUMNS}
                cells |= {"file": name, "panel": panel, "stimulus": parts.get("stimulus", "none")}
                rows.append(Row(cells, row.line))
    notes = [Note("file_unused", name, "", "no accession names this tube") for name in found if name not in used]
    return Table(text.file, text.sha256, COLUMNS, tuple(rows), text.decimal_comma, text.notes), notes


def _finder(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"\{(specimen|panel|stimulus)\}", pattern)
    built = [
        re.escape(part) if index % 2 == 0 else rf"(?P<{part}>[A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*?)"
        for index, part in enumerate(parts)
    ]
    return re.compile("".join(built))
