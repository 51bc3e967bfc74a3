"""What a person needs to see of a gate: the density of its parent on the axes it was drawn on, and its outline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from decidua.cytometry.acquisition import Acquisition
from decidua.cytometry.engine import EVENTS_PER_BLOCK, Counts, columns_of
from decidua.cytometry.gates import (
    CHART_STEPS,
    Boolean,
    Dimension,
    Ellipse,
    FociEllipse,
    Polygon,
    Quadrant,
    Rectangle,
)
from decidua.cytometry.scales import FloatArray, Linear
from decidua.cytometry.tree import Gate, GatingTree

BINS = 256
_DECADES = (0.0, 1e2, 1e3, 1e4, 1e5)
_TICKS_APART = 0.09  # share of an axis below which two labels would touch
_CORNERS = 60  # straight pieces that draw an ellipse


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a picture.

    Attributes
    ----------
    label : str
        Marker and channel.
    ticks : tuple of (float, str)
        Place along the axis, 0 to 1, and what is written there [fluorescence or scatter units].
    """

    label: str
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class GatePicture:
    """A gate over the events of its parent.

    Attributes
    ----------
    path, name, parent : str
        Of the population.
    count, parent_count : int
        Events in it and in its parent.
    stored_count : int or None
        What the program that drew it had counted.
    drawn_by : str
        Program and file that drew it.
    x, y : Axis
        `y` counts events where the gate has one dimension.
    density : int array [y, x]
        Events of the parent in 256 by 256 cells, lowest row first; one row where the gate has one dimension.
    outline : float array [corner, 2]
        Closed outline, 0 to 1 along each axis.
    """

    path: str
    name: str
    parent: str
    count: int
    parent_count: int
    stored_count: int | None
    drawn_by: str
    x: Axis
    y: Axis | None
    density: NDArray[np.int64] = field(repr=False)
    outline: FloatArray = field(repr=False)


def picture(
    acquisition: Acquisition, tree: GatingTree, gate: Gate, counts: Counts, stored_count: int | None
) -> GatePicture | None:
    """Picture one gate.

    Parameters
    ----------
    acquisition : Acquisition
        The tube.
    tree : GatingTree
        Holds the gate and the matrices.
    gate : Gate
        With a shape of one or two dimensions.
    counts : Counts
        Of this tube and tree.
    stored_count : int or None
        What the program that drew the gate had counted.

    Returns
    -------
    GatePicture or None
        None for boolean gates and for shapes of more dimensions, which no plane shows.
    """
    shape = gate.shape
    if isinstance(shape, Boolean) or not 1 <= len(shape.dimensions) <= 2:
        return None
    dimensions = shape.dimensions
    spans = [_span(acquisition, tree, d) for d in dimensions]
    found = counts.of(gate.path)
    axes = [_axis(acquisition, d, span) for d, span in zip(dimensions, spans, strict=True)]
    return GatePicture(
        path=gate.path,
        name=gate.name,
        parent=found.parent or "",
        count=found.count,
        parent_count=found.parent_count or 0,
        stored_count=stored_count,
        drawn_by=gate.drawn_by,
        x=axes[0],
        y=axes[1] if len(axes) == 2 else None,
        density=_density(acquisition, tree, dimensions, spans, counts.mask(found.parent or "root")),
        outline=_relative(_outline(shape, spans), spans),
    )


def _blocks(
    acquisition: Acquisition, tree: GatingTree, dimensions: Sequence[Dimension]
) -> list[tuple[int, list[FloatArray]]]:
    shown = Gate(
        "shown", Rectangle(tuple(dimensions), *(((-np.inf,) * len(dimensions)), ((np.inf,) * len(dimensions))))
    )
    source = columns_of(acquisition, GatingTree((shown,), tree.spillovers))
    found = []
    for start in range(0, acquisition.count, EVENTS_PER_BLOCK):
        columns, _ = source.block(start, min(start + EVENTS_PER_BLOCK, acquisition.count))
        found.append((start, [columns[d] for d in dimensions]))
    return found


def _span(acquisition: Acquisition, tree: GatingTree, dimension: Dimension) -> tuple[float, float]:
    low, high = dimension.axis
    if np.isfinite(low) and np.isfinite(high):
        return low, high
    ends = [
        np.quantile(values[0], (0.0005, 0.9995))
        for _, values in _blocks(acquisition, tree, (dimension,))
        if values[0].size
    ]
    if not ends:
        return 0.0, 1.0
    low, high = float(min(e[0] for e in ends)), float(max(e[1] for e in ends))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _density(
    acquisition: Acquisition,
    tree: GatingTree,
    dimensions: Sequence[Dimension],
    spans: Sequence[tuple[float, float]],
    parent: NDArray[np.bool_],
) -> NDArray[np.int64]:
    rows = BINS if len(dimensions) == 2 else 1
    total = np.zeros(rows * BINS, np.int64)
    for start, columns in _blocks(acquisition, tree, dimensions):
        within = parent[start : start + columns[0].size]
        cells = [
            np.clip(((values[within] - low) / (high - low) * BINS).astype(np.int64), 0, BINS - 1)
            for values, (low, high) in zip(columns, spans, strict=True)
        ]
        flat = cells[0] if rows == 1 else cells[1] * BINS + cells[0]
        total += np.bincount(flat, minlength=rows * BINS)
    return total.reshape(rows, BINS)


