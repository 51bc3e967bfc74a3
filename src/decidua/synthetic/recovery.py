"""What was recovered of a made study's truth: coverage of intervals, planted women, traps named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from decidua.measurement import Censoring, Measurement, PairedCounts, Quantity, Status
from decidua.reporting.findings import StudyFindings, VisitFindings
from decidua.synthetic.draw import FAILED, NEXT_DAY, TREATED
from decidua.synthetic.truth import TrueValue, Truth
from decidua.synthetic.women import CONTROL_SUBJECT
from decidua.timeline.placement import Placement

SURELY = 0.9
"""Probability of lying outside the central 95 % that counts as outside [1]."""

FEW, MANY = 10, 100
_OUTCOMES = {
    Censoring.NONE: "determined",
    Censoring.ABOVE: "one-sided",
    Censoring.BELOW: "one-sided",
    Censoring.UNDETERMINED: "not determined",
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many 95 % intervals of a kind and stratum hold the truth; results without one are counted apart."""

    kind: str
    stratum: str
    intervals: int
    covered: int
    without_interval: int = 0

    @property
    def share(self) -> float:
        """Covered over intervals [fraction]; NaN where there is none."""
        return self.covered / self.intervals if self.intervals else float("nan")


@dataclass(frozen=True, slots=True)
class Miss:
    """An interval that does not hold the truth, or a value for which no result was found (`found` None)."""

    true: TrueValue
    found: Quantity | None


@dataclass(frozen=True, slots=True)
class PlantedValue:
    """Whether a planted value was placed outside, and surely on its own side; None where it was not placed at all."""

    true: TrueValue
    outside: bool | None
    own_side: bool | None


