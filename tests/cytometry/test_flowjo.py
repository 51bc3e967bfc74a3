from __future__ import annotations

import json

import numpy as np
import pytest

from decidua.cytometry.acquisition import Channel
from decidua.cytometry.engine import count
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.fcs_writer import write_fcs
from decidua.cytometry.flowjo import read_workspace
from decidua.cytometry.gates import Boolean, FociEllipse
from decidua.cytometry.scales import FlowJoBiex
from decidua.errors import (
    Ambiguous,
    DidNotConverge,
    NotAWorkspace,
    NotComparable,
    OutsideLimits,
    UnreadableFile,
    UnsupportedGate,
)
from workspace_building import (
    LINEAR,
    LOGICLE,
    combination,
    dimension,
    parameter,
    polygon,
    population,
    rectangle,
    sample,
    vertex,
    workspace,
)

NOT_COUNTED = ("simple_poly_and_rect.wsp", "simple_poly_and_rect_v2_poly50.wsp")
ICS = "flowkit/8_color_ICS/"
WITH_TUBES = [
    "flowjo10_mouse_spleen/gating.wsp",
    "ics_seb_spectral/CytoML.wsp",
    "flowkit/simple_diamond/simple_diamond_example_quad_gate.wsp",
    "flowkit/simple_diamond/test_data_diamond_biex_rect.wsp",
    "flowkit/simple_diamond/test_data_diamond_asinh_rect.wsp",
    "flowkit/simple_diamond/test_data_diamond_asinh_rect2.wsp",
    "flowkit/simple_line/single_ellipse_51_events.wsp",
]


@pytest.fixture(scope="session")
def flowjo_counts(test_data):
    return json.loads((test_data / "cytometry/expected/flowjo10_counts.json").read_text(encoding="utf-8"))


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "hand.wsp"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def tube(path, events, names=("X", "Y")):
    write_fcs(path, np.asarray(events, float), [Channel(0, name) for name in names])
    return read_fcs(path)


# --- workspaces of FlowJo itself --------------------------------------------------------------------


def test_every_count_flowjo_stored_is_read(test_data, flowjo_counts):
    assert len(flowjo_counts) == 16
    for name, samples in flowjo_counts.items():
        read = {each.name: each for each in read_workspace(test_data / "cytometry" / name).samples}
        for sample_name, expected in samples.items():
            ours = read[sample_name]
            assert ours.events == expected["events"]
            if name.endswith(NOT_COUNTED):
                assert dict(ours.stored_counts) == dict.fromkeys(expected["populations"])
            else:
                assert dict(ours.stored_counts) == expected["populations"], (name, sample_name)
            assert [gate.path for gate in ours.tree.gates] == list(ours.stored_counts)


@pytest.mark.parametrize("name", WITH_TUBES)
def test_counts_agree_with_flowjos(test_data, flowjo_counts, name):
    path = test_data / "cytometry" / name
    drawn, compared = read_workspace(path), 0
    for file in sorted(path.parent.glob("*.fcs")):
        acquisition = read_fcs(file)
        ours = drawn.sample_of(acquisition)
        expected = flowjo_counts[name][file.name]["populations"]
        counts = count(acquisition, ours.tree)
        assert len(counts.populations) == 1 + len(expected)
        for row in counts.populations[1:]:
            allowed = max(2.0, 0.002 * row.parent_count)
            assert abs(row.count - expected[row.path]) <= allowed, (file.name, row.path)
            compared += 1
    assert compared == sum(
        len(each["populations"]) for tube, each in flowjo_counts[name].items() if (path.parent / tube).exists()
    )
    assert compared > 0


def test_rectangles_and_ellipses_agree_to_the_event(test_data, flowjo_counts):
    for name in WITH_TUBES[1:]:
        path = test_data / "cytometry" / name
        drawn = read_workspace(path)
        for file in sorted(path.parent.glob("*.fcs")):
            acquisition = read_fcs(file)
            counts = count(acquisition, drawn.sample_of(acquisition).tree)
            ours = {row.path: row.count for row in counts.populations[1:]}
            assert ours == flowjo_counts[name][file.name]["populations"], (name, file.name)


