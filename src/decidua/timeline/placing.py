"""Place results against the references that fit, or say which field forbids it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from decidua.knowledge import constant, table
from decidua.measurement import Censoring, LogNormal, Measurement, Moment, PairedCounts, Status, Visit
from decidua.timeline.placement import Placement
from decidua.timeline.references import Reference
from decidua.timeline.standing import quantile, standing

_Z95 = 1.959963984540054


def place(measurement: Measurement, moment: Moment, visit: Visit, references: Sequence[Reference]) -> Placement:
    """Place one result.

    Parameters
    ----------
    measurement : Measurement
        The result.
    moment : Moment
        Where its visit stands.
    visit : Visit
        Its medicines decide whether it may be placed among untreated women.
    references : sequence of Reference
        The laboratory's own first: the first curve or interval that fits is used, and the women themselves with it;
        a curve from elsewhere is not used where the laboratory has women of its own.

    Returns
    -------
    Placement
        With z, centile and both intervals on a curve; with the limits alone where the reference is an interval;
        or with `not_placeable` as ``FIELD: ours, theirs``.
    """
    reason = _cannot(measurement, moment, visit)
    if reason:
        return Placement(measurement, moment, not_placeable=reason)
    fitting = [r for r in references if not _mismatch(measurement, r)]
    if not fitting:
        return Placement(measurement, moment, not_placeable=_nearest_mismatch(measurement, references))
    covering = [r for r in fitting if not r.covers(moment)]
    if not covering:
        return Placement(measurement, moment, fitting[0].id, not_placeable=fitting[0].covers(moment))
    first = next((r for r in covering if r.kind != "values"), None)
    women = next((r for r in covering if r.kind == "values"), None)
    if women is not None and (first is None or _yields(first, women, covering)):
        return _among(Placement(measurement, moment), women, moment)
    assert first is not None
    if first.kind == "interval":
        placed = _within(measurement, moment, first)
        return placed if women is None else replace(placed, women=women.women[moment.phase])
    placed = _on_curve(measurement, moment, first)
    return placed if women is None or women.source != first.source else _among(placed, women, moment)


def _cannot(m: Measurement, moment: Moment, visit: Visit) -> str:
    if m.status in (Status.VOID, Status.FAILED):
        return f"status: {m.status.value}, ok"
    if m.quantity.censored is not Censoring.NONE or m.quantity.value is None:
        return f"censored: {m.quantity.censored.value}, none"
    if moment.phase == "unknown":
        return "phase: not dated, a dated visit"
    taken = [d.drug for d in visit.medicines or () if immune_active(d.drug) is not False]
    if taken:
        return f"medicine: {', '.join(taken)}, none that acts on immune cells"
    return ""


def immune_active(drug: str) -> bool | None:
    """Tell whether a medicine acts on immune cells.

    Parameters
    ----------
    drug : str
        As the sheet states it.

    Returns
    -------
    bool or None
        None where `knowledge/medicines.csv` does not know it.
    """
    wanted = drug.casefold()
    for key, row in table("medicines").items():
        names = {key, row["label"].casefold(), *(s.casefold() for s in row.codes("synonyms"))}
        if wanted in names:
            return row["immune_active"] == "yes"
    return None


def _mismatch(m: Measurement, reference: Reference) -> str | None:
    found = m.measurand.mismatch(reference.measurand)
    if found is None and m.quantity.unit != reference.unit:
        return f"unit: {m.quantity.unit}, {reference.unit}"
    return found


def _nearest_mismatch(m: Measurement, references: Sequence[Reference]) -> str:
    same = [
        r
        for r in references
        if (r.measurand.quantity, r.measurand.numerator) == (m.measurand.quantity, m.measurand.numerator)
    ]
    if not same:
        return f"reference: {m.measurand.numerator}.{m.measurand.quantity}, none"
    return _mismatch(m, min(same, key=lambda r: _differences(m, r))) or ""


def _differences(m: Measurement, reference: Reference) -> int:
    ours, theirs = m.measurand.values, reference.measurand.values
    return sum(a != b for a, b in zip(ours, theirs, strict=True))


def _on_curve(m: Measurement, moment: Moment, reference: Reference) -> Placement:
    value = m.quantity.value
    point = reference.at(moment)
    if value is None or value <= 0:
        return Placement(m, moment, reference.id, not_placeable=f"value: {value}, above 0")
    found = standing(value, point, measurement_cv(m))
    low, median, high = (float(quantile(p, point.L, point.M, point.S)) for p in (0.025, 0.5, 0.975))
    return Placement(
        measurement=m,
        moment=moment,
        reference_id=reference.id,
        n_women=reference.n_women,
        population=reference.population,
        source=reference.source,
        licence=reference.licence,
        z=float(found.z),
        z_lower=float(found.z_lower),
        z_upper=float(found.z_upper),
        centile=float(found.centile),
        centile_lower=float(found.centile_lower),
        centile_upper=float(found.centile_upper),
        p_outside=None if found.p_outside is None else float(found.p_outside),
        low=low,
        median=median,
        high=high,
        indicative=reference.n_women < constant("dots_below"),
    )


def _yields(curve: Reference, women: Reference, covering: Sequence[Reference]) -> bool:
    """Tell whether a curve from elsewhere stands back behind the laboratory's own women, however few."""
    earlier = covering.index(women) < covering.index(curve)
    return earlier and curve.kind == "lms" and curve.source != women.source


def _within(m: Measurement, moment: Moment, reference: Reference) -> Placement:
    limits = reference.limits[moment.phase]
    return Placement(
        measurement=m,
        moment=moment,
        reference_id=reference.id,
        n_women=reference.n_women,
        population=reference.population,
        source=reference.source,
        licence=reference.licence,
        low=limits.low,
        high=limits.high,
        limits=limits,
        indicative=reference.n_women < constant("dots_below"),
    )


def _among(placed: Placement, reference: Reference, moment: Moment) -> Placement:
    return replace(
        placed,
        reference_id=placed.reference_id or reference.id,
        n_women=placed.n_women or len(reference.women[moment.phase].values),
        population=reference.population,
        source=reference.source,
        licence=reference.licence,
        women=reference.women[moment.phase],
    )


def measurement_cv(m: Measurement) -> float | None:
    """Return the coefficient of variation that counts or a stated CV give a result.

    Parameters
    ----------
    m : Measurement
        A result with a value.

    Returns
    -------
    float or None
        As a fraction; None where neither counts nor CV are stated, or its interval reaches zero.
    """
    stated = m.quantity.uncertainty
    if isinstance(stated, LogNormal):
        return stated.cv
    lower, upper = m.quantity.lower, m.quantity.upper
    if isinstance(stated, PairedCounts) and lower is not None and upper is not None and lower > 0:
        log_sd = math.log(upper / lower) / (2 * _Z95)
        return math.sqrt(math.expm1(log_sd**2))
    return None
