"""The plain table: read alike in every spelling, contradictions refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from decidua.errors import BrokenPlate, DecidualError
from decidua.immunoassay.exports import read_plate
from decidua.immunoassay.plate import Plate, Role

HEADER = "well,sample,role,analyte,signal,bead_count,expected,dilution,unit"
ROWS = [f"{'ABCDEFGH'[i]}1,S{i},standard,IL6,{900 / 2**i:g},80,{1000 / 2**i:g},,pg/mL" for i in range(7)]
ROWS += ["H1,blank,blank,IL6,3,90,,,pg/mL", "A2,u1,sample,IL6,120,77,,4,pg/mL", "A2,u1,sample,TNF,,0,,4,"]
TABLE = "\n".join([HEADER, *ROWS]) + "\n"


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> Plate:
    path = tmp_path / "long.csv"
    path.write_text(text, encoding)
    return read_plate(path)


def test_what_it_says(tmp_path: Path) -> None:
    plate = read(tmp_path, TABLE)
    assert plate.dialect == "long-table"
    assert plate.analytes == ("IL6", "TNF")
    assert plate.units == ("pg/mL", "")
    assert plate.wells[8].dilution == 4.0
    assert [well.role for well in plate.wells].count(Role.STANDARD) == 7
    assert plate.signal[8].tolist()[0] == 120.0
    assert np.isnan(plate.signal[8, 1])
    assert plate.beads[8].tolist() == [77.0, 0.0]
    assert plate.expected[0, 0] == 1000.0


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_spellings(tmp_path: Path, encoding: str) -> None:
    usual = read(tmp_path, TABLE)
    other = read(tmp_path, TABLE.replace(".", ";").replace(",", "\t").replace(";", "."), encoding)
    assert np.array_equal(other.signal, usual.signal, equal_nan=True)
    assert "other_delimiter" in {note.code for note in other.defects}


def test_lost_decimal_points_come_back(tmp_path: Path) -> None:
    assert "15.625" in TABLE
    plate = read(tmp_path, TABLE.replace("15.625", "15625"))
    assert plate.expected[6, 0] == 15.625
    assert [(note.code, note.place, note.message) for note in plate.defects] == [
        ("decimal_lost", "S6 IL6", "15625 read as 15.625")
    ]


BROKEN = {
    "two roles": ("A2,u1,sample,TNF", "A2,u1,control,TNF", "two samples, roles or dilutions"),
    "twice": ("A2,u1,sample,TNF", "A2,u1,sample,IL6", "stands twice"),
    "role": ("blank,blank", "blank,empty", "role is unknown"),
    "well": ("H1,blank", "Q1,blank", "names no well"),
    "number": (",120,77", ",many,77", "not a number"),
    "negative": (",120,77", ",120,-7", "bead_count is negative"),
    "dilution": ("77,,4,pg/mL", "77,,0,pg/mL", "not above zero"),
    "unit": ("A2,u1,sample,IL6,120,77,,4,pg/mL", "A2,u1,sample,IL6,120,77,,4,ng/mL", "two units"),
    "column": ("bead_count", "beads", "unknown column"),
    "missing": ("well,sample,role", "well,name,role", "'sample' is missing"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_contradictions_are_refused(tmp_path: Path, name: str) -> None:
    old, new, words = BROKEN[name]
    assert old in TABLE
    with pytest.raises(BrokenPlate, match=words) as broken:
        read(tmp_path, TABLE.replace(old, new, 1))
    assert broken.value.file == "long.csv"
    assert broken.value.place


def test_truncations_raise_only_declared_errors(tmp_path: Path) -> None:
    refused = []
    for cut in range(len(TABLE)):
        try:
            read(tmp_path, TABLE[:cut])
        except DecidualError as declared:
            refused.append(declared)
    assert len(refused) > len(TABLE) / 2
    assert all(error.file == "long.csv" for error in refused)
