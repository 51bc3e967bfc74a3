"""Regression to the mean and the reference change: worked values, and 10,000 simulated pairs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decidua.errors import OutsideLimits
from decidua.statistics import (
    WomenTested,
    arithmetic_mean_of_repeats,
    group_repeat_interval,
    log_sd_of_cvs,
    reference_change,
    reliability_of_mean,
    repeat_interval,
    repeat_limits,
)

# Arithmetic under stated assumptions, a test of the formula and nothing else.
ASSUMED = WomenTested(geometric_mean=math.sqrt(13.2 * 30.6), within_log_sd=0.28, icc=0.64)


@pytest.mark.parametrize(
    ("start", "women", "expected", "one", "group"),
    [(47.5, 39, 34.85, (17.3, 70.4), (31.1, 39.0)), (35.2, 37, 28.77, (14.2, 58.1), (25.6, 32.3))],
)
def test_repeat_against_worked_values(start, women, expected, one, group):
    single, mean = repeat_interval(start, ASSUMED), group_repeat_interval(start, women, ASSUMED)
    assert single.value == mean.value == pytest.approx(expected, abs=0.005)
    assert [single.lower, single.upper] == pytest.approx(one, abs=0.05)
    assert [mean.lower, mean.upper] == pytest.approx(group, abs=0.05)


@pytest.mark.parametrize(("start", "spread", "expected"), [(47.5, 7.5, 37.1), (35.2, 2.2, 30.7)])
def test_arithmetic_mean_of_repeats_over_the_spread_of_first_values(start, spread, expected):
    node, weight = np.polynomial.hermite_e.hermegauss(8)
    values = np.random.default_rng(1).choice(start + spread * node, size=100_000, p=weight / weight.sum())
    assert arithmetic_mean_of_repeats(values, ASSUMED) == pytest.approx(expected, abs=0.06)
    alone = arithmetic_mean_of_repeats(start, ASSUMED)
    assert alone == pytest.approx(repeat_interval(start, ASSUMED).value * 1.066399, rel=1e-5)


@pytest.mark.parametrize(
    ("mean", "icc", "first", "expected"),
    [
        (21.9, 0.64, (47.5, 35.2), (35.95, 29.67)),
        (30.6, 0.64, (47.5, 35.2), (40.55, 33.47)),
        (ASSUMED.geometric_mean, 0.47, (47.5,), (30.1,)),
        (ASSUMED.geometric_mean, 0.77, (47.5,), (39.0,)),
    ],
)
def test_the_expected_repeat_moves_with_the_mean_and_the_icc(mean, icc, first, expected):
    found, _, _ = repeat_limits(first, WomenTested(mean, 0.28, icc))
    assert found == pytest.approx(expected, abs=0.05 if len(first) == 1 else 0.006)


def simulated_pairs(tested, baselines, seed):
    """First value (a geometric mean of baselines) and repeat of women above the 95th centile of first values."""
    rng = np.random.default_rng(seed)
    lasting = rng.normal(math.log(tested.geometric_mean), tested.total_log_sd * math.sqrt(tested.icc), 200_000)
    first = lasting + rng.normal(0, tested.within_log_sd / math.sqrt(baselines), 200_000)
    repeat = lasting + rng.normal(0, tested.within_log_sd, 200_000)
    picked = first > np.quantile(first, 0.95)
    assert picked.sum() == 10_000
    return np.exp(first[picked]), repeat[picked]


@pytest.mark.parametrize("baselines", [1, 3])
def test_high_values_repeat_as_predicted(baselines):
    first, log_repeat = simulated_pairs(ASSUMED, baselines, seed=8)
    expected, lower, upper = (np.log(values) for values in repeat_limits(first, ASSUMED, baselines))
    assert log_repeat.mean() == pytest.approx(expected.mean(), abs=0.01)
    assert 0.94 <= np.mean((lower <= log_repeat) & (log_repeat <= upper)) <= 0.96


def test_the_naive_predictions_fail_the_same_test():
    first, log_repeat = simulated_pairs(ASSUMED, 1, seed=8)
    usual = reference_change(ASSUMED.within_log_sd)
    unregressed = np.log(first)
    assert abs(log_repeat.mean() - unregressed.mean()) > 0.2
    within = (unregressed + math.log(usual.lower) <= log_repeat) & (log_repeat <= unregressed + math.log(usual.upper))
    assert within.mean() < 0.94


def test_a_variance_that_takes_the_mean_of_baselines_for_one_value_fails_too():
    first, log_repeat = simulated_pairs(ASSUMED, 3, seed=8)
    expected, _, _ = repeat_limits(first, ASSUMED, 3)
    half = 1.959964 * ASSUMED.total_log_sd * math.sqrt(1 - reliability_of_mean(ASSUMED.icc, 3) ** 2)
    assert np.mean(np.abs(log_repeat - np.log(expected)) <= half) < 0.94


def test_reliability_of_a_mean_of_baselines():
    assert [reliability_of_mean(0.64, k) for k in (1, 2, 3)] == pytest.approx([0.64, 1.28 / 1.64, 1.92 / 2.28])


@pytest.mark.parametrize(
    ("log_sd", "rise", "fall"),
    [(log_sd_of_cvs(0.10, 0.15), 1.642, 0.609), (0.28, 2.17, 0.46), (0.20, 1.74, 0.57)],
)
def test_reference_change_against_worked_values(log_sd, rise, fall):
    found = reference_change(log_sd)
    assert found.value == 1
    assert [found.upper, found.lower] == pytest.approx([rise, fall], abs=0.005 if log_sd in (0.28, 0.20) else 0.0005)


@given(
    st.floats(1e-3, 1e6),
    st.floats(1e-3, 1e6),
    st.floats(0, 2),
    st.floats(0, 0.95),
    st.integers(1, 9),
    st.integers(1, 99),
)
def test_repeats_lie_between_the_mean_and_the_first_value(first, mean, within, icc, baselines, women):
    tested = WomenTested(mean, within, icc)
    one, group = repeat_interval(first, tested, baselines), group_repeat_interval(first, women, tested, baselines)
    slack = 1 + 1e-9
    assert min(first, mean) / slack <= one.value <= max(first, mean) * slack
    assert one.lower <= one.value <= one.upper
    assert one.lower / slack <= group.lower <= group.upper <= one.upper * slack
    in_another_unit = repeat_interval(1_000 * first, WomenTested(1_000 * mean, within, icc), baselines)
    assert in_another_unit.value == pytest.approx(1_000 * one.value)
    assert arithmetic_mean_of_repeats(first, tested, baselines) >= one.value / slack


def test_more_baselines_narrow_the_interval_but_never_below_one_womans_own_variation():
    widths = [
        np.log(found.upper / found.lower) for k in (1, 2, 1_000_000) for found in [repeat_interval(40, ASSUMED, k)]
    ]
    assert widths[0] > widths[1] > widths[2]
    assert widths[2] == pytest.approx(2 * 1.959964 * ASSUMED.within_log_sd, rel=1e-5)


@pytest.mark.parametrize(
    ("refused", "place"),
    [
        (lambda: WomenTested(0, 0.28, 0.64), "geometric_mean"),
        (lambda: WomenTested(math.nan, 0.28, 0.64), "geometric_mean"),
        (lambda: WomenTested(20, -0.1, 0.64), "within_log_sd"),
        (lambda: WomenTested(20, 28, 0.64), "within_log_sd"),
        (lambda: WomenTested(20, 0.28, 1), "icc"),
        (lambda: WomenTested(20, 0.28, -0.01), "icc"),
        (lambda: WomenTested(20, 0.28, math.nan), "icc"),
        (lambda: WomenTested(20, 0.28, 0.9999), "icc"),
        (lambda: reliability_of_mean(1.2, 2), "icc"),
        (lambda: reliability_of_mean(0.5, 0), "baselines"),
        (lambda: repeat_interval(0, ASSUMED), "observed"),
        (lambda: repeat_limits([1, math.inf], ASSUMED), "observed"),
        (lambda: repeat_limits(["high"], ASSUMED), "observed"),
        (lambda: repeat_interval(5, ASSUMED, 0), "baselines"),
        (lambda: group_repeat_interval(5, 0, ASSUMED), "women"),
        (lambda: arithmetic_mean_of_repeats([], ASSUMED), "observed"),
        (lambda: reference_change(-1), "log_sd"),
    ],
)
def test_what_cannot_be_predicted_is_refused(refused, place):
    with pytest.raises(OutsideLimits) as caught:
        refused()
    assert caught.value.place == place
