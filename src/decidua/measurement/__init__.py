"""The nouns every room shares, and the results table they are written to.

In: what an assay room found. Out: `Measurement`, the waist of the hourglass; every interpretation starts here.
May import: statistics, knowledge, tables, errors.
Sources: the identity rule and the results table of the format reference.
Start reading at `nouns.py`, then `measurand.py`.
"""

from __future__ import annotations

from decidua.measurement.measurand import IDENTITY_FIELDS, Measurand
from decidua.measurement.nouns import (
    Censoring,
    Dating,
    Dose,
    Draws,
    GestationalAge,
    Instant,
    JointCounts,
    LogNormal,
    Measurement,
    Moment,
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
    status_of,
)
from decidua.statistics import PairedCounts

__all__ = [
    "IDENTITY_FIELDS",
    "Censoring",
    "Dating",
    "Dose",
    "Draws",
    "GestationalAge",
    "Instant",
    "JointCounts",
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
    "status_of",
]
