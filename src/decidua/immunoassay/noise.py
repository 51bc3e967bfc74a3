"""How far one well's signal scatters: floor and proportional part of a plate, pooled over its curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from decidua.immunoassay.least_squares import BoolArray, FloatArray, IndexArray

BEAD_SPREAD = 0.2
"""Standard error of a median of n beads is this share of the signal over root n: .1 and .4 on two open plates."""
_SMALLEST_CV = 0.01
_SCORINGS = 30
_FEWEST_FREEDOM = 3.0
_SINGULAR, _SMALL = 1e-12, 1e-200
_WINSOR = 3.0
_WINSOR_MEAN = 0.99460
"""Mean of min(z^2, 9) for a standard normal z."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Variance of one well: floor^2 + (cv signal)^2 + (bead spread signal)^2 / beads.

    Attributes
    ----------
    floor : float
        Standard deviation where there is no signal [MFI].
    cv : float
        Proportional part, as a fraction.
    uncertainty : tuple of float
        Variance of floor^2, covariance of floor^2 and cv^2, variance of cv^2.
    """

    floor: float
    cv: float
    uncertainty: tuple[float, float, float]

    def variance(self, signal: FloatArray, beads: FloatArray | None = None) -> FloatArray:
        """Return the variance of single wells.

        Parameters
        ----------
        signal : array
            Expected signal [MFI].
        beads : array, optional
            Beads counted; where NaN or absent the bead part is left out.

        Returns
        -------
        array
            Variance [MFI^2].
        """
        return variance(self.floor, self.cv, signal, beads)


UNSTATED = Noise(float("nan"), float("nan"), (float("nan"), float("nan"), float("nan")))
"""A vendor's recipe states no noise."""


def variance(
    floor: FloatArray | float, cv: FloatArray | float, signal: FloatArray, beads: FloatArray | None
) -> FloatArray:
    """Return the variance of single wells of several plates.

    Parameters
    ----------
    floor, cv : array or float
        Of each plate, to be broadcast.
    signal : array
        Expected signal [MFI].
    beads : array, optional
        Beads counted; where NaN the bead part is left out.

    Returns
    -------
    array
        Variance [MFI^2].
    """
    share = np.square(cv) if beads is None else np.square(cv) + bead_share(beads)
    return np.asarray(np.square(floor) + share * np.square(signal))


def bead_share(beads: FloatArray) -> FloatArray:
    """Return the bead part of the squared coefficient of variation.

    Parameters
    ----------
    beads : array
        Beads counted; NaN where unknown.

    Returns
    -------
    array
        Fraction squared; 0 where unknown.
    """
    return np.where(np.isnan(beads), 0.0, BEAD_SPREAD**2 / np.maximum(np.nan_to_num(beads, nan=1.0), 1.0))


