"""What is written is read back unchanged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from decidua.cytometry.acquisition import Channel, Spillover
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.fcs_writer import write_fcs
from decidua.errors import OutsideLimits

SAME_PATH = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12).filter(
    lambda key: "/" not in key and not key.upper().startswith("$") and key.upper() != "SPILL"
)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@st.composite
def written(draw):
    """A data type, channels that fit it and events that fit them."""
    data_type = draw(st.sampled_from("FDI"))
    width = draw(st.integers(1, 64))
    bits = draw(st.lists(st.sampled_from([8, 16, 32, 64]), min_size=width, max_size=width))
    rows = draw(st.integers(0, 20))
    if data_type == "I":
        columns = [draw(arrays.arrays(np.int64, rows, elements=st.integers(0, 2 ** min(b, 53) - 1))) for b in bits]
        events = np.stack(columns, axis=1)
        ranges = [2 ** min(b, 53) for b in bits]
    else:
        kind, size = (np.float32, 32) if data_type == "F" else (np.float64, 64)
        events = draw(arrays.arrays(kind, (rows, width), elements=st.floats(width=size)))
        bits, ranges = [size] * width, [draw(st.sampled_from([1, 1024, 262144, 10.5]))] * width
    logarithmic = data_type == "I" and draw(st.booleans())
    channels = [
        Channel(
            n,
            f"C{n}",
            marker=draw(st.sampled_from(["", "CD3", "TNF-α", "a/b|c"])),
            type=data_type,
            bits=bits[n - 1],
            range=ranges[n - 1],
            gain=draw(st.sampled_from([1.0, 0.01, 3.67])),
            decades=4.5 if logarithmic else 0.0,
            floor=0.1 if logarithmic else 0.0,
        )
        for n in range(1, width + 1)
    ]
    return data_type, channels, events


@SAME_PATH
@given(case=written(), keywords=st.dictionaries(KEYS, VALUES, max_size=6))
def test_write_then_read_is_the_identity(case, keywords, tmp_path):
    data_type, channels, events = case
    path = tmp_path / "a.fcs"
    write_fcs(path, events, channels, keywords=keywords, data_type=data_type)
    read = read_fcs(path)
    assert np.array_equal(read.events(), events, equal_nan=True)
    assert list(read.channels) == channels
    upper = {key.upper(): value for key, value in keywords.items()}
    assert {key: read.keywords[key] for key in upper} == upper
    assert {defect.code for defect in read.defects} <= {"non_finite"}
    assert read.version == "3.1"


def test_bits_of_floats_survive(tmp_path):
    words = np.array([[0x7FC12345, 0x80000000], [0x00000001, 0xFF800000]], np.uint32)
    write_fcs(tmp_path / "a.fcs", words.view(np.float32), [Channel(1, "A"), Channel(2, "B")])
    assert np.array_equal(read_fcs(tmp_path / "a.fcs").events().view(np.uint32), words)


def test_spillover_and_a_second_generation(tmp_path):
    spillover = Spillover(("A", "B"), np.array([[1.0, 1 / 3], [1e-17, 1.0]]))
    channels = [Channel(1, "A"), Channel(2, "B"), Channel(3, "Time", detector="time")]
    events = np.arange(12, dtype=np.float32).reshape(4, 3)
    keywords = {"$TIMESTEP": "0.01", "$spill": "old", "EMPTY": "", "$P3V": "200"}
    path = tmp_path / "a.fcs"
    write_fcs(path, events, channels, keywords=keywords, spillover=spillover)
    first = read_fcs(path)
    assert first.spillover is not None
    assert first.spillover.channels == spillover.channels
    assert np.array_equal(first.spillover.matrix, spillover.matrix)
    assert first.timestep == 0.01
    assert "EMPTY" not in first.keywords
    assert "$SPILL" not in first.keywords
    before = path.read_bytes()
    # The events are a view of the file that is being replaced.
    write_fcs(path, first.events(), first.channels, keywords=first.keywords, spillover=first.spillover)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_events_can_be_read_in_place(tmp_path):
    write_fcs(tmp_path / "a.fcs", np.ones((5, 3)), [Channel(n, f"C{n}") for n in (1, 2, 3)])
    table = read_fcs(tmp_path / "a.fcs").events()
    assert table.flags.aligned
    assert not table.flags.owndata


def test_offsets_beyond_eight_digits(tmp_path):
    events = np.zeros((2_500_000, 10), np.float32)
    events[-1] = np.arange(10)
    path = tmp_path / "large.fcs"
    write_fcs(path, events, [Channel(n, f"C{n}") for n in range(1, 11)])
    with open(path, "rb") as file:
        assert file.read(58)[26:42] == b"       0       0"
    read = read_fcs(path)
    assert int(read.keywords["$ENDDATA"]) > 99_999_999
    assert read.count == len(events)
    assert read.events()[-1].tolist() == list(range(10))
    assert read.defects == ()


@pytest.mark.parametrize(
    ("events", "channels", "options"),
    [
        ([1.0, 2.0], [Channel(1, "A")], {}),
        ([[1.0, 2.0]], [Channel(1, "A")], {}),
        (np.empty((3, 0)), [], {}),
        ([["a"]], [Channel(1, "A")], {}),
        ([[1 + 2j]], [Channel(1, "A")], {}),
        ([[1.0]], [Channel(1, " ")], {}),
        ([[1.0]], [Channel(1, "A,B")], {}),
        ([[1.0]], [Channel(1, "A", decades=4.0, floor=1.0)], {}),
        ([[1e39]], [Channel(1, "A")], {}),
        ([[1.0]], [Channel(1, "A")], {"data_type": "A"}),
        ([[1.0]], [Channel(1, "A", bits=24)], {"data_type": "I"}),
        ([[1.5]], [Channel(1, "A")], {"data_type": "I"}),
        ([[-1]], [Channel(1, "A")], {"data_type": "I"}),
        ([[np.nan]], [Channel(1, "A")], {"data_type": "I"}),
        ([[1024]], [Channel(1, "A", range=1024)], {"data_type": "I"}),
        ([[2.0**64]], [Channel(1, "A", bits=64, range=2**64)], {"data_type": "I"}),
        ([[1.0]], [Channel(1, "A")], {"keywords": {"schlüssel": "1"}}),
        ([[1.0]], [Channel(1, "A")], {"keywords": {" key": "1"}}),
        ([[1.0]], [Channel(1, "A")], {"keywords": {"": "1"}}),
        ([[1.0]], [Channel(1, "A")], {"keywords": {"key": "\ud800"}}),
        ([[1.0]], [Channel(1, "A")], {"keywords": {"/key": "| / \\ \f \x1e"}}),
        ([[1.0]], [Channel(1, "A")], {"spillover": Spillover(("A",), np.ones((2, 2)))}),
        ([[1.0]], [Channel(1, "A")], {"spillover": Spillover(("A",), np.array([[np.nan]]))}),
        ([[1.0]], [Channel(1, "A")], {"spillover": Spillover((), np.ones((0, 0)))}),
    ],
)
def test_what_fcs_cannot_hold(events, channels, options, tmp_path):
    with pytest.raises(OutsideLimits):
        write_fcs(tmp_path / "a.fcs", events, channels, **options)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_where_writing_fails(tmp_path):
    (tmp_path / "a.fcs").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_fcs(tmp_path / "a.fcs", [[1.0]], [Channel(1, "A")])
    assert [path.name for path in tmp_path.iterdir()] == ["a.fcs"]


def test_keywords_of_the_writer_replace_what_is_given(tmp_path):
    lies = {"$TOT": "9", "$PAR": "7", "$BEGINDATA": "1", "$endData": "2", "$NEXTDATA": "60", "$P1B": "8"}
    write_fcs(tmp_path / "a.fcs", [[1.0], [2.0]], [Channel(1, "A")], keywords=lies)
    read = read_fcs(tmp_path / "a.fcs")
    assert read.events().tolist() == [[1.0], [2.0]]
    assert read.defects == ()
