"""The pregnancy timeline: where a visit stands, and what a value means on that day.

In: `Visit`s and `Measurement`s. Out: `Moment`, `Reference`, `Placement`, `Change`.
May import: balance, study, measurement, statistics, knowledge, tables, errors.
Sources: ColeGreen1992, Rigby2004, EP28, Horn1998, Searle1971; phases and datings are rows of the knowledge tables.
Start reading at `gestation.py`, then `placement.py`; `own_reference.py` builds a laboratory's own, `change.py` compares
two visits.
"""
