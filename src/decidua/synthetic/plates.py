"""Made bead plates: true concentrations, the kit's curves, and the signals a plate shows of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decidua.errors import OutsideLimits
from decidua.synthetic.draw import Draw
from decidua.synthetic.truth import TrueValue
from decidua.synthetic.xponent_writer import Export

Floats = NDArray[np.float64]

KIT, PLATFORM, MATERIAL = "made-30-plex", "luminex-xponent", "serum"
ANALYTES = {
    "IFN-g": "IFNG", "TNF-a": "TNF", "IL-2": "IL2", "IL-12p70": "IL12", "IL-4": "IL4", "IL-5": "IL5",
    "IL-10": "IL10", "IL-13": "IL13", "IL-17A": "IL17A", "IL-22": "IL22", "IL-1b": "IL1B", "IL-1RA": "IL1RN",
    "sIL-2R": "IL2RA", "IL-6": "IL6", "IL-7": "IL7", "IL-8": "CXCL8", "IL-15": "IL15", "MCP-1": "CCL2",
    "MIP-1a": "CCL3", "MIP-1b": "CCL4", "RANTES": "CCL5", "Eotaxin": "CCL11", "MIG": "CXCL9", "IP-10": "CXCL10",
    "GM-CSF": "CSF2", "G-CSF": "CSF3", "IFN-a": "IFNA", "EGF": "EGF", "HGF": "HGF", "VEGF": "VEGFA",
}  # fmt: skip
"""Key of the knowledge table of analytes, by printed name."""

LEVELS, STEP = 8, 3.0
CONTROL_LEVELS = (1.5, 3.5, 5.5)
"""Levels of the three kit controls, as steps below the highest standard [1]."""

DILUTION = 2.0
MOST_SAMPLES = 36
PIPETTING = 0.03
"""SD of the logarithm of a well's signal [1]; sampling of beads comes on top."""

BEAD_SPREAD, BEADS = 0.25, 120
_MEDIAN_EFFICIENCY = 1.2533
WOMEN_SPREAD = 0.45


@dataclass(frozen=True, slots=True, eq=False)
class Kit:
    """The kit's curves, arrays [analyte]: signal = dark + span (1 + (x / middle)^-slope)^-skew.

    Attributes
    ----------
    highest : array of float
        Highest standard [pg/mL].
    middle, slope, skew, span, dark : array of float
        Of the curve [pg/mL, 1, 1, MFI, MFI].
    typical : array of float
        Median concentration among healthy women [pg/mL].
    """

    highest: Floats
    middle: Floats
    slope: Floats
    skew: Floats
    span: Floats
    dark: Floats
    typical: Floats

    def signal(self, concentration: Floats) -> Floats:
        """Return the mean signal of wells.

        Parameters
        ----------
        concentration : array of float, axes [well, analyte]
            In the well [pg/mL].

        Returns
        -------
        array of float, axes [well, analyte]
            [MFI].
        """
        with np.errstate(divide="ignore"):
            bound = (1 + (concentration / self.middle) ** -self.slope) ** -self.skew
        return np.asarray(self.dark + self.span * bound)


def draw_kit(rng: np.random.Generator) -> Kit:
    """Draw the curves of a kit.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    Kit
        Of `ANALYTES`; a few are seldom above their lowest standard, as in serum.
    """
    n = len(ANALYTES)
    highest = np.round(10 ** rng.uniform(3.4, 4.5, n), -1)
    lowest = highest / STEP ** (LEVELS - 1)
    return Kit(
        highest=highest,
        middle=highest * 10 ** rng.uniform(-0.9, -0.2, n),
        slope=rng.uniform(0.9, 1.3, n),
        skew=rng.uniform(0.8, 1.25, n),
        span=rng.uniform(8_000, 22_000, n),
        dark=rng.uniform(8.0, 40.0, n),
        typical=DILUTION * lowest * 10 ** rng.uniform(-0.3, 2.0, n),
    )


def draw_serum(kit: Kit, draws: Sequence[Draw], rng: np.random.Generator) -> dict[tuple[str, str], Floats]:
    """Draw the serum of every visit.

    Parameters
    ----------
    kit : Kit
        Its typical concentrations.
    draws : sequence of Draw
        The visits.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    dict of (str, str) to array of float, axis [analyte]
        Concentration by subject and visit [pg/mL].
    """
    subjects = dict.fromkeys(draw.subject for draw in draws)
    between = {subject: rng.normal(0, 0.8, kit.typical.size) for subject in subjects}
    scores = {(d.subject, d.visit): between[d.subject] + rng.normal(0, 0.6, kit.typical.size) for d in draws}
    return {key: kit.typical * np.exp(WOMEN_SPREAD * score.clip(-1.5, 1.5)) for key, score in scores.items()}


def draw_plate(batch: str, kit: Kit, samples: Sequence[tuple[str, Floats]], rng: np.random.Generator) -> Export:
    """Draw a plate: two blanks, eight standards, three kit controls and the samples, each in duplicate.

    Parameters
    ----------
    batch : str
        Name of the run.
    kit : Kit
        Its curves.
    samples : sequence of (str, array of float [analyte])
        Accession and concentrations [pg/mL].
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    Export
        Ready to be written.

    Raises
    ------
    OutsideLimits
        More samples than the plate has wells for.
    """
    if len(samples) > MOST_SAMPLES:
        raise OutsideLimits(f"{len(samples)} samples do not fit a plate, at most {MOST_SAMPLES} do.", place=batch)
    standards = {f"Standard{level + 1}": kit.highest / STEP**level for level in range(LEVELS)}
    controls = {f"Control{n}": np.round(kit.highest / STEP**level, 3) for n, level in enumerate(CONTROL_LEVELS, 1)}
    contents: list[tuple[str, Floats, float | None]] = [("Background0", np.zeros(kit.highest.size), None)]
    contents += [(name, values, None) for name, values in standards.items()]
    contents += [(name, values, 1.0) for name, values in controls.items()]
    contents += [(name, values / DILUTION, DILUTION) for name, values in samples]
    doubled = [content for content in contents for _ in range(2)]
    wells = [(place, name, factor) for place, (name, _, factor) in zip(_places(), doubled, strict=False)]
    signal = kit.signal(np.array([values for _, values, _ in doubled]))
    count = rng.poisson(BEADS, signal.shape).clip(30)
    error = np.hypot(PIPETTING, _MEDIAN_EFFICIENCY * BEAD_SPREAD / np.sqrt(count))
    median = np.round(2 * signal * np.exp(error * rng.standard_normal(signal.shape))) / 2
    regions = {name: 12 + 2 * place for place, name in enumerate(ANALYTES)}
    return Export(batch, regions, wells, median, count, standards, controls)


def true_serum(draw: Draw, concentrations: Floats) -> Iterator[TrueValue]:
    """Yield what the plate should find of a visit.

    Parameters
    ----------
    draw : Draw
        The woman.
    concentrations : array of float, axis [analyte]
        Of her serum [pg/mL].

    Yields
    ------
    TrueValue
        One an analyte.
    """
    for analyte, value in zip(ANALYTES.values(), concentrations, strict=True):
        place = (draw.subject, draw.visit, draw.run)
        yield TrueValue(*place, "concentration", "concentration", analyte, "", "", float(value), "pg/mL")


def _places() -> Iterator[str]:
    for column in range(1, 13):
        for row in "ABCDEFGH":
            yield f"{row}{column}"
