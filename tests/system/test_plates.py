"""A plate, a tube and a count table in one study: joined to visits, refused by name, kept censored."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import plate_study
import pytest

from decidua.cli import main
from decidua.measurement import Censoring, Status
from decidua.pipeline import place_study, quantify
from decidua.reporting.findings import StudyFindings
from decidua.study import load_study

FILE = f"plates/{plate_study.PLATE}"


def found(folder: Path) -> StudyFindings:
    study = load_study(folder)
    return place_study(study, quantify(study))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> Path:
    return plate_study.build(tmp_path_factory.mktemp("plate"), test_data)


@pytest.fixture(scope="module")
def findings(folder: Path) -> StudyFindings:
    return found(folder)


def test_every_analyte_of_every_listed_sample_is_a_measurement(findings: StudyFindings) -> None:
    assert [str(e) for e in findings.refused] == []
    mine = [v for v in findings.visits if v.visit.key.subject == "S1"]
    assert len(mine) == 3
    for v in mine:
        assert len(v.measurements) == 30
        assert {m.measurand.platform for m in v.measurements} == {"luminex-xponent"}
        assert {m.measurand.kit for m in v.measurements} == {"human-30-plex"}
        assert all(m.quantity.shared_error.startswith(f"curve:{FILE}:") for m in v.measurements)


def test_limits_stay_limits(findings: StudyFindings) -> None:
    every = [m for v in findings.visits for m in v.measurements if m.measurand.quantity == "concentration"]
    below = [m for m in every if m.quantity.censored is Censoring.BELOW]
    assert below
    for m in below:
        assert m.quantity.value is not None
        assert m.quantity.lower == 0.0
        assert m.quantity.upper is not None
        assert m.quantity.upper >= m.quantity.value
    for v in findings.visits:
        for p in v.placements:
            if p.measurement.quantity.censored is not Censoring.NONE:
                assert p.z is None
                assert p.not_placeable


def test_samples_on_no_line_are_listed(findings: StudyFindings, test_data: Path) -> None:
    unused = {n.place for n in findings.notes if n.code == "row_unused" and n.file == FILE}
    assert unused == set(plate_study.sample_names(test_data)[3:])


def write(folder: Path, tmp_path: Path, old: str, new: str, file: str = "samples.csv") -> StudyFindings:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    path = tmp_path / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return found(tmp_path)


def test_a_well_that_is_not_there_is_named(folder: Path, tmp_path: Path, test_data: Path) -> None:
    name = plate_study.sample_names(test_data)[0]
    findings = write(folder, tmp_path, f",{name},S1", f",{name}x,S1")
    (error,) = findings.refused
    assert "no well or sample" in error.message
    assert f"{name!r}" in error.remedy
    assert sum(len(v.measurements) for v in findings.visits if v.visit.key.subject == "S1") == 60


def test_two_visits_on_one_sample_are_refused(folder: Path, tmp_path: Path, test_data: Path) -> None:
    first, second = plate_study.sample_names(test_data)[:2]
    findings = write(folder, tmp_path, f",{second},S1", f",{first},S1")
    (error,) = findings.refused
    assert "is given to S1 V1 and to S1 V2" in error.message
    assert [len(v.measurements) for v in findings.visits if v.visit.key.subject == "S1"] == [0, 0, 30]


def test_a_standard_is_no_sample(folder: Path, tmp_path: Path, test_data: Path) -> None:
    name = plate_study.sample_names(test_data)[0]
    findings = write(folder, tmp_path, f",{name},S1", ",Standard5,S1")
    assert any("is a standard, no sample" in e.message for e in findings.refused)


def test_tnf_of_a_fluid_under_an_anti_tnf_drug_has_no_number(folder: Path, tmp_path: Path) -> None:
    findings = write(folder, tmp_path, "culture_supernatant", "serum")
    tnf = {
        v.visit.key.visit: m
        for v in findings.visits
        if v.visit.key.subject == "S1"
        for m in v.measurements
        if m.measurand.numerator == "TNF"
    }
    assert tnf["V2"].status is Status.VOID
    assert tnf["V2"].quantity.value is None
    assert "anti_tnf" in tnf["V2"].flags
    assert tnf["V1"].status is not Status.VOID


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"PK\x03\x04", "NotAPlate"),
        (b"", "NotAPlate"),
        (b"Program,xPONENT\n", "BrokenPlate"),
        (b"a,b\n1,2\n", "NotAPlate"),
    ],
)
def test_a_damaged_plate_leaves_the_rest(folder: Path, tmp_path: Path, raw: bytes, error: str) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / FILE).write_bytes(raw)
    findings = found(tmp_path)
    assert [type(e).__name__ for e in findings.refused] == [error]
    assert any(v.measurements for v in findings.visits)


def test_the_commands_look_at_a_plate(test_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = test_data / "serum" / "xponent" / plate_study.PLATE
    assert main(["acquire", str(path), "--json"]) == 0
    (plate,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    shown = {k: plate[k] for k in ("kind", "dialect", "wells", "standards", "controls", "blanks", "samples")}
    assert shown == {
        "kind": "plate", "dialect": "xponent-3.1", "wells": 96,
        "standards": 16, "controls": 3, "blanks": 2, "samples": 71,
    }  # fmt: skip
    assert {"analyte": "FGF", "analyte_id": "FGF2", "unit": "pg/mL"} in plate["analytes"]
    assert {"code": "decimal_lost", "place": "Standard5 FGF", "message": "215625 read as 215.625"} in plate["defects"]
    assert main(["quantify", str(path), "--json"]) == 0
    wells = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(wells) == 96 * 30
    assert {w["role"] for w in wells} == {"sample", "standard", "control", "blank"}
