"""The panels of images: which streams lie on which pixels, and what is drawn there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cardium.core import (
    Mesh,
    PlanarGeometry,
    PlaneGrid,
    Recording,
    Sector,
    SectorVolume,
    Stream,
)
from cardium.errors import NotProvidedError
from cardium.plot._film.frames import Frames, fans_of
from cardium.plot._film.image import ImagePanel
from cardium.plot._film.scene import Image, Scene
from cardium.plot._film.solid import MeshPanel, mesh_axis, mesh_volumes
from cardium.plot.plane import picture_plane, place_of
from cardium.plot.style import spoken

_SPREAD = 0.75  # width of beamspace, as a part of its height
_SMALL = 0.56  # size of one of several planes, as a part of an image alone
_PLANES = {"base": "short axis, base", "mid": "short axis, middle",
           "apex": "short axis, apex", "4ch": "4-chamber plane",
           "2ch": "2-chamber plane", "3ch": "3-chamber plane"}  # fmt: skip


def image_panels(
    scene: Scene, recording: Recording, *, view: str, size: int
) -> list[ImagePanel]:
    """Make the panels of planar images.

    Parameters
    ----------
    scene : Scene
        What is shown.
    recording : Recording
        Its annotations, marks and gates are drawn on the images they belong to.
    view : {"cartesian", "beamspace", "both"}
        Which panels an image has.
    size : int [px]
        Longer side of an image.

    Returns
    -------
    list of ImagePanel

    Raises
    ------
    NotProvidedError
        If beamspace is asked of an image in a plane.
    """
    frames: dict[str, Frames] = {}
    several = len(scene.images) > 1 or view != "cartesian"
    panels = []
    for number, image in enumerate(scene.images):
        place = place_of(image.grey or image.front)
        parts = [_opened(s, frames) for s in (image.grey, image.velocity, image.power)]
        for target in _targets(image, place, view, size):
            kind = "beamspace" if isinstance(target, Sector) else ""
            name = spoken((image.velocity or image.front).name)
            caption = f"{name}, {kind}" if kind else name
            grey, velocity, power = parts
            if velocity is None and image.grey is None:
                continue
            panel = ImagePanel(
                target,
                grey=grey,
                velocity=velocity,
                power=power,
                caption=caption if several else "",
                outline=place if isinstance(place, Sector) else None,
                has_scale=image.is_placed,
            )
            _annotate(panel, image, place, recording, first=number == 0)
            panels.append(panel)
    return panels


def volume_panels(
    scene: Scene, *, view: str, size: int
) -> list[ImagePanel | MeshPanel]:
    """Make the panels of volumes and surfaces: planes with sections, and the surface.

    Parameters
    ----------
    scene : Scene
        What is shown.
    view : {"cartesian", "beamspace", "both"}
        Apical and short-axis planes, the two middle fans of beams, or all.
    size : int [px]
        Longer side of an image; planes are smaller.

    Returns
    -------
    list of ImagePanel or MeshPanel
    """
    small = round(size * _SMALL)
    apical: list[ImagePanel | MeshPanel] = []
    rest: list[ImagePanel | MeshPanel] = []
    for stream in scene.volumes:
        frames = Frames(stream)
        if view != "beamspace":
            for name, panel in _planes(stream, frames, scene.meshes, small).items():
                (apical if name.endswith("ch") else rest).append(panel)
        if view != "cartesian":
            for fan in fans_of(stream):
                target = _beams(_sector(fan), small)
                caption = f"{spoken(fan.name)} fan, beamspace"
                rest.append(ImagePanel(target, grey=Frames(fan), caption=caption))
    side = small if scene.volumes else size
    solids = [MeshPanel(mesh, side, mesh_volumes(mesh)) for mesh in scene.meshes]
    return [*apical, *solids, *rest]


def contour_panels(scene: Scene, *, size: int) -> list[ImagePanel]:
    """Make a panel of contours that have no image to be drawn on."""
    if not scene.contours:
        return []
    points = np.concatenate([c.load().reshape(-1, 2) for c in scene.contours])
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return []
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    room = 0.01
    plane = PlaneGrid((left - room, right + room), (top - room, bottom + room), (2, 2))
    panel = ImagePanel(picture_plane(plane, size=size), caption="contours")
    for contour in scene.contours:
        panel.add_contour(Frames(contour))
    return [panel]


def _annotate(
    panel: ImagePanel,
    image: Image,
    place: PlanarGeometry,
    recording: Recording,
    *,
    first: bool,
) -> None:
    """Draw on an image what belongs to it; what names no image goes on the first."""
    panel.add_marks([mark for mark in recording.marks if mark.on in image.names])
    if not first:
        return
    panel.add_gates(recording.gates, place)
    for drawn in recording.annotations.values():
        if drawn.unit == "label" and isinstance(drawn.geometry, Sector | PlaneGrid):
            panel.add_labels(Frames(drawn))
        elif drawn.dims[-1] == "xz" and len(drawn.time):
            panel.add_contour(Frames(drawn))


def _planes(
    stream: Stream, frames: Frames, meshes: list[Mesh], size: int
) -> dict[str, ImagePanel]:
    """Make the panels of the standard planes of a volume, with sections of meshes."""
    from cardium.geometry.volume import standard_planes

    space = stream.geometry
    if not isinstance(space, SectorVolume):
        return {}
    axis = mesh_axis(meshes[0]) if meshes and len(meshes[0]) else None
    planes = standard_planes(space, axis)
    across = _across(planes["mid"].grid, meshes)
    panels = {}
    for name, plane in planes.items():
        grid = plane.grid if name.endswith("ch") else across
        target = replace(plane, grid=picture_plane(grid, size=size))
        panel = ImagePanel(target, grey=frames, caption=_PLANES.get(name, name))
        for mesh in meshes:
            panel.add_mesh(mesh, target)
        panels[name] = panel
    return panels


def _across(middle: PlaneGrid, meshes: list[Mesh]) -> PlaneGrid:
    """Return the square that all short axes show, so that they can be compared."""
    half = max(abs(end) for end in (*middle.x, *middle.z))
    if meshes and len(meshes[0]):
        apex, base = np.array(mesh_axis(meshes[0]))
        along = (base - apex) / np.linalg.norm(base - apex)
        aside = np.cross(meshes[0].points - apex, along)
        half = min(half, 1.8 * float(np.linalg.norm(aside, axis=1).max()))
    return PlaneGrid((-half, half), (-half, half), (2, 2))


def _opened(stream: Stream | None, frames: dict[str, Frames]) -> Frames | None:
    """Return the frames of a stream, shared by all panels that show it."""
    if stream is None:
        return None
    return frames.setdefault(stream.name, Frames(stream))


def _targets(
    image: Image, place: PlanarGeometry, view: str, size: int
) -> list[PlanarGeometry]:
    """Return the pixels of the panels of an image."""
    flat = picture_plane(place, size=size)
    if view == "cartesian":
        return [flat]
    if not isinstance(place, Sector):
        raise NotProvidedError(
            f"Stream '{image.front.name}' lies on a plane of pixels, so it has no "
            "beamspace to show. Choose the view 'cartesian'."
        )
    beams = _beams(place, flat.shape[0] if view == "both" else size)
    return [beams] if view == "beamspace" else [flat, beams]


def _beams(place: Sector, rows: int) -> Sector:
    """Return the beamspace of a sector with the pixels of a picture."""
    return replace(place, shape=(rows, round(rows * _SPREAD)))


def _sector(stream: Stream) -> Sector:
    """Return the sector of a stream that has one."""
    place = place_of(stream)
    if not isinstance(place, Sector):
        raise NotProvidedError(f"Stream '{stream.name}' lies on no sector.")
    return place
