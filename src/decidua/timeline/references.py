"""References: of which measurand, among which women, on which days; ours and the laboratory's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np

from decidua.errors import BrokenStudy, DecidualError
from decidua.knowledge import fact, table
from decidua.knowledge.load import rows as knowledge_rows
from decidua.measurement import IDENTITY_FIELDS, Measurand, Moment, Source
from decidua.measurement.nouns import FloatArray
from decidua.study import Study
from decidua.tables import Row, Table, nearest, read_table
from decidua.timeline.placement import Limits, Women

KINDS = ("lms", "values", "interval")
_CURVE = ("L", "M", "S", "se_L", "se_lnM", "se_lnS")
_LIMITS = ("low", "low_lower", "low_upper", "high", "high_lower", "high_upper")
COLUMNS = (
    *IDENTITY_FIELDS,
    *("reference_id", "kind", "phase", "gestational_day", "phase_day_from", "phase_day_to", *_CURVE, *_LIMITS),
    *("woman", "value", "unit", "n_women", "population", "treatment_free", "source", "licence", "measurand"),
)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """L, M and S at one moment with their standard errors; M in the reference's unit, the rest plain numbers."""

    L: float
    M: float
    S: float
    se_L: float
    se_lnM: float
    se_lnS: float


@dataclass(frozen=True, slots=True)
class Repeat:
    """A value of a named woman in a phase: what usual variation is learnt from."""

    woman: str
    phase: str
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A reference of one measurand.

    Attributes
    ----------
    id, kind : str
        Its name; `lms` (a curve), `interval` (limits of the central 95 %) or `values` (the women themselves).
    measurand : Measurand
        What it is a reference of.
    unit, population, source, licence : str
        Of the reference.
    n_women : int
        Women, not samples.
    days : float array [point]
        Gestational days of the curve, ascending [d]; empty for phases without a day axis.
    curve : float array [point, parameter]
        L, M, S and their standard errors by day.
    by_phase : dict of str to CurvePoint
        Constant curves of phases without a day axis.
    phase_days : dict of str to (int, int)
        Days after the end that such a phase was observed on [d].
    limits : dict of str to Limits
        Limits by phase.
    women : dict of str to Women
        The women's values by phase, the first of each.
    repeats : tuple of Repeat
        Every value whose woman is named.
    """

    id: str
    kind: str
    measurand: Measurand
    unit: str
    population: str
    source: str
    licence: str
    n_women: int
    days: FloatArray
    curve: FloatArray
    by_phase: dict[str, CurvePoint]
    phase_days: dict[str, tuple[int, int]]
    limits: dict[str, Limits]
    women: dict[str, Women]
    repeats: tuple[Repeat, ...] = ()

    def covers(self, moment: Moment) -> str:
        """Tell whether the reference reaches a moment.

        Parameters
        ----------
        moment : Moment
            Of the visit.

        Returns
        -------
        str
            Empty where it does, else ``FIELD: ours, theirs``.
        """
        if self.kind != "lms":
            known = self.women if self.kind == "values" else self.limits
            if moment.phase not in known:
                return f"phase: {moment.phase}, {', '.join(known)}"
            return self._misses_phase_days(moment) if moment.phase in self.phase_days else ""
        if moment.gestational_day is None:
            if moment.phase not in self.by_phase:
                return f"phase: {moment.phase}, {', '.join(self.by_phase) or 'pregnancy'}"
            return self._misses_phase_days(moment)
        if self.days.size and self.days[0] <= moment.gestational_day <= self.days[-1]:
            return ""
        reach = f"{self.days[0]:.0f}-{self.days[-1]:.0f}" if self.days.size else "none"
        return f"gestational_day: {moment.gestational_day}, {reach}"

    def _misses_phase_days(self, moment: Moment) -> str:
        first, last = self.phase_days.get(moment.phase, (0, 10**6))
        inside = moment.phase_day is not None and first <= moment.phase_day <= last
        return "" if inside else f"phase_day: {moment.phase_day}, {first}-{last}"

    def at(self, moment: Moment) -> CurvePoint:
        """Return the curve at a moment it covers, linear between stored days.

        Parameters
        ----------
        moment : Moment
            One that `covers` accepts.

        Returns
        -------
        CurvePoint
            Parameters there.
        """
        if moment.gestational_day is None:
            return self.by_phase[moment.phase]
        return CurvePoint(*(float(np.interp(moment.gestational_day, self.days, column)) for column in self.curve.T))


@cache
def built_in() -> tuple[Reference, ...]:
    """Return the references of `knowledge/references.csv`.

    Returns
    -------
    tuple of Reference
        Curves computed from open cohorts.

    Raises
    ------
    BrokenKnowledge, BrokenStudy
        Where a row breaks its rules.
    """
    groups: dict[str, list[Row]] = defaultdict(list)
    for line, found in enumerate(knowledge_rows("references"), start=2):
        groups[found.key].append(Row(found.cells, line))
    empty = Table("references.csv", "", COLUMNS, ())
    return tuple(_reference(empty, name, rows) for name, rows in groups.items())


def own(text: Table) -> tuple[list[Reference], list[DecidualError]]:
    """Read the laboratory's own references.

    Parameters
    ----------
    text : Table
        `references.csv` of the study.

    Returns
    -------
    tuple of list of Reference and list of DecidualError
        Sound references; each other is named and left out whole.

    Raises
    ------
    BrokenStudy
        For an unknown or missing column.
    """
    text.allow_only(COLUMNS)
    text.require(("quantity", "numerator", "reference_id", "kind", "unit", "n_women", "source"))
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in text:
        groups[row["reference_id"]].append(row)
    found: list[Reference] = []
    refused: list[DecidualError] = []
    for name, rows in groups.items():
        try:
            found.append(_reference(text, name, rows))
        except DecidualError as error:
            refused.append(error.within(text.file, f"reference {name}"))
    return found, refused


def references_of(study: Study) -> tuple[list[Reference], list[DecidualError], list[Source]]:
    """Return every reference a study may place against, the laboratory's own first.

    Parameters
    ----------
    study : Study
        May hold `references.csv`.

    Returns
    -------
    tuple of list of Reference, list of DecidualError and list of Source
        References, what was refused of the laboratory's own, and the file read.
    """
    if not study.references:
        return list(built_in()), [], []
    try:
        text = read_table(study.path(study.references), file=study.references)
        found, broken = own(text)
    except DecidualError as error:
        return list(built_in()), [error.within(study.references)], []
    return [*found, *built_in()], broken, [Source(text.file, text.sha256)]


def _reference(text: Table, name: str, rows: list[Row]) -> Reference:
    first = rows[0]
    kind = first["kind"]
    if kind not in KINDS:
        raise BrokenStudy(f"unknown kind {kind!r}.", place=first.place, remedy=nearest(kind, KINDS))
    n_women = text.whole(first, "n_women")
    if not n_women or not first["source"]:
        lacking = "n_women" if not n_women else "source"
        raise BrokenStudy(f"a reference without {lacking}.", place=first.place, remedy=f"State {lacking}.")
    measurand = _measurand(text, first)
    for row in rows:
        shared = ("kind", "unit", "n_women", "source", *IDENTITY_FIELDS)
        for column in shared:
            if row[column] != first[column]:
                raise BrokenStudy(f"{column} differs within one reference.", place=row.place)
    if fact("units", first["unit"]) is None:
        raise BrokenStudy(
            f"unknown unit {first['unit']!r}.", place=first.place, remedy=nearest(first["unit"], list(table("units")))
        )
    days, curve, by_phase = _curve(text, rows) if kind == "lms" else (np.empty(0), _NO_CURVE, {})
    women, repeats = _women(text, rows, n_women) if kind == "values" else ({}, ())
    return Reference(
        id=name,
        kind=kind,
        measurand=measurand,
        unit=first["unit"],
        population=first["population"],
        source=first["source"],
        licence=first["licence"],
        n_women=n_women,
        days=days,
        curve=curve,
        by_phase=by_phase,
        phase_days={} if kind == "values" else _phase_days(text, rows),
        limits=_limits(text, rows) if kind == "interval" else {},
        women=women,
        repeats=repeats,
    )


_NO_CURVE: FloatArray = np.empty((0, len(_CURVE)))


def _measurand(text: Table, row: Row) -> Measurand:
    stated = {name: row[name] for name in IDENTITY_FIELDS if name != "stimulus_h"}
    stated["sample_age_class"] = stated["sample_age_class"] or "not_stated"
    measurand = Measurand(**stated, stimulus_h=text.number(row, "stimulus_h"))
    if row["measurand"] and row["measurand"] != measurand.id:
        raise BrokenStudy(f"measurand {row['measurand']!r} is not {measurand.id!r}.", place=row.place)
    return measurand


def _curve(text: Table, rows: Iterable[Row]) -> tuple[FloatArray, FloatArray, dict[str, CurvePoint]]:
    points: dict[int, list[float]] = {}
    by_phase: dict[str, CurvePoint] = {}
    for row in rows:
        numbers = [text.number(row, name) for name in _CURVE]
        stated = [n for n in numbers if n is not None]
        if len(stated) != len(_CURVE) or stated[1] <= 0 or stated[2] <= 0 or min(stated[3:]) < 0:
            raise BrokenStudy(
                "a point of the curve lacks L, M, S or a standard error.",
                place=row.place,
                remedy="State all six; M and S above 0.",
            )
        day = text.whole(row, "gestational_day")
        if day is not None:
            points[day] = stated
            continue
        if not row["phase"]:
            raise BrokenStudy("a point has neither a day nor a phase.", place=row.place)
        by_phase[row["phase"]] = CurvePoint(*stated)
    days = sorted(points)
    curve = np.array([points[d] for d in days]) if days else _NO_CURVE
    return np.array(days, dtype=np.float64), curve, by_phase


def _phase_days(text: Table, rows: Iterable[Row]) -> dict[str, tuple[int, int]]:
    found = {}
    for row in rows:
        first, last = text.whole(row, "phase_day_from"), text.whole(row, "phase_day_to")
        if first is not None and last is not None:
            found[row["phase"]] = (first, last)
    return found


def _limits(text: Table, rows: Iterable[Row]) -> dict[str, Limits]:
    found: dict[str, Limits] = {}
    for row in rows:
        phase = row["phase"]
        low, low_lower, low_upper, high, high_lower, high_upper = (text.number(row, name) for name in _LIMITS)
        if not phase or phase in found:
            raise BrokenStudy("the phase of an interval is empty or repeats.", place=row.place)
        if low is None or high is None or not low < high:
            raise BrokenStudy(
                "an interval lacks a limit, or its limits do not ascend.",
                place=row.place,
                remedy="State low and high, low below high.",
            )
        found[phase] = Limits(low, high, low_lower, low_upper, high_lower, high_upper)
    return found


def _women(text: Table, rows: Iterable[Row], n_women: int) -> tuple[dict[str, Women], tuple[Repeat, ...]]:
    values: dict[str, list[tuple[float, int | None]]] = defaultdict(list)
    repeats: list[Repeat] = []
    seen: set[tuple[str, str]] = set()
    for row in rows:
        value, phase, woman = text.number(row, "value"), row["phase"], row["woman"]
        if value is None or not phase:
            raise BrokenStudy("a woman's value or phase is empty.", place=row.place)
        if woman:
            repeats.append(Repeat(woman, phase, value))
            if (phase, woman) in seen:
                continue
            seen.add((phase, woman))
        values[phase].append((value, text.whole(row, "gestational_day")))
    found = {}
    for phase, women in values.items():
        if len(women) > n_women:
            raise BrokenStudy(
                f"{len(women)} values of {n_women} women in one phase.",
                remedy="Name the woman of each value, or give one value a woman and phase: women are counted.",
            )
        days = [d for _, d in women if d is not None]
        reach = (min(days), max(days)) if days else (None, None)
        found[phase] = Women(tuple(sorted(v for v, _ in women)), *reach)
    return found, tuple(repeats)
