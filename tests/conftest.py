from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Third-party files, never part of the repository."""
    root = Path(__file__).parent.parent
    folder = Path(os.environ.get("DECIDUA_TEST_DATA", root.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("third-party test data are absent; name their folder in DECIDUA_TEST_DATA")
    return folder
