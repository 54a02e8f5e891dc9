"""One module a dataset; the module's name is the dataset's."""

from __future__ import annotations

from cardium.core import Dataset, Finding, Registry
from cardium.datasets._fetch import fetch
from cardium.datasets._stats import stats, tables
from cardium.datasets._verify import verify

__all__ = ["DATASETS", "Finding", "fetch", "stats", "tables", "verify"]

DATASETS: Registry[Dataset] = Registry("dataset", "DATASET", Dataset)
"""The datasets there are, by name."""
