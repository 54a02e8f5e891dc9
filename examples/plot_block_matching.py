"""
How block matching depends on frame rate and coherence
======================================================

Speckle tracking looks for a piece of one frame in the next. How well that works depends on
how far the tissue moved between the frames, and on how much of its speckle survived. On the
phantom both can be set, and how far each sample truly moved is a formula.
"""

# %%
# One heart, filmed around the left ventricle with samples every 0.23 mm. The cloud of
# scatterers is drawn once; only the frames that are compared are made.

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import uniform_filter

from cardium.core import Sector
from cardium.geometry import lv_label_map
from cardium.phantom import Patient, Probe, begin, hold_probe, outline
from cardium.phantom.imaging import film
from cardium.phantom.scatterers import draw_scatterers

scene = begin(Patient(number=5), what="b_mode 4ch", beats=1)
motion, placement = scene.motion, hold_probe(scene, "4ch")
sector = Sector(depth=(0.01, 0.13), angle=(-0.45, 0.45), shape=(512, 72))
probe = Probe.matched_to(sector)
cloud = draw_scatterers(scene.heart, motion, probe=probe, placement=placement, seed=1)

beat = motion.cycle.beats[0]
starts = beat.r + (beat.next_r - beat.r) * np.arange(8) / 8
layers = outline(motion, placement, starts, layers=2)
walls = [lv_label_map(inner, outer, sector) == 2 for inner, outer in layers]


# %%
# The truth: bring each sample of the wall back to end-diastole, and from there to where it is
# in the next frame.


def true_shift(wall, before, after):
    """Way towards the probe of the samples of the wall between two times [m]."""
    x, z = (part[wall] for part in sector.points())
    points = placement.to_heart(np.stack([x, np.zeros_like(x), z], axis=-1))
    moved = placement.to_image(motion.forward(motion.inverse(points, before), after))
    return np.hypot(x, z) - np.hypot(moved[:, 0], moved[:, 2])


# %%
# The simplest tracker: for each sample, the shift along the beam at which the normalised
# correlation of a block of 7 mm by 5 beams with the next frame is largest, refined by a
# parabola.

BLOCK = (31, 5)


def match(before, after, reach):
    """Shift of each sample along the beam between two frames [samples]."""
    shifts = np.arange(-reach, reach + 1)
    before, after = (frame - uniform_filter(frame, BLOCK) for frame in (before, after))
    powers = [uniform_filter(frame**2, BLOCK) for frame in (before, after)]
    scores = np.empty((len(shifts), *before.shape), np.float32)
    for score, shift in zip(scores, shifts, strict=True):
        moved, power = (np.roll(part, -shift, axis=0) for part in (after, powers[1]))
        shared = uniform_filter(before * moved, BLOCK)
        score[:] = shared / np.sqrt(powers[0] * power + 1e-6)
    best = scores.argmax(axis=0).clip(1, len(shifts) - 2)
    left, top, right = (
        np.take_along_axis(scores, (best + k)[None], axis=0)[0] for k in (-1, 0, 1)
    )
    bend = left - 2 * top + right
    step = np.where(bend < 0, 0.5 * (left - right) / np.minimum(bend, -1e-9), 0.0)
    return shifts[best] + step.clip(-1, 1)


# %%
# The error is the mean absolute difference of velocities along the beam, over the wall and
# eight pairs of frames spread over one beat.


def tracking_error(rate, coherence):
    """Mean error [cm/s] of tracking, and of saying that nothing moves."""
    times = np.stack([starts, starts + 1 / rate], axis=1)
    frames = film(cloud, times.ravel(), probe=probe, seed=2, coherence=coherence)
    pairs = frames.astype(np.float32).reshape(-1, 2, *sector.shape)
    reach = int(np.ceil(0.10 / rate / sector.range_spacing)) + 2
    tracked, still = [], []
    for wall, (first, second), when in zip(walls, pairs, times, strict=True):
        true = true_shift(wall, *when) * rate
        found = -match(first, second, reach)[wall] * sector.range_spacing * rate
        tracked.append(100 * abs(found - true).mean())
        still.append(100 * abs(true).mean())
    return np.mean(tracked), np.mean(still)


rates, coherences = (15, 30, 60, 120, 240), (1.0, 0.95, 0.9, 0.7)
errors = np.array([[tracking_error(r, c) for r in rates] for c in coherences])
print("coherence     " + "".join(f"{rate:5d}/s" for rate in rates))
for coherence, row in zip(coherences, errors[..., 0], strict=True):
    print(f"{coherence:12.2f}  " + "".join(f"{error:7.2f}" for error in row))
print("nothing moves " + "".join(f"{error:7.2f}" for error in errors[0, :, 1]))

# %%
# At 15 frames a second the tissue changes too much from frame to frame: tracking is no better
# than saying that nothing moves. The best rate of these is 60 a second at every coherence. With
# all speckle kept little is lost by going faster; with a twentieth of its power lost between
# two frames the error of a shift stays, and is multiplied by more frames a second. With 0.7
# no rate beats saying that nothing moves. Coherence is here that of two frames, whatever the
# time between them; where speckle is lost at a rate, faster films keep more of it.

figure, axes = plt.subplots(figsize=(6.5, 4))
for coherence, row in zip(coherences, errors[..., 0], strict=True):
    axes.plot(rates, row, "o-", label=f"coherence {coherence:g}")
axes.plot(rates, errors[0, :, 1], color="0.6", linestyle=":", label="nothing moves")
axes.set(xlabel="frames a second", ylabel="mean error [cm/s]", ylim=(0, 4))
axes.set_xscale("log", base=2)
axes.set_xticks(rates, [str(rate) for rate in rates])
axes.legend()
figure.tight_layout()
