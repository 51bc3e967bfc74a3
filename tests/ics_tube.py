"""A synthetic tube of the eight-colour intracellular panel whose workspaces are among the test data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from decidua.cytometry.acquisition import Channel, Spillover
from decidua.cytometry.fcs_writer import write_fcs
from decidua.cytometry.spillover import SpilloverMatrix

SCATTER = ("FSC-A", "FSC-H", "FSC-W", "SSC-A", "SSC-H", "SSC-W")
DYES = (
    "TNFa FITC FLR-A",
    "CD8 PerCP-Cy55 FLR-A",
    "IL2 BV421 FLR-A",
    "Aqua Amine FLR-A",
    "IFNg APC FLR-A",
    "CD3 APC-H7 FLR-A",
    "CD107a PE FLR-A",
    "CD4 PE-Cy7 FLR-A",
)
# Shares of CD4+ and of CD8+ cells, as in the real tubes.
POSITIVE = {
    "TNFa": (0.0036, 0.0176),
    "IL2": (0.0009, 0.0027),
    "IFNg": (0.0074, 0.0261),
    "CD107a": (0.0008, 0.0174),
}

Floats = NDArray[np.float64]


def write_ics_tube(path: Path, events: int, spillover: SpilloverMatrix, seed: int = 1, responders: float = 1.0) -> None:
    """Write a tube with the channels, the spillover and about the population sizes of the real ones.

    `responders` multiplies the shares that make a cytokine.
    """
    random = np.random.default_rng(seed)
    columns = _scatter(events, random)
    true = _dyes(events, random, responders)
    order = [DYES.index(name) for name in spillover.fluorochromes]
    measured = true[:, order] @ spillover.matrix
    time = np.sort(random.uniform(85.0, 7200.0, events))
    table = np.column_stack([*columns, measured, time])
    channels = [Channel(0, name) for name in (*SCATTER, *spillover.detectors, "Time")]
    write_fcs(
        path,
        table,
        channels,
        keywords={"$TIMESTEP": "0.01"},
        spillover=Spillover(spillover.detectors, spillover.matrix),
    )


def _scatter(events: int, random: np.random.Generator) -> list[Floats]:
    single = random.random(events) < 0.82
    width = np.where(single, random.normal(80_000, 3_000, events), random.normal(112_000, 9_000, events))
    height = random.uniform(48_000, 200_000, events)
    side = random.lognormal(np.log(32_000), 0.45, events)
    area = np.minimum(height * width / 80_000, 262_143.0)  # where the instrument saturates
    return [area, height, width, side, side * 0.9, random.normal(75_000, 4_000, events)]


def _dyes(events: int, random: np.random.Generator, responders: float) -> Floats:
    def dim(centre: float, spread: float) -> Floats:
        return random.normal(centre, spread, events)

    def bright(decades: float, spread: float) -> Floats:
        return np.asarray(10.0 ** random.normal(decades, spread, events))

    live, t_cell = random.random(events) < 0.68, random.random(events) < 0.82
    lineage = random.random(events)
    helper, killer = t_cell & (lineage < 0.62), t_cell & (lineage > 0.64)
    dyes = {
        "Aqua": np.where(live, dim(80, 90), bright(3.6, 0.3)),
        "CD3": np.where(t_cell, bright(3.5, 0.2), dim(0, 80)),
        "CD4": np.where(helper, bright(3.6, 0.15), dim(60, 120)),
        "CD8": np.where(killer, bright(3.9, 0.25), dim(60, 150)),
    }
    for name, (of_helper, of_killer) in POSITIVE.items():
        share = responders * np.where(helper, of_helper, np.where(killer, of_killer, 0.0))
        dyes[name] = np.where(random.random(events) < share, bright(3.7, 0.4), dim(0, 70))
    return np.column_stack([dyes[name.split()[0]] for name in DYES])
