"""FCS tubes of a study: each counted by the gates of its own workspace sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from decidua.cytometry.acquisition import Acquisition, Defect
from decidua.cytometry.counts import Subsets, TubeCounts
from decidua.cytometry.engine import Counts, count
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.flowjo import Workspace, WorkspaceSample, read_workspace
from decidua.cytometry.pictures import GatePicture, picture
from decidua.cytometry.responders import Tube
from decidua.errors import Ambiguous, BrokenStudy, NotComparable, UnsupportedGate
from decidua.measurement import Source, VisitKey
from decidua.study import Panel, SampleRow, Study
from decidua.tables import Note

SUFFIXES = (".fcs", ".lmd")


@dataclass(frozen=True, slots=True, eq=False)
class GatedTube:
    """A tube with its gates.

    Attributes
    ----------
    key : VisitKey
        The visit.
    file : str
        The tube.
    workspace : str
        Where its gates came from.
    counts : Counts
        Of every population.
    stored : mapping of str to int or None
        What the program that drew the gates had counted, by path.
    pictures : tuple of GatePicture
        Gates that a plane can show.
    """

    key: VisitKey
    file: str
    workspace: str
    counts: Counts = field(repr=False)
    stored: Mapping[str, int | None] = field(repr=False)
    pictures: tuple[GatePicture, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CountedTube:
    """What one FCS row of a sheet gives: counts for the responders, and what the report shows of its gates."""

    tube: Tube
    gated: GatedTube
    notes: tuple[Note, ...]
    inputs: tuple[Source, ...]


class Workspaces:
    """Reads each workspace of a study once.

    Parameters
    ----------
    study : Study
        Where paths are resolved.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._read: dict[str, Workspace] = {}

    def read(self, file: str) -> Workspace:
        """Read a workspace, leaving out populations that cannot be evaluated.

        Parameters
        ----------
        file : str
            Path in the study.

        Returns
        -------
        Workspace
            As `flowjo.read_workspace` gives it.

        Raises
        ------
        NotAWorkspace, UnreadableFile, BrokenStudy
            Where it cannot be read.
        """
        if file not in self._read:
            self._read[file] = read_workspace(self._study.path(file), on_defect="record", name=file)
        return self._read[file]


def is_tube(file: str) -> bool:
    """Tell whether a file is an FCS tube by its name.

    Parameters
    ----------
    file : str
        Path in the study.

    Returns
    -------
    bool
        True for ``.fcs`` and ``.lmd``.
    """
    return Path(file).suffix.lower() in SUFFIXES


def one_subject(rows: Sequence[SampleRow]) -> Sequence[SampleRow]:
    """Refuse one tube on two visits.

    Parameters
    ----------
    rows : sequence of SampleRow
        Rows of the sheet that name one file.

    Returns
    -------
    sequence of SampleRow
        The same rows.

    Raises
    ------
    Ambiguous
        Where one data set of the file is given to two visits, or twice to one.
    """
    seen: dict[str, SampleRow] = {}
    for row in rows:
        first = seen.setdefault(row.sample, row)
        if first is not row:
            raise Ambiguous(
                f"one tube is given to {first.key} and to {row.key}.",
                file="samples.csv",
                place=f"{first.place} and {row.place}",
                remedy="Give it to one visit, once.",
            )
    return rows


def read_tube(study: Study, row: SampleRow, workspaces: Workspaces) -> CountedTube:
    """Count one FCS row of the sheet by its workspace.

    Parameters
    ----------
    study : Study
        Panels and paths.
    row : SampleRow
        Names the tube, its panel and its workspace.
    workspaces : Workspaces
        Of this study.

    Returns
    -------
    CountedTube
        Counts by path, joint counts of the positive gates by parent, pictures, notes.

    Raises
    ------
    BrokenStudy
        Where panel or workspace are not stated, a channel of the panel or a population of it is missing.
    NotFCS, BrokenFCS, UnsupportedFCS, Ambiguous, OutsideLimits
        Where the tube cannot be read.
    NotAWorkspace, NotComparable, UnsupportedGate
        Where the gates cannot be used on this tube.
    """
    panel = _panel(study, row)
    if not row.workspace:
        raise BrokenStudy(
            "an FCS tube needs its gates.",
            place=f"{row.place}, workspace",
            remedy="Name the workspace they were drawn in.",
        )
    acquisition = read_fcs(study.path(row.file), data_set=_data_set(row), name=row.file)
    _check_channels(panel, acquisition, row)
    workspace = workspaces.read(row.workspace)
    sample = workspace.sample_of(acquisition)
    _check_populations(panel, workspace, sample, row)
    counted = count(acquisition, sample.tree)
    counts = {p.path if p.parent is not None else "": p.count for p in counted.populations}
    pictures = (
        picture(acquisition, sample.tree, g, counted, sample.stored_counts.get(g.path)) for g in sample.tree.gates
    )
    gated = GatedTube(
        key=row.key,
        file=row.file,
        workspace=row.workspace,
        counts=counted,
        stored=sample.stored_counts,
        pictures=tuple(p for p in pictures if p is not None),
    )
    source = Source(row.file, acquisition.sha256, f"data set {acquisition.data_set}")
    return CountedTube(
        tube=Tube(row, TubeCounts(row.file, row.place, counts, _subsets(panel, sample, counted)), source),
        gated=gated,
        notes=_notes(row, acquisition, workspace, sample, counted),
        inputs=(Source(row.file, acquisition.sha256), Source(row.workspace, workspace.sha256)),
    )


