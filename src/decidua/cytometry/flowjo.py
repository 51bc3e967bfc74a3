"""Reading FlowJo 10 workspaces: samples, groups, matrices, gates, and the counts FlowJo stored.

Gates are kept in the data units FlowJo writes. Rectangles are compared in those; polygons and
ellipses are straight on the axes FlowJo shows, whose ends hold whatever lies beyond.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from decidua.cytometry.acquisition import Acquisition
from decidua.cytometry.flowjo_xml import (
    Axes,
    Compensation,
    Transform,
    attribute,
    local_name,
    read_compensation,
    read_region,
    read_transforms,
)
from decidua.cytometry.gates import Boolean, Operand
from decidua.cytometry.tree import DEEPEST, Gate, GatingTree, join_path, split_path
from decidua.errors import (
    Ambiguous,
    DecidualError,
    NotAWorkspace,
    NotComparable,
    OutsideLimits,
    UnsupportedGate,
)

OnDefect = Literal["record", "raise"]

OPERATIONS: dict[str, Literal["and", "or", "not"]] = {"AndNode": "and", "OrNode": "or", "NotNode": "not"}


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A population of a workspace that was left out.

    Parameters
    ----------
    sample : str
        Name of the sample.
    population : str
        Its path.
    message : str
        Why.
    """

    sample: str
    population: str
    message: str


