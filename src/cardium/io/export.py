"""One call from a recording to a file of another program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from cardium.core import Mesh, Recording, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError, UnknownNameError
from cardium.io._pixels import on_grid

Samples = Literal["cartesian", "beamspace"]
"""On which grid images are written."""

FORMATS = {
    "nifti": (".nii", ".nii.gz"),
    "metaimage": (".mha", ".mhd"),
    "vtk": (".vti", ".vts", ".vtp", ".pvd"),
    "dicom": (".dcm",),
    "hdf5": (".h5", ".hdf5"),
    "xarray": (".zarr",),
}
"""The formats, and how their files end."""


def export_recording(
    recording: Recording,
    path: str | Path,
    *,
    format: str | None = None,
    stream: str | None = None,
    frame: int | None = None,
    geometry: Samples | None = None,
) -> None:
    """Write a recording, or a stream of it, to a file of another program.

    Parameters
    ----------
    recording : Recording
        What is written: whole to HDF5 and xarray, one stream or mesh to the others.
    path : str or Path
        The file. Its ending names the format: ``.nii``, ``.nii.gz``, ``.mha``,
        ``.mhd``, ``.vti``, ``.vts``, ``.vtp``, ``.pvd``, ``.dcm``, ``.h5``, ``.hdf5``
        or ``.zarr``.
    format : {"nifti", "metaimage", "vtk", "dicom", "hdf5", "xarray"}, optional
        If given, an ending of another format is refused.
    stream : str, optional
        The stream, annotation or mesh. HDF5 and xarray then hold this one alone. Not
        needed where only one fits the format.
    frame : int, optional
        The only frame to write, from 0.
    geometry : {"cartesian", "beamspace"}, optional
        Beamspace samples as they are, at their true places in VTK (``.vts``), or scan
        converted. If not given, as they are where the format can hold them.

    Raises
    ------
    InvalidArgumentError
        If the ending, the format, the geometry or the frame does not fit.
    UnknownNameError
        If there is no such format.
    NotProvidedError
        If the recording has no such stream, or none, or several, that would fit.

    Examples
    --------
    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> from cardium.core import Entry, PlaneGrid
    >>> grid = PlaneGrid(x=(-0.001, 0.001), z=(0.0, 0.003), shape=(4, 3))
    >>> film = Stream("b_mode", np.full((2, 4, 3), 9, np.uint8), np.array([0.0, 0.02]),
    ...               ("time", "z", "x"), "grey", grid)
    >>> one = Recording(Entry("r0", "p0", "", frozenset({"b_mode"})), {"b_mode": film})
    >>> with TemporaryDirectory() as folder:
    ...     export_recording(one, Path(folder) / "film.mha")
    ...     export_recording(one, Path(folder) / "still.vti", frame=1)
    ...     sorted(file.name for file in Path(folder).iterdir())
    ['film.mha', 'still.vti']
    """
    path = Path(path).expanduser()
    kind = _format_of(path, format)
    if geometry not in (None, "cartesian", "beamspace"):
        raise InvalidArgumentError(
            f"Export: geometry must be 'cartesian' or 'beamspace', got '{geometry}'."
        )
    if kind in ("hdf5", "xarray"):
        _write_whole(path, kind, _reduced(recording, stream, frame, geometry))
        return
    chosen = _chosen(recording, kind, stream)
    if isinstance(chosen, Mesh):
        if kind != "vtk":
            raise InvalidArgumentError(
                f"'{chosen.name}' is a mesh, '{path}' holds images. Write it to .vtp, "
                ".pvd, .h5 or .zarr."
            )
        from cardium.io.vtk import write_vtk

        write_vtk(path, chosen, frame=frame)
        return
    if geometry == "beamspace" and (kind != "vtk" or path.suffix.lower() == ".vti"):
        raise InvalidArgumentError(
            f"'{path}' holds images on regular grids. Write beamspace samples to .vts, "
            ".pvd, .h5 or .zarr."
        )
    _write_stream(path, kind, recording, _prepared(chosen, frame, geometry))


def _format_of(path: Path, stated: str | None) -> str:
    """Return the format of a file by its ending; refuse another one than stated."""
    if stated is not None and stated not in FORMATS:
        raise UnknownNameError("format", stated, FORMATS)
    name = path.name.lower()
    for kind, endings in FORMATS.items():
        if name.endswith(endings) and stated in (None, kind):
            return kind
    wanted = [
        end for kind in FORMATS if stated in (None, kind) for end in FORMATS[kind]
    ]
    raise InvalidArgumentError(
        f"'{path}' should end in {', '.join(wanted)}. Rename it."
    )


def _chosen(recording: Recording, kind: str, name: str | None) -> Stream | Mesh:
    """Return the stream or mesh of a name, or the only one that fits."""
    if name is not None:
        return recording.meshes[name] if name in recording.meshes else recording[name]
    fit: dict[str, Stream | Mesh] = {
        key: stream for key, stream in recording.streams.items() if _fits(kind, stream)
    }
    if kind == "vtk":
        fit |= recording.meshes
    if len(fit) != 1:
        there = ", ".join(fit) or "none"
        raise NotProvidedError(
            f"Recording '{recording.entry.id}' has {len(fit)} streams that fit {kind}: "
            f"{there}. {'Name one (stream).' if fit else 'Write HDF5 or xarray.'}"
        )
    return next(iter(fit.values()))


def _fits(kind: str, stream: Stream) -> bool:
    """Tell whether a format can hold a stream."""
    lines = stream.dims in (("time", "range"), ("time", "velocity"))
    if kind == "dicom":
        return stream.unit in ("grey", "rgb") and (
            lines or len(getattr(stream.geometry, "shape", ())) == 2
        )
    return stream.geometry is not None


def _prepared(stream: Stream, frame: int | None, geometry: Samples | None) -> Stream:
    """Take the frame and the grid that were asked for."""
    if frame is not None:
        if not 0 <= frame < len(stream.time):
            raise InvalidArgumentError(
                f"Stream '{stream.name}' has {len(stream.time)} frames; there is no "
                f"frame {frame}. Frames count from 0."
            )
        stream = stream.samples(slice(frame, frame + 1))
    return on_grid(stream) if geometry == "cartesian" else stream


def _write_stream(path: Path, kind: str, recording: Recording, stream: Stream) -> None:
    """Write one stream with the writer of its format."""
    if kind == "dicom":
        from cardium.io.dicom import write_dicom

        alone = replace(
            recording,
            streams={**recording.streams, stream.name: stream},
            annotations={
                k: v for k, v in recording.annotations.items() if k != stream.name
            },
        )
        write_dicom(path, alone, stream=stream.name)
        return
    write: Callable[[Path, Stream], None]
    if kind == "nifti":
        from cardium.io.nifti import write_nifti as write
    elif kind == "metaimage":
        from cardium.io.metaimage import write_metaimage as write
    else:
        from cardium.io.vtk import write_vtk as write
    write(path, stream)


def _write_whole(path: Path, kind: str, recording: Recording) -> None:
    """Write a recording whole."""
    if kind == "hdf5":
        from cardium.io.hdf5 import write_hdf5

        write_hdf5(path, recording)
    else:
        from cardium.io.xarray import write_xarray

        write_xarray(path, recording)


def _reduced(
    recording: Recording,
    name: str | None,
    frame: int | None,
    geometry: Samples | None,
) -> Recording:
    """Keep one stream or mesh, if one is named, on the grid that was asked for."""
    if name is None:
        if frame is not None:
            raise InvalidArgumentError(
                "Export: streams have clocks of their own. A frame needs a stream."
            )
        streams = {
            key: on_grid(stream)
            if geometry == "cartesian" and stream.geometry is not None
            else stream
            for key, stream in recording.streams.items()
        }
        return replace(recording, streams=streams)
    entry = replace(recording.entry, provides=frozenset({name}))
    if name in recording.meshes:
        return Recording(entry, {}, meshes={name: recording.meshes[name]})
    stream = _prepared(recording[name], frame, geometry)
    if name in recording.annotations:
        return Recording(entry, {}, {name: stream})
    return Recording(entry, {name: stream})
