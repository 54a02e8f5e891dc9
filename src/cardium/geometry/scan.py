"""Scan conversion: the same samples on another geometry.

One function serves all ways, beams to plane, plane to beams, a Doppler fan to the fan
of the grey image, a fan of volumes to voxels, a volume to a cut, because all it needs
is where each target sample lies in the index space of the source.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, Literal, TypeGuard, cast, overload

import numpy as np
from numpy.typing import NDArray

from cardium.core import Geometry
from cardium.errors import GeometryError, InvalidArgumentError
from cardium.geometry import _numpy
from cardium.geometry._sampling import SamplingTable, Target, inside, sampling_table
from cardium.geometry.grids import plane_around, with_shape

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


@overload
def resample(
    values: NDArray[Any],
    source: Geometry,
    target: Target,
    *,
    method: Method = "linear",
    outside: float = 0,
    antialias: bool = False,
) -> NDArray[Any]: ...
@overload
def resample(
    values: torch.Tensor,
    source: Geometry,
    target: Target,
    *,
    method: Method = "linear",
    outside: float = 0,
    antialias: bool = False,
) -> torch.Tensor: ...
def resample(
    values: NDArray[Any] | torch.Tensor,
    source: Geometry,
    target: Target,
    *,
    method: Method = "linear",
    outside: float = 0,
    antialias: bool = False,
) -> NDArray[Any] | torch.Tensor:
    """Take values from one geometry to another: scan conversion and its inverse.

    Parameters
    ----------
    values : (..., *source.shape)
        Frames, numpy or torch, integer or floating; leading axes are kept. Folded
        velocities go through `resample_velocity`, labels through `resample_labels`.
    source : Sector, PlaneGrid, SectorVolume or VolumeGrid
        Where the samples of the last two or three axes lie.
    target : Sector, PlaneGrid, SectorVolume, VolumeGrid or SlicePlane
        Where they are wanted: in the plane of a planar source, in the space of a
        volume.
    method : {"linear", "nearest"}
        Linear in range and angles between beams, in the grid's own axes elsewhere; or
        the sample nearest in index, the lower one on a tie.
    outside : number
        Value of target samples that are not inside the source.
    antialias : bool
        Low-pass first, along each axis and at each place, what the target is too
        coarse to hold; it changes nothing where the target is finer than the source.
        Off by default: values are then those of the source's own samples, and cost
        less.

    Returns
    -------
    (..., *target.shape)
        Of the type of `values`; integers are rounded, halves up. A tensor stays on its
        device, and gradients flow through it.

    Raises
    ------
    GeometryError
        If the last axes of `values` are not ``source.shape``, or one geometry lies in
        a plane and the other in space.
    InvalidArgumentError
        If the method is not known, the type of `values` cannot be interpolated or
        cannot hold `outside`, or the nearest sample is to be antialiased.

    Notes
    -----
    A function that is linear in the source's own axes is reproduced to rounding.
    Target samples are points: where they are sparser than the source's, as pixels are
    near the apex of a fan, fine detail aliases unless it is low-passed. A NaN spreads
    to every sample that has it among its neighbours. uint8 and float32 are interpolated
    in single precision; uint8 is within half a grey level of the exact value, to 1e-4.
    Places in a volume are kept in single precision, to 1e-7 of a step.

    Examples
    --------
    >>> from cardium.core import PlaneGrid, Sector
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
    if antialias and method == "nearest":
        raise InvalidArgumentError(
            "Resampling: antialias=True makes means, method='nearest' takes samples as "
            "they are. Choose one."
        )
    _check_shape(values.shape, source)
    _check_type(_numpy_type(values), method, outside)
    backend = _backend_of(values)
    if antialias:
        from cardium.geometry._antialias import filters_for

        if filters_for(source, target):
            smooth = backend.low_pass(values, source, target)
            placed = resample(smooth, source, target, outside=outside)
            return cast("NDArray[Any]", backend.settle(placed, values.dtype))
    placed = backend.gather(values, source, target, method=method, outside=outside)
    return cast("NDArray[Any]", placed)


