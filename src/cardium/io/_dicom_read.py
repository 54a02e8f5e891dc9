"""Streams from DICOM ultrasound: frames decoded when sliced, cut to their regions."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cardium.core import Entry, FloatArray, Recording, Stream, need
from cardium.errors import CardiumError, DataCorruptError, NotProvidedError
from cardium.io._dicom_ecg import read_waveform
from cardium.io._dicom_region import M_MODE, PLANE, Region, read_regions
from cardium.io._pixels import require_file

if TYPE_CHECKING:
    import pydicom

_NAMES = {
    (1, 1): "b_mode",
    (1, 2): "colour_flow",
    (2, 1): "m_mode",
    (3, 3): "pulsed_wave",
    (3, 4): "continuous_wave",
}
_DAMAGE = (
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    MemoryError,
    OverflowError,
    struct.error,
)
_PHOTOMETRIC = ("MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT")


def read(path: Path) -> Recording:
    """Open a file; see `cardium.io.dicom.read_dicom`."""
    need("pydicom", extra="echo")
    import pydicom

    with _damage_of(require_file(path)):
        # Large elements stay on disk until they are asked for.
        data = pydicom.dcmread(path, defer_size=1 << 16)
        _check_picture(data, path)
        count = int(data.get("NumberOfFrames") or 1)
        regions = read_regions(data, path)
        time = _clock(data, path, count)
        flat = [r for r in regions if r.kind == PLANE or count == 1]
        streams = dict(_named(path, data, flat, time))
        ecg = read_waveform(data, path)
        if ecg is not None:
            streams["ecg"] = ecg
        annotations = _r_waves(data, float(time[0]))
        entry = Entry(
            path.stem,
            str(data.get("PatientID") or path.stem),
            "",
            frozenset({*streams, *annotations}),
            exam=str(data.get("StudyInstanceUID") or ""),
        )
    return Recording(entry, streams, annotations)


class _Frames:
    """The frames of a region as uint8, (T, Z, X) or (T, 3, Z, X); decoded by slice."""

    dtype = np.dtype(np.uint8)

    def __init__(self, path: Path, data: pydicom.Dataset, region: Region) -> None:
        self._path, self._region = path, region
        self._colour = int(data.SamplesPerPixel) == 3
        count = int(data.get("NumberOfFrames") or 1)
        colours = (3,) if self._colour else ()
        self.shape: tuple[int, ...] = (count, *colours, *region.shape)

    def __getitem__(self, time: slice, /) -> NDArray[np.uint8]:
        """Decode the frames of a slice of time, and no others."""
        from pydicom.pixels.utils import iter_pixels

        out = np.empty((0, *self.shape[1:]), np.uint8)
        wanted = list(range(*time.indices(self.shape[0])))
        if not wanted:
            return out
        rows, columns = self._region.rows, self._region.columns
        with _damage_of(self._path):
            frames = iter_pixels(self._path, indices=wanted)
            cut = [np.asarray(frame)[rows, columns] for frame in frames]
            stacked = np.stack(cut)
            if stacked.shape[0] != len(wanted) or stacked.dtype != np.uint8:
                raise DataCorruptError(
                    f"'{self._path}' gives {stacked.shape[0]} frames of "
                    f"{stacked.dtype} where {len(wanted)} of uint8 were asked for."
                )
        return np.moveaxis(stacked, -1, 1) if self._colour else stacked


def _named(
    path: Path, data: pydicom.Dataset, regions: list[Region], time: FloatArray
) -> Iterator[tuple[str, Stream]]:
    """Make a stream of every region; those of one kind are numbered."""
    kinds = [(region.kind, region.data) for region in regions]
    if not regions:
        raise NotProvidedError(
            f"'{path}' has M-modes or spectra only, and several frames; they are read "
            "from files of one frame."
        )
    seen: dict[tuple[int, int], int] = {}
    for region, kind in zip(regions, kinds, strict=True):
        number = seen[kind] = seen.get(kind, -1) + 1
        name = _NAMES[kind] + (f"_{number}" if kinds.count(kind) > 1 else "")
        frames = _Frames(path, data, region)
        if region.kind == PLANE:
            yield name, _film(name, frames, region, time)
        else:
            yield name, _line(name, frames, region, path)


def _film(name: str, frames: _Frames, region: Region, time: FloatArray) -> Stream:
    """Make the stream of a 2-D region."""
    if len(frames.shape) == 4:
        names = {"colour": ("red", "green", "blue")}
        dims = ("time", "colour", "z", "x")
        return Stream(name, frames, time, dims, "rgb", region.grid(), coords=names)
    return Stream(name, frames, time, ("time", "z", "x"), "grey", region.grid())


def _line(name: str, frames: _Frames, region: Region, path: Path) -> Stream:
    """Make the stream of an M-mode or a spectrum: its columns are its clock."""
    if len(frames.shape) == 4:
        raise NotProvidedError(
            f"'{path}' has its {name} in colour; grey levels are needed."
        )
    time, places = region.places()
    if region.step[0] < 0:
        raise DataCorruptError(f"'{path}' has a {name} whose time runs backwards.")
    values = frames[0:1][0].T
    axis = "range" if region.kind == M_MODE else "velocity"
    return Stream(name, values, time, ("time", axis), "grey", axes={axis: places})


def _check_picture(data: pydicom.Dataset, path: Path) -> None:
    """Refuse what holds no 8-bit pictures that pydicom turns into grey or RGB."""
    if "Rows" not in data or "PixelData" not in data:
        raise NotProvidedError(
            f"'{path}' is DICOM without pictures (SOP class "
            f"{data.get('SOPClassUID', 'not stated')})."
        )
    photometric = data.get("PhotometricInterpretation")
    if photometric not in _PHOTOMETRIC or data.get("BitsAllocated") != 8:
        raise NotProvidedError(
            f"'{path}' has {data.get('BitsAllocated')}-bit pixels, {photometric}; "
            f"expected 8 bits, {', '.join(_PHOTOMETRIC)}."
        )
    count = int(data.get("NumberOfFrames") or 1)
    promised = int(data.Rows) * int(data.Columns) * int(data.SamplesPerPixel) * count
    plain = not data.file_meta.TransferSyntaxUID.is_compressed
    if count < 1 or promised < 1 or (plain and promised > path.stat().st_size):
        raise DataCorruptError(
            f"'{path}' has {path.stat().st_size} bytes, but promises {count} frames of "
            f"{data.Rows} x {data.Columns}. Get it again."
        )


def _clock(data: pydicom.Dataset, path: Path, count: int) -> FloatArray:
    """Return the time of each frame [s]: the vector's, or even steps."""
    start = float(data.get("FrameDelay") or 0) / 1e3
    vector = data.get("FrameTimeVector")
    times: FloatArray
    if count == 1:
        return np.array([start])
    if vector is not None and _points_at(data, "FrameTimeVector"):
        steps = np.atleast_1d(np.array(vector, np.float64))
        # The first step leads to the first frame, and is 0.
        times = start + (np.cumsum(steps) - steps[0]) / 1e3
    elif data.get("FrameTime"):
        times = start + np.arange(count, dtype=float) * float(data.FrameTime) / 1e3
    else:
        raise NotProvidedError(
            f"'{path}' has {count} frames, but neither frame time (0018,1063) nor "
            "frame time vector (0018,1065): it does not say when they were."
        )
    rising = np.isfinite(times).all() and (np.diff(times) > 0).all()
    if len(times) != count or not rising:
        raise DataCorruptError(
            f"'{path}' has {count} frames and {len(times)} frame times; they must be "
            "as many, finite and ascending. Get it again."
        )
    return times


def _points_at(data: pydicom.Dataset, keyword: str) -> bool:
    """Tell whether frames go by this element: it is pointed at, or alone."""
    from pydicom.datadict import tag_for_keyword

    pointer = data.get("FrameIncrementPointer")
    return pointer is None or pointer == tag_for_keyword(keyword)


def _r_waves(data: pydicom.Dataset, start: float) -> dict[str, Stream]:
    """Return the R waves as the annotation ``"qrs"``, if they are stated."""
    stated = data.get("RWaveTimeVector")
    if stated is None:
        return {}
    times = start + np.atleast_1d(np.array(stated, np.float64)) / 1e3
    return {"qrs": Stream("qrs", times, times, ("time",), "s")}


@contextmanager
def _damage_of(path: Path) -> Iterator[None]:
    """Give whatever pydicom raises over a broken file one class and name."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    try:
        yield
    except CardiumError:
        raise
    except (BytesLengthException, InvalidDicomError, *_DAMAGE) as error:
        raise DataCorruptError(
            f"'{path}' cannot be read as DICOM ultrasound ({error}). Get it again."
        ) from error
