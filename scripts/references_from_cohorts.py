"""Compute the built-in references from two open cohorts, or those of one of them without one woman.

    python scripts/references_from_cohorts.py                       rewrites the knowledge table
    python scripts/references_from_cohorts.py --leave-out 002 --out DIR/references.csv

33 healthy women with three visits in pregnancy and one post partum (Apps2020). Curves of visits 1 to 3 are LMS by
gestational day, kept weekly; the post-partum visit has no day axis. Weeks are printed whole, so a week stands for its
fourth day. Leucocytes, lymphocytes and CRP come from the weekly tables of a health fund (Moran2025).
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

import clalit_weekly
from decidua.measurement import IDENTITY_FIELDS, Measurand
from decidua.timeline.centiles import fit_lms, fit_lms_constant
from decidua.timeline.gestation import phase_of
from decidua.timeline.references import COLUMNS

ROOT = Path(__file__).resolve().parent.parent
KNOWLEDGE = ROOT / "src" / "decidua" / "knowledge" / "tables" / "references.csv"
LABORATORY = "APPS2020"
APPS, CLALIT = "apps2020_normal_pregnancy", "clalit_pregnancy_weekly"
MIDDLE_OF_WEEK = 3
WEEK = 7
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
    over: str = ""
    """The column it is divided by."""


SERIES = (
    Series("nk_count_apps2020", COUNT, "/uL", "NK cells#"),
    Series("cd4_count_apps2020", replace(COUNT, numerator="CD4"), "/uL", "CD4/CD3#"),
    Series("th1_share_apps2020", SHARE, "%", "25"),
    Series("th17_share_apps2020", replace(SHARE, numerator="Th17"), "%", "27"),
)


# Gate 26, "Th2" of this cohort, is not asked for CCR4: it is no Th2 of the ratio Th1 / Th2 by receptors.
RATIO = replace(SHARE, quantity="ratio")
ACTIVATED = replace(SHARE, numerator="HLADR+")
FURTHER = (
    Series("th1_rest_ratio_apps2020", replace(RATIO, denominator="CXCR3neg_CCR6neg"), "1", "25", "26"),
    Series("th17_treg_receptor_apps2020", replace(RATIO, numerator="Th17", denominator="Treg"), "1", "27", "36"),
    Series("hladr_nk_16pos56neg_apps2020", replace(ACTIVATED, parent="NK_16pos56neg"), "%", "62"),
    Series("hladr_nk_16pos56pos_apps2020", replace(ACTIVATED, parent="NK_16pos56pos"), "%", "63"),
    Series("hladr_nk_16neg56pos_apps2020", replace(ACTIVATED, parent="NK_16neg56pos"), "%", "64"),
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
        return None if self.visit == 4 else WEEK * self.weeks + MIDDLE_OF_WEEK

    @property
    def phase_day(self) -> int | None:
        """Days from birth, for visit 4."""
        return WEEK * (self.weeks - self.duration) if self.visit == 4 else None


def read_apps(folder: Path) -> dict[str, list[Value]]:
    """Read the cohort: values by reference, women's ids as text of three digits."""
    clinical = CalamineWorkbook.from_path(str(folder / "Pregnancy_clinical_data.xlsx"))
    durations = {r["Subject"]: int(float(r["Gestational duration"])) for r in records(clinical, "Subjects")}
    weeks: dict[tuple[str, int], int] = {}
    found: dict[str, list[Value]] = {series.reference_id: [] for series in (*SERIES, *FURTHER)}
    for visit in (1, 2, 3, 4):
        for row in records(clinical, f"Visit {visit}"):
            weeks[row["Subject"], visit] = int(float(row["Weeks pregnant"]))
            keep(found, row, row["Subject"], visit, weeks, durations, SERIES[:2])
    for woman, visit, row in flow_rows(folder):
        for series in (*SERIES[2:], *FURTHER):
            if series.column in row and (woman, visit) in weeks:
                value = row[series.column] / (row[series.over] if series.over else 1)
                found[series.reference_id].append(Value(woman, visit, weeks[woman, visit], durations[woman], value))
    return found


def flow_rows(folder: Path) -> list[tuple[str, int, dict[str, float]]]:
    """Return woman, visit and share by gate of every tube set [%]."""
    flow = CalamineWorkbook.from_path(str(folder / "Pregnancy_flow_cytometry.xlsx"))
    return [
        (
            f"{int(float(row['Subject'])):03d}",
            int(float(row["TimePoint"])),
            {gate: float(cell) for gate, cell in row.items() if gate[:1].isdigit() and cell not in ("", "NA")},
        )
        for row in records(flow, "frequencies")
        if row["Subject"] and row["TimePoint"]
    ]


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
            {
                **shared,
                "kind": "values",
                "phase": phase,
                "gestational_day": v.gestational_day,
                "woman": v.woman,
                "value": v.value,
            }
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
        if i % WEEK == 0 or i == len(fit.gestational_day) - 1
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
    for series in (*SERIES, *FURTHER):
        values = [v for v in cohort[series.reference_id] if v.woman != leave_out]
        for row in reference_rows(series, values, women=women):
            writer.writerow({k: "" if v is None else v for k, v in row.items()})
    return out.getvalue()


def built_in_table(cohorts: Path) -> str:
    """Return the knowledge table as text: both cohorts."""
    out = io.StringIO(reference_table(read_apps(cohorts / APPS)))
    out.seek(0, io.SEEK_END)
    columns = [c for c in COLUMNS if c != "measurand"]
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writerows(clalit_weekly.reference_rows(cohorts / CLALIT))
    return out.getvalue()


def main() -> None:
    """Write the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("DECIDUA_TEST_DATA", ROOT.parent / "shared" / "data"))
    options.add_argument("--cohorts", type=Path, default=default / "cohorts")
    options.add_argument("--leave-out", default="", help="a woman's id, such as 002; adds the other women's values")
    options.add_argument("--out", type=Path, default=KNOWLEDGE)
    chosen = options.parse_args()
    if chosen.leave_out:
        cohort = read_apps(chosen.cohorts / APPS)
        text = reference_table(cohort, leave_out=chosen.leave_out, women=True)
    else:
        text = built_in_table(chosen.cohorts)
    chosen.out.write_text(text, "utf-8")
    print(f"{len(text.splitlines()) - 1} rows in {chosen.out.name}", file=sys.stderr)


if __name__ == "__main__":
    main()
