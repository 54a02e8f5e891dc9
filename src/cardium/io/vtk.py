"""VTK files for ParaView and 3D Slicer: images, beamspace, meshes and contours by time.

The ending says what is written:

- ``.vti``: a regular grid, one time; beamspace is scan converted.
- ``.vts``: a curved grid, one time: the beamspace samples at their true places, none
  interpolated.
- ``.vtp``: a mesh, or contours as lines, one time.
- ``.pvd``: all times: a collection, and a file for each time in a folder beside it.

Lengths are millimetres of the probe's frame (x right, y completing, z away from the
probe; planes lie at y = 0), as the medical formats have them; the field ``LengthUnit``
says so. ``TimeValue`` is in seconds. Values keep their unit, which is the array's
``UNITS_LABEL``, and their type.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    FloatArray,
    Mesh,
    PlaneGrid,
    Sector,
    SectorVolume,
    Stream,
    VolumeGrid,
)
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.io import _vtk_xml as xml
from cardium.io._pixels import check_ending, on_grid

_MM = 1e3


def write_vtk(path: Path, what: Stream | Mesh, *, frame: int | None = None) -> None:
    """Write one frame of a stream or a mesh, or all of them as a collection.

    Parameters
    ----------
    path : Path
        A ``.vti``, ``.vts``, ``.vtp`` or ``.pvd`` file. The frames of a collection
        ``beat.pvd`` go to the folder ``beat_frames``.
    what : Stream or Mesh
        Images of a plane or a volume in any geometry, contours in metres, or a mesh.
    frame : int, optional
        The frame to write, from 0; needed for a single file if there are several.

    Raises
    ------
    InvalidArgumentError
        If the ending does not fit what is written, there is no such frame, or the
        stream has further axes.
    NotProvidedError
        If a stream has neither a geometry nor contour points.

    Notes
    -----
    Places of curved grids and meshes are written in single precision, which is a
    hundredth of a micrometre at 20 cm.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> fan = Sector(depth=(0.0, 0.1), angle=(-0.5, 0.5), shape=(3, 2))
    >>> film = Stream("b_mode", np.zeros((2, 3, 2), np.uint8), np.array([0.0, 0.02]),
    ...               ("time", "range", "beam"), "grey", fan)
    >>> with TemporaryDirectory() as folder:
    ...     write_vtk(Path(folder) / "beat.pvd", film)
    ...     write_vtk(Path(folder) / "still.vts", film, frame=1)
    ...     sorted(file.name for file in Path(folder).rglob("*.vts"))
    ['beat_0000.vts', 'beat_0001.vts', 'still.vts']
    """
    check_ending(path, ".vti", ".vts", ".vtp", ".pvd")
    ending = path.suffix.lower()
    if ending != ".pvd":
        _write_frame(path, what, _only_frame(path, what, frame))
        return
    ending = _natural_ending(what)
    chosen = range(len(what.time)) if frame is None else [_checked(path, what, frame)]
    folder = path.with_name(f"{path.stem}_frames")
    files = [
        (float(what.time[at]), folder / f"{path.stem}_{at:04d}{ending}")
        for at in chosen
    ]
    for at, (_, file) in zip(chosen, files, strict=True):
        _write_frame(file, what, at)
    xml.write_series(path, files)


def _write_frame(path: Path, what: Stream | Mesh, frame: int) -> None:
    """Write one frame to a file of one time."""
    time = float(what.time[frame])
    ending = path.suffix.lower()
    if isinstance(what, Mesh):
        _check_fit(path, what, ending == ".vtp")
        points, faces = what.frame(frame)
        _write_polygons(path, points, "Polys", _cells(faces), (), time)
    elif what.dims[1:] == ("layer", "point", "xz"):
        _check_fit(path, what, ending == ".vtp")
        _write_contours(path, what, frame, time)
    elif ending == ".vti":
        _write_image(path, on_grid(what), frame, time)
    else:
        _check_fit(path, what, ending == ".vts")
        _write_curved(path, what, frame, time)


def _write_image(path: Path, stream: Stream, frame: int, time: float) -> None:
    """Write a frame on a regular grid; a plane is one layer at y = 0."""
    grid = stream.geometry
    if isinstance(grid, PlaneGrid):
        (dz, dx), (rows, columns) = grid.spacing, grid.shape
        spacing, counts = (dx, 1 / _MM, dz), (columns, 1, rows)
        origin, turned = (grid.x[0], 0.0, grid.z[0]), np.eye(3)
    elif isinstance(grid, VolumeGrid):
        steps = np.array(grid.steps)[::-1]
        spacing, counts = grid.spacing[::-1], grid.shape[::-1]
        origin, turned = grid.origin, (steps / np.array(spacing)[:, None]).T
    else:
        raise NotProvidedError(f"Stream '{stream.name}' has no geometry.")
    extent = " ".join(f"0 {count - 1}" for count in counts)
    header = (
        f'WholeExtent="{extent}" Origin="{xml.numbers(np.array(origin) * _MM)}" '
        f'Spacing="{xml.numbers(np.array(spacing) * _MM)}" '
        f'Direction="{xml.numbers(turned.ravel())}"'
    )
    values = xml.Block("PointData", (_column(stream, frame),))
    piece = f'Extent="{extent}"'
    xml.write_piece(path, "ImageData", header, piece, [values], time=time)


def _write_curved(path: Path, stream: Stream, frame: int, time: float) -> None:
    """Write a frame at the true places of its samples."""
    x, y, z = _places(stream)
    counts = (*x.shape[::-1], 1)[:3]
    extent = " ".join(f"0 {count - 1}" for count in counts)
    points = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    blocks = [
        xml.Block("PointData", (_column(stream, frame),)),
        xml.Block("Points", (_points(points),)),
    ]
    header, piece = f'WholeExtent="{extent}"', f'Extent="{extent}"'
    xml.write_piece(path, "StructuredGrid", header, piece, blocks, time=time)


def _write_contours(path: Path, stream: Stream, frame: int, time: float) -> None:
    """Write the layers of a contour as lines; points that are missing are left out."""
    layers = np.asarray(stream.values[slice(frame, frame + 1)], np.float64)[0]
    kept = [layer[np.isfinite(layer).all(axis=1)] for layer in layers]
    which = [at for at, layer in enumerate(kept) if len(layer) > 1]
    flat = np.concatenate([kept[at] for at in which]) if which else np.zeros((0, 2))
    points = np.stack([flat[:, 0], np.zeros(len(flat)), flat[:, 1]], axis=-1)
    ends = np.cumsum([len(kept[at]) for at in which], dtype=np.int64)
    lines = np.arange(len(flat), dtype=np.int64), ends
    layer = xml.Column("layer", np.array(which, np.int32))
    _write_polygons(path, points, "Lines", lines, (layer,), time)


def _write_polygons(
    path: Path,
    points: FloatArray,
    tag: str,
    cells: tuple[NDArray[np.int64], NDArray[np.int64]],
    values: tuple[xml.Column, ...],
    time: float,
) -> None:
    """Write points and the cells over them: corners one after another, and ends."""
    corners, ends = cells
    blocks = [
        xml.Block("CellData", values),
        xml.Block("Points", (_points(points),)),
        xml.Block(
            tag, (xml.Column("connectivity", corners), xml.Column("offsets", ends))
        ),
    ]
    counts = {"Verts": 0, "Lines": 0, "Strips": 0, "Polys": 0, tag: len(ends)}
    piece = " ".join(f'NumberOf{name}="{count}"' for name, count in counts.items())
    piece = f'NumberOfPoints="{len(points)}" {piece}'
    xml.write_piece(path, "PolyData", "", piece, blocks, time=time)


def _column(stream: Stream, frame: int) -> xml.Column:
    """Read the values of a frame, the fastest axis last."""
    values = np.asarray(stream.values[slice(frame, frame + 1)])
    shape = () if stream.geometry is None else stream.geometry.shape
    if values.shape != (1, *shape):
        raise InvalidArgumentError(
            f"Stream '{stream.name}' has the axes {', '.join(stream.dims)}; a VTK file "
            "holds one value a place. Take one of the further axis first."
        )
    return xml.Column(stream.name, values.ravel(), stream.unit)


def _points(points: FloatArray) -> xml.Column:
    """Turn metres into millimetres of single precision."""
    return xml.Column("Points", (points * _MM).astype(np.float32))


def _cells(faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the corners of triangles one after another, and where each ends."""
    return faces.ravel(), 3 * np.arange(1, len(faces) + 1, dtype=np.int64)


