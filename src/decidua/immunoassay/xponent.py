"""xPONENT CSV (3.1 to 4.x, INTELLIFLEX, Luminex 100 IS 2.3): sections that begin with ``DataType:``.

Of the header only program and version are read: the rest names persons, dates and machines.
"""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from decidua.errors import Ambiguous, BrokenPlate
from decidua.immunoassay.dilution import restore_points
from decidua.immunoassay.least_squares import FloatArray
from decidua.immunoassay.plate import Plate, Role, Well, refuse_twice, well_name
from decidua.immunoassay.printed import Printed, read_printed, read_signal
from decidua.tables import Note

_SECTION = re.compile(r'^\ufeff?"?DataType:?"?\s*([,;\t])', re.MULTILINE)
_LOCATION = re.compile(r"\s*\d+\s*\(\s*(?:(\d+)\s*[,;]\s*)?([A-Pa-p]\d{1,2})\s*\)\s*")
_CHECKSUM = re.compile(rb"^-- CRC --[^\n]*\n\"?CRC32:\s*([0-9A-Fa-f]{8})", re.MULTILINE)
_NO_ANALYTE = ("total events", "notes", "")
_STANDARD, _CONTROL = "Standard Expected Concentration", "Control Expected Concentration"
_BLANK = re.compile(r"(?:background|blank)\s*\d*", re.IGNORECASE)
_STANDARD_NAME = re.compile(r"(?:standard|std|st)\s*\d+", re.IGNORECASE)
_CONTROL_NAME = re.compile(r"control\s*\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Row:
    cells: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class _Section:
    """One block of the file: its header cells and its rows, empty ones left out."""

    name: str
    header: tuple[str, ...]
    rows: tuple[_Row, ...]


@dataclass(frozen=True, slots=True)
class _Export:
    """The file cut into sections."""

    file: str
    dialect: str
    sections: dict[str, _Section]
    decimal_comma: bool

    def need(self, name: str) -> _Section:
        if name not in self.sections:
            raise BrokenPlate(
                f"section {name} is missing.",
                file=self.file,
                place=f"section {name}",
                remedy=f"Export the plate again with the data type {name}.",
            )
        return self.sections[name]


def is_xponent(text: str) -> bool:
    """Tell whether a text is cut into ``DataType:`` sections.

    Parameters
    ----------
    text : str
        The whole file.

    Returns
    -------
    bool
        True for every dialect of this module.
    """
    return _SECTION.search(text) is not None


def read_xponent(text: str, raw: bytes, file: str, sha256: str, notes: list[Note]) -> Plate:
    """Read an export of xPONENT or one of its relatives.

    Parameters
    ----------
    text : str
        The file, decoded.
    raw : bytes
        The file itself, for its checksum.
    file, sha256 : str
        As the user named it; hash of its bytes.
    notes : list of Note
        What was met while decoding.

    Returns
    -------
    Plate
        Wells in the order of the Median section.

    Raises
    ------
    BrokenPlate
        Where a section is missing, contradicts another or is cut short, or a well stands twice.
    Ambiguous
        Where a comma inside numbers can be read in two ways.
    """
    export = _cut(text, file)
    notes = [*notes, *_check_sum(raw, export)]
    locations, samples, analytes, signal = _well_table(export, "Median", read_signal)
    beads = _same_wells(export, "Count", locations, samples, analytes, read_signal)
    if (beads < 0).any():
        raise BrokenPlate("a bead count is negative.", file=file, place="section Count")
    printed: list[list[Printed]] = []
    if "Result" in export.sections:
        printed = _same_wells(
            export, "Result", locations, samples, analytes, lambda text, comma, **_: read_printed(text, comma)
        ).tolist()
    standards = _reagents(export, _STANDARD, analytes, notes)
    controls = _reagents(export, _CONTROL, analytes, notes)
    roles = [_role(name, standards, controls) for name in samples]
    factors = _dilutions(export)
    wells = tuple(
        Well(at, name, role, factors.get(at, 1.0) if role in (Role.SAMPLE, Role.CONTROL) else 1.0)
        for at, name, role in zip(locations, samples, roles, strict=True)
    )
    expected = np.full(signal.shape, np.nan)
    for row, well in enumerate(wells):
        table = {Role.STANDARD: standards, Role.CONTROL: controls}.get(well.role, {})
        if well.sample in table:
            expected[row] = table[well.sample]
    results = tuple(tuple(row) for row in printed)
    units = _units(export, analytes)
    return Plate(file, sha256, export.dialect, wells, analytes, units, signal, beads, expected, results, tuple(notes))


def _cut(text: str, file: str) -> _Export:
    found = _SECTION.search(text)
    delimiter = found[1] if found else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    program = build = closing = ""
    sections: dict[str, _Section] = {}
    name, line = "", 0
    rows: list[_Row] = []
    try:
        for cells in reader:
            line = reader.line_num
            first = cells[0].strip().lstrip("\ufeff").rstrip(":") if cells else ""
            if first in ("DataType", "-- CRC --"):
                _keep(sections, name, rows, file)
                name, rows = (cells[1].strip() if first == "DataType" and len(cells) > 1 else ""), []
                closing = closing or ("open" if first == "-- CRC --" else "")
            elif closing:
                closing = "closed" if first.startswith("CRC") else closing
            elif name or sections:
                if any(cell.strip() for cell in cells):
                    _refuse_swallowed(cells, file, line)
                    rows.append(_Row(tuple(cell.strip() for cell in cells), line))
            elif first == "Program" and len(cells) > 1:
                program = " ".join(cell.strip().casefold() for cell in cells[1:] if cell.strip())
            elif first == "Build" and len(cells) > 1:
                build = cells[1]
    except csv.Error as broken:
        raise BrokenPlate("the rows cannot be told apart.", file=file, place=f"row {line + 1}") from broken
    _keep(sections, name, rows, file)
    if closing != "closed" and "luminex 100 is" not in program:
        raise BrokenPlate(
            "the closing checksum line is missing: the file is cut short.",
            file=file,
            place=f"row {line}",
            remedy="Copy the file again from the instrument's computer.",
        )
    comma = delimiter != "," and _writes_decimal_commas(sections, file)
    return _Export(file, _dialect(program, build), sections, comma)


def _keep(sections: dict[str, _Section], name: str, rows: list[_Row], file: str) -> None:
    if not rows or not name:
        return
    if name in sections:
        raise BrokenPlate("the section stands twice.", file=file, place=f"section {name}")
    sections[name] = _Section(name, rows[0].cells, tuple(rows[1:]))


def _refuse_swallowed(cells: list[str], file: str, line: int) -> None:
    if any("\n" in cell or "\r" in cell for cell in cells):
        raise BrokenPlate(
            "a quotation mark is not closed.",
            file=file,
            place=f"row {line}",
            remedy="Export the plate again; do not edit the file by hand.",
        )


def _writes_decimal_commas(sections: dict[str, _Section], file: str) -> bool:
    rows = [row for name in ("Median", _STANDARD) if name in sections for row in sections[name].rows]
    commas = [(row, cell) for row in rows for cell in row.cells[1:] if re.fullmatch(r"-?\d+,\d+", cell)]
    if commas and all(re.fullmatch(r"-?[1-9]\d{0,2},\d{3}", cell) for _, cell in commas):
        raise Ambiguous(
            "the numbers may hold decimal commas or thousands commas.",
            file=file,
            place=f"row {commas[0][0].line}",
            remedy="Export the plate with a decimal point and no thousands mark.",
        )
    return bool(commas)


def _dialect(program: str, build: str) -> str:
    family = "luminex-is" if "luminex 100 is" in program else "intelliflex" if "intelliflex" in program else "xponent"
    version = re.match(r"\s*(\d+\.\d+)", build)
    return f"{family}-{version[1]}" if version else family


def _check_sum(raw: bytes, export: _Export) -> list[Note]:
    """Compare the printed CRC-32 with the bytes before it; INTELLIFLEX counts its own another way."""
    found = _CHECKSUM.search(raw)
    if not found or export.dialect.startswith("intelliflex"):
        return []
    body = raw[: found.start()].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if zlib.crc32(body) == int(found[1], 16):
        return []
    message = "the checksum does not match: the file was changed after the instrument wrote it"
    return [Note("checksum_differs", export.file, "last row", message)]


def _well_table(
    export: _Export, name: str, read: Callable[..., object]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], FloatArray]:
    section = export.need(name)
    place = f"section {name}"
    if section.header[:2] != ("Location", "Sample"):
        raise BrokenPlate("the columns Location and Sample are missing.", file=export.file, place=place)
    columns = {text: i for i, text in enumerate(section.header[2:], start=2) if text.casefold() not in _NO_ANALYTE}
    named = [text for text in section.header[2:] if text.casefold() not in _NO_ANALYTE]
    if not columns or not section.rows:
        raise BrokenPlate("the section holds no analyte or no well.", file=export.file, place=place)
    if len(named) != len(columns):
        raise BrokenPlate("an analyte stands twice.", file=export.file, place=place)
    locations, samples, cells = [], [], []
    for row in section.rows:
        locations.append(_location(row, export, place))
        if len(row.cells) <= max(columns.values()):
            raise BrokenPlate(
                f"the row ends after {len(row.cells)} of {len(section.header)} cells.",
                file=export.file,
                place=f"row {row.line}",
                remedy="Copy the file again; it is cut short.",
            )
        samples.append(row.cells[1])
        at = f"{name} {locations[-1]}"
        cells.append(
            [
                read(row.cells[i], export.decimal_comma, file=export.file, place=f"{at} {text}")
                for text, i in columns.items()
            ]
        )
    refuse_twice(locations, export.file, place)
    return tuple(locations), tuple(samples), tuple(columns), np.array(cells)


