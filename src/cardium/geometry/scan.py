"""Scan conversion: the same samples on another geometry.

One function serves all ways, beams to plane, plane to beams, a Doppler fan to the fan
of the grey image, and one plane to another, because all it needs is where each target
sample lies in the index space of the source.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeGuard, TypeVar, cast, overload

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Geometry, PlaneGrid, Sector
from cardium.errors import GeometryError, InvalidArgumentError
from cardium.geometry._sampling import SamplingTable, inside, sampling_table

if TYPE_CHECKING:
    import torch

__all__ = [
    "SamplingTable",
    "inside",
    "plane_around",
    "resample",
    "resample_labels",
    "resample_velocity",
    "sampling_table",
    "with_shape",
]

Method = Literal["linear", "nearest"]
AnyGeometry = TypeVar("AnyGeometry", Sector, PlaneGrid)


@overload
def resample(
    values: NDArray[Any],
    source: Geometry,
    target: Geometry,
    *,
    method: Method = "linear",
    outside: float = 0,
) -> NDArray[Any]: ...
@overload
def resample(
    values: torch.Tensor,
    source: Geometry,
    target: Geometry,
    *,
    method: Method = "linear",
    outside: float = 0,
) -> torch.Tensor: ...
def resample(
    values: NDArray[Any] | torch.Tensor,
    source: Geometry,
    target: Geometry,
    *,
    method: Method = "linear",
    outside: float = 0,
) -> NDArray[Any] | torch.Tensor:
    """Take values from one geometry to another: scan conversion and its inverse.

    Parameters
    ----------
    values : (..., *source.shape)
        Frames, numpy or torch, integer or floating; leading axes are kept. Folded
        velocities go through `resample_velocity`, labels through `resample_labels`.
    source : Sector or PlaneGrid
        Where the samples of the last two axes lie.
    target : Sector or PlaneGrid
        Where they are wanted.
    method : {"linear", "nearest"}
        Linear in range and angle between beams, in z and x in a plane; or the sample
        nearest in index, the lower one on a tie.
    outside : number
        Value of target samples that are not inside the source.

    Returns
    -------
    (..., *target.shape)
        Of the type of `values`; integers are rounded, halves up. A tensor stays on its
        device, and gradients flow through it.

    Raises
    ------
    GeometryError
        If the last two axes of `values` are not ``source.shape``.
    InvalidArgumentError
        If the method is not known, the type of `values` cannot be interpolated, or
        cannot hold `outside`.

    Notes
    -----
    A function that is linear in the source's own axes is reproduced to rounding.
    Target samples are points: where they are sparser than the source's, fine detail
    aliases, so filter before going to a coarser grid. A NaN spreads to every sample
    that has it among its four neighbours. uint8 and float32 are interpolated in single
    precision; uint8 is within half a grey level of the exact value, to 1e-4.

    Examples
    --------
    >>> sector = Sector(depth=(0.0, 0.1), angle=(-0.5, 0.5), shape=(3, 3))
    >>> depth_cm = np.array([[0.0] * 3, [5.0] * 3, [10.0] * 3])
    >>> plane = PlaneGrid(x=(-0.1, 0.1), z=(0.0, 0.1), shape=(5, 3))
    >>> resample(depth_cm, sector, plane, outside=-1)[:, 1]
    array([ 0. ,  2.5,  5. ,  7.5, 10. ])
    """
    if method not in ("linear", "nearest"):
        raise InvalidArgumentError(
            f"Resampling: method must be 'linear' or 'nearest', got '{method}'."
        )
    _check_shape(values.shape, source)
    _check_type(_numpy_type(values), method, outside)
    if _is_tensor(values):
        from cardium.geometry import _torch

        return _torch.gather(values, source, target, method=method, outside=outside)
    array = np.asarray(values)
    table, frames = sampling_table(source, target), _flat_frames(array)
    if method == "linear" and array.dtype in (np.uint8, np.float32, np.float64):
        out = _interpolate(frames, table, outside)
    else:
        out = np.full((len(frames), math.prod(target.shape)), outside, array.dtype)
        if method == "nearest":
            out[:, table.pixel] = frames[:, table.nearest]
        else:
            wide = _interpolate(frames.astype(np.float64), table, 0)[:, table.pixel]
            out[:, table.pixel] = (
                wide if array.dtype.kind == "f" else np.floor(wide + 0.5)
            )
    return out.reshape(*array.shape[:-2], *target.shape)


@overload
def resample_velocity(
    values: NDArray[Any],
    source: Geometry,
    target: Geometry,
    *,
    velocity_limit: float,
    outside: float = math.nan,
) -> NDArray[Any]: ...
@overload
def resample_velocity(
    values: torch.Tensor,
    source: Geometry,
    target: Geometry,
    *,
    velocity_limit: float,
    outside: float = math.nan,
) -> torch.Tensor: ...
def resample_velocity(
    values: NDArray[Any] | torch.Tensor,
    source: Geometry,
    target: Geometry,
    *,
    velocity_limit: float,
    outside: float = math.nan,
) -> NDArray[Any] | torch.Tensor:
    """Take folded velocities from one geometry to another.

    Parameters
    ----------
    values : (..., *source.shape) [m/s]
        Velocities, floating, numpy or torch.
    source : Sector or PlaneGrid
        Where the samples of the last two axes lie.
    target : Sector or PlaneGrid
        Where they are wanted.
    velocity_limit : float [m/s]
        The Nyquist limit, where velocities fold.
    outside : float [m/s]
        Value of target samples that are not inside the source.

    Returns
    -------
    (..., *target.shape) [m/s]
        Velocities in -limit <= v < limit, of the type of `values`.

    Raises
    ------
    GeometryError
        If the last two axes of `values` are not ``source.shape``.
    InvalidArgumentError
        If the limit is not positive or the values are not floating.

    Notes
    -----
    Doppler measures the phase pi v / limit, so the phasor exp(i pi v / limit) is what
    is interpolated. Between +0.9 and -0.9 of the limit lies the limit, where
    interpolated numbers would show a band of zero along every fold. Between velocities
    that differ little the result is the linear one up to the third order of their
    difference; halfway between two it is exact. Two that differ by the limit itself
    have no mean, and halfway between them either sign may come out.

    Examples
    --------
    >>> line = PlaneGrid(x=(0.0, 0.01), z=(0.0, 0.01), shape=(2, 2))
    >>> finer = with_shape(line, (2, 3))
    >>> folded = np.array([[0.45, -0.45], [0.1, 0.2]])
    >>> resample_velocity(folded, line, finer, velocity_limit=0.5).round(6)
    array([[ 0.45, -0.5 , -0.45],
           [ 0.1 ,  0.15,  0.2 ]])
    """
    if not velocity_limit > 0:
        raise InvalidArgumentError(
            f"Velocity: the limit must be positive, got {velocity_limit} m/s."
        )
    limit, xp = float(velocity_limit), cast(Any, np)
    mask: Any = inside(source, target)
    if _is_tensor(values):
        import torch

        xp, mask = torch, torch.as_tensor(mask, device=values.device)
    if values.dtype not in (xp.float32, xp.float64):
        raise InvalidArgumentError(
            f"Velocity: values must be float32 or float64 in m/s, got {values.dtype}. "
            "Scale stored codes to velocities first."
        )
    phase = values * (math.pi / limit)
    # Outside, the phasor is 1: arctan2 has no gradient at the origin.
    real = resample(xp.cos(phase), source, target, outside=1)
    imaginary = resample(xp.sin(phase), source, target)
    velocity = xp.atan2(imaginary, real) * (limit / math.pi)
    velocity = xp.where(velocity >= limit, -limit, velocity).clip(min=-limit)
    placed: NDArray[Any] | torch.Tensor = xp.where(mask, velocity, float(outside))
    return placed


def resample_labels(
    labels: NDArray[np.uint8], source: Geometry, target: Geometry
) -> NDArray[np.uint8]:
    """Take label maps from one geometry to another; no code comes out that was not in.

    Parameters
    ----------
    labels : (..., *source.shape) uint8
        Codes of `cardium.core.STRUCTURES`, or of any list; 255 is `UNLABELLED`.
    source : Sector or PlaneGrid
        Where the samples of the last two axes lie.
    target : Sector or PlaneGrid
        Where they are wanted.

    Returns
    -------
    (..., *target.shape) uint8
        Codes; `UNLABELLED` for samples that are not inside the source.

    Raises
    ------
    GeometryError
        If the last two axes of `labels` are not ``source.shape``.
    InvalidArgumentError
        If `labels` is not uint8.

    Notes
    -----
    Each code's map of zeros and ones is interpolated linearly and the greatest wins,
    the lower code on a tie. Against the nearest sample this puts borders where linear
    interpolation puts them, to a fraction of a sample, and without steps of a whole
    sample when beams become pixels. Whether a sample is labelled is asked first, by the
    same vote: labelled neighbours must hold half of the weight. Only then do they vote
    on the structure, and `UNLABELLED` has no voice in that.

    Examples
    --------
    >>> coarse = PlaneGrid(x=(0.0, 0.01), z=(0.0, 0.01), shape=(2, 2))
    >>> labels = np.array([[0, 2], [0, 255]], np.uint8)
    >>> resample_labels(labels, coarse, with_shape(coarse, (2, 6)))
    array([[  0,   0,   0,   2,   2,   2],
           [  0,   0,   0, 255, 255, 255]], dtype=uint8)
    """
    _check_shape(labels.shape, source)
    if labels.dtype != np.uint8:
        raise InvalidArgumentError(
            f"Labels: codes must be uint8, got {labels.dtype}. "
            "Take the argmax of probabilities first."
        )
    table = sampling_table(source, target)
    frames = _flat_frames(labels)
    out = np.empty((len(frames), math.prod(target.shape)), np.uint8)
    from cardium.geometry import _kernels

    corner, columns = table.corner.view(np.uint32), source.shape[1]
    weights = table.row_weight, table.column_weight
    _kernels.vote_labels(frames, columns, corner, *weights, table.pixel, out)
    return out.reshape(*labels.shape[:-2], *target.shape)


def plane_around(sector: Sector, *, rows: int | None = None) -> PlaneGrid:
    """Make the image plane that just holds a sector.

    Parameters
    ----------
    sector : Sector
        What it is to hold.
    rows : int, optional
        Number of rows. If not given, as many as there are range samples.

    Returns
    -------
    PlaneGrid
        The bounding box of the sector. The spacing of its columns is that of its rows,
        as nearly as a whole number of columns allows: ``round(width / dz) + 1``.

    Raises
    ------
    GeometryError
        If there are fewer than two rows.

    Notes
    -----
    The box touches the corners of the sector and, where the fan includes straight
    down, straight right, straight left or straight up, its arc.

    Examples
    --------
    >>> half = Sector(depth=(0.0, 0.1), angle=(-np.pi / 2, np.pi / 2), shape=(101, 64))
    >>> plane = plane_around(half)
    >>> plane.x, plane.shape
    ((-0.1, 0.1), (101, 201))
    """
    first, last = sector.angle
    quarter = math.pi / 2
    quarters = range(math.ceil(first / quarter), math.floor(last / quarter) + 1)
    angles = np.array([first, last, *(quarter * k for k in quarters)])
    radii = np.array(sector.depth)[:, None]
    x, z = radii * np.sin(angles), radii * np.cos(angles)
    (x0, x1), (z0, z1) = _span(x), _span(z)
    count = sector.shape[0] if rows is None else rows
    if count < 2:
        raise GeometryError(f"Plane around a sector: needs 2 rows, got {count}.")
    columns = round((x1 - x0) / (z1 - z0) * (count - 1)) + 1
    return PlaneGrid(x=(x0, x1), z=(z0, z1), shape=(count, max(columns, 2)))


def with_shape(geometry: AnyGeometry, shape: tuple[int, int]) -> AnyGeometry:
    """Sample the same extent with another number of samples.

    Parameters
    ----------
    geometry : Sector or PlaneGrid
        Its first and last samples stay where they are.
    shape : (rows, columns)
        Range samples and beams, or pixels along z and x.

    Returns
    -------
    Sector or PlaneGrid
        Of the type of `geometry`.

    Raises
    ------
    GeometryError
        If there are fewer than two samples either way.

    Examples
    --------
    >>> plane = PlaneGrid(x=(0.0, 0.1), z=(0.0, 0.2), shape=(3, 2))
    >>> with_shape(plane, (5, 3)).spacing
    (0.05, 0.05)
    """
    return replace(geometry, shape=shape)


def _interpolate(
    frames: NDArray[Any], table: SamplingTable, outside: float
) -> NDArray[Any]:
    """Interpolate flat frames of bytes or floats with the kernel of their type."""
    from cardium.geometry import _kernels

    out = np.empty((len(frames), math.prod(table.target.shape)), frames.dtype)
    blend: Any = _kernels.blend_floats
    if out.dtype == np.uint8:
        blend = _kernels.blend_bytes
    double = table.row_weight, table.column_weight
    weights = double if out.dtype == np.float64 else table.single_weights
    corner, columns = table.corner.view(np.uint32), table.source.shape[1]
    fill = out.dtype.type(outside)
    blend(frames, columns, corner, *weights, table.runs, fill, out)
    return out


def _is_tensor(values: object) -> TypeGuard[torch.Tensor]:
    """Tell a torch tensor without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(values, torch.Tensor)


