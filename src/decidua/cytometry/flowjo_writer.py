"""Writing FlowJo 10 workspaces: what `flowjo.read_workspace` reads, and trees drawn here.

Written are samples, groups, keywords, matrices, transforms, gates and counts. Layouts, tables,
statistics and chart settings of a workspace read before are not kept, and a group's gates become
those of its samples.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import numpy as np

from decidua import __version__
from decidua.cytometry.flowjo import OPERATIONS, WorkspaceSample
from decidua.cytometry.flowjo_xml import DATATYPES, GATING, TRANSFORMS, Axes, Compensation
from decidua.cytometry.gates import Boolean, Dimension, FociEllipse, Point, Polygon, Rectangle, Region
from decidua.cytometry.tree import Gate, split_path
from decidua.errors import DecidualError, UnsupportedGate

_ALL = "All Samples"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_workspace(
    path: str | os.PathLike[str],
    samples: Sequence[WorkspaceSample],
    groups: Mapping[str, Iterable[str]] | None = None,
) -> None:
    """Write a workspace that FlowJo 10 opens.

    Parameters
    ----------
    path : str or path
        The .wsp file to write; one that exists is replaced.
    samples : sequence of WorkspaceSample
        As read from a workspace, or made by `flowjo_convert.sample_from`.
    groups : mapping of str to iterable of str
        `sample_id` of the members of further groups; the group of all samples is always written.

    Raises
    ------
    UnsupportedGate
        If a gate has no form in FlowJo: a Gating-ML shape not converted, a complement within a
        boolean gate, or a scale other than the one its sample shows.
    OSError
        The file cannot be written; nothing is left behind.
    """
    root = _workspace(samples, {_ALL: [sample.sample_id for sample in samples], **(groups or {})})
    target = Path(path)
    temporary = target.with_name(f".{target.name}.part")
    try:
        ElementTree(root).write(temporary, encoding="utf-8", xml_declaration=True)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _add(parent: Element, tag: str, attributes: Mapping[str, str] | None = None) -> Element:
    clean = {name: _NOT_XML.sub("\ufffd", value) for name, value in (attributes or {}).items()}
    return SubElement(parent, tag, clean)


def _workspace(samples: Sequence[WorkspaceSample], groups: Mapping[str, Iterable[str]]) -> Element:
    root = Element(
        "Workspace",
        {
            "version": "20.0",
            "flowJoVersion": "10.8.1",
            "writtenBy": f"Decidua {__version__}",
            "curGroup": _ALL,
            "xmlns:gating": GATING,
            "xmlns:transforms": TRANSFORMS,
            "xmlns:data-type": DATATYPES,
        },
    )
    matrices = _add(root, "Matrices")
    shown: list[Compensation] = []
    for sample in samples:
        if sample.compensation and sample.compensation not in shown:
            shown.append(sample.compensation)
            _add_matrix(matrices, sample.compensation)
    _add_groups(root, groups)
    sample_list = _add(root, "SampleList")
    identity = count(1)
    for sample in samples:
        try:
            _add_sample(sample_list, sample, {gate.path: f"ID{next(identity)}" for gate in sample.tree.gates})
        except DecidualError as error:
            error.place = f"sample {sample.name}, {error.place}"
            raise
    indent(root)
    return root


def _add_groups(root: Element, groups: Mapping[str, Iterable[str]]) -> None:
    parent = _add(root, "Groups")
    for name, members in groups.items():
        node = _add(parent, "GroupNode", {"name": name, "annotation": "", "owningGroup": name, "expanded": "1"})
        references = _add(_add(node, "Group", {"name": name}), "SampleRefs")
        for member in members:
            _add(references, "SampleRef", {"sampleID": member})


def _add_matrix(parent: Element, compensation: Compensation) -> None:
    matrix = compensation.matrix
    spectral = matrix.fluorochromes != matrix.detectors
    attributes = {
        "spectral": "1" if spectral else "0",
        "weightOptAlgorithmType": "OLS",
        "prefix": compensation.prefix,
        "suffix": compensation.suffix,
        "name": compensation.name,
        "editable": "1",
        "color": "#c0c0c0",
        "version": "FlowJo-10.8.1",
        "status": "FINALIZED",
        "transforms:id": str(uuid5(NAMESPACE_OID, repr((compensation.label(""), matrix.matrix.tolist())))),
    }
    element = _add(parent, "transforms:spilloverMatrix", attributes)
    parameters = _add(element, "data-type:parameters")
    for name in matrix.fluorochromes:
        infix = {"data-type:name": name, "userProvidedCompInfix": compensation.label(name)}
        _add(parameters, "data-type:parameter", infix)
    for name, shares in zip(matrix.fluorochromes, matrix.matrix, strict=True):
        infix = {"data-type:parameter": name, "userProvidedCompInfix": compensation.label(name)}
        row = _add(element, "transforms:spillover", infix)
        for detector, share in zip(matrix.detectors, shares, strict=True):
            cell = {"data-type:parameter": detector, "transforms:value": repr(float(share))}
            _add(row, "transforms:coefficient", cell)


def _add_sample(parent: Element, sample: WorkspaceSample, identities: Mapping[str, str]) -> None:
    element = _add(parent, "Sample")
    _add(element, "DataSet", {"uri": sample.uri, "sampleID": sample.sample_id})
    if sample.compensation:
        _add_matrix(element, sample.compensation)
    transforms = _add(element, "Transformations")
    for label, transform in sample.transforms.items():
        settings = {name if name == "gain" else f"transforms:{name}": value for name, value in transform.settings}
        shown = _add(transforms, f"transforms:{transform.kind}", settings)
        _add(shown, "data-type:parameter", {"data-type:name": label})
    keywords = _add(element, "Keywords")
    for name, value in sample.keywords.items():
        _add(keywords, "Keyword", {"name": name, "value": value})
    attributes = {**_node_attributes(sample.name, sample.events), "sampleID": sample.sample_id}
    _add_populations(_add(element, "SampleNode", attributes), sample, None, identities)


def _node_attributes(name: str, events: int | None) -> dict[str, str]:
    shown = {"annotation": "", "owningGroup": "", "expanded": "1", "sortPriority": "10"}
    return {"name": name, **shown, "count": "-1" if events is None else str(events)}


def _add_populations(parent: Element, sample: WorkspaceSample, path: str | None, identities: Mapping[str, str]) -> None:
    gates = sample.tree.children(path)
    if not gates:
        return
    below = _add(parent, "Subpopulations")
    tags = {operation: tag for tag, operation in OPERATIONS.items()}
    for gate in gates:
        attributes = _node_attributes(gate.name, sample.stored_counts.get(gate.path))
        try:
            if isinstance(gate.shape, Boolean):
                node = _add(below, tags[gate.shape.operation], attributes)
                _add_combination(node, gate, gate.shape, sample, identities)
            else:
                node = _add(below, "Population", attributes)
                _add_gate(node, gate, gate.shape, sample, identities)
        except UnsupportedGate as error:
            raise error.within(place=gate.path) from None
        _add_populations(node, sample, gate.path, identities)


def _add_combination(
    node: Element, gate: Gate, shape: Boolean, sample: WorkspaceSample, identities: Mapping[str, str]
) -> None:
    if gate.complement or any(operand.complement for operand in shape.operands):
        raise UnsupportedGate(
            "FlowJo combines populations, not their complements",
            remedy="Draw the complement as a gate of its own and combine that.",
        )
    if shape.operation == "not":  # FlowJo draws the gate it negates
        negated = sample.tree.gate(shape.operands[0].path)
        if not isinstance(negated.shape, Boolean):
            _add_gate(node, negated, negated.shape, sample, {**identities, negated.path: identities[gate.path]})
    dependents = _add(node, "Dependents")
    for operand in shape.operands:
        _add(dependents, "Dependent", {"name": "/".join(split_path(operand.path))})


def _add_gate(node: Element, gate: Gate, shape: Region, sample: WorkspaceSample, identities: Mapping[str, str]) -> None:
    attributes = {"gating:id": identities[gate.path]}
    if gate.parent is not None:
        attributes["gating:parent_id"] = identities[gate.parent]
    element = _add(node, "Gate", attributes)
    inside = {"eventsInside": "0" if gate.complement else "1", **attributes}
    axes = Axes(sample.compensation, sample.transforms)
    labels = [_label(dimension, axes) for dimension in shape.dimensions]
    if isinstance(shape, Rectangle) and shape.units == "data":
        _add_rectangle(element, shape, labels, {**inside, "percentX": "0", "percentY": "0"})
    elif isinstance(shape, Polygon) and shape.units == "data":
        drawn = _add(element, "gating:PolygonGate", {**inside, "quadId": "-1", "gateResolution": "256"})
        _add_dimensions(drawn, labels)
        _add_points(drawn, shape.corners)
    elif isinstance(shape, FociEllipse):
        drawn = _add(element, "gating:EllipsoidGate", {**inside, "gating:distance": repr(shape.long_axis)})
        _add_dimensions(drawn, labels)
        _add_points(_add(drawn, "gating:foci"), shape.foci)
        _add_points(_add(drawn, "gating:edge"), shape.edge)
    else:
        raise UnsupportedGate(
            f"a {type(shape).__name__} in scale units has no form in FlowJo",
            remedy="Convert the tree with flowjo_convert.sample_from first.",
        )


def _label(dimension: Dimension, axes: Axes) -> str:
    """Return FlowJo's name of a column, and make sure it means that column to FlowJo."""
    label = dimension.channel
    if dimension.spillover is not None and axes.compensation:
        label = axes.compensation.label(dimension.channel)
    if axes.dimension(label, scaled=False) != dimension:
        raise UnsupportedGate(
            f"is drawn on {dimension.channel!r} with a matrix or scale its sample does not show",
            remedy="Convert the tree with flowjo_convert.sample_from first.",
        )
    return label


def _add_rectangle(parent: Element, shape: Rectangle, labels: Sequence[str], attributes: Mapping[str, str]) -> None:
    drawn = _add(parent, "gating:RectangleGate", attributes)
    for label, minimum, maximum in zip(labels, shape.minimum, shape.maximum, strict=True):
        bounds = {}
        if np.isfinite(minimum):
            bounds["gating:min"] = repr(float(minimum))
        if np.isfinite(maximum):
            bounds["gating:max"] = repr(float(maximum))
        _add(_add(drawn, "gating:dimension", bounds), "data-type:fcs-dimension", {"data-type:name": label})


def _add_dimensions(parent: Element, labels: Sequence[str]) -> None:
    for label in labels:
        _add(_add(parent, "gating:dimension"), "data-type:fcs-dimension", {"data-type:name": label})


def _add_points(parent: Element, points: Iterable[Point]) -> None:
    for point in points:
        vertex = _add(parent, "gating:vertex")
        for value in point:
            _add(vertex, "gating:coordinate", {"data-type:value": repr(float(value))})