@dataclass(frozen=True, slots=True)
class WorkspaceSample:
    """One tube of a workspace.

    Parameters
    ----------
    sample_id : str
        FlowJo's number of it.
    name : str
        Its name in FlowJo, as a rule the file's.
    uri : str
        Where FlowJo found the file.
    events : int or None
        Events FlowJo counted; None where it had not.
    keywords : mapping of str to str
        Keywords as FlowJo holds them, its own among them.
    compensation : Compensation or None
        The matrix applied.
    transforms : mapping of str to Transform
        How each parameter is shown.
    tree : GatingTree
        The gates.
    stored_counts : mapping of str to (int or None)
        FlowJo's count of every population by path; None where it had not counted.
    """

    sample_id: str
    name: str
    uri: str
    events: int | None
    keywords: Mapping[str, str]
    compensation: Compensation | None
    transforms: Mapping[str, Transform]
    tree: GatingTree
    stored_counts: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a workspace file holds.

    Parameters
    ----------
    file : str
        The file as the user named it.
    sha256 : str
        Hash of the whole file.
    program, version : str
        What wrote it.
    samples : tuple of WorkspaceSample
        In the order of the file.
    groups : mapping of str to tuple of str
        `sample_id` of the members of every group.
    unsupported : tuple of Unsupported
        Populations left out.
    """

    file: str
    sha256: str
    program: str
    version: str
    samples: tuple[WorkspaceSample, ...]
    groups: Mapping[str, tuple[str, ...]]
    unsupported: tuple[Unsupported, ...] = ()

    def sample_of(self, acquisition: Acquisition) -> WorkspaceSample:
        """Find the sample that is a tube, and check that it is.

        Parameters
        ----------
        acquisition : Acquisition
            The tube; its file's name decides, events and channels must agree.

        Returns
        -------
        WorkspaceSample

        Raises
        ------
        NotComparable
            If the workspace knows no such file, or drew its gates on another tube of that name.
        Ambiguous
            If two samples fit.
        """
        name = PurePosixPath(acquisition.file.replace("\\", "/")).name
        named = [sample for sample in self.samples if sample.name == name]
        named = named or [sample for sample in self.samples if _file_name(sample.uri) == name]
        place = f"sample {name}"
        if not named:
            raise NotComparable(
                "the workspace holds no sample of this name",
                file=self.file,
                place=place,
                remedy="Give the workspace the tube was gated in, or the file under its first name.",
            )
        differences = [_difference(sample, acquisition) for sample in named]
        fitting = [sample for sample, why in zip(named, differences, strict=True) if not why]
        if not fitting:
            raise NotComparable(
                differences[0],
                file=self.file,
                place=place,
                remedy="Give the file that was gated; this one has only its name.",
            )
        if len(fitting) > 1:
            raise Ambiguous(f"{len(fitting)} samples fit this tube", file=self.file, place=place)
        return fitting[0]

    def line(self) -> dict[str, object]:
        """Give the plain data of the JSON line of kind `workspace`.

        Returns
        -------
        dict
            Ready for JSON.
        """
        return {
            "kind": "workspace",
            "file": self.file,
            "sha256": self.sha256,
            "program": self.program,
            "version": self.version,
            "samples": [{"sample": sample.name, "populations": len(sample.tree.gates)} for sample in self.samples],
            "unsupported": [
                {"sample": left.sample, "population": left.population, "message": left.message}
                for left in self.unsupported
            ],
        }


def _file_name(uri: str) -> str:
    return PurePosixPath(unquote(uri).replace("\\", "/")).name


def _difference(sample: WorkspaceSample, acquisition: Acquisition) -> str:
    """Say in which way a tube is not the sample; empty where it is."""
    events = sample.events if sample.events is not None else _whole(sample.keywords.get("$TOT", ""))
    if events is not None and events != acquisition.count:
        return f"the workspace's sample has {events} events, this tube {acquisition.count}"
    known = {value for key, value in sample.keywords.items() if re.fullmatch(r"\$P\d+N", key)}
    strange = [channel.name for channel in acquisition.channels if channel.name not in known]
    if known and strange:
        return f"the workspace's sample has no channel {', '.join(strange)}"
    return ""


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\s*\d{1,15}\s*", text) else None


def read_workspace(path: str | os.PathLike[str], *, on_defect: OnDefect = "raise", name: str = "") -> Workspace:
    """Read a FlowJo 10 workspace.

    Parameters
    ----------
    path : str or path
        The .wsp file.
    on_defect : {"record", "raise"}
        What to do with a population this reader cannot evaluate: leave it out with all that depends
        on it and write it into `Workspace.unsupported`, or refuse.
    name : str
        How the file is called in the workspace and in errors; its path where empty.

    Returns
    -------
    Workspace

    Raises
    ------
    NotAWorkspace
        The file is no workspace of FlowJo 10, or its parts contradict each other.
    UnsupportedGate
        It holds a population this reader does not evaluate, and `on_defect` is "raise".
    UnreadableFile, DidNotConverge
        It cannot be opened, or a spillover matrix is none.
    OutsideLimits
        `on_defect` is neither word.
    """
    name = name or os.fspath(path)
    try:
        if on_defect not in ("record", "raise"):
            raise OutsideLimits('on_defect is neither "record" nor "raise"', remedy="Use one of the two.")
        content = _content(path)
        return _workspace(name, content, _root(content), on_defect)
    except DecidualError as error:
        raise error.within(file=name) from None


def _content(path: str | os.PathLike[str]) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise NotAWorkspace(f"cannot be opened: {error.strerror}", remedy="Give a file that exists.") from error


def _root(content: bytes) -> Element:
    early = re.search(rb"<Workspace\b[^>]*\bflowJoVersion=\"([0-9][^\"]*)", content[:8192])
    if early:
        _require_ten(early[1].decode("ascii", "replace"))
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise NotAWorkspace("declares document types or entities, which FlowJo 10 never does") from error
    except (ParseError, ValueError, LookupError) as error:
        raise NotAWorkspace(f"is not XML: {error}") from error
    if root.tag != "Workspace" or root.find("SampleList") is None:
        raise NotAWorkspace(f"is XML, but a {local_name(root.tag)} and no workspace of FlowJo 10")
    _require_ten(root.get("flowJoVersion", ""))
    return root


def _require_ten(version: str) -> None:
    major = re.match(r"\d+", version)
    if major and int(major[0]) < 10:
        raise NotAWorkspace(f"was written by FlowJo {version}, and this reader knows FlowJo 10")


def _workspace(name: str, content: bytes, root: Element, on_defect: OnDefect) -> Workspace:
    sha256 = hashlib.sha256(content).hexdigest()
    program, version = "FlowJo", root.get("flowJoVersion", "")
    if writer := root.get("writtenBy"):  # FlowJo drops this when it saves the file again
        program, _, version = writer.partition(" ")
    unsupported: list[Unsupported] = []
    samples = []
    for element in root.iterfind("SampleList/Sample"):
        samples.append(_sample(element, f"{program} {version} sha256:{sha256}", unsupported))
        if unsupported and on_defect == "raise":
            first = unsupported[0]
            raise UnsupportedGate(first.message, place=f"sample {first.sample}, {first.population}")
    return Workspace(name, sha256, program, version, tuple(samples), _groups(root), tuple(unsupported))


def _groups(root: Element) -> dict[str, tuple[str, ...]]:
    return {
        attribute(node, "name"): tuple(
            attribute(reference, "sampleID") for reference in node.iterfind("Group/SampleRefs/SampleRef")
        )
        for node in root.iterfind("Groups/GroupNode")
    }


def _sample(element: Element, drawn_by: str, unsupported: list[Unsupported]) -> WorkspaceSample:
    node = element.find("SampleNode")
    if node is None:
        raise NotAWorkspace("a sample has no SampleNode", place="SampleList")
    name = attribute(node, "name")
    data_set = element.find("DataSet")
    try:
        axes = Axes(read_compensation(element), read_transforms(element))
        gates, counts = _gates(node, axes, drawn_by, name, unsupported)
        compensation = axes.compensation
        tree = GatingTree(gates, {compensation.name: compensation.matrix} if compensation else {})
    except DecidualError as error:
        error.place = f"sample {name}" + (f", {error.place}" if error.place else "")
        raise
    return WorkspaceSample(
        sample_id=attribute(node, "sampleID"),
        name=name,
        uri="" if data_set is None else data_set.get("uri", ""),
        events=_count(node) or None,  # 0 where FlowJo had not opened the tube
        keywords={
            attribute(keyword, "name"): keyword.get("value", "") for keyword in element.iterfind("Keywords/Keyword")
        },
        compensation=axes.compensation,
        transforms=axes.transforms,
        tree=tree,
        stored_counts=counts,
    )


def _count(element: Element) -> int | None:
    """Return FlowJo's count, None where it writes -1, nothing or no number for not counted."""
    return _whole(element.get("count", ""))


