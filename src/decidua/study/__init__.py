"""A study folder: which tube, row or well belongs to which subject, visit and day.

In: `study.toml`, a sheet or worklist, panels. Out: `Study`; what is wrong in it, named, beside what is right.
May import: measurement, knowledge, tables, errors. Source: sections 1 to 5 of the format reference.
Start reading at `load.py`.
"""

from __future__ import annotations

from decidua.study.load import Study, load_study
from decidua.study.panel import Panel
from decidua.study.preanalytics import Judgement, judge
from decidua.study.settings import CountTable, PlateFile
from decidua.study.sheet import SampleRow

__all__ = ["CountTable", "Judgement", "Panel", "PlateFile", "SampleRow", "Study", "judge", "load_study"]
