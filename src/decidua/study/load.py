"""Read a study folder into one `Study`, keeping what is sound and naming what is not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from decidua.errors import Ambiguous, BrokenStudy, DecidualError
from decidua.knowledge import table
from decidua.measurement import Instant, Pregnancy, Source, Specimen, Visit, VisitKey
from decidua.study.panel import Panel, read_panel
from decidua.study.settings import Control, CountTable, PlateFile, StudySettings, inside, read_toml, zone_of
from decidua.study.sheet import (
    COLUMNS,
    DEFECTS,
    KEPT,
    OUTCOMES,
    PREGNANCY_COLUMNS,
    SPECIMEN_COLUMNS,
    SampleRow,
    agreed,
    clocks_of,
    coded,
    read_datings,
    read_medicines,
    read_rows,
)
from decidua.study.times import Clock
from decidua.study.worklist import rows_of_worklist
from decidua.tables import Note, Row, Table, read_table, sha256_of

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Study:
    """A study folder, read.

    Attributes
    ----------
    folder : Path
        Where it lies.
    id, laboratory : str
        Of `study.toml`.
    rows : tuple of SampleRow
        Sound rows of the sheet.
    visits : dict of VisitKey to Visit
        Every visit of a sound row.
    specimens : dict of (VisitKey, str) to Specimen
        By visit and accession.
    panels : dict of str to Panel
        By panel id.
    counts : dict of str to CountTable
        By file.
    plates : dict of str to PlateFile
        By file.
    controls : dict of str to Control
        Earlier runs of the laboratory's run controls, by result.
    references : str
        Path of the laboratory's own references, empty where there is none.
    inputs : tuple of Source
        Files read so far with their hashes.
    refused : tuple of DecidualError
        What could not be used.
    notes : tuple of Note
        What was read with a tolerance, or not used.
    """

    folder: Path
    id: str
    laboratory: str
    rows: tuple[SampleRow, ...]
    visits: dict[VisitKey, Visit]
    specimens: dict[tuple[VisitKey, str], Specimen]
    panels: dict[str, Panel]
    counts: dict[str, CountTable]
    plates: dict[str, PlateFile]
    controls: dict[str, Control]
    references: str
    inputs: tuple[Source, ...]
    refused: tuple[DecidualError, ...]
    notes: tuple[Note, ...]

    @property
    def control_persons(self) -> frozenset[VisitKey]:
        """Visits of control persons: they tie a run together and have no report of their own."""
        roles: dict[VisitKey, set[str]] = defaultdict(set)
        for row in self.rows:
            roles[row.key].add(row.role)
        return frozenset(key for key, found in roles.items() if found == {"healthy_control"})

    def path(self, file: str) -> Path:
        """Resolve a file of the study.

        Parameters
        ----------
        file : str
            Relative to the folder.

        Returns
        -------
        Path
            Inside the folder.

        Raises
        ------
        BrokenStudy
            Where it would leave the folder.
        """
        return inside(self.folder, file, "samples.csv", "file")


class _Collector:
    """Runs one step at a time and keeps the errors of those that fail."""

    def __init__(self) -> None:
        self.refused: list[DecidualError] = []

    def attempt(self, step: Callable[[], ResultT], file: str, place: str = "") -> ResultT | None:
        try:
            return step()
        except DecidualError as error:
            self.refused.append(error.within(file, place))
            return None


def load_study(folder: Path) -> Study:
    """Read a study folder.

    Parameters
    ----------
    folder : Path
        Holds `study.toml`.

    Returns
    -------
    Study
        What is sound, with `refused` and `notes` beside it.

    Raises
    ------
    UnreadableFile
        Where `study.toml` or the sheet is absent or no text.
    BrokenStudy
        Where `study.toml` breaks the format, or the sheet's header does.
    Ambiguous
        Where the sheet can be read in two ways.
    """
    settings = read_toml(folder / "study.toml", "study.toml", StudySettings)
    zone = zone_of(settings, "study.toml")
    keep = _Collector()
    sheet_path = inside(folder, settings.sheet.file, "study.toml", "sheet.file")
    text = read_table(sheet_path, file=settings.sheet.file, known=COLUMNS)
    panels = _panels(folder, settings, keep)
    notes = list(text.notes)
    if settings.sheet.kind == "worklist":
        text, matched = rows_of_worklist(text, settings, folder, keep.refused)
        notes += matched
    sound, broken = read_rows(text)
    keep.refused += broken
    clocks, mixed = clocks_of(text.rows, zone, text.file)
    keep.refused += mixed
    sound = [(sample, row) for sample, row in sound if sample.key.subject in clocks]
    sound = _known_codes(sound, settings, panels, text.file, keep)
    specimens, sound = _specimens(sound, clocks, text, keep)
    pregnancies = _pregnancies(sound, clocks, text, keep)
    visits = _visits(sound, clocks, pregnancies, specimens, text, keep)
    inputs = [Source("study.toml", sha256_of(folder / "study.toml")), Source(text.file, text.sha256)]
    inputs += [
        Source(file, sha256_of(inside(folder, file, "study.toml", "panels")))
        for name, file in settings.panels.items()
        if name in panels
    ]
    references = "references.csv" if (folder / "references.csv").is_file() else ""
    return Study(
        folder=folder,
        id=settings.study.id,
        laboratory=settings.study.laboratory,
        rows=tuple(sample for sample, _ in sound),
        visits=visits,
        specimens=specimens,
        panels=panels,
        counts={block.file: block for block in settings.counts},
        plates={block.file: block for block in settings.plates},
        controls=settings.controls,
        references=references,
        inputs=tuple(inputs),
        refused=tuple(keep.refused),
        notes=(*notes, *_unused_files(folder, settings, sound)),
    )


def _panels(folder: Path, settings: StudySettings, keep: _Collector) -> dict[str, Panel]:
    panels: dict[str, Panel] = {}
    for name, file in settings.panels.items():

        def read(file: str = file, name: str = name) -> Panel:
            return read_panel(inside(folder, file, "study.toml", f"panels.{name}"), file)

        panel = keep.attempt(read, file)
        if panel is not None:
            panels[name] = panel
    return panels


def _known_codes(
    sound: list[tuple[SampleRow, Row]],
    settings: StudySettings,
    panels: dict[str, Panel],
    file: str,
    keep: _Collector,
) -> list[tuple[SampleRow, Row]]:
    kept = []
    for sample, row in sound:

        def check(sample: SampleRow = sample) -> bool:
            _check_panel(sample, settings, panels)
            return True

        if keep.attempt(check, file, sample.place):
            kept.append((sample, row))
    return kept


def _check_panel(sample: SampleRow, settings: StudySettings, panels: dict[str, Panel]) -> None:
    if sample.panel and sample.panel not in settings.panels:
        raise BrokenStudy(
            f"unknown panel {sample.panel!r}.",
            place=f"{sample.place}, panel",
            remedy="Name it under panels in study.toml.",
        )
    if sample.panel and sample.panel not in panels:
        raise BrokenStudy(f"panel {sample.panel!r} could not be read.", place=f"{sample.place}, panel")
    known = ["none", *table("stimuli")]
    if sample.panel:
        known = ["none", *panels[sample.panel].stimuli]
    if sample.stimulus not in known and (sample.panel or sample.stimulus not in table("stimuli")):
        raise BrokenStudy(
            f"unknown stimulus {sample.stimulus!r}.",
            place=f"{sample.place}, stimulus",
            remedy="Describe it under [stimuli] of the panel.",
        )


def _specimens(
    sound: list[tuple[SampleRow, Row]], clocks: dict[str, Clock], text: Table, keep: _Collector
) -> tuple[dict[tuple[VisitKey, str], Specimen], list[tuple[SampleRow, Row]]]:
    groups: dict[tuple[VisitKey, str], list[tuple[SampleRow, Row]]] = defaultdict(list)
    for sample, row in sound:
        groups[sample.key, sample.specimen].append((sample, row))
    specimens: dict[tuple[VisitKey, str], Specimen] = {}
    for (key, accession), members in groups.items():
        rows = [row for _, row in members]

        def read(rows: list[Row] = rows, key: VisitKey = key, accession: str = accession) -> Specimen:
            return _specimen(accession, rows, clocks[key.subject], text)

        specimen = keep.attempt(read, text.file, f"specimen {accession or key}")
        if specimen is not None:
            specimens[key, accession] = specimen
    return specimens, [(sample, row) for sample, row in sound if (sample.key, sample.specimen) in specimens]


def _specimen(accession: str, rows: list[Row], clock: Clock, text: Table) -> Specimen:
    stated = {column: agreed(rows, column) for column in SPECIMEN_COLUMNS}
    blank = Row({}, rows[0].line)
    times = {c: clock.read(stated[c][0], c) for c in ("collected", "received", "set_up", "spun")}
    start = times["collected"]
    for column, time in times.items():
        if start and time and time < start and (time.timed or time.day < start.day):
            raise BrokenStudy(f"{column} lies before collected.", place=f"{rows[0].place}, {column}")
    defects = tuple(code for code in stated["rejects"][0].split(";") if code)
    for code in defects:
        coded(Row({"rejects": code}, rows[0].line), "rejects", DEFECTS)
    return Specimen(
        id=accession,
        material=coded(stated["material"][1] or blank, "material", table("materials")),
        collected=start,
        received=times["received"],
        set_up=times["set_up"],
        spun=times["spun"],
        kept=coded(stated["kept"][1] or blank, "kept", KEPT),
        thaws=text.whole(stated["thaws"][1] or blank, "thaws"),
        defects=defects,
    )


def _pregnancies(
    sound: list[tuple[SampleRow, Row]], clocks: dict[str, Clock], text: Table, keep: _Collector
) -> dict[tuple[str, int], Pregnancy]:
    groups: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for sample, row in sound:

        def number(row: Row = row) -> int:
            return text.whole(row, "pregnancy") or 1

        found = keep.attempt(number, text.file, row.place)
        if found is not None:
            groups[sample.key.subject, found].append(row)
    pregnancies: dict[tuple[str, int], Pregnancy] = {}
    for (subject, number_), rows in groups.items():

        def read(subject: str = subject, number_: int = number_, rows: list[Row] = rows) -> Pregnancy:
            return _pregnancy(number_, rows, clocks[subject], text)

        pregnancy = keep.attempt(read, text.file, f"subject {subject}")
        if pregnancy is not None:
            pregnancies[subject, number_] = pregnancy
    return pregnancies


def _pregnancy(number: int, rows: list[Row], clock: Clock, text: Table) -> Pregnancy:
    stated = {column: agreed(rows, column) for column in PREGNANCY_COLUMNS}
    cell = {column: value for column, (value, _) in stated.items()}
    place = (stated["dating"][1] or rows[0]).place
    ended = clock.read(cell["ended"], "ended")
    outcome = coded(stated["outcome"][1] or Row({}, 0), "outcome", OUTCOMES)
    if (ended is None) != (not outcome):
        lacking = "ended" if ended is None else "outcome"
        raise Ambiguous(
            f"{lacking} is not stated.", place=f"{place}, {lacking}", remedy="State ended and outcome together."
        )
    fetuses = text.whole(stated["fetuses"][1] or Row({}, 0), "fetuses")
    datings = read_datings(cell["dating"], cell["dating_at"], cell["dating_ga"], clock, place)
    return Pregnancy(number, datings, ended, outcome, fetuses)


def _visits(
    sound: list[tuple[SampleRow, Row]],
    clocks: dict[str, Clock],
    pregnancies: dict[tuple[str, int], Pregnancy],
    specimens: dict[tuple[VisitKey, str], Specimen],
    text: Table,
    keep: _Collector,
) -> dict[VisitKey, Visit]:
    groups: dict[VisitKey, list[Row]] = defaultdict(list)
    for sample, row in sound:
        groups[sample.key].append(row)
    visits: dict[VisitKey, Visit] = {}
    for key, rows in groups.items():
        mine = tuple(s for (k, _), s in specimens.items() if k == key)

        def read(key: VisitKey = key, rows: list[Row] = rows, mine: tuple[Specimen, ...] = mine) -> Visit:
            return _visit(key, rows, mine, clocks[key.subject], pregnancies, text)

        visit = keep.attempt(read, text.file, f"visit {key}")
        visits[key] = visit if visit is not None else Visit(key, day=_day(mine), specimens=mine)
    return visits


def _visit(
    key: VisitKey,
    rows: list[Row],
    specimens: tuple[Specimen, ...],
    clock: Clock,
    pregnancies: dict[tuple[str, int], Pregnancy],
    text: Table,
) -> Visit:
    def cell(column: str) -> str:
        return agreed(rows, column)[0]

    blank = Row({}, rows[0].line)
    mine = {number for subject, number in pregnancies if subject == key.subject}
    if not cell("pregnancy") and len(mine) > 1:
        raise Ambiguous(
            "the subject has several pregnancies and this visit names none.",
            place=f"{rows[0].place}, pregnancy",
            remedy="State the number of the pregnancy.",
        )
    number = text.whole(agreed(rows, "pregnancy")[1] or blank, "pregnancy") or 1
    return Visit(
        key=key,
        day=_day(specimens),
        pregnancy=pregnancies.get((key.subject, number)),
        stated_phase=coded(agreed(rows, "phase")[1] or blank, "phase", table("phases")),
        age_years=text.whole(agreed(rows, "age_years")[1] or blank, "age_years"),
        infection_or_vaccine_4w=coded(
            agreed(rows, "infection_or_vaccine_4w")[1] or blank, "infection_or_vaccine_4w", ("yes", "no")
        ),
        medicines=read_medicines(cell("medicines"), clock),
        specimens=specimens,
    )


def _day(specimens: tuple[Specimen, ...]) -> Instant | None:
    days = [s.collected for s in specimens if s.collected is not None]
    if len({d.day for d in days}) > 1:
        raise Ambiguous(
            "the specimens of one visit were collected on different days.", remedy="Give each day its own visit."
        )
    return min(days) if days else None


def _unused_files(folder: Path, settings: StudySettings, sound: list[tuple[SampleRow, Row]]) -> list[Note]:
    named = {sample.file for sample, _ in sound} | {sample.workspace for sample, _ in sound}
    named |= {block.file for block in settings.counts} | {block.file for block in settings.plates}
    found = []
    for room in ("tubes", "plates", "counts", "finished"):
        for path in sorted((folder / room).rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name not in named and not path.name.startswith("."):
                found.append(Note("file_unused", name, "", "no line of the sheet names this file"))
    return found
