"""Writing bead plates as xPONENT 3.1 exports them: sections that begin with ``DataType:``, closed by a checksum.

The dates of a real export are left at the zero of the computer's clock: a made plate has no calendar.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from decidua.errors import OutsideLimits

Floats = NDArray[np.float64]


class _Writer(Protocol):
    def writerow(self, row: Iterable[object], /) -> object: ...
    def writerows(self, rows: Iterable[Iterable[object]], /) -> object: ...


PER_BEAD = 100
_CLOCK = datetime.fromtimestamp(0, UTC).strftime("%d/%m/%Y %H:%M:%S")


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """What an export says of a plate.

    Attributes
    ----------
    batch : str
        Name of the run.
    analytes : mapping of str to int
        Bead region by printed name.
    wells : sequence of (str, str, float or None)
        Location such as ``A1``, printed sample, dilution factor.
    median : array of float, axes [well, analyte]
        Median signal [MFI].
    count : array of int, axes [well, analyte]
        Beads read.
    standards, controls : mapping of str to array of float, axis [analyte]
        Concentration of each reagent [pg/mL].
    """

    batch: str
    analytes: Mapping[str, int]
    wells: Sequence[tuple[str, str, float | None]]
    median: Floats
    count: NDArray[np.int64]
    standards: Mapping[str, Floats]
    controls: Mapping[str, Floats]


def xponent_csv(export: Export) -> bytes:
    """Write an export.

    Parameters
    ----------
    export : Export
        The plate; a well named ``Background0`` is a blank.

    Returns
    -------
    bytes
        The file. Results and what follows from them are left out, as before an analysis.

    Raises
    ------
    OutsideLimits
        The arrays do not fit wells and analytes, or there is no blank.
    """
    shape = (len(export.wells), len(export.analytes))
    if export.median.shape != shape or export.count.shape != shape:
        raise OutsideLimits(f"Signals of shape {export.median.shape} do not fit {shape} wells and analytes.")
    blank = np.array([sample == "Background0" for _, sample, _ in export.wells])
    if not blank.any():
        raise OutsideLimits("A plate without a blank has no net signal.", remedy="Name a well Background0.")
    net = export.median - export.median[blank].mean(axis=0)
    text = StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerows(_header(export))
    for title, table in (("Median", export.median), ("Net MFI", net), ("Count", export.count)):
        _by_well(rows, title, export, [[_number(value) for value in row] for row in table])
    _by_well(rows, "Result", export, [["NaN"] * shape[1]] * shape[0])
    units: list[list[object]] = [["BeadID:", *export.analytes.values()], ["Units:", *["pg/mL"] * shape[1]]]
    _section(rows, "Units", ["Analyte:", *export.analytes], units)
    for title, reagents in (("Standard", export.standards), ("Control", export.controls)):
        levels = [[name, *map(_number, expected)] for name, expected in reagents.items()]
        _section(rows, f"{title} Expected Concentration", ["Reagent", *export.analytes], levels)
    beads: list[list[object]] = [["BeadID:", *export.analytes.values()], ["Per Bead:", *[PER_BEAD] * shape[1]]]
    _section(rows, "Per Bead Count", ["Analyte:", *export.analytes], beads)
    factors = [
        [_location(at, place), sample, "" if factor is None else _number(factor)]
        for at, (place, sample, factor) in enumerate(export.wells, start=1)
    ]
    _section(rows, "Dilution Factor", ["Location", "Sample", "Dilution Factor"], factors)
    _section(rows, "Warnings/Errors", ["Location", "Status", "Message"], [])
    body = text.getvalue().encode()
    return body + f"-- CRC --\r\nCRC32: {zlib.crc32(body):08X}\r\n".encode()


def _header(export: Export) -> list[list[object]]:
    return [
        ["Program", "xPONENT", "", "LX100/LX200"],
        ["Build", "3.1.871.0"],
        ["Date", *_CLOCK.rsplit(":", 1)[0].split(" ")],
        [],
        ["SN", "MADE"],
        ["Batch", export.batch],
        ["Version", 1],
        ["Operator", ""],
        ["ComputerName", "MADE"],
        ["Country Code", ""],
        ["ProtocolName", "made 30-plex"],
        ["ProtocolVersion", 1],
        ["ProtocolDescription", ""],
        ["ProtocolDevelopingCompany", ""],
        ["SampleVolume", "50 uL"],
        ["DDGate", "7500 to 20000"],
        ["SampleTimeout", "60 sec"],
        ["BatchStartTime", _CLOCK],
        ["BatchStopTime", _CLOCK],
        ["BatchDescription", ""],
        ["ProtocolPlate", "Name", "Current 96-well plate", "Type", 96, "Plates", 1],
        ["ProtocolMicrosphere", "Map", "100 regions", "Type", "MagPlex", "Count", len(export.analytes)],
        ["ProtocolAnalysis", "Type", "Quan", "Mode", "FitOfAllStandards"],
        ["NormBead", "None"],
        ["ProtocolHeater", "Off"],
        [],
        ["Most Recent Calibration and Control Results:"],
        ["Last CAL1 Calibration", f"Passed {_CLOCK}"],
        ["Last CON1 Verification", f"Passed {_CLOCK}"],
        [],
        ["Samples", len(export.wells), "Min Events", PER_BEAD, "Per Bead"],
        [],
        ["Results"],
        [],
    ]


def _by_well(rows: _Writer, title: str, export: Export, table: Sequence[Sequence[object]]) -> None:
    events = export.count.sum(axis=1)
    cells = [
        [_location(at, place), sample, *line, int(total)]
        for at, ((place, sample, _), line, total) in enumerate(zip(export.wells, table, events, strict=True), start=1)
    ]
    _section(rows, title, ["Location", "Sample", *export.analytes, "Total Events"], cells)


def _section(rows: _Writer, title: str, header: Sequence[object], table: Iterable[Sequence[object]]) -> None:
    rows.writerow(["DataType:", title])
    rows.writerow(header)
    rows.writerows(table)
    rows.writerow([])


def _location(at: int, place: str) -> str:
    return f"{at}(1,{place})"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(round(float(value), 12))
