"""Placement: which reference fits, which field forbids, and what may not be placed at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from decidua.measurement import (
    Censoring,
    Dose,
    LogNormal,
    Measurand,
    Measurement,
    Moment,
    Quantity,
    Status,
    Visit,
    VisitKey,
)
from decidua.tables import read_table
from decidua.timeline.placement import placement_line
from decidua.timeline.placing import immune_active, place
from decidua.timeline.references import Reference, built_in, own

KEY = VisitKey("W7", "V2")
VISIT = Visit(KEY)
T1 = Moment("first_trimester", 95)
NK = Measurement(
    KEY,
    Measurand("count", "NK", material="blood_edta", sample_age_class="fresh", laboratory="LAB1"),
    Quantity(182.0, "/uL", uncertainty=LogNormal(0.05)),
)
IFNG = Measurement(
    KEY,
    Measurand(
        "share", "IFNG+", "T_helper", material="blood_heparin", sample_age_class="fresh", stimulus="pma_ionomycin",
        stimulus_h=4, blocker="brefeldin_a", background="subtracted", threshold="drawn", laboratory="LAB1",
    ),
    Quantity(18.0, "%", 17.5, 18.5, uncertainty=LogNormal(0.02)),
)  # fmt: skip
HEADER = (
    "reference_id,kind,quantity,numerator,parent,material,sample_age_class,stimulus,stimulus_h,blocker,background,"
    "threshold,laboratory,phase,gestational_day,L,M,S,se_L,se_lnM,se_lnS,value,unit,n_women,source"
)
SHARE = "share,IFNG+,T_helper,blood_heparin,fresh,pma_ionomycin,4,brefeldin_a,subtracted,drawn,LAB1"


def references(tmp_path: Path, *lines: str) -> tuple[list[Reference], list[str]]:
    path = tmp_path / "references.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n", "utf-8")
    found, refused = own(read_table(path))
    return found, [str(e) for e in refused]


@pytest.fixture
def curve(tmp_path: Path) -> list[Reference]:
    rows = [f"c,lms,{SHARE},,{day},0,{m},.3,.05,.05,.05,,%,60,own controls" for day, m in ((60, 12), (120, 16))]
    found, refused = references(tmp_path, *rows)
    assert refused == []
    return found


def test_a_value_is_placed_between_the_days_of_a_curve(curve: list[Reference]) -> None:
    placed = place(IFNG, Moment("first_trimester", 90), VISIT, curve)
    assert placed.median == pytest.approx(14.0)
    assert placed.z is not None
    assert placed.z_lower is not None
    assert placed.z_lower < placed.z < placed.z_upper  # type: ignore[operator]
    assert not placed.indicative
    line = placement_line(placed)
    assert line["centile_lower"] < line["centile"] < line["centile_upper"]  # type: ignore[operator]
    assert line["estimand"] == "today"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("material", "blood_edta", "material: blood_edta, blood_heparin"),
        ("sample_age_class", "late", "sample_age_class: late, fresh"),
        ("stimulus", "cd3_cd28", "stimulus: cd3_cd28, pma_ionomycin"),
        ("stimulus_h", 6.0, "stimulus_h: 6, 4"),
        ("blocker", "monensin", "blocker: monensin, brefeldin_a"),
        ("laboratory", "LAB2", "laboratory: LAB2, LAB1"),
        ("parent", "CD4", "parent: CD4, T_helper"),
        ("background", "not_stated", "background: not_stated, subtracted"),
    ],
)
def test_the_field_that_forbids_is_named(curve: list[Reference], field: str, value: object, words: str) -> None:
    other = replace(IFNG, measurand=IFNG.measurand.with_fields(**{field: value}))  # type: ignore[arg-type]
    placed = place(other, T1, VISIT, curve)
    assert placed.not_placeable == words
    assert placed.z is None


def test_another_unit_is_named(curve: list[Reference]) -> None:
    other = replace(IFNG, quantity=Quantity(0.18, "1"))
    assert place(other, T1, VISIT, curve).not_placeable == "unit: 1, %"


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (Moment("third_trimester", 200), "gestational_day: 200, 60-120"),
        (Moment("post_partum", None, 30), "phase: post_partum, pregnancy"),
        (Moment(), "phase: not dated, a dated visit"),
    ],
)
def test_a_moment_outside_the_curve(curve: list[Reference], moment: Moment, words: str) -> None:
    assert place(IFNG, moment, VISIT, curve).not_placeable == words


def test_post_partum_is_placed_only_where_it_was_observed() -> None:
    post = [r for r in built_in() if r.id == "nk_count_apps2020"]
    first, last = post[0].phase_days["post_partum"]
    assert place(NK, Moment("post_partum", None, (first + last) // 2), VISIT, post).z is not None
    assert place(NK, Moment("post_partum", None, 3), VISIT, post).not_placeable == f"phase_day: 3, {first}-{last}"


def test_a_limit_is_not_placed(curve: list[Reference]) -> None:
    limit = replace(IFNG, quantity=Quantity(0.1, "%", censored=Censoring.BELOW))
    assert place(limit, T1, VISIT, curve).not_placeable == "censored: below, none"


def test_a_void_result_is_not_placed(curve: list[Reference]) -> None:
    void = replace(IFNG, status=Status.VOID, quantity=Quantity(None, "%"))
    assert place(void, T1, VISIT, curve).not_placeable == "status: void, ok"


def test_a_treated_woman_is_not_placed_among_the_untreated(curve: list[Reference]) -> None:
    treated = Visit(KEY, medicines=(Dose("prednisolone", "10 mg/d"),))
    assert place(IFNG, T1, treated, curve).not_placeable.startswith("medicine: prednisolone")
    harmless = Visit(KEY, medicines=(Dose("aspirin", "75 mg"),))
    assert place(IFNG, T1, harmless, curve).z is not None


def test_medicines_nobody_knows_are_not_taken_for_harmless(curve: list[Reference]) -> None:
    assert immune_active("Humira") is True
    assert immune_active("aspirin") is False
    assert immune_active("xyz") is None
    unknown = Visit(KEY, medicines=(Dose("xyz"),))
    assert place(IFNG, T1, unknown, curve).not_placeable.startswith("medicine: xyz")


def test_counts_of_standard_subsets_meet_the_open_cohort() -> None:
    placed = place(NK, Moment("first_trimester", 95), VISIT, built_in())
    assert placed.reference_id == "nk_count_apps2020"
    assert placed.n_women == 33
    assert placed.indicative
    heparin = replace(NK, measurand=NK.measurand.with_fields(material="blood_heparin"))
    assert place(heparin, T1, VISIT, built_in()).not_placeable == "material: blood_heparin, blood_edta"


def test_without_measurement_error_the_reference_error_stands_alone(curve: list[Reference]) -> None:
    bare = replace(IFNG, quantity=Quantity(18.0, "%"))
    known, alone = place(IFNG, T1, VISIT, curve), place(bare, T1, VISIT, curve)
    assert alone.z == known.z
    assert alone.z_upper < known.z_upper  # type: ignore[operator]
    assert alone.p_outside is None


def test_her_own_laboratory_comes_first(curve: list[Reference]) -> None:
    assert place(IFNG, T1, VISIT, [*curve, *built_in()]).reference_id == "c"


def test_a_curve_from_elsewhere_stands_back_behind_a_laboratorys_own_women(tmp_path: Path) -> None:
    nk = "count,NK,,blood_edta,fresh,none,,none,,,LAB1"
    women, refused = references(
        tmp_path, *(f"w,values,{nk},first_trimester,95,,,,,,,{v},/uL,12,own" for v in range(100, 112))
    )
    assert refused == []
    placed = place(NK, T1, VISIT, [*women, *built_in()])
    assert (placed.source, placed.z, placed.outside_women) == ("own", None, "above")
    elsewhere = place(NK, Moment("second_trimester", 120), VISIT, [*women, *built_in()])
    assert elsewhere.source == "Apps2020"
    assert elsewhere.z is not None
    assert elsewhere.women is None


def test_women_are_drawn_and_ranked(tmp_path: Path) -> None:
    rows = [f"w,values,{SHARE},first_trimester,{80 + v},,,,,,,{v},%,12,own controls" for v in range(8, 20)]
    found, refused = references(tmp_path, *rows)
    assert refused == []
    placed = place(IFNG, T1, VISIT, found)
    assert placed.women is not None
    assert (placed.women_below, placed.women.middle, placed.women.from_day) == (10, 13.5, 88)
    assert placed.outside_women == ""
    high = place(replace(IFNG, quantity=Quantity(25.0, "%")), T1, VISIT, found)
    assert high.outside_women == "above"
    low = place(replace(IFNG, quantity=Quantity(2.0, "%")), T1, VISIT, found)
    assert low.outside_women == "below"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"r,lms,{SHARE},,60,0,12,.3,.05,.05,.05,,%,,own", "without n_women"),
        (f"r,lms,{SHARE},,60,0,12,.3,.05,.05,.05,,%,60,", "without source"),
        (f"r,lms,{SHARE},,60,0,12,,.05,.05,.05,,%,60,own", "lacks L, M, S"),
        (f"r,lms,{SHARE},,60,0,-12,.3,.05,.05,.05,,%,60,own", "lacks L, M, S"),
        (f"r,lms,{SHARE},,,0,12,.3,.05,.05,.05,,%,60,own", "neither a day nor a phase"),
        (f"r,interval,{SHARE},first_trimester,,,,,,,,,%,60,own", "lacks a limit"),
        (f"r,interval,{SHARE},,60,,,,,,,,%,60,own", "phase of an interval is empty"),
        (f"r,interval,{SHARE},first_trimester,,,,,,,,,%,,own", "without n_women"),
        (f"r,interval,{SHARE},first_trimester,,,,,,,,,%,60,", "without source"),
        (f"r,curve,{SHARE},,60,,,,,,,,%,60,own", "unknown kind"),
        (f"r,values,{SHARE},,60,,,,,,,3,%,60,own", "phase is empty"),
        (f"r,lms,{SHARE},,60,0,12,.3,.05,.05,.05,,percent,60,own", "unknown unit"),
    ],
)
def test_a_bad_reference_is_refused_by_name_and_the_rest_is_used(tmp_path: Path, line: str, words: str) -> None:
    good = f"good,lms,{SHARE},,60,0,12,.3,.05,.05,.05,,%,60,own"
    found, refused = references(tmp_path, line, good)
    assert [r.id for r in found] == ["good"]
    assert len(refused) == 1
    assert words in refused[0]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((f"r,values,{SHARE},first_trimester,,,,,,,,3,%,60,own", f"r,values,{SHARE},first_trimester,,,,,,,,3,1,60,own"),
         "unit differs within one reference"),
        ((f"r,interval,{SHARE},first_trimester,,,,,,,,,%,60,own,3,2",), "do not ascend"),
        ((f"r,interval,{SHARE},first_trimester,,,,,,,,,%,60,own,2,3",) * 2, "empty or repeats"),
    ],
)  # fmt: skip
def test_a_reference_that_contradicts_itself_is_refused(tmp_path: Path, lines: tuple[str, ...], words: str) -> None:
    path = tmp_path / "references.csv"
    header = HEADER if lines[0].count(",") == HEADER.count(",") else f"{HEADER},low,high"
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    found, refused = own(read_table(path))
    assert found == []
    assert words in str(refused[0])


def test_the_identity_stated_twice_must_agree(tmp_path: Path) -> None:
    line = f"r,values,{SHARE},first_trimester,,,,,,,,3,%,60,own"
    for measurand, sound in ((IFNG.measurand.id, True), ("IFNG+.share@00000000", False)):
        path = tmp_path / "references.csv"
        path.write_text(f"{HEADER},measurand\n{line},{measurand}\n", "utf-8")
        found, refused = own(read_table(path))
        assert (len(found), len(refused)) == ((1, 0) if sound else (0, 1))


def test_more_values_than_women_are_refused(tmp_path: Path) -> None:
    rows = [f"w,values,{SHARE},first_trimester,,,,,,,,{v},%,2,own" for v in (1, 2, 3)]
    _, refused = references(tmp_path, *rows)
    assert "women are counted" in refused[0]
