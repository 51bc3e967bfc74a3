"""One door to gating: an acquisition and a tree in, the count and events of every population out.

Only the channels the gates look at are read; each is compensated and scaled once, in blocks of
events, so memory does not grow with the product of events and gates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from decidua.cytometry.acquisition import Acquisition, Channel, amplified
from decidua.cytometry.fcs_events import Floats
from decidua.cytometry.gates import BoolArray, Boolean, Dimension
from decidua.cytometry.scales import FloatArray
from decidua.cytometry.spillover import OWN, SpilloverMatrix, compensate
from decidua.cytometry.tree import ROOT, Gate, GatingTree
from decidua.errors import Ambiguous, DecidualError, UnsupportedGate

PackedBits = NDArray[np.uint8]

EVENTS_PER_BLOCK = 1 << 16  # a multiple of 8; a dozen columns of it stay within a few megabytes


@dataclass(frozen=True, slots=True)
class PopulationCount:
    """How many events of one tube lie in one population.

    Parameters
    ----------
    path : str
        Its path; "root" for all events.
    gate_id : str
        The Gating-ML id of its gate, else the path.
    parent : str or None
        Path of the parent; None for the root.
    count : int
        Events in it.
    parent_count : int or None
        Events in its parent; None for the root.
    """

    path: str
    gate_id: str
    parent: str | None
    count: int
    parent_count: int | None

    @property
    def share(self) -> float | None:
        """Count over parent count; None for the root and within an empty parent."""
        return self.count / self.parent_count if self.parent_count else None


@dataclass(frozen=True, slots=True)
class Counts:
    """All populations of one tube.

    Parameters
    ----------
    populations : tuple of PopulationCount
        The root first, then in the tree's order.
    events : int
        Events of the tube.
    not_finite : int
        Events with a value that is no finite number in a column the gates look at; they are in the
        root and in no other population.
    packed : mapping of str to ndarray of uint8
        Membership by path, a bit an event; `mask` unpacks it.
    """

    populations: tuple[PopulationCount, ...]
    events: int
    not_finite: int
    packed: Mapping[str, PackedBits] = field(repr=False, compare=False)

    def of(self, path: str) -> PopulationCount:
        """Return one population.

        Parameters
        ----------
        path : str
            Its path, or "root".

        Returns
        -------
        PopulationCount

        Raises
        ------
        UnsupportedGate
            If the tree has no such population.
        """
        for population in self.populations:
            if population.path == path:
                return population
        raise UnsupportedGate("no gate was drawn at this path", place=path, remedy="Name a path of the tree.")

    def mask(self, path: str) -> BoolArray:
        """Say which events lie in a population.

        Parameters
        ----------
        path : str
            Its path, or "root".

        Returns
        -------
        ndarray of bool
            [event]

        Raises
        ------
        UnsupportedGate
            If the tree has no such population.
        """
        if self.of(path).parent_count is None:
            return np.ones(self.events, bool)
        return np.unpackbits(self.packed[path], count=self.events).astype(bool)


def count(acquisition: Acquisition, tree: GatingTree) -> Counts:
    """Count the events of every population of a tree.

    Parameters
    ----------
    acquisition : Acquisition
        The tube.
    tree : GatingTree
        The gates.

    Returns
    -------
    Counts

    Raises
    ------
    UnsupportedGate
        If the tube lacks a channel that a gate or a matrix names.
    Ambiguous
        If two channels of the tube have the name that a gate uses.
    DidNotConverge, UnreadableFile
        If the file's own matrix is singular or no matrix.
    """
    order = tree.in_order()
    try:
        source = columns_of(acquisition, tree)
    except DecidualError as error:
        raise error.within(file=acquisition.file) from None
    blocks: dict[str, list[PackedBits]] = {gate.path: [] for gate in order}
    not_finite = 0
    for start in range(0, acquisition.count, EVENTS_PER_BLOCK):
        columns, usable = source.block(start, min(start + EVENTS_PER_BLOCK, acquisition.count))
        not_finite += int(usable.size - usable.sum())
        populations: dict[str, BoolArray] = {}
        for gate in order:
            populations[gate.path] = _population(gate, columns, populations, usable)
            blocks[gate.path].append(np.packbits(populations[gate.path]))
    bits = {path: np.concatenate(parts) if parts else np.empty(0, np.uint8) for path, parts in blocks.items()}
    return Counts(_rows(tree, bits, acquisition.count), acquisition.count, not_finite, bits)


@dataclass(frozen=True, slots=True)
class Columns:
    """The stored columns a tree needs, and how they become the columns its gates look at."""

    stored: dict[str, Floats]
    channels: dict[str, Channel]
    timestep: float | None
    matrices: dict[str, SpilloverMatrix]
    origins: dict[Dimension, Dimension]  # the column in data units behind each column wanted

    def block(self, start: int, stop: int) -> tuple[dict[Dimension, FloatArray], BoolArray]:
        """Return the columns of some events.

        Parameters
        ----------
        start, stop : int
            First event and the one after the last.

        Returns
        -------
        tuple of dict of Dimension to ndarray and ndarray of bool
            Values [event]; which events have only finite values: the others read 0.
        """
        measured = {
            name: amplified(column[start:stop], self.channels[name], self.timestep).astype(np.float64)
            for name, column in self.stored.items()
        }
        usable = np.ones(stop - start, bool)
        for values in measured.values():
            usable &= np.isfinite(values)
        if not usable.all():
            for values in measured.values():
                values[~usable] = 0.0
        unscaled = {Dimension(name): values for name, values in measured.items()}
        for key, matrix in self.matrices.items():
            wanted = sorted({origin.channel for origin in self.origins.values() if origin.spillover == key})
            for name, values in compensate(measured, matrix, wanted).items():
                unscaled[Dimension(name, key)] = values
        return {wanted: wanted.scaled(unscaled[origin]) for wanted, origin in self.origins.items()}, usable


def columns_of(acquisition: Acquisition, tree: GatingTree) -> Columns:
    """Find the stored columns that a tree's gates look at.

    Parameters
    ----------
    acquisition : Acquisition
        The tube.
    tree : GatingTree
        The gates.

    Returns
    -------
    Columns
        Read block by block.

    Raises
    ------
    UnsupportedGate
        If the tube lacks a channel that a gate or a matrix names.
    Ambiguous
        If two channels of the tube have the name that a gate uses.
    """
    dimensions = {column: gate.path for gate in tree.gates for column in _columns(gate)}
    matrices = dict(tree.spillovers)
    own = acquisition.spillover
    if own is not None and any(dimension.spillover == OWN for dimension in dimensions):
        matrices[OWN] = SpilloverMatrix(own.channels, own.channels, own.matrix)
    needed: dict[str, str] = {}
    used: dict[str, SpilloverMatrix] = {}
    origins: dict[Dimension, Dimension] = {}
    for dimension, path in dimensions.items():
        key = dimension.spillover
        # A tube without a matrix of its own, or a channel the matrix does not name, is taken as measured.
        if key is None or key not in matrices or dimension.channel not in matrices[key].fluorochromes:
            origins[dimension] = Dimension(dimension.channel)
            needed.setdefault(dimension.channel, path)
        else:
            origins[dimension] = dimension.unscaled
            used[key] = matrices[key]
            needed.update((name, path) for name in matrices[key].detectors if name not in needed)
    channels = {name: _channel(acquisition, name, path) for name, path in needed.items()}
    stored = {name: acquisition.column(channel.index) for name, channel in channels.items()}
    return Columns(stored, channels, acquisition.timestep, used, origins)


def _columns(gate: Gate) -> tuple[Dimension, ...]:
    return () if isinstance(gate.shape, Boolean) else gate.shape.columns


def _channel(acquisition: Acquisition, name: str, path: str) -> Channel:
    found = [channel for channel in acquisition.channels if channel.name == name]
    if not found:
        raise UnsupportedGate(
            f"looks at {name!r}, a channel this tube lacks",
            place=path,
            remedy="Give the tube the gates were drawn on, or the gates drawn on this tube.",
        )
    if len(found) > 1:
        raise Ambiguous(f"{len(found)} channels of this tube are named {name!r}", place=path)
    return found[0]


def _population(
    gate: Gate, columns: dict[Dimension, FloatArray], populations: dict[str, BoolArray], usable: BoolArray
) -> BoolArray:
    within = usable if gate.parent is None else populations[gate.parent]
    if isinstance(gate.shape, Boolean):
        chosen = gate.shape.combine(populations)
    else:
        chosen = gate.shape.contains([columns[dimension] for dimension in gate.shape.columns])
    return within & ~chosen if gate.complement else within & chosen


def _rows(tree: GatingTree, bits: dict[str, PackedBits], events: int) -> tuple[PopulationCount, ...]:
    counts = {path: int(np.bitwise_count(packed).sum()) for path, packed in bits.items()}
    rows = [PopulationCount(ROOT, ROOT, None, events, None)]
    for gate in tree.gates:
        parent, above = (ROOT, events) if gate.parent is None else (gate.parent, counts[gate.parent])
        rows.append(PopulationCount(gate.path, gate.identity, parent, counts[gate.path], above))
    return tuple(rows)
