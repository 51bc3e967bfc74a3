"""Delimited text: what is tolerated leaves a note, what is ambiguous is refused."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decidua.errors import Ambiguous, BrokenStudy, DecidualError, UnreadableFile
from decidua.tables import nearest, parse_number, read_table


def write(tmp_path: Path, raw: bytes | str) -> Path:
    path = tmp_path / "t.csv"
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return path


def codes(path: Path, **known: object) -> list[str]:
    return [n.code for n in read_table(path, **known).notes]  # type: ignore[arg-type]


def test_plain_table_leaves_no_note(tmp_path: Path) -> None:
    text = read_table(write(tmp_path, "a,b\n1,2.5\n\n3,\n"))
    assert text.notes == ()
    assert [text.number(r, "b") for r in text] == [2.5, None]
    assert [r.line for r in text] == [2, 4]


def test_windows_semicolons_and_decimal_commas_are_read_with_notes(tmp_path: Path) -> None:
    raw = "a;b;µ\n1;2,5;Grün\n".encode("cp1252")
    path = write(tmp_path, raw)
    text = read_table(path)
    assert text.number(text.rows[0], "b") == 2.5
    assert text.rows[0]["µ"] == "Grün"
    assert codes(path) == ["windows_1252", "other_delimiter", "decimal_comma"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_read_with_a_note(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, "a,b\n1,2\n".encode(encoding))
    assert read_table(path).columns == ("a", "b")
    assert codes(path) == ["byte_order_mark"]


def test_a_thousands_comma_is_ambiguous(tmp_path: Path) -> None:
    with pytest.raises(Ambiguous, match="thousands"):
        read_table(write(tmp_path, "a;b\n1;1,234\n"))


def test_points_and_commas_in_one_table_are_ambiguous(tmp_path: Path) -> None:
    with pytest.raises(Ambiguous):
        read_table(write(tmp_path, "a;b\n1,5;2.5\n"))


def test_known_names_decide_the_delimiter(tmp_path: Path) -> None:
    text = read_table(write(tmp_path, "file;sample;x_a,b\nf;s;1\n"), known=("file", "sample"))
    assert text.columns == ("file", "sample", "x_a,b")


@pytest.mark.parametrize(
    ("raw", "error", "words"),
    [
        (b"", BrokenStudy, "empty"),
        (b"a,b\n", BrokenStudy, "no row"),
        (b"a,a\n1,2\n", BrokenStudy, "stands twice"),
        (b"a,b\n1,2,3\n", BrokenStudy, "3 cells"),
        (b"a,b\n1\n", BrokenStudy, "1 cells"),
        (b'a,b\n"1,2\n', BrokenStudy, "end of data"),
        (b"PK\x03\x04rest", UnreadableFile, "Excel"),
        (b"a,b\n1,\x00\n", UnreadableFile, "NUL"),
        (b"a,b\n1,\x81\n", UnreadableFile, "neither"),
    ],
)
def test_broken_tables_are_named(tmp_path: Path, raw: bytes, error: type[DecidualError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        read_table(write(tmp_path, raw))
    assert caught.value.file == "t.csv"
    assert caught.value.remedy


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such file"):
        read_table(tmp_path / "none.csv")


def test_unknown_columns_get_the_nearest_name(tmp_path: Path) -> None:
    text = read_table(write(tmp_path, "sampel,x_mine\n1,2\n"))
    with pytest.raises(BrokenStudy) as caught:
        text.allow_only(["sample", "subject"])
    assert "'sample'" in caught.value.remedy


@pytest.mark.parametrize("cell", ["nan", "inf", "1e999x", "1,5", "0x10", "1 2", "--1", "٣"])
def test_what_is_no_number_is_refused(cell: str) -> None:
    with pytest.raises(BrokenStudy):
        parse_number(cell)


def test_true_minus_is_a_minus() -> None:
    assert parse_number("−3.5") == -3.5


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_a_round_trip(value: float) -> None:
    assert parse_number(repr(value)) == value


def test_nearest_lists_names_where_none_is_near() -> None:
    assert nearest("zzz", ["alpha", "beta"]) == "Known: alpha, beta."


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_a_named_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_bytes(raw)
    with contextlib.suppress(DecidualError):
        read_table(path)
