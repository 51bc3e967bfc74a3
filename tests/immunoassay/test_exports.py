"""Plate files: every dialect read equals an independent reading, or is refused by name."""

from __future__ import annotations

import csv
import random
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from decidua.errors import Ambiguous, BrokenPlate, DecidualError, NotAPlate, UnreadableFile
from decidua.immunoassay.exports import read_plate
from decidua.immunoassay.plate import Plate, Role
from decidua.immunoassay.printed import read_printed
from decidua.measurement import Censoring
from immunoassay.conftest import Golden
from immunoassay.made_plates import as_bytes, small_file

READ = {
    "xponent/drlumi_plate1_30plex_cytokines.csv": ("xponent-3.1", 96, 30),
    "xponent/luminex_is_2.3/Example_run_csf.csv": ("luminex-is-2.3", 48, 3),
    "xponent/serolyzer/Chul_IgG3_1.csv": ("xponent-4.2", 95, 10),
    "xponent/serolyzer/CovidOISExPONTENT_CO.csv": ("xponent-4.2", 49, 28),
    "xponent/serolyzer/CovidOISExPONTENT_CO_with_holes.csv": ("xponent-4.2", 44, 2),
    "xponent/serolyzer/IGG_CO_1_xponent.csv": ("xponent-4.2", 96, 29),
    "xponent/serolyzer/IGG_CO_2_xponent.csv": ("xponent-4.2", 96, 30),
    "xponent/serolyzer/IGG_CO_3_xponent.csv": ("xponent-4.2", 96, 30),
    "xponent/serolyzer/New_Batch_6_20160309_174224.csv": ("xponent-3.1", 90, 22),
    "xponent/allotropy/luminex_xPONENT_example03.csv": ("xponent-4.3", 4, 2),
    "xponent/allotropy/luminex_xPONENT_missing_optional_fields.csv": ("intelliflex-2.1", 12, 5),
    "xponent/allotropy/luminex_xPONENT_NaN_and_not_reported_values.csv": ("xponent-4.3", 96, 3),
    "intelliflex/P1_SEROPED_PBT_62PLEX_PLATE1_03312023_RUN001.csv": ("intelliflex", 96, 62),
    "intelliflex/P2_SEROPED_62PLEX_PLATE2_04042023_RUN000.csv": ("intelliflex", 96, 62),
}
REFUSED = {
    "xponent/serolyzer/random_broken_colB.csv": (BrokenPlate, "section Median is missing"),
    "intelliflex/luminex_intelliflex_single_dataset.csv": (NotAPlate, "no plate export known here"),
    "intelliflex/luminex_intelliflex_v2_2.csv": (NotAPlate, "no plate export known here"),
    "intelliflex/random_intelliflex.csv": (NotAPlate, "no plate export known here"),
    "bioplex/10JAN07_plate_1.xls": (NotAPlate, "old Excel file"),
    "bioplex/RawAndSummary.xlsx": (NotAPlate, "Excel or zip file"),
    "bioplex/bio-rad_bio-plex_manager_example_01.xml.gz": (NotAPlate, "no text"),
    "msd/msd_workbench_test_2.csv": (NotAPlate, "no plate export known here"),
}
EASY_FOR_ALLOTROPY = (
    "luminex_xPONENT_example03.csv",
    "luminex_xPONENT_missing_optional_fields.csv",
    "CovidOISExPONTENT_CO_with_holes.csv",
)
HARD_FOR_ALLOTROPY = (
    "Chul_IgG3_1.csv",
    "CovidOISExPONTENT_CO.csv",
    "IGG_CO_1_xponent.csv",
    "IGG_CO_2_xponent.csv",
    "IGG_CO_3_xponent.csv",
    "New_Batch_6_20160309_174224.csv",
)


def plainly(path: Path, section: str) -> dict[tuple[str, str], float]:
    """Read (well, analyte) -> number of one section with nothing but the csv module."""
    rows = csv.reader(path.read_text("utf-8-sig").splitlines())
    found: dict[tuple[str, str], float] = {}
    inside, header = False, None
    for row in rows:
        if row and row[0].startswith("DataType"):
            inside, header = row[1] == section, None
        elif inside and any(row) and row[0].startswith("--"):
            inside = False
        elif inside and any(row):
            if header is None:
                header = row
                continue
            at = re.search(r"([A-H]\d+)\)", row[0])
            assert at
            for name, cell in zip(header[2:], row[2:], strict=False):
                if name and name not in ("Total Events", "Notes"):
                    found[at[1], name] = float(cell) if cell else float("nan")
    return found


