"""Exact point in polygon: even-odd, edges and corners inside, no rounding decides."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from decidua.cytometry.scales import FloatArray

# Error of the orientation determinant as a share of its two products (Shewchuk 1997, bound A).
_DOUBT = (3.0 + 16.0 * 2.0**-53) * 2.0**-53
_TINY = 2.0**-1000  # below this a product may have lost bits to underflow


def inside(x: FloatArray, y: FloatArray, corners: FloatArray) -> NDArray[np.bool_]:
    """Say which points lie in a polygon or on its outline.

    Parameters
    ----------
    x, y : ndarray
        Finite coordinates, each [point].
    corners : ndarray
        Corners in drawing order [corner, 2]; the last joins the first, the outline may cross itself.

    Returns
    -------
    ndarray of bool
        [point]; where the outline crosses itself, the even-odd rule.

    Sources
    -------
    Shewchuk, Discrete and Computational Geometry 1997 (the bound beyond which a sign is certain).
    """
    result = np.zeros(len(x), bool)
    lowest, highest = corners.min(axis=0), corners.max(axis=0)
    near = np.flatnonzero((x >= lowest[0]) & (x <= highest[0]) & (y >= lowest[1]) & (y <= highest[1]))
    if near.size == 0:
        return result
    x, y = x[near], y[near]
    odd, touched = np.zeros(near.size, bool), np.zeros(near.size, bool)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        _cross(x, y, start, end, odd, touched)
    result[near] = odd | touched
    return result


def _cross(
    x: FloatArray,
    y: FloatArray,
    start: FloatArray,
    end: FloatArray,
    odd: NDArray[np.bool_],
    touched: NDArray[np.bool_],
) -> None:
    """Turn over `odd` for points left of one edge, set `touched` for those on it."""
    lower, upper = (start, end) if start[1] <= end[1] else (end, start)
    beside = np.flatnonzero((y >= lower[1]) & (y <= upper[1]))
    px, py = x[beside], y[beside]
    side = _side(px, py, lower, upper)
    leftmost, rightmost = min(lower[0], upper[0]), max(lower[0], upper[0])
    touched[beside] |= (side == 0.0) & (px >= leftmost) & (px <= rightmost)
    odd[beside] ^= (side > 0.0) & (py < upper[1])


def _side(x: FloatArray, y: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Return a number whose sign says on which side of a line points lie; above zero is left."""
    across, upward = x - lower[0], y - lower[1]
    width, height = upper[0] - lower[0], upper[1] - lower[1]
    first, second = width * upward, across * height
    side = first - second
    on_both = ((upward == 0.0) | (width == 0.0)) & ((across == 0.0) | (height == 0.0))
    doubtful = np.abs(side) <= _DOUBT * (np.abs(first) + np.abs(second)) + _TINY
    unsure = np.flatnonzero(doubtful & ~on_both)
    if unsure.size:
        side[unsure] = _exact_side(x[unsure], y[unsure], lower, upper)
    return np.asarray(side)


def _exact_side(x: FloatArray, y: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    x0, y0, x1, y1 = (Fraction(float(value)) for value in (*lower, *upper))
    points, back = np.unique(np.stack([x, y], axis=1), axis=0, return_inverse=True)
    signs = np.empty(len(points))
    for index, (px, py) in enumerate(points):
        turn = (x1 - x0) * (Fraction(float(py)) - y0) - (Fraction(float(px)) - x0) * (y1 - y0)
        signs[index] = (turn > 0) - (turn < 0)
    return np.asarray(signs[back.reshape(-1)])
