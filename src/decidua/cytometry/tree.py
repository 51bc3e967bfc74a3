r"""The gating tree: which population lies within which, who drew it, and with which matrices.

A population's path is the names from the top gate down, joined by `/`; a `/` within a name is
written `\/`, a `\` within a name `\\`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from decidua.cytometry.gates import Boolean, Region
from decidua.cytometry.spillover import OWN, SpilloverMatrix
from decidua.errors import UnsupportedGate

ROOT = "root"  # path of all events, above every gate
DEEPEST = 100  # gates within gates; no person draws so many


@dataclass(frozen=True, slots=True)
class Gate:
    """A population: a region or combination within a parent.

    Parameters
    ----------
    name : str
        Name as shown on screen.
    shape : Rectangle, Polygon, Quadrant, Ellipse, FociEllipse or Boolean
        What selects its events.
    parent : str or None
        Path of the population it lies within; None for all events.
    gate_id : str
        The Gating-ML id; the path where empty.
    drawn_by : str
        Who or what drew it, for instance the workspace's program and hash.
    complement : bool
        Take the parent's events outside the shape.
    """

    name: str
    shape: Region | Boolean
    parent: str | None = None
    gate_id: str = ""
    drawn_by: str = ""
    complement: bool = False

    @property
    def path(self) -> str:
        """Path of the population: the parent's path and the name, escaped."""
        return join_path(self.parent, self.name)

    @property
    def identity(self) -> str:
        """The Gating-ML id, or the path where there is none."""
        return self.gate_id or self.path

    @property
    def needs(self) -> tuple[str, ...]:
        """Paths of the populations that must be known before this one."""
        operands = self.shape.operands if isinstance(self.shape, Boolean) else ()
        parents = () if self.parent is None else (self.parent,)
        return (*parents, *(operand.path for operand in operands))


def join_path(parent: str | None, name: str) -> str:
    r"""Write the path of a population from its parent's path and its own name.

    Parameters
    ----------
    parent : str or None
        Path of the parent; None at the top.
    name : str
        The name as shown on screen.

    Returns
    -------
    str
        The path, `/` and `\` within the name escaped.
    """
    escaped = name.replace("\\", "\\\\").replace("/", "\\/")
    return escaped if parent is None else f"{parent}/{escaped}"


def split_path(path: str) -> tuple[str, ...]:
    """Split a path into names as shown on screen.

    Parameters
    ----------
    path : str
        A path as `join_path` writes it.

    Returns
    -------
    tuple of str
        Names from the top gate down.
    """
    names = re.findall(r"(?:^|/)((?:\\.|[^\\/])*)", path, flags=re.DOTALL)
    return tuple(re.sub(r"\\(.)", r"\1", name, flags=re.DOTALL) for name in names)


@dataclass(frozen=True, slots=True)
class GatingTree:
    """All gates of one tube, checked to hang together.

    Parameters
    ----------
    gates : tuple of Gate
        In any order.
    spillovers : mapping of str to SpilloverMatrix
        Matrices the dimensions name; "FCS" stands for the file's own and is not among them.

    Raises
    ------
    UnsupportedGate
        If two gates share a path or id or one has the root's, a parent, operand or matrix is unknown, gates
        wait for each other, or one lies absurdly deep.
    """

    gates: tuple[Gate, ...]
    spillovers: Mapping[str, SpilloverMatrix] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_unique([gate.path for gate in self.gates], "two populations have this path")
        _require_unique([gate.identity for gate in self.gates], "two gates have this id")
        known = {gate.path for gate in self.gates}
        if ROOT in known:
            raise UnsupportedGate("this path stands for all events", place=ROOT, remedy="Rename the gate.")
        for gate in self.gates:
            if len(split_path(gate.path)) > DEEPEST:
                raise UnsupportedGate(f"lies within more than {DEEPEST} gates", place=gate.name)
            for path in gate.needs:
                if path not in known:
                    raise UnsupportedGate(f"refers to the unknown population {path!r}", place=gate.path)
            for dimension in () if isinstance(gate.shape, Boolean) else gate.shape.dimensions:
                if dimension.spillover not in (None, OWN, *self.spillovers):
                    raise UnsupportedGate(f"names the unknown matrix {dimension.spillover!r}", place=gate.path)
        self.in_order()

    def gate(self, path: str) -> Gate:
        """Return the gate of a population.

        Parameters
        ----------
        path : str
            Its path.

        Returns
        -------
        Gate

        Raises
        ------
        UnsupportedGate
            If there is none.
        """
        for gate in self.gates:
            if gate.path == path:
                return gate
        raise UnsupportedGate("no gate was drawn at this path", place=path, remedy="Name a path of the tree.")

    def children(self, path: str | None) -> tuple[Gate, ...]:
        """Return the gates drawn directly within a population.

        Parameters
        ----------
        path : str or None
            Its path; None for all events.

        Returns
        -------
        tuple of Gate
            In the tree's order.
        """
        return tuple(gate for gate in self.gates if gate.parent == path)

    def in_order(self) -> tuple[Gate, ...]:
        """Return the gates so that each follows all it needs.

        Returns
        -------
        tuple of Gate
            Otherwise in the tree's order.

        Raises
        ------
        UnsupportedGate
            If gates wait for each other.
        """
        waiting, done, order = list(self.gates), set[str](), list[Gate]()
        while waiting:
            ready = [gate for gate in waiting if done.issuperset(gate.needs)]
            if not ready:
                circle = ", ".join(gate.path for gate in waiting)
                raise UnsupportedGate(f"these gates wait for each other: {circle}", place=waiting[0].path)
            order += ready
            done.update(gate.path for gate in ready)
            waiting = [gate for gate in waiting if gate.path not in done]
        return tuple(order)


def _require_unique(values: list[str], message: str) -> None:
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise UnsupportedGate(message, place=twice)
