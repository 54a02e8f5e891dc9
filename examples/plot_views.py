"""
Every view and mode of the phantom, and how it was made
=======================================================

One patient, examined as in a laboratory: seven views, tissue and colour Doppler, M-mode,
spectra, planes, volumes, cine MRI and an electrocardiogram. All of it comes from one heart
and one motion. What is stated with each picture is known, not measured.
"""

# %%
# The patient, drawn from the population: numbers as in a report.

import matplotlib.pyplot as plt
import numpy as np

from cardium.core import STRUCTURES, Entry, Recording, Stream
from cardium.geometry import plane_around, resample, standard_planes
from cardium.phantom import (
    VIEWS,
    begin,
    dense_truth,
    sample_patient,
    simulate,
    simulate_cine,
    simulate_ecg,
    simulate_flow,
    simulate_m_mode,
    simulate_planes,
    simulate_spectrum,
    simulate_volume,
)
from cardium.phantom.anatomy import TISSUES
from cardium.plot import draw_ecg, draw_picture
from cardium.plot.style import DARK, INK, STRUCTURE_COLOURS, velocity_map
from cardium.signal.stitching import stitched_geometry

patient = sample_patient(1, conditions=())
print(
    f"{patient.sex}, {patient.age:.0f} years, EDV {patient.edv_ml:.0f} mL, "
    f"EF {patient.ef_percent:.0f} %, GLS {patient.gls_percent:.1f} %, "
    f"{patient.heart_rate:.0f}/min"
)


def board(rows, columns, width, height):
    """Dark axes without frames."""
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(width, height),
        facecolor=DARK,
        squeeze=False,
        layout="constrained",
    )
    for each in axes.flat:
        each.axis("off")
    return figure, axes


def to_picture(frame, sector):
    """Scan-convert one frame; return it with its extent in centimetres."""
    plane = plane_around(sector, rows=560)
    picture = resample(frame.astype(np.float32), sector, plane, outside=0)
    return picture, [100 * v for v in (*plane.x, *plane.z[::-1])]


def as_recording(exam, **parts):
    """Put streams and R peaks together, as a dataset's recording has them."""
    qrs = Stream("qrs", exam.qrs_times, exam.qrs_times, ("time",), "s")
    entry = Entry("phantom", "patient", "", frozenset())
    return Recording(entry, exam.streams, {"qrs": qrs}, **parts)


# %%
# Seven views
# -----------
# Point scatterers move with the map; in every frame their echoes are added up with the
# carrier's phase, blurred with pulse and beam, and log-compressed. The trabeculae, papillary
# muscles, leaflets and chordae are part of the anatomy; haze, uneven contact, rib and lung
# shadows and the grey map are drawn for each recording. Ten frames a second are enough for
# stills; the usual rate of this preset is 60.

exams = {
    view: simulate(patient, view=view, preset="full", frame_rate=10) for view in VIEWS
}


def show_views(names):
    """End-diastole above, end-systole below."""
    _, axes = board(2, len(names), 3.2 * len(names), 5.2)
    for column, name in zip(axes.T, names, strict=True):
        b_mode, truth = exams[name].streams["b_mode"], exams[name].truth
        moments = {"end-diastole": truth.ed_time, "end-systole": truth.es_time}
        for shown, (phase, time) in zip(column, moments.items(), strict=True):
            # Just after, while the volume still stands still.
            k = int(np.searchsorted(b_mode.time, time - 0.005))
            picture, extent = to_picture(b_mode.values[k : k + 1][0], b_mode.geometry)
            shown.imshow(picture, cmap="gray", extent=extent, vmin=0, vmax=255)
            shown.set_title(f"{name}, {phase}", color=INK, fontsize=9)


show_views(VIEWS[:4])

# %%

show_views(VIEWS[4:])

# %%
# What is true there
# ------------------
# The same frame of the four-chamber view, with what is known at every sample of it.

