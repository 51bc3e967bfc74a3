"""Subject, visit, specimen, quantity, measurement: frozen values, the unit in the name where it is fixed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from decidua.errors import BrokenStudy, OutsideLimits
from decidua.knowledge import fact
from decidua.measurement.measurand import Measurand
from decidua.statistics import BooleanCounts, PairedCounts

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


def status_of(flags: Iterable[str]) -> Status:
    """Return the gravest status that a set of flags brings.

    Parameters
    ----------
    flags : iterable of str
        Keys of `knowledge/flags.csv`.

    Returns
    -------
    Status
        A note leaves a result `OK`.
    """
    severities = {f["severity"] for flag in flags if (f := fact("flags", flag)) is not None}
    return next((s for s in (Status.FAILED, Status.VOID, Status.FLAG) if s.value in severities), Status.OK)


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
class JointCounts:
    """Joint counts of k markers in a tube and, where there is one, its control.

    Attributes
    ----------
    markers : tuple of str
        Analyte ids, the first being the highest bit.
    stimulated : int array [subset]
        Cells in each of the 2^k subsets; bit 1 = positive.
    control : int array [subset] or None
        The same in the control tube.
    """

    markers: tuple[str, ...]
    stimulated: IntArray
    control: IntArray | None = None

    def fourfold(self, numerator: str, denominator: str) -> tuple[BooleanCounts, BooleanCounts | None]:
        """Part the cells by two of the markers.

        Parameters
        ----------
        numerator, denominator : str
            Analyte ids among the markers.

        Returns
        -------
        tuple of BooleanCounts and BooleanCounts or None
            Of the tube and of its control.
        """
        cell = 2 * (1 - self._bit(numerator)) + (1 - self._bit(denominator))

        def part(tube: IntArray) -> BooleanCounts:
            return BooleanCounts(*(int(tube[cell == k].sum()) for k in range(4)))

        return part(self.stimulated), None if self.control is None else part(self.control)

    def positive(self, marker: str) -> PairedCounts:
        """Count the positives of one marker, whatever the others.

        Parameters
        ----------
        marker : str
            An analyte id among the markers.

        Returns
        -------
        PairedCounts
            Of the tube and of its control.
        """
        on = self._bit(marker).astype(bool)
        control = (None, None) if self.control is None else (int(self.control[on].sum()), int(self.control.sum()))
        return PairedCounts(int(self.stimulated[on].sum()), int(self.stimulated.sum()), *control)

    def _bit(self, marker: str) -> IntArray:
        shift = len(self.markers) - 1 - self.markers.index(marker)
        return (np.arange(self.stimulated.size) >> shift) & 1


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
    joint : JointCounts or None
        Joint counts of the same cells, from which a ratio's interval is exact.
    """

    value: float | None
    unit: str
    lower: float | None = None
    upper: float | None = None
    censored: Censoring = Censoring.NONE
    uncertainty: Uncertainty | None = None
    shared_error: str = ""
    joint: JointCounts | None = field(default=None, compare=False, repr=False)


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
