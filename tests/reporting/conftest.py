"""Findings made once for every test of the room."""

from __future__ import annotations

import pytest

from decidua.reporting.document import Report
from decidua.reporting.findings import StudyFindings
from decidua.reporting.study import study_report
from decidua.reporting.visit import visit_report
from reporting import made


@pytest.fixture(scope="session")
def whole() -> StudyFindings:
    """People of a count table, two women followed, a bad day, refused inputs and notes."""
    return made.whole()


@pytest.fixture(scope="session")
def visits(whole: StudyFindings) -> dict[str, Report]:
    """One visit report of each kind."""
    her = [v for v in whole.visits if v.visit.key.subject == "W7"]
    after = [v for v in whole.visits if v.visit.key.subject == "W002"]
    alone = {"many": made.many(), "one": made.many("W1", 1), "empty": made.empty()}
    bad = next(v for v in whole.visits if v.visit.key.subject == "W9")
    return {
        "full": visit_report(whole, her[3]),
        "treated": visit_report(whole, her[1]),
        "post partum": visit_report(whole, after[3]),
        "unplaceable": visit_report(whole, after[0]),
        "undated": visit_report(whole, whole.visits[0]),
        "bad": visit_report(whole, bad),
        **{name: visit_report(made.study(v), v) for name, v in alone.items()},
    }


@pytest.fixture(scope="session")
def studies(whole: StudyFindings) -> dict[str, Report]:
    """A full study report, and one of nothing."""
    return {"whole": study_report(whole), "nothing": study_report(made.study())}
