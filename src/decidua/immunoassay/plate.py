"""A plate as its instrument wrote it: wells, roles, signals, bead counts, expected concentrations."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from decidua.errors import BrokenPlate
from decidua.immunoassay.least_squares import FloatArray, IndexArray
from decidua.immunoassay.printed import Printed
from decidua.tables import Note, nearest

_WELL = re.compile(r"([A-P])0?([1-9]|1\d|2[0-4])")


class Role(StrEnum):
    """What a well holds."""

    SAMPLE = "sample"
    STANDARD = "standard"
    CONTROL = "control"
    BLANK = "blank"


@dataclass(frozen=True, slots=True)
class Well:
    """One well.

    Attributes
    ----------
    well : str
        Row and column: ``A1`` to ``P24``.
    sample : str
        Name as printed; wells of one name, role and dilution are replicates.
    role : Role
        What it holds.
    dilution : float
        Factor by which a sample or control was diluted; 1 for standards and blanks.
    """

    well: str
    sample: str
    role: Role
    dilution: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """A plate as its instrument wrote it. No field of the header is kept, so no person and no date.

    Attributes
    ----------
    file, sha256 : str
        As the user named it; hash of its bytes.
    dialect : str
        Which program and version wrote it, such as ``xponent-3.1``.
    wells : tuple of Well
        In the order of the file.
    analytes, units : tuple of str
        Names and units as printed; a unit is empty where the file states none.
    signal : array [well, analyte]
        Raw median signal [MFI]; NaN where the file gives none.
    beads : array [well, analyte]
        Beads counted; NaN where the file gives none.
    expected : array [well, analyte]
        Nominal concentration of standards and controls [unit of the analyte]; NaN elsewhere.
    printed : tuple of tuple of Printed
        The vendor's own results [well][analyte]; empty where the file has none.
    defects : tuple of Note
        What was met while reading and what was done about it.
    """

    file: str
    sha256: str
    dialect: str
    wells: tuple[Well, ...]
    analytes: tuple[str, ...]
    units: tuple[str, ...]
    signal: FloatArray
    beads: FloatArray
    expected: FloatArray
    printed: tuple[tuple[Printed, ...], ...] = ()
    defects: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        for table in (self.signal, self.beads, self.expected):
            table.flags.writeable = False

    def rows(self, *roles: Role) -> IndexArray:
        """Return the rows of the wells of some roles.

        Parameters
        ----------
        *roles : Role
            Which.

        Returns
        -------
        array [row]
            In the order of the file.
        """
        return np.array([i for i, well in enumerate(self.wells) if well.role in roles], dtype=np.intp)

    def column(self, analyte: str) -> int:
        """Return the column of an analyte.

        Parameters
        ----------
        analyte : str
            Name as printed.

        Returns
        -------
        int
            Its place in `analytes`.

        Raises
        ------
        BrokenPlate
            Where the plate has no such analyte.
        """
        if analyte not in self.analytes:
            remedy = nearest(analyte, self.analytes)
            raise BrokenPlate(f"has no analyte {analyte!r}.", file=self.file, remedy=remedy)
        return self.analytes.index(analyte)

    def replicates(self, *roles: Role) -> dict[tuple[str, float], IndexArray]:
        """Group wells of one name and dilution.

        Parameters
        ----------
        *roles : Role
            Which wells.

        Returns
        -------
        dict of (sample, dilution) to array [row]
            In the order of first appearance.
        """
        groups: dict[tuple[str, float], list[int]] = {}
        for row in self.rows(*roles):
            well = self.wells[row]
            groups.setdefault((well.sample, well.dilution), []).append(int(row))
        return {key: np.array(rows, dtype=np.intp) for key, rows in groups.items()}


def well_name(text: str) -> str:
    """Read a well such as ``A1``, ``a01`` or ``H12``.

    Parameters
    ----------
    text : str
        As printed.

    Returns
    -------
    str
        ``A1``; empty where the text names no well of a plate of up to 384.
    """
    found = _WELL.fullmatch(text.strip().upper())
    return f"{found[1]}{found[2]}" if found else ""


def refuse_twice(wells: Iterable[str], file: str, place: str) -> None:
    """Refuse a well that stands twice.

    Parameters
    ----------
    wells : iterable of str
        Names.
    file, place : str
        For the error.

    Raises
    ------
    BrokenPlate
        For the first well met again.
    """
    seen: set[str] = set()
    for well in wells:
        if well in seen:
            raise BrokenPlate(
                f"well {well} stands twice.",
                file=file,
                place=place,
                remedy="Export one plate a file, each well once.",
            )
        seen.add(well)
