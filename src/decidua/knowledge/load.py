"""Load a knowledge table and refuse what has no unit, no source or an unknown code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from decidua.errors import BrokenKnowledge, DecidualError
from decidua.tables import Row, nearest, read_table

EVIDENCE_KINDS = ("paper", "page", "data", "computed", "convention", "definition", "judgement", "numerical")
_SOURCED = ("paper", "page", "data", "computed")
_SOURCE_TABLES = ("sources", "model_sources")


@dataclass(frozen=True, slots=True)
class KnowledgeTable:
    """What a table must hold.

    Attributes
    ----------
    name : str
        File name without ``.csv``.
    key : str
        Column that names a row.
    numbers : dict of str to str
        Numeric column -> the column that holds its unit, or the unit itself after ``=``.
    codes : dict of str to str
        Column -> the table in whose keys each of its codes must stand (several joined by ``;``).
    unique : bool
        Whether the key names one row only.
    """

    name: str
    key: str
    numbers: dict[str, str]
    codes: dict[str, str]
    unique: bool = True


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of a knowledge table.

    Attributes
    ----------
    table, key : str
        Where it stands.
    cells : dict of str to str
        Its text.
    """

    table: str
    key: str
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def number(self, column: str) -> float | None:
        """Read a numeric cell.

        Parameters
        ----------
        column : str
            One of the table's numeric columns.

        Returns
        -------
        float or None
            None where it is not stated.

        Raises
        ------
        BrokenKnowledge
            Where the column is not numeric.
        """
        if column not in TABLES[self.table].numbers:
            raise BrokenKnowledge(f"{column} is not a numeric column.", file=self.table, place=self.key)
        return float(self.cells[column]) if self.cells[column] else None

    def codes(self, column: str) -> tuple[str, ...]:
        """Split a cell that lists codes.

        Parameters
        ----------
        column : str
            A column whose cells join codes by ``;``.

        Returns
        -------
        tuple of str
            The codes; empty where none is stated.
        """
        return tuple(code for code in self.cells[column].split(";") if code)


_MEASURAND_NUMBERS = {"stimulus_h": "=h"}
_MODEL_SOURCE = {"source_id": "model_sources"}
TABLES = {
    t.name: t
    for t in (
        KnowledgeTable("sources", "source_id", {}, {}),
        KnowledgeTable("units", "unit", {}, {"source_id": "sources"}),
        KnowledgeTable("analytes", "analyte_id", {}, {"source_id": "sources"}),
        KnowledgeTable("populations", "population_id", {}, {"source_id": "sources"}),
        KnowledgeTable("ratios", "ratio_id", {}, {"source_id": "sources"}),
        KnowledgeTable("stimuli", "stimulus_id", {}, {"source_id": "sources"}),
        KnowledgeTable("blockers", "blocker_id", {}, {"source_id": "sources"}),
        KnowledgeTable("materials", "material_id", {}, {"source_id": "sources"}),
        KnowledgeTable("preanalytics", "rule_id", {"accept": "unit", "flag": "unit"}, {"source_id": "sources"}),
        KnowledgeTable("medicines", "medicine_id", {}, {"source_id": "sources"}),
        KnowledgeTable("phases", "phase_id", {"from_day": "unit", "to_day": "unit"}, {"source_id": "sources"}),
        KnowledgeTable("datings", "dating_id", {"age_at": "unit", "sd": "unit"}, {"source_id": "sources"}),
        KnowledgeTable("constants", "constant_id", {"value": "unit"}, {"source_id": "sources"}),
        KnowledgeTable("flags", "flag_id", {}, {"source_id": "sources"}),
        KnowledgeTable("statements", "statement_id", {}, {"source_id": "sources"}),
        KnowledgeTable("cautions", "caution_id", {}, {"source_id": "sources"}),
        KnowledgeTable(
            "cutoffs",
            "cutoff_id",
            {"cutoff": "unit", "n_case": "=1", "n_comparator": "=1", "auc": "=1", "sensitivity": "=%",
             "specificity": "=%"},
            {"source_id": "sources", "caution": "cautions"},
        ),
        KnowledgeTable(
            "references",
            "reference_id",
            {"L": "=1", "M": "unit", "S": "=1", "se_L": "=1", "se_lnM": "=1", "se_lnS": "=1",
             "low": "unit", "low_lower": "unit", "low_upper": "unit",
             "high": "unit", "high_lower": "unit", "high_upper": "unit",
             "value": "unit", "n_women": "=1", "gestational_day": "=d",
             "phase_day_from": "=d", "phase_day_to": "=d",
             **_MEASURAND_NUMBERS},
            {"source": "sources"},
            unique=False,
        ),
        KnowledgeTable("model_sources", "source_id", {}, {}),
        KnowledgeTable("model_states", "state_id", {}, _MODEL_SOURCE),
        KnowledgeTable(
            "model_constants", "constant_id", dict.fromkeys(("value", "low", "high"), "unit"), _MODEL_SOURCE
        ),
        KnowledgeTable("gains", "gain_id", {"value": "unit", "sd": "=1", "prior_mean": "unit"}, _MODEL_SOURCE),
        KnowledgeTable("forcing_knots", "knot_id", {"day": "=d", "value": "unit"}, _MODEL_SOURCE),
        KnowledgeTable(
            "background_loss", "loss_id", {"from_day": "=d", "to_day": "=d", "value": "unit"}, _MODEL_SOURCE
        ),
        KnowledgeTable("mechanisms", "row_id", {"null": "unit"}, _MODEL_SOURCE),
        KnowledgeTable(
            "population", "parameter", {"centre": "unit", "spread": "unit"}, _MODEL_SOURCE, unique=False
        ),
        KnowledgeTable(
            "hormones",
            "hormone_id",
            {"n": "=1", **dict.fromkeys(("p5", "p25", "p50", "p75", "p95", "mean", "sd"), "unit")},
            _MODEL_SOURCE,
        ),
        KnowledgeTable("drugs", "drug_id", {"largest_dose": "dose_unit"}, _MODEL_SOURCE),
        KnowledgeTable("pk", "pk_id", {"value": "unit"}, _MODEL_SOURCE),
    )
}  # fmt: skip


