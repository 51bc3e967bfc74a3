"""The XML of a FlowJo 10 workspace: transforms, matrices and gates as single elements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from xml.etree.ElementTree import Element

import numpy as np

from decidua.cytometry.gates import Dimension, FociEllipse, Point, Polygon, Rectangle, Region
from decidua.cytometry.scales import Arcsinh, Bounded, FlowJoBiex, FlowJoLog, Linear, Logicle, Scale
from decidua.cytometry.spillover import SpilloverMatrix
from decidua.errors import NotAWorkspace, OutsideLimits, UnsupportedGate

GATING = "http://www.isac-net.org/std/Gating-ML/v2.0/gating"
TRANSFORMS = "http://www.isac-net.org/std/Gating-ML/v2.0/transformations"
DATATYPES = "http://www.isac-net.org/std/Gating-ML/v2.0/datatypes"


def local_name(name: str) -> str:
    """Return a tag or attribute name without its namespace.

    Parameters
    ----------
    name : str
        As the XML reader gives it.

    Returns
    -------
    str
    """
    return name.rpartition("}")[2]


def attribute(element: Element, name: str) -> str:
    """Return an attribute that must be there.

    Parameters
    ----------
    element : Element
        The element.
    name : str
        Name of the attribute, with its namespace in braces where it has one.

    Returns
    -------
    str

    Raises
    ------
    NotAWorkspace
        If it is missing.
    """
    value = element.get(name)
    if value is None:
        tag = local_name(element.tag)
        raise NotAWorkspace(f"a {tag} lacks its {local_name(name)}", place=tag)
    return value


def number(text: str, place: str, *, finite: bool = True) -> float:
    """Read a number.

    Parameters
    ----------
    text : str
        As written.
    place : str
        What the number is, for the error.
    finite : bool
        Refuse an infinite one.

    Returns
    -------
    float

    Raises
    ------
    NotAWorkspace
        If it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if np.isnan(value) or (finite and np.isinf(value)):
        raise NotAWorkspace(f"{text!r} is not a number", place=place)
    return value


@dataclass(frozen=True, slots=True)
class Transform:
    """How FlowJo shows one parameter, as the workspace states it.

    Parameters
    ----------
    kind : str
        `linear`, `log`, `biex`, `logicle`, `fasinh` or another FlowJo writes.
    settings : tuple of (str, str)
        Names and values as written.
    """

    kind: str
    settings: tuple[tuple[str, str], ...]

    def scale(self) -> Scale | None:
        """Return the scale of the axis, whose ends hold what lies beyond.

        Returns
        -------
        Scale or None
            None where the axis is linear and FlowJo knows no range for it.

        Raises
        ------
        UnsupportedGate
            If the kind is not one this reader evaluates or its settings make no scale.
        """
        build = _SCALES.get(self.kind)
        if build is None:
            raise UnsupportedGate(
                f"its axis uses FlowJo's transform {self.kind!r}",
                remedy="Set the axis to linear, log, biexponential, logicle or arcsinh in FlowJo.",
            )
        try:
            return build({name: number(text, name) for name, text in self.settings})
        except KeyError as error:
            raise NotAWorkspace(f"a {self.kind} transform lacks {error}", place=self.kind) from None
        except OutsideLimits as error:
            raise UnsupportedGate(error.message, place=error.place) from None


def _linear(settings: Mapping[str, float]) -> Scale | None:
    lowest, highest = settings["minRange"], settings["maxRange"]
    return Bounded(Linear(highest, -lowest), 0.0, 1.0) if lowest < highest else None


def _log(settings: Mapping[str, float]) -> Scale:
    return Bounded(FlowJoLog(settings["offset"], settings["decades"]), 0.0, 1.0)


def _logicle(settings: Mapping[str, float]) -> Scale:
    return Bounded(Logicle(settings["T"], settings["W"], settings["M"], settings["A"]), 0.0, 1.0)


def _fasinh(settings: Mapping[str, float]) -> Scale:
    return Bounded(Arcsinh(settings["T"], settings["M"], settings["A"]), 0.0, 1.0)


def _biex(settings: Mapping[str, float]) -> Scale:
    decades = settings["neg"], settings["pos"]
    return FlowJoBiex(settings["width"], *decades, settings["maxRange"], int(settings["length"]))


