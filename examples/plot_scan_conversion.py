"""
Beams, planes and folded velocities
===================================

An ultrasound machine samples along beams. :func:`cardium.geometry.resample` takes such
samples to an image plane, or back, through a table that is built once a geometry.
"""

# %%
# A phantom examination: B-mode as acquired, in (time, range, beam), with its sector.

import matplotlib.pyplot as plt
import numpy as np

from cardium.geometry import plane_around, resample, resample_velocity
from cardium.phantom import Patient, simulate

exam = simulate(Patient(number=3))
b_mode = exam.streams["b_mode"]
print(b_mode.dims, b_mode.shape, f"{b_mode.rate:.0f} frames/s", b_mode.geometry)

# %%
# The plane around the sector has square pixels and the same pixel convention: index 0 is
# the centre of the first sample.

plane = plane_around(b_mode.geometry)
image = resample(b_mode.load(), b_mode.geometry, plane)
print(image.shape, image.dtype, f"{1000 * plane.spacing[0]:.2f} mm a pixel")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.5), width_ratios=(1, 2))
left.imshow(b_mode.load()[0], cmap="gray", aspect="auto")
left.set(title="beamspace", xlabel="beam", ylabel="range sample")
extent = [1000 * v for v in (*plane.x, plane.z[1], plane.z[0])]
right.imshow(image[0], cmap="gray", extent=extent)
right.set(title="image plane", xlabel="x [mm]", ylabel="z [mm]")
figure.tight_layout()

# %%
# Velocities fold at the Nyquist limit. Between +0.95 and -0.95 of the limit lies the
# limit itself, not zero; interpolating phasors knows that.

tissue = exam.streams["tissue_velocity"]
limit = tissue.velocity_limit
values = tissue.load()
print(
    f"limit {100 * limit:.0f} cm/s, range {100 * values.min():.1f}..{100 * values.max():.1f}"
)
velocity = resample_velocity(values, tissue.geometry, plane, velocity_limit=limit)
fastest = int(np.nanargmax(np.nanmean(np.abs(velocity), axis=(1, 2))))

figure, axes = plt.subplots(figsize=(5.5, 4.5))
axes.imshow(image[fastest % len(image)], cmap="gray", extent=extent)
shown = axes.imshow(
    100 * velocity[fastest], cmap="RdBu_r", vmin=-10, vmax=10, extent=extent, alpha=0.7
)
figure.colorbar(shown, label="velocity [cm/s], towards the probe is positive")
axes.set(
    title=f"t = {1000 * tissue.time[fastest]:.0f} ms", xlabel="x [mm]", ylabel="z [mm]"
)
figure.tight_layout()
