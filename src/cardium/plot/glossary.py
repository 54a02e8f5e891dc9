"""What the metrics mean, in a sentence each."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from cardium.core import Metric

_MEANINGS = {
    "dice": "Overlap of two areas: twice what they share over their sum. "
    "1 is perfect, 0 is no overlap.",
    "hd95": "95th percentile of the distances between the two outlines: how far off "
    "the outline is at its worse places.",
    "distance": "Mean distance between the two outlines.",
    "area_error": "Size of the difference between the two areas.",
    "macro_auroc": "Area under the ROC curve, averaged over the classes: the chance "
    "that a recording with the finding gets a higher probability than one without. "
    "0.5 is guessing.",
    "auroc": "Area under the ROC curve of one class. 0.5 is guessing.",
    "macro_average_precision": "Area under the precision-recall curve, averaged over "
    "the classes. Guessing gives the share of recordings with the finding.",
    "log_loss": "Mean of −log of the probability given to what is true; confident "
    "mistakes cost most.",
    "velocity_error": "Mean absolute difference to the measured velocity, folded at "
    "the Nyquist limit.",
    "velocity_bias": "Size of the mean signed difference to the measured velocity.",
}
"""Sentences by the beginning of a metric's name; the first that fits is used."""


def glossary(metrics: Mapping[str, Metric]) -> str:
    """Explain each metric, its unit and which way is good, as HTML."""
    items = []
    for key, metric in metrics.items():
        meaning = next((t for k, t in _MEANINGS.items() if key.startswith(k)), "")
        good = "Higher" if metric.higher_is_better else "Lower"
        unit = f"In {metric.unit}." if metric.unit else ""
        text = " ".join(filter(None, (meaning, unit, f"{good} is better.")))
        items.append(
            f"<div><dt>{escape(metric.title)}</dt><dd>{escape(text)}</dd></div>"
        )
    return (
        '<h2>What the numbers mean</h2><p class="soft">An interval is the middle 95 % '
        "of what comes out when patients, not recordings, are drawn again with "
        "replacement: recordings of one patient are alike.</p>"
        f'<dl class="glossary">{"".join(items)}</dl>'
    )
