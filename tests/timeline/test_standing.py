"""Scores, intervals and probabilities of standing against simulation and numbers of the design."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri
from scipy.stats import kstest

from decidua.errors import OutsideLimits
from decidua.timeline.centiles import LMS
from decidua.timeline.standing import FARTHEST, Standing, box_cox, box_cox_slope, quantile, standing, z_score, z_slopes
from timeline.cohorts import TRUTHS, draw, fit

ORACLE = [
    (0.3, 138, 0.37, 200, 1.060825, 63.2254, 259.6305),
    (-0.5, 1.6, 0.45, 4, 1.633531, 0.7900, 4.8088),
    (0, 138, 0.37, 70, -1.834482, 68.8108, 276.7591),
]


def known(L: float = 0.3, M: float = 138.0, S: float = 0.37, **errors: float) -> LMS:
    return SimpleNamespace(L=L, M=M, S=S, **{"se_L": 0.0, "se_lnM": 0.0, "se_lnS": 0.0} | errors)


def with_cv(sd_of_log: float) -> float:
    return float(np.sqrt(np.expm1(sd_of_log**2)))


@pytest.mark.parametrize(("L", "M", "S", "value", "z", "q3", "q97"), ORACLE)
def test_numbers_of_the_design(L: float, M: float, S: float, value: float, z: float, q3: float, q97: float) -> None:
    assert z_score(value, L, M, S) == pytest.approx(z, abs=5e-7)
    assert quantile([0.03, 0.97], L, M, S) == pytest.approx([q3, q97], abs=5.1e-5)


@given(st.floats(0.001, 0.999), st.floats(-1, 1), st.floats(1e-6, 1e6), st.floats(0.02, 0.3))
def test_quantile_and_score_invert(p: float, L: float, M: float, S: float) -> None:
    assert z_score(quantile(p, L, M, S), L, M, S) == pytest.approx(ndtri(p), abs=1e-9)


def test_score_runs_smoothly_through_the_log_normal() -> None:
    L = np.array([-1e-3, -1e-9, -1e-300, 0, 1e-300, 1e-9, 1e-3])
    assert z_score(200, L, 138, 0.37) == pytest.approx(np.log(200 / 138) / 0.37, rel=1e-3)
    assert quantile(0.9, L, 138, 0.37) == pytest.approx(138 * np.exp(0.37 * ndtri(0.9)), rel=1e-3)


def test_density_that_ends_has_no_quantile_beyond() -> None:
    assert quantile(0.001, 1, 10, 0.5) == 0
    assert quantile(0.999, -1, 10, 0.5) == np.inf


@pytest.mark.parametrize("L", [-1.5, -0.2, -0.021, -0.019, 0.0, 1e-4, 0.05, 0.9])
def test_slopes(L: float) -> None:
    value = np.array([20.0, 70, 138, 140, 400])
    by_l, by_m, by_s = z_slopes(value, L, 138, 0.37)
    step = 1e-5

    def numeric(up: tuple[float, ...], down: tuple[float, ...]) -> np.ndarray:
        return (z_score(value, *up) - z_score(value, *down)) / (2 * step)

    assert by_l == pytest.approx(numeric((L + step, 138, 0.37), (L - step, 138, 0.37)), rel=1e-6, abs=1e-8)
    more, less = np.exp(step), np.exp(-step)
    assert by_m == pytest.approx(numeric((L, 138 * more, 0.37), (L, 138 * less, 0.37)), rel=1e-6)
    assert by_s == pytest.approx(numeric((L, 138, 0.37 * more), (L, 138, 0.37 * less)), rel=1e-6, abs=1e-8)


def test_series_of_the_slope_meets_its_closed_form() -> None:
    ratio, S = np.array(0.4), np.array(1.0)
    near, far = (box_cox_slope(ratio, np.array(0.05 * f), S) for f in (1 - 1e-9, 1 + 1e-9))
    assert near == pytest.approx(far, rel=1e-9)
    assert box_cox(ratio, np.array(0.0), S) == 0.4


def test_interval_is_a_root_sum_of_squares_and_not_shrunk() -> None:
    point = known(se_L=0.2, se_lnM=0.05, se_lnS=0.08)
    found = standing(200, point, 0.1)
    bend = (200 / 138) ** 0.3
    z = (bend - 1) / (0.3 * 0.37)
    by_l = (np.log(200 / 138) * bend / 0.37 - z) / 0.3
    reference = (by_l * 0.2) ** 2 + (bend / 0.37 * 0.05) ** 2 + (z * 0.08) ** 2
    measured = np.log(1.01) * (bend / 0.37) ** 2
    half = 1.959964 * np.sqrt(reference + measured)
    assert (found.z_lower, found.z, found.z_upper) == pytest.approx((z - half, z, z + half), rel=1e-6)
    assert found.centile_lower == pytest.approx(100 * ndtr(z - half), rel=1e-6)
    assert found.centile == pytest.approx(100 * ndtr(z))
    assert found.centile_upper == pytest.approx(100 * ndtr(z + half), rel=1e-6)
    assert found.predictive_centile == pytest.approx(100 * ndtr(z / np.sqrt(1 + reference)))
    noise = reference + measured
    mean, sd = z / (1 + noise), np.sqrt(noise / (1 + noise))
    assert found.p_outside == pytest.approx(ndtr((-1.959964 - mean) / sd) + ndtr((mean - 1.959964) / sd), rel=1e-5)


def test_error_that_is_not_stated() -> None:
    found = standing(200, known(se_lnM=0.05), None)
    assert found.p_outside is None
    assert found.z_upper - found.z == pytest.approx(1.959964 * 0.05 * (200 / 138) ** 0.3 / 0.37, rel=1e-6)


def test_no_error_at_all_leaves_no_doubt() -> None:
    inside, outside = standing([138.0, 600.0], known(), 0.0).p_outside
    assert (inside, outside) == (0, 1)


def test_vectors_stand_as_their_members() -> None:
    values, cvs = np.array([[90.0, 138.0], [200.0, 300.0]]), np.array([0.05, 0.2])
    point = known(se_L=0.1, se_lnM=0.03, se_lnS=0.05)
    many = standing(values, point, cvs, (5, 95))
    for i, j in np.ndindex(values.shape):
        one = standing(values[i, j], point, cvs[j], (5, 95))
        for name in Standing.__slots__:
            assert getattr(many, name)[i, j] == pytest.approx(getattr(one, name), rel=1e-12)
            assert isinstance(getattr(one, name), float)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: standing(0, known(), 0.1), "not above zero"),
        (lambda: standing(100, known(M=-1.0), 0.1), "not above zero"),
        (lambda: standing(100, known(L=float("nan")), 0.1), "not finite"),
        (lambda: standing(100, known(se_L=-0.1), 0.1), "below zero"),
        (lambda: standing(100, known(), -0.1), "below zero"),
        (lambda: standing(100, known(), "high"), "not numbers"),
        (lambda: standing([1, 2], known(), [0.1, 0.1, 0.1]), "do not broadcast"),
        (lambda: standing(100, known(), 0.1, (97.5, 2.5)), "no band"),
        (lambda: standing(100, known(), 0.1, (-1, 50)), "no band"),
        (lambda: z_score(138 * (1 + FARTHEST), 1, 138, 0.37), "too far"),
        (lambda: z_score(1e300, 3, 1, 0.3), "too far"),
        (lambda: quantile(1, 0, 1, 1), "between 0 and 1"),
        (lambda: quantile(0, 0, 1, 1), "between 0 and 1"),
    ],
)
def test_refused(call: object, words: str) -> None:
    with pytest.raises(OutsideLimits, match=words):
        call()


@pytest.mark.parametrize(("L", "M", "S"), [row[:3] for row in ORACLE])
def test_known_reference_gives_uniform_centiles(L: float, M: float, S: float) -> None:
    rng = np.random.default_rng(21)
    value = quantile(rng.uniform(size=10_000), L, M, S)
    assert kstest(standing(value, known(L, M, S), None).centile / 100, "uniform").pvalue > 0.01
    assert kstest(standing(value, known(1, M, S), None).centile / 100, "uniform").pvalue < 0.01


def off(claimed: np.ndarray, outside: np.ndarray) -> list[float]:
    """Distance of claimed probabilities from the observed share, in bins .2-.4, .4-.6, .6-.8."""
    bins = [(claimed >= low) & (claimed < low + 0.2) for low in (0.2, 0.4, 0.6)]
    return [abs(claimed[b].mean() - outside[b].mean()) for b in bins]


# Log-normal, so that the error of the score is that of the logarithm, over S, for every value.
@pytest.mark.parametrize("error", [0.27, 0.5])
def test_probability_outside_is_the_share_outside(error: float) -> None:
    rng, n, S = np.random.default_rng(22), 200_000, 0.37
    true = rng.standard_normal(n)
    value = 100 * np.exp(S * (true + error * rng.standard_normal(n)))
    found = standing(value, known(0, 100, S), with_cv(error * S))
    flat = ndtr((-1.96 - found.z) / error) + ndtr((found.z - 1.96) / error)
    outside = np.abs(true) > 1.96

    assert max(off(found.p_outside, outside)) < 0.03
    assert min(off(flat, outside)) > 0.03


def placed(truth: str, women: int, visits: int, references: int, subjects: int, cv: float) -> dict[str, np.ndarray]:
    """New subjects on fitted references: axes reference, subject."""
    rng = np.random.default_rng([23, women, list(TRUTHS).index(truth)])
    rows: dict[str, list[np.ndarray]] = {
        name: [] for name in ("covered", "without", "outside", "p", "sure", "exact", "raw")
    }
    for _ in range(references):
        cohort = draw(truth, women, visits, rng)
        reference = fit(cohort)
        day = rng.integers(reference.gestational_day[0], reference.gestational_day[-1] + 1, subjects)
        at, true = reference.at(day), TRUTHS[truth](day)
        z = np.clip(rng.standard_normal(subjects), -4, 4)
        exact = quantile(ndtr(z), true.L, true.M, true.S)
        value = exact * np.exp(np.sqrt(np.log1p(cv**2)) * rng.standard_normal(subjects))
        found, alone = standing(value, at, cv), standing(value, at, None)
        rows["covered"].append((found.z_lower < z) & (z < found.z_upper))
        rows["without"].append((alone.z_lower < z) & (z < alone.z_upper))
        rows["outside"].append(np.abs(z) > 1.96)
        rows["p"].append(found.p_outside)
        rows["exact"].append(standing(exact, at, None).predictive_centile / 100)
        rows["sure"].append(standing(value, known(at.L, at.M, at.S), cv).p_outside)
        line = np.polyfit(cohort.day, cohort.value, 1)
        sd = np.std(cohort.value - np.polyval(line, cohort.day))
        rows["raw"].append(ndtr((exact - np.polyval(line, day)) / sd))
    return {name: np.array(row) for name, row in rows.items()}


# Reduced from 500 references: the cluster is the reference, and the slack of 60 of them is about 2 points.
def test_intervals_cover() -> None:
    found = placed("falling", 300, 1, 60, 40, 0.1)
    each = found["covered"].mean(axis=1)
    slack = 2.58 * each.std() / 60**0.5
    assert 0.93 - slack <= each.mean() <= 0.97 + slack
    assert found["without"].mean() < 0.93 - slack


@pytest.mark.bench
@pytest.mark.parametrize("truth", TRUTHS)
def test_placement_on_estimated_references_in_full(truth: str) -> None:
    found = placed(truth, 300, 1, 500, 20, 0.1)
    centile = found["exact"].ravel()
    tails = np.mean(centile < 0.025), np.mean(centile > 0.975)
    distance, twin = (kstest(found[name].ravel(), "uniform").statistic for name in ("exact", "raw"))
    print(f"{truth}: D {distance:.4f}, tails {tails[0]:.4f} {tails[1]:.4f}, raw-scale normal D {twin:.4f},")
    print(f"  coverage {found['covered'].mean():.3f}, without the measurement {found['without'].mean():.3f}")
    assert distance <= 0.02
    assert twin > 0.02
    assert all(0.020 <= tail <= 0.032 for tail in tails)
    assert 0.93 <= found["covered"].mean() <= 0.97
    assert found["without"].mean() < 0.93


@pytest.mark.bench
def test_probability_outside_allows_for_the_reference() -> None:
    found = placed("falling", 300, 1, 300, 400, 0.1)
    ours, sure = (off(found[name].ravel(), found["outside"].ravel()) for name in ("p", "sure"))
    print(f"off by {np.round(ours, 3)}; with the reference taken as known {np.round(sure, 3)}")
    assert max(ours) < 0.06
    assert max(sure) > 0.06
