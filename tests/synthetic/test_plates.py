"""Made plates against another program; the export's own arithmetic; the planted curve in the signals."""

from __future__ import annotations

import csv
import io
import re
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest

from decidua.errors import OutsideLimits
from decidua.synthetic import Truth
from decidua.synthetic.plates import ANALYTES, LEVELS, STEP, draw_kit, draw_plate
from decidua.synthetic.xponent_writer import Export, xponent_csv


@pytest.fixture(scope="module")
def sections(made: tuple[Path, Truth]) -> dict[str, list[list[str]]]:
    text = (made[0] / "plates" / "R2.csv").read_text("utf-8")
    found: dict[str, list[list[str]]] = {}
    for row in csv.reader(io.StringIO(text)):
        if row[:1] == ["DataType:"]:
            found[row[1]] = []
        elif row and found and not row[0].startswith(("-- CRC", "CRC32")):
            found[list(found)[-1]].append(row)
    return found


def test_the_sections_of_the_dialect(sections: dict[str, list[list[str]]]) -> None:
    wanted = ["Median", "Net MFI", "Count", "Result", "Units", "Standard Expected Concentration"]
    assert [name for name in wanted if name not in sections] == []
    assert [name for name in ("Control Expected Concentration", "Dilution Factor") if name not in sections] == []
    samples = [row[1] for row in sections["Median"][1:]]
    assert samples.count("Background0") == 2
    assert len([s for s in samples if s.startswith("Standard")]) == 2 * LEVELS
    assert len([s for s in samples if s.startswith("Control")]) == 6
    assert all(samples.count(name) == 2 for name in set(samples))
    assert len(samples) == 2 + 2 * LEVELS + 6 + 2 * 7


def test_net_is_median_less_the_blanks(sections: dict[str, list[list[str]]]) -> None:
    median, net = (np.array([row[2:-1] for row in sections[name][1:]], float) for name in ("Median", "Net MFI"))
    blank = np.array([row[1] == "Background0" for row in sections["Median"][1:]])
    assert net == pytest.approx(median - median[blank].mean(axis=0), abs=1e-9)


def test_the_checksum_is_of_the_bytes_before_it(made: tuple[Path, Truth]) -> None:
    raw = (made[0] / "plates" / "R1.csv").read_bytes()
    body, _, rest = raw.partition(b"-- CRC --\r\n")
    found = re.fullmatch(rb"CRC32: ([0-9A-F]{8})\r\n", rest)
    assert found
    assert int(found[1], 16) == zlib.crc32(body)
    assert int(found[1], 16) != zlib.crc32(body.replace(b"Standard1", b"Standard2", 1))


def test_the_peer_reads_the_same_plate(made: tuple[Path, Truth], sections: dict[str, list[list[str]]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from allotropy.parser_factory import Vendor
        from allotropy.to_allotrope import allotrope_from_file

        found = allotrope_from_file(str(made[0] / "plates" / "R2.csv"), Vendor.LUMINEX_XPONENT)
    documents = found["multi analyte profiling aggregate document"]["multi analyte profiling document"]
    theirs: dict[tuple[str, str], tuple[float, float]] = {}
    for document in documents:
        for measured in document["measurement aggregate document"]["measurement document"]:
            well = measured["sample document"]["location identifier"]
            for analyte in measured["analyte aggregate document"]["analyte document"]:
                statistics = analyte["statistics aggregate document"]["statistics document"][0]
                dimensions = statistics["statistic dimension aggregate document"]["statistic dimension document"]
                median = dimensions[0]["statistical value"]
                assert median["has statistic datum role"] == "median role"
                theirs[well, analyte["analyte name"]] = (median["value"], analyte["assay bead count"]["value"])
    names = sections["Median"][0][2:-1]
    ours = {
        (row[0].split(",")[1].rstrip(")"), name): (float(value), float(beads))
        for row, counts in zip(sections["Median"][1:], sections["Count"][1:], strict=True)
        for name, value, beads in zip(names, row[2:-1], counts[2:-1], strict=True)
    }
    assert theirs == ours


def test_the_signals_follow_the_planted_curve() -> None:
    kit = draw_kit(np.random.default_rng(1))
    plate = draw_plate("R1", kit, [("S", kit.typical)], np.random.default_rng(2))
    standards = np.array([sample.startswith("Standard") for _, sample, _ in plate.wells])
    levels = np.repeat(kit.highest / STEP ** np.arange(LEVELS)[:, None], 2, axis=0)
    error = np.log(plate.median[standards] / kit.signal(levels))
    assert abs(error.mean()) < 0.01
    assert 0.03 < error.std() < 0.06
    assert (np.diff(kit.signal(levels)[::2], axis=0) < 0).all()


def test_a_plate_holds_so_many_samples() -> None:
    kit = draw_kit(np.random.default_rng(1))
    samples = [(f"S{n}", kit.typical) for n in range(37)]
    assert len(draw_plate("R1", kit, samples[:36], np.random.default_rng(2)).wells) == 96
    with pytest.raises(OutsideLimits, match="37 samples"):
        draw_plate("R1", kit, samples, np.random.default_rng(2))


def test_what_is_no_plate_is_refused() -> None:
    signal, beads = np.ones((1, 1)), np.ones((1, 1), np.int64)
    names = {next(iter(ANALYTES)): 12}
    with pytest.raises(OutsideLimits, match="blank"):
        xponent_csv(Export("R1", names, [("A1", "S", 2.0)], signal, beads, {}, {}))
    with pytest.raises(OutsideLimits, match="do not fit"):
        xponent_csv(Export("R1", names, [], signal, beads, {}, {}))