def _places(stream: Stream) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return x, y and z of every sample [m]."""
    match stream.geometry:
        case Sector() | PlaneGrid() as plane:
            x, z = plane.points()
            return x, np.zeros_like(x), z
        case SectorVolume() | VolumeGrid() as volume:
            return volume.points()
    raise NotProvidedError(
        f"Stream '{stream.name}' has the axes {', '.join(stream.dims)} and no "
        "geometry, so its samples have no places. Write it as HDF5."
    )


def _natural_ending(what: Stream | Mesh) -> str:
    """Choose the format that keeps the samples as they are."""
    if isinstance(what, Mesh) or what.dims[1:] == ("layer", "point", "xz"):
        return ".vtp"
    return ".vti" if isinstance(what.geometry, (PlaneGrid, VolumeGrid)) else ".vts"


def _only_frame(path: Path, what: Stream | Mesh, frame: int | None) -> int:
    """Return the frame to write to a file of one time."""
    if frame is None and len(what.time) != 1:
        raise InvalidArgumentError(
            f"'{what.name}' has {len(what.time)} frames, but '{path}' can hold one. "
            "Choose a frame, or write all to a .pvd file."
        )
    return _checked(path, what, frame or 0)


def _checked(path: Path, what: Stream | Mesh, frame: int) -> int:
    """Refuse a frame that is not there."""
    if not 0 <= frame < len(what.time):
        raise InvalidArgumentError(
            f"'{what.name}' has {len(what.time)} frames; there is no frame {frame} to "
            f"write to '{path}'. Frames count from 0."
        )
    return frame


def _check_fit(path: Path, what: Stream | Mesh, fits: bool) -> None:
    """Refuse an ending that does not fit what is written."""
    if not fits:
        fit = ".vtp" if _natural_ending(what) == ".vtp" else ".vti or .vts"
        raise InvalidArgumentError(
            f"'{what.name}' cannot be written to '{path}': it goes to {fit}, or all "
            "its frames to .pvd. Rename the file."
        )
