"""What the pipeline found, gathered for the documents: plain nouns, no drawing."""

from __future__ import annotations

from dataclasses import dataclass

from decidua.balance import Profile
from decidua.cytometry.tubes import GatedTube
from decidua.cytotoxicity.series import KillingSeries
from decidua.errors import DecidualError
from decidua.immunoassay.results import AssayedPlate
from decidua.measurement import Measurement, Moment, Source, Visit
from decidua.tables import Note
from decidua.timeline.placement import Placement


@dataclass(frozen=True, slots=True)
class VisitFindings:
    """Everything found at one visit.

    Attributes
    ----------
    visit : Visit
        Specimens, dating, medicines.
    moment : Moment
        Where it stands on the timeline.
    measurements : tuple of Measurement
        Every result, ratios among them.
    profile : Profile
        The results by axis.
    placements : tuple of Placement
        One for each measurement that carries a number or a limit.
    gated : tuple of GatedTube
        Its tubes with their gates.
    killing : tuple of KillingSeries
        Its killing assays.
    """

    visit: Visit
    moment: Moment
    measurements: tuple[Measurement, ...]
    profile: Profile
    placements: tuple[Placement, ...]
    gated: tuple[GatedTube, ...] = ()
    killing: tuple[KillingSeries, ...] = ()


@dataclass(frozen=True, slots=True)
class StudyFindings:
    """Everything found in a study.

    Attributes
    ----------
    id, laboratory : str
        Of the study.
    visits : tuple of VisitFindings
        By subject and day.
    refused : tuple of DecidualError
        What could not be read, each with file, place and remedy.
    notes : tuple of Note
        What was read with a tolerance, or looks odd.
    inputs : tuple of Source
        Files read, with their hashes.
    plates : tuple of AssayedPlate
        Plates with their curves.
    """

    id: str
    laboratory: str
    visits: tuple[VisitFindings, ...]
    refused: tuple[DecidualError, ...]
    notes: tuple[Note, ...]
    inputs: tuple[Source, ...]
    plates: tuple[AssayedPlate, ...] = ()

    def earlier(self, findings: VisitFindings) -> tuple[VisitFindings, ...]:
        """Return the same woman's earlier visits.

        Parameters
        ----------
        findings : VisitFindings
            One of this study's visits.

        Returns
        -------
        tuple of VisitFindings
            By day; visits without a day are left out.
        """
        mine = [v for v in self.visits if v.visit.key.subject == findings.visit.key.subject and v.visit.day is not None]
        now = findings.visit.day
        return tuple(v for v in mine if now is not None and v.visit.day is not None and v.visit.day < now)
