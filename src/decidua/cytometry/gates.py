"""Gates' shapes: regions drawn on one or more columns, and combinations of populations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from decidua.cytometry.polygons import inside
from decidua.cytometry.scales import FloatArray, Scale
from decidua.errors import UnsupportedGate

BoolArray = NDArray[np.bool_]
Units = Literal["scale", "data"]
Point = tuple[float, float]

_EDGE = 1e-6  # share of an axis within which a drawn bound touches the axis's end
CHART_STEPS = 256.0  # FlowJo draws ellipses on a chart of this many steps a side


@dataclass(frozen=True, slots=True)
class Dimension:
    """One column a gate looks at.

    Parameters
    ----------
    channel : str
        Name of the channel (`$PnN`), or of the fluorochrome where the matrix names them apart.
    spillover : str or None
        Key of the matrix in `GatingTree.spillovers`, "FCS" for the file's own if it carries one, None
        for as measured.
    scale : Scale or None
        Scale of the axis; None for data units.
    """

    channel: str
    spillover: str | None = None
    scale: Scale | None = None

    @property
    def unscaled(self) -> Dimension:
        """The same column in data units."""
        return replace(self, scale=None)

    @property
    def axis(self) -> tuple[float, float]:
        """Lowest and highest value the axis shows [scale units], unlimited without a scale."""
        return (-np.inf, np.inf) if self.scale is None else self.scale.axis

    def scaled(self, values: FloatArray) -> FloatArray:
        """Map values from data units to the units of this axis.

        Parameters
        ----------
        values : ndarray
            Values [data units].

        Returns
        -------
        ndarray
            Values [scale units], same shape.
        """
        return values if self.scale is None else self.scale.forward(values)


class Shape(Protocol):
    """A region of the space its dimensions span."""

    @property
    def columns(self) -> tuple[Dimension, ...]:
        """The columns `contains` wants, in order."""

    def contains(self, columns: Sequence[FloatArray]) -> BoolArray:
        """Say which events lie in the region.

        Parameters
        ----------
        columns : sequence of ndarray
            One finite column for every one of `columns`, each [event].

        Returns
        -------
        ndarray of bool
            [event]
        """


def _require(rule: bool, message: str) -> None:
    if not rule:
        raise UnsupportedGate(message)


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Every value at or above its minimum and below its maximum.

    Parameters
    ----------
    dimensions : tuple of Dimension
        One or more.
    minimum, maximum : tuple of float
        Bounds, a pair a dimension; infinite where open.
    units : "scale" or "data"
        What the bounds are given in. Data units are compared as they are, and a bound at or beyond
        the end of its axis is open, because charts hold at their edge whatever lies beyond.

    Raises
    ------
    UnsupportedGate
        If the numbers of dimensions and bounds differ or a bound is not a number.
    """

    dimensions: tuple[Dimension, ...]
    minimum: tuple[float, ...]
    maximum: tuple[float, ...]
    units: Units = "scale"

    def __post_init__(self) -> None:
        size = len(self.dimensions)
        _require(size > 0, "a rectangle needs at least one dimension")
        _require(len(self.minimum) == len(self.maximum) == size, "a rectangle needs two bounds a dimension")
        _require(not np.isnan((*self.minimum, *self.maximum)).any(), "a bound is not a number")

    @classmethod
    def range(
        cls,
        dimension: Dimension,
        minimum: float = -np.inf,
        maximum: float = np.inf,
        units: Units = "scale",
    ) -> Self:
        """Make the rectangle of one dimension.

        Parameters
        ----------
        dimension : Dimension
            The column.
        minimum, maximum : float
            Bounds, open where not given.
        units : "scale" or "data"
            What the bounds are given in.

        Returns
        -------
        Rectangle

        Raises
        ------
        UnsupportedGate
            If a bound is not a number.
        """
        return cls((dimension,), (minimum,), (maximum,), units)

    @property
    def columns(self) -> tuple[Dimension, ...]:
        """The columns `contains` wants, in order."""
        if self.units == "scale":
            return self.dimensions
        return tuple(dimension.unscaled for dimension in self.dimensions)

    @property
    def limits(self) -> tuple[Point, ...]:
        """Minimum and maximum that count, a pair a dimension; infinite where open."""
        drawn = zip(self.minimum, self.maximum, strict=True)
        if self.units == "scale":
            return tuple(drawn)
        return tuple(_opened(dimension, bounds) for dimension, bounds in zip(self.dimensions, drawn, strict=True))

    def contains(self, columns: Sequence[FloatArray]) -> BoolArray:
        """Say which events lie in the region; see `Shape.contains`."""
        within = np.ones(len(columns[0]), bool)
        for values, (minimum, maximum) in zip(columns, self.limits, strict=True):
            if minimum > -np.inf:
                within &= values >= minimum
            if maximum < np.inf:
                within &= values < maximum
        return within


