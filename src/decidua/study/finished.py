"""Finished results of a study: rows of a results table joined to the visits of the sheet."""

from __future__ import annotations

from dataclasses import replace

from decidua.errors import BrokenStudy, DecidualError
from decidua.measurement import Measurement
from decidua.measurement.table import from_table
from decidua.study.load import Study
from decidua.study.sheet import SampleRow
from decidua.tables import Table


def finished_results(
    study: Study, text: Table, sheet_rows: list[SampleRow]
) -> tuple[list[Measurement], list[DecidualError]]:
    """Read a file under ``finished/`` and join it to the visits that the sheet gives it.

    Parameters
    ----------
    study : Study
        Its laboratory is taken where a row states none; its specimens give the material.
    text : Table
        The results table.
    sheet_rows : list of SampleRow
        Rows of the sheet that name this file.

    Returns
    -------
    tuple of list of Measurement and list of DecidualError
        Results of listed visits, and a named error for each other row.

    Raises
    ------
    BrokenStudy
        For an unknown or missing column.
    """
    results, refused = from_table(text, study.laboratory)
    listed = {row.key for row in sheet_rows}
    found = []
    for m in results:
        if m.key in listed:
            found.append(_with_material(study, m))
        else:
            refused.append(
                BrokenStudy(
                    f"visit {m.key} is on no line of the sheet that names this file.",
                    file=text.file,
                    place=m.source.place,
                    remedy="Add a line for it.",
                )
            )
    return found, refused


def _with_material(study: Study, m: Measurement) -> Measurement:
    mine = study.visits[m.key].specimens
    specimen = study.specimens.get((m.key, m.specimen)) or (mine[0] if len(mine) == 1 else None)
    if m.measurand.material or specimen is None:
        return m
    return replace(m, measurand=m.measurand.with_fields(material=specimen.material))
