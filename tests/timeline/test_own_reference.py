"""The control ladder: what 19, 25, 39, 40, 119 and 120 women allow, read back and placed against."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from decidua.errors import BrokenStudy, NotComparable, OutsideLimits
from decidua.measurement import LogNormal, Measurand, Measurement, Moment, Quantity, Visit, VisitKey
from decidua.tables import read_table
from decidua.timeline.change import repeats_of, usual_variation
from decidua.timeline.own_reference import Control, Description, OwnReference, build_reference
from decidua.timeline.placement import Limits, placement_line
from decidua.timeline.placing import place
from decidua.timeline.references import COLUMNS, Reference, own

TRIMESTER = Moment("first_trimester", 80)
SHARE = Measurand(
    "share", "IFNG+", "T_helper", material="blood_heparin", sample_age_class="fresh", stimulus="pma_ionomycin",
    stimulus_h=4, blocker="brefeldin_a", background="subtracted", threshold="drawn", laboratory="OURS",
)  # fmt: skip
ABOUT = Description("ifng", SHARE, "%", "fertile women, no treatment", "own controls")
LOG_SD = 0.45


def controls(n: int, *, seed: int = 1, moment: Moment = TRIMESTER) -> list[Control]:
    values = np.exp(np.random.default_rng(seed).normal(np.log(20), LOG_SD, n))
    return [Control(f"W{i}", moment, float(value)) for i, value in enumerate(values)]


def built(women: list[Control], **options: object) -> OwnReference:
    return build_reference(women, ABOUT, np.random.default_rng(3), **options)  # type: ignore[arg-type]


def borrowed(low: float = 8.0, high: float = 48.0, **changes: object) -> Reference:
    limits = {"first_trimester": Limits(low, high)}
    theirs = Reference(
        "theirs", "interval", SHARE.with_fields(laboratory="THEIRS"), "%", "blood donors", "Another2020", "", 150,
        np.empty(0), np.empty((0, 6)), {}, {}, limits, {},
    )  # fmt: skip
    return replace(theirs, **changes)  # type: ignore[arg-type]


def read_back(tmp_path: Path, found: OwnReference) -> list[Reference]:
    path = tmp_path / "references.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(found.rows)
    references, refused = own(read_table(path))
    assert refused == []
    return references


def result(value: float, **identity: object) -> Measurement:
    measurand = SHARE.with_fields(**identity)  # type: ignore[arg-type]
    return Measurement(VisitKey("W", "V"), measurand, Quantity(value, "%", uncertainty=LogNormal(0.05)))


@pytest.mark.parametrize(
    ("n", "basis"),
    [
        (1, "women"),
        (19, "women"),
        (20, "women"),
        (39, "women"),
        (40, "robust"),
        (119, "robust"),
        (120, "non-parametric"),
    ],
)
def test_the_number_of_women_decides_the_rung(n: int, basis: str) -> None:
    (rung,) = built(controls(n)).rungs
    assert (rung.n_women, rung.basis) == (n, basis)
    assert (rung.limits is not None) is (n >= 40)


def test_women_are_counted_not_samples() -> None:
    twice = [*controls(20), *(replace(c, value=c.value + 1) for c in controls(20))]
    found = built(twice)
    assert (found.rungs[0].n_women, found.rungs[0].basis) == (20, "women")
    assert [row["value"] for row in found.rows] == [c.value for c in controls(20)]


def test_few_women_are_drawn(tmp_path: Path) -> None:
    (reference,) = read_back(tmp_path, built(controls(12)))
    assert (reference.kind, reference.n_women) == ("values", 12)
    placed = place(result(20.0), TRIMESTER, Visit(VisitKey("W", "V")), [reference])
    assert placed.women is not None
    assert (placed.z, placed.limits, placed.side) == (None, None, "")


@pytest.mark.parametrize("n", [40, 119, 120, 300])
def test_limits_hold_the_central_95_percent(n: int) -> None:
    tails = []
    for seed in range(20):
        limits = built(controls(n, seed=seed)).rungs[0].limits
        assert limits is not None
        assert 0 < limits.low.lower <= limits.low.value <= limits.low.upper
        assert limits.high.lower <= limits.high.value <= limits.high.upper
        tails.append(
            [norm.cdf(np.log(limits.low.value / 20) / LOG_SD), norm.sf(np.log(limits.high.value / 20) / LOG_SD)]
        )
    assert np.mean(tails, axis=0) == pytest.approx((0.025, 0.025), abs=0.007)


def test_equal_seeds_give_equal_rows() -> None:
    assert built(controls(60)) == built(controls(60))


@pytest.mark.parametrize(("value", "side"), [(1.0, "below"), (20.0, "inside"), (90.0, "above")])
def test_a_value_is_placed_on_a_side_of_the_limits(tmp_path: Path, value: float, side: str) -> None:
    (reference,) = read_back(tmp_path, built(controls(60)))
    placed = place(result(value), TRIMESTER, Visit(VisitKey("W", "V")), [reference])
    line = placement_line(placed)
    assert (placed.side, line["side"]) == (side, side)
    assert (line["z"], line["centile"], line["p_outside"]) == (None, None, None)
    assert (line["low"], line["high"], line["n_women"]) == (placed.limits.low, placed.limits.high, 60)  # type: ignore[union-attr]
    assert not placed.indicative
    assert placed.source == "own controls"
    other = place(result(value), Moment("second_trimester", 120), Visit(VisitKey("W", "V")), [reference])
    assert other.not_placeable == "phase: second_trimester, first_trimester"


def test_a_value_at_a_limit_is_inside() -> None:
    assert [Limits(1.0, 3.0).side(v) for v in (0.999, 1.0, 3.0, 3.001)] == ["below", "inside", "inside", "above"]


def test_post_partum_limits_reach_as_far_as_the_women_were_seen(tmp_path: Path) -> None:
    women = [replace(c, moment=Moment("post_partum", None, 60 + i)) for i, c in enumerate(controls(40))]
    (reference,) = read_back(tmp_path, built(women))
    late = place(result(20.0), Moment("post_partum", None, 100), Visit(VisitKey("W", "V")), [reference])
    assert late.not_placeable == "phase_day: 100, 60-99"
    assert place(result(20.0), Moment("post_partum", None, 99), Visit(VisitKey("W", "V")), [reference]).side == "inside"


def test_a_borrowed_interval_is_verified_on_twenty_women(tmp_path: Path) -> None:
    found = built(controls(25), borrowed=borrowed())
    (rung,) = found.rungs
    assert rung.basis == "borrowed interval"
    assert rung.verification is not None
    assert rung.verification.holds
    references = read_back(tmp_path, found)
    assert [(r.kind, r.n_women) for r in references] == [("interval", 150), ("values", 25)]
    placed = place(result(60.0), TRIMESTER, Visit(VisitKey("W", "V")), references)
    assert placed.side == "above"
    assert placed.women is not None
    assert len(placed.women.values) == 25
    assert placed.source == f"Another2020; verified: {rung.verification.outside} of 20 own women outside"


def test_a_borrowed_interval_that_fails_is_not_used(tmp_path: Path) -> None:
    found = built(controls(25), borrowed=borrowed(18.0, 22.0))
    (rung,) = found.rungs
    assert rung.basis == "women"
    assert rung.verification is not None
    assert not rung.verification.holds
    assert {r.kind for r in read_back(tmp_path, found)} == {"values"}


@pytest.mark.parametrize(("n", "options"), [(19, {}), (40, {}), (25, {"limits": {"post_partum": Limits(8.0, 48.0)}})])
def test_a_borrowed_interval_is_not_tried_on_too_few_when_own_limits_exist_or_in_another_phase(
    n: int, options: dict[str, object]
) -> None:
    assert built(controls(n), borrowed=borrowed(**options)).rungs[0].verification is None  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["parent", "material", "stimulus", "blocker", "background", "kit"])
def test_an_interval_of_another_measurand_is_never_borrowed(field: str) -> None:
    other = borrowed(measurand=SHARE.with_fields(laboratory="THEIRS", **{field: "other"}))
    with pytest.raises(NotComparable) as caught:
        built(controls(25), borrowed=other)
    assert caught.value.place == field


def test_named_women_teach_usual_variation(tmp_path: Path) -> None:
    references = read_back(tmp_path, built(spread(25)))
    repeats = repeats_of(references, SHARE)
    assert len(repeats) == 75
    assert usual_variation(repeats, of_women_tested=False).n_women == 25
    assert repeats_of(references, SHARE.with_fields(laboratory="THEIRS")) == []


@pytest.mark.parametrize("changes", [{"kind": "values"}, {"unit": "1"}])
def test_only_an_interval_in_the_same_unit_is_borrowed(changes: dict[str, object]) -> None:
    with pytest.raises(OutsideLimits, match="not an interval in %"):
        built(controls(25), borrowed=borrowed(**changes))  # type: ignore[arg-type]


def spread(women: int) -> list[Control]:
    rng = np.random.default_rng(9)
    return [
        Control(f"W{i}", Moment(phase, day), float(np.exp(rng.normal(3, 0.3))))
        for i in range(women)
        for phase, day in (("first_trimester", 60 + i), ("second_trimester", 130 + i), ("third_trimester", 200 + i))
    ]


@pytest.mark.parametrize(("women", "indicative"), [(30, True), (45, False)])
def test_a_curve_over_gestation_is_indicative_below_40_women(tmp_path: Path, women: int, indicative: bool) -> None:
    found = built(spread(women))
    assert found.no_curve == ""
    curve = [r for r in read_back(tmp_path, found) if r.kind == "lms"]
    placed = place(result(20.0), Moment("second_trimester", 150), Visit(VisitKey("W", "V")), curve)
    assert placed.z is not None
    assert (placed.n_women, placed.indicative) == (women, indicative)


@pytest.mark.parametrize(
    ("women", "words"),
    [
        (spread(19), "19 women"),
        (controls(30), "different days"),
        (controls(30, moment=Moment("post_partum", None, 50)), "no control is dated"),
        ([replace(c, value=0.0) if c.woman == "W3" else c for c in spread(30)], "not above zero"),
    ],
)
def test_why_there_is_no_curve_is_said(women: list[Control], words: str) -> None:
    assert words in built(women).no_curve


def test_values_at_zero_keep_their_own_scale() -> None:
    women = [replace(c, value=c.value - 12) for c in controls(60)]
    limits = built(women).rungs[0].limits
    assert limits is not None
    assert limits.low.value < 0 < limits.high.value


@pytest.mark.parametrize(
    ("women", "about", "error"),
    [
        ([], ABOUT, BrokenStudy),
        (controls(3), replace(ABOUT, source=""), BrokenStudy),
        (controls(3), replace(ABOUT, unit="percent"), BrokenStudy),
        (controls(3, moment=Moment()), ABOUT, BrokenStudy),
        ([Control("W", TRIMESTER, float("nan"))], ABOUT, OutsideLimits),
        ([Control(f"W{i}", TRIMESTER, 2.0) for i in range(50)], ABOUT, OutsideLimits),
    ],
)
def test_what_makes_no_reference_is_refused(women: list[Control], about: Description, error: type[Exception]) -> None:
    with pytest.raises(error):
        build_reference(women, about, np.random.default_rng(1))
