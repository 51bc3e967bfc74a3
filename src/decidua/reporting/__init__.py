"""Documents from findings: the only room that draws.

In: `StudyFindings`. Out: `Report`s as plain data, and HTML that needs nothing from outside.
May import: timeline, balance, study, measurement, knowledge, tables, errors.
Sources: fixed sentences and flags are rows of `knowledge/statements.csv` and `flags.csv`.
Start reading at `visit.py`, then `study.py`; `look.py` holds the palette, `figures.py` the drawings.
"""
