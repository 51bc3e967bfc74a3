"""Compute the built-in references from the open Apps cohort, or the same references without one woman.

    python scripts/references_from_cohorts.py                       rewrites the knowledge table
    python scripts/references_from_cohorts.py --leave-out 002 --out DIR/references.csv

33 healthy women with three visits in pregnancy and one post partum (Apps2020). Curves of visits 1 to 3 are LMS by
gestational day; the post-partum visit has no day axis. Weeks are printed whole, so a week stands for its fourth day.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from python_calamine import CalamineWorkbook

from decidua.measurement import IDENTITY_FIELDS, Measurand
from decidua.timeline.centiles import fit_lms, fit_lms_constant
from decidua.timeline.gestation import phase_of
from decidua.timeline.references import COLUMNS

ROOT = Path(__file__).resolve().parent.parent
KNOWLEDGE = ROOT / "src" / "decidua" / "knowledge" / "tables" / "references.csv"
LABORATORY = "APPS2020"
MIDDLE_OF_WEEK = 3
POPULATION = "healthy women with singleton pregnancies, no treatment under study"

COUNT = Measurand("count", "NK", material="blood_edta", stimulus="none", blocker="none", laboratory=LABORATORY)
SHARE = Measurand(
    "share", "Th1", parent="CD4_T_helper", material="pbmc", stimulus="none", blocker="none",
    background="not_subtracted", threshold="drawn", laboratory=LABORATORY,
)  # fmt: skip


@dataclass(frozen=True)
class Series:
    """One column of the cohort as a measurand."""

    reference_id: str
    measurand: Measurand
    unit: str
    column: str


SERIES = (
    Series("nk_count_apps2020", COUNT, "/uL", "NK cells#"),
    Series("cd4_count_apps2020", replace(COUNT, numerator="CD4"), "/uL", "CD4/CD3#"),
    Series("th1_share_apps2020", SHARE, "%", "25"),
    Series("th17_share_apps2020", replace(SHARE, numerator="Th17"), "%", "27"),
)


@dataclass(frozen=True)
class Value:
    """One result of one woman."""

    woman: str
    visit: int
    weeks: int
    duration: int
    value: float

    @property
    def gestational_day(self) -> int | None:
        """Day of pregnancy; None post partum. Visit 4 is coded as weeks above 50 from the same origin."""
        return None if self.visit == 4 else 7 * self.weeks + MIDDLE_OF_WEEK

    @property
    def phase_day(self) -> int | None:
        """Days from birth, for visit 4."""
        return 7 * (self.weeks - self.duration) if self.visit == 4 else None


def read_apps(folder: Path) -> dict[str, list[Value]]:
    """Read the cohort: values by reference, women's ids as text of three digits."""
    clinical = CalamineWorkbook.from_path(str(folder / "Pregnancy_clinical_data.xlsx"))
    durations = {r["Subject"]: int(float(r["Gestational duration"])) for r in records(clinical, "Subjects")}
    weeks: dict[tuple[str, int], int] = {}
    found: dict[str, list[Value]] = {series.reference_id: [] for series in SERIES}
    for visit in (1, 2, 3, 4):
        for row in records(clinical, f"Visit {visit}"):
            weeks[row["Subject"], visit] = int(float(row["Weeks pregnant"]))
            keep(found, row, row["Subject"], visit, weeks, durations, SERIES[:2])
    flow = CalamineWorkbook.from_path(str(folder / "Pregnancy_flow_cytometry.xlsx"))
    for row in records(flow, "frequencies"):
        if not row["Subject"] or not row["TimePoint"]:
            continue
        woman = f"{int(float(row['Subject'])):03d}"
        keep(found, row, woman, int(float(row["TimePoint"])), weeks, durations, SERIES[2:])
    return found


def records(book: CalamineWorkbook, sheet: str) -> list[dict[str, str]]:
    """Return a sheet's rows as text by header; whole numbers in headers lose their decimal zero."""
    rows = book.get_sheet_by_name(sheet).to_python()
    header = [str(int(c)) if isinstance(c, float) and c == int(c) else str(c).strip() for c in rows[0]]
    return [dict(zip(header, (str(c).strip() for c in row), strict=True)) for row in rows[1:]]


