"""The golden plate: its own curve equations and results, taken away before our code sees the file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest

from decidua.immunoassay.exports import read_plate
from decidua.immunoassay.plate import Plate

HIDDEN = ("Result", "Avg Result", "Range", "Avg Range", "%CV Replicates", "% Recovery", "Comments")
HIDDEN += ("Analysis Coefficients", "R^2", "Net MFI", "Avg Net MFI")


@dataclass(frozen=True)
class Golden:
    """The stripped plate and what the vendor printed for it."""

    plate: Plate
    results: list[list[str]]
    net: list[list[float]]
    coefficients: dict[str, list[float]]
    correct_doses: dict[tuple[str, str], float]


def sections(path: Path) -> dict[str, list[list[str]]]:
    """Cut a file at its DataType rows, independently of our reader."""
    found: dict[str, list[list[str]]] = {}
    name = "header"
    for row in csv.reader(path.read_text("utf-8-sig").splitlines()):
        if row and row[0].startswith("DataType"):
            name = row[1]
        elif row and row[0].startswith("-- CRC"):
            name = "end"
        found.setdefault(name, []).append(row)
    return found


@pytest.fixture(scope="session")
def golden(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Golden:
    """Read the golden plate with every section of results and coefficients taken away."""
    path = test_data / "serum" / "xponent" / "drlumi_plate1_30plex_cytokines.csv"
    cut = sections(path)
    stripped = tmp_path_factory.mktemp("golden") / "golden.csv"
    with stripped.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(row for name, rows in cut.items() if name not in HIDDEN for row in rows)
    plate = read_plate(stripped)
    assert plate.printed == ()
    assert b"Analysis Coefficients" not in stripped.read_bytes()
    printed = cut["Analysis Coefficients"][1:]
    coefficients = {name: [float(row[i]) for row in printed[1:6]] for i, name in enumerate(printed[0][1:31], start=1)}
    doses = {}
    with (test_data / "serum" / "curves" / "drlumi_ecdata.csv").open(encoding="utf-8") as file:
        doses = {(row["sample"], row["analyte"]): float(row["ec"]) for row in csv.DictReader(file)}
    results = [row[2:32] for row in cut["Result"][2:] if any(row)]
    net = [[float(cell) for cell in row[2:32]] for row in cut["Net MFI"][2:] if any(row)]
    return Golden(plate, results, net, coefficients, doses)