exam = exams["4ch"]
b_mode = exam.streams["b_mode"]
scene = begin(patient, what="b_mode 4ch", beats=2)
k = int(np.searchsorted(b_mode.time, exam.truth.aortic_opens[0] + 0.1))
films = dense_truth(scene, exam.placement, b_mode.geometry, b_mode.time[k : k + 1])
picture, extent = to_picture(b_mode.values[k : k + 1][0], b_mode.geometry)
endocardium, *_, epicardium = exam.annotations["lv_contour"].load()[k]
myocardium = films["tissue"].load()[0] == TISSUES.index("myocardium")
figure, axes = board(1, 4, 13, 2.9)
for shown, title in zip(
    axes[0],
    (
        "endocardium, epicardium",
        "tissue",
        "velocity to the probe [cm/s]",
        "longitudinal strain [%]",
    ),
    strict=True,
):
    shown.imshow(picture, cmap="gray", extent=extent, vmin=0, vmax=255)
    shown.set_title(title, color=INK, fontsize=9)
for line, colour in ((endocardium, "#ffb000"), (epicardium, "#2ec4e6")):
    axes[0, 0].plot(*(100 * line.T), color=colour, linewidth=1.2)
tissue = films["tissue"].load()[0]
velocity = np.where(myocardium, 100 * films["beam_velocity"].load()[0], np.nan)
for shown, values, colours, (low, high) in (
    (axes[0, 1], np.where(tissue > 0, tissue, np.nan), "tab20", (0, 20)),
    (axes[0, 2], velocity, velocity_map(), (-8, 8)),
    (axes[0, 3], films["strain"].load()[0, 2], "RdBu", (-25, 25)),
):
    over = resample(
        values.astype(np.float32),
        b_mode.geometry,
        plane_around(b_mode.geometry, rows=560),
        method="nearest",
        outside=np.nan,
    )
    drawn = shown.imshow(
        over, cmap=colours, vmin=low, vmax=high, extent=extent, alpha=0.75
    )
    if high != 20:
        bar = figure.colorbar(drawn, ax=shown, shrink=0.7, pad=0.01)
        bar.ax.tick_params(colors=INK, labelsize=7)

# %%
# Tissue and colour Doppler
# -------------------------
# Packets of five pulses of the same scatterers, estimated by autocorrelation. Left, early
# diastole: the base moves away from the probe, which is blue; in blood there is noise alone.
#
# For colour, packets of ten pulses of walls and of blood that moves with the flow; a
# regression filter takes the walls out. In the middle, the E wave comes towards the probe.
# Right, another patient in systole, whose mitral valve leaks: outflow away from the probe, and
# at the leak velocities that fold.

leaking = sample_patient(2, conditions=("mitral_regurgitation",))
early = sum(scene.motion.cycle.beats[0].early) / 2
figure, axes = board(1, 3, 13, 4.4)
for shown, each, moment in zip(
    axes[0],
    (exam, simulate_flow(patient), simulate_flow(leaking)),
    ({"time": early}, {"phase": 0.64}, {"phase": 0.27}),
    strict=True,
):
    shown.imshow(draw_picture(as_recording(each), **moment))

# %%
# M-mode
# ------
# One beam from beside the sternum, 200 lines a second; the mitral leaflets open between
# septum and posterior wall, whose true borders are drawn.

m_mode = simulate_m_mode(patient)
stream = m_mode.streams["m_mode"]
figure, axes = board(1, 1, 11, 3.6)
depth = 100 * stream.axes["range"]
axes[0, 0].imshow(
    stream.load().T,
    cmap="gray",
    aspect="auto",
    extent=(stream.time[0], stream.time[-1], depth[-1], depth[0]),
)
_ = axes[0, 0].plot(stream.time, 100 * m_mode.walls, color="#ffb000", linewidth=0.8)

# %%
# Spectra
# -------
# All velocities in a sample volume, or along the whole beam, with the statistics of speckle:
# mitral inflow, outflow tract, lateral annulus, and the jet of a stenosis by continuous wave.
# The line is the true envelope of the first beat.