def table(name: str) -> dict[str, Fact]:
    """Return a table's facts by key.

    Parameters
    ----------
    name : str
        A table of this room whose keys are unique.

    Returns
    -------
    dict of str to Fact
        In the order of the file.

    Raises
    ------
    BrokenKnowledge
        Where a row breaks the table's rules.
    """
    return {f.key: f for f in rows(name)}


def fact(name: str, key: str) -> Fact | None:
    """Return one fact.

    Parameters
    ----------
    name, key : str
        Table and key.

    Returns
    -------
    Fact or None
        None where the table has no such key.

    Raises
    ------
    BrokenKnowledge
        Where the table breaks its rules.
    """
    return _by_key(name).get(key)


def constant(name: str) -> float:
    """Return a constant of `constants.csv`.

    Parameters
    ----------
    name : str
        Its key.

    Returns
    -------
    float
        In the unit of its row.

    Raises
    ------
    BrokenKnowledge
        Where there is no such constant.
    """
    found = fact("constants", name)
    value = found.number("value") if found else None
    if value is None:
        raise BrokenKnowledge(f"no constant {name!r}.", file="constants.csv")
    return value


def label(name: str, key: str) -> str:
    """Return how a key is printed.

    Parameters
    ----------
    name, key : str
        Table and key.

    Returns
    -------
    str
        The row's label, or the key itself where the table does not know it.

    Raises
    ------
    BrokenKnowledge
        Where the table breaks its rules.
    """
    found = fact(name, key)
    return found["label"] if found else key


@cache
def _by_key(name: str) -> dict[str, Fact]:
    return table(name)


@cache
def rows(name: str) -> tuple[Fact, ...]:
    """Return every row of a table, keys repeated where the table allows it.

    Parameters
    ----------
    name : str
        A table of this room.

    Returns
    -------
    tuple of Fact
        In the order of the file.

    Raises
    ------
    BrokenKnowledge
        Where a row breaks the table's rules.
    """
    spec = TABLES[name]
    return read_knowledge(Path(str(files("decidua.knowledge") / "tables" / f"{name}.csv")), spec)


def read_knowledge(path: Path, spec: KnowledgeTable) -> tuple[Fact, ...]:
    """Read and check a knowledge table.

    Parameters
    ----------
    path : Path
        The CSV file.
    spec : KnowledgeTable
        Its rules.

    Returns
    -------
    tuple of Fact
        Its rows.

    Raises
    ------
    BrokenKnowledge
        For a number without unit, a row without source or with an unknown code, a key that repeats.
    """
    try:
        text = read_table(path, known=(spec.key,), delimiter=",")
    except DecidualError as broken:
        raise BrokenKnowledge(broken.message, file=path.name, place=broken.place) from broken
    seen: dict[str, int] = {}
    for row in text:
        _check(row, spec, path.name)
        if spec.unique and row[spec.key] in seen:
            raise BrokenKnowledge(
                f"{row[spec.key]!r} repeats row {seen[row[spec.key]]}.", file=path.name, place=row.place
            )
        seen[row[spec.key]] = row.line
    return tuple(Fact(spec.name, row[spec.key], row.cells) for row in text)


def _check(row: Row, spec: KnowledgeTable, file: str) -> None:
    if not row[spec.key]:
        raise BrokenKnowledge(f"{spec.key} is empty.", file=file, place=row.place)
    for column, unit in spec.numbers.items():
        if not row[column]:
            continue
        try:
            float(row[column])
        except ValueError as bad:
            raise BrokenKnowledge(f"{column} holds {row[column]!r}, no number.", file=file, place=row.place) from bad
        if not unit.startswith("=") and not row[unit]:
            raise BrokenKnowledge(f"{column} = {row[column]} has no unit.", file=file, place=row.place)
    if spec.name in _SOURCE_TABLES:
        if not row["citation"]:
            raise BrokenKnowledge("a source without citation.", file=file, place=row.place)
        return
    if "evidence_kind" in row.cells and row["evidence_kind"] not in EVIDENCE_KINDS:
        remedy = nearest(row["evidence_kind"], EVIDENCE_KINDS)
        raise BrokenKnowledge(f"evidence_kind {row['evidence_kind']!r}.", file=file, place=row.place, remedy=remedy)
    papers = row.cells.get("evidence_kind", "paper") in _SOURCED
    for column, other in spec.codes.items():
        codes = [code for code in row[column].split(";") if code]
        if papers and other in _SOURCE_TABLES and not codes:
            raise BrokenKnowledge("a row without source.", file=file, place=f"{row.place}, {row[spec.key]}")
        known = table(other)
        for code in codes:
            if code not in known:
                raise BrokenKnowledge(
                    f"{column} {code!r} is not in {other}.csv.",
                    file=file,
                    place=row.place,
                    remedy=nearest(code, list(known)),
                )


def check_all() -> dict[str, int]:
    """Load every table.

    Returns
    -------
    dict of str to int
        Rows by table.

    Raises
    ------
    BrokenKnowledge
        For the first row that breaks a rule.
    """
    return {name: len(rows(name)) for name in TABLES}
