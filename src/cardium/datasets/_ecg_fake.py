"""Simulated ECGs for the fakes of datasets, and the lists of checksums beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cardium.core import Entry, KnownAnswer, Recording, Stream
from cardium.signal import LEADS

_MICROVOLT = 1e-3  # mV


def simulate(
    number: int,
    *,
    seconds: float = 10.0,
    rate: float = 500.0,
    heart_rate: float = 60.0,
    fibrillates: bool = False,
    leads: int = 12,
) -> NDArray[np.float32]:
    """Simulate an ECG in whole microvolts, (T, L) [mV]; files hold it exactly."""
    from cardium.phantom.ecg_exam import simulate_ecg
    from cardium.phantom.patient import Patient

    patient = Patient(
        number=number,
        heart_rate=heart_rate,
        rhythm="atrial_fibrillation" if fibrillates else "sinus",
    )
    whole = simulate_ecg(patient, seconds=seconds, rate=rate).streams["ecg"].load()
    steps = np.rint(whole[:, :leads] / _MICROVOLT)
    # as a file of 1000 steps a millivolt is read
    return np.asarray(steps / 1000.0).astype(np.float32)


def stream_of(
    values: NDArray[np.float32], rate: float, leads: tuple[str, ...] = LEADS
) -> Stream:
    """Make the stream that reading must give back."""
    time = np.arange(len(values)) / rate
    return Stream("ecg", values, time, ("time", "lead"), "mV", coords={"lead": leads})


def answer(entry: Entry, *streams: Stream, **annotations: Stream) -> KnownAnswer:
    """Make the known answer of an entry."""
    return KnownAnswer(
        Recording(entry, {stream.name: stream for stream in streams}, annotations)
    )
