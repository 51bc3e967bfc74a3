"""Turning a gating tree into FlowJo's form: its axes, its units, its one matrix a tube."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from decidua.cytometry.acquisition import Acquisition
from decidua.cytometry.flowjo import WorkspaceSample
from decidua.cytometry.flowjo_xml import Axes, Compensation, Transform
from decidua.cytometry.gates import (
    CHART_STEPS,
    Boolean,
    Dimension,
    Ellipse,
    FociEllipse,
    Point,
    Polygon,
    Quadrant,
    Rectangle,
    Region,
)
from decidua.cytometry.scales import Arcsinh, Bounded, FlowJoBiex, FlowJoLog, Linear, Log, Logicle, Scale
from decidua.cytometry.spillover import OWN, SpilloverMatrix
from decidua.cytometry.tree import Gate, GatingTree
from decidua.errors import UnsupportedGate


def sample_from(
    acquisition: Acquisition,
    tree: GatingTree,
    stored_counts: Mapping[str, int | None] | None = None,
    sample_id: str = "1",
) -> WorkspaceSample:
    """Make the workspace sample of a tube and its gates.

    Parameters
    ----------
    acquisition : Acquisition
        The tube.
    tree : GatingTree
        Its gates, in any units.
    stored_counts : mapping of str to (int or None), optional
        Counts by path to store beside the gates.
    sample_id : str
        Number of the sample, its own within one workspace.

    Returns
    -------
    WorkspaceSample
        With the tree as FlowJo evaluates it: regions in data units on axes whose ends hold what lies
        beyond.

    Raises
    ------
    UnsupportedGate
        If the tree uses two matrices, two scales for one parameter, or a scale or shape FlowJo lacks.
    """
    compensation = _compensation(acquisition, tree)
    transforms = _transforms(acquisition, tree, compensation)
    axes = Axes(compensation, transforms)
    gates = []
    for gate in _as_shown(tree):
        try:
            shape = gate.shape if isinstance(gate.shape, Boolean) else _region(gate.shape, axes)
        except UnsupportedGate as error:
            raise error.within(place=gate.path) from None
        gates.append(replace(gate, shape=shape))
    name = acquisition.file.replace("\\", "/").rpartition("/")[2]
    matrices = {compensation.name: compensation.matrix} if compensation else {}
    return WorkspaceSample(
        sample_id=sample_id,
        name=name,
        uri=name,
        events=acquisition.count,
        keywords=dict(acquisition.keywords),
        compensation=compensation,
        transforms=transforms,
        tree=GatingTree(tuple(gates), matrices),
        stored_counts=dict(stored_counts or {}),
    )


def _as_shown(tree: GatingTree, path: str | None = None) -> Iterator[Gate]:
    """Yield the gates as FlowJo lists them, each followed by those within it."""
    for gate in tree.children(path):
        yield gate
        yield from _as_shown(tree, gate.path)


def _compensation(acquisition: Acquisition, tree: GatingTree) -> Compensation | None:
    used = sorted({dimension.spillover for dimension in _dimensions(tree) if dimension.spillover})
    if len(used) > 1:
        raise UnsupportedGate(f"FlowJo applies one matrix to a tube, not {', '.join(used)}")
    if not used:
        return None
    if used[0] != OWN:
        return Compensation(used[0], "Comp-", "", tree.spillovers[used[0]])
    own = acquisition.spillover
    if own is None:
        return None
    matrix = SpilloverMatrix(own.channels, own.channels, own.matrix)
    return Compensation("Acquisition-defined", "Comp-", "", matrix)


def _dimensions(tree: GatingTree) -> list[Dimension]:
    return [
        dimension for gate in tree.gates if not isinstance(gate.shape, Boolean) for dimension in gate.shape.dimensions
    ]


def _label(dimension: Dimension, compensation: Compensation | None) -> str:
    if dimension.spillover is None or compensation is None:
        return dimension.channel
    compensated = dimension.channel in compensation.matrix.fluorochromes
    return compensation.label(dimension.channel) if compensated else dimension.channel


def _transforms(acquisition: Acquisition, tree: GatingTree, compensation: Compensation | None) -> dict[str, Transform]:
    scales: dict[str, Scale] = {}
    for dimension in _dimensions(tree):
        label = _label(dimension, compensation)
        if dimension.scale is not None and scales.setdefault(label, dimension.scale) != dimension.scale:
            raise UnsupportedGate(f"FlowJo shows {label!r} on one scale, and the gates use two")
    shown = {label: _transform(scale) for label, scale in scales.items()}
    for channel in acquisition.channels:
        plain = Transform(
            "linear", (("minRange", "0"), ("maxRange", repr(float(channel.range or 262144))), ("gain", "1"))
        )
        shown.setdefault(channel.name, plain)
    return shown


def _transform(scale: Scale) -> Transform:
    inner = scale
    if isinstance(scale, Bounded):
        inner = scale.scale
        if scale.axis != inner.axis:
            raise UnsupportedGate(f"FlowJo has no axis that ends at {scale.lowest} and {scale.highest}")
    match inner:
        case Linear(top, extra):
            kind, values = "linear", {"minRange": -extra, "maxRange": top, "gain": 1.0}
        case FlowJoLog(offset, decades):
            kind, values = "log", {"offset": offset, "decades": decades}
        case Log(top, decades):
            kind, values = "log", {"offset": top / 10.0**decades, "decades": decades}
        case Logicle(top, width, decades, extra):
            kind, values = "logicle", {"length": 256.0, "T": top, "A": extra, "W": width, "M": decades}
        case Arcsinh(top, decades, extra):
            width = -(10.0**decades)
            kind = "fasinh"
            values = {"length": 256.0, "maxRange": top, "T": top, "A": extra, "M": decades, "W": width}
        case FlowJoBiex(width, negative, positive, top, length):
            kind = "biex"
            values = {"length": length, "maxRange": top, "neg": negative, "width": width, "pos": positive}
        case _:
            raise UnsupportedGate(f"FlowJo has no scale {type(inner).__name__}")
    return Transform(kind, tuple((name, _written(value)) for name, value in values.items()))


def _written(value: float) -> str:
    """Write a number as FlowJo does: whole ones without a point."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _region(shape: Region, axes: Axes) -> Region:
    """Convert a region to the form the workspace reader gives."""
    drawn = shape.dimensions
    shown = tuple(axes.dimension(_label(dimension, axes.compensation), scaled=False) for dimension in drawn)
    match shape:
        case Quadrant():
            return _rectangle(shape.rectangle, shown)
        case Rectangle():
            return _rectangle(shape, shown)
        case Polygon():
            return _polygon(shape, (shown[0], shown[1]))
        case Ellipse():
            return _foci(shape, shown)
        case FociEllipse():
            return replace(shape, dimensions=(shown[0], shown[1]))


