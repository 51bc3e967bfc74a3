"""What a simulation returns: states over days, and how each pregnancy ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from decidua.errors import OutsideLimits
from decidua.knowledge import table
from decidua.measurement import GestationalAge
from decidua.simulation.forcing import FloatArray
from decidua.simulation.model import core


class Outcome(StrEnum):
    """How a simulated course ended; the value is what a person reads."""

    NOT_CONCEIVED = "no conception: cycle follows cycle"
    ONGOING = "still pregnant on the last day simulated"
    BIRTH_PRETERM = "birth before 37 weeks"
    BIRTH_TERM = "birth from 37 weeks on"
    LOSS = "the pregnancy was lost"
    FAILED = "no number: a state left the range of numbers"


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """Simulated courses.

    Attributes
    ----------
    days : int array [day]
        Days from the last period [d]; values are those before the jumps of the day.
    names : tuple of str
        Outputs.
    values : float array [woman, day, output]
        Folds of the reference woman's rest, or in the unit of the output.
    ends : float array [woman]
        Day the pregnancy ended [d]; NaN where it did not.
    crossings : float array [woman]
        Time at which the delivery hazard reached ln 2 [d]; NaN without birth.
    outcomes : tuple of Outcome
        One a woman.
    regimen : str
        Name of what was given.
    without : tuple of str
        Mechanisms switched off.
    engine : str
        Which engine ran.
    """

    days: NDArray[np.int64]
    names: tuple[str, ...]
    values: NDArray[np.floating]
    ends: FloatArray
    crossings: FloatArray
    outcomes: tuple[Outcome, ...]
    regimen: str
    without: tuple[str, ...]
    engine: str

    def of(self, name: str) -> NDArray[np.floating]:
        """Return one output.

        Parameters
        ----------
        name : str
            One of `names`.

        Returns
        -------
        float array [woman, day]
            Its course.

        Raises
        ------
        OutsideLimits
            For a state the model does not have, or one that was not asked for.
        """
        core().require_output(name)
        if name not in self.names:
            raise _not_asked(name, self.names)
        return self.values[:, :, self.names.index(name)]

    def relative(self, name: str) -> NDArray[np.floating]:
        """Return one output against the same woman's own non-pregnant rest.

        Parameters
        ----------
        name : str
            A cell or cytokine among `names`.

        Returns
        -------
        float array [woman, day]
            1 on day 0.

        Raises
        ------
        OutsideLimits
            For an output that is not there or is no fold of rest.
        """
        course = self.of(name)
        output = core().outputs[name]
        if not output.logarithm and name != "R":
            raise _no_fold(name)
        return course / course[:, :1]

    def sentence(self, woman: int = 0) -> str:
        """Say how one course ended.

        Parameters
        ----------
        woman : int
            Her number in this trajectory.

        Returns
        -------
        str
            One sentence, with the age of the pregnancy where it ended.
        """
        outcome = self.outcomes[woman]
        end = self.ends[woman]
        if outcome in (Outcome.NOT_CONCEIVED, Outcome.ONGOING, Outcome.FAILED) or np.isnan(end):
            return f"Model: {outcome.value}."
        return f"Model: {outcome.value}, at {GestationalAge(int(end))}."


def outcome_of(code: float, end: float, conceives: bool, finite: bool) -> Outcome:
    """Name an outcome.

    Parameters
    ----------
    code : float
        0 no end, 1 birth, 2 loss.
    end : float
        Day of the end [d].
    conceives : bool
        Whether the course is a conceiving one.
    finite : bool
        Whether every state stayed a number.

    Returns
    -------
    Outcome
        Preterm before the first day of term.
    """
    if not finite:
        return Outcome.FAILED
    if not conceives:
        return Outcome.NOT_CONCEIVED
    if code == 2:
        return Outcome.LOSS
    if code == 1:
        term = int(table("phases")["term_labour"]["from_day"])
        return Outcome.BIRTH_TERM if end >= term else Outcome.BIRTH_PRETERM
    return Outcome.ONGOING


def _not_asked(name: str, names: tuple[str, ...]) -> OutsideLimits:
    return OutsideLimits(f"{name!r} was not asked for.", remedy=f"Ask for it in outputs; there are {', '.join(names)}.")


def _no_fold(name: str) -> OutsideLimits:
    return OutsideLimits(f"{name!r} is no fold of rest.", remedy="Take its course as it is.")
