"""What assays would show of a trajectory: cells, serum and tissue, each by its own model.

Cells are read from blood states without dilution; serum concentrations are diluted by plasma volume; tissue is read
from decidual states. An assay that cannot be defined is refused, not guessed.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decidua.errors import OutsideLimits
from decidua.knowledge import table
from decidua.simulation.forcing import FloatArray, plasma_volume
from decidua.simulation.trajectory import Outcome, Trajectory
from decidua.tables import nearest

_T = TypeVar("_T")
SHARE_RATIOS = {"Th1/Th2": ("H1b", "H2b"), "Th17/Treg": ("H17b", "Rb")}
COUNTS = {"NK": "Nb", "CD4": "C4", "monocytes": "Mo"}
FLUIDS = {"TNF": "TNFs", "IL6": "IL6s", "IL10": "IL10s"}
TISSUE = {"uNK": "Nu", "Th1": "H1u", "Th2": "H2u", "Th17": "H17u", "Treg": "Ru"}


def share_ratio(course: Trajectory, ratio: str, laboratory: float = 0.0) -> FloatArray:
    """Return a ratio of two shares of CD4 T cells, named by chemokine receptors.

    Parameters
    ----------
    course : Trajectory
        Holding both states.
    ratio : {"Th1/Th2", "Th17/Treg"}
        Which.
    laboratory : float
        Log ratio that this laboratory finds at rest.

    Returns
    -------
    float array [woman, day]
        Natural logarithm of the ratio.

    Raises
    ------
    OutsideLimits
        For an unknown ratio, or a state the trajectory does not hold.
    """
    upper, lower = _pick(SHARE_RATIOS, ratio)
    found: FloatArray = laboratory + np.log(course.of(upper)) - np.log(course.of(lower))
    return found


def stimulated_ratio(course: Trajectory, laboratory: float = 0.0, capacity: float | None = None) -> FloatArray:
    """Return the ratio of Th1 to Th2 cytokines inside stimulated T cells, such as TNF-α/IL-10.

    Parameters
    ----------
    course : Trajectory
        Holding H1b, H2b and u_GC.
    laboratory : float
        Log ratio that this laboratory finds at rest with this stimulus.
    capacity : float, optional
        Change of the log ratio by one unit of glucocorticoid effect; the table's where None.

    Returns
    -------
    float array [woman, day]
        Natural logarithm of the ratio; anti-TNF and serum cytokines do not enter.

    Raises
    ------
    OutsideLimits
        For a state the trajectory does not hold.
    """
    shift = float(table("model_constants")["c_capacity"]["value"]) if capacity is None else capacity
    return share_ratio(course, "Th1/Th2", laboratory) + shift * course.of("u_GC")


def count(course: Trajectory, population: str) -> NDArray[np.floating]:
    """Return a blood count against the woman's own rest.

    Parameters
    ----------
    course : Trajectory
        Holding the state.
    population : {"NK", "CD4", "monocytes"}
        Which; gains were fitted to counts, so no dilution is taken off.

    Returns
    -------
    float array [woman, day]
        Fold of rest.

    Raises
    ------
    OutsideLimits
        For an unknown population, or a state the trajectory does not hold.
    """
    return course.relative(_pick(COUNTS, population))


def serum(course: Trajectory, cytokine: str, *, total: bool = False, matrix: float = 0.0) -> FloatArray:
    """Return a concentration in serum or plasma.

    Parameters
    ----------
    course : Trajectory
        Holding the state, and ``q`` for TNF.
    cytokine : {"TNF", "IL6", "IL10"}
        Which.
    total : bool
        For TNF: whether the assay also finds what antibodies hold.
    matrix : float
        Log concentration at rest in this matrix; serum and plasma are never pooled.

    Returns
    -------
    float array [woman, day]
        Natural logarithm of the concentration; NaN after an end, where plasma volume is not described.

    Raises
    ------
    OutsideLimits
        For an unknown cytokine, a state that is not held, or free TNF where an antibody was given: it is undefined.
    """
    state = _pick(FLUIDS, cytokine)
    if cytokine == "TNF":
        if total:
            state = "R"
        elif (course.of("q") > 0).any():
            raise OutsideLimits(
                "serum TNF under an antibody is not defined for an assay that the antibody disturbs.",
                remedy="Ask for total = True, or simulate without the antibody.",
            )
    found: FloatArray = np.log(course.of(state)) - np.log(_dilution(course)) + matrix
    return found


def lysis(course: Trajectory, at_rest: float) -> FloatArray:
    """Return the share of target cells that blood lymphocytes kill.

    Parameters
    ----------
    course : Trajectory
        Holding Nb and Kb: the assay sees number times activity and cannot tell them apart.
    at_rest : float
        Share killed at rest, between 0 and 1.

    Returns
    -------
    float array [woman, day]
        Share killed, 0 to 1.

    Raises
    ------
    OutsideLimits
        For a share at rest outside 0 to 1, or a state the trajectory does not hold.
    """
    if not 0 < at_rest < 1:
        raise OutsideLimits(f"a lysis of {at_rest!r} at rest is no share.", remedy="Write 15 % as 0.15.")
    odds = at_rest / (1 - at_rest) * course.relative("Nb") * course.relative("Kb")
    share: FloatArray = odds / (1 + odds)
    return share


def crp(course: Trajectory) -> NDArray[np.floating]:
    """Return C-reactive protein against the woman's own rest.

    Parameters
    ----------
    course : Trajectory
        Holding CRP; gains were fitted to concentrations, so no dilution is taken off.

    Returns
    -------
    float array [woman, day]
        Fold of rest.

    Raises
    ------
    OutsideLimits
        Where the trajectory does not hold it.
    """
    return course.relative("CRP")


def tissue(course: Trajectory, population: str) -> NDArray[np.floating]:
    """Return a population of the decidua or endometrium against the woman's own follicular rest.

    Parameters
    ----------
    course : Trajectory
        Holding the state.
    population : {"uNK", "Th1", "Th2", "Th17", "Treg"}
        Which.

    Returns
    -------
    float array [woman, day]
        Fold of rest; date a biopsy by the LH surge (day 13).

    Raises
    ------
    OutsideLimits
        For an unknown population, or a state the trajectory does not hold.
    """
    return course.relative(_pick(TISSUE, population))


def total_prednisolone(unbound: ArrayLike) -> FloatArray:
    """Return total prednisolone, as a laboratory measures it.

    Parameters
    ----------
    unbound : float array
        Unbound concentration [µg/L].

    Returns
    -------
    float array
        Unbound, bound to transcortin, which saturates, and to albumin [µg/L].

    Sources
    -------
    bouazza2025
    """
    constants = table("model_constants")
    capacity, affinity, albumin, mass = (
        float(constants[key]["value"]) for key in ("pr_Bmax", "pr_Kcbg", "pr_Kns", "pr_Mw")
    )
    free: FloatArray = np.asarray(unbound, dtype=np.float64)
    found: FloatArray = free * (1 + capacity / (1 + affinity * free * 1e3 / mass) + albumin)
    return found


def _pick(known: dict[str, _T], name: str) -> _T:
    if name not in known:
        raise OutsideLimits(f"{name!r} is not observed.", remedy=nearest(name, list(known)))
    return known[name]


def _dilution(course: Trajectory) -> FloatArray:
    volume = np.array([plasma_volume(float(day)) for day in course.days])
    diluted = np.broadcast_to(volume, (len(course.outcomes), volume.size)).copy()
    for woman, outcome in enumerate(course.outcomes):
        if outcome is Outcome.NOT_CONCEIVED:
            diluted[woman] = 1.0
        elif not np.isnan(course.ends[woman]):
            diluted[woman, course.days > course.ends[woman]] = np.nan
    return diluted