@dataclass(frozen=True, slots=True)
class _Node:
    """A population's element with its place in the tree."""

    name: str
    parent: str | None
    element: Element

    @property
    def path(self) -> str:
        return join_path(self.parent, self.name)


def _nodes(above: Element, parent: str | None = None, depth: int = 0) -> Iterator[_Node]:
    """Yield every population below an element, in the order FlowJo shows them."""
    if depth > DEEPEST:
        raise NotAWorkspace(f"nests gates more than {DEEPEST} deep", place=parent or "")
    for element in above.iterfind("Subpopulations/*"):
        if element.tag == "Population" or element.tag in OPERATIONS:
            node = _Node(attribute(element, "name"), parent, element)
            yield node
            yield from _nodes(element, node.path, depth + 1)


def _gates(
    node: Element, axes: Axes, drawn_by: str, sample: str, unsupported: list[Unsupported]
) -> tuple[tuple[Gate, ...], dict[str, int | None]]:
    """Read a sample's gates and stored counts; list what cannot be evaluated, and what hangs on it."""
    nodes = list(_nodes(node))
    by_label: dict[str, list[str]] = {}
    for each in nodes:
        by_label.setdefault("/".join(split_path(each.path)), []).append(each.path)
    gates: dict[str, Gate] = {}
    lost: dict[str, str] = {}
    for each in nodes:
        try:
            gates[each.path] = _gate(each, axes, drawn_by, by_label)
        except UnsupportedGate as error:
            lost[each.path] = error.message
        except DecidualError as error:
            error.place = each.path + (f", {error.place}" if error.place else "")
            raise
    while hanging := {path: need for path, gate in gates.items() for need in gate.needs if need in lost}:
        for path, need in hanging.items():
            del gates[path]
            lost[path] = f"needs {need}, which was left out"
    unsupported += [Unsupported(sample, path, message) for path, message in lost.items()]
    counts = {each.path: _count(each.element) for each in nodes if each.path in gates}
    if not any(counts.values()):  # FlowJo also writes 0 throughout for a sample it has not counted
        counts = dict.fromkeys(counts, None)
    return tuple(gates.values()), counts


def _gate(node: _Node, axes: Axes, drawn_by: str, by_label: Mapping[str, list[str]]) -> Gate:
    element = node.element
    if element.tag in OPERATIONS:
        labels = [attribute(dependent, "name") for dependent in element.iterfind("Dependents/Dependent")]
        operands = tuple(Operand(_path_of(label, by_label)) for label in labels)
        return Gate(node.name, Boolean(OPERATIONS[element.tag], operands), node.parent, drawn_by=drawn_by)
    drawn = element.find("Gate")
    if drawn is None:
        raise UnsupportedGate("is a population without a gate")
    region, complement = read_region(drawn, axes)
    return Gate(node.name, region, node.parent, drawn_by=drawn_by, complement=complement)


def _path_of(label: str, by_label: Mapping[str, list[str]]) -> str:
    paths = by_label.get(label, [])
    if not paths:
        raise UnsupportedGate(f"combines {label!r}, a population the sample lacks")
    if len(paths) > 1:
        raise Ambiguous(f"combines {label!r}, and {len(paths)} populations read so", place=label)
    return paths[0]
