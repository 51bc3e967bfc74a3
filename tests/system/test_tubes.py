"""Tubes from file to report: a real one with its workspace, and a stimulated pair gated by a real workspace."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
import spleen_study

import ics_tube
from decidua.batch import run_study
from decidua.cli import main
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.flowjo import read_workspace
from decidua.cytometry.flowjo_convert import sample_from
from decidua.cytometry.flowjo_writer import write_workspace
from decidua.pipeline import place_study, quantify
from decidua.reporting.findings import StudyFindings
from decidua.reporting.html import render_html
from decidua.reporting.visit import visit_report
from decidua.study import load_study

ICS_PANEL = """\
panel = { id = "ICS", title = "Four cytokines in T cells" }
channels = { CD3 = "CD3 APC-H7 FLR-A", IFNG = "IFNg APC FLR-A" }

[populations]
T_cells = { is = "CD3+", path = "Time/Singlets/aAmine-/CD3+" }
CD4 = { is = "CD3+CD4+", path = "Time/Singlets/aAmine-/CD3+/CD4+" }
CD8 = { is = "CD3+CD8+", path = "Time/Singlets/aAmine-/CD3+/CD8+" }

[positives]
IFNG = { gate = "IFNg+", parents = ["CD4", "CD8"] }
TNF = { gate = "TNFa+", parents = ["CD4", "CD8"] }

