"""What the way of a specimen to the bench does to its results: class, flag or void."""

from __future__ import annotations

from dataclasses import dataclass

from decidua.knowledge import Fact, table
from decidua.measurement import Specimen, Status


@dataclass(frozen=True, slots=True)
class Judgement:
    """Sample-age class of a specimen for one assay, with status, flags and reason.

    Attributes
    ----------
    age_class : str
        ``fresh``, ``late``, ``acd_cold`` or ``not_stated``.
    status : Status
        `VOID` where no number may be given.
    flags : tuple of str
        Keys of `knowledge/flags.csv`.
    hours : float or None
        Draw to set-up, or to centrifugation for fluids [h].
    """

    age_class: str
    status: Status = Status.OK
    flags: tuple[str, ...] = ()
    hours: float | None = None


def judge(specimen: Specimen, assay: str) -> Judgement:
    """Judge a specimen for an assay by the limits of `knowledge/preanalytics.csv`.

    Parameters
    ----------
    specimen : Specimen
        Its material, times, storage and defects.
    assay : str
        ``ics``, ``killing``, ``phenotype`` or ``immunoassay``.

    Returns
    -------
    Judgement
        `not_stated` where a time is missing or no limit is known for this material.
    """
    rule = _rule(specimen, assay)
    end = specimen.spun if assay == "immunoassay" else specimen.set_up
    hours = end.hours_since(specimen.collected) if end and specimen.collected and end.timed else None
    if rule and set(specimen.defects) & set(rule.codes("refuses")):
        return Judgement("not_stated", Status.VOID, ("refused_specimen",), hours)
    if specimen.material == "blood_acd" and specimen.kept == "cold" and assay == "killing":
        return Judgement("acd_cold", hours=hours)
    if rule is None or hours is None:
        reason = "age_not_stated" if hours is None else "no_age_limit"
        return Judgement("not_stated", flags=(reason,), hours=hours)
    accept, late = rule.number("accept"), rule.number("flag")
    if accept is not None and hours <= accept:
        return Judgement("fresh", hours=hours)
    if late is not None and hours <= late:
        return Judgement("late", Status.FLAG, ("late",), hours)
    if rule["then"] == "void":
        return Judgement("late", Status.VOID, ("too_late",), hours)
    return Judgement("late", Status.FLAG, ("late",), hours)


def _rule(specimen: Specimen, assay: str) -> Fact | None:
    for rule in table("preanalytics").values():
        kept = specimen.kept or rule["kept"]
        if (rule["assay"], rule["material"], rule["kept"]) == (assay, specimen.material, kept):
            return rule
    return None
