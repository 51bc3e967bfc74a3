"""Specific lysis, its errors and flags, and inhibition by a drug, against numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from decidua.cytotoxicity import Assay, Drug, KillingSeries, Role, killing_series
from decidua.cytotoxicity.lysis import ratio_of
from decidua.cytotoxicity.noise import DRAWS, group_of, noise_of
from decidua.measurement import Censoring, Draws, LogNormal
from killing_tables import flow, release, table, tubes

FLAT = {25.0: (3350, 3350), 12.5: (2400, 2400)}


def lysis(series: KillingSeries) -> list[float]:
    return [round(point.lysis.value or 0.0, 6) for point in series.without_drug.points]


def test_flow_by_hand() -> None:
    """Alone 5 % dead; 43, 33.5 and 24 % dead are 40, 30 and 20 % lysis of those that would have lived."""
    series = killing_series(flow({50.0: (4300, 4300), **FLAT}, (500, 500)), "S")
    assert lysis(series) == [40.0, 30.0, 20.0]
    assert series.without_drug.spontaneous.value == pytest.approx(5.0)


def test_release_by_hand() -> None:
    """Spontaneous 500, maximal 5500 cpm: 2500 and 1500 cpm are 40 and 20 % lysis."""
    series = killing_series(release({50.0: (2500, 2500), 25.0: (1500, 1500)}, (500, 500), (5500, 5500)), "S")
    assert lysis(series) == [40.0, 20.0]
    assert series.without_drug.spontaneous.value == pytest.approx(100 * 500 / 5500)


def test_lysis_below_zero_is_kept() -> None:
    series = killing_series(flow({50.0: (400, 450), 25.0: (500, 480)}, (500, 500)), "S")
    point = series.without_drug.points[0]
    assert point.lysis.value == pytest.approx(100 * (0.0425 - 0.05) / 0.95)
    assert isinstance(point.lysis.uncertainty, Draws)
    assert point.lysis.censored is Censoring.NONE


def test_replicates_and_interval_hold_the_value() -> None:
    series = killing_series(flow({50.0: (4200, 4400), **FLAT}, (480, 520)), "S")
    point = series.without_drug.points[0]
    assert point.replicates == pytest.approx((100 * 0.37 / 0.95, 100 * 0.39 / 0.95))
    assert point.lysis.lower is not None
    assert point.lysis.upper is not None
    assert point.lysis.lower < 40.0 < point.lysis.upper
    assert isinstance(point.lysis.uncertainty, LogNormal)


def test_counting_error_alone_is_the_least_interval() -> None:
    """Equal replicates of 10^4 targets still carry their binomial error, the targets alone among it."""
    series = killing_series(flow({50.0: (4300, 4300), **FLAT}, (500, 500)), "S")
    point = series.without_drug.points[0].lysis
    test, alone = 0.43 * 0.57 / 20_000, 0.05 * 0.95 / 20_000
    counting = 1.96 * 100 * np.sqrt(test / 0.95**2 + alone * (0.57 / 0.95**2) ** 2)
    assert point.upper is not None
    assert counting < point.upper - 40.0 < 2.2 * counting


def test_spread_of_the_replicates_widens_every_interval() -> None:
    calm = killing_series(flow({50.0: (4300, 4300), **FLAT}, (500, 500)), "S")
    rough = killing_series(flow({50.0: (4000, 4600), 25.0: (3150, 3550), 12.5: (2250, 2550)}, (470, 530)), "S")
    for quiet, loud in zip(calm.without_drug.points, rough.without_drug.points, strict=True):
        assert quiet.lysis.value == pytest.approx(loud.lysis.value)
        assert (loud.lysis.upper or 0) - (loud.lysis.lower or 0) > 2 * (
            (quiet.lysis.upper or 0) - (quiet.lysis.lower or 0)
        )


def test_targets_alone_are_shared() -> None:
    series = killing_series(flow({50.0: (4300, 4300), **FLAT}, (500, 500)), "S")
    keys = {point.lysis.shared_error for point in series.without_drug.points}
    assert keys == {"made.csv|S||targets_alone"}
    assert series.curve is not None
    assert series.curve.lytic_units is not None
    assert series.curve.lytic_units.shared_error in keys


@pytest.mark.parametrize(
    ("alone", "flags", "void"),
    [
        ((1000, 1000), (), False),
        ((1001, 1001), ("spontaneous_death_high",), False),
        ((2000, 2000), ("spontaneous_death_high",), False),
        ((2001, 2001), ("spontaneous_death_void",), True),
    ],
)
def test_spontaneous_death(alone: tuple[int, int], flags: tuple[str, ...], void: bool) -> None:
    series = killing_series(flow({50.0: (5000, 5000), 25.0: (4000, 4000)}, alone), "S")
    assert series.without_drug.flags == flags
    assert (series.without_drug.is_void, series.curve is None) == (void, void)
    assert len(series.without_drug.points) == 2


@pytest.mark.parametrize(
    ("dead", "apart"),
    [
        ((2750, 3250), False),  # 5 points exactly
        ((2700, 3300), True),  # 6 points and 20 % of 30
        ((5700, 6300), False),  # 6 points, 10 % of 60
        ((300, 500), False),  # 2 points, 50 % of 4
    ],
)
def test_replicates_apart_needs_both_limits(dead: tuple[int, int], apart: bool) -> None:
    series = killing_series(flow({50.0: dead, 25.0: (200, 200)}, (0, 0)), "S")
    assert series.without_drug.points[0].flags == (("replicates_apart",) if apart else ())


def test_single_tubes_are_flagged_and_wide() -> None:
    single = killing_series(flow({50.0: (4300,), 25.0: (3350,), 12.5: (2400,)}, (500,)), "S")
    double = killing_series(flow({50.0: (4300, 4300), **FLAT}, (500, 500)), "S")
    assert (single.flags, double.flags) == (("no_replicates",), ())
    one, two = (s.without_drug.points[0].lysis for s in (single, double))
    assert (one.upper or 0) - (one.lower or 0) > 5 * ((two.upper or 0) - (two.lower or 0))


def test_equal_tubes_give_equal_results_in_any_order() -> None:
    made = flow({50.0: (4200, 4400), **FLAT}, (480, 520))
    turned = table(reversed(made.tubes), made.assay)
    assert killing_series(made, "S").curve == killing_series(turned, "S").curve


def test_two_samples_share_no_draws() -> None:
    """Equal tubes of two women are two experiments: their simulated errors must not coincide."""
    rows = []
    for sample in ("A", "B"):
        rows += tubes(Role.ALONE, (5, 5), targets=10_000, sample=sample)
        for ratio in (50.0, 25.0):
            rows += tubes(Role.TEST, (5, 4), ratio=ratio, targets=10_000, sample=sample)
    made = table(rows, Assay.FLOW)
    first, second = (killing_series(made, s).without_drug.points[0].lysis.uncertainty for s in ("A", "B"))
    assert isinstance(first, Draws)
    assert isinstance(second, Draws)
    assert abs(np.corrcoef(first.values, second.values)[0, 1]) < 0.1


def test_noise_is_learnt_from_replicates() -> None:
    """Twelve groups of six with a CV of 5 % between tubes and none of the killing."""
    rng = np.random.default_rng(4)
    groups = [
        group_of(tuple(tubes(Role.ALONE, 1e8 * mean * (1 + 0.05 * rng.standard_normal(6))))) for mean in range(1, 13)
    ]
    noise = noise_of(groups, rng)
    assert np.median(noise.tube) == pytest.approx(0.05, rel=0.2)


def with_drug(plain: tuple[int, int], drugged: tuple[int, int]) -> KillingSeries:
    drug = Drug("prednisolone", 1.0, "ug/mL")
    made = flow({50.0: plain, 25.0: (200, 200)}, (0, 0))
    rows = [*made.tubes, *tubes(Role.ALONE, (0, 0), targets=10_000, drug=drug)]
    rows += tubes(Role.TEST, drugged, ratio=50.0, targets=10_000, drug=drug)
    return killing_series(table(rows, Assay.FLOW), "S")


@pytest.mark.parametrize(
    ("drugged", "percent"),
    [((1950, 1950), 51.851852), ((3770, 3770), 6.913580), ((4455, 4455), -10.0)],
)
def test_inhibition_of_published_means(drugged: tuple[int, int], percent: float) -> None:
    """Prednisolone 40.5 -> 19.5 %, IVIG 40.5 -> 37.7 %, and a drug that adds a tenth."""
    found = with_drug((4050, 4050), drugged).inhibitions[0]
    assert found.percent.value == pytest.approx(percent, abs=1e-6)
    assert found.percent.value == pytest.approx(100 * (1 - (found.ratio.value or 0)))
    assert (found.percent.lower or 0) < percent < (found.percent.upper or 0)
    assert found.percent.upper == pytest.approx(100 * (1 - (found.ratio.lower or 0)))


def test_complete_inhibition_ends_at_one_hundred() -> None:
    found = with_drug((4050, 4050), (0, 0)).inhibitions[0]
    assert (found.percent.value, found.percent.upper, found.percent.censored) == (100.0, 100.0, Censoring.NONE)


def test_inhibition_of_nothing_is_not_determined() -> None:
    found = with_drug((0, 0), (0, 0)).inhibitions[0]
    assert (found.ratio.value, found.ratio.censored) == (None, Censoring.UNDETERMINED)
    assert (found.percent.value, found.percent.censored) == (None, Censoring.UNDETERMINED)


def test_ratio_over_a_doubtful_lysis_is_one_sided() -> None:
    rng = np.random.default_rng(2)
    over, under = 0.3 + 0.01 * rng.standard_normal(DRAWS), 0.01 + 0.01 * rng.standard_normal(DRAWS)
    ratio = ratio_of((0.3, over), (0.01, under))
    assert (ratio.censored, ratio.value, ratio.upper) == (Censoring.ABOVE, ratio.lower, None)
    assert 8 < (ratio.value or 0) < 12


def test_drug_at_a_ratio_not_run_without_it_has_no_inhibition() -> None:
    drug = Drug("IVIG", 2.0, "mg/mL")
    made = flow({50.0: (4050, 4050), 25.0: (2500, 2500)}, (0, 0))
    rows = [*made.tubes, *tubes(Role.ALONE, (0,), targets=10_000, drug=drug)]
    rows += tubes(Role.TEST, (900,), ratio=12.5, targets=10_000, drug=drug)
    series = killing_series(table(rows, Assay.FLOW), "S")
    assert series.inhibitions == ()
    assert [point.effector_target for point in series.with_drugs[0].points] == [12.5]
