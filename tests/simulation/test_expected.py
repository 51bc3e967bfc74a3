"""The numbers the model is specified by: six scenarios, every state, three engines."""

import csv
from collections import defaultdict

import numpy as np
import pytest

from decidua.errors import DidNotConverge
from decidua.simulation import Women, simulate
from decidua.simulation.model import core
from simulation.scenarios import SCENARIOS

NAMES = {"C_ada_mg_L": "ada_C", "C_pred_effect_ng_mL": "pr_Ce", "C_hcq_mg_L": "hq_C", "Vc": "ig_C", "Ve": "ig_Ce"}
PRINTED = 6e-7  # seven digits are printed
NOTHING = 1e-8  # printed as 0


@pytest.fixture(scope="module")
def expected(test_data):
    table = defaultdict(dict)
    with open(test_data / "model" / "core_expected.csv", newline="", encoding="utf-8") as text:
        for row in csv.DictReader(text):
            table[row["scenario"]][row["state"], int(row["day"])] = float(row["value"])
    return table


def worst(course, rows):
    """Largest error by state: against the value plus a thousandth of the largest; values printed as 0 by themselves."""
    largest, found = defaultdict(float), defaultdict(float)
    for (state, _), value in rows.items():
        largest[state] = max(largest[state], abs(value))
    volume = core().parameters["ig_V1"]
    for (state, day), value in rows.items():
        if day < 0:
            continue
        ours = course.of(NAMES.get(state, state))[0, day] * (volume if state == "Vc" else 1.0)
        if value == 0 or largest[state] < 1e-6:
            assert abs(ours - value) < NOTHING, (state, day, ours, value)
        else:
            found[state] = max(found[state], abs(ours - value) / (abs(value) + 1e-3 * largest[state]))
    return found


def run(scenario, engine):
    return simulate(engine=engine, outputs=tuple(core().outputs), **SCENARIOS[scenario])


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(("engine", "limit"), [("reference", 1e-6), ("arrays", 3e-4), ("lanes", 3e-4)])
def test_every_state_is_as_specified(scenario, engine, limit, expected):
    course = run(scenario, engine)
    rows = expected[scenario]
    errors = worst(course, rows)
    assert len(errors) > 30
    assert max(errors.values()) < limit, max(errors, key=errors.get)
    end = rows.get(("t_e", -1))
    assert course.ends[0] == end if end is not None else np.isnan(course.ends[0])
    crossing = rows.get(("t_cross", -1))
    if crossing is not None:
        assert course.crossings[0] == pytest.approx(crossing, abs=1e-6 if engine == "reference" else 1e-4)
    else:
        assert np.isnan(course.crossings[0])


def test_the_reference_says_where_it_stops():
    with pytest.raises(DidNotConverge, match="day"):
        simulate(Women.alike(s_Mi=900), engine="reference", days=40)


def test_a_wrong_constant_is_noticed(expected):
    changed = simulate(SCENARIOS["reference"]["women"].having(r_M=0.2201), outputs=tuple(core().outputs))
    assert max(worst(changed, expected["reference"]).values()) > 3e-4
