"""Made women: how high each trait stands at each visit, who is planted where, and which trap befalls whom."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from decidua.synthetic.traits import ACTIVITY, CELLS, MARKERS, PHASES, PLATEAU, RESPONSES, T_OF_REST, TRAITS, Trait

ORDINARY = 1.5
"""Unplanted women stay within this score [1]."""

PLANTED = 3.5
"""Planted women stand at this score on their axis, at every visit [1]."""

CONSTANCY = 0.6
"""Share of the variance that is between women; the rest is between one woman's visits [1]."""

BACKGROUND_SPREAD = 0.20
STEROID_EFFECT = 0.6
STEROID_MARKERS = ("IFNG+", "TNF+")
CONTROL_SUBJECT = "HC"
_CANDIDATES = 400

FAILED, NEXT_DAY, TREATED = "stimulation_failed", "next_day", "under_treatment"
TRAPS = {("W4", 2): FAILED, ("W5", 1): NEXT_DAY, ("W6", 2): TREATED, ("W6", 3): TREATED}
"""Trap by woman and number of the visit, from 0."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Draw:
    """What is true of one woman at one visit.

    Attributes
    ----------
    subject, visit, run : str
        Ids.
    phase : int
        Place in `traits.PHASES`.
    scores : mapping of (str, str) to float
        Standard deviation score of each trait, by numerator and parent [1].
    net, background : mapping of (str, str) to float
        Share of the parent above the unstimulated tube, and in it [fraction].
    cells : mapping of (str, str) to float
        Shares of populations [fraction].
    activity, plateau : float
        Killing rate per NK cell and target, and largest share killed [1].
    axis : str
        What she is planted high in; empty for ordinary women.
    trap : str
        A trap of the bench, empty for none.
    """

    subject: str
    visit: str
    run: str
    phase: int
    scores: Mapping[Key, float] = field(repr=False)
    net: Mapping[Key, float] = field(repr=False)
    background: Mapping[Key, float] = field(repr=False)
    cells: Mapping[Key, float] = field(repr=False)
    activity: float
    plateau: float
    axis: str = ""
    trap: str = ""

    def lysis(self, effector_target: float) -> float:
        """Return the specific lysis of a tube.

        Parameters
        ----------
        effector_target : float
            Effectors per target [1].

        Returns
        -------
        float
            Share of targets killed by the effectors [fraction].
        """
        reached = self.activity * self.cells["NK", "lymphocytes[live]"] * effector_target
        return self.plateau * -math.expm1(-reached)


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


def draw_at(
    subject: str, visit: str, run: str, phase: int, scores: Mapping[Key, float], rng: np.random.Generator
) -> Draw:
    """Turn scores into shares and rates.

    Parameters
    ----------
    subject, visit, run : str
        Ids.
    phase : int
        Place in `traits.PHASES`.
    scores : mapping of (str, str) to float
        By numerator and parent [1].
    rng : numpy.random.Generator
        Of the backgrounds.

    Returns
    -------
    Draw
        Without axis and trap.
    """

    def at(trait: Trait) -> float:
        return trait.medians[phase] * math.exp(trait.spread * scores[trait.key])

    nk, helper = (at(trait) / 100 for trait in CELLS)
    t_cells = (1 - nk) * at(T_OF_REST) / 100
    wobble = np.exp(rng.normal(0.0, BACKGROUND_SPREAD, len(RESPONSES)))
    return Draw(
        subject=subject,
        visit=visit,
        run=run,
        phase=phase,
        scores=scores,
        net={t.key: at(t) / 100 for t in RESPONSES},
        background={t.key: t.background / 100 * float(b) for t, b in zip(RESPONSES, wobble, strict=True)},
        cells={
            ("NK", T_OF_REST.parent): nk,
            ("T", T_OF_REST.parent): t_cells,
            ("T_helper", "T"): helper,
            ("T_cytotoxic", "T"): 1 - helper,
        },
        activity=at(ACTIVITY),
        plateau=at(PLATEAU),
    )


def shares_of(draw: Draw, parent: str, stimulated: bool) -> NDArray[np.float64]:
    """Return the share of a parent that is beyond each gate in one tube.

    Parameters
    ----------
    draw : Draw
        The woman.
    parent : str
        Population id.
    stimulated : bool
        Which of the two tubes; a failed stimulation leaves the background.

    Returns
    -------
    array of float, axis [marker]
        In the order of `traits.MARKERS`; zero where the panel looks for none [fraction].
    """
    responds = stimulated and draw.trap != FAILED
    keys = [(f"{marker}+", parent) for marker in MARKERS]
    return np.array([draw.background.get(k, 0.0) + (draw.net.get(k, 0.0) if responds else 0.0) for k in keys])


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
