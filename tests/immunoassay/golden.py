"""The golden plate: what its vendor printed is kept by the test and taken out of what our code sees."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

NAME = "drlumi_plate1_30plex_cytokines.csv"
STRIPPED = (
    "Result",
    "Avg Result",
    "% Recovery",
    "Analysis Types",
    "Analysis Coefficients",
    "R^2",
    "Range",
    "Avg Range",
)


@dataclass(frozen=True)
class Golden:
    """Printed results and coefficients, by well and analyte; the plate without them, as a file."""

    stripped: Path
    analytes: list[str]
    coefficients: dict[str, list[float]]
    results: dict[tuple[str, str], str]


def sections(path: Path) -> dict[str, list[list[str]]]:
    """Parse the sections with the csv module alone."""
    found: dict[str, list[list[str]]] = {}
    title = ""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for cells in csv.reader(lines):
            if cells and cells[0].strip('"') == "DataType:":
                title = cells[1].strip('"')
                found[title] = []
            elif title and any(cells):
                found[title].append(cells)
    return found


def golden(test_data: Path, folder: Path) -> Golden:
    """Read what was printed, and write the plate without it."""
    source = test_data / "serum" / "xponent" / NAME
    parts = sections(source)
    header = parts["Median"][0]
    analytes = [a for a in header[2:] if a and a != "Total Events"]
    results = {}
    for row in parts["Result"][1:]:
        well = row[0].split(",")[-1].rstrip(")")
        for name, cell in zip(header[2:], row[2:], strict=False):
            if name in analytes:
                results[well, name] = cell
    table = parts["Analysis Coefficients"]
    coefficients = {name: [float(row[1 + i]) for row in table[1:6]] for i, name in enumerate(analytes)}
    kept, skip = [], False
    for line in source.read_text("utf-8-sig").splitlines():
        if line.startswith("DataType:"):
            skip = line.split(",")[1] in STRIPPED
        elif line.startswith("-- CRC"):
            skip = False
        if not skip:
            kept.append(line)
    path = folder / NAME
    path.write_text("\n".join(kept) + "\n", "utf-8")
    return Golden(path, analytes, coefficients, results)


def finite(cell: str) -> float | None:
    """A printed number; None for limits, NaN and N/A."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
