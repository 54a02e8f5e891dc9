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

# %%
# On paper it is true to scale: a file says how large it is, and 25 mm are a second when
# it is printed at 100 %.

from cardium.plot.ecg import lay_out_ecg
from cardium.plot.paper import write_paper

page = lay_out_ecg(ecg, layout="6x2", speed=50, gain=5)
print(f"{page.width:.0f} x {page.height:.0f} mm: {page.note}")
write_paper(figure, root / "ecg.pdf")

# %%
# A long ECG is a strip: rows of one lead, each beat's symbol over its R peak in the
# colour of its class, the rhythm below, and in yellow what a model says otherwise.

from cardium.core import Stream
from cardium.plot.rhythm_strip import draw_rhythm_strip
from cardium.signal.beat_classes import BEAT_SYMBOLS, label_stream

time = np.arange(20 * 250) / 250
peaks = np.arange(0.4, 20, 0.8)
peaks[10] -= 0.25  # one comes early
wide = np.where(np.arange(len(peaks)) == 10, 0.045, 0.012)
trace = sum(
    np.exp(-(((time - at) / w) ** 2))
    + 0.2 * np.exp(-(((time - at - 0.28) / 0.05) ** 2))
    for at, w in zip(peaks, wide, strict=True)
)
holter = Stream(
    "ecg", trace[:, None], time, ("time", "lead"), "mV", coords={"lead": ("MLII",)}
)
symbols = ["V" if k == 10 else "N" for k in range(len(peaks))]
beats = label_stream("beats", peaks, symbols, known=BEAT_SYMBOLS)
found = label_stream("beats", peaks[1:], ["N"] * (len(peaks) - 1), known=BEAT_SYMBOLS)
rhythm = label_stream("rhythm", [0.0], ["N"])
strip = draw_rhythm_strip(holter, beats=beats, predicted_beats=found, rhythm=rhythm)
strip.canvas.draw()
shown = plt.figure(figsize=strip.get_size_inches())
shown.add_axes((0, 0, 1, 1)).imshow(np.asarray(strip.canvas.buffer_rgba()))
plt.axis("off")
