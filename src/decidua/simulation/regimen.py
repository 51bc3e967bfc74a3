"""What is given when: courses of drugs on whole days, checked before anything is integrated.

A regimen comes from code or from a TOML file. Kinetics and effects of each drug are rows of the tables; a drug whose
rows do not suffice is refused by name and reason.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from decidua.errors import BrokenStudy, OutsideLimits
from decidua.knowledge import Fact, constant, fact, table
from decidua.tables import nearest, read_bytes

UNTIL_END = "end"
"""As the last day of a course: until the pregnancy ends."""
_KEYS = ("drug", "dose", "unit", "first", "every", "last", "antibodies", "clearance_in_pregnancy")
_REQUIRED = ("drug", "dose", "unit", "first")


@dataclass(frozen=True, slots=True)
class Antibodies:
    """Antibodies of the woman against a drug: from a day on they multiply its clearance by a factor."""

    day: int
    factor: float


@dataclass(frozen=True, slots=True)
class Course:
    """One drug at one dose, repeated.

    Attributes
    ----------
    drug : str
        Key of the table of drugs.
    dose : float
        Amount in the drug's own unit (mg, or g of immunoglobulin); 0 is no dose.
    first : int
        Gestational day of the first dose [d].
    every : int
        Days between doses [d].
    last : int or None
        No dose after this day [d]; None for a single dose.
    until_end : bool
        Whether dosing stops when the pregnancy ends.
    antibodies : Antibodies or None
        Only for a drug for which their effect was seen.
    clearance_in_pregnancy : float or None
        Clearance in the third trimester against before; the table's value where None.
    """

    drug: str
    dose: float
    first: int
    every: int = 1
    last: int | None = None
    until_end: bool = False
    antibodies: Antibodies | None = None
    clearance_in_pregnancy: float | None = None

    def __post_init__(self) -> None:
        known = _drug(self.drug)
        for name in ("first", "every", "last"):
            day = getattr(self, name)
            if day is not None and type(day) is not int:
                raise OutsideLimits(f"{self.drug}: {name} = {day!r} is no whole day.", remedy="Give whole days.")
        if isinstance(self.dose, bool) or not isinstance(self.dose, int | float) or not self.dose >= 0:
            raise OutsideLimits(f"{self.drug}: a dose of {self.dose!r} cannot be given.", remedy="Give zero or more.")
        largest = known.number("largest_dose")
        if largest is not None and self.dose > largest:
            raise OutsideLimits(
                f"{self.drug}: {self.dose:g} {known['dose_unit']} exceeds the largest dose described, {largest:g}.",
                remedy="Check the unit of the dose.",
            )
        self._check_days()
        self._check_clearance(known)

    def _check_days(self) -> None:
        longest = longest_pregnancy()
        if self.first < 0 or self.first > longest:
            raise OutsideLimits(
                f"{self.drug}: day {self.first} is not in a pregnancy, which ends by day {longest}.",
                remedy="Give a gestational day.",
            )
        if self.every < 1:
            raise OutsideLimits(f"{self.drug}: every {self.every} days is no interval.", remedy="Give 1 or more.")
        if self.last is not None and not self.first <= self.last <= longest:
            raise OutsideLimits(
                f"{self.drug}: the last day, {self.last}, lies before the first or after birth (day {longest}).",
                remedy=f"Write a day from {self.first} to {longest}, or {UNTIL_END!r}.",
            )

    def _check_clearance(self, known: Fact) -> None:
        prefix = known["prefix"]
        if self.antibodies is not None:
            factor = fact("model_constants", f"{prefix}_ab")
            if factor is None:
                raise OutsideLimits(f"{self.drug}: no row says how antibodies change its clearance.")
            _within(self.antibodies.factor, factor, self.drug)
            if type(self.antibodies.day) is not int or self.antibodies.day < 0:
                raise OutsideLimits(f"{self.drug}: antibodies from day {self.antibodies.day!r}.", remedy="A whole day.")
        if self.clearance_in_pregnancy is not None:
            ratio = fact("model_constants", f"{prefix}_preg")
            if ratio is not None:
                _within(self.clearance_in_pregnancy, ratio, self.drug)

    @property
    def prefix(self) -> str:
        """How the drug's names begin in the equations."""
        return _drug(self.drug)["prefix"]

    @property
    def days(self) -> range:
        """Days on which it is given [d]; none for a dose of 0."""
        if self.dose == 0:
            return range(0)
        last = longest_pregnancy() if self.until_end and self.last is None else self.last
        return range(self.first, (self.first if last is None else last) + 1, self.every)


@dataclass(frozen=True, slots=True)
class Regimen:
    """Courses given together.

    Attributes
    ----------
    id : str
        Name on the sheet.
    courses : tuple of Course
        None of a drug may overlap another of the same drug with different antibodies or clearance.
    """

    id: str = "none"
    courses: tuple[Course, ...] = field(default=())

    def __post_init__(self) -> None:
        stated: dict[tuple[str, str], object] = {}
        for course in self.courses:
            for name in ("antibodies", "clearance_in_pregnancy"):
                value = getattr(course, name)
                if value is not None and stated.setdefault((course.drug, name), value) != value:
                    raise OutsideLimits(f"{course.drug}: two courses state different {name}.", remedy="State one.")

    def parameters(self) -> dict[str, float]:
        """Return the parameters that the regimen states.

        Returns
        -------
        dict of str to float
            By name: antibodies and clearance in pregnancy.
        """
        stated: dict[str, float] = {}
        for course in self.courses:
            if course.antibodies is not None:
                stated[f"{course.prefix}_ab_day"] = float(course.antibodies.day)
                stated[f"{course.prefix}_ab"] = course.antibodies.factor
            if course.clearance_in_pregnancy is not None:
                stated[f"{course.prefix}_preg"] = course.clearance_in_pregnancy
        return stated


