"""Fixtures that every layer's tests share."""

from __future__ import annotations

import os
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:
    # Before torch and numpy are loaded: workers that each take all cores are slow.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings, or a skip that says where it was looked for."""
    folder = Path(os.environ.get("CARDIUM_TEST_DATA", BESIDE))
    if not folder.is_dir():
        pytest.skip(f"no real data at '{folder}' (set CARDIUM_TEST_DATA)")
    return folder
