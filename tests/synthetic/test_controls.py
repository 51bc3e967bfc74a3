"""The laboratory's own healthy women: references of the very measurands that the study finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from decidua.reporting.findings import StudyFindings
from decidua.study import load_study
from decidua.synthetic import Truth
from decidua.synthetic.controls import HEALTHY_WOMEN
from decidua.synthetic.traits import HELPER, RESPONSES
from decidua.timeline.references import Reference, references_of


@pytest.fixture(scope="module")
def own(made: tuple[Path, Truth]) -> list[Reference]:
    found, broken, read = references_of(load_study(made[0]))
    assert broken == []
    assert [source.file for source in read] == ["references.csv"]
    return [reference for reference in found if reference.licence == "made"]


def test_women_and_curve_of_one_measurand(own: list[Reference]) -> None:
    curves = {r.measurand: r for r in own if r.kind == "lms"}
    women = {r.measurand: r for r in own if r.kind == "values"}
    assert curves.keys() <= women.keys()
    assert len(curves) > 20
    for reference in women.values():
        assert len(reference.women) == 4
        assert max(len(w.values) for w in reference.women.values()) <= HEALTHY_WOMEN


def test_medians_lie_near_the_planted_ones(own: list[Reference]) -> None:
    trait = RESPONSES[0]
    curve = next(r for r in own if r.kind == "lms" and (r.measurand.numerator, r.measurand.parent) == trait.key)
    assert trait.parent == HELPER
    for point, median in zip(curve.curve, trait.medians, strict=True):
        _, found, spread, _, se, _ = point
        assert abs(np.log(found / median)) < 4 * se
        assert spread == pytest.approx(trait.spread, rel=0.5)


def test_every_sound_responder_share_is_placed(found: StudyFindings) -> None:
    for visit in found.visits:
        if visit.visit.medicines or visit.visit.key.subject == "HC":
            continue
        for placement in visit.placements:
            m = placement.measurement
            if m.measurand.quantity != "share" or m.measurand.background != "subtracted":
                continue
            if m.quantity.censored == "none" and m.quantity.value is not None and m.quantity.value > 0:
                assert not placement.not_placeable, (m.measurand.id, placement.not_placeable)