stenosis = sample_patient(3, conditions=("aortic_stenosis",))
spectra = [
    (patient, "pulsed_wave", "mitral"),
    (patient, "pulsed_wave", "lvot"),
    (patient, "pulsed_wave", "annulus"),
    (stenosis, "continuous_wave", "aortic"),
]
figure, axes = board(2, 2, 13, 5.6)
for shown, (who, mode, site) in zip(axes.flat, spectra, strict=True):
    made = simulate_spectrum(who, mode=mode, site=site, preset="full")
    stream = made.streams[mode]
    velocity = 100 * stream.axes["velocity"]
    shown.imshow(
        stream.load().T,
        cmap="gray",
        aspect="auto",
        extent=(stream.time[0], stream.time[-1], velocity[-1], velocity[0]),
    )
    (time, true) = made.marks[0].points.T
    shown.plot(time, 100 * true, color="#ffb000", linewidth=1)
    peaks = ", ".join(f"{k} {100 * v:.0f}" for k, v in made.truth.peaks.items())
    shown.set_title(
        f"{mode.replace('_', ' ')}, {site}: {peaks} cm/s", color=INK, fontsize=9
    )

# %%
# Two planes at once
# ------------------
# At right angles about the long axis, so the biplane method of discs is right to 1 %.

planes = simulate_planes(patient, preset="full")
figure, axes = board(1, 2, 9, 3.3)
for number, shown in enumerate(axes[0]):
    b_mode = planes.streams[f"b_mode_{number}"]
    picture, extent = to_picture(b_mode.values[4:5][0], b_mode.geometry)
    line = planes.annotations[f"lv_contour_{number}"].load()[4, 0]
    shown.imshow(picture, cmap="gray", extent=extent)
    shown.plot(*(100 * line.T), color="#ffb000", linewidth=1)

# %%
# Volumes
# -------
# The same model in space. Above, planes of a volume taken in one beat; below, one that was
# put together from the slabs of four beats while the patient breathed: seams run across the
# short axis and the two-chamber view. The four-chamber view lies along the slabs. (The lower
# row has the small preset, with a quarter of the beams.)

single = simulate_volume(patient, preset="full", beats=1)
several = simulate_volume(patient, beats=4, breathing=0.004)
slabs = several.streams["b_mode_3d"]
firsts = np.searchsorted(slabs.time, several.qrs_times[:-1] - 1e-9)
volumes = (
    (single.streams["b_mode_3d"].values[0:1][0], single.streams["b_mode_3d"].geometry),
    (
        np.concatenate([slabs.values[firsts[b] :][0] for b in several.slabs.argsort()]),
        stitched_geometry(slabs.geometry, several.beats),
    ),
)
figure, axes = board(2, 3, 12, 6.6)
for row, (volume, fan) in zip(axes, volumes, strict=True):
    cuts = standard_planes(fan)
    for shown, name in zip(row, ("4ch", "2ch", "mid"), strict=True):
        cut = cuts[name]
        x, z = 100 * np.array(cut.grid.x), 100 * np.array(cut.grid.z)
        picture = resample(volume, fan, cut)
        shown.imshow(picture, cmap="gray", extent=[*x, *z[::-1]])
        shown.set_title(name, color=INK, fontsize=9)

# %%
# Cine MRI
# --------
# The same heart as a short-axis stack: the signal of a balanced gradient echo, slices of
# 8 mm with partial volume, in end-diastole and end-systole with the true labels.

cine = simulate_cine(patient, preset="full", phases=5)
stack, labels = cine.streams["cine"].load(), cine.annotations["cine_mask"].load()
_, rows, columns = np.nonzero(labels[0])
around = np.s_[
    rows.min() - 15 : rows.max() + 30, columns.min() - 20 : columns.max() + 30
]
levels = np.flatnonzero((labels[0] == 1).any(axis=(1, 2)))[1::2][:4]
figure, axes = board(2, len(levels), 11, 5.4)
for row, phase in zip(axes, (cine.ed_frame, cine.es_frame), strict=True):
    for shown, level in zip(row, levels, strict=True):
        shown.imshow(stack[phase, level][around], cmap="gray")
        for name, colour in STRUCTURE_COLOURS.items():
            where = labels[phase, level][around] == STRUCTURES.index(name)
            if where.any():
                shown.contour(where, [0.5], colors=colour, linewidths=0.8)

# %%
# Electrocardiogram
# -----------------
# Twelve leads in closed form; axis, voltage and Q waves follow from the patient.

ecg = simulate_ecg(patient)
print(", ".join(ecg.truth.findings))
figure, axes = board(1, 1, 13, 6.2)
paper = draw_ecg(ecg.streams["ecg"])
paper.canvas.draw()
_ = axes[0, 0].imshow(np.asarray(paper.canvas.buffer_rgba()))
