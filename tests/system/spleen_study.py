"""Build a study of one real tube with its FlowJo workspace, beside the real count table."""

from __future__ import annotations

import shutil
from pathlib import Path

import real_study

PANEL = """\
panel = { id = "SPLEEN", title = "Mouse spleen" }
channels = { CD3 = "PE-Cy7-A", CD19 = "PE-Cy5-A", "NK1.1" = "PE-A" }

[populations]
singlets = { is = "singlets", path = "Lymphocytes/Singlets/Singlets2" }
NK1_1 = { is = "NK1.1+", path = "Lymphocytes/Singlets/Singlets2/NK1_1+" }
NK = { is = "CD3-NK1.1+", path = "Lymphocytes/Singlets/Singlets2/NK1_1+/NK cells" }
"""


def build(folder: Path, test_data: Path, panel: str = PANEL) -> Path:
    """Write the study and return its folder."""
    real_study.build(folder, test_data, people=2)
    (folder / "tubes").mkdir()
    for name in ("68983.fcs", "gating.wsp"):
        shutil.copyfile(test_data / "cytometry" / "flowjo10_mouse_spleen" / name, folder / "tubes" / name)
    (folder / "panels" / "spleen.toml").write_text(panel, "utf-8")
    text = (folder / "study.toml").read_text("utf-8")
    text = text.replace('TB = "panels/tb.toml"', 'TB = "panels/tb.toml", SPLEEN = "panels/spleen.toml"')
    (folder / "study.toml").write_text(text, "utf-8")
    sheet = (folder / "samples.csv").read_text("utf-8").rstrip("\n").split("\n")
    columns = sheet[0].split(",")
    row = {
        "file": "tubes/68983.fcs", "subject": "M1", "visit": "V1", "panel": "SPLEEN", "run": "R1", "stimulus": "none",
        "blocker": "none", "specimen": "A9", "workspace": "tubes/gating.wsp",
    }  # fmt: skip
    columns.append("workspace")
    lines = [",".join(columns), *(f"{line}," for line in sheet[1:]), ",".join(row.get(c, "") for c in columns)]
    (folder / "samples.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder
