"""Forms of data the standard allows and no shared file shows, built byte by byte."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from decidua.cytometry.fcs import list_data_sets, read_fcs
from decidua.errors import Ambiguous, BrokenFCS, NotFCS, OutsideLimits, UnreadableFile, UnsupportedFCS
from fcs_building import FCS

SAME_PATH = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def read(tmp_path):
    def reader(content, **options):
        path = tmp_path / "built.fcs"
        path.write_bytes(content if isinstance(content, bytes) else content.build())
        return read_fcs(path, **options)

    return reader


def codes(acquisition):
    return {defect.code for defect in acquisition.defects}


@pytest.mark.parametrize("version", ["2.0", "3.0", "3.1"])
@pytest.mark.parametrize("order", ["1,2,3,4", "4,3,2,1", "3,4,1,2", "2,1,4,3"])
@pytest.mark.parametrize("kind", ["I", "F"])
def test_four_byte_values_in_any_order(read, version, order, kind):
    events = ((1.5, -2.25), (3e20, 0.0)) if kind == "F" else ((0x01020304, 7), (0xFFFFFFFF, 0))
    acquisition = read(FCS(events=events, version=version, order=order, kind=kind, bits=(32, 32)))
    stored = acquisition.events()
    assert np.array_equal(stored, np.array(events, stored.dtype))
    assert stored.dtype == (np.float32 if kind == "F" else np.float64)
    assert acquisition.version == version
    assert acquisition.defects == ()


@pytest.mark.parametrize("order", ["1,2,3,4", "4,3,2,1", "1,2", "2,1", "8,7,6,5,4,3,2,1", "5,6,7,8,1,2,3,4"])
def test_doubles(read, order):
    events = ((math.pi, -1e300), (5e-324, 0.0))
    stored = read(FCS(events=events, kind="D", bits=(64, 64), order=order)).events()
    assert stored.dtype == np.float64
    assert np.array_equal(stored, events)


@pytest.mark.parametrize("order", ["1,2,3,4", "4,3,2,1", "1,2", "2,1"])
@pytest.mark.parametrize("bits", [(8,), (16,), (24,), (32,), (40,), (48,), (56,), (64,), (8, 24, 16, 64, 32)])
def test_whole_byte_integers(read, order, bits):
    random = np.random.default_rng(sum(bits))
    events = [[int(random.integers(0, 2 ** min(width, 53))) for width in bits] for _ in range(20)]
    acquisition = read(FCS(events=events, bits=bits, order=order, ranges=[2 ** min(w, 53) for w in bits]))
    assert np.array_equal(acquisition.events(), events)
    assert acquisition.defects == ()


def test_permuted_order_of_another_width(read):
    with pytest.raises(UnsupportedFCS, match="3,4,1,2"):
        read(FCS(order="3,4,1,2", bits=(16, 16)))
    assert np.array_equal(read(FCS(order="3,4,1,2", bits=(8, 8))).events(), FCS().events)
    with pytest.raises(UnsupportedFCS):
        read(FCS(order="1", bits=(16, 16)))


@pytest.mark.parametrize("order", ["1,2,3", "1,1", "0,1", "big", "1;2", "", "1,2,3,5"])
def test_no_order_of_bytes(read, order):
    if order == "1,2,3":
        assert read(FCS(order=order, bits=(24, 24))).count == 3
        return
    with pytest.raises(BrokenFCS) as caught:
        read(FCS(keywords={"$BYTEORD": order or None}))
    assert caught.value.place == "$BYTEORD"


def test_integers_are_masked_to_the_next_power_of_two(read):
    stored = read(FCS(events=((0xFFFF, 0xFFFF),), ranges=(1024, 1000))).events()
    assert stored.tolist() == [[1023, 1023]]
    assert read(FCS(events=((0xFFFF, 0xFFFF),), ranges=(1025, 65536))).events().tolist() == [[2047, 65535]]
    assert read(FCS(events=((0xFFFF, 9),), ranges=(70000, "1024.0"))).events().tolist() == [[65535, 9]]


@pytest.mark.parametrize("top", ["0", "1", "-5", "many", None])
def test_without_a_range_nothing_is_masked(read, top):
    acquisition = read(FCS(events=((0xFFFF, 1),), keywords={"$P1R": top}))
    assert acquisition.events().tolist() == [[65535, 1]]
    assert codes(acquisition) == {"range_malformed"}


def test_integers_beyond_double_precision_are_said_to_be_rounded(read):
    acquisition = read(FCS(events=((2**63 + 1,),), bits=(64,)))
    assert acquisition.events().tolist() == [[2.0**63]]
    assert codes(acquisition) == {"integers_rounded"}


@pytest.mark.parametrize(
    ("keywords", "feature"),
    [
        ({"$DATATYPE": "A"}, "DATATYPE A"),
        ({"$MODE": "C"}, "MODE C"),
        ({"$MODE": "U"}, "MODE U"),
        ({"$P1B": "10"}, "10 bits"),
        ({"$P2B": "12"}, "12 bits"),
        ({"$P2DATATYPE": "F"}, "Several types"),
    ],
)
def test_features_beyond_scope_are_named(read, keywords, feature):
    with pytest.raises(UnsupportedFCS, match=feature):
        read(FCS(keywords=keywords))


@pytest.mark.parametrize("version", ["1.0", "3.2", "4.0"])
def test_other_versions(read, version):
    with pytest.raises(UnsupportedFCS, match=version):
        read(FCS(version=version))


@pytest.mark.parametrize("keyword", ["$PAR", "$DATATYPE", "$BYTEORD", "$P1B", "$P2B"])
def test_layout_keywords_cannot_be_missing(read, keyword):
    with pytest.raises(BrokenFCS) as caught:
        read(FCS(keywords={keyword: None}))
    assert caught.value.place == keyword


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("$PAR", "0"), ("$PAR", "99999999999"), ("$PAR", "two"), ("$P1B", "0"), ("$P1B", "72"), ("$P1B", "*"),
     ("$DATATYPE", "X"), ("$PAR", "9" * 5000)],
)  # fmt: skip
def test_impossible_layout(read, keyword, value):
    with pytest.raises(BrokenFCS):
        read(FCS(keywords={keyword: value}))


def test_the_type_decides_the_width_of_floats(read):
    acquisition = read(FCS(events=((1.0, 2.0),), kind="F", bits=(32, 32), keywords={"$P2B": "16"}))
    assert acquisition.events().tolist() == [[1.0, 2.0]]
    assert codes(acquisition) == {"width_contradicted"}


def test_missing_mode_and_names(read):
    acquisition = read(FCS(keywords={"$MODE": None, "$P1N": None, "$P2N": "P1"}))
    assert codes(acquisition) == {"mode_missing", "name_missing", "name_repeated"}
    assert [channel.name for channel in acquisition.channels] == ["P1", "P1"]


def test_zero_events(read):
    for built in (
        FCS(events=()),
        FCS(events=(), kind="F", bits=(32,)),
        FCS(events=(), bits=(24, 8)),
        FCS(events=(), header_data=(0, 0), text_data=(0, 0)),
    ):
        acquisition = read(built)
        assert acquisition.count == 0
        assert acquisition.events().shape == (0, len(built.bits))
        assert acquisition.column(1).shape == (0,)
        assert acquisition.defects == ()
    with pytest.raises(BrokenFCS):
        read(FCS(keywords={"$TOT": "0"}))


def test_nan_and_infinity_are_kept_and_counted(read):
    rows = [(1.0, 2.0)] * 5 + [(math.nan, math.inf), (1.0, -math.inf)]
    for order in ("1,2,3,4", "4,3,2,1", "3,4,1,2"):
        acquisition = read(FCS(events=rows, kind="F", bits=(32, 32), order=order))
        assert np.array_equal(acquisition.events(), np.array(rows, np.float32), equal_nan=True)
        (defect,) = acquisition.defects
        assert defect.code == "non_finite"
        assert "2 of 7 events" in defect.message
        assert "C1 1, C2 2" in defect.message
    doubles = read(FCS(events=rows, kind="D", bits=(64, 64), order="8,7,6,5,4,3,2,1"))
    assert codes(doubles) == {"non_finite"}
    with pytest.raises(BrokenFCS):
        read(FCS(events=rows, kind="F", bits=(32, 32)), on_defect="raise")
    largest = read(FCS(events=((3.4028234e38, -3.4028234e38),), kind="F", bits=(32, 32)))
    assert largest.defects == ()


def test_bytes_after_the_data_such_as_a_checksum_are_left_alone(read):
    acquisition = read(FCS(tail=b"   51973\r\n"))
    assert acquisition.events().tolist() == [[1, 2], [3, 4], [5, 6]]
    assert acquisition.defects == ()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", NotFCS),
        (b"Sample,CD3,CD4\n1,2,3\n" * 20, NotFCS),
        (b"FCS Express export\n" * 20, NotFCS),
        (b"FCS3.1", BrokenFCS),
        (b"FCS3.1" + b" " * 51, BrokenFCS),
        (b"FCS3.1" + b" " * 100, BrokenFCS),
    ],
)
def test_what_is_no_fcs_file(read, content, kind):
    with pytest.raises(kind) as caught:
        read(content)
    assert caught.value.file.endswith("built.fcs")
    assert caught.value.place


def test_files_that_cannot_be_opened(tmp_path):
    for path in (tmp_path / "absent.fcs", tmp_path, "nul\0.fcs"):
        for function in (read_fcs, list_data_sets):
            with pytest.raises(UnreadableFile):
                function(path)


def test_on_defect_is_one_of_two_words(read):
    with pytest.raises(OutsideLimits):
        read(FCS(), on_defect="ignore")


def chained(*sets, last_next=None):
    """Join data sets, each linked to the next; offsets count from the start of each set."""
    content = b""
    for number, one in enumerate(sets, start=1):
        one.keywords = {"$NEXTDATA": f"{0:>10}"}
        offset = len(one.build()) if number < len(sets) else (last_next or 0)
        one.keywords = {"$NEXTDATA": f"{offset:>10}"}
        content += one.build()
    return content


def test_several_data_sets(read, tmp_path):
    content = chained(
        FCS(events=((1, 2),)), FCS(events=((3.5,), (4.5,)), kind="F", bits=(32,)), FCS(events=((7, 8),) * 4)
    )
    with pytest.raises(Ambiguous):
        read(content)
    assert [one.events for one in list_data_sets(tmp_path / "built.fcs")] == [1, 2, 4]
    assert read(content, data_set=1).events().tolist() == [[1, 2]]
    assert read(content, data_set=2).events().tolist() == [[3.5], [4.5]]
    assert read(content, data_set=3).data_set == 3
    for number in (0, -1, 4):
        with pytest.raises(OutsideLimits):
            read(content, data_set=number)


def test_chain_that_leads_back_is_cut(read, tmp_path):
    second = len(chained(FCS()))
    content = chained(FCS(), FCS(events=((9, 9),)), last_next=second)
    assert [one.events for one in list_data_sets(tmp_path / "built.fcs")] == [3, 1] if read(content, data_set=2) else []
    assert codes(read(content, data_set=2)) == {"next_data_loop"}


def test_chain_counted_from_the_start_of_the_file(read):
    first, second, third = FCS(), FCS(events=((9, 9),)), FCS(events=((8, 8),) * 2)
    sizes = len(chained(first)), len(chained(second))
    second.keywords = {"$NEXTDATA": f"{sum(sizes):>10}"}
    content = chained(first, FCS())[: sizes[0]] + second.build() + chained(third)
    assert read(content, data_set=3).events().tolist() == [[8, 8]] * 2


@pytest.mark.parametrize("offset", ["7", "99999999", "-1", "next", "1e3"])
def test_chain_that_leads_nowhere(read, offset):
    acquisition = read(FCS(keywords={"$NEXTDATA": offset}))
    assert codes(acquisition) == {"next_data_missing"}


def test_a_broken_second_set_leaves_the_first_readable(read, tmp_path):
    content = chained(FCS(), FCS())[:-3]
    assert read(content, data_set=1).count == 3
    with pytest.raises(BrokenFCS):
        read(content, data_set=2)
    with pytest.raises(BrokenFCS) as caught:
        list_data_sets(tmp_path / "built.fcs")
    assert caught.value.place == "DATA"


LAYOUTS = st.one_of(
    st.tuples(st.just("F"), st.sampled_from(["1,2,3,4", "4,3,2,1", "3,4,1,2"]), st.just((32,))),
    st.tuples(st.just("D"), st.sampled_from(["1,2,3,4", "4,3,2,1"]), st.just((64,))),
    st.tuples(
        st.just("I"),
        st.sampled_from(["1,2,3,4", "4,3,2,1", "1,2", "2,1"]),
        st.lists(st.sampled_from([8, 16, 24, 32, 40, 48]), min_size=1, max_size=6),
    ),
)


@SAME_PATH
@given(
    layout=LAYOUTS,
    version=st.sampled_from(["2.0", "3.0", "3.1"]),
    channels=st.integers(1, 64),
    data=st.data(),
)
def test_any_layout_is_read_exactly(read, layout, version, channels, data):
    kind, order, bits = layout
    bits = tuple(bits) if kind == "I" else bits * channels
    value = {
        "F": lambda width: st.floats(width=32),
        "D": lambda width: st.floats(),
        "I": lambda width: st.integers(0, 2**width - 1),
    }[kind]
    events = data.draw(st.lists(st.tuples(*(value(width) for width in bits)), max_size=5))
    acquisition = read(FCS(events=events, kind=kind, order=order, bits=bits, version=version))
    stored = acquisition.events()
    assert np.array_equal(stored, np.array(events, stored.dtype).reshape(-1, len(bits)), equal_nan=True)
    for position in range(len(bits)):
        assert np.array_equal(acquisition.column(position + 1), stored[:, position], equal_nan=True)
