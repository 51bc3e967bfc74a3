"""Writing FCS 3.1 files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decidua.cytometry.acquisition import Channel, Spillover
from decidua.cytometry.fcs_channels import value_mask
from decidua.cytometry.fcs_text import HEADER_BYTES
from decidua.errors import OutsideLimits

HEADER_OFFSET_MAX = 99_999_999
# The first that occurs in no keyword and no value is taken, so that escapes stay rare.
DELIMITERS = ("/", "|", "\\", "\f", "\x1e")
INTEGER_BITS = (8, 16, 32, 64)
BLOCK_EVENTS = 65_536
# DATA begins where every number can be read in place.
ALIGNMENT = 8
SINGLE_MAX = float(np.finfo(np.float32).max)


def write_fcs(
    path: str | os.PathLike[str],
    events: ArrayLike,
    channels: Sequence[Channel],
    *,
    keywords: Mapping[str, str] | None = None,
    spillover: Spillover | None = None,
    data_type: Literal["F", "D", "I"] = "F",
) -> None:
    """Write events as an FCS 3.1 file, little-endian.

    Parameters
    ----------
    path : str or path
        The file to write; one that exists is replaced.
    events : array, axes [event, channel]
        Stored values, not scaled; rounded to single precision where `data_type` is F.
    channels : sequence of Channel
        One per column. `index`, `type` and `detector` are not written, nor is `bits` except for integers.
    keywords : mapping of str to str or None
        Further keywords. Those that describe layout and channels are replaced by what is written; one with an
        empty value is left out, as the standard allows none.
    spillover : Spillover or None
        Written as ``$SPILLOVER``.
    data_type : {"F", "D", "I"}
        Single precision, double precision, or unsigned integers of each channel's `bits`.

    Raises
    ------
    OutsideLimits
        The events do not fit the channels or their type, or a name or keyword cannot be written in FCS.
    OSError
        The file cannot be written; nothing is left behind.
    """
    table = np.asarray(events)
    if table.ndim != 2 or table.shape[1] != len(channels) or not channels or table.dtype.kind not in "iufb":
        raise OutsideLimits(
            f"Events of shape {table.shape} and type {table.dtype} do not fit {len(channels)} channels.",
            file=os.fspath(path),
        )
    stored = _stored_types(channels, data_type)
    described = _description(channels, stored, data_type) | {"$TOT": str(len(table))}
    if spillover:
        described |= {"$SPILLOVER": _spillover(spillover), "$SPILL": "", "SPILL": ""}
    written = {key.upper(): value for key, value in (keywords or {}).items()} | described
    head = _head(written, len(table) * sum(kind.itemsize for kind in stored))
    for start in range(0, len(table), BLOCK_EVENTS):
        _check(table[start : start + BLOCK_EVENTS], channels, stored)
    _put_in_place(path, head, table, stored)


def _put_in_place(
    path: str | os.PathLike[str], head: bytes, table: NDArray[Any], stored: list[np.dtype[np.generic]]
) -> None:
    # Put in place whole: the events may be a view of the very file that is replaced.
    part = f"{os.fspath(path)}.part"
    try:
        with open(part, "wb") as file:
            file.write(head)
            for start in range(0, len(table), BLOCK_EVENTS):
                file.write(_packed(table[start : start + BLOCK_EVENTS], stored))
            file.write(b"0" * 8)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(part)
        raise


def _stored_types(channels: Sequence[Channel], data_type: str) -> list[np.dtype[np.generic]]:
    if data_type in ("F", "D"):
        return [np.dtype("<f4" if data_type == "F" else "<f8")] * len(channels)
    if data_type != "I":
        raise OutsideLimits("The type of data to write is none of F, D and I.")
    for channel in channels:
        if channel.bits not in INTEGER_BITS:
            raise OutsideLimits(f"Integers of {channel.bits} bits are not written.", place=channel.name)
    return [np.dtype(f"<u{channel.bits // 8}") for channel in channels]


def _description(channels: Sequence[Channel], stored: list[np.dtype[np.generic]], data_type: str) -> dict[str, str]:
    written = {
        "$BEGINANALYSIS": "0",
        "$ENDANALYSIS": "0",
        "$BEGINSTEXT": "0",
        "$ENDSTEXT": "0",
        "$BEGINDATA": "",
        "$ENDDATA": "",
        "$NEXTDATA": "0",
        "$BYTEORD": "1,2,3,4",
        "$DATATYPE": data_type,
        "$MODE": "L",
        "$PAR": str(len(channels)),
    }
    for n, (channel, kind) in enumerate(zip(channels, stored, strict=True), start=1):
        if not channel.name.strip() or "," in channel.name:
            raise OutsideLimits("A channel needs a name without commas.", place=f"$P{n}N")
        if channel.decades and data_type != "I":
            raise OutsideLimits("A logarithmic amplifier stores integers only.", place=f"$P{n}E")
        written[f"$P{n}N"] = channel.name
        written[f"$P{n}S"] = channel.marker
        written[f"$P{n}B"] = str(8 * kind.itemsize)
        written[f"$P{n}R"] = str(channel.range)
        written[f"$P{n}E"] = f"{channel.decades},{channel.floor}" if channel.decades else "0,0"
        written[f"$P{n}G"] = str(channel.gain)
    return written


def _spillover(spillover: Spillover) -> str:
    names, matrix = spillover.channels, spillover.matrix
    square = matrix.shape == (len(names), len(names)) and bool(np.isfinite(matrix).all())
    if not square or not names or any("," in name for name in names):
        raise OutsideLimits("The matrix is no square of numbers, or a name has a comma.", place="$SPILLOVER")
    return ",".join([str(len(names)), *names, *(str(float(number)) for number in matrix.ravel())])


def _head(written: Mapping[str, str], data_bytes: int) -> bytes:
    pairs = {key: value for key, value in written.items() if value}
    for key in pairs:
        if not key.isascii() or not key.isprintable() or key != key.strip() or not key:
            raise OutsideLimits("A keyword is not made of printable ASCII characters.", place="keywords")
    everything = "".join(key + value for key, value in pairs.items())
    delimiter = next((sign for sign in DELIMITERS if sign not in everything), DELIMITERS[0])
    if any(delimiter in key for key in pairs):
        raise OutsideLimits("The keywords leave no character to part them with.", place="keywords")
    try:
        body = "".join(
            f"{key}{delimiter}{value.replace(delimiter, 2 * delimiter)}{delimiter}" for key, value in pairs.items()
        ).encode("utf-8")
    except UnicodeEncodeError as error:
        raise OutsideLimits("A value is not text that can be stored.", place="keywords") from error
    # Twelve digits whatever the numbers, so that the length of TEXT does not depend on them.
    span = "$BEGINDATA{0}{1:012d}{0}$ENDDATA{0}{2:012d}{0}"
    text_end = HEADER_BYTES + len(delimiter + span.format(delimiter, 0, 0)) + len(body)
    begin = -(-text_end // ALIGNMENT) * ALIGNMENT
    end = begin + data_bytes - 1
    text = (delimiter + span.format(delimiter, begin, end)).encode("ascii") + body
    return (_header(text_end - 1, begin, end) + text).ljust(begin)


def _header(text_end: int, begin: int, end: int) -> bytes:
    # Offsets that do not fit eight digits are 0 here and stand in TEXT alone.
    data = (begin, end) if end <= HEADER_OFFSET_MAX else (0, 0)
    offsets = (HEADER_BYTES, text_end, *data, 0, 0)
    return b"FCS3.1    " + "".join(f"{offset:>8d}" for offset in offsets).encode("ascii")


def _check(block: NDArray[np.generic], channels: Sequence[Channel], stored: list[np.dtype[np.generic]]) -> None:
    for column, channel, kind in zip(block.T, channels, stored, strict=True):
        if kind.kind == "u":
            fits = (column >= 0) & (column < value_mask(channel) + 1)
            if column.dtype.kind == "f":
                fits &= column == np.floor(column)
            if not fits.all():
                raise OutsideLimits(f"A value is no whole number from 0 to {value_mask(channel)}.", place=channel.name)
        elif kind.itemsize == 4 and (np.isfinite(column) & (np.abs(column) > SINGLE_MAX)).any():
            raise OutsideLimits("A value is too large for single precision.", place=channel.name)


def _packed(block: NDArray[np.generic], stored: list[np.dtype[np.generic]]) -> bytes:
    packed = np.empty(len(block), np.dtype([(f"c{n}", kind) for n, kind in enumerate(stored)]))
    for n in range(len(stored)):
        packed[f"c{n}"] = block[:, n]
    return packed.tobytes()
