"""Serum immunoassays: a plate file becomes calibrated concentrations with intervals, limits and flags.

In: xPONENT CSV, or the plain table of the format reference. Out: `Plate`, `Calibration`, `Concentration`.
May import: study, measurement, statistics, knowledge, tables, errors.
Sources: sections 2 and 5 of the immunoassay notes in docs/science; ICH M10 for acceptance.
Start reading at `exports.py`, then `curve.py`, then `readback.py`.
"""
