"""The layer loads fast, and offers what it says."""

from __future__ import annotations

import subprocess
import sys

import cardium.signal


def test_importing_loads_numpy_at_most() -> None:
    code = "import sys, cardium.signal; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"scipy", "numba", "skimage", "neurokit2", "pandas"} & set(loaded)


def test_every_public_name_is_there() -> None:
    for name in cardium.signal.__all__:
        public = getattr(cardium.signal, name)
        assert public.__doc__ or name.isupper()  # a constant has a comment
