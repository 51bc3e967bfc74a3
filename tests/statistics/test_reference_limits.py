"""Reference limits: the calcium example to the printed digits, tails of simulated women, verification."""

import csv

import numpy as np
import pytest
from scipy.stats import binom, norm

from decidua.errors import OutsideLimits
from decidua.statistics import nonparametric_reference, robust_limits, robust_reference, verify_interval

SMALL = [8.9, 9.2, 9.4, 9.4, *[9.5] * 3, *[9.6] * 4, *[9.7] * 5, 9.8, 9.9, 9.9, 10.2]
CLOSE = 2e-6


@pytest.fixture(scope="module")
def calcium(test_data) -> np.ndarray:
    with (test_data / "serum" / "reference_oracles" / "ep28_calcium_240.csv").open(encoding="utf-8") as lines:
        return np.array([float(row["Value"]) for row in csv.DictReader(lines)])


def test_robust_limits_of_the_small_set():
    assert np.array(robust_limits(SMALL)) == pytest.approx([9.049545, 10.199396], abs=CLOSE)


def test_robust_limits_of_calcium(calcium):
    assert np.array(robust_limits(calcium)) == pytest.approx([9.038892, 10.315612], abs=CLOSE)


def test_the_mean_and_standard_deviation_are_not_the_robust_limits(calcium):
    naive = calcium.mean() + np.array([-1, 1]) * norm.ppf(0.975) * calcium.std(ddof=1)
    assert naive == pytest.approx([9.051286, 10.317047], abs=CLOSE)
    assert np.array(robust_limits(calcium)) != pytest.approx(naive, abs=CLOSE)


def test_nonparametric_limits_of_calcium(calcium):
    found = nonparametric_reference(calcium)
    assert (found.low.value, found.high.value, found.n) == pytest.approx((9.1, 10.3, 240))
    assert (found.low.lower, found.low.upper) == pytest.approx((8.9, 9.2))
    assert (found.high.lower, found.high.upper) == pytest.approx((10.3, 10.4))


@pytest.mark.parametrize(("n", "first", "last"), [(120, 1, 7), (150, 1, 8), (200, 2, 10), (240, 2, 11)])
def test_intervals_of_the_limits_are_read_at_the_binomial_ranks(n, first, last):
    found = nonparametric_reference(np.arange(1, n + 1))
    assert (found.low.lower, found.low.upper) == (first, last)
    assert (found.high.lower, found.high.upper) == (n + 1 - last, n + 1 - first)
    inside = binom.cdf(last - 1, n, 0.025) - binom.cdf(first - 1, n, 0.025)
    assert inside >= 0.90
    assert found.low.value == pytest.approx(0.025 * (n + 1))


@pytest.mark.parametrize(("log_sd", "raw_fails"), [(0.1, True), (0.45, True), (0.7, True)])
def test_logarithms_keep_both_tails_of_skewed_values_and_the_raw_scale_does_not(log_sd, raw_fails):
    values = np.random.default_rng(4).normal(0, log_sd, (4000, 40))
    low, high = robust_limits(values)
    tails = norm.cdf(low / log_sd).mean(), norm.sf(high / log_sd).mean()
    assert tails == pytest.approx((0.025, 0.025), abs=0.003)
    low, high = robust_limits(np.exp(values))
    raw = norm.cdf(np.log(np.maximum(low, 1e-9)) / log_sd).mean(), norm.sf(np.log(high) / log_sd).mean()
    assert (raw != pytest.approx((0.025, 0.025), abs=0.003)) is raw_fails


def test_bootstrap_intervals_hold_the_true_limits():
    rng = np.random.default_rng(5)
    held = np.zeros(2)
    for _ in range(300):
        found = robust_reference(rng.normal(0, 1, 80), rng, resamples=400)
        held += [found.low.lower <= norm.ppf(0.025) <= found.low.upper, found.high.lower <= 1.96 <= found.high.upper]
    assert np.all(held / 300 >= 0.83)
    assert np.all(held / 300 <= 0.95)


def test_equal_seeds_give_equal_intervals(calcium):
    first, again = (robust_reference(calcium, np.random.default_rng(7)) for _ in range(2))
    assert first == again
    assert first.low.lower < first.low.value < first.low.upper < first.high.lower < first.high.value < first.high.upper


def test_one_wild_value_moves_robust_limits_less_than_the_standard_deviation():
    values = np.random.default_rng(6).normal(10, 1, 60)
    wild = np.append(values[:-1], 100.0)
    moved = robust_limits(wild)[1] - robust_limits(values)[1]
    naive = (wild.mean() + 1.96 * wild.std()) - (values.mean() + 1.96 * values.std())
    assert 0 < moved < 0.75 * naive  # but it does move them: wild values are looked at, not left to the method


def test_a_borrowed_interval_holds_with_two_of_twenty_outside():
    inside = np.full(18, 5.0)
    assert verify_interval([*inside, 0, 20], 1, 10).holds
    found = verify_interval([*inside[:17], 0, 20, 20, 5, 5, 5], 1, 10)
    assert (found.n, found.outside, found.holds) == (20, 3, False)


@pytest.mark.parametrize(
    ("refused", "place"),
    [
        (lambda: robust_limits([1, 2]), "values"),
        (lambda: robust_limits([1, 1, 1, 1, 2]), "values"),
        (lambda: robust_limits([1, 2, np.nan]), "values"),
        (lambda: robust_limits(["high", 2, 3]), "values"),
        (lambda: robust_limits(3.0), "values"),
        (lambda: robust_reference(np.arange(39), np.random.default_rng(1)), "values"),
        (lambda: robust_reference(np.ones((40, 40)), np.random.default_rng(1)), "values"),
        (lambda: nonparametric_reference(np.arange(119)), "values"),
        (lambda: verify_interval(np.arange(19), 1, 10), "values"),
        (lambda: verify_interval(np.arange(20), 10, 10), "low, high"),
    ],
)
def test_what_gives_no_limits_is_refused(refused, place):
    with pytest.raises(OutsideLimits) as caught:
        refused()
    assert caught.value.place == place
