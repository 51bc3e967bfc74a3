"""Change between visits: the worked table, real women's variation, and how often nothing is called something."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from real_study import cohort_script

from decidua.errors import OutsideLimits
from decidua.measurement import Censoring, Measurand, Measurement, Moment, Quantity, VisitKey
from decidua.timeline.change import Change, UsualVariation, change_since, usual_variation
from decidua.timeline.references import Repeat

RATIO = Measurand("ratio", "TNF+", "T_helper", "IL10+", material="blood_heparin", laboratory="OURS")
T1, T2 = Moment("first_trimester", 80), Moment("second_trimester", 150)
MEAN = math.sqrt(13.2 * 30.6)
# Arithmetic under stated assumptions, a test of the formula and nothing else.
ASSUMED = UsualVariation(
    {"first_trimester": MEAN}, 0.28, 0.28 * math.sqrt(0.64 / 0.36), 0.64, 0.47, 0.77, 33, 131, True
)
KNOWN = replace(ASSUMED, icc_lower=0.64, icc_upper=0.64)


def result(
    value: float | None, visit: str = "V1", censored: Censoring = Censoring.NONE, **identity: str
) -> Measurement:
    return Measurement(VisitKey("W", visit), RATIO.with_fields(**identity), Quantity(value, "1", censored=censored))


def since(before: float, after: float, usual: UsualVariation | None = ASSUMED, **options: Censoring) -> Change:
    return change_since(result(before), T1, result(after, "V2", **options), T1, usual)


@pytest.mark.parametrize(
    ("start", "mean", "icc", "expected"),
    [
        (47.5, MEAN, 0.64, 34.85), (35.2, MEAN, 0.64, 28.77), (47.5, 21.9, 0.64, 35.95), (35.2, 21.9, 0.64, 29.67),
        (47.5, 30.6, 0.64, 40.55), (35.2, 30.6, 0.64, 33.47), (47.5, MEAN, 0.47, 30.1), (47.5, MEAN, 0.77, 39.0),
    ],
)  # fmt: skip
def test_the_worked_table(start: float, mean: float, icc: float, expected: float) -> None:
    usual = UsualVariation({"first_trimester": mean}, 0.28, 0.0, icc, icc, icc, 33, 131, True)
    found = since(start, start, usual).expected
    assert found is not None
    assert found.value == pytest.approx(expected, abs=0.05 if icc != 0.64 else 0.0055)


@pytest.mark.parametrize(("start", "limits"), [(47.5, (17.3, 70.4)), (35.2, (14.2, 58.1))])
def test_the_interval_of_one_woman(start: float, limits: tuple[float, float]) -> None:
    found = since(start, start, KNOWN)
    assert found.expected is not None
    assert (found.expected.lower, found.expected.upper) == pytest.approx(limits, abs=0.05)
    assert found.widest == found.narrowest == (found.expected.lower, found.expected.upper)


@pytest.mark.parametrize(("after", "answer"), [(31.5, "no"), (70.3, "no"), (70.5, "yes"), (17.2, "yes"), (17.4, "no")])
def test_a_known_icc_answers_yes_or_no(after: float, answer: str) -> None:
    assert since(47.5, after, KNOWN).more_than_usual == answer


def test_where_the_icc_decides_nobody_can_say() -> None:
    found = since(47.5, 17.0)
    assert found.widest is not None
    assert found.narrowest is not None
    assert found.widest[0] < 17.0 < found.narrowest[0]
    assert (found.more_than_usual, since(47.5, 31.5).more_than_usual) == ("cannot say", "no")
    assert "ICC" in found.reason
    assert since(47.5, 5.0).more_than_usual == "yes"
    assert since(47.5, 5.0).reason == ""


@pytest.mark.parametrize(
    ("after", "tested", "controls"),
    [
        (31.5, "no", "no"),
        (72.0, "yes", "cannot say"),
        (100.0, "yes", "yes"),
        (20.0, "no", "cannot say"),
        (15.0, "yes", "yes"),
    ],
)
def test_the_mean_of_the_healthy_is_not_that_of_the_women_tested(after: float, tested: str, controls: str) -> None:
    assert since(47.5, after, KNOWN).more_than_usual == tested
    found = since(47.5, after, replace(KNOWN, of_women_tested=False))
    assert found.more_than_usual == controls
    assert found.widest == pytest.approx((17.3, 47.5 * 70.4 / 34.85), abs=0.05)


def test_what_pregnancy_does_to_everyone_is_not_a_change() -> None:
    usual = replace(KNOWN, geometric_means={"first_trimester": 20.0, "second_trimester": 10.0})
    assert change_since(result(40.0), T1, result(14.0, "V2"), T2, usual).more_than_usual == "no"
    found = change_since(result(20.0), T1, result(10.0, "V2"), T2, usual)
    assert found.expected is not None
    assert found.expected.value == pytest.approx(10.0)
    assert change_since(result(20.0), T1, result(22.0, "V2"), T2, usual).more_than_usual == "yes"
    assert change_since(result(20.0), T1, result(22.0, "V2"), T1, usual).more_than_usual == "no"


@pytest.mark.parametrize(
    ("last", "now", "usual", "words"),
    [
        (result(20.0), result(20.0, laboratory="THEIRS"), KNOWN, "laboratory: OURS, THEIRS"),
        (result(20.0), result(20.0, denominator="IL4+"), KNOWN, "denominator: IL10+, IL4+"),
        (result(20.0), replace(result(20.0), quantity=Quantity(20.0, "%")), KNOWN, "unit: 1, %"),
        (result(20.0), result(20.0), None, "is not known"),
        (result(20.0, censored=Censoring.ABOVE), result(20.0), KNOWN, "no number"),
        (result(20.0), result(None, censored=Censoring.UNDETERMINED), KNOWN, "no number"),
        (result(20.0), result(None), KNOWN, "no logarithm"),
        (result(-0.1), result(20.0), KNOWN, "no logarithm"),
    ],
)
def test_why_nothing_can_be_said(last: Measurement, now: Measurement, usual: UsualVariation | None, words: str) -> None:
    found = change_since(last, T1, now, T1, usual)
    assert found.more_than_usual == "cannot say"
    assert found.expected is None
    assert words in found.reason


def test_a_phase_nobody_repeated_in_says_nothing() -> None:
    assert "second_trimester" in change_since(result(20.0), T1, result(20.0), T2, KNOWN).reason


@pytest.mark.parametrize(
    ("value", "censored", "answer"),
    [
        (80.0, Censoring.ABOVE, "yes"), (60.0, Censoring.ABOVE, "cannot say"),
        (10.0, Censoring.BELOW, "yes"), (30.0, Censoring.BELOW, "cannot say"),
    ],
)  # fmt: skip
def test_a_limit_answers_only_from_beyond(value: float, censored: Censoring, answer: str) -> None:
    found = since(47.5, value, KNOWN, censored=censored)
    assert found.more_than_usual == answer
    assert ("limit" in found.reason) is (answer == "cannot say")


def simulated(women: int, visits: int, seed: int, icc: float = 0.64) -> list[Repeat]:
    rng = np.random.default_rng(seed)
    lasting = rng.normal(0, 0.28 * math.sqrt(icc / (1 - icc)), women)
    phases = ("first_trimester", "second_trimester", "third_trimester", "post_partum")[:visits]
    return [
        Repeat(f"W{i}", phase, math.exp(3 - 0.2 * j + lasting[i] + rng.normal(0, 0.28)))
        for i in range(women)
        for j, phase in enumerate(phases)
    ]


def test_variation_is_learnt_without_bias_and_its_limits_hold() -> None:
    found = [usual_variation(simulated(33, 4, seed), of_women_tested=True) for seed in range(400)]
    assert np.mean([u.within_log_sd**2 for u in found]) == pytest.approx(0.28**2, rel=0.02)
    assert np.mean([u.icc for u in found]) == pytest.approx(0.64, abs=0.02)
    assert 0.92 <= np.mean([u.icc_lower <= 0.64 <= u.icc_upper for u in found]) <= 0.98


def test_phase_means_left_in_would_pass_for_variation() -> None:
    repeats = [replace(r, phase="one") for seed in range(20) for r in simulated(33, 4, seed)]
    pooled = usual_variation([replace(r, woman=f"{i // 4}") for i, r in enumerate(repeats)], of_women_tested=True)
    assert pooled.within_log_sd > 1.15 * 0.28


def test_nothing_is_called_a_change_one_time_in_twenty_at_most() -> None:
    answers = []
    for seed in range(150):
        usual = usual_variation(simulated(33, 4, seed), of_women_tested=True)
        for first, second in zip(*(simulated(40, 2, 1000 + seed)[k::2] for k in (0, 1)), strict=True):
            answers.append(change_since(result(first.value), T1, result(second.value), T2, usual).more_than_usual)
    called = [answers.count(a) / len(answers) for a in ("yes", "no", "cannot say")]  # type: ignore[arg-type]
    assert called[0] <= 0.055
    assert called[1] >= 0.85


def test_a_doubling_of_a_ratio_is_often_found() -> None:
    usual = usual_variation(simulated(33, 4, 1), of_women_tested=True)
    pairs = zip(*(simulated(2000, 2, 2)[k::2] for k in (0, 1)), strict=True)
    answers = [
        change_since(result(a.value), T1, result(3 * b.value), T2, usual).more_than_usual == "yes" for a, b in pairs
    ]
    assert np.mean(answers) > 0.6


@pytest.mark.parametrize(
    ("upper", "lower", "within", "between", "icc", "limits"),
    [("25", "26", 0.284, 0.368, 0.63, (0.47, 0.77)), ("27", "36", 0.201, 0.459, 0.84, (0.75, 0.91))],
)
def test_real_women_vary_as_measured(
    test_data: Path, upper: str, lower: str, within: float, between: float, icc: float, limits: tuple[float, float]
) -> None:
    rows = cohort_script().flow_rows(test_data / "cohorts" / "apps2020_normal_pregnancy")
    repeats = [Repeat(woman, str(visit), row[upper] / row[lower]) for woman, visit, row in rows]
    found = usual_variation(repeats, of_women_tested=False)
    assert (found.n_women, found.n_values) == (33, 131)
    assert (found.within_log_sd, found.between_log_sd) == pytest.approx((within, between), abs=0.0015)
    assert found.icc == pytest.approx(icc, abs=0.006)
    assert (found.icc_lower, found.icc_upper) == pytest.approx(limits, abs=0.006)


@pytest.mark.parametrize(
    ("repeats", "words"),
    [
        (simulated(19, 4, 1), "19 women"),
        (simulated(30, 1, 1), "0 women"),
        ([replace(r, value=0.0) if r.woman == "W2" else r for r in simulated(30, 2, 1)], "above zero"),
        ([replace(r, value=2.0) for r in simulated(30, 2, 1)], "ever differ"),
        ([Repeat(f"W{i}", f"P{i}{k}", 2.0 + k) for i in range(30) for k in (0, 1)], "Too few repeats"),
    ],
)
def test_what_teaches_no_variation_is_refused(repeats: list[Repeat], words: str) -> None:
    with pytest.raises(OutsideLimits, match=words):
        usual_variation(repeats, of_women_tested=False)


def test_women_seen_once_count_for_nothing() -> None:
    repeats = simulated(30, 3, 1)
    assert usual_variation(
        [*repeats, Repeat("once", "first_trimester", 1e6)], of_women_tested=False
    ) == usual_variation(repeats, of_women_tested=False)