_SCALES: dict[str, Callable[[Mapping[str, float]], Scale | None]] = {
    "linear": _linear,
    "log": _log,
    "logicle": _logicle,
    "fasinh": _fasinh,
    "biex": _biex,
}


def read_transforms(sample: Element) -> dict[str, Transform]:
    """Read how FlowJo shows every parameter of a sample.

    Parameters
    ----------
    sample : Element
        The `Sample` element.

    Returns
    -------
    dict of str to Transform
        By parameter as the workspace names it.

    Raises
    ------
    NotAWorkspace
        If a transform names no parameter.
    """
    found: dict[str, Transform] = {}
    for element in sample.iterfind("Transformations/*"):
        settings = tuple((local_name(name), value) for name, value in element.attrib.items())
        for parameter in element.iterfind(f"{{{DATATYPES}}}parameter"):
            name = attribute(parameter, f"{{{DATATYPES}}}name")
            found[name] = Transform(local_name(element.tag), settings)
    return found


@dataclass(frozen=True, slots=True)
class Compensation:
    """A sample's spillover matrix and what FlowJo adds to the names of compensated parameters.

    Parameters
    ----------
    name : str
        Name of the matrix.
    prefix, suffix : str
        Put before and after a channel's name.
    matrix : SpilloverMatrix
        The matrix.
    """

    name: str
    prefix: str
    suffix: str
    matrix: SpilloverMatrix

    def label(self, channel: str) -> str:
        """Return FlowJo's name of a compensated channel.

        Parameters
        ----------
        channel : str
            A fluorochrome of the matrix.

        Returns
        -------
        str
        """
        return f"{self.prefix}{channel}{self.suffix}"


def read_compensation(sample: Element) -> Compensation | None:
    """Read the spillover matrix of a sample.

    Parameters
    ----------
    sample : Element
        The `Sample` element.

    Returns
    -------
    Compensation or None
        None where the sample has none.

    Raises
    ------
    NotAWorkspace
        If there are several, or one is incomplete.
    UnsupportedGate
        If the matrix is unmixed with weights.
    UnreadableFile, DidNotConverge
        If its numbers make no matrix.
    """
    found = sample.findall(f"{{{TRANSFORMS}}}spilloverMatrix")
    if not found:
        return None
    element = found[0]
    name = element.get("name", "Acquisition-defined")
    if len(found) > 1:
        raise NotAWorkspace(f"a sample has {len(found)} spillover matrices", place=name)
    if element.get("spectral") == "1" and element.get("weightOptAlgorithmType", "OLS") != "OLS":
        raise UnsupportedGate("the spillover matrix is unmixed with weights", place=name)
    parameter, value = f"{{{DATATYPES}}}parameter", f"{{{TRANSFORMS}}}value"
    rows: dict[str, dict[str, float]] = {}
    for row in element.iterfind(f"{{{TRANSFORMS}}}spillover"):
        rows[attribute(row, parameter)] = {
            attribute(cell, parameter): number(attribute(cell, value), name)
            for cell in row.iterfind(f"{{{TRANSFORMS}}}coefficient")
        }
    detectors = tuple(next(iter(rows.values()), {}))
    if any(set(row) != set(detectors) for row in rows.values()):
        raise NotAWorkspace("the rows of a spillover matrix name different channels", place=name)
    values = np.array([[row[detector] for detector in detectors] for row in rows.values()], float)
    matrix = SpilloverMatrix(tuple(rows), detectors, values.reshape(len(rows), len(detectors)))
    return Compensation(name, element.get("prefix", ""), element.get("suffix", ""), matrix)


