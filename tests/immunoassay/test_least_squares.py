"""The batched search against certified fits, from both official starts at once."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from decidua.immunoassay import logistic
from decidua.immunoassay.least_squares import Family, FloatArray, minimise
from immunoassay.made_plates import TOP, curves

Model = Callable[[FloatArray, FloatArray], tuple[FloatArray, list[FloatArray]]]


def rat42(b: FloatArray, x: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
    e = np.exp(b[1] - b[2] * x)
    return b[0] / (1 + e), [1 / (1 + e), -b[0] * e / (1 + e) ** 2, b[0] * e * x / (1 + e) ** 2]


def rat43(b: FloatArray, x: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
    e = np.exp(b[1] - b[2] * x)
    f = b[0] * (1 + e) ** (-1 / b[3])
    slope = f / b[3] * e / (1 + e)
    return f, [f / b[0], -slope, slope * x, f * np.log1p(e) / b[3] ** 2]


def mgh17(b: FloatArray, x: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
    first, second = np.exp(-x * b[3]), np.exp(-x * b[4])
    return b[0] + b[1] * first + b[2] * second, [
        np.ones_like(first),
        first,
        second,
        -x * b[1] * first,
        -x * b[2] * second,
    ]


def thurber(b: FloatArray, x: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
    above = b[0] + b[1] * x + b[2] * x**2 + b[3] * x**3
    below = 1 + b[4] * x + b[5] * x**2 + b[6] * x**3
    return above / below, [x**k / below for k in range(4)] + [-above / below**2 * x**k for k in (1, 2, 3)]


def eckerle4(b: FloatArray, x: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
    z = (x - b[2]) / b[1]
    f = b[0] / b[1] * np.exp(-z * z / 2)
    return f, [f / b[0], f * (z * z - 1) / b[1], f * z / b[1]]


MODELS: dict[str, Model] = {
    "Rat42": rat42,
    "Rat43": rat43,
    "MGH17": mgh17,
    "Thurber": thurber,
    "Eckerle4": eckerle4,
}


def family(model: Model, x: FloatArray, y: FloatArray) -> Family:
    def residuals(b: FloatArray, problems: np.ndarray) -> tuple[FloatArray, FloatArray]:
        predicted, slopes = model(b[:, None, :], np.repeat(x[:, None], b.shape[1], axis=1))
        return y[:, None] - predicted, -np.stack(slopes)

    return residuals


def certified(path: Path) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Starts and certified values [parameter, 2 starts + value], x, y and the sum of squares."""
    lines = path.read_text().splitlines()
    rows = [re.fullmatch(r"\s*b\d+ =" + r"\s+(\S+)" * 4, line) for line in lines]
    parameters = np.array([[float(row[i]) for i in (1, 2, 3)] for row in rows if row])
    start = max(i for i, line in enumerate(lines) if line.startswith("Data:"))
    data = np.array([[float(word) for word in line.split()] for line in lines[start + 1 :] if line.strip()])
    (cost,) = (float(line.split(":")[1]) for line in lines if line.startswith("Residual Sum of Squares"))
    return parameters, data[:, 1], data[:, 0], cost


@pytest.mark.parametrize("name", MODELS)
def test_nist_to_six_digits_from_both_starts(test_data: Path, name: str) -> None:
    parameters, x, y, cost = certified(test_data / "serum" / "reference_oracles" / f"NIST_{name}.dat")
    found = minimise(family(MODELS[name], x, y), parameters[:, :2], rounds=2000)
    assert found.converged.all()
    assert found.cost == pytest.approx(cost, rel=1e-8)
    assert found.parameters[:, 0] == pytest.approx(parameters[:, 2], rel=1e-6)
    assert found.parameters[:, 1] == pytest.approx(parameters[:, 2], rel=1e-6)


