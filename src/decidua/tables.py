"""Delimited text as laboratories write it, read without guessing.

In: bytes of a CSV file. Out: `Table` of text cells with their row numbers and the notes of how it was read.
May import: errors. Source: the rules for every table in the format reference.
Start reading at `read_table`.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import hashlib
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from decidua.errors import Ambiguous, BrokenStudy, UnreadableFile

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_DECIMAL_COMMA = re.compile(r"[-+−]?\d+,\d+(?:[eE][-+]?\d+)?\s*%?")
_THOUSANDS = re.compile(r"[-+−]?[1-9]\d{0,2}(?:,\d{3})+\s*%?")
_DECIMAL_POINT = re.compile(r"[-+−]?\d+\.\d+(?:[eE][-+]?\d+)?\s*%?")
_BINARY_STARTS = {b"PK\x03\x04": "an Excel or zip file", b"\xd0\xcf\x11\xe0": "an old Excel file"}


@dataclass(frozen=True, slots=True)
class Note:
    """One thing met while reading that a person should know.

    Attributes
    ----------
    code : str
        A key of `knowledge/flags.csv`.
    file, place, message : str
        Where, and what was done.
    """

    code: str
    file: str
    place: str
    message: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its text cells by column, and its line number in the file."""

    cells: dict[str, str]
    line: int

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    @property
    def place(self) -> str:
        """The row as a person finds it."""
        return f"row {self.line}"


@dataclass(frozen=True, slots=True)
class Table:
    """A delimited file as text cells.

    Attributes
    ----------
    file : str
        The file as the user named it.
    sha256 : str
        Hash of its bytes.
    columns : tuple of str
        Header names in the order of the file.
    rows : tuple of Row
        Non-empty rows.
    decimal_comma : bool
        Whether numbers are written with a decimal comma.
    notes : tuple of Note
        Each leniency used.
    """

    file: str
    sha256: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    decimal_comma: bool = False
    notes: tuple[Note, ...] = field(default=())

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def number(self, row: Row, column: str) -> float | None:
        """Read one cell as a number.

        Parameters
        ----------
        row : Row
            A row of this table.
        column : str
            A column; an empty cell is not stated.

        Returns
        -------
        float or None
            The number, or None for an empty cell.

        Raises
        ------
        BrokenStudy
            Where the cell holds something else, NaN and infinity among them.
        """
        return parse_number(row[column], self.decimal_comma, file=self.file, place=f"{row.place}, {column}")

    def whole(self, row: Row, column: str) -> int | None:
        """Read one cell as a whole number.

        Parameters
        ----------
        row : Row
            A row of this table.
        column : str
            A column; an empty cell is not stated.

        Returns
        -------
        int or None
            The number, or None for an empty cell.

        Raises
        ------
        BrokenStudy
            Where the cell is not a whole number.
        """
        value = self.number(row, column)
        if value is not None and value != int(value):
            raise BrokenStudy(f"{column} must be a whole number, not {row[column]!r}.", file=self.file, place=row.place)
        return None if value is None else int(value)

    def allow_only(self, known: Iterable[str]) -> None:
        """Refuse a column that the format does not know.

        Parameters
        ----------
        known : iterable of str
            Names allowed; a name beginning with ``x_`` is always carried.

        Raises
        ------
        BrokenStudy
            For the first unknown column, with the nearest known name.
        """
        names = list(known)
        for column in self.columns:
            if column not in names and not column.startswith("x_"):
                raise BrokenStudy(
                    f"unknown column {column!r}.",
                    file=self.file,
                    place="row 1",
                    remedy=f"{nearest(column, names)} A column of your own begins with x_.",
                )

    def require(self, needed: Iterable[str]) -> None:
        """Refuse a table that lacks a column.

        Parameters
        ----------
        needed : iterable of str
            Names that must stand in the header.

        Raises
        ------
        BrokenStudy
            For the first missing column.
        """
        for column in needed:
            if column not in self.columns:
                raise BrokenStudy(f"column {column!r} is missing.", file=self.file, place="row 1")


