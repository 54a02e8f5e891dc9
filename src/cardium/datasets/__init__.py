"""One module a dataset; the module's name is the dataset's."""

from __future__ import annotations

from cardium.core import Dataset, Registry

DATASETS: Registry[Dataset] = Registry("dataset", "DATASET", Dataset)
"""The datasets there are, by name."""
