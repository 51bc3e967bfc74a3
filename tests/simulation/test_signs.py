"""What the model must do: the signs and, for the reference woman, the sizes it is specified by."""

import math

import numpy as np
import pytest

from decidua.simulation import Course, Infection, Outcome, Regimen, Women, simulate
from decidua.simulation.arrays import array_functions
from decidua.simulation.forcing import curve
from decidua.simulation.model import core
from decidua.simulation.women import start_table
from simulation.scenarios import ADALIMUMAB, ALL_DRUGS, LN2, PREDNISOLONE, SCENARIOS, one

SHOWN = (
    "TNFu",
    "H1u",
    "H2u",
    "IFNu",
    "H17u",
    "Ru",
    "IL6u",
    "IL6s",
    "TNFs",
    "Nu",
    "Kb",
    "Nb",
    "H1b",
    "H2b",
    "R",
    "q",
    "S",
)


def run(women=None, **kwargs):
    return simulate(women or Women.alike(), outputs=SHOWN, **kwargs)


def mean(course, name, first, last):
    return float(course.of(name)[0, first : last + 1].mean())


def ratio(course, first, last):
    return float((course.of("H1u") / course.of("H2u"))[0, first : last + 1].mean())


@pytest.fixture(scope="module")
def normal():
    return run()


