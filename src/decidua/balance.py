"""Join the results of one visit into a profile: axes, named ratios, NK number and NK activity apart.

In: `Measurement`s of one visit. Out: `Profile`. May import: measurement, statistics, knowledge, errors.
Sources: axis membership and ratios are rows of `knowledge/analytes.csv`, `populations.csv`, `ratios.csv`.
Start reading at `profile`.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from decidua.knowledge import Fact, fact, label, table
from decidua.measurement import (
    Censoring,
    Draws,
    JointCounts,
    LogNormal,
    Measurement,
    PairedCounts,
    Quantity,
    Status,
    VisitKey,
    status_of,
)
from decidua.measurement.nouns import IntArray
from decidua.statistics import (
    BooleanCounts,
    Interval,
    Outcome,
    RatioBasis,
    RatioInterval,
    net_share_interval,
    ratio_of_draws,
    ratio_of_intervals,
    ratio_of_joint_counts,
    ratio_of_separate_counts,
)

AXES = ("Th1", "Th2", "Th17", "Treg")


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One result as a coordinate of an axis.

    Attributes
    ----------
    axis : str
        One of `AXES`, ``NK number`` or ``NK activity``.
    compartment : str
        T helper, cytotoxic T, NK, blood, or the fluid or tissue.
    doubt : str
        Why the membership may be questioned; empty where it is not.
    """

    axis: str
    compartment: str
    measurement: Measurement
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A named ratio with both its terms.

    Attributes
    ----------
    id, label : str
        Row of `knowledge/ratios.csv`.
    numerator, denominator : Measurement
        The terms, kept.
    result : Measurement
        The ratio as a measurand of its own: determined, one-sided (censored above its lower bound) or
        undetermined.
    p_denominator_absent : float
        Posterior probability that the denominator is not above its background.
    joint : bool
        Whether joint counts of both markers were used.
    """

    id: str
    label: str
    numerator: Measurement
    denominator: Measurement
    result: Measurement
    p_denominator_absent: float
    joint: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """What one visit shows.

    Attributes
    ----------
    key : VisitKey
        The visit.
    coordinates : tuple of Coordinate
        Th1, Th2, Th17 and Treg by compartment.
    ratios : tuple of Ratio
        Named ratios of this visit.
    nk_number, nk_activity : tuple of Coordinate
        Two separate axes that are never merged.
    """

    key: VisitKey
    coordinates: tuple[Coordinate, ...]
    ratios: tuple[Ratio, ...]
    nk_number: tuple[Coordinate, ...]
    nk_activity: tuple[Coordinate, ...]


def profile(key: VisitKey, measurements: Iterable[Measurement]) -> Profile:
    """Join the results of one visit.

    Parameters
    ----------
    key : VisitKey
        The visit.
    measurements : iterable of Measurement
        Its results; those of other visits are an error of the caller and are left out.

    Returns
    -------
    Profile
        Coordinates by axis and compartment, named ratios, NK number and activity apart.
    """
    mine = [m for m in measurements if m.key == key]
    coordinates = [c for m in mine if (c := coordinate(m)) is not None]
    return Profile(
        key=key,
        coordinates=tuple(c for c in coordinates if c.axis in AXES),
        ratios=tuple(named_ratios(mine)),
        nk_number=tuple(c for c in coordinates if c.axis == "NK number"),
        nk_activity=tuple(c for c in coordinates if c.axis == "NK activity"),
    )


def coordinate(m: Measurement) -> Coordinate | None:
    """Tell on which axis a result stands.

    Parameters
    ----------
    m : Measurement
        A share, count, concentration, lysis or activity.

    Returns
    -------
    Coordinate or None
        None where the knowledge tables put it on no axis, and for ratios.
    """
    what = m.measurand
    if what.quantity == "ratio":
        return None
    if what.quantity in ("lysis", "lytic_units", "activity"):
        return Coordinate("NK activity", "NK", m)
    if what.quantity == "concentration":
        analyte = fact("analytes", what.numerator)
        if analyte is None or not analyte["axis"]:
            return None
        return Coordinate(analyte["axis"], label("materials", what.material), m, analyte["axis_doubt"])
    population = fact("populations", _bare(what.numerator))
    if population is not None:
        axis = population["axis"]
        return Coordinate(axis, population["compartment"], m, population["note"]) if axis else None
    analyte = fact("analytes", what.numerator.rstrip("+"))
    parent = fact("populations", _bare(what.parent))
    if analyte is None or parent is None or not analyte["axis"]:
        return None
    axis = analyte["axis"]
    if axis == "NK activity" and parent["lineage"] != "NK":
        return None
    return Coordinate(axis, parent["compartment"], m, analyte["axis_doubt"])


def named_ratios(measurements: list[Measurement]) -> list[Ratio]:
    """Form every named ratio whose two terms are there and may be divided.

    Parameters
    ----------
    measurements : list of Measurement
        Results of one visit.

    Returns
    -------
    list of Ratio
        In the order of `knowledge/ratios.csv`.
    """
    shares = [m for m in measurements if m.measurand.quantity == "share" and m.quantity.value is not None]
    shares += _quadrants(shares)
    found = []
    for named in table("ratios").values():
        for numerator in shares:
            if numerator.measurand.numerator != named["numerator"] or not _allows(named, numerator):
                continue
            partners = [m for m in shares if _divides(named, numerator, m)]
            if len(partners) == 1:
                found.append(divide(named, numerator, partners[0]))
    return found


def _quadrants(shares: list[Measurement]) -> list[Measurement]:
    """Give the single-positive shares that named ratios ask for and joint counts hold.

    Finished quadrant shares of the sheet stand as they are.
    """
    found = []
    given = {m.measurand for m in shares}
    for named in table("ratios").values():
        first = _QUADRANT.fullmatch(named["numerator"])
        if first is None:
            continue
        for m in shares:
            joint = m.quantity.joint
            if joint is None or m.measurand.with_fields(numerator=named["numerator"]) in given:
                continue
            if m.measurand.numerator == f"{first[1]}+" and first[2] in joint.markers:
                cells = _single_positives(joint, first[1], first[2], named)
                found += [_quadrant(m, cells, named[term]) for term in ("numerator", "denominator")]
    return found


_QUADRANT = re.compile(r"(\w+)\+(\w+)-")


def _single_positives(joint: JointCounts, first: str, second: str, named: Fact) -> JointCounts:
    """Count the two single-positive quadrants as two markers that no cell carries both of."""

    def part(cells: BooleanCounts) -> IntArray:
        rest = cells.both + cells.neither
        return np.array([rest, cells.denominator_only, cells.numerator_only, 0])

    stimulated, control = joint.fourfold(first, second)
    names = (_marker(named["numerator"]), _marker(named["denominator"]))
    return JointCounts(names, part(stimulated), None if control is None else part(control))


def _quadrant(m: Measurement, cells: JointCounts, numerator: str) -> Measurement:
    counts = cells.positive(_marker(numerator))
    share = net_share_interval(counts)
    value, lower, upper = (100 * bound for bound in (share.value, share.lower, share.upper))
    quantity = replace(m.quantity, value=value, lower=lower, upper=upper, uncertainty=counts, joint=cells)
    return replace(m, measurand=m.measurand.with_fields(numerator=numerator), quantity=quantity)


def _marker(numerator: str) -> str:
    return numerator.removesuffix("+")


def _bare(population: str) -> str:
    return population.partition("[")[0]


def _allows(named: Fact, m: Measurement) -> bool:
    return _bare(m.measurand.parent) in named.codes("parents")


def _divides(named: Fact, numerator: Measurement, m: Measurement) -> bool:
    if m.measurand.numerator != named["denominator"]:
        return False
    if named["same_tube"] == "yes":
        alike = numerator.measurand.with_fields(numerator=m.measurand.numerator)
        return alike.mismatch(m.measurand) is None and numerator.specimen == m.specimen and numerator.run == m.run
    ours, theirs = numerator.measurand, m.measurand
    same = ("material", "sample_age_class", "laboratory")
    return _allows(named, m) and all(getattr(ours, name) == getattr(theirs, name) for name in same)


def divide(named: Fact, numerator: Measurement, denominator: Measurement) -> Ratio:
    """Divide two results of one visit.

    Parameters
    ----------
    named : Fact
        Row of `knowledge/ratios.csv`.
    numerator, denominator : Measurement
        Its terms, with a value each.

    Returns
    -------
    Ratio
        Determined, one-sided or not determined; exact where joint counts of the same cells are there.
    """
    measurand = numerator.measurand.with_fields(quantity="ratio", denominator=denominator.measurand.numerator)
    seed = hashlib.sha256(f"{numerator.key}|{measurand.id}|{numerator.source.place}".encode()).digest()[:8]
    rng = np.random.default_rng(int.from_bytes(seed, "big"))
    interval = _interval(numerator, denominator, named["same_tube"] == "yes", rng)
    flags = {*numerator.flags, *denominator.flags}
    if interval is None:
        point = _point(numerator, denominator)
        outcome, p_absent, basis = Outcome.DETERMINED, math.nan, None
        quantity = Quantity(point, "1", censored=Censoring.NONE if point is not None else Censoring.UNDETERMINED)
        flags.add("no_interval")
    else:
        outcome, p_absent, basis = interval.outcome, interval.p_denominator_not_positive, interval.basis
        quantity = _quantity(interval, numerator)
    flags |= (
        {
            RatioBasis.MARGINS_ONLY: {"independent_margins"},
            RatioBasis.SEPARATE_CELLS: {"different_tubes"},
        }.get(basis, set())
        if basis
        else set()
    )
    one_sided = "upper_bound" if quantity.censored is Censoring.BELOW else "one_sided"
    flags |= {Outcome.ONE_SIDED: {one_sided}, Outcome.NOT_DETERMINED: {"not_determined"}}.get(outcome, set())
    ordered = tuple(f for f in table("flags") if f in flags)
    result = replace(
        numerator,
        measurand=measurand,
        quantity=quantity,
        flags=ordered,
        status=Status.FLAG if Status.FLAG in (numerator.status, denominator.status) else status_of(ordered),
        method=_METHODS.get(basis, "quotient without interval") if basis else "quotient without interval",
    )
    return Ratio(named.key, named["label"], numerator, denominator, result, p_absent, basis is RatioBasis.JOINT_COUNTS)


_METHODS = {
    RatioBasis.JOINT_COUNTS: "Dirichlet posterior of the joint counts, Fieller set",
    RatioBasis.MARGINS_ONLY: "independent Beta posteriors, Fieller set",
    RatioBasis.SEPARATE_CELLS: "independent Beta posteriors of two tubes, Fieller set",
    RatioBasis.DRAWS: "draws of both terms, Fieller set",
    RatioBasis.INTERVALS: "intervals of both terms, MOVER on logs",
}


def _interval(
    numerator: Measurement, denominator: Measurement, same_cells: bool, rng: np.random.Generator
) -> RatioInterval | None:
    a, b = numerator.quantity, denominator.quantity
    first, second = _marker(numerator.measurand.numerator), _marker(denominator.measurand.numerator)
    if a.joint is not None and a.joint is b.joint:
        return ratio_of_joint_counts(*a.joint.fourfold(first, second), rng)
    if isinstance(a.uncertainty, PairedCounts) and isinstance(b.uncertainty, PairedCounts):
        return ratio_of_separate_counts(a.uncertainty, b.uncertainty, rng, same_cells=same_cells)
    if isinstance(a.uncertainty, Draws) and isinstance(b.uncertainty, Draws):
        return ratio_of_draws(a.uncertainty.values, b.uncertainty.values)
    terms = _as_interval(a), _as_interval(b)
    if terms[0] is None or terms[1] is None:
        return None
    return ratio_of_intervals(terms[0], terms[1])


def _as_interval(quantity: Quantity) -> Interval | None:
    value, lower, upper = quantity.value, quantity.lower, quantity.upper
    if value is None:
        return None
    if quantity.censored is Censoring.BELOW:
        return Interval(value, 0.0, value)
    if quantity.censored is Censoring.ABOVE:
        return Interval(value, value, math.inf)
    if lower is None or upper is None or value <= 0 or lower < 0:
        return None
    return Interval(value, lower, upper)


def _point(numerator: Measurement, denominator: Measurement) -> float | None:
    a, b = numerator.quantity.value, denominator.quantity.value
    return a / b if a is not None and b is not None and b > 0 else None


def _quantity(interval: RatioInterval, numerator: Measurement) -> Quantity:
    shared = numerator.quantity.shared_error
    if interval.outcome is Outcome.NOT_DETERMINED:
        return Quantity(None, "1", censored=Censoring.UNDETERMINED, shared_error=shared)
    if interval.outcome is Outcome.ONE_SIDED and interval.lower is None:
        return Quantity(interval.upper, "1", None, interval.upper, Censoring.BELOW, shared_error=shared)
    if interval.outcome is Outcome.ONE_SIDED:
        return Quantity(interval.lower, "1", interval.lower, None, Censoring.ABOVE, shared_error=shared)
    lower, upper = interval.lower, interval.upper
    cv = None
    if lower is not None and upper is not None and lower > 0:
        log_sd = math.log(upper / lower) / (2 * _Z95)
        cv = LogNormal(math.sqrt(math.expm1(log_sd**2)))
    return Quantity(interval.point, "1", lower, upper, uncertainty=cv, shared_error=shared)


_Z95 = 1.959963984540054
