"""Drawings: one palette, no small letters, alternative text with value and interval, places that agree."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import pytest

from decidua.measurement import Censoring, Moment, Quantity, VisitKey
from decidua.reporting import palette
from decidua.reporting.axes import FOLD, extent, natural, spanned
from decidua.reporting.courses import Point, course, drawable, medicine_bars
from decidua.reporting.document import Report
from decidua.reporting.drawing import View, draw, printable
from decidua.reporting.strips import dodged
from decidua.reporting.timelines import apart, timeline
from reporting import look_at, made

KEY = VisitKey("W1", "V1")


def every(reports: dict[str, Report]) -> list[tuple[str, str, str]]:
    return [(name, f.svg, f.alt) for name, report in reports.items() for f in look_at.figures(report)]


def test_only_colours_of_the_palette_are_drawn(visits: dict[str, Report], studies: dict[str, Report]) -> None:
    drawn = every(visits) + every(studies)
    assert len(drawn) > 80
    assert {c for _, svg, _ in drawn for c in look_at.strange_colours(svg)} == set()
    assert look_at.strange_colours('<path fill="#ff0000"/>') == {"#ff0000"}


def test_no_axis_hue_stands_on_a_visit_report(visits: dict[str, Report], studies: dict[str, Report]) -> None:
    hues = set(palette.HUES.values())
    assert not any(hue in svg for _, svg, _ in every(visits) for hue in hues)
    assert any(hue in svg for _, svg, _ in every(studies) for hue in hues)


def test_the_womans_blue_and_the_axis_hues_never_share_a_panel(studies: dict[str, Report]) -> None:
    assert not any(palette.WOMAN in svg for _, svg, _ in every(studies))


def test_no_letter_is_smaller_than_seven_points(visits: dict[str, Report], studies: dict[str, Report]) -> None:
    assert [s for _, svg, _ in every(visits) + every(studies) for s in look_at.small_letters(svg)] == []
    assert look_at.small_letters('<text font-size="9px"/>') == [6.75]


def test_each_drawing_is_light_and_well_formed(visits: dict[str, Report], studies: dict[str, Report]) -> None:
    for _, svg, alt in every(visits) + every(studies):
        assert len(svg) <= 60_000
        root = ET.fromstring(svg)
        assert root.get("role") == "img"
        assert root.get("aria-label") == alt
        assert "id=" not in svg  # nothing to clash when several stand in one page


def test_alternative_texts_name_value_and_interval(visits: dict[str, Report]) -> None:
    full = [f.alt for f in look_at.figures(visits["full"])]
    assert any("IFN-γ⁺ of CD3⁺CD8⁻ 17.81\u00a0% (17.47–18.16); 34 healthy women" in alt for alt in full)
    assert any("NK cells 236\u00a0cells/µL (210–265)" in alt and "last 221" in alt for alt in full)
    assert any("one-sided" in alt and "not placed" in alt for alt in full)
    assert any("over 4 visits" in alt and "cannot say" in alt for alt in full)
    for alt in full:
        assert re.search(r"\(.+\)|each step doubles|Medicines", alt), alt


def test_every_text_colour_can_be_read() -> None:
    for ink in (palette.INK, palette.TEXT2, palette.TEXT3, palette.WOMAN, *palette.HUES.values()):
        assert palette.contrast(ink, palette.PAPER) >= 5.6
        assert palette.contrast(ink, palette.BAND2) >= 4.1
        assert palette.contrast(ink, palette.BAND1) >= 4.5
    assert palette.contrast(palette.MARK, palette.PAPER) >= 3  # marks, never text
    assert palette.contrast(palette.RULE, palette.PAPER) < 3  # the twin: hairlines may not carry text


@pytest.mark.parametrize("values", [[0.02, 14.0], [75.0, 535.0], [1.1], [0.5, 0.7], [3e-3], [2.0, 2.0]])
def test_a_natural_axis_holds_its_values_on_exact_ticks(values: list[float]) -> None:
    axis = natural(values)
    assert axis.low <= min(values)
    assert axis.high >= max(values)
    for place, word in axis.ticks.items():
        assert word == "" or float(word) == pytest.approx(place, rel=1e-9)
    assert 2 <= sum(bool(w) for w in axis.ticks.values()) <= 7


def test_one_sided_results_end_in_an_arrow_and_have_no_point() -> None:
    above = made.share(KEY, "TNF", 50, 5, quantity=Quantity(3.0, "%", 3.0, None, Censoring.ABOVE))
    laid = spanned(above, FOLD)
    assert laid is not None
    assert (laid.at, laid.bound, laid.high, laid.arrows) == (None, 3.0, 8.0, ">")
    near = spanned(made.share(KEY, "IL10", 12, 9), FOLD)
    assert near is not None
    assert (near.at, near.arrows) == (None, "<")
    assert spanned(made.share(KEY, "IL10", 5, 60), FOLD) is None  # its whole interval lies below zero
    outside = spanned(made.share(KEY, "TNF", 30_000, 5), FOLD)
    assert outside is not None
    assert (outside.at, outside.bound, outside.arrows) == (None, None, ">")


def test_an_end_far_from_its_value_does_not_empty_the_axis() -> None:
    m = made.share(KEY, "TNF", 50, 5, quantity=Quantity(1.0, "%", 1e-6, 2.0))
    assert min(extent([m])) == 1.0


def test_dots_never_cover_each_other() -> None:
    places = sorted([0.0, 1.0, 2.0, 2.5, 3.0, 10.0, 10.1, 30.0])
    dots = list(zip(places, dodged(places), strict=True))
    for (x1, h1), (x2, h2) in combinations(dots, 2):
        assert abs(x1 - x2) >= 4.4 or h1 != h2
    assert max(dodged([0.0] * 50)) <= 5  # room for six levels


def test_words_on_the_time_axis_keep_apart() -> None:
    ticks = apart([(0.0, "LH+7"), (10.0, "6w4d"), (60.0, "9w4d"), (70.0, "13w2d")], keep=-1)
    assert [word for _, word in ticks] == ["LH+7", "", "", "13w2d"]


MOMENTS = (
    Moment("luteal", method="stated"),
    Moment("first_trimester", 80, method="ultrasound"),
    Moment("second_trimester", 185, method="ultrasound"),
    Moment("post_partum", None, 91, "delivery"),
)


def test_states_without_a_day_stand_in_slots_beside_the_axis() -> None:
    line = timeline(MOMENTS, 240)
    places = [line.x(m) for m in MOMENTS]
    assert all(x is not None and 0 <= x <= 240 for x in places)
    assert places == sorted(places)  # type: ignore[type-var]
    assert line.x(Moment()) is None
    assert line.days is not None
    assert line.days[1] - line.days[0] >= 42


@pytest.mark.parametrize("moments", [MOMENTS[3:], MOMENTS[:1], (Moment(phase_day=0), Moment(phase_day=1)), ()])
def test_a_time_axis_without_days(moments: tuple[Moment, ...]) -> None:
    line = timeline(moments, 240)
    assert line.days is None
    assert all(0 <= (line.x(m) or 0) <= 240 for m in moments)


def place(svg: str, tag: str, attribute: str, value: str) -> list[float]:
    """Where elements of one look stand across, in pixels."""
    found = re.findall(rf'<{tag}[^>]*{attribute}="{value}"[^>]*>', svg)
    return sorted(float(m[1]) for f in found if (m := re.search(r"translate\(([-\d.]+)", f)))


def test_points_ticks_and_medicine_bars_agree_to_half_a_pixel() -> None:
    her = made.woman()
    line = timeline([v.moment for v in her], 240)
    points = drawable([Point(v.moment, v.measurements[0]) for v in her])
    bars = medicine_bars([(v.moment, v.visit.medicines) for v in her], line)
    assert bars is not None
    panel, below = draw([course(points, line, None), bars])
    dots = place(panel.svg, "path", "fill", palette.WOMAN) + place(panel.svg, "path", "fill", palette.PAPER)
    wanted = sorted(line.x(v.moment) or 0 for v in her)
    assert sorted(dots) == pytest.approx(wanted, abs=0.5)
    ends = [float(x) for x in re.findall(r'd="M([\d.]+),', below.svg)]
    assert min(abs(e - (wanted[1] - 5)) for e in ends) <= 0.5
    assert palette.WOMAN not in below.svg


def test_a_medicine_left_out_between_two_visits_makes_two_bars() -> None:
    her = made.woman()
    line = timeline([v.moment for v in her], 240)
    twice = [(v.moment, v.visit.medicines if i != 2 else ()) for i, v in enumerate(her)]
    view = medicine_bars(twice, line)
    assert view is not None
    rows = view.layers[0]["data"]["values"]
    assert len([r for r in rows if r["y"] == rows[1]["y"]]) == 2  # progesterone: before and after the gap
    assert medicine_bars([(her[0].moment, None), (her[1].moment, ())], line) is None


def test_the_solid_line_joins_the_last_comparable_visit_to_this_one() -> None:
    her = made.woman()
    line = timeline([v.moment for v in her], 240)
    view = course([Point(v.moment, v.measurements[0]) for v in her], line, None)
    dotted = [layer for layer in view.layers if layer["mark"].get("strokeDash") and "y2" in layer["encoding"]]
    solid = [
        layer for layer in view.layers if layer["mark"] == {"type": "rule", "color": palette.WOMAN, "strokeWidth": 2}
    ]
    assert len(dotted[0]["data"]["values"]) == 2
    joined = next(layer["data"]["values"] for layer in solid if "x2" in layer["encoding"])
    assert [(r["x"], r["x2"]) for r in joined] == [(line.x(her[2].moment), line.x(her[3].moment))]


def test_nothing_to_draw_starts_no_engine() -> None:
    assert draw([]) == []


def test_text_no_document_may_hold_is_replaced() -> None:
    assert printable("a\x00b\udc80c\n") == "a\ufffdb\ufffdc\n"
    view = View(10, 10, (0, 0, 0, 0), (), 'say <b> & "c"\x07')
    figure = draw([View(10, 10, (0, 0, 0, 0), course_layers(), view.alt)])[0]
    assert ET.fromstring(figure.svg).get("aria-label") == 'say <b> & "c"\ufffd'


def course_layers() -> tuple[dict, ...]:
    her = made.woman()[:1]
    line = timeline([v.moment for v in her], 240)
    return course([Point(v.moment, v.measurements[0]) for v in her], line, None).layers
