"""Hormones over time: hand-set knots, interpolated monotonically in the logarithm, never by a polynomial of time.

Curves are given in days of a conceiving course and in days of the cycle. After an end they stop where they were and
decay; that is part of the equations. `grid` tabulates them at 1/128 day, `at` evaluates them anywhere.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from decidua.knowledge import table

FloatArray = NDArray[np.float64]

TICKS = 128
"""Grid points a day."""
COURSE = ("pcl", "ppl", "hcg", "u_E", "u_c", "u_late", "stretch")
"""Inputs of a conceiving course; the placental ones for one unit of trophoblast."""
CYCLE = ("pcl_cycle", "u_E_cycle")
"""Inputs of a cycle."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A monotone piecewise cubic through the logarithms of its knots; constant beyond them.

    Attributes
    ----------
    knots : tuple of float
        Days [d].
    coefficients : tuple of tuple of float
        Cubic, square, linear and constant term of each piece, from its left knot.
    """

    knots: tuple[float, ...]
    coefficients: tuple[tuple[float, float, float, float], ...]

    def log(self, day: float) -> float:
        """Return the logarithm of the curve.

        Parameters
        ----------
        day : float
            When [d].

        Returns
        -------
        float
            Natural logarithm of the value.
        """
        day = min(max(day, self.knots[0]), self.knots[-1])
        piece = min(bisect_right(self.knots, day) - 1, len(self.coefficients) - 1)
        x = day - self.knots[piece]
        a, b, c, d = self.coefficients[piece]
        return ((a * x + b) * x + c) * x + d


@cache
def curve(name: str) -> Curve:
    """Return a forcing curve.

    Parameters
    ----------
    name : str
        A curve of the table of knots.

    Returns
    -------
    Curve
        Through its knots.

    Sources
    -------
    Fritsch and Carlson's slopes, as in SciPy's PchipInterpolator.
    """
    facts = [f for f in table("forcing_knots").values() if f["curve"] == name]
    days = [float(f["day"]) for f in facts]
    levels = [math.log(float(f["value"])) for f in facts]
    pieces = PchipInterpolator(days, levels).c.T
    return Curve(tuple(days), tuple(tuple(float(v) for v in piece) for piece in pieces))  # type: ignore[misc]


@cache
def _constants() -> dict[str, float]:
    return {key: f.number("value") or 0.0 for key, f in table("model_constants").items()}


def trophoblast_reference(day: float) -> float:
    """Return the trophoblast of the reference woman.

    Parameters
    ----------
    day : float
        From the last period [d].

    Returns
    -------
    float
        Share of capacity; the scale of placental hormones.
    """
    k = _constants()
    return 1 / (1 + (1 / k["M0"] - 1) * math.exp(-k["r_M"] * (day - k["t_imp_ref"])))


def course_at(day: float) -> tuple[float, ...]:
    """Return the inputs of a conceiving course.

    Parameters
    ----------
    day : float
        From the last period, or the day of the end where that is earlier [d].

    Returns
    -------
    tuple of float
        As in `COURSE`: progesterone of the corpus luteum [nmol/L], of the placenta for one unit of trophoblast
        [nmol/L], hCG likewise [IU/L], log ratio of oestradiol, of free cortisol, late gestation, stretch.
    """
    k = _constants()
    mass = trophoblast_reference(day)
    return (
        math.exp(curve("Pcl").log(day)),
        math.exp(curve("Ppl").log(day)) / mass,
        math.exp(curve("hCG").log(day)) / mass,
        curve("E2").log(day) - math.log(k["E2_f"]),
        curve("F").log(day),
        min(max((day - k["late_from"]) / k["late_span"], 0.0), 1.0),
        max(0.0, (day - k["stretch_from"]) / k["stretch_span"]),
    )


def cycle_at(day: float) -> tuple[float, ...]:
    """Return the inputs of a cycle.

    Parameters
    ----------
    day : float
        Of the cycle [d].

    Returns
    -------
    tuple of float
        As in `CYCLE`: progesterone [nmol/L], log ratio of oestradiol.
    """
    log_follicular = math.log(_constants()["E2_f"])
    return (math.exp(curve("Pcl_cyc").log(day)), curve("E2_cyc").log(day) - log_follicular)


@cache
def course_grid(days: int) -> FloatArray:
    """Tabulate a conceiving course.

    Parameters
    ----------
    days : int
        Last day [d].

    Returns
    -------
    float array [tick, input]
        At every 1/128 day from day 0.
    """
    grid = np.array([course_at(tick / TICKS) for tick in range(days * TICKS + 1)])
    grid.setflags(write=False)
    return grid


@cache
def cycle_grid() -> FloatArray:
    """Tabulate a cycle.

    Returns
    -------
    float array [tick, input]
        At every 1/128 day from day 0 to its last day.
    """
    days = int(_constants()["t_cycle"])
    grid = np.array([cycle_at(tick / TICKS) for tick in range(days * TICKS + 1)])
    grid.setflags(write=False)
    return grid


@cache
def background_loss(days: int) -> FloatArray:
    """Return the background hazard of loss.

    Parameters
    ----------
    days : int
        Last day [d].

    Returns
    -------
    float array [day]
        Per day, constant within a week.
    """
    hazard = np.zeros(days + 1)
    for f in table("background_loss").values():
        hazard[int(f["from_day"]) : int(f["to_day"]) + 1] = float(f["value"])
    hazard.setflags(write=False)
    return hazard


def plasma_volume(day: float) -> float:
    """Return plasma volume against non-pregnant.

    Parameters
    ----------
    day : float
        From the last period [d].

    Returns
    -------
    float
        Ratio; constant beyond the last knot.
    """
    return math.exp(curve("PV").log(day))
