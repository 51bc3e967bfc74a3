"""The open multi-omics cohort: rotated visit labels are set right or refused, and serum never meets plasma."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_1samp

import ghaemi
from decidua.errors import Ambiguous, BrokenStudy, NotComparable

FALLING = ("IL4", "IL10", "IL13", "IL17A", "IFNG")


@pytest.fixture(scope="module")
def cohort(test_data: Path) -> Path:
    return test_data / "cohorts" / "ghaemi2019_multiomics"


def rewritten(cohort: Path, folder: Path, file: str, change: Callable[[list[list[str]]], list[list[str]]]) -> Path:
    shutil.copytree(cohort, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
    with (cohort / file).open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    with (folder / file).open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([header, *change(rows)])
    return folder


def relabelled(labels: dict[str, str]) -> Callable[[list[list[str]]], list[list[str]]]:
    return lambda rows: [[row[0][:-1] + labels[row[0][-1]], *row[1:]] for row in rows]


def test_three_files_are_rotated_and_one_is_not(cohort: Path) -> None:
    read = [ghaemi.read_cells(cohort), *(ghaemi.read_luminex(cohort, m) for m in ("serum", "plasma"))]
    assert [r.rotated for r in read] == [True, True, True]
    assert not ghaemi.read_proteins(cohort).rotated
    for features in (*read, ghaemi.read_proteins(cohort)):
        assert len(features.samples) == 68
        assert {len(v) for v in features.by_phase(features.names[0]).values()} == {17}


def test_post_partum_has_no_gestational_age(cohort: Path) -> None:
    samples = ghaemi.read_cells(cohort).samples
    assert {s.weeks for s in samples if s.phase == "post_partum"} == {None}
    pregnant = [s.weeks for s in samples if s.weeks is not None]
    assert len(pregnant) == 51
    assert 8 <= min(pregnant) <= max(pregnant) <= 32
    assert np.std(pregnant) == pytest.approx(6.86, abs=0.2)


def test_biology_is_right_after_repair_and_wrong_before(cohort: Path) -> None:
    assert min(ghaemi.read_cells(cohort).paired("Gr")) > 1.2
    assert min(ghaemi.read_proteins(cohort).paired("CSH1 CSH2")) > 20
    names, ids, values = ghaemi._read(cohort / ghaemi.CELLS)
    as_printed = ghaemi.Features("", ghaemi._samples(cohort, ids, ghaemi.PRINTED), names, values, False)
    assert min(as_printed.paired("Gr")) < 1


def test_serum_eotaxin_falls_as_published(cohort: Path) -> None:
    serum = ghaemi.read_luminex(cohort, "serum")
    assert serum.paired("EOTAXIN") == pytest.approx((0.51, 0.38, 0.35), abs=0.005)


def test_serum_and_plasma_of_one_draw_disagree(cohort: Path) -> None:
    serum, plasma = (ghaemi.read_luminex(cohort, m) for m in ("serum", "plasma"))
    for name in FALLING:
        assert all(0.78 <= ratio <= 0.94 for ratio in serum.paired(name)), name
        for phase in ghaemi.PHASES[:3]:
            found = plasma.by_phase(name)
            logs = [np.log(v / found["post_partum"][w]) for w, v in found[phase].items()]
            assert ttest_1samp(logs, 0).pvalue > 0.05, name


def test_serum_never_meets_plasma() -> None:
    serum, plasma = (ghaemi.measurand(m, "EOTAXIN") for m in ("serum", "plasma"))
    with pytest.raises(NotComparable, match="serum, plasma") as caught:
        serum.require_same(plasma)
    assert caught.value.place == "material"


def test_labels_that_are_right_are_read_as_printed(cohort: Path, tmp_path: Path) -> None:
    right = dict(zip("4123", "1234", strict=True))
    found = ghaemi.read_cells(rewritten(cohort, tmp_path, ghaemi.CELLS, relabelled(right)))
    assert not found.rotated
    assert found.samples == ghaemi.read_cells(cohort).samples


def test_labels_no_reading_sets_right_are_refused(cohort: Path, tmp_path: Path) -> None:
    swapped = dict(zip("1234", "2314", strict=True))
    folder = rewritten(cohort, tmp_path, ghaemi.CELLS, relabelled(swapped))
    with pytest.raises(Ambiguous, match="lowest post partum in no reading"):
        ghaemi.read_cells(folder)
    with pytest.raises(Ambiguous):
        ghaemi.read_luminex(folder, "serum")


def test_beads_that_lie_beside_other_cells_are_refused(cohort: Path, tmp_path: Path) -> None:
    folder = rewritten(cohort, tmp_path, ghaemi.LUMINEX["serum"], lambda rows: rows[::-1])
    with pytest.raises(Ambiguous, match="which visit is post partum"):
        ghaemi.read_luminex(folder, "serum")


def test_plasma_is_not_read_as_serum(cohort: Path, tmp_path: Path) -> None:
    shutil.copytree(cohort, tmp_path, dirs_exist_ok=True, copy_function=shutil.copyfile)
    shutil.copyfile(cohort / ghaemi.LUMINEX["plasma"], tmp_path / ghaemi.LUMINEX["serum"])
    with pytest.raises(BrokenStudy, match="not of serum"):
        ghaemi.read_luminex(tmp_path, "serum")


@pytest.mark.parametrize("change", [lambda rows: [*rows, rows[0]], lambda rows: [["K9", *rows[0][1:]], *rows]])
def test_names_that_say_no_visit_are_refused(
    cohort: Path, tmp_path: Path, change: Callable[[list[list[str]]], list[list[str]]]
) -> None:
    with pytest.raises(BrokenStudy, match="says no visit"):
        ghaemi.read_cells(rewritten(cohort, tmp_path, ghaemi.CELLS, change))
