"""
A 12-lead ECG and its labels
============================

PTB-XL in its official layout, read lazily; here on a fake of known content.
"""

# %%

from pathlib import Path
from tempfile import mkdtemp

from cardium import open_dataset
from cardium.datasets import DATASETS

root = Path(mkdtemp())
DATASETS.find("ptb_xl").write_fake(root)
data = open_dataset("ptb_xl", root=root)
entry = data.catalog.split("train").entries[0]
print(entry.id, entry.patient, dict(entry.labels))

# %%
# Time comes first and leads have names; a slice of time reads no more than it needs.

ecg = data.load(entry)["ecg"]
print(ecg.dims, ecg.shape, f"{ecg.rate:.0f} Hz", ecg.unit, ecg.coords["lead"])
lead = ecg.coords["lead"].index("II")
print(
    f"lead II in the second second: up to {ecg.between(1, 2).load()[:, lead].max():.3f} mV"
)

# %%
# The standard plot: 25 mm/s, 10 mm/mV. It is a matplotlib figure of its own; pyplot only
# shows it on this page.

import matplotlib.pyplot as plt
import numpy as np

from cardium.plot.ecg import draw_ecg

figure = draw_ecg(ecg, title=entry.id)
figure.canvas.draw()
picture = np.asarray(figure.canvas.buffer_rgba())
shown = plt.figure(figsize=figure.get_size_inches())
shown.add_axes((0, 0, 1, 1)).imshow(picture)
plt.axis("off")
