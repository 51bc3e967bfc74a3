"""Serum immunoassays: a plate file becomes calibrated concentrations with intervals, limits and flags.

In: xPONENT CSV, or the plain table of the format reference. Out: `Plate`, `Calibration`, `Concentration`.
May import: study, measurement, statistics, knowledge, tables, errors.
Sources: ICH M10 (acceptance), Carroll and Ruppert 1988 (noise), Fieller 1954 (intervals), in the knowledge tables.
Start reading at `exports.py`, then `curve.py`, then `readback.py`.
"""
