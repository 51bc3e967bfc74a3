"""Real data from file to report: 21 people's boolean counts, and one woman placed without herself."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
import real_study

from decidua.batch import RunOutcome, run_study
from decidua.cli import main


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> RunOutcome:
    return run_study(real_study.build(tmp_path_factory.mktemp("real"), test_data))


def folder(outcome: RunOutcome) -> Path:
    return outcome.written[0].parent.parent


def rows(outcome: RunOutcome, name: str) -> list[dict[str, str]]:
    with (folder(outcome) / "results" / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_nothing_is_refused(outcome: RunOutcome) -> None:
    assert [str(e) for e in outcome.findings.refused] == []
    assert outcome.exit_code == 0


def test_every_person_has_three_shares_with_intervals(outcome: RunOutcome) -> None:
    shares = [r for r in rows(outcome, "measurements.csv") if r["quantity"] == "share" and r["parent"] == "CD4"]
    assert Counter(r["numerator"] for r in shares) == {"IFNG+": 21, "IL17A+": 21, "IL10+": 21}
    for r in shares:
        net = 100 * (int(r["n_pos"]) / int(r["n_parent"]) - int(r["n_pos_control"]) / int(r["n_parent_control"]))
        assert float(r["value"]) == pytest.approx(net, abs=1e-12)
        assert float(r["lower"]) < float(r["value"]) < float(r["upper"])
        assert r["source_sha256"]


def test_ratios_are_determined_or_one_sided(outcome: RunOutcome) -> None:
    ratios = [r for v in outcome.findings.visits for r in v.profile.ratios]
    seen = Counter((r.id, r.result.quantity.censored.value) for r in ratios)
    assert seen == {
        ("ifng_il17a", "none"): 20,
        ("ifng_il17a", "above"): 1,
        ("ifng_il10", "none"): 11,
        ("ifng_il10", "above"): 10,
    }
    for r in ratios:
        assert r.joint
        one_sided = r.result.quantity.censored == "above"
        assert one_sided == (r.p_denominator_absent >= 0.025)
        assert ("one_sided" in r.result.flags) == one_sided
        if one_sided:
            assert r.result.quantity.value == r.result.quantity.lower


def test_the_study_report_says_why(outcome: RunOutcome) -> None:
    text = (folder(outcome) / "reports" / "study.html").read_text("utf-8")
    assert "one-sided" in text
    assert "background" in text


def test_her_four_visits_are_placed_without_her(outcome: RunOutcome) -> None:
    mine = [r for r in rows(outcome, "placements.csv") if r["subject"] == "W002"]
    placed = [r for r in mine if not r["not_placeable"]]
    assert Counter(r["visit"] for r in placed) == {"V1": 4, "V2": 4, "V3": 4, "V4": 4}
    assert {r["phase"] for r in placed if r["visit"] == "V4"} == {"post_partum"}
    assert {r["n_women"] for r in placed} == {"32"}
    for r in placed:
        assert 0 <= float(r["centile_lower"]) < float(r["centile"]) < float(r["centile_upper"]) <= 100
        assert float(r["z_lower"]) < float(r["z"]) < float(r["z_upper"])
        assert r["indicative"] == "true"
    unplaced = {r["measurand"].split("@")[0]: r["not_placeable"] for r in mine if r["not_placeable"]}
    assert unplaced == {"TNF.concentration": "reference: TNF.concentration, none"}


def test_the_reference_leaves_her_out(test_data: Path) -> None:
    script = real_study.cohort_script()
    cohort = script.read_apps(test_data / "cohorts" / "apps2020_normal_pregnancy")
    table = script.reference_table(cohort, leave_out=real_study.WOMAN, women=True)
    hers = {v.value for v in cohort["nk_count_apps2020"] if v.woman == real_study.WOMAN and v.visit == 4}
    values = [r for r in csv.DictReader(table.splitlines()) if r["kind"] == "values" and r["numerator"] == "NK"]
    after = [float(r["value"]) for r in values if r["phase"] == "post_partum"]
    assert len(after) == 32
    assert hers == {535.0}
    assert 535.0 not in after


def test_cohort_medians_are_those_published(test_data: Path) -> None:
    script = real_study.cohort_script()
    cohort = script.read_apps(test_data / "cohorts" / "apps2020_normal_pregnancy")
    for reference, medians in (
        ("nk_count_apps2020", (182, 142, 138, 198)),
        ("cd4_count_apps2020", (738, 718, 752, 790)),
    ):
        for visit, median in zip((1, 2, 3, 4), medians, strict=True):
            values = sorted(v.value for v in cohort[reference] if v.visit == visit)
            assert len(values) == 33
            assert values[16] == median


def test_the_built_in_table_is_what_the_script_computes(test_data: Path) -> None:
    script = real_study.cohort_script()
    computed = list(csv.DictReader(script.built_in_table(test_data / "cohorts").splitlines()))
    with script.KNOWLEDGE.open(encoding="utf-8", newline="") as lines:
        stored = list(csv.DictReader(lines))
    assert len(computed) == len(stored)
    numbers = ("L", "M", "S", "se_L", "se_lnM", "se_lnS")
    for ours, theirs in zip(computed, stored, strict=True):
        assert {k: v for k, v in ours.items() if k not in numbers} == {
            k: v for k, v in theirs.items() if k not in numbers
        }
        # six printed digits, and libraries that round differently in the last
        assert [float(ours[n]) for n in numbers] == pytest.approx(
            [float(theirs[n]) for n in numbers], rel=2e-4, abs=2e-4
        )


def test_equal_input_gives_equal_bytes(outcome: RunOutcome, tmp_path: Path) -> None:
    again = run_study(folder(outcome), tmp_path)
    for path in again.written:
        twin = folder(outcome) / path.relative_to(tmp_path)
        assert path.read_bytes() == twin.read_bytes(), path.name


def test_the_manifest_names_inputs_and_sources(outcome: RunOutcome) -> None:
    manifest = json.loads((folder(outcome) / "results" / "manifest.json").read_text("utf-8"))
    files = {entry["file"] for entry in manifest["inputs"]}
    assert files == {
        "study.toml", "samples.csv", "panels/tb.toml", "counts/compass.csv", "finished/apps.csv", "references.csv",
    }  # fmt: skip
    assert manifest["knowledge"]["sources"] == ["Apps2020"]


def test_the_command_prints_placements(outcome: RunOutcome, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(folder(outcome)), "--out", str(tmp_path), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["kind"] for line in lines} == {"placement"}
    assert all((line["z"] is None) == bool(line["not_placeable"]) for line in lines)
