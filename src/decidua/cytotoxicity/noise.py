"""The errors of killing tubes, learnt from their replicates.

A tube's signal (dead share, or cpm) has three errors. Counting: binomial for flow, Poisson of one minute for 51Cr.
Between tubes: a CV of the whole signal (gate, pipette, counter), seen in the replicates of every tube. Between tests:
a CV of the killing (effectors pipetted), seen only in tubes that hold effectors. The two CVs are not known; their
posterior given the replicates of all tubes of the sample, under a prior flat on the log scale, is drawn from. Each
draw then redraws every tube's mean once, so the targets alone and the lysed targets are shared by all that rests on
them. Few replicates give wide intervals, as they should.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decidua.cytotoxicity.tubes import Tube
from decidua.knowledge import constant

FloatArray = NDArray[np.float64]

DRAWS = 4000
_CV_STEPS = 40


@dataclass(frozen=True, slots=True)
class Group:
    """Replicate tubes as numbers.

    Attributes
    ----------
    signal : float
        Their mean.
    counting : float
        Variance of one tube from counting alone.
    spread : float
        Variance between them; 0 for one tube.
    n : int
        Tubes.
    killed : float
        Signal above that of the targets alone; 0 in a control.
    """

    signal: float
    counting: float
    spread: float
    n: int
    killed: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """What the replicates tell of the two CVs.

    Attributes
    ----------
    tube, killing : float array [draw]
        Draws of the CV of a tube's signal, and of the CV of the killing in it.
    mean_squares : tuple of float
        Posterior means of their squares.
    """

    tube: FloatArray
    killing: FloatArray
    mean_squares: tuple[float, float]

    def variance(self, group: Group) -> float:
        """Return the posterior mean of the variance of one tube of a group."""
        tube, killing = self.mean_squares
        return group.counting + tube * group.signal**2 + killing * group.killed**2

    def redraw(self, group: Group, rng: np.random.Generator) -> FloatArray:
        """Return what the group's mean signal may have been, float array [draw]."""
        variance = _variance(group, self.tube, self.killing)
        return group.signal + np.sqrt(variance / group.n) * rng.standard_normal(self.tube.size)


def group_of(tubes: tuple[Tube, ...], signal_alone: float | None = None) -> Group:
    """Summarise replicate tubes.

    Parameters
    ----------
    tubes : tuple of Tube
        At least one.
    signal_alone : float, optional
        Mean signal of the targets alone; given for tests only.

    Returns
    -------
    Group
        Mean, counting variance and spread.
    """
    signals = np.array([tube.signal for tube in tubes])
    mean = float(signals.mean())
    if tubes[0].targets is None:
        counting = max(mean, 1.0)
    else:
        counted = np.array([float(tube.targets or 0) for tube in tubes])
        dead = (sum(tube.reading for tube in tubes) + 0.5) / (counted.sum() + 1.0)
        counting = float((dead * (1 - dead) / counted).mean())
    spread = float(signals.var(ddof=1)) if len(tubes) > 1 else 0.0
    killed = 0.0 if signal_alone is None else max(mean - signal_alone, 0.0)
    return Group(mean, counting, spread, len(tubes), killed)


def noise_of(groups: list[Group], rng: np.random.Generator) -> Noise:
    """Draw the two CVs given the spread of all replicates.

    Parameters
    ----------
    groups : list of Group
        Every kind of tube of one sample; a kind with one tube tells nothing.
    rng : numpy.random.Generator
        Seeded.

    Returns
    -------
    Noise
        `DRAWS` pairs, from the posterior on a grid of CVs equally spaced in their logarithm.

    Raises
    ------
    BrokenKnowledge
        Where the limits of the grid are not in `knowledge/constants.csv`.
    """
    cvs = np.geomspace(constant("killing_cv_least"), constant("killing_cv_most"), _CV_STEPS)
    log_posterior = np.zeros((_CV_STEPS, _CV_STEPS))
    for group in groups:
        variance = _variance(group, cvs[:, None], cvs[None, :])
        log_posterior -= 0.5 * (group.n - 1) * (np.log(variance) + group.spread / variance)
    posterior = np.exp(log_posterior - log_posterior.max())
    posterior /= posterior.sum()
    drawn = rng.choice(posterior.size, size=DRAWS, p=posterior.ravel())
    mean_squares = float(posterior.sum(axis=1) @ cvs**2), float(posterior.sum(axis=0) @ cvs**2)
    return Noise(cvs[drawn // _CV_STEPS], cvs[drawn % _CV_STEPS], mean_squares)


def _variance(group: Group, tube: FloatArray, killing: FloatArray) -> FloatArray:
    return group.counting + (tube * group.signal) ** 2 + (killing * group.killed) ** 2