def test_a_matrix_is_the_one_the_tube_carried(test_data):
    for each in read_workspace(test_data / "cytometry" / ICS / "8_color_ICS.wsp").samples:
        size, *rest = each.keywords["$SPILLOVER"].split(",")
        names, values = rest[: int(size)], np.array(rest[int(size) :], float).reshape(8, 8)
        assert each.compensation.matrix.fluorochromes == each.compensation.matrix.detectors == tuple(names)
        # FlowJo writes ten places of single precision.
        assert each.compensation.matrix.matrix == pytest.approx(values, abs=1e-8)
        assert each.tree.spillovers == {"Acquisition-defined": each.compensation.matrix}


def test_samples_groups_and_provenance_are_read(test_data):
    drawn = read_workspace(test_data / "cytometry" / ICS / "8_color_ICS_boolean_gate_testing.wsp")
    assert (drawn.program, drawn.version) == ("FlowJo", "10.8.1")
    assert drawn.groups["DEN"] == ("1", "2", "3")
    assert drawn.groups["Beads"] == ()
    kinds = [type(gate.shape).__name__ for gate in drawn.samples[0].tree.gates]
    assert [kinds.count(kind) for kind in ("Rectangle", "Polygon", "Boolean")] == [10, 5, 5]
    either = drawn.samples[0].tree.gate("Time/Singlets/aAmine-/CD3+/CD4+/CD107a+ or IFNg+")
    assert isinstance(either.shape, Boolean)
    assert either.shape.operation == "or"
    assert either.drawn_by == f"FlowJo 10.8.1 sha256:{drawn.sha256}"
    line = drawn.line()
    assert line["kind"] == "workspace"
    assert line["samples"][0] == {"sample": "101_DEN084Y5_15_E03_009_clean.fcs", "populations": 20}
    assert json.loads(json.dumps(line)) == line


def test_names_with_dots_samples_without_gates_and_reused_quadrants_are_read(test_data):
    folder = test_data / "cytometry" / ICS
    dotted = read_workspace(folder / "8_color_ICS_dot_gate_name.wsp").samples[0]
    assert "." in {gate.name for gate in dotted.tree.gates}
    bare = read_workspace(folder / "8_color_ICS_sample_without_gates.wsp")
    assert sorted(len(each.tree.gates) for each in bare.samples) == [0, 4, 4]
    quads = read_workspace(folder / "reused_quad_gate_with_child.wsp").samples[0].tree
    parents = {gate.parent for gate in quads.gates if gate.name == "Q2: CD107a+, IL2+"}
    assert len(parents) == 2
    assert sum(gate.name == "some_child_gate" for gate in quads.gates) == 2
    oval = read_workspace(folder / "8_color_ICS_with_ellipse.wsp").samples[0].tree
    assert isinstance(oval.gate("Time/Singlets/aAmine-/CD3+/ellipse1").shape, FociEllipse)


def test_a_channel_whose_own_name_begins_like_a_compensated_one_is_itself(test_data):
    drawn = read_workspace(test_data / "cytometry/ics_seb_spectral/CytoML.wsp").samples[0]
    assert drawn.compensation is None
    first = drawn.tree.gate("Vd2").shape.dimensions[0]
    assert (first.channel, first.spillover) == ("Comp-BUV661-A", None)
    assert first.scale == FlowJoBiex(-1000, 0, 5.6226599046, 4194304, 256)


# --- what FlowJo means by what it writes -------------------------------------------------------------


