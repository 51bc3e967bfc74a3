"""Documents of real findings: alone, deterministic, escaped, in one palette, without a forbidden word."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import plate_study
import pytest
import tiny_study as tiny

from decidua.errors import BrokenCounts
from decidua.pipeline import place_study, quantify
from decidua.reporting.document import Report
from decidua.reporting.findings import StudyFindings
from decidua.reporting.html import render_html
from decidua.reporting.palette import HUES, PALETTE
from decidua.reporting.study import study_report
from decidua.reporting.visit import visit_report
from decidua.reporting.wording import forbidden_words
from decidua.study import load_study
from decidua.tables import Note

HOSTILE = '<script>alert("x")</script>&\'"'


def found(folder: Path) -> StudyFindings:
    study = load_study(folder)
    return place_study(study, quantify(study))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> StudyFindings:
    return found(plate_study.build(tmp_path_factory.mktemp("real"), test_data))


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


def test_documents_stand_alone_and_say_research_use(real: StudyFindings) -> None:
    for report in every_report(real):
        text = render_html(report)
        reader = Reader(text)
        assert "script" not in reader.tags
        assert [a for a in reader.addresses if not a.startswith(("#", "data:image/png"))] == []
        assert "research use only" in text
        assert "Content-Security-Policy" in text
        assert len(text) < 2_000_000


def test_no_forbidden_word_is_printed(real: StudyFindings, small: StudyFindings) -> None:
    for findings in (real, small):
        for v in findings.visits:
            assert list(forbidden_words(" ".join(Reader(render_html(visit_report(findings, v))).words))) == []


def test_equal_findings_give_equal_bytes(real: StudyFindings) -> None:
    for v in real.visits[-2:]:
        assert render_html(visit_report(real, v)) == render_html(visit_report(real, v))


def test_drawings_are_well_formed_in_the_palette_and_say_themselves_in_words(real: StudyFindings) -> None:
    seen = 0
    for report in every_report(real):
        for svg in drawings(render_html(report)):
            root = ET.fromstring(svg)
            assert root.get("role") == "img"
            assert root.get("aria-label")
            assert {c.lower() for c in re.findall(r"#[0-9a-fA-F]{6}\b", svg)} <= PALETTE
            sizes = [float(s) for s in re.findall(r'font-size="([\d.]+)(?:px)?"', svg)]
            assert min(sizes, default=10) >= 9.3  # 7 pt
            seen += 1
    assert seen > 60


def test_no_axis_hue_stands_on_a_visit_report(real: StudyFindings) -> None:
    for v in real.visits:
        for svg in drawings(render_html(visit_report(real, v))):
            assert not any(hue in svg for hue in HUES.values())


def test_hostile_text_in_every_field_is_escaped(small: StudyFindings) -> None:
    v = small.visits[0]
    hostile = tuple(
        replace(m, method=HOSTILE, source=replace(m.source, file=HOSTILE, place=HOSTILE)) for m in v.measurements
    )
    findings = replace(
        small,
        id=HOSTILE,
        laboratory=HOSTILE,
        visits=(replace(v, measurements=hostile),),
        refused=(BrokenCounts(HOSTILE, file=HOSTILE, place=HOSTILE, remedy=HOSTILE),),
        notes=(Note("row_unused", HOSTILE, HOSTILE, HOSTILE),),
    )
    for report in every_report(findings):
        text = render_html(report)
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_what_failed_stands_first(small: StudyFindings) -> None:
    broken = replace(small, refused=(BrokenCounts("It does not sum.", file="c.csv", place="row 3"),))
    text = render_html(study_report(broken))
    assert "1 input was refused" in text
    assert text.index("It does not sum.") < text.rindex("Every visit and result")


def test_an_empty_study_is_a_document_too(small: StudyFindings) -> None:
    assert "No result could be used" in render_html(study_report(replace(small, visits=(), refused=(), notes=())))


def test_every_curve_of_a_plate_is_drawn(real: StudyFindings) -> None:
    text = render_html(study_report(real))
    assert text.count("Standard curve of ") == 30
    assert "30 lost their decimal point" in text


def test_a_curve_of_few_women_is_never_used_on_a_visit_report(real: StudyFindings) -> None:
    v = next(v for v in real.visits if v.visit.key.subject == "W002")
    bare = replace(v, placements=tuple(replace(p, women=None) for p in v.placements))
    text = " ".join(Reader(render_html(visit_report(real, bare))).words)
    assert "centile" not in text
