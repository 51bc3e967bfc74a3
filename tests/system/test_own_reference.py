"""A laboratory's own limits from controls to placements: built, written, read back, placed against."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import real_study

from decidua.batch import run_study
from decidua.measurement import Moment
from decidua.timeline.gestation import phase_of
from decidua.timeline.own_reference import Control, Description, build_reference
from decidua.timeline.references import COLUMNS


def test_a_woman_is_placed_within_her_laboratorys_limits(tmp_path: Path, test_data: Path) -> None:
    folder = real_study.build(tmp_path, test_data, people=1)
    script = real_study.cohort_script()
    cohort = script.read_apps(test_data / "cohorts" / script.APPS)
    rng = np.random.default_rng(1)
    rows = []
    for series in script.SERIES:
        # Each of the other women twice, a little apart: 62 to 64 made-up controls with real spread.
        controls = [
            Control(f"{v.woman}-{twin}", _moment(v), v.value * float(np.exp(rng.normal(0, 0.02))))
            for twin in (1, 2)
            for v in cohort[series.reference_id]
            if v.woman != real_study.WOMAN
        ]
        about = Description(f"own_{series.reference_id}", series.measurand, series.unit, "made up", "own controls")
        built = build_reference(controls, about, rng)
        assert {r.basis for r in built.rungs if r.phase != "first_trimester"} == {"robust"}
        rows += [row for row in built.rows if row["kind"] == "interval"]
    real_study.write_csv(folder / "references.csv", COLUMNS, rows)
    outcome = run_study(folder)
    assert [str(e) for e in outcome.findings.refused] == []
    with (folder / "results" / "placements.csv").open(encoding="utf-8", newline="") as lines:
        placed = [row for row in csv.DictReader(lines) if row["reference_id"].startswith("own_")]
    assert len(placed) == 12
    for row in placed:
        value, low, high = (float(row[name]) for name in ("value", "low", "high"))
        assert row["side"] == ("below" if value < low else "above" if value > high else "inside")
        assert (row["z"], row["centile"], row["not_placeable"]) == ("", "", "")
    sides = {(row["visit"], row["measurand"].split(".")[0]): row["side"] for row in placed}
    assert sides["V4", "NK"] == "above"
    assert list(sides.values()).count("inside") >= 10


def _moment(value: object) -> Moment:
    day, after = value.gestational_day, value.phase_day  # type: ignore[attr-defined]
    return Moment("post_partum", None, after) if day is None else Moment(phase_of(day), day)
