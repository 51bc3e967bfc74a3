"""Reading FCS files, versions 2.0, 3.0 and 3.1, list mode.

HEADER says where TEXT lies (fcs_text), TEXT describes the channels (fcs_channels), and arithmetic decides
where the events lie (fcs_layout); nothing is allocated before the numbers agree with the size of the file.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from decidua.cytometry.acquisition import Acquisition, Channel, Defect, Spillover
from decidua.cytometry.fcs_channels import read_channels, read_spillover
from decidua.cytometry.fcs_events import Buffer, EventTable
from decidua.cytometry.fcs_layout import locate_events, read_fields
from decidua.cytometry.fcs_text import DataSetText, read_text, real_number, whole_number
from decidua.errors import (
    Ambiguous,
    BrokenFCS,
    DecidualError,
    NotFCS,
    OutsideLimits,
    UnreadableFile,
    UnsupportedFCS,
)

OnDefect = Literal["record", "raise"]


@dataclass(frozen=True, slots=True)
class DataSet:
    """One data set of a file, as listed.

    Parameters
    ----------
    number : int
        From 1, in the order of the file.
    start : int
        Byte of the file at which it begins.
    version : str
        Version of the FCS standard.
    events : int
        Number of events.
    channels : tuple of str
        ``$PnN`` of its channels.
    """

    number: int
    start: int
    version: str
    events: int
    channels: tuple[str, ...]


def read_fcs(
    path: str | os.PathLike[str], *, data_set: int | None = None, on_defect: OnDefect = "record", name: str = ""
) -> Acquisition:
    """Read one data set of an FCS file.

    The events stay in the file, mapped into memory, until they are asked for; keep it in place until then.

    Parameters
    ----------
    path : str or path
        The file.
    data_set : int or None
        Number of the data set, from 1; may be left out where the file holds only one.
    on_defect : {"record", "raise"}
        What to do with a file that can be read only on an assumption: write the assumption into
        `Acquisition.defects`, or refuse.
    name : str
        How the file is called in the acquisition and in errors; its path where empty.

    Returns
    -------
    Acquisition
        Channels, keywords, spillover, and the events ready to be read.

    Raises
    ------
    NotFCS
        The file does not begin as an FCS file does.
    BrokenFCS
        Its parts contradict each other, or it has a defect and `on_defect` is "raise".
    UnsupportedFCS
        It uses a version or form of data this reader does not know.
    Ambiguous
        It holds several data sets and none was chosen.
    OutsideLimits
        It holds fewer data sets than the number chosen, or `on_defect` is neither word.
    UnreadableFile
        It cannot be opened.
    """
    name = name or os.fspath(path)
    try:
        if on_defect not in ("record", "raise"):
            raise OutsideLimits('on_defect is neither "record" nor "raise".', remedy="Use one of the two.")
        buffer = _mapped(path)
        text, defects = _chosen(buffer, data_set)
        acquisition = _acquisition(buffer, name, data_set or 1, text, defects)
        if on_defect == "raise" and acquisition.defects:
            first = acquisition.defects[0]
            raise BrokenFCS(first.message, place=first.place)
    except DecidualError as error:
        error.within(name)
        raise
    return acquisition


def list_data_sets(path: str | os.PathLike[str]) -> tuple[DataSet, ...]:
    """List the data sets of an FCS file.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    tuple of DataSet
        In the order of the file.

    Raises
    ------
    NotFCS
        The file does not begin as an FCS file does.
    BrokenFCS
        The parts of a data set contradict each other.
    UnsupportedFCS
        A data set uses a version or form of data this reader does not know.
    UnreadableFile
        The file cannot be opened.
    """
    name = os.fspath(path)
    listed: list[DataSet] = []
    try:
        buffer = _mapped(path)
        for text, _ in _data_sets(buffer):
            channels, _, table = _contents(buffer, text, [])
            names = tuple(channel.name for channel in channels)
            listed.append(DataSet(len(listed) + 1, text.start, text.version, table.count, names))
    except DecidualError as error:
        error.within(name, f"data set {len(listed) + 1}")
        raise
    return tuple(listed)


def _mapped(path: str | os.PathLike[str]) -> mmap.mmap:
    try:
        with open(path, "rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise NotFCS("The file is empty.", place="byte 0")
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFile(
            f"The file cannot be opened: {reason}.", remedy="Check that it exists and may be read."
        ) from error


def _data_sets(buffer: Buffer) -> Iterator[tuple[DataSetText, list[Defect]]]:
    """Walk the chain of $NEXTDATA; each data set comes with the defects of its link to the next."""
    start: int | None = 0
    while start is not None:
        text = read_text(buffer, start)
        defects: list[Defect] = []
        start = _next_start(buffer, text, defects)
        yield text, defects


def _next_start(buffer: Buffer, text: DataSetText, defects: list[Defect]) -> int | None:
    stated = text.keywords.get("$NEXTDATA", "").strip()
    offset = whole_number(stated)
    if offset == 0 or not stated:
        return None
    if offset is not None:
        # The standard counts from the start of this data set; some programs count from the start of the file.
        for start in (text.start + offset, offset):
            if not re.match(rb"FCS\d\.\d", buffer[start : start + 6]):
                continue
            if start > text.start:
                return start
            message = "The chain of data sets leads back on itself; it was cut here."
            defects.append(Defect("next_data_loop", "$NEXTDATA", message))
            return None
    message = "No data set begins where the next one should; this one was taken as the last."
    defects.append(Defect("next_data_missing", "$NEXTDATA", message))
    return None


def _chosen(buffer: Buffer, data_set: int | None) -> tuple[DataSetText, list[Defect]]:
    if data_set is not None and data_set < 1:
        raise OutsideLimits("Data sets are numbered from 1.", place="data_set")
    number = 0
    for text, defects in _data_sets(buffer):
        number += 1
        if data_set is None and _next_start(buffer, text, []) is not None:
            raise Ambiguous(
                "The file holds several data sets.",
                remedy="Choose one by its number; list_data_sets shows them.",
            )
        if number == (data_set or 1):
            return text, defects
    raise OutsideLimits(
        f"The file holds {number} data sets, not {data_set}.", remedy="Choose one that list_data_sets shows."
    )


def _contents(
    buffer: Buffer, text: DataSetText, defects: list[Defect]
) -> tuple[tuple[Channel, ...], Spillover | None, EventTable]:
    mode = text.keywords.get("$MODE", "").strip().upper()
    if mode in ("C", "U"):
        raise UnsupportedFCS(f"Histograms ($MODE {mode}) are not supported.", place="$MODE")
    if mode != "L":
        defects.append(Defect("mode_missing", "$MODE", "The mode is missing or unknown; a list of events was assumed."))
    spillover = read_spillover(text.keywords, defects)
    channels = read_channels(text.keywords, spillover, defects)
    fields = read_fields(text.keywords, channels)
    event_bytes = sum(field.width for field in fields)
    begin, count = locate_events(text, event_bytes, len(buffer) - text.start, defects)
    return channels, spillover, EventTable(buffer, text.start + begin, count, fields)


def _acquisition(
    buffer: mmap.mmap, file: str, number: int, text: DataSetText, link_defects: list[Defect]
) -> Acquisition:
    defects = [*text.defects, *link_defects]
    channels, spillover, table = _contents(buffer, text, defects)
    timestep = real_number(text.keywords.get("$TIMESTEP"))
    if "$TIMESTEP" in text.keywords and (timestep is None or timestep <= 0):
        defects.append(Defect("timestep_malformed", "$TIMESTEP", "The time step is not a positive number."))
        timestep = None
    events, values = table.non_finite()
    if events:
        where = ", ".join(f"{channel.name} {bad}" for channel, bad in zip(channels, values, strict=True) if bad)
        message = f"{events} of {table.count} events hold NaN or infinity ({where}); they were kept."
        defects.append(Defect("non_finite", "DATA", message))
    return Acquisition(
        file=file,
        sha256=hashlib.sha256(buffer).hexdigest(),
        data_set=number,
        version=text.version,
        count=table.count,
        channels=channels,
        spillover=spillover,
        keywords=MappingProxyType(text.keywords),
        timestep=timestep,
        defects=tuple(defects),
        table=table,
    )
