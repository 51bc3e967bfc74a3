from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decidua.cytometry.engine import count
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.gates import (
    Boolean,
    Dimension,
    Ellipse,
    FociEllipse,
    Operand,
    Polygon,
    Quadrant,
    Rectangle,
)
from decidua.cytometry.polygons import inside
from decidua.cytometry.scales import Bounded, Linear, Logicle
from decidua.cytometry.tree import Gate, GatingTree
from decidua.errors import UnsupportedGate

X, Y = Dimension("X"), Dimension("Y")
CHART = Bounded(Linear(100.0), 0.0, 1.0)


def members(shape, *columns):
    return shape.contains([np.asarray(column, float) for column in columns]).tolist()


# --- rectangles -----------------------------------------------------------------------------------


def test_a_rectangle_takes_its_minimum_and_not_its_maximum():
    shape = Rectangle((X, Y), (0.0, 0.0), (1.0, 2.0))
    assert members(shape, [0, 0.5, 1, 0.5, 0.5], [0, 1, 1, 2, -0.1]) == [True, True, False, False, False]


def test_a_side_without_a_bound_is_open():
    assert members(Rectangle.range(X, minimum=3), [2.9, 3, 1e300]) == [False, True, True]
    assert members(Rectangle.range(X, maximum=3), [-1e300, 3]) == [True, False]


@pytest.mark.parametrize(
    ("minimum", "maximum", "expected"),
    [
        (0.0, 100.0, [True, True, True, True, True]),  # both ends of the chart
        (-20.0, 130.0, [True, True, True, True, True]),  # beyond both
        (0.1, 99.9, [False, False, True, False, False]),  # short of both
        (0.0, 50.0, [True, True, False, False, False]),
        (50.0, 100.0, [False, False, True, True, True]),
    ],
)
def test_a_drawn_bound_that_touches_the_end_of_its_axis_is_open(minimum, maximum, expected):
    shape = Rectangle.range(Dimension("X", scale=CHART), minimum, maximum, units="data")
    assert shape.columns == (X,)
    assert members(shape, [-500, 0, 50, 100, 900]) == expected


def test_bounds_in_scale_units_stay_as_given():
    shape = Rectangle.range(Dimension("X", scale=CHART), 0.0, 1.0)
    assert members(shape, [0.0, 0.999, 1.0]) == [True, True, False]


# --- polygons -------------------------------------------------------------------------------------


def even_odd(x, y, corners):
    """Decide in exact arithmetic, edge by edge, with nothing clever."""
    x, y = Fraction(float(x)), Fraction(float(y))
    corners = [(Fraction(float(a)), Fraction(float(b))) for a, b in corners]
    within = False
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        cross = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
        if cross == 0 and min(x0, x1) <= x <= max(x0, x1) and min(y0, y1) <= y <= max(y0, y1):
            return True
        if (y0 <= y) != (y1 <= y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            within = not within
    return within


coordinates = st.one_of(st.integers(-4, 4).map(float), st.floats(-4, 4, width=32), st.floats(-4, 4))
corner_lists = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=9)


@settings(deadline=None)
@given(corner_lists, st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=20))
def test_point_in_polygon_is_exact(corners, points):
    points = points + corners + [((a + c) / 2, (b + d) / 2) for (a, b), (c, d) in pairwise(corners)]
    x, y = np.array(points).T
    expected = [even_odd(a, b, corners) for a, b in points]
    assert inside(x, y, np.array(corners)).tolist() == expected


def test_points_a_rounding_away_from_a_slanted_edge_are_told_apart():
    corners = np.array([[5.0, 5.0], [500.0, 5.0], [500.0, 500.0]])
    along = np.array([5.882084, 20.1, 123.456, 499.99])
    assert inside(along, along, corners).all()
    assert not inside(along, np.nextafter(along, np.inf), corners).any()
    assert inside(along, np.nextafter(along, -np.inf), corners).all()


def test_a_naive_determinant_would_not_tell_them_apart():
    corners = np.array([[0.1, 0.1], [3.0, 0.1], [3.0, 0.3]])
    x, y = np.array([0.7]), np.array([0.1 + 0.6 * (0.2 / 2.9)])
    start, end = corners[2], corners[0]
    sure = even_odd(x[0], y[0], corners.tolist())
    assert inside(x, y, corners)[0] == sure
    naive = (end[0] - start[0]) * (y - start[1]) - (x - start[0]) * (end[1] - start[1])
    assert abs(float(naive[0])) < 1e-15


