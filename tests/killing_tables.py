"""Killing tables made in memory: by hand, or simulated from a known curve under a stated noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from decidua.cytotoxicity import Assay, Drug, KillingTable, Role, Tube

CRITERION = (50.0, 25.0, 12.5, 6.25)
SHIPPED = (50.0, 25.0, 12.5)
TARGETS_PER_TUBE = 10_000.0


@dataclass(frozen=True)
class Truth:
    """A curve A (1 - exp(-k x)) that reaches 10 % at `x10` effectors per target."""

    plateau: float
    x10: float

    @property
    def rate(self) -> float:
        return float(-np.log1p(-0.1 / self.plateau) / self.x10)

    @property
    def lytic_units(self) -> float:
        return 1e7 / (TARGETS_PER_TUBE * self.x10)

    def lysis(self, ratios: Iterable[float]) -> np.ndarray:
        return self.plateau * (1 - np.exp(-self.rate * np.asarray(tuple(ratios))))


def any_truth(rng: np.random.Generator) -> Truth:
    """X10 between 8 and 15, plateau between 30 and 80 %."""
    return Truth(rng.uniform(0.3, 0.8), float(np.exp(rng.uniform(np.log(8), np.log(15)))))


def tubes(
    role: Role,
    readings: Iterable[float],
    *,
    ratio: float | None = None,
    targets: int | None = None,
    drug: Drug | None = None,
    sample: str = "S",
) -> list[Tube]:
    return [
        Tube(sample, role, ratio, i + 1, drug, float(r), targets, f"row {role.value} {ratio} {i + 1}")
        for i, r in enumerate(readings)
    ]


def table(rows: Iterable[Tube], assay: Assay, nk_share: float | None = 0.12) -> KillingTable:
    rows = tuple(rows)
    samples = dict.fromkeys(tube.sample for tube in rows)
    shares = {} if nk_share is None else dict.fromkeys(samples, nk_share)
    return KillingTable("made.csv", "0" * 64, assay, rows, shares, dict.fromkeys(samples, TARGETS_PER_TUBE))


def flow(
    tests: dict[float, Iterable[int]], alone: Iterable[int], targets: int = 10_000, nk_share: float | None = 0.12
) -> KillingTable:
    rows = tubes(Role.ALONE, alone, targets=targets)
    for ratio, dead in tests.items():
        rows += tubes(Role.TEST, dead, ratio=ratio, targets=targets)
    return table(rows, Assay.FLOW, nk_share)


def release(tests: dict[float, Iterable[float]], alone: Iterable[float], lysed: Iterable[float]) -> KillingTable:
    rows = tubes(Role.ALONE, alone) + tubes(Role.LYSED, lysed)
    for ratio, cpm in tests.items():
        rows += tubes(Role.TEST, cpm, ratio=ratio)
    return table(rows, Assay.RELEASE)


Simulator = Callable[[np.random.Generator, Truth, tuple[float, ...], int], KillingTable]


def noisy_lysis(rng: np.random.Generator, truth: Truth, ratios: tuple[float, ...], n: int) -> KillingTable:
    """5 % CV of specific lysis, controls without error: spontaneous 15 % of 10^8 cpm, where counting adds nothing."""
    lysis = truth.lysis(ratios)[:, None] * (1 + 0.05 * rng.standard_normal((len(ratios), n)))
    cpm = 1e8 * (0.15 + 0.85 * lysis)
    return release(dict(zip(ratios, cpm, strict=True)), [0.15e8] * 6, [1e8] * 6)


def noisy_counts(rng: np.random.Generator, truth: Truth, ratios: tuple[float, ...], n: int) -> KillingTable:
    """5 % CV of every count, spontaneous 15 % of maximal, 6 control wells each."""
    cpm = 1e8 * (0.15 + 0.85 * truth.lysis(ratios))[:, None] * (1 + 0.05 * rng.standard_normal((len(ratios), n)))
    alone, lysed = (c * (1 + 0.05 * rng.standard_normal(6)) for c in (0.15e8, 1e8))
    return release(dict(zip(ratios, cpm, strict=True)), alone, lysed)


def noisy_flow(targets: int, tube_cv: float, killing_cv: float, spontaneous: float = 0.06) -> Simulator:
    """Binomial counting, a CV of every dead share, a CV of the killing; as many targets alone as replicates."""

    def simulate(rng: np.random.Generator, truth: Truth, ratios: tuple[float, ...], n: int) -> KillingTable:
        lysis = truth.lysis(ratios)[:, None] * (1 + killing_cv * rng.standard_normal((len(ratios), n)))
        dead = (spontaneous + (1 - spontaneous) * lysis) * (1 + tube_cv * rng.standard_normal(lysis.shape))
        alone = spontaneous * (1 + tube_cv * rng.standard_normal(n))
        drawn = rng.binomial(targets, np.clip(dead, 0, 1))
        return flow(dict(zip(ratios, drawn, strict=True)), rng.binomial(targets, np.clip(alone, 0, 1)), targets)

    return simulate