def test_a_gate_touching_the_end_of_its_axis_takes_what_lies_beyond(written, tmp_path):
    gates = population("to the end", rectangle(dimension("X", min=500, max=1000)))
    gates += population("short of it", rectangle(dimension("X", min=500, max=999)))
    gates += population("outline", polygon("X", "Y", (500, 0), (1000, 0), (1000, 1000), (500, 1000)))
    gates += population("inner outline", polygon("X", "Y", (500, 10), (999, 10), (999, 990), (500, 990)))
    drawn = read_workspace(written(workspace(sample(gates)))).samples[0]
    events = [[400, 500], [600, 500], [1500, 500], [600, -80], [1500, 7000]]
    counts = count(tube(tmp_path / "t.fcs", events), drawn.tree)
    assert counts.mask("to the end").tolist() == [False, True, True, True, True]
    assert counts.mask("short of it").tolist() == [False, True, False, True, False]
    assert counts.mask("outline").tolist() == [False, True, True, True, True]
    assert counts.mask("inner outline").tolist() == [False, True, False, False, False]


def test_events_outside_are_within_the_parent(written, tmp_path):
    inner = population("rest", rectangle(dimension("X", min=100, max=200), inside="0"))
    drawn = read_workspace(written(workspace(sample(population("low", rectangle(dimension("Y", max=500)), inner)))))
    counts = count(tube(tmp_path / "t.fcs", [[150, 1], [250, 1], [250, 900]]), drawn.samples[0].tree)
    assert counts.mask("low/rest").tolist() == [False, True, False]


def test_compensated_names_lead_to_the_channel_and_its_matrix(written, tmp_path):
    matrix = (
        '<transforms:spilloverMatrix name="M" prefix="Comp-" suffix="*">'
        '<transforms:spillover data-type:parameter="Y">'
        '<transforms:coefficient data-type:parameter="X" transforms:value="0.5"/>'
        '<transforms:coefficient data-type:parameter="Y" transforms:value="1"/></transforms:spillover>'
        '<transforms:spillover data-type:parameter="X">'
        '<transforms:coefficient data-type:parameter="Y" transforms:value="0"/>'
        '<transforms:coefficient data-type:parameter="X" transforms:value="1"/></transforms:spillover>'
        "</transforms:spilloverMatrix>"
    )
    gates = population("compensated", rectangle(dimension("Comp-X*", min=100)))
    gates += population("measured", rectangle(dimension("X", min=100)))
    drawn = read_workspace(written(workspace(sample(gates, matrix=matrix)))).samples[0]
    counts = count(tube(tmp_path / "t.fcs", [[150, 10], [150, 200], [50, 0]]), drawn.tree)
    assert counts.mask("compensated").tolist() == [True, False, False]
    assert counts.mask("measured").tolist() == [True, True, False]


def test_outlines_are_straight_on_the_axes_shown(written, tmp_path):
    shown = LOGICLE.format(parameter("X")) + LOGICLE.format(parameter("Y"))
    corners = ((0, 0), (900, 0), (900, 100))
    bent = sample(population("in", polygon("X", "Y", *corners)), transforms=shown)
    straight = sample(population("in", polygon("X", "Y", *corners)), number="2")
    acquisition = tube(tmp_path / "t.fcs", [[500, 60], [500, 50]])
    masks = [
        count(acquisition, each.tree).mask("in").tolist()
        for each in read_workspace(written(workspace(bent, straight))).samples
    ]
    assert masks == [[True, True], [False, True]]


def test_names_with_slashes_are_told_from_paths(written):
    gates = population("A/B", rectangle(dimension("X", min=1)), population("C", rectangle(dimension("Y", min=1))))
    gates += combination("NotNode", "rest", "A/B/C")
    tree = read_workspace(written(workspace(sample(gates)))).samples[0].tree
    assert [gate.path for gate in tree.gates] == [r"A\/B", r"A\/B/C", "rest"]
    assert tree.gate("rest").shape.operands[0].path == r"A\/B/C"
    twice = population("A", rectangle(dimension("X", min=1)), population("B/C", rectangle(dimension("Y", min=1))))
    with pytest.raises(Ambiguous, match="2 populations"):
        read_workspace(written(workspace(sample(gates + twice))))


