"""2,000 weighted five-parameter fits in one batch beside scipy.optimize.curve_fit, curve by curve, in one process.

Both solve the same least squares from the same start: first as the room does, weights from the noise and the weak
prior on asymmetry as one more observation; then without a prior, weight 1 over the squared signal, thoroughly.
Times are processor time, the median of five interleaved repeats.
"""

from __future__ import annotations

import json
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
from scipy.optimize import curve_fit

from decidua.immunoassay import logistic

CURVES, REPEATS, TOP, CV, FLOOR, PRIOR_SD = 2000, 5, 10_000.0, 0.07, 2.0, 0.5


def simulate(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Ten levels in duplicate of curves as kits have them: doses [standard], signals [standard, curve]."""
    dose = np.repeat(TOP / 3.0 ** np.arange(10), 2)
    g = rng.lognormal(0.0, 0.4, CURVES)
    b = np.exp(rng.normal(0.15, 0.2, CURVES)) / g
    middle = rng.lognormal(np.log(0.2 * TOP), 0.8, CURVES)
    truth = np.stack(
        [
            rng.lognormal(np.log(12), 0.5, CURVES),
            rng.normal(9.4, 0.4, CURVES),
            np.log(middle) + np.log(2 ** (1 / g) - 1) / b,
            np.log(b),
            np.log(g),
        ]
    )
    mean = logistic.value(truth[:, None], np.log(dose)[:, None])
    noise = CV * mean * rng.standard_normal(mean.shape) + FLOOR * rng.standard_normal(mean.shape)
    return dose, mean + noise


def five(x: np.ndarray, a: float, span: float, c: float, b: float, g: float) -> np.ndarray:
    """Return the curve as a user of curve_fit writes it, in logs."""
    return a + np.exp(span) * np.exp(-np.exp(g) * np.logaddexp(0.0, -np.exp(b) * (x - c)))


def five_and_prior(x: np.ndarray, a: float, span: float, c: float, b: float, g: float) -> np.ndarray:
    """Return the curve, and log G as an observation of zero."""
    return np.append(five(x[:-1], a, span, c, b, g), g)


def by_scipy(points: logistic.Points, starts: np.ndarray, sd: float) -> np.ndarray:
    """Fit curve by curve; the cost of each."""
    cost = np.full(CURVES, np.inf)
    log_x = points.log_x[:, 0]
    for i in range(CURVES):
        y, sigma, x, model = points.signal[:, i], 1 / points.root_weight[:, i], log_x, five
        if np.isfinite(sd):
            x, y, sigma, model = np.append(x, 0.0), np.append(y, 0.0), np.append(sigma, sd), five_and_prior
        try:
            found, _ = curve_fit(model, x, y, p0=starts[:, 0, i], sigma=sigma, maxfev=5000)
        except RuntimeError:
            continue
        cost[i] = (((y - model(x, *found)) / sigma) ** 2).sum()
    return cost


def timed(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    """Run, and return processor time [s] and result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def compare(name: str, points: logistic.Points, sd: float, thorough: bool) -> list[dict[str, object]]:
    """Fit both ways, interleaved."""
    starts = logistic.guesses(points)
    ours, theirs = [], []
    for _ in range(REPEATS):
        seconds, cost = timed(
            lambda: logistic.fit(points, logistic.guesses(points), log_g_sd=sd, thorough=thorough).cost
        )
        ours.append(seconds)
        seconds, peer = timed(lambda: by_scipy(points, starts, sd))
        theirs.append(seconds)
    worst = float(np.max(cost / peer - 1.0))
    speed, slow = CURVES / statistics.median(ours), CURVES / statistics.median(theirs)
    ratios = [peer_time / our_time for our_time, peer_time in zip(ours, theirs, strict=True)]
    print(f"{name}: {speed:.0f} and {slow:.0f} fits/s, ratio {min(ratios):.1f}-{max(ratios):.1f}")
    print(f"  cost above curve_fit's: worst {worst:.1e}; better by 1e-6 in {(cost < peer * (1 - 1e-6)).sum()}")
    ratio = statistics.median(ratios)
    cell = {"name": name, "ours": round(speed), "peer": round(slow), "unit": "fits/s", "ratio": round(ratio, 1)}
    costs = {"name": f"{name}: largest relative excess of cost", "ours": worst, "peer": 0.0, "unit": "1", "ratio": None}
    return [cell, costs]


def main() -> None:
    """Print both comparisons, the JSON list last."""
    warnings.simplefilter("ignore")
    dose, y = simulate(np.random.default_rng(1))
    log_x = np.repeat(np.log(dose)[:, None], CURVES, axis=1)
    by_noise = logistic.Points(log_x, y, 1 / np.sqrt(FLOOR**2 + (CV * y) ** 2))
    by_square = logistic.Points(log_x, y, 1 / np.maximum(np.abs(y), 1.0))
    rows = compare("2,000 5PL fits, noise weights and prior", by_noise, PRIOR_SD, False)
    rows += compare("2,000 5PL fits, 1/y^2, no prior, thorough", by_square, np.inf, True)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
