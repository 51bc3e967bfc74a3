"""A study small enough to read: one count table, two women, written to a folder and changed by a test."""

from __future__ import annotations

from pathlib import Path

STUDY = """\
study = { schema = 1, id = "tiny", laboratory = "LAB1" }
panels = { P1 = "panels/p1.toml" }

[[counts]]
file = "counts/day_1.csv"
kind = "flowjo"
"""

PANEL = """\
panel = { id = "P1" }

[populations]
T_helper = { is = "CD3+CD8-", path = "L/T/H" }

[positives]
IFNG = { gate = "IFNg+", parents = ["T_helper"] }
IL4 = { gate = "IL4+", parents = ["T_helper"] }

[stimuli.pma_ionomycin]
phorbol = true
agents = [{ name = "PMA", value = 50, unit = "ng/mL" }]
"""

COUNTS = """\
,L | Count,L/T | Count,L/T/H | Count,L/T/H/IFNg+ | Count,L/T/H/IL4+ | Count
W1_none,48210,33120,21930,40,22
W1_pma,47900,32800,20110,3580,310
W2_none,48000,33000,21000,45,20
W2_pma,48000,33000,21000,2500,280
"""

HEADER = ",".join(
    (
        *("file", "sample", "subject", "visit", "panel", "run", "stimulus", "stimulus_h", "blocker", "specimen"),
        *("material", "collected", "set_up", "dating", "dating_at", "medicines"),
    )
)
COMMON = "4,brefeldin_a,{w}A,blood_heparin,d93T09:00,d93T13:30,last_period,d0,none"
ROW = "counts/day_1.csv,{w}_{tube},{w},V1,P1,R1,{stimulus}," + COMMON

FINISHED_HEADER = "subject,visit,quantity,numerator,material,value,unit"


def rows() -> list[str]:
    """The sheet's rows: two women, a control and a stimulated tube each."""
    pairs = (("none", "none"), ("pma", "pma_ionomycin"))
    return [ROW.format(w=w, tube=tube, stimulus=stimulus) for w in ("W1", "W2") for tube, stimulus in pairs]


def build(
    folder: Path,
    *,
    study: str = STUDY,
    panel: str = PANEL,
    counts: str | bytes = COUNTS,
    header: str = HEADER,
    sheet: list[str] | None = None,
    finished: list[str] | None = None,
) -> Path:
    """Write the study; a test replaces the part it breaks."""
    for name in ("panels", "counts", "finished"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(study, "utf-8")
    (folder / "panels" / "p1.toml").write_text(panel, "utf-8")
    (folder / "counts" / "day_1.csv").write_bytes(counts if isinstance(counts, bytes) else counts.encode())
    lines = rows() if sheet is None else sheet
    if finished is not None:
        (folder / "finished" / "f.csv").write_text("\n".join([FINISHED_HEADER, *finished]) + "\n", "utf-8")
        lines = [*lines, f"finished/f.csv,,W1,V1,,,,,,,,,,,,{',' * (header.count(',') - 15)}"]
    (folder / "samples.csv").write_text("\n".join([header, *lines]) + "\n", "utf-8")
    return folder
