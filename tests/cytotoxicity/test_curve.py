"""The curve against a peer and worked numbers; lytic units and their censoring as rules that always hold."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from decidua.cytotoxicity import Assay, CurveModel, KillingSeries, killing_series
from decidua.cytotoxicity.curve import Exponential, Logistic, lytic_unit
from decidua.errors import OutsideLimits
from decidua.measurement import Censoring, Quantity
from killing_tables import CRITERION, SHIPPED, TARGETS_PER_TUBE, Truth, flow, table


def units_of(series: KillingSeries) -> Quantity:
    assert series.curve is not None
    assert series.curve.lytic_units is not None
    return series.curve.lytic_units


def exact(truth: Truth, ratios: tuple[float, ...] = CRITERION, targets: int = 10_000_000) -> KillingSeries:
    dead = np.round(targets * truth.lysis(ratios)).astype(int)
    return killing_series(flow({r: (d, d) for r, d in zip(ratios, dead, strict=True)}, (0, 0), targets), "S")


def test_worked_numbers() -> None:
    """A 50 %, k 0.02: x10 = -ln(0.8)/0.02 = 11.157, and 10^4 targets a tube give 89.63 LU10 per 10^7."""
    series = exact(Truth(0.5, -math.log(0.8) / 0.02))
    assert series.curve is not None
    plateau, rate = series.curve.plateau, series.curve.rate
    assert plateau is not None
    assert rate is not None
    assert plateau.value == pytest.approx(50.0, rel=1e-4)
    assert rate.value == pytest.approx(0.02, rel=1e-4)
    assert units_of(series).value == pytest.approx(89.6284, rel=1e-4)


@pytest.mark.parametrize(("printed", "x10"), [(16.1, 62.11), (51.2, 19.53)])
def test_limits_of_a_reference_laboratory(printed: float, x10: float) -> None:
    """The printed range of healthy adults is x10 of 62 and 20 effectors per target at 10^4 targets a tube."""
    assert 1e7 / (TARGETS_PER_TUBE * x10) == pytest.approx(printed, rel=1e-3)
    series = exact(Truth(0.6, x10), (100.0, 50.0, 25.0, 12.5))
    assert units_of(series).value == pytest.approx(printed, rel=1e-3)


@pytest.mark.parametrize("ratios", [CRITERION, SHIPPED, (100.0, 50.0, 20.0, 10.0, 1.0)])
def test_both_curves_fit_as_well_as_a_peer(ratios: tuple[float, ...]) -> None:
    rng = np.random.default_rng(7)
    x = np.array(ratios)
    for _ in range(15):
        truth = Truth(rng.uniform(0.15, 0.95), rng.uniform(3, 60))
        y = truth.lysis(ratios) + rng.normal(0, 0.02, x.size)
        w = rng.uniform(0.2, 1, x.size)
        ours = Exponential.fit(x, y[None, :], w)
        low, high = np.log(ours.edges)

        def curve(p: np.ndarray) -> np.ndarray:
            return p[0] * (1 - np.exp(-np.exp(p[1]) * x))

        def logistic(p: np.ndarray) -> np.ndarray:
            return 1 / (1 + np.exp(-np.exp(p[1]) * (np.log(x) - p[0])))

        starts = [(0.5, k) for k in np.linspace(low + 0.5, high - 0.5, 4)]
        assert misfit(ours, x, y, w) <= peer(curve, starts, ([0, low], [1, high]), y, w) * 1.0001 + 1e-9
        bounds = ([np.log(x.min()) - 8, math.log(0.1)], [np.log(x.max()) + 12, math.log(10)])
        theirs = peer(logistic, [(2, 0), (4, 0)], bounds, y, w)
        assert misfit(Logistic.fit(x, y[None, :], w), x, y, w) <= theirs * 1.0001 + 1e-9


def misfit(fit: Exponential | Logistic, x: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    return float((w * (y - fit.lysis_at(x)[0]) ** 2).sum())


def peer(curve, starts, bounds, y: np.ndarray, w: np.ndarray) -> float:  # type: ignore[no-untyped-def]
    found = [
        least_squares(lambda p: np.sqrt(w) * (y - curve(p)), s, bounds=bounds, xtol=1e-12, ftol=1e-12) for s in starts
    ]
    return float(2 * min(f.cost for f in found))


def test_logistic_option_by_hand() -> None:
    """Half killed at 40, slope 1: logit(0.1) is -ln 9, so x10 = 40/9."""
    ratios = (50.0, 25.0, 12.5, 6.25)
    dead = [round(1e6 / (1 + 40 / x)) for x in ratios]
    made = flow({x: (d, d) for x, d in zip(ratios, dead, strict=True)}, (0, 0), 1_000_000)
    series = killing_series(made, "S", model=CurveModel.LOGISTIC)
    assert units_of(series).value == pytest.approx(1e7 / (TARGETS_PER_TUBE * 40 / 9), rel=1e-3)
    assert series.curve is not None
    assert (series.curve.plateau, series.curve.rate, series.curve.activity) == (None, None, None)


def test_activity_is_the_rate_fitted_on_nk_cells_per_target() -> None:
    """Number and activity are apart: twice the NK share halves the activity and leaves lysis and lytic units alone."""
    tests = {50.0: (4300, 4400), 25.0: (3350, 3200), 12.5: (2400, 2450)}
    few, many = (killing_series(flow(tests, (500, 520), nk_share=share), "S") for share in (0.1, 0.2))
    scaled = flow({0.1 * x: dead for x, dead in tests.items()}, (500, 520))
    on_nk = killing_series(scaled, "S").curve
    assert few.curve is not None
    assert many.curve is not None
    assert on_nk is not None
    for curve in (few.curve, many.curve, on_nk):
        assert curve.activity is not None
        assert curve.rate is not None
    assert few.curve.activity.value == pytest.approx(on_nk.rate.value, rel=1e-6)  # type: ignore[union-attr]
    assert few.curve.activity.value == pytest.approx(2 * many.curve.activity.value)  # type: ignore[union-attr]
    assert few.curve.lytic_units == many.curve.lytic_units
    assert few.without_drug == many.without_drug


def test_no_nk_share_no_activity() -> None:
    tests = {50.0: (4300, 4400), 25.0: (3350, 3200)}
    curve = killing_series(flow(tests, (500, 520), nk_share=None), "S").curve
    assert curve is not None
    assert (curve.activity, curve.rate is None) == (None, False)
    none = killing_series(flow(tests, (500, 520), nk_share=0.0), "S").curve
    assert none is not None
    assert none.activity is not None
    assert none.activity.censored is Censoring.UNDETERMINED


def test_no_targets_per_tube_no_lytic_units() -> None:
    made = flow({50.0: (4300, 4400), 25.0: (3350, 3200)}, (500, 520))
    bare = replace(made, targets_per_tube={})
    curve = killing_series(bare, "S").curve
    assert curve is not None
    assert curve.lytic_units is None


def test_lytic_units_scale_with_targets_per_tube() -> None:
    made = flow({50.0: (4300, 4400), 25.0: (3350, 3200), 12.5: (2400, 2450)}, (500, 520))
    half = replace(made, targets_per_tube={"S": TARGETS_PER_TUBE / 2})
    one, two = (units_of(killing_series(t, "S")) for t in (made, half))
    assert two.value == pytest.approx(2 * (one.value or 0))


def test_the_level_is_in_the_unit() -> None:
    made = flow({50.0: (4300, 4400), 25.0: (3350, 3200), 12.5: (2400, 2450)}, (500, 520))
    ten, twenty = (units_of(killing_series(made, "S", percent=p)) for p in (10, 20))
    assert (ten.unit, twenty.unit) == ("{LU10}/10*7", "{LU20}/10*7")
    assert (ten.value or 0) > (twenty.value or 0)
    with pytest.raises(OutsideLimits, match="no lytic unit at 15 %"):
        killing_series(made, "S", percent=15)
    assert lytic_unit(30) == "{LU30}/10*7"


def test_series_that_never_reaches_ten_per_cent_is_below_the_highest_ratio() -> None:
    series = killing_series(flow({50.0: (800, 820), 25.0: (700, 690), 12.5: (600, 590)}, (400, 410)), "S")
    units = units_of(series)
    assert units.censored is Censoring.BELOW
    assert units.value == 1e7 / (TARGETS_PER_TUBE * 50)
    assert units.uncertainty is None


def test_plateau_not_shown_above_ten_per_cent_is_below() -> None:
    """Flat at 11 %: ten per cent is crossed by the curve, but not beyond the error of its plateau."""
    series = killing_series(flow({50.0: (1050, 1150), 25.0: (1180, 1020), 12.5: (1000, 1200)}, (0, 0)), "S")
    assert series.curve is not None
    assert series.curve.plateau is not None
    assert (series.curve.plateau.lower or 0) <= 10 < (series.curve.plateau.value or 0)
    assert units_of(series).censored is Censoring.BELOW


def test_ten_per_cent_long_before_the_lowest_ratio_is_above() -> None:
    series = exact(Truth(0.8, 4.0), SHIPPED)
    units = units_of(series)
    assert (units.censored, units.value, units.upper) == (Censoring.ABOVE, 1e7 / (TARGETS_PER_TUBE * 6.25), None)
    just = units_of(exact(Truth(0.8, 6.3), SHIPPED))
    assert just.censored is Censoring.NONE


def test_rate_of_a_series_already_on_its_plateau_is_one_sided() -> None:
    series = killing_series(flow({50.0: (6000, 6050), 25.0: (6020, 6000), 12.5: (6000, 5990)}, (0, 0)), "S")
    assert series.curve is not None
    rate = series.curve.rate
    assert rate is not None
    assert (rate.censored, rate.value, rate.upper) == (Censoring.ABOVE, rate.lower, None)


def test_rate_without_lysis_is_not_determined() -> None:
    series = killing_series(flow({50.0: (500, 510), 25.0: (490, 500)}, (500, 500)), "S")
    assert series.curve is not None
    assert series.curve.rate is not None
    assert (series.curve.rate.value, series.curve.rate.censored) == (None, Censoring.UNDETERMINED)


def test_points_off_the_curve_are_flagged() -> None:
    """Lysis that falls at the highest ratio (a hook) fits no rising curve."""
    hooked = killing_series(flow({50.0: (2500, 2510), 25.0: (4000, 4020), 12.5: (3000, 3010)}, (500, 505)), "S")
    smooth = killing_series(flow({50.0: (4300, 4310), 25.0: (3000, 3020), 12.5: (1900, 1910)}, (500, 505)), "S")
    assert hooked.curve is not None
    assert smooth.curve is not None
    assert (hooked.curve.flags, smooth.curve.flags) == (("curve_misfit",), ())


def test_figure_runs_from_half_the_lowest_to_the_highest_ratio() -> None:
    curve = killing_series(flow({50.0: (4300, 4310), 25.0: (3000, 3020), 12.5: (1900, 1910)}, (500, 505)), "S").curve
    assert curve is not None
    assert (curve.effector_target[0], curve.effector_target[-1]) == (6.25, 50.0)
    assert all(low <= mid <= high for low, mid, high in zip(curve.lower, curve.lysis, curve.upper, strict=True))
    assert list(curve.lysis) == sorted(curve.lysis)


counts = st.integers(0, 2000)


@settings(max_examples=40, deadline=None)
@given(
    tests=st.lists(st.tuples(counts, counts), min_size=2, max_size=4),
    alone=st.tuples(st.integers(0, 300), st.integers(0, 300)),
    model=st.sampled_from(CurveModel),
    percent=st.sampled_from([10.0, 20.0, 30.0]),
)
def test_rules_of_lytic_units_hold_for_any_counts(
    tests: list[tuple[int, int]], alone: tuple[int, int], model: CurveModel, percent: float
) -> None:
    ratios = CRITERION[: len(tests)]
    series = killing_series(flow(dict(zip(ratios, tests, strict=True)), alone, 2000), "S", model=model, percent=percent)
    units = units_of(series)
    at_highest = 1e7 / (TARGETS_PER_TUBE * ratios[0])
    at_half_the_lowest = 1e7 / (TARGETS_PER_TUBE * ratios[-1] / 2)
    uppers = [point.lysis.upper or 0.0 for point in series.without_drug.points]
    assert series.curve is not None
    plateau = series.curve.plateau
    must_be_below = max(uppers) < percent or (plateau is not None and (plateau.lower or 0.0) <= percent)
    assert units.value is not None
    assert at_highest * (1 - 1e-9) <= units.value <= at_half_the_lowest * (1 + 1e-9)
    assert units.lower is not None
    assert units.lower <= units.value <= (units.upper or math.inf)
    if must_be_below:
        assert units.censored is Censoring.BELOW
    if units.censored is Censoring.BELOW:
        assert units.value == at_highest
        reached = max(series.curve.lysis)
        assert must_be_below or reached < percent + 1e-6
    if units.censored is Censoring.ABOVE:
        assert units.value == at_half_the_lowest
        assert series.curve.lysis[0] > percent - 1e-6
    if units.censored is Censoring.NONE:
        assert (units.upper or 0) >= units.value


@settings(max_examples=25, deadline=None)
@given(x10=st.floats(1.0, 200.0), plateau=st.floats(0.2, 1.0))
def test_a_curve_without_noise_is_censored_by_its_x10_alone(x10: float, plateau: float) -> None:
    truth = Truth(plateau, x10)
    units = units_of(exact(truth, SHIPPED))
    if x10 < 6.2:
        assert units.censored is Censoring.ABOVE
    elif 6.3 < x10 < 49.5:
        assert units.censored is Censoring.NONE
        assert units.value == pytest.approx(truth.lytic_units, rel=2e-3)
    elif x10 > 50.5:
        assert units.censored is Censoring.BELOW


def test_table_of_two_samples_gives_each_its_own() -> None:
    made = flow({50.0: (4300, 4400), 25.0: (3350, 3200)}, (500, 520))
    other = flow({50.0: (2300, 2400), 25.0: (1350, 1200)}, (500, 520))
    both = table([*made.tubes, *(replace(tube, sample="T") for tube in other.tubes)], Assay.FLOW)
    assert both.samples == ("S", "T")
    first, second = (killing_series(both, sample) for sample in both.samples)
    assert first.without_drug == killing_series(made, "S").without_drug
    assert first.without_drug.points[0].lysis.value != second.without_drug.points[0].lysis.value
