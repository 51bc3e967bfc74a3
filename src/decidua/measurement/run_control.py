"""Run controls: a healthy control person measured in every run, held against the laboratory's own history."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from decidua.errors import BrokenKnowledge
from decidua.knowledge import fact
from decidua.measurement.nouns import Measurement, Quantity, Status


class History(Protocol):
    """Earlier runs of one control result, on the log scale."""

    @property
    def mean(self) -> float:
        """Mean of the logs."""

    @property
    def sd(self) -> float:
        """Standard deviation of the logs."""

    @property
    def n(self) -> int:
        """Runs."""


@dataclass(frozen=True, slots=True)
class RunControl:
    """One control result of one run.

    Attributes
    ----------
    run, name : str
        Which run; the result as `study.toml` names it, such as ``TNF+.share T_helper``.
    measurement : Measurement
        Of the control person.
    z : float or None
        Distance from the mean of earlier runs in their standard deviations; None where it has no positive value.
    limit : float
        Distance from which the run fails [SD].
    runs : int
        Earlier runs.
    """

    run: str
    name: str
    measurement: Measurement
    z: float | None
    limit: float
    runs: int

    @property
    def failed(self) -> bool:
        """Whether the run cannot be read."""
        return self.z is None or abs(self.z) > self.limit


def control_name(m: Measurement) -> str:
    """Return how `study.toml` names a control result.

    Parameters
    ----------
    m : Measurement
        Of a control person.

    Returns
    -------
    str
        Numerator, quantity and parent.
    """
    return f"{m.measurand.numerator}.{m.measurand.quantity} {m.measurand.parent}".strip()


def judge_controls(controls: Iterable[Measurement], history: Mapping[str, History]) -> tuple[RunControl, ...]:
    """Hold control results against their history.

    Parameters
    ----------
    controls : iterable of Measurement
        Of control persons.
    history : mapping of str to History
        `[controls]` of `study.toml`; a result it does not name is not judged.

    Returns
    -------
    tuple of RunControl
        In the order given.

    Raises
    ------
    BrokenKnowledge
        Where the limit is missing from `knowledge/constants.csv`.
    """
    row = fact("constants", "run_control_limit")
    limit = row.number("value") if row else None
    if limit is None:
        raise BrokenKnowledge("no constant 'run_control_limit'.", file="constants.csv")
    found = []
    for m in controls:
        name = control_name(m)
        if name not in history or m.measurand.stimulus == "none":
            continue
        earlier, value = history[name], m.quantity.value
        z = (math.log(value) - earlier.mean) / earlier.sd if value is not None and value > 0 else None
        found.append(RunControl(m.run, name, m, z, limit, earlier.n))
    return tuple(found)


def fail_runs(measurements: Iterable[Measurement], controls: Sequence[RunControl]) -> list[Measurement]:
    """Take the number from every result whose run control failed: *test failed*, never low.

    Parameters
    ----------
    measurements : iterable of Measurement
        Of women.
    controls : sequence of RunControl
        Of all runs.

    Returns
    -------
    list of Measurement
        In the order given.
    """
    lost = {(c.run, c.measurement.measurand.stimulus) for c in controls if c.failed}
    return [fail(m, "run_control_failed") if (m.run, m.measurand.stimulus) in lost else m for m in measurements]


def fail(m: Measurement, flag: str) -> Measurement:
    """Take the number from a result whose test failed.

    Parameters
    ----------
    m : Measurement
        Any result.
    flag : str
        Why, a key of `knowledge/flags.csv`.

    Returns
    -------
    Measurement
        Of status `FAILED`, without a value.
    """
    empty = Quantity(None, m.quantity.unit, shared_error=m.quantity.shared_error)
    return replace(m, quantity=empty, status=Status.FAILED, flags=(*m.flags, flag))
