"""A killing series as measurements: how many NK cells, and how they kill, side by side and never merged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from decidua.cytotoxicity.curve import CurveModel, lytic_unit
from decidua.cytotoxicity.lysis import Condition, Inhibition
from decidua.cytotoxicity.series import KillingSeries, killing_series
from decidua.cytotoxicity.table import read_killing
from decidua.cytotoxicity.tubes import Assay
from decidua.errors import Ambiguous, DecidualError
from decidua.knowledge import fact, table
from decidua.measurement import Measurand, Measurement, Quantity, Specimen, Status, VisitKey, status_of
from decidua.study import Judgement, SampleRow, Study, judge

TARGET = "K562"


def killing_results(
    study: Study, file: str, sheet_rows: Sequence[SampleRow]
) -> tuple[list[tuple[VisitKey, KillingSeries]], list[Measurement], list[DecidualError]]:
    """Compute the killing series of a study's table that the sheet gives to visits.

    Parameters
    ----------
    study : Study
        Specimens and laboratory.
    file : str
        The killing table.
    sheet_rows : sequence of SampleRow
        Rows of the sheet that name it; `sample` is a sample of the table.

    Returns
    -------
    tuple of list of (VisitKey, KillingSeries), list of Measurement and list of DecidualError
        Series and results by visit, and an error for each row that has none.

    Raises
    ------
    UnreadableFile, BrokenStudy, Ambiguous, BrokenCounts
        Where the table cannot be read.
    """
    table = read_killing(study.path(file), file=file)
    every: list[tuple[VisitKey, KillingSeries]] = []
    results: list[Measurement] = []
    refused: list[DecidualError] = []
    owners: dict[str, SampleRow] = {}
    for row in sheet_rows:
        try:
            first = owners.setdefault(row.sample, row)
            if first is not row:
                raise Ambiguous(
                    f"sample {row.sample!r} is given to {first.key} and to {row.key}.",
                    place=f"{first.place} and {row.place}",
                    remedy="Give it to one visit, once.",
                )
            series = killing_series(table, row.sample)
            specimen = study.specimens[row.key, row.specimen]
            verdict = judge(specimen, "killing")
            found = measurements(
                series, row.key, specimen, laboratory=study.laboratory, sample_age_class=verdict.age_class,
                hours=row.stimulus_h, run=row.run,
            )  # fmt: skip
            every.append((row.key, series))
            results += [_judged(m, verdict) for m in found]
        except DecidualError as error:
            refused.append(error.within("samples.csv", row.place))
    return every, results, refused


def _judged(m: Measurement, verdict: Judgement) -> Measurement:
    flags = (*m.flags, *(flag for flag in verdict.flags if flag not in m.flags))
    if verdict.status is not Status.VOID:
        status = m.status if m.status is Status.VOID else status_of(flags)
        return replace(m, flags=flags, status=status)
    empty = Quantity(None, m.quantity.unit, shared_error=m.quantity.shared_error)
    return replace(m, flags=flags, status=Status.VOID, quantity=empty)


def measurements(
    series: KillingSeries,
    key: VisitKey,
    specimen: Specimen,
    *,
    laboratory: str,
    sample_age_class: str = "not_stated",
    hours: float | None = None,
    run: str = "",
) -> list[Measurement]:
    """State a killing series as measurements: lysis at each ratio, lytic units, activity and NK share, never merged.

    Parameters
    ----------
    series : KillingSeries
        Of one sample.
    key : VisitKey
        The visit it belongs to.
    specimen : Specimen
        Its material is part of every identity.
    laboratory : str
        The study's laboratory.
    sample_age_class : str
        ``fresh``, ``late``, ``acd_cold`` or ``not_stated``.
    hours : float, optional
        Effectors with targets [h].
    run : str
        Ties the series to its control person.

    Returns
    -------
    list of Measurement
        Lysis without drug, lytic units, activity per NK cell (exponential curve only), NK share; then for each drug
        its lysis and the ratio to the lysis without. A void result keeps its place without a number.
    """
    identity = Measurand(
        "lysis",
        TARGET,
        material=specimen.material,
        sample_age_class=sample_age_class,
        stimulus="k562",
        stimulus_h=hours,
        background="subtracted",
        platform=series.assay.value,
        laboratory=laboratory,
    )
    blank = Measurement(key, identity, Quantity(None, "%"), specimen.id, run, source=series.source)
    found = [*_lysis(blank, series, series.without_drug), _lytic_units(blank, series)]
    if series.model is CurveModel.EXPONENTIAL:
        found.append(_activity(blank, series))
    if series.nk_share is not None:
        found.append(_nk_share(blank, series.nk_share))
    for condition in series.with_drugs:
        found += _lysis(blank, series, condition)
        found += [_ratio(blank, series, i) for i in series.inhibitions if i.drug == condition.drug]
    return found


def _lysis(blank: Measurement, series: KillingSeries, condition: Condition) -> list[Measurement]:
    how = "dead share of targets" if series.assay is Assay.FLOW else "release of 51Cr, of the maximal release,"
    return [
        _stated(
            blank,
            blank.measurand.with_fields(numerator=_tube(point.effector_target, condition)),
            point.lysis,
            (*series.flags, *condition.flags, *point.flags),
            f"{how} above that of targets alone",
        )
        for point in condition.points
    ]


def _tube(effector_target: float, condition: Condition) -> str:
    return f"{TARGET}@{effector_target:g}:1" + (f"+{condition.drug}" if condition.drug else "")


def _lytic_units(blank: Measurement, series: KillingSeries) -> Measurement:
    measurand = blank.measurand.with_fields(
        quantity="lytic_units", threshold=f"lysis_{series.percent:g}_{series.model.value}"
    )
    units = series.curve.lytic_units if series.curve else None
    missing = ("targets_per_tube_not_stated",) if series.targets_per_tube is None else ()
    return _stated(
        blank,
        measurand,
        units or Quantity(None, lytic_unit(series.percent)),
        (*_curve_flags(series), *missing),
        f"effectors that kill {series.percent:g} % of targets, {series.model.value} curve weighted by the errors",
    )


def _activity(blank: Measurement, series: KillingSeries) -> Measurement:
    measurand = blank.measurand.with_fields(quantity="activity", numerator="NK", threshold=series.model.value)
    activity = series.curve.activity if series.curve else None
    missing = ("nk_share_not_stated",) if series.nk_share is None else ()
    return _stated(
        blank,
        measurand,
        activity or Quantity(None, "1"),
        (*_curve_flags(series), *missing),
        "rate k of the exponential curve for one NK cell per target",
    )


def _nk_share(blank: Measurement, nk_share: float) -> Measurement:
    measurand = Measurand(
        "share",
        "NK",
        "live_effectors",
        material=blank.measurand.material,
        sample_age_class=blank.measurand.sample_age_class,
        background="not_subtracted",
        laboratory=blank.measurand.laboratory,
    )
    flags = ("no_interval", "measurement_error_not_stated")
    return _stated(blank, measurand, Quantity(100 * nk_share, "%"), flags, "as stated in the killing table")


def _ratio(blank: Measurement, series: KillingSeries, inhibition: Inhibition) -> Measurement:
    plain = f"{TARGET}@{inhibition.effector_target:g}:1"
    return _stated(
        blank,
        blank.measurand.with_fields(quantity="ratio", numerator=f"{plain}+{inhibition.drug}", denominator=plain),
        inhibition.ratio,
        (*series.flags, *inhibition.flags),
        "lysis with the drug over lysis without, both from one draw of the tubes' errors",
    )


def _curve_flags(series: KillingSeries) -> tuple[str, ...]:
    points = (flag for point in series.without_drug.points for flag in point.flags)
    return (*series.flags, *series.without_drug.flags, *points, *(series.curve.flags if series.curve else ()))


def _stated(
    blank: Measurement, measurand: Measurand, quantity: Quantity, flags: Iterable[str], method: str
) -> Measurement:
    raised = set(flags)
    severities = {found["severity"] for flag in raised if (found := fact("flags", flag))}
    status = next((s for s in (Status.VOID, Status.FLAG) if s.value in severities), Status.OK)
    if status is Status.VOID:
        quantity = Quantity(None, quantity.unit)
    ordered = tuple(flag for flag in table("flags") if flag in raised)
    return replace(blank, measurand=measurand, quantity=quantity, status=status, flags=ordered, method=method)
