"""Every error and warning Decidua raises on purpose.

DecidualError                     .file .place .message .remedy
├── UnreadableFile                the bytes are not what they claim
│   ├── NotFCS · BrokenFCS · UnsupportedFCS
│   ├── NotAWorkspace · UnsupportedGate
│   ├── NotAPlate · BrokenPlate · UnsafeArchive
│   └── BrokenCounts
├── BrokenStudy                   study.toml, sheet, panel or results table breaks the format
├── BrokenKnowledge               a row of our own tables lacks its unit or its source
├── Ambiguous                     more than one reading is possible; a person must choose
├── OutsideLimits                 beyond what the method supports
├── NotComparable                 two results differ in an identity field that binds
├── NotPlaceable                  no reference fits this measurand or moment
├── DidNotConverge                curve, gate or solver
├── Refused                       policy: identity in a file, research-use limits, a locked record
└── BookDamaged                   audit chain or file hash does not match
DecidualWarning                   read anyway, and written into the flags
"""

from __future__ import annotations

from typing import Self


class DecidualError(Exception):
    """An error raised on purpose: it names the file, the place in it and the remedy.

    Parameters
    ----------
    message : str
        What is wrong, in one sentence, without the place and the remedy.
    file : str
        The file as the user named it; empty where none is concerned.
    place : str
        Byte, row and column, well, key or field.
    remedy : str
        What the user can do; the class's own remedy where empty.
    """

    remedy_by_default = "Report this message with the file that caused it."

    def __init__(self, message: str, *, file: str = "", place: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.place = place
        self.remedy = remedy or self.remedy_by_default

    def within(self, file: str = "", place: str = "") -> Self:
        """Fill in the file and place where the raiser could not know them.

        Parameters
        ----------
        file, place : str
            Used only where this error has none yet.

        Returns
        -------
        DecidualError
            This same error, to be raised again.
        """
        self.file = self.file or file
        self.place = self.place or place
        return self

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.file, self.place) if part)
        return f"{where + ': ' if where else ''}{self.message} Remedy: {self.remedy}"

    def __reduce__(self) -> tuple[object, ...]:
        state = {"message": self.message, "file": self.file, "place": self.place, "remedy": self.remedy}
        return (_rebuild, (type(self), state))


def _rebuild(kind: type[DecidualError], state: dict[str, str]) -> DecidualError:
    return kind(state["message"], file=state["file"], place=state["place"], remedy=state["remedy"])


class UnreadableFile(DecidualError):
    """The bytes are not what the file claims to hold."""

    remedy_by_default = "Export the file again from the instrument or program that wrote it."


class NotFCS(UnreadableFile):
    """The file does not begin as an FCS file does."""

    remedy_by_default = "Give the .fcs file that the cytometer wrote."


class BrokenFCS(UnreadableFile):
    """An FCS file whose segments, keywords or event data contradict each other."""

    remedy_by_default = "Copy the file again from the cytometer; it is damaged or cut short."


class UnsupportedFCS(UnreadableFile):
    """A valid FCS file that uses a feature this reader does not read."""

    remedy_by_default = "Export it as FCS 3.1 list mode with float or whole-byte integer data."


class NotAWorkspace(UnreadableFile):
    """The file is not a FlowJo workspace or Gating-ML document this reader knows."""

    remedy_by_default = "Save the workspace from FlowJo 10 as .wsp."


class UnsupportedGate(UnreadableFile):
    """A workspace holds a gate or transform this reader does not evaluate."""

    remedy_by_default = "Redraw the gate as a rectangle, polygon, ellipse, quadrant or boolean gate."


class NotAPlate(UnreadableFile):
    """The file is not a plate export this reader knows."""

    remedy_by_default = "Export the plate as xPONENT CSV, or as the long table of the format reference."


class BrokenPlate(UnreadableFile):
    """A plate export whose sections contradict each other or are cut short."""

    remedy_by_default = "Export the plate again with every section."


class UnsafeArchive(UnreadableFile):
    """A compressed file that unpacks beyond the limits or outside its folder."""

    remedy_by_default = "Unpack it yourself and give the file inside."


class BrokenCounts(UnreadableFile):
    """A count table whose counts contradict each other."""

    remedy_by_default = "Export the count table again with every population and its parent."


class BrokenStudy(DecidualError):
    """study.toml, a sheet, a panel or a results table breaks the format."""

    remedy_by_default = "Correct the named row and column, or key."


class BrokenKnowledge(DecidualError):
    """A row of the knowledge tables lacks a unit, a source or a known code."""

    remedy_by_default = "Give the row its unit and a source listed in sources.csv."


class Ambiguous(DecidualError):
    """More than one reading is possible, and a person must choose."""

    remedy_by_default = "State which reading is meant."


class OutsideLimits(DecidualError):
    """A value lies beyond what the method supports."""

    remedy_by_default = "Stay within the stated limits."


class NotComparable(DecidualError):
    """Two results differ in an identity field that binds."""

    remedy_by_default = "Compare, divide or place only results of one measurand."


class NotPlaceable(DecidualError):
    """No reference fits this measurand or this moment."""

    remedy_by_default = "Supply a reference of the same measurand and phase in references.csv."


class DidNotConverge(DecidualError):
    """A curve, gate or solver found no answer."""

    remedy_by_default = "Look at the data named; nothing was guessed."


class Refused(DecidualError):
    """A rule of use forbids this."""

    remedy_by_default = "Remove what the message names."


class BookDamaged(DecidualError):
    """The audit chain or a file's hash does not match."""

    remedy_by_default = "Restore the book from its last backup."


class DecidualWarning(UserWarning):
    """The input was read anyway; the text says with which assumption."""
