"""The killing table: one tube a row, read and held against itself before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from decidua.cytotoxicity.tubes import Assay, Drug, KillingTable, Role, Tube
from decidua.errors import BrokenCounts
from decidua.tables import Note, Row, Table, nearest, read_table

SHARED_COLUMNS = ("sample", "role", "effector_target", "replicate", "drug", "drug_dose", "drug_unit")
FLOW_COLUMNS = ("targets", "dead")
RELEASE_COLUMNS = ("cpm",)
EFFECTOR_COLUMNS = ("nk_share", "targets_per_tube")
COLUMNS = (*SHARED_COLUMNS, *FLOW_COLUMNS, *RELEASE_COLUMNS, *EFFECTOR_COLUMNS)


def read_killing(path: Path, *, file: str = "") -> KillingTable:
    """Read a killing table.

    Parameters
    ----------
    path : Path
        Where the file lies.
    file : str
        The file as the user named it; its name where empty.

    Returns
    -------
    KillingTable
        Its tubes, each checked by itself and against the others of its kind.

    Raises
    ------
    UnreadableFile
        Where the bytes are absent or no text.
    BrokenStudy
        For an unknown or missing column, a broken row, or a cell that is no number.
    Ambiguous
        Where the delimiter or the decimal mark can be read in two ways.
    BrokenCounts
        Where counts contradict each other, a share lies outside 0-1, a tube lacks its replicate number, or two
        rows are one tube.
    """
    text = read_table(path, file=file, known=COLUMNS)
    text.allow_only(COLUMNS)
    assay = _assay(text)
    text.require(("sample", "role", "effector_target", "replicate"))
    tubes = tuple(_tube(text, row, assay) for row in text)
    _refuse_twins(text.file, tubes)
    shares = _one_a_sample(text, "nk_share")
    for sample, (value, place) in shares.items():
        if not 0 <= value <= 1:
            raise BrokenCounts(
                f"nk_share {value:g} of sample {sample!r} lies outside 0 to 1.",
                file=text.file,
                place=place,
                remedy="Write 12 % as 0.12.",
            )
    targets = _one_a_sample(text, "targets_per_tube")
    for sample, (value, place) in targets.items():
        if value <= 0:
            message = f"targets_per_tube {value:g} of sample {sample!r} is no number of cells."
            raise BrokenCounts(message, file=text.file, place=place, remedy="Write the targets put into each tube.")
    lysed = [tube for tube in tubes if tube.role is Role.LYSED]
    notes = text.notes
    if lysed and assay is Assay.FLOW:
        notes = (*notes, Note("lysed_unused", text.file, lysed[0].place, "flow counts the dead targets themselves"))
    return KillingTable(
        text.file,
        text.sha256,
        assay,
        tubes,
        {sample: value for sample, (value, _) in shares.items()},
        {sample: value for sample, (value, _) in targets.items()},
        notes,
    )


def _assay(text: Table) -> Assay:
    flow = [name for name in FLOW_COLUMNS if name in text.columns]
    if "cpm" not in text.columns:
        text.require(FLOW_COLUMNS)
        return Assay.FLOW
    if flow:
        raise BrokenCounts(
            f"the table holds both cpm and {flow[0]}.",
            file=text.file,
            place="row 1",
            remedy="Keep flow (targets, dead) and 51Cr (cpm) in tables of their own.",
        )
    return Assay.RELEASE


def _tube(text: Table, row: Row, assay: Assay) -> Tube:
    if not row["sample"]:
        raise BrokenCounts("sample is empty.", file=text.file, place=row.place, remedy="Name the sample.")
    if row["role"] not in list(Role):
        raise BrokenCounts(
            f"role {row['role']!r} is not known.",
            file=text.file,
            place=f"{row.place}, role",
            remedy=nearest(row["role"], [role.value for role in Role]),
        )
    role = Role(row["role"])
    replicate = text.whole(row, "replicate")
    if replicate is None or replicate < 1:
        raise BrokenCounts(
            f"replicate is {'missing' if replicate is None else replicate}.",
            file=text.file,
            place=f"{row.place}, replicate",
            remedy="Number the tubes of one kind 1, 2, 3.",
        )
    ratio = _effector_target(text, row, role)
    drug = _drug(text, row)
    if assay is Assay.RELEASE:
        return Tube(row["sample"], role, ratio, replicate, drug, _count(text, row, "cpm"), None, row.place)
    targets, dead = _count(text, row, "targets", whole=True), _count(text, row, "dead", whole=True)
    if dead > targets or targets == 0:
        raise BrokenCounts(
            f"{dead:g} dead of {targets:g} targets.",
            file=text.file,
            place=f"{row.place}, dead",
            remedy="Give all targets counted, alive and dead, in targets.",
        )
    return Tube(row["sample"], role, ratio, replicate, drug, dead, int(targets), row.place)


def _count(text: Table, row: Row, column: str, *, whole: bool = False) -> float:
    value = text.whole(row, column) if whole else text.number(row, column)
    if value is None or value < 0:
        raise BrokenCounts(
            f"{column} is {'missing' if value is None else f'negative ({value:g})'}.",
            file=text.file,
            place=f"{row.place}, {column}",
            remedy="Give the count as read, or leave the tube out.",
        )
    return float(value)


def _effector_target(text: Table, row: Row, role: Role) -> float | None:
    place = f"{row.place}, effector_target"
    if ":" in row["effector_target"]:
        raise BrokenCounts(
            f"{row['effector_target']!r} is no number.", file=text.file, place=place, remedy="Write 25:1 as 25."
        )
    value = text.number(row, "effector_target")
    if role is not Role.TEST:
        if value:
            message = f"{role.value} with {value:g} effectors per target."
            remedy = "Leave effector_target of a control empty, or write its role as test."
            raise BrokenCounts(message, file=text.file, place=place, remedy=remedy)
        return None
    if value is None or value <= 0:
        raise BrokenCounts(
            f"effector_target of a test is {'missing' if value is None else f'{value:g}'}.",
            file=text.file,
            place=place,
            remedy="Write the effectors per target: 25 for 25:1.",
        )
    return value


def _drug(text: Table, row: Row) -> Drug | None:
    dose = text.number(row, "drug_dose")
    place = f"{row.place}, drug"
    if not row["drug"]:
        if dose is not None:
            raise BrokenCounts("a dose without drug.", file=text.file, place=place, remedy="Name the drug.")
        return None
    if dose is not None and (dose < 0 or not row["drug_unit"]):
        raise BrokenCounts(
            f"dose {dose:g} of {row['drug']!r} {'is negative' if dose < 0 else 'has no unit'}.",
            file=text.file,
            place=place,
            remedy="Write drug_dose with its drug_unit.",
        )
    return Drug(row["drug"], dose, row["drug_unit"] if dose is not None else "")


def _refuse_twins(file: str, tubes: Iterable[Tube]) -> None:
    seen: dict[tuple[object, ...], Tube] = {}
    for tube in tubes:
        key = (tube.sample, tube.role, tube.effector_target, tube.drug, tube.replicate)
        if key in seen:
            raise BrokenCounts(
                f"two values for replicate {tube.replicate} of sample {tube.sample!r} ({seen[key].place} too).",
                file=file,
                place=tube.place,
                remedy="Number the replicates 1, 2, 3, or remove the row written twice.",
            )
        seen[key] = tube


def _one_a_sample(text: Table, column: str) -> dict[str, tuple[float, str]]:
    """Read a column that describes the effectors or targets of a whole sample, stated on one of its rows or on all."""
    found: dict[str, tuple[float, str]] = {}
    for row in text:
        value = text.number(row, column)
        if value is None:
            continue
        place = f"{row.place}, {column}"
        first, where = found.setdefault(row["sample"], (value, place))
        if value != first:
            raise BrokenCounts(
                f"{column} of sample {row['sample']!r} is {value:g} here and {first:g} in {where.split(',')[0]}.",
                file=text.file,
                place=place,
                remedy="State one value a sample; give other effectors a sample name of their own.",
            )
    return found
