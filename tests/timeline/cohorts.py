"""Made-up cohorts with known L, M and S, and how far fitted centiles lie from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from decidua.timeline.centiles import LMS, FittedLMS, fit_lms
from decidua.timeline.standing import quantile, z_score, z_slopes

FIRST, LAST = 28, 294
DAYS = np.arange(42, 281, 7)
SHARES = np.array([0.03, 0.10, 0.25, 0.50, 0.75, 0.90, 0.97])[:, None]
ICC = 0.64


def _truth(L, ln_m, S):
    def at(day):
        week = np.asarray(day, dtype=float) / 7
        none = np.zeros_like(week)
        return LMS(L + none, np.exp(ln_m(week)), S(week) + none, none, none, none)

    return at


TRUTHS: dict[str, Callable[..., LMS]] = {
    # Helper ratio: falls to 0.70 of its ends by week 24 and rises again, the turn rounded over a month.
    "v": _truth(0.3, lambda w: np.log(20) + 0.45 * (np.sqrt(((w - 24) / 18) ** 2 + 0.06) - 1), lambda w: 0.35),
    # Circulating NK cells: falls by a quarter.
    "falling": _truth(0.3, lambda w: np.log(180) - 0.3 * (w - 4) / 38, lambda w: 0.37),
    # C-reactive protein: rises 2.2-fold around week 20, skewed even on the log scale.
    "rising": _truth(-0.5, lambda w: np.log(1.6) + np.log1p(1.5 / (1 + np.exp((20 - w) / 6))), lambda w: 0.45),
    "flat": _truth(0.0, lambda w: np.log(8) + 0 * w, lambda w: 0.30),
}


@dataclass(frozen=True)
class Cohort:
    day: np.ndarray
    value: np.ndarray
    woman: np.ndarray


def draw(truth: str, women: int, visits: int, rng: np.random.Generator) -> Cohort:
    """Visits at a random day of each of as many equal spans; a woman's scores share the part ICC."""
    edges = np.linspace(FIRST, LAST, visits + 1)
    day = np.round(rng.uniform(edges[:-1], edges[1:], (women, visits)))
    z = np.sqrt(ICC) * rng.standard_normal((women, 1)) + np.sqrt(1 - ICC) * rng.standard_normal((women, visits))
    true = TRUTHS[truth](day)
    # The rising density ends at z 4.4: no score is drawn near its end.
    value = quantile(ndtr(np.clip(z, -4, 4)), true.L, true.M, true.S)
    return Cohort(day.ravel(), value.ravel(), np.repeat(np.arange(women), visits))


def fit(cohort: Cohort) -> FittedLMS:
    return fit_lms(cohort.day, cohort.value, cohort.woman)


def within(fitted: FittedLMS) -> np.ndarray:
    """The days of evaluation that the cohort observed."""
    return np.intersect1d(DAYS, fitted.gestational_day)


def mace(truth: str, centiles: np.ndarray, days: np.ndarray = DAYS) -> float:
    """Mean absolute centile error in points over days and seven centiles; `centiles` has axes share, day."""
    true = TRUTHS[truth](days)
    below = ndtr(z_score(np.clip(centiles, true.M / 1e3, true.M * 1e3), true.L, true.M, true.S))
    return float(np.mean(np.abs(below - SHARES)) * 100)


def fitted_mace(truth: str, fitted: FittedLMS) -> float:
    at = fitted.at(within(fitted))
    return mace(truth, quantile(SHARES, at.L, at.M, at.S), within(fitted))


def coverage(truth: str, fitted: FittedLMS) -> float:
    """Share of the days at which the pointwise 95 % intervals of centiles 10, 50 and 90 hold the truth."""
    days, shares = within(fitted), SHARES[[1, 3, 5]]
    at, true = fitted.at(days), TRUTHS[truth](days)
    drawn = quantile(shares, at.L, at.M, at.S)
    by_l, by_m, by_s = z_slopes(drawn, at.L, at.M, at.S)
    half = 1.96 * np.sqrt((by_l * at.se_L) ** 2 + (by_m * at.se_lnM) ** 2 + (by_s * at.se_lnS) ** 2) / -by_m
    return float(np.mean(np.abs(np.log(drawn / quantile(shares, true.L, true.M, true.S))) < half))


def binned_mace(truth: str, cohort: Cohort) -> float:
    """The naive method: sample quantiles in bins of five weeks, the last one longer."""
    edges = np.arange(FIRST, LAST - 34, 35)
    bins = np.digitize(cohort.day, edges) - 1
    tables = np.stack([np.quantile(cohort.value[bins == b], SHARES[:, 0]) for b in range(edges.size)], axis=1)
    return mace(truth, tables[:, np.digitize(DAYS, edges) - 1])


def gaussian_mace(truth: str, cohort: Cohort) -> float:
    """The naive method on the raw scale: a line for the mean, one standard deviation, a normal."""
    line = np.polyfit(cohort.day, cohort.value, 1)
    sd = np.std(cohort.value - np.polyval(line, cohort.day))
    return mace(truth, np.polyval(line, DAYS) + sd * ndtri(SHARES))
