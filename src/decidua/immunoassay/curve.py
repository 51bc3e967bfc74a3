"""Standard curves of plates: fitted in one batch, judged standard by standard, limited where they stop to hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from decidua.errors import BrokenPlate, OutsideLimits
from decidua.immunoassay import logistic
from decidua.immunoassay.acceptance import UNJUDGED, Level, Limits, Verdict, judge
from decidua.immunoassay.least_squares import BoolArray, FloatArray
from decidua.immunoassay.misfit import lack_of_fit
from decidua.immunoassay.noise import UNSTATED, Noise
from decidua.immunoassay.plate import Plate, Role
from decidua.immunoassay.standards import RECIPES, Fits, Standards, collect, fit, mean_blank, scatter_of
from decidua.tables import nearest

_FEWEST_LEVELS = 4
_RISE = 5.0
"""A curve must rise from blank to top by this many standard deviations of a blank well."""


@dataclass(frozen=True, slots=True, eq=False)
class StandardCurve:
    """The curve of one analyte on one plate.

    Attributes
    ----------
    analyte, unit : str
        As printed.
    parameters : array [parameter]
        (A, log(D - A), log C, log B, log G) of `logistic`.
    covariance : array [parameter, parameter]
        Their covariance; NaN for a vendor's recipe, which states none.
    noise : Noise
        Scatter of single wells; `UNSTATED` for a vendor's recipe.
    blank : float
        Signal subtracted before reading [MFI]; 0 where none is.
    limits : Limits
        Standards with their verdicts, limits of quantification, reasons against the curve.
    hooked_above : float or None
        Signal from which a reading has two doses [MFI]; None where no top standard falls.
    lack_of_fit : float or None
        P of the test against the scatter of replicates.
    """

    analyte: str
    unit: str
    parameters: FloatArray
    covariance: FloatArray
    noise: Noise
    blank: float
    limits: Limits = UNJUDGED
    hooked_above: float | None = None
    lack_of_fit: float | None = None

    @property
    def accepted(self) -> bool:
        """Whether the standards hold by ICH M10."""
        return not self.limits.reasons

    @property
    def ec50(self) -> float:
        """Dose half-way between the asymptotes [unit of the analyte]."""
        return float(logistic.ec50(self.parameters))

    @property
    def slope(self) -> float:
        """Rise of the signal at the EC50 per e-fold of dose [MFI]."""
        _, gradient = logistic.value_and_gradient(self.parameters, np.asarray(np.log(self.ec50)))
        return -float(gradient[logistic.LOG_C])

    def signal(self, dose: FloatArray) -> FloatArray:
        """Return the raw signal of doses.

        Parameters
        ----------
        dose : array
            Concentration, undiluted [unit of the analyte].

        Returns
        -------
        array
            Signal, blank included [MFI].
        """
        return self.blank + logistic.value(self.parameters, logistic.log_dose(dose))

    def dose(self, signal: FloatArray) -> FloatArray:
        """Read doses back from raw signals, without judging them: limits are `readback`'s.

        Parameters
        ----------
        signal : array
            Raw signal [MFI].

        Returns
        -------
        array
            Concentration, undiluted; 0 below the lower asymptote, inf above the upper, NaN for NaN.
        """
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(logistic.inverse(self.parameters, signal - self.blank)))


@dataclass(frozen=True, slots=True)
class Calibration:
    """All curves of one plate.

    Attributes
    ----------
    file, sha256 : str
        The plate.
    compatible : str
        Empty for our recipe, else the vendor's name.
    curves : dict of str to StandardCurve
        By analyte, in the order of the plate.
    refused : dict of str to str
        Why an analyte has no curve.
    """

    file: str
    sha256: str
    compatible: str
    curves: dict[str, StandardCurve]
    refused: dict[str, str]


def calibrate(plates: Sequence[Plate], *, compatible: str = "", parameters: int = 5) -> tuple[Calibration, ...]:
    """Fit the standard curves of one or many plates in one batch.

    Parameters
    ----------
    plates : sequence of Plate
        Each keeps its own noise.
    compatible : str
        Empty for our recipe; ``xponent`` reproduces xPONENT: net signal, weight 1 over its square, no prior.
    parameters : int
        5, or 4 for the symmetric curve.

    Returns
    -------
    tuple of Calibration
        One a plate.

    Raises
    ------
    BrokenPlate
        Where no analyte of a plate has standards that make a curve.
    OutsideLimits
        Where the recipe is unknown or the number of parameters is neither 4 nor 5.
    BrokenKnowledge
        Where a rule of acceptance is missing.
    """
    if compatible not in RECIPES:
        remedy = nearest(compatible, [name for name in RECIPES if name])
        raise OutsideLimits(f"no recipe {compatible!r}.", place="compatible", remedy=remedy)
    if parameters not in (4, 5):
        raise OutsideLimits(f"a curve has 4 or 5 parameters, not {parameters}.", place="parameters")
    recipe = RECIPES[compatible] if parameters == 5 else RECIPES[compatible].symmetric()
    refused = [_refuse(plate) for plate in plates]
    standards = collect(plates, recipe, [set(found) for found in refused])
    fits = fit(standards, recipe)
    misfit = _misfit(standards, fits)
    done, column = [], 0
    for number, (plate, reasons) in enumerate(zip(plates, refused, strict=True)):
        curves: dict[str, StandardCurve] = {}
        for analyte in (name for name in plate.analytes if name not in reasons):
            curve = _curve(plate, analyte, standards, fits, number, column, float(misfit[column]))
            column += 1
            if _rises(curve):
                curves[analyte] = curve
            else:
                reasons[analyte] = "the signal does not rise with the dose"
        _refuse_all(plate, curves, reasons)
        done.append(Calibration(plate.file, plate.sha256, compatible, curves, reasons))
    return tuple(done)


def printed_curve(plate: Plate, analyte: str, coefficients: Sequence[float]) -> StandardCurve:
    """Make a curve of the coefficients xPONENT prints.

    Parameters
    ----------
    plate : Plate
        For the blank and the standards.
    analyte : str
        Name as printed.
    coefficients : sequence of float
        A, B, C, D, F of y = A + (B - A) / (1 + (x/C)^D)^F on net signal.

    Returns
    -------
    StandardCurve
        Without covariance and noise.

    Raises
    ------
    BrokenPlate
        Where the plate has no such analyte.
    OutsideLimits
        Where the coefficients make no rising curve.
    BrokenKnowledge
        Where a rule of acceptance is missing.
    """
    a, b, c, d, f = coefficients
    if not (b > a and c > 0 and d < 0 and f > 0):
        raise OutsideLimits("the coefficients make no rising curve.", file=plate.file, place=analyte)
    column = plate.column(analyte)
    parameters = np.array([a, np.log(b - a), np.log(c), np.log(-d), np.log(f)])
    blank = float(mean_blank(plate)[column])
    unknown, fallen = np.full((5, 5), np.nan), np.zeros(len(plate.wells), dtype=bool)
    return _judged(plate, StandardCurve(analyte, plate.units[column], parameters, unknown, UNSTATED, blank), fallen)


def _refuse(plate: Plate) -> dict[str, str]:
    rows = plate.rows(Role.STANDARD)
    refused = {}
    for column, analyte in enumerate(plate.analytes):
        doses = plate.expected[rows, column]
        known = np.isfinite(doses) & (doses > 0) & np.isfinite(plate.signal[rows, column])
        count = np.unique(doses[known]).size
        if not rows.size:
            refused[analyte] = "the plate has no standards"
        elif not np.isfinite(doses).any():
            refused[analyte] = "its standards have no nominal concentration"
        elif count < _FEWEST_LEVELS:
            levels = "level" if count == 1 else "levels"
            refused[analyte] = f"{count} standard {levels} with a signal; a curve needs {_FEWEST_LEVELS}"
    _refuse_all(plate, {name: None for name in plate.analytes if name not in refused}, refused)
    return refused


def _refuse_all(plate: Plate, curves: dict[str, StandardCurve] | dict[str, None], refused: dict[str, str]) -> None:
    if not curves:
        raise BrokenPlate(
            f"no curve can be fitted: {next(iter(refused.values()))}.",
            file=plate.file,
            place="standards",
            remedy="Export the plate with its standards and their expected concentrations.",
        )


def _misfit(standards: Standards, fits: Fits) -> FloatArray:
    scatter = scatter_of(standards, fits)
    table = standards
    return lack_of_fit(table.dose, table.signal, fits.fitted, scatter, fits.used, table.plate)


def _curve(
    plate: Plate, analyte: str, standards: Standards, fits: Fits, number: int, column: int, misfit: float
) -> StandardCurve:
    fallen = np.zeros(len(plate.wells), dtype=bool)
    dropped = standards.present[:, column] & ~fits.used[:, column]
    fallen[standards.row[dropped, number]] = True
    curve = StandardCurve(
        analyte,
        plate.units[plate.column(analyte)],
        fits.parameters[:, column],
        fits.covariance[:, :, column],
        fits.noises[number],
        float(standards.blank[column]),
        lack_of_fit=None if np.isnan(misfit) else misfit,
    )
    return _judged(plate, curve, fallen)


def _judged(plate: Plate, curve: StandardCurve, fallen: BoolArray) -> StandardCurve:
    limits = judge(_levels(plate, curve, fallen))
    hooked = min((level.signal for level in limits.levels if level.verdict is Verdict.HOOK), default=None)
    return replace(curve, limits=limits, hooked_above=hooked)


def _levels(plate: Plate, curve: StandardCurve, fallen: BoolArray) -> list[Level]:
    """Gather the wells of each nominal concentration, by rising dose."""
    column, rows = plate.column(curve.analyte), plate.rows(Role.STANDARD)
    rows = rows[(plate.expected[rows, column] > 0) & np.isfinite(plate.signal[rows, column])]
    found = []
    for dose in np.unique(plate.expected[rows, column]).tolist():
        wells = rows[plate.expected[rows, column] == dose]
        signal = plate.signal[wells, column].mean()
        read = float(curve.dose(signal)) / dose
        cv = _cv_at(plate, curve, dose)
        found.append(
            Level(
                plate.wells[wells[0]].sample,
                dose,
                tuple(plate.wells[row].well for row in wells),
                float(signal),
                read if 0.0 < read < np.inf else None,
                None if np.isnan(cv) else cv,
                Verdict.HOOK if fallen[wells].any() else Verdict.ACCEPTED,
            )
        )
    return found


def _cv_at(plate: Plate, curve: StandardCurve, dose: float) -> float:
    """Return the CV of a sample read back at a dose, in as many wells and with as many beads as the plate's samples."""
    groups = [rows.size for rows in plate.replicates(Role.SAMPLE, Role.CONTROL).values()]
    counted = plate.beads[plate.rows(Role.SAMPLE, Role.CONTROL), plate.column(curve.analyte)]
    counted = counted[np.isfinite(counted)]
    wells = float(np.median(groups)) if groups else 1.0
    beads = np.asarray(np.median(counted)) if counted.size else None
    signal, gradient = logistic.value_and_gradient(curve.parameters, np.asarray(np.log(dose)))
    variance = curve.noise.variance(signal, beads) / wells + gradient @ curve.covariance @ gradient
    slope = -float(gradient[logistic.LOG_C])
    return float(np.sqrt(variance)) / slope if slope > 0 else float("inf")


def _rises(curve: StandardCurve) -> bool:
    signals = [level.signal for level in curve.limits.levels]
    if max(signals) <= signals[0]:
        return False
    blank, high = curve.signal(np.array([0.0, curve.limits.levels[-1].dose]))
    return curve.noise is UNSTATED or bool(high - blank > _RISE * np.sqrt(curve.noise.variance(np.asarray(blank))))
