"""A study with known truth: women, tubes, killing assays, plates and references from a seed; and what was recovered.

In: a seed. Out: a study folder and its `Truth`; from `StudyFindings`, a `Recovery`.
May import: reporting's findings and the rooms below, never pipeline.
Sources: none; every number is made to be plausible, and nothing here is evidence.
Start reading at `folder.write_study`, then `recovery.compare`.
"""

from decidua.synthetic.folder import write_study
from decidua.synthetic.recovery import Coverage, Miss, PlantedValue, Recovery, TrapFinding, compare
from decidua.synthetic.truth import TrueValue, Truth

__all__ = [
    "Coverage",
    "Miss",
    "PlantedValue",
    "Recovery",
    "TrapFinding",
    "TrueValue",
    "Truth",
    "compare",
    "write_study",
]
