"""The drawings, as Vega-Lite dictionaries: strips, courses, intervals, values over gestation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from decidua.knowledge import table
from decidua.measurement import Censoring, Measurement, Moment
from decidua.reporting.document import Figure
from decidua.reporting.look import (
    BAND_OUTER,
    FIGURE_PX,
    HAIR,
    INK,
    MARK,
    PHASE_EVEN,
    PHASE_ODD,
    RULE,
    TEXT2,
    TEXT3,
    WHITE,
    WOMAN,
    draw,
)
from decidua.reporting.wording import interval, name_of, number, value
from decidua.timeline.placement import Placement, Women

STRIP_WIDTH, STRIP_HEIGHT = 250, 34
FOLD = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
HER_LANE, DOT_PITCH = 27.0, 4.6
COURSE_WIDTH, COURSE_HEIGHT, RULER_HEIGHT = 330, 140, 13


def _layer(mark: dict[str, Any], rows: list[dict[str, Any]], **channels: Any) -> dict[str, Any]:
    return {"data": {"values": rows}, "mark": mark, "encoding": channels}


def _x(scale: dict[str, Any], field: str = "x", axis: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def _pixel_y(field: str = "y", height: float = STRIP_HEIGHT) -> dict[str, Any]:
    scale = {"domain": [0, height], "range": [0, height], "zero": False, "nice": False}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": None}


def dodge(positions: Sequence[float], pitch: float = DOT_PITCH) -> list[int]:
    """Stack dots so that none covers another.

    Parameters
    ----------
    positions : sequence of float
        Along the axis [px].
    pitch : float
        Least distance of two dots in one level [px].

    Returns
    -------
    list of int
        Level of each dot, 0 nearest the axis.
    """
    last: list[float] = []
    levels = []
    for x in positions:
        level = next((i for i, end in enumerate(last) if x - end >= pitch), len(last))
        if level == len(last):
            last.append(x)
        else:
            last[level] = x
        levels.append(level)
    return levels


def strip(
    m: Measurement, women: Women, before: Measurement | None, name: str, *, fold: bool = True, ticks: bool = False
) -> Figure:
    """Draw one result among the women themselves.

    Parameters
    ----------
    m : Measurement
        Her result.
    women : Women
        Of this phase.
    before : Measurement or None
        Her result at the last visit.
    name : str
        Unique in the document.
    fold : bool
        Whether the axis counts in multiples of the women's middle value; else in natural units.
    ticks : bool
        Whether an axis stands under the strip.

    Returns
    -------
    Figure
        Women as grey dots, her value with interval in blue, the last visit as a ring.
    """
    unit_value = women.middle if fold else 1.0
    values = [v / unit_value for v in women.values if v > 0]
    domain = [FOLD[0], FOLD[-1]] if fold else _natural_domain([*values, m.quantity.value])
    scale = {"type": "log", "base": 2, "domain": domain, "nice": False, "zero": False}
    marks = _doublings(domain)
    axis = {"values": marks, "labelExpr": "format(datum.value, '~r')"} if ticks else None
    x = _x(scale, axis=axis)
    guides = [{"x": t, "colour": MARK if fold and t == 1 else HAIR} for t in marks]
    colour = {"field": "colour", "type": "nominal", "scale": None}
    layers = [_layer({"type": "rule", "strokeWidth": 1}, guides, x=x, color=colour)] if fold else []
    pixels = [_px(v, domain) for v in values]
    dots = [
        {"x": min(max(v, domain[0]), domain[1]), "y": 16 - 3.6 * min(level, 3)}
        for v, level in zip(values, dodge(pixels), strict=True)
    ]
    layers.append(_layer({"type": "point", "filled": True, "size": 14, "color": MARK}, dots, x=x, y=_pixel_y()))
    layers += _her_marks(m, unit_value, domain, x)
    if before is not None and before.quantity.value is not None and before.quantity.value > 0:
        at = [{"x": min(max(before.quantity.value / unit_value, domain[0]), domain[1]), "y": HER_LANE}]
        ring = {"type": "point", "size": 40, "filled": True, "color": WHITE, "stroke": WOMAN, "strokeWidth": 1.2}
        layers.insert(-1, _layer(ring, at, x=x, y=_pixel_y()))
    alt = strip_alt(m, women, before)
    height = STRIP_HEIGHT
    bottom = 18 if ticks else 0
    spec = {
        "width": STRIP_WIDTH,
        "height": height,
        "padding": {"left": 8, "right": 8, "top": 0, "bottom": bottom},
        "layer": layers,
    }
    return Figure(draw(spec, alt, name), alt)


def fold_axis(name: str) -> Figure:
    """Draw the axis that the fold strips share.

    Parameters
    ----------
    name : str
        Unique in the document.

    Returns
    -------
    Figure
        Ticks at doublings.
    """
    words = {0.125: "⅛", 0.25: "¼", 0.5: "½", 1.0: "1", 2.0: "2", 4.0: "4", 8.0: "8"}
    scale = {"type": "log", "base": 2, "domain": [FOLD[0], FOLD[-1]], "nice": False, "zero": False}
    rows = [{"x": t, "y": 12, "word": word} for t, word in words.items()]
    x = _x(scale)
    text = {"field": "word", "type": "nominal"}
    layers = [
        _layer({"type": "text", "color": TEXT2, "fontSize": FIGURE_PX}, rows, x=x, y=_pixel_y(height=18), text=text),
        _layer({"type": "tick", "color": MARK, "size": 4, "thickness": 1, "orient": "vertical"},
               [{"x": t, "y": 2} for t in words], x=x, y=_pixel_y(height=18)),
    ]  # fmt: skip
    alt = "Axis: times the middle value of the women drawn, each step doubles, from one eighth to eight."
    spec = {
        "width": STRIP_WIDTH,
        "height": 18,
        "padding": {"left": 8, "right": 8, "top": 0, "bottom": 0},
        "layer": layers,
    }
    return Figure(draw(spec, alt, name), alt)


def _px(value_: float, domain: list[float]) -> float:
    share = (math.log(value_) - math.log(domain[0])) / (math.log(domain[1]) - math.log(domain[0]))
    return STRIP_WIDTH * min(max(share, 0.0), 1.0)


def _natural_domain(values: Iterable[float | None]) -> list[float]:
    found = [v for v in values if v is not None and v > 0]
    return [2.0 ** math.floor(math.log2(min(found) * 0.95)), 2.0 ** math.ceil(math.log2(max(found) * 1.05))]


def _doublings(domain: Sequence[float]) -> list[float]:
    first, last = math.ceil(math.log2(domain[0]) - 1e-9), math.floor(math.log2(domain[1]) + 1e-9)
    return [2.0**k for k in range(first, last + 1)]


def _her_marks(m: Measurement, unit_value: float, domain: list[float], x: dict[str, Any]) -> list[dict[str, Any]]:
    quantity = m.quantity
    if quantity.value is None or quantity.value <= 0:
        return []
    at = min(max(quantity.value / unit_value, domain[0]), domain[1])
    rule = {"type": "rule", "strokeWidth": 2, "color": WOMAN}
    if quantity.censored in (Censoring.ABOVE, Censoring.BELOW):
        upward = quantity.censored is Censoring.ABOVE
        end = domain[1] if upward else domain[0]
        shape = "triangle-right" if upward else "triangle-left"
        return [
            _layer(rule, [{"x": at, "x2": end, "y": HER_LANE}], x=x, x2={"field": "x2"}, y=_pixel_y()),
            _layer({"type": "tick", "size": 8, "thickness": 2, "color": WOMAN, "orient": "vertical"},
                   [{"x": at, "y": HER_LANE}], x=x, y=_pixel_y()),
            _layer({"type": "point", "shape": shape, "size": 50, "filled": True, "color": WOMAN},
                   [{"x": end, "y": HER_LANE}], x=x, y=_pixel_y()),
        ]  # fmt: skip
    dot = {"type": "point", "filled": True, "size": 49, "color": WOMAN}
    layers = []
    if quantity.lower is not None and quantity.upper is not None and quantity.upper > 0:
        ends = [max(quantity.lower / unit_value, domain[0]), min(quantity.upper / unit_value, domain[1])]
        bar = [{"x": ends[0], "x2": ends[1], "y": HER_LANE}]
        layers.append(_layer(rule, bar, x=x, x2={"field": "x2"}, y=_pixel_y()))
    return [*layers, _layer(dot, [{"x": at, "y": HER_LANE}], x=x, y=_pixel_y())]


def strip_alt(m: Measurement, women: Women | None, before: Measurement | None) -> str:
    """Say in one sentence what a strip shows.

    Parameters
    ----------
    m : Measurement
        Her result.
    women : Women or None
        Of this phase.
    before : Measurement or None
        Her last result.

    Returns
    -------
    str
        The sentence.
    """
    said = [f"{name_of(m.measurand)} {value(m)} ({interval(m)})"]
    if women is not None:
        low, high = number(women.values[0]), number(women.values[-1])
        said.append(f"{len(women.values)} healthy women {low} to {high}, middle {number(women.middle)}")
    if before is not None:
        said.append(f"last {value(before)}")
    return "; ".join(said)


def course(
    points: Sequence[tuple[int, Moment, Measurement]], women: Women | None, offset: int, ended: int | None, name: str
) -> Figure:
    """Draw one measurand over a woman's visits.

    Parameters
    ----------
    points : sequence of (int, Moment, Measurement)
        Day on her axis [d], moment and result, by day; the last is this visit.
    women : Women or None
        Of this visit's phase.
    offset : int
        Her axis's day of gestational day zero [d].
    ended : int or None
        Day on her axis the pregnancy ended [d].
    name : str
        Unique in the document.

    Returns
    -------
    Figure
        Dots with intervals, dotted before and solid from the last visit to this one; no trend.
    """
    drawn = [(d, when, m) for d, when, m in points if m.quantity.value is not None and m.quantity.value > 0]
    lows = [m.quantity.lower for *_, m in drawn if m.quantity.lower is not None and m.quantity.lower > 0]
    highs = [m.quantity.upper for *_, m in drawn if m.quantity.upper is not None]
    around = [*(m.quantity.value for *_, m in drawn), *lows, *highs, *(women.values if women else ())]
    domain = _natural_domain(around)
    days = [d for d, *_ in drawn]
    pad = max(6, round(0.08 * (days[-1] - days[0])))
    reach = [days[0] - pad, days[-1] + pad]
    x_scale = {"domain": reach, "nice": False, "zero": False}
    words = {d: _tick(when) for d, when, _ in drawn}
    expression = " : ".join(f"datum.value == {d} ? '{w}'" for d, w in words.items()) + " : ''"
    x = _x(x_scale, axis={"values": days, "labelExpr": expression, "labelOverlap": False})
    y_range = [COURSE_HEIGHT, RULER_HEIGHT + 6]
    y_scale = {"type": "log", "base": 2, "domain": domain, "nice": False, "zero": False, "range": y_range}
    y_axis = {"values": _doublings(domain), "labelExpr": "format(datum.value, '~r')"}
    y = {"field": "y", "type": "quantitative", "scale": y_scale, "axis": None}
    rows = [{"x": d, "y": m.quantity.value, "open": "under_treatment" in m.flags} for d, _, m in drawn]
    line = {"type": "line", "color": WOMAN, "strokeWidth": 1.4}
    layers = _women_block(women, offset, reach, x, y)
    if len(rows) > 1:
        layers.append(_layer({**line, "strokeDash": [2, 3]}, rows[:-1], x=x, y=y))
        layers.append(_layer({**line, "strokeWidth": 2}, rows[-2:], x=x, y=y))
    bars = [
        {"x": d, "y": max(m.quantity.lower, domain[0]), "y2": m.quantity.upper}
        for d, _, m in drawn
        if m.quantity.lower is not None and m.quantity.upper is not None and m.quantity.censored is Censoring.NONE
    ]
    layers.append(_layer({"type": "rule", "color": WOMAN, "strokeWidth": 2}, bars, x=x, y=y, y2={"field": "y2"}))
    fill = {"condition": {"test": "datum.open", "value": WHITE}, "value": WOMAN}
    layers.append(_layer({"type": "point", "filled": True, "size": 45, "stroke": WOMAN, "strokeWidth": 1.4}, rows,
                         x=x, y=y, fill=fill))  # fmt: skip
    last = drawn[-1][2]
    layers.append(
        _layer(
            {"type": "text", "align": "left", "dx": 7, "color": WOMAN, "fontWeight": "bold", "clip": False},
            [{**rows[-1], "word": value(last).split("\u00a0")[0]}], x=x, y=y, text={"field": "word", "type": "nominal"},
        )
    )  # fmt: skip
    said = ", ".join(f"{when.age} {value(m)}" for _, when, m in drawn)
    alt = f"{name_of(last.measurand)} over {len(drawn)} visits: {said}; this visit {value(last)} ({interval(last)})"
    frame = _layer({"type": "point", "opacity": 0}, rows, x=x, y={**y, "axis": y_axis})
    spec = {
        "width": COURSE_WIDTH,
        "height": COURSE_HEIGHT,
        "padding": {"left": 40, "right": 52, "top": 2, "bottom": 20},
        "layer": [frame, *_ruler(reach, offset, ended, x), *layers],
        "resolve": {"scale": {"y": "independent"}},
    }
    return Figure(draw(spec, alt, name), alt)


def _tick(when: Moment) -> str:
    if when.phase_day is not None:
        return f"+{when.phase_day // 7}w"
    return when.age


def _women_block(
    women: Women | None, offset: int, reach: list[int], x: dict[str, Any], y: dict[str, Any]
) -> list[dict[str, Any]]:
    if women is None or women.from_day is None or women.to_day is None:
        return []
    start, stop = max(women.from_day + offset, reach[0]), min(women.to_day + offset, reach[1])
    if stop <= start:
        return []
    block = [{"x": start, "x2": stop, "y": women.values[0], "y2": women.values[-1]}]
    middle = [{"x": start, "x2": stop, "y": women.middle}]
    return [
        _layer({"type": "rect", "color": PHASE_ODD}, block, x=x, x2={"field": "x2"}, y=y, y2={"field": "y2"}),
        _layer({"type": "rule", "color": MARK, "strokeWidth": 1}, middle, x=x, x2={"field": "x2"}, y=y),
    ]


def _ruler(reach: list[int], offset: int, ended: int | None, x: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    until = reach[1] if ended is None else min(ended, reach[1])
    for position, row in enumerate(f for f in table("phases").values() if f["kind"] == "phase"):
        first, last = row.number("from_day"), row.number("to_day")
        if first is None or last is None:
            continue
        start, stop = max(first + offset, reach[0]), min(last + 1 + offset, until)
        if stop > start:
            wide = (stop - start) / (reach[1] - reach[0]) * COURSE_WIDTH > 6.2 * len(row["short"])
            colour = PHASE_ODD if position % 2 else PHASE_EVEN
            rows.append({"x": start, "x2": stop, "mid": (start + stop) / 2, "y": 0, "y2": RULER_HEIGHT, "at": 7,
                         "colour": colour, "word": row["short"] if wide else ""})  # fmt: skip
    by_phase = {"field": "colour", "type": "nominal", "scale": None}
    y, at = _pixel_y(height=COURSE_HEIGHT), _pixel_y("at", COURSE_HEIGHT)
    end = [{"x": ended, "y": RULER_HEIGHT + 2, "y2": COURSE_HEIGHT}] if ended is not None and ended < reach[1] else []
    dotted = {"type": "rule", "color": MARK, "strokeWidth": 1, "strokeDash": [2, 3]}
    return [
        _layer(dotted, end, x=x, y=y, y2={"field": "y2"}),
        _layer({"type": "rect"}, rows, x=x, x2={"field": "x2"}, y=y, y2={"field": "y2"}, color=by_phase),
        _layer({"type": "text", "color": INK}, rows, x={**x, "field": "mid"}, y=at,
               text={"field": "word", "type": "nominal"}),
    ]  # fmt: skip


def intervals(results: Sequence[tuple[str, Measurement]], hue: str, title: str, name: str) -> Figure:
    """Draw results of many visits below each other on one doubling axis.

    Parameters
    ----------
    results : sequence of (str, Measurement)
        Label and positive result.
    hue : str
        Colour of the axis.
    title : str
        What they are.
    name : str
        Unique in the document.

    Returns
    -------
    Figure
        Points with intervals; one-sided results end in an arrow; undetermined ones are words.
    """
    shown = [(who, m) for who, m in results if m.quantity.value is not None and m.quantity.value > 0]
    numbers = [n for _, m in shown for n in (m.quantity.value, m.quantity.lower, m.quantity.upper) if n and n > 0]
    domain = _natural_domain(numbers or [1.0])
    scale = {"type": "log", "base": 2, "domain": domain, "nice": False, "zero": False}
    ticks = [t for t in _doublings(domain) if round(math.log2(t)) % (2 if len(_doublings(domain)) > 9 else 1) == 0]
    axis = {"values": ticks, "labelExpr": "format(datum.value, '~r')"}
    x = _x(scale, axis=axis)
    height = 15 * len(results)
    lane = {who: 15 * i + 7.5 for i, (who, _) in enumerate(results)}
    y = _pixel_y(height=height)
    bars, dots, ends, arrows = [], [], [], []
    for who, m in shown:
        q, at = m.quantity, lane[who]
        if q.censored is Censoring.ABOVE:
            bars.append({"x": q.value, "x2": domain[1], "y": at})
            ends.append({"x": q.value, "y": at})
            arrows.append({"x": domain[1], "y": at})
            continue
        dots.append({"x": q.value, "y": at})
        if q.lower is not None and q.upper is not None:
            bars.append({"x": max(q.lower, domain[0]), "x2": q.upper, "y": at})
    names = [{"word": who, "y": lane[who]} for who, _ in results]
    missing = [{"word": value(m), "y": lane[who]} for who, m in results if (who, m) not in shown]
    word = {"field": "word", "type": "nominal"}
    layers = [
        _layer(
            {"type": "rule", "color": RULE, "strokeWidth": 1}, [{"x": 1}] if domain[0] <= 1 <= domain[1] else [], x=x
        ),
        _layer({"type": "rule", "color": hue, "strokeWidth": 2}, bars, x=x, x2={"field": "x2"}, y=y),
        _layer({"type": "tick", "size": 8, "thickness": 2, "color": hue, "orient": "vertical"}, ends, x=x, y=y),
        _layer(
            {"type": "point", "shape": "triangle-right", "size": 45, "filled": True, "color": hue}, arrows, x=x, y=y
        ),
        _layer({"type": "point", "filled": True, "size": 40, "color": hue}, dots, x=x, y=y),
        _layer({"type": "text", "align": "right", "x": -8, "color": TEXT2}, names, y=y, text=word),
        _layer({"type": "text", "align": "left", "x": 8, "color": TEXT3}, missing, y=y, text=word),
    ]
    said = "; ".join(f"{who} {value(m)} ({interval(m)})" for who, m in results)
    alt = f"{title}: {said}"
    spec = {
        "width": 330,
        "height": height,
        "padding": {"left": 78, "right": 12, "top": 2, "bottom": 20},
        "layer": layers,
    }
    return Figure(draw(spec, alt, name), alt)


def over_gestation(placements: Sequence[Placement], hue: str, name: str) -> Figure:
    """Draw one measurand of several women over gestational day, on the reference where there is one.

    Parameters
    ----------
    placements : sequence of Placement
        Placed results with a gestational day.
    hue : str
        Colour of the axis.
    name : str
        Unique in the document.

    Returns
    -------
    Figure
        Central 95 % of the reference in grey, its median, and a thin line a woman.
    """
    shown = [
        (p.moment.gestational_day, p)
        for p in placements
        if p.moment.gestational_day is not None and p.measurement.quantity.value and p.median
    ]
    shown.sort(key=lambda pair: pair[0])
    values = [n for _, p in shown for n in (p.measurement.quantity.value, p.low, p.high)]
    domain = _natural_domain(values)
    first, last = shown[0][0], shown[-1][0]
    reach = [first - 10, last + 24]
    ticks = [7 * w for w in range(0, 44, 4) if reach[0] <= 7 * w <= reach[1]]
    x = _x({"domain": reach, "nice": False, "zero": False},
           axis={"values": ticks, "labelExpr": "datum.value / 7 + 'w'"})  # fmt: skip
    y_axis = {"values": _doublings(domain), "labelExpr": "format(datum.value, '~r')"}
    scale = {"type": "log", "base": 2, "domain": domain, "nice": False, "zero": False}
    y = {"field": "y", "type": "quantitative", "scale": scale, "axis": y_axis}
    band = [{"x": d, "y": max(p.low or domain[0], domain[0]), "y2": p.high, "m": p.median} for d, p in shown]
    points = [{"x": d, "y": p.measurement.quantity.value, "who": p.measurement.key.subject} for d, p in shown]
    labels = [{"x": last, "y": n, "word": w} for n, w in ((band[-1]["y2"], "97.5"), (band[-1]["m"], "50th centile"),
                                                       (band[-1]["y"], "2.5"))]  # fmt: skip
    who = {"field": "who", "type": "nominal"}
    text = {"type": "text", "align": "left", "dx": 6, "color": TEXT2}
    layers = [
        _layer({"type": "area", "color": BAND_OUTER}, band, x=x, y=y, y2={"field": "y2"}),
        _layer({"type": "line", "color": TEXT3, "strokeWidth": 1.4}, band, x=x, y={**y, "field": "m"}),
        _layer({"type": "line", "color": hue, "strokeWidth": 1.4}, points, x=x, y=y, detail=who),
        _layer({"type": "point", "filled": True, "size": 40, "color": hue}, points, x=x, y=y),
        _layer(text, labels, x=x, y=y, text={"field": "word", "type": "nominal"}),
    ]
    m = shown[0][1].measurement
    said = "; ".join(f"{p.measurement.key} {p.moment.age} {value(p.measurement)}" for _, p in shown[:12])
    alt = f"{name_of(m.measurand)} by gestational age against {shown[0][1].n_women} women: {said}"
    spec = {
        "width": 340,
        "height": 140,
        "padding": {"left": 40, "right": 52, "top": 4, "bottom": 20},
        "layer": layers,
    }
    return Figure(draw(spec, alt, name), alt)
