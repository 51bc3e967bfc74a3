"""Hormone curves: through their knots, monotone between them, near what was measured."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from decidua.knowledge import table
from decidua.simulation import forcing

CURVES = ("Pcl", "Ppl", "hCG", "E2", "F", "Pcl_cyc", "E2_cyc", "PV")


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_passes_its_knots_and_stays_between_them(name):
    knots = [(float(f["day"]), float(f["value"])) for f in table("forcing_knots").values() if f["curve"] == name]
    curve = forcing.curve(name)
    for day, value in knots:
        assert math.exp(curve.log(day)) == pytest.approx(value, rel=1e-12)
    scipy = PchipInterpolator([d for d, _ in knots], [math.log(v) for _, v in knots])
    for (a, low), (b, high) in pairwise(knots):
        days = np.linspace(a, b, 33)
        course = np.array([curve.log(float(d)) for d in days])
        assert course == pytest.approx(scipy(days), abs=1e-12)
        steps = np.diff(course)
        assert (steps >= -1e-12).all() or (steps <= 1e-12).all()
        assert math.exp(course.min()) >= min(low, high) * (1 - 1e-9)
    assert curve.log(-5) == curve.log(knots[0][0])
    assert curve.log(5000) == curve.log(knots[-1][0])


def test_the_grid_is_the_curve():
    grid = forcing.course_grid(300)
    assert grid.shape == (300 * 128 + 1, len(forcing.COURSE))
    for tick in (0, 1, 3000, 38400):
        assert grid[tick] == pytest.approx(forcing.course_at(tick / 128), rel=1e-14)
    assert forcing.cycle_grid()[13 * 128 + 64] == pytest.approx(forcing.cycle_at(13.5), rel=1e-14)


def test_progesterone_and_oestradiol_lie_where_women_were_measured():
    """Weeks 4 to 11, a hundred women or more each: the curves stay within 15 % of the medians."""
    seen = 0
    for f in table("hormones").values():
        measured = f["clock"] == "gestational_age_week" and f["n"] and float(f["n"]) >= 100
        if not measured or f["hormone"] not in ("progesterone", "estradiol") or float(f["t_from"]) < 4:
            continue
        day = 3.5 * (float(f["t_from"]) + float(f["t_to"]))
        if day > 280:
            continue
        if f["hormone"] == "progesterone":
            ours = math.exp(forcing.curve("Pcl").log(day)) + math.exp(forcing.curve("Ppl").log(day))
        else:
            ours = math.exp(forcing.curve("E2").log(day))
        assert abs(math.log(ours / float(f["p50"]))) < 0.15, (f.key, ours)
        seen += 1
    assert seen == 12


def test_background_loss_adds_up():
    hazard = forcing.background_loss(300)
    assert 1 - math.exp(-hazard[23:42].sum()) == pytest.approx(0.22, abs=1e-6)
    assert 1 - math.exp(-hazard[42:98].sum()) == pytest.approx(0.136, abs=0.002)
    assert hazard[97] > hazard[98] > hazard[140] > 0
