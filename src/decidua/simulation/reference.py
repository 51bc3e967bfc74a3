"""The reference: one woman by SciPy, plain Python, restarted on every whole day.

Slow and readable; the fast engines are held against it. Statements are the same; linear drugs use the same closed
form, immunoglobulin and total serum TNF are integrated with everything else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from decidua.errors import DidNotConverge
from decidua.simulation import equations, kinetics
from decidua.simulation.emit import array_source
from decidua.simulation.forcing import COURSE, CYCLE, FloatArray, course_at, cycle_at
from decidua.simulation.model import Model, core
from decidua.simulation.plan import Plan

Work = list[float]


def _pos(x: float, width: float) -> float:
    return 0.5 * (x + math.sqrt(x * x + width * width))


_SCALARS: dict[str, object] = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "floor": math.floor,
    "minimum": min,
    "maximum": max,
    "step": lambda x: 1.0 if x >= 0 else 0.0,
    "where": lambda condition, yes, no: yes if condition > 0.5 else no,
    "pos": _pos,
}


@cache
def _functions() -> dict[str, Callable[[Work], None]]:
    model = core()
    space: dict[str, Any] = dict(_SCALARS)
    for block in model.blocks.values():
        exec(array_source(block, model.rows, model.literals), space)  # our own text, generated from our tables
    return {name: space[name] for name in model.blocks}


class _Woman:
    """One woman on her way: the work table and the moves between its states."""

    def __init__(self, model: Model, plan: Plan, column: FloatArray, rtol: float) -> None:
        self.model, self.plan, self.rtol = model, plan, rtol
        self.run = _functions()
        self.work: Work = [float(value) for value in column]
        states = (*equations.states(), *kinetics.IMMUNOGLOBULIN, "R")
        self.states = [model.rows[name] for name in states]
        self.rates = [model.rows[f"d_{name}"] for name in states]
        self.linear = [model.rows[name] for name in kinetics.LINEAR]
        self.midnight: list[float] = []
        self.crossing = math.nan
        self.run["once"](self.work)

    def value(self, name: str) -> float:
        return self.work[self.model.rows[name]]

    def put(self, **values: float) -> None:
        for name, value in values.items():
            self.work[self.model.rows[name]] = value

    def moment(self, time: float) -> None:
        """Set forcing and drugs at a time of the current day."""
        day = self.value("day")
        end = self.value("t_end")
        self.put(**dict(zip(COURSE, course_at(min(time, end)), strict=True)))
        if self.value("ended"):
            position = self.value("cycle_day") + (time - day)
            self.put(elapsed=time - end, **dict(zip(CYCLE, cycle_at(position), strict=True)))
            self.run["after"](self.work)
        if self.plan.linear:
            for row, amount in zip(self.linear, self.midnight, strict=True):
                self.work[row] = amount
            self.put(h=time - day)
            self.run["advance"](self.work)
            self.run["drives"](self.work)

    def slope(self, time: float, levels: FloatArray) -> list[float]:
        work = self.work
        for row, level in zip(self.states, levels, strict=True):
            work[row] = float(level)
        self.moment(time)
        self.run["immunoglobulin"](work)
        for part in ("signals", "natural_rates", "cell_rates", "serum_rate"):
            self.run[part](work)
        return [work[row] for row in self.rates]

    def begin_day(self, day: int) -> None:
        doses = self.plan.doses[day]
        self.put(day=float(day), h0=float(self.plan.loss[day]), infected=float(self.plan.infected[day]))
        for k, prefix in enumerate(kinetics.DEPOTS):
            self.put(**{f"dose_{prefix}": float(doses[0, k]), f"dose_pregnant_{prefix}": float(doses[1, k])})
        self.run["day"](self.work)
        self.run["drug_day"](self.work)
        self.midnight = [self.work[row] for row in self.linear]

    def live_day(self, day: int) -> None:
        """Integrate from one whole day to the next."""
        start = np.array([self.work[row] for row in self.states])
        delivery = self.states.index(self.model.rows["D"])
        may_deliver = self.value("h_birth") > 0
        try:
            solved = solve_ivp(
                self.slope, (day, day + 1.0), start, method="LSODA", rtol=self.rtol, atol=self.rtol * 1e-2,
                dense_output=may_deliver,
            )  # fmt: skip
        except (OverflowError, ValueError, ZeroDivisionError) as wild:
            raise DidNotConverge(f"a state left the range of numbers on day {day}.") from wild
        if not solved.success or not np.isfinite(solved.y[:, -1]).all():
            raise DidNotConverge(f"the reference solver stopped on day {day}: {solved.message}")
        if may_deliver and start[delivery] < math.log(2) <= solved.y[delivery, -1]:
            self.crossing = brentq(lambda t: float(solved.sol(t)[delivery]) - math.log(2), day, day + 1.0, xtol=1e-10)
        self.slope(day + 1.0, solved.y[:, -1])


def solve_one(plan: Plan, column: FloatArray, rtol: float = 1e-9) -> tuple[FloatArray, float]:
    """Integrate one woman with tight tolerances.

    Parameters
    ----------
    plan : Plan
        The common days.
    column : float array [row]
        Her work table at rest, as from `start_table`.
    rtol : float
        Relative tolerance of LSODA; absolute tolerance a hundredth of it.

    Returns
    -------
    tuple of float array [day, row] and float
        The work table at each whole day, before the jumps of that day, and the time at which the delivery hazard
        reaches ln 2 [d], NaN where it does not.

    Raises
    ------
    DidNotConverge
        Where the solver stops or a state is no longer finite.
    """
    woman = _Woman(core(), plan, column, rtol)
    woman.put(**dict(zip(COURSE, course_at(0.0), strict=True)))
    woman.run["drives"](woman.work)
    woman.run["immunoglobulin"](woman.work)
    woman.run["signals"](woman.work)
    seen = np.empty((plan.days + 1, len(woman.work)))
    seen[0] = woman.work
    for day in range(plan.days):
        woman.begin_day(day)
        woman.live_day(day)
        seen[day + 1] = woman.work
    woman.begin_day(plan.days)  # an end on the last day shown still counts
    final = {name: woman.model.rows[name] for name in ("t_end", "outcome")}
    for row in final.values():
        seen[-1, row] = woman.work[row]
    return seen, woman.crossing