def nearest(name: str, known: Sequence[str]) -> str:
    """Suggest the nearest known name.

    Parameters
    ----------
    name : str
        What was written.
    known : sequence of str
        What would have been understood.

    Returns
    -------
    str
        A sentence naming the nearest name, or the known names where none is near.
    """
    folded = {k.casefold().strip(): k for k in known}
    close = difflib.get_close_matches(name.casefold().strip(), list(folded), n=1, cutoff=0.6)
    if close:
        return f"Did you mean {folded[close[0]]!r}?"
    shown = ", ".join(list(known)[:12]) + (" …" if len(known) > 12 else "")
    return f"Known: {shown}."


def parse_number(text: str, decimal_comma: bool = False, *, file: str = "", place: str = "") -> float | None:
    """Read a number written with a decimal point, or with a decimal comma where the table uses one.

    Parameters
    ----------
    text : str
        The cell; blanks around it and a true minus are accepted.
    decimal_comma : bool
        Whether the table writes decimal commas.
    file, place : str
        For the error.

    Returns
    -------
    float or None
        None for an empty cell.

    Raises
    ------
    BrokenStudy
        For anything that is not one finite number.
    """
    cleaned = text.strip().replace("−", "-")
    if not cleaned:
        return None
    if decimal_comma:
        cleaned = cleaned.replace(",", ".")
    pattern = r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?"
    if re.fullmatch(pattern, cleaned) and math.isfinite(float(cleaned)):
        return float(cleaned)
    raise BrokenStudy(f"{text!r} is not a number.", file=file, place=place)


def sha256_of(path: Path) -> str:
    """Hash a file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        Its SHA-256 in hexadecimal.

    Raises
    ------
    UnreadableFile
        Where it cannot be read.
    """
    return hashlib.sha256(read_bytes(path, path.name)).hexdigest()


