from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decidua.cytometry import engine
from decidua.cytometry.acquisition import Channel, Spillover
from decidua.cytometry.engine import count
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.fcs_writer import write_fcs
from decidua.cytometry.gates import Boolean, Dimension, Operand, Polygon, Rectangle
from decidua.cytometry.scales import Bounded, Logicle
from decidua.cytometry.spillover import OWN, SpilloverMatrix
from decidua.cytometry.tree import Gate, GatingTree
from decidua.errors import Ambiguous, DidNotConverge, UnreadableFile, UnsupportedGate

SPILL = np.array([[1.0, 0.25], [0.1, 1.0]])
A, B = Dimension("A"), Dimension("B")


def tube(path, events, names=("A", "B", "Time"), matrix=SPILL, **keywords):
    spillover = None if matrix is None else Spillover(("A", "B"), matrix)
    channels = [Channel(0, name) for name in names]
    write_fcs(path, events, channels, keywords={"$TIMESTEP": "0.5", **keywords}, spillover=spillover)
    return read_fcs(path)


def table(events=20_000, seed=5):
    random = np.random.default_rng(seed)
    return np.column_stack(
        [random.normal(200, 300, events), random.normal(100, 400, events), np.arange(events) / 10.0]
    ).astype(np.float32)


def tree():
    scale = Bounded(Logicle(262144, 1.0, 4.5), 0.0, 1.0)
    seen = Dimension("A", OWN, scale), Dimension("B", OWN, scale)
    outline = tuple((float(x), float(y)) for x, y in scale.forward([[0, -90], [800, -90], [300, 900]]))
    return GatingTree(
        (
            Gate("early", Rectangle.range(Dimension("Time"), maximum=400.0)),
            Gate("in", Polygon(seen, outline), "early", gate_id="P1"),
            Gate("out", Polygon(seen, outline), "early", complement=True),
            Gate("A+", Rectangle.range(Dimension("A", OWN), 250.0), "early/in"),
            Gate("not A+", Boolean("not", (Operand("early/in/A+"),)), "early/in"),
            Gate("any", Boolean("or", (Operand("early/out"), Operand("early/in/A+")))),
        )
    )


def by_hand(events):
    """The same populations, event by event, with nothing shared."""
    scale = Logicle(262144, 1.0, 4.5)
    true = events[:, :2].astype(float) @ np.linalg.inv(SPILL)
    shown = np.clip(scale.forward(true), 0, 1)
    corners = scale.forward([[0, -90], [800, -90], [300, 900]])
    sides = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        sides.append(_cross(end - start, shown - start))
    within = np.all(np.array(sides) >= 0, axis=0)
    early = events[:, 2].astype(float) * 0.5 < 400
    high = true[:, 0] >= 250
    return {
        "root": np.ones(len(events), bool),
        "early": early,
        "early/in": early & within,
        "early/out": early & ~within,
        "early/in/A+": early & within & high,
        "early/in/not A+": early & within & ~high,
        "any": (early & ~within) | (early & within & high),
    }


def _cross(edge, away):
    return edge[0] * away[:, 1] - edge[1] * away[:, 0]


def test_every_population_is_what_it_is_by_hand(tmp_path):
    events = table()
    counts = count(tube(tmp_path / "a.fcs", events), tree())
    for path, expected in by_hand(events).items():
        assert expected.sum() > 0
        assert np.array_equal(counts.mask(path), expected), path
        assert counts.of(path).count == expected.sum()


def test_populations_come_in_order_with_parents_and_ids(tmp_path):
    counts = count(tube(tmp_path / "a.fcs", table()), tree())
    rows = [(row.path, row.gate_id, row.parent) for row in counts.populations]
    assert rows[:3] == [("root", "root", None), ("early", "early", "root"), ("early/in", "P1", "early")]
    assert rows[-1] == ("any", "any", "root")
    root, early, inside = counts.populations[:3]
    assert (root.count, root.parent_count, root.share) == (20_000, None, None)
    assert (early.count, early.parent_count) == (8_000, 20_000)
    assert inside.parent_count == early.count
    assert early.share == 0.4


@pytest.mark.parametrize("size", [8, 24, 4096])
def test_the_size_of_a_block_changes_nothing(tmp_path, monkeypatch, size):
    acquisition = tube(tmp_path / "a.fcs", table(5_003))
    whole = count(acquisition, tree())
    monkeypatch.setattr(engine, "EVENTS_PER_BLOCK", size)
    blocks = count(acquisition, tree())
    assert blocks == whole
    assert all(np.array_equal(blocks.mask(row.path), whole.mask(row.path)) for row in whole.populations)


def test_events_that_are_no_numbers_lie_in_no_gate_and_are_counted(tmp_path):
    events = table(1_000)
    clean = count(tube(tmp_path / "clean.fcs", events), tree())
    events[10, 0], events[20, 1], events[30, 2] = np.nan, np.inf, -np.inf
    counts = count(tube(tmp_path / "broken.fcs", events), tree())
    assert counts.not_finite == 3
    assert clean.not_finite == 0
    for row in counts.populations[1:]:
        expected = clean.mask(row.path)
        expected[[10, 20, 30]] = False
        assert np.array_equal(counts.mask(row.path), expected), row.path
    assert counts.of("root").count == 1_000


def test_a_column_no_gate_looks_at_may_hold_anything(tmp_path):
    events = table(100)
    events[:, 1] = np.nan
    only = GatingTree((Gate("A+", Rectangle.range(A, 0.0)),))
    counts = count(tube(tmp_path / "a.fcs", events), only)
    assert counts.not_finite == 0
    assert counts.of("A+").count == (events[:, 0] >= 0).sum()


