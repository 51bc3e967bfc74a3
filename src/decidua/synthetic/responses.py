"""What the tubes of a made visit should find: shares above background, populations, named ratios."""

from __future__ import annotations

from collections.abc import Iterator

from decidua.knowledge import table
from decidua.synthetic.draw import FAILED, Draw, Key
from decidua.synthetic.traits import CELLS, RESPONSES
from decidua.synthetic.truth import TrueValue


def true_responses(draw: Draw) -> Iterator[TrueValue]:
    """Yield what the pair of tubes of a visit should find.

    Parameters
    ----------
    draw : Draw
        The woman.

    Yields
    ------
    TrueValue
        Shares of the parent that lie beyond the gate, above the unstimulated tube; then ratios of two of them.
    """
    for trait in RESPONSES:
        yield _true(draw, "share", "share", trait.key, 100 * draw.net[trait.key], "%", _axis(draw, trait.axis))
    for numerator, denominator, parent in named_ratios():
        value = draw.net[numerator, parent] / draw.net[denominator, parent]
        yield _true(draw, "ratio", "ratio", (numerator, parent), value, "1", "", denominator)


def true_populations(draw: Draw) -> Iterator[TrueValue]:
    """Yield what the unstimulated tube of a visit should find.

    Parameters
    ----------
    draw : Draw
        The woman.

    Yields
    ------
    TrueValue
        Shares of the named populations in theirs.
    """
    axes = {trait.key: trait.axis for trait in CELLS}
    for key, share in draw.cells.items():
        yield _true(draw, "population", "share", key, 100 * share, "%", _axis(draw, axes.get(key, "")))


def named_ratios() -> Iterator[tuple[str, str, str]]:
    """Yield the named ratios the panel can form.

    Yields
    ------
    tuple of str
        Numerator, denominator and parent, of rows of the knowledge table of ratios.
    """
    there = {trait.key for trait in RESPONSES}
    for named in table("ratios").values():
        for parent in dict.fromkeys(trait.parent for trait in RESPONSES):
            wanted = (named["numerator"], parent), (named["denominator"], parent)
            if parent in named.codes("parents") and there.issuperset(wanted):
                yield named["numerator"], named["denominator"], parent


def _axis(draw: Draw, axis: str) -> str:
    return axis if axis == draw.axis else ""


def _true(
    draw: Draw, kind: str, quantity: str, key: Key, value: float, unit: str, axis: str, denominator: str = ""
) -> TrueValue:
    numerator, parent = key
    return TrueValue(
        *(draw.subject, draw.visit, draw.run, kind, quantity, numerator, parent, denominator, value, unit),
        score=draw.scores.get(key) if not denominator else None,
        axis=axis,
        trap="" if kind == "population" and draw.trap == FAILED else draw.trap,
    )
