"""One sample's killing series as a whole: lysis, curve, inhibition."""

from __future__ import annotations

from dataclasses import dataclass

from decidua.cytotoxicity.curve import CurveModel, KillingCurve, curve_of, lytic_unit
from decidua.cytotoxicity.lysis import Condition, Inhibition, inhibition_of, lysis_of
from decidua.cytotoxicity.tubes import Assay, KillingTable, SampleTubes, tubes_of
from decidua.measurement import Source


@dataclass(frozen=True, slots=True)
class KillingSeries:
    """What one sample's tubes show: how many NK cells, and, apart from it, how they kill.

    Attributes
    ----------
    sample : str
        As the sheet names it.
    assay : Assay
        Flow or 51Cr.
    source : Source
        The killing table.
    nk_share : float or None
        NK cells among live effectors, 0-1: number, never multiplied into the activity.
    targets_per_tube : float or None
        Targets put into each tube [cells].
    percent : float
        Lysis that defines the lytic unit [%].
    model : CurveModel
        Shape of the curve.
    without_drug : Condition
        Lysis at each effector:target ratio.
    curve : KillingCurve or None
        None where the series is void.
    with_drugs : tuple of Condition
        Lysis with each drug and dose.
    inhibitions : tuple of Inhibition
        Of each drug at each ratio it shares with the tubes without.
    flags : tuple of str
        Of the series as a whole.
    """

    sample: str
    assay: Assay
    source: Source
    nk_share: float | None
    targets_per_tube: float | None
    percent: float
    model: CurveModel
    without_drug: Condition
    curve: KillingCurve | None
    with_drugs: tuple[Condition, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    flags: tuple[str, ...] = ()


def killing_series(
    table: KillingTable, sample: str, *, percent: float = 10.0, model: CurveModel = CurveModel.EXPONENTIAL
) -> KillingSeries:
    """Compute everything one sample's tubes show.

    Parameters
    ----------
    table : KillingTable
        What was read.
    sample : str
        A sample of the table, exactly as printed.
    percent : float
        Lysis that defines the lytic unit [%].
    model : CurveModel
        Shape of the curve.

    Returns
    -------
    KillingSeries
        Raw lysis at every ratio, the curve, lytic units, activity and inhibition.

    Raises
    ------
    BrokenCounts
        Where the table has no such sample, tubes are missing, fewer than two ratios were run without drug, or the
        targets alone are as dead as targets can be.
    OutsideLimits
        Where there is no lytic unit at `percent`.
    BrokenKnowledge
        Where a constant of the room is missing.
    """
    lytic_unit(percent)
    tubes = tubes_of(table, sample)
    lysis = lysis_of(tubes, table.assay, file=table.file)
    without = lysis[0]
    nk_share, targets = table.nk_share.get(sample), table.targets_per_tube.get(sample)
    curve = None
    if not without.condition.is_void:
        curve = curve_of(without, model=model, percent=percent, targets_per_tube=targets, nk_share=nk_share)
    inhibitions = [i for drugged in lysis[1:] for i in inhibition_of(without, drugged)]
    return KillingSeries(
        sample,
        table.assay,
        Source(table.file, table.sha256, f"sample {sample}"),
        nk_share,
        targets,
        percent,
        model,
        without.condition,
        curve,
        tuple(drugged.condition for drugged in lysis[1:]),
        tuple(inhibitions),
        ("no_replicates",) if _is_single(tubes) else (),
    )


def _is_single(tubes: SampleTubes) -> bool:
    sets = (tubes.without_drug, *tubes.with_drugs)
    kinds = [tubes.lysed, *(s.alone for s in sets), *(like for s in sets for like in s.tests.values())]
    return all(len(kind) <= 1 for kind in kinds)
