"""Reports: complete, deterministic, escaped, in the one palette, and without a forbidden word."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import real_study
import tiny_study as tiny

from decidua.errors import BrokenCounts
from decidua.measurement import Status
from decidua.pipeline import place_study, quantify
from decidua.reporting import look
from decidua.reporting.document import Report
from decidua.reporting.figures import dodge
from decidua.reporting.findings import StudyFindings
from decidua.reporting.html import render_html
from decidua.reporting.study import study_report
from decidua.reporting.visit import closed_sentence, visit_report
from decidua.reporting.wording import forbidden_words
from decidua.study import load_study
from decidua.tables import Note
from decidua.timeline.placement import Placement, Women

HOSTILE = '<script>alert("x")</script>&\'"'


def found(folder: Path) -> StudyFindings:
    study = load_study(folder)
    return place_study(study, quantify(study))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> StudyFindings:
    return found(real_study.build(tmp_path_factory.mktemp("real"), test_data, people=4))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> StudyFindings:
    return found(tiny.build(tmp_path_factory.mktemp("tiny")))


class Reader(HTMLParser):
    """Collects the tags, addresses and words of a document."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self._quiet = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._quiet += tag == "style"
        self.addresses += [v for k, v in attrs if k in ("href", "src", "xlink:href", "action") and v]

    def handle_endtag(self, tag: str) -> None:
        self._quiet -= tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._quiet:
            self.words.append(data)


def every_report(findings: StudyFindings) -> list[Report]:
    return [study_report(findings), *(visit_report(findings, v) for v in findings.visits)]


def drawings(text: str) -> list[str]:
    return re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)


def test_a_document_stands_alone_and_says_research_use(real: StudyFindings) -> None:
    for report in every_report(real):
        text = render_html(report)
        reader = Reader(text)
        assert "script" not in reader.tags
        assert [a for a in reader.addresses if not a.startswith(("#", "data:"))] == []
        assert "research use only" in text
        assert "Content-Security-Policy" in text
        assert len(text) < 2_000_000


def test_no_forbidden_word_is_printed(real: StudyFindings, small: StudyFindings) -> None:
    for findings in (real, small):
        for v in findings.visits:
            text = " ".join(Reader(render_html(visit_report(findings, v))).words)
            assert forbidden_words(text) == []


def test_equal_findings_give_equal_bytes(real: StudyFindings) -> None:
    v = real.visits[-1]
    assert render_html(visit_report(real, v)) == render_html(visit_report(real, v))
    assert visit_report(real, v).content_hash != visit_report(real, real.visits[-2]).content_hash


def test_only_palette_colours_are_drawn(real: StudyFindings) -> None:
    for report in every_report(real):
        for svg in drawings(render_html(report)):
            used = {c.lower() for c in re.findall(r"#[0-9a-fA-F]{6}\b", svg)}
            assert used <= look.PALETTE


def test_no_axis_hue_stands_on_a_visit_report(real: StudyFindings) -> None:
    for v in real.visits:
        for svg in drawings(render_html(visit_report(real, v))):
            assert not any(hue in svg for hue in look.AXIS_HUES.values())


def test_figures_are_well_formed_say_themselves_in_words_and_use_no_small_type(real: StudyFindings) -> None:
    seen = 0
    for report in every_report(real):
        for svg in drawings(render_html(report)):
            root = ET.fromstring(svg)
            title = root.find("{http://www.w3.org/2000/svg}title")
            assert root.get("role") == "img"
            assert title is not None
            assert title.text
            sizes = [float(s) for s in re.findall(r'font-size="([\d.]+)px"', svg)]
            assert min(sizes, default=10) >= 9.3  # 7 pt
            seen += 1
    assert seen > 20


def test_the_alternative_text_names_value_and_interval(real: StudyFindings) -> None:
    report = visit_report(real, real.visits[-1])
    row = next(r for g in report.groups for r in g.rows if r.figure is not None)
    assert row.figure is not None
    assert row.value in row.figure.alt
    assert row.interval.split(" · ")[0] in row.figure.alt
    assert "healthy women" in row.figure.alt


