"""A table row without unit or source is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from decidua.errors import BrokenKnowledge
from decidua.knowledge import fact, label, table
from decidua.knowledge.load import TABLES, read_knowledge

HEADER = "constant_id,label,value,unit,note,evidence_kind,source_id\n"


def read(tmp_path: Path, row: str, header: str = HEADER) -> None:
    path = tmp_path / "constants.csv"
    path.write_text(header + row + "\n", "utf-8")
    read_knowledge(path, TABLES["constants"])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a,A,3,,n,judgement,", "no unit"),
        ("a,A,3,d,n,paper,", "without source"),
        ("a,A,3,d,n,paper,Nobody1900", "not in sources.csv"),
        ("a,A,three,d,n,judgement,", "no number"),
        ("a,A,3,d,n,hearsay,", "evidence_kind"),
        (",A,3,d,n,judgement,", "is empty"),
        ("a,A,3,d,n,judgement,\na,A,4,d,n,judgement,", "repeats"),
    ],
)
def test_a_bad_row_is_refused(tmp_path: Path, row: str, words: str) -> None:
    with pytest.raises(BrokenKnowledge, match=words) as caught:
        read(tmp_path, row)
    assert "row" in caught.value.place
    assert caught.value.file == "constants.csv"


def test_a_sound_row_is_read(tmp_path: Path) -> None:
    read(tmp_path, "a,A,3,d,n,judgement,")


def test_facts_are_found_by_key() -> None:
    assert label("analytes", "IFNG") == "IFN-γ"
    assert label("analytes", "NOSUCH") == "NOSUCH"
    assert fact("analytes", "NOSUCH") is None
    assert fact("datings", "lh_surge").number("age_at") == 13  # type: ignore[union-attr]
    assert table("ratios")["ifng_il10"].codes("parents")[0] == "T_helper"


def test_only_numeric_columns_are_read_as_numbers() -> None:
    with pytest.raises(BrokenKnowledge, match="not a numeric column"):
        fact("analytes", "IFNG").number("label")  # type: ignore[union-attr]
