"""The folder: the same bytes from the same seed, nothing calendar, nothing the pipeline refuses unasked."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from decidua.errors import OutsideLimits
from decidua.knowledge import table
from decidua.reporting.findings import StudyFindings
from decidua.study import load_study
from decidua.synthetic import Truth, write_study
from decidua.synthetic.plates import ANALYTES


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    truths = [write_study(tmp_path / name, seed=7, events=300, women=2) for name in ("a", "b")]
    assert truths[0] == truths[1]
    first, second = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert first == second
    assert len(first) == 2 * (2 * 4 + 4) + 1 + 4 + 4 + 5


def test_another_seed_gives_other_bytes(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_study(tmp_path / str(seed), seed=seed, events=300, women=1)
    first, second = contents(tmp_path / "1"), contents(tmp_path / "2")
    assert first.keys() == second.keys()
    same = {name for name in first if first[name] == second[name]}
    assert same == {"panels/p1.toml", "samples.csv"}


def test_more_events_change_no_truth_and_no_plate(tmp_path: Path) -> None:
    few = write_study(tmp_path / "few", seed=3, events=300, women=1)
    many = write_study(tmp_path / "many", seed=3, events=900, women=1)
    assert few == many
    a, b = contents(tmp_path / "few"), contents(tmp_path / "many")
    assert {name.partition("/")[0] for name in a if a[name] != b[name]} == {"tubes"}


@pytest.mark.parametrize("asked", [{"women": 0}, {"women": 36}, {"events": 99}, {"seed": -1}])
def test_what_cannot_be_made_is_refused(tmp_path: Path, asked: dict[str, int]) -> None:
    with pytest.raises(OutsideLimits):
        write_study(tmp_path, **asked)
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    write_study(tmp_path, events=200, women=1, progress=lambda *step: told.append(step))
    assert told == [("make", done, 16) for done in range(16)]


def test_the_study_is_sound(made: tuple[Path, Truth]) -> None:
    study = load_study(made[0])
    assert study.refused == ()
    assert study.notes == ()
    assert len(study.visits) == 6 * 4 + 4
    assert Counter(row.role for row in study.rows) == {"sample": 96, "healthy_control": 16}
    assert set(study.plates) == {f"plates/R{run}.csv" for run in range(1, 5)}


def test_only_assays_of_other_rooms_are_refused(found: StudyFindings) -> None:
    rooms = {error.file.partition("/")[0] for error in found.refused}
    assert rooms <= {"plates", "killing"}, [str(e) for e in found.refused]


def test_no_calendar_stands_in_the_tables(made: tuple[Path, Truth]) -> None:
    for name in ("samples.csv", "study.toml", "truth.csv", "references.csv"):
        assert not re.search(r"\b(19|20)\d\d-\d\d-\d\d", (made[0] / name).read_text("utf-8"))
    for tube in (made[0] / "tubes").glob("*.fcs"):
        head = tube.read_bytes()[:4096]
        assert b"$DATE" not in head
        assert b"$BTIM" not in head


def test_the_truth_is_written_as_returned(made: tuple[Path, Truth]) -> None:
    folder, truth = made
    with open(folder / "truth.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(truth.values)
    assert [float(row["value"]) for row in rows] == [v.value for v in truth.values]
    assert {row["unit"] for row in rows} <= set(table("units"))
    assert len({v.key for v in truth.values}) == len(truth.values)


def test_the_kit_names_known_analytes() -> None:
    assert len(ANALYTES) == 30
    assert set(ANALYTES.values()) <= set(table("analytes"))
    assert len(set(ANALYTES.values())) == 30
