"""The appendix of a visit report: flags in words, every result with its counts and identity, methods and sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from decidua.knowledge import fact, label
from decidua.measurement import PairedCounts, Source
from decidua.reporting.citations import Citations, short_hash
from decidua.reporting.document import Block, Cell, Facts, Group, Page, Section, Table, Text, cells, columns, note
from decidua.reporting.findings import StudyFindings, VisitFindings
from decidua.reporting.gates import gate_sections
from decidua.reporting.numerals import interval_text, number, value_text
from decidua.reporting.rows import Row
from decidua.reporting.strips import place_words
from decidua.reporting.wording import full_name, method_line


def appendix(study: StudyFindings, findings: VisitFindings, rows: Sequence[Row], cited: Citations) -> Page:
    """Write the appendix of a visit report.

    Parameters
    ----------
    study : StudyFindings
        For the notes and the files read.
    findings : VisitFindings
        The visit.
    rows : sequence of Row
        Every result.
    cited : Citations
        The sources used so far; those of flags are added.

    Returns
    -------
    Page
        Quality, results, methods and sources, inputs.
    """
    flags = Counter(f for r in rows for f in r.measurement.flags)
    letters = letters_of(flags)
    flagged = flag_table(flags, letters, len(rows), cited)
    results = _results(rows, letters) if rows else note("No result of this visit could be used.")
    used = (methods(row.measurement.method for row in rows), Facts(cited.full()))
    return Page(
        (
            Section("A. Quality and flags in words", (flagged, *_notes(study, findings)), "appendix"),
            Section("B. Every result", (results,), "appendix"),
            *gate_sections(findings.gated),
            Section("C. Methods and sources actually used", used, "appendix numbered"),
            Section("D. Files read", (inputs_table(study.inputs),), "appendix"),
        ),
        "Appendix",
    )


def _results(rows: Sequence[Row], letters: Mapping[str, str]) -> Table:
    heads = columns(
        ("result", "name"),
        ("value", "value"),
        ("95\u00a0% interval", "interval"),
        ("cells, stimulated", "count"),
        ("cells, unstimulated", "count"),
        ("place", "place"),
        ("flags", "letters"),
    )
    return Table(heads, (Group("", "", tuple(line for row in rows for line in _result(row, letters))),), "every")


def _result(row: Row, letters: Mapping[str, str]) -> Iterable[tuple[Cell, ...]]:
    m = row.measurement
    counts = m.quantity.uncertainty
    pairs = ("not stated", "not stated")
    if isinstance(counts, PairedCounts):
        control = counts.n_pos_control, counts.n_parent_control
        pairs = _of(counts.n_pos, counts.n_parent), "none subtracted" if None in control else _of(*control)
    elif m.measurand.quantity == "ratio":
        pairs = ("see its terms", "see its terms")
    flags = " ".join(letters[f] for f in m.flags) or "none"
    yield cells(full_name(m.measurand), value_text(m), interval_text(m), *pairs, place_words(row), flags)
    raw = row.placement.not_placeable if row.placement else ""
    where = ", ".join(part for part in (m.source.file, short_hash(m.source.sha256), m.source.place) if part)
    details = (method_line(m.measurand), m.method or "method not stated", where, f"placement: {raw}" if raw else "")
    yield (Cell(note=" · ".join(part for part in details if part)),)


def _of(positive: int | None, parent: int | None) -> str:
    if positive is None or parent is None:
        return "not stated"
    return f"{number(positive, 0)} of {number(parent, 0)}"


def letters_of(flags: Iterable[str]) -> dict[str, str]:
    """Give each flag a letter.

    Parameters
    ----------
    flags : iterable of str
        Keys of `knowledge/flags.csv`.

    Returns
    -------
    dict of str to str
        ``a`` to ``z``, then ``aa`` on.
    """
    abc = "abcdefghijklmnopqrstuvwxyz"
    return {flag: abc[i] if i < 26 else abc[i // 26 - 1] + abc[i % 26] for i, flag in enumerate(dict.fromkeys(flags))}


def flag_table(flags: Counter[str], letters: Mapping[str, str], total: int, cited: Citations) -> Block:
    """Write flags in words with how many results carry them.

    Parameters
    ----------
    flags : Counter of str
        Results by flag.
    letters : mapping of str to str
        Letter of each flag.
    total : int
        Results in all.
    cited : Citations
        Receives the sources of the flags.

    Returns
    -------
    Table or Text
        A row a flag; a sentence where there is none.
    """
    if not flags:
        return note("No result carries a flag.")
    consequence = {"note": "read as it is", "flag": "read with the flag", "void": "no number", "failed": "test failed"}
    rows = []
    for code, count in flags.items():
        row = fact("flags", code)
        severity = row["severity"] if row else "note"
        words = f"{label('flags', code)} {cited.cite(row.codes('source_id')) if row else ''}".strip()
        rows.append(cells(letters[code], words, consequence.get(severity, severity), f"{count} of {total}"))
    heads = columns(("", "letters"), ("flag", "name"), ("consequence", "short"), ("results", "count"))
    return Table(heads, (Group("", "", tuple(rows)),), "flags")


def _notes(study: StudyFindings, findings: VisitFindings) -> Iterable[Text]:
    """Repeat the notes that name this visit; those of the files stand on the study report."""
    key = str(findings.visit.key)
    for met in study.notes:
        if met.place == f"visit {key}":
            yield note(f"{label('flags', met.code)}: {met.message}.")


def methods(used: Iterable[str]) -> Text:
    """List the methods behind some results.

    Parameters
    ----------
    used : iterable of str
        Method of each result; empty where it is not stated.

    Returns
    -------
    Text
        Each method once.
    """
    found = "; ".join(method for method in dict.fromkeys(used) if method)
    return note(f"{found or 'none stated'}.", "Methods:")


def inputs_table(inputs: Sequence[Source]) -> Block:
    """List the files read with their hashes.

    Parameters
    ----------
    inputs : sequence of Source
        Of the study.

    Returns
    -------
    Table or Text
        A row a file.
    """
    if not inputs:
        return note("No file was read.")
    rows = tuple(cells(s.file, s.sha256 or "no hash") for s in inputs)
    return Table(columns(("file", "name"), ("SHA-256", "hash")), (Group("", "", rows),), "files")
