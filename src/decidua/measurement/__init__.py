"""The nouns every room shares, and the results table they are written to.

In: what an assay room found. Out: `Measurement`, the waist of the hourglass; every interpretation starts here.
May import: statistics, knowledge, tables, errors.
Sources: the identity rule and the results table of the format reference.
Start reading at `nouns.py`, then `measurand.py`.
"""

from __future__ import annotations

from decidua.measurement.measurand import IDENTITY_FIELDS, Measurand
from decidua.measurement.nouns import (
    BooleanCounts,
    Censoring,
    Dating,
    Dose,
    Draws,
    GestationalAge,
    Instant,
    LogNormal,
    Measurement,
    Moment,
    PairedCounts,
    Population,
    Pregnancy,
    Quantity,
    Source,
    Specimen,
    Status,
    Stimulation,
    Subject,
    Visit,
    VisitKey,
)

__all__ = [
    "IDENTITY_FIELDS",
    "BooleanCounts",
    "Censoring",
    "Dating",
    "Dose",
    "Draws",
    "GestationalAge",
    "Instant",
    "LogNormal",
    "Measurand",
    "Measurement",
    "Moment",
    "PairedCounts",
    "Population",
    "Pregnancy",
    "Quantity",
    "Source",
    "Specimen",
    "Status",
    "Stimulation",
    "Subject",
    "Visit",
    "VisitKey",
]
