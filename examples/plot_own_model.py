"""
Score a model of your own
=========================

Anything with ``predict(sample)`` and ``describe()`` can be scored: no base class, no
framework. Here a threshold stands in for *your* network.
"""

# %%
# A small dataset in the layout of CAMUS, with known content. On the real one, leave out
# this step and say where it lies: ``open_dataset("camus", root="...")``.

from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from scipy.ndimage import gaussian_filter

from cardium import open_dataset
from cardium.datasets import DATASETS
from cardium.evaluate import evaluate

root = Path(mkdtemp())
DATASETS.find("camus").write_fake(root)
data = open_dataset("camus", root=root)
print(data, len(data), "recordings of", len(data.catalog.patients), "patients")


# %%
# The model. A sample holds one stream: here frames in (time, z, x), grey levels 0..255.
# The answer is an array of its shape that holds 0 for background, 1 for the cavity and 2 for
# the myocardium.


class DarkMiddle:
    """Call the dark middle of the picture the cavity."""

    def predict(self, sample):
        frames = gaussian_filter(sample.stream.load(), (0, 6, 6))
        z, x = np.indices(frames.shape[1:])
        rows, columns = frames.shape[1:]
        middle = (np.abs(x / columns - 0.5) < 0.15) & (np.abs(z / rows - 0.4) < 0.25)
        return {"labels": ((frames < 60) & middle).astype(np.uint8)}

    def describe(self):
        return {"name": "dark middle", "threshold": 60}


# %%
# One call: predictions, scores, intervals that resample patients. This model was not trained,
# so every recording may be scored; of a trained one, score ``split="test"``.

report = evaluate(DarkMiddle(), "lv_segmentation", data, split="all", draws=200)
for name, estimate in report.summary.items():
    metric = report.metrics[name]
    print(
        f"{metric.title:<32}{estimate.value:8.3f} [{estimate.low:.3f}, {estimate.high:.3f}] {metric.unit}"
    )

# %%
# A row a recording, for the plot you have in mind.

for row in list(report.scores.rows())[:4]:
    print(row)
