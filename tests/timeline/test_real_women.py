"""Real women: published medians and changes reproduced; every woman placed among the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from real_study import cohort_script

import clalit_weekly
from decidua.measurement import Measurement, Moment, Quantity, Visit, VisitKey
from decidua.statistics import verify_interval
from decidua.tables import read_table
from decidua.timeline.gestation import phase_of
from decidua.timeline.placing import place
from decidua.timeline.references import Reference, built_in, own
from decidua.timeline.standing import standing

APPS, CLALIT = "apps2020_normal_pregnancy", "clalit_pregnancy_weekly"


@pytest.mark.parametrize(
    ("upper", "lower", "ratios", "medians"),
    [
        ("25", "26", (0.903, 0.753, 0.616), (0.87, 0.74, 0.69)),
        ("27", "36", (1.073, 0.961, 0.870), None),
    ],
)
def test_paired_ratios_to_post_partum(
    test_data: Path, upper: str, lower: str, ratios: tuple[float, ...], medians: tuple[float, ...] | None
) -> None:
    rows = cohort_script().flow_rows(test_data / "cohorts" / APPS)
    logs = {(woman, visit): np.log(row[upper] / row[lower]) for woman, visit, row in rows}
    for i, visit in enumerate((1, 2, 3)):
        paired = [logs[w, v] - logs[w, 4] for w, v in logs if v == visit and (w, 4) in logs]
        assert len(paired) == 32
        assert np.exp(np.mean(paired)) == pytest.approx(ratios[i], abs=5e-4)
        if medians:
            assert np.exp(np.median(paired)) == pytest.approx(medians[i], abs=5e-3)


@pytest.mark.parametrize(
    ("column", "medians"),
    [
        ("NK cells#", (182, 142, 138, 198)),
        ("WBC", (7.75, 8.33, 8.68, 5.92)),
        ("Neutrophils#", (5.77, 6.03, 6.02, 3.19)),
        ("CD4/CD3#", (738, 718, 752, 790)),
    ],
)
def test_medians_by_visit(test_data: Path, column: str, medians: tuple[float, ...]) -> None:
    script = cohort_script()
    book = script.CalamineWorkbook.from_path(str(test_data / "cohorts" / APPS / "Pregnancy_clinical_data.xlsx"))
    for visit, median in zip((1, 2, 3, 4), medians, strict=True):
        values = [float(row[column]) for row in script.records(book, f"Visit {visit}")]
        assert len(values) == 33
        assert np.median(values) == pytest.approx(median, abs=0.0051)


@pytest.mark.parametrize(
    ("reference", "low", "high", "outside"),
    [("nk_count_apps2020", 109, 607, (3, 6, 6, 1)), ("cd4_count_apps2020", 334, 1556, (1, 2, 1, 2))],
)
def test_the_interval_of_the_not_pregnant_fails_for_nk_cells_in_pregnancy(
    test_data: Path, reference: str, low: float, high: float, outside: tuple[int, ...]
) -> None:
    values = cohort_script().read_apps(test_data / "cohorts" / APPS)[reference]
    tried = [verify_interval([v.value for v in values if v.visit == visit], low, high) for visit in (1, 2, 3, 4)]
    assert tuple(t.outside for t in tried) == outside
    assert [t.holds for t in tried] == [n <= 2 for n in outside]


@pytest.mark.parametrize(
    ("file", "medians"),
    [
        ("LYMP", (2.00, 1.78, 1.77, 1.91, 2.30)),
        ("NEUT", (4.40, 5.81, 6.58, 6.54, 3.63)),
        ("WBC", (7.1, 8.4, 9.2, 9.4, 6.8)),
    ],
)
def test_weekly_medians(test_data: Path, file: str, medians: tuple[float, ...]) -> None:
    weeks = clalit_weekly.read_weeks(test_data / "cohorts" / CLALIT, file)
    assert [weeks[w].centiles[3] for w in (-34, -20, -10, -2, 6)] == pytest.approx(medians, abs=0.0051)


@pytest.mark.parametrize(("file", "worst"), [("WBC", 1.5), ("LYMP", 3.1), ("C_REACTIVE_PROTEIN_CRP", 7.0)])
def test_weekly_curves_pass_near_every_printed_centile(test_data: Path, file: str, worst: float) -> None:
    weeks = clalit_weekly.read_weeks(test_data / "cohorts" / CLALIT, file)
    used = [weeks[w] for w in clalit_weekly.PREGNANT if weeks[w].n >= clalit_weekly.FEWEST_RESULTS]
    assert max(clalit_weekly.misfit(w.centiles, clalit_weekly.lms_of_centiles(w.centiles)) for w in used) <= worst
    normal = [_normal(w.centiles) for w in used]
    assert max(clalit_weekly.misfit(w.centiles, fit) for w, fit in zip(used, normal, strict=True)) > worst


def _normal(centiles: np.ndarray) -> tuple[float, float, float]:
    """The twin: mean and standard deviation read off the outer centiles, no skewness."""
    middle = (centiles[0] + centiles[-1]) / 2
    return 1.0, middle, (centiles[-1] - centiles[0]) / 2 / 1.644854 / middle


def test_weekly_references_are_placed_against() -> None:
    found = {r.id: r for r in built_in() if r.source == "Moran2025"}
    assert set(found) == {test.reference_id for test in clalit_weekly.TESTS}
    week_20 = Moment("second_trimester", 7 * 20 + 3)
    assert pytest.approx(8.4, rel=0.01) == found["leucocyte_count_moran2025"].at(week_20).M
    assert pytest.approx(1.78, rel=0.01) == found["lymphocyte_count_moran2025"].at(week_20).M
    assert pytest.approx(7.9, rel=0.1) == found["crp_moran2025"].at(week_20).M
    for reference in found.values():
        measurand = reference.measurand.with_fields(laboratory="OURS")
        result = Measurement(VisitKey("W", "V"), measurand, Quantity(reference.at(week_20).M, reference.unit))
        placed = place(result, week_20, Visit(VisitKey("W", "V")), built_in())
        assert placed.reference_id == reference.id
        assert placed.centile == pytest.approx(50, abs=1)
        assert not placed.indicative
        labour = place(result, Moment("term_labour", 280), Visit(VisitKey("W", "V")), built_in())
        assert labour.not_placeable


def _moment(value: object) -> Moment:
    day, after = value.gestational_day, value.phase_day  # type: ignore[attr-defined]
    return Moment("post_partum", None, after) if day is None else Moment(phase_of(day), day)


def _left_out(test_data: Path, folder: Path) -> Iterator[tuple[str, str, float, float, bool]]:
    """Series, woman, centile and predictive centile of every value among the other women, and if not reached."""
    script = cohort_script()
    cohort = script.read_apps(test_data / "cohorts" / APPS)
    for woman in sorted({v.woman for values in cohort.values() for v in values}):
        path = folder / f"{woman}.csv"
        path.write_text(script.reference_table(cohort, leave_out=woman), "utf-8")
        references, refused = own(read_table(path))
        assert refused == []
        by_id: dict[str, Reference] = {r.id: r for r in references}
        for series in (*script.SERIES, *script.FURTHER):
            reference = by_id[series.reference_id]
            assert reference.n_women == 32
            for value in (v for v in cohort[series.reference_id] if v.woman == woman):
                yield series.reference_id, woman, *_standing(series, value, reference)


def _standing(series: object, value: object, reference: Reference) -> tuple[float, float, bool]:
    moment, key = _moment(value), VisitKey("W", "V")
    result = Measurement(key, reference.measurand, Quantity(value.value, reference.unit))  # type: ignore[attr-defined]
    placed = place(result, moment, Visit(key), [reference])
    if placed.centile is None:
        return np.nan, np.nan, True
    found = standing(value.value, reference.at(moment), None)  # type: ignore[attr-defined]
    assert found.centile == pytest.approx(placed.centile)
    return placed.centile, float(found.predictive_centile), False


@pytest.mark.bench
def test_every_woman_among_the_others(test_data: Path, tmp_path: Path) -> None:
    rows = list(_left_out(test_data, tmp_path))
    women = sorted({woman for _, woman, *_ in rows})
    assert len(women) == 33
    rng = np.random.default_rng(1)
    print(
        "\nvalues placed (not reached); outside 95 % raw, predictive; below predictive centiles 25, 50, 75: % [women]"
    )
    for series in dict.fromkeys(name for name, *_ in rows):
        mine = [(w, c, p) for name, w, c, p, missed in rows if name == series and not missed]
        missed = sum(name == series and gone for name, *_, gone in rows)
        values = [np.array([[c, p] for owner, c, p in mine if owner == w]) for w in women]
        again = [_shares([values[i] for i in rng.integers(33, size=33)]) for _ in range(500)]
        shares, (lower, upper) = _shares(values), np.quantile(again, [0.025, 0.975], axis=0)
        said = "; ".join(f"{s:.1f} [{a:.1f}-{b:.1f}]" for s, a, b in zip(shares, lower, upper, strict=True))
        print(f"{series}: {len(mine)} ({missed}); {said}")
        assert lower[1] <= 5 <= upper[1]
        assert np.all((lower[2:] <= (25, 50, 75)) & (upper[2:] >= (25, 50, 75)))


def _shares(values: list[np.ndarray]) -> np.ndarray:
    """Percent outside by plain and by predictive centile, and below three predictive centiles."""
    every = np.concatenate([v for v in values if v.size])
    outside = np.mean((every < 2.5) | (every > 97.5), axis=0)
    return 100 * np.array([*outside, *(np.mean(every[:, 1] < level) for level in (25, 50, 75))])
