"""Build a study of the golden plate, a real tube and the real count table."""

from __future__ import annotations

import shutil
from pathlib import Path

import spleen_study

PLATE = "drlumi_plate1_30plex_cytokines.csv"
SAMPLES = ("B_sid_13_CSP", "B_sid_13_Medium")


def sample_names(test_data: Path) -> list[str]:
    """Names of the plate's samples, in the order of the file."""
    from decidua.immunoassay.exports import read_plate
    from decidua.immunoassay.plate import Role

    plate = read_plate(test_data / "serum" / "xponent" / PLATE)
    return list(dict.fromkeys(w.sample for w in plate.wells if w.role is Role.SAMPLE))


def build(folder: Path, test_data: Path, *, visits: int = 3) -> Path:
    """Write the study and return its folder; the plate's first samples become visits of one subject."""
    spleen_study.build(folder, test_data)
    (folder / "plates").mkdir()
    shutil.copyfile(test_data / "serum" / "xponent" / PLATE, folder / "plates" / PLATE)
    block = f'\n[[plates]]\nfile = "plates/{PLATE}"\nkit = "human-30-plex"\nplatform = "luminex-xponent"\n'
    path = folder / "study.toml"
    path.write_text(path.read_text("utf-8") + block, "utf-8")
    sheet = (folder / "samples.csv").read_text("utf-8").rstrip("\n").split("\n")
    columns = sheet[0].split(",")
    for number, name in enumerate(sample_names(test_data)[:visits], start=1):
        row = {
            "file": f"plates/{PLATE}", "sample": name, "subject": "S1", "visit": f"V{number}", "run": "R1",
            "specimen": f"B{number}", "material": "culture_supernatant", "collected": f"d{80 + 28 * number}",
            "dating": "last_period", "dating_at": "d0", "medicines": "adalimumab 40 mg @d70" if number == 2 else "none",
        }  # fmt: skip
        sheet.append(",".join(row.get(c, "") for c in columns))
    (folder / "samples.csv").write_text("\n".join(sheet) + "\n", "utf-8")
    return folder
