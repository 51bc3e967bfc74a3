"""Which day of which phase a visit falls on; exactly one phase, never a negative number of days."""

from __future__ import annotations

from collections.abc import Iterable

from decidua.errors import Ambiguous, BrokenStudy, DecidualError
from decidua.knowledge import constant, fact, label, table
from decidua.measurement import GestationalAge, Instant, Measurement, Moment, Pregnancy, Visit

LABOUR = ("preterm_labour", "term_labour")


def moment(visit: Visit) -> Moment:
    """Place a visit on the timeline.

    Parameters
    ----------
    visit : Visit
        With its day and its pregnancy's dating and end.

    Returns
    -------
    Moment
        Phase `unknown` where the visit states no dating at all.

    Raises
    ------
    BrokenStudy
        Where a dating is stated but gives no day: no collection time, a negative age, or an age beyond
        the longest pregnancy without its end.
    Ambiguous
        Where two datings disagree, or a stated phase clashes with the dating.
    """
    pregnancy = visit.pregnancy
    if pregnancy is None or not (pregnancy.datings or pregnancy.ended):
        return Moment(visit.stated_phase or "unknown", method="stated" if visit.stated_phase else "")
    if visit.day is None:
        raise BrokenStudy(
            f"visit {visit.key} cannot be dated: no time of collection.", place="collected", remedy="State collected."
        )
    if pregnancy.ended is not None and visit.day.day >= pregnancy.ended.day:
        phase = "post_partum" if pregnancy.outcome.startswith("birth") else "after_loss"
        found = Moment(phase, None, visit.day.day - pregnancy.ended.day, "delivery" if phase == "post_partum" else "")
    elif not pregnancy.datings:
        return Moment(visit.stated_phase or "unknown", method="stated" if visit.stated_phase else "")
    else:
        found = _dated(visit, visit.day, pregnancy)
    return _with_stated_phase(visit, found)


def _dated(visit: Visit, day: Instant, pregnancy: Pregnancy) -> Moment:
    ages = [(d, d.age_days + day.day - d.at.day) for d in pregnancy.datings]
    spread = max(age for _, age in ages) - min(age for _, age in ages)
    if spread > constant("dating_disagreement"):
        said = "; ".join(f"{label('datings', d.method)} {_age_text(age)}" for d, age in ages)
        raise Ambiguous(
            f"the datings of visit {visit.key} differ by {spread} days ({said}).",
            place="dating",
            remedy="Keep the dating that is trusted.",
        )
    best, age = min(ages, key=lambda pair: _sd(pair[0].method))
    if age < 0:
        raise BrokenStudy(
            f"visit {visit.key} lies {-age} days before the pregnancy it is dated by.",
            place="dating_at",
            remedy="Correct the dating, or give the visit the pregnancy it belongs to.",
        )
    if age > constant("longest_pregnancy"):
        raise BrokenStudy(
            f"visit {visit.key} would be {GestationalAge(age)} pregnant.",
            place="ended",
            remedy="State when and how the pregnancy ended.",
        )
    return Moment(phase_of(age), age, None, best.method, _sd(best.method))


def phase_of(gestational_day: int) -> str:
    """Return the phase of a gestational day.

    Parameters
    ----------
    gestational_day : int
        Days from the last period [d], 0 to the longest pregnancy.

    Returns
    -------
    str
        Key of `knowledge/phases.csv`; labour is never told by days.

    Raises
    ------
    BrokenStudy
        Where no phase holds that day.
    """
    for key, row in table("phases").items():
        first, last = row.number("from_day"), row.number("to_day")
        if row["kind"] == "phase" and first is not None and last is not None and first <= gestational_day <= last:
            return key
    raise BrokenStudy(f"no phase holds gestational day {gestational_day}.", place="gestational_day")


def _sd(method: str) -> float:
    found = fact("datings", method)
    sd = found.number("sd") if found else None
    return sd if sd is not None else float("inf")


def _age_text(age: int) -> str:
    return str(GestationalAge(age)) if age >= 0 else f"{age} days"


def _with_stated_phase(visit: Visit, found: Moment) -> Moment:
    stated = visit.stated_phase
    if not stated or stated == found.phase:
        return found
    day = found.gestational_day
    allowed = {"luteal": found.phase == "peri_implantation"}
    if day is not None:
        for name in LABOUR:
            row = fact("phases", name)
            bounds = (row.number("from_day"), row.number("to_day")) if row else (None, None)
            allowed[name] = bounds[0] is not None and bounds[1] is not None and bounds[0] <= day <= bounds[1]
    if not allowed.get(stated, False):
        raise Ambiguous(
            f"visit {visit.key} is stated as {label('phases', stated)} and dated to {label('phases', found.phase)}.",
            place="phase",
            remedy="Correct one of them.",
        )
    return Moment(stated, day, found.phase_day, found.method, found.sd_days)


def settle(visit: Visit, results: Iterable[Measurement]) -> tuple[Moment, list[Measurement], list[DecidualError]]:
    """Date a visit, with what its finished results state of their own moment.

    Parameters
    ----------
    visit : Visit
        From the sheet.
    results : iterable of Measurement
        Its results; finished ones may state phase and day.

    Returns
    -------
    tuple of Moment, list of Measurement and list of DecidualError
        The sheet's moment, or the one the results agree on where the sheet gives none; results that agree with
        it; an error for a visit that cannot be dated and for each result that contradicts the sheet.
    """
    mine = list(results)
    try:
        when = moment(visit)
    except DecidualError as error:
        return Moment(), mine, [error.within("samples.csv", f"visit {visit.key}")]
    stated = {m.stated for m in mine if m.stated is not None}
    if when.phase == "unknown" and len(stated) == 1:
        return next(iter(stated)), mine, []
    refused: list[DecidualError] = [
        Ambiguous(
            f"the result is stated for {m.stated.phase} {m.stated.age}, its visit is {when.phase} {when.age}.",
            file=m.source.file,
            place=m.source.place,
            remedy="Correct the dating, or leave phase and day of the result empty.",
        )
        for m in mine
        if m.stated is not None and not _agrees(m.stated, when)
    ]
    return when, [m for m in mine if m.stated is None or _agrees(m.stated, when)], refused


def _agrees(stated: Moment, when: Moment) -> bool:
    pairs = ((stated.gestational_day, when.gestational_day), (stated.phase_day, when.phase_day))
    return all(a is None or a == b for a, b in pairs) and stated.phase in ("unknown", when.phase)
