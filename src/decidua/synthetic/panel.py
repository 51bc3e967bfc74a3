"""The made panel P1: its detectors, how their dyes spill over, and where its gates are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decidua.cytometry.acquisition import Channel, Spillover
from decidua.cytometry.gates import Dimension, Polygon, Rectangle
from decidua.cytometry.scales import Logicle
from decidua.cytometry.spillover import OWN
from decidua.cytometry.tree import Gate, GatingTree
from decidua.synthetic.traits import CYTOTOXIC, HELPER, KILLER, LIVE, MARKERS, RESPONSES

SCATTER = ("FSC-A", "FSC-H", "SSC-A")
DETECTORS = {
    "Viability": "BV510-A",
    "CD3": "APC-H7-A",
    "CD8": "PerCP-Cy5-5-A",
    "CD4": "BV605-A",
    "CD56": "PE-Cy7-A",
    "IFNG": "FITC-A",
    "TNF": "BV650-A",
    "IL4": "PE-A",
    "IL10": "APC-A",
    "IL17A": "BV421-A",
}
"""Detector by marker; the order of the fluorescence channels."""

DYES = tuple(DETECTORS)
TIMESTEP = 0.01
_SPILLED = {
    ("IFNG", "Viability"): 0.020,
    ("IFNG", "IL4"): 0.012,
    ("IL17A", "Viability"): 0.080,
    ("Viability", "CD4"): 0.060,
    ("CD4", "TNF"): 0.090,
    ("TNF", "CD8"): 0.030,
    ("TNF", "IL10"): 0.040,
    ("IL4", "CD4"): 0.050,
    ("IL4", "CD8"): 0.025,
    ("IL4", "CD56"): 0.015,
    ("CD8", "CD56"): 0.060,
    ("CD8", "TNF"): 0.020,
    ("CD56", "CD3"): 0.070,
    ("IL10", "CD3"): 0.060,
    ("CD3", "IL10"): 0.025,
}
TIME = "Time"
GATES = {"IFNG": "IFNg+", "TNF": "TNFa+", "IL4": "IL-4+", "IL10": "IL-10+", "IL17A": "IL-17A+"}
LIVE_PATH = "Time/Singlets/Lymphocytes/Live"
PATHS = {
    LIVE: LIVE_PATH,
    "T": f"{LIVE_PATH}/CD3+",
    HELPER: f"{LIVE_PATH}/CD3+/CD8-",
    CYTOTOXIC: f"{LIVE_PATH}/CD3+/CD8+",
    KILLER: f"{LIVE_PATH}/CD3-/CD56+",
}
"""Path of each population as drawn."""

PARENTS = {marker: tuple(t.parent for t in RESPONSES if t.numerator == f"{marker}+") for marker in MARKERS}
"""Populations in which each cytokine is looked for."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where the gates of one tube are drawn [data units]; phorbol takes CD3 down, so that its cut is the tube's own."""

    viability: float = 1500.0
    cd3: float = 650.0
    cd8: float = 800.0
    cd56: float = 520.0
    cytokine: float = 600.0
    begin_s: float = 3.0


RESTING = Cuts()
STIMULATED = Cuts(cd3=520.0)


def matrix() -> NDArray[np.float64]:
    """Return how the dyes spill over.

    Returns
    -------
    array of float, axes [dye, detector]
        Share of each dye's signal that each detector sees, in the order of `DYES`; the diagonal is 1.
    """
    found = np.eye(len(DYES))
    for (dye, detector), share in _SPILLED.items():
        found[DYES.index(dye), DYES.index(detector)] = share
    return found


def spillover() -> Spillover:
    """Return the matrix as a file carries it.

    Returns
    -------
    Spillover
        Of the ten detectors.
    """
    return Spillover(tuple(DETECTORS.values()), matrix())


