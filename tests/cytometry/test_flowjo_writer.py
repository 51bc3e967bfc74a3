from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from decidua.cytometry.acquisition import Channel, Spillover
from decidua.cytometry.engine import count
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.fcs_writer import write_fcs
from decidua.cytometry.flowjo import read_workspace
from decidua.cytometry.flowjo_convert import sample_from
from decidua.cytometry.flowjo_writer import write_workspace
from decidua.cytometry.gates import Boolean, Dimension, Ellipse, Operand, Polygon, Quadrant, Rectangle
from decidua.cytometry.scales import Arcsinh, Bounded, FlowJoBiex, FlowJoLog, Linear, Log, Logicle, Scale
from decidua.cytometry.spillover import OWN, SpilloverMatrix
from decidua.cytometry.tree import Gate, GatingTree
from decidua.errors import UnsupportedGate
from ics_tube import write_ics_tube

ICS = (
    "8_color_ICS.wsp",
    "8_color_ICS_boolean_gate_testing.wsp",
    "8_color_ICS_dot_gate_name.wsp",
    "8_color_ICS_sample_without_gates.wsp",
    "8_color_ICS_simple.wsp",
    "8_color_ICS_with_ellipse.wsp",
    "reused_quad_gate_with_child.wsp",
)
OTHERS = (
    "flowjo10_mouse_spleen/gating.wsp",
    "ics_seb_spectral/CytoML.wsp",
    "flowkit/simple_diamond/test_data_diamond_asinh_rect2.wsp",
    "flowkit/simple_line/single_ellipse_51_events.wsp",
)


def unsigned(sample):
    """The sample without the note of which file its gates were read from."""
    gates = tuple(replace(gate, drawn_by="") for gate in sample.tree.gates)
    return replace(sample, tree=GatingTree(gates, sample.tree.spillovers))


# --- workspaces of FlowJo written again ---------------------------------------------------------------


@pytest.mark.parametrize("name", [f"flowkit/8_color_ICS/{name}" for name in ICS] + list(OTHERS))
def test_a_workspace_is_read_again_without_loss(test_data, tmp_path, name):
    first = read_workspace(test_data / "cytometry" / name)
    write_workspace(tmp_path / "again.wsp", first.samples, first.groups)
    again = read_workspace(tmp_path / "again.wsp")
    assert again.program == "Decidua"
    assert again.groups == first.groups
    assert again.unsupported == ()
    assert len(again.samples) == len(first.samples)
    for before, after in zip(first.samples, again.samples, strict=True):
        assert unsigned(after) == unsigned(before)
    assert sum(len(sample.tree.gates) for sample in again.samples) > 0


def test_a_lost_gate_would_be_noticed(test_data, tmp_path):
    first = read_workspace(test_data / "cytometry/flowkit/8_color_ICS/8_color_ICS.wsp").samples[0]
    fewer = replace(first, tree=GatingTree(first.tree.gates[:-1], first.tree.spillovers))
    write_workspace(tmp_path / "again.wsp", [fewer])
    assert unsigned(read_workspace(tmp_path / "again.wsp").samples[0]) != unsigned(first)


def undotted(path):
    return path and "/".join("dot" if name == "." else name for name in path.split("/"))


def in_the_peer(workspace, tube):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import flowkit

        session = flowkit.Workspace(str(workspace), fcs_samples=[str(tube)])
        session.analyze_samples(sample_id=tube.name, use_mp=False)
        report = session.get_analysis_report()
    paths = ["/".join([*path[1:], name]) for path, name in zip(report.gate_path, report.gate_name, strict=True)]
    return dict(zip(paths, report["count"].tolist(), strict=True))


@pytest.mark.parametrize("name", ICS)
def test_the_peer_counts_the_same_in_what_we_write(test_data, tmp_path, name):
    sample = read_workspace(test_data / "cytometry/flowkit/8_color_ICS" / name).samples[0]
    # The peer refuses a gate called "." in FlowJo's own file as in ours.
    gates = tuple(
        replace(gate, name="dot" if gate.name == "." else gate.name, parent=undotted(gate.parent))
        for gate in sample.tree.gates
    )
    counts = {undotted(path): stored for path, stored in sample.stored_counts.items()}
    sample = replace(sample, tree=GatingTree(gates, sample.tree.spillovers), stored_counts=counts)
    tube = tmp_path / sample.name
    write_ics_tube(tube, 20_000, sample.compensation.matrix)
    write_workspace(tmp_path / "ours.wsp", [sample])
    ours = count(read_fcs(tube), read_workspace(tmp_path / "ours.wsp").samples[0].tree)
    assert {row.path: row.count for row in ours.populations[1:]} == in_the_peer(tmp_path / "ours.wsp", tube)
    assert sum(row.count > 0 for row in ours.populations) > len(ours.populations) / 2


