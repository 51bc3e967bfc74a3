"""The event table of an FCS data set: stored bytes to floating-point columns."""

from __future__ import annotations

import mmap
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Buffer = bytes | mmap.mmap
Floats = NDArray[np.float32] | NDArray[np.float64]

WORD_BYTES = (1, 2, 4, 8)
EXPONENT = {4: 0x7F80_0000, 8: 0x7FF0_0000_0000_0000}
SINGLE_EXACT = 2**24
BLOCK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Field:
    """How one channel is stored within an event.

    Parameters
    ----------
    kind : str
        ``I`` unsigned integer, ``F`` single or ``D`` double precision.
    places : tuple of int
        Significance of each stored byte, 0 the least; its length is the width [bytes].
    mask : int
        Bits of an integer that carry the value.
    """

    kind: str
    places: tuple[int, ...]
    mask: int

    @property
    def width(self) -> int:
        """Give the bytes one value takes."""
        return len(self.places)

    @property
    def order(self) -> str:
        """Give numpy's sign of the byte order, empty where numpy has none or no such width."""
        if self.width not in WORD_BYTES:
            return ""
        ascending = tuple(range(self.width))
        return "<" if self.places == ascending else ">" if self.places == ascending[::-1] else ""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Give the narrowest floating-point type that holds every value of an integer or the stored float."""
        single = self.kind == "F" or (self.kind == "I" and self.mask < SINGLE_EXACT)
        return np.dtype(np.float32 if single else np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class EventTable:
    """The events of one data set where they lie in the file; nothing is copied until asked for.

    Parameters
    ----------
    buffer : bytes or mmap
        The whole file.
    begin : int
        Byte of the file at which the first event begins.
    count : int
        Number of events, already known to lie within the file.
    fields : tuple of Field
        One per channel, in the order stored.
    """

    buffer: Buffer
    begin: int
    count: int
    fields: tuple[Field, ...]

    @property
    def event_bytes(self) -> int:
        """Give the bytes one event takes."""
        return sum(field.width for field in self.fields)

    def column(self, position: int) -> Floats:
        """Copy one channel out of the file.

        Parameters
        ----------
        position : int
            Place of the channel among the fields, from 0.

        Returns
        -------
        array of float32 or float64, axis [event]
            The stored values, masked where they are integers.
        """
        field = self.fields[position]
        offset = self.begin + sum(before.width for before in self.fields[:position])
        words = self._words(field, offset)
        if field.kind != "I":
            floats: Floats = words.astype(f"=u{field.width}").view(field.dtype)
            return floats
        if field.mask < 2 ** (8 * field.width) - 1:
            words = words & words.dtype.type(field.mask)
        numbers: Floats = words.astype(field.dtype)
        return numbers

    def matrix(self) -> Floats:
        """Give all channels, as a view of the file where its bytes lie as the machine reads them.

        Returns
        -------
        array of float32 or float64, axes [event, channel]
            Read-only; float64 where one channel needs it.
        """
        first = self.fields[0]
        if first.kind != "I" and first.order and all(field == first for field in self.fields):
            stored = self._rows(f"{first.order}f{first.width}", 0, self.count)
            table = np.require(stored, dtype=first.dtype, requirements=["A", "C"])
        else:
            dtype = np.result_type(*(field.dtype for field in self.fields))
            table = np.empty((self.count, len(self.fields)), dtype)
            for position in range(len(self.fields)):
                table[:, position] = self.column(position)
        table.flags.writeable = False
        return table

    def non_finite(self) -> tuple[int, tuple[int, ...]]:
        """Count what is NaN or infinite in floating-point events.

        Returns
        -------
        int
            Events with at least one such value.
        tuple of int
            Such values per channel.
        """
        first = self.fields[0]
        per_channel = np.zeros(len(self.fields), np.int64)
        if first.kind == "I":
            return 0, tuple(per_channel.tolist())
        # Compared in the file's own byte order, so that nothing need be swapped.
        little = EXPONENT[first.width].to_bytes(first.width, "little")
        exponent = int.from_bytes(bytes(little[place] for place in first.places), sys.byteorder)
        step = max(1, BLOCK_BYTES // self.event_bytes)
        events = 0
        for row in range(0, self.count, step):
            block = self._rows(f"=u{first.width}", row, min(step, self.count - row))
            bad = (block & block.dtype.type(exponent)) == exponent
            if bad.any():
                events += int(bad.any(axis=1).sum())
                per_channel += bad.sum(axis=0)
        return events, tuple(per_channel.tolist())

    def _rows(self, dtype: str, row: int, rows: int) -> NDArray[Any]:
        offset = self.begin + row * self.event_bytes if self.count else 0
        return np.ndarray((rows, len(self.fields)), dtype, self.buffer, offset)

    def _words(self, field: Field, offset: int) -> NDArray[np.unsignedinteger]:
        if not self.count:
            return np.empty(0, f"=u{field.width if field.width in WORD_BYTES else 8}")
        if field.order:
            strides = (self.event_bytes,)
            return np.ndarray((self.count,), f"{field.order}u{field.width}", self.buffer, offset, strides)
        stored = np.ndarray((self.count, field.width), "u1", self.buffer, offset, (self.event_bytes, 1))
        words = np.zeros(self.count, "=u4" if field.width <= 4 else "=u8")
        for position, place in enumerate(field.places):
            words |= stored[:, position].astype(words.dtype) << words.dtype.type(8 * place)
        return words