def keep(found, row, woman, visit, weeks, durations, wanted) -> None:
    """Add a row's values to their series; an empty cell is not stated."""
    for series in wanted:
        cell = row.get(series.column, "")
        if cell not in ("", "NA") and (woman, visit) in weeks:
            value = Value(woman, visit, weeks[woman, visit], durations[woman], float(cell))
            found[series.reference_id].append(value)


def reference_rows(series: Series, values: list[Value], *, women: bool) -> list[dict[str, object]]:
    """Return the rows of one reference: its curve, and the women themselves where asked."""
    identity = {name: getattr(series.measurand, name) for name in IDENTITY_FIELDS}
    shared = {
        **identity, "reference_id": series.reference_id, "unit": series.unit, "population": POPULATION,
        "treatment_free": "yes", "source": "Apps2020", "licence": "MIT", "n_women": len({v.woman for v in values}),
    }  # fmt: skip
    rows = [{**shared, "kind": "lms", **point} for point in curve(values)]
    if women:
        shared["reference_id"] = f"{series.reference_id}_women"
        rows += [
            {**shared, "kind": "values", "phase": phase, "gestational_day": v.gestational_day, "value": v.value}
            for phase, v in one_a_phase(values)
        ]
    return rows


def curve(values: list[Value]) -> list[dict[str, object]]:
    """Fit visits 1 to 3 by gestational day and visit 4 without a day axis."""
    pregnant = [v for v in values if v.visit != 4]
    after = [v for v in values if v.visit == 4]
    fit = fit_lms(
        np.array([v.gestational_day for v in pregnant]),
        np.array([v.value for v in pregnant]),
        np.array([v.woman for v in pregnant]),
    )
    points = [
        {"phase": phase_of(int(day)), "gestational_day": int(day), **numbers(fit, i)}
        for i, day in enumerate(fit.gestational_day)
    ]
    constant = fit_lms_constant(np.array([v.value for v in after]), np.array([v.woman for v in after]))
    days = [v.phase_day for v in after if v.phase_day is not None]
    reach = {"phase_day_from": min(days), "phase_day_to": max(days)}
    return [*points, {"phase": "post_partum", **reach, **numbers(constant, 0)}]


def numbers(fit: object, index: int) -> dict[str, float]:
    """Return the six numbers of a curve at one point, to six significant digits."""
    names = ("L", "M", "S", "se_L", "se_lnM", "se_lnS")
    return {name: float(f"{np.atleast_1d(getattr(fit, name))[index]:.6g}") for name in names}


def one_a_phase(values: list[Value]) -> list[tuple[str, Value]]:
    """Return one value a woman and phase, the earliest: women are counted, not samples."""
    chosen: dict[tuple[str, str], Value] = {}
    for v in sorted(values, key=lambda v: (v.woman, v.visit)):
        phase = "post_partum" if v.gestational_day is None else phase_of(v.gestational_day)
        chosen.setdefault((phase, v.woman), v)
    return [(phase, v) for (phase, _), v in chosen.items()]


def reference_table(cohort: dict[str, list[Value]], *, leave_out: str = "", women: bool = False) -> str:
    """Return `references.csv` as text, computed without one woman where asked."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [c for c in COLUMNS if c != "measurand"], restval="", lineterminator="\n")
    writer.writeheader()
    for series in SERIES:
        values = [v for v in cohort[series.reference_id] if v.woman != leave_out]
        for row in reference_rows(series, values, women=women):
            writer.writerow({k: "" if v is None else v for k, v in row.items()})
    return out.getvalue()


def main() -> None:
    """Write the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("DECIDUA_TEST_DATA", ROOT.parent / "shared" / "data"))
    options.add_argument("--cohorts", type=Path, default=default / "cohorts")
    options.add_argument("--leave-out", default="", help="a woman's id, such as 002; adds the other women's values")
    options.add_argument("--out", type=Path, default=KNOWLEDGE)
    chosen = options.parse_args()
    cohort = read_apps(chosen.cohorts / "apps2020_normal_pregnancy")
    text = reference_table(cohort, leave_out=chosen.leave_out, women=bool(chosen.leave_out))
    chosen.out.write_text(text, "utf-8")
    print(f"{len(text.splitlines()) - 1} rows in {chosen.out.name}", file=sys.stderr)


if __name__ == "__main__":
    main()