def read_bytes(path: Path, file: str) -> bytes:
    """Read a file whole.

    Parameters
    ----------
    path : Path
        Where it lies.
    file : str
        How the user named it.

    Returns
    -------
    bytes
        Its content.

    Raises
    ------
    UnreadableFile
        Where it is absent or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as missing:
        raise UnreadableFile(
            "there is no such file.", file=file, remedy="Correct the path, or add the file."
        ) from missing
    except OSError as failure:
        raise UnreadableFile(f"cannot be read: {failure.strerror}.", file=file) from failure


def read_table(path: Path, *, file: str = "", known: Sequence[str] = (), delimiter: str | None = None) -> Table:
    """Read a delimited text file.

    Parameters
    ----------
    path : Path
        Where the file lies.
    file : str
        The file as the user named it; its name where empty.
    known : sequence of str
        Column names of the format, which help to tell the delimiter.
    delimiter : str, optional
        Fixes the delimiter.

    Returns
    -------
    Table
        Text cells; what was tolerated stands in its notes.

    Raises
    ------
    UnreadableFile
        Where the bytes are absent or no text.
    BrokenStudy
        Where it holds no header or no row, repeats a column, or has a row of another length.
    Ambiguous
        Where the delimiter or the decimal mark can be read in two ways.
    """
    file = file or path.name
    raw = read_bytes(path, file)
    notes: list[Note] = []
    text = decode(raw, file, notes)
    separator = delimiter or _find_delimiter(text, known, file)
    if separator != ",":
        notes.append(Note("other_delimiter", file, "row 1", f"columns are separated by {_DELIMITERS[separator]}"))
    header, rows = _split(text, separator, file)
    comma = separator != "," and _has_decimal_comma(rows, file)
    if comma:
        notes.append(Note("decimal_comma", file, "", "numbers are written with a decimal comma"))
    return Table(file, hashlib.sha256(raw).hexdigest(), header, tuple(rows), comma, tuple(notes))


def decode(raw: bytes, file: str, notes: list[Note]) -> str:
    """Turn bytes into text: UTF-8, else Windows-1252, a byte-order mark honoured.

    Parameters
    ----------
    raw : bytes
        The file's content.
    file : str
        For notes and errors.
    notes : list of Note
        Receives what was tolerated.

    Returns
    -------
    str
        The text, without its byte-order mark.

    Raises
    ------
    UnreadableFile
        For a spreadsheet under another name, or bytes that are no text.
    """
    for start, what in _BINARY_STARTS.items():
        if raw.startswith(start):
            raise UnreadableFile(f"this is {what}, not a text table.", file=file, remedy="Save it as CSV.")
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if raw.startswith(mark):
            notes.append(Note("byte_order_mark", file, "byte 0", f"byte-order mark, read as {encoding}"))
            try:
                return raw[len(mark) :].decode(encoding)
            except UnicodeDecodeError as broken:
                raise UnreadableFile(f"not valid {encoding} text.", file=file) from broken
    if b"\x00" in raw:
        raise UnreadableFile("holds NUL bytes and is no text.", file=file, place=f"byte {raw.index(0)}")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as not_utf8:
        try:
            text = raw.decode("cp1252")
        except UnicodeDecodeError as neither:
            place = f"byte {neither.start}"
            raise UnreadableFile("neither UTF-8 nor Windows-1252 text.", file=file, place=place) from neither
        place = f"byte {not_utf8.start}"
        notes.append(Note("windows_1252", file, place, "not UTF-8, read as Windows-1252"))
        return text


def _find_delimiter(text: str, known: Sequence[str], file: str) -> str:
    line = next((line for line in text.splitlines() if line.strip()), "")
    if not line:
        raise BrokenStudy("the table is empty.", file=file, place="row 1", remedy="Add a header and a row.")
    split = {d: next(csv.reader([line], delimiter=d)) for d in _DELIMITERS if d in line}
    if not split:
        return ","
    if len(split) == 1:
        return next(iter(split))
    hits = {d: sum(name.strip() in known for name in names) for d, names in split.items()}
    best = max(hits.values())
    winners = [d for d, count in hits.items() if count == best]
    if best == 0:  # free column names: a delimiter outside quotes that yields more columns and no blanks
        quoted_free = re.sub(r'"[^"]*"', "", line)
        counts = {d: quoted_free.count(d) for d in split}
        winners = [d for d, count in counts.items() if count and count >= 4 * (sum(counts.values()) - count)]
    if len(winners) != 1:
        names = " and ".join(_DELIMITERS[d] for d in split)
        raise Ambiguous(
            f"the header can be split at {names}.",
            file=file,
            place="row 1",
            remedy="Save it with commas, and quote names that hold one.",
        )
    return winners[0]


def _split(text: str, delimiter: str, file: str) -> tuple[tuple[str, ...], list[Row]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: tuple[str, ...] = ()
    rows: list[Row] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = tuple(cell.strip() for cell in cells)
                _refuse_repeats(header, file)
                continue
            if len(cells) > len(header) and not any(cell.strip() for cell in cells[len(header) :]):
                cells = cells[: len(header)]
            if len(cells) != len(header):
                raise BrokenStudy(
                    f"has {len(cells)} cells where the header has {len(header)}.",
                    file=file,
                    place=f"row {reader.line_num}",
                    remedy="Quote cells that hold the delimiter; complete a row that was cut off.",
                )
            rows.append(Row(dict(zip(header, (c.strip() for c in cells), strict=True)), reader.line_num))
    except csv.Error as broken:
        raise BrokenStudy(f"{broken}.", file=file, place=f"row {reader.line_num}") from broken
    if not rows:
        raise BrokenStudy("the table has no row.", file=file, place="row 2", remedy="Add a row, or leave the file out.")
    return header, rows


def _refuse_repeats(header: tuple[str, ...], file: str) -> None:
    for column in header:
        if header.count(column) > 1:
            raise BrokenStudy(f"column {column!r} stands twice.", file=file, place="row 1")


def _has_decimal_comma(rows: list[Row], file: str) -> bool:
    cells = [(row, name, cell) for row in rows for name, cell in row.cells.items() if cell]
    commas = [c for c in cells if _DECIMAL_COMMA.fullmatch(c[2]) or _THOUSANDS.fullmatch(c[2])]
    if not commas:
        return False
    certain = any(not _THOUSANDS.fullmatch(cell) for _, _, cell in commas)
    points = any(_DECIMAL_POINT.fullmatch(cell) for _, _, cell in cells)
    if certain and not points:
        return True
    row, name, cell = commas[0]
    raise Ambiguous(
        f"{cell!r} may hold a decimal comma or a thousands comma.",
        file=file,
        place=f"{row.place}, {name}",
        remedy="Write numbers with a decimal point and no thousands mark.",
    )