def test_the_twin_that_never_damps_fails(test_data: Path) -> None:
    """Gauss and Newton's undamped step from the first start of MGH17."""
    parameters, x, y, _ = certified(test_data / "serum" / "reference_oracles" / "NIST_MGH17.dat")
    at, problems = parameters[:, :1].copy(), np.array([0])
    for _ in range(50):
        with np.errstate(all="ignore"):
            residual, jacobian = family(mgh17, x, y)(at, problems)
        if not np.isfinite(jacobian).all():
            break
        at -= np.linalg.lstsq(jacobian[:, :, 0].T, residual[:, 0], rcond=None)[0][:, None]
    assert not np.allclose(at[:, 0], parameters[:, 2], rtol=1e-3)


def test_ryegrass_ll4_to_five_digits(test_data: Path) -> None:
    with (test_data / "serum" / "reference_oracles" / "drc_ryegrass.csv").open() as file:
        rows = [(float(row["conc"]), float(row["rootl"])) for row in csv.DictReader(file)]
    dose, y = np.array(rows).T
    log_x = logistic.log_dose(dose)

    def ll4(p: FloatArray, x: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
        """Drc's LL.4: c + (d - c) / (1 + exp(b (log x - log e)))."""
        b, c, d, e = p
        q = 1 / (1 + np.exp(np.clip(b * (x - np.log(e)), -700, 700)))
        slope = -(d - c) * q * (1 - q)
        return c + (d - c) * q, [slope * (x - np.log(e)), 1 - q, q, -slope * b / e]

    found = minimise(family(ll4, log_x, y), np.array([[1.0], [0.5], [8.0], [2.0]]))
    assert found.parameters[:, 0] == pytest.approx([2.98223, 0.48141, 7.79296, 3.05796], abs=5e-6)


def test_noise_free_parameters_come_back() -> None:
    truth = curves(np.random.default_rng(1), 200)
    log_x = np.repeat(np.log(TOP / 2.0 ** np.arange(12))[:, None], 200, axis=1)
    log_x = np.concatenate([log_x, np.full((1, 200), logistic.ZERO_DOSE)])
    signal = logistic.value(truth[:, None], log_x)
    points = logistic.Points(log_x, signal, 1 / signal)
    found = logistic.fit(points, logistic.guesses(points), thorough=True)
    names = (logistic.A, logistic.LOG_SPAN, logistic.LOG_C, logistic.LOG_B, logistic.LOG_G)
    for row in names[1:]:
        assert np.exp(found.parameters[row]) == pytest.approx(np.exp(truth[row]), rel=1e-3)
    assert found.parameters[logistic.A] == pytest.approx(truth[logistic.A], rel=1e-3)


def test_gradient_is_the_derivative() -> None:
    rng = np.random.default_rng(2)
    at, log_x = curves(rng, 50), np.repeat(rng.uniform(-2, 11, 9)[:, None], 50, axis=1)
    value, gradient = logistic.value_and_gradient(at[:, None], log_x)
    assert value == pytest.approx(logistic.value(at[:, None], log_x), rel=1e-14)
    for row in range(5):
        step = np.zeros(5)
        step[row] = 1e-6
        up, down = (logistic.value((at + sign * step[:, None])[:, None], log_x) for sign in (1, -1))
        assert gradient[row] == pytest.approx((up - down) / 2e-6, rel=1e-4, abs=1e-3)


def test_inverse_undoes_the_curve_and_knows_its_ends() -> None:
    rng = np.random.default_rng(3)
    at = curves(rng, 100)
    log_x = rng.uniform(1, 10, 100)
    assert logistic.inverse(at, logistic.value(at, log_x)) == pytest.approx(log_x, abs=1e-6)
    low, high = at[logistic.A], at[logistic.A] + np.exp(at[logistic.LOG_SPAN])
    assert (logistic.inverse(at, low) == -np.inf).all()
    assert (logistic.inverse(at, high * 1.01) == np.inf).all()
    assert np.isnan(logistic.inverse(at, np.full(100, np.nan))).all()
    middle = logistic.value(at, np.log(logistic.ec50(at)))
    assert middle == pytest.approx((low + high) / 2, rel=1e-9)
