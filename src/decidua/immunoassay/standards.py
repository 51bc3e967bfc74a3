"""The standards of many plates side by side, and their fit: one batch, the noise pooled over each plate."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from decidua.immunoassay import logistic, noise
from decidua.immunoassay.least_squares import BoolArray, FloatArray, IndexArray, normal_matrix
from decidua.immunoassay.misfit import falling
from decidua.immunoassay.plate import Plate, Role

_ROUNDS = 5
_HOOKS_AFTER = 1
_SMALLEST_FLOOR = 1e-12


@dataclass(frozen=True, slots=True)
class Recipe:
    """How standards become a curve.

    Attributes
    ----------
    name : str
        Empty for ours, else the vendor whose printout it reproduces.
    subtract_blank : bool
        Subtract the mean blank; otherwise the blanks are standards of dose zero.
    by_noise : bool
        Weight by the plate's own noise, robustly; otherwise by 1 over the squared signal.
    log_g_sd : float
        Standard deviation of the prior on log G about 0; infinite for none.
    huber : float
        Standardised residual beyond which a well counts for less.
    """

    name: str
    subtract_blank: bool
    by_noise: bool
    log_g_sd: float
    huber: float

    def symmetric(self) -> Recipe:
        """Return the same recipe for the four-parameter curve.

        Returns
        -------
        Recipe
            With G held at 1.
        """
        return replace(self, log_g_sd=0.0)


OURS = Recipe("", False, True, 0.5, 2.0)
"""Settings chosen on simulated plates: tests/immunoassay/test_rule.py repeats the choice."""
XPONENT = Recipe("xponent", True, False, np.inf, np.inf)
RECIPES = {recipe.name: recipe for recipe in (OURS, XPONENT)}


@dataclass(frozen=True, slots=True, eq=False)
class Standards:
    """Standards of all curves, padded to one length.

    Attributes
    ----------
    dose, signal, beads : array [standard, curve]
        Nominal concentration, signal after any subtraction [MFI], beads counted; NaN where unknown.
    present : array [standard, curve]
        Which points may be fitted.
    row : array [standard, plate]
        Their rows in the plate; -1 for padding.
    plate : array [curve]
        To which plate each curve belongs.
    blank : array [curve]
        Signal subtracted [MFI].
    """

    dose: FloatArray
    signal: FloatArray
    beads: FloatArray
    present: BoolArray
    row: IndexArray
    plate: IndexArray
    blank: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """What the fit of a batch found.

    Attributes
    ----------
    parameters : array [parameter, curve]
        See `logistic`.
    covariance : array [parameter, parameter, curve]
        Of the parameters; NaN for a vendor's recipe.
    used : array [standard, curve]
        Points fitted: present and not on the falling side of a hook.
    fitted : array [standard, curve]
        Signal of the curve at each standard [MFI].
    noises : tuple of Noise
        One a plate.
    cost : array [curve]
        Weighted sum of squares.
    converged : array [curve]
        Whether the search ended by itself.
    """

    parameters: FloatArray
    covariance: FloatArray
    used: BoolArray
    fitted: FloatArray
    noises: tuple[noise.Noise, ...]
    cost: FloatArray
    converged: BoolArray


def collect(plates: Sequence[Plate], recipe: Recipe, without: Sequence[Collection[str]]) -> Standards:
    """Lay the standards of several plates side by side.

    Parameters
    ----------
    plates : sequence of Plate
        In the order wanted.
    recipe : Recipe
        Whether blanks are standards of dose zero or subtracted.
    without : sequence of collection of str
        Analytes of each plate to leave out.

    Returns
    -------
    Standards
        Curves in the order plate by plate, analyte by analyte.
    """
    roles = (Role.STANDARD,) if recipe.subtract_blank else (Role.STANDARD, Role.BLANK)
    rows = [plate.rows(*roles) for plate in plates]
    longest = max((len(found) for found in rows), default=0)
    doses, signals, beads, blanks = [], [], [], []
    for plate, found, skipped in zip(plates, rows, without, strict=True):
        kept = np.array([i for i, analyte in enumerate(plate.analytes) if analyte not in skipped], dtype=np.intp)
        blank = mean_blank(plate)[kept] if recipe.subtract_blank else np.zeros(kept.size)
        at = np.ix_(found, kept)
        dose = plate.expected[at]
        dose[[plate.wells[row].role is Role.BLANK for row in found]] = 0.0
        gap = ((0, longest - len(found)), (0, 0))
        doses.append(np.pad(dose, gap, constant_values=np.nan))
        signals.append(np.pad(plate.signal[at] - blank, gap, constant_values=np.nan))
        beads.append(np.pad(plate.beads[at], gap, constant_values=np.nan))
        blanks.append(blank)
    dose, signal = np.concatenate(doses, axis=1), np.concatenate(signals, axis=1)
    row = np.stack([np.pad(found, (0, longest - len(found)), constant_values=-1) for found in rows], axis=1)
    plate_of = np.repeat(np.arange(len(plates)), [len(blank) for blank in blanks])
    present = np.isfinite(dose) & np.isfinite(signal)
    counted = np.concatenate(beads, axis=1)
    return Standards(dose, signal, counted, present, row, plate_of, np.concatenate(blanks))


def mean_blank(plate: Plate) -> FloatArray:
    """Average the blank wells.

    Parameters
    ----------
    plate : Plate
        Any.

    Returns
    -------
    array [analyte]
        Mean signal [MFI]; 0 where no blank was read.
    """
    blanks = plate.signal[plate.rows(Role.BLANK)]
    read = np.isfinite(blanks)
    return np.asarray(np.where(read, blanks, 0.0).sum(axis=0) / np.maximum(read.sum(axis=0), 1))


def fit(standards: Standards, recipe: Recipe) -> Fits:
    """Fit all curves of a batch.

    Parameters
    ----------
    standards : Standards
        Every curve has at least one present point.
    recipe : Recipe
        How.

    Returns
    -------
    Fits
        One column a curve.
    """
    return _fit_by_noise(standards, recipe) if recipe.by_noise else _fit_inverse_square(standards)


def _fit_inverse_square(standards: Standards) -> Fits:
    """Fit as xPONENT does: weight 1 over the squared net signal, 1 where that is zero."""
    size = np.abs(np.where(standards.present, standards.signal, 1.0))
    root = np.where(standards.present, 1.0 / np.where(size == 0.0, 1.0, size), 0.0)
    points = _points(standards, root)
    found = logistic.fit(points, logistic.guesses(points), thorough=True)
    fitted = logistic.value(found.parameters[:, None], points.log_x)
    unknown = np.full((5, 5, found.cost.size), np.nan)
    noises = (noise.UNSTATED,) * (int(standards.plate.max()) + 1)
    return Fits(found.parameters, unknown, standards.present, fitted, noises, found.cost, found.converged)


def _fit_by_noise(standards: Standards, recipe: Recipe) -> Fits:
    """Fit by iterative reweighting: curve, noise of the plate, falling top standards, and again."""
    plates = int(standards.plate.max()) + 1
    used = standards.present
    parts = _first_noise(standards, plates)
    centre, trust = np.where(used, standards.signal, 0.0), np.ones(used.shape)
    starts: FloatArray | None = None
    for turn in range(_ROUNDS):
        scatter = _scatter(standards, parts, centre)
        root = np.where(used, np.sqrt(trust / scatter), 0.0)
        points = _points(standards, root)
        starts = logistic.guesses(points) if starts is None else starts
        found = logistic.fit(points, starts, log_g_sd=recipe.log_g_sd)
        centre, gradient = logistic.value_and_gradient(found.parameters[:, None], points.log_x)
        covariance = _covariance(gradient * root, recipe)
        hat = np.einsum("pmn,pqn,qmn->mn", gradient, covariance, gradient) * root**2
        off = np.where(used, standards.signal - centre, 0.0)
        far = np.abs(off) / np.sqrt(_scatter(standards, parts, centre))
        trust = np.minimum(1.0, recipe.huber / np.maximum(far, 1e-9))
        left = noise.Residuals(off, centre, hat, standards.beads, used, standards.plate)
        parts = noise.estimate(left, parts)
        starts = np.concatenate([found.parameters[:, None], starts[:, 1:]], axis=1)
        if turn == _HOOKS_AFTER:
            raw = np.where(standards.present, standards.signal, 0.0)
            scatter = _scatter(standards, parts, raw)
            used = standards.present & ~falling(standards.dose, standards.signal, scatter, standards.present)
    return Fits(found.parameters, covariance, used, centre, noise.noises(left, parts), found.cost, found.converged)


def _points(standards: Standards, root: FloatArray) -> logistic.Points:
    dose = np.where(standards.present, standards.dose, 1.0)
    signal = np.where(standards.present, standards.signal, 0.0)
    return logistic.Points(logistic.log_dose(dose), signal, root)


def _first_noise(standards: Standards, plates: int) -> FloatArray:
    """Begin at a tenth: of the signal, and of the lowest signals of the plate."""
    size = np.abs(np.where(standards.present, standards.signal, np.nan))
    lowest, highest = np.nanmin(size, axis=0), np.nanmax(size, axis=0)
    groups = [standards.plate == p for p in range(plates)]
    floor = [max(0.1 * np.median(lowest[group]), 1e-6 * highest[group].max(), _SMALLEST_FLOOR) for group in groups]
    return np.stack([np.array(floor), np.full(plates, 0.1)])


def _scatter(standards: Standards, parts: FloatArray, centre: FloatArray) -> FloatArray:
    floor, cv = parts[:, standards.plate]
    return noise.variance(floor, cv, centre, standards.beads)


def scatter_of(standards: Standards, fits: Fits) -> FloatArray:
    """Return the variance of each standard about its curve.

    Parameters
    ----------
    standards : Standards
        The batch.
    fits : Fits
        With the noise of each plate.

    Returns
    -------
    array [standard, curve]
        Variance [MFI^2].
    """
    parts = np.array([(noise.floor, noise.cv) for noise in fits.noises]).T
    return _scatter(standards, parts, fits.fitted)


def _covariance(weighted: FloatArray, recipe: Recipe) -> FloatArray:
    """Invert the normal matrix, scaled to a unit diagonal so that a parameter without information does no harm."""
    normal = normal_matrix(weighted)
    normal[logistic.LOG_G, logistic.LOG_G] += max(recipe.log_g_sd, logistic.FIXED) ** -2.0
    scale = np.sqrt(np.maximum(np.einsum("ppn->pn", normal), 1e-30))
    scaled = np.moveaxis(normal / (scale[:, None] * scale[None]), 2, 0) + 1e-12 * np.eye(5)
    return np.asarray(np.moveaxis(np.linalg.inv(scaled), 0, 2) / (scale[:, None] * scale[None]))
