"""Plates in the study report: what failed first, the plate as a heat map, every curve with its doubt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from decidua.immunoassay.acceptance import Verdict
from decidua.immunoassay.curve import StandardCurve
from decidua.immunoassay.logistic import log_dose, value_and_gradient
from decidua.immunoassay.plate import Role
from decidua.immunoassay.results import AssayedPlate
from decidua.measurement import Censoring
from decidua.reporting.document import Gallery, Group, Section, Table, cells, columns, note
from decidua.reporting.drawing import Pen, Row, Scale, View, draw, pixels
from decidua.reporting.numerals import plain
from decidua.reporting.palette import BAND1, BAND3, INK, MARK, PAPER, TEXT2, WOMAN

WIDTH, HEIGHT = 150, 110
POINTS = 60  # doses a curve is drawn at
WELL = 20  # [px]
CONTROL_WITHIN = (0.8, 1.2)  # of nominal, as immunoassay controls are judged (ICH M10)
_Z95 = 1.959963984540054
_LETTERS = {Role.STANDARD: "S", Role.CONTROL: "C", Role.BLANK: "B", Role.SAMPLE: ""}
_OPEN: dict[str, Any] = {"filled": True, "fill": PAPER, "stroke": INK, "strokeWidth": 1.1, "opacity": 1}
_BEYOND: dict[str, Any] = {"filled": True, "color": WOMAN, "opacity": 1}
_GREYS = ("#ececea", "#dcdcd8", "#d0d0cb", "#b8b8b8", "#858585")


def plate_sections(plates: Sequence[AssayedPlate]) -> tuple[Section, ...]:
    """Show every plate of a study.

    Parameters
    ----------
    plates : sequence of AssayedPlate
        In the order they were read.

    Returns
    -------
    tuple of Section
        One a plate.
    """
    return tuple(_section(plate) for plate in plates)


def _section(assayed: AssayedPlate) -> Section:
    curves = assayed.calibration.curves
    views = [_heat_map(assayed), *(_curve_view(assayed, c) for c in curves.values())]
    drawn = draw(views)
    within = [r for r in assayed.recoveries if r.recovery is not None]
    held = sum(CONTROL_WITHIN[0] <= (r.recovery or 0) <= CONTROL_WITHIN[1] for r in within)
    kit = assayed.kit or "kit not stated: no limit is applied"
    said = (
        f"{assayed.plate.dialect}; {kit}; {len(curves)} curves; {held} of {len(assayed.recoveries)} control readings "
        f"within 80–120\u00a0% of nominal."
    )
    key = (
        "Open circles: standards; cross: a standard not used for the limits; diamonds on a bar: controls, nominal "
        "± 20\u00a0%; ticks below: samples; grey field: limits of quantification; darker band: 95\u00a0% of the curve."
    )
    return Section(
        f"Plate {assayed.plate.file}",
        (note(said), _failures(assayed), Gallery(tuple(drawn[:1])), note(key), Gallery(tuple(drawn[1:]))),
        "plates gates",
    )


def _failures(assayed: AssayedPlate) -> Table:
    rows = [cells(analyte, "no curve", reason) for analyte, reason in assayed.calibration.refused.items()]
    rows += [cells(v.analyte, "run not accepted", "; ".join(v.reasons)) for v in assayed.verdicts if not v.accepted]
    for curve in assayed.calibration.curves.values():
        if curve.hooked_above is not None:
            rows.append(cells(curve.analyte, "hook", f"signals above {plain(curve.hooked_above)} MFI have two doses"))
    repaired = [d for d in assayed.plate.defects if d.code == "decimal_lost"]
    if repaired:
        examples = "; ".join(f"{d.place}: {d.message}" for d in repaired[:3])
        rows.append(cells("standards", f"{len(repaired)} lost their decimal point", examples))
    heads = columns(("analyte", "name"), ("what failed", "message"), ("why", "remedy"))
    return Table(heads, (Group("", "", tuple(rows) or (cells("none", "nothing failed", ""),)),), "failed")


def _heat_map(assayed: AssayedPlate) -> View:
    plate = assayed.plate
    with np.errstate(invalid="ignore", divide="ignore"):
        bright = np.nanmedian(np.log10(np.maximum(plate.signal, 1.0)), axis=1)
    ranks = np.clip((bright - np.nanmin(bright)) / max(np.nanmax(bright) - np.nanmin(bright), 1e-9), 0, 1)
    low = {w for c in assayed.concentrations if "bead_count_low" in c.flags for w in c.wells}
    rows: list[Row] = []
    letters: list[Row] = []
    frames: list[Row] = []
    last_row = max(ord(w.well[0]) - ord("A") for w in plate.wells) + 1
    last_column = max(int(w.well[1:]) for w in plate.wells)
    for well, rank in zip(plate.wells, ranks, strict=True):
        x, y = (int(well.well[1:]) - 1) * WELL, (ord(well.well[0]) - ord("A")) * WELL
        grey = PAPER if math.isnan(rank) else _GREYS[min(int(rank * len(_GREYS)), len(_GREYS) - 1)]
        cell = {"x": x + 1, "x2": x + WELL - 1, "y": y + 1, "y2": y + WELL - 1}
        rows.append({**cell, "color": grey})
        letters.append({"x": x + WELL / 2, "y": y + WELL / 2, "text": _LETTERS[well.role]})
        if well.well in low:
            frames.append(cell)
    width, height = last_column * WELL, last_row * WELL
    pen = Pen(pixels(width), pixels(height, downwards=True))
    numbers = [{"x": (i + 0.5) * WELL, "y": -6, "text": str(i + 1)} for i in range(last_column)]
    names = [{"x": -8, "y": (i + 0.5) * WELL, "text": chr(ord("A") + i)} for i in range(last_row)]
    layers = [
        pen.layer("rect", rows),
        pen.layer("text", letters, text=True, color=INK),
        pen.layer("text", [*numbers, *names], text=True, color=TEXT2),
    ]
    if frames:
        layers.append(pen.layer("rect", frames, filled=False, stroke=INK, strokeWidth=1.4))
    said = f"{len(frames)} wells read from too few beads" if frames else "no well read from too few beads"
    alt = f"Plate {plate.file}: {len(plate.wells)} wells by median signal; {said}."
    caption = f"darker: brighter, median over analytes · S standard, C control, B blank · framed: {said}"
    return View(width, height, (14, 4, 4, 16), tuple(layers), alt, "The plate", caption)


def _curve_view(assayed: AssayedPlate, curve: StandardCurve) -> View:
    doses, signals = _extent(assayed, curve)
    pen = Pen(_decades(doses), _decades(signals))
    low_signal, low_dose = signals[0], doses[0]
    x = np.geomspace(*doses, POINTS)
    fitted, below, above = _band(curve, x)
    rows = [
        {"x": float(a), "y": float(np.clip(b, *signals)), "y2": float(np.clip(c, *signals))}
        for a, b, c in zip(x, below, above, strict=True)
        if math.isfinite(b) and math.isfinite(c)
    ]
    line = [{"x": float(a), "y": float(b)} for a, b in zip(x, fitted, strict=True) if signals[0] <= b <= signals[1]]
    field = []
    if curve.limits.lloq is not None and curve.limits.uloq is not None:
        ends = np.clip([curve.limits.lloq, curve.limits.uloq], *doses)
        field = [{"x": float(ends[0]), "x2": float(ends[1]), "y": low_signal, "y2": signals[1]}]
    used = [_point(lv.dose, lv.signal) for lv in curve.limits.levels if lv.verdict is Verdict.ACCEPTED and lv.dose > 0]
    off = [
        _point(lv.dose, lv.signal) for lv in curve.limits.levels if lv.verdict is not Verdict.ACCEPTED and lv.dose > 0
    ]
    layers = [
        pen.layer("rect", field, color=BAND1),
        pen.layer("area", rows, color=BAND3),
        pen.layer("line", line, color=INK, strokeWidth=1.4),
        *_controls(pen, assayed, curve, signals),
        pen.layer(
            "point", used, shape="circle", size=28, filled=True, fill=PAPER, stroke=INK, strokeWidth=1.1, opacity=1
        ),
        pen.layer("point", off, shape="cross", angle=45, size=34, filled=True, color=INK, opacity=1),
        *_samples(pen, assayed, curve, doses, low_signal),
        *_ticks(pen, doses, signals, low_dose, low_signal),
    ]
    count = sum(c.analyte == curve.analyte for c in assayed.concentrations)
    limits = "no limits of quantification"
    if field:
        limits = f"{plain(curve.limits.lloq or 0)}–{plain(curve.limits.uloq or 0)} {curve.unit}"
    alt = (
        f"Standard curve of {curve.analyte}: {len(used)} standards accepted, {len(off)} not; {limits}; {count} samples."
    )
    caption = f"{limits} · {len(used)} of {len(used) + len(off)} standards hold · {count} samples"
    return View(WIDTH, HEIGHT, (4, 8, 18, 30), tuple(layers), alt, curve.analyte, caption)


def _point(dose: float, signal: float) -> Row:
    return {"x": dose, "y": max(signal, 1.0)}


def _extent(assayed: AssayedPlate, curve: StandardCurve) -> tuple[tuple[float, float], tuple[float, float]]:
    levels = [lv for lv in curve.limits.levels if lv.dose > 0]
    plate = assayed.plate
    seen = plate.signal[:, plate.column(curve.analyte)]
    seen = seen[np.isfinite(seen) & (seen > 0)]
    doses = (min(lv.dose for lv in levels) / 2, max(lv.dose for lv in levels) * 2)
    return doses, (max(float(seen.min()) / 2, 0.5), float(seen.max()) * 2)


def _decades(ends: tuple[float, float]) -> Scale:
    return {"type": "log", "base": 10, "domain": list(ends), "nice": False, "zero": False, "clamp": True}


def _band(curve: StandardCurve, doses: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    value, gradient = value_and_gradient(curve.parameters, log_dose(doses))
    variance = np.einsum("ji,jk,ki->i", gradient, curve.covariance, gradient)
    half = (
        _Z95 * np.sqrt(np.maximum(variance, 0.0))
        if np.isfinite(curve.covariance).all()
        else np.full(doses.size, np.nan)
    )
    return curve.blank + value, curve.blank + value - half, curve.blank + value + half


def _controls(
    pen: Pen, assayed: AssayedPlate, curve: StandardCurve, signals: tuple[float, float]
) -> list[dict[str, object]]:
    bars: list[Row] = []
    diamonds: list[Row] = []
    for r in assayed.recoveries:
        if r.analyte != curve.analyte or r.nominal <= 0:
            continue
        nominal = r.nominal / r.read.dilution
        height = float(np.clip(curve.signal(np.array([nominal]))[0], *signals))
        bars.append({"x": nominal * CONTROL_WITHIN[0], "x2": nominal * CONTROL_WITHIN[1], "y": height})
        if r.recovery is not None and r.recovery > 0:
            diamonds.append({"x": nominal * r.recovery, "y": height})
    return [
        pen.layer("rule", bars, strokeWidth=4, color=MARK),
        pen.layer(
            "point", diamonds, shape="diamond", size=30, filled=True, fill=PAPER, stroke=INK, strokeWidth=1, opacity=1
        ),
    ]


def _samples(
    pen: Pen, assayed: AssayedPlate, curve: StandardCurve, doses: tuple[float, float], floor: float
) -> list[dict[str, object]]:
    ticks: list[Row] = []
    beyond: dict[Censoring, list[Row]] = {Censoring.BELOW: [], Censoring.ABOVE: []}
    for c in assayed.concentrations:
        if c.analyte != curve.analyte or c.value is None:
            continue
        if c.censored in beyond:
            beyond[c.censored] = [{"x": doses[0] if c.censored is Censoring.BELOW else doses[1], "y": floor}]
        elif c.value > 0:
            ticks.append({"x": float(np.clip(c.value / c.dilution, *doses)), "y": floor})
    return [
        pen.layer("tick", ticks, orient="vertical", size=8, thickness=1, color=WOMAN, dy=-4),
        pen.layer(
            "point", beyond[Censoring.BELOW], shape="triangle-left", size=26, filled=True, color=WOMAN, opacity=1
        ),
        pen.layer(
            "point", beyond[Censoring.ABOVE], shape="triangle-right", size=26, filled=True, color=WOMAN, opacity=1
        ),
    ]


def _ticks(
    pen: Pen, doses: tuple[float, float], signals: tuple[float, float], low_dose: float, low_signal: float
) -> list[dict[str, object]]:
    def powers(ends: tuple[float, float]) -> list[float]:
        found = [10.0**k for k in range(math.ceil(math.log10(ends[0])), math.floor(math.log10(ends[1])) + 1)]
        return found[:: 2 if len(found) > 4 else 1]

    across = [{"x": d, "y": low_signal, "text": plain(d)} for d in powers(doses)]
    upwards = [{"x": low_dose, "y": s, "text": plain(s)} for s in powers(signals)]
    return [
        pen.layer("text", across, text=True, dy=11, color=TEXT2),
        pen.layer("text", upwards, text=True, dx=-5, align="right", color=TEXT2),
    ]
