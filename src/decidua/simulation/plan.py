"""What is the same for all women of a run, day by day: doses, infections, background loss, and the step grid.

The grid is fixed: how fine a day is depends on the day, its doses and infections, and on the woman's own jumps, never
on error estimates and never on who else is simulated, so equal input gives equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from decidua.errors import OutsideLimits
from decidua.knowledge import table
from decidua.simulation.forcing import TICKS, FloatArray, background_loss
from decidua.simulation.kinetics import ANTIBODIES, DEPOTS
from decidua.simulation.regimen import Regimen

LONGEST = 700
"""Last day that can be simulated [d]."""
_WHOLE, _HALVES, _QUARTERS, _AFTER_HYDROXYCHLOROQUINE, _EIGHTHS, _AFTER_PREDNISOLONE = range(6)
GRIDS = (
    (0, 128),
    (0, 64, 128),
    (0, 32, 64, 96, 128),
    (0, 8, 20, 44, 84, 128),
    (0, 16, 32, 48, 64, 80, 96, 112, 128),
    (0, 4, 12, 24, 38, 56, 76, 100, 128),
)
"""Steps of a day in 1/128 day, by kind of day."""
_FINE_AFTER_PREDNISOLONE = 3
_FINE_AFTER_INFECTION = 8
_FRESH_AFTER = 28


@dataclass(frozen=True, slots=True)
class Infection:
    """A decidual infection from one whole day to another.

    Attributes
    ----------
    first, last : int
        Starts on `first`, begins to clear on `last` [d].
    strength : float
        1 is the infection the gains refer to.
    """

    first: int
    last: int
    strength: float = 1.0

    def __post_init__(self) -> None:
        if type(self.first) is not int or type(self.last) is not int or not 0 <= self.first < self.last:
            raise OutsideLimits(
                f"an infection from day {self.first!r} to {self.last!r}.", remedy="Give two whole days in order."
            )
        if not 0 <= self.strength <= 3:
            raise OutsideLimits(f"an infection of strength {self.strength!r}.", remedy="Stay within 0 to 3.")


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The common days of a run.

    Attributes
    ----------
    days : int
        Last day [d].
    loss : float array [day]
        Background hazard of loss [1/d].
    infected : float array [day]
        Strength of infection from that day on.
    doses : float array [day, 2, drug]
        Amounts given whatever happens, and those given only while pregnant; drugs as in `DEPOTS`.
    grid : int array [day]
        Kind of day, an index of `GRIDS`.
    fresh : bool array [day]
        Days of a first antibody dose: serum TNF needs a finer look.
    linear, immunoglobulin : bool
        Whether any such drug is given.
    """

    days: int
    loss: FloatArray
    infected: FloatArray
    doses: FloatArray
    grid: NDArray[np.int64]
    fresh: NDArray[np.bool_]
    linear: bool
    immunoglobulin: bool


def plan(days: int, regimen: Regimen, infections: Iterable[Infection] = ()) -> Plan:
    """Lay out the days of a run.

    Parameters
    ----------
    days : int
        Last day [d].
    regimen : Regimen
        What is given.
    infections : iterable of Infection
        When the decidua is infected; strengths add where they overlap.

    Returns
    -------
    Plan
        Ready for any engine.

    Raises
    ------
    OutsideLimits
        For a number of days outside 1 to 700.
    """
    if type(days) is not int or not 1 <= days <= LONGEST:
        raise OutsideLimits(f"{days!r} days cannot be simulated.", remedy=f"Give a whole number from 1 to {LONGEST}.")
    infected = np.zeros(days + 1)
    grid = np.zeros(days + 1, dtype=np.int64)
    for infection in infections:
        infected[infection.first : infection.last] += infection.strength
        for edge in (infection.first, infection.last) if infection.strength else ():
            _refine(grid, edge, 2, _EIGHTHS)
            _refine(grid, edge, _FINE_AFTER_INFECTION, _QUARTERS)
    doses = np.zeros((days + 1, 2, len(DEPOTS)))
    for course in regimen.courses:
        entering = _amount(course.drug, course.dose)
        for day in course.days:
            if day <= days:
                doses[day, int(course.until_end), list(DEPOTS).index(course.prefix)] += entering
    given = {prefix: doses[:, :, k].any(axis=1) for k, prefix in enumerate(DEPOTS)}
    fine = {"pr": (_FINE_AFTER_PREDNISOLONE + 1, _AFTER_PREDNISOLONE), "hq": (1, _AFTER_HYDROXYCHLOROQUINE)}
    for prefix, on_day in given.items():
        for dosed in np.flatnonzero(on_day):
            _refine(grid, int(dosed), *fine.get(prefix, (1, _QUARTERS)))
    antibody = np.any([given[p] for p in ANTIBODIES], axis=0)
    linear = any(given[p].any() for p in DEPOTS if p != "ig")
    return Plan(days, background_loss(days), infected, doses, grid, _fresh(antibody), linear, bool(given["ig"].any()))


def _refine(grid: NDArray[np.int64], first: int, length: int, kind: int) -> None:
    grid[first : first + length] = np.maximum(grid[first : first + length], kind)


def _fresh(given: NDArray[np.bool_]) -> NDArray[np.bool_]:
    fresh = np.zeros_like(given)
    previous = -_FRESH_AFTER
    for day in map(int, np.flatnonzero(given)):
        fresh[day] = day - previous >= _FRESH_AFTER
        previous = day
    return fresh


def _amount(drug: str, dose: float) -> float:
    """Return what enters the depot: mg, g of immunoglobulin, or µg of unbound-available prednisolone."""
    if drug != "prednisolone" or dose == 0:
        return dose
    constants = table("model_constants")
    mass, reference, exponent = (float(constants[key]["value"]) for key in ("pr_Mw", "pr_Fref", "pr_Fexp"))
    available: float = (dose / mass * 1e6 / reference) ** exponent
    return 1000 * dose * available


@cache
def serum_pieces() -> tuple[tuple[float, ...], ...]:
    """Return how a step is cut for total serum TNF.

    Returns
    -------
    tuple of tuple of float
        Cuts as shares of the step: an ordinary step, a later step of the day of a first antibody dose, and the step
        that begins with it, where binding changes within minutes.
    """
    crowded = tuple((k / 24) ** 3 for k in range(25))
    return ((0.0, 1.0), tuple(k / 4 for k in range(5)), crowded)


def step_edges() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the grids as a table.

    Returns
    -------
    tuple of int array [kind, edge] and int array [kind]
        Edges in 1/128 day, padded with the end of the day, and the number of steps.
    """
    longest = max(len(grid) for grid in GRIDS)
    edges = np.array([grid + (TICKS,) * (longest - len(grid)) for grid in GRIDS], dtype=np.int64)
    return edges, np.array([len(grid) - 1 for grid in GRIDS], dtype=np.int64)
