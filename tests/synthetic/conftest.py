"""A made study of few events, written once, and what the pipeline finds in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from decidua.pipeline import place_study, quantify
from decidua.reporting.findings import StudyFindings
from decidua.study import load_study
from decidua.synthetic import Truth, write_study

EVENTS = 4_000


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    folder = tmp_path_factory.mktemp("made")
    return folder, write_study(folder, seed=1, events=EVENTS)


@pytest.fixture(scope="session")
def found(made: tuple[Path, Truth]) -> StudyFindings:
    study = load_study(made[0])
    return place_study(study, quantify(study))
