"""Times become days and hours; no date goes further and no error repeats one."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from decidua.errors import Ambiguous, BrokenStudy
from decidua.study.times import Clock

LONDON = ZoneInfo("Europe/London")


def clock(*cells: str) -> Clock:
    found = Clock(LONDON)
    found.learn(list(cells))
    return found


def test_relative_days() -> None:
    at = clock("d-3", "d75T09:10")
    assert at.read("d-3", "c").day == -3  # type: ignore[union-attr]
    later = at.read("d75T09:10", "c")
    assert later is not None
    assert (later.day, round(later.hour, 3), later.timed) == (75, 9.167, True)
    assert at.read("", "c") is None


def test_calendar_days_count_from_the_first() -> None:
    first, second = "2031-03-29T22:00", "2031-03-30T08:00"
    at = clock(first, second)
    a, b = at.read(first, "c"), at.read(second, "c")
    assert a is not None
    assert b is not None
    assert (a.day, b.day) == (0, 1)
    # the clocks went forward in that night: nine hours, not ten
    assert b.hours_since(a) == pytest.approx(9.0)


def test_two_kinds_of_one_subject_are_ambiguous() -> None:
    with pytest.raises(Ambiguous):
        clock("d3", "2031-03-29")


@pytest.mark.parametrize("cell", ["2031-02-30", "2031-13-01", "d3T25:00", "d3T10:61", "29.03.2031", "tomorrow", "3"])
def test_impossible_times_are_refused_without_repeating_them(cell: str) -> None:
    with pytest.raises(BrokenStudy) as caught:
        clock("2031-01-01").read(cell, "collected")
    assert cell not in str(caught.value)
