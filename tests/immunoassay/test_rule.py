"""How the shipped recipe was fixed: on simulated kit plates whose controls are known, never on the golden plate.

Five kit designs; curves as the open 27-plex prints them; scatter of a well 3-9 %, a floor of 0.5-3, few beads in 3 %
of wells; dilution errors that add up along the series, pipetting errors shared by all analytes of a well, 2 % of wells
and 0.5 % of readings gone astray. The controls stand at a third, a 24th and a 162nd of the top, in two wells.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from decidua.immunoassay import logistic
from decidua.immunoassay.curve import calibrate
from decidua.immunoassay.plate import Plate, Role
from decidua.immunoassay.readback import read_samples
from decidua.immunoassay.standards import OURS, XPONENT, Recipe, collect, fit
from decidua.measurement import Censoring
from immunoassay.made_plates import TOP, Layout, curves, layout, signals

DESIGNS = {
    "16 levels, single": lambda rng: layout(16, 2.0, 1, 2, controls=CONTROLS),
    "7 levels, duplicate": lambda rng: layout(7, float(rng.choice([3, 4, 5])), 2, 2, controls=CONTROLS),
    "8 levels, duplicate": lambda rng: layout(8, 3.0, 2, 2, controls=CONTROLS),
    "10 levels, duplicate": lambda rng: layout(10, 3.0, 2, 2, controls=CONTROLS),
    "7 levels, single": lambda rng: layout(7, 4.0, 1, 1, controls=CONTROLS),
}
CONTROLS = (TOP / 3, TOP / 24, TOP / 162)
CANDIDATES = {
    **{f"sd(log G) {sd}": replace(OURS, log_g_sd=sd) for sd in (0.0, 0.3, 0.5, 0.7, 1.5)},
    **{f"Huber {cut}": replace(OURS, huber=cut) for cut in (1.5, 3.0, np.inf)},
    "blank subtracted": replace(OURS, subtract_blank=True),
    "vendor": XPONENT,
}


def astray(rng: np.random.Generator, shape: tuple[int, ...], share: float, size: float) -> np.ndarray:
    return np.where(rng.random(shape) < share, np.exp(size * rng.standard_normal(shape)), 1.0)


def kit_plate(rng: np.random.Generator, lay: Layout, analytes: int) -> Plate:
    dose = lay.doses.copy()
    levels = np.unique(dose[dose > 0])[::-1]
    drift = dict(zip(levels, np.exp(np.cumsum(0.02 * rng.standard_normal(levels.size))), strict=True))
    standard = np.array([role is Role.STANDARD for role in lay.roles])
    dose *= np.where(standard, [drift.get(level, 1.0) for level in lay.doses], 1.0)
    dose *= np.exp(0.03 * rng.standard_normal(dose.size)) * astray(rng, dose.shape, 0.02, 0.5)
    y = signals(rng, curves(rng, analytes), dose, rng.uniform(0.03, 0.09), rng.uniform(0.5, 3.0))
    beads = np.where(rng.random(y.shape) < 0.03, rng.integers(5, 40, y.shape), rng.poisson(110, y.shape))
    y *= (1 + 0.2 / np.sqrt(beads) * rng.standard_normal(y.shape)) * astray(rng, y.shape, 0.005, 0.6)
    return lay.plate(np.maximum(np.round(2 * y) / 2, 1.0), beads)


def recovered(recipe: Recipe, plates: list[Plate]) -> np.ndarray:
    """Share within 80-120 % of all controls, and of the low one [2]."""
    standards = collect(plates, recipe, [()] * len(plates))
    parameters = fit(standards, recipe).parameters
    good = []
    for number, plate in enumerate(plates):
        mine, rows = standards.plate == number, plate.rows(Role.CONTROL)
        read = np.exp(logistic.inverse(parameters[:, mine], plate.signal[rows] - standards.blank[mine]))
        ratio = read / plate.expected[rows]
        good.append(((ratio >= 0.8) & (ratio <= 1.2)).reshape(3, 2, -1))
    every = np.concatenate(good, axis=2)
    return np.array([every.mean(), every[2].mean()])


def simulated(seed: int, plates: int, analytes: int) -> dict[str, list[Plate]]:
    rng = np.random.default_rng(seed)
    return {name: [kit_plate(rng, make(rng), analytes) for _ in range(plates)] for name, make in DESIGNS.items()}


def test_ours_beats_the_vendor_recipe() -> None:
    designs = simulated(7, 8, 20).values()
    ours, vendor = (np.mean([recovered(recipe, plates) for plates in designs], axis=0) for recipe in (OURS, XPONENT))
    assert (ours > vendor + 0.03).all()


@pytest.mark.bench
def test_the_shipped_recipe_is_among_the_best() -> None:
    designs = simulated(11, 120, 25)
    table = {
        name: np.mean([recovered(recipe, plates) for plates in designs.values()], axis=0)
        for name, recipe in {"shipped": OURS, **CANDIDATES}.items()
    }
    for name, shares in table.items():
        print(f"{name:20} within 80-120 %: all {100 * shares[0]:.2f} %, low control {100 * shares[1]:.2f} %")
    best = np.max(list(table.values()), axis=0)
    assert (table["shipped"] >= best - 0.003).all()
    assert (table["shipped"] > table["vendor"] + 0.03).all()


def test_reported_concentrations_are_near_the_truth() -> None:
    """Between the limits 90 % lie within 20 %, where the stated CV is small 97 %; intervals hold 93-97 %."""
    rng = np.random.default_rng(13)
    unknowns = TOP * np.exp(rng.uniform(np.log(1e-3), np.log(0.95), 12))
    lay = layout(9, 3.0, unknowns=tuple(unknowns))
    truth = dict(zip([f"u{i + 1}" for i in range(12)], unknowns, strict=True))
    ratios, cvs, held = [], [], []
    plates = [replace(lay.plate(signals(rng, curves(rng, 20), lay.doses, 0.07, 2.0)), sha256=str(i)) for i in range(25)]
    for plate, calibration in zip(plates, calibrate(plates), strict=True):
        for read in read_samples(plate, calibration):
            if read.censored is Censoring.NONE:
                true = truth[read.sample]
                ratios.append(read.value / true)  # type: ignore[operator]
                cvs.append(read.cv)
                held.append(read.lower <= true and (read.upper is None or true <= read.upper))  # type: ignore[operator]
    near = np.abs(np.array(ratios) - 1) <= 0.2
    small = np.array(cvs) <= 0.08
    assert len(ratios) > 2500
    assert near.mean() >= 0.90
    assert small.mean() > 0.5
    assert near[small].mean() >= 0.97
    assert 0.93 <= np.mean(held) <= 0.97