def _opened(dimension: Dimension, bounds: Point) -> Point:
    if dimension.scale is None:
        return bounds
    lowest, highest = dimension.axis
    minimum, maximum = dimension.scaled(np.asarray(bounds))
    nearly = _EDGE * (highest - lowest)
    return (
        -np.inf if minimum <= lowest + nearly else bounds[0],
        np.inf if maximum >= highest - nearly else bounds[1],
    )


@dataclass(frozen=True, slots=True)
class Polygon:
    """The inside of an outline, straight between its corners in scale units; edges count as inside.

    Parameters
    ----------
    dimensions : tuple of Dimension
        Two.
    corners : tuple of (float, float)
        Three or more, in drawing order; where the outline crosses itself the even-odd rule decides.
    units : "scale" or "data"
        What the corners are given in.

    Raises
    ------
    UnsupportedGate
        If there are not two dimensions, three corners, or a corner is not finite.
    """

    dimensions: tuple[Dimension, Dimension]
    corners: tuple[Point, ...]
    units: Units = "scale"

    def __post_init__(self) -> None:
        _require(len(self.dimensions) == 2, "a polygon needs two dimensions")
        _require(len(self.corners) >= 3, "a polygon needs three corners or more")
        _require(all(len(corner) == 2 for corner in self.corners), "a corner needs two coordinates")
        _require(bool(np.isfinite(self.corners).all()), "a corner is not a finite number")

    @property
    def columns(self) -> tuple[Dimension, ...]:
        """The columns `contains` wants, in order."""
        return self.dimensions

    @property
    def outline(self) -> FloatArray:
        """Corners in scale units [corner, 2]."""
        corners = np.asarray(self.corners, float)
        if self.units == "scale":
            return corners
        axes = zip(self.dimensions, corners.T, strict=True)
        return np.stack([dimension.scaled(values) for dimension, values in axes], axis=1)

    def contains(self, columns: Sequence[FloatArray]) -> BoolArray:
        """Say which events lie in the region; see `Shape.contains`."""
        return inside(columns[0], columns[1], self.outline)


@dataclass(frozen=True, slots=True)
class Quadrant:
    """One cell of the grid that dividing lines make.

    Parameters
    ----------
    dimensions : tuple of Dimension
        The dimensions divided.
    dividers : tuple of tuple of float
        Dividing values of each dimension [scale units].
    location : tuple of float
        Any point of the cell [scale units]; on a dividing line the cell above it.

    Raises
    ------
    UnsupportedGate
        If the numbers of dimensions, dividers and locations differ or a value is not finite.
    """

    dimensions: tuple[Dimension, ...]
    dividers: tuple[tuple[float, ...], ...]
    location: tuple[float, ...]

    def __post_init__(self) -> None:
        size = len(self.dimensions)
        _require(size > 0, "a quadrant needs at least one dimension")
        _require(
            len(self.dividers) == len(self.location) == size,
            "a quadrant needs dividers and a location for every dimension",
        )
        values = [*self.location, *(value for values in self.dividers for value in values)]
        _require(bool(np.isfinite(values).all()), "a divider or location is not a finite number")

    @property
    def columns(self) -> tuple[Dimension, ...]:
        """The columns `contains` wants, in order."""
        return self.dimensions

    @property
    def rectangle(self) -> Rectangle:
        """The same region as a rectangle."""
        below: list[float] = []
        above: list[float] = []
        for dividers, location in zip(self.dividers, self.location, strict=True):
            below.append(max((value for value in dividers if value <= location), default=-np.inf))
            above.append(min((value for value in dividers if value > location), default=np.inf))
        return Rectangle(self.dimensions, tuple(below), tuple(above))

    def contains(self, columns: Sequence[FloatArray]) -> BoolArray:
        """Say which events lie in the region; see `Shape.contains`."""
        return self.rectangle.contains(columns)


@dataclass(frozen=True, slots=True)
class Ellipse:
    """All points within a Mahalanobis distance of a mean, in any number of dimensions.

    Parameters
    ----------
    dimensions : tuple of Dimension
        Two or more.
    mean : tuple of float
        Centre [scale units].
    covariance : tuple of tuple of float
        Not singular [scale units squared]. Not refused where it is neither symmetric nor positive
        definite, as in one ellipsoid of the Gating-ML suite: the distance alone decides.
    distance_squared : float
        Square of the distance of the boundary, which is inside.

    Raises
    ------
    UnsupportedGate
        If sizes differ, the distance is not positive or the matrix is singular.
    """

    dimensions: tuple[Dimension, ...]
    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    distance_squared: float = 1.0

    def __post_init__(self) -> None:
        size = len(self.dimensions)
        rows = [len(row) for row in self.covariance]
        _require(size >= 2, "an ellipse needs two dimensions or more")
        _require(len(self.mean) == size and rows == [size] * size, "an ellipse's mean or matrix has the wrong size")
        matrix = np.asarray(self.covariance, float)
        finite = np.isfinite([*self.mean, *matrix.flat, self.distance_squared]).all()
        _require(bool(finite) and self.distance_squared > 0, "an ellipse needs a positive finite distance")
        _require(abs(float(np.linalg.det(matrix))) > 0, "an ellipse's covariance is singular")

    @property
    def columns(self) -> tuple[Dimension, ...]:
        """The columns `contains` wants, in order."""
        return self.dimensions

    def contains(self, columns: Sequence[FloatArray]) -> BoolArray:
        """Say which events lie in the region; see `Shape.contains`."""
        away = np.stack([values - centre for values, centre in zip(columns, self.mean, strict=True)])
        precision = np.linalg.inv(np.asarray(self.covariance, float))
        squared = np.einsum("ie,ij,je->e", away, precision, away, optimize=True)
        return np.asarray(squared <= self.distance_squared)


