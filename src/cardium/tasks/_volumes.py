"""What a task of volumes needs: slabs put together, the input, the meshes filled."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    UNLABELLED,
    FloatArray,
    Mesh,
    Recording,
    SectorVolume,
    Stream,
    VolumeGeometry,
    VolumeGrid,
)
from cardium.errors import NotProvidedError
from cardium.tasks._clip import half_step, nearest_within


def whole_volumes(recording: Recording) -> Recording:
    """Put volumes together whose slabs were taken in several beats.

    Parameters
    ----------
    recording : Recording
        With ``b_mode_3d``. How many beats make a volume is what its entry says
        (``stitched_beats``), and each slab began at an R peak that the machine noted
        (``qrs``). Both tell how it was taken and nothing of what it shows.

    Returns
    -------
    Recording
        With volumes of the whole fan, at the times of the first beat, and without
        ``stitched_beats``. One of single beats is returned as it is.

    Raises
    ------
    NotProvidedError
        If there are no R peaks, or no beats in a row that are covered by volumes.

    Notes
    -----
    See `cardium.signal.stitching.stitch_beats`. A heart that moved between the beats
    lies in the mesh where it was in the first of them.

    Examples
    --------
    >>> from cardium.core import Entry
    >>> recording = Recording(Entry("r0", "p0", "", frozenset()), {})
    >>> whole_volumes(recording) is recording
    True
    """
    beats = recording.entry.labels.get("stitched_beats", 1)
    if not isinstance(beats, int) or beats < 2:
        return recording
    from cardium.signal.stitching import stitch_beats

    peaks = recording["qrs"].time
    film = stitch_beats(recording["b_mode_3d"], peaks, beats).stream
    labels = dict(recording.entry.labels)
    del labels["stitched_beats"]
    return replace(
        recording,
        entry=replace(recording.entry, labels=MappingProxyType(labels)),
        streams=MappingProxyType({**recording.streams, "b_mode_3d": film}),
    )


def input_volumes(recording: Recording, domain: str, rows: int) -> Stream:
    """Read whole volumes as float32 grey levels, in the domain asked for.

    Parameters
    ----------
    recording : Recording
        With ``b_mode_3d``.
    domain : {"beamspace", "cartesian"}
        Beams, or cubic voxels.
    rows : int
        Voxels along z, where beams become voxels.

    Returns
    -------
    Stream (T, E, A, R) or (T, Z, Y, X) [grey 0..255]
        In memory. Voxels outside of the fan are 0.

    Raises
    ------
    NotProvidedError
        If the volumes do not say where they lie, or beams are asked for and there are
        voxels.
    """
    whole = whole_volumes(recording)
    film, source = whole["b_mode_3d"], place_of(whole)
    values = film.load().astype(np.float32)
    if domain == "beamspace":
        if isinstance(source, SectorVolume):
            dims = ("time", "elevation", "azimuth", "range")
            return replace(film, values=values, dims=dims)
        raise NotProvidedError(
            f"Recording '{recording.entry.id}' has its volumes as voxels, not as "
            "beams. Use domain='cartesian'."
        )
    grid = source
    if isinstance(source, SectorVolume):
        from cardium.geometry import resample

        grid = cubes_around(source, rows)
        values = np.asarray(resample(values, source, grid), np.float32)
    return replace(film, values=values, dims=("time", "z", "y", "x"), geometry=grid)


def cubes_around(fan: VolumeGeometry, rows: int) -> VolumeGrid:
    """Return the grid of cubes around a fan that has so many rows along z.

    Examples
    --------
    >>> fan = SectorVolume((0.0, 0.1), (-0.5, 0.5), (-0.5, 0.5), (9, 9, 11))
    >>> grid = cubes_around(fan, 11)
    >>> grid.shape[0], [round(step, 6) for step in grid.spacing]
    (11, [0.01, 0.01, 0.01])
    """
    from cardium.geometry import grid_around

    depth = grid_around(fan, shape=(2, 2, 2)).spacing[0]
    return grid_around(fan, spacing=depth / (rows - 1))


def place_of(recording: Recording) -> VolumeGeometry:
    """Return where the samples of whole volumes lie.

    Raises
    ------
    NotProvidedError
        If the recording does not say it.
    """
    geometry = recording["b_mode_3d"].geometry
    if isinstance(geometry, SectorVolume | VolumeGrid):
        return geometry
    raise NotProvidedError(
        f"Recording '{recording.entry.id}' does not say where its volumes lie."
    )


def mesh_of(recording: Recording) -> Mesh:
    """Return the mesh of the endocardium.

    Raises
    ------
    NotProvidedError
        If there is none.
    """
    if "lv_mesh" in recording.meshes:
        return recording.meshes["lv_mesh"]
    raise NotProvidedError(f"Recording '{recording.entry.id}' has no 'lv_mesh'.")


def match_meshes(mesh: Mesh, time: FloatArray) -> NDArray[np.intp]:
    """Find for each volume the mesh that is nearest in time.

    Parameters
    ----------
    mesh : Mesh
        What was drawn.
    time : (T,) [s]
        Times of the volumes.

    Returns
    -------
    (T,) int
        Which frame of the mesh; -1 where none lies within half a volume.
    """
    return nearest_within(mesh.time, time, half_step(time))


def fill_meshes(
    mesh: Mesh, found: NDArray[np.intp], geometry: VolumeGeometry
) -> NDArray[np.uint8]:
    """Return the label maps (T, *geometry.shape) of meshes; 255 where there is none.

    Parameters
    ----------
    mesh : Mesh
        What was drawn; it is closed where it is open.
    found : (T,) int
        Which of its frames belongs to each volume; -1 for none.
    geometry : SectorVolume or VolumeGrid
        The samples.

    Returns
    -------
    (T, E, A, R) or (T, Z, Y, X) uint8
        0, 1 inside, 255.
    """
    from cardium.geometry import close_mesh, mesh_mask

    labels = np.full((len(found), *geometry.shape), UNLABELLED, np.uint8)
    for volume in np.flatnonzero(found >= 0).tolist():
        closed = close_mesh(*mesh.frame(int(found[volume])))
        labels[volume] = mesh_mask(*closed, geometry)
    return labels
