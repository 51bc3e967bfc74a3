"""The plain table of the format reference: one row a well and analyte."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from decidua.errors import BrokenPlate, BrokenStudy
from decidua.immunoassay.dilution import restore_points
from decidua.immunoassay.least_squares import FloatArray
from decidua.immunoassay.plate import Plate, Role, Well, well_name
from decidua.tables import Note, Row, Table, read_table

COLUMNS = ("well", "sample", "role", "analyte", "signal", "bead_count", "expected", "dilution", "unit")
_NEEDED = COLUMNS[:5]


def is_long_table(header: str) -> bool:
    """Tell whether a header line is that of the plain table.

    Parameters
    ----------
    header : str
        First line of the file.

    Returns
    -------
    bool
        Whether it names a well, an analyte and a signal.
    """
    return all(word in header for word in ("well", "analyte", "signal"))


def read_long_table(path: Path, file: str) -> Plate:
    """Read the plain table.

    Parameters
    ----------
    path : Path
        Where the file lies.
    file : str
        As the user named it.

    Returns
    -------
    Plate
        Wells and analytes in the order of their first rows.

    Raises
    ------
    BrokenPlate
        Where a column is missing or unknown, a cell cannot be read, or rows contradict each other.
    UnreadableFile
        Where the bytes are no text.
    Ambiguous
        Where the delimiter or the decimal mark can be read in two ways.
    """
    try:
        table = read_table(path, file=file, known=COLUMNS)
        table.require(_NEEDED)
        table.allow_only(COLUMNS)
        return _plate(table)
    except BrokenStudy as broken:
        raise BrokenPlate(broken.message, file=broken.file or file, place=broken.place) from broken


def _plate(table: Table) -> Plate:
    analytes = tuple(dict.fromkeys(row["analyte"] for row in table))
    wells: dict[str, Well] = {}
    for row in table:
        well = _well(table, row)
        if wells.setdefault(well.well, well) != well:
            raise BrokenPlate(
                f"well {well.well} has two samples, roles or dilutions.", file=table.file, place=row.place
            )
    shape = (len(wells), len(analytes))
    rows = {name: i for i, name in enumerate(wells)}
    numbers = {name: np.full(shape, np.nan) for name in ("signal", "bead_count", "expected")}
    units = dict.fromkeys(analytes, "")
    texts = np.full(shape, "", dtype=object)
    seen: set[tuple[int, int]] = set()
    for row in table:
        at = (rows[well_name(row["well"])], analytes.index(row["analyte"]))
        if at in seen:
            raise BrokenPlate(
                f"well {row['well']} stands twice for {row['analyte']}.", file=table.file, place=row.place
            )
        seen.add(at)
        texts[at] = row["expected"]
        for name, cells in numbers.items():
            number = table.number(row, name)
            if number is not None and number < 0 and name != "signal":
                raise BrokenPlate(f"{name} is negative.", file=table.file, place=row.place)
            cells[at] = np.nan if number is None else number
        unit = row["unit"] or units[row["analyte"]]
        if units[row["analyte"]] not in ("", unit):
            raise BrokenPlate(f"{row['analyte']} has two units.", file=table.file, place=row.place)
        units[row["analyte"]] = unit
    found = tuple(wells.values())
    notes = _restore(found, analytes, texts, numbers["expected"], table.file)
    return Plate(
        table.file,
        table.sha256,
        "long-table",
        found,
        analytes,
        tuple(units.values()),
        numbers["signal"],
        numbers["bead_count"],
        numbers["expected"],
        defects=(*table.notes, *notes),
    )


def _well(table: Table, row: Row) -> Well:
    at = well_name(row["well"])
    if not at or not row["analyte"]:
        raise BrokenPlate("the row names no well or no analyte.", file=table.file, place=row.place)
    text = row["role"] or Role.SAMPLE.value
    if text not in tuple(Role):
        remedy = f"Write one of {', '.join(Role)}."
        raise BrokenPlate("the role is unknown.", file=table.file, place=row.place, remedy=remedy)
    role = Role(text)
    factor = table.number(row, "dilution")
    if factor is not None and factor <= 0:
        raise BrokenPlate("the dilution is not above zero.", file=table.file, place=row.place)
    diluted = role in (Role.SAMPLE, Role.CONTROL)
    return Well(at, row["sample"], role, factor if factor is not None and diluted else 1.0)


def _restore(
    wells: tuple[Well, ...], analytes: tuple[str, ...], texts: FloatArray, expected: FloatArray, file: str
) -> list[Note]:
    """Put lost decimal points of the standards back, in place; replicate wells of a standard share one text."""
    levels: dict[str, list[int]] = {}
    for i, well in enumerate(wells):
        if well.role is Role.STANDARD:
            levels.setdefault(well.sample, []).append(i)
    notes: list[Note] = []
    for j, analyte in enumerate(analytes):
        firsts = [rows[0] for rows in levels.values()]
        repaired, found = restore_points(
            list(levels), [str(texts[i, j]) for i in firsts], expected[firsts, j], analyte, file
        )
        notes.extend(found)
        for rows, value, first in zip(levels.values(), repaired, firsts, strict=True):
            same = [i for i in rows if texts[i, j] == texts[first, j]]
            expected[same, j] = value
    return notes
