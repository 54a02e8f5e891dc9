"""One module a dataset; the module's name is the dataset's."""

from __future__ import annotations

from cardium.core import Dataset, Registry
from cardium.datasets._fetch import fetch
from cardium.datasets._stats import stats
from cardium.datasets._verify import Finding, verify

__all__ = ["DATASETS", "Finding", "fetch", "stats", "verify"]

DATASETS: Registry[Dataset] = Registry("dataset", "DATASET", Dataset)
"""The datasets there are, by name."""
