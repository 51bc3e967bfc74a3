"""Made killing assays: targets and dead targets by tube, drawn from a known curve."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO

import numpy as np

from decidua.synthetic.draw import FAILED, Draw
from decidua.synthetic.traits import ACTIVITY, LIVE
from decidua.synthetic.truth import TrueValue

RATIOS = (50.0, 25.0, 12.5)
REPLICATES = 2
ALONE = 3
DRUG = ("ivig", 4.0, "mg/mL")
DRUG_RATIO = 25.0
DRUG_LEAVES = 0.60
"""Share of the lysis that is left under the drug [1]."""

SPONTANEOUS, UNDER_DRUG = 0.05, 0.06
TUBE_CV, KILLING_CV = 0.02, 0.03
"""Between like tubes: of the dead share, and of the killing in it [1]; counting comes on top."""

COUNTED = 10_000
EFFECTORS_COUNTED = 10_000
TARGETS_PER_TUBE = 10_000
COLUMNS = (
    *("sample", "role", "effector_target", "replicate", "drug", "drug_dose", "drug_unit", "targets", "dead"),
    *("nk_share", "targets_per_tube"),
)


def killing_csv(draws: Sequence[tuple[str, Draw]], rng: np.random.Generator) -> str:
    """Write the killing table of a run.

    Parameters
    ----------
    draws : sequence of (str, Draw)
        Accession and woman.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    str
        A row a tube; dead targets by pipetting and counting.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for accession, draw in draws:
        nk_share = rng.binomial(EFFECTORS_COUNTED, draw.cells["NK", LIVE]) / EFFECTORS_COUNTED
        for role, ratio, replicate, drugged, lysis in _tubes(draw):
            alone = UNDER_DRUG if drugged else SPONTANEOUS
            pipetted, dyed = 1 + np.array([KILLING_CV, TUBE_CV]) * rng.standard_normal(2)
            targets = int(rng.poisson(COUNTED))
            share = (alone + (1 - alone) * lysis * pipetted) * dyed
            dead = int(rng.binomial(targets, min(max(share, 0.0), 1.0)))
            drug = DRUG if drugged else ("", "", "")
            writer.writerow([accession, role, ratio, replicate, *drug, targets, dead, nk_share, TARGETS_PER_TUBE])
    return text.getvalue()


def _tubes(draw: Draw) -> Iterator[tuple[str, float | str, int, bool, float]]:
    for drugged in (False, True):
        for replicate in range(1, ALONE + 1):
            yield "targets_alone", "", replicate, drugged, 0.0
    for ratio in RATIOS:
        for replicate in range(1, REPLICATES + 1):
            yield "test", ratio, replicate, False, draw.lysis(ratio)
    for replicate in range(1, REPLICATES + 1):
        yield "test", DRUG_RATIO, replicate, True, DRUG_LEAVES * draw.lysis(DRUG_RATIO)


def tube_id(ratio: float, drugged: bool) -> str:
    """Name a tube as results name it.

    Parameters
    ----------
    ratio : float
        Effectors per target [1].
    drugged : bool
        Whether the drug was added.

    Returns
    -------
    str
        Such as ``K562@25:1``.
    """
    name, dose, unit = DRUG
    return f"K562@{ratio:g}:1" + (f"+{name} {dose:g} {unit}" if drugged else "")


def true_killing(draw: Draw) -> Iterator[TrueValue]:
    """Yield what a killing assay should find.

    Parameters
    ----------
    draw : Draw
        The woman.

    Yields
    ------
    TrueValue
        Lysis at each ratio, with and without the drug; their ratio; activity per NK cell; lytic units.
    """

    def true(quantity: str, numerator: str, value: float, unit: str, denominator: str = "") -> TrueValue:
        on_axis = draw.axis == ACTIVITY.axis and quantity == "activity"
        return TrueValue(
            *(draw.subject, draw.visit, draw.run, "killing", quantity, numerator, "", denominator, value, unit),
            score=draw.scores[ACTIVITY.key] if quantity == "activity" else None,
            axis=draw.axis if on_axis else "",
            trap=draw.trap if draw.trap != FAILED else "",
        )

    for ratio in RATIOS:
        yield true("lysis", tube_id(ratio, False), 100 * draw.lysis(ratio), "%")
    drugged, plain = tube_id(DRUG_RATIO, True), tube_id(DRUG_RATIO, False)
    yield true("lysis", drugged, 100 * DRUG_LEAVES * draw.lysis(DRUG_RATIO), "%")
    yield true("ratio", drugged, DRUG_LEAVES, "1", plain)
    yield true("activity", "NK", draw.activity, "1")
    per_effector = draw.activity * draw.cells["NK", LIVE]
    reached = -np.log1p(-0.1 / draw.plateau) / per_effector
    yield true("lytic_units", "K562", float(1e7 / (TARGETS_PER_TUBE * reached)), "{LU10}/10*7")
