"""Shares, paired differences, log-normal quantities and draws against worked values and their own symmetries."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta, binomtest, norm

from decidua.errors import OutsideLimits
from decidua.statistics import (
    BooleanCounts,
    Interval,
    LimitsMethod,
    PairedCounts,
    difference_limits,
    interval_of_draws,
    log_normal_interval,
    log_sd_of_cvs,
    net_share_draws,
    net_share_interval,
    p_net_not_positive,
    probability_not_positive,
    share_draws,
    share_limits,
)

WORKED = {
    (45, 20_000, 8, 20_000): (1850, (1161.52, 2634.32), (1164.18, 2610.73), (1162, 2603), 0.0000),
    (3, 5_000, 0, 5_000): (600, (-263.78, 1762.71), (-61.81, 1600.39), (-45, 1525), 0.033),
    (0, 5_000, 2, 5_000): (-400, (-1457.39, 420.76), (-1282.62, 193.84), (-1209, 174), 0.924),
    (12, 100_000, 9, 50_000): (-60, (-230.03, 63.82), (-218.15, 63.27), (-217, 63), 0.824),
}
"""Counts: difference, Newcombe, default, posterior [ppm], P(d <= 0)."""

BAD_COUNTS = [
    ((0, 0), "n_parent"),
    ((3, 2), "n_pos"),
    ((-1, 5), "n_pos"),
    ((1, -5), "n_parent"),
    ((1.5, 5), "n_pos"),
    ((math.nan, 5), "n_pos"),
    ((1, math.inf), "n_parent"),
    (("many", 5), "n_pos"),
    (([1, 2], [3, 4, 5]), "n_pos, n_parent"),
]


@st.composite
def parts(draw):
    n_parent = draw(st.one_of(st.integers(1, 50), st.integers(1, 10**7)))
    return draw(st.one_of(st.integers(0, n_parent), st.sampled_from([0, 1, n_parent]))), n_parent


methods = st.sampled_from(LimitsMethod)


@pytest.mark.parametrize("counts", WORKED)
def test_difference_against_worked_values(counts):
    difference, newcombe, default, posterior, p_not_positive = WORKED[counts]
    pair = PairedCounts(*counts)
    jeffreys, wilson = net_share_interval(pair), net_share_interval(pair, LimitsMethod.WILSON)
    assert 1e6 * jeffreys.value == pytest.approx(difference)
    assert wilson.value == jeffreys.value
    assert [1e6 * wilson.lower, 1e6 * wilson.upper] == pytest.approx(newcombe, abs=0.005)
    assert [1e6 * jeffreys.lower, 1e6 * jeffreys.upper] == pytest.approx(default, abs=0.005)
    drawn = net_share_draws(pair, np.random.default_rng(1), 2_000_000)
    found = interval_of_draws(drawn)
    assert [1e6 * found.lower, 1e6 * found.upper] == pytest.approx(posterior, abs=2)
    assert p_net_not_positive(pair) == pytest.approx(p_not_positive, abs=0.0005)
    assert np.mean(drawn <= 0) == pytest.approx(p_net_not_positive(pair), abs=0.001)


@pytest.mark.parametrize(
    "counts",
    [
        *WORKED,
        (300, 100_000, 12, 5_000),
        (1, 7, 6, 7),
        (0, 40, 40, 40),
        (0, 4, 13, 34_729),
        (13, 34_729, 0, 4),
        (0, 100_000, 0, 50),
        (3, 10**7, 0, 5_000),
    ],
)
def test_probability_not_positive_is_the_integral(counts):
    n_pos, n_parent, n_pos_control, n_parent_control = counts
    tube = beta(n_pos + 0.5, n_parent - n_pos + 0.5)
    control = beta(n_pos_control + 0.5, n_parent_control - n_pos_control + 0.5)
    steep = np.clip(norm.ppf(control.cdf(tube.ppf([1e-3, 0.1, 0.5, 0.9, 1 - 1e-3]))), -7, 7)
    expected, _ = quad(lambda z: norm.pdf(z) * tube.cdf(control.ppf(norm.cdf(z))), -8, 8, points=steep, limit=500)
    assert float(probability_not_positive(*counts)) == pytest.approx(expected, abs=1e-6)


@given(parts(), parts())
def test_the_two_tubes_share_the_probability_between_them(tube, control):
    one, other = probability_not_positive(*tube, *control), probability_not_positive(*control, *tube)
    assert float(one + other) == pytest.approx(1, abs=1e-6)
    assert 0 <= one <= 1


def test_probability_is_of_every_pair_of_an_array():
    tubes = np.array(list(WORKED))
    found = probability_not_positive(*tubes.T)
    assert found.shape == (4,)
    assert found == pytest.approx([p_net_not_positive(PairedCounts(*counts)) for counts in WORKED])


@pytest.mark.parametrize(
    ("method", "lower", "upper"),
    [
        (LimitsMethod.JEFFREYS, beta.ppf(0.025, 3.5, 7.5), beta.ppf(0.975, 3.5, 7.5)),
        (LimitsMethod.WILSON, *binomtest(3, 10).proportion_ci(method="wilson")),
    ],
)
def test_share_limits_are_those_of_the_named_method(method, lower, upper):
    found = share_limits(3, 10, method)
    assert [float(end) for end in found] == pytest.approx([lower, upper], rel=1e-12)
    alone = net_share_interval(PairedCounts(3, 10), method)
    assert [alone.value, alone.lower, alone.upper] == pytest.approx([0.3, lower, upper], rel=1e-12)


def test_no_positives_of_five_reach_the_published_upper_limit():
    lower, upper = share_limits(0, 5)
    assert (float(lower), float(upper)) == (0, pytest.approx(0.379, abs=0.0005))


@given(parts(), methods)
def test_share_limits_enclose_the_share_and_mirror(counts, method):
    n_pos, n_parent = counts
    lower, upper = (float(end) for end in share_limits(n_pos, n_parent, method))
    assert 0 <= lower <= n_pos / n_parent <= upper <= 1
    assert lower < upper
    assert (lower == 0) == (n_pos == 0)
    assert (upper == 1) == (n_pos == n_parent) or n_parent > 1e6
    mirrored = [1 - float(end) for end in share_limits(n_parent - n_pos, n_parent, method)]
    assert mirrored == pytest.approx([upper, lower], abs=1e-9)


@given(parts(), parts(), methods)
def test_difference_encloses_its_value_and_changes_sign_with_the_tubes(tube, control, method):
    found = net_share_interval(PairedCounts(*tube, *control), method)
    swapped = net_share_interval(PairedCounts(*control, *tube), method)
    assert -1 <= found.lower <= found.value <= found.upper <= 1
    assert [-swapped.upper, -swapped.lower] == pytest.approx([found.lower, found.upper], abs=1e-12)


@given(parts(), st.integers(2, 100))
def test_more_cells_of_the_same_share_narrow_the_interval(counts, times):
    few = net_share_interval(PairedCounts(*counts))
    many = net_share_interval(PairedCounts(*(times * n for n in counts)))
    assert many.upper - many.lower < few.upper - few.lower


def test_an_open_mesh_gives_the_limits_of_every_pair():
    n_pos, n_control = np.arange(4), np.arange(3)
    lower, upper = difference_limits(n_pos[:, None], 50, n_control[None, :], 80)
    assert lower.shape == upper.shape == (4, 3)
    one = net_share_interval(PairedCounts(3, 50, 2, 80))
    assert (one.lower, one.upper) == (lower[3, 2], upper[3, 2])


@pytest.mark.parametrize(("counts", "place"), BAD_COUNTS)
@pytest.mark.parametrize(
    "refusing",
    [
        share_limits,
        lambda *counts: difference_limits(*counts, 1, 10),
        lambda *counts: difference_limits(1, 10, *counts),
        lambda *counts: probability_not_positive(*counts, 1, 10),
        lambda *counts: probability_not_positive(1, 10, *counts),
        lambda *counts: share_draws(*counts, np.random.default_rng(1), 1_000),
        PairedCounts,
        lambda *counts: PairedCounts(1, 10, *counts),
    ],
)
def test_impossible_counts_are_refused(refusing, counts, place):
    with pytest.raises(OutsideLimits) as caught:
        refusing(*counts)
    assert caught.value.place == place


def test_half_a_control_is_refused():
    for control in ((None, 10), (1, None)):
        with pytest.raises(OutsideLimits, match="Only one"):
            PairedCounts(1, 10, *control)


def test_cells_of_a_tube_are_counted_by_marker():
    tube = BooleanCounts(1, 20, 300, 4_000)
    assert tube.cells == (1, 20, 300, 4_000)
    assert (tube.n_numerator, tube.n_denominator, tube.n_parent) == (21, 301, 4_321)
    assert BooleanCounts(0, 0, 0, 1).n_parent == 1


@pytest.mark.parametrize("cells", [(0, 0, 0, 0), (-1, 2, 3, 4), (1, 2, 3, 0.5), (1, None, 2, 3), (1, 2, 3, math.nan)])
def test_an_impossible_tube_is_refused(cells):
    with pytest.raises(OutsideLimits):
        BooleanCounts(*cells)


def test_share_draws_follow_the_posterior_and_the_shape_of_the_counts():
    drawn = share_draws([[3], [40]], [50, 100], np.random.default_rng(2), 100_000)
    assert drawn.shape == (2, 2, 100_000)
    assert drawn.mean(axis=-1) == pytest.approx(np.array([[3.5 / 51, 3.5 / 101], [40.5 / 51, 40.5 / 101]]), rel=0.01)


def test_draws_without_a_control_are_of_the_share_itself():
    drawn = net_share_draws(PairedCounts(3, 10), np.random.default_rng(2), 400_000)
    found = interval_of_draws(drawn)
    assert [found.lower, found.value, found.upper] == pytest.approx(beta.ppf([0.025, 0.5, 0.975], 3.5, 7.5), abs=0.002)
    assert p_net_not_positive(PairedCounts(3, 10)) == 0


def test_interval_of_draws_reads_the_tails():
    assert interval_of_draws(np.arange(1_001)) == Interval(500, 25, 975)


@pytest.mark.parametrize("draws", [np.ones(399), np.ones((2, 400)), np.append(np.ones(400), np.nan), ["a"] * 400])
def test_draws_that_hold_no_interval_are_refused(draws):
    with pytest.raises(OutsideLimits) as caught:
        interval_of_draws(draws)
    assert caught.value.place == "draws"


def test_too_few_draws_are_not_made():
    with pytest.raises(OutsideLimits, match="399 draws"):
        share_draws(1, 10, np.random.default_rng(1), 399)
    assert share_draws(1, 10, np.random.default_rng(1), 400).shape == (400,)


def test_log_normal_interval_is_a_factor_either_way():
    found = log_normal_interval(10, 0.5)
    assert [found.lower, found.value, found.upper] == pytest.approx([3.7531, 10, 26.6444], rel=1e-4)
    assert log_normal_interval(10, 0) == Interval(10, 10, 10)


@pytest.mark.parametrize("median", [0, -1, math.nan, math.inf])
def test_a_median_without_a_logarithm_is_refused(median):
    with pytest.raises(OutsideLimits) as caught:
        log_normal_interval(median, 0.5)
    assert caught.value.place == "median"


@pytest.mark.parametrize("log_sd", [-0.1, math.nan, math.inf, 10.1])
def test_an_impossible_log_sd_is_refused(log_sd):
    with pytest.raises(OutsideLimits) as caught:
        log_normal_interval(1, log_sd)
    assert caught.value.place == "log_sd"


def test_cvs_join_on_the_log_scale():
    assert log_sd_of_cvs(0.3) == pytest.approx(math.sqrt(math.log(1.09)))
    assert log_sd_of_cvs(0.10, 0.15) == pytest.approx(0.178838, abs=1e-6)
    assert log_sd_of_cvs() == 0


@pytest.mark.parametrize("cv", [-0.01, math.nan, 15])
def test_a_cv_that_is_no_fraction_is_refused(cv):
    with pytest.raises(OutsideLimits, match="fraction"):
        log_sd_of_cvs(0.1, cv)
