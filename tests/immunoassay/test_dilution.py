"""Lost decimal points: all found on the golden plate, none invented elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decidua.immunoassay.dilution import restore_points
from decidua.immunoassay.plate import Role
from immunoassay.conftest import Golden


def restore(texts: list[str]) -> tuple[list[float], list[str]]:
    names = [f"Standard{i + 1}" for i in range(len(texts))]
    values, notes = restore_points(names, texts, np.array([float(text) for text in texts]), "X", "f.csv")
    return values.tolist(), [note.message for note in notes]


def test_golden_plate(golden: Golden) -> None:
    plate = golden.plate
    lost = [note for note in plate.defects if note.code == "decimal_lost"]
    assert len(lost) == 30
    assert ("Standard5 FGF", "215625 read as 215.625") in [(note.place, note.message) for note in lost]
    for row in plate.rows(Role.STANDARD):
        for column, analyte in enumerate(plate.analytes):
            truth = golden.correct_doses[plate.wells[row].sample, analyte]
            assert plate.expected[row, column] == pytest.approx(truth, rel=1e-8)


def test_the_twin_that_reads_what_stands_there_is_wrong(golden: Golden) -> None:
    wrong = [note.message.split(" read as ") for note in golden.plate.defects if note.code == "decimal_lost"]
    assert all(float(printed) / float(repaired) > 9 for printed, repaired in wrong)


@given(
    top=st.sampled_from([3450.0, 8150.0, 58730.0, 10000.0, 5000.0, 1234.5]),
    ratio=st.sampled_from([2.0, 3.0, 4.0, 5.0, 10.0, 2.5]),
    levels=st.integers(5, 16),
    data=st.data(),
)
def test_any_one_loss_is_found_and_nothing_else(top: float, ratio: float, levels: int, data: st.DataObject) -> None:
    texts = [f"{top / ratio**i:.10g}" for i in range(levels)]
    assert restore(texts)[1] == []
    fractional = [i for i, text in enumerate(texts) if "." in text and "e" not in text]
    if not fractional:
        return
    at = data.draw(st.sampled_from(fractional))
    damaged = [*texts[:at], texts[at].replace(".", "").lstrip("0"), *texts[at + 1 :]]
    values, messages = restore(damaged)
    assert len(messages) == 1
    assert values[at] == float(texts[at])


@pytest.mark.parametrize(
    "texts",
    [
        ["10000", "3333", "1111", "370", "123", "41", "14", "5", "2"],  # rounded to whole numbers
        ["10000", "5000", "1000", "500", "100", "50"],  # no constant ratio
        ["1000", "100", "10", "1"],
        ["100000", "5000", "2500", "1250", "625", "312.5"],  # a whole anchor ten times above the series
        ["1000", "500", "250"],
        ["215625", "107.8125"],
    ],
)
def test_sound_series_stay_as_they_are(texts: list[str]) -> None:
    values, messages = restore(texts)
    assert values == [float(text) for text in texts]
    assert messages == []