def _location(row: _Row, export: _Export, place: str) -> str:
    found = _LOCATION.fullmatch(row.cells[0])
    at = well_name(found[2]) if found else ""
    if not found or not at:
        raise BrokenPlate("the row names no well.", file=export.file, place=f"{place}, row {row.line}")
    if found[1] not in (None, "1"):
        raise BrokenPlate(
            "the file holds more than one plate.",
            file=export.file,
            place=f"{place}, row {row.line}",
            remedy="Export one plate a file.",
        )
    return at


def _same_wells(
    export: _Export,
    name: str,
    locations: tuple[str, ...],
    samples: tuple[str, ...],
    analytes: tuple[str, ...],
    read: Callable[..., object],
) -> FloatArray:
    """Read a section that must hold the wells, samples and analytes of the Median section."""
    here, named, columns, cells = _well_table(export, name, read)
    order = {at: i for i, at in enumerate(here)}
    for what, missing in (
        ("well", [at for at in locations if at not in order]),
        ("analyte", [text for text in analytes if text not in columns]),
    ):
        if missing:
            raise BrokenPlate(
                f"{what} {missing[0]} of section Median is missing.", file=export.file, place=f"section {name}"
            )
    for at, sample in zip(locations, samples, strict=True):
        if named[order[at]] != sample:
            raise BrokenPlate(f"well {at} has another sample than in section Median.", file=export.file, place=name)
    return cells[np.ix_([order[at] for at in locations], [columns.index(text) for text in analytes])]