def critical(
    floor: FloatArray, cv: FloatArray, uncertainty: FloatArray, signal: FloatArray, level: float
) -> FloatArray:
    """Return the two-sided critical value of Student's t at a signal.

    The degrees of freedom are Satterthwaite's, 2 v^2 / var(v): few near the floor, where few wells tell it, many above.

    Parameters
    ----------
    floor, cv : array
        Noise.
    uncertainty : array [3, ...]
        As in `Noise`.
    signal : array
        Expected signal [MFI].
    level : float
        Coverage, as 0.95.

    Returns
    -------
    array
        Critical values, by Cornish and Fisher's expansion: within 0.8 % from 3 degrees of freedom on.

    Sources
    -------
    Satterthwaite1946
    """
    square = signal**2
    known = floor**2 + cv**2 * square
    spread = uncertainty[0] + 2.0 * uncertainty[1] * square + uncertainty[2] * square**2
    inverse = np.minimum(spread / (2.0 * known**2), 1.0 / _FEWEST_FREEDOM)
    z = float(special.ndtri(0.5 + level / 2))
    terms = (z, (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384)
    return np.asarray(terms[0] + inverse * (terms[1] + inverse * (terms[2] + inverse * terms[3])))


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """What the curves of a batch left over.

    Attributes
    ----------
    off, fitted, leverage, beads : array [standard, curve]
        Observed minus fitted [MFI], fitted [MFI], diagonal of the hat matrix, beads counted.
    present : array [standard, curve]
        Which points are there.
    plate : array [curve]
        To which plate each curve belongs.
    """

    off: FloatArray
    fitted: FloatArray
    leverage: FloatArray
    beads: FloatArray
    present: BoolArray
    plate: IndexArray


def estimate(left: Residuals, start: FloatArray) -> FloatArray:
    """Estimate floor and cv of every plate from what its curves left over.

    Pseudo-likelihood by Fisher scoring; a residual beyond three standard deviations counts as three.

    Parameters
    ----------
    left : Residuals
        Of all curves.
    start : array [floor and cv, plate]
        Where to begin.

    Returns
    -------
    array [floor and cv, plate]
        The estimates.

    Sources
    -------
    CarrollRuppert1988
    """
    scale = _scale(left, start.shape[1])
    unit = scale[left.plate]
    square, known = (left.fitted / unit) ** 2, bead_share(left.beads) * (left.fitted / unit) ** 2
    squared = np.where(left.present, (left.off / unit) ** 2 / np.clip(1.0 - left.leverage, 0.05, 1.0), 0.0)
    parts = (start / np.stack([scale, np.ones_like(scale)])) ** 2
    smallest = np.stack([1e-6 * parts[0] + 1e-18, np.full(scale.size, _SMALLEST_CV**2)])
    for _ in range(_SCORINGS):
        expected = parts[0, left.plate] + parts[1, left.plate] * square + known
        weight = np.where(left.present, expected**-2.0, 0.0)
        excess = np.minimum(squared, _WINSOR**2 * expected) / _WINSOR_MEAN - known
        right = [_by_plate(weight * part * excess, left.plate, scale.size) for part in (1.0, square)]
        updated = np.maximum(_solve(*_moments(weight, square, left.plate, scale.size), *right), smallest)
        settled = np.allclose(updated, parts, rtol=1e-6, atol=0.0)
        parts = updated
        if settled:
            break
    return np.asarray(np.sqrt(parts) * np.stack([scale, np.ones_like(scale)]))


def noises(left: Residuals, parts: FloatArray) -> tuple[Noise, ...]:
    """Join estimates of floor and cv to their uncertainty.

    Parameters
    ----------
    left : Residuals
        Of all curves.
    parts : array [floor and cv, plate]
        The estimates.

    Returns
    -------
    tuple of Noise
        One a plate.
    """
    scale = _scale(left, parts.shape[1])
    square = (left.fitted / scale[left.plate]) ** 2
    expected = (parts[0] / scale)[left.plate] ** 2 + (parts[1, left.plate] ** 2 + bead_share(left.beads)) * square
    weight = np.where(left.present, (1.0 - np.clip(left.leverage, 0.0, 1.0)) * expected**-2.0, 0.0)
    aa, ab, bb = 0.5 * _moments(weight, square, left.plate, scale.size)
    determinant = np.maximum(aa * bb - ab**2, _SINGULAR * aa * bb)
    spread = np.stack([bb * scale**4, -ab * scale**2, aa]) / np.maximum(determinant, _SMALL)
    rows = zip(*parts.tolist(), *spread.tolist(), strict=True)
    return tuple(Noise(floor, cv, (first, both, second)) for floor, cv, first, both, second in rows)


def _scale(left: Residuals, plates: int) -> FloatArray:
    """Return the largest signal of each plate, so that sums of its squares stay in range."""
    largest = np.where(left.present, np.abs(left.fitted), 0.0).max(axis=0)
    scale = np.zeros(plates)
    np.maximum.at(scale, left.plate, largest)
    return np.where(scale > 0.0, scale, 1.0)


def _moments(weight: FloatArray, square: FloatArray, plate: IndexArray, plates: int) -> FloatArray:
    return np.stack([_by_plate(weight * square**power, plate, plates) for power in (0, 1, 2)])


def _by_plate(table: FloatArray, plate: IndexArray, plates: int) -> FloatArray:
    return np.asarray(np.bincount(plate, weights=table.sum(axis=0), minlength=plates), dtype=np.float64)


def _solve(aa: FloatArray, ab: FloatArray, bb: FloatArray, ay: FloatArray, by: FloatArray) -> FloatArray:
    """Solve two normal equations for each plate; a negative part is set to zero and the other solved alone."""
    determinant = np.maximum(np.maximum(aa * bb - ab * ab, _SINGULAR * aa * bb), _SMALL)
    first, second = (bb * ay - ab * by) / determinant, (aa * by - ab * ay) / determinant
    alone_first, alone_second = ay / np.maximum(aa, _SMALL), by / np.maximum(bb, _SMALL)
    return np.stack(
        [
            np.where(second < 0, alone_first, np.where(first < 0, 0.0, first)),
            np.where(first < 0, alone_second, np.where(second < 0, 0.0, second)),
        ]
    )
