"""Spillover matrices: read them from text, and take the spillover out of event columns."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from decidua.cytometry.scales import FloatArray
from decidua.errors import DidNotConverge, UnreadableFile, UnsupportedGate

OWN = "FCS"  # the Gating-ML name for the matrix that travels in the FCS file
_WORST_CONDITION = 1e12  # beyond this fewer than four digits of a compensated value mean anything


@dataclass(frozen=True, slots=True, eq=False)
class SpilloverMatrix:
    """How much of every fluorochrome each detector sees.

    Parameters
    ----------
    fluorochromes : tuple of str
        Names of the compensated columns, in row order.
    detectors : tuple of str
        Channels the light was measured in, in column order.
    matrix : ndarray
        Shares [fluorochrome, detector]; square, or more detectors than fluorochromes.

    Raises
    ------
    UnreadableFile
        If sizes, names or numbers contradict each other.
    DidNotConverge
        If the matrix is singular.
    """

    fluorochromes: tuple[str, ...]
    detectors: tuple[str, ...]
    matrix: FloatArray

    def __post_init__(self) -> None:
        shape = (len(self.fluorochromes), len(self.detectors))
        if self.matrix.shape != shape or not 0 < shape[0] <= shape[1]:
            raise UnreadableFile(f"a spillover matrix of shape {self.matrix.shape} does not fit {shape} names")
        for names in (self.fluorochromes, self.detectors):
            if len(set(names)) < len(names):
                repeated = sorted({name for name in names if names.count(name) > 1})
                raise UnreadableFile(f"the spillover matrix names {', '.join(repeated)} twice")
        if not np.isfinite(self.matrix).all():
            raise UnreadableFile("the spillover matrix holds a value that is not a finite number")
        if not np.linalg.cond(self.matrix) < _WORST_CONDITION:
            raise DidNotConverge(
                "the spillover matrix is singular: two rows describe the same light",
                remedy="Compute the matrix again from its single stains.",
            )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SpilloverMatrix)
            and (self.fluorochromes, self.detectors) == (other.fluorochromes, other.detectors)
            and np.array_equal(self.matrix, other.matrix)
        )

    def __hash__(self) -> int:
        return hash((self.fluorochromes, self.detectors, self.matrix.tobytes()))

    def weights(self, wanted: Sequence[str]) -> FloatArray:
        """Return what each detector contributes to the compensated columns wanted.

        Parameters
        ----------
        wanted : sequence of str
            Fluorochromes.

        Returns
        -------
        ndarray
            Weights [detector, wanted]; of a matrix with more detectors than fluorochromes, those of
            the least-squares answer.

        Raises
        ------
        UnsupportedGate
            If the matrix has no such fluorochrome.
        """
        unknown = [name for name in wanted if name not in self.fluorochromes]
        if unknown:
            raise UnsupportedGate(
                f"the spillover matrix has no row for {', '.join(unknown)}",
                remedy="Give the matrix that was made for this panel.",
            )
        picks = [self.fluorochromes.index(name) for name in wanted]
        if len(self.fluorochromes) == len(self.detectors):
            return np.asarray(np.linalg.solve(self.matrix, np.eye(len(self.detectors))[:, picks]), float)
        return np.asarray(np.linalg.pinv(self.matrix)[:, picks])


def compensate(
    columns: Mapping[str, FloatArray], spillover: SpilloverMatrix, wanted: Sequence[str]
) -> dict[str, FloatArray]:
    """Take the spillover out of the columns wanted, and of no others.

    Parameters
    ----------
    columns : mapping of str to ndarray
        Measured values by channel, each [event].
    spillover : SpilloverMatrix
        The matrix.
    wanted : sequence of str
        Fluorochromes to compute.

    Returns
    -------
    dict of str to ndarray
        Compensated values by fluorochrome, each [event].

    Raises
    ------
    UnsupportedGate
        If a detector of the matrix is not among the columns, or a fluorochrome not in the matrix.
    """
    missing = [name for name in spillover.detectors if name not in columns]
    if missing:
        raise UnsupportedGate(
            f"the spillover matrix needs {', '.join(missing)}, which this tube lacks",
            remedy="Give the matrix that was made for this panel.",
        )
    weights = spillover.weights(wanted)
    compensated = {}
    for name, shares in zip(wanted, weights.T, strict=True):
        values = np.zeros(len(columns[spillover.detectors[0]]))
        for detector, share in zip(spillover.detectors, shares, strict=True):
            if share != 0.0:
                values += share * columns[detector]
        compensated[name] = values
    return compensated


def read_spillover(path: Path | str) -> SpilloverMatrix:
    """Read a spillover matrix from delimited text.

    Commas, tabs, semicolons or blanks; a header of detectors, with or without `#`; rows with or
    without a name; FlowJo's matrix text with its two lines before the header.

    Parameters
    ----------
    path : path or str
        The file.

    Returns
    -------
    SpilloverMatrix
        Rows without names are named as the columns, which must then be as many.

    Raises
    ------
    UnreadableFile
        If the file cannot be opened or is not such a matrix.
    DidNotConverge
        If the matrix is singular.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnreadableFile(f"cannot be opened: {error.strerror}", file=path.name) from error
    except UnicodeDecodeError as error:
        raise UnreadableFile("is not text", file=path.name) from error
    try:
        return _parse(_fields(text))
    except csv.Error as error:
        raise UnreadableFile(f"is not delimited text: {error}", file=path.name) from error
    except (UnreadableFile, DidNotConverge) as error:
        raise error.within(file=path.name) from None


def _fields(text: str) -> list[list[str]]:
    """Split the text by the delimiter its first long line uses."""
    lines = [line.lstrip("#").strip(" ") for line in text.splitlines() if line.strip(" #\t")]
    header = max(lines[:3], key=len, default="")
    delimiter = next((mark for mark in "\t,; " if mark in header), ",")
    rows = [[field.strip() for field in row] for row in csv.reader(lines, delimiter=delimiter)]
    prefaced = len(rows) > 2 and rows[1] == ["<", ">"]
    return rows[2:] if prefaced else rows


def _parse(rows: list[list[str]]) -> SpilloverMatrix:
    if len(rows) < 2:
        raise UnreadableFile("holds no matrix: a header and at least one row are needed")
    header, body = rows[0], rows[1:]
    if header[0] == "" or len(body[0]) == len(header) + 1:
        detectors = tuple(header[1:] if len(body[0]) == len(header) else header)
        fluorochromes = tuple(row[0] for row in body)
        cells = [row[1:] for row in body]
    else:
        detectors, cells = tuple(header), body
        fluorochromes = detectors
        if len(body) != len(detectors):
            raise UnreadableFile(f"has {len(body)} unnamed rows for {len(detectors)} columns")
    values = np.empty((len(fluorochromes), len(detectors)))
    for index, row in enumerate(cells):
        if len(row) != len(detectors):
            raise UnreadableFile(f"has {len(row)} values for {len(detectors)} columns", place=f"row {index + 1}")
        for column, cell in enumerate(row):
            try:
                values[index, column] = float(cell)
            except ValueError as error:
                place = f"row {index + 1}, {detectors[column]}"
                raise UnreadableFile(f"{cell!r} is not a number", place=place) from error
    return SpilloverMatrix(fluorochromes, detectors, values)