def _data(dimension: Dimension, values: tuple[float, ...]) -> tuple[float, ...]:
    """Map scale units to data units; infinite bounds stay."""
    if dimension.scale is None:
        return values
    inverted = dimension.scale.inverse(np.asarray(values))
    return tuple(float(data) if np.isfinite(value) else value for value, data in zip(values, inverted, strict=True))


def _rectangle(shape: Rectangle, shown: tuple[Dimension, ...]) -> Rectangle:
    bounds = list(zip(shape.minimum, shape.maximum, strict=True))
    if shape.units == "scale":
        bounds = [
            (pair[0], pair[1])
            for pair in (_data(drawn, both) for drawn, both in zip(shape.dimensions, bounds, strict=True))
        ]
    minimum, maximum = (tuple(side) for side in zip(*bounds, strict=True))
    return Rectangle(shown, minimum, maximum, units="data")


def _polygon(shape: Polygon, shown: tuple[Dimension, Dimension]) -> Polygon:
    if shape.units == "data":
        return replace(shape, dimensions=shown)
    columns = [
        _data(drawn, values) for drawn, values in zip(shape.dimensions, zip(*shape.corners, strict=True), strict=True)
    ]
    return Polygon(shown, tuple(zip(*columns, strict=True)), units="data")


def _foci(shape: Ellipse, shown: tuple[Dimension, ...]) -> FociEllipse:
    if len(shown) != 2 or any(dimension.scale is None for dimension in shape.dimensions):
        raise UnsupportedGate("FlowJo draws ellipses in two dimensions, each with a scale")
    ends = np.array([dimension.axis for dimension in shape.dimensions])
    steps = CHART_STEPS / (ends[:, 1] - ends[:, 0])
    centre = (np.asarray(shape.mean) - ends[:, 0]) * steps
    spread = np.asarray(shape.covariance) * np.outer(steps, steps) * shape.distance_squared
    squares, directions = np.linalg.eigh(spread)
    if not np.allclose(spread, spread.T) or squares[0] <= 0:
        raise UnsupportedGate("the ellipse's covariance is not positive definite")
    long, short = np.sqrt(squares[1]) * directions[:, 1], np.sqrt(squares[0]) * directions[:, 0]
    focus = np.sqrt(squares[1] - squares[0]) * directions[:, 1]

    def point(away: np.ndarray) -> Point:
        return float(centre[0] + away[0]), float(centre[1] + away[1])

    edge = (point(long), point(-long), point(short), point(-short))
    return FociEllipse((shown[0], shown[1]), (point(focus), point(-focus)), edge)
