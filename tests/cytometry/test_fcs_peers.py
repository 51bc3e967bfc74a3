"""Agreement with FlowIO on every file both can read, and FlowIO on what we write."""

from __future__ import annotations

import lzma
import warnings

import flowio
import numpy as np
import pytest

from decidua.cytometry.acquisition import Channel, Spillover
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.fcs_writer import write_fcs
from decidua.errors import DecidualError

SUFFIXES = {".fcs", ".lmd", ".b08", ".001", ".002", ".003", ".004", ".005"}
BOTH_READ_AT_LEAST = 55


def peer_reads(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return flowio.FlowData(str(path))
        except Exception:
            # FlowIO raises whatever its parsing trips over; files it cannot read are not compared.
            return None


def peer_events(peer, *, scaled):
    try:
        return peer.as_array(preprocess=scaled)
    except ValueError:
        return None


def test_equal_to_flowio_wherever_both_read(test_data, tmp_path):
    files = [path for path in (test_data / "cytometry").rglob("*") if path.suffix.lower() in SUFFIXES]
    for packed in (test_data / "cytometry").rglob("*.fcs.xz"):
        unpacked = tmp_path / packed.stem
        unpacked.write_bytes(lzma.decompress(packed.read_bytes()))
        files.append(unpacked)
    compared = 0
    for path in sorted(files):
        peer = peer_reads(path)
        stored = peer_events(peer, scaled=False) if peer else None
        if stored is None or stored.ndim != 2:
            continue
        try:
            ours = read_fcs(path)
        except DecidualError as error:
            pytest.fail(f"FlowIO reads {path.name}, we do not: {error}")
        assert np.array_equal(ours.events(), stored, equal_nan=True), path.name
        names = [channel.name for channel in ours.channels]
        if len(peer.pnn_labels) == len(names):
            # FlowIO runs an empty value into the next keyword and then misses that channel.
            assert names == [name.strip() for name in peer.pnn_labels]
        scaled = peer_events(peer, scaled=True)
        if scaled is not None:
            np.testing.assert_allclose(ours.events(scaled=True), scaled, rtol=1e-13, err_msg=path.name)
        compared += 1
    assert compared >= BOTH_READ_AT_LEAST


@pytest.mark.parametrize("value", ["plain", "with / and |", "all | / \\ \f \x1e of them", "θ-µ"])
def test_flowio_reads_what_we_write(value, tmp_path):
    events = np.array([[1.5, -2.0, 3.0], [0.0, 5e30, -7.25]], np.float32)
    channels = (
        Channel(1, "FSC-A", range=1024),
        Channel(2, "PE-A", marker="CD56", gain=2.0),
        Channel(3, "Time", range=262144),
    )
    spillover = Spillover(("FSC-A", "PE-A"), np.array([[1.0, 0.125], [0.0625, 1.0]]))
    write_fcs(
        tmp_path / "a.fcs",
        events,
        channels,
        keywords={"$COM": value, "$TIMESTEP": "0.5"},
        spillover=spillover,
    )
    peer = flowio.FlowData(str(tmp_path / "a.fcs"))
    assert peer.version == "3.1"
    assert np.array_equal(peer.as_array(preprocess=False), events)
    assert peer.text["com"] == value
    assert peer.text["spillover"] == "2,FSC-A,PE-A,1.0,0.125,0.0625,1.0"
    assert peer.pnn_labels == ["FSC-A", "PE-A", "Time"]
    assert peer.pns_labels == ["", "CD56", ""]
    assert peer.pnr_values == [1024, 262144, 262144]
    np.testing.assert_array_equal(peer.as_array(preprocess=True), read_fcs(tmp_path / "a.fcs").events(scaled=True))


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_flowio_reads_our_integers(bits, tmp_path):
    events = np.random.default_rng(bits).integers(0, 2**bits, (50, 3))
    channels = [Channel(n, f"C{n}", bits=bits, range=2**bits) for n in (1, 2, 3)]
    write_fcs(tmp_path / "a.fcs", events, channels, data_type="I")
    assert np.array_equal(flowio.FlowData(str(tmp_path / "a.fcs")).as_array(preprocess=False), events)


def test_flowio_reads_our_doubles_and_mixed_widths(tmp_path):
    doubles = np.random.default_rng(1).normal(size=(40, 2)) * 1e200
    write_fcs(tmp_path / "d.fcs", doubles, [Channel(1, "A"), Channel(2, "B")], data_type="D")
    assert np.array_equal(flowio.FlowData(str(tmp_path / "d.fcs")).as_array(preprocess=False), doubles)
    mixed = np.array([[255, 65535, 4294967295], [0, 1, 2]])
    channels = [Channel(n, f"C{n}", bits=bits, range=2**bits) for n, bits in enumerate((8, 16, 32), start=1)]
    write_fcs(tmp_path / "m.fcs", mixed, channels, data_type="I")
    assert np.array_equal(flowio.FlowData(str(tmp_path / "m.fcs")).as_array(preprocess=False), mixed)
