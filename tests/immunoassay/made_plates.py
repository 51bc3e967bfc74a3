"""Plates made for tests: simulated ones with known truth, and files written the way xPONENT writes them."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from decidua.immunoassay import logistic
from decidua.immunoassay.plate import Plate, Role, Well

ROWS = "ABCDEFGH"
TOP = 10_000.0


def well_at(index: int) -> str:
    return f"{ROWS[index % 8]}{index // 8 + 1}"


def curves(rng: np.random.Generator, count: int, ec50: float = 0.15) -> np.ndarray:
    """Draw curves as the open 27-plex prints them: slope at low dose near one, asymmetry .5-2."""
    low, span = rng.lognormal(np.log(12), 0.5, count), rng.lognormal(9.4, 0.4, count)
    g = rng.lognormal(0.0, 0.45, count)
    b = np.exp(rng.normal(0.17, 0.2, count)) / g
    middle = rng.lognormal(np.log(ec50 * TOP), 0.8, count)
    log_c = np.log(middle) + np.log(2 ** (1 / g) - 1) / b
    return np.stack([low, np.log(span), log_c, np.log(b), np.log(g)])


def signals(rng: np.random.Generator, truth: np.ndarray, dose: np.ndarray, cv: float, floor: float) -> np.ndarray:
    mean = logistic.value(truth[:, None], logistic.log_dose(dose)[:, None])
    return mean * (1 + cv * rng.standard_normal(mean.shape)) + floor * rng.standard_normal(mean.shape)


@dataclass
class Layout:
    """Wells in order, their nominal doses, and where the unknowns stand."""

    names: list[str]
    roles: list[Role]
    doses: np.ndarray
    dilution: float = 1.0

    def plate(self, signal: np.ndarray, beads: np.ndarray | float = np.nan, file: str = "made.csv") -> Plate:
        wells = tuple(
            Well(well_at(i), name, role, self.dilution if role in (Role.SAMPLE, Role.CONTROL) else 1.0)
            for i, (name, role) in enumerate(zip(self.names, self.roles, strict=True))
        )
        known = [role in (Role.STANDARD, Role.CONTROL) for role in self.roles]
        expected = np.where(known, self.doses, np.nan)[:, None] * np.ones(signal.shape[1])
        expected *= np.where([role is Role.CONTROL for role in self.roles], self.dilution, 1.0)[:, None]
        analytes = tuple(f"a{i}" for i in range(signal.shape[1]))
        counted = np.broadcast_to(np.asarray(beads, dtype=float), signal.shape).copy()
        return Plate(file, file, "made", wells, analytes, ("pg/mL",) * len(analytes), signal, counted, expected)


def layout(
    levels: int = 9,
    step: float = 3.0,
    replicates: int = 2,
    blanks: int = 2,
    unknowns: Sequence[float] = (),
    controls: Sequence[float] = (),
    dilution: float = 1.0,
) -> Layout:
    """Standards from the top down, blanks, unknowns in duplicate, controls in duplicate."""
    names = [f"Standard{i + 1}" for i in range(levels) for _ in range(replicates)]
    roles = [Role.STANDARD] * len(names) + [Role.BLANK] * blanks
    doses = [TOP / step**i for i in range(levels) for _ in range(replicates)] + [0.0] * blanks
    names += ["Background0"] * blanks
    for kind, role, given in (("u", Role.SAMPLE, unknowns), ("Control", Role.CONTROL, controls)):
        names += [f"{kind}{i + 1}" for i in range(len(given)) for _ in range(2)]
        roles += [role] * (2 * len(given))
        doses += [dose for dose in given for _ in range(2)]
    return Layout(names, roles, np.array(doses), dilution)


def xponent_rows(
    wells: Sequence[tuple[str, str]],
    analytes: Sequence[str],
    sections: dict[str, Sequence[Sequence[object]]],
    standards: dict[str, Sequence[object]] | None = None,
    build: str = "3.1.871.0",
) -> list[list[str]]:
    """Rows of an xPONENT file; `wells` are (well, sample), each section has a row a well."""
    rows: list[list[str]] = [["Program", "xPONENT", "", "LX100/200"], ["Build", build], ["Operator", "Canary Person"]]
    rows += [["Date", "31/12/1999", "16:07"], [], ["Results"], []]
    for name, cells in sections.items():
        rows += [["DataType:", name], ["Location", "Sample", *analytes, "Total Events"]]
        for i, ((at, sample), values) in enumerate(zip(wells, cells, strict=True), start=1):
            rows.append([f"{i}(1,{at})", sample, *[str(value) for value in values], "500"])
        rows.append([])
    rows += [["DataType:", "Units"], ["Analyte:", *analytes], ["Units:", *["pg/mL"] * len(analytes)], []]
    if standards:
        rows += [["DataType:", "Standard Expected Concentration"], ["Reagent", *analytes]]
        rows += [[name, *[str(value) for value in values]] for name, values in standards.items()]
        rows.append([])
    rows += [["DataType:", "Dilution Factor"], ["Location", "Sample", "Dilution Factor"]]
    rows += [
        [f"{i}(1,{at})", sample, "2" if sample.startswith(("u", "Control")) else ""]
        for i, (at, sample) in enumerate(wells, start=1)
    ]
    return [*rows, [], ["DataType:", "Warnings/Errors"], ["Location", "Status", "Message"], []]


def as_bytes(
    rows: Sequence[Sequence[str]],
    *,
    delimiter: str = ",",
    quoted: bool = False,
    newline: str = "\r\n",
    padded: bool = False,
    encoding: str = "utf-8",
    decimal: str = ".",
    checksum: bool = True,
) -> bytes:
    """Write rows in one of the dialects."""
    width = max(len(row) for row in rows)
    text = io.StringIO()
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=newline)
    for row in rows:
        cells = [cell.replace(".", decimal) if decimal != "." and is_number(cell) else cell for cell in row]
        if padded:
            cells += [""] * (width - len(cells))
        if cells or quoted:
            writer.writerow(cells)
        else:
            text.write(newline)
    body = text.getvalue()
    if checksum:
        mark = zlib.crc32(body.replace("\r\n", "\n").replace("\n", "\r\n").encode(encoding))
        body += f"-- CRC --{newline}CRC32: {mark:08X}{newline}"
    return body.encode(encoding)


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def small_file() -> list[list[str]]:
    """A plate of 20 wells and 3 analytes whose standards are exact doses of a 2-fold series."""
    names = ["Background0", *[f"Standard{i}" for i in range(1, 9)], "Control1", *[f"u{i}" for i in range(1, 11)]]
    wells = [(well_at(i), name) for i, name in enumerate(names)]
    doses = [0.0, *[5000 / 2.0**i for i in range(8)], 400.0, *[30.0 * i for i in range(1, 11)]]
    truth = curves(np.random.default_rng(3), 3)
    median = logistic.value(truth[:, None], logistic.log_dose(np.array(doses))[:, None])
    cells = [[f"{value:.1f}" for value in row] for row in median]
    counts = [[100 + 3 * i + j for j in range(3)] for i in range(len(names))]
    standards = {f"Standard{i + 1}": [f"{5000 / 2.0**i:.6g}"] * 3 for i in range(8)}
    return xponent_rows(wells, ["IFNg", "IL-4", "TNFa"], {"Median": cells, "Count": counts}, standards)
