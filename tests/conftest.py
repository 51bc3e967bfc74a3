"""Shared fixtures: where third-party test data lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of third-party files, from DECIDUA_TEST_DATA or beside the repository; skips where absent."""
    folder = Path(os.environ.get("DECIDUA_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_absolute():
        folder = ROOT / folder
    if not folder.is_dir():
        pytest.skip("third-party test data are absent: set DECIDUA_TEST_DATA")
    return folder
