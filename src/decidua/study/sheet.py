"""The sample sheet and the worklist: a row a tube, a plate sample or a row of a count table."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from decidua.errors import Ambiguous, BrokenStudy, DecidualError, Refused
from decidua.knowledge import fact, table
from decidua.measurement import Dating, Dose, GestationalAge, VisitKey
from decidua.study.times import Clock
from decidua.tables import Row, Table, nearest

SPECIMEN_COLUMNS = ("material", "collected", "received", "set_up", "spun", "kept", "thaws", "rejects")
PREGNANCY_COLUMNS = ("dating", "dating_at", "dating_ga", "ended", "outcome", "fetuses")
VISIT_COLUMNS = ("pregnancy", "phase", "age_years", "infection_or_vaccine_4w", "medicines")
COLUMNS = (
    *("file", "sample", "subject", "visit", "role", "panel", "run", "workspace", "stimulus", "stimulus_h", "blocker"),
    *("specimen", *SPECIMEN_COLUMNS, *PREGNANCY_COLUMNS, *VISIT_COLUMNS),
)
WORKLIST_COLUMNS = ("specimen", "tests", "subject", "visit", *SPECIMEN_COLUMNS, *PREGNANCY_COLUMNS, *VISIT_COLUMNS)
ROLES = ("sample", "healthy_control", "fmo", "isotype")
OUTCOMES = ("birth_term", "birth_preterm", "loss", "termination")
KEPT = ("room", "cold", "frozen")
DEFECTS = ("haemolysis", "lipaemia", "icterus", "clotted", "heat_treated")
STATED_PHASES = ("preterm_labour", "term_labour", "luteal", "follicular")
_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_TIME_COLUMNS = ("collected", "received", "set_up", "spun", "dating_at", "ended")


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One row of the sheet: which tube, well or count row belongs to which visit, stained and cultured how."""

    place: str
    file: str
    key: VisitKey
    sample: str = ""
    role: str = "sample"
    panel: str = ""
    run: str = ""
    workspace: str = ""
    stimulus: str = "none"
    stimulus_h: float | None = None
    blocker: str = "none"
    specimen: str = ""

    @property
    def pairing(self) -> tuple[object, ...]:
        """What a stimulated tube and its control must share."""
        return (self.key, self.role, self.panel, self.run, self.stimulus_h, self.blocker)


def read_rows(text: Table) -> tuple[list[tuple[SampleRow, Row]], list[DecidualError]]:
    """Read the rows of `samples.csv`.

    Parameters
    ----------
    text : Table
        The sheet.

    Returns
    -------
    tuple of list of (SampleRow, Row) and list of DecidualError
        Sound rows, and a named error for each other.

    Raises
    ------
    BrokenStudy
        For an unknown or missing column.
    """
    text.allow_only(COLUMNS)
    text.require(("file", "subject", "visit"))
    sound: list[tuple[SampleRow, Row]] = []
    broken: list[DecidualError] = []
    for row in text:
        try:
            sound.append((_sample_row(text, row), row))
        except DecidualError as error:
            broken.append(error.within(text.file, row.place))
    return sound, broken


def _sample_row(text: Table, row: Row) -> SampleRow:
    key = visit_key(row)
    if not row["file"]:
        raise BrokenStudy("file is empty.", place=f"{row.place}, file")
    stimulus = row["stimulus"] or "none"
    blocker = coded(row, "blocker", list(table("blockers")), "none")
    hours = text.number(row, "stimulus_h")
    if hours is not None and hours <= 0:
        raise BrokenStudy("stimulus_h must be above 0.", place=f"{row.place}, stimulus_h")
    return SampleRow(
        place=row.place,
        file=row["file"],
        key=key,
        sample=row["sample"],
        role=coded(row, "role", ROLES, "sample"),
        panel=row["panel"],
        run=_checked_id(row, "run"),
        workspace=row["workspace"],
        stimulus=stimulus,
        stimulus_h=hours,
        blocker=blocker,
        specimen=_checked_id(row, "specimen"),
    )


def visit_key(row: Row) -> VisitKey:
    """Read subject and visit of a row.

    Parameters
    ----------
    row : Row
        A row of a sheet or results table.

    Returns
    -------
    VisitKey
        The visit.

    Raises
    ------
    Refused
        Where the subject may be a person's name.
    BrokenStudy
        Where an id is empty or holds other signs.
    """
    if re.search(r"\s", row["subject"]):
        raise Refused(
            "a subject with a blank may be a person's name.",
            place=f"{row.place}, subject",
            remedy="Use a pseudonym of letters, digits, _ and -.",
        )
    for column in ("subject", "visit"):
        if not row[column]:
            raise BrokenStudy(f"{column} is empty.", place=f"{row.place}, {column}")
    return VisitKey(_checked_id(row, "subject"), _checked_id(row, "visit"))


def _checked_id(row: Row, column: str) -> str:
    if row[column] and not _ID.fullmatch(row[column]):
        raise BrokenStudy(
            f"{column} is no id.",
            place=f"{row.place}, {column}",
            remedy="Use 1 to 32 letters, digits, _ and -.",
        )
    return row[column]


