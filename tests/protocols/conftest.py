"""What the tests of the protocols share."""

from __future__ import annotations

import pytest

from cardium.core import Entry, Recording
from cardium.phantom.exam import simulate
from cardium.phantom.patient import Patient


@pytest.fixture(scope="session")
def tissue_exam():
    """A phantom's apical view: 35 B-mode and 34 Doppler frames at 30 Hz."""
    exam = simulate(Patient(number=3))
    provides = frozenset(exam.streams)
    return Recording(Entry("exam3", "p3", "fold0", provides), exam.streams)
