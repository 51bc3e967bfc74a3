"""A plate of a study: its samples joined to visits, its concentrations as measurements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from decidua.errors import Ambiguous, BrokenStudy, DecidualError
from decidua.immunoassay.curve import Calibration, calibrate
from decidua.immunoassay.exports import read_plate
from decidua.immunoassay.plate import Plate, Role, Well
from decidua.immunoassay.readback import (
    Concentration,
    Recovery,
    RunVerdict,
    accept_run,
    read_samples,
    recover_controls,
)
from decidua.knowledge import fact, table
from decidua.measurement import (
    LogNormal,
    Measurand,
    Measurement,
    Quantity,
    Source,
    Status,
    VisitKey,
    status_of,
)
from decidua.study import Judgement, SampleRow, Study, judge
from decidua.tables import Note, nearest

ANTI_TNF = "anti-TNF"


@dataclass(frozen=True, slots=True, eq=False)
class AssayedPlate:
    """A plate with its curves and what they gave.

    Attributes
    ----------
    plate, calibration
        As read and fitted.
    kit, platform : str
        Of `study.toml`.
    recoveries : tuple of Recovery
        Kit controls read back.
    verdicts : tuple of RunVerdict
        Whether each analyte's run is accepted.
    concentrations : tuple of Concentration
        Of samples, replicate wells combined.
    visits : dict of str to VisitKey
        By sample name as printed.
    measurements : tuple of Measurement
        Of the visits that the sheet names.
    refused : tuple of DecidualError
        Rows of the sheet that match no well, or one that another visit has.
    notes : tuple of Note
        Defects of the file, samples on no line of the sheet, analytes without a curve.
    """

    plate: Plate
    calibration: Calibration
    kit: str
    platform: str
    recoveries: tuple[Recovery, ...]
    verdicts: tuple[RunVerdict, ...]
    concentrations: tuple[Concentration, ...]
    visits: dict[str, VisitKey]
    measurements: tuple[Measurement, ...]
    refused: tuple[DecidualError, ...] = field(default=())
    notes: tuple[Note, ...] = field(default=())

    @property
    def source(self) -> Source:
        """The file and its hash."""
        return Source(self.plate.file, self.plate.sha256)


def assay_plate(study: Study, file: str, sheet_rows: Sequence[SampleRow]) -> AssayedPlate:
    """Read a plate, fit its curves and read its samples back.

    Parameters
    ----------
    study : Study
        Kit and platform, specimens, visits.
    file : str
        Path of the plate in the study.
    sheet_rows : sequence of SampleRow
        Rows of the sheet that name it.

    Returns
    -------
    AssayedPlate
        With a measurement for every analyte of every sample that a visit owns.

    Raises
    ------
    NotAPlate, BrokenPlate, UnreadableFile, BrokenStudy, Ambiguous
        Where the plate cannot be read, or no analyte has standards that make a curve.
    """
    block = study.plates[file]
    plate = read_plate(study.path(file), file=file)
    (calibration,) = calibrate([plate], compatible=block.compatible)
    recoveries = recover_controls(plate, calibration)
    verdicts = accept_run(calibration, recoveries)
    rows, refused = owners_of(plate, sheet_rows)
    concentrations = tuple(c for c in read_samples(plate, calibration) if c.role is Role.SAMPLE)
    failed = {v.analyte for v in verdicts if not v.accepted}
    measurements = tuple(
        _measurement(study, plate, rows[c.sample], c, c.analyte in failed) for c in concentrations if c.sample in rows
    )
    return AssayedPlate(
        plate=plate,
        calibration=calibration,
        kit=block.kit,
        platform=block.platform,
        recoveries=recoveries,
        verdicts=verdicts,
        concentrations=concentrations,
        visits={name: row.key for name, row in rows.items()},
        measurements=measurements,
        refused=tuple(refused),
        notes=(*plate.defects, *_notes(plate, calibration, verdicts, rows)),
    )


def analyte_of(printed: str) -> str | None:
    """Return the analyte id of a printed name.

    Parameters
    ----------
    printed : str
        As the instrument prints it.

    Returns
    -------
    str or None
        None where `knowledge/analytes.csv` does not know the name.
    """
    wanted = printed.casefold().strip()
    for key, row in table("analytes").items():
        if wanted in {key.casefold(), row["label"].casefold(), *(s.casefold() for s in row.codes("synonyms"))}:
            return key
    return None


def owners_of(plate: Plate, sheet_rows: Sequence[SampleRow]) -> tuple[dict[str, SampleRow], list[DecidualError]]:
    """Match rows of the sheet to samples of a plate.

    Parameters
    ----------
    plate : Plate
        The plate.
    sheet_rows : sequence of SampleRow
        Rows that name it, each with a well or a sample name as printed.

    Returns
    -------
    tuple of dict of str to SampleRow and list of DecidualError
        Rows by sample name; rows that match no sample, or one that another row has.
    """
    samples = [w for w in plate.wells if w.role is Role.SAMPLE]
    claims: dict[str, list[SampleRow]] = defaultdict(list)
    refused: list[DecidualError] = []
    for row in sheet_rows:
        try:
            claims[_printed_name(plate, samples, row)].append(row)
        except DecidualError as error:
            refused.append(error.within("samples.csv", row.place))
    owners: dict[str, SampleRow] = {}
    for name, rows in claims.items():
        if len(rows) == 1:
            owners[name] = rows[0]
            continue
        refused.append(
            Ambiguous(
                f"sample {name!r} of {plate.file} is given to {' and to '.join(str(r.key) for r in rows)}.",
                file="samples.csv",
                place=" and ".join(r.place for r in rows),
                remedy="Give a sample, with all its replicate wells, to one visit, once.",
            )
        )
    return owners, refused


def _printed_name(plate: Plate, samples: Sequence[Well], row: SampleRow) -> str:
    for well in samples:
        if row.sample in (well.well, well.sample):
            return well.sample
    other = next((w for w in plate.wells if row.sample in (w.well, w.sample)), None)
    if other is not None:
        raise BrokenStudy(
            f"{row.sample!r} of {plate.file} is a {other.role.value}, no sample.", place=f"{row.place}, sample"
        )
    known = [w.sample for w in samples] + [w.well for w in samples]
    raise BrokenStudy(
        f"{plate.file} has no well or sample {row.sample!r}.",
        place=f"{row.place}, sample",
        remedy=nearest(row.sample, known),
    )


def _measurement(study: Study, plate: Plate, row: SampleRow, c: Concentration, failed: bool) -> Measurement:
    specimen = study.specimens[row.key, row.specimen]
    verdict = judge(specimen, "immunoassay")
    block = study.plates[plate.file]
    analyte = analyte_of(c.analyte)
    measurand = Measurand(
        quantity="concentration",
        numerator=analyte or c.analyte,
        material=specimen.material,
        sample_age_class=verdict.age_class,
        stimulus=row.stimulus,
        stimulus_h=row.stimulus_h,
        blocker=row.blocker,
        platform=block.platform,
        kit=block.kit,
        laboratory=study.laboratory,
    )
    extra = [] if analyte else ["analyte_unknown"]
    if analyte == "TNF" and specimen.material != "culture_supernatant" and _under_anti_tnf(study, row.key):
        extra.append("anti_tnf")
    if failed:
        extra.append("run_not_accepted")
    flags = (*c.flags, *verdict.flags, *extra)
    status = _status(c, verdict, flags)
    void = status is Status.VOID
    return Measurement(
        key=row.key,
        measurand=measurand,
        quantity=Quantity(
            value=None if void else c.value,
            unit=c.unit,
            lower=None if void else c.lower,
            upper=None if void else c.upper,
            censored=c.censored,
            uncertainty=LogNormal(c.cv) if c.cv is not None and not void else None,
            shared_error=f"curve:{plate.file}:{c.analyte}",
        ),
        specimen=row.specimen,
        run=row.run,
        status=status,
        flags=flags,
        method=_METHODS[block.compatible],
        source=Source(plate.file, plate.sha256, f"{c.analyte} {','.join(c.wells)}"),
    )


_METHODS = {
    "": "5PL on raw median signal, variance pooled over the plate; 95 % interval by test inversion",
    "xponent": "5PL by the xPONENT recipe: net signal, weight 1/y², no interval",
}


def _status(c: Concentration, verdict: Judgement, flags: Sequence[str]) -> Status:
    if verdict.status is Status.VOID or status_of(flags) is Status.VOID:
        return Status.VOID
    return Status.FLAG if verdict.status is Status.FLAG else status_of(flags)


def _under_anti_tnf(study: Study, key: VisitKey) -> bool:
    taken = {dose.drug.casefold() for dose in study.visits[key].medicines or ()}
    for name, row in table("medicines").items():
        names = {name, row["label"].casefold(), *(s.casefold() for s in row.codes("synonyms"))}
        if row["class"] == ANTI_TNF and names & taken:
            return True
    return False


def _notes(
    plate: Plate, calibration: Calibration, verdicts: Sequence[RunVerdict], owners: dict[str, SampleRow]
) -> list[Note]:
    notes = [Note("no_curve", plate.file, analyte, reason) for analyte, reason in calibration.refused.items()]
    notes += [Note("run_not_accepted", plate.file, v.analyte, "; ".join(v.reasons)) for v in verdicts if not v.accepted]
    names = dict.fromkeys(w.sample for w in plate.wells if w.role is Role.SAMPLE)
    notes += [Note("row_unused", plate.file, name, "on no line of the sheet") for name in names if name not in owners]
    notes += [
        Note("analyte_unknown", plate.file, name, "keeps its printed name")
        for name in plate.analytes
        if analyte_of(name) is None
    ]
    units = {u for u in plate.units if u and fact("units", u) is None}
    notes += [Note("unit_unknown", plate.file, unit, f"unit {unit!r} is not in the closed table") for unit in units]
    return notes