def test_populations_below_boolean_ones_are_read(written, tmp_path):
    gates = population("A", rectangle(dimension("X", min=100)))
    gates += combination("NotNode", "A-", "A", below=population("B", rectangle(dimension("Y", min=100))))
    tree = read_workspace(written(workspace(sample(gates)))).samples[0].tree
    counts = count(tube(tmp_path / "t.fcs", [[0, 500], [500, 500], [0, 0]]), tree)
    assert counts.mask("A-/B").tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        (("7", "0"), (7, 0)),
        (("-1", "-1"), (None, None)),
        (("0", "0"), (None, None)),
        (("7", "-1"), (7, None)),
    ],
)
def test_counts_flowjo_had_not_made_are_none(written, stored, read):
    gates = "".join(
        population(name, rectangle(dimension("X", min=1)), count=text) for name, text in zip("ab", stored, strict=True)
    )
    counts = read_workspace(written(workspace(sample(gates)))).samples[0].stored_counts
    assert tuple(counts.values()) == read


# --- what cannot be evaluated ------------------------------------------------------------------------

CURLY = "<Gate><gating:CurlyQuad/></Gate>"


def test_a_curly_quadrant_is_named(written):
    inner = population("good", rectangle(dimension("X", min=1)), population("Q1", CURLY))
    with pytest.raises(UnsupportedGate, match="CurlyQuad") as caught:
        read_workspace(written(workspace(sample(inner))))
    assert "tube.fcs" in caught.value.place
    assert "good/Q1" in caught.value.place
    assert caught.value.file.endswith("hand.wsp")


def test_what_hangs_on_it_is_left_out_with_it(written):
    gates = population("good", rectangle(dimension("X", min=1)))
    gates += population("Q1", CURLY, population("child", rectangle(dimension("X", min=1))))
    gates += combination("OrNode", "either", "good", "Q1/child", below=population("leaf", CURLY))
    drawn = read_workspace(written(workspace(sample(gates))), on_defect="record")
    assert [gate.path for gate in drawn.samples[0].tree.gates] == ["good"]
    assert list(drawn.samples[0].stored_counts) == ["good"]
    left = {each.population: each.message for each in drawn.unsupported}
    assert set(left) == {"Q1", "Q1/child", "either", "either/leaf"}
    assert "CurlyQuad" in left["Q1"]
    assert "Q1" in left["Q1/child"]
    assert drawn.line()["unsupported"][0]["sample"] == "tube.fcs"


@pytest.mark.parametrize(
    ("gates", "transforms", "message"),
    [
        (population("g", ""), "", "without a gate"),
        (population("g", polygon("X", "Y", (0, 0), (1, 1))), "", "three corners"),
        (combination("AndNode", "g", "nowhere"), "", "lacks"),
        (combination("NotNode", "g"), "", "0 operands"),
        (
            population("g", polygon("X", "Y", (0, 0), (1, 1), (0, 1))),
            f"<transforms:hyperlog>{parameter('X')}</transforms:hyperlog>",
            "hyperlog",
        ),
        (
            population("g", polygon("X", "Y", (0, 0), (1, 1), (0, 1))),
            LOGICLE.replace('W="0.5"', 'W="9"').format(parameter("X")),
            "no logicle",
        ),
    ],
)
def test_gates_without_a_meaning_here_are_refused(written, gates, transforms, message):
    text = workspace(sample(gates, transforms=transforms))
    with pytest.raises(UnsupportedGate, match=message):
        read_workspace(written(text))
    assert read_workspace(written(text), on_defect="record").unsupported[0].population == "g"


