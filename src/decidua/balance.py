"""Join the results of one visit into a profile: axes, named ratios, NK number and NK activity apart.

In: `Measurement`s of one visit. Out: `Profile`. May import: measurement, statistics, knowledge, errors.
Sources: axis membership and ratios are rows of `knowledge/analytes.csv`, `populations.csv`, `ratios.csv`.
Start reading at `profile`.
"""

from __future__ import annotations

from dataclasses import dataclass

from decidua.measurement import Measurement, VisitKey

AXES = ("Th1", "Th2", "Th17", "Treg")


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One result as a coordinate of an axis.

    Attributes
    ----------
    axis : str
        One of `AXES`, ``NK number`` or ``NK activity``.
    compartment : str
        T helper, cytotoxic T, NK, blood, or the fluid or tissue.
    doubt : str
        Why the membership may be questioned; empty where it is not.
    """

    axis: str
    compartment: str
    measurement: Measurement
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A named ratio with both its terms.

    Attributes
    ----------
    id, label : str
        Row of `knowledge/ratios.csv`.
    numerator, denominator : Measurement
        The terms, kept.
    result : Measurement
        The ratio as a measurand of its own: determined, one-sided (censored above its lower bound) or
        undetermined.
    p_denominator_absent : float
        Posterior probability that the denominator is not above its background.
    joint : bool
        Whether joint counts of both markers were used.
    """

    id: str
    label: str
    numerator: Measurement
    denominator: Measurement
    result: Measurement
    p_denominator_absent: float
    joint: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """What one visit shows.

    Attributes
    ----------
    key : VisitKey
        The visit.
    coordinates : tuple of Coordinate
        Th1, Th2, Th17 and Treg by compartment.
    ratios : tuple of Ratio
        Named ratios of this visit.
    nk_number, nk_activity : tuple of Coordinate
        Two separate axes that are never merged.
    """

    key: VisitKey
    coordinates: tuple[Coordinate, ...]
    ratios: tuple[Ratio, ...]
    nk_number: tuple[Coordinate, ...]
    nk_activity: tuple[Coordinate, ...]