# --- trees drawn here ---------------------------------------------------------------------------------


@pytest.fixture
def tube(tmp_path):
    random = np.random.default_rng(11)
    events = np.column_stack([10 ** random.normal(2.5, 0.7, 5000), random.normal(300, 300, 5000), random.random(5000)])
    spillover = Spillover(("A", "B"), np.array([[1.0, 0.1], [0.02, 1.0]]))
    write_fcs(tmp_path / "drawn.fcs", events, [Channel(0, name) for name in "ABC"], spillover=spillover)
    return read_fcs(tmp_path / "drawn.fcs")


SCALES: list[Scale] = [
    Bounded(Logicle(262144, 1.0, 4.5), 0, 1),
    Logicle(1e6, 0.7, 5.0, 0.5),
    Arcsinh(1e6, 5.0, 1.0),
    Linear(1e6, 1e4),
    FlowJoBiex(-100, 1.0, 5.0, 1e6, 256),
]


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: type(scale).__name__)
def test_regions_in_scale_units_count_the_same_in_flowjos_form(tube, tmp_path, scale):
    seen = Dimension("A", OWN, scale), Dimension("B", OWN, scale)

    def shown(*points):
        return tuple(tuple(float(value) for value in scale.forward(point)) for point in points)

    (centre,) = shown((300, 300))
    spread = (0.04 * scale.axis[1]) ** 2
    oval = ((spread, spread / 4), (spread / 4, spread))
    low, high = shown((20, 10), (900, 700))
    tree = GatingTree(
        (
            Gate("box", Rectangle(seen, low, high)),
            Gate("oval", Ellipse(seen, centre, oval, 1.5), "box"),
            Gate("outline", Polygon(seen, shown((10, 10), (3000, 10), (600, 900)))),
            Gate("Q", Quadrant(seen, ((centre[0],), (centre[1],)), low)),
            Gate("not/in", Polygon(seen, shown((10, 10), (3000, 10), (600, 900))), complement=True),
            Gate("both", Boolean("and", (Operand("box"), Operand("outline")))),
            Gate("never", Boolean("not", (Operand("box"),)), "outline"),
            Gate("open", Rectangle.range(Dimension("C"), 0.5)),
        )
    )
    ours = count(tube, tree)
    sample = sample_from(tube, tree, {row.path: row.count for row in ours.populations[1:]})
    write_workspace(tmp_path / "drawn.wsp", [sample], {"mine": ["1"]})
    again = read_workspace(tmp_path / "drawn.wsp")
    assert again.groups == {"All Samples": ("1",), "mine": ("1",)}
    found = again.sample_of(tube)
    assert unsigned(found) == unsigned(sample)
    theirs = count(tube, found.tree)
    for row in ours.populations[1:]:
        assert theirs.of(row.path).count == row.count == found.stored_counts[row.path], row.path
        assert 0 < row.count < 5000


def test_names_and_keywords_xml_cannot_hold_are_replaced(tube, tmp_path):
    name = "A/B <\"&'> é"
    sample = sample_from(tube, GatingTree((Gate(name, Rectangle.range(Dimension("C"), 0.5)),)))
    sample = replace(sample, keywords={**sample.keywords, "odd": "a\x0cb\nc\td"})
    write_workspace(tmp_path / "odd.wsp", [sample])
    again = read_workspace(tmp_path / "odd.wsp").samples[0]
    assert again.tree.gates[0].name == name
    assert again.keywords["odd"] == "a\ufffdb\nc\td"


def test_parameters_no_gate_uses_are_shown_on_their_whole_range(tube):
    sample = sample_from(tube, GatingTree((Gate("g", Rectangle.range(Dimension("A", OWN), 5.0)),)))
    assert set(sample.transforms) == {"A", "B", "C"}
    assert sample.transforms["C"].scale() == Bounded(Linear(262144.0, 0.0), 0.0, 1.0)
    assert sample.compensation.name == "Acquisition-defined"
    assert sample.events == tube.count
    assert sample.name == "drawn.fcs"


def test_a_tree_in_flowjos_form_is_left_as_it_is(test_data, tmp_path):
    for name in ("8_color_ICS_with_ellipse.wsp", "8_color_ICS_boolean_gate_testing.wsp"):
        drawn = read_workspace(test_data / "cytometry/flowkit/8_color_ICS" / name).samples[0]
        write_ics_tube(tmp_path / drawn.name, 100, drawn.compensation.matrix)
        sample = sample_from(read_fcs(tmp_path / drawn.name), drawn.tree)
        assert sample.tree == drawn.tree
        assert sample.compensation == drawn.compensation


