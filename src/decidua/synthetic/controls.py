"""The laboratory's own healthy women: made references of the measurands of the study."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterator
from io import StringIO

import numpy as np
from numpy.typing import NDArray

from decidua.measurement import IDENTITY_FIELDS, Measurand
from decidua.synthetic.draw import Draw, draw_at
from decidua.synthetic.identities import activity, concentration, population, response
from decidua.synthetic.plates import ANALYTES, DILUTION, LEVELS, STEP, WOMEN_SPREAD, Kit
from decidua.synthetic.responses import named_ratios
from decidua.synthetic.traits import CELLS, CYTOTOXIC, DAYS, HELPER, KILLER, LIVE, PHASES, RESPONSES, TRAITS
from decidua.synthetic.women import CONSTANCY

HEALTHY_WOMEN = 34
LYMPHOCYTES_COUNTED = 40_000
KILLING_CV, PLATE_CV = 0.12, 0.05
"""Of a healthy woman's values, which rest on more tubes and wells than a visit's [1]."""
_SOURCE = "healthy women of the made laboratory"
_COLUMNS = (
    *IDENTITY_FIELDS,
    *("reference_id", "kind", "phase", "gestational_day", "L", "M", "S", "se_L", "se_lnM", "se_lnS"),
    *("value", "unit", "n_women", "population", "treatment_free", "source", "licence"),
)


def references_csv(kit: Kit, rng: np.random.Generator) -> str:
    """Write the references of the laboratory.

    Parameters
    ----------
    kit : Kit
        Of the plates.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    str
        The women's values of each measurand and phase (kind ``values``), and where all lie above zero a log-normal
        curve through the days of the visits (kind ``lms``).
    """
    found: dict[tuple[Measurand, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    between = rng.standard_normal((HEALTHY_WOMEN, len(TRAITS), 1))
    within = rng.standard_normal((HEALTHY_WOMEN, len(TRAITS), len(PHASES)))
    scores = math.sqrt(CONSTANCY) * between + math.sqrt(1 - CONSTANCY) * within
    for woman in range(HEALTHY_WOMEN):
        for phase in range(len(PHASES)):
            mine = {trait.key: float(scores[woman, i, phase]) for i, trait in enumerate(TRAITS)}
            draw = draw_at(f"C{woman}", PHASES[phase], "", phase, mine, rng)
            for measurand, unit, value in _measured(draw, kit, rng):
                found[measurand, unit][phase].append(value)
    text = StringIO()
    writer = csv.DictWriter(text, _COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for (measurand, unit), by_phase in found.items():
        writer.writerows(_rows(measurand, unit, by_phase))
    return text.getvalue()


def _measured(draw: Draw, kit: Kit, rng: np.random.Generator) -> Iterator[tuple[Measurand, str, float]]:
    parents = _parents(draw)
    net = {}
    for trait in RESPONSES:
        n, background = parents[trait.parent], draw.background[trait.key]
        stimulated, control = rng.binomial(n, [background + draw.net[trait.key], background])
        net[trait.key] = 100 * (stimulated - control) / n
        yield response(*trait.key), "%", net[trait.key]
    for numerator, denominator, parent in named_ratios():
        if net[denominator, parent] > 0:
            yield response(numerator, parent, denominator), "1", net[numerator, parent] / net[denominator, parent]
    for key, share in draw.cells.items():
        n = LYMPHOCYTES_COUNTED if key[1] == LIVE else round(LYMPHOCYTES_COUNTED * draw.cells["T", LIVE])
        yield population(*key), "%", 100 * rng.binomial(n, share) / n
    yield activity(), "1", draw.activity * math.exp(KILLING_CV * rng.standard_normal())
    lowest = DILUTION * kit.highest / STEP ** (LEVELS - 1)
    score = rng.standard_normal(kit.typical.size)
    serum = kit.typical * np.exp(WOMEN_SPREAD * score + PLATE_CV * rng.standard_normal(kit.typical.size))
    seen = kit.typical > 5 * lowest  # where healthy women are often below the lowest standard there is no reference
    for analyte, value, there in zip(ANALYTES.values(), serum, seen, strict=True):
        if there:
            yield concentration(analyte), "pg/mL", float(value)


def _parents(draw: Draw) -> dict[str, int]:
    t_cells, helper = draw.cells["T", LIVE], draw.cells[HELPER, "T"]
    shares = {HELPER: t_cells * helper, CYTOTOXIC: t_cells * (1 - helper), KILLER: draw.cells[CELLS[0].key]}
    return {parent: round(LYMPHOCYTES_COUNTED * share) for parent, share in shares.items()}


def _rows(measurand: Measurand, unit: str, by_phase: dict[int, list[float]]) -> Iterator[dict[str, object]]:
    shared: dict[str, object] = dict(zip(IDENTITY_FIELDS, measurand.values, strict=True))
    shared |= {"unit": unit, "n_women": HEALTHY_WOMEN, "population": _SOURCE, "treatment_free": "yes"}
    shared |= {"source": _SOURCE, "licence": "made"}
    for phase, values in by_phase.items():
        place = {"reference_id": f"{measurand.id}-women", "kind": "values", "phase": PHASES[phase]}
        for value in values:
            yield {**shared, **place, "gestational_day": DAYS[phase], "value": float(f"{value:.6g}")}
    if all(min(values) > 0 and len(values) == HEALTHY_WOMEN for values in by_phase.values()):
        for phase, values in by_phase.items():
            place = {"reference_id": f"{measurand.id}-curve", "kind": "lms", "phase": PHASES[phase]}
            yield {**shared, **place, "gestational_day": DAYS[phase], **_log_normal(np.log(values))}


def _log_normal(logs: NDArray[np.float64]) -> dict[str, float]:
    spread, n = float(logs.std(ddof=1)), logs.size
    found = {"L": 0.0, "M": math.exp(logs.mean()), "S": spread, "se_L": 0.0}
    found |= {"se_lnM": spread / math.sqrt(n), "se_lnS": 1 / math.sqrt(2 * (n - 1))}
    return {name: float(f"{value:.6g}") for name, value in found.items()}
