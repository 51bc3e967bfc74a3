"""The killing table: what is read, and what is refused with file, place and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from decidua.cytotoxicity import Assay, Drug, Role, killing_series, read_killing
from decidua.errors import Ambiguous, BrokenCounts, BrokenStudy, DecidualError

HEADER = "sample,role,effector_target,replicate,drug,drug_dose,drug_unit,targets,dead,nk_share,targets_per_tube"
FLOW = """W7,targets_alone,,1,,,,5000,250,0.12,10000
W7,targets_alone,,2,,,,5000,270,,
W7,test,50,1,,,,5000,2100,,
W7,test,50,2,,,,5000,2000,,
W7,test,25,1,,,,5000,1400,,
W7,test,25,2,,,,5000,1470,,
W7,test,12.5,1,,,,5000,900,,
W7,test,12.5,2,,,,5000,860,,
W7,targets_alone,,1,IVIG,2,mg/mL,5000,300,,
W7,test,50,1,IVIG,2,mg/mL,5000,1300,,
W7,test,50,2,IVIG,2,mg/mL,5000,1350,,
"""
RELEASE_HEADER = "sample,role,effector_target,replicate,cpm,targets_per_tube"
RELEASE = """W7,targets_alone,,1,500,5000
W7,targets_alone,,2,500,
W7,targets_lysed,,1,5500,
W7,targets_lysed,,2,5500,
W7,test,50,1,2500,
W7,test,50,2,2500,
W7,test,25,1,1900,
W7,test,25,2,1900,
"""


def written(folder: Path, rows: str = FLOW, header: str = HEADER) -> Path:
    path = folder / "killing.csv"
    path.write_text(f"{header}\n{rows}", encoding="utf-8")
    return path


def test_flow_table_is_read(tmp_path: Path) -> None:
    table = read_killing(written(tmp_path))
    assert (table.assay, table.samples, table.nk_share, table.targets_per_tube) == (
        Assay.FLOW,
        ("W7",),
        {"W7": 0.12},
        {"W7": 10_000.0},
    )
    tube = table.tubes[-1]
    assert (tube.role, tube.effector_target, tube.replicate, tube.reading, tube.targets) == (
        Role.TEST, 50.0, 2, 1350.0, 5000,
    )  # fmt: skip
    assert (tube.drug, str(tube.drug), tube.place) == (Drug("IVIG", 2.0, "mg/mL"), "IVIG 2 mg/mL", "row 12")


def test_release_table_is_read(tmp_path: Path) -> None:
    table = read_killing(written(tmp_path, RELEASE, RELEASE_HEADER))
    assert table.assay is Assay.RELEASE
    assert [t.signal for t in table.tubes[:3]] == [500.0, 500.0, 5500.0]
    assert table.nk_share == {}


def test_semicolons_and_decimal_commas_are_read_with_notes(tmp_path: Path) -> None:
    rows = FLOW.replace("12.5", "12§5").replace("0.12", "0§12").replace(",", ";").replace("§", ",")
    table = read_killing(written(tmp_path, rows, HEADER.replace(",", ";")))
    assert {tube.effector_target for tube in table.tubes} == {None, 50.0, 25.0, 12.5}
    assert [note.code for note in table.notes] == ["other_delimiter", "decimal_comma"]


def test_lysed_targets_of_a_flow_table_are_named_unused(tmp_path: Path) -> None:
    table = read_killing(written(tmp_path, FLOW + "W7,targets_lysed,,1,,,,5000,4990,,\n"))
    assert [(note.code, note.place) for note in table.notes] == [("lysed_unused", "row 13")]


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("50,1,,,,5000,2100", "50,1,,,,5000,5001", "row 4, dead", "5001 dead of 5000 targets"),
        ("50,1,,,,5000,2100", "50,1,,,,0,0", "row 4, dead", "0 dead of 0 targets"),
        ("50,1,,,,5000,2100", "50,1,,,,5000,-1", "row 4, dead", "dead is negative"),
        ("50,1,,,,5000,2100", "50,1,,,,-5,0", "row 4, targets", "targets is negative"),
        ("50,1,,,,5000,2100", "50,1,,,,5000,", "row 4, dead", "dead is missing"),
        ("50,1,,,,5000,2100", "50,,,,,5000,2100", "row 4, replicate", "replicate is missing"),
        ("50,1,,,,5000,2100", "50,0,,,,5000,2100", "row 4, replicate", "replicate is 0"),
        ("50,2,,,,5000,2000", "50,1,,,,5000,2000", "row 5", "two values for replicate 1"),
        ("test,50,1,,,,5000,2100", "test,,1,,,,5000,2100", "row 4, effector_target", "of a test is missing"),
        ("test,50,1,,,,5000,2100", "test,-50,1,,,,5000,2100", "row 4, effector_target", "-50"),
        ("test,50,1,,,,5000,2100", "test,50:1,1,,,,5000,2100", "row 4, effector_target", "'50:1' is no number"),
        ("targets_alone,,2", "targets_alone,25,2", "row 3, effector_target", "targets_alone with 25 effectors"),
        ("0.12", "12", "row 2, nk_share", "nk_share 12 of sample 'W7' lies outside 0 to 1"),
        ("0.12", "-0.1", "row 2, nk_share", "outside 0 to 1"),
        ("5000,270,,", "5000,270,0.2,", "row 3, nk_share", "0.2 here and 0.12 in row 2"),
        ("5000,270,,", "5000,270,,5000", "row 3, targets_per_tube", "5000 here and 10000 in row 2"),
        ("0.12,10000", "0.12,0", "row 2, targets_per_tube", "no number of cells"),
        ("W7,test,50,1,,,,5000,2100", "W7,tests,50,1,,,,5000,2100", "row 4, role", "role 'tests' is not known"),
        ("W7,test,50,1,,,,5000,2100", ",test,50,1,,,,5000,2100", "row 4", "sample is empty"),
        ("50,1,IVIG,2,mg/mL", "50,1,IVIG,2,", "row 11, drug", "has no unit"),
        ("50,1,IVIG,2,mg/mL", "50,1,,2,mg/mL", "row 11, drug", "a dose without drug"),
    ],
)  # fmt: skip
def test_contradicting_counts_are_refused(tmp_path: Path, old: str, new: str, place: str, says: str) -> None:
    assert FLOW.count(old) == 1
    with pytest.raises(BrokenCounts) as caught:
        read_killing(written(tmp_path, FLOW.replace(old, new)))
    error = caught.value
    assert says in error.message
    assert (error.file, error.place) == ("killing.csv", place)
    assert error.remedy


@pytest.mark.parametrize(
    ("lost", "place", "says"),
    [
        ("W7,targets_alone,,1,IVIG,2,mg/mL,5000,300,,\n", "row 10", "no targets_alone with IVIG 2 mg/mL"),
        ("W7,targets_alone,,1,,,,5000,250,0.12,10000\nW7,targets_alone,,2,,,,5000,270,,\n", "row 2",
         "no targets_alone without drug"),
        ("".join(line + "\n" for line in FLOW.splitlines() if ",25," in line or ",12.5," in line), "row 4",
         "one effector:target ratio only"),
        ("".join(line + "\n" for line in FLOW.splitlines() if ",test," in line and "IVIG" in line), "row 10",
         "no test tube with IVIG 2 mg/mL"),
    ],
)  # fmt: skip
def test_incomplete_sets_are_refused(tmp_path: Path, lost: str, place: str, says: str) -> None:
    rows = FLOW
    for line in lost.splitlines(keepends=True):
        rows = rows.replace(line, "")
    with pytest.raises(BrokenCounts, match=says) as caught:
        killing_series(read_killing(written(tmp_path, rows)), "W7")
    assert caught.value.place == place


def test_a_drug_needs_targets_alone_at_its_own_dose(tmp_path: Path) -> None:
    rows = FLOW.replace("targets_alone,,1,IVIG,2,mg/mL", "targets_alone,,1,IVIG,4,mg/mL")
    with pytest.raises(BrokenCounts, match="no targets_alone with IVIG 2 mg/mL"):
        killing_series(read_killing(written(tmp_path, rows)), "W7")


def test_release_without_lysed_targets_is_refused(tmp_path: Path) -> None:
    rows = "".join(line for line in RELEASE.splitlines(keepends=True) if "lysed" not in line)
    with pytest.raises(BrokenCounts, match="no targets_lysed"):
        killing_series(read_killing(written(tmp_path, rows, RELEASE_HEADER)), "W7")


def test_release_below_spontaneous_is_refused(tmp_path: Path) -> None:
    table = read_killing(written(tmp_path, RELEASE.replace("5500", "400"), RELEASE_HEADER))
    with pytest.raises(BrokenCounts, match="as dead as targets can be"):
        killing_series(table, "W7")


def test_unknown_sample_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(BrokenCounts, match="'W7'"):
        killing_series(read_killing(written(tmp_path)), "w7")


@pytest.mark.parametrize(
    ("header", "rows", "kind", "says"),
    [
        (HEADER.replace("dead", "ded"), FLOW, BrokenStudy, "Did you mean 'dead'"),
        (HEADER.replace("targets,dead", "targets,x_dead"), FLOW, BrokenStudy, "'dead' is missing"),
        (HEADER.replace("replicate", "x_replicate"), FLOW, BrokenStudy, "'replicate' is missing"),
        (RELEASE_HEADER.replace("targets_per_tube", "targets"), RELEASE, BrokenCounts, "both cpm and targets"),
        (HEADER, FLOW.replace("2100", "many"), BrokenStudy, "'many' is not a number"),
        (HEADER, FLOW.replace("2100", "2100.5"), BrokenStudy, "whole number"),
        (HEADER, FLOW.replace("2100", "nan"), BrokenStudy, "'nan' is not a number"),
        (HEADER, "", BrokenStudy, "no row"),
        (HEADER, FLOW.replace("2100", "1e400"), BrokenStudy, "'1e400' is not a number"),
        (HEADER.replace(",", ";"), FLOW.replace(",", ";").replace("2100", "2,100"), Ambiguous, "thousands comma"),
    ],
)  # fmt: skip
def test_broken_tables_are_refused(
    tmp_path: Path, header: str, rows: str, kind: type[DecidualError], says: str
) -> None:
    with pytest.raises(kind, match=says):
        read_killing(written(tmp_path, rows, header))