def test_every_text_of_the_palette_is_readable() -> None:
    for colour in (look.INK, look.TEXT2, look.TEXT3, look.WOMAN, *look.AXIS_HUES.values()):
        assert look.contrast(colour, look.WHITE) >= 5.5
        assert look.contrast(colour, look.BAND_OUTER) >= 4.5


def test_hostile_text_in_every_field_is_escaped(small: StudyFindings) -> None:
    v = small.visits[0]
    hostile = [
        replace(m, method=HOSTILE, source=replace(m.source, file=HOSTILE, place=HOSTILE)) for m in v.measurements
    ]
    findings = replace(
        small,
        id=HOSTILE,
        laboratory=HOSTILE,
        visits=(replace(v, measurements=tuple(hostile)),),
        refused=(BrokenCounts(HOSTILE, file=HOSTILE, place=HOSTILE, remedy=HOSTILE),),
        notes=(Note(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
    )
    for report in every_report(findings):
        text = render_html(report)
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_what_failed_stands_first(small: StudyFindings) -> None:
    broken = replace(small, refused=(BrokenCounts("It does not sum.", file="c.csv", place="row 3"),))
    text = render_html(study_report(broken))
    assert "1 item was refused" in text
    assert text.index("It does not sum.") < text.index("Every result")


def test_an_empty_study_is_a_document_too(small: StudyFindings) -> None:
    text = render_html(study_report(replace(small, visits=(), refused=(), notes=())))
    assert "There is no result." in text


def test_thirty_results_leave_nine_on_page_1(small: StudyFindings) -> None:
    v = small.visits[0]
    many = tuple(p for _ in range(10) for p in v.placements)
    report = visit_report(small, replace(v, placements=many))
    assert sum(len(g.rows) for g in report.groups) == 9
    assert any("further results stand in the appendix" in p for s in report.first for p in s.paragraphs)
    grid = report.appendix[0].grid
    assert grid is not None
    assert len(grid.rows) == len(many)


def placements(small: StudyFindings, outside: int, m: int, n: int) -> list[Placement]:
    base = small.visits[0].placements[0]
    value = base.measurement.quantity.value
    assert value is not None
    wide = Women(tuple(sorted(value * (0.5 + i / n) for i in range(n))))
    narrow = Women(tuple(value * 0.1 * (1 + i / n) for i in range(n)))
    return [replace(base, not_placeable="", women=narrow if i < outside else wide) for i in range(m)]


def test_the_closed_sentence_counts(small: StudyFindings) -> None:
    results = small.visits[0].measurements
    say = lambda *a: closed_sentence(placements(small, *a), results, "second_trimester")  # noqa: E731
    assert say(0, 4, 34) == (
        "All 4 results that can be placed lie inside the 34 healthy women seen in the same phase (second trimester)."
    )
    assert say(1, 10, 34) == (
        "1 of 10 results that can be placed lies outside the 34 healthy women seen in the same phase "
        "(second trimester). About 4 in 10 healthy women have one."
    )
    assert "nothing is placed" in closed_sentence(small.visits[0].placements, results, "second_trimester")
    assert "not dated" in closed_sentence(small.visits[0].placements, results, "unknown")
    failed = [replace(results[0], status=Status.FAILED)]
    assert closed_sentence([], failed, "second_trimester").startswith("Test failed")
    assert closed_sentence([], [], "unknown") == "No result of this visit could be used."


def test_a_curve_of_few_women_is_never_used_on_a_visit_report(real: StudyFindings) -> None:
    v = real.visits[-1]
    bare = replace(v, placements=tuple(replace(p, women=None) for p in v.placements))
    report = visit_report(real, bare)
    text = " ".join(Reader(render_html(report)).words)
    assert "the curve rests on 32 women, see the study report" in text
    assert "centile" not in text


def test_dots_never_cover_each_other() -> None:
    positions = [1.0, 2.0, 3.0, 9.0, 10.0]
    levels = dodge(positions, 4.0)
    for i, a in enumerate(positions):
        for j, b in enumerate(positions[:i]):
            assert levels[i] != levels[j] or abs(a - b) >= 4.0
