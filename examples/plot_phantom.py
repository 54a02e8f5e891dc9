"""
A heart whose truth is known
============================

The phantom's left ventricle moves by a closed-form map: its volumes, its strain and its
velocities are formulas, not estimates. See :doc:`/phantom`.
"""

# %%

import matplotlib.pyplot as plt
import numpy as np

from cardium.geometry.contour import polygon_area
from cardium.phantom import Patient, simulate

exam = simulate(Patient(edv_ml=130, ef_percent=58, gls_percent=-18, heart_rate=64))
truth = exam.truth
print(
    f"EDV {truth.edv_ml:.1f} mL, ESV {truth.esv_ml:.1f} mL, EF {truth.ef_percent:.1f} %, "
    f"GLS {truth.gls_percent:.1f} %"
)

# %%
# The volume over the beat, beside the ECG that it follows.

figure, (above, below) = plt.subplots(2, 1, figsize=(7, 4.5), sharex=True)
above.plot(truth.time, truth.volume_ml)
above.set(ylabel="LV volume [mL]")
ecg = exam.streams["ecg"]
below.plot(ecg.time, ecg.load(), linewidth=0.8)
below.set(xlabel="time [s]", ylabel="ECG")
figure.tight_layout()

# %%
# The contour shows material surfaces: five layers from the endocardium to the
# epicardium. The area of the wall in the picture plane grows as the wall thickens.

contour = exam.annotations["lv_contour"]
print(contour.dims, contour.shape, contour.coords["layer"])
layers = contour.load()
inner = np.array([polygon_area(frame[0]) for frame in layers])
outer = np.array([polygon_area(frame[-1]) for frame in layers])
print(f"cavity area {1e4 * inner.max():.1f} -> {1e4 * inner.min():.1f} cm2")

figure, axes = plt.subplots(figsize=(4, 5))
for frame, style in ((int(inner.argmax()), "-"), (int(inner.argmin()), "--")):
    for layer in (0, -1):
        x, z = 1000 * layers[frame][layer].T
        axes.plot(x, z, style, color="C0" if layer == 0 else "C1")
axes.set(
    title="end-diastole (solid), end-systole (dashed)", xlabel="x [mm]", ylabel="z [mm]"
)
axes.set_aspect("equal")
axes.invert_yaxis()
figure.tight_layout()
