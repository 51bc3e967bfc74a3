"""The command line: JSON lines to the letter, exit codes, errors with remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny_study as tiny

from decidua import errors
from decidua.cli import main


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    (tmp_path / "c.csv").write_text(tiny.COUNTS, "utf-8")
    return tmp_path / "c.csv"


def test_acquire_counts(counts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["acquire", str(counts), "--json"]) == 0
    (line,) = lines(capsys)
    assert {k: line[k] for k in ("kind", "file", "rows", "populations", "defects")} == {
        "kind": "counts", "file": "c.csv", "rows": 4, "populations": 5, "defects": [],
    }  # fmt: skip
    assert len(line["sha256"]) == 64


def test_quantify_counts(counts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quantify", str(counts), "--json"]) == 0
    found = lines(capsys)
    assert len(found) == 20
    first, second = found[0], found[1]
    assert (first["population"], first["parent"], first["share"]) == ("L", None, None)
    assert second["share"] == pytest.approx(33120 / 48210)
    assert second["lower"] < second["share"] < second["upper"]
    assert (second["parent_count"], second["stored_count"]) == (48210, None)


KILLING = """sample,role,effector_target,replicate,drug,drug_dose,drug_unit,targets,dead
A,targets_alone,,1,,,,5000,250
A,test,25,1,,,,5000,1500
A,test,25,2,,,,5000,1540
A,test,12.5,1,,,,5000,900
A,targets_alone,,1,ivig,4,mg/mL,5000,260
A,test,25,1,ivig,4,mg/mL,5000,1000
B,test,25,1,,,,5000,1500
"""


def test_a_killing_table_is_known_by_its_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "k.csv").write_text(KILLING, "utf-8")
    assert main(["acquire", str(tmp_path / "k.csv"), "--json"]) == 0
    (line,) = lines(capsys)
    assert (line["kind"], line["assay"], line["tubes"]) == ("killing", "flow", 7)
    assert (line["samples"], line["drugs"]) == (["A", "B"], ["ivig"])


def test_quantify_gives_the_lysis_at_every_ratio(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "k.csv").write_text(KILLING, "utf-8")
    assert main(["quantify", str(tmp_path / "k.csv"), "--json"]) == 1
    found = lines(capsys)
    lysis = {(line["drug"], line["effector_target"]): line for line in found if line["kind"] == "lysis"}
    assert set(lysis) == {(None, 25), (None, 12.5), ("ivig", 25)}
    assert lysis[None, 25]["value"] == pytest.approx(100 * (0.304 - 0.05) / 0.95)
    assert lysis["ivig", 25]["value"] == pytest.approx(100 * (0.2 - 0.052) / 0.948)
    assert all(line["lower"] < line["value"] < line["upper"] for line in lysis.values())
    assert [line["place"] for line in found if line["kind"] == "error"] == ["row 8"]


def test_people_get_a_table(counts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quantify", str(counts)]) == 0
    assert "L/T/H/IFNg+" in capsys.readouterr().out


def test_a_refused_row_makes_exit_1(counts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts.write_text(tiny.COUNTS.replace("20110,3580", "20110,23580"), "utf-8")
    assert main(["quantify", str(counts), "--json"]) == 1
    assert [line["error"] for line in lines(capsys) if line["kind"] == "error"] == ["BrokenCounts"]


def test_run_ends_with_1_and_lists_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tiny.build(tmp_path, sheet=tiny.rows()[1:])
    assert main(["run", str(folder), "--json"]) == 1
    (error,) = [line for line in lines(capsys) if line["kind"] == "error"]
    assert set(error) == {"kind", "file", "error", "place", "message", "remedy"}
    assert "no unstimulated control" in (folder / "results" / "refused.csv").read_text("utf-8")
    assert "no unstimulated control" in (folder / "reports" / "study.html").read_text("utf-8")


def test_misuse_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run"]) == 2
    assert main(["nosuch"]) == 2


@pytest.mark.parametrize(
    ("name", "raw", "error"),
    [
        ("x.fcs", b"not FCS at all", "FCS"),
        ("x.csv", b"PK\x03\x04", "UnreadableFile"),
        ("x.csv", b"a,b\n1,2\n", "BrokenCounts"),
        ("x.csv", b"", "BrokenStudy"),
    ],
)
def test_a_bad_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, raw: bytes, error: str
) -> None:
    (tmp_path / name).write_bytes(raw)
    assert main(["acquire", str(tmp_path / name), "--json"]) == 1
    out, err = capsys.readouterr()
    line = json.loads(out)
    assert error in line["error"]
    assert line["file"] == name
    assert line["remedy"]
    assert "Remedy:" in err
    assert str(tmp_path) not in out + err


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["acquire", str(tmp_path / "none.csv")]) == 1
    assert "no such file" in capsys.readouterr().err


EVERY = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.DecidualError)]


@pytest.mark.parametrize("kind", EVERY)
def test_every_error_reaches_the_user_with_place_and_remedy(
    kind: type[errors.DecidualError],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    from decidua import pipeline

    def fail(path: Path, file: str) -> None:
        raise kind("It went wrong.", file=file, place="row 3")

    monkeypatch.setattr(pipeline, "acquire", fail)
    assert main(["acquire", str(tmp_path / "f.csv"), "--json"]) == 1
    out, err = capsys.readouterr()
    line = json.loads(out)
    assert (line["error"], line["file"], line["place"]) == (kind.__name__, "f.csv", "row 3")
    assert line["remedy"] == kind.remedy_by_default
    assert kind.__name__ in err


def test_the_error_tree_is_the_one_drawn() -> None:
    doc = errors.__doc__ or ""
    assert [e.__name__ for e in EVERY if e.__name__ not in doc] == []
