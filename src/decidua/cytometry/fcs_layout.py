"""Where the events of an FCS data set lie and how they are stored, decided by arithmetic."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from decidua.cytometry.acquisition import Channel, Defect
from decidua.cytometry.fcs_channels import value_mask
from decidua.cytometry.fcs_events import Field
from decidua.cytometry.fcs_text import HEADER_BYTES, DataSetText, Span, whole_number
from decidua.errors import BrokenFCS, UnsupportedFCS


@dataclass(frozen=True, slots=True)
class Candidate:
    """One reading of the span of DATA.

    Parameters
    ----------
    source : str
        HEADER or TEXT.
    span : tuple of int
        First and last byte, from the start of the data set.
    count : int
        Events it holds.
    spare : int
        Bytes it holds beyond those events, 0 or 1.
    overlap : bool
        It shares bytes with HEADER or TEXT.
    """

    source: str
    span: Span
    count: int
    spare: int
    overlap: bool


def read_fields(keywords: Mapping[str, str], channels: tuple[Channel, ...]) -> tuple[Field, ...]:
    """Read the byte order and give each channel its place in an event.

    Parameters
    ----------
    keywords : mapping of str to str
        Keywords of the data set, in capitals.
    channels : tuple of Channel
        In the order of the file.

    Returns
    -------
    tuple of Field
        One per channel.

    Raises
    ------
    BrokenFCS
        ``$BYTEORD`` is missing or no order of bytes.
    UnsupportedFCS
        A mixed order such as 3,4,1,2 with values of another width.
    """
    stated = keywords.get("$BYTEORD", "")
    order = tuple(int(digit) - 1 for digit in re.findall(r"[1-8]", stated))
    spelt = re.fullmatch(r"\s*[1-8](\s*,\s*[1-8])*\s*", stated)
    if not spelt or sorted(order) != list(range(len(order))):
        raise BrokenFCS("$BYTEORD is missing or no order of bytes.", place="$BYTEORD")
    return tuple(
        Field(channel.type, _places(order, channel), value_mask(channel) if channel.type == "I" else 0)
        for channel in channels
    )


def locate_events(text: DataSetText, event_bytes: int, size: int, defects: list[Defect]) -> tuple[int, int]:
    """Decide where DATA lies: HEADER's span or TEXT's, whichever the number of events agrees with.

    A span balances when it holds the events exactly, or one byte more, and lies within the file. Of two that
    balance, one clear of HEADER and TEXT goes before one that overlaps them, an exact one before one with a
    spare byte, and HEADER's before TEXT's.

    Parameters
    ----------
    text : DataSetText
        HEADER and keywords.
    event_bytes : int
        Size of one event [byte].
    size : int
        Bytes from the start of the data set to the end of the file.
    defects : list of Defect
        What is found wrong is appended.

    Returns
    -------
    int
        First byte of the events, from the start of the data set; 0 where there are none.
    int
        Number of events.

    Raises
    ------
    BrokenFCS
        No span balances.
    """
    begin, end = (whole_number(text.keywords.get(key)) for key in ("$BEGINDATA", "$ENDDATA"))
    stated = (begin, end) if begin and end else None
    total = whole_number(text.keywords.get("$TOT"))
    spans = {source: span for source, span in (("HEADER", text.data), ("TEXT", stated)) if span}
    candidates = [_candidate(source, spans[source], total, event_bytes, size, text.text) for source in spans]
    balanced = [candidate for candidate in candidates if candidate]
    if not balanced:
        if total == 0 and not spans:
            return 0, 0
        raise BrokenFCS(_imbalance(spans, total, event_bytes, size), place="DATA")
    chosen = min(balanced, key=lambda one: (one.overlap, one.spare, one.source == "TEXT"))
    defects.extend(_offset_defects(text, stated, chosen))
    if total is None and ("$TOT" in text.keywords or text.version != "2.0"):
        message = f"The number of events is missing; {chosen.count} follow from the size of DATA."
        defects.append(Defect("total_missing", "$TOT", message))
    return (chosen.span[0], chosen.count) if chosen.count else (0, 0)


def _candidate(source: str, span: Span, total: int | None, event_bytes: int, size: int, text: Span) -> Candidate | None:
    length = span[1] - span[0] + 1
    count = max(length, 0) // event_bytes if total is None else total
    spare = length - count * event_bytes
    # With events of one byte a spare byte cannot be told from an event.
    if spare not in ((0, 1) if event_bytes > 1 else (0,)) or span[0] + count * event_bytes > size:
        return None
    overlap = count > 0 and (span[0] < HEADER_BYTES or (span[0] <= text[1] and span[1] >= text[0]))
    return Candidate(source, span, count, spare, overlap)


def _offset_defects(text: DataSetText, stated: Span | None, chosen: Candidate) -> list[Defect]:
    defects = []
    if text.data and stated and text.data != stated:
        message = (
            f"HEADER puts DATA at {text.data[0]}-{text.data[1]}, TEXT at {stated[0]}-{stated[1]}; "
            f"{chosen.source} was followed."
        )
        defects.append(Defect("data_offsets_differ", "DATA", message))
    if stated is None and text.version != "2.0" and chosen.count:
        message = "TEXT gives no usable span of DATA; HEADER was followed."
        defects.append(Defect("data_offsets_missing", "$BEGINDATA", message))
    if chosen.spare:
        message = f"{chosen.source} ends DATA one byte past its last event."
        defects.append(Defect("data_end_one_past", "DATA", message))
    if chosen.overlap:
        defects.append(Defect("data_overlaps", "DATA", "DATA shares bytes with HEADER or TEXT."))
    return defects


def _imbalance(spans: dict[str, Span], total: int | None, event_bytes: int, size: int) -> str:
    if not spans:
        return "Neither HEADER nor TEXT says where DATA lies."
    given = ", ".join(f"{source} gives bytes {begin}-{end}" for source, (begin, end) in spans.items())
    events = f"{total} events" if total is not None else "events"
    return (
        f"DATA does not balance: {events} of {event_bytes} bytes, {given}, "
        f"and the file holds {size} bytes from the start of the data set."
    )


def _places(order: tuple[int, ...], channel: Channel) -> tuple[int, ...]:
    places = tuple(range(channel.bits // 8))
    if len(order) == len(places):
        return order
    ascending = tuple(range(len(order)))
    # Writers give 1,2 or 1,2,3,4 for values of any width; a lone 1 says nothing of wider ones.
    if len(places) == 1 or (len(order) > 1 and order == ascending):
        return places
    if len(order) > 1 and order == ascending[::-1]:
        return places[::-1]
    shown = ",".join(str(place + 1) for place in order)
    raise UnsupportedFCS(f"Byte order {shown} with values of {channel.bits} bits is not supported.", place="$BYTEORD")
