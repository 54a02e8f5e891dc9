"""Compiled loops that turn stored codes back into numbers.

They divide rather than multiply: whole grey levels come back to the bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True, error_model="numpy")
def divide_codes(
    codes: NDArray[Any], divisor: np.float32, out: NDArray[np.float32]
) -> None:
    """Divide flat codes."""
    for k in range(len(out)):
        out[k] = np.float32(codes[k]) / divisor


@njit(cache=True, nogil=True, error_model="numpy")
def stretch_codes(codes: NDArray[Any], out: NDArray[np.float32]) -> None:
    """Bring flat codes to 0..1 by their own least and greatest; 0 if they are one."""
    low, high = codes[0], codes[0]
    for k in range(len(codes)):
        low, high = min(low, codes[k]), max(high, codes[k])
    least = np.float32(low)
    span = max(np.float32(high) - least, np.float32(1))
    for k in range(len(out)):
        out[k] = (np.float32(codes[k]) - least) / span
