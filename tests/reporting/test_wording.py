"""Numbers follow their interval; names carry Greek letters and raised signs; some words are never written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from decidua.knowledge import table
from decidua.measurement import Censoring, Measurand, Moment, Quantity, Status, VisitKey
from decidua.reporting.numerals import bound, coarse, number, plain, span
from decidua.reporting.rows import reason_text
from decidua.reporting.values import counts_text, interval_text, near_background, value_text
from decidua.reporting.wording import forbidden_words, full_name, markers, method_line, moment_text, term_text
from reporting import made

KEY = VisitKey("W1", "V1")


def shown(
    value: float | None, lower: float | None, upper: float | None, unit: str = "%", censored: str = "none"
) -> str:
    m = made.share(KEY, "IFNG", 50, 5, quantity=Quantity(value, unit, lower, upper, Censoring(censored)))
    return f"{value_text(m)} ({interval_text(m)})".replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ((2.4412, 2.291, 2.589), "2.44 % (2.29–2.59)"),
        ((17.91, 17.49, 18.31), "17.91 % (17.49–18.31)"),
        ((-0.0112, -0.12, 0.098), "−0.01 % (−0.12 to 0.10)"),
        ((0.00213, 0.00111, 0.00334), "0.0021 % (0.0011–0.0033)"),
        ((48210.0, 46800.0, 49650.0, "/uL"), "48 200 cells/µL (46 800–49 600)"),
        ((5.567, 5.567, None, "1", "above"), "> 5.5 (one-sided)"),
        ((0.0571, None, None, "%", "below"), "< 0.058 % (one-sided)"),
        ((None, None, None, "1", "undetermined"), "not determined (no number)"),
        ((8.01, None, None), "8.01 % (no interval)"),
        ((192.0, 192.0, 192.0, "/uL"), "192 cells/µL (interval of no width)"),
    ],
)
def test_digits_follow_the_interval(given: tuple, written: str) -> None:
    assert shown(*given) == written


def test_limits_are_rounded_to_the_side_that_still_holds() -> None:
    for value in (5.567, 0.0119, 1.999, 87.3, 1410.0, 560.0):
        assert float(bound(value, upwards=True)) <= value <= float(bound(value, upwards=False))
        assert float(bound(value, upwards=True)) > 0.9 * value
    assert bound(0.0, upwards=True) == "0"
    assert (bound(1.999, upwards=True), bound(5.5, upwards=True)) == ("1.99", "5.5")


def test_small_numbers() -> None:
    assert number(-0.001, 2) == "0.00"
    assert plain(48210.0) == "48\u202f210"
    assert plain(15.70) == "15.7"
    assert [coarse(v) for v in (0.049123, 1.06, 14.32, 198.7)] == ["0.049", "1.1", "14.3", "199"]
    assert span("1", "2") == "1–2"
    assert span("−1", "2") == "−1\u00a0to\u00a02"


def test_void_and_failed_results_carry_no_number() -> None:
    blank = Quantity(None, "%")
    void = made.share(KEY, "IL4", 0, 0, quantity=blank, status=Status.VOID, flags=("too_late",))
    failed = replace(void, status=Status.FAILED, flags=())
    assert value_text(void) == "void"
    assert "last acceptable time" in interval_text(void)
    assert (value_text(failed), interval_text(failed)) == ("test failed", "no reason stated")


def test_shares_near_background_are_told() -> None:
    assert near_background(made.share(KEY, "IL10", 12, 9))
    assert not near_background(made.share(KEY, "IL10", 300, 9))
    assert counts_text(made.share(KEY, "IL10", 12, 9)) == "12 cells over 9"


@pytest.mark.parametrize(
    ("definition", "written"),
    [
        ("CD3+CD8-", "CD3⁺CD8⁻"),
        ("CD25hiCD127loFoxP3+", "CD25hiCD127loFoxP3⁺"),
        ("CXCR3-CCR6-CCR4+", "CXCR3⁻CCR6⁻CCR4⁺"),
        ("HLA-DR+", "HLA-DR⁺"),
    ],
)
def test_signs_are_raised(definition: str, written: str) -> None:
    assert markers(definition) == written


def test_every_known_definition_is_written_without_a_plain_sign() -> None:
    for row in table("populations").values():
        assert "+" not in markers(row["definition"])


def test_names() -> None:
    assert full_name(Measurand("share", "IFNG+", "T_helper")) == "IFN-γ⁺ of CD3⁺CD8⁻"
    assert full_name(Measurand("share", "IFNG+", "T_helper[CD3+CD4+]")) == "IFN-γ⁺ of CD3⁺CD4⁺"
    assert term_text("IFNG+IL4-") == "IFN-γ⁺IL-4⁻"
    assert term_text("T_helper[CD3+CD4+]") == "T helper cells (CD3⁺CD4⁺)"
    assert full_name(Measurand("ratio", "TNF+", "CD4", "IL10+")) == "TNF-α / IL-10 of CD3⁺CD4⁺"
    assert full_name(Measurand("ratio", "IL22+", "CD4", "IL5+")) == "IL-22⁺ / IL-5⁺ of CD3⁺CD4⁺"
    assert term_text("unheard_of") == "unheard_of"
    assert moment_text(Moment()) == "not dated"
    assert moment_text(Moment("luteal", method="stated")) == "before conception, luteal"


def test_the_method_line_names_what_is_stated_and_the_identity() -> None:
    m = made.share(KEY, "IFNG", 50, 5).measurand
    line = method_line(m)
    for words in ("heparin blood", "PMA + ionomycin, 5\u00a0h", "brefeldin A", "parent CD3⁺CD8⁻", "LAB1", m.id):
        assert words in line
    assert "not stated" not in line


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("phase: not dated, a dated visit", "not dated"),
        ("phase: post_partum, first_trimester, second_trimester", "no controls at this phase"),
        ("gestational_day: 40, 80-200", "the reference covers 11w3d–28w4d"),
        ("phase_day: 300, 30-120", "the reference covers days 30–120 after the end"),
        ("medicine: prednisolone, none that acts on immune cells", "under prednisolone: compared with herself only"),
        ("reference: TNF.concentration, none", "no reference"),
        ("laboratory: LAB1, APPS2020", "the reference is of another laboratory, APPS2020"),
        ("sample_age_class: fresh, not_stated", "the reference has another sample age class, not stated"),
    ],
)
def test_reasons_are_words(reason: str, words: str) -> None:
    assert reason_text(reason) == words


@pytest.mark.parametrize("text", ["Severely raised", "an attack", "rejected", "hostile", "abnormally", "you need it"])
def test_forbidden_words_are_found(text: str) -> None:
    assert forbidden_words(text)


def test_innocent_words_are_not_found() -> None:
    assert forbidden_words("praised several project attachments, persevered and projected") == []


def test_no_fixed_text_or_flag_holds_a_forbidden_word() -> None:
    texts = [row["text"] for row in table("statements").values()] + [row["label"] for row in table("flags").values()]
    assert forbidden_words(" ".join(texts)) == []
