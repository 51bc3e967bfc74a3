"""The least-squares core against certified fits, and the readers against every shared export."""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from decidua.errors import DecidualError
from decidua.immunoassay.exports import read_plate
from decidua.immunoassay.least_squares import minimise
from immunoassay.golden import sections

MODELS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "Rat43": lambda b, x: b[0] / (1 + np.exp(b[1] - b[2] * x)) ** (1 / b[3]),
    "Rat42": lambda b, x: b[0] / (1 + np.exp(b[1] - b[2] * x)),
    "MGH17": lambda b, x: b[0] + b[1] * np.exp(-x * b[3]) + b[2] * np.exp(-x * b[4]),
    "Thurber": lambda b, x: (b[0] + b[1] * x + b[2] * x**2 + b[3] * x**3) / (1 + b[4] * x + b[5] * x**2 + b[6] * x**3),
    "Eckerle4": lambda b, x: b[0] / b[1] * np.exp(-0.5 * ((x - b[2]) / b[1]) ** 2),
}


def numeric_family(model: Callable[[np.ndarray, np.ndarray], np.ndarray], x: np.ndarray, y: np.ndarray):
    """Residuals with derivatives by the complex step, exact to rounding."""

    def family(at: np.ndarray, problem: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        residuals = np.stack([y - model(at[:, k], x) for k in range(at.shape[1])], axis=1)
        jacobian = np.empty((at.shape[0], x.size, at.shape[1]))
        for k in range(at.shape[1]):
            for i in range(at.shape[0]):
                moved = at[:, k].astype(complex)
                moved[i] += 1e-30j
                jacobian[i, :, k] = -model(moved, x).imag / 1e-30
        return residuals, jacobian

    return family


def certified(path: Path) -> tuple[np.ndarray, list[np.ndarray], np.ndarray, np.ndarray]:
    text = path.read_text("utf-8")
    number = r"([-+]?[\d.]+(?:E[-+]?\d+)?)"
    rows = re.findall(rf"b\d+\s*=\s*{number}\s+{number}\s+{number}\s+{number}", text)
    table = np.array(rows, dtype=float)
    data = np.array(
        [line.split() for line in text[text.rindex("Data:") :].splitlines()[1:] if len(line.split()) == 2], dtype=float
    )
    return table[:, 2], [table[:, 0], table[:, 1]], data[:, 0], data[:, 1]


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", MODELS)
def test_certified_fits_to_six_digits(name: str, start: int, test_data: Path) -> None:
    wanted, starts, y, x = certified(test_data / "serum" / "reference_oracles" / f"NIST_{name}.dat")
    with np.errstate(all="ignore"):
        found = minimise(numeric_family(MODELS[name], x, y), starts[start][:, None], rounds=5000)
    np.testing.assert_allclose(found.parameters[:, 0], wanted, rtol=1e-6)


def test_the_widely_printed_ryegrass_fit(test_data: Path) -> None:
    with (test_data / "serum" / "reference_oracles" / "drc_ryegrass.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    y = np.array([float(r["rootl"]) for r in rows])
    x = np.array([float(r["conc"]) for r in rows])

    def model(b: np.ndarray, dose: np.ndarray) -> np.ndarray:
        power = np.where(dose == 0, 0.0, np.exp(b[0] * (np.log(np.where(dose == 0, 1.0, dose)) - np.log(b[3]))))
        return b[1] + (b[2] - b[1]) / (1 + power)

    found = minimise(numeric_family(model, x, y), np.array([[2.0], [0.5], [8.0], [3.0]]))
    np.testing.assert_allclose(found.parameters[:, 0], [2.98223, 0.48141, 7.79296, 3.05796], rtol=2e-5)


FOLDERS = ("xponent/serolyzer", "xponent/allotropy")


def exports(test_data: Path) -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((test_data / "serum" / folder).glob("*.csv"))]


def test_shared_exports_are_read_as_they_stand_or_refused_by_name(test_data: Path) -> None:
    read = refused = 0
    for path in exports(test_data):
        plate = None
        with contextlib.suppress(DecidualError):  # anything undeclared fails the test
            plate = read_plate(path)
        if plate is None:
            refused += 1
            continue
        parts = sections(path)
        for title, table in (("Median", plate.signal), ("Count", plate.beads)):
            header, *rows = parts[title]
            names = [n for n in header[2:] if n and n not in ("Total Events", "Notes")]
            assert set(plate.analytes) <= set(names), path.name
            values = {
                (re.search(r"([A-P]\d+)", row[0])[1], name): cell  # type: ignore[index]
                for row in rows
                if re.search(r"[A-P]\d+", row[0])
                for name, cell in zip(header[2:], row[2:], strict=False)
            }
            for i, well in enumerate(plate.wells):
                for name in plate.analytes:
                    cell = values[well.well, name].replace(",", ".")
                    ours = table[i, plate.column(name)]
                    if cell in ("", "NaN", "N/A"):
                        assert np.isnan(ours)
                    else:
                        assert ours == float(cell), (path.name, title, well.well, name)
        read += 1
    assert read >= 8
    assert read + refused == len(exports(test_data))
