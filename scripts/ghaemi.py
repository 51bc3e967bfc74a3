"""Read the open multi-omics cohort of Ghaemi 2019 with its visits set right, or refuse it.

In three of its four files the number in a sample's name is rotated: 4 is the first trimester and 3 is post partum. No
file says so; biology does. Granulocytes are lowest, and placental lactogen falls, once the placenta is gone. A reading
of the labels that does not show this is refused. Signal units, serum and plasma of one draw: two measurands that are
never pooled.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from decidua.errors import Ambiguous, BrokenStudy
from decidua.measurement import Measurand

PHASES = ("first_trimester", "second_trimester", "third_trimester", "post_partum")
PRINTED = {"1": PHASES[0], "2": PHASES[1], "3": PHASES[2], "4": PHASES[3]}
ROTATED = {"4": PHASES[0], "1": PHASES[1], "2": PHASES[2], "3": PHASES[3]}
CELLS, PROTEINS = "immunome.csv", "plasmaSomalogic.csv"
LUMINEX = {"serum": "SerumLuminex.csv", "plasma": "plasmaLuminex.csv"}
GRANULOCYTES, PLACENTAL_LACTOGEN = "Gr", "CSH1 CSH2"


@dataclass(frozen=True)
class Sample:
    """One draw: a gestational age in weeks, or none post partum whatever the file prints."""

    woman: str
    phase: str
    weeks: float | None


@dataclass(frozen=True, eq=False)
class Features:
    """One file: float array [sample, feature], samples with their right phase."""

    file: str
    samples: tuple[Sample, ...]
    names: tuple[str, ...]
    values: np.ndarray
    rotated: bool

    def by_phase(self, name: str) -> dict[str, dict[str, float]]:
        """Return one feature by phase and woman."""
        column = self.values[:, self.names.index(name)]
        found: dict[str, dict[str, float]] = {phase: {} for phase in PHASES}
        for sample, value in zip(self.samples, column, strict=True):
            found[sample.phase][sample.woman] = float(value)
        return found

    def paired(self, name: str) -> tuple[float, float, float]:
        """Return the geometric means of each trimester over post partum, woman by woman [1]."""
        found = self.by_phase(name)
        after = found["post_partum"]
        first, second, third = (
            float(np.exp(np.mean([np.log(v / after[w]) for w, v in found[phase].items() if w in after])))
            for phase in PHASES[:3]
        )
        return first, second, third


def measurand(material: str, analyte: str) -> Measurand:
    """Name what the bead assay of this cohort measured in one material."""
    return Measurand("signal", analyte, material=material, platform="luminex", laboratory="GHAEMI2019")


def read_cells(folder: Path) -> Features:
    """Read the cell fractions; the reading of the labels is the one with granulocytes lowest post partum."""
    return _settled(folder, CELLS, GRANULOCYTES)


def read_proteins(folder: Path) -> Features:
    """Read the aptamer proteins of plasma; lactogen of the placenta must be lowest post partum."""
    return _settled(folder, PROTEINS, PLACENTAL_LACTOGEN)


def read_luminex(folder: Path, material: str) -> Features:
    """Read the bead assay of one material; its labels are those of the cells it lies beside, row by row."""
    cells = read_cells(folder)
    names, ids, values = _read(folder / LUMINEX[material])
    if ids != _read(folder / CELLS)[1]:
        raise Ambiguous(
            "its rows are not those of the cell fractions, so nothing tells which visit is post partum.",
            file=LUMINEX[material],
            remedy="Take all files from one release.",
        )
    short = tuple(name.removeprefix(f"{material}-") for name in names)
    if short == names:
        raise BrokenStudy(f"the columns are not of {material}.", file=LUMINEX[material])
    return Features(LUMINEX[material], cells.samples, short, values, cells.rotated)


def _settled(folder: Path, file: str, marker: str) -> Features:
    names, ids, values = _read(folder / file)
    if marker not in names:
        raise BrokenStudy(f"{marker} is missing, which tells the visits apart.", file=file)
    fitting = []
    for rotated, labels in ((False, PRINTED), (True, ROTATED)):
        read = Features(file, _samples(folder, ids, labels), names, values, rotated)
        medians = {phase: np.median(list(found.values())) for phase, found in read.by_phase(marker).items()}
        if min(medians, key=lambda phase: medians[phase]) == "post_partum":
            fitting.append(read)
    if len(fitting) != 1:
        raise Ambiguous(
            f"{marker} is lowest post partum in no reading of the visit labels.",
            file=file,
            remedy="Compare the labels with another copy of the study.",
        )
    return fitting[0]


def _samples(folder: Path, ids: tuple[str, ...], labels: dict[str, str]) -> tuple[Sample, ...]:
    with (folder / "challenge-meta-information.csv").open(encoding="utf-8", newline="") as lines:
        weeks = {(row["randPerson"], row["time"]): float(row["GA"]) for row in csv.DictReader(lines)}
    samples = []
    for name in ids:
        woman, phase = name[:-1], labels[name[-1]]
        time = str(1 + PHASES.index(phase))
        # Post partum is a phase, never a negative age.
        samples.append(Sample(woman, phase, None if phase == "post_partum" else weeks[woman, time]))
    return tuple(samples)


def _read(path: Path) -> tuple[tuple[str, ...], tuple[str, ...], np.ndarray]:
    with path.open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    ids = tuple(row[0] for row in rows)
    bad = [name for name in ids if name[-1:] not in PRINTED]
    if bad or len(set(ids)) != len(ids):
        raise BrokenStudy(f"a sample's name {bad[:1] or 'twice'} says no visit.", file=path.name)
    return tuple(header[1:]), ids, np.array([[float(cell) for cell in row[1:]] for row in rows])
