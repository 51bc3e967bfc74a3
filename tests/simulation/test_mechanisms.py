"""Each mechanism has a null, and its null switches its effect off."""

import numpy as np
import pytest

from decidua.errors import OutsideLimits
from decidua.knowledge import table
from decidua.simulation import Infection, Women, mechanisms, simulate
from decidua.simulation.model import core
from decidua.simulation.women import mechanism_rows
from simulation.scenarios import ADALIMUMAB, LN2, one

GROWTH = ("floor", "ceiling")  # trophoblast answers to TNF, and so hormones do: a side path of most mechanisms
EARLY = (Infection(60, 74),)
HCQ = one("hydroxychloroquine", 310, 28, 1, 120)

# mechanism: (what is done to the woman or her course, the state in which the mechanism shows it, last day looked at,
#             other mechanisms that carry the same signal and are off in both runs)
PROBES = {
    "wound": ({"I_imp": 2.0}, {}, "Mi", 120, ()),
    "th1_help": ({"k_Z": 0.3}, {}, "H2u", 250, ()),
    "placentation": ({"s_IFNu": 0.5}, {}, "V", 250, (*GROWTH, "vessel_damage")),
    "defence": ({}, {"infections": EARLY}, "Mi", 120, ("infection_labour", "labour_tnf")),
    "infection_labour": ({}, {"infections": (Infection(196, 210),)}, "S", 270, ("labour_tnf", *GROWTH)),
    "labour_tnf": ({"s_Mi": LN2}, {}, "S", 270, GROWTH),
    "labour_inflammation": ({"s_S": 0.05}, {}, "Mi", 260, ("withdrawal", "labour_tnf", *GROWTH)),
    "withdrawal": ({"S0": 0.5}, {}, "PR", 275, ()),
    "floor": ({}, {"regimen": ADALIMUMAB}, "M", 250, ("ceiling",)),
    "ceiling": ({"s_Mi": np.log(3)}, {}, "M", 250, ("floor",)),
    "vessel_damage": ({"s_Ku": LN2}, {}, "V", 250, (*GROWTH, "placentation")),
    "ceiling_risk": ({"th_c": 0.9}, {}, "L", 270, ()),
    "th17_risk": ({"th_17": -0.5}, {}, "L", 270, ()),
    "nk_risk": ({"th_K": -0.5}, {}, "L", 270, ()),
    "floor_risk": ({"th_f": 0.95, "B_f": 0.9}, {}, "L", 270, ()),
    "spillover": ({"s_H1u": LN2}, {}, "H1b", 250, GROWTH),
    "anti_tnf_effect": ({}, {"regimen": ADALIMUMAB}, "TNFu", 250, ()),
    "prednisolone_effect": ({}, {"regimen": one("prednisolone", 20, 30, 1, 120)}, "Nu", 250, ()),
    "hydroxychloroquine_effect": ({}, {"regimen": HCQ}, "H17u", 250, ()),
    "ivig_effect": ({}, {"regimen": one("ivig", 60, 30)}, "Kb", 250, ()),
}


def test_every_mechanism_is_probed():
    assert set(PROBES) == set(mechanisms())


@pytest.mark.parametrize("name", PROBES)
def test_the_null_switches_the_effect_off(name):
    changed, course, state, last, others = PROBES[name]

    def effect(off):
        base = Women.alike(B_f=0.9 if name == "floor_risk" else 0.0)
        runs = [
            simulate(woman, outputs=(state,), days=last, without=off, **kwargs).of(state)[0]
            for woman, kwargs in ((base, {}), (base.having(**changed), course))
        ]
        return float(np.abs(runs[1] - runs[0]).max())

    on, off = effect(others), effect((*others, name))
    assert on > 1e-3
    assert off < 1e-4 * on or off < 1e-6, (on, off)


@pytest.mark.parametrize("name", PROBES)
def test_a_mechanism_says_what_it_changes_and_why(name):
    for row in mechanism_rows(name):
        assert row["parameter"] in core().parameters
        assert row["label"]
        assert row["source_id"] or row["evidence_kind"] == "judgement"
        null = float(row["null"])
        assert Women.alike().without([name]).parameter(row["parameter"])[0] == null


def test_unknown_mechanisms_are_named():
    with pytest.raises(OutsideLimits, match="th1_hlp"):
        Women.alike().without(["th1_hlp"])


def test_a_claim_has_a_mechanism():
    claims = {claim for row in table("mechanisms").values() for claim in row["claims"].split(";")}
    assert claims == set("abcdefg")
