"""2,000 weighted five-parameter fits in one batch, beside scipy's curve_fit one by one, same data and weights."""

from __future__ import annotations

import json
import time
import warnings

import numpy as np
from scipy.optimize import curve_fit

from decidua.immunoassay import logistic

CURVES, LEVELS, ROUNDS = 2000, 9, 5
CV, FLOOR = 0.07, 4.0  # scatter of a well: fraction of its signal, and MFI


def data(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return doses [standard], signals [standard, curve] and their standard deviations."""
    random = np.random.default_rng(seed)
    dose = np.repeat(10_000.0 / 3.0 ** np.arange(LEVELS), 2)
    lower, span = random.uniform(5, 30, CURVES), random.uniform(5_000, 25_000, CURVES)
    middle, slope = np.exp(random.uniform(5, 8, CURVES)), random.uniform(0.8, 1.8, CURVES)
    asymmetry = np.exp(random.normal(0, 0.3, CURVES))
    mean = lower + span / (1 + (dose[:, None] / middle) ** -slope) ** asymmetry
    sd = np.sqrt(FLOOR**2 + (CV * mean) ** 2)
    return dose, mean + sd * random.standard_normal(mean.shape), sd


def model(log_x: np.ndarray, a: float, log_span: float, log_c: float, log_b: float, log_g: float) -> np.ndarray:
    """Evaluate the five-parameter logistic as ours does: without overflow."""
    return a + np.exp(log_span - np.exp(log_g) * np.logaddexp(0, -np.exp(log_b) * (log_x - log_c)))


def ours(dose: np.ndarray, signal: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Fit all curves in one batch; return the costs."""
    points = logistic.Points(np.broadcast_to(np.log(dose)[:, None], signal.shape), signal, 1 / sd)
    return logistic.fit(points, logistic.guesses(points)).cost


def theirs(dose: np.ndarray, signal: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Fit curve by curve with scipy from the first of our starts; return the costs."""
    starts = logistic.guesses(logistic.Points(np.broadcast_to(np.log(dose)[:, None], signal.shape), signal, 1 / sd))
    costs = np.empty(signal.shape[1])
    log_x = np.log(dose)
    for k in range(signal.shape[1]):
        try:
            found, _ = curve_fit(model, log_x, signal[:, k], p0=starts[:, 0, k], sigma=sd[:, k], maxfev=5000)
            costs[k] = (((signal[:, k] - model(log_x, *found)) / sd[:, k]) ** 2).sum()
        except RuntimeError:  # scipy did not converge
            costs[k] = np.inf
    return costs


def main() -> None:
    """Print the costs' comparison and the ratio of times."""
    warnings.simplefilter("ignore")
    dose, signal, sd = data(1)
    mine, peer = [], []
    for _ in range(ROUNDS):
        start = time.process_time()
        our_cost = ours(dose, signal, sd)
        middle = time.process_time()
        their_cost = theirs(dose, signal, sd)
        mine.append(middle - start)
        peer.append(time.process_time() - middle)
    worse = np.max(our_cost / their_cost - 1)
    failed = int(np.isinf(their_cost).sum())
    print(f"{CURVES} curves; largest relative excess of our cost {worse:.2e}; scipy failed on {failed}")
    assert worse <= 1e-6, "a fit of ours is worse"
    ratio = float(np.median(np.array(peer) / np.array(mine)))
    fits = {"name": "2,000 weighted 5PL fits", "ours": float(np.median(mine)), "peer": float(np.median(peer)),
            "unit": "CPU s", "ratio": ratio}  # fmt: skip
    print(json.dumps([fits]))


if __name__ == "__main__":
    main()
