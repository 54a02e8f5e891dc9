"""Training: from a task, a dataset and a recipe to a run folder, and back."""

from __future__ import annotations

from cardium.fit.run import fit, load_run

__all__ = ["fit", "load_run"]