[stimuli.seb]
agents = [{ name = "SEB", value = 1, unit = "ug/mL" }]
"""
STUDY = 'study = { schema = 1, id = "ics", laboratory = "LAB1" }\npanels = { ICS = "panels/ics.toml" }\n'
SHEET = "file,subject,visit,panel,run,workspace,stimulus,stimulus_h,blocker,specimen,material\n" + "".join(
    f"tubes/{name}.fcs,W1,V1,ICS,R1,tubes/ics.wsp,{stimulus},6,monensin,A1,blood_heparin\n"
    for name, stimulus in (("none", "none"), ("seb", "seb"))
)


@pytest.fixture(scope="module")
def ics(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> Path:
    folder = tmp_path_factory.mktemp("ics")
    for name in ("panels", "tubes"):
        (folder / name).mkdir()
    (folder / "study.toml").write_text(STUDY, "utf-8")
    (folder / "panels" / "ics.toml").write_text(ICS_PANEL, "utf-8")
    (folder / "samples.csv").write_text(SHEET, "utf-8")
    real = read_workspace(test_data / "cytometry" / "flowkit" / "8_color_ICS" / "8_color_ICS.wsp").samples[0]
    matrix = next(iter(real.tree.spillovers.values()))
    samples = []
    for number, name in enumerate(("none", "seb"), start=1):
        path = folder / "tubes" / f"{name}.fcs"
        ics_tube.write_ics_tube(path, 30_000, matrix, seed=number, responders=0.02 if name == "none" else 1.0)
        samples.append(sample_from(read_fcs(path), real.tree, {}, str(number)))
    write_workspace(folder / "tubes" / "ics.wsp", samples, {})
    return folder


def found(folder: Path) -> StudyFindings:
    study = load_study(folder)
    return place_study(study, quantify(study))


def test_responders_of_a_stimulated_pair(ics: Path) -> None:
    findings = found(ics)
    assert [str(e) for e in findings.refused] == []
    shares = {
        (m.measurand.parent, m.measurand.numerator): m
        for m in findings.visits[0].measurements
        if m.measurand.quantity == "share" and m.measurand.stimulus == "seb"
    }
    assert set(shares) == {(p, f"{a}+") for p in ("CD4", "CD8") for a in ("IFNG", "TNF")}
    for (parent, analyte), m in shares.items():
        planted = ics_tube.POSITIVE[{"IFNG+": "IFNg", "TNF+": "TNFa"}[analyte]][parent == "CD8"]
        assert m.quantity.lower is not None
        assert m.quantity.upper is not None
        # the gates lose a dim tail of the planted cells, never half of them
        assert m.quantity.upper > 60 * planted
        assert m.quantity.lower < 100 * planted
        assert m.quantity.lower < m.quantity.value < m.quantity.upper  # type: ignore[operator]
        assert m.quantity.joint is not None


def test_a_stimulated_tube_gives_no_phenotype(ics: Path) -> None:
    phenotypes = [m for m in found(ics).visits[0].measurements if m.measurand.numerator in ("CD4", "CD8")]
    assert {m.measurand.stimulus for m in phenotypes} == {"none"}
    assert len(phenotypes) == 2


def test_gates_are_drawn_with_their_counts(ics: Path) -> None:
    findings = found(ics)
    text = render_html(visit_report(findings, findings.visits[0]))
    assert "Gates of tubes/seb.fcs" in text
    assert text.count("data:image/png;base64,") >= 8
    assert len(text) < 2_000_000


def change(ics: Path, folder: Path, file: str, old: str, new: str) -> Path:
    shutil.copytree(ics, folder, dirs_exist_ok=True)
    path = folder / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("samples.csv", "tubes/seb.fcs", "tubes/gone.fcs", "cannot be opened"),
        ("samples.csv", ",tubes/ics.wsp,seb", ",,seb", "needs its gates"),
        ("samples.csv", ",ICS,R1,tubes/ics.wsp,seb", ",,R1,tubes/ics.wsp,seb", "needs its panel"),
        ("samples.csv", "tubes/ics.wsp,seb", "tubes/no.wsp,seb", "cannot be opened"),
        ("panels/ics.toml", "IFNg APC FLR-A", "IFNg PE", "has no channel 'IFNg PE'"),
        ("panels/ics.toml", 'gate = "IFNg+"', 'gate = "IFN+"', "have no population"),
        ("tubes/ics.wsp", "seb.fcs", "other.fcs", "no sample of this name"),
    ],
)
def test_what_does_not_fit_is_named(ics: Path, tmp_path: Path, file: str, old: str, new: str, words: str) -> None:
    findings = found(change(ics, tmp_path, file, old, new))
    assert any(words in str(e) for e in findings.refused), [str(e) for e in findings.refused]
    assert all(e.file and e.remedy for e in findings.refused)
    assert str(tmp_path) not in " ".join(str(e) for e in findings.refused)


@pytest.mark.parametrize(
    ("raw", "error"), [(b"this is text", "NotFCS"), (b"", "NotFCS"), (b"FCS3.1    " + b" " * 48, "BrokenFCS")]
)
def test_a_damaged_tube_leaves_the_rest(ics: Path, tmp_path: Path, raw: bytes, error: str) -> None:
    shutil.copytree(ics, tmp_path, dirs_exist_ok=True)
    (tmp_path / "tubes" / "seb.fcs").write_bytes(raw)
    findings = found(tmp_path)
    assert [type(e).__name__ for e in findings.refused] == [error]
    assert {m.measurand.stimulus for m in findings.visits[0].measurements} == {"none"}


def test_one_tube_on_two_visits_is_refused(ics: Path, tmp_path: Path) -> None:
    shutil.copytree(ics, tmp_path, dirs_exist_ok=True)
    sheet = (tmp_path / "samples.csv").read_text("utf-8")
    second = next(line for line in sheet.splitlines() if "seb.fcs" in line).replace(",W1,", ",W2,")
    (tmp_path / "samples.csv").write_text(f"{sheet}{second}\n", "utf-8")
    assert any("is given to W1 V1 and to W2 V1" in e.message for e in found(tmp_path).refused)


def test_surface_cd69_in_a_brefeldin_tube_is_refused(ics: Path, tmp_path: Path) -> None:
    folder = change(ics, tmp_path, "panels/ics.toml", "TNF = {", "CD69 = {")
    (folder / "samples.csv").write_text(SHEET.replace("monensin", "brefeldin_a"), "utf-8")
    assert any("CD69 is blocked by brefeldin" in e.message for e in found(folder).refused)


def test_a_real_tube_beside_the_count_table(tmp_path: Path, test_data: Path) -> None:
    outcome = run_study(spleen_study.build(tmp_path, test_data))
    assert [str(e) for e in outcome.findings.refused] == []
    (visit,) = (v for v in outcome.findings.visits if v.visit.key.subject == "M1")
    shares = {m.measurand.numerator: m.quantity for m in visit.measurements}
    assert shares["NK[CD3-NK1.1+]"].value == pytest.approx(100 * 312 / 923, rel=0.02)
    assert shares["NK1_1[NK1.1+]"].value == pytest.approx(100 * 923 / 18585, rel=0.02)
    text = (tmp_path / "reports" / "visit-M1-V1.html").read_text("utf-8")
    assert "FlowJo counted" in text


def test_the_command_counts_a_tube_and_writes_its_events(
    test_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = test_data / "cytometry" / "flowjo10_mouse_spleen"
    events = tmp_path / "events.parquet"
    words = [
        "quantify",
        str(folder / "68983.fcs"),
        "--gates",
        str(folder / "gating.wsp"),
        "--events",
        str(events),
        "--json",
    ]
    assert main(words) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 16
    root, first = lines[0], lines[2]
    assert (root["population"], root["parent"], root["count"], root["share"]) == ("root", None, 19225, None)
    assert first["file"] == "68983.fcs"
    assert first["lower"] < first["share"] < first["upper"]
    for line in lines[1:]:
        assert abs(line["count"] - line["stored_count"]) <= max(2, 0.002 * line["parent_count"])
    frame = pl.read_parquet(events)
    assert frame.height == 19225
    assert {name: int(frame[name].sum()) for name in frame.columns} == {
        line["gate_id"]: line["count"] for line in lines[1:]
    }


def test_the_commands_look_at_tubes_and_workspaces(test_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = test_data / "cytometry" / "flowjo10_mouse_spleen"
    assert main(["acquire", str(folder / "68983.fcs"), "--json"]) == 0
    assert main(["acquire", str(folder / "gating.wsp"), "--json"]) == 0
    tube, workspace = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (tube["kind"], tube["file"], tube["events"], len(tube["channels"])) == ("fcs", "68983.fcs", 19225, 18)
    assert (workspace["kind"], workspace["samples"]) == ("workspace", [{"sample": "68983.fcs", "populations": 15}])
    assert main(["quantify", str(folder / "68983.fcs")]) == 1
    assert "--gates" in capsys.readouterr().err
