"""Headers of NIfTI images: grids, clocks and what the format has no field for.

Exact times and names travel in a header extension (a comment, JSON text). The header
itself wins: an extension whose clock disagrees with it, because a tool cut or resampled
the image and kept the extension, is left aside.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, PlaneGrid, Stream, VolumeGrid, geometry_to_dict
from cardium.core.geometry import geometry_from_dict
from cardium.errors import CardiumError, DataCorruptError, InvalidArgumentError
from cardium.io._pixels import mean_step

_METRES = {"unknown": 1e-3, "mm": 1e-3, "meter": 1.0, "micron": 1e-6}
_SECONDS = {"unknown": 1.0, "sec": 1.0, "msec": 1e-3, "usec": 1e-6}
# NIfTI's world is right, anterior, superior: minus x, minus y, z of the probe.
_TO_RAS = np.array([-1.0, -1.0, 1.0])
_COMMENT = 6
LABEL_INTENT = 1002
_DEFLATE_RATIO = 1032


def header_of(
    stream: Stream, grid: PlaneGrid | VolumeGrid, dtype: np.dtype[Any], path: Path
) -> Any:  # noqa: ANN401 - nibabel is untyped
    """Return the header of a stream: shape (I, J, K, T), places, times, extension."""
    from nibabel.nifti1 import Nifti1Extension, Nifti1Header
    from nibabel.spatialimages import HeaderDataError

    make: Any = Nifti1Header  # typed in part
    header = make(endianness="<")
    shape = (*grid.shape[::-1], 1)[:3]
    try:
        header.set_data_shape((*shape, len(stream.time)))
    except HeaderDataError as error:
        raise InvalidArgumentError(
            f"Stream '{stream.name}': '{path}' can hold at most 32767 samples along an "
            f"axis, got {(*shape, len(stream.time))}. Write MetaImage or HDF5."
        ) from error
    header.set_data_dtype(dtype)
    header.set_slope_inter(1, 0)
    affine = affine_of(grid)
    header.set_sform(affine, code="scanner")
    if _is_upright(affine):
        header.set_qform(affine, code="scanner")
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    header.set_zooms((*spacing, mean_step(stream)))
    header.set_xyzt_units("mm", "sec")
    header["toffset"] = stream.time[0]
    header["descrip"] = f"{stream.name} [{stream.unit}]".encode()[:79]
    if stream.unit == "label":
        header.set_intent("label", name=stream.name[:15])
    text = json.dumps({"cardium": _facts(stream, grid)}, ensure_ascii=True)
    header.extensions.append(Nifti1Extension(_COMMENT, text.encode()))
    return header


def affine_of(grid: PlaneGrid | VolumeGrid) -> FloatArray:
    """Return the matrix from a stored index (i, j, k, 1) to RAS millimetres, (4, 4).

    A plane lies at y = 0, and its single slice counts as 1 mm thick.
    """
    if isinstance(grid, PlaneGrid):
        dz, dx = grid.spacing
        steps = np.array([(dx, 0, 0), (0, 0, dz), (0, -1e-3, 0)])
        origin = np.array([grid.x[0], 0, grid.z[0]])
    else:
        steps, origin = np.array(grid.steps)[::-1], np.array(grid.origin)
    affine = np.eye(4)
    affine[:3, :3] = (steps * _TO_RAS * 1e3).T
    affine[:3, 3] = origin * _TO_RAS * 1e3
    return affine


def grid_of(path: Path, image: Any) -> PlaneGrid | VolumeGrid:  # noqa: ANN401
    """Lay the grid of an image; the extension's, where it is the same but exact."""
    shape = (*image.shape, 1, 1, 1)[:3]
    scale = _METRES[_units(path, image)[0]]
    # A tool that states no orientation at all still states pixel sizes.
    stated = image.header["sform_code"] or image.header["qform_code"]
    steps = (image.affine[:3, :3].T * _TO_RAS * scale) if stated else None
    origin = image.affine[:3, 3] * _TO_RAS * scale
    if shape[2] == 1:
        grid: PlaneGrid | VolumeGrid = _plane(path, image, steps, origin)
    else:
        if steps is None:
            sizes = np.array(image.header.get_zooms()[:3], float) * scale
            steps, origin = np.diag(sizes), np.zeros(3)
        rows = tuple(tuple(map(float, step)) for step in steps[::-1])
        place = tuple(map(float, origin))
        grid = VolumeGrid(place, rows, shape[::-1])  # type: ignore[arg-type]
    exact = _exact_grid(extension_of(image).get("geometry"))
    if type(exact) is type(grid) and exact.shape == grid.shape:
        # float32 of millimetres: seven digits of the largest number
        same = np.allclose(affine_of(exact), affine_of(grid), rtol=1e-6, atol=1e-4)
        return exact if same else grid
    return grid


