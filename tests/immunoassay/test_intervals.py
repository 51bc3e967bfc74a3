"""Coverage of the 95 % intervals on simulated plates; the delta rule runs through the same test and fails it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import special

from decidua.immunoassay import logistic, noise
from decidua.immunoassay.inversion import Curves, Readings, intervals, reading_cv
from decidua.immunoassay.standards import OURS, Standards, fit
from immunoassay.made_plates import TOP, curves, signals

SHARES = np.array([0.0002, 0.0005, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 0.9])
LEVELS, STEP, CV, FLOOR = 9, 3.0, 0.07, 2.0


@dataclass
class Coverage:
    """Share of intervals that hold the truth, by dose: the test inverted, and the delta rule on the same readings."""

    inverted: np.ndarray
    delta: np.ndarray
    readings: int


def cover(plates: int, analytes: int, seed: int) -> Coverage:
    """Simulate plates of 9 levels in duplicate and 2 blanks; unknowns in duplicate at ten shares of the top.

    Every reading counts, those beyond the limits of quantification among them.
    """
    rng = np.random.default_rng(seed)
    dose = np.concatenate([np.repeat(TOP / STEP ** np.arange(LEVELS), 2), [0.0, 0.0]])
    truth = curves(rng, plates * analytes, 0.2)
    y = signals(rng, truth, dose, CV, FLOOR)
    count = truth.shape[1]
    none = np.full(y.shape, np.nan)
    table = np.repeat(dose[:, None], count, axis=1)
    plate = np.repeat(np.arange(plates), analytes)
    rows = np.zeros((dose.size, plates), dtype=np.intp)
    fits = fit(Standards(table, y, none, np.ones(y.shape, dtype=bool), rows, plate, np.zeros(count)), OURS)
    parts = np.array([(each.floor, each.cv, *each.uncertainty) for each in fits.noises])[plate].T
    ends = np.log(TOP / STEP ** (LEVELS - 1)), np.log(TOP)
    curve = Curves(
        fits.parameters, fits.covariance, parts[0], parts[1], parts[2:], *(np.full(count, end) for end in ends)
    )
    x = SHARES * TOP
    read = np.mean([signals(rng, truth, x, CV, FLOOR) for _ in range(2)], axis=0)
    at = np.tile(np.arange(count), x.size)
    readings = Readings(at, read.ravel(), np.full(read.size, 2.0), np.full(read.size, np.nan))
    lower, upper = (end.reshape(read.shape) for end in intervals(curve, readings))
    log_x = logistic.inverse(fits.parameters[:, at], readings.signal)
    cv = reading_cv(curve, readings, log_x).reshape(read.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        found = np.exp(log_x).reshape(read.shape)
        near = np.abs(found - x[:, None]) <= 1.96 * cv * found  # an end at infinity holds nothing
    held = (lower <= x[:, None]) & (x[:, None] <= upper)
    return Coverage(held.mean(axis=1), near.mean(axis=1), count)


def slack(readings: int) -> float:
    """Monte-Carlo slack of a share of 92.5 % [points of 1]; readings of one plate share its noise estimate only."""
    return float(2.58 * np.sqrt(0.075 * 0.925 / readings))


@pytest.mark.parametrize(("plates", "analytes"), [(80, 25), (1500, 1)], ids=["pooled", "one curve, Student's t"])
def test_coverage_reduced(plates: int, analytes: int) -> None:
    found = cover(plates, analytes, seed=11)
    assert found.inverted.mean() >= 0.94
    assert found.inverted.min() >= 0.925 - slack(found.readings)
    assert found.delta[-1] < 0.925 - slack(found.readings)


@pytest.mark.bench
@pytest.mark.parametrize(("plates", "analytes"), [(3000, 20), (3000, 1)])
def test_coverage_in_full(plates: int, analytes: int) -> None:
    block = 200 if analytes > 1 else 1000
    parts = [cover(block, analytes, seed) for seed in range(plates // block)]
    held, delta = (np.mean([getattr(part, name) for part in parts], axis=0) for name in ("inverted", "delta"))
    print(f"\n{analytes} analytes a plate: inverted {held.round(4)}, delta {delta.round(4)}")
    assert held.mean() >= 0.94
    assert held.min() >= 0.925
    assert delta[-1] < 0.90


def test_critical_values_follow_student() -> None:
    for freedom in (3.0, 5.0, 15.0, 400.0):
        ours = noise.critical(
            np.array([1.0]), np.array([0.0]), np.array([[2.0 / freedom], [0.0], [0.0]]), np.array([0.0]), 0.95
        )
        assert ours[0] == pytest.approx(special.stdtrit(freedom, 0.975), rel=0.008)


def test_interval_ends_are_where_the_test_turns() -> None:
    rng = np.random.default_rng(9)
    truth = curves(rng, 40)
    spread = np.diag([1.0, 0.02, 0.03, 0.01, 0.02]) ** 2
    curve = Curves(
        truth,
        np.repeat(spread[:, :, None], 40, axis=2),
        np.full(40, FLOOR),
        np.full(40, CV),
        np.full((3, 40), 1e-9),
        np.full(40, np.log(TOP / 3.0**8)),
        np.full(40, np.log(TOP)),
    )
    signal = logistic.value(truth, np.full(40, np.log(0.05 * TOP)))
    readings = Readings(np.arange(40), signal, np.full(40, 2.0), np.full(40, 80.0))
    for end in intervals(curve, readings):
        assert (end > 0).all()
        assert np.isfinite(end).all()
        mean, gradient = logistic.value_and_gradient(truth, np.log(end))
        known = np.einsum("pn,pq,qn->n", gradient, spread, gradient)
        error = np.sqrt(noise.variance(FLOOR, CV, mean, np.full(40, 80.0)) / 2 + known)
        assert np.abs(signal - mean) / error == pytest.approx(1.959964, abs=1e-4)
