"""Values of EchoXFlow's attributes, which may be of any type in a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cardium.core import FloatArray
from cardium.errors import CardiumError, DataCorruptError


def first_of(item: Mapping[str, Any], *names: str) -> Any:  # noqa: ANN401 - JSON
    """Return the first value there is among the aliases of a key, or None."""
    return next((item[n] for n in names if item.get(n) is not None), None)


def text_of(item: Mapping[str, Any], *names: str) -> str:
    """Return the first text there is among the aliases of a key; empty without one."""
    texts = (item.get(name) for name in names)
    return next((text for text in texts if isinstance(text, str) and text.strip()), "")


def object_of(value: object) -> Mapping[str, Any]:
    """Return an object in the manifest; empty if there is none."""
    return value if isinstance(value, Mapping) else {}


def objects(value: object) -> Sequence[Mapping[str, Any]]:
    """Return the objects of a list in the manifest; empty if there is no list."""
    listed = value if isinstance(value, list) else []
    return [item for item in listed if isinstance(item, Mapping)]


def number_of(
    item: Mapping[str, Any],
    where: str,
    *names: str,
    error: type[CardiumError] = DataCorruptError,
) -> float | None:
    """Return a finite number by any of its names; None where none is stated.

    Raises
    ------
    CardiumError
        Of the class that is given, if what is stated is no finite number.

    Examples
    --------
    >>> number_of({"Width": 1.5}, "r1", "width_rad", "Width")
    1.5
    >>> number_of({"Width": "wide"}, "r1", "Width")
    Traceback (most recent call last):
    cardium.errors.DataCorruptError: r1: Width is 'wide', expected a number.
    """
    value = first_of(item, *names)
    if value is None:
        return None
    number = as_number(value)
    if number is None:
        raise error(
            f"{where}: {' or '.join(names)} is {value!r:.80}, expected a number."
        )
    return number


def as_number(value: object) -> float | None:
    """Return a finite number; None for anything else, a truth value among it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def numbers_of(value: object, where: str) -> FloatArray:
    """Return a list of finite numbers.

    Raises
    ------
    DataCorruptError
        If it is none.
    """
    found = [as_number(v) for v in value] if isinstance(value, list) else [None]
    if None in found:
        raise DataCorruptError(f"{where}: {value!r:.80} is no list of numbers.")
    return np.array(found, dtype=np.float64)


def path_of(reference: object) -> str:
    """Return the path of a reference to an array; empty if it is none.

    Examples
    --------
    >>> path_of({"zarr_path": "/data/ecg"}), path_of("data/ecg")
    ('data/ecg', '')
    """
    return text_of(object_of(reference), "array_path", "zarr_path", "path").strip("/ ")


def semantic_id(item: Mapping[str, Any]) -> str:
    """Return the semantic id of a sector or a track, whatever the key is called."""
    return text_of(item, "semantic_id", "sector_role_id", "track_role_id")
