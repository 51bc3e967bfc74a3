"""The same for the woman herself: the numbers of the first page, in words without signs."""

from __future__ import annotations

from collections.abc import Sequence

from decidua.knowledge import fact
from decidua.measurement import Measurand
from decidua.reporting.rows import Row
from decidua.reporting.sentences import among, chance_of_one, statement
from decidua.reporting.wording import in_words, name_of


def plain_words(rows: Sequence[Row]) -> tuple[str, ...]:
    """Say the same to the woman, with the same numbers.

    Parameters
    ----------
    rows : sequence of Row
        Every result of the visit.

    Returns
    -------
    tuple of str
        Paragraphs.
    """
    cells = any(r.measurement.measurand.quantity != "concentration" for r in rows)
    dish = any(r.measurement.measurand.stimulus != "none" or r.measurement.measurand.quantity in _DISH for r in rows)
    opening = "plain_counted" if dish else "plain_counted_only" if cells else "plain_measured"
    placed = [r for r in rows if not r.place.reason]
    said = [statement(opening)] if rows else []
    if placed:
        said += _plain_placed(placed)
        rest = len(rows) - len(placed)
        if rest:
            said.append(f"{_capital(in_words(rest))} could not be compared.")
    elif rows:
        said.append("None of the results could be compared with those of healthy women at the same stage.")
    else:
        said.append("No result came from this visit.")
    return (" ".join(said), statement("plain_end"))


_DISH = ("lysis", "lytic_units", "activity")


def _plain_placed(placed: Sequence[Row]) -> list[str]:
    outside = [r for r in placed if r.place.outside]
    inside = len(placed) - len(outside)
    said = []
    if inside:
        reads = "One result reads" if inside == 1 else f"{_capital(in_words(inside))} results read"
        said.append(f"{reads} like those of healthy women at the same stage.")
    for row in outside:
        side = "higher" if row.place.outside == "above" else "lower"
        said.append(f"{_capital(_plain_name(row.measurement.measurand))} was {side} than in {among([row])}.")
    drawn = [r.place.women for r in placed if r.place.women is not None]
    if outside and len(drawn) == len(placed):
        tenths = round(10 * chance_of_one(len(w.values) for w in drawn))
        many = {0: "Among healthy women, few", 10: "Nearly all healthy women"}
        who = many.get(tenths, f"Among ten healthy women, about {in_words(tenths)}")
        said.append(f"{who} {'has' if tenths == 1 else 'have'} at least one such result.")
    return said


def _plain_name(measurand: Measurand) -> str:
    name = name_of(measurand)
    if measurand.quantity == "ratio":
        return f"a ratio called {name}"
    if fact("populations", measurand.numerator.partition("[")[0]) is None:
        return f"a signal called {name.replace('⁺', '')}"
    return f"the result for {name}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
