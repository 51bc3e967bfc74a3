"""Signals read back as concentrations: intervals, limits, replicates, dilution, flags; controls and run acceptance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from decidua.errors import BrokenPlate
from decidua.immunoassay.acceptance import judge_controls, rule
from decidua.immunoassay.curve import Calibration, StandardCurve
from decidua.immunoassay.inversion import Curves, Readings, intervals, reading_cv
from decidua.immunoassay.least_squares import FloatArray, IndexArray
from decidua.immunoassay.logistic import inverse
from decidua.immunoassay.plate import Plate, Role
from decidua.measurement import Censoring


@dataclass(frozen=True, slots=True)
class Concentration:
    """One concentration read back.

    Attributes
    ----------
    sample : str
        Name as printed.
    wells : tuple of str
        Where it was read.
    role : Role
        What the wells hold.
    analyte, unit : str
        As printed.
    value : float or None
        Times the dilution; the limit where censored; None where undetermined.
    lower, upper : float or None
        The 95 % interval, times the dilution; None where it has no such end or the recipe states none.
    censored : Censoring
        Whether `value` is a number, a limit, or absent.
    cv : float or None
        Coefficient of variation of the value, as a fraction.
    dilution : float
        Factor.
    flags : tuple of str
        Keys of `knowledge/flags.csv`.
    """

    sample: str
    wells: tuple[str, ...]
    role: Role
    analyte: str
    unit: str
    value: float | None
    lower: float | None
    upper: float | None
    censored: Censoring
    cv: float | None
    dilution: float
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recovery:
    """One control well read back.

    Attributes
    ----------
    control, well, analyte : str
        As printed.
    nominal : float
        What the kit states [unit of the analyte].
    read : Concentration
        What was read.
    recovery : float or None
        Dose of the curve times the dilution, over nominal, whether or not `read` is censored; None where the curve
        gives no dose.
    """

    control: str
    well: str
    analyte: str
    nominal: float
    read: Concentration
    recovery: float | None


@dataclass(frozen=True, slots=True)
class RunVerdict:
    """Whether one analyte's run is accepted.

    Attributes
    ----------
    analyte : str
        As printed.
    accepted : bool
        Whether curve and controls hold by ICH M10.
    reasons : tuple of str
        Why not.
    """

    analyte: str
    accepted: bool
    reasons: tuple[str, ...]


def read_wells(plate: Plate, calibration: Calibration) -> tuple[Concentration, ...]:
    """Read every well back, replicates apart.

    Parameters
    ----------
    plate : Plate
        The plate.
    calibration : Calibration
        Of the same plate.

    Returns
    -------
    tuple of Concentration
        Well by well in the order of the file, analyte by analyte.

    Raises
    ------
    BrokenPlate
        Where the calibration is another plate's.
    BrokenKnowledge
        Where a rule is missing.
    """
    groups = [np.array([row], dtype=np.intp) for row in range(len(plate.wells))]
    return _read(plate, calibration, groups)


def read_samples(plate: Plate, calibration: Calibration) -> tuple[Concentration, ...]:
    """Read samples and controls back, replicate wells combined.

    Wells are replicates where name and dilution are the same; their signals are averaged by weight.

    Parameters
    ----------
    plate : Plate
        The plate.
    calibration : Calibration
        Of the same plate.

    Returns
    -------
    tuple of Concentration
        Sample by sample in the order of the file, analyte by analyte.

    Raises
    ------
    BrokenPlate
        Where the calibration is another plate's.
    BrokenKnowledge
        Where a rule is missing.
    """
    return _read(plate, calibration, list(plate.replicates(Role.SAMPLE, Role.CONTROL).values()))


def recover_controls(plate: Plate, calibration: Calibration) -> tuple[Recovery, ...]:
    """Read the kit controls back, well by well, beside what the kit states.

    Parameters
    ----------
    plate : Plate
        The plate.
    calibration : Calibration
        Of the same plate.

    Returns
    -------
    tuple of Recovery
        Controls with a nominal concentration, in the order of the file.

    Raises
    ------
    BrokenPlate
        Where the calibration is another plate's.
    BrokenKnowledge
        Where a rule is missing.
    """
    rows = plate.rows(Role.CONTROL)
    read = iter(_read(plate, calibration, [rows[i : i + 1] for i in range(rows.size)]))
    found = []
    for row in rows:
        for column, analyte in enumerate(plate.analytes):
            concentration, well = next(read), plate.wells[row]
            nominal = float(plate.expected[row, column])
            if not np.isfinite(nominal) or nominal <= 0:
                continue
            curve = calibration.curves.get(analyte)
            dose = float(curve.dose(plate.signal[row, column])) if curve else float("nan")
            recovery = dose * well.dilution / nominal if 0 < dose < np.inf else None
            found.append(Recovery(well.sample, well.well, analyte, nominal, concentration, recovery))
    return tuple(found)


def accept_run(calibration: Calibration, recoveries: Sequence[Recovery]) -> tuple[RunVerdict, ...]:
    """Judge the run of every analyte by its standards and controls.

    Parameters
    ----------
    calibration : Calibration
        The curves.
    recoveries : sequence of Recovery
        The controls of the same plate.

    Returns
    -------
    tuple of RunVerdict
        One an analyte, those without a curve among them.

    Raises
    ------
    BrokenKnowledge
        Where a rule is missing.

    Sources
    -------
    ICHM10
    """
    verdicts = [RunVerdict(analyte, False, (reason,)) for analyte, reason in calibration.refused.items()]
    for analyte, curve in calibration.curves.items():
        controls = [(found.control, found.recovery) for found in recoveries if found.analyte == analyte]
        reasons = (*curve.limits.reasons, *judge_controls(controls))
        verdicts.append(RunVerdict(analyte, not reasons, reasons))
    return tuple(verdicts)


def _read(plate: Plate, calibration: Calibration, groups: Sequence[IndexArray]) -> tuple[Concentration, ...]:
    if plate.sha256 != calibration.sha256:
        raise BrokenPlate("the calibration is another plate's.", file=plate.file, remedy="Calibrate this plate.")
    ours = {} if calibration.compatible else _by_limits(plate, list(calibration.curves.values()), groups)
    columns = []
    for analyte in plate.analytes:
        curve = calibration.curves.get(analyte)
        if curve is None:
            columns.append([_undetermined(plate, analyte, rows, "no_curve") for rows in groups])
        else:
            columns.append(ours.get(analyte) or [_as_vendor(plate, analyte, curve, rows) for rows in groups])
    return tuple(column[i] for i in range(len(groups)) for column in columns)


def _concentration(
    plate: Plate,
    analyte: str,
    rows: IndexArray,
    flags: Sequence[str],
    value: float | None,
    ends: tuple[float | None, float | None],
    censored: Censoring,
    cv: float | None = None,
) -> Concentration:
    well = plate.wells[rows[0]]
    return Concentration(
        well.sample,
        tuple(plate.wells[row].well for row in rows),
        well.role,
        analyte,
        plate.units[plate.column(analyte)],
        value,
        *ends,
        censored,
        cv,
        well.dilution,
        tuple(flags),
    )


def _undetermined(plate: Plate, analyte: str, rows: IndexArray, *flags: str) -> Concentration:
    return _concentration(plate, analyte, rows, flags, None, (None, None), Censoring.UNDETERMINED)


def _as_vendor(plate: Plate, analyte: str, curve: StandardCurve, rows: IndexArray) -> Concentration:
    """Read as xPONENT does: blanks carry no result; a limit is the end standard as it stands, undiluted."""
    signal = plate.signal[rows, plate.column(analyte)]
    known = signal[np.isfinite(signal)]
    if not known.size or plate.wells[rows[0]].role is Role.BLANK:
        return _undetermined(plate, analyte, rows, *(() if known.size else ("no_signal",)))
    factor = plate.wells[rows[0]].dilution
    dose = float(curve.dose(np.asarray(known.mean())))
    flags = ["no_interval", *_flags(plate, analyte, rows, curve)]
    ends = (None, None)
    if dose == 0.0:
        return _concentration(plate, analyte, rows, flags, curve.limits.levels[0].dose, ends, Censoring.BELOW)
    if np.isinf(dose):
        return _concentration(plate, analyte, rows, flags, curve.limits.levels[-1].dose, ends, Censoring.ABOVE)
    return _concentration(plate, analyte, rows, flags, dose * factor, ends, Censoring.NONE)


def _by_limits(
    plate: Plate, curves: Sequence[StandardCurve], groups: Sequence[IndexArray]
) -> dict[str, list[Concentration]]:
    """Read all groups with all curves, each within its limits of quantification."""
    parts = [_readings(plate, number, curve, groups) for number, curve in enumerate(curves)]
    numbers, signals, wells, beads = (np.concatenate(tables) for tables in zip(*parts, strict=True))
    every = Readings(numbers.astype(np.intp), signals, wells, beads)
    readable = np.isfinite(every.signal)
    some = every.some(readable)
    side_by_side = _side_by_side(curves)
    log_x = inverse(side_by_side.parameters[:, some.curve], some.signal)
    table = np.full((4, every.signal.size), np.nan)
    with np.errstate(over="ignore"):
        table[2, readable] = np.exp(log_x)
    table[0, readable], table[1, readable] = intervals(side_by_side, some)
    table[3, readable] = reading_cv(side_by_side, some, log_x)
    found = table.reshape(4, len(curves), len(groups))
    return {
        curve.analyte: [
            _within_limits(plate, curve, rows, *found[:, number, group].tolist()) for group, rows in enumerate(groups)
        ]
        for number, curve in enumerate(curves)
    }


def _within_limits(
    plate: Plate, curve: StandardCurve, rows: IndexArray, low: float, high: float, dose: float, cv: float
) -> Concentration:
    """Say what one reading amounts to: a number, a limit, or nothing."""
    lloq, uloq = curve.limits.lloq, curve.limits.uloq
    analyte, factor = curve.analyte, plate.wells[rows[0]].dilution
    if np.isnan(dose):
        return _undetermined(plate, analyte, rows, "no_signal")
    flags = _flags(plate, analyte, rows, curve)
    if lloq is None or uloq is None:
        return _undetermined(plate, analyte, rows, "curve_not_accepted", *flags)
    if dose < lloq:
        upper = _end(max(lloq, high), factor)
        return _concentration(plate, analyte, rows, flags, lloq * factor, (0.0, upper), Censoring.BELOW)
    if dose > uloq:
        lower = _end(min(uloq, low), factor)
        return _concentration(plate, analyte, rows, flags, uloq * factor, (lower, None), Censoring.ABOVE)
    ends = (_end(low, factor), _end(high, factor))
    return _concentration(plate, analyte, rows, flags, dose * factor, ends, Censoring.NONE, cv)


def _end(dose: float, factor: float) -> float | None:
    return dose * factor if np.isfinite(dose) else None


def _side_by_side(curves: Sequence[StandardCurve]) -> Curves:
    noises = [curve.noise for curve in curves]
    return Curves(
        np.stack([curve.parameters for curve in curves], axis=1),
        np.stack([curve.covariance for curve in curves], axis=2),
        np.array([noise.floor for noise in noises]),
        np.array([noise.cv for noise in noises]),
        np.array([noise.uncertainty for noise in noises]).T,
        np.log([curve.limits.levels[0].dose for curve in curves]),
        np.log([curve.limits.levels[-1].dose for curve in curves]),
    )


def _readings(
    plate: Plate, number: int, curve: StandardCurve, groups: Sequence[IndexArray]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Average the wells of each group, a well of more beads counting for more: curve, signal, wells, beads."""
    column = plate.column(curve.analyte)
    signals, wells, beads = (np.full(len(groups), np.nan) for _ in range(3))
    for i, rows in enumerate(groups):
        read = rows[np.isfinite(plate.signal[rows, column])]
        if not read.size:
            continue
        y, counted = plate.signal[read, column], np.maximum(plate.beads[read, column], 1.0)
        weight = 1.0 / curve.noise.variance(np.full(read.size, y.mean()), counted)
        signals[i], wells[i] = (weight * y).sum() / weight.sum() - curve.blank, read.size
        beads[i] = read.size / (1.0 / counted).sum()
    return np.full(len(groups), float(number)), signals, wells, beads


def _flags(plate: Plate, analyte: str, rows: IndexArray, curve: StandardCurve) -> list[str]:
    column = plate.column(analyte)
    signal, beads = plate.signal[rows, column], plate.beads[rows, column]
    flags = []
    if (beads < rule("bead_count_minimum")).any():
        flags.append("bead_count_low")
    if _replicate_cv(curve.dose(signal), signal) > rule("replicate_cv_maximum"):
        flags.append("replicate_cv_high")
    if curve.hooked_above is not None and (signal >= curve.hooked_above).any():
        flags.append("hook")
    if curve.lack_of_fit is not None and curve.lack_of_fit < rule("lack_of_fit_p"):
        flags.append("lack_of_fit")
    return flags


def _replicate_cv(doses: FloatArray, signals: FloatArray) -> float:
    """Return the CV of replicates: of their concentrations where all have one, else of their signals."""
    usable = doses if ((doses > 0) & np.isfinite(doses)).all() else signals[np.isfinite(signals)]
    if usable.size < 2 or not usable.any():
        return 0.0
    usable = usable / np.abs(usable).max()
    return float(usable.std(ddof=1) / max(abs(usable.mean()), 1e-12))
