"""Resizing between index-centred grids, as one matrix an axis; numpy only.

The first and the last sample keep their places, whatever the number of samples
between them; this is ``align_corners=True`` of torch. Its own interpolation cannot be
taken, because its anti-aliased kind puts samples elsewhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray


def resize_weights(length: int, wanted: int) -> FloatArray:
    """Return the matrix (wanted, length) that resizes an axis linearly.

    An axis that grows is interpolated; one that shrinks is averaged by triangles as
    wide as the new step, so that fine speckle does not turn into coarse noise. Towards
    the ends the triangles narrow, so that no average leans inwards.

    Examples
    --------
    >>> resize_weights(3, 5) @ [0.0, 10.0, 40.0]
    array([ 0.,  5., 10., 25., 40.])
    >>> resize_weights(5, 3)
    array([[1.  , 0.  , 0.  , 0.  , 0.  ],
           [0.  , 0.25, 0.5 , 0.25, 0.  ],
           [0.  , 0.  , 0.  , 0.  , 1.  ]])
    """
    places = np.linspace(0, length - 1, wanted)
    step = max(1.0, (length - 1) / max(1, wanted - 1))
    width = np.clip(np.minimum(places, places[::-1]), 1.0, step)
    distance = np.abs(places[:, None] - np.arange(length))
    weights: FloatArray = np.clip(1 - distance / width[:, None], 0, None)
    weights /= weights.sum(1, keepdims=True)
    return weights


def nearest_indices(length: int, wanted: int) -> NDArray[np.intp]:
    """Return which samples of an axis stand for it when it has `wanted` of them.

    Examples
    --------
    >>> nearest_indices(5, 3)
    array([0, 2, 4])
    """
    return np.rint(np.linspace(0, length - 1, wanted)).astype(np.intp)
