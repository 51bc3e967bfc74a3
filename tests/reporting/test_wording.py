"""Numbers follow their interval; names and reasons are those of the field; some words are never used."""

from __future__ import annotations

import pytest

from decidua.measurement import Censoring, Measurand, Measurement, Quantity, Status, VisitKey
from decidua.reporting.wording import (
    forbidden_words,
    group_of,
    interval,
    name_of,
    number,
    placed,
    span,
    superscript,
    value,
)

KEY = VisitKey("W1", "V1")


def result(quantity: Quantity, status: Status = Status.OK, flags: tuple[str, ...] = ()) -> Measurement:
    return Measurement(KEY, Measurand("share", "IFNG+", "T_helper"), quantity, status=status, flags=flags)


@pytest.mark.parametrize(
    ("quantity", "written", "between"),
    [
        (Quantity(5.6087, "%", 5.3163, 5.9068), "5.61\u00a0%", "5.32–5.91"),
        (Quantity(-0.0112, "%", -0.12, 0.098), "−0.01\u00a0%", "−0.12 to 0.10"),
        (Quantity(-0.5, "%", -0.9, -0.1), "−0.50\u00a0%", "−0.90 to −0.10"),
        (Quantity(48210.4, "/uL", 47000.0, 49000.0), "48\u202f210\u00a0cells/µL", "47\u202f000–49\u202f000"),
        (Quantity(5.56, "1", 5.56, None, Censoring.ABOVE), ">\u00a05.56", "one-sided"),
        (Quantity(0.06, "%", None, None, Censoring.BELOW), "<\u00a00.0600\u00a0%", "below its limit"),
        (Quantity(None, "1", censored=Censoring.UNDETERMINED), "not determined", "both terms reach their background"),
        (Quantity(182.0, "/uL"), "182\u00a0cells/µL", "no interval stated"),
    ],
)
def test_a_result_is_written_to_the_digits_of_its_interval(quantity: Quantity, written: str, between: str) -> None:
    assert value(result(quantity)) == written
    assert interval(result(quantity)) == between


def test_a_void_or_failed_result_is_words() -> None:
    void = result(Quantity(None, "%"), Status.VOID, ("too_late",))
    assert value(void) == "void"
    assert "last acceptable time" in interval(void)
    assert value(result(Quantity(None, "%"), Status.FAILED)) == "test failed"


def test_zero_has_no_minus() -> None:
    assert number(-0.0001, 2) == "0.00"
    assert span(None, 1.0) == ""


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("CD3+CD8-", "CD3⁺CD8⁻"),
        ("CD25hiCD127lo", "CD25hiCD127lo"),
        ("HLA-DR", "HLA-DR"),
        ("CXCR3-CCR6+", "CXCR3⁻CCR6⁺"),
    ],
)
def test_marker_signs_are_superscripts(text: str, written: str) -> None:
    assert superscript(text) == written


def test_names() -> None:
    assert name_of(Measurand("share", "IFNG+", "T_helper")) == "IFN-γ⁺"
    assert name_of(Measurand("ratio", "IFNG+", "T_helper", "IL10+")) == "IFN-γ / IL-10"
    assert name_of(Measurand("count", "NK")) == "NK cells"
    ics = Measurand(
        "share", "IFNG+", "T_helper", material="blood_heparin", stimulus="pma_ionomycin", stimulus_h=5,
        blocker="brefeldin_a", background="subtracted",
    )  # fmt: skip
    assert group_of(ics) == (
        "after PMA + ionomycin, 5 h, brefeldin A; share of CD3⁺CD8⁻ minus unstimulated; heparin blood"
    )


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("phase: not dated, a dated visit", "the visit is not dated"),
        ("stimulus_h: 6, 4", "stimulus h 6, reference 4"),
        ("censored: above, none", "a limit has no place"),
        ("gestational_day: 300, 80-262", "day of pregnancy 300, reference 80-262"),
    ],
)
def test_reasons(reason: str, words: str) -> None:
    assert placed(reason) == words


def test_forbidden_words_are_found() -> None:
    assert forbidden_words("A Raised and hostile value") == ["hostile", "raised"]
    assert forbidden_words("praised") == []