def test_a_scale_nothing_uses_may_be_any(written):
    text = sample(
        population("g", rectangle(dimension("X", min=1))),
        transforms=f"<transforms:hyperlog>{parameter('X')}</transforms:hyperlog>",
    )
    assert len(read_workspace(written(workspace(text))).samples[0].tree.gates) == 1


BAD_MATRIX = (
    '<transforms:spilloverMatrix name="M" prefix="Comp-" suffix="">'
    '<transforms:spillover data-type:parameter="X">'
    '<transforms:coefficient data-type:parameter="{}" transforms:value="{}"/></transforms:spillover>'
    "</transforms:spilloverMatrix>"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", NotAWorkspace),
        ("FCS3.0", NotAWorkspace),
        ("<Workspace/>", NotAWorkspace),
        ("<Gating-ML><SampleList/></Gating-ML>", NotAWorkspace),
        ('<!DOCTYPE w [<!ENTITY a "b">]><Workspace><SampleList/></Workspace>', NotAWorkspace),
        ("<!DOCTYPE w><Workspace><SampleList/></Workspace>", NotAWorkspace),
        ('<?xml version="1.0" encoding="klingon"?><Workspace/>', NotAWorkspace),
        (workspace(sample("", keywords='<Keyword value="1"/>')), NotAWorkspace),
        (workspace("<Sample/>"), NotAWorkspace),
        (workspace(sample("<Population/>")), NotAWorkspace),
        (workspace(sample(population("g", "<Gate/>"))), NotAWorkspace),
        (workspace(sample(population("g", rectangle(dimension("X", min="a"))))), NotAWorkspace),
        (workspace(sample(population("g", rectangle(dimension("X", min="nan"))))), NotAWorkspace),
        (workspace(sample(population("g", polygon("X", "Y", (1, 1), (1, 2), (1,))))), NotAWorkspace),
        (workspace(sample("", transforms=LINEAR.format("<data-type:parameter/>"))), NotAWorkspace),
        (
            workspace(
                sample(
                    population("g", polygon("X", "Y", (0, 0), (1, 1), (0, 1))),
                    transforms=f"<transforms:biex>{parameter('X')}</transforms:biex>",
                )
            ),
            NotAWorkspace,
        ),
        (workspace(sample("", matrix=BAD_MATRIX.format("X", "x"))), NotAWorkspace),
        (workspace(sample("", matrix=BAD_MATRIX.format("X", "1") * 2)), NotAWorkspace),
        (workspace(sample("", matrix=BAD_MATRIX.format("X", "0"))), DidNotConverge),
        (workspace(sample("", matrix="<transforms:spilloverMatrix/>")), UnreadableFile),
        (
            workspace(sample("", matrix='<transforms:spilloverMatrix spectral="1" weightOptAlgorithmType="WLS"/>')),
            UnsupportedGate,
        ),
    ],
)
def test_what_is_no_workspace_is_refused(written, text, expected):
    with pytest.raises(expected) as caught:
        read_workspace(written(text))
    assert caught.value.file.endswith("hand.wsp")


def test_deep_nests_are_refused(written):
    nest = ""
    for _ in range(150):
        nest = population("g", rectangle(dimension("X", min=1)), nest)
    with pytest.raises(NotAWorkspace, match="deep"):
        read_workspace(written(workspace(sample(nest))))


def test_other_versions_and_programs_are_named(test_data, written):
    with pytest.raises(NotAWorkspace, match=r"FlowJo 9\.2"):
        read_workspace(test_data / "cytometry/flowjo9_ics/A2004Analysis.xml")
    with pytest.raises(NotAWorkspace, match="bdfacs"):
        read_workspace(test_data / "cytometry/diva/PE_2.xml")
    with pytest.raises(NotAWorkspace, match="Gating-ML"):
        read_workspace(test_data / "cytometry/gatingml2/set1/gates1.xml")
    with pytest.raises(NotAWorkspace, match=r"FlowJo 8\.7"):
        read_workspace(written(workspace(version="8.7")))