ROWS = {
    "normal": ({}, {}, 1.14, (0.78, 0.57, 0.25), 279),
    "drive twice": ({"s_Mi": LN2}, {}, 1.98, (0.98, 0.73, 0.32), 272),
    "drive halved": ({"s_Mi": -LN2}, {}, 0.66, (0.62, 0.45, 0.20), 284),
    "Th1 twice": ({"s_H1u": LN2, "s_H1b": LN2}, {}, 1.47, (1.50, 1.10, 0.49), 276),
    "Th17 twice": ({"s_H17u": LN2, "s_H17b": LN2}, {}, 1.14, (0.78, 0.57, 0.25), 279),
    "uNK number twice": ({"s_Nu": LN2}, {}, 1.28, (0.98, None, None), 278),
    "uNK activity twice": ({"s_Ku": LN2}, {}, 1.22, (0.78, None, None), 278),
    "infection 119": ({}, {"infections": (Infection(119, 133),)}, 1.14, (0.78, 0.57, None), 279),
    "infection 196": ({}, {"infections": (Infection(196, 210),)}, 1.14, (0.78, 0.57, None), 234),
    "infection 210": ({}, {"infections": (Infection(210, 224),)}, 1.14, (0.78, 0.57, None), 226),
    "infection 224": ({}, {"infections": (Infection(224, 238),)}, 1.14, (0.78, 0.57, None), 237),
    "prednisolone": ({}, {"regimen": PREDNISOLONE}, 1.05, (0.75, 0.37, 0.25), 279),
    "adalimumab": ({}, {"regimen": ADALIMUMAB}, 1.14, (0.78, 0.56, 0.26), 291),
    "adalimumab to week 28": ({}, {"regimen": one("adalimumab", 40, 40, 14, 196)}, 1.14, (0.78, 0.56, 0.26), 286),
    "all four drugs": ({}, {"regimen": ALL_DRUGS}, 1.04, (0.75, 0.36, 0.26), 291),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_reference_numbers_return(name):
    shifts, kwargs, tnf, ratios, birth = ROWS[name]
    course = run(Women.alike(**shifts), **kwargs)
    assert mean(course, "TNFu", 24, 35) == pytest.approx(tnf, abs=0.0051)
    for window, value in zip(((24, 35), (36, 84), (150, 250)), ratios, strict=True):
        if value is not None:
            assert ratio(course, *window) == pytest.approx(value, abs=0.0051)
    assert course.ends[0] == birth
    term = Outcome.BIRTH_TERM if birth >= 259 else Outcome.BIRTH_PRETERM
    assert course.outcomes[0] is term


def test_phenotypes_differ_where_they_should(normal):
    th17 = run(Women.alike(s_H17u=LN2, s_H17b=LN2))
    both = [(c.of("H17u") / c.of("Ru"))[0, 24:85].mean() for c in (th17, normal)]
    assert both == pytest.approx([1.08, 0.54], abs=0.0051)
    number, activity = run(Women.alike(s_Nu=LN2)), run(Women.alike(s_Ku=LN2))
    assert mean(number, "IFNu", 24, 35) == pytest.approx(1.62, abs=0.0051)
    assert mean(activity, "IFNu", 24, 35) == pytest.approx(1.05, abs=0.0051)


def test_the_balance_makes_a_v(normal):
    course = (normal.of("H1u") / normal.of("H2u"))[0]
    assert course[0] == 1
    assert [course[d] for d in (28, 84, 264, 300)] == pytest.approx([0.79, 0.48, 0.142, 0.68], abs=0.0051)
    assert 255 < course[:280].argmin() < 275
    assert course[279] > 1.4 * course[264]


def test_blood_moves_one_way_from_week_8_to_36(normal):
    days = slice(56, 253)
    assert (np.diff((normal.of("H1b") / normal.of("H2b"))[0, days]) < 0).all()
    assert (np.diff(normal.of("Nb")[0, days]) < 0).all()
    assert (np.diff(normal.of("Kb")[0, days]) > 0).all()


def test_labour_raises_the_inflammatory_cytokines(normal):
    rise = {name: normal.of(name)[0, 279] / normal.of(name)[0, 265] for name in ("IL6u", "IL6s", "TNFs")}
    assert rise["IL6u"] == pytest.approx(13, abs=0.5)
    assert rise["IL6s"] == pytest.approx(1.85, abs=0.02)
    assert rise["TNFs"] == pytest.approx(1.47, abs=0.02)


def test_infection_raises_th1_before_th2(normal):
    infected = run(infections=(Infection(119, 133),))
    tnf, th1, th2 = ((infected.of(n) / normal.of(n))[0, :220] for n in ("TNFu", "H1u", "H2u"))
    assert (tnf.max(), th1.max(), th2.max()) == pytest.approx((2.12, 1.36, 1.03), abs=0.006)
    assert 119 < th1.argmax() == 135 < th2.argmax() == 150
    without_help = run(infections=(Infection(119, 133),), without=("th1_help",))
    plain = run(without=("th1_help",))
    assert (without_help.of("H2u") / plain.of("H2u"))[0, :160].max() < 1.001  # the null fails the sign


def test_labour_has_two_stable_points():
    """With TNF held at 0.4, uterine activation settles at two levels on day 230 and at one on day 260."""
    assert len(stable_points(230)) == 2
    assert stable_points(230) == pytest.approx([0.001, 0.73], abs=0.01)
    assert len(stable_points(260)) == 1
    assert len(stable_points(230, S1=0.6)) == 1


def stable_points(day, **changed):
    """Levels of S at which it would rest on a day, with responsiveness at rest too and TNF held at 0.4."""
    model = core()
    held = {name: 0.0 for name in model.parameters if name.startswith("g_TNFu_")}
    woman = Women.alike(**held, s_TNFu=math.log(0.4), **changed)
    levels = np.linspace(-1e-6, 1.2, 4001)
    work = start_table(model, Women(1, woman.values), np.zeros(levels.size, dtype=np.int64))
    inputs = {"preg": 1.0, "M": 1.0, "stretch": (day - 140) / 140}
    inputs |= {"pcl": math.exp(curve("Pcl").log(day)), "ppl": math.exp(curve("Ppl").log(day))}
    inputs |= {"S": levels, "PR": 1 / (1 + (levels / model.parameters["S0"]) ** 2)}
    array_functions()["once"](work)
    for name, value in inputs.items():
        work[model.rows[name]] = value
    array_functions()["signals"](work)
    array_functions()["natural_rates"](work)
    slopes = work[model.rows["d_S"]]
    return [float(levels[k]) for k in range(levels.size - 1) if slopes[k] > 0 >= slopes[k + 1]]


def test_more_progesterone_never_raises_th1(normal):
    """Doubling progesterone, follicular included, is halving its three scales."""
    doubled = run(Women.alike(K_DU=15, K_DS=50, K_P=5))
    until = int(min(doubled.ends[0] if not np.isnan(doubled.ends[0]) else 300, normal.ends[0]))
    assert (doubled.of("H1u")[0, :until] <= normal.of("H1u")[0, :until] * (1 + 1e-9)).all()
    assert doubled.of("H1u")[0, 100] < 0.95 * normal.of("H1u")[0, 100]


def test_anti_tnf_lowers_free_and_raises_total_tnf(normal):
    treated = run(regimen=ADALIMUMAB)
    free = treated.of("R") / (1 + treated.of("q"))
    days = slice(42, 270)
    assert (treated.of("TNFu")[0, days] < normal.of("TNFu")[0, days]).all()
    assert (free[0, days] < 0.1).all()
    assert (treated.of("R")[0, 54:250] > 50).all()
    assert treated.of("TNFu")[0, [44, 110]] == pytest.approx([0.15, 0.06], abs=0.0051)


def test_prednisolone_lowers_unk_and_tnf(normal):
    treated = run(regimen=PREDNISOLONE)
    assert (treated.of("Nu")[0, 31:130] < normal.of("Nu")[0, 31:130]).all()
    assert (treated.of("TNFu")[0, 31:121] < normal.of("TNFu")[0, 31:121]).all()


def test_immunoglobulin_lowers_nk_activity(normal):
    treated = run(regimen=one("ivig", 60, 30))
    assert (treated.of("Kb")[0, 31:100] < normal.of("Kb")[0, 31:100]).all()


def test_without_implantation_the_next_cycle_starts():
    course = simulate(Women.alike(conceives=0), outputs=("u_PS", "I", "M", "CRP"), days=84)
    progesterone = course.of("u_PS")[0]
    assert progesterone[20] == pytest.approx(progesterone[48], rel=1e-6)
    assert progesterone[20] == pytest.approx(progesterone[76], rel=1e-6)
    assert progesterone[20] > 100 * progesterone[28]
    assert (course.of("I")[0, [29, 57]] > 0.15).all()
    assert (course.of("M") == 0).all()
    assert course.outcomes == (Outcome.NOT_CONCEIVED,)
    assert "no conception" in course.sentence()


def test_after_a_loss_hormones_fall_and_cycles_return():
    course = simulate(outputs=("u_PS", "M", "S"), **SCENARIOS["loss_d63"])
    assert course.outcomes == (Outcome.LOSS,)
    assert course.sentence() == "Model: the pregnancy was lost, at 9w0d."
    fallen = course.of("u_PS")[0]
    assert fallen[63] == pytest.approx(0.539, abs=0.001)
    assert fallen[70] == pytest.approx(0.02, abs=0.01)
    assert fallen[73] < 0.02
    assert fallen[63 + 28 + 20] > 0.2


@pytest.mark.parametrize("engine", ["lanes", "arrays", "reference"])
def test_zero_dose_is_no_drug_to_the_last_bit(engine):
    nothing = Regimen("zero", tuple(Course(d, 0, 30, 7, 60) for d in ("adalimumab", "ivig", "prednisolone")))
    every = tuple(core().outputs)
    plain, zero = (simulate(Women.alike(2), outputs=every, days=70, engine=engine, regimen=r) for r in (None, nothing))
    assert plain.values.tobytes() == zero.values.tobytes()
    least = simulate(Women.alike(2), outputs=every, days=70, engine=engine, regimen=one("prednisolone", 0.5, 30))
    assert not np.array_equal(plain.values, least.values)


def test_an_idle_drug_changes_nothing_on_the_same_grid():
    """Given to a woman in whom it has no effect, a drug leaves every natural state exactly as on that grid."""
    natural = [n for n, o in core().outputs.items() if o.logarithm]
    gains = {name: 0.0 for name in core().parameters if name.endswith(("_GC", "_aT"))}
    kinetics = simulate(Women.alike(**gains), regimen=one("prednisolone", 20, 30), outputs=natural, days=60)
    others = simulate(Women.alike(**gains), regimen=one("prednisolone", 40, 30), outputs=natural, days=60)
    assert kinetics.values.tobytes() == others.values.tobytes()


def test_no_delay_of_birth_where_tnf_does_not_act_on_labour():
    off = ("labour_tnf",)
    assert run(without=off).ends[0] == run(without=off, regimen=ADALIMUMAB).ends[0]
