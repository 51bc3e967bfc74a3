"""The sentence of the closed list agrees with its rows, and the plain words with the sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from decidua.measurement import Moment, Quantity, Status, VisitKey
from decidua.reporting.groups import page_one
from decidua.reporting.plain_words import plain_words
from decidua.reporting.rows import Place, Row, place_of, rows_of
from decidua.reporting.sentences import chance_of_one, finding, probability, quality, weeks_of
from decidua.timeline.placement import Placement, Women
from reporting import made

KEY = VisitKey("W1", "V1")
WHEN = Moment("first_trimester", 93, method="ultrasound")
DRAWN = Women(tuple(float(v) for v in range(1, 35)), 77, 104)


def rows(values: list[float], n: int = 34, unplaced: int = 0) -> list[Row]:
    drawn = replace(DRAWN, values=DRAWN.values[:n])
    made_up = []
    for k, value in enumerate(values):
        m = made.share(KEY, "IFNG", 50, 5, quantity=Quantity(value, "%", 0.9 * value, 1.1 * value), run=f"R{k}")
        placement = Placement(m, WHEN, "own", n, women=drawn)
        made_up.append(Row(m, placement, place_of(m, placement)))
    reason = Placement(made.share(KEY, "TNF", 90, 5), WHEN, not_placeable="reference: TNF+.share, none")
    return made_up + [Row(reason.measurement, reason, place_of(reason.measurement, reason))] * unplaced


def test_ten_results_among_thirty_four_women() -> None:
    text = finding(rows([40.0] + [10.0] * 9, unplaced=2), WHEN)
    assert text == (
        "1 of 10 results that can be placed lies outside the 34 healthy women measured at 11–14 weeks. "
        "About 4 in 10 healthy women have at least one. 2 results cannot be placed."
    )


def test_chance_follows_the_women_drawn() -> None:
    assert chance_of_one([34] * 10) == pytest.approx(1 - (1 - 2 / 35) ** 10)
    assert chance_of_one([31, 34]) == pytest.approx(1 - (1 - 2 / 32) * (1 - 2 / 35))
    assert "About 1 in 10 healthy women has" in finding(rows([10.0]), WHEN)
    assert "Nearly every healthy woman" in finding(rows([1.5] * 30, n=4), WHEN)


def test_all_within() -> None:
    assert finding(rows([10.0, 12.0]), WHEN).startswith(
        "All 2 results that can be placed lie within the 34 healthy women"
    )


@pytest.mark.parametrize(
    ("phase", "expected"),
    [("unknown", "This visit is not dated: its one result"), ("first_trimester", "No controls at this phase: its one")],
)
def test_nothing_placed(phase: str, expected: str) -> None:
    m = made.share(KEY, "IFNG", 50, 5)
    reason = "phase: not dated, a dated visit" if phase == "unknown" else "reference: IFNG+.share, none"
    placement = Placement(m, Moment(phase), not_placeable=reason)
    assert finding([Row(m, placement, place_of(m, placement))], Moment(phase)).startswith(expected)


def test_failed_and_void_results_are_counted_apart() -> None:
    blank = Quantity(None, "%")
    failed = made.share(KEY, "TNF", 0, 0, quantity=blank, status=Status.FAILED)
    void = replace(failed, status=Status.VOID)
    both = [Row(m, None, place_of(m, None)) for m in (failed, void)]
    assert finding(both, WHEN) == "No result of this visit carries a number. 1 test failed. 1 result is void."
    assert finding([], WHEN) == "No result of this visit could be used."


def test_an_indicative_curve_is_never_used() -> None:
    m = made.share(KEY, "IFNG", 500, 5)
    curve = Placement(m, WHEN, "lms", 32, z=3.0, centile=99.9, low=0.1, median=0.3, high=0.5, indicative=True)
    assert place_of(m, curve).reason == "the curve rests on 32 women, see the study report"
    assert place_of(m, replace(curve, women=DRAWN)).reason == ""
    assert place_of(m, replace(curve, women=Women(()))).reason.startswith("the curve rests on 32")
    sound = place_of(m, replace(curve, indicative=False, n_women=120))
    assert (sound.outside, sound.reason) == ("above", "")


def test_limits_of_a_sound_curve_have_their_own_words() -> None:
    m = made.share(KEY, "IFNG", 500, 5)
    curve = Placement(m, WHEN, "lms", 120, low=0.1, median=0.3, high=0.5)
    text = finding([Row(m, curve, place_of(m, curve))], WHEN)
    assert text == "1 of 1 results that can be placed lies outside the 95\u00a0% limits of 120 healthy women."


def test_a_share_near_its_background_is_not_placed() -> None:
    m = made.share(KEY, "IL10", 12, 9)
    assert place_of(m, Placement(m, WHEN, women=DRAWN)) == Place(reason="one-sided")


def test_plain_words_agree_with_the_sentence() -> None:
    paragraphs = plain_words(rows([40.0] + [10.0] * 9, unplaced=2))
    assert "Nine results read like those of healthy women" in paragraphs[0]
    assert "A signal called IFN-γ was higher than in the 34 healthy women" in paragraphs[0]
    assert "Among ten healthy women, about four have at least one such result." in paragraphs[0]
    assert "Two could not be compared." in paragraphs[0]
    assert plain_words([])[0] == "No result came from this visit."


def test_quality_names_background_cells_and_flags() -> None:
    flagged = made.share(KEY, "IL10", 12, 9)
    m = made.share(KEY, "IFNG", 900, 40)
    text = quality([Row(x, None, Place(reason="-")) for x in (flagged, m)])
    assert text.startswith("Unstimulated background 0.019–0.083\u00a0%. Parent cells 48\u202f210. Flagged: fewer than")
    assert "(1 of 2)" in text
    assert quality([Row(m, None, Place(reason="-"))]).endswith("Nothing flagged.")


def test_what_lies_outside_is_always_on_the_first_page() -> None:
    v = made.many()
    every = rows_of(made.study(v), v)
    last = replace(every[29], place=Place("above", women=DRAWN))
    chosen, further = page_one([*every[:29], last], v, 9)
    assert last in chosen
    assert len(chosen) == 9
    assert len(further) == 21


def test_weeks_and_probabilities() -> None:
    assert weeks_of([DRAWN]) == "at 11–14 weeks"
    assert weeks_of([Women((1.0,))]) == ""
    assert [probability(p) for p in (0.0001, 0.0512, 0.5, 0.99999)] == ["<\u00a00.001", "0.051", "0.5", ">\u00a00.999"]
