"""HEADER against TEXT: where the events lie is decided by arithmetic, and every disagreement is recorded."""

from __future__ import annotations

import pytest

from decidua.cytometry.fcs import read_fcs
from decidua.errors import BrokenFCS
from fcs_building import FCS

EVENTS = [[1, 2], [3, 4], [5, 6]]


@pytest.fixture
def read(tmp_path):
    def reader(built):
        path = tmp_path / "built.fcs"
        path.write_bytes(built.build() if isinstance(built, FCS) else built)
        acquisition = read_fcs(path)
        return acquisition.events().tolist(), {defect.code for defect in acquisition.defects}

    return reader


def test_nothing_wrong(read):
    assert read(FCS(gap=7)) == (EVENTS, set())
    assert read(FCS(version="2.0")) == (EVENTS, set())


@pytest.mark.parametrize("header", [("+0", "+8"), ("-4", "+0"), ("+0", "+100000"), ("+2", "+0"), ("-9", "-8")])
def test_only_text_balances(read, header):
    assert read(FCS(header_data=header)) == (EVENTS, {"data_offsets_differ"})


@pytest.mark.parametrize("text", [("+0", "+8"), ("-4", "+0"), ("+0", "+100000"), ("+2", "+0")])
def test_only_header_balances(read, text):
    assert read(FCS(text_data=text)) == (EVENTS, {"data_offsets_differ"})


def test_both_balance_and_header_wins(read):
    built = FCS(gap=12, text_data=("-8", "-8"))
    assert read(built) == (EVENTS, {"data_offsets_differ"})
    built = FCS(gap=12, header_data=("-12", "-12"))
    assert read(built)[0] != EVENTS
    assert read(built)[1] == {"data_offsets_differ"}


def test_end_one_past_in_both(read):
    past = ("+0", "+1")
    assert read(FCS(header_data=past, text_data=past)) == (EVENTS, {"data_end_one_past"})
    assert read(FCS(version="2.0", header_data=past)) == (EVENTS, {"data_end_one_past"})
    assert read(FCS(version="2.0", header_data=past, tail=b"0")) == (EVENTS, {"data_end_one_past"})


def test_an_exact_span_goes_before_one_with_a_spare_byte(read):
    assert read(FCS(gap=4, header_data=("-1", "+0"))) == (EVENTS, {"data_offsets_differ"})
    assert read(FCS(gap=4, text_data=("-1", "+0"))) == (EVENTS, {"data_offsets_differ"})


def test_a_span_clear_of_text_goes_before_one_that_overlaps_it(read):
    assert read(FCS(header_data=("-2", "-2"))) == (EVENTS, {"data_offsets_differ"})
    events, defects = read(FCS(version="2.0", header_data=("-2", "-2")))
    assert events != EVENTS
    assert defects == {"data_overlaps"}


@pytest.mark.parametrize("blank", [("", ""), (0, 0)])
def test_blank_header_offsets(read, blank):
    assert read(FCS(header_data=blank)) == (EVENTS, set())
    with pytest.raises(BrokenFCS):
        read(FCS(header_data=blank, version="2.0"))


@pytest.mark.parametrize("garbage", [("x", "y"), ("12a", "+0"), ("+0", "?")])
def test_header_offsets_that_are_no_numbers(read, garbage):
    assert read(FCS(header_data=garbage)) == (EVENTS, {"header_offsets"})


def test_text_offsets_missing_where_the_standard_wants_them(read):
    assert read(FCS(text_data=(0, 0))) == (EVENTS, {"data_offsets_missing"})


def test_no_offsets_at_all(read):
    with pytest.raises(BrokenFCS, match="Neither"):
        read(FCS(header_data=(0, 0), text_data=(0, 0)))


@pytest.mark.parametrize("total", ["2", "4", "99999999999", "30"])
def test_lying_totals(read, total):
    for version in ("2.0", "3.1"):
        with pytest.raises(BrokenFCS, match="balance"):
            read(FCS(version=version, keywords={"$TOT": total}))


@pytest.mark.parametrize("total", [None, "three", "-3", "3.0"])
def test_missing_totals_follow_from_the_size(read, total):
    assert read(FCS(keywords={"$TOT": total})) == (EVENTS, {"total_missing"})
    old = read(FCS(version="2.0", keywords={"$TOT": total}))
    assert old == (EVENTS, set() if total is None else {"total_missing"})
    with pytest.raises(BrokenFCS):
        read(FCS(version="2.0", keywords={"$TOT": total}, header_data=("+0", "+2"), tail=b"  "))


@pytest.mark.parametrize("keywords", [{"$PAR": "1"}, {"$PAR": "3", "$P3B": "16"}, {"$P1B": "8"}, {"$P2B": "32"}])
def test_lying_layouts(read, keywords):
    with pytest.raises(BrokenFCS):
        read(FCS(keywords=keywords))


def test_with_events_of_one_byte_no_spare_byte_is_allowed(read):
    one = FCS(events=((1,), (2,), (3,)), bits=(8,))
    assert read(one) == ([[1], [2], [3]], set())
    one.keywords = {"$TOT": "2"}
    with pytest.raises(BrokenFCS):
        read(one)


def test_cut_short(read):
    whole = FCS().build()
    for size in range(len(whole)):
        with pytest.raises(BrokenFCS if size >= 6 else Exception):
            read(whole[:size])


@pytest.mark.parametrize(
    "fields",
    [b"       0     300", b"      58      58", b"     300      58", b"      57     300", b"      58 9999999",
     b"      xx     300", b"              "],
)  # fmt: skip
def test_text_must_lie_in_the_file(read, fields):
    whole = FCS().build()
    with pytest.raises(BrokenFCS):
        read(whole[:10] + fields.ljust(16) + whole[26:])
