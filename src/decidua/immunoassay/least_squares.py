"""Many small nonlinear least-squares problems solved at once: Levenberg–Marquardt, the problem last on every axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

Family = Callable[[FloatArray, IndexArray], tuple[FloatArray, FloatArray]]
"""Parameters [parameter, problem] and the problems they belong to [problem] in; the weighted residuals
[observation, problem] and their derivatives [parameter, observation, problem] out."""

_STEP_TOLERANCE = 1e-10
_COST_TOLERANCE = 1e-14
_FIRST_DAMPING = 1e-3
_STUCK = 1e12


@dataclass(frozen=True, slots=True, eq=False)
class Solutions:
    """Where the search of each problem ended.

    Attributes
    ----------
    parameters : array [parameter, problem]
        The best found.
    cost : array [problem]
        Sum of squared weighted residuals there.
    converged : array [problem]
        Whether the search ended by itself, not at the limit of rounds.
    """

    parameters: FloatArray
    cost: FloatArray
    converged: BoolArray


@dataclass(slots=True)
class _Search:
    """The problems still searched; every array ends with the axis [problem]."""

    problem: IndexArray
    at: FloatArray
    cost: FloatArray
    normal: FloatArray
    gradient: FloatArray
    scale: FloatArray
    damping: FloatArray
    growth: FloatArray

    def keep(self, kept: BoolArray) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name)[..., kept])


@np.errstate(all="ignore")
def minimise(family: Family, start: FloatArray, *, rounds: int = 300) -> Solutions:
    """Minimise the sum of squares of every problem.

    Parameters
    ----------
    family : Family
        Residuals and derivatives of the problems asked for.
    start : array [parameter, problem]
        Where each search begins.
    rounds : int
        Most steps tried, refused ones among them.

    Returns
    -------
    Solutions
        In the order of `start`.

    Sources
    -------
    Marquardt1963 (the method), Nielsen1999 (the damping).
    """
    at = np.array(start, dtype=np.float64)
    count = at.shape[1]
    found = Solutions(at.copy(), np.full(count, np.inf), np.zeros(count, dtype=bool))
    search = _begin(family, at)
    for _ in range(rounds):
        step = _damped_step(search)
        promised = (step * (search.damping * search.scale * step - search.gradient)).sum(axis=0)
        done = _take(family, search, step, promised)
        if done.any():
            ended = search.problem[done]
            found.parameters[:, ended], found.cost[ended] = search.at[:, done], search.cost[done]
            found.converged[ended] = True
            search.keep(~done)
        if not search.problem.size:
            break
    found.parameters[:, search.problem], found.cost[search.problem] = search.at, search.cost
    return found


def normal_matrix(jacobian: FloatArray) -> FloatArray:
    """Multiply the transposed Jacobian of each problem by itself.

    Parameters
    ----------
    jacobian : array [parameter, observation, problem]
        Derivatives of the weighted residuals.

    Returns
    -------
    array [parameter, parameter, problem]
        Symmetric.
    """
    size = len(jacobian)
    normal = np.empty((size, size, jacobian.shape[2]))
    for i in range(size):
        for j in range(i + 1):
            normal[i, j] = normal[j, i] = np.einsum("mn,mn->n", jacobian[i], jacobian[j])
    return normal


def _begin(family: Family, at: FloatArray) -> _Search:
    problem = np.arange(at.shape[1])
    residual, jacobian = family(at, problem)
    normal = normal_matrix(jacobian)
    return _Search(
        problem,
        at,
        np.einsum("mn,mn->n", residual, residual),
        normal,
        np.einsum("pmn,mn->pn", jacobian, residual),
        _scales(normal),
        np.full(len(problem), _FIRST_DAMPING),
        np.full(len(problem), 2.0),
    )


def _scales(normal: FloatArray) -> FloatArray:
    diagonal = np.einsum("ppn->pn", normal)
    return np.asarray(np.maximum(diagonal, 1e-30 + 1e-12 * diagonal.max(axis=0)))


def _take(family: Family, search: _Search, step: FloatArray, promised: FloatArray) -> BoolArray:
    """Take the steps that lower the cost, adapt the damping, and say which searches have ended."""
    trial = search.at + step
    residual, jacobian = family(trial, search.problem)
    reached = np.einsum("mn,mn->n", residual, residual)
    better = reached < search.cost
    gain = np.where(better, (search.cost - reached) / promised, 0.0)
    eased = search.damping * np.clip(1 - (2 * gain - 1) ** 3, 1 / 3, 2.0)
    still = (np.abs(step) <= _STEP_TOLERANCE * (np.abs(search.at) + _STEP_TOLERANCE)).all(axis=0)
    done = still | (promised <= _COST_TOLERANCE * search.cost) | (search.damping > _STUCK)
    moved = np.flatnonzero(better)
    search.at[:, moved], search.cost[moved] = trial[:, moved], reached[moved]
    taken = jacobian if moved.size == better.size else jacobian[:, :, moved]
    search.normal[:, :, moved] = normal_matrix(taken)
    search.gradient[:, moved] = np.einsum("pmn,mn->pn", taken, residual[:, moved])
    search.scale = np.maximum(search.scale, _scales(search.normal))
    search.damping = np.where(better, eased, search.damping * search.growth)
    search.growth = np.where(better, 2.0, search.growth * 2.0)
    return np.asarray(done)


def _damped_step(search: _Search) -> FloatArray:
    """Solve (normal + damping scale) step = -gradient by Cholesky, element by element over all problems."""
    size = len(search.gradient)
    factor: list[list[FloatArray]] = [[] for _ in range(size)]
    step: list[FloatArray] = []
    for j in range(size):
        for i in range(j + 1):
            rest = search.normal[j, i] + (search.damping * search.scale[j] if i == j else 0.0)
            for k in range(i):
                rest = rest - factor[j][k] * factor[i][k]
            factor[j].append(np.sqrt(np.maximum(rest, 1e-300)) if i == j else rest / factor[i][i])
        known = -search.gradient[j]
        for k in range(j):
            known = known - factor[j][k] * step[k]
        step.append(known / factor[j][j])
    for j in reversed(range(size)):
        for k in range(j + 1, size):
            step[j] = step[j] - factor[k][j] * step[k]
        step[j] = step[j] / factor[j][j]
    return np.stack(step)
