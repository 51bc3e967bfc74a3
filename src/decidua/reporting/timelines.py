"""Time to the right: the phase ruler, one woman's course over her visits, and many women's over gestation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from decidua.knowledge import label, table
from decidua.measurement import Moment
from decidua.reporting.axes import Doubling
from decidua.reporting.drawing import Pen, Row
from decidua.reporting.palette import INK, LETTER, MARK, PHASES, TEXT2

RULER = 13
_SLOT, _BREAK, _INSET, _LEAST_DAYS = 60.0, 8.0, 8.0, 42
_AFTER = ("post_partum", "after_loss")


@dataclass(frozen=True, slots=True)
class Slot:
    """A state without a day of gestation, beside the day axis: its place [px] and the days after the end it spans."""

    phase: str
    left: float
    right: float
    days: tuple[int, int]

    def x(self, moment: Moment) -> float:
        """Return the place of a moment in this slot [px]."""
        first, last = self.days
        if moment.phase_day is None or last == first:
            return (self.left + self.right) / 2
        share = (moment.phase_day - first) / (last - first)
        return self.left + _INSET + (self.right - self.left - 2 * _INSET) * share


@dataclass(frozen=True, slots=True)
class Timeline:
    """Gestational days along a frame, with slots for states that have none.

    Attributes
    ----------
    width : float
        Of the frame [px].
    days : tuple of float or None
        First and last day of the day axis [d]; None where no moment has one.
    left, right : float
        Where the day axis begins and ends [px].
    slots : tuple of Slot
        To its left and right.
    """

    width: float
    days: tuple[float, float] | None
    left: float
    right: float
    slots: tuple[Slot, ...]

    def day(self, day: float) -> float:
        """Return the place of a gestational day [px]; the axis's end for a day beyond it."""
        assert self.days is not None
        first, last = self.days
        inside = min(max(day, first), last)
        return self.left + (self.right - self.left) * (inside - first) / (last - first)

    def x(self, moment: Moment) -> float | None:
        """Return the place of a moment [px]; None where it is not dated."""
        if moment.gestational_day is not None:
            return self.day(moment.gestational_day)
        return next((slot.x(moment) for slot in self.slots if slot.phase == moment.phase), None)

    def reach(self, phase: str, days: tuple[int | None, int | None]) -> tuple[float, float] | None:
        """Return from where to where a phase's women were seen [px]; None where that is off the axis."""
        slot = next((s for s in self.slots if s.phase == phase), None)
        if slot is not None:
            return slot.left + 3, slot.right - 3
        first, last = days
        if self.days is None or first is None or last is None or first > self.days[1] or last < self.days[0]:
            return None
        return self.day(first) - 4, self.day(last) + 4


def timeline(moments: Iterable[Moment], width: float, also: Iterable[int] = ()) -> Timeline:
    """Lay out a time axis that holds some moments.

    Parameters
    ----------
    moments : iterable of Moment
        Those of one pregnancy, or of many women. Moments not dated stand in a slot of their own, and their
        `phase_day` is their rank there.
    width : float
        Of the frame [px].
    also : iterable of int
        Further gestational days to be held [d].

    Returns
    -------
    Timeline
        Whole weeks; at least six of them.
    """
    every = list(moments)
    days = [m.gestational_day for m in every if m.gestational_day is not None]
    bare = {m.phase for m in every if m.gestational_day is None}
    order = sorted((p for p in table("phases") if p in bare), key=lambda p: (p != "unknown", p in _AFTER))
    sizes = _sizes(order, every, width, whole=not days)
    before = [p for p in order if p not in _AFTER] if days else order
    left = sum(sizes[p] + _BREAK for p in before)
    right = width - sum(sizes[p] + _BREAK for p in order if p not in before)
    slots: list[Slot] = []
    start = 0.0
    for phase in order:
        start = right + _BREAK if phase not in before and start < right else start
        reach = [m.phase_day for m in every if m.phase == phase and m.phase_day is not None] or [0]
        slots.append(Slot(phase, start, start + sizes[phase], (min(reach), max(reach))))
        start += sizes[phase] + _BREAK
    return Timeline(width, _reach([*days, *also]) if days else None, left, right, tuple(slots))


def _sizes(phases: Sequence[str], moments: Sequence[Moment], width: float, *, whole: bool) -> dict[str, float]:
    """Give each slot its width: the one of moments not dated grows with their number, and a lone axis is filled."""
    undated = sum(m.phase == "unknown" for m in moments)
    sizes = {p: min(max(_SLOT, 6.0 * undated), width / 2) if p == "unknown" else _SLOT for p in phases}
    if whole and phases:
        spare = width - _BREAK * (len(phases) - 1) - sum(sizes.values())
        sizes = {p: size + spare / len(phases) for p, size in sizes.items()}
    return sizes


