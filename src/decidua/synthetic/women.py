"""Made women: how high each trait stands at each visit, who is planted where, and which trap befalls whom."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from decidua.synthetic.draw import FAILED, NEXT_DAY, TREATED, Draw, draw_at
from decidua.synthetic.traits import PHASES, TRAITS, Trait

ORDINARY = 1.5
"""Unplanted women stay within this score [1]."""

PLANTED = 3.5
"""Planted women stand at this score on their axis, at every visit [1]."""

CONSTANCY = 0.6
"""Share of the variance that is between women; the rest is between one woman's visits [1]."""

STEROID_EFFECT = 0.6
STEROID_MARKERS = ("IFNG+", "TNF+")
CONTROL_SUBJECT = "HC"
_CANDIDATES = 400

TRAPS = {("W4", 2): FAILED, ("W5", 1): NEXT_DAY, ("W6", 2): TREATED, ("W6", 3): TREATED}
"""Trap by woman and number of the visit, from 0."""


def draw_women(women: int, rng: np.random.Generator) -> list[Draw]:
    """Draw the women of a study.

    Parameters
    ----------
    women : int
        How many; the first three are planted, the traps befall the fourth to sixth.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    list of Draw
        Four visits a woman.
    """
    axes = dict(zip(("W1", "W2", "W3"), ("Th1", "NK activity", "NK number"), strict=True))
    found = []
    for number in range(1, women + 1):
        subject = f"W{number}"
        scores = _scores(rng, len(PHASES))
        for phase in range(len(PHASES)):
            axis = axes.get(subject, "")
            mine = {t.key: PLANTED if axis and t.axis == axis else float(scores[i, phase]) for i, t in _numbered()}
            trap = TRAPS.get((subject, phase), "")
            drawn = draw_at(subject, f"V{phase + 1}", f"R{phase + 1}", phase, mine, rng)
            found.append(_treated(replace(drawn, axis=axis, trap=trap)))
    return found


def draw_controls(runs: int, rng: np.random.Generator) -> list[Draw]:
    """Draw the healthy control person of each run: one person, not pregnant.

    Parameters
    ----------
    runs : int
        How many runs.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    list of Draw
        One a run, near her own mean.
    """
    wobble = rng.normal(0.0, 0.3, (runs, len(TRAITS))).clip(-0.9, 0.9)
    return [
        draw_at(
            CONTROL_SUBJECT,
            f"R{run + 1}",
            f"R{run + 1}",
            0,
            {t.key: float(wobble[run, i]) for i, t in _numbered()},
            rng,
        )
        for run in range(runs)
    ]


def _numbered() -> list[tuple[int, Trait]]:
    return list(enumerate(TRAITS))


def _scores(rng: np.random.Generator, visits: int) -> NDArray[np.float64]:
    """Draw an ordinary woman, axes [trait, visit]: the first candidate of each trait that stays ordinary throughout."""
    between = rng.standard_normal((_CANDIDATES, len(TRAITS), 1))
    within = rng.standard_normal((_CANDIDATES, len(TRAITS), visits))
    scores = math.sqrt(CONSTANCY) * between + math.sqrt(1 - CONSTANCY) * within
    ordinary = (np.abs(scores) <= ORDINARY).all(axis=2)
    chosen: NDArray[np.float64] = scores[ordinary.argmax(axis=0), np.arange(len(TRAITS))]
    return chosen


def _treated(draw: Draw) -> Draw:
    if draw.trap != TREATED:
        return draw
    return replace(
        draw, net={k: share * (STEROID_EFFECT if k[0] in STEROID_MARKERS else 1.0) for k, share in draw.net.items()}
    )
