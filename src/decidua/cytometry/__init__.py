"""Flow cytometry: an FCS file with its gates, or a count table, becomes measurements.

In: FCS files, FlowJo 10 workspaces, counts another program exported. Out: `Measurement`s with counts behind them.
May import: study, measurement, statistics, knowledge, tables, errors.
Sources: the FCS 3.1 and Gating-ML 2.0 standards of ISAC, and the papers each function names.
Start reading at `fcs.py` and `engine.py` for tubes, `counts.py` for tables, `responders.py` for what leaves the room.
"""
