"""The doubling axis: where its ends and ticks lie, and how a result that has no two ends is drawn on it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from decidua.measurement import Censoring, Measurement
from decidua.reporting.drawing import Pen, Scale
from decidua.reporting.numerals import near_background
from decidua.reporting.rows import has_number

FOLDS = {0.125: "× ⅛", 0.25: "¼", 0.5: "½", 1.0: "1", 2.0: "2", 4.0: "4", 8.0: "8"}
_MOST_TICKS = 7
_FARTHEST = 16.0


@dataclass(frozen=True, slots=True)
class Doubling:
    """An axis on which each step doubles.

    Attributes
    ----------
    low, high : float
        Its ends, in the unit of the results.
    ticks : dict of float to str
        Places and words.
    """

    low: float
    high: float
    ticks: dict[float, str]

    @property
    def scale(self) -> Scale:
        """The Vega-Lite scale: ends as given, nothing rounded."""
        return {"type": "log", "base": 2, "domain": [self.low, self.high], "nice": False, "zero": False}

    def along(self, value: float) -> float:
        """Return how far along the axis a value lies, from 0 to 1."""
        return math.log2(value / self.low) / math.log2(self.high / self.low)

    @property
    def middle(self) -> float:
        """The value half way along."""
        return math.sqrt(self.low * self.high)

    def inside(self, value: float) -> float:
        """Return a value, or the end of the axis it lies beyond."""
        return min(max(value, self.low), self.high)


FOLD = Doubling(0.125, 8.0, FOLDS)


def natural(values: Iterable[float]) -> Doubling:
    """Return an axis in natural units that holds every positive value.

    Parameters
    ----------
    values : iterable of float
        Values, ends of intervals, women; those not above zero have no place on it.

    Returns
    -------
    Doubling
        Ends at doublings of 1, or of a power of ten where the least value is far from 1: so ticks are exact numbers.
    """
    positive = [v for v in values if v > 0 and math.isfinite(v)] or [1.0]
    low, high = min(positive), max(positive)
    anchor = 1.0 if 0.125 <= low < 64 and high > 0.5 else 10.0 ** math.floor(math.log10(low))
    first = math.floor(math.log2(low / anchor) + 1e-9)
    last = max(math.ceil(math.log2(high / anchor) - 1e-9), first + 1)
    if last - first == 1:
        first -= 1
    every = math.ceil((last - first + 1) / _MOST_TICKS)
    steps = range(first, last + 1)
    ticks = {anchor * 2.0**k: f"{anchor * 2.0**k:.6g}" if (k - first) % every == 0 else "" for k in steps}
    return Doubling(anchor * 2.0**first, anchor * 2.0**last, ticks)


def extent(measurements: Iterable[Measurement]) -> list[float]:
    """Gather what of some results must lie on an axis.

    Parameters
    ----------
    measurements : iterable of Measurement
        Results of one unit.

    Returns
    -------
    list of float
        Values, limits and ends of intervals; an end farther than 16-fold from its value would empty the axis of
        everything else, and is drawn as an arrow.
    """
    found = []
    for m in measurements:
        if has_number(m):
            q = m.quantity
            value = q.upper if near_background(m) else q.value
            ends = [v for v in (value, q.lower, q.upper) if v is not None]
            found += [v for v in ends if value is not None and value / _FARTHEST <= v <= value * _FARTHEST]
    return found


@dataclass(frozen=True, slots=True)
class Span:
    """A result along a doubling axis.

    Attributes
    ----------
    at : float or None
        Its value; None where only a limit is known or it lies beyond the axis.
    low, high : float
        Ends of what is drawn as a bar.
    bound : float or None
        The one end that is known of a one-sided result.
    arrows : str
        ``<`` and ``>`` where it goes on beyond an end of the axis.
    """

    at: float | None
    low: float
    high: float
    bound: float | None = None
    arrows: str = ""


def has_place(m: Measurement) -> bool:
    """Tell whether a result can be drawn on a doubling axis.

    Parameters
    ----------
    m : Measurement
        Any result.

    Returns
    -------
    bool
        Where it has a number or a limit above zero.
    """
    shown = m.quantity.upper if near_background(m) else m.quantity.value
    return has_number(m) and shown is not None and shown > 0


def spanned(m: Measurement, axis: Doubling, per: float = 1.0) -> Span | None:
    """Lay a result along an axis.

    Parameters
    ----------
    m : Measurement
        A result.
    axis : Doubling
        The axis.
    per : float
        What the result is divided by, above zero: the women's middle on a fold axis.

    Returns
    -------
    Span or None
        None where it has no number above zero.
    """
    q = m.quantity
    if not has_place(m) or q.value is None:
        return None
    if near_background(m) and q.upper is not None:
        end = axis.inside(q.upper / per)
        return Span(None, axis.low, end, end, "<")
    value = q.value / per
    if q.censored is Censoring.ABOVE:
        return Span(None, axis.inside(value), axis.high, axis.inside(value), ">")
    if q.censored is Censoring.BELOW:
        return Span(None, axis.low, axis.inside(value), axis.inside(value), "<")
    low = value if q.lower is None else q.lower / per
    high = value if q.upper is None else q.upper / per
    arrows = ("<" if low < axis.low else "") + (">" if high > axis.high else "")
    at = value if axis.low <= value <= axis.high else None
    return Span(at, axis.inside(low), axis.inside(high), None, arrows)


def across(pen: Pen, axis: Doubling, spans: Sequence[tuple[Span, float]], colour: str) -> list[dict[str, Any]]:
    """Draw results along a horizontal axis: interval, value, or an arrow from the end that is known.

    Parameters
    ----------
    pen : Pen
        With the axis's scale on x.
    axis : Doubling
        The axis.
    spans : sequence of (Span, float)
        Results and their lanes [px].
    colour : str
        Of all of them.

    Returns
    -------
    list of dict
        Layers.
    """
    bars = [{"x": s.low, "x2": s.high, "y": y} for s, y in spans if s.high > s.low]
    bounds = [{"x": s.bound, "y": y - 4, "y2": y + 4} for s, y in spans if s.bound is not None]
    dots = [{"x": s.at, "y": y} for s, y in spans if s.at is not None]
    left = [{"x": axis.low, "y": y} for s, y in spans if "<" in s.arrows]
    right = [{"x": axis.high, "y": y} for s, y in spans if ">" in s.arrows]
    arrow: dict[str, Any] = {"color": colour, "size": 40, "filled": True, "opacity": 1}
    drawn = [
        (bars, pen.layer("rule", bars, color=colour, strokeWidth=2)),
        (bounds, pen.layer("rule", bounds, color=colour, strokeWidth=2)),
        (dots, pen.layer("circle", dots, color=colour, size=49, opacity=1)),
        (left, pen.layer("point", left, shape="triangle-left", **arrow)),
        (right, pen.layer("point", right, shape="triangle-right", **arrow)),
    ]
    return [layer for rows, layer in drawn if rows]
