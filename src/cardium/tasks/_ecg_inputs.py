"""What models see of an ECG: some leads at one rate, every sample a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from cardium.core import Recording, Sample, Stream
from cardium.errors import DataCorruptError, InvalidArgumentError, NotProvidedError
from cardium.signal import LEAD_SETS, lead_name, select_leads
from cardium.signal.resampling import resample

USUAL = "MLII"
"""The lead that rhythm is read from; II is its like, and any is better than none."""

_LIKE = (USUAL, "II")
_ONE: Mapping[str, tuple[str, ...]] = MappingProxyType({"lead": ("ecg",)})


def check_leads(task: str, leads: int) -> None:
    """Refuse a number of leads of which there is no set."""
    if leads not in LEAD_SETS:
        raise InvalidArgumentError(
            f"Task '{task}': leads must be {', '.join(map(str, LEAD_SETS))}, "
            f"got {leads}."
        )


def check_rate(task: str, rate: float, lowest: float = 0.0) -> None:
    """Refuse a rate that is none."""
    if not (np.isfinite(rate) and rate > lowest):
        raise InvalidArgumentError(
            f"Task '{task}': rate must be above {lowest:g} Hz, got {rate}."
        )


def some_leads(recording: Recording, *, leads: int, rate: float) -> Sample:
    """Show a set of leads; at 100 Hz of the dataset's own copy where there is one."""
    own = rate == 100 and "ecg_100hz" in recording.streams
    ecg = recording["ecg_100hz" if own else "ecg"]
    return Sample(recording.entry.id, at_rate(select_leads(ecg, leads), rate))


def one_lead(recording: Recording, *, lead: str, rate: float | None = None) -> Stream:
    """Show one lead, named ``"ecg"`` whichever it is, so that one model serves all."""
    ecg = recording["ecg"]
    if ecg.dims == ("time",) and lead == USUAL:  # the only one, as in echo machines
        column = ecg.load()[:, None]
        return at_rate(
            replace(ecg, values=column, dims=("time", "lead"), coords=_ONE), rate
        )
    names = [lead_name(name) for name in ecg.coords.get("lead", ())]
    wanted = _LIKE if lead == USUAL else (lead_name(lead),)
    place = next((names.index(name) for name in wanted if name in names), None)
    if place is None and lead == USUAL and names:
        place = 0
    if place is None:
        raise NotProvidedError(
            f"Recording '{recording.entry.id}' has no lead '{lead}'. It has: "
            f"{', '.join(names) or 'no named leads'}."
        )
    # a copy: a view would keep all leads in memory
    column = ecg.load()[:, place : place + 1].copy()
    return at_rate(replace(ecg, values=column, coords=_ONE), rate)


def at_rate(ecg: Stream, rate: float | None) -> Stream:
    """Return float32 (time, lead) at a rate; what is no number is 0 mV.

    A stream that has the rate, and is known to have no such gap, is not read yet.
    """
    if len(ecg.time) < 2:
        raise DataCorruptError(f"The ECG '{ecg.name}' has {len(ecg.time)} samples.")
    if rate is not None and abs(ecg.rate - rate) > 1e-6 * rate:
        ecg = resample(ecg, rate)
    if getattr(ecg.values, "whole", False):
        return replace(ecg, name="ecg")
    values = np.asarray(ecg.load(), np.float32)
    if not np.isfinite(values.sum()):  # which one number that is none decides
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    return replace(ecg, name="ecg", values=values)