def test_a_tube_without_a_matrix_of_its_own_is_shown_as_measured(tube):
    bare = replace(tube, spillover=None)
    sample = sample_from(bare, GatingTree((Gate("g", outline(WIDE, OWN)),)))
    assert sample.compensation is None
    assert sample.tree.gate("g").shape.dimensions[0].spillover is None
    assert count(bare, sample.tree).of("g").count == count(bare, GatingTree((Gate("g", outline(WIDE)),))).of("g").count


@pytest.mark.parametrize(
    ("scale", "kind"),
    [
        (FlowJoLog(3.0, 4.0), "log"),
        (Log(1e5, 5.0), "log"),
        (Arcsinh(1e5, 4.0), "fasinh"),
        (Linear(100.0, 1.0), "linear"),
        (FlowJoBiex(), "biex"),
        (Logicle(1e5, 0.5, 4.5), "logicle"),
    ],
)
def test_every_scale_flowjo_knows_is_read_as_written(tube, scale, kind):
    seen = Dimension("A", None, scale)
    corners = scale.forward([[5, 9], [9, 5], [70, 70]]).tolist()
    drawn = Polygon((seen, Dimension("B", None, scale)), tuple(map(tuple, corners)))
    sample = sample_from(tube, GatingTree((Gate("g", drawn),)))
    assert sample.transforms["A"].kind == kind
    data = np.linspace(1.0, 99.0, 50)
    assert sample.transforms["A"].scale().forward(data) == pytest.approx(scale.forward(data), abs=1e-12)


# --- what FlowJo has no form for -----------------------------------------------------------------------

WIDE, NARROW = Logicle(1e6, 1.0, 5.0), Logicle(1e6, 0.5, 5.0)
OTHER = {"mine": SpilloverMatrix(("A", "B"), ("A", "B"), np.eye(2) + 0.01)}
CORNERS = ((0.1, 0.1), (0.5, 0.1), (0.3, 0.6))


def outline(scale, spillover=None):
    return Polygon((Dimension("A", spillover, scale), Dimension("B", spillover, scale)), CORNERS)


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        ((Gate("g", outline(WIDE)), Gate("h", outline(NARROW))), "uses? two|use two"),
        ((Gate("g", outline(WIDE, OWN)), Gate("h", outline(WIDE, "mine"))), "one matrix"),
        ((Gate("g", outline(Bounded(WIDE, 0.1, 0.9))),), "axis that ends"),
        (
            (Gate("g", Ellipse((Dimension("A"), Dimension("B")), (1.0, 1.0), ((1.0, 0.0), (0.0, 1.0)))),),
            "two dimensions",
        ),
        (
            (Gate("g", Ellipse(outline(WIDE).dimensions, (0.3, 0.3), ((1.0, 2.0), (2.0, 1.0)))),),
            "positive definite",
        ),
        ((Gate("g", outline(Bounded(Bounded(WIDE, 0, 1), 0, 1))),), "no scale Bounded"),
    ],
)
def test_trees_flowjo_has_no_form_for_are_refused(tube, gates, message):
    with pytest.raises(UnsupportedGate, match=message):
        sample_from(tube, GatingTree(gates, OTHER))


def test_gates_in_another_form_than_their_samples_are_refused(tube, tmp_path):
    sample = sample_from(tube, GatingTree((Gate("g", outline(WIDE)),)))
    inner = sample.tree.gate("g")
    for shape, message in [
        (outline(WIDE), "matrix or scale"),
        (replace(inner.shape, units="scale"), "scale units"),
        (Boolean("not", (Operand("other", True),)), "complements"),
    ]:
        gates = (replace(inner, shape=shape), replace(inner, name="other"))
        with pytest.raises(UnsupportedGate, match=message) as caught:
            write_workspace(tmp_path / "bad.wsp", [replace(sample, tree=GatingTree(gates))])
        assert "drawn.fcs" in caught.value.place
        assert "g" in caught.value.place
        assert list(tmp_path.glob("*bad*")) == []


def test_a_file_that_cannot_be_written_leaves_nothing(tube, tmp_path):
    (tmp_path / "taken.wsp").mkdir()
    sample = sample_from(tube, GatingTree(()))
    with pytest.raises(IsADirectoryError):
        write_workspace(tmp_path / "taken.wsp", [sample])
    assert list(tmp_path.glob(".*")) == []
