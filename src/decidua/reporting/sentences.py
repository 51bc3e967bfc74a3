"""Sentences of a closed list: what a report says, worded no stronger than its numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from decidua.knowledge import fact, label, table
from decidua.measurement import Measurement, Moment, PairedCounts, Status
from decidua.reporting.numerals import DASH, FIXED, MINUS, coarse, number, span
from decidua.reporting.rows import Row
from decidua.reporting.wording import counted, full_name, in_words, name_of
from decidua.timeline.placement import Women


def statement(key: str) -> str:
    """Return a fixed text.

    Parameters
    ----------
    key : str
        Key of `knowledge/statements.csv`.

    Returns
    -------
    str
        Its words.
    """
    return table("statements")[key]["text"]


def finding(rows: Sequence[Row], moment: Moment) -> str:
    """Say in one sentence of the closed list how a visit's results stand.

    Parameters
    ----------
    rows : sequence of Row
        Every result of the visit, NK included.
    moment : Moment
        Of the visit.

    Returns
    -------
    str
        How many can be placed, how many of them lie outside, how often healthy women have one, what cannot be
        placed, what failed.
    """
    statuses = Counter(r.measurement.status for r in rows)
    failed, void = statuses[Status.FAILED], statuses[Status.VOID]
    placed = [r for r in rows if not r.place.reason]
    said = [*_placed(placed)] if placed else [_none_placed(rows, moment, failed + void)]
    unplaced = len(rows) - len(placed) - failed - void
    if placed and unplaced:
        said.append(f"{counted(unplaced, 'result')} cannot be placed.")
    if failed:
        said.append(f"{counted(failed, 'test')} failed.")
    if void:
        said.append(f"{counted(void, 'result is', 'results are')} void.")
    return " ".join(said)


def _placed(placed: Sequence[Row]) -> list[str]:
    m, k = len(placed), sum(bool(r.place.outside) for r in placed)
    results = "The one result that can be placed lies" if m == 1 else f"All {m} results that can be placed lie"
    if k:
        results = f"{k} of {m} results that can be placed {'lies' if k == 1 else 'lie'}"
    said = [f"{results} {'outside' if k else 'within'} {_among(placed)}."]
    drawn = [r.place.women for r in placed if r.place.women is not None]
    if len(drawn) == m:
        said.append(f"{_how_many(chance_of_one(len(w.values) for w in drawn))}{'' if k else ' outside'}.")
    return said


def chance_of_one(women: Iterable[int]) -> float:
    """Return the chance that a healthy woman has at least one result outside the women drawn.

    Parameters
    ----------
    women : iterable of int
        How many women are drawn for each result that can be placed.

    Returns
    -------
    float
        1 - the product of 1 - 2/(n + 1), results taken as independent [1].
    """
    return 1 - math.prod(1 - 2 / (n + 1) for n in women)


def _how_many(chance: float) -> str:
    tenths = round(10 * chance)
    if tenths == 0:
        return f"About 1 in {round(1 / chance)} healthy women has at least one"
    if tenths == 10:
        return "Nearly every healthy woman has at least one"
    return f"About {tenths} in 10 healthy women {'has' if tenths == 1 else 'have'} at least one"


def _among(placed: Sequence[Row]) -> str:
    drawn = [r.place.women for r in placed if r.place.women is not None]
    curves = sorted({r.place.limits.n_women for r in placed if r.place.limits is not None})
    said = []
    if drawn:
        n = sorted({len(w.values) for w in drawn})
        many = "the one healthy woman" if n == [1] else f"the {_range(n)} healthy women"
        said.append(f"{many} measured {weeks_of(drawn) or in_phase(phase_of(placed))}")
    if curves:
        said.append(f"the 95{FIXED}% limits of {_range(curves)} healthy women")
    return " and ".join(said)


def phase_of(placed: Sequence[Row]) -> str:
    """Return the phase that placed rows share.

    Parameters
    ----------
    placed : sequence of Row
        At least one, each with a placement.

    Returns
    -------
    str
        Key of `knowledge/phases.csv`.
    """
    return next(r.placement.moment.phase for r in placed if r.placement is not None)


def weeks_of(women: Sequence[Women]) -> str:
    """Write the weeks that women were seen at.

    Parameters
    ----------
    women : sequence of Women
        Drawn for one or several results.

    Returns
    -------
    str
        ``at 11–14 weeks``; empty where no days are stated.
    """
    first = [w.from_day for w in women if w.from_day is not None]
    last = [w.to_day for w in women if w.to_day is not None]
    if not first or not last:
        return ""
    ends = min(first) // 7, max(last) // 7
    return f"at {ends[0]}{DASH}{ends[1]} weeks" if ends[0] != ends[1] else f"at {ends[0]} weeks"


def in_phase(phase: str) -> str:
    """Write when: in a trimester, at peri-implantation, post partum.

    Parameters
    ----------
    phase : str
        Key of `knowledge/phases.csv`.

    Returns
    -------
    str
        Words that follow *measured*.
    """
    words = label("phases", phase)
    return (
        f"in the {words}" if words.endswith("trimester") else f"at {words}" if words.endswith("implantation") else words
    )


def _range(numbers: Sequence[int]) -> str:
    return str(numbers[0]) if numbers[0] == numbers[-1] else f"{numbers[0]}{DASH}{numbers[-1]}"


def _none_placed(rows: Sequence[Row], moment: Moment, without_number: int) -> str:
    left = len(rows) - without_number
    if not rows:
        return "No result of this visit could be used."
    if not left:
        return "No result of this visit carries a number."
    none = "its one result cannot be placed" if left == 1 else f"none of its {left} results can be placed"
    if moment.phase == "unknown":
        return f"This visit is not dated: {none}."
    reasons = {r.place.reason for r in rows}
    if reasons <= {"no controls at this phase", "no reference", "no number"}:
        return f"No controls at this phase: {none}."
    return f"{none[0].upper()}{none[1:]}."


def quality(rows: Sequence[Row]) -> str:
    """Say what the laboratory's checks found.

    Parameters
    ----------
    rows : sequence of Row
        Every result of the visit.

    Returns
    -------
    str
        Background and parent cells where there are counts, then what is flagged.
    """
    counts = [c for r in rows if isinstance(c := r.measurement.quantity.uncertainty, PairedCounts)]
    said = []
    background = [
        100 * c.n_pos_control / c.n_parent_control for c in counts if c.n_parent_control and c.n_pos_control is not None
    ]
    if background:
        low, high = (coarse(v) for v in (min(background), max(background)))
        said.append(f"Unstimulated background {low if low == high else span(low, high)}{FIXED}%.")
    parents = [c.n_parent for c in counts]
    if parents:
        low, high = (number(v, 0) for v in (min(parents), max(parents)))
        said.append(f"Parent cells {low if low == high else span(low, high)}.")
    return " ".join([*said, _flagged([r.measurement for r in rows])])


def _flagged(measurements: Sequence[Measurement]) -> str:
    grave = Counter(f for m in measurements for f in m.flags if (row := fact("flags", f)) and row["severity"] != "note")
    if not grave:
        return "Nothing flagged." if measurements else "No result to check."
    words = [
        f"{label('flags', f)} ({'all results' if n == len(measurements) and n > 1 else f'{n} of {len(measurements)}'})"
        for f, n in grave.items()
    ]
    return f"Flagged: {'; '.join(words)}."


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
        said.append(f"{_capital(full_name(row.measurement.measurand))} was {side} than in {_among([row])}.")
    drawn = [r.place.women for r in placed if r.place.women is not None]
    if outside and len(drawn) == len(placed):
        tenths = round(10 * chance_of_one(len(w.values) for w in drawn))
        many = {0: "Among healthy women, few", 10: "Nearly all healthy women"}
        who = many.get(tenths, f"Among ten healthy women, about {in_words(tenths)}")
        said.append(f"{who} {'has' if tenths == 1 else 'have'} at least one such result.")
    return said


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def why_one_sided(name: str, numerator: Measurement, denominator: Measurement, p_absent: float) -> str:
    """Say why a ratio has one end only, or none.

    Parameters
    ----------
    name : str
        Of the ratio.
    numerator, denominator : Measurement
        Its terms.
    p_absent : float
        Probability that the denominator is not above its background [1].

    Returns
    -------
    str
        With that probability.
    """
    what = name_of(denominator.measurand)
    digits = "" if math.isnan(p_absent) else f": P{FIXED}={FIXED}{probability(p_absent)}"
    return f"{what} reaches its background{digits}"


def probability(p: float) -> str:
    """Write a probability.

    Parameters
    ----------
    p : float
        From 0 to 1 [1].

    Returns
    -------
    str
        Two significant digits; ``< 0.001`` and ``> 0.999`` at the ends.
    """
    if p < 0.001:
        return f"<{FIXED}0.001"
    return f">{FIXED}0.999" if p > 0.999 else f"{p:.2g}"


def z_text(z: float) -> str:
    """Write a standard deviation score.

    Parameters
    ----------
    z : float
        The score.

    Returns
    -------
    str
        Two decimals and a true minus.
    """
    return number(z, 2) if number(z, 2) != f"{MINUS}0.00" else "0.00"