@dataclass(frozen=True, slots=True)
class TrapFinding:
    """Whether a trap of the bench was named, instead of printed as a result like any other."""

    subject: str
    visit: str
    trap: str
    named: bool


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was recovered.

    Attributes
    ----------
    coverage : tuple of Coverage
        By kind and stratum.
    misses : tuple of Miss
        Intervals that do not hold the truth.
    not_found : tuple of Miss
        True values of the women for which there was no result.
    planted : tuple of PlantedValue
        A row a planted value and visit.
    false_outside : tuple of TrueValue
        Values of ordinary women, on the axes where some are planted, that were placed outside.
    traps : tuple of TrapFinding
        A row a trap and visit.
    """

    coverage: tuple[Coverage, ...]
    misses: tuple[Miss, ...]
    not_found: tuple[Miss, ...]
    planted: tuple[PlantedValue, ...]
    false_outside: tuple[TrueValue, ...]
    traps: tuple[TrapFinding, ...]


def compare(truth: Truth, findings: StudyFindings) -> Recovery:
    """Hold what was found against what was planted.

    Parameters
    ----------
    truth : Truth
        Of the made study.
    findings : StudyFindings
        What the pipeline found in it.

    Returns
    -------
    Recovery
        Tubes that failed or came a day late are left out of the coverage: their truth cannot be found.
    """
    visits = {(v.visit.key.subject, v.visit.key.visit): v for v in findings.visits}
    results = {_key(m): m for v in findings.visits for m in v.measurements}
    placed = {_key(p.measurement): p for v in findings.visits for p in v.placements}
    sound = [value for value in truth.values if value.trap not in (FAILED, NEXT_DAY)]
    held = [(value, results[value.key]) for value in sound if value.key in results]
    on_axis = {(value.quantity, value.numerator, value.parent) for value in truth.values if value.axis}
    ordinary = [v for v in sound if not v.axis and (v.quantity, v.numerator, v.parent) in on_axis and not v.denominator]
    return Recovery(
        coverage=_coverage(held),
        misses=tuple(
            Miss(v, m.quantity) for v, m in held if _has_interval(m.quantity) and not holds(m.quantity, v.value)
        ),
        not_found=tuple(Miss(v, None) for v in sound if v.key not in results and v.subject != CONTROL_SUBJECT),
        planted=tuple(_planted(value, placed.get(value.key)) for value in sound if value.axis),
        false_outside=tuple(v for v in ordinary if v.key in placed and is_outside(placed[v.key])),
        traps=tuple(
            TrapFinding(subject, visit, trap, _named(trap, visits.get((subject, visit)), findings))
            for subject, visit, trap in truth.traps()
        ),
    )


def holds(quantity: Quantity, true: float) -> bool:
    """Tell whether a result's interval, or its limit where censored, holds a value.

    Parameters
    ----------
    quantity : Quantity
        The result.
    true : float
        The value, in the same unit.

    Returns
    -------
    bool
        For a limit below or above: whether the value lies on that side.
    """
    lower = quantity.value if quantity.censored is Censoring.ABOVE and quantity.lower is None else quantity.lower
    upper = quantity.value if quantity.censored is Censoring.BELOW and quantity.upper is None else quantity.upper
    return (lower is None or lower <= true) and (upper is None or true <= upper)


def is_outside(placement: Placement) -> bool:
    """Tell whether a placement stands outside.

    Parameters
    ----------
    placement : Placement
        Against a curve, or among the women themselves.

    Returns
    -------
    bool
        Surely outside the central 95 %; where there is no curve, beyond all the women.
    """
    if placement.p_outside is not None:
        return placement.p_outside > SURELY
    return bool(placement.outside_women)


def _key(m: Measurement) -> tuple[str, ...]:
    what = m.measurand
    return m.key.subject, m.key.visit, what.quantity, what.numerator, what.parent, what.denominator


def _has_interval(quantity: Quantity) -> bool:
    stated = quantity.lower is not None or quantity.upper is not None
    return stated or quantity.censored in (Censoring.BELOW, Censoring.ABOVE)


def _coverage(held: Sequence[tuple[TrueValue, Measurement]]) -> tuple[Coverage, ...]:
    groups: dict[tuple[str, str], list[tuple[bool, bool]]] = defaultdict(list)
    for value, m in held:
        if m.status in (Status.VOID, Status.FAILED):
            continue
        found = _has_interval(m.quantity), holds(m.quantity, value.value)
        groups[value.kind, _stratum(value, m)].append(found)
    return tuple(
        Coverage(
            *(kind, stratum, sum(interval for interval, _ in found), sum(all(pair) for pair in found)),
            without_interval=sum(not interval for interval, _ in found),
        )
        for (kind, stratum), found in sorted(groups.items())
    )


def _stratum(value: TrueValue, m: Measurement) -> str:
    if value.kind == "share" and isinstance(m.quantity.uncertainty, PairedCounts):
        expected = value.value / 100 * m.quantity.uncertainty.n_parent
        return f"< {FEW} responders" if expected < FEW else f"{FEW}-{MANY}" if expected <= MANY else f"> {MANY}"
    if value.kind == "killing":
        return value.quantity
    return "" if value.kind == "population" else _OUTCOMES[m.quantity.censored]


def _planted(value: TrueValue, placement: Placement | None) -> PlantedValue:
    if placement is None or placement.not_placeable:
        return PlantedValue(value, None, None)
    high = value.score is not None and value.score > 0
    end = placement.z_lower if high else placement.z_upper
    return PlantedValue(value, is_outside(placement), None if end is None else (end > 0) is high)


def _named(trap: str, visit: VisitFindings | None, findings: StudyFindings) -> bool:
    if visit is None:
        return True
    cultured = [m for m in visit.measurements if m.measurand.stimulus not in ("none", "k562")]
    if trap == TREATED:
        return all("under_treatment" in m.flags for m in visit.measurements) and _unplaced(visit.placements)
    silent = all(m.status in (Status.VOID, Status.FAILED) for m in cultured)
    late = all("too_late" in m.flags for m in cultured)
    return silent and (trap == FAILED or late or not cultured)


def _unplaced(placements: Iterable[Placement]) -> bool:
    return all(p.not_placeable for p in placements)