def _outline(
    shape: Rectangle | Polygon | Quadrant | Ellipse | FociEllipse, spans: Sequence[tuple[float, float]]
) -> FloatArray:
    if isinstance(shape, Polygon):
        corners = shape.outline
        return np.vstack([corners, corners[:1]])
    if isinstance(shape, Ellipse):
        turn = np.linspace(0, 2 * np.pi, _CORNERS + 1)
        half = np.linalg.cholesky(np.asarray(shape.covariance)) * np.sqrt(shape.distance_squared)
        around: FloatArray = np.asarray(shape.mean) + np.stack([np.cos(turn), np.sin(turn)], axis=1) @ half.T
        return around
    if isinstance(shape, FociEllipse):
        return _foci_outline(shape, spans)
    rectangle = shape.rectangle if isinstance(shape, Quadrant) else shape
    limits = []
    for dimension, (low, high), span in zip(rectangle.dimensions, rectangle.limits, spans, strict=True):
        ends = np.array([low, high])
        if rectangle.units == "data" and dimension.scale is not None:
            finite = np.isfinite(ends)
            ends[finite] = dimension.scaled(ends[finite])
        limits.append(np.clip(ends, *span))
    if len(limits) == 1:
        return np.array([[limits[0][0], 0], [limits[0][0], 1], [limits[0][1], 1], [limits[0][1], 0]])
    (left, right), (bottom, top) = limits
    return np.array([[left, bottom], [right, bottom], [right, top], [left, top], [left, bottom]])


def _foci_outline(shape: FociEllipse, spans: Sequence[tuple[float, float]]) -> FloatArray:
    foci = np.asarray(shape.foci)
    centre, apart = foci.mean(axis=0), foci[1] - foci[0]
    long = shape.long_axis / 2
    across = np.sqrt(max(long**2 - (apart @ apart) / 4, 0.0))
    tilt = np.arctan2(apart[1], apart[0])
    turn = np.linspace(0, 2 * np.pi, _CORNERS + 1)
    along, aside = long * np.cos(turn), across * np.sin(turn)
    steps = centre + np.stack(
        [along * np.cos(tilt) - aside * np.sin(tilt), along * np.sin(tilt) + aside * np.cos(tilt)], axis=1
    )
    low = np.array([s[0] for s in spans])
    width = np.array([s[1] - s[0] for s in spans])
    outline: FloatArray = low + steps / CHART_STEPS * width
    return outline


def _relative(corners: FloatArray, spans: Sequence[tuple[float, float]]) -> FloatArray:
    found = corners.astype(np.float64).copy()
    for i, (low, high) in enumerate(spans):
        found[:, i] = (found[:, i] - low) / (high - low)
    return np.clip(found, 0.0, 1.0)


def _axis(acquisition: Acquisition, dimension: Dimension, span: tuple[float, float]) -> Axis:
    marker = next((c.marker for c in acquisition.channels if c.name == dimension.channel), "")
    label = f"{marker} · {dimension.channel}" if marker else dimension.channel
    low, high = span
    straight = dimension.scale is None or isinstance(dimension.scale, Linear)
    if straight:
        ends = np.array([low, high]) if dimension.scale is None else dimension.scale.inverse(np.array([low, high]))
        step = 10.0 ** np.floor(np.log10(max(ends[1] - ends[0], 1e-9)))
        step = step if (ends[1] - ends[0]) / step >= 2 else step / 2
        values = np.arange(np.ceil(ends[0] / step) * step, ends[1] + step * 1e-6, step)
    else:
        values = np.array(_DECADES)
    places = (dimension.scaled(values) - low) / (high - low)
    ticks: list[tuple[float, str]] = []
    for value, place in sorted(zip(values.tolist(), places.tolist(), strict=True), key=lambda t: (t[0] != 0, -t[0])):
        if 0 <= place <= 1 and all(abs(place - taken) >= _TICKS_APART for taken, _ in ticks):
            ticks.append((place, _tick(value)))
    return Axis(label, tuple(sorted(ticks)))


def _tick(value: float) -> str:
    if value >= 1000 and value % 1000 == 0 and value < 1e6:
        return f"{value / 1000:.0f}k"
    return f"{value:.3g}"
