"""What is true of one woman at one visit: scores turned into shares, rates and lysis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from decidua.synthetic.traits import ACTIVITY, CELLS, LIVE, MARKERS, PLATEAU, RESPONSES, T_OF_REST, Trait

BACKGROUND_SPREAD = 0.20
"""SD of the logarithm of the share in an unstimulated tube [1]."""

FAILED, NEXT_DAY, TREATED = "stimulation_failed", "next_day", "under_treatment"
"""Traps of the bench."""

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
        reached = self.activity * self.cells["NK", LIVE] * effector_target
        return self.plateau * -math.expm1(-reached)


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