def _reach(days: Sequence[int]) -> tuple[float, float]:
    first, last = 7 * ((min(days) - 4) // 7), 7 * -(-(max(days) + 4) // 7)
    short = max(0, _LEAST_DAYS - (last - first))
    first = max(0, first - 7 * (short // 14))
    return first, max(last, first + _LEAST_DAYS)


def ruler(pen: Pen, line: Timeline, height: int) -> list[dict[str, Any]]:
    """Draw the phase ruler above a frame, and a dotted line wherever the day axis is broken.

    Parameters
    ----------
    pen : Pen
        With pixels on x.
    line : Timeline
        The time axis.
    height : int
        Of the frame [px].

    Returns
    -------
    list of dict
        Layers.
    """
    pieces = sorted([(s.left, s.right, label_of(s.phase)) for s in line.slots] + _phases(line))
    bars = [{"x": a, "x2": b, "color": PHASES[i % 2]} for i, (a, b, _) in enumerate(pieces)]
    fitting = [(a, b, next((w for w in words if len(w) * LETTER < b - a), "")) for a, b, words in pieces]
    names = [{"x": (a + b) / 2, "text": word} for a, b, word in fitting if word]
    breaks = [(end + start) / 2 for (_, end, _), (start, _, _) in pairwise(pieces) if start - end > 1]
    layers = [
        pen.layer("rect", bars, y=-RULER - 4, y2=-4),
        pen.layer("text", names, text=True, color=INK, y=-RULER / 2 - 3.5),
    ]
    if breaks:
        dotted = [{"x": x} for x in breaks]
        layers.append(pen.layer("rule", dotted, y=0, y2=height, color=MARK, strokeDash=[2, 3], strokeWidth=1))
    return layers


def label_of(phase: str) -> tuple[str, ...]:
    """Return the names of a phase for the ruler, the longest first."""
    row = table("phases")[phase]
    short = row["short"]
    return (label("phases", phase), short, short.replace(" trimester", ""))


def _phases(line: Timeline) -> list[tuple[float, float, tuple[str, ...]]]:
    if line.days is None:
        return []
    found = []
    for key, row in table("phases").items():
        first, last = row.number("from_day"), row.number("to_day")
        if row["kind"] == "phase" and first is not None and last is not None:
            start, end = max(first, line.days[0]), min(last + 1, line.days[1])
            if end > start:
                found.append((line.day(start), line.day(end), label_of(key)))
    return found


def value_axis(pen: Pen, axis: Doubling, height: int) -> list[dict[str, Any]]:
    """Draw the doubling axis to the left of a frame.

    Parameters
    ----------
    pen : Pen
        With the axis's scale on y.
    axis : Doubling
        The axis.
    height : int
        Of the frame [px].

    Returns
    -------
    list of dict
        Layers.
    """
    words = [{"y": y, "text": text} for y, text in axis.ticks.items() if text]
    return [
        pen.layer("rule", [{"y": axis.low, "y2": axis.high}], x=0, color=MARK, strokeWidth=1),
        pen.layer("rule", [{"y": y} for y in axis.ticks], x=-4, x2=0, color=MARK, strokeWidth=1),
        pen.layer("text", words, text=True, x=-7, align="right", color=TEXT2),
    ]


def time_ticks(pen: Pen, ticks: Sequence[tuple[float, str]], height: int) -> list[dict[str, Any]]:
    """Draw ticks with their words below a frame.

    Parameters
    ----------
    pen : Pen
        With pixels on x.
    ticks : sequence of (float, str)
        Places [px] and words; one without words keeps its tick.
    height : int
        Of the frame [px].

    Returns
    -------
    list of dict
        Layers.
    """
    marks = [{"x": x} for x, _ in ticks]
    words: list[Row] = [{"x": x, "text": text} for x, text in ticks if text]
    return [
        pen.layer("rule", marks, y=height, y2=height + 4, color=MARK, strokeWidth=1),
        pen.layer("text", words, text=True, y=height + 12, color=TEXT2),
    ]


def apart(ticks: Sequence[tuple[float, str]], *, keep: int) -> list[tuple[float, str]]:
    """Take away words that would run into each other.

    Parameters
    ----------
    ticks : sequence of (float, str)
        Places [px] and words.
    keep : int
        Index of the tick whose words must stay.

    Returns
    -------
    list of (float, str)
        Every tick; some without words.
    """
    order = [keep % len(ticks), *(i for i in range(len(ticks)) if i != keep % len(ticks))]
    kept: list[int] = []
    for i in order:
        x, text = ticks[i]
        if all(abs(x - ticks[k][0]) > (len(text) + len(ticks[k][1])) / 2 * LETTER + 4 for k in kept):
            kept.append(i)
    return [(x, text if i in kept else "") for i, (x, text) in enumerate(ticks)]


def week_ticks(line: Timeline) -> list[tuple[float, str]]:
    """Return ticks every four weeks, or every eight where they would stand too close.

    Parameters
    ----------
    line : Timeline
        The time axis.

    Returns
    -------
    list of (float, str)
        Places [px] and words.
    """
    if line.days is None:
        return []
    first, last = (int(d) for d in line.days)
    per_week = 7 * (line.right - line.left) / (last - first)
    step = next(s for s in (1, 2, 4, 8, 16) if s * per_week > 26)
    return [(line.day(7 * w), f"{w}w") for w in range(-(-first // 7), last // 7 + 1) if w % step == 0]
