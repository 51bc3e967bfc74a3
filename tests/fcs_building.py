"""FCS files made byte by byte, so that reader and writer under test cannot share an error with the test."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


def encoded(value: float | int, kind: str, bits: int, order: str) -> bytes:
    """Store one value byte by byte in the order that $BYTEORD spells."""
    if kind == "I":
        little = int(value).to_bytes(bits // 8, "little")
    else:
        little = struct.pack("<f" if kind == "F" else "<d", value)
    digits = [int(digit) for digit in order.split(",")]
    if len(digits) == len(little):
        return bytes(little[digit - 1] for digit in digits)
    return little if digits == sorted(digits) else little[::-1]


@dataclass
class FCS:
    """One data set to be built; everything that can lie has a place to lie in."""

    events: Sequence[Sequence[float | int]] = ((1, 2), (3, 4), (5, 6))
    version: str = "3.1"
    kind: str = "I"
    bits: Sequence[int] = (16, 16)
    order: str = "1,2,3,4"
    ranges: Sequence[object] = ()
    delimiter: str = "/"
    keywords: Mapping[str, str | None] = field(default_factory=dict)
    header_data: tuple[object, object] | None = None
    text_data: tuple[object, object] | None = None
    supplement: Mapping[str, str] | None = None
    raw_text: bytes = b""
    gap: int = 0
    tail: bytes = b""

    def data(self) -> bytes:
        return b"".join(
            encoded(value, self.kind, bits, self.order)
            for event in self.events
            for value, bits in zip(event, self.bits, strict=True)
        )

    def described(self) -> dict[str, str | None]:
        words: dict[str, str | None] = {
            "$BYTEORD": self.order,
            "$DATATYPE": self.kind,
            "$MODE": "L",
            "$NEXTDATA": "0",
            "$PAR": str(len(self.bits)),
            "$TOT": str(len(self.events)),
        }
        for n, bits in enumerate(self.bits, start=1):
            top = self.ranges[n - 1] if self.ranges else 2**bits
            words |= {f"$P{n}B": str(bits), f"$P{n}E": "0,0", f"$P{n}N": f"C{n}", f"$P{n}R": str(top)}
        return words | dict(self.keywords)

    def text(self, spans: Mapping[str, object]) -> bytes:
        words = self.described() | {key: f"{value:>10}" for key, value in spans.items()}
        d = self.delimiter
        body = "".join(f"{key}{d}{value.replace(d, d + d)}{d}" for key, value in words.items() if value is not None)
        return (d + body).encode("utf-8") + self.raw_text

    def build(self) -> bytes:
        data = self.data()
        spans: dict[str, object] = {}
        if self.version != "2.0":
            spans = {"$BEGINDATA": 0, "$ENDDATA": 0}
        if self.supplement is not None:
            spans |= {"$BEGINSTEXT": 0, "$ENDSTEXT": 0}
        text_end = 58 + len(self.text(spans)) - 1
        begin = text_end + 1 + self.gap
        end = begin + len(data) - 1
        further = b""
        if self.supplement is not None:
            d = self.delimiter
            further = (d + "".join(f"{key}{d}{value}{d}" for key, value in self.supplement.items())).encode()
            spans |= {"$BEGINSTEXT": end + 1, "$ENDSTEXT": end + len(further)}
        if self.version != "2.0":
            shown = self.text_data or (begin, end)
            spans |= {"$BEGINDATA": moved(shown[0], begin), "$ENDDATA": moved(shown[1], end)}
        shown = self.header_data or (begin, end)
        offsets = (58, text_end, moved(shown[0], begin), moved(shown[1], end), 0, 0)
        header = f"FCS{self.version}    " + "".join(f"{offset:>8}" for offset in offsets)
        return header.encode() + self.text(spans) + b" " * self.gap + data + further + self.tail


def moved(given: object, true: int) -> object:
    """Read a span's end as given, "+1" and "-1" being relative to the true one."""
    return true + int(given) if isinstance(given, str) and given[:1] in ("+", "-") else given
