"""The ECG of a DICOM file: a waveform sequence, and the times of the R waves.

PS3.3 C.10.9 (waveform) and A.34.4 (general ECG: 16-bit samples, coded leads).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.errors import DataCorruptError, InvalidArgumentError
from cardium.io._pixels import check_even

if TYPE_CHECKING:
    import pydicom

_HIGHEST = 32000
_UNSPECIFIED = ("5.6.3-9-0", "Unspecified lead")
_LEADS = {
    name: (f"5.6.3-9-{code}", f"Lead {name}")
    for name, code in {
        **{"I": 1, "II": 2, "V1": 3, "V2": 4, "V3": 5, "V4": 6, "V5": 7, "V6": 8},
        **{"III": 61, "aVR": 62, "aVL": 63, "aVF": 64},
    }.items()
}
_UNITS = {"mV": ("mV", "millivolt"), "": ("1", "no units")}


def put_r_waves(data: pydicom.Dataset, times: FloatArray) -> None:
    """State the R waves [s after the first frame], and the heart rate they give."""
    data.RWaveTimeVector = [float(time) * 1e3 for time in times]
    if len(times) > 1:
        data.HeartRate = round(60 / float(np.median(np.diff(times))))


def waveform(ecg: Stream, path: Path) -> pydicom.Dataset:
    """Make the item of a waveform sequence, of 16-bit samples.

    Rounding costs at most half a step, which is a 32000th of the highest value.
    """
    from pydicom import Dataset, Sequence

    values = np.atleast_2d(ecg.load().T).T.astype(np.float64)
    if values.ndim != 2 or ecg.unit not in _UNITS or not np.isfinite(values).all():
        raise InvalidArgumentError(
            f"Stream 'ecg' has the axes {', '.join(ecg.dims)}, the unit '{ecg.unit}' "
            f"and values that are {'' if np.isfinite(values).all() else 'not '}finite; "
            f"'{path}' can hold finite leads by time in mV. Leave it out, or mend it."
        )
    step = check_even(ecg, ecg.time, axis="time", file=path)
    sensitivity = _rounded_up(float(np.abs(values).max()) / _HIGHEST)
    digital = np.rint(values / float(sensitivity)).astype("<i2")
    names = ecg.coords.get("lead", ("",) * values.shape[1])
    item = Dataset()
    item.MultiplexGroupTimeOffset = _decimal(ecg.time[0] * 1e3)
    item.WaveformOriginality = "ORIGINAL"
    item.NumberOfWaveformChannels = values.shape[1]
    item.NumberOfWaveformSamples = len(values)
    item.SamplingFrequency = _decimal(1 / step)
    item.MultiplexGroupLabel = "ECG"
    item.ChannelDefinitionSequence = Sequence(
        _channel(name, ecg.unit, sensitivity) for name in names
    )
    item.WaveformBitsAllocated, item.WaveformSampleInterpretation = 16, "SS"
    item.WaveformData = digital.tobytes()
    item["WaveformData"].VR = "OW"
    return item


def read_waveform(data: pydicom.Dataset, path: Path) -> Stream | None:
    """Return the first multiplex group of a file as the stream ``"ecg"``, in mV."""
    if not data.get("WaveformSequence"):
        return None
    from pydicom.waveforms.numpy_handler import multiplex_array

    try:
        item = data.WaveformSequence[0]
        values = multiplex_array(data, 0, as_raw=False)
        rate = float(item.SamplingFrequency)
        start = float(item.get("MultiplexGroupTimeOffset") or 0) / 1e3
        channels = item.ChannelDefinitionSequence
        codes = [_unit_code(channel) for channel in channels]
        leads = tuple(_lead(channel, n) for n, channel in enumerate(channels))
    except (AttributeError, ValueError, TypeError, KeyError, IndexError) as error:
        raise DataCorruptError(
            f"The waveform of '{path}' cannot be read ({error}). Get it again."
        ) from error
    if not (math.isfinite(rate) and rate > 0 and math.isfinite(start)):
        raise DataCorruptError(f"'{path}' has an ECG of {rate} samples a second.")
    scale = [_MILLIVOLTS.get(code, 1.0) for code in codes]
    unit = "mV" if all(code in _MILLIVOLTS for code in codes) else ""
    time = start + np.arange(len(values)) / rate
    millivolts = np.asarray(values, np.float64) * (scale if unit else 1.0)
    return Stream(
        "ecg", millivolts, time, ("time", "lead"), unit, coords={"lead": leads}
    )


_MILLIVOLTS = {"mV": 1.0, "uV": 1e-3, "V": 1e3}


def _channel(name: str, unit: str, sensitivity: str) -> pydicom.Dataset:
    """Describe one lead."""
    from pydicom import Dataset, Sequence

    channel = Dataset()
    code, meaning = _LEADS.get(name, _UNSPECIFIED)
    channel.ChannelLabel = name[:16]
    channel.ChannelSourceSequence = Sequence([_code(code, "SCPECG", "1.3", meaning)])
    channel.ChannelSensitivity = sensitivity
    units = _code(_UNITS[unit][0], "UCUM", "1.4", _UNITS[unit][1])
    channel.ChannelSensitivityUnitsSequence = Sequence([units])
    channel.ChannelSensitivityCorrectionFactor = "1"
    channel.ChannelBaseline, channel.ChannelSampleSkew = "0", "0"
    channel.WaveformBitsStored = 16
    return channel


def _code(value: str, scheme: str, version: str, meaning: str) -> pydicom.Dataset:
    """Make the item of a coded concept."""
    from pydicom import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = value, scheme
    item.CodingSchemeVersion, item.CodeMeaning = version, meaning
    return item


def _unit_code(channel: pydicom.Dataset) -> str:
    """Return the code of a channel's unit; none means no unit."""
    units = channel.get("ChannelSensitivityUnitsSequence")
    return str(units[0].CodeValue) if units else ""


def _lead(channel: pydicom.Dataset, number: int) -> str:
    """Name a lead: its label, its code's meaning, or its number."""
    label = str(channel.get("ChannelLabel") or "")
    source = channel.get("ChannelSourceSequence")
    meaning = str(source[0].get("CodeMeaning", "")) if source else ""
    named = meaning.removeprefix("Lead ").partition(" (")[0]
    return label or (named if named in _LEADS else str(number))


def _rounded_up(number: float) -> str:
    """Write a positive number in 16 characters, at least as large; 1 for zero."""
    if not number > 0:
        return "1"
    digits = 6 - math.ceil(math.log10(number))
    return _decimal(math.ceil(number * 10.0**digits) / 10.0**digits)


def _decimal(number: float) -> str:
    """Write a number in the 16 characters that DICOM allows."""
    from pydicom.valuerep import format_number_as_ds

    return format_number_as_ds(float(number))
