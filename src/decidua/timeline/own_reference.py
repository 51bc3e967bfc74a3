"""The laboratory's own reference from its own controls: as much as the number of women allows, and no more.

Below 20 women of a phase the women themselves; from 20 also the trial of a borrowed interval; from 40 robust limits;
from 120 limits without assumptions. Beside them a curve over gestation, which fewer than 40 women leave indicative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from decidua.errors import BrokenStudy, DecidualError, OutsideLimits
from decidua.knowledge import table
from decidua.measurement import IDENTITY_FIELDS, Measurand, Moment
from decidua.statistics import (
    Interval,
    ReferenceLimits,
    Verification,
    nonparametric_reference,
    robust_reference,
    verify_interval,
)
from decidua.statistics.reference_limits import FEWEST_NONPARAMETRIC, FEWEST_ROBUST, VERIFIERS
from decidua.timeline.centiles import FittedLMS, fit_lms
from decidua.timeline.references import Reference

DOTS, VERIFIED, ROBUST, NONPARAMETRIC = "women", "borrowed interval", "robust", "non-parametric"

ReferenceRow = dict[str, str | int | float]


@dataclass(frozen=True, slots=True)
class Control:
    """One value of one healthy woman of the laboratory.

    Attributes
    ----------
    woman : str
        Her pseudonym.
    moment : Moment
        When she was seen.
    value : float
        In the unit of the reference.
    """

    woman: str
    moment: Moment
    value: float


@dataclass(frozen=True, slots=True)
class Description:
    """What every row of a reference says of itself.

    Attributes
    ----------
    name : str
        First part of its ids.
    measurand : Measurand
        What was measured, with the laboratory.
    unit : str
        Key of `knowledge/units.csv`.
    population, source, licence : str
        Which women, where written down, and on what terms.
    """

    name: str
    measurand: Measurand
    unit: str
    population: str
    source: str
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Rung:
    """How far up the ladder the controls of one phase reach.

    Attributes
    ----------
    phase : str
        Key of `knowledge/phases.csv`.
    n_women : int
        Women with a value in it.
    basis : str
        `DOTS`, `VERIFIED`, `ROBUST` or `NONPARAMETRIC`.
    limits : ReferenceLimits or None
        From 40 women.
    verification : Verification or None
        Of a borrowed interval, from 20 women to 39.
    """

    phase: str
    n_women: int
    basis: str
    limits: ReferenceLimits | None = None
    verification: Verification | None = None


@dataclass(frozen=True, slots=True)
class OwnReference:
    """The laboratory's own reference.

    Attributes
    ----------
    rungs : tuple of Rung
        By phase, in the order of `knowledge/phases.csv`.
    rows : tuple of dict
        Rows of the study's `references.csv`; cells left out are empty.
    no_curve : str
        Why there is no curve over gestation; empty where there is one.
    """

    rungs: tuple[Rung, ...]
    rows: tuple[ReferenceRow, ...]
    no_curve: str


def build_reference(
    controls: Sequence[Control],
    about: Description,
    rng: np.random.Generator,
    *,
    borrowed: Reference | None = None,
) -> OwnReference:
    """Build the reference that a laboratory's own controls allow.

    Parameters
    ----------
    controls : sequence of Control
        In the order they were measured; of several values of a woman in one phase the first counts for limits, and
        all of them for the curve.
    about : Description
        Measurand, unit, population and source.
    rng : numpy.random.Generator
        Seeded by the caller, for the intervals of robust limits.
    borrowed : Reference or None
        An interval of the same measurand by another laboratory, to be verified.

    Returns
    -------
    OwnReference
        Rungs, and rows for `references.csv`.

    Raises
    ------
    BrokenStudy
        There is no control or no source, a control has no phase, or the unit is not known.
    NotComparable
        The borrowed reference is of another measurand.
    OutsideLimits
        The borrowed reference is no interval or of another unit, a value is not finite, or most values of a phase
        are equal.

    Sources
    -------
    EP28, Horn1998, ColeGreen1992
    """
    _check(controls, about, borrowed)
    by_phase = _first_values(controls)
    rungs = tuple(_rung(phase, values, rng, borrowed) for phase, values in by_phase.items())
    rows = [row for rung in rungs for row in _rung_rows(rung, by_phase[rung.phase], about, borrowed)]
    curve = _curve(controls)
    if isinstance(curve, str):
        return OwnReference(rungs, tuple(rows), curve)
    return OwnReference(rungs, (*rows, *_curve_rows(curve, about)), "")


def _check(controls: Sequence[Control], about: Description, borrowed: Reference | None) -> None:
    if not controls or not about.source:
        raise BrokenStudy(f"a reference without {'source' if controls else 'controls'}.", place=about.name)
    if about.unit not in table("units"):
        raise BrokenStudy(f"unknown unit {about.unit!r}.", place=about.name)
    for control in controls:
        if control.moment.phase not in table("phases") or control.moment.phase == "unknown":
            raise BrokenStudy(f"control {control.woman} is in no phase.", place=about.name, remedy="Date her visit.")
        if not np.isfinite(control.value):
            raise OutsideLimits(f"The value of control {control.woman} is not finite.", place=about.name)
    if borrowed is None:
        return
    borrowed.measurand.with_fields(laboratory=about.measurand.laboratory).require_same(about.measurand)
    if borrowed.kind != "interval" or borrowed.unit != about.unit:
        raise OutsideLimits(
            f"{borrowed.id} is {borrowed.kind} in {borrowed.unit}, not an interval in {about.unit}.",
            place="borrowed",
            remedy="Borrow an interval of the same measurand in the same unit.",
        )


def _first_values(controls: Sequence[Control]) -> dict[str, list[Control]]:
    first: dict[tuple[str, str], Control] = {}
    for control in controls:
        first.setdefault((control.moment.phase, control.woman), control)
    present = {control.moment.phase for control in controls}
    return {p: [c for (phase, _), c in first.items() if phase == p] for p in table("phases") if p in present}


def _rung(phase: str, women: list[Control], rng: np.random.Generator, borrowed: Reference | None) -> Rung:
    n, values = len(women), np.array([c.value for c in women])
    if n >= FEWEST_NONPARAMETRIC:
        return Rung(phase, n, NONPARAMETRIC, nonparametric_reference(values))
    if n >= FEWEST_ROBUST:
        return Rung(phase, n, ROBUST, _robust(values, rng))
    if n < VERIFIERS or borrowed is None or phase not in borrowed.limits:
        return Rung(phase, n, DOTS)
    tried = verify_interval(values, borrowed.limits[phase].low, borrowed.limits[phase].high)
    return Rung(phase, n, VERIFIED if tried.holds else DOTS, verification=tried)


def _robust(values: np.ndarray, rng: np.random.Generator) -> ReferenceLimits:
    # Shares, counts and concentrations are skewed: on their own scale the robust limits leave some 6 % above
    # and nobody below, on logarithms 2.5 % on either side.
    if np.any(values <= 0):
        return robust_reference(values, rng)
    found = robust_reference(np.log(values), rng)
    low, high = (Interval(*np.exp([i.value, i.lower, i.upper]).tolist()) for i in (found.low, found.high))
    return ReferenceLimits(low, high, found.n)


def _rung_rows(rung: Rung, women: list[Control], about: Description, borrowed: Reference | None) -> list[ReferenceRow]:
    name = f"{about.name}_{rung.phase}"
    shared = {**_identity(about), "phase": rung.phase, "n_women": rung.n_women}
    if rung.limits is not None:
        low, high = rung.limits.low, rung.limits.high
        limits = {
            "low": low.value, "low_lower": low.lower, "low_upper": low.upper,
            "high": high.value, "high_lower": high.lower, "high_upper": high.upper,
        }  # fmt: skip
        return [{**shared, **limits, "reference_id": f"{name}_interval", "kind": "interval", **_reach(women)}]
    rows = []
    if rung.basis == VERIFIED and borrowed is not None and rung.verification is not None:
        theirs, tried = borrowed.limits[rung.phase], rung.verification
        source = f"{borrowed.source}; verified: {tried.outside} of {tried.n} own women outside"
        rows = [
            {**shared, "reference_id": f"{name}_borrowed", "kind": "interval", "low": theirs.low, "high": theirs.high,
             "n_women": borrowed.n_women, "population": borrowed.population, "source": source}
        ]  # fmt: skip
    for control in women:
        day = control.moment.gestational_day
        seen: ReferenceRow = {} if day is None else {"gestational_day": day}
        rows.append(
            {
                **shared,
                "reference_id": f"{name}_women",
                "kind": "values",
                "woman": control.woman,
                "value": control.value,
                **seen,
            }
        )
    return rows


def _reach(women: list[Control]) -> ReferenceRow:
    days = [c.moment.phase_day for c in women if c.moment.phase_day is not None]
    return {"phase_day_from": min(days), "phase_day_to": max(days)} if days else {}


def _identity(about: Description) -> ReferenceRow:
    identity = dict(zip(IDENTITY_FIELDS, about.measurand.values, strict=True))
    return {
        **identity, "unit": about.unit, "population": about.population, "treatment_free": "yes",
        "source": about.source, "licence": about.licence,
    }  # fmt: skip


def _curve(controls: Sequence[Control]) -> FittedLMS | str:
    dated = [(c.moment.gestational_day, c.value, c.woman) for c in controls if c.moment.gestational_day is not None]
    if not dated:
        return "no control is dated within a pregnancy."
    days, values, women = zip(*dated, strict=True)
    try:
        return fit_lms(days, values, women)
    except DecidualError as error:
        return error.message


def _curve_rows(fit: FittedLMS, about: Description) -> list[ReferenceRow]:
    shared = {**_identity(about), "reference_id": f"{about.name}_curve", "kind": "lms", "n_women": fit.n_women}
    names = ("L", "M", "S", "se_L", "se_lnM", "se_lnS")
    return [
        {**shared, "gestational_day": int(day), **{name: float(f"{getattr(fit, name)[i]:.6g}") for name in names}}
        for i, day in enumerate(fit.gestational_day)
    ]
