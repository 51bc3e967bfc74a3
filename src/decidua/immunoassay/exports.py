"""Plate files of every kind read: from bytes to `Plate`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from decidua.errors import BrokenPlate, NotAPlate, UnreadableFile
from decidua.immunoassay.long_table import is_long_table, read_long_table
from decidua.immunoassay.plate import Plate
from decidua.immunoassay.xponent import is_xponent, read_xponent
from decidua.tables import Note, decode, read_bytes

_LARGEST = 64 * 2**20


def read_plate(path: Path, *, file: str = "") -> Plate:
    """Read a plate export: xPONENT and its relatives, or the plain table of the format reference.

    Parameters
    ----------
    path : Path
        Where the file lies.
    file : str
        As the user named it; its name where empty.

    Returns
    -------
    Plate
        Wells, roles, raw signals, bead counts, expected concentrations and what was met on the way.

    Raises
    ------
    NotAPlate
        Where the file is a spreadsheet under another name, no text, or no plate export known here.
    BrokenPlate
        Where its parts contradict each other or are cut short.
    UnreadableFile
        Where it is absent.
    Ambiguous
        Where its delimiter or decimal mark can be read in two ways.
    """
    file = file or path.name
    raw = read_bytes(path, file)
    if len(raw) > _LARGEST:
        raise NotAPlate(f"holds {len(raw) // 2**20} MB; a plate export is never above 64 MB.", file=file)
    notes: list[Note] = []
    try:
        text = decode(raw, file, notes)
    except UnreadableFile as unread:
        spreadsheet = "Export the plate as CSV: a spreadsheet under another name is not read."
        remedy = spreadsheet if "Excel" in unread.message else ""
        raise NotAPlate(unread.message, file=file, place=unread.place or "byte 0", remedy=remedy) from unread
    if not text.strip():
        raise NotAPlate("the file is empty.", file=file, place="byte 0")
    if is_xponent(text):
        return read_xponent(text, raw, file, hashlib.sha256(raw).hexdigest(), notes)
    header = next(line for line in text.splitlines() if line.strip())
    if is_long_table(header):
        return read_long_table(path, file)
    if header.lstrip('" ').startswith("Program"):
        raise BrokenPlate("section Median is missing.", file=file, place="section Median")
    remedy = "Choose the xPONENT layout in the INTELLIFLEX export." if "WELL LOCATION" in header else ""
    raise NotAPlate("this is no plate export known here.", file=file, place="row 1", remedy=remedy)


def is_plate(path: Path, file: str) -> bool:
    """Tell whether a text file is a plate export by its first lines.

    Parameters
    ----------
    path : Path
        Where the file lies.
    file : str
        As the user named it.

    Returns
    -------
    bool
        False for everything that is no text.

    Raises
    ------
    UnreadableFile
        Where it is absent.
    """
    try:
        text = decode(read_bytes(path, file), file, [])
    except UnreadableFile:
        if not path.is_file():
            raise
        return False
    header = next((line for line in text.splitlines() if line.strip()), "")
    return is_xponent(text) or is_long_table(header)
