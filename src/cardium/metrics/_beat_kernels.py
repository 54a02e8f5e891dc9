"""Compiled loops over two lists of beats."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cardium.core import FloatArray


@njit(cache=True, nogil=True, error_model="numpy")
def match(
    reference: FloatArray, found: FloatArray, window: float, pairs: NDArray[np.intp]
) -> int:
    """Fill `pairs` (min(R, F), 2) in one pass over both lists; return how many."""
    count, i, j = 0, 0, 0
    while i < len(reference) and j < len(found):
        apart = found[j] - reference[i]
        if apart >= 0:
            has_next = i + 1 < len(reference)
            rival = abs(reference[i + 1] - found[j]) if has_next else np.inf
        else:
            has_next = j + 1 < len(found)
            rival = abs(found[j + 1] - reference[i]) if has_next else np.inf
        if abs(apart) <= window and abs(apart) <= rival:
            pairs[count, 0], pairs[count, 1] = i, j
            count += 1
            i += 1
            j += 1
        elif apart >= 0:
            i += 1
        else:
            j += 1
    return count