def clock_of(path: Path, image: Any) -> FloatArray:  # noqa: ANN401 - untyped
    """Return the time of each frame [s]: the extension's, where the header agrees."""
    header = image.header
    unit = _units(path, image)[1]
    if unit not in _SECONDS:
        raise DataCorruptError(f"'{path}' counts its fourth axis in {unit}, not time.")
    count = image.shape[3] if len(image.shape) > 3 else 1
    step = float(header["pixdim"][4]) * _SECONDS[unit] if count > 1 else 0.0
    start = float(header["toffset"]) * _SECONDS[unit]
    if not (np.isfinite([start, step]).all() and (step > 0 or count == 1)):
        raise DataCorruptError(
            f"'{path}' has {count} frames, {step:g} s apart, from {start:g} s on. "
            "State the time between frames in pixdim[4]."
        )
    even: FloatArray = start + step * np.arange(count)
    try:
        exact = np.asarray(extension_of(image).get("time", ()), np.float64)
    except (TypeError, ValueError):
        return even
    if exact.shape != even.shape:
        return even
    ends = np.allclose(exact[[0, -1]], even[[0, -1]], rtol=1e-6, atol=1e-6)
    rising = np.isfinite(exact).all() and (np.diff(exact) > 0).all()
    return exact if ends and rising else even


def extension_of(image: Any) -> dict[str, Any]:  # noqa: ANN401 - nibabel is untyped
    """Return what `header_of` put into the extension; {} if there is none."""
    for extension in image.header.extensions:
        if extension.get_code() != _COMMENT:
            continue
        try:
            content = extension.get_content()
            stated = json.loads(content)
        except ValueError:
            continue
        if isinstance(stated, dict) and isinstance(stated.get("cardium"), dict):
            return dict(stated["cardium"])
    return {}


def check_size(path: Path, image: Any) -> None:  # noqa: ANN401 - nibabel is untyped
    """Refuse a header that promises more than its file can hold."""
    promised = image.get_data_dtype().itemsize * int(
        np.prod([int(n) for n in image.shape], dtype=object)
    )
    size = path.stat().st_size
    most = size * _DEFLATE_RATIO if path.suffix == ".gz" else size
    if promised > most:
        raise DataCorruptError(
            f"'{path}' has {size} bytes, but its header promises pixels of shape "
            f"{image.shape}, {promised} bytes. Get it again."
        )


def pixel_grid(path: Path, image: Any) -> PlaneGrid:  # noqa: ANN401 - untyped
    """Lay a plane by the pixel size of the header, the first pixel at x = z = 0."""
    unit = _units(path, image)[0]
    zooms = image.header.get_zooms()[:2]
    dx, dz = (round(float(zoom), 6) * _METRES[unit] for zoom in zooms)
    columns, rows = image.shape[:2]
    if not (dx > 0 and dz > 0 and columns > 1 and rows > 1):
        raise DataCorruptError(
            f"'{path}' has pixels of {dx:g} x {dz:g} m in an image of {columns} x "
            f"{rows}. Get it again."
        )
    return PlaneGrid(
        x=(0.0, (columns - 1) * dx), z=(0.0, (rows - 1) * dz), shape=(rows, columns)
    )


def _units(path: Path, image: Any) -> tuple[str, str]:  # noqa: ANN401 - untyped
    """Return the units of space and of time that a header states."""
    try:
        space, time = image.header.get_xyzt_units()
    except KeyError as error:
        raise DataCorruptError(
            f"'{path}' states an unknown unit, code {error}. Get it again."
        ) from error
    return str(space), str(time)


def _plane(
    path: Path,
    image: Any,  # noqa: ANN401 - nibabel is untyped
    steps: NDArray[Any] | None,
    origin: NDArray[Any],
) -> PlaneGrid:
    """Lay a plane where its affine says, if that is the probe's plane of x and z."""
    grid = pixel_grid(path, image)
    if steps is None:
        return grid
    (dx, *off_x), (*off_z, dz) = steps[0], steps[1]
    along = np.abs([*off_x, *off_z]).max() <= 1e-5 * min(abs(dx), abs(dz))
    if not (along and dx > 0 and dz > 0):
        return grid
    rows, columns = grid.shape
    x, z = float(origin[0]), float(origin[2])
    return PlaneGrid((x, x + dx * (columns - 1)), (z, z + dz * (rows - 1)), grid.shape)


def _exact_grid(stated: object) -> PlaneGrid | VolumeGrid | None:
    """Build the grid that an extension states; None if it states no such thing."""
    if not isinstance(stated, dict):
        return None
    try:
        found = geometry_from_dict(stated)
    except CardiumError:
        return None
    return found if isinstance(found, (PlaneGrid, VolumeGrid)) else None


def _facts(stream: Stream, grid: PlaneGrid | VolumeGrid) -> dict[str, Any]:
    """Collect what the header has no field for, or only seven digits."""
    facts: dict[str, Any] = {
        "name": stream.name,
        "unit": stream.unit,
        "time": stream.time.tolist(),
        "geometry": geometry_to_dict(grid),
        "coords": {key: list(names) for key, names in stream.coords.items()},
    }
    if stream.velocity_limit is not None:
        facts["velocity_limit"] = stream.velocity_limit
    return facts


def _is_upright(affine: FloatArray) -> bool:
    """Tell whether the axes of an affine are at right angles."""
    unit = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(unit.T @ unit - np.eye(3)).max() < 1e-6)
