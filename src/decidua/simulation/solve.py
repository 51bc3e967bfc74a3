"""The one door: women, a regimen and a number of days in, a trajectory out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from decidua.errors import OutsideLimits
from decidua.simulation import arrays, kernel, reference
from decidua.simulation.equations import cells
from decidua.simulation.forcing import FloatArray
from decidua.simulation.model import core
from decidua.simulation.plan import Infection, Plan, plan
from decidua.simulation.regimen import Regimen
from decidua.simulation.trajectory import Trajectory, outcome_of
from decidua.simulation.women import Women, start_table
from decidua.tables import nearest

Engine = Literal["lanes", "arrays", "reference"]
ENGINES: tuple[Engine, ...] = ("lanes", "arrays", "reference")
SHOWN = ("TNFu", "IFNu", "H1u", "H2u", "H17u", "Ru", "Nu", "Ku", "H1b", "H2b", "H17b", "Rb", "Nb", "Kb")
"""Outputs where none is named."""
_LARGEST_LOG = 30.0
_CHUNK = {"lanes": 1024, "arrays": 2048, "reference": 1}


def simulate(
    women: Women,
    *,
    regimen: Regimen | None = None,
    infections: Iterable[Infection] = (),
    days: int = 300,
    without: Iterable[str] = (),
    outputs: Iterable[str] = SHOWN,
    every: int = 1,
    engine: Engine = "lanes",
    threads: int | None = None,
    dtype: DTypeLike = np.float64,
) -> Trajectory:
    """Simulate women from their last period on.

    Parameters
    ----------
    women : Women
        Whom: one or many.
    regimen : Regimen, optional
        What is given; nothing where None.
    infections : iterable of Infection
        When the decidua is infected.
    days : int
        Last day [d].
    without : iterable of str
        Mechanisms switched off, each to its null.
    outputs : iterable of str
        States to return.
    every : int
        Days between the days returned [d].
    engine : {"lanes", "arrays", "reference"}
        Compiled, NumPy, or SciPy with tight tolerances; the first two take the same steps.
    threads : int, optional
        For the compiled engine; all cores where None. No result depends on it.
    dtype : data type
        Of the values returned.

    Returns
    -------
    Trajectory
        In the order of the women.

    Raises
    ------
    OutsideLimits
        For an unknown state, mechanism or engine, or days, doses or losses that contradict each other.
    DidNotConverge
        Where the reference solver stops.
    """
    given, names, off = regimen or Regimen(), tuple(outputs), tuple(without)
    _check(women, given, names, every, engine, threads)
    asked = women.having(**given.parameters()).without(off)
    days_plan = plan(days, given, infections)
    values = np.empty((asked.count, days // every + 1, len(names)), dtype=dtype)
    ends = _fill(values, asked, days_plan, names, every, engine, threads or _cores())
    return _trajectory(values, ends, asked, names, every, (given.id, off, engine))


def _fill(
    values: NDArray[np.floating],
    women: Women,
    days: Plan,
    names: tuple[str, ...],
    every: int,
    engine: Engine,
    threads: int,
) -> FloatArray:
    """Simulate chunk by chunk; return outcome, end, crossing and whether all stayed numbers, float array [4, woman]."""
    ends = np.empty((4, women.count))
    for who in _chunks(women, _CHUNK[engine]):
        table = start_table(core(), women, who)
        part = _run(engine, days, table, names, every, threads)
        values[who] = part
        ends[:3, who] = table[[core().rows[name] for name in ("outcome", "t_end", "crossing")]]
        ends[3, who] = np.isfinite(part).all(axis=(1, 2)) & _in_range(table)
    return ends


def _trajectory(
    values: NDArray[np.floating],
    ends: FloatArray,
    women: Women,
    names: tuple[str, ...],
    every: int,
    how: tuple[str, tuple[str, ...], str],
) -> Trajectory:
    code, end, crossing, sound = ends
    conceives = women.parameter("conceives")
    outcomes = tuple(
        outcome_of(c, e, bool(pregnant), bool(ok))
        for c, e, pregnant, ok in zip(code, end, conceives, sound, strict=True)
    )
    return Trajectory(
        np.arange(values.shape[1]) * every,
        names,
        values,
        np.where(code > 0, end, np.nan),
        np.where(code == 1, crossing, np.nan),
        outcomes,
        *how,
    )


def _in_range(table: FloatArray) -> NDArray[np.bool_]:
    """Whether each woman's cells are numbers that a fold can be: the exponential of the kernel is bounded."""
    levels = np.abs(table[[core().rows[f"y_{cell}"] for cell in cells()]])
    return np.asarray(levels.max(axis=0) < _LARGEST_LOG)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run(
    engine: Engine, days: Plan, table: FloatArray, names: tuple[str, ...], every: int, threads: int
) -> NDArray[np.floating]:
    if engine == "lanes":
        return kernel.run_lanes(days, table, names, every, threads)
    if engine == "arrays":
        return arrays.run_batch(days, table, names, every)
    model = core()
    seen, crossing = reference.solve_one(days, table[:, 0])
    table[:, 0] = seen[-1]
    table[model.rows["crossing"], 0] = crossing
    shown = seen[::every, [model.rows[model.outputs[name].row] for name in names]]
    logarithms = [model.outputs[name].logarithm for name in names]
    shown[:, logarithms] = np.exp(shown[:, logarithms])
    return shown[None]


def _chunks(women: Women, size: int) -> Iterator[NDArray[np.int64]]:
    """Women who implant on the same day stand together: their fine days coincide. No result depends on it."""
    order = np.argsort(women.parameter("t_imp"), kind="stable")
    return (order[first : first + size] for first in range(0, women.count, size))


def _check(
    women: Women, regimen: Regimen, names: tuple[str, ...], every: int, engine: str, threads: int | None
) -> None:
    if engine not in ENGINES:
        raise OutsideLimits(f"there is no engine {engine!r}.", remedy=nearest(engine, ENGINES))
    if not names:
        raise OutsideLimits("no output is asked for.", remedy="Name at least one state.")
    for name in names:
        core().require_output(name)
    if type(every) is not int or every < 1:
        raise OutsideLimits(f"every = {every!r} is no number of days.", remedy="Give 1 or more.")
    if threads is not None and (type(threads) is not int or threads < 1):
        raise OutsideLimits(f"threads = {threads!r}.", remedy="Give 1 or more, or leave it out.")
    lost = women.parameter("loss_day").min()
    for course in regimen.courses:
        if course.days and course.first >= lost:
            raise OutsideLimits(
                f"{course.drug} begins on day {course.first}, but a pregnancy is lost on day {lost:.0f}.",
                remedy="Begin it before, or leave it out.",
            )
