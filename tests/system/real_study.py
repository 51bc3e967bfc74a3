"""Build a study folder from the shared real data: a count table, and one woman of the Apps cohort."""

from __future__ import annotations

import csv
import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]

STUDY = """\
study = { schema = 1, id = "first-path", laboratory = "APPS2020" }
sheet = { file = "samples.csv", kind = "samples" }
panels = { TB = "panels/tb.toml" }

[[counts]]
file = "counts/compass.csv"
kind = "boolean"
row = ["PATIENT ID", "Stimulation"]
parent = "S/Avid-/L/CD3+/CD4+"

[counts.markers]
IFNg = "IFNG"
2 = "IL2"
10 = "IL10"
17A = "IL17A"
17F = "IL17F"
22 = "IL22"
MIP = "CCL4"
TNF = "TNF"
"""

PANEL = """\
panel = { id = "TB", title = "Boolean subsets of CD4 T cells" }

[populations]
CD4 = { is = "CD3+CD4+", path = "S/Avid-/L/CD3+/CD4+" }

[positives]
IFNG = { gate = "IFNg+", parents = ["CD4"] }
IL17A = { gate = "17A+", parents = ["CD4"] }
IL10 = { gate = "10+", parents = ["CD4"] }

[rules]
background = "subtracted"
threshold = "drawn"

[stimuli.esat6_cfp10]
agents = [{ name = "ESAT-6/CFP-10 peptides", value = 1, unit = "ug/mL" }]
"""

SHEET = (
    *("file", "sample", "subject", "visit", "panel", "run", "stimulus", "stimulus_h", "blocker", "specimen"),
    *("material", "collected", "set_up", "dating", "dating_at", "dating_ga", "ended", "outcome", "medicines"),
)
WOMAN = "002"


def cohort_script() -> ModuleType:
    """Import the script that computes the references."""
    name = "references_from_cohorts"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def build(folder: Path, test_data: Path, *, people: int = 21) -> Path:
    """Write the study and return its folder."""
    for name in ("panels", "counts", "finished"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    source = test_data / "cytometry" / "ics_counts" / "SimpleCOMPASSExamples.csv"
    shutil.copyfile(source, folder / "counts" / "compass.csv")
    (folder / "study.toml").write_text(STUDY, "utf-8")
    (folder / "panels" / "tb.toml").write_text(PANEL, "utf-8")
    script = cohort_script()
    cohort = script.read_apps(test_data / "cohorts" / "apps2020_normal_pregnancy")
    references = script.reference_table(cohort, leave_out=WOMAN, women=True)
    (folder / "references.csv").write_text(references, "utf-8")
    sheet = [*compass_rows(source, people), *apps_rows(cohort)]
    write_csv(folder / "samples.csv", SHEET, sheet)
    write_csv(folder / "finished" / "apps.csv", None, finished_rows(script, cohort))
    return folder


def compass_rows(source: Path, people: int) -> list[dict[str, str]]:
    """Two rows a person: stimulated and unstimulated."""
    with source.open(encoding="utf-8", newline="") as lines:
        keys = [(r["PATIENT ID"], r["Stimulation"]) for r in csv.DictReader(lines)]
    rows = []
    for person, stimulation in keys[: 2 * people]:
        stimulus = "none" if stimulation.casefold() == "unstimulated" else "esat6_cfp10"
        rows.append(
            {
                "file": "counts/compass.csv", "sample": f"{person}|{stimulation}", "subject": person, "visit": "V1",
                "panel": "TB", "run": "R1", "stimulus": stimulus, "stimulus_h": "6", "blocker": "brefeldin_a",
                "specimen": "A1", "material": "pbmc",
            }
        )  # fmt: skip
    return rows


def apps_rows(cohort: dict[str, list]) -> list[dict[str, str]]:
    """Four visits of one woman: three in pregnancy, one post partum."""
    rows = []
    for v in sorted((v for v in cohort["nk_count_apps2020"] if v.woman == WOMAN), key=lambda v: v.visit):
        day = 7 * v.weeks + 3
        rows.append(
            {
                "file": "finished/apps.csv", "subject": f"W{WOMAN}", "visit": f"V{v.visit}", "collected": f"d{day}",
                "dating": "stated", "dating_at": "d0", "dating_ga": "0d", "ended": f"d{7 * v.duration + 3}",
                "outcome": "birth_term", "medicines": "none",
            }
        )  # fmt: skip
    return rows


def finished_rows(script: ModuleType, cohort: dict[str, list]) -> list[dict[str, object]]:
    """Her results as finished results, and one that no reference reaches."""
    rows: list[dict[str, object]] = []
    for series in script.SERIES:
        identity = {name: getattr(series.measurand, name) for name in script.IDENTITY_FIELDS}
        rows += [
            {"subject": f"W{WOMAN}", "visit": f"V{v.visit}", **identity, "value": v.value, "unit": series.unit}
            for v in cohort[series.reference_id]
            if v.woman == WOMAN
        ]
    serum = {
        **rows[0],
        "quantity": "concentration",
        "numerator": "TNF",
        "material": "serum",
        "unit": "pg/mL",
        "value": 2.1,
    }
    return [*rows, serum]


def write_csv(path: Path, columns: tuple[str, ...] | None, rows: list[dict]) -> None:
    """Write rows; nothing for None."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns or list(rows[0]), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: "" if v is None else v for k, v in row.items()} for row in rows)
