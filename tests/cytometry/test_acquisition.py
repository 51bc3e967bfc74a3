"""Amplification, spillover, kinds of detector, and the views of the events."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from decidua.cytometry.acquisition import Channel, amplified
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.fcs_channels import read_spillover
from decidua.errors import OutsideLimits
from fcs_building import FCS


@pytest.fixture
def read(tmp_path):
    def reader(built):
        (tmp_path / "built.fcs").write_bytes(built.build())
        return read_fcs(tmp_path / "built.fcs")

    return reader


def codes(acquisition):
    return {defect.code for defect in acquisition.defects}


def test_worked_examples_of_the_standard():
    logarithmic = Channel(1, "FL1", type="I", range=1024, decades=4.0, floor=0.01)
    stored = np.array([0.0, 512.0, 1024.0], np.float32)
    np.testing.assert_allclose(amplified(stored, logarithmic), [0.01, 1.0, 100.0], rtol=1e-15)
    linear = Channel(1, "FL1", type="I", range=1024, gain=20.0)
    np.testing.assert_array_equal(amplified(np.array([500.0]), linear), [25.0])
    plain = Channel(1, "FL1")
    assert amplified(stored, plain) is stored


def test_gain_is_never_combined_with_a_logarithmic_amplifier():
    both = Channel(1, "FL1", type="I", range=1024, gain=20.0, decades=4.0, floor=1.0)
    assert amplified(np.array([1024.0]), both) == pytest.approx([10_000.0])


def test_time_becomes_seconds_whatever_its_gain():
    time = Channel(1, "Time", gain=0.01, detector="time")
    assert amplified(np.array([200.0]), time, 0.01) == pytest.approx([2.0])
    assert amplified(np.array([200.0]), time) == pytest.approx([200.0])


def test_raw_and_scaled_events(read):
    keywords = {"$P1E": "4,0", "$P1R": "1024", "$P2G": "4", "$TIMESTEP": "0.5", "$P3N": "Time", "$P3G": "7"}
    acquisition = read(FCS(events=((512, 8, 10),), bits=(16, 16, 16), keywords=keywords))
    assert acquisition.defects == ()
    assert acquisition.events().tolist() == [[512, 8, 10]]
    assert acquisition.events(scaled=True).tolist() == [[100.0, 2.0, 5.0]]
    for channel in acquisition.channels:
        assert acquisition.column(channel.index).tolist() == [acquisition.events()[0, channel.index - 1]]
        scaled = acquisition.column(channel.index, scaled=True)
        assert scaled.tolist() == [acquisition.events(scaled=True)[0, channel.index - 1]]


def test_columns_are_numbered_from_one(read):
    acquisition = read(FCS())
    for index in (0, 3, -1):
        with pytest.raises(OutsideLimits):
            acquisition.column(index)


def test_views_are_read_only_and_narrow(read):
    floats = read(FCS(events=((1.0, 2.0),) * 4, kind="F", bits=(32, 32)))
    assert floats.events().dtype == np.float32
    assert floats.column(1).dtype == np.float32
    small = read(FCS(events=((1, 2),), bits=(8, 16)))
    assert small.events().dtype == np.float32
    assert read(FCS(events=((1, 2),), bits=(16, 32))).events().dtype == np.float64
    assert read(FCS(events=((1, 2),), bits=(16, 32), ranges=(1024, 2**24))).events().dtype == np.float32
    for table in (floats.events(), small.events(), small.events(scaled=True)):
        with pytest.raises(ValueError, match="read-only"):
            table[0, 0] = 9


def test_hash_is_of_the_whole_file(read, tmp_path):
    acquisition = read(FCS(tail=b"tail"))
    assert acquisition.sha256 == hashlib.sha256((tmp_path / "built.fcs").read_bytes()).hexdigest()
    assert acquisition.file == str(tmp_path / "built.fcs")


@pytest.mark.parametrize(
    ("amplification", "expected", "defects"),
    [
        ("0,0", (0.0, 0.0), set()),
        ("0.0,0.0", (0.0, 0.0), set()),
        (" 4.0,0.1024", (4.0, 0.1024), set()),
        ("4,0", (4.0, 1.0), set()),
        ("0,1", (0.0, 0.0), set()),
        ("4", (0.0, 0.0), {"amplification_malformed"}),
        ("-4,1", (0.0, 0.0), {"amplification_malformed"}),
        ("4,-1", (0.0, 0.0), {"amplification_malformed"}),
        ("a,b", (0.0, 0.0), {"amplification_malformed"}),
        (None, (0.0, 0.0), {"amplification_malformed"}),
    ],
)
def test_amplification(read, amplification, expected, defects):
    acquisition = read(FCS(keywords={"$P1E": amplification}))
    assert (acquisition.channels[0].decades, acquisition.channels[0].floor) == expected
    assert codes(acquisition) == defects


def test_floats_are_never_taken_as_logarithmic(read):
    acquisition = read(FCS(events=((1.0,),), kind="F", bits=(32,), keywords={"$P1E": "4,1"}))
    assert acquisition.events(scaled=True).tolist() == [[1.0]]
    assert codes(acquisition) == {"amplification_contradicted"}


@pytest.mark.parametrize(
    ("gain", "expected", "defects"),
    [("2.5", 2.5, set()), ("0", 1.0, set()), ("-1", 1.0, {"gain_malformed"}), ("x", 1.0, {"gain_malformed"})],
)
def test_gain(read, gain, expected, defects):
    acquisition = read(FCS(keywords={"$P1G": gain}))
    assert acquisition.channels[0].gain == expected
    assert codes(acquisition) == defects


@pytest.mark.parametrize(
    ("step", "expected", "defects"),
    [("0.01", 0.01, set()), ("0", None, {"timestep_malformed"}), ("soon", None, {"timestep_malformed"})],
)
def test_timestep(read, step, expected, defects):
    acquisition = read(FCS(keywords={"$TIMESTEP": step}))
    assert acquisition.timestep == expected
    assert codes(acquisition) == defects


NAMES = {"$P1N": "A", "$P2N": "B"}


@pytest.mark.parametrize("keyword", ["$SPILLOVER", "$SPILL", "SPILL"])
def test_spillover(keyword):
    defects = []
    spillover = read_spillover({**NAMES, keyword: "2, A,B,1,0.1,-2e-3,1"}, defects)
    assert spillover.channels == ("A", "B")
    assert spillover.matrix.tolist() == [[1, 0.1], [-0.002, 1]]
    assert not spillover.matrix.flags.writeable
    assert defects == []


@pytest.mark.parametrize(
    "value",
    [
        "2,A,B",
        "2,A,B,1,0,0",
        "2,A,B,1,0,0,1,5",
        "0",
        "x,A",
        "2",
        "2,A,A,1,0,0,1",
        "2,A,B,1,nan,0,1",
        "2,A,B,1,,0,1",
        "99999999,A,B,1,0,0,1",
        "-2,A,B,1,0,0,1",
    ],
)
def test_malformed_spillover(value):
    defects = []
    assert read_spillover({**NAMES, "$SPILLOVER": value}, defects) is None
    assert [defect.code for defect in defects] == ["spillover_malformed"]


def test_spillover_with_other_channels():
    defects = []
    spillover = read_spillover({**NAMES, "$SPILL": "2,A,C,1,0,0,1"}, defects)
    assert spillover.channels == ("A", "C")
    assert [defect.code for defect in defects] == ["spillover_channels"]
    assert read_spillover({**NAMES, "$SPILL": "2,2,1,1,0,0,1"}, []).channels == ("B", "A")
    assert read_spillover({**NAMES, "$SPILL": " "}, []) is None


@pytest.mark.parametrize(
    ("name", "stated", "detector"),
    [
        ("FSC-A", None, "forward_scatter"),
        ("FS INT LIN", None, "forward_scatter"),
        ("SSC-H", None, "side_scatter"),
        ("Time", None, "time"),
        ("HDR-T", None, "time"),
        ("Time MSW", None, "unknown"),
        ("FL1-H", None, "fluorescence"),
        ("BC1(La139)Dd", None, "mass"),
        ("A", None, "fluorescence"),
        ("B-H", None, "unknown"),
        ("V450-H", None, "fluorescence"),
        ("Width", None, "unknown"),
        ("X", "Forward_Scatter", "forward_scatter"),
        ("X", "Raw Fluorescence", "fluorescence"),
        ("X", "Unmixed_Fluorescence", "unmixed"),
        ("FSC-A", "Classification", "other"),
    ],
)
def test_kinds_of_detector(read, name, stated, detector):
    keywords = {"$P1N": name, "$P1TYPE": stated, "SPILL": "2,A,V450-A,1,0,0,1"}
    assert read(FCS(keywords=keywords)).channels[0].detector == detector
