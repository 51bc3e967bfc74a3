import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of third-party test inputs; never part of the repository."""
    folder = Path(os.environ.get("DECIDUA_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("third-party test data are not here: set DECIDUA_TEST_DATA")
    return folder
