"""Coverage of the ratio's set over simulated pairs of tubes: the suite by default, the big design by command."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from decidua.statistics import joint_draws, probability_not_positive, ratio_limits

BLOCK = 100
"""Replicates drawn at once, to stay within the processor's cache."""


@dataclass(frozen=True)
class Cell:
    ratio: float
    net: float
    background: float
    parents: tuple[int, int]
    doubles: float = 0.0

    def tubes(self):
        for share_of_net in (1 + self.background, self.background):
            numerator, denominator = self.ratio * self.net * share_of_net, self.net * share_of_net
            both = self.doubles * min(numerator, denominator)
            yield (
                both,
                numerator - both,
                denominator - both,
                1 - numerator - denominator + both,
            )


SUITE = tuple(
    Cell(ratio, net, background, (n, n))
    for ratio, net, background, n in product((0.5, 3, 20), (1e-4, 1e-3), (0.1, 1), (20_000, 100_000))
)
BIG = tuple(
    Cell(ratio, net, background, parents, doubles)
    for ratio, net, background, doubles, parents in product(
        (0.5, 3, 20),
        (1e-4, 3e-4, 1e-3, 5e-3),
        (0.1, 1),
        (0, 0.5),
        ((5_000, 5_000), (20_000, 20_000), (100_000, 100_000), (20_000, 100_000), (100_000, 20_000)),
    )
)


@dataclass(frozen=True)
class Simulated:
    """Arrays over replicates."""

    covered: np.ndarray
    determined: np.ndarray
    log_width: np.ndarray
    delta_exists: np.ndarray
    delta_covered: np.ndarray


def p_not_positive(stimulated, unstimulated, columns):
    """The shipped probability of each replicate, computed once for each pair of counts that occurs."""
    counts = np.stack([stimulated[:, columns].sum(axis=1), unstimulated[:, columns].sum(axis=1)], axis=1)
    pairs, which = np.unique(counts, axis=0, return_inverse=True)
    parents = stimulated[0].sum(), unstimulated[0].sum()
    return probability_not_positive(pairs[:, 0], parents[0], pairs[:, 1], parents[1])[which]


def log_delta(stimulated, unstimulated, truth):
    """The naive twin: a normal interval on the logarithm of the ratio, none where a net share is not positive."""
    net, variance = 0, 0
    for sign, tube in ((1, stimulated), (-1, unstimulated)):
        n = tube.sum(axis=1)
        both, p_num, p_den = tube[:, 0] / n, tube[:, :2].sum(axis=1) / n, (tube[:, 0] + tube[:, 2]) / n
        net = net + sign * np.array([p_num, p_den])
        variance = variance + np.array([p_num * (1 - p_num), p_den * (1 - p_den), both - p_num * p_den]) / n
    exists = (net > 0).all(axis=0)
    a, b = np.where(exists, net, 1.0)
    log_sd = np.sqrt(np.maximum(variance[0] / a**2 + variance[1] / b**2 - 2 * variance[2] / (a * b), 0))
    return exists, exists & (np.abs(np.log(a / b) - np.log(truth)) <= 1.959964 * log_sd)


def simulate(cell, replicates, draws, rng):
    stimulated, unstimulated = (
        rng.multinomial(n, shares, size=replicates) for n, shares in zip(cell.parents, cell.tubes(), strict=True)
    )
    p_numerator, p_denominator = (p_not_positive(stimulated, unstimulated, columns) for columns in ([0, 1], [0, 2]))
    lower, upper = np.empty(replicates), np.empty(replicates)
    for start in range(0, replicates, BLOCK):
        block = slice(start, start + BLOCK)
        terms = joint_draws(stimulated[block], unstimulated[block], rng, draws)
        lower[block], upper[block] = ratio_limits(*terms, p_numerator[block], p_denominator[block])
    exists, delta_covered = log_delta(stimulated, unstimulated, cell.ratio)
    with np.errstate(divide="ignore"):
        log_width = np.log(upper) - np.log(lower)
    covered = (lower <= cell.ratio) & (cell.ratio <= upper)
    return Simulated(covered, np.isfinite(upper), log_width, exists, delta_covered)


def shares(flags_of_cells):
    return np.array([np.mean(flags) for flags in flags_of_cells])


def given_determined(simulated):
    return np.array([found.covered[found.determined].mean() for found in simulated if found.determined.mean() >= 0.5])


@pytest.fixture(scope="module")
def suite():
    rng = np.random.default_rng(20_250)
    return {cell: simulate(cell, 1_000, 4_000, rng) for cell in SUITE}


def test_coverage_counting_every_sample(suite):
    coverage = shares(found.covered for found in suite.values())
    assert 0.94 <= coverage.mean() <= 0.965
    assert coverage.min() >= 0.915


def test_log_delta_fails_the_same_test(suite):
    coverage = shares(found.delta_covered for found in suite.values())
    assert coverage.mean() < 0.90
    assert coverage.min() < 0.60


def test_coverage_where_the_ratio_is_determined_at_least_half_the_time(suite):
    coverage = given_determined(suite.values())
    assert len(coverage) == 15
    assert coverage.min() >= 0.915


@pytest.mark.parametrize(
    ("net", "background", "small", "large"),
    [(1e-4, 0.1, 0.15, 0.90), (1e-4, 1, 0.13, 0.45), (1e-3, 0.1, 0.997, 1.0), (1e-3, 1, 0.745, 1.0)],
)
def test_share_determined_does_not_depend_on_the_ratio(suite, net, background, small, large):
    for cell, found in suite.items():
        if (cell.net, cell.background) == (net, background):
            expected = small if cell.parents[0] == 20_000 else large
            assert found.determined.mean() == pytest.approx(expected, abs=0.06), cell


def test_coverage_where_a_high_ratio_is_rarely_determined(suite):
    rare = [found for cell, found in suite.items() if (cell.ratio, cell.net, cell.parents[0]) == (20, 1e-4, 20_000)]
    determined = np.concatenate([found.determined for found in rare])
    ours, delta = (
        np.concatenate([getattr(found, name) for found in rare])[determined] for name in ("covered", "delta_covered")
    )
    assert ours.mean() >= 0.84
    assert delta.mean() < 0.75


@pytest.mark.parametrize(("parent", "expected"), [(20_000, 1.17), (100_000, 0.50)])
def test_median_log_width(suite, parent, expected):
    found = suite[Cell(3, 1e-3, 0.1, (parent, parent))]
    assert np.median(found.log_width[found.determined]) == pytest.approx(expected, rel=0.05)


@pytest.mark.bench
def test_big_design():
    rng = np.random.default_rng(20_251)
    simulated = [simulate(cell, 1_500, 2_000, rng) for cell in BIG]
    coverage = shares(found.covered for found in simulated)
    delta = shares(found.delta_covered for found in simulated)
    determined = given_determined(simulated)
    print(
        f"{len(BIG)} cells: mean {coverage.mean():.4f}, least {coverage.min():.4f}; given determined "
        f"{determined.mean():.4f}, least {determined.min():.4f} of {len(determined)}; "
        f"log-delta {delta.mean():.4f}, least {delta.min():.4f}"
    )
    assert 0.94 <= coverage.mean() <= 0.965
    assert coverage.min() >= 0.91
    assert determined.min() >= 0.905
    assert delta.mean() < 0.90
    assert delta.min() < 0.60