def test_where_an_outline_crosses_itself_the_even_odd_rule_decides():
    star = [(0, 3), (2, -3), (-3, 1), (3, 1), (-2, -3)]
    shape = Polygon((X, Y), tuple((float(a), float(b)) for a, b in star))
    assert members(shape, [0, 0, 2.5], [0, 2, 1]) == [False, True, True]


def test_corners_in_data_units_are_joined_on_the_axes_shown():
    scale = Logicle(1000, 0.5, 4)
    corners = ((0.0, 0.0), (900.0, 0.0), (900.0, 900.0))
    drawn = Polygon((Dimension("X", scale=scale), Dimension("Y", scale=scale)), corners, units="data")
    shown = Polygon(drawn.dimensions, tuple((float(a), float(b)) for a, b in scale.forward(corners)))
    assert drawn.outline.tolist() == shown.outline.tolist()
    bare = Polygon((X, Y), ((0.0, 0.0), (900.0, 0.0), (900.0, 100.0)), units="data")
    assert bare.outline.tolist() == [[0, 0], [900, 0], [900, 100]]
    bent = Polygon(drawn.dimensions, bare.corners, units="data")
    events = [np.array([500.0]), np.array([60.0])]
    assert bare.contains(events).tolist() == [False]
    assert bent.contains([scale.forward(values) for values in events]).tolist() == [True]


# --- ellipses and quadrants -----------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=20))
def test_an_ellipse_is_its_mahalanobis_distance(points):
    shape = Ellipse((X, Y), (1.0, -1.0), ((3.0, 1.0), (1.0, 2.0)), 1.5)
    expected = []
    for x, y in points:
        away = np.array([x - 1.0, y + 1.0])
        expected.append(float(away @ np.linalg.inv([[3.0, 1.0], [1.0, 2.0]]) @ away))
    got = members(shape, *zip(*points, strict=True))
    for distance, within in zip(expected, got, strict=True):
        assert within == (distance <= 1.5) or abs(distance - 1.5) < 1e-9


