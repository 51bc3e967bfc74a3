"""Bad input in a study of every room: each kind is named in the words kept here, and no other result moves."""

from __future__ import annotations

import csv
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from decidua.batch import write_results
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.fcs_writer import write_fcs
from decidua.pipeline import place_study, quantify
from decidua.study import load_study
from decidua.synthetic import write_study

MESSAGES = Path(__file__).with_name("bad_study_messages.txt")
STIMULATED, UNSTIMULATED = "tubes/W1_V1_P1_pma_ionomycin.fcs", "tubes/W1_V1_P1_none.fcs"
PLATE, KILLING = "plates/R1.csv", "killing/R1.csv"

Results = dict[tuple[str, str, str], str]


def run(folder: Path) -> tuple[Results, list[str]]:
    """Return each row of measurements.csv by visit, file and measurand, and what was refused or noted."""
    findings = place_study(study := load_study(folder), quantify(study))
    write_results(findings, folder / "results")
    text = (folder / "results" / "measurements.csv").read_text("utf-8")
    rows = {}
    for row, line in zip(csv.DictReader(text.splitlines()), text.splitlines()[1:], strict=True):
        rows[f"{row['subject']} {row['visit']}", row["source_file"], row["measurand"] + row["source_place"]] = line
    said = [f"{type(e).__name__} | {e.file} | {e.place} | {e.message} | {e.remedy}" for e in findings.refused]
    said += [f"{n.code} | {n.file} | {n.place} | {n.message}" for n in findings.notes if n.code != "row_unused"]
    return rows, said


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results]:
    folder = tmp_path_factory.mktemp("sound")
    write_study(folder, seed=1, events=2_000)
    lines = (folder / "samples.csv").read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines[1:] if re.search(",(W1,V1|W2,V1|HC,R1),", line)]
    (folder / "samples.csv").write_text("".join([lines[0], *kept]), "utf-8")
    study = (folder / "study.toml").read_text("utf-8").split("[[plates]]")
    controls = "[controls]" + study[-1].split("[controls]")[1]
    (folder / "study.toml").write_text(f"{study[0]}[[plates]]{study[1]}{controls}", "utf-8")
    for path in (*folder.glob("tubes/*.fcs"), *folder.glob("*/R?.csv")):
        if not re.search("/(W[12]_V1_|HC_R1_|R1)", path.as_posix()):
            path.unlink()
    rows, said = run(folder)
    assert said == []
    assert {file for _, file, _ in rows} > {STIMULATED, UNSTIMULATED, PLATE, KILLING}
    return folder, rows


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def not_finite(raw: bytes) -> bytes:
    begin = int(raw[26:34])
    return raw[:begin] + struct.pack("<2f", float("nan"), float("inf")) + raw[begin + 8 :]


def no_events(path: Path) -> None:
    tube = read_fcs(path)
    write_fcs(path, tube.events()[:0], tube.channels)


def fewer_bytes(folder: Path) -> None:
    rewrite(folder / STIMULATED, lambda raw: raw[:-1000])


def lying_total(folder: Path) -> None:
    rewrite(folder / STIMULATED, lambda raw: re.sub(rb"(\$TOT.)\d", rb"\g<1>9", raw, count=1))


def resheet(folder: Path, change: Callable[[str], str]) -> None:
    rewrite(folder / "samples.csv", lambda raw: change(raw.decode("utf-8")).encode("cp1252"))


CASES: dict[str, tuple[Callable[[Path], object], Callable[[str, str], bool]]] = {
    "truncated tube": (fewer_bytes, lambda visit, file: file == STIMULATED),
    "lying $TOT": (lying_total, lambda visit, file: file == STIMULATED),
    "text renamed .fcs": (
        lambda f: (f / STIMULATED).write_text("Time,FSC-A\n1,2\n"),
        lambda visit, file: file == STIMULATED,
    ),
    "NaN and inf events": (
        lambda f: rewrite(f / STIMULATED, not_finite),
        lambda visit, file: file == STIMULATED,
    ),
    "tube of no events": (lambda f: no_events(f / STIMULATED), lambda visit, file: file == STIMULATED),
    "absent tube": (
        lambda f: (f / UNSTIMULATED).unlink(),
        lambda visit, file: file in (STIMULATED, UNSTIMULATED),
    ),
    "workspace of another tube": (
        lambda f: rewrite(f / "tubes/p1.wsp", lambda raw: raw.replace(b"W1_V1_P1_pma_ionomycin.fcs", b"OTHER.fcs")),
        lambda visit, file: file == STIMULATED,
    ),
    "plate without standards": (
        lambda f: rewrite(f / PLATE, lambda raw: re.sub(rb"[^\n]*Standard\d[^\n]*\n", b"", raw)),
        lambda visit, file: file == PLATE,
    ),
    "killing table without targets alone": (
        lambda f: rewrite(f / KILLING, lambda raw: re.sub(rb"W1-V1-B,targets_alone[^\n]*\n", b"", raw)),
        lambda visit, file: visit == "W1 V1" and file == KILLING,
    ),
    "negative gestational age": (
        lambda f: resheet(f, lambda text: re.sub("(,W1,V1,.*lh_surge),d13", r"\1,d33", text)),
        lambda visit, file: visit == "W1 V1",
    ),
    "a sheet of semicolons and decimal commas": (
        lambda f: resheet(f, lambda text: text.replace(",", ";").replace(";4;", ";4,0;")),
        lambda visit, file: False,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_named_and_nothing_else_moves(name: str, sound: tuple[Path, Results], tmp_path: Path) -> None:
    damage, touched = CASES[name]
    folder = Path(shutil.copytree(sound[0], tmp_path / "study"))
    damage(folder)
    rows, said = run(folder)
    assert others(rows, touched) == others(sound[1], touched)
    assert said
    kept = re.findall(r"^# (.+)\n((?:(?!# ).+\n)*)", MESSAGES.read_text("utf-8"), re.MULTILINE)
    assert said == dict(kept)[name].splitlines()


def others(results: Results, touched: Callable[[str, str], bool]) -> Results:
    """Keep what the damage does not touch; the hash of a damaged table stands in every row read from it."""
    return {
        key: re.sub("[0-9a-f]{64}", "", line) if key[1] == KILLING else line
        for key, line in results.items()
        if not touched(key[0], key[1])
    }


def test_two_plates_of_one_file_name_stay_apart(sound: tuple[Path, Results], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(sound[0], tmp_path / "study"))
    (folder / "more").mkdir()
    shutil.copy(folder / PLATE, folder / "more/R1.csv")
    resheet(folder, lambda text: text.replace(f"{PLATE},W2-V1-S", "more/R1.csv,W2-V1-S"))
    block = '[[plates]]\nfile = "more/R1.csv"\nkit = "made-30-plex"\nplatform = "luminex-xponent"\n\n[controls]'
    study = (folder / "study.toml").read_text("utf-8")
    (folder / "study.toml").write_text(study.replace("[controls]", block), "utf-8")
    rows, said = run(folder)
    assert said == []
    moved = {key: line.replace(PLATE, "more/R1.csv") for key, line in sound[1].items() if key[:2] == ("W2 V1", PLATE)}
    assert len(moved) == 30
    kept = {key: line for key, line in sound[1].items() if key[:2] != ("W2 V1", PLATE)}
    assert {key: line for key, line in rows.items() if key[1] != "more/R1.csv"} == kept
    assert sorted(line for key, line in rows.items() if key[1] == "more/R1.csv") == sorted(moved.values())
