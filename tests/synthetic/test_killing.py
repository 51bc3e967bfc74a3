"""Made killing tables: their shape, and the planted curve in their counts."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter

import numpy as np
import pytest

from decidua.synthetic.draw import Draw
from decidua.synthetic.killing import COLUMNS, RATIOS, killing_csv, true_killing, tube_id
from decidua.synthetic.traits import LIVE
from decidua.synthetic.women import draw_women


@pytest.fixture(scope="module")
def draw() -> Draw:
    return draw_women(1, np.random.default_rng(1))[0]


def rows_of(draws: list[Draw], seed: int) -> list[dict[str, str]]:
    text = killing_csv([(f"A{n}", d) for n, d in enumerate(draws)], np.random.default_rng(seed))
    return list(csv.DictReader(io.StringIO(text)))


def test_the_tubes_of_a_sample(draw: Draw) -> None:
    rows = rows_of([draw], 1)
    assert tuple(rows[0]) == COLUMNS
    assert Counter((row["role"], row["effector_target"], row["drug"]) for row in rows) == {
        ("targets_alone", "", ""): 3,
        ("targets_alone", "", "ivig"): 3,
        ("test", "50.0", ""): 2,
        ("test", "25.0", ""): 2,
        ("test", "12.5", ""): 2,
        ("test", "25.0", "ivig"): 2,
    }
    assert len({row["nk_share"] for row in rows}) == 1
    assert all(0 <= int(row["dead"]) <= int(row["targets"]) for row in rows)


def test_the_counts_follow_the_planted_curve(draw: Draw) -> None:
    rows = rows_of([draw] * 200, 2)

    def dead(role: str, ratio: str, drug: str) -> float:
        mine = [r for r in rows if (r["role"], r["effector_target"], r["drug"]) == (role, ratio, drug)]
        return float(np.mean([int(r["dead"]) / int(r["targets"]) for r in mine]))

    alone = dead("targets_alone", "", "")
    for ratio in RATIOS:
        lysis = (dead("test", str(ratio), "") - alone) / (1 - alone)
        x = draw.activity * draw.cells["NK", LIVE] * ratio
        assert lysis == pytest.approx(draw.plateau * (1 - math.exp(-x)), rel=0.02)
    drugged = (dead("test", "25.0", "ivig") - dead("targets_alone", "", "ivig")) / (
        1 - dead("targets_alone", "", "ivig")
    )
    assert drugged == pytest.approx(0.6 * draw.lysis(25.0), rel=0.03)


def test_lytic_units_are_where_the_curve_reaches_ten_per_cent(draw: Draw) -> None:
    truth = {(v.quantity, v.numerator): v for v in true_killing(draw)}
    units = truth["lytic_units", "K562"]
    assert draw.lysis(1e7 / (10_000 * units.value)) == pytest.approx(0.10)
    assert truth["lysis", "K562@25:1"].value == pytest.approx(100 * draw.lysis(25.0))
    assert tube_id(25.0, True) == "K562@25:1+ivig 4 mg/mL"
    assert truth["ratio", tube_id(25.0, True)].denominator == tube_id(25.0, False)