@settings(deadline=None)
@given(
    st.floats(0.05, 0.4),
    st.floats(0.01, 0.99),
    st.floats(0, 3.1),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_both_forms_of_an_ellipse_agree(long, flatness, turn, point):
    axis = Dimension("X", scale=CHART)
    other = Dimension("Y", scale=CHART)
    ahead = np.array([np.cos(turn), np.sin(turn)])
    aside = np.array([-np.sin(turn), np.cos(turn)]) * long * flatness
    focus = ahead * long * np.sqrt(1 - flatness**2)
    steps = [tuple(256 * (np.array([0.5, 0.5]) + away)) for away in (focus, -focus)]
    edge = [tuple(256 * (0.5 + away)) for away in (ahead * long, -ahead * long, aside, -aside)]
    foci = FociEllipse((axis, other), tuple(steps), tuple(edge))
    spread = long**2 * np.outer(ahead, ahead) + np.outer(aside, aside)
    covariance = Ellipse((axis, other), (0.5, 0.5), tuple(map(tuple, spread.tolist())))
    away = np.array(point) - 0.5
    distance = float(away @ np.linalg.inv(spread) @ away)
    if abs(distance - 1) > 1e-6:
        assert members(foci, [point[0]], [point[1]]) == members(covariance, [point[0]], [point[1]])


def test_quadrants_share_out_every_event():
    dividers = ((0.0, 1.0), (5.0,))
    cells = [Quadrant((X, Y), dividers, (x, y)) for x in (-1.0, 0.5, 2.0) for y in (4.0, 6.0)]
    events = [[-3, 0, 0.99, 1, 7], [5, 4.9, 5, 5.1, 0]]
    table = np.array([members(cell, *events) for cell in cells])
    assert table.sum(axis=0).tolist() == [1] * 5
    assert members(Quadrant((X, Y), dividers, (0.0, 5.0)), *events) == [False, False, True, False, False]


def test_boolean_gates_combine_populations():
    population = {"a": np.array([True, True, False, False]), "b": np.array([True, False, True, False])}
    a, b = Operand("a"), Operand("b")
    assert Boolean("and", (a, b)).combine(population).tolist() == [True, False, False, False]
    assert Boolean("or", (a, b)).combine(population).tolist() == [True, True, True, False]
    assert Boolean("not", (a,)).combine(population).tolist() == [False, False, True, True]
    assert Boolean("and", (a, Operand("b", True))).combine(population).tolist() == [False, True, False, False]


# --- what is no gate ------------------------------------------------------------------------------

TILTED = ((1.0, 0.0), (0.0, 1.0))


@pytest.mark.parametrize(
    "build",
    [
        lambda: Rectangle((), (), ()),
        lambda: Rectangle((X,), (0.0, 1.0), (1.0,)),
        lambda: Rectangle((X,), (float("nan"),), (1.0,)),
        lambda: Polygon((X, Y), ((0, 0), (1, 1))),
        lambda: Polygon((X,), ((0, 0), (1, 1), (0, 1))),
        lambda: Polygon((X, Y), ((0, 0), (1, 1), (0, 1, 2))),
        lambda: Polygon((X, Y), ((0, 0), (1, 1), (0, float("inf")))),
        lambda: Quadrant((), (), ()),
        lambda: Quadrant((X,), ((1.0,), (2.0,)), (1.0,)),
        lambda: Quadrant((X,), ((float("nan"),),), (1.0,)),
        lambda: Ellipse((X,), (0.0,), ((1.0,),)),
        lambda: Ellipse((X, Y), (0.0,), TILTED),
        lambda: Ellipse((X, Y), (0.0, 0.0), ((1.0, 0.0),)),
        lambda: Ellipse((X, Y), (0.0, 0.0), TILTED, 0.0),
        lambda: Ellipse((X, Y), (0.0, float("nan")), TILTED),
        lambda: Ellipse((X, Y), (0.0, 0.0), ((1.0, 2.0), (2.0, 4.0))),
        lambda: FociEllipse((X, Y), ((1, 1), (2, 2)), ((0, 0), (9, 9), (1, 1), (1, 1))),
        lambda: FociEllipse((Dimension("X", scale=CHART),) * 2, ((1, 1), (9, 9)), ((2, 2), (3, 3), (1, 1), (1, 1))),
        lambda: FociEllipse((Dimension("X", scale=CHART),) * 2, ((1, 1),), ((2, 2), (3, 3), (1, 1), (1, 1))),
        lambda: FociEllipse((Dimension("X", scale=CHART),), ((1, 1), (2, 2)), ((0, 0), (9, 9), (1, 1), (1, 1))),
        lambda: FociEllipse(
            (Dimension("X", scale=CHART),) * 2, ((1, 1), (2, float("nan"))), ((0, 0), (9, 9), (1, 1), (1, 1))
        ),
        lambda: Boolean("xor", (Operand("a"), Operand("b"))),
        lambda: Boolean("not", (Operand("a"), Operand("b"))),
        lambda: Boolean("or", ()),
    ],
)
def test_shapes_that_are_none_are_refused(build):
    with pytest.raises(UnsupportedGate):
        build()


# --- the official Gating-ML 2.0 suite: every event of its polygons and ellipses drawn in data units ---


def gatingml_gate(text: str, name: str):
    kind, body = re.search(
        rf'<gating:(\w+)Gate gating:id="{name}".*?>(.*?)</gating:\1Gate>', text, flags=re.DOTALL
    ).groups()
    names = re.findall(r'fcs-dimension data-type:name="(.*?)"', body)
    own = [None if ref == "uncompensated" else ref for ref in re.findall(r'compensation-ref="(.*?)"', body)]
    dimensions = tuple(Dimension(*pair) for pair in zip(names, own, strict=True))
    assert "transformation-ref" not in body

    def values(tag: str) -> list[float]:
        return [float(value) for value in re.findall(rf'{tag} data-type:value="(.*?)"', body)]

    points = values("gating:coordinate")
    if kind == "Polygon":
        return Polygon(dimensions, tuple(zip(points[::2], points[1::2], strict=True)))
    size = len(dimensions)
    matrix = np.array(values("gating:entry")).reshape(size, size).tolist()
    return Ellipse(dimensions, tuple(points), tuple(map(tuple, matrix)), values("gating:distanceSquare")[0])


@pytest.mark.parametrize(
    ("suite", "name"),
    [
        (1, "Polygon1"),
        (1, "Polygon2"),
        (1, "Polygon3NS"),
        (1, "Polygon4"),
        (1, "Ellipse1"),
        (1, "Ellipsoid3D"),
        (2, "Poly1u"),
        (2, "Poly1c"),
    ],
)
def test_every_event_of_the_official_suite_is_right(test_data, suite, name):
    folder = test_data / f"cytometry/gatingml2/set{suite}"
    shape = gatingml_gate((folder / f"gates{suite}.xml").read_text(encoding="utf-8"), name)
    counts = count(read_fcs(folder / f"data{suite}.fcs"), GatingTree((Gate(name, shape),)))
    truth = np.loadtxt(folder / f"expected/Results_{name}.txt").astype(bool)
    assert 0 < truth.sum() < truth.size
    assert np.flatnonzero(counts.mask(name) != truth).tolist() == []
