"""EchoXFlow's label maps and predictions."""

from __future__ import annotations

from dataclasses import replace

from cardium.core import UNLABELLED, Stream
from cardium.datasets._echoxflow.sectors import read_volume
from cardium.datasets._echoxflow.store import RecordingStore
from cardium.datasets._echoxflow.streams import open_other, open_values
from cardium.errors import DataCorruptError


def open_mask(opened: RecordingStore, name: str) -> Stream:
    """Open a mask by its stored name.

    Whole numbers whose array names its classes are a label map, and its codes are the
    order of the names. Everything else is a number a sample, such as a probability.

    Parameters
    ----------
    opened : RecordingStore
        The recording.
    name : str
        The array: ``"lv_mask"``.

    Returns
    -------
    Stream
        In the sector that names the array, if one does.

    Raises
    ------
    DataMissingError
        If the array or its times are not there.
    DataCorruptError
        If it does not hold numbers, or its times or its classes are wrong.
    """
    stream = open_other(opened, name)
    stored = open_values(opened, f"data/{name}", whole=False)
    if len(stored.shape) == 4:
        stream = _in_volume(opened, stream)
    classes = stored.attributes.get("classes")
    if classes is None or stored.dtype.kind not in "iu":
        return stream
    named = isinstance(classes, list) and all(isinstance(c, str) for c in classes)
    if not named or not classes or len(classes) > UNLABELLED:
        raise DataCorruptError(
            f"{stored.where}: its classes are {classes!r:.80}, expected their names."
        )
    return replace(
        stream, values=stored, unit="label", coords={"label": tuple(classes)}
    )


def _in_volume(opened: RecordingStore, stream: Stream) -> Stream:
    """Place a mask of volumes by the fan of its sector."""
    sector = opened.find_sector(f"data/{stream.name}")
    where = f"Recording '{opened.recording}', {stream.name}"
    geometry = read_volume(sector.get("geometry"), stream.shape, where)
    if geometry is None:
        return stream
    dims = ("time", "elevation", "azimuth", "range")
    return replace(stream, dims=dims, geometry=geometry)
