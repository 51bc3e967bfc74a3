"""What a killing series gives to the rest: identities, units, flags, and number apart from activity."""

from __future__ import annotations

from dataclasses import replace

import pytest

from decidua.cytotoxicity import Assay, CurveModel, Drug, KillingTable, Role, killing_series, measurements
from decidua.knowledge import fact
from decidua.measurement import Censoring, LogNormal, Measurement, Specimen, Status, VisitKey
from decidua.measurement.table import from_table, to_frame
from decidua.tables import read_table
from killing_tables import flow, release, table, tubes

TESTS = {50.0: (4300, 4350), 25.0: (3350, 3300), 12.5: (2400, 2450)}
DRUG = Drug("IVIG", 2.0, "mg/mL")


def stated(made: KillingTable, model: CurveModel = CurveModel.EXPONENTIAL) -> dict[str, Measurement]:
    found = measurements(
        killing_series(made, "S", model=model),
        VisitKey("W7", "V1"),
        Specimen("A1", "pbmc"),
        laboratory="LAB1",
        sample_age_class="fresh",
        hours=4.0,
        run="R1",
    )
    names = [f"{m.measurand.numerator}.{m.measurand.quantity}" for m in found]
    assert len(set(names)) == len(names)
    return dict(zip(names, found, strict=True))


def drugged(alone: tuple[int, ...] = (500, 520)) -> KillingTable:
    rows = [*flow(TESTS, (500, 520)).tubes, *tubes(Role.ALONE, alone, targets=10_000, drug=DRUG)]
    return table([*rows, *tubes(Role.TEST, (2500, 2550), ratio=50.0, targets=10_000, drug=DRUG)], Assay.FLOW)


def test_every_measurand_in_its_unit() -> None:
    units = {name: m.quantity.unit for name, m in stated(drugged()).items()}
    assert units == {
        "K562@50:1.lysis": "%",
        "K562@25:1.lysis": "%",
        "K562@12.5:1.lysis": "%",
        "K562.lytic_units": "{LU10}/10*7",
        "NK.activity": "1",
        "NK.share": "%",
        "K562@50:1+IVIG 2 mg/mL.lysis": "%",
        "K562@50:1+IVIG 2 mg/mL.ratio": "1",
    }
    assert all(fact("units", unit) for unit in units.values())


def test_identity_of_a_lysis() -> None:
    found = stated(flow(TESTS, (500, 520)))["K562@25:1.lysis"]
    assert found.measurand.values == (
        "lysis", "K562@25:1", "", "", "pbmc", "fresh", "k562", "4", "none", "subtracted", "", "flow", "", "LAB1",
    )  # fmt: skip
    assert (found.key, found.specimen, found.run) == (VisitKey("W7", "V1"), "A1", "R1")
    assert (found.source.file, found.source.place) == ("made.csv", "sample S")
    assert (found.status, found.flags) == (Status.OK, ())
    assert found.method


def test_assay_and_level_and_curve_are_part_of_the_identity() -> None:
    flow_units = stated(flow(TESTS, (500, 520)))["K562.lytic_units"].measurand
    logistic = stated(flow(TESTS, (500, 520)), CurveModel.LOGISTIC)["K562.lytic_units"].measurand
    cpm = release({x: tuple(10 * d for d in dead) for x, dead in TESTS.items()}, (5000, 5200), (100_000, 101_000))
    released = stated(cpm)["K562.lytic_units"].measurand
    assert flow_units.threshold == "lysis_10_exponential"
    assert flow_units.mismatch(logistic) == "threshold: lysis_10_exponential, lysis_10_logistic"
    assert flow_units.mismatch(released) == "platform: flow, 51Cr"


def test_number_and_activity_stay_apart() -> None:
    few, many = (stated(flow(TESTS, (500, 520), nk_share=share)) for share in (0.1, 0.2))
    assert (few["NK.share"].quantity.value, many["NK.share"].quantity.value) == (10.0, 20.0)
    assert few["K562.lytic_units"].quantity == many["K562.lytic_units"].quantity
    assert few["NK.activity"].quantity.value == pytest.approx(2 * (many["NK.activity"].quantity.value or 0))
    assert few["NK.share"].flags == ("no_interval", "measurement_error_not_stated")


def test_logistic_curve_gives_no_activity() -> None:
    assert "NK.activity" not in stated(flow(TESTS, (500, 520)), CurveModel.LOGISTIC)


def test_missing_columns_void_what_needs_them() -> None:
    made = replace(flow(TESTS, (500, 520), nk_share=None), targets_per_tube={})
    found = stated(made)
    assert "NK.share" not in found
    for name, flag in (("NK.activity", "nk_share_not_stated"), ("K562.lytic_units", "targets_per_tube_not_stated")):
        assert (found[name].status, found[name].quantity.value, found[name].flags) == (Status.VOID, None, (flag,))
    assert found["K562@50:1.lysis"].status is Status.OK


def test_void_series_keeps_its_places_without_numbers() -> None:
    found = stated(flow(TESTS, (2100, 2100)))
    share = found.pop("NK.share")
    assert share.quantity.value == 12.0
    assert len(found) == 5
    for m in found.values():
        assert (m.status, m.flags) == (Status.VOID, ("spontaneous_death_void",))
        assert (m.quantity.value, m.quantity.lower, m.quantity.upper) == (None, None, None)


def test_void_drug_leaves_the_tubes_without_it() -> None:
    found = stated(drugged((2100, 2100)))
    assert found["K562@50:1+IVIG 2 mg/mL.lysis"].status is Status.VOID
    assert found["K562@50:1+IVIG 2 mg/mL.ratio"].status is Status.VOID
    assert found["K562@50:1.lysis"].status is Status.OK
    assert found["K562.lytic_units"].status is Status.OK


def test_flag_of_one_ratio_reaches_the_curve() -> None:
    found = stated(flow({**TESTS, 25.0: (3000, 3900)}, (500, 520)))
    assert found["K562@25:1.lysis"].flags == ("replicates_apart",)
    assert found["K562@50:1.lysis"].flags == ()
    assert "replicates_apart" in found["K562.lytic_units"].flags
    assert found["K562.lytic_units"].status is Status.FLAG


def test_ratio_names_both_terms() -> None:
    found = stated(drugged())["K562@50:1+IVIG 2 mg/mL.ratio"]
    assert (found.measurand.numerator, found.measurand.denominator) == ("K562@50:1+IVIG 2 mg/mL", "K562@50:1")
    assert isinstance(found.quantity.uncertainty, LogNormal)


def test_censored_lytic_units_pass_through_the_results_table(tmp_path) -> None:  # type: ignore[no-untyped-def]
    below = stated(flow({50.0: (800, 820), 25.0: (700, 690)}, (400, 410)))
    path = tmp_path / "finished.csv"
    to_frame(below.values(), {}).write_csv(path)
    read, refused = from_table(read_table(path), "LAB1")
    assert refused == []
    units = next(m for m in read if m.measurand.quantity == "lytic_units")
    assert (units.quantity.censored, units.quantity.value) == (Censoring.BELOW, 1e7 / (10_000 * 50))
    assert [m.measurand.id for m in read] == [m.measurand.id for m in below.values()]
