"""Damaged FCS files: only declared errors, bounded memory, and never a silently wrong count of events."""

from __future__ import annotations

import contextlib
import json
import random
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from decidua.cytometry.acquisition import Acquisition
from decidua.cytometry.fcs import list_data_sets, read_fcs
from decidua.errors import Ambiguous, UnreadableFile
from fcs_building import FCS

BATCHES = 20
MUTANTS_PER_BATCH = 250
MEMORY_FACTOR, MEMORY_SPARE = 3, 50 * 2**20
SHARED = (
    "flowkit/simple_line/data_set_simple_line_100.fcs",
    "fcs_edge/variable_int_example.fcs",
    "fcs_edge/data_start_offset_discrepancy_example.fcs",
    "fcs_edge/data_stop_offset_discrepancy_example.fcs",
    "fcs_edge/index_sorted_example.fcs",
    "fcs_edge/cyflow_cube_8.fcs",
    "fcs_edge/sample_header.fcs",
    "fcs_edge/B01 KC-A-W---91-US.fcs",
    "fcs_edge/System II listmode with extra info in bits D10-D15.LMD",
    "stimgate_sim/sample01_cond01.fcs",
    "ics_seb_spectral/2025_07_31_AB_04_NY068_04_SEB.fcs",
)
NUMBERED = rb"\$(?:TOT|PAR|P\d+B|P\d+R|BEGINDATA|ENDDATA|BEGINSTEXT|ENDSTEXT)(?P<d>[^\w$])\s*(\d+)\s*(?P=d)"
LAYOUT = rb"\$(?:TOT|PAR|P\d+B)(?P<d>[^\w$])\s*(\d+)\s*(?P=d)"
NEXT = rb"\$NEXTDATA(?P<d>[^\w$])\s*(\d+)\s*(?P=d)"


def built_seeds() -> list[bytes]:
    integers = [(n, 2 * n) for n in range(50)]
    floats = [(1.5 * n, -n / 3, 1e6 / (n + 1)) for n in range(40)]
    spill = {"$SPILLOVER": "2,C1,C2,1,0.1,0.05,1", "$TIMESTEP": "0.01", "$P3N": "Time", "$P1G": "2"}
    first = FCS(keywords={"$NEXTDATA": f"{0:>8}"})
    first.keywords = {"$NEXTDATA": f"{len(first.build()):>8}"}
    return [
        FCS(events=floats, kind="F", bits=(32,) * 3, keywords=spill).build(),
        FCS(events=floats, kind="D", bits=(64,) * 3, order="4,3,2,1", version="3.0", delimiter="|").build(),
        FCS(events=integers, bits=(24, 8), version="2.0", delimiter="\\").build(),
        FCS(events=integers, bits=(32, 32), order="3,4,1,2", supplement={"$COM": "a"}).build(),
        FCS(keywords={"$P1E": "4,1", "$P1R": "1024", "$COM": "a/b//c"}, tail=b"   12345").build(),
        first.build() + FCS(events=((7, 8),)).build(),
    ]


def number(rng: random.Random, old: int, size: int) -> int:
    near = [old + 1, max(old - 1, 0), old * 2, old // 2, size, size - 1]
    known = [0, 1, 8, 16, 24, 32, 64, 99_999_999, 100_000_000, 2**31, 2**32, 2**63, 10**19]
    return rng.choice([*near, *known, rng.randrange(10 ** rng.randrange(1, 12))])


def replaced(rng: random.Random, content: bytes, pattern: bytes, value=number) -> bytes:
    """Let one number in TEXT lie, sometimes at the cost of shifting all that follows."""
    found = list(re.finditer(pattern, content))
    if not found:
        return content
    match = rng.choice(found)
    begin, end = match.span(2)
    new = str(value(rng, int(match[2]), len(content))).encode()
    if rng.random() < 0.7:
        new = new.rjust(end - begin, rng.choice([b" ", b"0"]))[-(end - begin) :]
    return content[:begin] + new + content[end:]


def flip(rng: random.Random, content: bytes) -> bytes:
    mutant = bytearray(content)
    for _ in range(rng.randrange(1, 12)):
        reach = rng.choice([58, 3000, len(content)])
        mutant[rng.randrange(min(reach, len(mutant)))] ^= 1 << rng.randrange(8)
    return bytes(mutant)


def truncate(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content))]


