"""Ratios of net shares, of intervals and of draws: worked values, the three outcomes and symmetries."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decidua.errors import OutsideLimits
from decidua.statistics import (
    BooleanCounts,
    Interval,
    Outcome,
    PairedCounts,
    RatioBasis,
    joint_draws,
    log_normal_interval,
    ratio_limits,
    ratio_of_draws,
    ratio_of_intervals,
    ratio_of_joint_counts,
    ratio_of_separate_counts,
)

WORKED = [
    ((40, 160, 20, 19_780), (2, 10, 3, 19_985), 3.418, 0.0000, (2.648, 4.622)),
    ((10, 290, 2, 99_698), (1, 20, 1, 99_978), 27.90, 0.0027, (15.4, 91.4)),
    ((5, 60, 1, 4_934), (0, 4, 1, 4_995), 12.2, 0.0253, (5.56, None)),
    ((0, 3, 1, 4_996), (0, 2, 0, 4_998), 1.0, 0.182, (None, None)),
]
"""Stimulated and unstimulated ++, +-, -+, --; point; P(denominator <= 0); set."""

OUTCOME_OF_ENDS = {0: Outcome.NOT_DETERMINED, 1: Outcome.ONE_SIDED, 2: Outcome.DETERMINED}


def seeded(seed=1):
    return np.random.default_rng(seed)


def outcome_of_ends(found):
    return OUTCOME_OF_ENDS[sum(end is not None for end in (found.lower, found.upper))]


@pytest.mark.parametrize(("stimulated", "unstimulated", "point", "p_denominator", "ends"), WORKED)
def test_joint_counts_against_worked_values(stimulated, unstimulated, point, p_denominator, ends):
    found = ratio_of_joint_counts(BooleanCounts(*stimulated), BooleanCounts(*unstimulated), seeded(), 1_000_000)
    assert found.point == pytest.approx(point, rel=0.001)
    assert found.p_denominator_not_positive == pytest.approx(p_denominator, abs=0.0005)
    for end, expected in zip((found.lower, found.upper), ends, strict=True):
        assert end is None if expected is None else end == pytest.approx(expected, rel=0.01)
    assert found.outcome is outcome_of_ends(found)
    assert found.basis is RatioBasis.JOINT_COUNTS


@pytest.mark.parametrize(("stimulated", "unstimulated", "_point", "_p", "ends"), WORKED)
def test_the_outcome_does_not_depend_on_the_draws(stimulated, unstimulated, _point, _p, ends):
    expected = OUTCOME_OF_ENDS[sum(end is not None for end in ends)]
    tubes = BooleanCounts(*stimulated), BooleanCounts(*unstimulated)
    assert {ratio_of_joint_counts(*tubes, seeded(seed), 400).outcome for seed in range(40)} == {expected}


def test_the_same_seed_gives_the_same_set():
    tubes = BooleanCounts(*WORKED[0][0]), BooleanCounts(*WORKED[0][1])
    assert ratio_of_joint_counts(*tubes, seeded()) == ratio_of_joint_counts(*tubes, seeded())


@pytest.mark.parametrize(
    ("parent", "expected"), [(5_000, (29, 75)), (20_000, (34, 54)), (50_000, (37, 49)), (100_000, (38, 47))]
)
def test_tnf_over_il10_narrows_with_the_parent_population(parent, expected):
    def share(*per_mille):
        return PairedCounts(*(count for p in per_mille for count in (p * parent // 1_000, parent)))

    found = ratio_of_separate_counts(share(300, 5), share(10, 3), seeded(), same_cells=True)
    assert [found.lower, found.upper] == pytest.approx(expected, abs=0.6)
    assert found.point == pytest.approx(295 / 7)
    assert found.basis is RatioBasis.MARGINS_ONLY


def test_overlap_narrows_the_set_and_its_absence_is_said():
    stimulated, unstimulated = BooleanCounts(400, 0, 0, 9_600), BooleanCounts(4, 0, 0, 9_996)
    joint = ratio_of_joint_counts(stimulated, unstimulated, seeded())
    margin = PairedCounts(400, 10_000, 4, 10_000)
    apart = ratio_of_separate_counts(margin, margin, seeded(), same_cells=False)
    assert joint.point == apart.point == 1
    assert math.log(joint.upper / joint.lower) < 0.1 * math.log(apart.upper / apart.lower)
    assert apart.basis is RatioBasis.SEPARATE_CELLS


def test_background_is_optional_on_either_side():
    th17, treg = PairedCounts(120, 20_000, 15, 18_000), PairedCounts(900, 15_000)
    found = ratio_of_separate_counts(th17, treg, seeded(), same_cells=False)
    assert found.outcome is Outcome.DETERMINED
    assert found.point == pytest.approx((0.006 - 15 / 18_000) / 0.06)
    assert found.p_denominator_not_positive == 0
    assert found.lower < found.point < found.upper


def test_one_tube_without_background_gives_the_ratio_of_its_shares():
    found = ratio_of_joint_counts(BooleanCounts(0, 209, 24, 767), None, seeded())
    assert found.point == pytest.approx(209 / 24)
    # Two exclusive shares of one tube: their ratio is that of two gamma variates.
    expected = np.quantile(seeded(2).gamma(209.5, size=400_000) / seeded(3).gamma(24.5, size=400_000), (0.025, 0.975))
    assert [found.lower, found.upper] == pytest.approx(expected, rel=0.01)
    assert found.p_denominator_not_positive == 0


def test_a_numerator_that_may_be_zero_gives_a_set_from_zero():
    found = ratio_of_joint_counts(BooleanCounts(0, 3, 500, 9_497), BooleanCounts(0, 3, 5, 9_992), seeded())
    assert found.outcome is Outcome.DETERMINED
    assert (found.point, found.lower) == (0, 0)
    assert 0 < found.upper < 0.05


@pytest.mark.parametrize(
    ("stimulated", "unstimulated", "point"),
    [
        ((0, 400, 3, 9_597), (0, 4, 200, 9_796), None),
        ((0, 3, 400, 9_597), (0, 200, 4, 9_796), -197 / 396),
        ((0, 3, 4, 9_993), (0, 200, 300, 9_500), None),
        ((0, 0, 0, 10_000), (0, 0, 0, 10_000), None),
    ],
    ids=["denominator below zero", "numerator below zero", "both below zero", "nothing there"],
)
def test_nothing_is_said_of_a_term_below_zero(stimulated, unstimulated, point):
    found = ratio_of_joint_counts(BooleanCounts(*stimulated), BooleanCounts(*unstimulated), seeded())
    assert (found.outcome, found.lower, found.upper) == (Outcome.NOT_DETERMINED, None, None)
    assert found.point == (None if point is None else pytest.approx(point))


@given(
    seed=st.integers(0, 2**32 - 1),
    shifts=st.tuples(st.floats(-3, 6), st.floats(-3, 6)),
    correlation=st.floats(-0.9, 0.9),
)
def test_limits_are_the_outermost_of_the_set_found_by_trying(seed, shifts, correlation):
    rng = seeded(seed)
    numerator, shared = rng.standard_normal((2, 80))
    denominator = correlation * numerator + math.sqrt(1 - correlation**2) * shared
    numerator, denominator = numerator + shifts[0], denominator + shifts[1]
    turns = numerator / denominator
    edges = np.concatenate([[0], np.sort(turns[turns > 0]), [np.inf]])
    between = np.append((edges[:-2] + edges[1:-1]) / 2, edges[-2] + 1)
    above = np.array([np.mean(numerator > ratio * denominator) for ratio in between])
    inside = np.flatnonzero((above >= 0.025) & (above <= 0.975))
    expected = (0, np.inf)
    if above[0] >= 0.025 and above[-1] <= 0.975:
        expected = (edges[inside[0]], edges[inside[-1] + 1])
    assert [float(end) for end in ratio_limits(numerator, denominator)] == pytest.approx(expected)


@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_limits_scale_with_their_terms_and_turn_over(seed, times, over):
    numerator, denominator = seeded(seed).gamma([[40], [8]], size=(2, 500))
    lower, upper = ratio_limits(numerator, denominator)
    scaled = ratio_limits(times * numerator, over * denominator)
    assert np.array(scaled) == pytest.approx(np.array([lower, upper]) * times / over, rel=1e-9)
    turned = ratio_limits(denominator, numerator)
    assert np.array(turned) == pytest.approx(1 / np.array([upper, lower]), rel=1e-9)


def test_known_probabilities_decide_which_ends_there_are():
    rng = seeded()
    terms = rng.normal([[4.0], [2.0]], 1.0, size=(2, 4_000))
    drawn = np.mean(terms <= 0, axis=1)
    assert drawn[1] < 0.025 < 2 * drawn[1]
    assert [ends.tolist() for ends in ratio_limits(*terms, *drawn)] == [e.tolist() for e in ratio_limits(*terms)]
    determined, one_sided = ratio_limits(*terms, drawn[0], 0.0249), ratio_limits(*terms, drawn[0], 0.0251)
    assert math.isfinite(determined[1])
    assert one_sided[1] == math.inf
    assert float(determined[0]) == pytest.approx(float(one_sided[0]), rel=0.01)
    from_zero = ratio_limits(*terms, 0.026, drawn[1])
    assert from_zero[0] == 0 < ratio_limits(*terms, 0.024, drawn[1])[0]


def test_many_ratios_at_once_are_each_their_own():
    stimulated, unstimulated = (np.array([row[k] for row in WORKED]) for k in (0, 1))
    terms = joint_draws(stimulated, unstimulated, seeded(), 4_000)
    assert terms[0].shape == terms[1].shape == (4, 4_000)
    lower, upper = ratio_limits(*terms)
    each = [ratio_limits(*pair) for pair in zip(*terms, strict=True)]
    assert lower.tolist() == [float(ends[0]) for ends in each]
    assert upper.tolist() == [float(ends[1]) for ends in each]


def test_joint_draws_have_the_dirichlet_moments():
    numerator, denominator = joint_draws((40, 160, 20, 780), None, seeded(), 400_000)
    shares = np.array([200.5, 60.5]) / 1_001
    assert [numerator.mean(), denominator.mean()] == pytest.approx(shares, rel=0.001)
    covariance = (40.25 / 1_001 - shares[0] * shares[1]) / 1_002
    assert np.cov(numerator, denominator)[0, 1] == pytest.approx(covariance, rel=0.02)


@pytest.mark.parametrize("cells", [(1, 2, 3), 7, (0, 0, 0, 0), (1, 2, 3, -4), ("a", 1, 2, 3)])
def test_a_tube_that_is_not_four_counts_is_refused(cells):
    with pytest.raises(OutsideLimits):
        joint_draws(cells, None, seeded(), 1_000)


def test_draws_that_do_not_pair_are_refused():
    with pytest.raises(OutsideLimits, match="500 draws cannot be divided by 400"):
        ratio_of_draws(np.ones(500), np.ones(400))
    for bad in (np.ones(399), np.full(500, np.inf)):
        with pytest.raises(OutsideLimits) as caught:
            ratio_of_draws(np.ones(500), bad)
        assert caught.value.place in ("denominator", "draws")
    for shapes in (((3, 400), (400,)), ((0,), (0,))):
        with pytest.raises(OutsideLimits, match="one by one"):
            ratio_limits(*(np.ones(shape) for shape in shapes))
    with pytest.raises(OutsideLimits, match="399 draws"):
        ratio_of_joint_counts(BooleanCounts(1, 1, 1, 1), None, seeded(), 399)


def test_draws_of_two_quantities():
    rng = seeded()
    numerator, denominator = rng.lognormal(2, 0.3, 200_000), rng.lognormal(1, 0.4, 200_000)
    found = ratio_of_draws(numerator, denominator)
    factor = math.exp(1.959964 * 0.5)
    assert [found.point, found.lower, found.upper] == pytest.approx(
        [math.e, math.e / factor, math.e * factor], rel=0.01
    )
    assert (found.outcome, found.p_denominator_not_positive) == (Outcome.DETERMINED, 0)
    assert found.basis is RatioBasis.DRAWS


def test_draws_with_a_denominator_near_zero_are_one_sided_or_undetermined():
    rng = seeded()
    numerator, denominator = rng.normal(5, 1, 4_000), rng.normal(1, 1, 4_000)
    found = ratio_of_draws(numerator, denominator)
    assert (found.outcome, found.point, found.upper) == (Outcome.ONE_SIDED, None, None)
    assert found.lower > 1
    assert found.p_denominator_not_positive == np.mean(denominator <= 0)
    assert ratio_of_draws(denominator, denominator[::-1]).outcome is Outcome.NOT_DETERMINED


def test_draws_that_are_exactly_zero_count_as_not_positive():
    positive = seeded().gamma(9, size=4_000)
    with_zeros = np.where(np.arange(4_000) < 120, 0.0, positive[::-1])
    from_zero, one_sided = ratio_of_draws(with_zeros, positive), ratio_of_draws(positive, with_zeros)
    assert (from_zero.outcome, from_zero.lower) == (Outcome.DETERMINED, 0)
    assert (one_sided.outcome, one_sided.upper) == (Outcome.ONE_SIDED, None)
    assert one_sided.p_denominator_not_positive == 0.03
    assert one_sided.lower == pytest.approx(1 / from_zero.upper)


def test_two_log_normal_quantities_divide_as_logarithms_subtract():
    found = ratio_of_intervals(log_normal_interval(30, 0.3), log_normal_interval(10, 0.4))
    factor = math.exp(1.959964 * 0.5)
    assert [found.point, found.lower, found.upper] == pytest.approx([3, 3 / factor, 3 * factor], rel=1e-6)
    assert (found.outcome, found.basis) == (Outcome.DETERMINED, RatioBasis.INTERVALS)
    assert found.p_denominator_not_positive == 0


def test_unequal_sides_recover_each_its_own_variance():
    found = ratio_of_intervals(Interval(8, 4, 24), Interval(2, 1, 3))
    below, above = math.hypot(math.log(2), math.log(1.5)), math.hypot(math.log(3), math.log(2))
    assert [found.lower, found.upper] == pytest.approx([4 * math.exp(-below), 4 * math.exp(above)])


MEASURED = Interval(10, 5, 20)
BELOW, ABOVE = Interval(2, 0, 2), Interval(500, 500, math.inf)
NEAR_ZERO = Interval(3, 0, 6)


@pytest.mark.parametrize(
    ("numerator", "denominator", "lower", "upper"),
    [
        (BELOW, MEASURED, None, 2 / 5),
        (ABOVE, MEASURED, 500 / 20, None),
        (MEASURED, BELOW, 5 / 2, None),
        (MEASURED, ABOVE, None, 20 / 500),
        (MEASURED, NEAR_ZERO, 10 / 3 * math.exp(-math.log(2) * math.sqrt(2)), None),
        (Interval(1, 0, math.inf), MEASURED, None, None),
        (BELOW, BELOW, None, None),
        (ABOVE, ABOVE, None, None),
        (BELOW, ABOVE, None, None),
        (ABOVE, BELOW, None, None),
    ],
)
def test_a_censored_quantity_leaves_one_end_and_two_leave_none(numerator, denominator, lower, upper):
    found = ratio_of_intervals(numerator, denominator)
    assert found.lower == (None if lower is None else pytest.approx(lower))
    assert found.upper == (None if upper is None else pytest.approx(upper))
    assert found.outcome is outcome_of_ends(found)
    assert found.point is None


def test_ends_that_no_float_holds_count_as_open():
    found = ratio_of_intervals(Interval(1, 1e-300, 1e300), Interval(1, 1e-300, 1e300))
    assert found.outcome is Outcome.NOT_DETERMINED


@pytest.mark.parametrize(
    "bad",
    [
        Interval(0, 0, 1),
        Interval(math.inf, 1, math.inf),
        Interval(2, 3, 4),
        Interval(5, 3, 4),
        Interval(1, -1, 2),
        Interval(math.nan, 1, 2),
        Interval(1, math.nan, 2),
    ],
)
def test_an_impossible_quantity_is_refused(bad):
    for pair, place in (((bad, MEASURED), "numerator"), ((MEASURED, bad), "denominator")):
        with pytest.raises(OutsideLimits) as caught:
            ratio_of_intervals(*pair)
        assert caught.value.place == place


positive_intervals = st.tuples(
    st.floats(1e-3, 1e3), st.floats(1, 50), st.floats(1, 50), st.booleans(), st.booleans()
).map(lambda x: Interval(x[0], 0 if x[3] else x[0] / x[1], math.inf if x[4] else x[0] * x[2]))


@given(positive_intervals, positive_intervals)
def test_a_ratio_of_intervals_turns_over(numerator, denominator):
    found, turned = ratio_of_intervals(numerator, denominator), ratio_of_intervals(denominator, numerator)
    assert found.outcome is turned.outcome
    for end, other in ((found.lower, turned.upper), (found.upper, turned.lower)):
        assert end is other is None or end == pytest.approx(1 / other)
    if found.outcome is Outcome.DETERMINED:
        assert found.lower <= found.point * (1 + 1e-12) <= found.upper * (1 + 1e-9)