def _reagents(export: _Export, name: str, analytes: tuple[str, ...], notes: list[Note]) -> dict[str, FloatArray]:
    """Read nominal concentrations by sample name; standards get their lost decimal points back."""
    if name not in export.sections:
        return {}
    section = export.sections[name]
    columns = {text: i for i, text in enumerate(section.header) if i}
    names = [row.cells[0] for row in section.rows]
    refuse_twice(names, export.file, f"section {name}")
    table = np.full((len(names), len(analytes)), np.nan)
    for j, analyte in enumerate(analytes):
        if analyte not in columns:
            continue
        at = columns[analyte]
        texts = [row.cells[at] if at < len(row.cells) else "" for row in section.rows]
        values = np.array(
            [
                read_signal(text, export.decimal_comma, file=export.file, place=f"{name} {reagent} {analyte}")
                for text, reagent in zip(texts, names, strict=True)
            ]
        )
        if (values < 0).any():
            raise BrokenPlate("a concentration is negative.", file=export.file, place=f"{name} {analyte}")
        if name == _STANDARD:
            values, found = restore_points(names, texts, values, analyte, export.file)
            notes.extend(found)
        table[:, j] = values
    return dict(zip(names, table, strict=True))


def _role(name: str, standards: dict[str, FloatArray], controls: dict[str, FloatArray]) -> Role:
    """Tell what a well holds: a table of expected concentrations, where there is one, names all its standards."""
    if _BLANK.fullmatch(name):
        return Role.BLANK
    for role, table, pattern in ((Role.STANDARD, standards, _STANDARD_NAME), (Role.CONTROL, controls, _CONTROL_NAME)):
        if name in table or (not table and pattern.fullmatch(name)):
            return role
    return Role.SAMPLE


def _dilutions(export: _Export) -> dict[str, float]:
    factors: dict[str, float] = {}
    section = export.sections.get("Dilution Factor")
    for row in section.rows if section else ():
        found = _LOCATION.fullmatch(row.cells[0])
        if not found or len(row.cells) < 3:
            continue
        at = well_name(found[2])
        place = f"Dilution Factor {at}"
        factor = read_signal(row.cells[2], export.decimal_comma, file=export.file, place=place)
        if factor <= 0:
            raise BrokenPlate("a dilution factor is not above zero.", file=export.file, place=place)
        if not np.isnan(factor):
            factors[at] = factor
    return factors


def _units(export: _Export, analytes: tuple[str, ...]) -> tuple[str, ...]:
    section = export.sections.get("Units")
    if not section:
        return ("",) * len(analytes)
    row = next((row for row in section.rows if row.cells[0].rstrip(":") == "Units"), _Row((), 0))
    found = dict(zip(section.header[1:], row.cells[1:], strict=False))
    return tuple(found.get(analyte, "") for analyte in analytes)
