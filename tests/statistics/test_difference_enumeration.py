"""Coverage and width of the paired-background interval by exact enumeration: no seed, no tolerance."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from scipy.stats import binom

from decidua.statistics import LimitsMethod, difference_limits

BACKGROUNDS = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3)
DIFFERENCES = (0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.2)
EQUAL = tuple((n, n) for n in (5_000, 10_000, 20_000, 50_000, 100_000, 200_000))
UNEQUAL = ((20_000, 5_000), (5_000, 20_000), (50_000, 200_000), (200_000, 50_000), (5_000, 200_000))
CELLS = tuple(product(EQUAL + UNEQUAL, BACKGROUNDS, DIFFERENCES))
LEFT_OUT = 1e-8
"""Probability of the counts not enumerated in either tail of a tube."""


def wald_limits(n_s, parent_s, n_u, parent_u):
    p_s, p_u = n_s / parent_s, n_u / parent_u
    half = 1.959964 * np.sqrt(p_s * (1 - p_s) / parent_s + p_u * (1 - p_u) / parent_u)
    return p_s - p_u - half, p_s - p_u + half


def likely_counts(n_parent, share):
    counts = np.arange(binom.ppf(LEFT_OUT, n_parent, share), binom.isf(LEFT_OUT, n_parent, share) + 1)
    return counts, binom.pmf(counts, n_parent, share)


METHODS = {
    "jeffreys": lambda *counts: difference_limits(*counts),
    "newcombe": lambda *counts: difference_limits(*counts, LimitsMethod.WILSON),
    "wald": wald_limits,
}


@dataclass(frozen=True)
class Enumerated:
    coverage: np.ndarray
    width: np.ndarray


def enumerate_cell(cell):
    (parent_s, parent_u), background, difference = cell
    n_s, weight_s = likely_counts(parent_s, background + difference)
    n_u, weight_u = likely_counts(parent_u, background)
    for limits in METHODS.values():
        lower, upper = limits(n_s[:, None], parent_s, n_u[None, :], parent_u)
        covered = (lower <= difference) & (difference <= upper)
        yield weight_s @ covered @ weight_u, weight_s @ (upper - lower) @ weight_u


@pytest.fixture(scope="module")
def enumerated():
    found = np.array([list(enumerate_cell(cell)) for cell in CELLS])
    return {name: Enumerated(found[:, k, 0], found[:, k, 1]) for k, name in enumerate(METHODS)}


def meets_criterion(coverage):
    return 0.945 <= coverage.mean() <= 0.97 and coverage.min() >= 0.92


def test_default_interval_covers_and_wald_does_not(enumerated):
    assert len(CELLS) == 726
    assert meets_criterion(enumerated["jeffreys"].coverage)
    assert not meets_criterion(enumerated["wald"].coverage)


def test_newcombe_dips_no_lower_than_stated(enumerated):
    assert enumerated["newcombe"].coverage.min() >= 0.905


def test_both_designs_reach_the_coverage_measured_for_the_method(enumerated):
    equal = np.array([parents in EQUAL for parents, _, _ in CELLS])
    assert equal.sum() == 396
    found = [
        100 * pick(enumerated[name].coverage[design])
        for design in (equal, ~equal)
        for name in ("jeffreys", "newcombe")
        for pick in (np.mean, np.min)
    ]
    assert found == pytest.approx([95.5, 93.8, 96.0, 94.9, 95.5, 92.3, 95.7, 91.0], abs=0.06)
    wald = enumerated["wald"].coverage[equal]
    assert [100 * wald.mean(), 100 * wald.min()] == pytest.approx([92.5, 13.9], abs=0.06)


def test_width_beside_newcombe(enumerated):
    ratio = enumerated["jeffreys"].width / enumerated["newcombe"].width
    assert ratio.mean() <= 0.96
    assert ratio.max() <= 1.01


@pytest.mark.parametrize(
    ("cell", "jeffreys", "newcombe"),
    [
        (((5_000, 5_000), 1e-4, 3e-4), 1559.0, 1947.3),
        (((20_000, 20_000), 3e-4, 1e-3), 1131.5, 1165.7),
        (((200_000, 50_000), 1e-3, 0.01), 1071.3, 1074.3),
    ],
)
def test_expected_width_in_parts_per_million(cell, jeffreys, newcombe):
    widths = [1e6 * width for _, width in enumerate_cell(cell)]
    assert widths[:2] == pytest.approx([jeffreys, newcombe], rel=0.005)
