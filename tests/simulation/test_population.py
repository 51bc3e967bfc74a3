"""Virtual women: drawn as the tables say, filtered with the share rejected, paired under a regimen."""

import numpy as np
import pytest

from decidua.errors import OutsideLimits
from decidua.knowledge import table
from decidua.simulation import Outcome, Women, simulate
from decidua.simulation.population import draw, plausible
from simulation.scenarios import ADALIMUMAB, one


@pytest.fixture(scope="module")
def women():
    return draw(600, 2)


@pytest.fixture(scope="module")
def untreated(women):
    return simulate(women, days=302, outputs=("TNFu", "Mi", "IL6u", "H1b"))


def test_draws_have_the_spread_of_the_tables(women):
    assert women.values["s_H1b"].std() == pytest.approx(0.26, rel=0.1)
    assert women.values["s_H1b"].mean() == pytest.approx(0, abs=0.04)
    difference = women.values["s_H1b"] - women.values["s_H2b"]
    assert difference.std() == pytest.approx(0.37, rel=0.1)
    assert np.log(women.values["d_Mi"] / 0.5).std() == pytest.approx(0.3, rel=0.1)
    assert women.values["g_TNFu_Mi"].std() == pytest.approx(0.3 * 0.2, rel=0.1)
    assert women.values["g_TNFu_HCQ"].std() == pytest.approx(0.3, rel=0.1)  # a drug's effect keeps its whole doubt
    assert (women.values["g_TNFu_HCQ"] > 0).mean() == pytest.approx(0.5, abs=0.08)
    assert np.isin(women.values["t_imp"], np.arange(20, 27)).all()
    assert np.isin(women.values["t_imp"], (22, 23, 24)).mean() == pytest.approx(0.84, abs=0.05)
    assert women.values["Zfr"].mean() == pytest.approx(1, abs=0.1)
    assert np.exp(np.quantile(np.log(women.values["ada_KD"] / 16), [0.05, 0.95])) * 16 == pytest.approx(
        [8.5, 30], rel=0.15
    )


def test_birth_days_spread_about_term(untreated):
    born = untreated.ends[~np.isnan(untreated.ends)]
    assert len(born) > 590
    assert 262 < np.quantile(born, 0.025) < 275
    assert 283 < np.quantile(born, 0.975) < 294


def test_the_filter_says_whom_it_rejects(women, untreated):
    judged = plausible(women, untreated)
    assert 0 < judged.rejected_share < 0.15
    assert sum(judged.rejected.values()) + len(judged.kept) == women.count
    kept = women.take(np.array(judged.kept))
    again = plausible(kept, simulate(kept, days=302, outputs=("TNFu", "Mi", "IL6u", "H1b")))
    assert again.rejected_share == 0
    wild = plausible(Women.alike(2, s_Mi=[0.0, 3.0]), simulate(Women.alike(2, s_Mi=[0.0, 3.0]), outputs=("Mi",)))
    assert wild.kept == (0,)
    assert wild.rejected == {"a state rises above its range": 1}
    low = Women.alike(s_Mi=-4.0)
    assert plausible(low, simulate(low, outputs=("Mi",))).rejected == {"a state falls below its range": 1}


def test_births_out_of_time_are_rejected():
    women = Women.alike(3, thS=[0.22, -0.5, 3.0], eS=0.35)
    course = simulate(women, days=302, outputs=("V",))
    judged = plausible(women, course)
    assert judged.kept == (0,)
    assert judged.rejected == {"birth too early": 1, "birth too late": 1}


def test_women_are_judged_untreated(women):
    with pytest.raises(OutsideLimits, match="untreated"):
        plausible(women, simulate(women, days=20, regimen=ADALIMUMAB))
    with pytest.raises(OutsideLimits, match="other women"):
        plausible(Women.alike(3), simulate(women, days=20))


def test_treatment_is_compared_in_the_same_women():
    women = draw(64, 4)
    treated = simulate(women, regimen=one("prednisolone", 20, 30, 1, 120), outputs=("Nu",), days=100)
    plain = simulate(women, outputs=("Nu",), days=100)
    paired = np.log(treated.of("Nu")[:, 60] / plain.of("Nu")[:, 60])
    strangers = np.log(treated.of("Nu")[:, 60] / simulate(draw(64, 9), outputs=("Nu",), days=100).of("Nu")[:, 60])
    assert paired.std() < 0.8 * strangers.std()
    gains = women.values["g_Nu_GC"]
    assert np.corrcoef(paired, gains)[0, 1] > 0.7  # what is left is mostly the doubt about the drug
    null = simulate(women, without=("prednisolone_effect",), regimen=one("prednisolone", 20, 30, 1, 120),
                    outputs=("Nu",), days=100)  # fmt: skip
    assert null.of("Nu")[:, 60] == pytest.approx(plain.of("Nu")[:, 60], rel=1e-4)


def test_losses_follow_the_hazard():
    women = draw(1500, 8, losses=True).having(Zfr=1.0)
    course = simulate(women, days=150, outputs=("L",), every=150)
    lost = np.mean([o is Outcome.LOSS for o in course.outcomes])
    surviving = simulate(women.having(loss_at=1e9), days=150, outputs=("L",), every=150).of("L")[:, -1]
    assert lost == pytest.approx(np.mean(1 - np.exp(-surviving)), abs=0.035)
    assert lost == pytest.approx(0.33, abs=0.05)
    ends = course.ends[~np.isnan(course.ends)]
    assert (ends > 20).all()
    never = simulate(draw(50, 8), days=150, outputs=("L",))
    assert all(o is Outcome.ONGOING for o in never.outcomes)


def test_bad_draws_are_named():
    for wrong in ({"count": 0, "seed": 1}, {"count": 2.5, "seed": 1}, {"count": 2, "seed": -1}):
        with pytest.raises(OutsideLimits):
            draw(**wrong)
    with pytest.raises(OutsideLimits):
        draw(2, 1, first=-1)


def test_the_population_table_names_parameters_of_the_model():
    from decidua.knowledge import rows
    from decidua.simulation.model import core

    for f in rows("population"):
        if f["distribution"] in ("normal", "lognormal", "weight", "beta") and f.key != "turnovers":
            assert f.key in core().parameters, f.key
    assert set(table("drugs")) >= {"adalimumab", "ivig"}
