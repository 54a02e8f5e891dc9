"""
A volume, its planes, and the ejection fraction
===============================================

A 3D fan of beams is a :class:`cardium.core.SectorVolume`: depth, two angles, and how the
two make a direction. Everything below is measured on a phantom whose volumes are formulas.
"""

# %%
# One beat of volumes, as acquired: (time, elevation, azimuth, range).

import matplotlib.pyplot as plt
import numpy as np

from cardium.geometry import (
    grid_around,
    mesh_mask,
    mesh_section,
    mesh_volume,
    resample,
    standard_planes,
)
from cardium.phantom import Patient, simulate_volume

exam = simulate_volume(Patient(number=3))
volume, mesh = exam.streams["b_mode_3d"], exam.meshes["lv_mesh"]
fan = volume.geometry
print(volume.dims, volume.shape, f"{volume.rate:.0f} volumes/s, {fan.convention}")

# %%
# Any cut is a resample onto a plane in space; the standard ones have names. The mesh of
# the left ventricle, cut by the same plane, lies on the wall.

planes = standard_planes(fan)
figure, axes = plt.subplots(1, 2, figsize=(9, 4.2))
for shown, name in zip(axes, ("4ch", "mid"), strict=True):
    cut = planes[name]
    image = resample(volume.load()[0], fan, cut)
    x, z = 100 * np.array(cut.grid.x), 100 * np.array(cut.grid.z)
    shown.imshow(image, cmap="gray", extent=[*x, *z[::-1]])
    for line in mesh_section(*mesh.frame(0), cut):
        shown.plot(*(100 * line.T), color="orange")
    shown.set(title=name, xlabel="cm", ylabel="cm")
figure.tight_layout()

# %%
# Three ways to one number: the mesh, the samples of the fan that are inside it weighted by
# the volume each stands for, and the formula that the heart was made with.

points, faces = mesh.frame(0)
inside = mesh_mask(points, faces, fan)
weights = fan.sample_volumes()
print(f"mesh      {1e6 * mesh_volume(points, faces):.2f} mL")
print(f"samples   {1e6 * weights[inside].sum():.2f} mL")
print(f"truth     {exam.truth.volume_ml[0]:.2f} mL")

# %%
# Over the beat, and what a report would say.

volumes = [1e6 * mesh_volume(*mesh.frame(i)) for i in range(len(mesh))]
fraction = 100 * (1 - min(volumes) / max(volumes))
print(f"EF {fraction:.1f} %, truth {exam.truth.ef_percent:.1f} %")
figure, axes = plt.subplots(figsize=(6, 3))
axes.plot(mesh.time, volumes, "o-", label="mesh")
axes.plot(exam.truth.time, exam.truth.volume_ml, "k:", label="truth")
axes.set(xlabel="s", ylabel="mL", ylim=(0, None))
axes.legend()
figure.tight_layout()

# %%
# Voxels, for tools that know no beams. The table between the two geometries is made once
# and used for every volume.

grid = grid_around(fan, spacing=0.002)
voxels = resample(volume.load(), fan, grid)
print(voxels.shape, [f"{1e3 * step:.1f} mm" for step in grid.spacing])
