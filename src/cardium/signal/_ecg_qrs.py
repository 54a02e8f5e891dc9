"""The ends of QRS complexes, by how steep a trace is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray


def qrs_ends(
    steady: FloatArray, places: NDArray[np.int64], rate: float
) -> tuple[FloatArray, FloatArray]:
    """Return the samples at which complexes begin and end, NaN where they do not.

    Away from the steepest place on its side of R, a complex ends where the trace has
    been level for 10 ms: less steep than a share of its steepest place, or than what
    noise makes everywhere.
    """
    from scipy.ndimage import uniform_filter1d

    width = max(round(_SMOOTH * rate), 1)
    steep = uniform_filter1d(np.abs(np.gradient(steady)), width)
    still = max(round(_STILL * rate), 1)
    near, before, after = (round(s * rate) for s in (_NEAR, *_FARTHEST))
    begin, end = np.full(len(places), np.nan), np.full(len(places), np.nan)
    for k, r in enumerate(places):
        first, stop = max(r - near, 0), min(r + near + 1, len(steep))
        beat = steep[max(r - round(_BEAT[0] * rate), 0) : r + round(_BEAT[1] * rate)]
        noise = _OVER_NOISE * float(np.quantile(beat, _QUIET))
        level = steep < max(_SHARE * float(steep[first:stop].max()), noise)
        backwards = level[: first + int(np.argmax(steep[first : r + 1])) + 1][::-1]
        forwards = level[r + int(np.argmax(steep[r:stop])) :]
        if (steps := _first_run(backwards[: before + still], still)) is not None:
            begin[k] = len(backwards) - 1 - steps
        if (steps := _first_run(forwards[: after + still], still)) is not None:
            end[k] = len(level) - len(forwards) + steps
    return begin, end


_SMOOTH = 0.012  # [s]
_STILL = 0.010
_NEAR = 0.05
_FARTHEST = (0.12, 0.14)
_BEAT = (0.3, 0.4)
_SHARE = 0.06  # of the steepest place
_QUIET = 0.3  # quantile of a beat that lies between its waves
_OVER_NOISE = 1.5


def _first_run(level: NDArray[np.bool_], length: int) -> int | None:
    """Return where the first run of so many begins."""
    if len(level) < length:
        return None
    runs = np.lib.stride_tricks.sliding_window_view(level, length).all(axis=1)
    return int(runs.argmax()) if runs.any() else None
