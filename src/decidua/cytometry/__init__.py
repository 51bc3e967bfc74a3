"""Flow cytometry: a count table or an FCS file with its gates becomes measurements.

In: counts another program exported; FCS tubes and their gates. Out: `Measurement`s with counts behind them.
May import: study, measurement, statistics, knowledge, tables, errors.
Sources: sections 4 and 5 of the format reference; the knowledge tables.
Start reading at `counts.py`, then `responders.py`.
"""
