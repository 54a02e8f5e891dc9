"""What is true at every sample of a simulated recording, in a store of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Sector, SectorVolume, Stream
from cardium.datasets._echoxflow.pack import describe_geometry
from cardium.datasets._files import move

if TYPE_CHECKING:
    from cardium.phantom.acquisition import Acquisition
    from cardium.phantom.flow import Flow
    from cardium.phantom.probe import Placement

DENSE = "truth"
"""Folder of the stores, beside the release's."""


def films_of(
    scene: Acquisition, placement: Placement, seen: Stream
) -> dict[str, Stream]:
    """State what is true at the samples of a stream.

    Parameters
    ----------
    scene : Acquisition
        The heart, and how it moves.
    placement : Placement
        Where it lies under the probe.
    seen : Stream
        What was recorded: its geometry and its times are taken.

    Returns
    -------
    films : dict of str to Stream
        Those of `cardium.phantom.truth.dense_truth`, and ``blood_velocity`` (time,
        axis, ...) [m/s] in the same frame, NaN where no blood moves. They are worked
        out when they are read.
    """
    from cardium.phantom.flow import Flow
    from cardium.phantom.truth import dense_truth

    geometry = seen.geometry
    if not isinstance(geometry, Sector | SectorVolume):
        raise TypeError("Images of the phantom lie in a sector or a fan.")
    films = dense_truth(scene, placement, geometry, seen.time)
    like = films["velocity"]
    flow = Flow.of(scene.heart, scene.motion)
    blood = _Blood(flow, placement, geometry, seen.time, like.shape)
    film = replace(like, name="blood_velocity", values=blood)
    return {**films, film.name: film}


def write_dense(path: Path, films: Mapping[str, Stream]) -> None:
    """Write films frame by frame as a Zarr group, aside first.

    Parameters
    ----------
    path : Path
        The store, ``.zarr``.
    films : mapping of str to Stream
        Films of one geometry and one clock. Each becomes an array with the names of
        its axes, its unit and the names along its axes as attributes; ``time`` has the
        times [s]. The geometry is an attribute of the group.
    """
    import zarr

    aside = path.with_name(f".part{os.getpid()}.{path.name}")
    aside.parent.mkdir(parents=True, exist_ok=True)
    first = next(iter(films.values()))
    try:
        group = zarr.create_group(
            zarr.storage.LocalStore(aside),
            attributes={"geometry": describe_geometry(first)},
            zarr_format=3,
        )
        group.create_array("time", data=first.time, dimension_names=["time"])
        arrays = {
            name: group.create_array(
                name,
                shape=film.shape,
                dtype=film.values.dtype,
                chunks=(1, *film.shape[1:]),
                dimension_names=film.dims,
                attributes={
                    "unit": film.unit,
                    "coords": {
                        axis: list(there) for axis, there in film.coords.items()
                    },
                },
            )
            for name, film in films.items()
        }
        # All films of one frame in turn: they are worked out together.
        for k in range(len(first.time)):
            for name, film in films.items():
                arrays[name][k : k + 1] = film.values[k : k + 1]
        move(aside, path)
    finally:
        rmtree(aside, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Blood:
    """The velocity of blood as a film that is worked out when sliced."""

    flow: Flow
    placement: Placement
    geometry: Sector | SectorVolume
    times: FloatArray
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples."""
        return np.dtype(np.float32)

    def __getitem__(self, time: slice, /) -> NDArray[Any]:
        """Work out the frames of a slice of time."""
        places = self.placement.to_heart(_points(self.geometry)).reshape(-1, 3)
        frames = [
            self.placement.turn_to_image(self.flow.velocity(places, float(when)))
            for when in self.times[time]
        ]
        moved = np.array(frames, np.float32).reshape(-1, *self.geometry.shape, 3)
        return np.moveaxis(moved, -1, 1)


def _points(geometry: Sector | SectorVolume) -> FloatArray:
    """Places of all samples under the probe (..., 3) [m]."""
    if isinstance(geometry, SectorVolume):
        return np.stack(geometry.points(), axis=-1)
    x, z = geometry.points()
    return np.stack([x, np.zeros_like(x), z], axis=-1)
