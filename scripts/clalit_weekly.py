"""Read the weekly pregnancy tables of a health fund and turn each week's centiles into L, M and S.

Weeks are counted from birth: gestational age is about week + 40, exact for births at 40 weeks only. Only the centiles
are used: a few absurd entries carry the standard deviations away (leucocytes of the week after birth: 83 with a
median of 11). The numbers count results, not women; the smallest week's stands for the reference.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares
from scipy.special import ndtr, ndtri

from decidua.measurement import IDENTITY_FIELDS, Measurand
from decidua.timeline.gestation import phase_of

TERM_WEEK = 40
MIDDLE_OF_WEEK = 3
PREGNANT = range(-36, -1)
"""Weeks from birth that are placed against; the last before birth is left out, for labour raises leucocytes."""

POST_PARTUM = range(12, 52)
"""Weeks from birth that are pooled into one constant."""

FEWEST_RESULTS = 80
CENTILES = (5, 10, 25, 50, 75, 90, 95)
POPULATION = "{}women tested in routine care of one health fund; day from birth at 40 weeks; n is results in a week"
ILL = "CRP is asked for where illness is suspected: "


@dataclass(frozen=True)
class Week:
    """One week of one test: number of results and their centiles in the table's unit."""

    week: int
    n: int
    centiles: np.ndarray


@dataclass(frozen=True)
class Test:
    """One table as a measurand; `factor` turns its unit into ours."""

    reference_id: str
    file: str
    measurand: Measurand
    unit: str
    factor: float = 1.0
    doubt: str = ""


COUNT = Measurand("count", "leucocytes", material="blood_edta", laboratory="CLALIT")
TESTS = (
    Test("leucocyte_count_moran2025", "WBC", COUNT, "10*3/uL"),
    Test("lymphocyte_count_moran2025", "LYMP", COUNT.with_fields(numerator="lymphocytes"), "10*3/uL"),
    Test(
        "crp_moran2025", "C_REACTIVE_PROTEIN_CRP",
        COUNT.with_fields(quantity="concentration", numerator="CRP", material="serum"),
        "mg/L", 10.0, ILL,
    ),
)  # fmt: skip


def read_weeks(folder: Path, file: str) -> dict[int, Week]:
    """Read one table by week from birth."""
    with gzip.open(folder / f"{file}.csv.gz", "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    weeks = {}
    for row in rows:
        week = int(row["week"].lstrip("[").split(",")[0])
        weeks[week] = Week(week, int(row["val_n"]), np.array([float(row[f"val_{p}"]) for p in CENTILES]))
    return weeks


def lms_of_centiles(centiles: np.ndarray) -> tuple[float, float, float]:
    """Fit L, M and S to the seven printed centiles, each as far off in z as the others."""
    wanted, logs = ndtri(np.array(CENTILES) / 100), np.log(centiles)

    def off(parameters: np.ndarray) -> np.ndarray:
        return _z(logs, parameters[0], parameters[1], np.exp(parameters[2])) - wanted

    start = [0.1, logs[3], np.log((logs[5] - logs[1]) / (wanted[5] - wanted[1]))]
    skew, ln_median, ln_spread = least_squares(off, start, xtol=1e-12).x
    return float(skew), float(np.exp(ln_median)), float(np.exp(ln_spread))


def _z(logs: np.ndarray, skew: float, ln_median: float, spread: float) -> np.ndarray:
    ratio = logs - ln_median
    return (np.expm1(skew * ratio) / skew if abs(skew) > 1e-6 else ratio) / spread


def misfit(centiles: np.ndarray, fitted: tuple[float, float, float]) -> float:
    """Return how far the worst printed centile lies from its place on the fitted curve [centile points]."""
    skew, median, spread = fitted
    return float(np.max(np.abs(100 * ndtr(_z(np.log(centiles), skew, np.log(median), spread)) - CENTILES)))


def errors(fitted: tuple[float, float, float], n: int) -> tuple[float, float, float]:
    """Return the standard errors of L, ln M and ln S that n independent results would leave."""
    skew, _, spread = fitted
    bend = skew * spread
    information = n * np.array(
        [[(1 + 2 * bend**2) / spread**2, 2 * bend / spread, -0.5], [2 * bend / spread, 2, bend * spread],
         [-0.5, bend * spread, 1.75 * spread**2]]
    )  # fmt: skip
    se_median, se_spread, se_skew = np.sqrt(np.diag(np.linalg.inv(information)))
    return float(se_skew), float(se_median), float(se_spread)


def reference_rows(folder: Path) -> Iterator[dict[str, object]]:
    """Yield the rows of every test: one a week of pregnancy, one for the year after birth."""
    for test in TESTS:
        weeks = read_weeks(folder, test.file)
        used = [weeks[w] for w in PREGNANT if weeks[w].n >= FEWEST_RESULTS]
        identity = dict(zip(IDENTITY_FIELDS, test.measurand.values, strict=True))
        shared = {
            **identity, "reference_id": test.reference_id, "kind": "lms", "unit": test.unit,
            "n_women": min(week.n for week in used), "population": POPULATION.format(test.doubt),
            "treatment_free": "not stated", "source": "Moran2025", "licence": "CC0",
        }  # fmt: skip
        for week in used:
            day = 7 * (week.week + TERM_WEEK) + MIDDLE_OF_WEEK
            yield {**shared, "phase": phase_of(day), "gestational_day": day, **_point(week, test.factor)}
        after = [weeks[w] for w in POST_PARTUM if weeks[w].n >= FEWEST_RESULTS]
        pooled = np.average([week.centiles for week in after], axis=0, weights=[week.n for week in after])
        reach = {"phase_day_from": 7 * POST_PARTUM[0], "phase_day_to": 7 * POST_PARTUM[-1] + 6}
        constant = _point(Week(0, min(week.n for week in after), pooled), test.factor)
        yield {**shared, "phase": "post_partum", **reach, **constant}


def _point(week: Week, factor: float) -> dict[str, float]:
    fitted = lms_of_centiles(week.centiles * factor)
    names = ("L", "M", "S", "se_L", "se_lnM", "se_lnS")
    return {name: float(f"{v:.6g}") for name, v in zip(names, (*fitted, *errors(fitted, week.n)), strict=True)}
