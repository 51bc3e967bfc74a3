"""The identities of what a made study finds, field by field as the rooms of the assays give them."""

from __future__ import annotations

from decidua.measurement import Measurand
from decidua.synthetic.plates import KIT, MATERIAL, PLATFORM

LABORATORY = "MADE"
STIMULUS, HOURS, BLOCKER, BLOOD = "pma_ionomycin", 4.0, "brefeldin_a", "blood_heparin"


def response(numerator: str, parent: str, denominator: str = "") -> Measurand:
    """Return the identity of a share of stimulated cells, or of a ratio of two.

    Parameters
    ----------
    numerator, parent : str
        Analyte with its sign, and population.
    denominator : str
        Of a ratio.

    Returns
    -------
    Measurand
        As the study's tubes give it.
    """
    return Measurand(
        "ratio" if denominator else "share",
        numerator,
        parent,
        denominator,
        material=BLOOD,
        sample_age_class="fresh",
        stimulus=STIMULUS,
        stimulus_h=HOURS,
        blocker=BLOCKER,
        background="subtracted",
        threshold="drawn",
        laboratory=LABORATORY,
    )


def population(numerator: str, parent: str) -> Measurand:
    """Return the identity of a population's share.

    Parameters
    ----------
    numerator, parent : str
        Population ids.

    Returns
    -------
    Measurand
        As the unstimulated tube gives it.
    """
    return Measurand(
        "share",
        numerator,
        parent,
        material=BLOOD,
        stimulus_h=HOURS,
        blocker=BLOCKER,
        background="not_subtracted",
        threshold="drawn",
        laboratory=LABORATORY,
    )


def activity() -> Measurand:
    """Return the identity of the killing rate per NK cell.

    Returns
    -------
    Measurand
        As the study's killing tables give it.
    """
    return Measurand(
        "activity",
        "NK",
        material=BLOOD,
        sample_age_class="fresh",
        stimulus="k562",
        stimulus_h=HOURS,
        background="subtracted",
        threshold="exponential",
        platform="flow",
        laboratory=LABORATORY,
    )


def concentration(analyte: str) -> Measurand:
    """Return the identity of a concentration.

    Parameters
    ----------
    analyte : str
        Key of the knowledge table.

    Returns
    -------
    Measurand
        As the study's plates give it.
    """
    identity = Measurand("concentration", analyte, material=MATERIAL, sample_age_class="fresh")
    return identity.with_fields(platform=PLATFORM, kit=KIT, laboratory=LABORATORY)