@pytest.mark.parametrize("name", READ)
def test_shared_files_equal_a_plain_reading(test_data: Path, name: str) -> None:
    path = test_data / "serum" / name
    plate = read_plate(path)
    dialect, wells, analytes = READ[name]
    assert (plate.dialect, len(plate.wells), len(plate.analytes)) == (dialect, wells, analytes)
    for section, table in (("Median", plate.signal), ("Count", plate.beads)):
        plain = plainly(path, section)
        ours = {
            (well.well, analyte): table[i, j]
            for i, well in enumerate(plate.wells)
            for j, analyte in enumerate(plate.analytes)
        }
        assert ours.keys() == plain.keys()
        assert all(np.array_equal(ours[at], plain[at], equal_nan=True) for at in ours)


@pytest.mark.parametrize("name", REFUSED)
def test_shared_files_are_refused_by_name(test_data: Path, name: str) -> None:
    kind, words = REFUSED[name]
    with pytest.raises(kind, match=words) as refused:
        read_plate(test_data / "serum" / name)
    assert refused.value.file == Path(name).name
    assert refused.value.place
    assert refused.value.remedy


def allotropy_reads(path: Path) -> dict[tuple[str, str], tuple[float, float]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from allotropy.parser_factory import Vendor
        from allotropy.to_allotrope import allotrope_from_file

        written = allotrope_from_file(str(path), Vendor.LUMINEX_XPONENT)
    found = {}
    for document in written["multi analyte profiling aggregate document"]["multi analyte profiling document"]:
        for measured in document["measurement aggregate document"]["measurement document"]:
            well = measured["sample document"]["location identifier"]
            for analyte in measured["analyte aggregate document"]["analyte document"]:
                values = [
                    each["statistical value"]
                    for feature in analyte["statistics aggregate document"]["statistics document"]
                    if feature["statistical feature"] == "fluorescence"
                    for each in feature["statistic dimension aggregate document"]["statistic dimension document"]
                ]
                (median,) = (each["value"] for each in values if each["has statistic datum role"] == "median role")
                found[well, analyte["analyte name"]] = (median, analyte["assay bead count"]["value"])
    return found


@pytest.mark.parametrize(
    "name", [*EASY_FOR_ALLOTROPY, *[pytest.param(name, marks=pytest.mark.bench) for name in HARD_FOR_ALLOTROPY]]
)
def test_allotropy_agrees(test_data: Path, name: str) -> None:
    (path,) = (test_data / "serum" / "xponent").rglob(name)
    plate = read_plate(path)
    theirs = allotropy_reads(path)
    assert len(theirs) == plate.signal.size
    for i, well in enumerate(plate.wells):
        for j, analyte in enumerate(plate.analytes):
            median, count = theirs[well.well, analyte]
            assert (plate.signal[i, j], plate.beads[i, j]) == (median, count)


def small(tmp_path: Path, raw: bytes) -> Plate:
    path = tmp_path / "plate.csv"
    path.write_bytes(raw)
    return read_plate(path)


DIALECTS = {
    f"{delimiter_name} {quoted} {newline_name} {padded} {encoding}": {
        "delimiter": delimiter,
        "quoted": quoted == "quoted",
        "newline": newline,
        "padded": padded == "padded",
        "encoding": encoding,
        "decimal": "," if delimiter == ";" else ".",
    }
    for delimiter_name, delimiter in (("comma", ","), ("semicolon", ";"), ("tab", "\t"))
    for quoted in ("bare", "quoted")
    for newline_name, newline in (("crlf", "\r\n"), ("lf", "\n"))
    for padded in ("short", "padded")
    for encoding in ("utf-8", "utf-8-sig", "utf-16")
}


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_reads_alike(tmp_path: Path, name: str) -> None:
    assert len(DIALECTS) >= 40
    usual = small(tmp_path, as_bytes(small_file()))
    other = small(tmp_path, as_bytes(small_file(), **DIALECTS[name]))
    assert (other.wells, other.analytes, other.units) == (usual.wells, usual.analytes, usual.units)
    for table in ("signal", "beads", "expected"):
        assert np.array_equal(getattr(other, table), getattr(usual, table), equal_nan=True)


def test_roles_dilution_and_expected(tmp_path: Path) -> None:
    plate = small(tmp_path, as_bytes(small_file()))
    roles = [well.role for well in plate.wells]
    assert [roles.count(role) for role in (Role.BLANK, Role.STANDARD, Role.CONTROL, Role.SAMPLE)] == [1, 8, 1, 10]
    assert {well.dilution for well in plate.wells if well.role in (Role.SAMPLE, Role.CONTROL)} == {2.0}
    assert {well.dilution for well in plate.wells if well.role in (Role.STANDARD, Role.BLANK)} == {1.0}
    assert plate.expected[plate.rows(Role.STANDARD)][:, 0].tolist() == [5000 / 2.0**i for i in range(8)]
    assert np.isnan(plate.expected[plate.rows(Role.SAMPLE, Role.BLANK)]).all()


def test_a_sample_named_like_a_standard_stays_a_sample(tmp_path: Path) -> None:
    rows = [["St12" if cell == "u3" else cell for cell in row] for row in small_file()]
    plate = small(tmp_path, as_bytes(rows))
    assert [well.role for well in plate.wells if well.sample == "St12"] == [Role.SAMPLE]
    assert plate.rows(Role.CONTROL).size == 1  # named Control1; the file has no table of controls
    bare = small(tmp_path, as_bytes(without(rows, "Standard Expected Concentration")))
    assert bare.rows(Role.STANDARD).size == 9  # names are all there is


def without(rows: list[list[str]], name: str) -> list[list[str]]:
    start = next(i for i, row in enumerate(rows) if row[:2] == ["DataType:", name])
    end = next(i for i in range(start + 1, len(rows)) if rows[i][:1] == ["DataType:"])
    return rows[:start] + rows[end:]


def changed(rows: list[list[str]], section: str, row: int, column: int, text: str) -> list[list[str]]:
    start = next(i for i, cells in enumerate(rows) if cells[:2] == ["DataType:", section])
    copy = [list(cells) for cells in rows]
    copy[start + 1 + row][column] = text
    return copy


def doubled(rows: list[list[str]]) -> list[list[str]]:
    return changed(changed(rows, "Median", 3, 0, "2(1,B1)"), "Count", 3, 0, "2(1,B1)")


BROKEN = {
    "no Median": (lambda rows: without(rows, "Median"), "section Median is missing"),
    "no Count": (lambda rows: without(rows, "Count"), "section Count is missing"),
    "well twice": (doubled, "well B1 stands twice"),
    "letters": (lambda rows: changed(rows, "Median", 2, 3, "Jane Canary"), "not a number"),
    "thousands": (lambda rows: changed(rows, "Median", 2, 3, "1,234.5"), "not a number"),
    "infinite": (lambda rows: changed(rows, "Median", 2, 3, "1e999"), "not a number"),
    "negative count": (lambda rows: changed(rows, "Count", 2, 3, "-5"), "bead count is negative"),
    "other sample": (lambda rows: changed(rows, "Count", 2, 1, "u77"), "another sample"),
    "other well": (lambda rows: changed(rows, "Count", 2, 0, "2(1,H9)"), "well B1 of section Median is missing"),
    "other analyte": (lambda rows: changed(rows, "Count", 0, 3, "IL-5"), "analyte IL-4 of section Median"),
    "second plate": (lambda rows: changed(rows, "Median", 2, 0, "2(2,B1)"), "more than one plate"),
    "no well": (lambda rows: changed(rows, "Median", 2, 0, "2(1,Z1)"), "names no well"),
    "no dilution": (lambda rows: changed(rows, "Dilution Factor", 12, 2, "0"), "not above zero"),
    "negative standard": (
        lambda rows: changed(rows, "Standard Expected Concentration", 2, 1, "-3"),
        "concentration is negative",
    ),
    "section twice": (lambda rows: rows[:-4] + small_file()[7:30] + rows[-4:], "stands twice"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_name_place_and_remedy(tmp_path: Path, name: str) -> None:
    change, words = BROKEN[name]
    with pytest.raises(BrokenPlate, match=words) as broken:
        small(tmp_path, as_bytes(change(small_file())))
    assert broken.value.file == "plate.csv"
    assert broken.value.place
    assert broken.value.remedy
    assert "Canary" not in str(broken.value)


def test_thousands_or_decimal_comma_is_ambiguous(tmp_path: Path) -> None:
    rows = small_file()
    for i in range(1, 21):
        rows = changed(
            changed(changed(rows, "Median", i, 2, "1,234"), "Median", i, 3, "2,345"), "Median", i, 4, "7,000"
        )
    with pytest.raises(Ambiguous, match="thousands"):
        small(tmp_path, as_bytes(rows, delimiter=";"))


def test_absent_empty_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such file"):
        read_plate(tmp_path / "nowhere.csv")
    for raw, words in ((b"", "empty"), (b"PK\x03\x04....", "Excel or zip"), (b"a,b\n1,2\n", "no plate export")):
        with pytest.raises(NotAPlate, match=words):
            small(tmp_path, raw)


def test_checksum_tells_of_an_edited_file(tmp_path: Path, test_data: Path) -> None:
    untouched = test_data / "serum" / "xponent" / "serolyzer" / "Chul_IgG3_1.csv"
    assert read_plate(untouched).defects == ()
    raw = untouched.read_bytes()
    edited = small(tmp_path, raw.replace(b'"653.5"', b'"654.5"', 1))
    assert [note.code for note in edited.defects] == ["checksum_differs"]


def test_no_person_and_no_date_leaves_the_reader(tmp_path: Path) -> None:
    plate = small(tmp_path, as_bytes(small_file()))
    assert not re.search("Canary|1999|31/12", repr(plate))


def test_sound_file_cut_at_any_section_is_refused(tmp_path: Path) -> None:
    raw = as_bytes(small_file())
    starts = [found.start() for found in re.finditer(rb"DataType:|-- CRC", raw)]
    assert len(starts) == 7
    for at in starts:
        for cut in (at, at + 4, at + 25):
            if cut <= raw.index(b"CRC32"):
                with pytest.raises((BrokenPlate, NotAPlate)):
                    small(tmp_path, raw[:cut])


@pytest.mark.parametrize("name", list(READ)[:3])
def test_shared_files_cut_at_every_section(tmp_path: Path, test_data: Path, name: str) -> None:
    raw = (test_data / "serum" / name).read_bytes()
    whole = read_plate(test_data / "serum" / name)
    for found in re.finditer(rb'"?DataType:', raw):
        for cut in (found.start(), found.start() + 40):
            try:
                part = small(tmp_path, raw[:cut])
            except (BrokenPlate, NotAPlate):
                continue
            assert whole.dialect == "luminex-is-2.3"  # it has no closing line; what is read must be whole
            assert np.array_equal(part.signal, whole.signal)
            assert np.array_equal(part.beads, whole.beads)


def mutants(raw: bytes, seed: int, count: int) -> list[bytes]:
    chance = random.Random(seed)
    words = [b"NaN", b"< 5", b"-1", b"", b"1e400", b"abc", b'"', b"\n", b",", b"\x00", b"\xff", b"DataType:", b"A1"]
    made = []
    for _ in range(count):
        copy = bytearray(raw)
        for _ in range(chance.choice((1, 1, 2, 6))):
            at = chance.randrange(len(copy))
            act = chance.randrange(5)
            if act == 0:
                copy[at] = chance.randrange(256)
            elif act == 1:
                del copy[at : at + chance.choice((1, 5, 60, 400))]
            elif act == 2:
                copy[at:at] = chance.choice(words)
            elif act == 3:
                start = chance.randrange(len(copy))
                copy[at:at] = copy[start : start + chance.choice((5, 80, 900))]
            else:
                end = copy.find(b",", at + 1)
                copy[at:end] = chance.choice(words)
            copy = copy or bytearray(b"x")
        made.append(bytes(copy))
    return made


def test_a_thousand_mutants_raise_only_declared_errors(tmp_path: Path) -> None:
    refused = []
    for mutant in mutants(as_bytes(small_file()), 20, 1000):
        try:
            small(tmp_path, mutant)
        except DecidualError as declared:
            refused.append(declared)
    assert 100 < len(refused) < 900
    assert all(error.file == "plate.csv" and error.remedy for error in refused)


PRINTED = {
    "118.3": (118.3, "none"),
    "7640.12729188863": (7640.12729188863, "none"),
    "< 0.10528564453125": (0.10528564453125, "below"),
    "> 3450": (3450.0, "above"),
    "NaN": (None, "undetermined"),
    "N/A": (None, "undetermined"),
    "": (None, "undetermined"),
    "215.51 pg/mL": (215.51, "none"),
    "***": (None, "undetermined"),
}


@pytest.mark.parametrize("text", PRINTED)
def test_printed_marks_make_the_round_trip(text: str) -> None:
    printed = read_printed(text)
    assert (printed.value, printed.censored) == (PRINTED[text][0], Censoring(PRINTED[text][1]))
    assert str(printed) == text
    assert read_printed(str(printed)) == printed


def test_printed_results_of_the_golden_plate(test_data: Path, golden: Golden) -> None:
    plate = read_plate(test_data / "serum" / "xponent" / "drlumi_plate1_30plex_cytokines.csv")
    states = [cell.censored for row in plate.printed for cell in row]
    assert [states.count(state) for state in Censoring] == [2580, 208, 32, 60]
    assert [[str(cell) for cell in row] for row in plate.printed] == golden.results
    older = read_plate(test_data / "serum" / "xponent" / "luminex_is_2.3" / "Example_run_csf.csv")
    assert str(older.printed[1][0]) == "1907.79 pg/mL"
    assert {cell.censored for row in older.printed for cell in row} == {
        Censoring.NONE,
        Censoring.BELOW,
        Censoring.UNDETERMINED,
    }
