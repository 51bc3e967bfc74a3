"""Subject, visit, specimen, quantity, measurement: frozen values, the unit in the name where it is fixed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from decidua.errors import BrokenStudy, OutsideLimits
from decidua.measurement.measurand import Measurand

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Censoring(StrEnum):
    """Whether a value is a number, a limit, or neither."""

    NONE = "none"
    BELOW = "below"
    ABOVE = "above"
    UNDETERMINED = "undetermined"


class Status(StrEnum):
    """Whether a result may be read: `VOID` and `FAILED` carry no number."""

    OK = "ok"
    FLAG = "flag"
    VOID = "void"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """A time without calendar.

    Attributes
    ----------
    day : int
        Whole days from the subject's day zero [d].
    hour : float
        Hours into that day [h]; 0 where only the day is stated.
    timed : bool
        Whether the hour was stated.
    """

    day: int
    hour: float = 0.0
    timed: bool = False

    def hours_since(self, earlier: Instant) -> float:
        """Return the hours between two instants.

        Parameters
        ----------
        earlier : Instant
            Of the same subject.

        Returns
        -------
        float
            Hours [h]; negative where `earlier` is later.
        """
        return (self.day - earlier.day) * 24.0 + self.hour - earlier.hour


@dataclass(frozen=True, slots=True, order=True)
class GestationalAge:
    """Age of a pregnancy in whole days from the last period; prints as ``13w2d``."""

    days: int

    def __post_init__(self) -> None:
        if self.days < 0:
            raise OutsideLimits(f"a gestational age of {self.days} days is negative.", remedy="Correct the dating.")

    def __str__(self) -> str:
        return f"{self.days // 7}w{self.days % 7}d"

    @classmethod
    def parse(cls, text: str) -> GestationalAge:
        """Read ``13w2d``, ``13w`` or ``95d``.

        Parameters
        ----------
        text : str
            As written on the sheet.

        Returns
        -------
        GestationalAge
            In whole days.

        Raises
        ------
        BrokenStudy
            Where the text is none of these.
        """
        found = re.fullmatch(r"(?:(\d{1,2})w)?(?:(\d{1,3})d)?", text.strip())
        if not found or not text.strip() or (found[1] and found[2] and int(found[2]) > 6):
            raise BrokenStudy(f"{text!r} is no gestational age.", remedy="Write it as 13w2d.")
        return cls(int(found[1] or 0) * 7 + int(found[2] or 0))


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """A pseudonym, nothing else."""

    id: str


@dataclass(frozen=True, slots=True, order=True)
class VisitKey:
    """One day of one subject."""

    subject: str
    visit: str

    def __str__(self) -> str:
        return f"{self.subject} {self.visit}"


@dataclass(frozen=True, slots=True)
class Dating:
    """How a pregnancy was dated.

    Attributes
    ----------
    method : str
        Key of `knowledge/datings.csv`.
    at : Instant
        When the age was known.
    age_days : int
        Gestational age then [d].
    """

    method: str
    at: Instant
    age_days: int


@dataclass(frozen=True, slots=True)
class Pregnancy:
    """A pregnancy or conceiving cycle: its datings, fetuses and end."""

    number: int = 1
    datings: tuple[Dating, ...] = ()
    ended: Instant | None = None
    outcome: str = ""
    fetuses: int | None = None


@dataclass(frozen=True, slots=True)
class Dose:
    """A medicine at the draw.

    Attributes
    ----------
    drug : str
        Name as stated.
    dose : str
        Amount with unit as stated.
    last : Instant or None
        Time of the last dose.
    """

    drug: str
    dose: str = ""
    last: Instant | None = None


@dataclass(frozen=True, slots=True)
class Specimen:
    """Material with its times and defects; empty where not stated."""

    id: str = ""
    material: str = ""
    collected: Instant | None = None
    received: Instant | None = None
    set_up: Instant | None = None
    spun: Instant | None = None
    kept: str = ""
    thaws: int | None = None
    defects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """The specimens, dating and treatments of one day.

    Attributes
    ----------
    medicines : tuple of Dose or None
        None where not asked; empty where asked and none taken.
    """

    key: VisitKey
    day: Instant | None = None
    pregnancy: Pregnancy | None = None
    stated_phase: str = ""
    age_years: int | None = None
    infection_or_vaccine_4w: str = ""
    medicines: tuple[Dose, ...] | None = None
    specimens: tuple[Specimen, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a visit stands on the pregnancy timeline.

    Attributes
    ----------
    phase : str
        Key of `knowledge/phases.csv`, exactly one.
    gestational_day : int or None
        [d], None outside a pregnancy or conceiving cycle.
    phase_day : int or None
        Days from delivery or loss [d].
    method : str
        Dating used.
    sd_days : float or None
        Standard deviation of the dating [d].
    """

    phase: str = "unknown"
    gestational_day: int | None = None
    phase_day: int | None = None
    method: str = ""
    sd_days: float | None = None

    @property
    def age(self) -> str:
        """The moment as people write it: ``13w2d``, ``LH+7`` before day 26, days after the end."""
        if self.gestational_day is not None:
            if self.method in ("lh_surge", "hcg_trigger") and 13 <= self.gestational_day < 26:
                return f"LH+{self.gestational_day - 13}"
            return str(GestationalAge(self.gestational_day))
        if self.phase_day is not None:
            weeks, days = divmod(self.phase_day, 7)
            return f"{weeks}w{days}d {'post partum' if self.phase == 'post_partum' else 'after loss'}"
        return "not dated"


