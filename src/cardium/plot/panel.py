"""Panels of a case: a sample's image in metres, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cardium.core import PlaneGrid, Sample
from cardium.plot.plane import picture_plane, place_of
from cardium.plot.style import INK, new_figure
from cardium.signal.clock import nearest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

WIDTH = 12.0
"""Width of a case [inch]; 1200 pixels."""


@dataclass(frozen=True)
class Shown:
    """The image of a sample on the plane of a picture."""

    sample: Sample

    @property
    def plane(self) -> PlaneGrid:
        """Where the picture's pixels lie."""
        return picture_plane(place_of(self.sample.stream), size=560)

    def frame(self, time: float) -> int:
        """Index of the frame nearest in time."""
        return int(nearest(self.sample.stream.time, time))

    def draw_grey(self, axes: Axes, time: float, *, dimmed: bool = False) -> None:
        """Draw the frame nearest in time; dimmed, where colour goes on top."""
        from cardium.geometry.scan import resample

        at = self.frame(time)
        stream = self.sample.stream
        values = np.asarray(stream.values[at : at + 1][0], np.float32)
        image = resample(values, place_of(stream), self.plane)
        self.draw(axes, image, cmap="gray", low=0, limit=510 if dimmed else 255)

    def draw(
        self,
        axes: Axes,
        image: NDArray[np.floating],
        *,
        cmap: str | Colormap,
        limit: float,
        low: float | None = None,
    ) -> None:
        """Draw an array on the plane, in metres; row 0 is the shallowest."""
        (x0, x1), (z0, z1) = self.plane.x, self.plane.z
        dz, dx = self.plane.spacing
        axes.imshow(
            image,
            cmap=cmap,
            vmin=-limit if low is None else low,
            vmax=limit,
            extent=(x0 - dx / 2, x1 + dx / 2, z1 + dz / 2, z0 - dz / 2),
            interpolation="antialiased",
        )


def make_panels(
    plane: PlaneGrid, count: int, title: str, *, footer: float, right: float = 0.015
) -> tuple[Figure, list[Axes]]:
    """Make a row of black panels of the plane's aspect, with room above and below."""
    (x0, x1), (z0, z1) = plane.x, plane.z
    left, gap = 0.015, 0.012
    width = (1 - left - right - gap * (count - 1)) / count
    # A lone frame and its bare twin would be taller than a screen.
    tall = min(WIDTH * width * (z1 - z0) / (x1 - x0), 6.0)
    header = 0.55 if title else 0.15
    height = header + tall + footer
    figure = new_figure(WIDTH, height)
    if title:
        y = 1 - 0.3 / height
        figure.text(left, y, title, color=INK, fontsize=13, va="center")
    axes = []
    for k in range(count):
        box = (left + k * (width + gap), footer / height, width, tall / height)
        ax = figure.add_axes(box, facecolor="black")
        ax.set(xticks=[], yticks=[])
        for spine in ax.spines.values():
            spine.set_visible(False)
        axes.append(ax)
    return figure, axes


def write_caption(axes: Axes, text: str) -> None:
    """Write in the upper left corner of a panel."""
    axes.text(
        0.02, 0.98, text, transform=axes.transAxes, color=INK, fontsize=11, va="top"
    )
