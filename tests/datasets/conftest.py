"""Fakes written once: simulating them takes seconds."""

import pytest

from cardium.datasets import camus, ptb_xl


@pytest.fixture(scope="session")
def camus_fake(tmp_path_factory):
    """A CAMUS root and what reading it must give; copy it before changing it."""
    root = tmp_path_factory.mktemp("camus")
    return root, camus.DATASET.write_fake(root)


@pytest.fixture(scope="session")
def ptb_xl_fake(tmp_path_factory):
    """A PTB-XL root and what reading it must give; copy it before changing it."""
    root = tmp_path_factory.mktemp("ptb_xl")
    return root, ptb_xl.DATASET.write_fake(root)
