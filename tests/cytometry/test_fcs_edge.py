"""Instrument files and malformed files of other projects, against the values several readers agree on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from decidua import errors
from decidua.cytometry.fcs import list_data_sets, read_fcs

FILES = (
    "0877408774.B08",
    "3FITC_4PE_004.fcs",
    "B01 KC-A-W---91-US.fcs",
    "Beckman Coulter - Cyan.fcs",
    "Beckman Coulter - Gallios.LMD",
    "Data001.fcs",
    "Data003.fcs",
    "EY_2013-07-19_PBS_FCS_3.1_Custom_Without_Add_Well_A1.001.fcs",
    "G11.fcs",
    "Partec - CyFlow v2.9.fcs",
    "SG_2014-09-26_Duplicate_Names.fcs",
    "Stratedigm - S1400.fcs",
    "System II listmode with extra info in bits D10-D15.LMD",
    "corrupted.fcs",
    "coulter.lmd",
    "cyflow_cube_8.fcs",
    "data_start_offset_discrepancy_example.fcs",
    "data_stop_offset_discrepancy_example.fcs",
    "fake_large_fcs.fcs",
    "fcs1_cleaned.lmd",
    "index_sorted_example.fcs",
    "sample_header.fcs",
    "variable_int_example.fcs",
)
DEFECTS = {
    "0877408774.B08": {"text_empty_value", "text_encoding"},
    "Beckman Coulter - Cyan.fcs": {"data_offsets_differ"},
    "EY_2013-07-19_PBS_FCS_3.1_Custom_Without_Add_Well_A1.001.fcs": {
        "data_end_one_past",
        "spillover_malformed",
    },
    "Partec - CyFlow v2.9.fcs": {"data_end_one_past"},
    "SG_2014-09-26_Duplicate_Names.fcs": {"data_end_one_past"},
    "coulter.lmd": {"data_end_one_past"},
    "cyflow_cube_8.fcs": {"stext_unreadable"},
    "data_start_offset_discrepancy_example.fcs": {
        "data_offsets_differ",
        "spillover_channels",
        "timestep_malformed",
    },
    "fake_large_fcs.fcs": set(),
    "G11.fcs": set(),
}


@pytest.fixture(scope="module")
def expected(test_data: Path) -> dict[str, dict[str, object]]:
    return json.loads((test_data / "cytometry/expected/fcs_edge_expected.json").read_text())


def test_every_file_is_tried(expected, test_data):
    assert set(FILES) == set(expected) == {path.name for path in (test_data / "cytometry/fcs_edge").iterdir()}


@pytest.mark.parametrize("name", FILES)
def test_events_channels_and_sum_or_the_named_error(name, expected, test_data):
    path, answer = test_data / "cytometry/fcs_edge" / name, expected[name]
    if "error" in answer:
        with pytest.raises(getattr(errors, answer["error"])) as caught:
            read_fcs(path)
        assert caught.value.file == str(path)
        assert caught.value.place
        return
    sets = answer.get("data_sets", [answer])
    listed = list_data_sets(path)
    assert len(listed) == len(sets)
    for number, one in enumerate(sets, start=1):
        acquisition = read_fcs(path, data_set=number)
        assert (acquisition.count, len(acquisition.channels)) == (one["events"], one["channels"])
        assert (listed[number - 1].events, len(listed[number - 1].channels)) == (
            one["events"],
            one["channels"],
        )
        assert acquisition.version == one.get("version", acquisition.version)
        stored = acquisition.events()
        assert stored.shape == (one["events"], one["channels"])
        columns = [acquisition.column(channel.index) for channel in acquisition.channels]
        # Whole numbers below 2**53 add up exactly in any order, floats only to the last places.
        exact = acquisition.channels[0].type == "I"
        for total in (stored.sum(dtype=np.float64), sum(column.sum(dtype=np.float64) for column in columns)):
            assert total == pytest.approx(one["sum_all_values_float64"], rel=0 if exact else 2e-15, abs=0)


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_what_was_assumed_is_recorded(name, test_data):
    path = test_data / "cytometry/fcs_edge" / name
    assert {defect.code for defect in read_fcs(path, data_set=1).defects} == DEFECTS[name]
    if DEFECTS[name]:
        with pytest.raises(errors.BrokenFCS):
            read_fcs(path, data_set=1, on_defect="raise")
    else:
        read_fcs(path, on_defect="raise")


@pytest.mark.parametrize("name", ["coulter.lmd", "Beckman Coulter - Gallios.LMD"])
def test_several_data_sets_and_none_chosen(name, test_data):
    path = test_data / "cytometry/fcs_edge" / name
    with pytest.raises(errors.Ambiguous):
        read_fcs(path)
    with pytest.raises(errors.OutsideLimits):
        read_fcs(path, data_set=3)


def test_matrix_that_names_channels_by_number(test_data):
    acquisition = read_fcs(test_data / "cytometry/fcs_edge/Beckman Coulter - Gallios.LMD", data_set=2)
    assert acquisition.spillover is not None
    assert acquisition.spillover.channels == tuple(acquisition.channels[n - 1].name for n in (3, 4))


def test_line_of_the_spleen_tube(test_data):
    line = read_fcs(test_data / "cytometry/flowjo10_mouse_spleen/68983.fcs").line()
    assert line["channels"][14] == {
        "index": 15, "name": "PE-A", "marker": "NK1/1", "type": "F", "bits": 32, "range": 262144,
    }  # fmt: skip
    assert (line["kind"], line["events"], line["data_set"], line["version"]) == ("fcs", 19225, 1, "3.0")
    assert "PE-A" in line["spillover"]
    assert line["defects"] == []
    assert json.loads(json.dumps(line)) == line
