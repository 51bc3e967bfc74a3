"""Count tables: both kinds read, every contradiction named."""

from __future__ import annotations

from pathlib import Path

import pytest

from decidua.cytometry.counts import CountFile, guess_spec, read_counts
from decidua.errors import BrokenCounts, BrokenStudy, DecidualError
from decidua.study import CountTable

BOOLEAN = CountTable(
    file="c.csv", kind="boolean", row=["id", "stim"], parent="L/CD4", markers={"g": "IFNG", "10": "IL10"}
)
FLOWJO = CountTable(file="c.csv", kind="flowjo")
HEAD = '"id","stim","L/CD4,Count","L/CD4/g+10+,Count","L/CD4/g+10-,Count","L/CD4/g-10+,Count","L/CD4/g-10-,Count"\n'


def read(tmp_path: Path, text: str, spec: CountTable) -> CountFile:
    (tmp_path / "c.csv").write_text(text, "utf-8")
    return read_counts(tmp_path / "c.csv", spec)


def test_boolean_subsets(tmp_path: Path) -> None:
    found = read(tmp_path, HEAD + "a,s,100,1,2,3,94\n", BOOLEAN)
    tube = found.tube("a|s")
    (subsets,) = tube.subsets
    assert subsets.markers == ("IFNG", "IL10")
    assert subsets.cells.tolist() == [94, 3, 2, 1]
    assert found.populations == 5


def test_a_missing_all_negative_subset_is_the_remainder(tmp_path: Path) -> None:
    head = HEAD.replace(',"L/CD4/g-10-,Count"', "")
    found = read(tmp_path, head + "a,s,100,1,2,3\n", BOOLEAN)
    assert found.tube("a|s").subsets[0].cells.tolist() == [94, 3, 2, 1]
    assert [n.code for n in found.notes] == ["remainder_computed"]


def test_counts_that_do_not_sum_are_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    found = read(tmp_path, HEAD + "a,s,100,1,2,3,94\nb,s,100,1,2,3,93\n", BOOLEAN)
    assert list(found.tubes) == ["a|s"]
    assert found.refused[0].place == "row 3, b|s"
    with pytest.raises(BrokenCounts, match="sum to 99"):
        found.tube("b|s")


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (HEAD.replace(',"L/CD4/g+10-,Count"', ""), "1 of 4 subsets are missing"),
        (HEAD.replace("g-10+", "g-x+"), "does not run over"),
        (HEAD.replace("g-10+", "g+10+", 1), "stands twice"),
        (HEAD.replace("L/CD4,Count", "L/CD8,Count"), "no count of the parent"),
    ],
)
def test_gaps_in_the_subsets_are_refused(tmp_path: Path, head: str, words: str) -> None:
    cells = ",".join(["a", "s", "100", "1", "2", "3", "94"][: head.count('","') + 1])
    with pytest.raises(DecidualError, match=words):
        read(tmp_path, head + cells + "\n", BOOLEAN)


def test_an_unmapped_marker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenCounts, match="'10' is not mapped"):
        read(tmp_path, HEAD + "a,s,100,1,2,3,94\n", BOOLEAN.model_copy(update={"markers": {"g": "IFNG"}}))


@pytest.mark.parametrize("key", ["a|S", "a |s", "a|t"])
def test_row_keys_are_exact_and_near_misses_are_suggested(tmp_path: Path, key: str) -> None:
    found = read(tmp_path, HEAD + "a,s,100,1,2,3,94\n", BOOLEAN)
    with pytest.raises(BrokenStudy) as caught:
        found.tube(key)
    assert "'a|s'" in caught.value.remedy


def test_two_rows_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenCounts, match="two rows"):
        read(tmp_path, HEAD + "a,s,100,1,2,3,94\na,s,100,1,2,3,94\n", BOOLEAN)


@pytest.mark.parametrize("cell", ["-1", "1.5", "x", ""])
def test_what_is_no_count_is_refused(tmp_path: Path, cell: str) -> None:
    found = read(tmp_path, HEAD + f"a,s,100,{cell},2,3,94\n", BOOLEAN)
    assert len(found.refused) == 1


FJ = ",Lymphocytes | Count,Lymphocytes/CD3+ | Count,Lymphocytes/CD3+ | Freq. of Parent\n"


def test_flowjo_table_with_shares(tmp_path: Path) -> None:
    found = read(tmp_path, FJ + "t1.fcs,48210,33120,68.7 %\nMean,48210,33120,68.7\nSD,0,0,0\n", FLOWJO)
    tube = found.tube("t1.fcs")
    assert tube.counts == {"Lymphocytes": 48210, "Lymphocytes/CD3+": 33120}
    assert tube.parent_of("Lymphocytes/CD3+") == "Lymphocytes"
    assert [n.code for n in found.notes] == ["summary_rows_left_out"] * 2


def test_flowjo_9_header(tmp_path: Path) -> None:
    found = read(tmp_path, '"","Count","L,Count","L/CD3+,Count"\na,100,50,20\n', FLOWJO)
    assert found.tube("a").counts == {"": 100, "L": 50, "L/CD3+": 20}


def test_a_share_that_contradicts_its_counts_is_refused(tmp_path: Path) -> None:
    found = read(tmp_path, FJ + "t1.fcs,48210,33120,68.9\n", FLOWJO)
    assert "68.9" in found.refused[0].message


def test_a_child_above_its_parent_is_refused(tmp_path: Path) -> None:
    found = read(tmp_path, FJ + "t1.fcs,100,120,\nt2.fcs,100,20,\n", FLOWJO)
    assert list(found.tubes) == ["t2.fcs"]
    assert "more than its parent" in found.refused[0].message


def test_a_population_without_counted_parent_is_refused(tmp_path: Path) -> None:
    found = read(tmp_path, ",A/B | Count,C | Count\nt,5,9\n", FLOWJO)
    assert "no counted parent" in found.refused[0].message


def test_shares_without_counts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenCounts) as caught:
        read(tmp_path, ",L | Count,L/CD3+ | Freq. of Parent\nt,5,9\n", FLOWJO)
    assert "Export Count as well" in caught.value.remedy


def test_an_empty_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenStudy, match="empty"):
        read(tmp_path, "", FLOWJO)


def test_a_bare_real_table_is_understood(test_data: Path) -> None:
    path = test_data / "cytometry" / "ics_counts" / "SimpleCOMPASSExamples.csv"
    found = read_counts(path, guess_spec(path, path.name))
    assert (len(found.tubes), found.populations, found.refused) == (42, 257, ())
    (subsets,) = next(iter(found.tubes.values())).subsets
    assert subsets.markers == ("IFNG", "IL2", "IL10", "IL17A", "IL17F", "IL22", "CCL4", "TNF")
