"""Other laboratories' cut-offs: each with n, accuracy, source or a caution, and applied nowhere."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from decidua.errors import BrokenKnowledge
from decidua.knowledge import cutoffs, table
from decidua.knowledge.cutoffs import published_cutoffs
from decidua.knowledge.load import TABLES, Fact, read_knowledge

ROOT = Path(__file__).resolve().parents[2]
HEADER = ",".join(table("cutoffs")["C01"].cells)


def row(**cells: str) -> str:
    whole = {**table("cutoffs")["C01"].cells, **cells}
    return ",".join(f'"{cell}"' for cell in whole.values())


def test_a_cutoff_stands_beside_its_cautions() -> None:
    (first, *rest) = published_cutoffs()
    assert len(rest) == 46
    assert (first.value, first.unit, first.auc, first.n_cases, first.n_comparators) == (36.2, "ratio", 0.66, 42, 29)
    assert first.cautions == ("a group of fewer than 50 women",)
    assert first.source == "Lee2013"
    assert {c.test for c in published_cutoffs("nk_killing")} == {"nk_killing"}
    assert published_cutoffs("no_such_test") == ()


def test_every_number_comes_from_the_literature_table(test_data: Path) -> None:
    with (test_data / "literature" / "diagnostic_cutoffs.csv").open(encoding="utf-8", newline="") as lines:
        printed = {r["row_id"]: r for r in csv.DictReader(lines)}
    assert [c.id for c in published_cutoffs()] == list(printed)
    for cutoff in published_cutoffs():
        theirs = printed[cutoff.id]
        pairs = [
            (cutoff.value, "cutoff"), (cutoff.auc, "auc"), (cutoff.sensitivity, "sensitivity_pct"),
            (cutoff.specificity, "specificity_pct"), (cutoff.n_cases, "n_case"), (cutoff.n_comparators, "n_comparator"),
        ]  # fmt: skip
        assert [n for n, _ in pairs] == [float(theirs[name]) if theirs[name] else None for _, name in pairs]
        assert len(cutoff.cautions) == len([c for c in theirs["caution"].split(";") if c])


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"unit": ""}, "no unit"),
        ({"source_id": ""}, "without source"),
        ({"source_id": "Nobody1900"}, "not in sources.csv"),
        ({"caution": "beware"}, "not in cautions.csv"),
        ({"cutoff": "high"}, "no number"),
        ({"auc": "0.66 (0.5-0.8)"}, "no number"),
    ],
)
def test_a_bad_row_is_refused(tmp_path: Path, cells: dict[str, str], words: str) -> None:
    path = tmp_path / "cutoffs.csv"
    path.write_text(f"{HEADER}\n{row(**cells)}\n", "utf-8")
    with pytest.raises(BrokenKnowledge, match=words):
        read_knowledge(path, TABLES["cutoffs"])


@pytest.mark.parametrize("cells", [{"cutoff": ""}, {"auc": ""}])
def test_what_is_missing_needs_a_caution(monkeypatch: pytest.MonkeyPatch, cells: dict[str, str]) -> None:
    broken = Fact("cutoffs", "C01", {**table("cutoffs")["C01"].cells, **cells})
    monkeypatch.setattr(cutoffs, "table", lambda _: {"C01": broken})
    with pytest.raises(BrokenKnowledge, match="or a caution"):
        published_cutoffs()


def test_no_room_below_the_reports_reads_them() -> None:
    readers = {
        path.relative_to(ROOT / "src" / "decidua").parts[0]
        for path in (ROOT / "src" / "decidua").rglob("*.py")
        if "cutoffs" in path.read_text("utf-8")
    }
    assert readers <= {"knowledge", "reporting"}
