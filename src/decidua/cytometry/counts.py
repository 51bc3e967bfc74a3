"""Count tables that other gating programs exported: boolean subsets, and FlowJo's columns of populations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from decidua.errors import BrokenCounts, BrokenStudy
from decidua.knowledge import fact, table
from decidua.measurement.nouns import IntArray
from decidua.study.settings import CountTable
from decidua.tables import Note, Row, Table, nearest, read_table

_STATISTIC = re.compile(r"^(?P<path>.*?)\s*(?:\||,)\s*(?P<statistic>[^|,/]+)$")
_MARKER = re.compile(r"(.+?)([+-])(?=.|$)")
_SUMMARY_ROWS = ("mean", "sd", "stdev", "std. dev.", "cv")


@dataclass(frozen=True, slots=True, eq=False)
class Subsets:
    """Joint counts of k markers among the cells of one parent.

    Attributes
    ----------
    parent : str
        Gate path of the parent.
    markers : tuple of str
        Analyte ids, the first being the highest bit.
    cells : int array [subset]
        Cells in each of the 2^k subsets; bit 1 = positive.
    """

    parent: str
    markers: tuple[str, ...]
    cells: IntArray


@dataclass(frozen=True, slots=True)
class TubeCounts:
    """Counts of one tube.

    Attributes
    ----------
    row : str
        Key of the row as printed.
    place : str
        Row in the file.
    counts : dict of str to int
        Cells by gate path without leading slash; the root is the empty path.
    subsets : tuple of Subsets
        Joint counts by parent, where they are known.
    """

    row: str
    place: str
    counts: dict[str, int]
    subsets: tuple[Subsets, ...] = ()

    def parent_of(self, path: str) -> str:
        """Return the parent of a path: the longest other counted path that is a prefix at a slash.

        Parameters
        ----------
        path : str
            A gate path.

        Returns
        -------
        str
            The parent's path; empty for the root.

        Raises
        ------
        BrokenCounts
            Where no counted path, the root among them, is a parent.
        """
        parts = path.split("/")
        for length in range(len(parts) - 1, -1, -1):
            above = "/".join(parts[:length])
            if above in self.counts:
                return above
        raise BrokenCounts(f"{path!r} has no counted parent.", place=self.place)


@dataclass(frozen=True, slots=True)
class CountFile:
    """A count table, read.

    Attributes
    ----------
    file, sha256 : str
        Which file.
    tubes : dict of str to TubeCounts
        By row key.
    populations : int
        Populations counted in a row.
    notes : tuple of Note
        What was tolerated, checked or left out.
    refused : tuple of BrokenCounts
        Rows whose counts contradict each other.
    """

    file: str
    sha256: str
    tubes: dict[str, TubeCounts]
    populations: int
    notes: tuple[Note, ...] = ()
    refused: tuple[BrokenCounts, ...] = field(default=())

    def tube(self, key: str) -> TubeCounts:
        """Return the tube that a sheet names.

        Parameters
        ----------
        key : str
            Row key, exactly as printed.

        Returns
        -------
        TubeCounts
            Its counts.

        Raises
        ------
        BrokenCounts
            Where that row was refused.
        BrokenStudy
            Where there is no such row, with the nearest one.
        """
        if key in self.tubes:
            return self.tubes[key]
        for error in self.refused:
            if error.place.endswith(f", {key}"):
                raise error
        raise BrokenStudy(f"no row {key!r} in {self.file}.", place="sample", remedy=nearest(key, [*self.tubes]))


def read_counts(path: Path, spec: CountTable) -> CountFile:
    """Read a count table.

    Parameters
    ----------
    path : Path
        Where it lies.
    spec : CountTable
        How `study.toml` says to read it.

    Returns
    -------
    CountFile
        Sound rows; contradictory ones stand in `refused`.

    Raises
    ------
    UnreadableFile, BrokenStudy, Ambiguous
        Where the file is no table, or a column the specification names is missing.
    BrokenCounts
        Where the columns cannot be understood: an unmapped marker, a gap in the subsets, shares without counts.
    """
    text = read_table(path, file=spec.file)
    keys = _row_keys(text, spec)
    reader = _Boolean(text, spec) if spec.kind == "boolean" else _FlowJo(text, spec)
    tubes: dict[str, TubeCounts] = {}
    refused: list[BrokenCounts] = []
    notes = [*text.notes, *reader.notes]
    for row, key in zip(text, keys, strict=True):
        if spec.kind == "flowjo" and key.strip().casefold() in _SUMMARY_ROWS:
            notes.append(Note("summary_rows_left_out", spec.file, row.place, f"summary row {key!r} left out"))
            continue
        if key in tubes:
            raise BrokenCounts(f"two rows are named {key!r}.", file=spec.file, place=row.place)
        try:
            tubes[key] = reader.tube(row, key)
        except (BrokenCounts, BrokenStudy) as error:
            refused.append(
                BrokenCounts(error.message, file=spec.file, place=f"{row.place}, {key}", remedy=error.remedy)
            )
    return CountFile(spec.file, text.sha256, tubes, reader.populations, tuple(notes), tuple(refused))


def guess_spec(path: Path, file: str) -> CountTable:
    """Tell what kind of count table a bare file is, for looking at it without a study.

    Parameters
    ----------
    path : Path
        Where it lies.
    file : str
        How the user named it.

    Returns
    -------
    CountTable
        A boolean table with its markers under their printed names, else FlowJo's columns of populations.

    Raises
    ------
    UnreadableFile, BrokenStudy, Ambiguous
        Where the file is no table.
    BrokenCounts
        Where no column ends in Count.
    """
    text = read_table(path, file=file)
    paths = {c: m["path"].strip().strip("/") for c in text.columns if (m := _STATISTIC.match(c)) and _is_count(m)}
    if not paths and "Count" not in text.columns:
        raise BrokenCounts(
            "no column holds counts.", file=file, place="row 1", remedy="Export Count for every population."
        )
    rows = [c for c in text.columns if c not in paths and c and not _STATISTIC.match(c) and c != "Count"]
    subsets = [p for p in paths.values() if len(_split_markers(p.rsplit("/", 1)[-1])) > 1]
    if len(subsets) >= len(paths) / 2 and len(subsets) > 2:
        names = [m for m, _ in _split_markers(subsets[0].rsplit("/", 1)[-1])]
        markers = {name: _analyte_named(name) for name in names}
        identifying = _smallest_key(text, rows)
        return CountTable(
            file=file, kind="boolean", row=identifying, parent=subsets[0].rsplit("/", 1)[0], markers=markers
        )
    return CountTable(file=file, kind="flowjo")


def _smallest_key(text: Table, columns: list[str]) -> list[str]:
    for width in range(1, len(columns) + 1):
        chosen = columns[:width]
        if len({tuple(row[c] for c in chosen) for row in text}) == len(text.rows):
            return chosen
    return columns


def _analyte_named(name: str) -> str:
    wanted = name.casefold().replace("-", "")
    for key, row in table("analytes").items():
        known = {key, row["label"], *row.codes("synonyms")}
        if wanted in {k.casefold().replace("-", "") for k in known} | {
            f"{k[2:]}".casefold() for k in known if k[:2] == "IL"
        }:
            return key
    return name


def _row_keys(text: Table, spec: CountTable) -> list[str]:
    columns = spec.row or [text.columns[0]]
    text.require(columns)
    return ["|".join(row[c] for c in columns) for row in text]


def _is_count(match: re.Match[str]) -> bool:
    return match["statistic"].strip() == "Count"


def _split_markers(element: str) -> list[tuple[str, bool]]:
    found = _MARKER.findall(element)
    return [(name, sign == "+") for name, sign in found] if "".join(n + s for n, s in found) == element else []


def _whole(text: Table, row: Row, column: str) -> int:
    value = text.whole(row, column)
    if value is None or value < 0:
        raise BrokenCounts(f"{column!r} holds no count.", remedy="Give a whole number of cells, zero or more.")
    return value


class _FlowJo:
    """Columns ``PATH | Count`` or ``PATH,Count``, with shares checked where they stand beside."""

    def __init__(self, text: Table, spec: CountTable) -> None:
        self.text = text
        self.columns: dict[str, str] = {}
        self.shares: dict[str, str] = {}
        self.notes: list[Note] = []
        row_columns = spec.row or [text.columns[0]]
        for column in text.columns:
            if column in row_columns:
                continue
            match = _STATISTIC.match(column)
            if column == "Count":
                self.columns[column] = ""
            elif match and _is_count(match):
                self.columns[column] = match["path"].strip().strip("/")
            elif match and match["statistic"].strip() == "Freq. of Parent":
                self.shares[column] = match["path"].strip().strip("/")
            else:
                self.notes.append(Note("column_unused", spec.file, f"column {column!r}", "holds no count"))
        counted = set(self.columns.values())
        for column, path in self.shares.items():
            if path not in counted:
                raise BrokenCounts(
                    f"{path!r} has a share and no count.",
                    file=spec.file,
                    place=f"row 1, {column}",
                    remedy="Export Count as well.",
                )
        if not self.columns:
            raise BrokenCounts("no column holds counts.", file=spec.file, place="row 1", remedy="Export Count as well.")
        self.populations = len(self.columns)

    def tube(self, row: Row, key: str) -> TubeCounts:
        counts = {path: _whole(self.text, row, column) for column, path in self.columns.items()}
        tube = TubeCounts(key, row.place, counts)
        for path, count in counts.items():
            if not path or (path.count("/") == 0 and "" not in counts):
                continue
            parent = tube.parent_of(path)
            if count > counts[parent]:
                raise BrokenCounts(f"{path!r} holds {count} cells, more than its parent {parent!r} ({counts[parent]}).")
        tolerance = fact("constants", "freq_of_parent_tolerance")
        for column, path in self.shares.items():
            self._check_share(row, column, path, tube, tolerance.number("value") if tolerance else None)
        return tube

    def _check_share(self, row: Row, column: str, path: str, tube: TubeCounts, tolerance: float | None) -> None:
        printed = row[column].replace("%", "").strip()
        if not printed or tolerance is None or (path.count("/") == 0 and "" not in tube.counts):
            return
        value = self.text.number(Row({column: printed}, row.line), column)
        parent = tube.counts[tube.parent_of(path)]
        if value is None or parent == 0:
            return
        computed = 100 * tube.counts[path] / parent
        if abs(value - computed) > tolerance + 1e-9:
            raise BrokenCounts(
                f"{path!r} is printed as {value:g} % of its parent, but the counts give {computed:.3f} %.",
                remedy="Export counts and shares of the same gates again.",
            )


class _Boolean:
    """Columns whose last path element is a run of ``MARKER+`` and ``MARKER-`` over the same markers."""

    def __init__(self, text: Table, spec: CountTable) -> None:
        self.text, self.spec = text, spec
        self.notes: list[Note] = []
        self.parent_path = spec.parent.strip("/")
        self.parent_column = ""
        subsets: dict[str, list[tuple[str, bool]]] = {}
        for column in text.columns:
            match = _STATISTIC.match(column)
            if not match or not _is_count(match):
                continue
            path = match["path"].strip().strip("/")
            if path == self.parent_path:
                self.parent_column = column
            elif path.startswith(self.parent_path + "/"):
                subsets[column] = _split_markers(path[len(self.parent_path) + 1 :])
        self.markers, self.order = self._markers(subsets)
        self.cells = {column: self._index(column, signs) for column, signs in subsets.items()}
        self._check_complete()
        self.populations = len(self.cells) + 1

    def _markers(self, subsets: dict[str, list[tuple[str, bool]]]) -> tuple[tuple[str, ...], list[str]]:
        if not self.parent_column or not subsets:
            raise BrokenCounts(
                f"no count of the parent {self.spec.parent!r} with subsets below it.",
                file=self.spec.file,
                place="row 1",
                remedy="Give parent in study.toml as it is printed.",
            )
        order = [name for name, _ in next(iter(subsets.values()))]
        for name in order:
            if name not in self.spec.markers:
                raise BrokenCounts(
                    f"marker {name!r} is not mapped.",
                    file=self.spec.file,
                    place="study.toml, counts.markers",
                    remedy=f"Map it to an analyte. {nearest(name, list(self.spec.markers))}",
                )
        return tuple(self.spec.markers[name] for name in order), order

    def _index(self, column: str, signs: list[tuple[str, bool]]) -> int:
        if [name for name, _ in signs] != self.order:
            raise BrokenCounts(
                f"{column!r} does not run over the markers {', '.join(self.order)}.",
                file=self.spec.file,
                place="row 1",
                remedy="Export every subset over the same markers in one order.",
            )
        return int("".join("1" if on else "0" for _, on in signs), 2)

    def _check_complete(self) -> None:
        size = 2 ** len(self.order)
        present = set(self.cells.values())
        if len(present) != len(self.cells):
            raise BrokenCounts("a subset stands twice.", file=self.spec.file, place="row 1")
        self.remainder = present == set(range(1, size))
        if self.remainder:
            self.notes.append(
                Note("remainder_computed", self.spec.file, "row 1", "the all-negative subset is the remainder")
            )
        elif len(present) != size:
            missing = size - len(present)
            raise BrokenCounts(
                f"{missing} of {size} subsets are missing.",
                file=self.spec.file,
                place="row 1",
                remedy="Export every subset; only the all-negative one may be left out.",
            )

    def tube(self, row: Row, key: str) -> TubeCounts:
        parent = _whole(self.text, row, self.parent_column)
        subsets = np.zeros(2 ** len(self.order), dtype=np.int64)
        for column, index in self.cells.items():
            subsets[index] = _whole(self.text, row, column)
        total = int(subsets.sum())
        if self.remainder:
            if total > parent:
                raise BrokenCounts(f"the subsets hold {total} cells, more than their parent ({parent}).")
            subsets[0] = parent - total
        elif total != parent:
            raise BrokenCounts(f"the subsets sum to {total} cells, and their parent holds {parent}.")
        joint = Subsets(self.parent_path, self.markers, subsets)
        return TubeCounts(key, row.place, {self.parent_path: parent}, (joint,))
