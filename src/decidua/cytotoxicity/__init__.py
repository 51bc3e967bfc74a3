"""NK killing: effector:target counts to lysis, lytic units and activity per NK cell.

In: a killing table, one tube a row (flow: targets and dead; 51Cr: cpm). Out: `KillingSeries` for figures, and
`Measurement`s. May import: measurement, knowledge, tables, errors.
Sources: Bol1986, LU1990, Pross1981, Viracor30035.
Start reading at `tubes.py`, then `noise.py`, `lysis.py` and `curve.py`.
"""

from __future__ import annotations

from decidua.cytotoxicity.curve import CurveModel, KillingCurve
from decidua.cytotoxicity.lysis import Condition, Inhibition, LysisPoint
from decidua.cytotoxicity.results import measurements
from decidua.cytotoxicity.series import KillingSeries, killing_series
from decidua.cytotoxicity.table import read_killing
from decidua.cytotoxicity.tubes import Assay, Drug, KillingTable, Role, Tube

__all__ = [
    "Assay",
    "Condition",
    "CurveModel",
    "Drug",
    "Inhibition",
    "KillingCurve",
    "KillingSeries",
    "KillingTable",
    "LysisPoint",
    "Role",
    "Tube",
    "killing_series",
    "measurements",
    "read_killing",
]
