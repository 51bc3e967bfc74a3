"""Drug levels at any time of day: the same closed forms, outside a simulation of the balance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from decidua.errors import OutsideLimits
from decidua.knowledge import table
from decidua.simulation.arrays import array_functions, runge_kutta
from decidua.simulation.forcing import FloatArray
from decidua.simulation.kinetics import DEPOTS, IMMUNOGLOBULIN
from decidua.simulation.model import core
from decidua.simulation.plan import plan
from decidua.simulation.regimen import Regimen
from decidua.simulation.women import Women, start_table
from decidua.tables import nearest

_PIECES = 64  # Runge–Kutta steps from midnight to a time, for immunoglobulin


def levels(regimen: Regimen, name: str, times: ArrayLike, women: Women | None = None) -> FloatArray:
    """Return a drug level, or its effect, outside pregnancy.

    Parameters
    ----------
    regimen : Regimen
        What is given.
    name : str
        A state of kind drug, such as ``ada_C`` [mg/L] or ``u_GC``.
    times : float array [time]
        When [d]; at the time of a dose, after it.
    women : Women, optional
        Whose kinetics; the reference woman's where None.

    Returns
    -------
    float array [woman, time]
        In the unit of the state.

    Raises
    ------
    OutsideLimits
        For a name that is no drug's state, or a time outside 0 to 700 days.
    """
    known = [key for key, f in table("model_states").items() if f["kind"] == "drug"]
    if name not in known:
        raise OutsideLimits(f"{name!r} is no level of a drug.", remedy=nearest(name, known))
    when = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if when.size == 0 or not (when >= 0).all():
        raise OutsideLimits("times must be zero or more days.", remedy="Give at least one time.")
    asked = women or Women.alike()
    days = plan(int(when.max()) + 1, regimen)
    found = np.empty((asked.count, when.size))
    for woman in range(asked.count):
        work = start_table(core(), asked.having(conceives=0, **regimen.parameters()), np.array([woman]))
        array_functions()["once"](work)
        for day in range(days.days):
            _give(work, days.doses[day], day)
            here = np.flatnonzero(np.floor(when) == day)
            found[woman, here] = _advanced(work, when[here] - day)[core().rows[name]]
            work = _advanced(work, np.ones(1))
    return found


def _give(work: FloatArray, doses: FloatArray, day: int) -> None:
    rows, run = core().rows, array_functions()
    work[rows["day"]] = day
    for k, prefix in enumerate(DEPOTS):
        work[rows[f"dose_{prefix}"]], work[rows[f"dose_pregnant_{prefix}"]] = doses[:, k]
    run["drug_day"](work)


def _advanced(work: FloatArray, after: FloatArray) -> FloatArray:
    """Return one column for each time after midnight [d]."""
    rows, run = core().rows, array_functions()
    later = np.repeat(work, after.size, axis=1)
    later[rows["h"]] = after
    run["advance"](later)
    run["drives"](later)
    integrated = [rows[name] for name in IMMUNOGLOBULIN]
    for _ in range(_PIECES if later[integrated].any() else 0):
        runge_kutta(later, after / _PIECES, "immunoglobulin_stage", IMMUNOGLOBULIN)
    run["immunoglobulin"](later)
    return later