def splice(rng: random.Random, content: bytes) -> bytes:
    begin, goal = rng.randrange(len(content)), rng.randrange(len(content))
    piece = content[begin : begin + rng.randrange(1, 400)]
    kept = rng.choice([goal, goal + len(piece), goal + rng.randrange(400)])
    return content[:goal] + rng.choice([piece, b""]) + content[kept:]


def lie(rng: random.Random, content: bytes) -> bytes:
    return replaced(rng, content, LAYOUT)


def offsets(rng: random.Random, content: bytes) -> bytes:
    if rng.random() < 0.5:
        return replaced(rng, content, NUMBERED, lambda r, old, size: max(old + r.choice([-1, 1]), 0))
    at = rng.choice([10, 18, 26, 34])
    old = content[at : at + 8].strip()
    shifted = int(old) + rng.choice([-1, 1]) if old.isdigit() else 0
    new = rng.choice([shifted, shifted, shifted, 99_999_999, 100_000_000, 0, -1, "", "x" * 8])
    return content[:at] + f"{new:>8}".encode()[:8] + content[at + 8 :]


def delimiter_in_value(rng: random.Random, content: bytes) -> bytes:
    begin, end = text_span(content)
    at = rng.randrange(begin + 1, end + 1)
    sign = content[begin : begin + 1] * rng.choice([1, 1, 2, 3])
    return content[:at] + sign + content[at + rng.choice([0, len(sign)]) :]


def foreign(rng: random.Random, content: bytes) -> bytes:
    mutant = bytearray(content)
    for _ in range(rng.randrange(1, 6)):
        mutant[rng.randrange(*text_span(content))] = rng.randrange(128, 256)
    return bytes(mutant)


def next_data(rng: random.Random, content: bytes) -> bytes:
    part = content[: rng.randrange(len(content))]
    grown = content + rng.choice([b"", content, b"FCS3.1" + b" " * 60, part])
    goals = [0, 1, 58, len(content), len(grown), len(grown) - 6, 99_999_999]
    return replaced(rng, grown, NEXT, lambda r, old, size: r.choice(goals))


MUTATIONS = (flip, truncate, splice, lie, offsets, delimiter_in_value, foreign, next_data)


def text_span(content: bytes) -> tuple[int, int]:
    """Give the span of TEXT, or of the whole mutant where HEADER no longer tells."""
    begin, end = content[10:18].strip(), content[18:26].strip()
    if begin.isdigit() and end.isdigit() and int(begin) < int(end) < len(content):
        return int(begin), int(end)
    return 0, len(content) - 1


def read_any(path: Path) -> Acquisition | None:
    """Read as far as declared errors allow, and use everything that was read."""
    try:
        acquisition = read_fcs(path)
    except Ambiguous:
        with contextlib.suppress(UnreadableFile):
            list_data_sets(path)
        try:
            acquisition = read_fcs(path, data_set=1)
        except UnreadableFile:
            return None
    except UnreadableFile as error:
        if not (error.file and error.place):
            raise AssertionError("an error names neither file nor place") from error
        return None
    assert acquisition.events().shape == (acquisition.count, len(acquisition.channels))
    acquisition.events(scaled=True)
    acquisition.column(len(acquisition.channels))
    json.dumps(acquisition.line(), allow_nan=False)
    return acquisition


def balances(acquisition: Acquisition, content: bytes, spare: int) -> bool:
    """Redo the arithmetic of DATA from the bytes, trusting the reader only for keywords and widths."""
    needed = acquisition.count * sum(channel.bits for channel in acquisition.channels) // 8
    stated = [acquisition.keywords.get(key, "").encode() for key in ("$BEGINDATA", "$ENDDATA")]
    for begin, end in ((content[26:34], content[34:42]), stated):
        first, last = (span_end.replace(b"\0", b" ").strip() for span_end in (begin, end))
        if (
            first.isdigit()
            and last.isdigit()
            and int(first) > 0
            and 0 <= int(last) - int(first) + 1 - needed <= spare
            and int(first) + needed <= len(content)
        ):
            return True
    return needed == 0


