"""Cut-offs that other laboratories and papers print: shown in an appendix with their cautions, never applied."""

from __future__ import annotations

from dataclasses import dataclass

from decidua.errors import BrokenKnowledge
from decidua.knowledge.load import Fact, label, table

RANGE = "normal zone"
"""Operator of a row whose two limits stand in its note."""


@dataclass(frozen=True, slots=True)
class PublishedCutoff:
    """A limit that another laboratory prints, with what it rests on.

    Attributes
    ----------
    id, marker, test, compartment, method : str
        What was measured, in the words of the source; `test` is a code that groups rows.
    cases, comparators : str
        The two groups of women.
    n_cases, n_comparators : int or None
        How many; None where it is not stated.
    operator, unit : str
        Which side counts as positive, and the unit as printed.
    value : float or None
        The limit [unit]; None where the text seen does not give it.
    auc : float or None
        Area under the curve, 0-1.
    sensitivity, specificity : float or None
        In the women it was found in [%].
    effect, p_value, note : str
        As printed.
    cautions : tuple of str
        In words.
    source : str
        Key of `knowledge/sources.csv`.
    """

    id: str
    marker: str
    test: str
    compartment: str
    method: str
    cases: str
    comparators: str
    n_cases: int | None
    n_comparators: int | None
    operator: str
    unit: str
    value: float | None
    auc: float | None
    sensitivity: float | None
    specificity: float | None
    effect: str
    p_value: str
    note: str
    cautions: tuple[str, ...]
    source: str


def published_cutoffs(test: str = "") -> tuple[PublishedCutoff, ...]:
    """Return the cut-offs of other laboratories; nothing here is compared with a result.

    Parameters
    ----------
    test : str
        A test code, such as ``nk_killing``; every test where empty.

    Returns
    -------
    tuple of PublishedCutoff
        In the order of `knowledge/cutoffs.csv`.

    Raises
    ------
    BrokenKnowledge
        A row lacks its limit, or every measure of accuracy, and no caution says so.
    """
    found = tuple(_cutoff(row) for row in table("cutoffs").values())
    return tuple(c for c in found if test in ("", c.test))


def _cutoff(row: Fact) -> PublishedCutoff:
    numbers = {name: row.number(name) for name in ("cutoff", "auc", "sensitivity", "specificity")}
    cautions = row.codes("caution")
    if numbers["cutoff"] is None and row["operator"] != RANGE and "cutoff_not_in_excerpt" not in cautions:
        raise BrokenKnowledge("a cut-off without its limit or a caution.", file="cutoffs.csv", place=row.key)
    accuracy = [numbers[name] for name in ("auc", "sensitivity", "specificity")]
    if all(n is None for n in accuracy) and "no_accuracy_reported" not in cautions:
        raise BrokenKnowledge("a cut-off without accuracy or a caution.", file="cutoffs.csv", place=row.key)
    return PublishedCutoff(
        id=row.key,
        marker=row["marker"],
        test=row["test_code"],
        compartment=row["compartment"],
        method=row["method"],
        cases=row["population"],
        comparators=row["comparator"],
        n_cases=_whole(row, "n_case"),
        n_comparators=_whole(row, "n_comparator"),
        operator=row["operator"],
        unit=row["unit"],
        value=numbers["cutoff"],
        auc=numbers["auc"],
        sensitivity=numbers["sensitivity"],
        specificity=numbers["specificity"],
        effect=row["effect"],
        p_value=row["p_value"],
        note=row["note"],
        cautions=tuple(label("cautions", code) for code in cautions),
        source=row["source_id"],
    )


def _whole(row: Fact, column: str) -> int | None:
    number = row.number(column)
    return None if number is None else int(number)