@dataclass(frozen=True, slots=True)
class Axes:
    """What a sample's gates need to know of its parameters.

    Parameters
    ----------
    compensation : Compensation or None
        The sample's matrix.
    transforms : mapping of str to Transform
        How each parameter is shown.
    """

    compensation: Compensation | None
    transforms: Mapping[str, Transform]

    def dimension(self, label: str, *, scaled: bool) -> Dimension:
        """Return the column behind one of FlowJo's parameter names.

        Parameters
        ----------
        label : str
            As the gate names it, with the prefix of compensated parameters.
        scaled : bool
            Fail where the axis has no scale this reader evaluates; otherwise leave it out.

        Returns
        -------
        Dimension

        Raises
        ------
        UnsupportedGate, NotAWorkspace
            If `scaled` and the axis's transform cannot be evaluated.
        """
        transform = self.transforms.get(label)
        try:
            scale = transform.scale() if transform else None
        except UnsupportedGate:
            if scaled:
                raise
            scale = None
        if self.compensation:
            for channel in self.compensation.matrix.fluorochromes:
                if self.compensation.label(channel) == label:
                    return Dimension(channel, self.compensation.name, scale)
        return Dimension(label, None, scale)


def read_region(element: Element, axes: Axes) -> tuple[Region, bool]:
    """Read the one shape within a `Gate` element.

    Parameters
    ----------
    element : Element
        The `Gate` element.
    axes : Axes
        The sample's parameters.

    Returns
    -------
    Region
        The shape, in the units FlowJo stores.
    bool
        Whether the events outside it are meant.

    Raises
    ------
    UnsupportedGate
        If the shape is not one this reader evaluates.
    NotAWorkspace
        If it is incomplete.
    """
    shapes = list(element)
    if len(shapes) != 1:
        raise NotAWorkspace(f"a gate holds {len(shapes)} shapes", place="Gate")
    shape = shapes[0]
    kind = local_name(shape.tag)
    build = _REGIONS.get(kind)
    if build is None:
        raise UnsupportedGate(f"is a {kind}, a shape this reader does not evaluate")
    labels = [
        attribute(name, f"{{{DATATYPES}}}name")
        for name in shape.iterfind(f"{{{GATING}}}dimension/{{{DATATYPES}}}fcs-dimension")
    ]
    dimensions = tuple(axes.dimension(label, scaled=kind != "RectangleGate") for label in labels)
    return build(shape, dimensions), shape.get("eventsInside", "1") == "0"


def _points(element: Element, within: str) -> Iterator[Point]:
    for vertex in element.iterfind(f"{within}{{{GATING}}}vertex"):
        values = [
            number(attribute(coordinate, f"{{{DATATYPES}}}value"), "vertex")
            for coordinate in vertex.iterfind(f"{{{GATING}}}coordinate")
        ]
        if len(values) != 2:
            raise NotAWorkspace(f"a vertex has {len(values)} coordinates", place="vertex")
        yield values[0], values[1]


def _rectangle(element: Element, dimensions: tuple[Dimension, ...]) -> Rectangle:
    sides = element.findall(f"{{{GATING}}}dimension")
    bound = partial(_bound, sides)
    return Rectangle(dimensions, bound("min", -np.inf), bound("max", np.inf), units="data")


def _bound(sides: list[Element], name: str, otherwise: float) -> tuple[float, ...]:
    texts = [side.get(f"{{{GATING}}}{name}") for side in sides]
    return tuple(otherwise if text is None else number(text, name, finite=False) for text in texts)


def _pair(dimensions: tuple[Dimension, ...]) -> tuple[Dimension, Dimension]:
    if len(dimensions) != 2:
        raise NotAWorkspace(f"a gate drawn on a chart has {len(dimensions)} dimensions", place="Gate")
    return dimensions[0], dimensions[1]


def _polygon(element: Element, dimensions: tuple[Dimension, ...]) -> Polygon:
    return Polygon(_pair(dimensions), tuple(_points(element, "")), units="data")


def _ellipse(element: Element, dimensions: tuple[Dimension, ...]) -> FociEllipse:
    foci, edge = list(_points(element, f"{{{GATING}}}foci/")), list(_points(element, f"{{{GATING}}}edge/"))
    if len(foci) != 2 or len(edge) != 4:
        raise NotAWorkspace(f"an ellipse has {len(foci)} foci and {len(edge)} edge points", place="Gate")
    return FociEllipse(_pair(dimensions), (foci[0], foci[1]), (edge[0], edge[1], edge[2], edge[3]))


_REGIONS: dict[str, Callable[[Element, tuple[Dimension, ...]], Region]] = {
    "RectangleGate": _rectangle,
    "PolygonGate": _polygon,
    "EllipsoidGate": _ellipse,
}
