"""The field's facts as tables: analytes, populations, ratios, stimuli, units, phases, references, cut-offs, model.

In: `tables/*.csv`, one fact a row, each number with its unit and each row with its source.
Out: `Fact` rows by key, from `table(name)`. May import: errors, tables.
Sources: `tables/sources.csv`; a row without a paper says `judgement`, `convention` or `definition`.
Start reading at `load.py`.
"""

from __future__ import annotations

from decidua.knowledge.load import Fact, KnowledgeTable, check_all, constant, fact, label, rows, table

__all__ = ["Fact", "KnowledgeTable", "check_all", "constant", "fact", "label", "rows", "table"]
