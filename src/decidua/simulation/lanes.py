"""The moves of the lane engine: sixteen women in step through the days, on one flat work table.

This text is compiled by `kernel.py`, which puts the generated blocks before it and writes the place of each row for
``AT.row``; it is never imported. It makes the moves of `arrays.py` in the same order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from decidua.simulation._blocks import (
        ANTIBODY_ROWS,
        AT,
        COURSES,
        LANES,
        STATES,
        advance,
        after,
        birth_time,
        cell_stage,
        day,
        drives,
        drug_day,
        exp,
        immunoglobulin,
        immunoglobulin_stage,
        natural_stage,
        once,
        serum,
        serum_quiet,
        serum_source,
        signals,
    )

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]
    Flags = NDArray[np.bool_]


def forcing(w: Floats, tick: Whole, course: Floats, cycle: Floats, place: Whole) -> None:
    """Look up the hormones at a tick of the day, one for each woman."""
    same = True
    ended = 0.0
    for i in range(LANES):
        place[i] = np.int64(min(w[AT.day + i], w[AT.t_end + i]) * 128.0)
        if w[AT.day + i] < w[AT.t_end + i]:
            place[i] += tick[i]
        same = same and place[i] == place[0]
        ended += w[AT.ended + i]
    if same:
        for k in range(COURSES):
            for i in range(LANES):
                w[AT.pcl + k * LANES + i] = course[place[0], k]
    else:
        for k in range(COURSES):
            for i in range(LANES):
                w[AT.pcl + k * LANES + i] = course[place[i], k]
    if ended > 0.0:
        for i in range(LANES):
            now = min(np.int64(w[AT.cycle_day + i] * 128.0) + tick[i], cycle.shape[0] - 1)
            w[AT.pcl_cycle + i] = cycle[now, 0]
            w[AT.u_E_cycle + i] = cycle[now, 1]
            w[AT.elapsed + i] = w[AT.since + i] + w[AT.ended + i] * tick[i] / 128.0
        after(w)


def begin_day(w: Floats, today: int, loss: Floats, infected: Floats, doses: Floats, grid: Whole, drugs: bool) -> None:
    """End test, jumps, doses, and what holds until the next day."""
    for i in range(LANES):
        w[AT.day + i] = today
        w[AT.h0 + i] = loss[today]
        w[AT.infected + i] = infected[today]
        w[AT.grid_plan + i] = grid[today]
    day(w)
    births = 0.0
    for i in range(LANES):
        births += w[AT.born + i]
    if births > 0.0:
        birth_time(w)
    for i in range(LANES):
        w[AT.D_before + i] = w[AT.D + i]
        w[AT.S_before + i] = w[AT.S + i]
    if drugs:
        for k in range(doses.shape[2]):
            for i in range(LANES):
                w[AT.dose_ada + k * LANES + i] = doses[today, 0, k]
                w[AT.dose_pregnant_ada + k * LANES + i] = doses[today, 1, k]
        drug_day(w)


def one_stage(w: Floats, ahead: float, add: float, immune: bool) -> None:
    """One stage of a Runge–Kutta step for every state."""
    for i in range(LANES):
        w[AT.ahead_h + i] = ahead * w[AT.step_length + i]
        w[AT.add_h + i] = add * w[AT.step_length + i]
    if immune:
        immunoglobulin_stage(w)
    signals(w)
    natural_stage(w)
    cell_stage(w)


def move_inputs(w: Floats, tick: Whole, course: Floats, cycle: Floats, place: Whole, linear: bool) -> None:
    """Bring hormones and linear drugs half a step on."""
    forcing(w, tick, course, cycle, place)
    if linear:
        for i in range(LANES):
            w[AT.h + i] = 0.5 * w[AT.step_length + i]
        advance(w)
        drives(w)


def total_tnf(w: Floats, linear: bool, cuts: Floats, pieces: int) -> None:
    """Total serum TNF over the step."""
    serum_source(w)
    for i in range(LANES):
        w[AT.y_1 + i] = w[AT.y_TNFs + i]
    for piece in range(pieces):
        for i in range(LANES):
            w[AT.at_0 + i] = cuts[piece]
            w[AT.width + i] = cuts[piece + 1] - cuts[piece]
        if linear:
            serum(w)
        else:
            serum_quiet(w)


def take_step(
    w: Floats,
    first: Whole,
    middle: Whole,
    last: Whole,
    course: Floats,
    cycle: Floats,
    place: Whole,
    linear: bool,
    immune: bool,
    want_serum: bool,
    cuts: Floats,
    pieces: int,
) -> None:
    """Move every woman from one tick of the day to another; a length of 0 changes nothing."""
    for i in range(LANES):
        w[AT.step_length + i] = (last[i] - first[i]) / 128.0
        middle[i] = (first[i] + last[i]) // 2
    for k in range(STATES * LANES):
        w[STATES * LANES + k] = w[k]
        w[2 * STATES * LANES + k] = w[k]
    if want_serum and linear:
        for k in range(ANTIBODY_ROWS * LANES):
            w[AT.ada_depot_r + k] = w[AT.ada_depot + k]
    one_stage(w, 1 / 2, 1 / 6, immune)
    for i in range(LANES):
        w[AT.y_0 + i] = w[AT.y_TNFs + i]
    move_inputs(w, middle, course, cycle, place, linear)
    one_stage(w, 1 / 2, 1 / 3, immune)
    one_stage(w, 1.0, 1 / 3, immune)
    for i in range(LANES):
        w[AT.y_m + i] = w[AT.y_TNFs + i]
    move_inputs(w, last, course, cycle, place, linear)
    one_stage(w, 0.0, 1 / 6, immune)
    for k in range(STATES * LANES):
        w[k] = w[2 * STATES * LANES + k]
    if want_serum:
        total_tnf(w, linear, cuts, pieces)


def run_block(
    w: Floats,
    days: int,
    loss: Floats,
    infected: Floats,
    doses: Floats,
    grid: Whole,
    fresh: Flags,
    linear: bool,
    immune: bool,
    want_serum: bool,
    course: Floats,
    cycle: Floats,
    edges: Whole,
    steps: Whole,
    cuts: Floats,
    pieces: Whole,
    rows: Whole,
    logarithms: Flags,
    every: int,
    kept: Floats,
) -> None:  # fmt: skip
    """Simulate one block of women; `w` holds their work table at rest, and their ends afterwards."""
    first = np.zeros(LANES, dtype=np.int64)
    middle = np.zeros(LANES, dtype=np.int64)
    last = np.zeros(LANES, dtype=np.int64)
    place = np.zeros(LANES, dtype=np.int64)
    once(w)
    forcing(w, first, course, cycle, place)
    for today in range(days + 1):
        if today % every == 0:
            signals(w)
            if immune:
                immunoglobulin(w)
            for k in range(rows.size):
                for i in range(LANES):
                    value = w[rows[k] * LANES + i]
                    kept[today // every, k, i] = exp(value) if logarithms[k] else value
        begin_day(w, today, loss, infected, doses, grid, linear or immune)
        if today < days:
            longest = 0
            for i in range(LANES):
                longest = max(longest, steps[np.int64(w[AT.grid + i])])
                first[i] = 0
            forcing(w, first, course, cycle, place)
            for k in range(longest):
                for i in range(LANES):
                    kind = np.int64(w[AT.grid + i])
                    first[i] = edges[kind, k]
                    last[i] = edges[kind, k + 1]
                look = 0 if not fresh[today] else 2 if k == 0 else 1
                take_step(
                    w, first, middle, last, course, cycle, place, linear, immune, want_serum, cuts[look], pieces[look]
                )
