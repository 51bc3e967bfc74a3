"""Bad input: each case is named with file, place and remedy, and the rest of the study goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_study as tiny

from decidua.errors import DecidualError
from decidua.pipeline import place_study, quantify
from decidua.reporting.findings import StudyFindings
from decidua.study import load_study


def found(folder: Path) -> StudyFindings:
    study = load_study(folder)
    return place_study(study, quantify(study))


def results(findings: StudyFindings, subject: str = "") -> list[str]:
    return sorted(
        f"{m.key} {m.measurand.numerator} {m.quantity.value}"
        for v in findings.visits
        for m in v.measurements
        if subject in ("", m.key.subject)
    )


def only(findings: StudyFindings) -> DecidualError:
    assert len(findings.refused) == 1, [str(e) for e in findings.refused]
    error = findings.refused[0]
    assert error.file
    assert error.place
    assert error.remedy
    return error


@pytest.fixture
def whole(tmp_path: Path) -> StudyFindings:
    return found(tiny.build(tmp_path / "whole"))


def test_the_sound_study_refuses_nothing(whole: StudyFindings) -> None:
    assert whole.refused == ()
    assert len(results(whole)) == 6
    assert [r.id for r in whole.visits[0].profile.ratios] == ["ifng_il4"]


def test_an_unknown_column_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    header = tiny.HEADER.replace("stimulus_h", "stimulus_hours")
    with pytest.raises(DecidualError, match="unknown column 'stimulus_hours'") as caught:
        load_study(tiny.build(tmp_path, header=header))
    assert (caught.value.file, caught.value.place) == ("samples.csv", "row 1")
    assert "stimulus_h" in caught.value.remedy


def test_columns_of_ones_own_are_carried(tmp_path: Path, whole: StudyFindings) -> None:
    own = [row + ",note" for row in tiny.rows()]
    assert results(found(tiny.build(tmp_path, header=tiny.HEADER + ",x_mine", sheet=own))) == results(whole)


def test_a_stimulated_row_without_its_control(tmp_path: Path, whole: StudyFindings) -> None:
    findings = found(tiny.build(tmp_path, sheet=tiny.rows()[1:]))
    error = only(findings)
    assert "has no unstimulated control" in error.message
    assert error.place == "row 2"
    assert results(findings, "W2") == results(whole, "W2")


def test_a_stimulated_row_with_two_controls(tmp_path: Path, whole: StudyFindings) -> None:
    counts = tiny.COUNTS + "W1_none2,48210,33120,21930,40,22\n"
    extra = tiny.rows()[0].replace("W1_none", "W1_none2")
    findings = found(tiny.build(tmp_path, counts=counts, sheet=[*tiny.rows(), extra]))
    assert "2 controls" in only(findings).message
    assert results(findings, "W2") == results(whole, "W2")


def test_a_control_of_other_hours_is_no_control(tmp_path: Path) -> None:
    sheet = tiny.rows()
    sheet[0] = sheet[0].replace(",none,4,", ",none,6,")
    assert "has no unstimulated control" in only(found(tiny.build(tmp_path, sheet=sheet))).message


def test_a_child_above_its_parent(tmp_path: Path, whole: StudyFindings) -> None:
    findings = found(tiny.build(tmp_path, counts=tiny.COUNTS.replace("20110,3580", "20110,23580")))
    error = only(findings)
    assert "more than its parent" in error.message
    assert error.file == "counts/day_1.csv"
    assert results(findings, "W2") == results(whole, "W2")


def test_two_times_of_collection_for_one_visit(tmp_path: Path, whole: StudyFindings) -> None:
    sheet = tiny.rows()
    sheet[0] = sheet[0].replace("d93T09:00", "d93T08:00")
    findings = found(tiny.build(tmp_path, sheet=sheet))
    error = only(findings)
    assert "two values of collected" in error.message
    assert "row 2 and row 3" in error.place
    assert results(findings, "W2") == results(whole, "W2")


def test_two_values_of_one_result(tmp_path: Path, whole: StudyFindings) -> None:
    same = "W1,V1,count,NK,blood_edta,{},/uL"
    findings = found(tiny.build(tmp_path, finished=[same.format(200), same.format(210)]))
    error = only(findings)
    assert "two values of NK.count@" in error.message
    assert error.place == "row 2 and row 3"
    assert results(findings) == results(whole)


def test_two_units_for_one_measurand(tmp_path: Path, whole: StudyFindings) -> None:
    findings = found(
        tiny.build(tmp_path, finished=["W1,V1,count,NK,blood_edta,200,/uL", "W1,V1,count,NK,blood_edta,.2,10*3/uL"])
    )
    assert "is given in /uL and in 10*3/uL" in only(findings).message or "10*3/uL and in /uL" in only(findings).message
    assert results(findings) == results(whole)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("W1,V1,count,NK,blood_edta,,/uL", "value is empty"),
        ("W1,V1,count,NK,blood_edta,many,/uL", "is not a number"),
        ("W1,V1,count,NK,blood_edta,200,cells", "unknown unit"),
        ("W1,V1,number,NK,blood_edta,200,/uL", "quantity 'number' is not known"),
        ("W1,V1,count,NK,blood,200,/uL", "unknown material"),
        ("W9,V1,count,NK,blood_edta,200,/uL", "is on no line of the sheet"),
    ],
)
def test_a_bad_finished_row(tmp_path: Path, whole: StudyFindings, row: str, words: str) -> None:
    findings = found(tiny.build(tmp_path, finished=[row, "W1,V1,count,CD4,blood_edta,700,/uL"]))
    assert words in only(findings).message
    assert len(results(findings)) == len(results(whole)) + 1


def test_a_visit_that_cannot_be_dated_is_placed_in_no_phase(tmp_path: Path, whole: StudyFindings) -> None:
    sheet = [row.replace("d93T09:00,d93T13:30", ",") if ",W1," in row else row for row in tiny.rows()]
    findings = found(tiny.build(tmp_path, sheet=sheet))
    assert "cannot be dated" in only(findings).message
    assert findings.visits[0].moment.phase == "unknown"
    assert all(p.not_placeable.startswith("phase") for p in findings.visits[0].placements)
    assert len(results(findings)) == len(results(whole))


def test_a_visit_without_any_dating_is_noted(tmp_path: Path) -> None:
    findings = found(tiny.build(tmp_path, sheet=[row.replace("last_period,d0", ",") for row in tiny.rows()]))
    assert findings.refused == ()
    assert [n.code for n in findings.notes] == ["not_dated", "not_dated"]


@pytest.mark.parametrize("text", ["", "file,subject,visit\n"])
def test_an_empty_sheet(tmp_path: Path, text: str) -> None:
    folder = tiny.build(tmp_path)
    (folder / "samples.csv").write_text(text, "utf-8")
    with pytest.raises(DecidualError) as caught:
        load_study(folder)
    assert caught.value.file == "samples.csv"


def test_an_empty_count_table(tmp_path: Path) -> None:
    findings = found(tiny.build(tmp_path, counts=""))
    assert "empty" in only(findings).message
    assert results(findings) == []


def test_windows_semicolons_and_decimal_commas_are_read_with_a_warning(tmp_path: Path, whole: StudyFindings) -> None:
    folder = tiny.build(tmp_path)
    text = (folder / "samples.csv").read_text("utf-8").replace(",", ";").replace(";4;", ";4,0;")
    header, *lines = text.splitlines()
    noted = "\n".join([f"{header};x_note", *(f"{line};geprüft" for line in lines)])
    (folder / "samples.csv").write_bytes(noted.encode("cp1252"))
    findings = found(folder)
    assert results(findings) == results(whole)
    assert {n.code for n in findings.notes} == {"windows_1252", "other_delimiter", "decimal_comma"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (",W1,", ",W 1,", "may be a person's name"),
        (",W1,", ",W/1,", "is no id"),
        (",P1,", ",P9,", "unknown panel"),
        ("pma_ionomycin", "pma", "unknown stimulus"),
        ("brefeldin_a", "brefeldin", "unknown blocker"),
        ("blood_heparin", "heparin blood", "unknown material"),
        ("d93T13:30", "d92T13:30", "lies before collected"),
        ("d93T13:30", "d93T25:30", "no time that exists"),
        ("last_period", "lmp", "unknown dating"),
        ("W1_pma", "W1_PMA", "no row 'W1_PMA'"),
    ],
)
def test_a_bad_cell(tmp_path: Path, whole: StudyFindings, old: str, new: str, words: str) -> None:
    sheet = [row.replace(old, new) if row.split(",")[2] == "W1" else row for row in tiny.rows()]
    findings = found(tiny.build(tmp_path, sheet=sheet))
    assert any(words in e.message for e in findings.refused), [str(e) for e in findings.refused]
    assert all(e.file and e.place and e.remedy for e in findings.refused)
    assert results(findings, "W2") == results(whole, "W2")


@pytest.mark.parametrize(
    ("study", "words"),
    [
        (tiny.STUDY.replace("laboratory", "lab"), "field required"),
        (tiny.STUDY + "\n[control]\n", "unknown key"),
        (tiny.STUDY.replace('id = "tiny"', "id = 3"), "valid string"),
        (tiny.STUDY + "\n[[", "not valid TOML"),
        (tiny.STUDY.replace('"LAB1"', '"LAB1", time_zone = "Mars/Olympus"'), "no such time zone"),
        ('sheet = { file = "../samples.csv" }\n' + tiny.STUDY, "leaves the study folder"),
    ],
)
def test_a_bad_study_file(tmp_path: Path, study: str, words: str) -> None:
    with pytest.raises(DecidualError, match=words) as caught:
        load_study(tiny.build(tmp_path, study=study))
    assert caught.value.file == "study.toml"


@pytest.mark.parametrize(
    ("panel", "words"),
    [
        (tiny.PANEL.replace("CD3+CD8-", "CD3+CD4+"), "takes CD4 off the surface"),
        (tiny.PANEL.replace("IFNG", "IFNGG"), "unknown analyte"),
        (tiny.PANEL.replace('["T_helper"] }\nIL4', '["T_help"] }\nIL4'), "unknown parent"),
        (tiny.PANEL.replace("positives", "positive"), "unknown key"),
    ],
)
def test_a_bad_panel_refuses_its_rows(tmp_path: Path, panel: str, words: str) -> None:
    findings = found(tiny.build(tmp_path, panel=panel))
    assert any(words in e.message and e.file == "panels/p1.toml" for e in findings.refused)
    assert results(findings) == []


def test_one_row_on_two_subjects_is_refused(tmp_path: Path) -> None:
    extra = tiny.rows()[0].replace(",W1,", ",W3,")
    findings = found(tiny.build(tmp_path, sheet=[*tiny.rows(), extra]))
    assert any("is given to W1 V1 and to W3 V1" in e.message for e in findings.refused)


def test_a_late_tube_is_its_own_class_and_a_later_one_has_no_number(tmp_path: Path) -> None:
    late = found(tiny.build(tmp_path / "late", sheet=[r.replace("d93T13:30", "d93T20:00") for r in tiny.rows()]))
    shares = [m for m in late.visits[0].measurements if m.measurand.quantity == "share"]
    assert {m.measurand.sample_age_class for m in shares} == {"late"}
    void = found(tiny.build(tmp_path / "void", sheet=[r.replace("d93T13:30", "d94T13:30") for r in tiny.rows()]))
    assert {(m.status.value, m.quantity.value) for m in void.visits[0].measurements} == {("void", None)}
    assert void.visits[0].profile.ratios == ()
