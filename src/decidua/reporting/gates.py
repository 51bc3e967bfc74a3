"""Gates over the density of their parent: one grey picture, one blue outline, both counts in words."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from decidua.cytometry.pictures import BINS, GatePicture
from decidua.cytometry.tree import split_path
from decidua.cytometry.tubes import GatedTube
from decidua.reporting.document import Figure, Gallery, Group, Section, Table, cells, columns, note
from decidua.reporting.drawing import FONT, printable
from decidua.reporting.numerals import number
from decidua.reporting.palette import FIGURE_TEXT, MARK, TEXT2, WOMAN
from decidua.statistics import share_limits

SIDE, LEFT, TOP, BOTTOM, RIGHT = 200, 34, 6, 34, 10
DARKEST, LIGHTEST = 0x1B, 0xD0


def gate_sections(tubes: Sequence[GatedTube]) -> tuple[Section, ...]:
    """Show every gate of some tubes, and the tree with counts and shares.

    Parameters
    ----------
    tubes : sequence of GatedTube
        Of one visit.

    Returns
    -------
    tuple of Section
        One a tube.
    """
    return tuple(
        Section(
            f"Gates of {tube.file}",
            (
                note(f"Drawn in {tube.workspace}. Grey: events of the parent, darker where denser, 256 × 256 cells."),
                _tree(tube),
                Gallery(tuple(gate_figure(p) for p in tube.pictures)),
            ),
            "appendix gates",
        )
        for tube in tubes
    )


def _tree(tube: GatedTube) -> Table:
    heads = columns(("population", "name"), ("events", "count"), ("share of parent", "interval"), ("FlowJo", "count"))
    rows = []
    for p in tube.counts.populations:
        depth = 0 if p.parent is None else len(split_path(p.path))
        name = p.path if p.parent is None else split_path(p.path)[-1]
        share = ""
        if p.parent_count:
            lower, upper = (100 * float(limit) for limit in share_limits(p.count, p.parent_count))
            share = f"{100 * p.count / p.parent_count:.2f}\u00a0% ({lower:.2f}–{upper:.2f})"
        stored = tube.stored.get(p.path)
        said = "not counted" if stored is None else number(stored, 0)
        rows.append(cells("\u2003" * depth + name, number(p.count, 0), share or "–", said))
    return Table(heads, (Group("", "", tuple(rows)),), "tree")


def gate_figure(picture: GatePicture) -> Figure:
    """Draw one gate.

    Parameters
    ----------
    picture : GatePicture
        Density and outline.

    Returns
    -------
    Figure
        With population, share and counts in its caption.
    """
    share = f"{100 * picture.count / picture.parent_count:.2f} %" if picture.parent_count else "no events"
    stored = "" if picture.stored_count is None else f"; FlowJo counted {number(picture.stored_count, 0)}"
    counts = f"{number(picture.count, 0)} of {number(picture.parent_count, 0)}"
    said = f"{share} of {split_path(picture.parent)[-1]}: {counts}{stored}"
    alt = printable(f"Gate {picture.name} on {picture.x.label}{' and ' + picture.y.label if picture.y else ''}: {said}")
    width, height = LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label={quoteattr(alt)} '
        f'width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="{FONT}" font-size="{FIGURE_TEXT}px">',
        _events(picture),
        f'<path d="{_path(picture.outline)}" fill="none" stroke="{WOMAN}" stroke-width="1.6"/>',
        f'<path d="M{LEFT} {TOP}V{TOP + SIDE}H{LEFT + SIDE}" fill="none" stroke="{MARK}"/>',
        *(_x_tick(at, word) for at, word in picture.x.ticks),
        *(_y_tick(at, word) for at, word in (picture.y.ticks if picture.y else ())),
        f'<text x="{LEFT + SIDE / 2}" y="{height - 4}" text-anchor="middle" fill="{TEXT2}">',
        f"{escape(picture.x.label)}</text>",
        "</svg>",
    ]
    caption = picture.name if picture.y is None else f"{picture.name} (upwards: {picture.y.label})"
    return Figure("".join(parts), alt, printable(caption), printable(said))


def _events(picture: GatePicture) -> str:
    if picture.y is None:
        return _histogram(picture.density[0])
    data = base64.b64encode(_png(picture.density[::-1])).decode()
    return (
        f'<image x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{data}"/>'
    )


def _histogram(counts: NDArray[np.int64]) -> str:
    top = max(int(counts.max()), 1)
    steps = [f"M{LEFT} {TOP + SIDE}"]
    for i, n in enumerate(counts):
        steps.append(f"V{TOP + SIDE * (1 - n / top):.1f}H{LEFT + SIDE * (i + 1) / BINS:.1f}")
    return f'<path d="{"".join(steps)}V{TOP + SIDE}Z" fill="{MARK}"/>'


def _png(density: NDArray[np.int64]) -> bytes:
    """Write cells as an 8-bit grey picture with alpha: empty cells are clear, the densest is ink (PNG, ISO 15948)."""
    top = np.log1p(max(int(density.max()), 1))
    grey = LIGHTEST - (LIGHTEST - DARKEST) * np.log1p(density) / top
    pixels = np.stack([grey, np.where(density > 0, 255, 0)], axis=-1).astype(np.uint8)
    height, width = density.shape
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 4, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def _path(corners: NDArray[np.float64]) -> str:
    points = [f"{LEFT + SIDE * x:.1f} {TOP + SIDE * (1 - y):.1f}" for x, y in corners]
    return "M" + "L".join(points)


def _x_tick(at: float, word: str) -> str:
    x, y = LEFT + SIDE * at, TOP + SIDE
    return (
        f'<path d="M{x:.1f} {y}v4" stroke="{MARK}"/>'
        f'<text x="{x:.1f}" y="{y + 14}" text-anchor="middle" fill="{TEXT2}">{escape(word)}</text>'
    )


def _y_tick(at: float, word: str) -> str:
    y = TOP + SIDE * (1 - at)
    return (
        f'<path d="M{LEFT - 4} {y:.1f}h4" stroke="{MARK}"/>'
        f'<text x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end" fill="{TEXT2}">{escape(word)}</text>'
    )
