"""Mouse T-cell activation tubes: our populations against the percentages their authors published."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest

from decidua.cytometry.engine import count
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.gates import Boolean, Dimension, Ellipse, Operand, Polygon, Rectangle
from decidua.cytometry.scales import Logicle
from decidua.cytometry.spillover import OWN
from decidua.cytometry.tree import Gate, GatingTree, join_path

DECADES = 4.5  # the template's axes run from 0 to this, our logicle from 0 to 1


@pytest.fixture(scope="module")
def expected(test_data):
    path = test_data / "cytometry/expected/activation_expected.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def template(test_data, expected):
    with (test_data / "cytometry/activation/Activation-gatingTemplate.csv").open(encoding="utf-8", newline="") as file:
        return tree_of(list(csv.DictReader(file)), expected["meta"]["W"])


def numbers(text):
    return [float(value) for value in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text)]


def tree_of(rows, widths):
    paths = {"root": None}
    gates = []
    for row in rows:
        parent = paths[row["parent"]]
        paths[row["alias"]] = join_path(parent, row["alias"])
        if row["gating_method"] == "boolGate":
            shape = Boolean("not", (Operand(join_path(parent, row["gating_args"].lstrip("!"))),))
        else:
            shape = region(row["gating_args"], row["dims"].split(","), widths)
        gates.append(Gate(row["alias"], shape, parent))
    return GatingTree(tuple(gates))


def region(text, channels, widths):
    dimensions = tuple(
        Dimension(name, OWN, Logicle(262144, widths[name], DECADES)) if name in widths else Dimension(name)
        for name in channels
    )
    axes = np.array([DECADES if name in widths else 1.0 for name in channels])
    if "polygonGate" in text:
        flat = numbers(re.search(r"boundaries = structure\(c\((.*?)\)", text)[1])
        corners = np.array(flat).reshape(2, -1).T / axes
        return Polygon(dimensions, tuple(map(tuple, corners.tolist())))
    if "rectangleGate" in text:
        sides = [
            numbers(re.sub(r"'.*?' = ", "", re.search(rf"{side} = c\((.*?)\)", text)[1])) for side in ("min", "max")
        ]
        low, high = (tuple((np.array(side) / axes).tolist()) for side in sides)
        return Rectangle(dimensions, low, high)
    mean = numbers(re.sub(r"'.*?' = ", "", re.search(r"mean = c\((.*?)\)", text)[1]))
    spread = np.array(numbers(re.search(r"cov = structure\(c\((.*?)\)", text)[1])).reshape(2, 2)
    distance = float(re.search(r"distance = ([\d.]+)", text)[1])
    covariance = (spread / np.outer(axes, axes)).tolist()
    return Ellipse(dimensions, tuple((np.array(mean) / axes).tolist()), tuple(map(tuple, covariance)), distance**2)


@pytest.mark.parametrize("name", ["Activation_1.fcs", "Activation_8.fcs"])
def test_published_percentages_are_reproduced(test_data, template, expected, name):
    counts = count(read_fcs(test_data / "cytometry/activation" / name), template)
    by_name = {row.path.rpartition("/")[2]: row.count for row in counts.populations}
    published = expected["files"][name]["published_percent"]
    assert len(published) == 4
    for row in published:
        ours = 100 * by_name[row["population"]] / by_name[row["parent"]]
        assert ours == pytest.approx(row["percent"], abs=0.05)


@pytest.mark.parametrize("name", ["Activation_1.fcs", "Activation_8.fcs"])
def test_stored_counts_are_reproduced(test_data, template, expected, name):
    counts = count(read_fcs(test_data / "cytometry/activation" / name), template)
    stored = expected["files"][name]["counts"]
    assert len(stored) == len(counts.populations) == 11
    for row in counts.populations:
        theirs = stored["root" if row.parent is None else f"/{row.path}"]
        assert abs(row.count - theirs) <= max(2, 0.002 * (row.parent_count or 0)), row.path


def test_without_compensation_they_are_not(test_data, template, expected):
    bare = GatingTree(tuple(uncompensated(gate) for gate in template.gates))
    counts = count(read_fcs(test_data / "cytometry/activation/Activation_8.fcs"), bare)
    by_name = {row.path.rpartition("/")[2]: row.count for row in counts.populations}
    row = expected["files"]["Activation_8.fcs"]["published_percent"][0]
    assert abs(100 * by_name[row["population"]] / by_name[row["parent"]] - row["percent"]) > 0.05


def uncompensated(gate):
    if isinstance(gate.shape, Boolean):
        return gate
    plain = tuple(Dimension(dimension.channel, None, dimension.scale) for dimension in gate.shape.dimensions)
    return Gate(gate.name, type(gate.shape)(plain, *fields(gate.shape)), gate.parent)


def fields(shape):
    return [getattr(shape, name) for name in shape.__dataclass_fields__ if name != "dimensions"]
