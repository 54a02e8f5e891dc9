"""What tasks with several labels a record share: columns by class, pooled areas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cardium.core import Answer, Columns, FloatArray, Metric
from cardium.metrics import fmax, log_loss, macro_areas, mean_over_patients

MOST_PRINTED = 23
"""Areas of single classes are printed for so many classes at most."""


def label_metrics(classes: Sequence[str]) -> dict[str, Metric]:
    """Return the metrics of a task with several labels, by name."""
    few = len(classes) <= MOST_PRINTED
    by_class = {f"auroc_{name}": Metric(f"AUROC, {name}") for name in classes}
    return {
        "macro_auroc": Metric("AUROC, mean over classes"),
        "macro_average_precision": Metric("Average precision, mean over classes"),
        "fmax": Metric("Fmax of records"),
        "log_loss": Metric("Log loss", "nats", False),
        **(
            by_class
            if few
            else {"classes": Metric("Classes in the mean AUROC", is_count=True)}
        ),
    }


def label_columns(
    prediction: Answer, truth: Answer, classes: Sequence[str]
) -> dict[str, float]:
    """Keep probabilities and truths, which areas need of all recordings together."""
    probability, true = prediction.values["probability"], truth.values["probability"]
    named = list(zip(classes, probability.tolist(), true.tolist(), strict=True))
    return {
        **{f"probability_{name}": p for name, p, _ in named},
        **{f"truth_{name}": t for name, _, t in named},
        "log_loss": log_loss(probability, true),
    }


def label_arrays(
    columns: Columns, classes: Sequence[str]
) -> tuple[FloatArray, FloatArray]:
    """Return probabilities and truths (N, C) of the columns."""
    probability, truth = (
        np.stack([columns[f"{kind}_{name}"] for name in classes]).T
        for kind in ("probability", "truth")
    )
    return probability, truth


def summarize_labels(
    columns: Columns, patients: NDArray[np.intp], classes: Sequence[str]
) -> dict[str, float]:
    """Compute the areas over all recordings, and the mean log loss by patient."""
    probability, truth = label_arrays(columns, classes)
    area, precision = macro_areas(probability, truth, classes=classes)
    few = len(classes) <= MOST_PRINTED
    by_class = {f"auroc_{name}": value for name, value in area.per_class.items()}
    defined = {"classes": float(len(classes) - len(area.left_out))}
    return {
        "macro_auroc": area.value,
        "macro_average_precision": precision.value,
        "fmax": fmax(probability, truth),
        **mean_over_patients({"log_loss": columns["log_loss"]}, patients),
        **(by_class if few else defined),
    }
