"""Dating: exactly one phase, never a negative day, conflicts refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decidua.errors import Ambiguous, BrokenStudy
from decidua.measurement import Dating, GestationalAge, Instant, Moment, Pregnancy, Visit, VisitKey
from decidua.timeline.gestation import moment, phase_of

KEY = VisitKey("W1", "V1")


def visit(
    day: int | None, *datings: tuple[str, int, int], ended: int | None = None, outcome: str = "", phase: str = ""
) -> Visit:
    found = tuple(Dating(method, Instant(at), age) for method, at, age in datings)
    end = None if ended is None else Instant(ended)
    at = None if day is None else Instant(day)
    return Visit(KEY, at, Pregnancy(1, found, end, outcome), phase)


@pytest.mark.parametrize(
    ("day", "phase"),
    [
        (0, "follicular"), (13, "follicular"), (14, "luteal"), (17, "luteal"), (18, "peri_implantation"),
        (25, "peri_implantation"), (26, "first_trimester"), (97, "first_trimester"), (98, "second_trimester"),
        (195, "second_trimester"), (196, "third_trimester"), (301, "third_trimester"),
    ],
)  # fmt: skip
def test_phase_borders(day: int, phase: str) -> None:
    assert phase_of(day) == phase


@given(st.integers(0, 301))
def test_every_day_has_one_phase(day: int) -> None:
    assert phase_of(day)


def test_lh_surge_is_day_13() -> None:
    found = moment(visit(19, ("lh_surge", 12, 13)))
    assert (found.gestational_day, found.phase, found.age) == (20, "peri_implantation", "LH+7")


def test_last_period_and_weeks() -> None:
    found = moment(visit(93, ("last_period", 0, 0)))
    assert (found.phase, found.age) == ("first_trimester", "13w2d")


def test_after_birth_and_after_loss_have_their_own_days() -> None:
    born = moment(visit(350, ("last_period", 0, 0), ended=280, outcome="birth_term"))
    assert (born.phase, born.gestational_day, born.phase_day) == ("post_partum", None, 70)
    lost = moment(visit(70, ("last_period", 0, 0), ended=63, outcome="loss"))
    assert (lost.phase, lost.phase_day, lost.age) == ("after_loss", 7, "1w0d after loss")


def test_before_the_end_she_is_still_pregnant() -> None:
    assert moment(visit(100, ("last_period", 0, 0), ended=280, outcome="birth_term")).phase == "second_trimester"


def test_week_56_asks_for_the_end() -> None:
    with pytest.raises(BrokenStudy, match="56w0d") as caught:
        moment(visit(392, ("last_period", 0, 0)))
    assert "ended" in caught.value.remedy or "ended" in caught.value.place


def test_negative_age_is_refused() -> None:
    with pytest.raises(BrokenStudy, match="3 days before"):
        moment(visit(-3, ("last_period", 0, 0)))


def test_stated_dating_without_collection_cannot_be_dated() -> None:
    with pytest.raises(BrokenStudy, match="cannot be dated"):
        moment(visit(None, ("last_period", 0, 0)))


def test_nothing_stated_is_unknown() -> None:
    assert moment(Visit(KEY, Instant(3))) == Moment()


def test_datings_that_agree_use_the_most_precise() -> None:
    found = moment(visit(60, ("last_period", 0, 0), ("transfer_d5", 17, 19)))
    assert (found.gestational_day, found.method) == (62, "transfer_d5")


def test_datings_that_disagree_are_ambiguous() -> None:
    with pytest.raises(Ambiguous, match="differ by 12 days"):
        moment(visit(60, ("last_period", 0, 0), ("ultrasound", 50, 62)))


def test_labour_is_stated_and_must_fit() -> None:
    assert moment(visit(270, ("last_period", 0, 0), phase="term_labour")).phase == "term_labour"
    with pytest.raises(Ambiguous):
        moment(visit(200, ("last_period", 0, 0), phase="term_labour"))


@pytest.mark.parametrize(("text", "days"), [("13w2d", 93), ("13w", 91), ("95d", 95)])
def test_gestational_age_reads(text: str, days: int) -> None:
    assert GestationalAge.parse(text).days == days


@given(st.integers(0, 330))
def test_gestational_age_prints_what_it_reads(days: int) -> None:
    assert GestationalAge.parse(str(GestationalAge(days))).days == days


@pytest.mark.parametrize("text", ["", "13", "13w7d", "w2d", "-3d"])
def test_gestational_age_refuses(text: str) -> None:
    with pytest.raises(BrokenStudy):
        GestationalAge.parse(text)
