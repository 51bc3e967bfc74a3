"""Damaged FlowJo workspaces: only declared errors, and what is read can be counted and written again."""

from __future__ import annotations

import random
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from decidua.cytometry.acquisition import Channel
from decidua.cytometry.engine import count
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.fcs_writer import write_fcs
from decidua.cytometry.flowjo import read_workspace
from decidua.cytometry.flowjo_writer import write_workspace
from decidua.errors import DecidualError
from workspace_building import (
    LINEAR,
    LOGICLE,
    combination,
    dimension,
    parameter,
    polygon,
    population,
    rectangle,
    sample,
    vertex,
    workspace,
)

BATCHES = 6
MUTANTS_PER_BATCH = 100
SHARED = (
    "flowjo10_mouse_spleen/gating.wsp",
    "flowkit/8_color_ICS/reused_quad_gate_with_child.wsp",
    "flowkit/simple_line/single_ellipse_51_events.wsp",
    "flowkit/simple_diamond/test_data_diamond_asinh_rect2.wsp",
)
ODD = (
    "",
    "nan",
    "-inf",
    "1e999",
    "-1",
    "0",
    "1e-320",
    "9" * 400,
    "x",
    "1,5",
    "../../x",
    "&#0;",
    "A/B",
    "\u00b5",
    "<",
)


def built() -> str:
    oval = f"<gating:foci>{vertex(60, 100)}{vertex(140, 100)}</gating:foci><gating:edge>"
    oval += vertex(40, 100) + vertex(160, 100) + vertex(100, 80) + vertex(100, 120) + "</gating:edge>"
    gates = population(
        "A",
        rectangle(dimension("Comp-X", min=1, max=900)),
        population("B", polygon("Comp-X", "Comp-Y", (0, 0), (900, 0), (900, 900)))
        + population(
            "C",
            f"<Gate><gating:EllipsoidGate>{dimension('X')}{dimension('Y')}{oval}</gating:EllipsoidGate></Gate>",
        )
        + combination("AndNode", "B and C", "A/B", "A/C", below=population("D", rectangle(dimension("Y", min=5)))),
    )
    gates += combination("NotNode", "not A", "A") + combination("OrNode", "any", "A/B", "not A")
    cells = [[1, 0.1], [0.2, 1]]
    rows = "".join(
        f'<transforms:spillover data-type:parameter="{row}">'
        + "".join(
            f'<transforms:coefficient data-type:parameter="{column}" transforms:value="{value}"/>'
            for column, value in zip("XY", values, strict=True)
        )
        + "</transforms:spillover>"
        for row, values in zip("XY", cells, strict=True)
    )
    matrix = f'<transforms:spilloverMatrix name="M" prefix="Comp-" suffix="">{rows}</transforms:spilloverMatrix>'
    shown = LINEAR.format(parameter("X")) + LINEAR.format(parameter("Y"))
    shown += LOGICLE.format(parameter("Comp-X")) + LOGICLE.format(parameter("Comp-Y"))
    keywords = '<Keyword name="$P1N" value="X"/><Keyword name="$P2N" value="Y"/><Keyword name="$TOT" value="60"/>'
    return workspace(sample(gates, matrix=matrix, transforms=shown, keywords=keywords, events="60"))


def mutated(text: str, chance: random.Random) -> str:
    kind = chance.choice(("value", "value", "value", "drop", "repeat", "tag", "characters"))
    if kind == "value":
        spots = list(re.finditer(r'(?<==")[^"]*(?=")', text))
        spot = chance.choice(spots)
        return text[: spot.start()] + chance.choice(ODD) + text[spot.end() :]
    spots = list(re.finditer(r"<([\w:-]+)(?:\s[^<>]*)?(?:/>|>[^<>]*</\1>)", text))
    if kind in ("drop", "repeat") and spots:
        spot = chance.choice(spots)
        return text[: spot.start()] + spot[0] * (0 if kind == "drop" else 2) + text[spot.end() :]
    if kind == "tag":
        names = sorted(set(re.findall(r"</?([\w:-]+)", text)))
        return re.sub(rf"(?<=[</]){re.escape(chance.choice(names))}(?=[\s/>])", chance.choice(names), text)
    start = chance.randrange(len(text))
    return text[:start] + chance.choice(("", "<", '"', "\x00", "&", "]]>")) + text[start + chance.randrange(40) :]


def endure(path: Path, tube: Path) -> bool:
    """Read, count and write again; any error but a declared one, or a warning, goes through."""
    try:
        drawn = read_workspace(path, on_defect="record")
        acquisition = read_fcs(tube)
        for each in drawn.samples:
            try:
                count(acquisition, each.tree)
            except DecidualError:
                continue
        write_workspace(path.with_suffix(".again"), drawn.samples, drawn.groups)
    except DecidualError:
        return False
    again = read_workspace(path.with_suffix(".again"))
    assert [each.stored_counts for each in again.samples] == [each.stored_counts for each in drawn.samples]
    return True


@pytest.mark.parametrize("batch", range(BATCHES))
def test_damage_ends_in_a_declared_error_or_a_workspace(tmp_path, batch):
    write_fcs(tmp_path / "tube.fcs", np.linspace(-50, 990, 120).reshape(60, 2), [Channel(0, "X"), Channel(0, "Y")])
    chance = random.Random(batch)
    text, read = built(), 0
    for _ in range(MUTANTS_PER_BATCH):
        mutant = text
        for _ in range(chance.choice((1, 1, 2, 5))):
            mutant = mutated(mutant, chance)
        (tmp_path / "mutant.wsp").write_text(mutant, encoding="utf-8", errors="surrogatepass")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read += endure(tmp_path / "mutant.wsp", tmp_path / "tube.fcs")
    assert 0 < read < MUTANTS_PER_BATCH


@pytest.mark.parametrize("name", SHARED)
def test_damaged_workspaces_of_flowjo_end_so_too(test_data, tmp_path, name):
    write_fcs(tmp_path / "tube.fcs", np.zeros((3, 2)), [Channel(0, "X"), Channel(0, "Y")])
    chance = random.Random(name)
    text = (test_data / "cytometry" / name).read_text(encoding="utf-8")
    body = text[text.index("<SampleList>") : text.index("</SampleList>")]
    for _ in range(25):
        mutant = text.replace(body, mutated(body, chance))
        (tmp_path / "mutant.wsp").write_text(mutant, encoding="utf-8", errors="surrogatepass")
        endure(tmp_path / "mutant.wsp", tmp_path / "tube.fcs")
