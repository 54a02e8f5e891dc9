"""DICOM ultrasound: films, M-modes and spectra with regions in physical units, and ECG.

Films are Ultrasound Multi-frame Images; stills, M-modes and spectra are Ultrasound
Images; all are uncompressed 8-bit pictures: grey, or RGB where a stream has an axis
``colour`` of three. Velocities have no place in them as numbers: their pictures do. The
sequence of ultrasound regions (PS3.3 C.8.5.5) says what a pixel is: centimetres,
seconds, centimetres a second. A place counts from the centre of its reference pixel.

Times are milliseconds. Content time stands for zero on the recording's clock: frame
delay says when the first frame was, frame time or the frame time vector go on from
there. R waves (``RWaveTimeVector``) count from the first frame. The ECG is a waveform
sequence, which the image classes do not foresee and allow as an extension.

Nobody is named: the patient is *Anonymous*, with the id that the dataset gave.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Entry, PlaneGrid, Recording, Stream, need
from cardium.core.files import written_aside
from cardium.errors import InvalidArgumentError
from cardium.io import _dicom_ecg as ecg
from cardium.io import _dicom_read as reading
from cardium.io import _dicom_region as region
from cardium.io._pixels import blocks, check_ending, check_even, on_grid

if TYPE_CHECKING:
    import pydicom

_MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.3.1"
_SINGLE_FRAME = "1.2.840.10008.5.1.4.1.1.6.1"
_EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
_MICROSECOND = 1e-3
_MOST_PIXELS, _MOST_BYTES = 65535, 2**32 - 2


def write_dicom(path: Path, recording: Recording, *, stream: str) -> None:
    """Write a stream of a recording as DICOM ultrasound, with the ECG and the R waves.

    Parameters
    ----------
    path : Path
        A ``.dcm`` file; one of that name is replaced.
    recording : Recording
        Whose patient id, exam, ``"ecg"`` and ``"qrs"`` go along, where it has them.
    stream : str
        Grey images of a plane, 0..255 (beamspace is scan converted), pictures with an
        axis ``colour``; an M-mode or a spectrum, which becomes one picture of all of
        its length, time to the right.

    Raises
    ------
    NotProvidedError
        If the recording has no such stream, or the stream no geometry.
    InvalidArgumentError
        If the name ends otherwise, the stream is no picture (velocities, labels,
        volumes), values are not 0..255, or an axis is uneven where DICOM needs it even.

    Notes
    -----
    Identifiers follow from patient, exam, recording and stream: written again, a stream
    is the same object. Frame time is written if it puts every frame right to a
    microsecond, else the frame time vector, right to a nanosecond.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> grid = PlaneGrid(x=(-0.001, 0.001), z=(0.0, 0.003), shape=(4, 3))
    >>> film = Stream("b_mode", np.full((2, 4, 3), 9, np.uint8), np.array([0.0, 0.02]),
    ...               ("time", "z", "x"), "grey", grid)
    >>> one = Recording(Entry("r0", "p0", "", frozenset({"b_mode"})), {"b_mode": film})
    >>> with TemporaryDirectory() as folder:
    ...     write_dicom(Path(folder) / "r0.dcm", one, stream="b_mode")
    ...     back = read_dicom(Path(folder) / "r0.dcm")["b_mode"]
    ...     back.time.tolist(), [round(mm * 1e3, 9) for mm in back.geometry.spacing]
    ([0.0, 0.02], [1.0, 1.0])
    """
    check_ending(path, ".dcm", ".dicom")
    need("pydicom", extra="echo")
    import pydicom

    picture, item = _picture(recording[stream], path)
    film = picture.shape[0] > 1
    data = _identified(recording.entry, picture, film=film)
    _describe_pixels(data, picture, path)
    data.SequenceOfUltrasoundRegions = pydicom.Sequence([item])
    start = float(picture.time[0])
    data.FrameDelay = _decimal(start * 1e3)
    if film:
        _describe_times(data, picture, path)
    qrs = recording.annotations.get("qrs")
    if qrs is not None and len(qrs.time):
        ecg.put_r_waves(data, qrs.time - start)
    if "ecg" in recording.streams and stream != "ecg":
        item = ecg.waveform(recording.streams["ecg"], path)
        data.WaveformSequence = pydicom.Sequence([item])
    with written_aside(path) as aside:
        data.save_as(aside, enforce_file_format=True)
        with aside.open("ab") as file:
            _append_pixels(file, picture)


def read_dicom(path: Path) -> Recording:
    """Open a DICOM ultrasound file: its 2D regions, M-modes and spectra, and its ECG.

    Parameters
    ----------
    path : Path
        The file, of any transfer syntax that pydicom can decode here.

    Returns
    -------
    Recording
        One stream a region: ``"b_mode"`` (2-D, tissue), ``"colour_flow"`` (2-D, colour
        flow) and, from files of one frame, ``"m_mode"``, ``"pulsed_wave"``,
        ``"continuous_wave"``; with ``_0``, ``_1`` … where there are several. Colour
        pictures have the axes (time, colour, z, x) and the unit ``"rgb"``. Further
        ``"ecg"`` and the annotation ``"qrs"``. Frames are decoded when sliced.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataCorruptError
        If it is not DICOM, contradicts itself, or a region lies outside of its picture.
    NotProvidedError
        If it has no pictures, no regions, or none of these kinds: its pixels then have
        no size that could be trusted.

    Notes
    -----
    A place is ``value + (pixel - corner - reference) * delta`` along each axis. Where
    the reference pixel is absent, the origin is not known: x then counts from the
    middle of the region and z, or time, from its first pixel. ``PixelSpacing`` is never
    used in place of regions. Vendors' private elements, in which beamspace samples may
    lie, are not read.
    """
    return reading.read(path)


def _picture(stream: Stream, path: Path) -> tuple[Stream, pydicom.Dataset]:
    """Return a stream as 8-bit pictures, rows before columns, and their region."""
    if stream.unit not in ("grey", "rgb"):
        raise InvalidArgumentError(
            f"Stream '{stream.name}' is in '{stream.unit}'; DICOM ultrasound holds "
            "pictures, grey or rgb, and would lose the numbers. Write NIfTI, "
            "MetaImage, VTK or HDF5."
        )
    if stream.dims in (("time", "range"), ("time", "velocity")):
        return _still(stream, path)
    placed = on_grid(stream)
    if not isinstance(placed.geometry, PlaneGrid) or placed.dims not in (
        ("time", "z", "x"),
        ("time", "colour", "z", "x"),
    ):
        raise InvalidArgumentError(
            f"Stream '{stream.name}' has the axes {', '.join(stream.dims)}; '{path}' "
            "can hold time, z and x, with or without colour. Cut a plane first."
        )
    if not placed.shape[0]:
        raise InvalidArgumentError(f"Stream '{stream.name}' has no frame to write.")
    return placed, region.of_plane(placed.geometry, colour=len(placed.dims) == 4)


def _still(stream: Stream, path: Path) -> tuple[Stream, pydicom.Dataset]:
    """Return an M-mode or a spectrum as one picture, and its region."""
    axis = stream.dims[1]
    if axis not in stream.axes:
        raise InvalidArgumentError(
            f"Stream '{stream.name}' does not say where its samples lie along {axis}. "
            "Give it axes."
        )
    places = stream.axes[axis]
    step = check_even(stream, stream.time, axis="time", file=path)
    down = check_even(stream, places, axis=axis, file=path)
    picture = Stream(
        stream.name,
        _bytes(stream, stream.load().T[None]),
        stream.time[:1],
        ("time", axis, "column"),
        "grey",
    )
    corner = (float(stream.time[0]), float(places[0]))
    return picture, region.of_line(stream, corner, (step, down))


def _identified(entry: Entry, picture: Stream, *, film: bool) -> pydicom.Dataset:
    """Start a data set: whose, of which study, series and class."""
    import pydicom
    from pydicom.uid import UID, generate_uid

    study = [entry.patient, entry.exam or entry.id]
    series = [*study, entry.id]
    data = pydicom.Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.ImageType = ["DERIVED", "PRIMARY"]
    data.SOPClassUID = UID(_MULTI_FRAME if film else _SINGLE_FRAME)
    times = f"{picture.time[0]} {picture.time[-1]}"
    data.SOPInstanceUID = generate_uid(
        entropy_srcs=[*series, picture.name, str(picture.shape), times]
    )
    data.StudyInstanceUID = generate_uid(entropy_srcs=["study", *study])
    data.SeriesInstanceUID = generate_uid(entropy_srcs=["series", *series])
    data.Modality = "US"
    data.PatientName = "Anonymous"
    data.PatientID = entry.patient[:64]
    data.PatientIdentityRemoved = "YES"
    data.DeidentificationMethod = "Names, dates and burned-in text never written"
    data.BurnedInAnnotation = "NO"
    data.SeriesDescription = picture.name[:64]
    data.SeriesNumber, data.InstanceNumber = "1", "1"
    # Present and empty: type 2, and nothing true to say.
    for keyword in (
        *("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"),
        *("AccessionNumber", "ReferringPhysicianName", "Manufacturer"),
        *("PatientOrientation", "Laterality", "ContentDate", "ContentTime"),
    ):
        setattr(data, keyword, "")
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = UID(_EXPLICIT_LITTLE_ENDIAN)
    return data


def _describe_pixels(data: pydicom.Dataset, picture: Stream, path: Path) -> None:
    """State the shape of the pictures."""
    rows, columns = picture.shape[-2:]
    colours = 3 if "colour" in picture.dims else 1
    if colours == 3 and picture.shape[1] != 3:
        raise InvalidArgumentError(
            f"Stream '{picture.name}' has {picture.shape[1]} colours, DICOM needs 3: "
            "red, green and blue."
        )
    total = picture.shape[0] * rows * columns * colours
    if max(rows, columns) > _MOST_PIXELS or total > _MOST_BYTES:
        raise InvalidArgumentError(
            f"Stream '{picture.name}' makes pictures of {rows} x {columns}, {total} "
            f"bytes in all; '{path}' can hold {_MOST_PIXELS} a side and {_MOST_BYTES} "
            "bytes. Write it in parts, or as HDF5."
        )
    data.Rows, data.Columns = rows, columns
    data.SamplesPerPixel = colours
    data.PhotometricInterpretation = "RGB" if colours == 3 else "MONOCHROME2"
    if colours == 3:
        data.PlanarConfiguration = 0
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.LossyImageCompression = "00"


def _describe_times(data: pydicom.Dataset, film: Stream, path: Path) -> None:
    """State when each frame was [ms]."""
    from pydicom.datadict import tag_for_keyword

    after = (film.time - film.time[0]) * 1e3
    count = len(after)
    data.NumberOfFrames = str(count)
    step = _decimal(after[-1] / (count - 1))
    even = np.abs(after - float(step) * np.arange(count)).max() <= _MICROSECOND
    if even:
        data.FrameTime = step
    else:
        # Steps between rounded times, so that rounding does not add up.
        data.FrameTimeVector = [f"{v:.6f}" for v in np.diff(after.round(6), prepend=0)]
        if len("\\".join(map(str, data.FrameTimeVector))) > _MOST_PIXELS - 1:
            raise InvalidArgumentError(
                f"Stream '{film.name}' has {count} frames at uneven times, more than "
                f"the frame time vector of '{path}' can hold. Write it in parts."
            )
    pointer = tag_for_keyword("FrameTime" if even else "FrameTimeVector")
    data.FrameIncrementPointer = pointer
    data.CineRate = data.RecommendedDisplayFrameRate = max(1, round(film.rate))


def _append_pixels(file: Any, picture: Stream) -> None:  # noqa: ANN401 - binary file
    """Append the pixel data, the last element, picture by picture."""
    total = int(np.prod(picture.shape))
    file.write(b"\xe0\x7f\x10\x00OB\0\0" + (total + total % 2).to_bytes(4, "little"))
    for block in blocks(picture.values):
        pixels = _bytes(picture, block)
        if "colour" in picture.dims:
            pixels = np.ascontiguousarray(np.moveaxis(pixels, 1, -1))
        file.write(pixels.tobytes())
    file.write(b"\0" * (total % 2))


def _bytes(stream: Stream, values: NDArray[Any]) -> NDArray[np.uint8]:
    """Round grey levels to bytes; refuse what is not within 0..255. Nothing is 0."""
    if values.dtype == np.uint8:
        return values
    filled = (
        np.where(np.isnan(values), 0, values) if values.dtype.kind == "f" else values
    )
    if filled.size and not (filled.min() >= -0.5 and filled.max() < 255.5):
        raise InvalidArgumentError(
            f"Stream '{stream.name}' has values from {filled.min():g} to "
            f"{filled.max():g}; grey levels are 0..255. Scale it first."
        )
    return np.floor(filled + 0.5).astype(np.uint8)


def _decimal(number: float) -> str:
    """Write a number in the 16 characters that DICOM allows."""
    from pydicom.valuerep import format_number_as_ds

    return format_number_as_ds(float(number))