def _panel(study: Study, row: SampleRow) -> Panel:
    if not row.panel:
        raise BrokenStudy("an FCS tube needs its panel.", place=f"{row.place}, panel", remedy="State the panel.")
    return study.panels[row.panel]


def _data_set(row: SampleRow) -> int | None:
    if not row.sample:
        return None
    if not row.sample.isdigit():
        raise BrokenStudy(
            f"{row.sample!r} is no number of a data set.",
            place=f"{row.place}, sample",
            remedy="Give 1, 2, …, or nothing.",
        )
    return int(row.sample)


def _check_channels(panel: Panel, acquisition: Acquisition, row: SampleRow) -> None:
    known = {c.name for c in acquisition.channels} | {c.marker for c in acquisition.channels if c.marker}
    for marker, channel in panel.channels.items():
        if channel not in known:
            raise BrokenStudy(
                f"the tube has no channel {channel!r}, which panel {panel.panel.id} gives {marker}.",
                file=row.file,
                place=f"channels.{marker}",
                remedy=f"Channels of the tube: {', '.join(c.name for c in acquisition.channels)}.",
            )


def _check_populations(panel: Panel, workspace: Workspace, sample: WorkspaceSample, row: SampleRow) -> None:
    paths = {gate.path for gate in sample.tree.gates}
    left_out = {left.population: left.message for left in workspace.unsupported if left.sample == sample.name}
    wanted = {block.path.strip("/"): name for name, block in panel.populations.items()}
    for analyte, positive in panel.positives.items():
        for parent in positive.parents:
            wanted[f"{panel.populations[parent].path.strip('/')}/{positive.gate}"] = analyte
    for path, name in wanted.items():
        if path in left_out:
            raise UnsupportedGate(left_out[path], file=row.workspace, place=path)
        if path not in paths:
            raise NotComparable(
                f"the gates of {row.file} have no population {path!r}, which panel {panel.panel.id} calls {name}.",
                file=row.workspace,
                place=path,
                remedy="Draw this gate, or correct its path in the panel.",
            )


def _subsets(panel: Panel, sample: WorkspaceSample, counted: Counts) -> tuple[Subsets, ...]:
    by_parent: dict[str, list[str]] = {}
    for analyte, positive in panel.positives.items():
        for parent in positive.parents:
            by_parent.setdefault(parent, []).append(analyte)
    found = []
    for parent, analytes in by_parent.items():
        path = panel.populations[parent].path.strip("/")
        within = counted.mask(path)
        cells = np.zeros(int(within.sum()), np.int64)
        for analyte in analytes:
            cells = 2 * cells + counted.mask(f"{path}/{panel.positives[analyte].gate}")[within]
        joint = np.bincount(cells, minlength=2 ** len(analytes)).astype(np.int64)
        found.append(Subsets(path, tuple(analytes), joint))
    return tuple(found)


def _notes(
    row: SampleRow, acquisition: Acquisition, workspace: Workspace, sample: WorkspaceSample, counted: Counts
) -> tuple[Note, ...]:
    def note(defect: Defect) -> Note:
        return Note("fcs_defect", row.file, defect.place, defect.message)

    notes = [note(defect) for defect in acquisition.defects]
    if counted.not_finite:
        notes.append(
            Note(
                "not_finite", row.file, "DATA", f"{counted.not_finite} events hold no finite number and lie in no gate"
            )
        )
    notes += [
        Note("gate_left_out", row.workspace, left.population, left.message)
        for left in workspace.unsupported
        if left.sample == sample.name
    ]
    return tuple(notes)
