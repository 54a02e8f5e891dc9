"""How far the mitral annulus moves towards the apex."""

from __future__ import annotations

import numpy as np

from cardium.core import Stream
from cardium.measure._contour import (
    filled,
    frame_at,
    from_left,
    in_axis_frame,
    layer_points,
)
from cardium.measure.timing import Timing


def annular_excursion_mm(
    contour: Stream, timing: Timing, *, layer: str = "endocardium"
) -> tuple[float, float]:
    """Measure how far both sides of the annulus move towards the apex in systole.

    Parameters
    ----------
    contour : Stream (time, layer, point, xz) [m]
        ``lv_contour`` of an apical view.
    timing : Timing
        End-diastole and end-systole.
    layer : str
        The layer whose ends are the annulus.

    Returns
    -------
    left, right : float [mm]
        Excursion of the end on the left and on the right of the image. In the
        four-chamber view that is septal and lateral MAPSE; MAPSE is their mean.

    Raises
    ------
    InvalidArgumentError
        If the stream's axes are not those of a contour.
    NotProvidedError
        If it has no such layer, or no contour at end-diastole or end-systole.

    Notes
    -----
    The mitral annular plane systolic excursion, taken along the long axis at
    end-diastole and not along a beam, so that it does not depend on where the probe
    was held.

    Examples
    --------
    >>> shape = np.array([(-2, 10), (-2, 5), (0, 2), (2, 5), (2, 10)]) / 100
    >>> lifted = shape - np.array([(0, 10), (0, 0), (0, 0), (0, 0), (0, 14)]) / 1e3
    >>> contour = Stream(
    ...     "lv_contour", np.stack([shape, lifted])[:, None], np.array([0.0, 0.4]),
    ...     ("time", "layer", "point", "xz"), "m", coords={"layer": ("endocardium",)},
    ... )
    >>> moved = annular_excursion_mm(contour, Timing(0.0, 0.4, "contour", (0.0, 1.0)))
    >>> [round(side, 3) for side in moved]
    [10.0, 14.0]
    """
    frames = filled(from_left(layer_points(contour, layer)))
    ed = frame_at(contour, frames, timing.ed_time)
    es = frame_at(contour, frames, timing.es_time)
    middle = (frames[ed, 0] + frames[ed, -1]) / 2
    axis = frames[ed, in_axis_frame(frames[ed])[2]] - middle
    moved = (frames[es] - frames[ed])[[0, -1]] @ axis / np.hypot(*axis)
    return float(1e3 * moved[0]), float(1e3 * moved[1])
