"""Channels and spillover matrix out of the keywords of an FCS data set."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping

import numpy as np

from decidua.cytometry.acquisition import Channel, Defect, Spillover
from decidua.cytometry.fcs_text import real_number, whole_number
from decidua.errors import BrokenFCS, UnsupportedFCS

FLOAT_BITS = {"F": 32, "D": 64}
INTEGER_BITS_MAX = 64
DOUBLE_EXACT_BITS = 53
SPILLOVER_KEYWORDS = ("$SPILLOVER", "$SPILL", "SPILL")
DETECTORS = {
    "forward scatter": "forward_scatter",
    "side scatter": "side_scatter",
    "fluorescence": "fluorescence",
    "raw fluorescence": "fluorescence",
    "unmixed fluorescence": "unmixed",
    "mass": "mass",
    "time": "time",
}
# Names in use where $PnTYPE is missing; any other stays unknown unless the spillover matrix holds it.
NAMED_DETECTORS = (
    (re.compile(r"time|hdr-t", re.IGNORECASE), "time"),
    (re.compile(r"(fsc|fs)\b.*", re.IGNORECASE), "forward_scatter"),
    (re.compile(r"(ssc|ss)\b.*", re.IGNORECASE), "side_scatter"),
    (re.compile(r"fl ?\d+\b.*", re.IGNORECASE), "fluorescence"),
    (re.compile(r".*\([A-Z][a-z]?\d{2,3}\)D[id]"), "mass"),
)


def read_channels(
    keywords: Mapping[str, str], spillover: Spillover | None, defects: list[Defect]
) -> tuple[Channel, ...]:
    """Read ``$PAR`` and the ``$Pn`` keywords.

    Parameters
    ----------
    keywords : mapping of str to str
        Keywords of the data set, in capitals.
    spillover : Spillover or None
        Tells which channels detect fluorescence where the file does not say so.
    defects : list of Defect
        What is found wrong is appended.

    Returns
    -------
    tuple of Channel
        In the order of the file.

    Raises
    ------
    BrokenFCS
        The type of data, the number of channels or a width is missing or impossible.
    UnsupportedFCS
        Data written as text, widths that are not whole bytes, or several types in one event.
    """
    kind = keywords.get("$DATATYPE", "").strip().upper()
    if kind == "A":
        raise UnsupportedFCS("Events written as text ($DATATYPE A) are not supported.", place="$DATATYPE")
    if kind not in ("I", "F", "D"):
        raise BrokenFCS("$DATATYPE is missing or none of I, F, D and A.", place="$DATATYPE")
    number = whole_number(keywords.get("$PAR"))
    if not number or number > len(keywords):
        raise BrokenFCS("$PAR is missing or names more channels than TEXT describes.", place="$PAR")
    detected = {_stem(name) for name in spillover.channels} if spillover else set()
    channels = tuple(_channel(n, kind, keywords, detected, defects) for n in range(1, number + 1))
    for name, times in Counter(channel.name for channel in channels).items():
        if times > 1:
            defects.append(Defect("name_repeated", "$PnN", f"{times} channels bear the name {name}."))
    return channels


def read_spillover(keywords: Mapping[str, str], defects: list[Defect]) -> Spillover | None:
    """Read the spillover matrix of ``$SPILLOVER``, ``$SPILL`` or ``SPILL``, the first there is.

    Parameters
    ----------
    keywords : mapping of str to str
        Keywords of the data set, in capitals.
    defects : list of Defect
        A matrix that cannot be read, or that names channels the file lacks, is appended.

    Returns
    -------
    Spillover or None
        None where the file carries no matrix that can be read.
    """
    keyword = next((key for key in SPILLOVER_KEYWORDS if keywords.get(key, "").strip()), None)
    if keyword is None:
        return None
    cells = [cell.strip() for cell in keywords[keyword].split(",")]
    size = whole_number(cells[0]) or 0
    names, numbers = cells[1 : size + 1], [real_number(cell) for cell in cells[size + 1 :]]
    values = [number for number in numbers if number is not None]
    if not size or len(values) != size**2 or len(numbers) != size**2 or len(set(names)) != size:
        message = "The matrix was left out: it is not n, n different names and n times n numbers."
        defects.append(Defect("spillover_malformed", keyword, message))
        return None
    present = {n: keywords.get(f"$P{n}N", "").strip() for n in range(1, len(keywords) + 1)}
    missing = [name for name in names if name not in present.values()]
    numbered = [present.get(whole_number(name) or 0, "") for name in names]
    if missing and all(numbered):
        names, missing = numbered, []
        message = "The matrix names its channels by number; they were taken as the numbers of $PnN."
        defects.append(Defect("spillover_numbered", keyword, message))
    if missing:
        message = f"The matrix names {len(missing)} channels that the file lacks: {', '.join(missing)}."
        defects.append(Defect("spillover_channels", keyword, message))
    matrix = np.array(values, np.float64).reshape(size, size)
    matrix.flags.writeable = False
    return Spillover(tuple(names), matrix)


def _channel(
    n: int, kind: str, keywords: Mapping[str, str], detected: Collection[str], defects: list[Defect]
) -> Channel:
    name = keywords.get(f"$P{n}N", "").strip()
    if not name:
        name = f"P{n}"
        defects.append(Defect("name_missing", f"$P{n}N", f"The channel has no name; it is called {name}."))
    if keywords.get(f"$P{n}DATATYPE", kind).strip().upper() != kind:
        raise UnsupportedFCS("Several types of data in one event are not supported.", place=f"$P{n}DATATYPE")
    bits = _bits(n, kind, keywords, defects)
    highest = _range(n, kind, keywords, defects)
    decades, floor = _amplification(n, kind, highest, keywords, defects)
    gain = real_number(keywords.get(f"$P{n}G", "1"))
    if gain is None or gain < 0:
        defects.append(Defect("gain_malformed", f"$P{n}G", "The gain is not a positive number; 1 was taken."))
    if kind == "I" and min(bits, _carried_bits(highest, bits)) > DOUBLE_EXACT_BITS:
        message = "Integers above 2**53 are rounded to the nearest double-precision number."
        defects.append(Defect("integers_rounded", f"$P{n}B", message))
    return Channel(
        index=n,
        name=name,
        marker=keywords.get(f"$P{n}S", "").strip(),
        type=kind,
        bits=bits,
        range=highest,
        gain=gain if gain and gain > 0 else 1.0,
        decades=decades,
        floor=floor,
        detector=_detector(name, keywords.get(f"$P{n}TYPE"), detected),
    )


def value_mask(channel: Channel) -> int:
    """Give the bits of a stored integer that carry its value: up to the next power of two of the range.

    Parameters
    ----------
    channel : Channel
        A channel of integers.

    Returns
    -------
    int
        All bits where no range is stated.
    """
    return int(2 ** _carried_bits(channel.range, channel.bits) - 1)


def _carried_bits(highest: int | float, bits: int) -> int:
    return min(bits, (math.ceil(highest) - 1).bit_length()) if highest >= 2 else bits


def _bits(n: int, kind: str, keywords: Mapping[str, str], defects: list[Defect]) -> int:
    place = f"$P{n}B"
    bits = whole_number(keywords.get(place))
    if kind in FLOAT_BITS:
        if bits != FLOAT_BITS[kind]:
            message = f"$DATATYPE {kind} means {FLOAT_BITS[kind]} bits, whatever this keyword says."
            defects.append(Defect("width_contradicted", place, message))
        return FLOAT_BITS[kind]
    if not bits or bits > INTEGER_BITS_MAX:
        raise BrokenFCS(f"The width is missing or not 1 to {INTEGER_BITS_MAX} bits.", place=place)
    if bits % 8:
        raise UnsupportedFCS(f"Bit-packed integers ({bits} bits wide) are not supported.", place=place)
    return bits


def _range(n: int, kind: str, keywords: Mapping[str, str], defects: list[Defect]) -> int | float:
    place = f"$P{n}R"
    whole = whole_number(keywords.get(place))
    highest = real_number(keywords.get(place)) if whole is None else whole
    if highest is None or highest <= 0 or (kind == "I" and highest < 2):
        unmasked = "; its integers were not masked" if kind == "I" else ""
        defects.append(Defect("range_malformed", place, f"The range is missing or too low{unmasked}."))
        return 0
    return highest


def _amplification(
    n: int, kind: str, highest: int | float, keywords: Mapping[str, str], defects: list[Defect]
) -> tuple[float, float]:
    place = f"$P{n}E"
    numbers = [real_number(part) for part in keywords.get(place, "").split(",")]
    decades, floor = numbers if len(numbers) == 2 else (None, None)
    if decades is None or floor is None or decades < 0 or floor < 0:
        if kind == "I":
            message = "The amplification is missing or not two numbers; linear was assumed."
            defects.append(Defect("amplification_malformed", place, message))
        return 0.0, 0.0
    if decades and (kind != "I" or not highest):
        message = "Logarithmic amplification needs integers with a range; linear was assumed."
        defects.append(Defect("amplification_contradicted", place, message))
        return 0.0, 0.0
    # The standard has readers take 1 where a writer gave the impossible 0.
    return (decades, floor or 1.0) if decades else (0.0, 0.0)


def _detector(name: str, stated: str | None, detected: Collection[str]) -> str:
    if stated:
        return DETECTORS.get(stated.strip().lower().replace("_", " "), "other")
    for pattern, detector in NAMED_DETECTORS:
        if pattern.fullmatch(name):
            return detector
    return "fluorescence" if _stem(name) in detected else "unknown"


def _stem(name: str) -> str:
    """Drop what tells area, height and width of one pulse apart."""
    return re.sub(r"-[AHW]$", "", name)
