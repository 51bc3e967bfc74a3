"""Keywords: escapes, blanks, odd counts, supplemental TEXT, other alphabets."""

from __future__ import annotations

import pytest

from decidua.cytometry import fcs_text
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.fcs_text import parse_keywords, real_number, whole_number
from decidua.errors import BrokenFCS
from fcs_building import FCS


def parsed(segment):
    defects = []
    return parse_keywords(segment, "TEXT", defects), [defect.code for defect in defects]


@pytest.mark.parametrize(
    ("segment", "keywords", "codes"),
    [
        (b"/$A/1/$B/2/", {"$A": "1", "$B": "2"}, []),
        (b"\\$A\\1\\$b\\2\\", {"$A": "1", "$B": "2"}, []),
        (b"\x0c$A\x0c1\x0c   ", {"$A": "1"}, []),
        (b"^$A^1^]^2^", {"$A": "1", "]": "2"}, []),
        (b"\n$A\n1\n", {"$A": "1"}, []),
        (b"/ $A/1/\n  $B/ 2 /\0\0", {"$A": "1", "$B": " 2 "}, []),
        (b"/$F/488//10/$B/2/", {"$F": "488/10", "$B": "2"}, []),
        (b"/$F/end///$B/2/", {"$F": "end/", "$B": "2"}, []),
        (b"/$F///start/$B/2/", {"$F": "/start", "$B": "2"}, []),
        (b"/$F////$B/2/", {"$F": "/", "$B": "2"}, []),
        (b"/$F//$B/2/", {"$F": "", "$B": "2"}, ["text_empty_value"]),
        (b"/$E//$F/a//b/", {"$E": "", "$F": "a/b"}, ["text_empty_value"]),
        (b"/$A/1/$B/2", {"$A": "1", "$B": "2"}, ["text_unterminated"]),
        (b"/$A/1/$B/", {"$A": "1"}, ["text_odd_count"]),
        (b"/$A/1/$B", {"$A": "1"}, ["text_odd_count"]),
        (b"/$A/1/2/$B/3/$C/4/", {"$A": "1/2", "$B": "3", "$C": "4"}, ["text_odd_count"]),
        (b"/$A/1/2/3/4/$B/3/$C/4/", {"$A": "1", "2": "3/4", "$B": "3", "$C": "4"}, ["text_odd_count"]),
        (b"/$A/1/$A/1/", {"$A": "1"}, []),
        (b"/$A/1/$a/2/", {"$A": "2"}, ["keyword_repeated"]),
        ("/$A/µ/".encode(), {"$A": "µ"}, []),
        (b"/$A/\xb5/", {"$A": "µ"}, ["text_encoding"]),
        (b"/$A/1/  /2/", {"$A": "1"}, []),
    ],
)
def test_segments(segment, keywords, codes):
    assert parsed(segment) == (keywords, codes)


@pytest.mark.parametrize("segment", [b"$A/1/", b"A/1/", b"0$A01"])
def test_no_delimiter(segment):
    with pytest.raises(BrokenFCS):
        parsed(segment)


def test_bounds(monkeypatch, tmp_path):
    monkeypatch.setattr(fcs_text, "KEYWORDS_MAX", 2)
    with pytest.raises(BrokenFCS, match="keywords"):
        parsed(b"/a/1/b/2/c/3/")
    monkeypatch.setattr(fcs_text, "TEXT_BYTES_MAX", 20)
    (tmp_path / "a.fcs").write_bytes(FCS().build())
    with pytest.raises(BrokenFCS, match="longer"):
        read_fcs(tmp_path / "a.fcs")


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), (" 0012 ", 12), ("0", 0), ("-1", None), ("1.0", None), ("", None), (None, None), ("٣", None),
     ("9" * 21, None), ("1_0", None)],
)  # fmt: skip
def test_whole_numbers(text, number):
    assert whole_number(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.5", 1.5), (" -2e3 ", -2000.0), (".5", 0.5), ("5.", 5.0), ("nan", None), ("inf", None),
     ("1e999", None), ("-1.#QNAN0", None), ("", None), (None, None), ("1,5", None), ("1_0", None),
     ("٣", None)],
)  # fmt: skip
def test_real_numbers(text, number):
    assert real_number(text) == number


@pytest.fixture
def read(tmp_path):
    def reader(built):
        (tmp_path / "built.fcs").write_bytes(built.build())
        return read_fcs(tmp_path / "built.fcs")

    return reader


def test_keywords_are_found_whatever_their_case(read):
    built = FCS(keywords={"$TOT": None, "$tot": "3", "$PAR": None, "$Par": "2", "cell Line": "K562"})
    acquisition = read(built)
    assert acquisition.count == 3
    assert acquisition.keywords["CELL LINE"] == "K562"
    assert acquisition.defects == ()


def test_a_bare_delimiter_in_a_value_does_not_lose_the_layout(read):
    built = FCS(raw_text=b"$COM/CD3/CD4/$SMNO/12/")
    acquisition = read(built)
    assert acquisition.keywords["$COM"] == "CD3/CD4"
    assert acquisition.keywords["$SMNO"] == "12"
    assert [defect.code for defect in acquisition.defects] == ["text_odd_count"]


def test_supplemental_text(read):
    acquisition = read(FCS(supplement={"$COM": "further", "$PAR": "9", "$P1S": "CD3"}))
    assert acquisition.keywords["$COM"] == "further"
    assert acquisition.keywords["$PAR"] == "2"
    assert acquisition.channels[0].marker == "CD3"
    assert acquisition.defects == ()


@pytest.mark.parametrize("span", [("10", "60"), ("99999", "999999"), ("70", "60"), ("60", "90")])
def test_supplemental_text_that_is_not_there(read, span):
    acquisition = read(FCS(keywords={"$BEGINSTEXT": span[0], "$ENDSTEXT": span[1]}))
    assert [defect.code for defect in acquisition.defects] == ["stext_unreadable"]
    assert acquisition.count == 3


def test_supplemental_text_that_is_the_primary_one(read):
    built = FCS(keywords={"$BEGINSTEXT": f"{58:>8}", "$ENDSTEXT": f"{0:>8}"})
    built.keywords = {"$BEGINSTEXT": f"{58:>8}", "$ENDSTEXT": built.build()[18:26].decode()}
    assert read(built).defects == ()
