"""The mechanistic model: how the balance moves from the cycle of conception through pregnancy to labour.

In: `Women`, a `Regimen`, infections, mechanisms switched off. Out: `Trajectory`, a model and no forecast.
May import: measurement, knowledge, tables, errors. Sources: `knowledge/tables/model_sources.csv`.
Start reading at `equations.py`, then `solve.py`; `observe.py` says what assays would show of it.
"""

from __future__ import annotations

from decidua.simulation.plan import Infection
from decidua.simulation.population import Plausibility, draw, plausible
from decidua.simulation.regimen import Antibodies, Course, Regimen, read_regimen
from decidua.simulation.solve import simulate
from decidua.simulation.trajectory import Outcome, Trajectory
from decidua.simulation.women import Women, mechanisms

__all__ = [
    "Antibodies",
    "Course",
    "Infection",
    "Outcome",
    "Plausibility",
    "Regimen",
    "Trajectory",
    "Women",
    "draw",
    "mechanisms",
    "plausible",
    "read_regimen",
    "simulate",
]
