"""The array engine: the same statements on NumPy rows, many women at once, nothing to compile.

Fixed-grid Runge–Kutta of order four on the logarithms, doses on the grid. It needs no compiler and is the oracle of
the lane kernel, which makes the same moves in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decidua.simulation import equations, kinetics
from decidua.simulation.emit import array_source
from decidua.simulation.forcing import COURSE, CYCLE, TICKS, FloatArray, course_grid, cycle_grid
from decidua.simulation.model import Model, core
from decidua.simulation.plan import Plan, serum_pieces, step_edges

_ARRAYS: dict[str, object] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "step": lambda x: np.where(np.greater_equal(x, 0.0), 1.0, 0.0),
    "where": lambda condition, yes, no: np.where(np.greater(condition, 0.5), yes, no),
    "pos": lambda x, width: 0.5 * (x + np.sqrt(x * x + width * width)),
}
_RUNGE_KUTTA = ((1 / 2, 1 / 6), (1 / 2, 1 / 3), (1.0, 1 / 3), (0.0, 1 / 6))


@cache
def array_functions() -> dict[str, Callable[[FloatArray], None]]:
    """Return the blocks as functions of a work table.

    Returns
    -------
    dict of str to callable
        Each reads and writes rows of ``w``, float array [row, woman].
    """
    model = core()
    space: dict[str, Any] = dict(_ARRAYS)
    for block in model.blocks.values():
        exec(array_source(block, model.rows, model.literals), space)  # our own text, generated from our tables
    return {name: space[name] for name in model.blocks}


def runge_kutta(work: FloatArray, length: FloatArray, stage: str, states: tuple[str, ...]) -> None:
    """Move some states one step on, with the inputs held.

    Parameters
    ----------
    work : float array [row, woman]
        Changed in place.
    length : float array [woman]
        Of the step [d].
    stage : str
        Block that makes one stage.
    states : tuple of str
        What it moves.
    """
    rows = core().rows
    now, start, total = ([rows[f"{state}{part}"] for state in states] for part in ("", "_start", "_sum"))
    work[start] = work[now]
    work[total] = work[now]
    for ahead, add in _RUNGE_KUTTA:
        work[rows["ahead_h"]], work[rows["add_h"]] = ahead * length, add * length
        array_functions()[stage](work)
    work[now] = work[total]


class _Batch:
    """Women side by side, one column each."""

    def __init__(self, model: Model, plan: Plan, work: FloatArray, want_serum: bool) -> None:
        self.model, self.plan, self.work, self.want_serum = model, plan, work, want_serum
        self.run = array_functions()
        self.row = model.rows
        states = len(equations.states()) + len(kinetics.IMMUNOGLOBULIN)
        self.state, self.start, self.sum = (slice(k * states, (k + 1) * states) for k in range(3))
        self.course = slice(self.row[COURSE[0]], self.row[COURSE[0]] + len(COURSE))
        self.cycle = slice(self.row[CYCLE[0]], self.row[CYCLE[0]] + len(CYCLE))
        self.antibody = [self.row[f"{p}_{part}"] for p in kinetics.ANTIBODIES for part in ("depot", "C")]
        self.antibody_r = [self.row[f"{p}_{part}_r"] for p in kinetics.ANTIBODIES for part in ("depot", "C")]
        self.course_grid, self.cycle_grid = course_grid(max(plan.days, 1)), cycle_grid()
        self.edges, self.steps = step_edges()

    def forcing(self, tick: NDArray[np.int64]) -> None:
        """Look up the hormones at a tick of the day, one for each woman."""
        work, row = self.work, self.row
        now = work[row["day"]] * TICKS + tick
        end = work[row["t_end"]] * TICKS
        work[self.course] = self.course_grid[np.minimum(now, end).astype(np.int64)].T
        if work[row["ended"]].any():
            position = work[row["cycle_day"]] * TICKS + tick
            work[self.cycle] = self.cycle_grid[np.minimum(position, len(self.cycle_grid) - 1).astype(np.int64)].T
            work[row["elapsed"]] = work[row["since"]] + work[row["ended"]] * tick / TICKS
            self.run["after"](work)

    def begin_day(self, day: int) -> None:
        work, row, plan = self.work, self.row, self.plan
        work[row["day"]], work[row["h0"]], work[row["infected"]] = day, plan.loss[day], plan.infected[day]
        work[row["grid_plan"]] = plan.grid[day]
        self.run["day"](work)
        if work[row["born"]].any():
            self.run["birth_time"](work)
        work[row["D_before"]], work[row["S_before"]] = work[row["D"]], work[row["S"]]
        if plan.linear or plan.immunoglobulin:
            for k, prefix in enumerate(kinetics.DEPOTS):
                work[row[f"dose_{prefix}"]], work[row[f"dose_pregnant_{prefix}"]] = plan.doses[day, :, k]
            self.run["drug_day"](work)

    def stage(self, number: int, length: FloatArray) -> None:
        ahead, add = _RUNGE_KUTTA[number]
        self.work[self.row["ahead_h"]], self.work[self.row["add_h"]] = ahead * length, add * length
        if self.plan.immunoglobulin:
            self.run["immunoglobulin_stage"](self.work)
        for part in ("signals", "natural_stage", "cell_stage"):
            self.run[part](self.work)

    def half_step(self, tick: NDArray[np.int64], length: FloatArray) -> None:
        self.forcing(tick)
        if self.plan.linear:
            self.work[self.row["h"]] = 0.5 * length
            self.run["advance"](self.work)
            self.run["drives"](self.work)

    def take_step(self, first: NDArray[np.int64], last: NDArray[np.int64], fresh: int) -> None:
        """Move every woman from one tick of the day to another; a length of 0 changes nothing."""
        work, row = self.work, self.row
        length = (last - first) / TICKS
        middle = (first + last) // 2
        work[self.start] = work[self.state]
        work[self.sum] = work[self.state]
        work[self.antibody_r] = work[self.antibody]
        self.stage(0, length)
        work[row["y_0"]] = work[row["y_TNFs"]]
        self.half_step(middle, length)
        self.stage(1, length)
        self.stage(2, length)
        work[row["y_m"]] = work[row["y_TNFs"]]
        self.half_step(last, length)
        self.stage(3, length)
        work[self.state] = work[self.sum]
        if self.want_serum:
            work[row["step_length"]] = length
            self.serum(fresh)

    def serum(self, fresh: int) -> None:
        work, row = self.work, self.row
        self.run["serum_source"](work)
        work[row["y_1"]] = work[row["y_TNFs"]]
        cuts = serum_pieces()[fresh]
        for first, last in pairwise(cuts):
            work[row["at_0"]], work[row["width"]] = first, last - first
            self.run["serum" if self.plan.linear else "serum_quiet"](work)

    def live_day(self, day: int) -> None:
        kinds = self.work[self.row["grid"]].astype(np.int64)
        self.forcing(np.zeros_like(kinds))
        for k in range(int(self.steps[kinds].max())):
            fresh = 0 if not self.plan.fresh[day] else 2 if k == 0 else 1
            self.take_step(self.edges[kinds, k], self.edges[kinds, k + 1], fresh)


def run_batch(plan: Plan, work: FloatArray, wanted: tuple[str, ...], every: int) -> FloatArray:
    """Simulate a batch.

    Parameters
    ----------
    plan : Plan
        The common days.
    work : float array [row, woman]
        At rest, as from `start_table`; holds the end state and the ends afterwards.
    wanted : tuple of str
        Outputs.
    every : int
        Days between the days kept [d].

    Returns
    -------
    float array [woman, day, output]
        Before the jumps of each day.
    """
    model = core()
    rows = [model.rows[model.outputs[name].row] for name in wanted]
    logarithms = np.array([model.outputs[name].logarithm for name in wanted])
    batch = _Batch(model, plan, work, want_serum="R" in wanted)
    kept = np.empty((plan.days // every + 1, len(wanted), work.shape[1]))
    with np.errstate(all="ignore"):
        batch.run["once"](work)
        batch.forcing(np.zeros(work.shape[1], dtype=np.int64))
        for day in range(plan.days + 1):
            if day % every == 0:
                batch.run["signals"](work)
                if plan.immunoglobulin:
                    batch.run["immunoglobulin"](work)
                kept[day // every] = work[rows]
                kept[day // every, logarithms] = np.exp(kept[day // every, logarithms])
            batch.begin_day(day)
            if day < plan.days:
                batch.live_day(day)
    return np.ascontiguousarray(kept.transpose(2, 0, 1))