@dataclass(frozen=True, slots=True)
class Stimulation:
    """What cells were cultured with: agents, hours and secretion blocker."""

    id: str = "none"
    hours: float | None = None
    blocker: str = "none"
    phorbol: bool = False
    agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Population:
    """A population of the panel.

    Attributes
    ----------
    id : str
        Key of `knowledge/populations.csv`, or the panel's own.
    definition : str
        Marker path such as ``CD3+CD8-``.
    path : str
        Gate path as drawn or counted.
    """

    id: str
    definition: str
    path: str

    def __hash__(self) -> int:
        return hash((self.id, self.path))


@dataclass(frozen=True, slots=True, eq=False)
class BooleanCounts:
    """Joint counts of k markers in a stimulated tube and its control.

    Attributes
    ----------
    markers : tuple of str
        Analyte ids, the first being the highest bit.
    stimulated, control : int array [subset]
        Cells in each of the 2^k subsets; bit 1 = positive.
    """

    markers: tuple[str, ...]
    stimulated: IntArray
    control: IntArray

    def fourfold(self, first: str, second: str) -> tuple[IntArray, IntArray]:
        """Return the counts ++, +-, -+, -- of two markers.

        Parameters
        ----------
        first, second : str
            Analyte ids among the markers.

        Returns
        -------
        tuple of int array [4]
            Stimulated and control.
        """
        a, b = self._bit(first), self._bit(second)
        cell = 2 * (1 - a) + (1 - b)
        return tuple(
            np.bincount(cell, weights=t, minlength=4).astype(np.int64) for t in (self.stimulated, self.control)
        )  # type: ignore[return-value]

    def positive(self, marker: str) -> tuple[int, int]:
        """Return the positives of one marker, whatever the others.

        Parameters
        ----------
        marker : str
            An analyte id among the markers.

        Returns
        -------
        tuple of int
            Stimulated and control.
        """
        on = self._bit(marker).astype(bool)
        return int(self.stimulated[on].sum()), int(self.control[on].sum())

    def _bit(self, marker: str) -> IntArray:
        shift = len(self.markers) - 1 - self.markers.index(marker)
        return (np.arange(self.stimulated.size) >> shift) & 1


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """Uncertainty of a share: the counts behind it, with the control tube where there is one."""

    n_pos: int
    n_parent: int
    n_pos_control: int | None = None
    n_parent_control: int | None = None
    joint: BooleanCounts | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Uncertainty of a positive value: coefficient of variation, as a fraction."""

    cv: float


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Uncertainty as draws of the value, float array [draw]."""

    values: FloatArray


Uncertainty = PairedCounts | LogNormal | Draws


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with its unit, 95 % interval, censoring and the uncertainty behind it.

    Attributes
    ----------
    value : float or None
        In `unit`; the limit itself where censored below or above; None where undetermined or void.
    unit : str
        UCUM code of `knowledge/units.csv`.
    lower, upper : float or None
        95 % interval.
    censored : Censoring
        Never a silent half limit.
    uncertainty : PairedCounts, LogNormal, Draws or None
        What a ratio's interval is computed from.
    shared_error : str
        Key of an error shared with other results: same curve, same control tube.
    """

    value: float | None
    unit: str
    lower: float | None = None
    upper: float | None = None
    censored: Censoring = Censoring.NONE
    uncertainty: Uncertainty | None = None
    shared_error: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """The file a result came from, its hash, and the place in it."""

    file: str
    sha256: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One result of one visit: what, how much, how sure, from where."""

    key: VisitKey
    measurand: Measurand
    quantity: Quantity
    specimen: str = ""
    run: str = ""
    status: Status = Status.OK
    flags: tuple[str, ...] = ()
    method: str = ""
    source: Source = Source("", "")
    stated: Moment | None = None
    p_denominator_absent: float | None = None
