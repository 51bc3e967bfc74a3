"""Who is planted where, and who is ordinary."""

from __future__ import annotations

import numpy as np
import pytest

from decidua.synthetic.draw import FAILED, shares_of
from decidua.synthetic.traits import ACTIVITY, CELLS, HELPER, LIVE, MARKERS, RESPONSES, TRAITS
from decidua.synthetic.women import ORDINARY, PLANTED, TRAPS, draw_women


@pytest.mark.parametrize("seed", range(5))
def test_the_planted_stand_out_on_their_own_axis_alone(seed: int) -> None:
    axes = {"W1": "Th1", "W2": "NK activity", "W3": "NK number"}
    for draw in draw_women(12, np.random.default_rng(seed)):
        for trait in TRAITS:
            on_axis = bool(trait.axis) and trait.axis == axes.get(draw.subject)
            if on_axis:
                assert draw.scores[trait.key] == PLANTED
            else:
                assert abs(draw.scores[trait.key]) <= ORDINARY


def test_number_and_activity_are_planted_apart() -> None:
    draws = draw_women(3, np.random.default_rng(1))
    active, many = draws[4], draws[8]
    median = ACTIVITY.medians[0]
    assert active.activity > 2.5 * median
    assert abs(active.scores[CELLS[0].key]) <= ORDINARY
    assert many.cells["NK", LIVE] > 2.5 * CELLS[0].medians[0] / 100
    assert abs(many.scores[ACTIVITY.key]) <= ORDINARY
    assert active.lysis(25.0) > 1.3 * 0.45 * -np.expm1(-median * 0.11 * 25)


def test_a_woman_resembles_herself() -> None:
    draws = draw_women(35, np.random.default_rng(2))
    key = RESPONSES[3].key
    scores = np.array([[d.scores[key] for d in draws[4 * w : 4 * w + 4]] for w in range(35)])
    between = scores.mean(axis=1).var(ddof=1)
    assert between > scores.var(axis=1, ddof=1).mean()


def test_th1_is_high_at_implantation_and_th2_later() -> None:
    medians = {t.key: t.medians for t in RESPONSES}
    assert max(medians["IFNG+", HELPER]) == medians["IFNG+", HELPER][1]
    assert max(medians["IL4+", HELPER]) == medians["IL4+", HELPER][3]


def test_shares_stay_shares() -> None:
    for seed in range(20):
        for draw in draw_women(6, np.random.default_rng(seed)):
            for parent in (HELPER, "T_cytotoxic", "NK"):
                shares = shares_of(draw, parent, True)
                assert ((shares >= 0) & (shares < 0.95)).all()
            assert 0 < draw.cells["NK", LIVE] + draw.cells["T", LIVE] < 1


def test_a_failed_stimulation_leaves_the_background() -> None:
    draws = {(d.subject, d.phase): d for d in draw_women(6, np.random.default_rng(1))}
    failed = draws[next(place for place, trap in TRAPS.items() if trap == FAILED)]
    assert (shares_of(failed, HELPER, True) == shares_of(failed, HELPER, False)).all()
    other = draws["W4", 1]
    assert shares_of(other, HELPER, True)[MARKERS.index("TNF")] > 10 * shares_of(other, HELPER, False)[1]
