"""Virtual women drawn from the tables, one random stream a woman, and the filter of the plausible.

A woman's stream depends on the seed and on her number only, so her draws are the same in every batch, and the same
women can be simulated with and without a regimen: paired.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, Philox, SeedSequence

from decidua.errors import OutsideLimits
from decidua.knowledge import Fact, rows, table
from decidua.simulation.forcing import FloatArray
from decidua.simulation.model import core
from decidua.simulation.trajectory import Outcome, Trajectory
from decidua.simulation.women import Women

_DRUG_SOURCES = ("GC", "IVIG", "HCQ", "aT")
LOWEST, HIGHEST = 0.05, 20.0
"""Folds of the reference woman's rest between which a woman's cells and cytokines must stay."""


@dataclass(frozen=True, slots=True)
class Plausibility:
    """Which of the women drawn are plausible, and why the others are not.

    Attributes
    ----------
    kept : tuple of int
        Numbers of the plausible.
    rejected : mapping of str to int
        Reason -> how many, each woman under the first that applies.
    """

    kept: tuple[int, ...]
    rejected: dict[str, int]

    @property
    def rejected_share(self) -> float:
        """Share of the women drawn that were rejected."""
        lost = sum(self.rejected.values())
        return lost / (lost + len(self.kept))


@dataclass(frozen=True, slots=True)
class _Spread:
    """How one parameter differs between women, by a standard normal number."""

    parameter: str
    centre: float
    spread: float
    logarithmic: bool

    def value(self, z: FloatArray) -> FloatArray:
        return self.centre * np.exp(self.spread * z) if self.logarithmic else self.centre + self.spread * z


def draw(count: int, seed: int, *, first: int = 0, losses: bool = False) -> Women:
    """Draw virtual women.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        Of the population.
    first : int
        Number of the first: women 100 to 199 are the same whether drawn alone or with others.
    losses : bool
        Whether a pregnancy is lost where its cumulative hazard reaches the woman's own exponential draw.

    Returns
    -------
    Women
        With their own shifts, gains, turnovers, kinetics, implantation day and frailty.

    Raises
    ------
    OutsideLimits
        For a count, seed or first number that is no whole number in range.
    """
    for name, value, least in (("count", count, 1), ("seed", seed, 0), ("first", first, 0)):
        if type(value) is not int or value < least:
            raise OutsideLimits(f"{name} = {value!r} is no whole number of {least} or more.")
    spreads = _spreads()
    facts = rows("population")
    days, weights = _implantation(facts)
    frailty = next(f for f in facts if f["distribution"] == "beta")
    a, b = float(frailty["centre"]), float(frailty["spread"])
    z = np.empty((count, len(spreads)))
    day, risk, limit = np.empty(count), np.empty(count), np.empty(count)
    for k in range(count):
        stream = Generator(Philox(SeedSequence(seed, spawn_key=(first + k,))))
        stream.standard_normal(out=z[k])
        day[k] = days[int(np.searchsorted(weights, stream.random(), side="right"))]
        limit[k] = stream.standard_exponential()
        risk[k] = stream.beta(a, b) * (a + b) / a
    values = {spread.parameter: spread.value(z[:, k]) for k, spread in enumerate(spreads)}
    values |= {"t_imp": day, frailty.key: risk}
    return Women.alike(count, **values, **({"loss_at": limit} if losses else {}))


def _implantation(facts: tuple[Fact, ...]) -> tuple[FloatArray, FloatArray]:
    weighted = [f for f in facts if f["distribution"] == "weight"]
    shares = np.cumsum([float(f["spread"]) for f in weighted])
    return np.array([float(f["centre"]) for f in weighted]), shares / shares[-1]


def _spreads() -> tuple[_Spread, ...]:
    parameters = core().parameters
    found: list[_Spread] = []
    scales = {f.key: float(f["centre"]) for f in rows("population") if f["distribution"] == "scaled"}
    for key, gain in table("gains").items():
        sd = gain.number("sd") or 0.0
        if gain["kind"] == "turnover":
            found.append(_Spread(key, parameters[key], sd, True))
        else:
            of_drug = gain["source"] in _DRUG_SOURCES
            found.append(
                _Spread(key, parameters[key], sd * scales[f"gains of {'a drug' if of_drug else 'the body'}"], False)
            )
    found += [
        _Spread(f.key, parameters[f.key], float(f["spread"]), f["distribution"] == "lognormal")
        for f in rows("population")
        if f["distribution"] in ("normal", "lognormal") and f.key in parameters
    ]
    return tuple(found)


def plausible(women: Women, course: Trajectory) -> Plausibility:
    """Tell the plausible women from the others.

    Parameters
    ----------
    women : Women
        As drawn.
    course : Trajectory
        Of these women, untreated; every cell and cytokine that it holds is judged.

    Returns
    -------
    Plausibility
        Kept: every state within `LOWEST` to `HIGHEST` folds of rest, birth from 24 weeks to the longest pregnancy.

    Raises
    ------
    OutsideLimits
        Where the trajectory is of another number of women, or was simulated under a regimen.
    """
    if len(course.outcomes) != women.count:
        raise OutsideLimits("this trajectory is of other women.", remedy="Simulate the women who are judged.")
    if course.regimen != "none":
        raise OutsideLimits("women are judged untreated.", remedy="Simulate them without a regimen.")
    outputs = core().outputs
    judged = [k for k, name in enumerate(course.names) if outputs[name].logarithm]
    limits = table("model_constants")
    earliest, latest = (float(limits[key]["value"]) for key in ("birth_from", "birth_to"))
    kept: list[int] = []
    rejected: dict[str, int] = {}
    for woman in range(women.count):
        reason = _reason(course, woman, judged, earliest, latest)
        if reason:
            rejected[reason] = rejected.get(reason, 0) + 1
        else:
            kept.append(woman)
    return Plausibility(tuple(kept), rejected)


def _reason(course: Trajectory, woman: int, judged: list[int], earliest: float, latest: float) -> str:
    outcome, end = course.outcomes[woman], course.ends[woman]
    if outcome is Outcome.FAILED:
        return Outcome.FAILED.value
    levels = course.values[woman][:, judged]
    if levels.size and levels.min() < LOWEST:
        return "a state falls below its range"
    if levels.size and levels.max() > HIGHEST:
        return "a state rises above its range"
    if outcome in (Outcome.BIRTH_PRETERM, Outcome.BIRTH_TERM) and end < earliest:
        return "birth too early"
    ongoing = outcome is Outcome.ONGOING and course.days[-1] >= latest
    if ongoing or (outcome is Outcome.BIRTH_TERM and end > latest):
        return "birth too late"
    return ""
