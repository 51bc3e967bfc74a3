"""Decidua: from laboratory files to a Th1/Th2/Th17/Treg and NK profile on the pregnancy timeline.

For research use only: it describes and places; it never advises treatment.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_ROOMS = {
    "decidua.errors": ("DecidualError", "DecidualWarning"),
    "decidua.measurement": (
        *("Censoring", "GestationalAge", "Measurand", "Measurement", "Moment", "Pregnancy"),
        *("Quantity", "Specimen", "Stimulation", "Visit", "VisitKey"),
    ),
    "decidua.study": ("Panel", "Study", "load_study"),
    "decidua.balance": ("Profile", "Ratio"),
    "decidua.timeline.placement": ("Placement",),
    "decidua.pipeline": ("acquire", "place_study", "quantify"),
    "decidua.batch": ("run_study",),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "Censoring",
    "DecidualError",
    "DecidualWarning",
    "GestationalAge",
    "Measurand",
    "Measurement",
    "Moment",
    "Panel",
    "Placement",
    "Pregnancy",
    "Profile",
    "Quantity",
    "Ratio",
    "Specimen",
    "Stimulation",
    "Study",
    "Visit",
    "VisitKey",
    "acquire",
    "load_study",
    "place_study",
    "quantify",
    "run_study",
]

if TYPE_CHECKING:
    from decidua.balance import Profile, Ratio
    from decidua.batch import run_study
    from decidua.errors import DecidualError, DecidualWarning
    from decidua.measurement import (
        Censoring,
        GestationalAge,
        Measurand,
        Measurement,
        Moment,
        Pregnancy,
        Quantity,
        Specimen,
        Stimulation,
        Visit,
        VisitKey,
    )
    from decidua.pipeline import acquire, place_study, quantify
    from decidua.study import Panel, Study, load_study
    from decidua.timeline.placement import Placement


def __getattr__(name: str) -> Any:
    """Load a public name's room only when the name is used, so that `import decidua` stays light."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'decidua' has no attribute {name!r}")
