from __future__ import annotations

import flowutils.transforms as peer
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decidua.cytometry.scales import (
    Arcsinh,
    Bounded,
    FlowJoBiex,
    FlowJoLog,
    Linear,
    Log,
    Logicle,
    Scale,
)
from decidua.errors import OutsideLimits

LOGICLES = [
    (262144.0, 1.0, 4.418539922, 0.0),
    (262144.0, 0.5, 4.5, 0.0),
    (262144.0, 0.0, 4.5, 0.0),
    (10000.0, 0.66, 4.5, 0.5),
    (4194304.0, 1.2, 5.6, 1.0),
    (262144.0, 2.25, 4.5, 0.0),
    (1000.0, 0.1, 2.0, -0.05),
]

# What each scale shows, so that a round trip through a table or a clipped axis loses nothing.
ROUND_TRIPS: list[tuple[Scale, float, float]] = [
    (Linear(262144, 100), -1e7, 1e7),
    (Log(10000, 4), 1e-3, 1e6),
    (FlowJoLog(3.0, 4.5), 3.0, 9e4),
    (Arcsinh(262144, 4.5, 1.0), -1e6, 1e6),
    *((Logicle(*parameters), -1e6, 1e6) for parameters in LOGICLES),
    (FlowJoBiex(), -130, 261_000),
    (FlowJoBiex(-100, 0.5, 4.418539922, 262144, 4096), -1700, 261_000),
    (Bounded(Logicle(262144, 1, 4.5), 0, 1), -1300, 262_000),
]


def data_of_any_size(seed: int = 3) -> np.ndarray:
    random = np.random.default_rng(seed)
    far = 10 ** random.uniform(-3, 7, 20_000)
    return np.concatenate([random.normal(0, 300, 20_000), far, -far, [0.0, 262144.0]])


@pytest.mark.parametrize("parameters", LOGICLES)
def test_logicle_and_its_inverse_agree_with_the_peer(parameters):
    top, width, decades, extra = parameters
    scale, data = Logicle(*parameters), data_of_any_size()
    settings = {"t": top, "w": width, "m": decades, "a": extra}
    theirs = peer.logicle(data[:, None].copy(), [0], **settings)[:, 0]
    assert np.abs(scale.forward(data) - theirs).max() < 1e-7
    back = peer.logicle_inverse(theirs[:, None].copy(), [0], **settings)[:, 0]
    assert np.abs(scale.inverse(theirs) / np.where(back == 0, 1, back) - (back != 0)).max() < 1e-7


def test_logicle_is_off_when_a_parameter_is_off():
    data = data_of_any_size()
    theirs = peer.logicle(data[:, None].copy(), [0], t=262144, w=1.0, m=4.5, a=0)[:, 0]
    assert np.abs(Logicle(262144, 1.0001, 4.5).forward(data) - theirs).max() > 1e-7


def test_logicle_has_its_ends_and_its_zero():
    scale = Logicle(262144, 1.0, 4.5, 0.5)
    assert scale.forward([262144.0, 0.0]) == pytest.approx([1.0, 1.5 / 5.0], abs=1e-14)


def test_arcsinh_and_linear_and_log_agree_with_the_peer():
    data = data_of_any_size()
    theirs = peer.asinh(data[:, None].copy(), [0], t=262144, m=4.5, a=1.0)[:, 0]
    assert Arcsinh(262144, 4.5, 1.0).forward(data) == pytest.approx(theirs, abs=1e-12)
    assert Linear(1000, 100).forward([-100, 1000]) == pytest.approx([0, 1])
    assert Log(1000, 3).forward([1, 10, 1000]) == pytest.approx([0, 1 / 3, 1])
    assert Log(1000, 3).forward([0.0, -5.0]).tolist() == [-np.inf, -np.inf]
    assert FlowJoLog(10, 3).forward([-5.0, 10, 100]) == pytest.approx([0, 0, 1 / 3])


def test_biexponential_is_flowjos_own_table(test_data):
    name = "tr_biex_l256_w-7.943282_n1.000000_m4.418540_r262144.000029.csv"
    table = np.loadtxt(test_data / "cytometry/flowkit/biex_lut" / name, delimiter=",", skiprows=1)
    channels, values = table.T
    scale = FlowJoBiex(-7.943282, 1.0, 4.41854, 262144.000029, length=4096)
    ours, shown = scale.inverse(channels), values != 0
    assert np.mean(np.abs(ours[shown] / values[shown] - 1)) < 1e-4
    assert np.abs(ours[shown] / values[shown] - 1).max() < 1e-5  # all the table's six digits can tell
    assert np.abs(scale.forward(values) - channels).max() < 0.01
    wrong = FlowJoBiex(-7.9, 1.0, 4.41854, 262144.000029, length=4096)
    assert np.mean(np.abs(wrong.inverse(channels)[shown] / values[shown] - 1)) > 1e-4


def test_biexponential_channels_scale_with_the_length_of_the_axis():
    data = data_of_any_size()
    assert FlowJoBiex(length=4096).forward(data) == pytest.approx(16 * FlowJoBiex(length=256).forward(data))
    assert FlowJoBiex().forward([-1e9, 1e9]).tolist() == list(FlowJoBiex().axis) == [0.0, 256.0]


@pytest.mark.parametrize(("scale", "lowest", "highest"), ROUND_TRIPS, ids=lambda value: str(value)[:40])
@settings(deadline=None)
@given(share=st.floats(0, 1))
def test_inverse_undoes_forward(scale, lowest, highest, share):
    data = lowest + share * (highest - lowest)
    back = float(scale.inverse(scale.forward(data)))
    assert back == pytest.approx(data, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("scale", "lowest", "highest"), ROUND_TRIPS, ids=lambda value: str(value)[:40])
@settings(deadline=None)
@given(pair=st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)))
def test_no_scale_ever_falls(scale, lowest, highest, pair):
    low, high = scale.forward(sorted(pair))
    assert low <= high + 1e-12


def test_infinite_and_missing_values_stay_so():
    for scale in (Logicle(262144, 1, 4.5), Arcsinh(262144, 4.5), Linear(1)):
        shown = scale.forward([np.inf, -np.inf, np.nan])
        assert shown[0] == np.inf
        assert shown[1] == -np.inf
        assert np.isnan(shown[2])


def test_bounded_holds_what_lies_beyond_at_its_ends():
    scale = Bounded(Linear(100), 0.0, 1.0)
    assert scale.forward([-50, 50, 150]).tolist() == [0.0, 0.5, 1.0]
    assert scale.inverse([-1.0, 2.0]).tolist() == [0.0, 100.0]
    assert scale.axis == (0.0, 1.0)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Linear(1, -1),
        lambda: Log(0, 4),
        lambda: Log(10, 0),
        lambda: FlowJoLog(0, 4),
        lambda: Arcsinh(1, 1, -1),
        lambda: Logicle(0, 1, 4.5),
        lambda: Logicle(1, -0.1, 4.5),
        lambda: Logicle(1, 2.3, 4.5),
        lambda: Logicle(1, 1, 4.5, 2.6),
        lambda: Logicle(1, 1, 4.5, -1.1),
        lambda: Logicle(float("nan"), 1, 4.5),
        lambda: FlowJoBiex(width=-1),
        lambda: FlowJoBiex(width=-1e10),
        lambda: FlowJoBiex(length=0),
        lambda: Bounded(Linear(1), 1, 1),
    ],
)
def test_parameters_without_a_scale_are_refused(build):
    with pytest.raises(OutsideLimits):
        build()
