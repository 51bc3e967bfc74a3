"""Specific lysis at each effector:target ratio, and what a drug takes from it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from decidua.cytotoxicity.noise import DRAWS, FloatArray, Group, Noise, group_of, noise_of
from decidua.cytotoxicity.tubes import Assay, Drug, SampleTubes, Tube, TubeSet
from decidua.errors import BrokenCounts
from decidua.knowledge import constant
from decidua.measurement import Censoring, Draws, LogNormal, Quantity

_TAIL = 0.025
_Z95 = 1.959963984540054
_CV_MOST = 2.0  # beyond it the results table takes no CV


@dataclass(frozen=True, slots=True)
class LysisPoint:
    """Specific lysis at one effector:target ratio.

    Attributes
    ----------
    effector_target : float
        Effectors per target.
    replicates : tuple of float
        Specific lysis of each tube [%].
    lysis : Quantity
        Of their mean [%].
    flags : tuple of str
        ``replicates_apart`` where they disagree.
    """

    effector_target: float
    replicates: tuple[float, ...]
    lysis: Quantity
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """The lysis of one sample under one drug and dose, or without any.

    Attributes
    ----------
    drug : Drug or None
        None without drug.
    spontaneous : Quantity
        Death of the targets alone [% of targets, or of the maximal release].
    points : tuple of LysisPoint
        Highest effector:target ratio first.
    flags : tuple of str
        Of the spontaneous death.
    """

    drug: Drug | None
    spontaneous: Quantity
    points: tuple[LysisPoint, ...]
    flags: tuple[str, ...]

    @property
    def is_void(self) -> bool:
        """Whether too many targets died alone for any number to be given."""
        return "spontaneous_death_void" in self.flags


@dataclass(frozen=True, slots=True)
class Inhibition:
    """What a drug takes from the lysis at one effector:target ratio.

    Attributes
    ----------
    drug : Drug
        With its dose.
    effector_target : float
        Effectors per target.
    ratio : Quantity
        Lysis with the drug over lysis without [1]; the interval is that of its logarithm, both from the same draws.
    percent : Quantity
        100 (1 - ratio) [%]; negative where the drug adds to the lysis.
    flags : tuple of str
        Of both conditions.
    """

    drug: Drug
    effector_target: float
    ratio: Quantity
    percent: Quantity
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LysisDraws:
    """Specific lysis of one condition as fractions.

    Attributes
    ----------
    ratios : float array [ratio]
        Effectors per target, highest first.
    observed : float array [ratio]
        From the means of the tubes.
    draws : float array [draw, ratio]
        What it may have been.
    weights : float array [ratio]
        Reciprocal of the variance of each mean, summing to 1; the targets alone are left out, being common to all.
    condition : Condition
        The same for people.
    """

    ratios: FloatArray
    observed: FloatArray
    draws: FloatArray
    weights: FloatArray
    condition: Condition


def lysis_of(tubes: SampleTubes, assay: Assay, *, file: str) -> tuple[LysisDraws, ...]:
    """Compute the specific lysis of one sample, without drug first.

    Flow: (D_test - D_alone) / (1 - D_alone); 51Cr: (ER - SR) / (MR - SR).

    Parameters
    ----------
    tubes : SampleTubes
        Of one sample.
    assay : Assay
        Flow or 51Cr.
    file : str
        For the error and the key of the shared error.

    Returns
    -------
    tuple of LysisDraws
        One a condition; equal tubes give equal draws.

    Raises
    ------
    BrokenCounts
        Where the targets alone are as dead as targets can be.
    BrokenKnowledge
        Where a constant of the room is missing.
    """
    rng = np.random.default_rng(_seed(tubes))
    sets = (tubes.without_drug, *tubes.with_drugs)
    alone = [group_of(s.alone) for s in sets]
    tests = [[group_of(t, a.signal) for t in s.tests.values()] for s, a in zip(sets, alone, strict=True)]
    top = group_of(tubes.lysed) if assay is Assay.RELEASE else None
    for s, a in zip(sets, alone, strict=True):
        _refuse_dead(s, a.signal, top.signal if top else 1.0, file)
    noise = noise_of([*alone, *(g for groups in tests for g in groups), *([top] if top else [])], rng)
    ends = (top.signal, noise.redraw(top, rng)) if top else (1.0, np.ones(DRAWS))
    return tuple(
        _condition(s, a, groups, ends, noise, rng, f"{file}|{tubes.sample}|{s.drug or ''}|targets_alone")
        for s, a, groups in zip(sets, alone, tests, strict=True)
    )


def inhibition_of(without: LysisDraws, drugged: LysisDraws) -> tuple[Inhibition, ...]:
    """Compare the lysis with and without a drug at each effector:target ratio both have.

    Parameters
    ----------
    without, drugged : LysisDraws
        Of one sample, drawn together.

    Returns
    -------
    tuple of Inhibition
        Highest ratio first; undetermined where the lysis without drug is not above zero.
    """
    found = []
    drug = drugged.condition.drug
    for i, point in enumerate(drugged.condition.points):
        where = np.flatnonzero(without.ratios == point.effector_target)
        if drug is None or where.size == 0:
            continue
        j = int(where[0])
        ratio = ratio_of(
            (float(drugged.observed[i]), drugged.draws[:, i]), (float(without.observed[j]), without.draws[:, j])
        )
        flags = {
            *without.condition.flags,
            *without.condition.points[j].flags,
            *drugged.condition.flags,
            *point.flags,
        }
        found.append(Inhibition(drug, point.effector_target, ratio, _percent_taken(ratio), tuple(sorted(flags))))
    return tuple(found)


def ratio_of(drugged: tuple[float, FloatArray], without: tuple[float, FloatArray]) -> Quantity:
    """Divide two lyses that were drawn together.

    Parameters
    ----------
    drugged, without : tuple of float and float array [draw]
        Observed lysis and its draws.

    Returns
    -------
    Quantity
        Determined where less than 2.5 % of the draws without drug are at or below zero; else one-sided where the
        lysis with the drug is above zero, else undetermined.
    """
    (value, over), (base, under) = drugged, without
    positive = under > 0
    quotients = np.full(under.size, np.inf)
    quotients[positive] = np.maximum(over[positive], 0.0) / under[positive]
    lower, upper = (float(q) for q in np.quantile(quotients, (_TAIL, 1 - _TAIL), method="inverted_cdf"))
    if positive.mean() > 1 - _TAIL and base > 0:
        return Quantity(max(value, 0.0) / base, "1", lower, upper, uncertainty=_uncertainty(quotients, lower, upper))
    if (over > 0).mean() > 1 - _TAIL:
        return Quantity(lower, "1", lower, None, Censoring.ABOVE)
    return Quantity(None, "1", censored=Censoring.UNDETERMINED)


def quantity_of(value: float, draws: FloatArray, unit: str, shared: str = "") -> Quantity:
    """State a value with the 95 % interval of its draws.

    Parameters
    ----------
    value : float
        In `unit`.
    draws : float array [draw]
        In `unit`.
    unit : str
        Key of `knowledge/units.csv`.
    shared : str
        Key of an error shared with others.

    Returns
    -------
    Quantity
        With a CV where the interval lies above zero, else with the draws themselves.
    """
    lower, upper = (float(q) for q in np.quantile(draws, (_TAIL, 1 - _TAIL)))
    return Quantity(
        value, unit, min(lower, value), max(upper, value), Censoring.NONE, _uncertainty(draws, lower, upper), shared
    )


def _condition(
    tubes: TubeSet,
    alone: Group,
    tests: list[Group],
    ends: tuple[float, FloatArray],
    noise: Noise,
    rng: np.random.Generator,
    shared: str,
) -> LysisDraws:
    top, drawn_top = ends
    bottom = noise.redraw(alone, rng)
    span = drawn_top - bottom
    draws = np.stack([(noise.redraw(group, rng) - bottom) / span for group in tests], axis=1)
    observed = np.array([(group.signal - alone.signal) / (top - alone.signal) for group in tests])
    weights = np.array([group.n / noise.variance(group) for group in tests])
    spontaneous = quantity_of(100 * alone.signal / top, 100 * bottom / drawn_top, "%", shared)
    points = tuple(
        _point(ratio, replicates, (top, alone.signal), float(observed[i]), draws[:, i], shared)
        for i, (ratio, replicates) in enumerate(tubes.tests.items())
    )
    return LysisDraws(
        np.array(list(tubes.tests)),
        observed,
        draws,
        weights / weights.sum(),
        Condition(tubes.drug, spontaneous, points, _spontaneous_flags(spontaneous)),
    )


def _point(
    ratio: float,
    replicates: tuple[Tube, ...],
    ends: tuple[float, float],
    observed: float,
    draws: FloatArray,
    shared: str,
) -> LysisPoint:
    top, bottom = ends
    each = tuple(100 * (tube.signal - bottom) / (top - bottom) for tube in replicates)
    apart = round(max(each) - min(each), 9)
    relative = 100 * apart / abs(100 * observed) if observed else math.inf
    is_apart = apart > constant("replicates_apart_points") and relative > constant("replicates_apart_relative")
    flags = ("replicates_apart",) if is_apart else ()
    return LysisPoint(ratio, each, quantity_of(100 * observed, 100 * draws, "%", shared), flags)


def _spontaneous_flags(spontaneous: Quantity) -> tuple[str, ...]:
    share = round(spontaneous.value or 0.0, 9)
    if share > constant("spontaneous_death_void"):
        return ("spontaneous_death_void",)
    return ("spontaneous_death_high",) if share > constant("spontaneous_death_flag") else ()


def _refuse_dead(tubes: TubeSet, alone: float, top: float, file: str) -> None:
    if alone >= top:
        raise BrokenCounts(
            f"targets alone ({alone:g}) are as dead as targets can be ({top:g}).",
            file=file,
            place=tubes.alone[0].place,
            remedy="Check the roles of the rows; if they are right, the assay failed and is to be repeated.",
        )


def _percent_taken(ratio: Quantity) -> Quantity:
    """Turn a ratio into 100 (1 - ratio): its limits change places, and so does its censoring."""

    def taken(part: float | None) -> float | None:
        return None if part is None else 100 * (1 - part)

    censored = Censoring.BELOW if ratio.censored is Censoring.ABOVE else ratio.censored
    return Quantity(taken(ratio.value), "%", taken(ratio.upper), taken(ratio.lower), censored)


def _uncertainty(draws: FloatArray, lower: float, upper: float) -> LogNormal | Draws | None:
    if lower > 0 and math.isfinite(upper):
        log_sd = math.log(upper / lower) / (2 * _Z95)
        cv = math.sqrt(math.expm1(log_sd**2))
        if cv < _CV_MOST:
            return LogNormal(cv)
    return Draws(draws) if bool(np.isfinite(draws).all()) else None


def _seed(tubes: SampleTubes) -> int:
    """Seed from the tubes themselves, whatever their order in the file, so that two samples share no errors."""
    sets = (tubes.without_drug, *tubes.with_drugs)
    every = [
        *tubes.lysed,
        *(t for s in sets for t in s.alone),
        *(t for s in sets for ts in s.tests.values() for t in ts),
    ]
    text = "\n".join(
        sorted(f"{t.role}|{t.effector_target}|{t.drug}|{t.replicate}|{t.reading!r}|{t.targets}" for t in every)
    )
    return int.from_bytes(hashlib.sha256(f"{tubes.sample}\n{text}".encode()).digest()[:8], "big")