def test_a_missing_file_and_a_wrong_word_are_refused(tmp_path):
    with pytest.raises(NotAWorkspace, match="cannot be opened"):
        read_workspace(tmp_path / "none.wsp")
    with pytest.raises(OutsideLimits):
        read_workspace(tmp_path / "none.wsp", on_defect="ignore")


# --- which sample is this tube? ----------------------------------------------------------------------

NAMES = '<Keyword name="$P1N" value="X"/><Keyword name="$P2N" value="Y"/>'


def test_a_tube_finds_its_sample_by_name_or_place(written, tmp_path):
    drawn = read_workspace(written(workspace(sample("", keywords=NAMES, events="2"))))
    acquisition = tube(tmp_path / "tube.fcs", [[1, 2], [3, 4]])
    assert drawn.sample_of(acquisition) is drawn.samples[0]
    renamed = workspace(sample("", keywords=NAMES, events="2")).replace(
        'SampleNode name="tube.fcs"', 'SampleNode name="mine"'
    )
    assert read_workspace(written(renamed)).sample_of(acquisition).name == "mine"


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([sample("", name="other.fcs")], "no sample of this name"),
        ([sample("", events="3")], "has 3 events, this tube 2"),
        (
            [sample("", events="-1", keywords='<Keyword name="$TOT" value=" 5 "/>')],
            "has 5 events, this tube 2",
        ),
        ([sample("", events="2", keywords=NAMES.replace('"Y"', '"Z"'))], "no channel Y"),
    ],
)
def test_a_workspace_of_another_tube_is_refused(written, tmp_path, samples, message):
    drawn = read_workspace(written(workspace(*samples)))
    with pytest.raises(NotComparable, match=message) as caught:
        drawn.sample_of(tube(tmp_path / "tube.fcs", [[1, 2], [3, 4]]))
    assert caught.value.file.endswith("hand.wsp")


def test_two_samples_of_one_name_are_told_apart_by_their_events_or_not_at_all(written, tmp_path):
    acquisition = tube(tmp_path / "tube.fcs", [[1, 2], [3, 4]])
    apart = read_workspace(written(workspace(sample("", events="2"), sample("", events="9", number="2"))))
    assert apart.sample_of(acquisition).sample_id == "1"
    alike = read_workspace(written(workspace(sample("", events="2"), sample("", events="2", number="2"))))
    with pytest.raises(Ambiguous, match="2 samples"):
        alike.sample_of(acquisition)


def test_a_gate_on_a_channel_the_tube_lacks_is_named(written, tmp_path):
    drawn = read_workspace(written(workspace(sample(population("g", rectangle(dimension("CD3", min=1)))))))
    with pytest.raises(UnsupportedGate, match="CD3"):
        count(tube(tmp_path / "tube.fcs", [[1, 2]]), drawn.samples[0].tree)


def test_an_ellipse_needs_two_foci_and_four_edge_points(written):
    def ellipse(foci, edge):
        points = f"<gating:foci>{foci}</gating:foci><gating:edge>{edge}</gating:edge>"
        shape = f"<gating:EllipsoidGate>{dimension('X')}{dimension('Y')}{points}</gating:EllipsoidGate>"
        return written(workspace(sample(population("g", f"<Gate>{shape}</Gate>"))))

    edge = vertex(40, 100) + vertex(160, 100) + vertex(100, 80) + vertex(100, 120)
    shape = read_workspace(ellipse(vertex(60, 100) + vertex(140, 100), edge)).samples[0].tree.gate("g").shape
    assert shape.long_axis == 120
    for foci, points in ((vertex(60, 100), edge), (vertex(60, 100) * 2, vertex(1, 1))):
        with pytest.raises(NotAWorkspace, match="ellipse"):
            read_workspace(ellipse(foci, points))
    with pytest.raises(UnsupportedGate, match="outside"):
        read_workspace(ellipse(vertex(0, 100) + vertex(250, 100), edge))