def _flat_frames(values: NDArray[Any]) -> NDArray[Any]:
    """Return (..., rows, columns) as contiguous frames (T, rows * columns)."""
    *lead, rows, columns = values.shape
    return np.ascontiguousarray(values).reshape(math.prod(lead), rows * columns)


def _check_shape(shape: tuple[int, ...], source: Geometry) -> None:
    """Refuse values whose last two axes are not the source's."""
    if tuple(shape[-2:]) != tuple(source.shape):
        raise GeometryError(
            f"Resampling: the last two axes have shape {tuple(shape[-2:])}, but the "
            f"{type(source).__name__} has {tuple(source.shape)}. "
            "Was the array transposed or cropped?"
        )


def _numpy_type(values: NDArray[Any] | torch.Tensor) -> np.dtype[Any]:
    """Return the numpy type that holds what an array or a tensor holds."""
    name = str(values.dtype).removeprefix("torch.")
    return np.dtype("float32" if name == "bfloat16" else name)


def _check_type(dtype: np.dtype[Any], method: str, outside: float) -> None:
    """Refuse types without values in between, or without the value for outside."""
    if method == "linear" and dtype.kind not in "uif":
        raise InvalidArgumentError(
            f"Resampling: cannot interpolate {dtype}. Convert it to float32, or use "
            "resample_labels or method='nearest'."
        )
    if dtype.kind in "ui":
        limits = np.iinfo(dtype)
        # Written so that NaN, which compares false, is refused as well.
        if not (limits.min <= outside <= limits.max and outside == round(outside)):
            raise InvalidArgumentError(
                f"Resampling: {dtype} cannot hold outside={outside}. "
                "Convert the values to float32 first."
            )


def _span(values: FloatArray) -> tuple[float, float]:
    """Return the least and the greatest value."""
    return float(values.min()), float(values.max())