@dataclass(frozen=True, slots=True)
class FociEllipse:
    """FlowJo's ellipse: two foci and four points of its outline on a chart of 256 by 256 steps.

    Parameters
    ----------
    dimensions : tuple of Dimension
        Two, each with a scale.
    foci : tuple of (float, float)
        The two foci [chart steps].
    edge : tuple of (float, float)
        The two ends of the long axis, then two other points, which are not used: FlowJo stores
        them inexactly [chart steps].

    Raises
    ------
    UnsupportedGate
        If the points are not of these numbers or the axis is shorter than the foci are apart.
    """

    dimensions: tuple[Dimension, Dimension]
    foci: tuple[Point, Point]
    edge: tuple[Point, Point, Point, Point]

    def __post_init__(self) -> None:
        _require(len(self.dimensions) == 2, "an ellipse by foci needs two dimensions")
        _require(all(dimension.scale for dimension in self.dimensions), "an ellipse by foci needs two scales")
        _require(len(self.foci) == 2 and len(self.edge) == 4, "an ellipse by foci needs two foci, four edge points")
        _require(
            all(len(point) == 2 and np.isfinite(point).all() for point in (*self.foci, *self.edge)),
            "a point of an ellipse is not two finite numbers",
        )
        _require(self.long_axis > np.hypot(*np.subtract(*self.foci)), "an ellipse's foci lie outside it")

    @property
    def columns(self) -> tuple[Dimension, ...]:
        """The columns `contains` wants, in order."""
        return self.dimensions

    @property
    def long_axis(self) -> float:
        """Length of the long axis [chart steps], the sum of any outline point's distances to the foci."""
        return float(np.hypot(*np.subtract(self.edge[0], self.edge[1])))

    def contains(self, columns: Sequence[FloatArray]) -> BoolArray:
        """Say which events lie in the region; see `Shape.contains`."""
        steps = []
        for values, dimension in zip(columns, self.dimensions, strict=True):
            lowest, highest = dimension.axis
            steps.append((values - lowest) * (CHART_STEPS / (highest - lowest)))
        distances = [np.hypot(steps[0] - x, steps[1] - y) for x, y in self.foci]
        return np.asarray(distances[0] + distances[1] <= self.long_axis)


@dataclass(frozen=True, slots=True)
class Operand:
    """A gate that a boolean gate refers to.

    Parameters
    ----------
    path : str
        Path of the gate; its population includes the gates above it.
    complement : bool
        Take the events outside that population.
    """

    path: str
    complement: bool = False


@dataclass(frozen=True, slots=True)
class Boolean:
    """A combination of other gates' populations.

    Parameters
    ----------
    operation : "and", "or" or "not"
        How the operands are combined.
    operands : tuple of Operand
        One for "not", otherwise one or more.

    Raises
    ------
    UnsupportedGate
        If the operation is unknown or the number of operands wrong.
    """

    operation: Literal["and", "or", "not"]
    operands: tuple[Operand, ...]

    def __post_init__(self) -> None:
        _require(self.operation in ("and", "or", "not"), f"there is no boolean operation {self.operation!r}")
        right = len(self.operands) == 1 if self.operation == "not" else len(self.operands) >= 1
        _require(right, f"a boolean gate {self.operation!r} has {len(self.operands)} operands")

    def combine(self, populations: Mapping[str, BoolArray]) -> BoolArray:
        """Combine the populations of the operands.

        Parameters
        ----------
        populations : mapping of str to ndarray of bool
            By path, each [event].

        Returns
        -------
        ndarray of bool
            [event]
        """
        terms: list[BoolArray] = [populations[operand.path] ^ operand.complement for operand in self.operands]
        if self.operation == "not":
            return ~terms[0]
        combined = np.logical_and if self.operation == "and" else np.logical_or
        return np.asarray(combined.reduce(terms), bool)


Region = Rectangle | Polygon | Quadrant | Ellipse | FociEllipse
