from __future__ import annotations

import flowutils.compensate
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.spillover import SpilloverMatrix, compensate, read_spillover
from decidua.errors import DecidualError, DidNotConverge, UnreadableFile, UnsupportedGate

SQUARE = SpilloverMatrix(("A", "B", "C"), ("A", "B", "C"), np.array([[1, 0.2, 0], [0.1, 1, 0.3], [0, 0, 1.0]]))


def test_compensation_agrees_with_the_peer(test_data):
    folder = test_data / "cytometry/flowkit/compensation"
    tube = read_fcs(folder / "test_comp_example.fcs")
    measured = {channel.name: tube.column(channel.index) for channel in tube.channels}
    matrix = read_spillover(folder / "comp_complete_example.csv")
    ours = compensate(measured, matrix, matrix.fluorochromes)
    stack = np.column_stack([measured[name] for name in matrix.detectors]).astype(float)
    theirs = flowutils.compensate.compensate(stack, matrix.matrix, list(range(stack.shape[1])))
    for name, column in zip(matrix.fluorochromes, theirs.T, strict=True):
        assert ours[name] == pytest.approx(column, abs=1e-6)
    assert np.abs(ours["PE-A"] - measured["PE-A"]).max() > 100


def test_only_what_is_wanted_is_computed():
    columns = {name: np.arange(4.0) + index for index, name in enumerate("ABC")}
    everything = compensate(columns, SQUARE, ("A", "B", "C"))
    only = compensate(columns, SQUARE, ("C",))
    assert list(only) == ["C"]
    assert only["C"].tolist() == everything["C"].tolist()


@settings(deadline=None)
@given(st.lists(st.floats(-1e5, 1e5), min_size=3, max_size=3))
def test_compensation_undoes_spillover(light):
    seen = np.array(light) @ SQUARE.matrix
    back = compensate({name: seen[[index]] for index, name in enumerate("ABC")}, SQUARE, ("A", "B", "C"))
    assert [float(back[name][0]) for name in "ABC"] == pytest.approx(light, abs=1e-6)


def test_more_detectors_than_fluorochromes_are_unmixed_by_least_squares():
    signatures = np.array([[1, 0.4, 0.1], [0.0, 0.5, 1.0]])
    matrix = SpilloverMatrix(("FITC", "PE"), ("V1", "V2", "V3"), signatures)
    seen = np.array([[3.0, 7.0]]) @ signatures + np.array([[0.1, -0.2, 0.05]])
    answer = compensate(dict(zip(("V1", "V2", "V3"), seen.T, strict=True)), matrix, ("PE", "FITC"))
    best = np.linalg.lstsq(signatures.T, seen[0], rcond=None)[0]
    assert [float(answer["FITC"][0]), float(answer["PE"][0])] == pytest.approx(best)


@pytest.mark.parametrize(
    ("name", "channels", "second"),
    [
        ("flowkit/8_color_ICS/den_comp.csv", 8, 0.014139),
        ("flowkit/8_color_ICS/den_comp_null_channel.csv", 7, 0.0),
        ("flowkit/compensation/comp_complete_example.csv", 14, 0.2986),
        ("flowcore_compdata/compmatrix", 4, 0.24),
        ("flowcore_compdata/compref", 4, 0.242022277630705),
        ("compensation_controls/Compensation-Spillover-Matrix.csv", 11, 0.180901),
    ],
)
def test_matrices_of_other_programs_are_read(test_data, name, channels, second):
    matrix = read_spillover(test_data / "cytometry" / name)
    assert matrix.matrix.shape == (channels, channels)
    assert matrix.fluorochromes == matrix.detectors
    assert matrix.matrix[0, 1] == second


@pytest.mark.parametrize(
    "name",
    ["spectral_controls/UnmixingPanel.csv", "flowcore_compdata/comp_match", "activation/Activation_1.fcs"],
)
def test_other_files_are_not_taken_for_matrices(test_data, name):
    with pytest.raises(UnreadableFile):
        read_spillover(test_data / "cytometry" / name)


def test_a_matrix_with_named_rows_and_more_columns_is_read(tmp_path):
    path = tmp_path / "signatures.csv"
    path.write_text(";V1;V2;V3\nFITC;1;0.4;0.1\nPE;0;0.5;1\n", encoding="utf-8")
    matrix = read_spillover(path)
    assert (matrix.fluorochromes, matrix.detectors) == (("FITC", "PE"), ("V1", "V2", "V3"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", UnreadableFile),
        ("A,B\n1,0\n", UnreadableFile),
        ("A,B\n1,0\n0,one\n", UnreadableFile),
        ("A,B\n1,0\n0,nan\n", UnreadableFile),
        ("A,B\n1,0\n0\n", UnreadableFile),
        ("A,A\n1,0\n0,1\n", UnreadableFile),
        (",A\nx,1\ny,1\n", UnreadableFile),
        ("A,B\n1,2\n2,4\n", DidNotConverge),
        ("A,B\n0,0\n0,0\n", DidNotConverge),
        ('A,"B\n1,0\n0,1\n', UnreadableFile),
        ("A,B\x00\n1,0\n0,1\x00\n", UnreadableFile),
    ],
)
def test_what_is_no_matrix_is_refused_by_name(tmp_path, text, expected):
    path = tmp_path / "matrix.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(expected) as caught:
        read_spillover(path)
    assert caught.value.file == "matrix.csv"


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UnreadableFile):
        read_spillover(tmp_path / "none.csv")


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_matrix_or_a_declared_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("text") / "matrix.csv"
    path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    try:
        matrix = read_spillover(path)
    except DecidualError:
        return
    assert np.isfinite(matrix.matrix).all()


def test_unknown_channels_are_named():
    columns = {"A": np.ones(1), "B": np.ones(1)}
    with pytest.raises(UnsupportedGate, match="needs C"):
        compensate(columns, SQUARE, ("A",))
    with pytest.raises(UnsupportedGate, match="no row for D"):
        compensate({**columns, "C": np.ones(1)}, SQUARE, ("D",))


def test_equal_matrices_are_equal():
    same = SpilloverMatrix(SQUARE.fluorochromes, SQUARE.detectors, SQUARE.matrix.copy())
    other = SpilloverMatrix(SQUARE.fluorochromes, SQUARE.detectors, SQUARE.matrix + 0.001)
    assert same == SQUARE
    assert hash(same) == hash(SQUARE)
    assert other != SQUARE
    assert SQUARE != "matrix"
