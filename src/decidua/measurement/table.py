"""The results table: `Measurement`s written to and read from one tidy frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from decidua.errors import BrokenStudy, DecidualError
from decidua.knowledge import fact, table
from decidua.measurement.measurand import IDENTITY_FIELDS, QUANTITIES, Measurand
from decidua.measurement.nouns import (
    Censoring,
    LogNormal,
    Measurement,
    Moment,
    Quantity,
    Source,
    Status,
    VisitKey,
    status_of,
)
from decidua.statistics import PairedCounts
from decidua.tables import Row, Table, nearest

SCHEMA: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(("subject", "visit", "specimen", "run", "phase"), pl.String),
    **dict.fromkeys(("gestational_day", "phase_day"), pl.Int64),
    **{name: pl.Float64 if name == "stimulus_h" else pl.String for name in IDENTITY_FIELDS},
    "measurand": pl.String,
    "value": pl.Float64,
    "unit": pl.String,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "censored": pl.String,
    **dict.fromkeys(("n_pos", "n_parent", "n_pos_control", "n_parent_control"), pl.Int64),
    "cv": pl.Float64,
    **dict.fromkeys(("shared_error", "status", "flags", "method", "source_file"), pl.String),
    **dict.fromkeys(("source_sha256", "source_place"), pl.String),
}
REQUIRED = ("subject", "visit", "quantity", "numerator", "value", "unit")


def to_frame(measurements: Iterable[Measurement], moments: Mapping[VisitKey, Moment]) -> pl.DataFrame:
    """Write measurements as a results table.

    Parameters
    ----------
    measurements : iterable of Measurement
        In the order wanted.
    moments : mapping of VisitKey to Moment
        Where each visit stands; a visit not in it is written as unknown.

    Returns
    -------
    polars.DataFrame
        Columns of `SCHEMA`; text not stated is null.
    """
    rows = [_record(m, moments.get(m.key, Moment())) for m in measurements]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _record(m: Measurement, moment: Moment) -> tuple[Any, ...]:
    counts = m.quantity.uncertainty if isinstance(m.quantity.uncertainty, PairedCounts) else None
    cv = m.quantity.uncertainty.cv if isinstance(m.quantity.uncertainty, LogNormal) else None
    identity = (getattr(m.measurand, name) for name in IDENTITY_FIELDS)
    values = (
        *(
            m.key.subject,
            m.key.visit,
            m.specimen,
            m.run,
            moment.phase,
            moment.gestational_day,
            moment.phase_day,
        ),
        *identity,
        *(m.measurand.id, m.quantity.value, m.quantity.unit, m.quantity.lower, m.quantity.upper),
        m.quantity.censored.value,
        *((counts.n_pos, counts.n_parent, counts.n_pos_control, counts.n_parent_control) if counts else (None,) * 4),
        *(cv, m.quantity.shared_error, m.status.value, ";".join(m.flags), m.method),
        *(m.source.file, m.source.sha256, m.source.place),
    )
    return tuple(None if value == "" else value for value in values)


def from_table(text: Table, laboratory: str) -> tuple[list[Measurement], list[DecidualError]]:
    """Read a results table, row by row.

    Parameters
    ----------
    text : Table
        Cells of a file under ``finished/``.
    laboratory : str
        The study's laboratory, taken where a row states none.

    Returns
    -------
    tuple of list of Measurement and list of DecidualError
        What could be read, and a named error for every row that could not.

    Raises
    ------
    BrokenStudy
        For an unknown or missing column.
    """
    text.allow_only(SCHEMA)
    text.require(REQUIRED)
    found: list[Measurement] = []
    broken: list[DecidualError] = []
    for row in text:
        try:
            found.append(_read_row(text, row, laboratory))
        except DecidualError as error:
            broken.append(error.within(text.file, row.place))
    return found, broken


def _read_row(text: Table, row: Row, laboratory: str) -> Measurement:
    for column in REQUIRED:
        if not row[column] and not (column == "value" and _may_lack_value(row)):
            raise BrokenStudy(f"{column} is empty.", place=f"{row.place}, {column}")
    measurand = _identity(text, row, laboratory)
    if row["measurand"] and row["measurand"] != measurand.id:
        raise BrokenStudy(
            f"measurand {row['measurand']!r} is not the identity of its fields, {measurand.id!r}.",
            remedy="Leave measurand empty, or correct the identity columns.",
        )
    quantity = _quantity(text, row)
    flags = tuple(flag for flag in row["flags"].split(";") if flag)
    for flag in flags:
        if fact("flags", flag) is None:
            raise BrokenStudy(f"unknown flag {flag!r}.", remedy=nearest(flag, list(table("flags"))))
    if quantity.censored is Censoring.NONE and quantity.lower is None and quantity.value is not None:
        flags = (*flags, "no_interval") if "no_interval" not in flags else flags
    if quantity.uncertainty is None and quantity.value is not None and "measurement_error_not_stated" not in flags:
        flags = (*flags, "measurement_error_not_stated")
    status = Status(_choice(row, "status", [s.value for s in Status], "ok"))
    if status in (Status.VOID, Status.FAILED) and quantity.value is not None:
        raise BrokenStudy(f"a result that is {status.value} carries a value.", remedy="Leave value empty.")
    return Measurement(
        key=VisitKey(row["subject"], row["visit"]),
        measurand=measurand,
        quantity=quantity,
        specimen=row["specimen"],
        run=row["run"],
        status=status_of(flags) if status is Status.OK else status,
        flags=flags,
        method=row["method"] or "finished result",
        source=Source(
            row["source_file"] or text.file,
            row["source_sha256"] or text.sha256,
            row["source_place"] or row.place,
        ),
        stated=_stated_moment(text, row),
    )


def _may_lack_value(row: Row) -> bool:
    return row["censored"] == "undetermined" or row["status"] in ("void", "failed")


def _identity(text: Table, row: Row, laboratory: str) -> Measurand:
    _choice(row, "quantity", QUANTITIES)
    stated = {name: row[name] for name in IDENTITY_FIELDS if name != "stimulus_h"}
    for column, tables in (("material", "materials"), ("stimulus", "stimuli"), ("blocker", "blockers")):
        if row[column] and fact(tables, row[column]) is None and column != "stimulus":
            raise BrokenStudy(f"unknown {column} {row[column]!r}.", remedy=nearest(row[column], list(table(tables))))
    stated["sample_age_class"] = row["sample_age_class"] or "not_stated"
    stated["laboratory"] = row["laboratory"] or laboratory
    return Measurand(**stated, stimulus_h=text.number(row, "stimulus_h"))


def _quantity(text: Table, row: Row) -> Quantity:
    unit = row["unit"]
    if fact("units", unit) is None:
        raise BrokenStudy(f"unknown unit {unit!r}.", remedy=nearest(unit, list(table("units"))))
    value, lower, upper = (text.number(row, name) for name in ("value", "lower", "upper"))
    censored = Censoring(_choice(row, "censored", [c.value for c in Censoring], "none"))
    if censored is Censoring.UNDETERMINED and value is not None:
        raise BrokenStudy("an undetermined result carries a value.", remedy="Leave value empty.")
    if censored is Censoring.NONE and value is not None:
        inside = (lower is None or lower <= value) and (upper is None or value <= upper)
        if not inside:
            raise BrokenStudy(f"value {value:g} lies outside its own interval.")
    cv = text.number(row, "cv")
    if cv is not None and not 0 < cv < 2:
        raise BrokenStudy(f"cv {cv:g} is no fraction.", remedy="Write 12 % as 0.12.")
    counts = _counts(text, row)
    uncertainty = counts or (LogNormal(cv) if cv is not None else None)
    return Quantity(value, unit, lower, upper, censored, uncertainty, row["shared_error"])


def _counts(text: Table, row: Row) -> PairedCounts | None:
    n_pos, n_parent = text.whole(row, "n_pos"), text.whole(row, "n_parent")
    control = text.whole(row, "n_pos_control"), text.whole(row, "n_parent_control")
    if n_pos is None or n_parent is None:
        return None
    for pos, parent in ((n_pos, n_parent), control):
        if pos is not None and parent is not None and not 0 <= pos <= parent:
            raise BrokenStudy(f"{pos} positive cells of {parent} parent cells.")
    return PairedCounts(n_pos, n_parent, *control)


def _stated_moment(text: Table, row: Row) -> Moment | None:
    if not (row["phase"] or row["gestational_day"] or row["phase_day"]):
        return None
    phases = [key for key, f in table("phases").items() if f["kind"] != "window"]
    moment = Moment(
        _choice(row, "phase", phases, "unknown"),
        text.whole(row, "gestational_day"),
        text.whole(row, "phase_day"),
        "stated",
    )
    for name in ("gestational_day", "phase_day"):
        days = getattr(moment, name)
        if days is not None and days < 0:
            raise BrokenStudy(f"{name} {days} is negative.", remedy="Days before an event have their own phase.")
    return moment


def _choice(row: Row, column: str, known: Iterable[str], default: str = "") -> str:
    text = row[column] or default
    names = list(known)
    if text not in names:
        raise BrokenStudy(f"{column} {text!r} is not known.", remedy=nearest(text, names))
    return text
