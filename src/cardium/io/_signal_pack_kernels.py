"""The compiled loop that turns packed ECG samples back into millivolts."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

MISSING = -32768


@lru_cache(maxsize=32)
def value_tables(
    gains: tuple[float, ...],
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return what each of the 65,536 codes means (G, 65536), and each lead's table.

    Divided in double precision and rounded once, as the readers of the sources do. To
    look a value up takes a quarter of the time of dividing.
    """
    distinct = sorted(set(gains))
    codes = np.arange(MISSING, -MISSING, dtype=np.float64)
    tables = np.stack([codes / gain for gain in distinct]).astype(np.float32)
    tables[:, 0] = np.nan
    return tables, np.array([distinct.index(gain) for gain in gains], np.intp)


@njit(cache=True, nogil=True)
def decode(
    codes: NDArray[np.int16],
    tables: NDArray[np.float32],
    table_of: NDArray[np.intp],
    out: NDArray[np.float32],
) -> None:
    """Look codes (T, L) up into out (L, T), as networks take them."""
    count, leads = codes.shape
    for k in range(count):
        for lead in range(leads):
            out[lead, k] = tables[table_of[lead], codes[k, lead] - MISSING]
