"""A panel: its channels, populations, positive gates, rules and stimuli."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from decidua.errors import BrokenStudy
from decidua.knowledge import fact, table
from decidua.measurement import Population, Stimulation
from decidua.study.settings import Id, Strict, read_toml
from decidua.tables import nearest


class PanelBlock(Strict):
    """`panel = {...}`."""

    id: Id
    title: str = ""


class PopulationBlock(Strict):
    """A population's definition and its path as drawn or counted."""

    is_: str = Field(alias="is")
    path: str


class PositiveBlock(Strict):
    """A positive gate under one or more parents."""

    gate: str
    parents: list[str]


class MinimumBlock(Strict):
    """Fewest events, and viability limits in percent."""

    parent: int = 5000
    nk_parent: int = 1000
    net_positives: int = 20
    viability_flag_pct: float = 70.0
    viability_void_pct: float = 50.0


class RulesBlock(Strict):
    """Background and threshold rules, and the minimum numbers of events."""

    background: Literal["subtracted", "not_subtracted", "not_stated"] = "subtracted"
    threshold: Annotated[str, StringConstraints(pattern=r"^(drawn|control_quantile:0?\.\d+|tail|fmo|not_stated)$")] = (
        "drawn"
    )
    minimum: MinimumBlock = MinimumBlock()


class AgentBlock(Strict):
    """One agent of a stimulus."""

    name: str
    value: float
    unit: str


class StimulusBlock(Strict):
    """A stimulus: its agents, and whether it is a phorbol."""

    phorbol: bool = False
    agents: list[AgentBlock] = []


class Panel(Strict):
    """A panel file."""

    panel: PanelBlock
    channels: dict[str, str] = {}
    populations: dict[str, PopulationBlock] = {}
    positives: dict[str, PositiveBlock] = {}
    rules: RulesBlock = RulesBlock()
    stimuli: dict[str, StimulusBlock] = {}

    def population_at(self, path: str) -> Population | None:
        """Return the population counted at a path.

        Parameters
        ----------
        path : str
            Gate path without leading slash.

        Returns
        -------
        Population or None
            None where the panel names no population there.
        """
        wanted = path.strip("/")
        for name, block in self.populations.items():
            if block.path.strip("/") == wanted:
                return Population(identity_of(name, block.is_), block.is_, wanted)
        return None

    def population(self, name: str) -> Population:
        """Return one of the panel's populations.

        Parameters
        ----------
        name : str
            A key of ``[populations]``.

        Returns
        -------
        Population
            With the id that enters identities.
        """
        block = self.populations[name]
        return Population(identity_of(name, block.is_), block.is_, block.path.strip("/"))

    def stimulation(self, stimulus: str, hours: float | None, blocker: str) -> Stimulation:
        """Return a stimulation as the panel describes it.

        Parameters
        ----------
        stimulus : str
            ``none`` or a key of ``[stimuli]``.
        hours : float or None
            Duration [h].
        blocker : str
            Key of `knowledge/blockers.csv`.

        Returns
        -------
        Stimulation
            With its agents in words.
        """
        block = self.stimuli.get(stimulus, StimulusBlock())
        agents = tuple(f"{a.name} {a.value:g} {a.unit.replace('u', 'µ', 1)}" for a in block.agents)
        return Stimulation(stimulus, hours, blocker, block.phorbol, agents)


def identity_of(name: str, definition: str) -> str:
    """Return the population id that enters an identity.

    Parameters
    ----------
    name : str
        The panel's id.
    definition : str
        Its marker definition.

    Returns
    -------
    str
        The id alone where the definition is the standard one of `knowledge/populations.csv`; otherwise the
        id with its definition, so that two panels that mean different cells never share an identity.
    """
    known = fact("populations", name)
    return name if known and known["definition"] == definition else f"{name}[{definition}]"


def read_panel(path: Path, file: str) -> Panel:
    """Read and check a panel file.

    Parameters
    ----------
    path : Path
        Where it lies.
    file : str
        How the user names it.

    Returns
    -------
    Panel
        The checked panel.

    Raises
    ------
    UnreadableFile
        Where it is absent.
    BrokenStudy
        Where it breaks the format, names an unknown analyte or parent, or breaks the rule for phorbols.
    """
    panel = read_toml(path, file, Panel)
    for analyte, positive in panel.positives.items():
        if fact("analytes", analyte) is None:
            raise BrokenStudy(
                f"unknown analyte {analyte!r}.",
                file=file,
                place=f"positives.{analyte}",
                remedy=nearest(analyte, list(table("analytes"))),
            )
        for parent in positive.parents:
            if parent not in panel.populations:
                raise BrokenStudy(
                    f"unknown parent {parent!r}.",
                    file=file,
                    place=f"positives.{analyte}.parents",
                    remedy=nearest(parent, list(panel.populations)),
                )
    _check_phorbol(panel, file)
    return panel


def _check_phorbol(panel: Panel, file: str) -> None:
    if not any(stimulus.phorbol for stimulus in panel.stimuli.values()):
        return
    helper = panel.populations.get("T_helper")
    if helper and helper.is_ != "CD3+CD8-":
        raise BrokenStudy(
            f"T_helper is {helper.is_} in a panel with a phorbol, which takes CD4 off the surface.",
            file=file,
            place="populations.T_helper",
            remedy="Define it as CD3+CD8-.",
        )
    parents = {p for positive in panel.positives.values() for p in positive.parents}
    for name in parents:
        block = panel.populations[name]
        if name.startswith("NK") and "CD16" in block.is_ + block.path:
            raise BrokenStudy(
                f"{name} is defined by CD16 in a panel with a phorbol: activated NK cells shed CD16.",
                file=file,
                place=f"populations.{name}",
                remedy="Define NK cells of a stimulated tube as CD3-CD56+.",
            )