def coded(row: Row, column: str, known: Iterable[str], default: str = "") -> str:
    """Read a cell from a closed list.

    Parameters
    ----------
    row : Row
        The row.
    column : str
        Its column.
    known : iterable of str
        The closed list.
    default : str
        For an empty cell.

    Returns
    -------
    str
        One of `known`, or `default`.

    Raises
    ------
    BrokenStudy
        For another text, with the nearest known one.
    """
    names = list(known)
    if not row[column]:
        return default
    if row[column] not in names:
        raise BrokenStudy(
            f"unknown {column} {row[column]!r}.", place=f"{row.place}, {column}", remedy=nearest(row[column], names)
        )
    return row[column]


def clocks_of(rows: Iterable[Row], zone: ZoneInfo, file: str) -> tuple[dict[str, Clock], list[DecidualError]]:
    """Make one clock a subject from every time the sheet gives of her.

    Parameters
    ----------
    rows : iterable of Row
        All rows of the sheet.
    zone : ZoneInfo
        The study's zone.
    file : str
        For errors.

    Returns
    -------
    tuple of dict of str to Clock and list of DecidualError
        Clocks by subject; a subject with mixed kinds of time has none, and an error.
    """
    cells: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for column in _TIME_COLUMNS:
            cells[row["subject"]] += [c for c in row[column].split(";") if c]
        cells[row["subject"]] += re.findall(r"@(\S+)", row["medicines"])
    clocks: dict[str, Clock] = {}
    broken: list[DecidualError] = []
    for subject, times in cells.items():
        clock = Clock(zone)
        try:
            clock.learn(times)
            clocks[subject] = clock
        except Ambiguous as mixed:
            broken.append(mixed.within(file, f"subject {subject}"))
    return clocks, broken


def agreed(rows: Iterable[Row], column: str) -> tuple[str, Row | None]:
    """Return the one value that some rows state.

    Parameters
    ----------
    rows : iterable of Row
        Rows of one specimen, visit or pregnancy.
    column : str
        A column of theirs.

    Returns
    -------
    tuple of str and Row or None
        The value, empty where none states it, and the row that states it.

    Raises
    ------
    Ambiguous
        Where two rows state different values.
    """
    stated = [row for row in rows if row[column]]
    for row in stated[1:]:
        if row[column] != stated[0][column]:
            raise Ambiguous(
                f"two values of {column} for one {'specimen' if column in SPECIMEN_COLUMNS else 'visit'}.",
                place=f"{stated[0].place} and {row.place}, {column}",
                remedy="Keep one.",
            )
    return (stated[0][column], stated[0]) if stated else ("", None)


def read_datings(dating: str, at: str, age: str, clock: Clock, place: str) -> tuple[Dating, ...]:
    """Read how a pregnancy was dated.

    Parameters
    ----------
    dating, at, age : str
        Cells ``dating``, ``dating_at``, ``dating_ga``: single values or lists of one length.
    clock : Clock
        The subject's.
    place : str
        For errors.

    Returns
    -------
    tuple of Dating
        Empty where no dating is stated.

    Raises
    ------
    BrokenStudy
        Where lists differ in length, a method is unknown, a time or a needed age is missing.
    """
    if not dating and not at and not age:
        return ()
    methods, times = dating.split(";"), at.split(";")
    ages = age.split(";") if age else [""] * len(methods)
    if not len(methods) == len(times) == len(ages):
        raise BrokenStudy("dating, dating_at and dating_ga differ in length.", place=f"{place}, dating")
    found = []
    for method, time, stated in zip(methods, times, ages, strict=True):
        known = fact("datings", method)
        if known is None:
            remedy = nearest(method, list(table("datings")))
            raise BrokenStudy(f"unknown dating {method!r}.", place=f"{place}, dating", remedy=remedy)
        when = clock.read(time, "dating_at")
        if when is None:
            raise BrokenStudy("dating_at is empty.", place=f"{place}, dating_at", remedy="State when.")
        default = known.number("age_at")
        if not stated and default is None:
            raise BrokenStudy(
                f"dating by {method} needs its age.", place=f"{place}, dating_ga", remedy="State dating_ga, as 12w3d."
            )
        days = GestationalAge.parse(stated).days if stated else int(default or 0)
        found.append(Dating(method, when, days))
    return tuple(found)


def read_medicines(text: str, clock: Clock) -> tuple[Dose, ...] | None:
    """Read the medicines at the draw.

    Parameters
    ----------
    text : str
        ``drug dose unit @time`` joined by ``;``; ``none`` where asked and none taken.
    clock : Clock
        The subject's.

    Returns
    -------
    tuple of Dose or None
        None where not stated.

    Raises
    ------
    BrokenStudy
        For a time that does not exist.
    """
    if not text:
        return None
    if text.strip() == "none":
        return ()
    doses = []
    for part in text.split(";"):
        words, _, time = part.partition("@")
        drug, _, dose = words.strip().partition(" ")
        doses.append(Dose(drug, dose.strip(), clock.read(time, "medicines")))
    return tuple(doses)
