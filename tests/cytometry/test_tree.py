from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decidua.cytometry.gates import Boolean, Dimension, Operand, Rectangle
from decidua.cytometry.spillover import OWN, SpilloverMatrix
from decidua.cytometry.tree import Gate, GatingTree, join_path, split_path
from decidua.errors import UnsupportedGate

ANY = Rectangle.range(Dimension("A"))
names = st.lists(st.text(st.sampled_from("ab/\\ .+"), min_size=1, max_size=6), min_size=1, max_size=4)


def test_a_slash_within_a_name_is_written_with_a_backslash():
    assert join_path("Live", "IFNg+/TNF+") == r"Live/IFNg+\/TNF+"
    assert join_path(None, "a/b") == r"a\/b"
    assert split_path(r"Live/IFNg+\/TNF+") == ("Live", "IFNg+/TNF+")


@given(names)
def test_paths_say_their_names_again(parts):
    path = None
    for part in parts:
        path = join_path(path, part)
    assert split_path(path) == tuple(parts)


@given(names, names)
def test_no_two_populations_share_a_path(one, other):
    def path(parts):
        joined = None
        for part in parts:
            joined = join_path(joined, part)
        return joined

    assert (path(one) == path(other)) == (one == other)


def test_a_tree_knows_its_gates_and_their_children():
    tree = GatingTree((Gate("b", ANY, "a"), Gate("a", ANY), Gate("c/d", ANY, "a", gate_id="Q1")))
    assert [gate.path for gate in tree.in_order()] == ["a", "a/b", r"a/c\/d"]
    assert [gate.path for gate in tree.children("a")] == ["a/b", r"a/c\/d"]
    assert [gate.path for gate in tree.children(None)] == ["a"]
    assert tree.gate(r"a/c\/d").name == "c/d"
    assert tree.gate(r"a/c\/d").identity == "Q1"
    assert tree.gate("a/b").identity == "a/b"
    with pytest.raises(UnsupportedGate) as caught:
        tree.gate("a/x")
    assert caught.value.place == "a/x"


def test_a_boolean_gate_waits_for_what_it_combines():
    either = Boolean("or", (Operand("z"), Operand("z/y")))
    tree = GatingTree((Gate("either", either), Gate("y", ANY, "z"), Gate("z", ANY)))
    assert [gate.path for gate in tree.in_order()] == ["z", "z/y", "either"]


MATRIX = {"mine": SpilloverMatrix(("A",), ("A",), np.eye(1))}


def test_matrices_are_named_by_the_tree_or_the_tube():
    for name in (None, OWN, "mine"):
        GatingTree((Gate("a", Rectangle.range(Dimension("A", name))),), MATRIX)


def test_gates_nested_absurdly_deep_are_refused():
    gates = [Gate("a", ANY)]
    for _ in range(99):
        gates.append(Gate("a", ANY, gates[-1].path))
    GatingTree(tuple(gates))
    with pytest.raises(UnsupportedGate, match="within more than"):
        GatingTree((*gates, Gate("a", ANY, gates[-1].path)))


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        ((Gate("a", ANY), Gate("a", ANY)), "two populations"),
        ((Gate("a", ANY, gate_id="b"), Gate("b", ANY)), "two gates"),
        ((Gate("root", ANY),), "all events"),
        ((Gate("a", ANY, "b"),), "unknown population 'b'"),
        ((Gate("a", Boolean("not", (Operand("b"),))),), "unknown population 'b'"),
        ((Gate("a", Rectangle.range(Dimension("A", "theirs"))),), "unknown matrix 'theirs'"),
        ((Gate("a", ANY, "a"),), "unknown population 'a'"),
        ((Gate("a", Boolean("not", (Operand("a"),))), Gate("c", ANY)), "wait for each other: a"),
        (
            (
                Gate("a", ANY),
                Gate("b", Boolean("not", (Operand("c"),))),
                Gate("c", Boolean("not", (Operand("b"),))),
            ),
            "wait for each other: b, c",
        ),
    ],
)
def test_a_tree_that_does_not_hang_together_is_refused(gates, message):
    with pytest.raises(UnsupportedGate, match=message):
        GatingTree(gates, MATRIX)
