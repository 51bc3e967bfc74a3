"""Observation models: cells without dilution, serum diluted, tissue apart, and what is refused."""

import numpy as np
import pytest

from decidua.errors import OutsideLimits
from decidua.simulation import Women, observe, simulate
from simulation.scenarios import ADALIMUMAB, one

EVERYTHING = (
    "H1b",
    "H2b",
    "H17b",
    "Rb",
    "Nb",
    "Kb",
    "C4",
    "Mo",
    "CRP",
    "IL6s",
    "IL10s",
    "TNFs",
    "R",
    "q",
    "u_GC",
    "Nu",
    "S",
)


@pytest.fixture(scope="module")
def normal():
    return simulate(Women.alike(2, s_Nb=[0.0, 0.5]), outputs=EVERYTHING)


@pytest.fixture(scope="module")
def treated():
    return simulate(Women.alike(), regimen=ADALIMUMAB, outputs=EVERYTHING)


def test_cells_against_measured_pregnancy(normal):
    """Paired blood of 33 women, fold of post partum at 17, 22 and 30 weeks; sizes the gains were set to."""
    days = [119, 154, 210]
    assert observe.count(normal, "NK")[0, days] == pytest.approx([0.77, 0.72, 0.65], abs=0.006)
    assert observe.count(normal, "CD4")[0, days] == pytest.approx([0.91, 0.90, 0.90], abs=0.006)
    assert observe.count(normal, "monocytes")[0, days] == pytest.approx([1.13, 1.20, 1.31], abs=0.006)
    assert normal.relative("H1b")[0, days] == pytest.approx([0.85, 0.78, 0.68], abs=0.006)
    assert normal.relative("H2b")[0, days] == pytest.approx([1.07, 1.10, 1.14], abs=0.006)
    assert normal.relative("Kb")[0, days] == pytest.approx([1.17, 1.21, 1.29], abs=0.006)
    ratio = np.exp(observe.share_ratio(normal, "Th1/Th2"))[0]
    assert ratio[56] == pytest.approx(0.91, abs=0.01)
    assert ratio[252] == pytest.approx(0.53, abs=0.01)
    assert np.exp(observe.share_ratio(normal, "Th17/Treg", laboratory=0.4))[0, 0] == pytest.approx(np.exp(0.4))


def test_crp_course(normal):
    weeks = np.array([8, 12, 20, 28, 36, 39]) * 7
    assert observe.crp(normal)[0, weeks] == pytest.approx([1.6, 1.9, 2.5, 2.7, 3.0, 3.9], abs=0.06)


def test_each_woman_is_her_own_rest(normal):
    assert (observe.count(normal, "NK")[:, 0] == 1).all()
    assert observe.count(normal, "NK")[0] == pytest.approx(observe.count(normal, "NK")[1])
    assert normal.of("Nb")[1, 0] == pytest.approx(np.exp(0.5))


def test_serum_is_diluted_and_unknown_after_the_end(normal):
    expected = np.log(normal.of("IL6s")[0, 220]) - np.log(1.42)
    assert observe.serum(normal, "IL6")[0, 220] == pytest.approx(expected)
    assert observe.serum(normal, "IL6", matrix=1.0)[0, 220] == pytest.approx(expected + 1.0)
    assert np.isnan(observe.serum(normal, "IL6")[0, 290])
    cycle = simulate(Women.alike(conceives=0), outputs=("IL6s",), days=60)
    assert observe.serum(cycle, "IL6")[0, 50] == pytest.approx(np.log(cycle.of("IL6s")[0, 50]))


def test_serum_tnf_under_an_antibody_needs_an_assay_that_bears_it(normal, treated):
    with pytest.raises(OutsideLimits, match="antibody"):
        observe.serum(treated, "TNF")
    total = observe.serum(treated, "TNF", total=True)
    assert np.exp(total[0, 150]) > 40
    assert np.isfinite(observe.serum(normal, "TNF")[0, 150])


def test_lysis_sees_number_times_activity(normal):
    lysis = observe.lysis(normal, 0.15)
    assert lysis[0, 0] == pytest.approx(0.15)
    odds = lysis[0, 210] / (1 - lysis[0, 210]) / (0.15 / 0.85)
    assert odds == pytest.approx(0.84, abs=0.01)
    for wrong in (0, 1, 15):
        with pytest.raises(OutsideLimits):
            observe.lysis(normal, wrong)


def test_stimulated_ratio_knows_steroids_not_antibodies(treated):
    steroid = simulate(Women.alike(), regimen=one("prednisolone", 20, 30, 1, 120), outputs=("H1b", "H2b", "u_GC"))
    plain = observe.share_ratio(steroid, "Th1/Th2")
    shift = observe.stimulated_ratio(steroid) - plain
    assert shift == pytest.approx(-0.2 * steroid.of("u_GC"))
    assert shift[0, 60] < 0
    assert observe.stimulated_ratio(steroid, capacity=0.0) == pytest.approx(plain)
    assert observe.stimulated_ratio(treated) == pytest.approx(observe.share_ratio(treated, "Th1/Th2"))


def test_tissue(normal):
    assert observe.tissue(normal, "uNK")[0, 20] == pytest.approx(1.10, abs=0.01)
    assert observe.tissue(normal, "uNK")[0, 279] == pytest.approx(0.43, abs=0.01)


def test_unknown_assays_and_missing_states_are_named(normal):
    for call in (
        lambda: observe.count(normal, "nk"),
        lambda: observe.serum(normal, "IL7"),
        lambda: observe.tissue(normal, "blood"),
        lambda: observe.share_ratio(normal, "Th2/Th1"),
        lambda: observe.tissue(normal, "Th1"),
        lambda: normal.of("H1x"),
        lambda: normal.relative("S"),
    ):
        with pytest.raises(OutsideLimits) as raised:
            call()
        assert raised.value.remedy
