"""
From a Doppler spectrum to a velocity-time integral
===================================================

A spectrum is a stream whose second axis has places, in m/s. Its envelope is traced, and
what a clinician writes down follows from that; the phantom knows what it should be.
"""

# %%
# Pulsed wave in the outflow tract: grey levels over time and velocity.

import matplotlib.pyplot as plt

from cardium.core import Entry, Recording, Stream
from cardium.measure.echo import measure_recording
from cardium.phantom import Patient, simulate_spectrum
from cardium.plot import draw_picture

exam = simulate_spectrum(Patient(number=2), mode="pulsed_wave", site="lvot")
spectrum = exam.streams["pulsed_wave"]
velocity = spectrum.axes["velocity"]
print(spectrum.dims, spectrum.shape, f"limit {spectrum.velocity_limit:.2f} m/s")
print(f"rows from {velocity[0]:+.2f} to {velocity[-1]:+.2f} m/s")

# %%
# As it looks on the machine, with the beats of the ECG below.

qrs = Stream("qrs", exam.qrs_times, exam.qrs_times, ("time",), "s")
recording = Recording(
    Entry("lvot", "phantom2", "", frozenset()),
    exam.streams,
    {"qrs": qrs},
    gates=exam.gates,
)
figure, axes = plt.subplots(figsize=(9, 6))
axes.imshow(draw_picture(recording))
axes.axis("off")
figure.tight_layout()

# %%
# One row of measurements, and what is true. No reader traced this one: the envelope is
# found in the picture, with the width of the spectrum taken off.

row = measure_recording(recording).values
truth = exam.truth
peak = 100 * abs(truth.peaks["peak"])
print(f"peak  {row['peak_velocity_cm_s']:.1f} cm/s, true {peak:.1f}")
print(f"VTI   {row['vti_cm']:.1f} cm, true {100 * abs(truth.vti):.1f}")
print(f"beats {row['n_beats']}, largest gradient {row['peak_gradient_mmhg']:.1f} mmHg")