def test_only_the_channels_needed_are_read_and_each_once(tmp_path, monkeypatch):
    acquisition = tube(tmp_path / "a.fcs", table(100))
    read = []
    original = type(acquisition).column
    monkeypatch.setattr(
        type(acquisition),
        "column",
        lambda self, index, **how: read.append(index) or original(self, index, **how),
    )
    count(
        acquisition,
        GatingTree((Gate("t", Rectangle.range(Dimension("Time"), 0.0)), Gate("A", Rectangle.range(A)))),
    )
    assert sorted(read) == [1, 3]


def test_each_column_is_scaled_once(tmp_path, monkeypatch):
    calls = []
    original = Logicle.forward
    monkeypatch.setattr(Logicle, "forward", lambda self, values: calls.append(len(values)) or original(self, values))
    scale = Logicle(262144, 1.0, 4.5)
    seen = Dimension("A", None, scale), Dimension("B", None, scale)
    gates = tuple(Gate(str(n), Polygon(seen, ((0, 0), (1, 0), (0.5, n / 9)))) for n in range(1, 6))
    count(tube(tmp_path / "a.fcs", table(100)), GatingTree(gates))
    assert calls == [100, 100]


def test_a_matrix_of_the_tree_stands_in_for_the_tubes_own(tmp_path):
    other = SpilloverMatrix(("A", "B"), ("A", "B"), np.array([[1.0, 0.5], [0.0, 1.0]]))
    gate = Gate("B+", Rectangle.range(Dimension("B", "mine"), 0.0))
    counts = count(tube(tmp_path / "a.fcs", table()), GatingTree((gate,), {"mine": other}))
    events = table().astype(float)
    assert counts.of("B+").count == (events[:, 1] - 0.5 * events[:, 0] >= 0).sum()


def test_what_no_matrix_names_is_taken_as_measured(tmp_path):
    events = table()
    gate = Gate("t", Rectangle.range(Dimension("Time", OWN), 100.0))
    assert count(tube(tmp_path / "a.fcs", events), GatingTree((gate,))).of("t").count == 18_000
    own = GatingTree((Gate("A+", Rectangle.range(Dimension("A", OWN), 0.0)),))
    bare = count(tube(tmp_path / "b.fcs", events, matrix=None), own)
    assert bare.of("A+").count == (events[:, 0] >= 0).sum()


def test_an_empty_tube_has_empty_populations(tmp_path):
    counts = count(tube(tmp_path / "a.fcs", np.empty((0, 3))), tree())
    assert [row.count for row in counts.populations] == [0] * 7
    assert counts.of("early").share is None
    assert counts.mask("early").tolist() == []


def test_what_the_tube_lacks_is_named(tmp_path):
    acquisition = tube(tmp_path / "a.fcs", table(10))
    gate = Gate("deep/gate", Rectangle.range(Dimension("CD3")))
    with pytest.raises(UnsupportedGate, match="CD3") as caught:
        count(acquisition, GatingTree((gate,)))
    assert caught.value.file.endswith("a.fcs")
    assert caught.value.place == r"deep\/gate"
    matrix = SpilloverMatrix(("A", "Z"), ("A", "Z"), np.eye(2))
    gate = Gate("A+", Rectangle.range(Dimension("A", "mine"), 0.0))
    with pytest.raises(UnsupportedGate, match="'Z'"):
        count(acquisition, GatingTree((gate,), {"mine": matrix}))


def test_a_name_two_channels_share_is_ambiguous(tmp_path):
    acquisition = tube(tmp_path / "a.fcs", table(10), names=("A", "B", "X"), matrix=None)
    twice = replace(acquisition, channels=tuple(replace(c, name="A") for c in acquisition.channels))
    with pytest.raises(Ambiguous, match="3 channels"):
        count(twice, GatingTree((Gate("A+", Rectangle.range(A, 0.0)),)))


def test_a_tubes_own_matrix_is_checked_when_it_is_used(tmp_path):
    own = GatingTree((Gate("A+", Rectangle.range(Dimension("A", OWN), 0.0)),))
    acquisition = tube(tmp_path / "a.fcs", table(10))
    for matrix, expected in ((np.ones((2, 2)), DidNotConverge), (np.full((2, 2), np.nan), UnreadableFile)):
        damaged = replace(acquisition, spillover=Spillover(("A", "B"), matrix))
        with pytest.raises(expected):
            count(damaged, own)
        count(damaged, GatingTree((Gate("A+", Rectangle.range(A, 0.0)),)))


def test_a_population_never_drawn_is_refused(tmp_path):
    counts = count(tube(tmp_path / "a.fcs", table(10)), tree())
    for ask in (counts.of, counts.mask):
        with pytest.raises(UnsupportedGate):
            ask("nowhere")


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.floats(-1e3, 1e3, width=32), st.floats(-1e3, 1e3, width=32)), max_size=30))
def test_children_never_outnumber_their_parents(tmp_path_factory, rows):
    events = np.array([(*row, 0.0) for row in rows], np.float32).reshape(-1, 3)
    counts = count(tube(tmp_path_factory.mktemp("tube") / "a.fcs", events), tree())
    for row in counts.populations[1:]:
        assert 0 <= row.count <= row.parent_count
    assert counts.of("early/in").count + counts.of("early/out").count == counts.of("early").count
