"""The tubes of a killing assay, and which of them belong together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from decidua.errors import BrokenCounts
from decidua.tables import Note, nearest


class Assay(StrEnum):
    """How dead targets are seen."""

    FLOW = "flow"
    RELEASE = "51Cr"


class Role(StrEnum):
    """What a tube is for."""

    TEST = "test"
    ALONE = "targets_alone"
    LYSED = "targets_lysed"


@dataclass(frozen=True, slots=True)
class Drug:
    """What was added to a tube: name, dose in `unit`; the dose is None where not stated."""

    name: str
    dose: float | None = None
    unit: str = ""

    def __str__(self) -> str:
        return self.name if self.dose is None else f"{self.name} {self.dose:g} {self.unit}"


@dataclass(frozen=True, slots=True)
class Tube:
    """One tube of a killing assay.

    Attributes
    ----------
    sample : str
        Whose effectors, as the sheet names them.
    role : Role
        Test, targets alone or targets lysed.
    effector_target : float or None
        x of x:1; None in a control.
    replicate : int
        Number of the tube among its like.
    drug : Drug or None
        What was added.
    reading : float
        Dead targets [cells], or counts of 51Cr a minute [cpm].
    targets : int or None
        Targets counted [cells]; None for 51Cr.
    place : str
        Its row in the file.
    """

    sample: str
    role: Role
    effector_target: float | None
    replicate: int
    drug: Drug | None
    reading: float
    targets: int | None
    place: str

    @property
    def signal(self) -> float:
        """Dead share of the targets (0-1), or cpm."""
        return self.reading if self.targets is None else self.reading / self.targets


@dataclass(frozen=True, slots=True)
class KillingTable:
    """The tubes of a killing table.

    Attributes
    ----------
    file, sha256 : str
        The file as named, and the hash of its bytes.
    assay : Assay
        One a table.
    tubes : tuple of Tube
        In the order of the file.
    nk_share : dict of str to float
        NK cells among live effectors by sample, 0-1, where stated.
    targets_per_tube : dict of str to float
        Targets put into each tube by sample [cells], where stated.
    notes : tuple of Note
        What was read with a tolerance.
    """

    file: str
    sha256: str
    assay: Assay
    tubes: tuple[Tube, ...]
    nk_share: dict[str, float]
    targets_per_tube: dict[str, float]
    notes: tuple[Note, ...] = ()

    @property
    def samples(self) -> tuple[str, ...]:
        """Samples in the order of the file."""
        return tuple(dict.fromkeys(tube.sample for tube in self.tubes))


@dataclass(frozen=True, slots=True)
class TubeSet:
    """The tubes of one sample under one drug and dose, or without any.

    Attributes
    ----------
    drug : Drug or None
        None without drug.
    alone : tuple of Tube
        Targets alone, with the same drug.
    tests : dict of float to tuple of Tube
        Replicates by effectors per target, highest first.
    """

    drug: Drug | None
    alone: tuple[Tube, ...]
    tests: dict[float, tuple[Tube, ...]]


@dataclass(frozen=True, slots=True)
class SampleTubes:
    """The tubes of one sample, complete.

    Attributes
    ----------
    sample : str
        As the table names it.
    without_drug : TubeSet
        At least two effector:target ratios.
    with_drugs : tuple of TubeSet
        By name and dose.
    lysed : tuple of Tube
        Every tube of lysed targets: what a target can release does not depend on the drug.
    """

    sample: str
    without_drug: TubeSet
    with_drugs: tuple[TubeSet, ...]
    lysed: tuple[Tube, ...]


def tubes_of(table: KillingTable, sample: str) -> SampleTubes:
    """Gather the tubes of one sample and refuse a set that cannot be computed.

    Parameters
    ----------
    table : KillingTable
        What was read.
    sample : str
        A sample of the table, exactly as printed.

    Returns
    -------
    SampleTubes
        Each set with its own targets alone.

    Raises
    ------
    BrokenCounts
        Where the table has no such sample, a set lacks its targets alone or its tests, 51Cr lacks its lysed
        targets, or fewer than two effector:target ratios were run without drug.
    """
    tubes = [tube for tube in table.tubes if tube.sample == sample]
    if not tubes:
        raise BrokenCounts(
            f"there is no sample {sample!r}.", file=table.file, place="sample", remedy=nearest(sample, table.samples)
        )
    lysed = tuple(tube for tube in tubes if tube.role is Role.LYSED)
    if table.assay is Assay.RELEASE and not lysed:
        raise BrokenCounts(
            "no targets_lysed: the maximal release is unknown.",
            file=table.file,
            place=f"sample {sample}",
            remedy="Add a row with role targets_lysed for this sample.",
        )
    drugs = sorted({tube.drug for tube in tubes if tube.drug and tube.role is not Role.LYSED}, key=str)
    plain = _tube_set(table, sample, None, tubes)
    if len(plain.tests) < 2:
        raise BrokenCounts(
            "one effector:target ratio only: no curve can be fitted.",
            file=table.file,
            place=next(iter(plain.tests.values()))[0].place,
            remedy="Add the tubes without drug at a second effector:target ratio.",
        )
    return SampleTubes(sample, plain, tuple(_tube_set(table, sample, drug, tubes) for drug in drugs), lysed)


def _tube_set(table: KillingTable, sample: str, drug: Drug | None, tubes: Iterable[Tube]) -> TubeSet:
    mine = sorted((tube for tube in tubes if tube.drug == drug), key=lambda tube: tube.replicate)
    alone = tuple(tube for tube in mine if tube.role is Role.ALONE)
    ratios = sorted({tube.effector_target for tube in mine if tube.effector_target is not None}, reverse=True)
    tests = {x: tuple(tube for tube in mine if tube.effector_target == x) for x in ratios}
    what = f"with {drug}" if drug else "without drug"
    if not tests:
        raise BrokenCounts(
            f"no test tube {what}.",
            file=table.file,
            place=alone[0].place if alone else f"sample {sample}",
            remedy="Add the test tubes, and write drug, dose and unit alike in every row.",
        )
    if not alone:
        raise BrokenCounts(
            f"no targets_alone {what}: the spontaneous death is unknown.",
            file=table.file,
            place=tests[ratios[0]][0].place,
            remedy="Add a row with role targets_alone and the same drug, dose and unit.",
        )
    return TubeSet(drug, alone, tests)