def longest_pregnancy() -> int:
    """Return the last day on which a pregnancy may be.

    Returns
    -------
    int
        Gestational day [d].
    """
    return int(constant("longest_pregnancy"))


def read_regimen(path: Path) -> Regimen:
    """Read a regimen from a TOML file.

    Parameters
    ----------
    path : Path
        The file: ``regimen = {schema, id}`` and a ``[[course]]`` for each course.

    Returns
    -------
    Regimen
        Checked.

    Raises
    ------
    UnreadableFile
        Where the file is absent or cannot be read.
    BrokenStudy
        For text that is no TOML, an unknown or missing key, or a value of the wrong kind.
    OutsideLimits
        For an unknown or refused drug, a dose or a day outside limits.
    """
    try:
        text = tomllib.loads(read_bytes(path, path.name).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise BrokenStudy(f"this is no TOML: {broken}.", file=path.name) from broken
    _allow(text, ("regimen", "course"), path.name, "the file")
    head = text.get("regimen")
    if not isinstance(head, dict) or head.get("schema") != 1 or not isinstance(head.get("id"), str):
        raise BrokenStudy("regimen must hold schema = 1 and an id.", file=path.name, place="regimen")
    _allow(head, ("schema", "id"), path.name, "regimen")
    courses = text.get("course", [])
    if not isinstance(courses, list) or not all(isinstance(c, dict) for c in courses):
        raise BrokenStudy("course must be a list of tables.", file=path.name, remedy="Write [[course]] for each.")
    found = []
    for number, course in enumerate(courses, 1):
        try:
            found.append(_course(course))
        except (BrokenStudy, OutsideLimits) as broken:
            raise broken.within(path.name, f"course {number}") from broken
    return Regimen(head["id"], tuple(found))


def _course(text: Mapping[str, Any]) -> Course:
    _allow(text, _KEYS, "", "")
    for key in _REQUIRED:
        if key not in text:
            raise BrokenStudy(f"{key} is missing.", remedy=f"A course needs {', '.join(_REQUIRED)}.")
    if not isinstance(text["drug"], str):
        raise BrokenStudy(f"drug = {text['drug']!r} is no name.")
    known = _drug(text["drug"])
    if text["unit"] != known["dose_unit"]:
        raise BrokenStudy(f"unit {text['unit']!r}: doses of {known['label']} are in {known['dose_unit']}.")
    first = _phase_day(text["first"], "from_day")
    last = text.get("last")
    until_end = last == UNTIL_END
    if "every" in text and last is None:
        raise BrokenStudy("every is stated, but not the last day.", remedy=f"Write last = a day, or {UNTIL_END!r}.")
    antibodies = text.get("antibodies")
    if antibodies is not None:
        if not isinstance(antibodies, dict) or set(antibodies) != {"day", "factor"}:
            raise BrokenStudy("antibodies must hold day and factor.")
        antibodies = Antibodies(_typed(antibodies["day"], "antibodies"), antibodies["factor"])
    return Course(
        text["drug"],
        text["dose"],
        first,
        _typed(text.get("every", 1), "every"),
        None if last is None or until_end else _phase_day(last, "to_day"),
        until_end,
        antibodies,
        text.get("clearance_in_pregnancy"),
    )


def _typed(value: Any, name: str) -> int:
    if type(value) is not int:
        raise BrokenStudy(f"{name} = {value!r} is no whole day.", remedy="Doses fall on whole days.")
    return value


def _phase_day(value: Any, column: str) -> int:
    if not isinstance(value, str):
        return _typed(value, "first" if column == "from_day" else "last")
    during = {key: f for key, f in table("phases").items() if f["kind"] in ("phase", "window") and f[column]}
    if value not in during:
        raise BrokenStudy(f"{value!r} is no phase a course can be tied to.", remedy=nearest(value, list(during)))
    return int(during[value][column])


def _drug(name: str) -> Fact:
    known = table("drugs")
    if name not in known:
        raise OutsideLimits(f"there is no drug {name!r}.", remedy=nearest(name, list(known)))
    found = known[name]
    if found["status"] != "modelled":
        raise OutsideLimits(
            f"{found['label']} cannot be simulated: {found['note']}.", remedy="Leave it out; nothing is guessed."
        )
    return found


def _within(value: Any, limits: Fact, drug: str) -> None:
    low, high = limits.number("low"), limits.number("high")
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not known or (low is not None and value < low) or (high is not None and value > high):
        raise OutsideLimits(
            f"{drug}: {limits['label']} = {value!r} lies outside {limits['low']} to {limits['high']}.",
            remedy="Stay within what was seen.",
        )


def _allow(text: Mapping[str, Any], known: Iterable[str], file: str, place: str) -> None:
    names = list(known)
    for key in text:
        if key not in names:
            raise BrokenStudy(f"unknown key {key!r}.", file=file, place=place, remedy=nearest(key, names))
