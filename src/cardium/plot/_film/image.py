"""The panel of an image: layers, ruler, colour bar, and what was drawn on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cardium.core import (
    FloatArray,
    Gate,
    Mark,
    Mesh,
    PlanarGeometry,
    PlaneGrid,
    Sector,
    SlicePlane,
    Stream,
)
from cardium.plot._film.canvas import (
    Picture,
    blank,
    draw_lines,
    text_width,
    write_text,
)
from cardium.plot._film.frames import Frames
from cardium.plot._film.layers import (
    GreyLayer,
    LabelLayer,
    Stencil,
    Target,
    VelocityLayer,
)
from cardium.plot._film.overlays import (
    covers,
    draw_contours,
    draw_gate,
    draw_marks,
    draw_outline,
    pixels,
    step_of,
)
from cardium.plot.style import DARK, FAINT, INK, colour_of
from cardium.signal.clock import nearest

_HEAD, _FOOT, _RULER, _BAR = 22, 20, 40, 62  # px
_BAR_WIDTH = 14


class ImagePanel:
    """An image on the pixels of a target, with its ruler and colour bar.

    A target that is a plane shows an image in true aspect; a target that is a sector
    shows beams side by side: beamspace, with depth downwards.

    Parameters
    ----------
    target : Sector, PlaneGrid or SlicePlane
        Where the pixels of the image lie.
    grey : Frames, optional
        The image below.
    velocity, power : Frames, optional
        Doppler in colour above it, and the power of its flow.
    caption : str
        Written above the image.
    outline : Sector or PlaneGrid, optional
        What is imaged; its border is drawn faintly.
    has_scale : bool
        Whether depths and angles are known, and written beside the image.
    """

    def __init__(
        self,
        target: Target,
        *,
        grey: Frames | None = None,
        velocity: Frames | None = None,
        power: Frames | None = None,
        caption: str = "",
        outline: PlanarGeometry | None = None,
        has_scale: bool = True,
    ) -> None:
        plane = target.grid if isinstance(target, SlicePlane) else target
        self.plane: PlanarGeometry = plane
        self._grey = None if grey is None else GreyLayer(grey, target)
        self._velocity = None
        if velocity is not None:
            self._velocity = VelocityLayer(
                velocity, plane, grey=self._grey, power=power
            )
        self._outline = outline
        self._gates: list[tuple[Gate, PlanarGeometry]] = []
        self._marks: list[Mark] = []
        self._labels: list[tuple[Stream, LabelLayer]] = []
        self._contours: list[Frames] = []
        self._meshes: list[tuple[Mesh, SlicePlane]] = []
        self._stencil: Stencil | None = None
        self.top = _HEAD if caption else 0
        rows, columns = plane.shape
        self.size = (
            self.top + rows + (_FOOT if self.is_beamspace else 0),
            columns + _RULER + (_BAR if self._velocity else 0),
        )
        self._ground = blank(*self.size, DARK)
        self._write_caption(caption)
        if has_scale:
            self._draw_scales(numbered=_counts_depth(target))

    @property
    def is_beamspace(self) -> bool:
        """Whether beams stand side by side."""
        return isinstance(self.plane, Sector)

    def add_gates(self, gates: Sequence[Gate], place: PlanarGeometry) -> None:
        """Draw beams and sample volumes, whose angles are those of a sector."""
        self._gates += [(gate, place) for gate in gates]

    def add_marks(self, marks: Sequence[Mark]) -> None:
        """Draw marks given in x and z."""
        self._marks += [mark for mark in marks if mark.dims == ("x", "z")]

    def add_labels(self, labels: Frames) -> None:
        """Tint a label map on the frames that it was drawn for."""
        self._labels.append((labels.stream, LabelLayer(labels, self.plane)))

    def add_contour(self, contour: Frames) -> None:
        """Draw a contour on the frames that it was drawn for."""
        self._contours.append(contour)

    def add_mesh(self, mesh: Mesh, plane: SlicePlane) -> None:
        """Draw where a mesh cuts the plane."""
        self._meshes.append((mesh, plane))

    def paint(self, picture: Picture, time: float) -> None:
        """Draw the panel of a time [s], in place."""
        picture[:] = self._ground
        rows, columns = self.plane.shape
        image = picture[self.top : self.top + rows, :columns]
        if self._grey is not None:
            self._grey.paint(image, time)
        else:
            image[:] = 0
        if self._velocity is not None:
            self._velocity.paint(image, time)
        for stream, layer in self._labels:
            if covers(stream, time, self._step):
                layer.paint(image, time)
        for contour in self._contours:
            if covers(contour.stream, time, self._step):
                points = np.asarray(contour[contour.index(time)], float)
                draw_contours(image, points, contour.stream.name, self.plane)
        self._fixed().paint(image)
        self._paint_moving(image, time)

    @property
    def _step(self) -> float:
        """Time between the frames of the image [s]."""
        layer = self._grey or self._velocity
        return 1.0 if layer is None else step_of(layer.frames.stream.time)

    def _fixed(self) -> Stencil:
        """Return outlines, gates and fixed marks; drawn once."""
        if self._stencil is None:
            images = []
            for colour in ("#000000", "#ffffff"):
                image = blank(*self.plane.shape, colour)
                self._draw_fixed(image)
                images.append(image)
            self._stencil = Stencil.cut(*images)
        return self._stencil

    def _draw_fixed(self, image: Picture) -> None:
        """Draw outlines, gates and fixed marks, in place."""
        if self._outline is not None and not self.is_beamspace:
            draw_outline(image, self._outline, self.plane, box=False)
        if self._velocity is not None and self._grey is not None:
            place = self._velocity.frames.stream.geometry
            if isinstance(place, Sector | PlaneGrid):
                draw_outline(image, place, self.plane, box=True)
        for gate, fan in self._gates:
            draw_gate(image, gate, fan, self.plane)
        fixed = [m for m in self._marks if m.time is None]
        draw_marks(image, [(m, self._at(m.points)) for m in fixed], [])

    def _paint_moving(self, image: Picture, time: float) -> None:
        """Draw sections of meshes, and the marks that move, in place."""
        from cardium.geometry.mesh import mesh_section

        for mesh, plane in self._meshes:
            frame = mesh.frame(int(nearest(mesh.time, time)))
            cuts = mesh_section(*frame, plane)
            lines = [pixels(self.plane, cut[:, 0], cut[:, 1]) for cut in cuts]
            draw_lines(image, lines, colour_of("lv_cavity"), 2.0)
        moving = []
        for mark in self._marks:
            if mark.time is not None:
                at = int(nearest(mark.time, time))
                if abs(mark.time[at] - time) <= max(self._step, step_of(mark.time)):
                    moving.append((mark, self._at(mark.points[at])))
        if moving:
            draw_marks(image, moving, [])

    def _at(self, points: FloatArray) -> FloatArray:
        """Return columns and rows of x and z."""
        return pixels(self.plane, points[:, 0], points[:, 1])

    def _write_caption(self, caption: str) -> None:
        """Write above the image."""
        if caption:
            room = self.size[1] - 8
            write_text(self._ground, (4, 10), caption, colour=FAINT, size=12, room=room)

    def _draw_scales(self, *, numbered: bool) -> None:
        """Draw what does not change beside the image: ruler, angles, colour bar."""
        rows, columns = self.plane.shape
        side = self._ground[self.top :, columns:]
        _draw_ruler(side, self.plane, numbered=numbered)
        if isinstance(self.plane, Sector):
            _draw_angles(self._ground[-_FOOT:, :columns], self.plane)
        if self._velocity is not None:
            draw_bar(side[:rows, _RULER:], self._velocity)


def draw_bar(strip: Picture, layer: VelocityLayer) -> None:
    """Draw a colour bar: the Nyquist limits at its ends, the baseline at 0, the unit.

    Tissue is read in cm/s and flow in m/s.
    """
    rows = strip.shape[0]
    height = min(256, rows - 80)
    top, left, middle = (rows - height) // 2, 12, 12 + _BAR_WIDTH / 2
    table = layer.table[128:] if layer.is_power else layer.table
    at = np.linspace(len(table) - 1, 0, height).round().astype(int)
    strip[top : top + height, left : left + _BAR_WIDTH] = table[at][:, None]
    factor, unit = (100.0, "cm/s") if layer.is_tissue else (1.0, "m/s")
    signed = f"{layer.scale * factor:.3g}"
    ends = ("1", "0", "power") if layer.is_power else (f"+{signed}", f"-{signed}", unit)
    for text, row, colour in (
        (ends[0], top - 12, INK),
        (ends[1], top + height + 12, INK),
        (ends[2], top + height + 30, FAINT),
    ):
        # Texts are centred on the bar unless they would leave the strip.
        centre = max(middle, text_width(text) / 2 + 1)
        write_text(strip, (centre, row), text, colour=colour, anchor="middle")
    if not layer.is_power:
        row = top + (height - 1) / 2
        ends_x = (left - 4, left + _BAR_WIDTH + 3)
        draw_lines(strip, [np.array([(x, row) for x in ends_x])], INK, 1.4)
        write_text(strip, (ends_x[1] + 5, row), "0", colour=INK, size=12)


def _counts_depth(target: Target) -> bool:
    """Say whether the rows of a target are depths from the probe."""
    if not isinstance(target, SlicePlane):
        return True
    return target.down[2] > 0.9999 and abs(target.origin[2]) < 1e-9


def _draw_ruler(side: Picture, plane: PlanarGeometry, *, numbered: bool) -> None:
    """Draw a tick every centimetre, and the depth every five where there is one."""
    first, last = plane.z if isinstance(plane, PlaneGrid) else plane.depth
    step = (last - first) / (plane.shape[0] - 1)
    for cm in range(int(np.ceil(first * 100 - 1e-6)), int(last * 100 + 1e-6) + 1):
        row = (cm / 100 - first) / step
        far = cm % 5 == 0
        draw_lines(side, [np.array([(2.0, row), (12.0 if far else 7.0, row)])], FAINT)
        if numbered and far and cm and 20 < row < plane.shape[0] - 4:
            write_text(side, (16, row), f"{cm}", colour=FAINT, size=12)
    write_text(side, (16, 8), "cm", colour=FAINT, size=12)


def _draw_angles(foot: Picture, plane: Sector) -> None:
    """Write the angles of the first, the middle and the last beam below beamspace."""
    columns = plane.shape[1]
    for angle, at, anchor in (
        (plane.angle[0], 2, "left"),
        (plane.tilt, columns / 2, "middle"),
        (plane.angle[1], columns - 2, "right"),
    ):
        text = f"{np.degrees(angle):.0f}°".replace("-0°", "0°")
        write_text(
            foot,
            (at, _FOOT / 2),
            text,
            colour=FAINT,
            size=12,
            anchor=anchor,  # type: ignore[arg-type]
        )