@overload
def resample_velocity(
    values: NDArray[Any],
    source: Geometry,
    target: Target,
    *,
    velocity_limit: float,
    outside: float = math.nan,
    antialias: bool = False,
) -> NDArray[Any]: ...
@overload
def resample_velocity(
    values: torch.Tensor,
    source: Geometry,
    target: Target,
    *,
    velocity_limit: float,
    outside: float = math.nan,
    antialias: bool = False,
) -> torch.Tensor: ...
def resample_velocity(
    values: NDArray[Any] | torch.Tensor,
    source: Geometry,
    target: Target,
    *,
    velocity_limit: float,
    outside: float = math.nan,
    antialias: bool = False,
) -> NDArray[Any] | torch.Tensor:
    """Take folded velocities from one geometry to another.

    Parameters
    ----------
    values : (..., *source.shape) [m/s]
        Velocities, floating, numpy or torch.
    source : Sector, PlaneGrid, SectorVolume or VolumeGrid
        Where the samples of the last two or three axes lie.
    target : Sector, PlaneGrid, SectorVolume, VolumeGrid or SlicePlane
        Where they are wanted: in the plane of a planar source, in the space of a
        volume.
    velocity_limit : float [m/s]
        The Nyquist limit, where velocities fold.
    outside : float [m/s]
        Value of target samples that are not inside the source.
    antialias : bool
        Low-pass the phasor first where the target is coarser, as `resample` does.

    Returns
    -------
    (..., *target.shape) [m/s]
        Velocities in -limit <= v < limit, of the type of `values`.

    Raises
    ------
    GeometryError
        If the last axes of `values` are not ``source.shape``, or one geometry lies in
        a plane and the other in space.
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
    >>> from cardium.core import PlaneGrid
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
    real = resample(xp.cos(phase), source, target, outside=1, antialias=antialias)
    imaginary = resample(xp.sin(phase), source, target, antialias=antialias)
    velocity = xp.atan2(imaginary, real) * (limit / math.pi)
    velocity = xp.where(velocity >= limit, -limit, velocity).clip(min=-limit)
    placed: NDArray[Any] | torch.Tensor = xp.where(mask, velocity, float(outside))
    return placed


def resample_labels(
    labels: NDArray[np.uint8], source: Geometry, target: Target
) -> NDArray[np.uint8]:
    """Take label maps from one geometry to another; no code comes out that was not in.

    Parameters
    ----------
    labels : (..., *source.shape) uint8
        Codes of `cardium.core.STRUCTURES`, or of any list; 255 is `UNLABELLED`.
    source : Sector, PlaneGrid, SectorVolume or VolumeGrid
        Where the samples of the last two or three axes lie.
    target : Sector, PlaneGrid, SectorVolume, VolumeGrid or SlicePlane
        Where they are wanted: in the plane of a planar source, in the space of a
        volume.

    Returns
    -------
    (..., *target.shape) uint8
        Codes; `UNLABELLED` for samples that are not inside the source.

    Raises
    ------
    GeometryError
        If the last axes of `labels` are not ``source.shape``, or one geometry lies in
        a plane and the other in space.
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
    >>> from cardium.core import PlaneGrid
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
    return _numpy.vote(labels, source, target)


def _is_tensor(values: object) -> TypeGuard[torch.Tensor]:
    """Tell a torch tensor without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(values, torch.Tensor)


def _backend_of(values: object) -> Any:  # noqa: ANN401 - a module
    """Return the module that resamples arrays of this kind."""
    if _is_tensor(values):
        from cardium.geometry import _torch

        return _torch
    return _numpy


def _check_shape(shape: tuple[int, ...], source: Geometry) -> None:
    """Refuse values whose last axes are not the source's."""
    count = len(source.shape)
    if tuple(shape[-count:]) != source.shape:
        raise GeometryError(
            f"Resampling: the last axes have shape {tuple(shape[-count:])}, but the "
            f"{type(source).__name__} has {source.shape}. "
            "Was the array transposed or cropped?"
        )


def _numpy_type(values: NDArray[Any] | torch.Tensor) -> np.dtype[Any]:
    """Return the numpy type that holds what an array or a tensor holds."""
    name = str(values.dtype).removeprefix("torch.")
    return np.dtype("float32" if name == "bfloat16" else name)


def _check_type(dtype: np.dtype[Any], method: str, outside: float) -> None:
    """Refuse types without values in between, or without the value for outside."""
    if dtype.kind not in "buif" or dtype.itemsize > 8:
        raise InvalidArgumentError(
            f"Resampling: values must be numbers of 8 bytes at most, got {dtype}."
        )
    if method == "linear" and dtype.kind == "b":
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
