"""Gating speed beside FlowKit: read, compensate, scale and count the 14 gates of a real workspace.

The tubes of that workspace are not among the test data; they are rebuilt with their channels, event
counts, spillover and about their population sizes. Both programs must count the same in every gate.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tests"))

from decidua.cytometry.engine import count  # noqa: E402
from decidua.cytometry.fcs import read_fcs  # noqa: E402
from decidua.cytometry.flowjo import read_workspace  # noqa: E402
from ics_tube import write_ics_tube  # noqa: E402

warnings.simplefilter("ignore")
import flowkit  # noqa: E402

DATA = Path(os.environ.get("DECIDUA_TEST_DATA", ROOT.parent / "shared" / "data"))
WORKSPACE = DATA / "cytometry/flowkit/8_color_ICS/8_color_ICS.wsp"


def ours(tube: Path) -> dict[str, int]:
    """Read and count with Decidua."""
    acquisition = read_fcs(tube)
    counts = count(acquisition, read_workspace(WORKSPACE).sample_of(acquisition).tree)
    return {row.path: row.count for row in counts.populations[1:]}


def theirs(tube: Path) -> dict[str, int]:
    """Read and count with FlowKit."""
    session = flowkit.Workspace(str(WORKSPACE), fcs_samples=[str(tube)])
    session.analyze_samples(sample_id=tube.name, use_mp=False)
    report = session.get_analysis_report()
    paths = ["/".join([*path[1:], name]) for path, name in zip(report.gate_path, report.gate_name, strict=True)]
    return dict(zip(paths, report["count"].tolist(), strict=True))


def compare(tube: Path, rounds: int) -> tuple[float, float]:
    """Return the shortest of several durations of each program [s], run in turn; counts must agree."""
    shortest = [float("inf"), float("inf")]
    for _ in range(rounds):
        counts = []
        for index, run in enumerate((ours, theirs)):
            start = time.perf_counter()
            counts.append(run(tube))
            shortest[index] = min(shortest[index], time.perf_counter() - start)
        assert counts[0] == counts[1], "the two programs count differently"
    return shortest[0], shortest[1]


def main() -> None:
    """Measure each tube, then print all as one JSON list."""
    our_total = their_total = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for seed, sample in enumerate(read_workspace(WORKSPACE).samples):
            tube = Path(folder) / sample.name
            write_ics_tube(tube, sample.events, sample.compensation.matrix, seed)
            our_time, their_time = compare(tube, rounds=5)
            speeds = [sample.events / seconds / 1e6 for seconds in (our_time, their_time)]
            print(f"{sample.name}: {sample.events} events, {speeds[0]:.2f} M/s against {speeds[1]:.2f} M/s")
            our_total, their_total = our_total + our_time, their_total + their_time
    row = {"name": "gate three tubes, 14 gates, NumPy, one thread", "unit": "s"}
    row |= {"ours": round(our_total, 3), "peer": round(their_total, 3)}
    print(json.dumps([row | {"ratio": round(their_total / our_total, 1)}]))


if __name__ == "__main__":
    main()