def channels() -> tuple[Channel, ...]:
    """Return the channels of a tube.

    Returns
    -------
    tuple of Channel
        Scatter, the ten detectors with their markers, time.
    """
    lit = [Channel(0, detector, marker) for marker, detector in DETECTORS.items()]
    return (*(Channel(0, name) for name in SCATTER), *lit, Channel(0, TIME))


def tree(cuts: Cuts) -> GatingTree:
    """Draw the gates of a tube.

    Parameters
    ----------
    cuts : Cuts
        Where.

    Returns
    -------
    GatingTree
        Time, singlets, lymphocytes, live, T cells and their halves, NK cells, and the cytokines in each.
    """
    drawn = [
        Gate("Time", Rectangle.range(Dimension(TIME), cuts.begin_s, units="data")),
        Gate("Singlets", _polygon("FSC-A", "FSC-H", _SINGLETS), "Time"),
        Gate("Lymphocytes", _polygon("FSC-A", "SSC-A", _LYMPHOCYTES), "Time/Singlets"),
        Gate("Live", _above_or_below("Viability", below=cuts.viability), "Time/Singlets/Lymphocytes"),
        Gate("CD3+", _above_or_below("CD3", above=cuts.cd3), LIVE_PATH),
        Gate("CD3-", _above_or_below("CD3", below=cuts.cd3), LIVE_PATH),
        Gate("CD8-", _above_or_below("CD8", below=cuts.cd8), f"{LIVE_PATH}/CD3+"),
        Gate("CD8+", _above_or_below("CD8", above=cuts.cd8), f"{LIVE_PATH}/CD3+"),
        Gate("CD56+", _above_or_below("CD56", above=cuts.cd56), f"{LIVE_PATH}/CD3-"),
    ]
    drawn += [
        Gate(GATES[marker], _above_or_below(marker, above=cuts.cytokine), PATHS[parent])
        for marker, parents in PARENTS.items()
        for parent in parents
    ]
    return GatingTree(tuple(drawn))


_SINGLETS = ((30_000.0, 20_000.0), (260_000.0, 185_000.0), (260_000.0, 261_000.0), (30_000.0, 35_000.0))
_LYMPHOCYTES = ((52_000.0, 4_000.0), (126_000.0, 4_000.0), (126_000.0, 62_000.0), (52_000.0, 62_000.0))


def _polygon(across: str, up: str, corners: tuple[tuple[float, float], ...]) -> Polygon:
    return Polygon((Dimension(across), Dimension(up)), corners, units="data")


def _above_or_below(marker: str, *, above: float = -np.inf, below: float = np.inf) -> Rectangle:
    dimension = Dimension(DETECTORS[marker], OWN, Logicle(262144.0, 1.0, 4.5))
    return Rectangle.range(dimension, above, below, units="data")


def panel_toml() -> str:
    """Write the panel as a study holds it.

    Returns
    -------
    str
        The TOML text.
    """
    means = {LIVE: "live", "T": "CD3+", HELPER: "CD3+CD8-", CYTOTOXIC: "CD3+CD8+", KILLER: "CD3-CD56+"}
    lines = ['panel = { id = "P1", title = "Cytokines inside T and NK cells" }', "", "[channels]"]
    lines += [f'{marker} = "{detector}"' for marker, detector in DETECTORS.items()]
    lines += ["", "[populations]"]
    lines += [f'{name.partition("[")[0]} = {{ is = "{means[name]}", path = "{path}" }}' for name, path in PATHS.items()]
    lines += ["", "[positives]"]
    for marker, parents in PARENTS.items():
        named = ", ".join(f'"{parent}"' for parent in parents)
        lines.append(f'{marker} = {{ gate = "{GATES[marker]}", parents = [{named}] }}')
    lines += ["", "[rules]", 'background = "subtracted"', 'threshold = "drawn"', ""]
    lines += ["[stimuli.pma_ionomycin]", "phorbol = true"]
    lines.append(
        'agents = [{ name = "PMA", value = 50, unit = "ng/mL" }, { name = "ionomycin", value = 1, unit = "ug/mL" }]'
    )
    return "\n".join(lines) + "\n"
