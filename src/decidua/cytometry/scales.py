"""Axis scales: from data units to the units a gate is drawn in, and back.

Every scale is a frozen value with `forward` and `inverse`, both vectorised, and the `axis` its
program shows. Parameters keep the letters of their papers in the docstrings: T top of the scale,
W width of the linear part, M decades, A extra negative decades. Axes so large or small that
arithmetic would overflow (beyond 1e30, more than 100 decades) are refused.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import lambertw

from decidua.errors import OutsideLimits

FloatArray = NDArray[np.float64]

_LN10 = float(np.log(10.0))
_LOGICLE_NODES = 8_192  # so fine that one Newton step between nodes reaches double precision
_BIEX_CHANNELS = 4096  # FlowJo computes every biexponential table on this many channels


class Scale(ABC):
    """A map from data units to scale units that never falls."""

    __slots__ = ()

    @abstractmethod
    def forward(self, values: ArrayLike) -> FloatArray:
        """Map data units to scale units.

        Parameters
        ----------
        values : array_like
            Values in data units, any shape.

        Returns
        -------
        ndarray
            Values in scale units, same shape.
        """

    @abstractmethod
    def inverse(self, values: ArrayLike) -> FloatArray:
        """Map scale units back to data units.

        Parameters
        ----------
        values : array_like
            Values in scale units, any shape.

        Returns
        -------
        ndarray
            Values in data units, same shape.
        """

    @property
    def axis(self) -> tuple[float, float]:
        """Lowest and highest value shown [scale units]."""
        return 0.0, 1.0


def _size(value: float) -> bool:
    """Say whether a value can be the size of an axis: finite, positive and far from overflow."""
    return 1e-30 <= value <= 1e30


def _decades(value: float, least: float = 1e-6) -> bool:
    """Say whether a value can count decades without overflow."""
    return least <= value <= 100.0


def _require(rule: bool, message: str) -> None:
    if not rule:
        raise OutsideLimits(message, remedy="Set the scale's parameters in the program that drew the gates.")


@dataclass(frozen=True, slots=True)
class Linear(Scale):
    """The Gating-ML linear scale, (x + A) / (T + A).

    Parameters
    ----------
    top : float
        T, mapped to 1 [data units].
    extra : float
        A; minus A is mapped to 0 [data units].

    Raises
    ------
    OutsideLimits
        If T + A is not positive.
    """

    top: float
    extra: float = 0.0

    def __post_init__(self) -> None:
        _require(_size(self.top + self.extra), f"a linear scale needs T + A > 0, not {self.top} + {self.extra}")

    def forward(self, values: ArrayLike) -> FloatArray:
        """Map data units to scale units; see `Scale.forward`."""
        return (np.asarray(values, float) + self.extra) / (self.top + self.extra)

    def inverse(self, values: ArrayLike) -> FloatArray:
        """Map scale units to data units; see `Scale.inverse`."""
        return np.asarray(values, float) * (self.top + self.extra) - self.extra


@dataclass(frozen=True, slots=True)
class Log(Scale):
    """The Gating-ML logarithmic scale, log10(x / T) / M + 1; at and below zero minus infinity.

    Parameters
    ----------
    top : float
        T, mapped to 1 [data units].
    decades : float
        M, decades between 0 and 1.

    Raises
    ------
    OutsideLimits
        If T or M is not positive.
    """

    top: float
    decades: float

    def __post_init__(self) -> None:
        _require(_size(self.top) and _decades(self.decades), "a logarithmic scale needs T > 0 and M > 0")

    def forward(self, values: ArrayLike) -> FloatArray:
        """Map data units to scale units; see `Scale.forward`."""
        with np.errstate(divide="ignore"):
            ratio = np.maximum(np.asarray(values, float), 0.0) / self.top
            return np.asarray(np.log10(ratio) / self.decades + 1.0)

    def inverse(self, values: ArrayLike) -> FloatArray:
        """Map scale units to data units; see `Scale.inverse`."""
        return np.asarray(self.top * 10.0 ** ((np.asarray(values, float) - 1.0) * self.decades))


@dataclass(frozen=True, slots=True)
class FlowJoLog(Scale):
    """FlowJo's logarithmic scale, log10(x / offset) / decades; below the offset zero.

    Parameters
    ----------
    offset : float
        Lowest value shown, mapped to 0 [data units].
    decades : float
        Decades between 0 and 1.

    Raises
    ------
    OutsideLimits
        If either is not positive.
    """

    offset: float
    decades: float

    def __post_init__(self) -> None:
        sized = _size(self.offset) and _decades(self.decades)
        _require(sized, "a logarithmic scale needs offset > 0 and decades > 0")

    def forward(self, values: ArrayLike) -> FloatArray:
        """Map data units to scale units; see `Scale.forward`."""
        shown = np.maximum(np.asarray(values, float), self.offset)
        return np.asarray(np.log10(shown / self.offset) / self.decades)

    def inverse(self, values: ArrayLike) -> FloatArray:
        """Map scale units to data units; see `Scale.inverse`."""
        return np.asarray(self.offset * 10.0 ** (np.asarray(values, float) * self.decades))


@dataclass(frozen=True, slots=True)
class Arcsinh(Scale):
    """The Gating-ML inverse hyperbolic sine, also FlowJo's fasinh.

    (asinh(x sinh(M ln 10) / T) + A ln 10) / ((M + A) ln 10)

    Parameters
    ----------
    top : float
        T, mapped to 1 [data units].
    decades : float
        M, decades of the logarithmic part.
    extra : float
        A, extra negative decades.

    Raises
    ------
    OutsideLimits
        If T or M is not positive or A is below zero.
    """

    top: float
    decades: float
    extra: float = 0.0

    def __post_init__(self) -> None:
        _require(
            _size(self.top) and _decades(self.decades) and _decades(self.extra, 0.0),
            "an arcsinh scale needs T > 0, M > 0 and A >= 0",
        )

    def forward(self, values: ArrayLike) -> FloatArray:
        """Map data units to scale units; see `Scale.forward`."""
        steepness = np.sinh(self.decades * _LN10) / self.top
        bent = np.arcsinh(np.asarray(values, float) * steepness)
        return np.asarray((bent / _LN10 + self.extra) / (self.decades + self.extra))

    def inverse(self, values: ArrayLike) -> FloatArray:
        """Map scale units to data units; see `Scale.inverse`."""
        bent = (np.asarray(values, float) * (self.decades + self.extra) - self.extra) * _LN10
        return np.asarray(np.sinh(bent) * (self.top / np.sinh(self.decades * _LN10)))


class _Biexponential(NamedTuple):
    """rise * expm1(b u) - fall * expm1(-d u): a logicle measured from its zero, u >= 0."""

    zero: float
    rise: float
    fall: float
    b: float
    d: float

    def value(self, distance: FloatArray) -> FloatArray:
        return np.asarray(self.rise * np.expm1(self.b * distance) - self.fall * np.expm1(-self.d * distance))

    def sharpened(self, distance: FloatArray, height: FloatArray) -> FloatArray:
        """Take one Newton step from a distance towards the one of this height."""
        rising, falling = self.rise * np.exp(self.b * distance), self.fall * np.exp(-self.d * distance)
        miss = (rising - self.rise) + (self.fall - falling) - height
        return np.asarray(distance - miss / (self.b * rising + self.d * falling))


def _weaker_exponent(b: float, width: float) -> float:
    """Solve 2 ln(d / b) + width (b + d) = 0, which makes the curve straightest at its zero."""
    if width < 1e-9:  # the limit, which the formula reaches only through 0 / 0
        return b
    return float(2.0 / width * lambertw(width * b / 2.0 * np.exp(-width * b / 2.0)).real)


@dataclass(frozen=True, slots=True)
class Logicle(Scale):
    """The logicle scale: linear around zero, logarithmic far out, smooth between.

    Parameters
    ----------
    top : float
        T, mapped to 1 [data units].
    width : float
        W, width of the near-linear part [decades].
    decades : float
        M, width of the whole positive axis [decades].
    extra : float
        A, extra negative decades.

    Raises
    ------
    OutsideLimits
        Unless T > 0, M > 0, 0 <= 2 W <= M and -W <= A <= M - 2 W.

    Notes
    -----
    The curve is evaluated as a sum of two positive terms measured from its zero, so nothing cancels
    and the series the paper needs near zero is not needed. The inverse is tabulated once and
    sharpened by one Newton step.

    Sources
    -------
    Parks, Roederer and Moore, Cytometry A 2006; Moore and Parks, Cytometry A 2012.
    """

    top: float
    width: float
    decades: float
    extra: float = 0.0

    def __post_init__(self) -> None:
        room = self.decades - 2.0 * self.width
        sized = _size(self.top) and _decades(self.decades) and _decades(self.width, 0.0)
        _require(
            sized and room >= 0 and -self.width <= self.extra <= room,
            f"no logicle scale has T={self.top}, W={self.width}, M={self.decades}, A={self.extra}",
        )

    def forward(self, values: ArrayLike) -> FloatArray:
        """Map data units to scale units; see `Scale.forward`."""
        data = np.asarray(values, float)
        curve = _logicle_curve(self)
        height = np.abs(data)
        with np.errstate(invalid="ignore"):
            distance = curve.sharpened(_logicle_table(self).distance(height), height)
            distance = np.where(np.isinf(height), height, distance)
        return np.asarray(curve.zero + np.copysign(distance, data))

    def inverse(self, values: ArrayLike) -> FloatArray:
        """Map scale units to data units; see `Scale.inverse`."""
        curve = _logicle_curve(self)
        distance = np.asarray(values, float) - curve.zero
        return np.copysign(curve.value(np.abs(distance)), distance)


class _LogTable(NamedTuple):
    """Distances from zero tabulated over the logarithm of the height, straight beyond its end."""

    unit: float  # height over which the logarithm turns from linear
    cell: float
    distances: FloatArray
    rises: FloatArray

    def distance(self, height: FloatArray) -> FloatArray:
        position = np.log1p(height / self.unit) / self.cell
        index = np.clip(position.astype(np.int64), 0, _LOGICLE_NODES - 2)
        return np.asarray(self.distances[index] + (position - index) * self.rises[index])


@lru_cache(maxsize=256)
def _logicle_curve(scale: Logicle) -> _Biexponential:
    span = scale.decades + scale.extra
    b = span * _LN10
    width = scale.width / span
    d = _weaker_exponent(b, width)
    zero = scale.extra / span + width
    fall = np.exp((zero + width) * (b + d) - zero * d)
    rise = np.exp(b * zero)
    factor = scale.top / (rise * np.expm1(b * (1.0 - zero)) - fall * np.expm1(-d * (1.0 - zero)))
    return _Biexponential(zero, float(rise * factor), float(fall * factor), b, d)


@lru_cache(maxsize=256)
def _logicle_table(scale: Logicle) -> _LogTable:
    curve = _logicle_curve(scale)
    unit = curve.rise + curve.fall * curve.d / curve.b
    logs = np.linspace(0.0, np.log1p(1e3 * scale.top / unit), _LOGICLE_NODES)
    heights = unit * np.expm1(logs)
    coarse = np.linspace(0.0, np.log1p(heights[-1] / curve.rise) / curve.b, _LOGICLE_NODES)
    nodes = np.interp(heights, curve.value(coarse), coarse)
    for _ in range(4):
        nodes = curve.sharpened(nodes, heights)
    return _LogTable(unit, float(logs[1]), nodes, np.diff(nodes))


@dataclass(frozen=True, slots=True)
class FlowJoBiex(Scale):
    """FlowJo's biexponential scale, by its table; values off the table take its ends.

    Parameters
    ----------
    width : float
        Width basis, below -1; the more negative the wider the linear part.
    negative : float
        Extra negative decades.
    positive : float
        Positive decades.
    top : float
        Highest value shown [data units].
    length : int
        Channels of the axis: scale units run from 0 to this.

    Raises
    ------
    OutsideLimits
        If the parameters leave no decade or the width basis is not below -1.

    Notes
    -----
    A logicle whose zero is moved to a whole channel of 4096; the part below zero mirrors the part
    above. Checked against a table exported by FlowJo.
    """

    width: float = -10.0
    negative: float = 0.0
    positive: float = 4.41854
    top: float = 262144.000029
    length: int = 256

    def __post_init__(self) -> None:
        sized = _size(self.top) and 0 < self.length <= 1 << 16
        decades = _decades(self.positive) and _decades(self.negative, -100.0)
        _require(
            sized and decades and self.width < -1 and self.positive > np.log10(-self.width) / 2,
            f"no FlowJo biexponential has width {self.width}, {self.positive} decades and top {self.top}",
        )

    @property
    def axis(self) -> tuple[float, float]:
        """Lowest and highest value shown [scale units]."""
        return 0.0, float(self.length)

    def forward(self, values: ArrayLike) -> FloatArray:
        """Map data units to scale units; see `Scale.forward`."""
        return np.asarray(np.interp(np.asarray(values, float), _biex_table(self), _biex_channels(self.length)))

    def inverse(self, values: ArrayLike) -> FloatArray:
        """Map scale units to data units; see `Scale.inverse`."""
        return np.asarray(np.interp(np.asarray(values, float), _biex_channels(self.length), _biex_table(self)))


@lru_cache(maxsize=16)
def _biex_channels(length: int) -> FloatArray:
    return np.linspace(0.0, length, _BIEX_CHANNELS + 1)


@lru_cache(maxsize=256)
def _biex_table(scale: FlowJoBiex) -> FloatArray:
    """Return the data value of every channel 0 to 4096."""
    linear = np.log10(-scale.width)
    decades = scale.positive - linear / 2.0
    below = max(scale.negative, 0.0) + linear / 2.0
    zero = min(int(below * _BIEX_CHANNELS / (below + decades)), _BIEX_CHANNELS // 2)
    if zero > 0:
        decades = below * _BIEX_CHANNELS / zero
    width = linear / (2.0 * decades)
    b = decades * _LN10
    d = _weaker_exponent(b, width)
    fall = np.exp((b + d) * (width + below / decades))
    points = _BIEX_CHANNELS + 1
    start = zero / points
    curve = _Biexponential(
        0.0,
        float(scale.top * np.exp(b * (start - 1.0))),
        float(scale.top * fall * np.exp(-b - d * start)),
        b,
        d,
    )
    distance = (np.arange(points) - zero) / points
    return np.asarray(np.copysign(curve.value(np.abs(distance)), distance), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Bounded(Scale):
    """Another scale whose values stop at two limits, as on a chart whose edges hold what lies beyond.

    Parameters
    ----------
    scale : Scale
        The scale within the limits.
    lowest, highest : float
        The limits [scale units].

    Raises
    ------
    OutsideLimits
        If the lowest limit is not below the highest.
    """

    scale: Scale
    lowest: float
    highest: float

    def __post_init__(self) -> None:
        _require(self.lowest < self.highest, f"limits {self.lowest} and {self.highest} leave no axis")

    @property
    def axis(self) -> tuple[float, float]:
        """Lowest and highest value shown [scale units]."""
        return self.lowest, self.highest

    def forward(self, values: ArrayLike) -> FloatArray:
        """Map data units to scale units; see `Scale.forward`."""
        return np.clip(self.scale.forward(values), self.lowest, self.highest)

    def inverse(self, values: ArrayLike) -> FloatArray:
        """Map scale units to data units; see `Scale.inverse`."""
        return self.scale.inverse(np.clip(np.asarray(values, float), self.lowest, self.highest))
