"""The events of a made tube: cells, debris, doublets and dead cells as a cytometer would store them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from decidua.synthetic.draw import FAILED, Draw, shares_of
from decidua.synthetic.panel import DYES, TIMESTEP, matrix
from decidua.synthetic.traits import CYTOTOXIC, HELPER, KILLER, LIVE, MARKERS

Floats = NDArray[np.float64]

DEBRIS, DOUBLETS, DEAD, GRANULAR = 0.08, 0.06, 0.05, 0.12
"""Shares of all events; what is left are live single lymphocytes."""

LENGTH_S = 120.0
UNSTABLE_S = 2.5
"""The flow settles within this time; the gate on time begins later [s]."""

AUTOFLUORESCENCE, DARK_NOISE, PHOTON_NOISE = 60.0, 45.0, 0.6
NEVER_BELOW, USUALLY, SPREAD = 3.10, 0.50, 0.25
"""Positives [decades]: no dimmer than the first, usually brighter by the second with the third as SD."""

LOADINGS = np.array([0.7, 0.7, 0.1, 0.2, 0.1])
"""How far each cytokine follows what a cell's cytokines have in common, in the order of `MARKERS` [1]."""

CD4_LOST = 0.6
BRIGHT_NK = 0.07
_FARTHEST = 3.8

_HELPER, _CYTOTOXIC, _KILLER, _OTHER = range(4)


@dataclass(frozen=True, slots=True)
class Tube:
    """Which tube of a visit is made: how many events, and whether it was stimulated."""

    events: int
    stimulated: bool


def make_events(draw: Draw, tube: Tube, rng: np.random.Generator) -> Floats:
    """Make the stored events of a tube.

    Parameters
    ----------
    draw : Draw
        The woman.
    tube : Tube
        Which tube.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    array of float, axes [event, channel]
        In the order of `panel.channels`: scatter, detectors with the dyes spilled over, time [0.01 s].
    """
    n = tube.events
    kind = rng.choice(5, n, p=[1 - DEBRIS - DOUBLETS - DEAD - GRANULAR, DEBRIS, DOUBLETS, DEAD, GRANULAR])
    cell = _lineage(draw, n, rng)
    dyes = _dyes(draw, tube.stimulated, cell, kind, rng)
    dead, double = kind == 3, kind == 2
    autofluorescence = AUTOFLUORESCENCE * np.exp(rng.normal(0.0, 0.2, n)) * np.where(dead, 5.0, 1.0)
    dyes[kind == 1] *= 0.05
    dyes += autofluorescence[:, None]
    dyes[double] *= 1.9
    time = np.sort(rng.uniform(0.0, LENGTH_S, n))
    dyes[time < UNSTABLE_S] *= 0.7
    seen = _spilled(dyes)
    noise = rng.standard_normal(seen.shape, dtype=np.float32)
    seen += noise * np.sqrt(DARK_NOISE**2 + PHOTON_NOISE * seen)
    return np.column_stack([_scatter(kind, rng), seen.clip(-2_000, 262_143), time / TIMESTEP])


def _spilled(dyes: Floats) -> Floats:
    """Add to each detector what it sees of the other dyes; term by term, so that every machine gives the same bytes."""
    shares = matrix()
    seen = dyes.copy()
    for dye, detector in zip(*np.nonzero(shares - np.eye(len(DYES))), strict=True):
        seen[:, detector] += shares[dye, detector] * dyes[:, dye]
    return seen


def _normal(rng: np.random.Generator, mean: float, sd: float, n: int) -> Floats:
    """Draw normal values that never stray beyond their gate."""
    return mean + sd * rng.standard_normal(n).clip(-_FARTHEST, _FARTHEST)


def _lineage(draw: Draw, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    nk, t_cells, helper = draw.cells[KILLER, LIVE], draw.cells["T", LIVE], draw.cells[HELPER, "T"]
    shares = [t_cells * helper, t_cells * (1 - helper), nk, 1 - nk - t_cells]
    return rng.choice(4, n, p=shares)


def _scatter(kind: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    n = len(kind)
    forward = np.choose(
        kind,
        [
            _normal(rng, 88_000, 8_000, n),
            _normal(rng, 24_000, 5_000, n),
            _normal(rng, 165_000, 9_000, n),
            _normal(rng, 80_000, 6_000, n),
            _normal(rng, 150_000, 9_000, n),
        ],
    )
    height = forward / np.where(kind == 2, 1.8, 1.15) * _normal(rng, 1.0, 0.02, n)
    side = np.where(kind == 4, _normal(rng, 120_000, 10_000, n), _normal(rng, 30_000, 5_500, n))
    return np.column_stack([forward, height, side])


def _dyes(
    draw: Draw, stimulated: bool, cell: NDArray[np.int64], kind: NDArray[np.int64], rng: np.random.Generator
) -> Floats:
    n = len(cell)
    dyes = np.zeros((n, len(DYES)))

    def stain(marker: str, which: NDArray[np.bool_], decades: float, spread: float) -> None:
        count = int(which.sum())
        dyes[which, DYES.index(marker)] = 10.0 ** _normal(rng, decades, spread, count)

    responded = stimulated and draw.trap != FAILED
    stain("Viability", kind == 3, 4.1, 0.15)
    stain("CD3", cell <= _CYTOTOXIC, 3.5 if responded else 3.7, 0.14)
    stain("CD8", cell == _CYTOTOXIC, 3.85 if responded else 4.0, 0.15)
    helper = cell == _HELPER
    stain("CD4", helper, 3.6, 0.12)
    if responded:  # phorbol takes CD4 off the surface, so that helper cells are gated as CD8-
        stain("CD4", helper & (rng.random(n) < CD4_LOST), 2.3, 0.3)
    killer = cell == _KILLER
    bright = killer & (rng.random(n) < BRIGHT_NK)
    stain("CD56", killer & ~bright, 3.6, 0.17)
    stain("CD56", bright, 4.4, 0.12)
    makes = _responders(draw, stimulated, cell, rng)
    makes &= (kind != 1)[:, None]
    for column, marker in enumerate(MARKERS):
        which = makes[:, column]
        above = np.abs(rng.normal(USUALLY, SPREAD, int(which.sum())))
        dyes[which, DYES.index(marker)] = 10.0 ** (NEVER_BELOW + above)
    return dyes


def _responders(draw: Draw, stimulated: bool, cell: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Say which cells make which cytokine, axes [event, marker]; one cell often makes several."""
    shares = np.zeros((4, len(MARKERS)))
    for place, parent in ((_HELPER, HELPER), (_CYTOTOXIC, CYTOTOXIC), (_KILLER, KILLER)):
        shares[place] = shares_of(draw, parent, stimulated)
    with np.errstate(divide="ignore"):
        thresholds = -ndtri(shares)
    common = rng.standard_normal((len(cell), 1), dtype=np.float32)
    own = rng.standard_normal((len(cell), len(MARKERS)), dtype=np.float32)
    follows: NDArray[np.bool_] = LOADINGS * common + np.sqrt(1 - LOADINGS**2) * own > thresholds[cell]
    return follows