def check(mutant: bytes, path: Path) -> Acquisition | None:
    path.unlink(missing_ok=True)  # truncating a file that is still mapped costs more than reading it
    path.write_bytes(mutant)
    acquisition = read_any(path)
    if tracemalloc.is_tracing():
        # The mapped pages of the file itself are not traced.
        assert tracemalloc.get_traced_memory()[1] <= (MEMORY_FACTOR - 1) * len(mutant) + MEMORY_SPARE
        tracemalloc.reset_peak()
    if acquisition is not None:
        # A wrong count is never excused by a defect; a spare byte or a count not stated is, but never silent.
        recorded = bool(acquisition.defects)
        assert balances(acquisition, mutant, spare=1 if recorded else 0)
        stated = acquisition.keywords.get("$TOT", "").strip()
        if re.fullmatch(r"[0-9]{1,20}", stated):
            assert int(stated) == acquisition.count
        else:
            assert recorded or acquisition.version == "2.0"
    return acquisition


@pytest.fixture(scope="module")
def seeds(request) -> list[bytes]:
    made = built_seeds()
    try:
        folder = request.getfixturevalue("test_data") / "cytometry"
    except pytest.skip.Exception:
        return made
    return made + [(folder / name).read_bytes() for name in SHARED]


@contextlib.contextmanager
def traced(wanted: bool = True) -> Iterator[None]:
    if wanted:
        tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("batch", range(BATCHES))
def test_mutants(batch, seeds, tmp_path):
    # Tracing memory trebles the time, so one batch in four bears it.
    with traced(batch % 4 == 0):
        run_batch(batch, seeds, tmp_path / "mutant.fcs")


def run_batch(batch: int, seeds: list[bytes], path: Path) -> None:
    rng = random.Random(batch)
    for turn in range(MUTANTS_PER_BATCH):
        mutant = rng.choice(seeds)
        mutation = MUTATIONS[turn % len(MUTATIONS)]
        for _ in range(rng.choice([1, 1, 1, 2])):
            if len(mutant) > 2:
                mutant = mutation(rng, mutant)
                mutation = rng.choice(MUTATIONS)
        check(mutant, path)


def test_a_lying_layout_changes_the_result_or_is_refused_or_recorded(seeds, tmp_path):
    path = tmp_path / "mutant.fcs"
    rng, accepted = random.Random(0), 0
    for seed in seeds:
        path.unlink(missing_ok=True)
        path.write_bytes(seed)
        original = read_any(path)
        if original is None:
            continue
        events = original.events().copy()
        fields = list(re.compile(LAYOUT).finditer(seed, *text_span(seed)))
        for match in rng.sample(fields, min(len(fields), 10)):
            for value in {0, 1, int(match[2]) + 1, int(match[2]) - 1, int(match[2]) * 2, 8, 16, 24, 32, 64}:
                if value == int(match[2]) or value < 0:
                    continue
                begin, end = match.span(2)
                lying = str(value).encode().rjust(end - begin)
                if len(lying) > end - begin:
                    continue
                acquisition = check(seed[:begin] + lying + seed[end:], path)
                if acquisition is not None and acquisition.defects == original.defects:
                    accepted += 1
                    assert not np.array_equal(acquisition.events(), events, equal_nan=True)
    assert accepted == 0


@pytest.mark.parametrize("piece", ["{}/1/", "{}//", "{}", "//"])
def test_a_text_full_of_keywords_stays_within_memory(piece, tmp_path):
    text = "/" + "".join(piece.format(n) for n in range(200_000))
    header = "FCS3.1    " + "".join(f"{offset:>8}" for offset in (58, 57 + len(text), 0, 0, 0, 0))
    mutant = (header + text).encode()
    with traced():
        assert check(mutant, tmp_path / "full.fcs") is None
