"""HEADER and TEXT of an FCS data set: where its segments lie and what its keywords say."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from decidua.cytometry.acquisition import Defect
from decidua.cytometry.fcs_events import Buffer
from decidua.errors import BrokenFCS, NotFCS, UnsupportedFCS

Span = tuple[int, int]
Pairs = list[tuple[bytes, bytes]]

VERSIONS = ("2.0", "3.0", "3.1")
HEADER_BYTES = 58
# Far above any real TEXT; they keep a damaged offset from filling the memory.
TEXT_BYTES_MAX = 8 * 2**20
KEYWORDS_MAX = 100_000
BLANKS = b" \t\r\n\0"
STANDARD_KEYWORD = re.compile(rb"\$[A-Za-z][A-Za-z0-9]*")
WHOLE_NUMBER = re.compile(r"\s*(\d{1,20})\s*", re.ASCII)
REAL_NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class DataSetText:
    """HEADER and keywords of one data set.

    Parameters
    ----------
    start : int
        Byte of the file at which the data set begins; the spans count from there.
    version : str
        Version of the FCS standard.
    text : tuple of int
        First and last byte of TEXT.
    data : tuple of int or None
        First and last byte of DATA as HEADER gives them; None where blank, 0 or not a number.
    keywords : dict of str to str
        Keys in capitals.
    defects : tuple of Defect
        What was wrong in HEADER and TEXT.
    """

    start: int
    version: str
    text: Span
    data: Span | None
    keywords: dict[str, str]
    defects: tuple[Defect, ...]


def whole_number(text: str | None) -> int | None:
    """Read a keyword that must be a whole number.

    Parameters
    ----------
    text : str or None
        Value of the keyword; blanks and leading zeros are allowed.

    Returns
    -------
    int or None
        None where it is missing or anything else.
    """
    match = WHOLE_NUMBER.fullmatch(text or "")
    return int(match[1]) if match else None


def real_number(text: str | None) -> float | None:
    """Read a keyword that must be a finite number.

    Parameters
    ----------
    text : str or None
        Value of the keyword.

    Returns
    -------
    float or None
        None where it is missing or anything else.
    """
    number = float(text) if text and REAL_NUMBER.fullmatch(text) else math.nan
    return number if math.isfinite(number) else None


def read_text(buffer: Buffer, start: int) -> DataSetText:
    """Read HEADER, TEXT and supplemental TEXT of one data set.

    Parameters
    ----------
    buffer : bytes or mmap
        The whole file.
    start : int
        Byte of the file at which the data set begins.

    Returns
    -------
    DataSetText
        The keywords and the spans that HEADER gives.

    Raises
    ------
    NotFCS
        The bytes do not begin with FCS and a version.
    UnsupportedFCS
        A version other than 2.0, 3.0 and 3.1.
    BrokenFCS
        HEADER or TEXT is cut short, or TEXT lies outside the file.
    """
    header = buffer[start : start + HEADER_BYTES]
    if not re.match(rb"FCS\d\.\d", header):
        raise NotFCS("The file does not begin with the letters FCS and a version.", place=f"byte {start}")
    version = header[3:6].decode("ascii")
    if version not in VERSIONS:
        raise UnsupportedFCS(
            f"FCS version {version} is not supported; {', '.join(VERSIONS)} are.", place="HEADER byte 3"
        )
    if len(header) < HEADER_BYTES:
        raise BrokenFCS(f"HEADER is cut short at {len(header)} of {HEADER_BYTES} bytes.", place="HEADER")
    defects: list[Defect] = []
    text = _text_span(header, len(buffer) - start)
    segment = buffer[start + text[0] : start + text[1] + 1]
    keywords = parse_keywords(segment, "TEXT", defects)
    further = _supplement(buffer, start, text, keywords, defects)
    data = _header_span(header, 26)
    if data is None and header[26:42].strip(b" 0\0"):
        defects.append(Defect("header_offsets", "HEADER byte 26", "HEADER gives no usable span of DATA; TEXT decides."))
    return DataSetText(start, version, text, data, {**further, **keywords}, tuple(defects))


def parse_keywords(segment: bytes, place: str, defects: list[Defect]) -> dict[str, str]:
    """Split a TEXT segment into keywords and values.

    A doubled delimiter within a value stands for the character itself. Straight after a keyword it means an
    empty value: the standard forbids both an empty value and a keyword that holds the delimiter, and only the
    first is met. Where a keyword is left without a value, a bare delimiter within a value is looked for: it
    shows by a standard keyword standing in the place of a value.

    Parameters
    ----------
    segment : bytes
        The segment, beginning with its delimiter.
    place : str
        Name of the segment.
    defects : list of Defect
        What is found wrong is appended.

    Returns
    -------
    dict of str to str
        Keys in capitals and without surrounding blanks; the last of several values.

    Raises
    ------
    BrokenFCS
        The segment does not begin with a delimiter or holds too many keywords.
    """
    delimiter = segment[:1]
    if delimiter.isalnum() or delimiter in b"$":
        raise BrokenFCS(f"{place} does not begin with a delimiter.", place=place)
    body = segment[1:].rstrip(BLANKS.replace(delimiter, b""))
    pairs, leftover = _pairs(body, delimiter)
    if leftover:
        glued = _glued(pairs, leftover, delimiter)
        again = 2 * len(pairs) + 1 - 2 * len(glued)
        message = (
            f"{again} bare delimiters were given back to the values before them."
            if again > 1
            else "One bare delimiter was given back to the value before it, or the last keyword has no value."
        )
        defects.append(Defect("text_odd_count", place, message))
        pairs = glued
    elif not body.endswith(delimiter):
        defects.append(Defect("text_unterminated", place, "The last value has no delimiter after it."))
    empty = sum(1 for _, value in pairs if not value)
    if empty:
        defects.append(Defect("text_empty_value", place, f"{empty} keywords have an empty value."))
    return _decoded(pairs, place, defects)


def _text_span(header: bytes, size: int) -> Span:
    place = "HEADER byte 10"
    span = _header_span(header, 10)
    if span is None or span[0] < HEADER_BYTES or span[1] <= span[0]:
        raise BrokenFCS("HEADER gives no usable span of TEXT.", place=place)
    if span[1] >= size:
        raise BrokenFCS(f"TEXT ends at byte {span[1]}, past the end of the file ({size} bytes).", place=place)
    if span[1] - span[0] > TEXT_BYTES_MAX:
        raise BrokenFCS(f"TEXT would be longer than {TEXT_BYTES_MAX} bytes.", place=place)
    return span


def _header_span(header: bytes, at: int) -> Span | None:
    begin, end = (
        whole_number(header[place : place + 8].decode("latin-1").replace("\0", " ")) for place in (at, at + 8)
    )
    return (begin, end) if begin and end else None


def _supplement(
    buffer: Buffer, start: int, text: Span, keywords: dict[str, str], defects: list[Defect]
) -> dict[str, str]:
    begin, end = whole_number(keywords.get("$BEGINSTEXT")), whole_number(keywords.get("$ENDSTEXT"))
    if not begin or not end or (begin, end) == text:
        return {}
    usable = HEADER_BYTES <= begin < end < len(buffer) - start and end - begin <= TEXT_BYTES_MAX
    segment = buffer[start + begin : start + end + 1] if usable else b""
    if segment[:1] != buffer[start + text[0] : start + text[0] + 1]:
        defects.append(Defect("stext_unreadable", "$BEGINSTEXT", "No supplemental TEXT lies there; it was left out."))
        return {}
    return parse_keywords(segment, "supplemental TEXT", defects)


def _pairs(body: bytes, delimiter: bytes) -> tuple[Pairs, bytes]:
    one, other = re.escape(delimiter), b"[^" + re.escape(delimiter) + b"]"
    pair = re.compile(b"(%b*+)%b((?:%b++|%b%b)*+)(?:%b|\\Z)" % (other, one, other, one, one, one))
    pairs: Pairs = []
    position = 0
    while (match := pair.match(body, position)) and match.end() > match.start(2):
        position = match.end()
        pairs.append((match[1].strip(BLANKS), match[2].replace(delimiter * 2, delimiter)))
        if len(pairs) > KEYWORDS_MAX:
            raise BrokenFCS(f"TEXT holds more than {KEYWORDS_MAX} keywords.", place="TEXT")
    return pairs, body[position:].removesuffix(delimiter).strip(BLANKS)


def _glued(pairs: Pairs, leftover: bytes, delimiter: bytes) -> Pairs:
    tokens = [token for pair in pairs for token in pair] + [leftover]
    glued: Pairs = []
    position = 0
    while position + 1 < len(tokens):
        key, value = tokens[position : position + 2]
        if glued and STANDARD_KEYWORD.fullmatch(value) and not STANDARD_KEYWORD.fullmatch(key):
            glued[-1] = (glued[-1][0], glued[-1][1] + delimiter + key)
            position += 1
        else:
            glued.append((key, value))
            position += 2
    return glued


def _decoded(pairs: Pairs, place: str, defects: list[Defect]) -> dict[str, str]:
    keywords: dict[str, str] = {}
    foreign = repeated = 0
    for raw_key, raw_value in pairs:
        try:
            key, value = raw_key.decode("utf-8").upper(), raw_value.decode("utf-8")
        except UnicodeDecodeError:
            key, value = raw_key.decode("latin-1").upper(), raw_value.decode("latin-1")
            foreign += 1
        repeated += keywords.get(key, value) != value
        keywords[key] = value
    if foreign:
        message = f"{foreign} keywords are not UTF-8 and were read as Latin-1."
        defects.append(Defect("text_encoding", place, message))
    if repeated:
        message = f"{repeated} keywords are given twice with different values; the last was taken."
        defects.append(Defect("keyword_repeated", place, message))
    keywords.pop("", None)
    return keywords
