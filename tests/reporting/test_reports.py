"""Whole documents: what stands on them, what never does, equal bytes, nothing from outside, nothing unescaped."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from decidua.knowledge import table
from decidua.reporting.document import Report, Table, Text
from decidua.reporting.findings import StudyFindings
from decidua.reporting.html import css_text, render_html
from decidua.reporting.study import study_report
from decidua.reporting.visit import FIXED_LINES, visit_report
from decidua.reporting.wording import forbidden_words
from decidua.tables import Note
from reporting import look_at, made

NEVER_ON_A_VISIT = re.compile(
    r"\b(model\w*|simulat\w+|forecast\w*|exposure|z-days|centile\w*|z −?\d|balance score)\b", re.I
)


def text_of(report: Report) -> str:
    return look_at.Page(render_html(report)).text


def tables(report: Report) -> list[Table]:
    return [b for p in report.pages for s in p.sections for b in s.blocks if isinstance(b, Table)]


def headlines(report: Report) -> list[str]:
    blocks = (b for s in report.pages[0].sections for b in s.blocks)
    return [b.text for b in blocks if isinstance(b, Text) and b.role == "finding"]


def test_a_report_needs_nothing_from_outside(visits: dict[str, Report], studies: dict[str, Report]) -> None:
    for report in (*visits.values(), *studies.values()):
        html = render_html(report)
        assert look_at.addresses(html) == []
        tags = {tag for tag, _ in look_at.Page(html).tags}
        assert tags.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "form", "base"})
        assert not any(name.startswith("on") or name == "style" for _, a in look_at.Page(html).tags for name in a)
    assert look_at.addresses('<a href="https://example.org">x</a>')
    assert look_at.addresses("<style>a{background:url(x.png)}</style>")


def test_the_policy_allows_the_style_sheet_and_nothing_else(visits: dict[str, Report]) -> None:
    html = render_html(visits["full"])
    style = re.search(r"<style>(.*?)</style>", html, re.S)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = next(a["content"] for t, a in look_at.Page(html).tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_no_forbidden_word_is_written(visits: dict[str, Report], studies: dict[str, Report]) -> None:
    for report in (*visits.values(), *studies.values()):
        assert forbidden_words(text_of(report)) == []
    twin = study_report(made.study(made.empty(), notes=(Note("not_dated", "a", "b", "a severe reading"),)))
    assert forbidden_words(text_of(twin)) == ["severe"]


def test_what_never_stands_on_a_visit_report(visits: dict[str, Report], studies: dict[str, Report]) -> None:
    for report in visits.values():
        assert NEVER_ON_A_VISIT.findall(text_of(report)) == []
    assert NEVER_ON_A_VISIT.findall(text_of(studies["whole"]))


def test_equal_findings_give_equal_bytes(whole: StudyFindings, studies: dict[str, Report]) -> None:
    again = study_report(whole)
    assert again.content_hash == studies["whole"].content_hash
    assert render_html(again) == render_html(studies["whole"])
    other = study_report(made.study(*whole.visits[:3]))
    assert other.content_hash != again.content_hash
    assert json.loads(json.dumps(again.as_data()))["kind"] == "Study report"


def test_hostile_text_is_text_everywhere() -> None:
    hostile = made.hostile()
    reports = [study_report(hostile), *(visit_report(hostile, v) for v in hostile.visits)]
    for report in reports:
        html = render_html(report)
        html.encode("utf-8")
        assert "<script" not in html
        assert html.count("</style>") == 1
        page = look_at.Page(html)
        assert {"script"}.isdisjoint(tag for tag, _ in page.tags)
        assert '<script>alert("x")</script>' in page.text
        assert "\x07" not in html
    assert look_at.figures(reports[1])


def test_text_in_the_style_sheet_cannot_leave_its_string() -> None:
    assert css_text('a"}</style>\\') == "a\\22 \\7d \\3c \\2f style\\3e \\5c "


def test_the_first_page_says_everything_that_must_stand_there(visits: dict[str, Report]) -> None:
    statements = table("statements")
    for name, report in visits.items():
        text = text_of(report)
        assert "research use only" in text
        assert statements["research_use"]["text"] in text
        assert all(statements[key]["text"] in text for key in FIXED_LINES)
        assert "PRELIMINARY" in text
        assert "not signed" in text
        heads = headlines(report)
        assert len(heads) == 1, name
    assert len(visits["full"].pages) == 3


def test_at_most_nine_rows_stand_on_the_first_page(visits: dict[str, Report]) -> None:
    sizes = {}
    for name, report in visits.items():
        found = [t for t in tables(report) if t.role == "results"]
        sizes[name] = sum(len(g.rows) for t in found for g in t.groups)
    assert sizes["many"] == sizes["full"] == 9
    assert sizes["one"] == 1
    assert sizes["empty"] == 0
    every = next(t for t in tables(visits["many"]) if t.role == "every")
    assert sum(len(row) > 1 for g in every.groups for row in g.rows) >= 30


def test_no_cell_is_empty(visits: dict[str, Report], studies: dict[str, Report]) -> None:
    for name, report in {**visits, **studies}.items():
        for t in tables(report):
            for row in (row for g in t.groups for row in g.rows):
                assert all(c.text or c.note or c.mark or c.figure for c in row), (name, t.role, row)


def test_failed_and_void_results_print_no_number(visits: dict[str, Report]) -> None:
    rows = [row for t in tables(visits["bad"]) if t.role == "results" for g in t.groups for row in g.rows]
    words = {row[0].text: (row[1].text, row[3].note) for row in rows}
    assert words["TNF-α⁺"] == ("test failed", "no reason stated")
    assert words["IL-4⁺"][0] == "void"
    assert "last acceptable time" in words["IL-4⁺"][1]
    assert "test failed" in text_of(visits["bad"])


def test_a_visit_without_dating_is_not_placed(visits: dict[str, Report]) -> None:
    text = text_of(visits["undated"])
    assert "This visit is not dated: none of its 5 results can be placed." in text
    assert "no place on a course" in text


def test_the_reason_stands_in_the_place_column(visits: dict[str, Report]) -> None:
    text = text_of(visits["unplaceable"])
    assert "not placed: no reference" in text
    assert "reference: TNF.concentration, none" in text  # the appendix repeats it to the letter


def test_the_course_leaves_out_what_it_cannot_say(visits: dict[str, Report]) -> None:
    text = text_of(visits["full"])
    assert "Her course over four visits" in text
    assert "cannot be said" in text
    assert "No earlier visit has a result" in text_of(visits["many"])


def test_the_appendix_traces_every_number(visits: dict[str, Report]) -> None:
    text = text_of(visits["full"])
    for words in (
        "8650 of 48\u202f210",
        "62 of 48\u202f210",
        "3f9a·c27e",
        "IFNG+.share@",
        "counts/day_1.csv",
        "3f9ac27e" * 8,
    ):
        assert words in text


def test_the_study_report_begins_with_what_failed(whole: StudyFindings, studies: dict[str, Report]) -> None:
    report = studies["whole"]
    titles = [s.title for s in report.pages[0].sections]
    assert titles == ["", "What failed or was refused", "Notes"]
    text = text_of(report)
    for error in whole.refused:
        assert all(part in text for part in (error.file, error.place, error.message, error.remedy))
    assert "visits SC001 V1, SC002 V1" in text
    assert "W9 V1, TNF-α⁺ of CD3⁺CD8⁻: test failed" in text


def test_the_study_report_lists_every_result_and_says_why(whole: StudyFindings, studies: dict[str, Report]) -> None:
    report = studies["whole"]
    every = next(t for t in tables(report) if t.role == "study")
    assert sum(len(g.rows) for g in every.groups) == sum(len(v.measurements) for v in whole.visits)
    text = text_of(report)
    assert "One-sided because the denominator, IL-10⁺, reaches its background." in text
    assert re.search(r"V1 P = 0\.\d+".replace(" = ", "\u00a0=\u00a0"), text)
    assert "not placeable: no reference" in text
    assert re.search(r"z −?\d\.\d\d \(.+?\) · centile \d+ \(\d", text)
    assert "indicative" in text
    for source in whole.inputs:
        assert source.sha256 in text


def test_the_title_counts_what_was_found(whole: StudyFindings, studies: dict[str, Report]) -> None:
    heads = {name: headlines(report)[0] for name, report in studies.items()}
    results = sum(len(v.measurements) for v in whole.visits)
    placed = sum(not p.not_placeable for v in whole.visits for p in v.placements)
    assert heads["whole"].startswith(f"2 inputs were refused; {placed} of {results} results can be placed; ")
    assert heads["nothing"] == "No result could be used; 0 inputs were refused."


def test_a_study_report_of_this_size_is_light(studies: dict[str, Report]) -> None:
    assert len(render_html(studies["whole"]).encode()) < 2_000_000


def test_no_letter_on_the_page_is_smaller_than_seven_points(visits: dict[str, Report]) -> None:
    html = render_html(visits["full"])
    style = re.search(r"<style>(.*?)</style>", html, re.S)
    assert style is not None
    assert look_at.small_letters("", style[1]) == []
    assert look_at.small_letters("", "p { font-size: 6.5pt; }") == [6.5]


@pytest.mark.parametrize("lang", ["en-GB"])
def test_a_page_can_be_heard(visits: dict[str, Report], studies: dict[str, Report], lang: str) -> None:
    for report in (*visits.values(), *studies.values()):
        page = look_at.Page(render_html(report))
        tags = [t for t, _ in page.tags]
        assert next(a["lang"] for t, a in page.tags if t == "html") == lang
        assert tags.count("h1") == 1
        assert tags.count("main") == 1
        ids = [a["id"] for _, a in page.tags if "id" in a]
        assert len(ids) == len(set(ids))
        heads = [a for t, a in page.tags if t == "th"]
        assert all("scope" in a for a in heads)
        assert all(a.get("aria-label") for t, a in page.tags if t == "svg")
