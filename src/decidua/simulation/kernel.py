"""The lane engine: the blocks as machine code, sixteen women side by side.

The generated module is written to a cache folder (``DECIDUA_CACHE``, else the user's) under the hash of its own text,
compiled once by numba and found there afterwards. One flat table and a constant lane count let LLVM vectorise each
block without alias checks.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decidua.simulation import equations, kinetics
from decidua.simulation.emit import lane_source
from decidua.simulation.forcing import COURSE, FloatArray, course_grid, cycle_grid
from decidua.simulation.model import Model, core
from decidua.simulation.plan import Plan, serum_pieces, step_edges

LANES = 16
"""Women side by side: at eight the loop is unrolled before it can be vectorised."""
_log = logging.getLogger(__name__)
_UNUSED = ("natural_rates", "cell_rates", "serum_rate")
_STAGE = ("signals", "natural_stage", "cell_stage")
_SIGNATURE = (
    "void(f8[::1],i8,f8[::1],f8[::1],f8[:,:,::1],i8[::1],b1[::1],b1,b1,b1,f8[:,::1],f8[:,::1],i8[:,::1],i8[::1],"
    "f8[:,::1],i8[::1],i8[::1],b1[::1],i8,f8[:,:,::1])"
)
"""Of `run_block`; it checks no bounds, so `_arguments` must agree with it."""


def module_text(model: Model, lanes: int = LANES) -> str:
    """Write the module that numba compiles.

    Parameters
    ----------
    model : Model
        Its blocks.
    lanes : int
        Women side by side.

    Returns
    -------
    str
        Python source.
    """
    head = ["from __future__ import annotations", "import numpy as np", "from numba import njit"]
    head += ["from decidua.simulation.lane_math import *", "from decidua.simulation.lane_math import OPTIONS"]
    head += [f"LANES = {lanes}", f"STATES = {len(equations.states()) + len(kinetics.IMMUNOGLOBULIN)}"]
    head += [f"COURSES = {len(COURSE)}", f"ANTIBODY_ROWS = {2 * len(kinetics.ANTIBODIES)}"]
    blocks = [
        lane_source(block, model.rows, model.literals, lanes)
        for name, block in model.blocks.items()
        if name not in _UNUSED
    ]
    moves = (files("decidua.simulation") / "lanes.py").read_text(encoding="utf-8")
    moves = re.sub(r"\bAT\.(\w+)", lambda at: str(model.rows[at[1]] * lanes), moves[moves.index("\ndef ") :])
    text = re.sub(r"^def ", "@njit(**OPTIONS)\ndef ", "\n".join(blocks) + moves, flags=re.MULTILINE)
    entry = "@njit(**OPTIONS)\ndef run_block"
    text = text.replace(entry, entry.replace("(", f"({_SIGNATURE!r}, cache=True, ", 1))
    return "\n".join(head) + "\n\n\n" + text


def _cache_folder() -> Path:
    stated = os.environ.get("DECIDUA_CACHE")
    try:
        base = Path(stated) if stated else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "decidua"
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=base):
            return base
    except (OSError, RuntimeError):
        return Path(tempfile.mkdtemp(prefix="decidua-"))


def _load(text: str) -> ModuleType:
    """Import the generated text, compiling it unless the cache folder holds the result."""
    arithmetic = (files("decidua.simulation") / "lane_math.py").read_text(encoding="utf-8")
    name = "decidua_lanes_" + hashlib.sha256((text + arithmetic).encode()).hexdigest()[:16]
    if name in sys.modules:
        return sys.modules[name]
    path = _cache_folder() / f"{name}.py"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    if not list((path.parent / "__pycache__").glob(f"{name}.run_block-*.nbi")):
        _log.warning("The simulation kernel is compiled once, about half a minute; it is kept in %s.", path.parent)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:  # pragma: no cover - the path ends in .py
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@cache
def compiled(lanes: int = LANES) -> Callable[..., None]:
    """Return the compiled engine.

    Parameters
    ----------
    lanes : int
        Women side by side; other than sixteen only to measure what vectorising gains.

    Returns
    -------
    callable
        ``run_block`` of the generated module.
    """
    return _load(module_text(core(), lanes)).run_block  # type: ignore[no-any-return]


def stage_assembly() -> str:
    """Return the machine code of one Runge–Kutta stage.

    Returns
    -------
    str
        Assembly text for this processor, compiled afresh.
    """
    from numba import njit

    from decidua.simulation import lane_math

    model = core()
    space: dict[str, Any] = dict(vars(lane_math))
    found = []
    for name in _STAGE:
        exec(lane_source(model.blocks[name], model.rows, model.literals, LANES), space)
        block = njit("void(f8[::1])", **lane_math.OPTIONS)(space[name])
        found.append(str(block.inspect_asm(block.signatures[0])))
    return "\n".join(found)


def run_lanes(
    plan: Plan, work: FloatArray, wanted: tuple[str, ...], every: int, threads: int, lanes: int = LANES
) -> FloatArray:
    """Simulate women in blocks of lanes.

    Parameters
    ----------
    plan : Plan
        The common days.
    work : float array [row, woman]
        At rest, as from `start_table`; its ends are filled in.
    wanted : tuple of str
        Outputs.
    every : int
        Days between the days kept [d].
    threads : int
        Blocks at a time; the result does not depend on it.
    lanes : int
        As for `compiled`.

    Returns
    -------
    float array [woman, day, output]
        Before the jumps of each day.
    """
    run, constants = compiled(lanes), _arguments(plan, wanted)
    women = work.shape[1]
    result = np.empty((women, plan.days // every + 1, len(wanted)))

    def one(block: slice) -> None:
        count = block.stop - block.start
        table = np.empty((work.shape[0], lanes))
        table[:, :count] = work[:, block]
        table[:, count:] = table[:, count - 1 : count]
        flat = table.ravel()
        kept = np.empty((result.shape[1], len(wanted), lanes))
        run(flat, plan.days, *constants, every, kept)
        result[block] = kept[:, :, :count].transpose(2, 0, 1)
        work[:, block] = table[:, :count]

    if threads == 1:
        for block in _blocks(women, lanes):
            one(block)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, _blocks(women, lanes)))
    return result


def _blocks(women: int, lanes: int) -> Iterator[slice]:
    return (slice(first, min(first + lanes, women)) for first in range(0, women, lanes))


def _arguments(plan: Plan, wanted: tuple[str, ...]) -> tuple[object, ...]:
    """Return what `run_block` takes besides the table, in shape and type as it was compiled for: it checks nothing."""
    model = core()
    edges, steps = step_edges()
    cuts = serum_pieces()
    table = np.zeros((len(cuts), max(len(c) for c in cuts)))
    for k, c in enumerate(cuts):
        table[k, : len(c)] = c
    pieces = np.array([len(c) - 1 for c in cuts], dtype=np.int64)
    rows: NDArray[np.int64] = np.array([model.rows[model.outputs[name].row] for name in wanted], dtype=np.int64)
    logarithms = np.array([model.outputs[name].logarithm for name in wanted], dtype=np.bool_)
    days = (plan.loss, plan.infected, plan.doses, plan.grid, plan.fresh)
    daily = tuple(np.require(np.ascontiguousarray(a), requirements="W") for a in days)
    curves = (np.array(course_grid(plan.days)), np.array(cycle_grid()))
    return (
        *daily,
        plan.linear,
        plan.immunoglobulin,
        "R" in wanted,
        *curves,
        edges,
        steps,
        table,
        pieces,
        rows,
        logarithms,
    )
