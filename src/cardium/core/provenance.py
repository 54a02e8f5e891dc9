"""Provenance: what made a result, so that it can be made again."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from cardium.core.files import plain

_LIBRARIES = ("numpy", "scipy", "numba", "torch", "lightning", "monai", "zarr")


def describe_software() -> dict[str, str]:
    """Return the versions of cardium, of Python and of the libraries that compute.

    Returns
    -------
    dict of str to str
        Versions by name; libraries that are not installed are left out.

    Examples
    --------
    >>> {"cardium", "numpy", "python"} <= set(describe_software())
    True
    """
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for library in ("cardium", *_LIBRARIES):
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def provenance(**facts: object) -> dict[str, Any]:
    """Return the facts with the time, the command and the software added.

    Parameters
    ----------
    **facts : object
        What the caller knows: task, dataset, seed, settings, hashes.

    Returns
    -------
    dict
        Fit for ``provenance.json``.

    Examples
    --------
    >>> made = provenance(seed=0, spacing=(0.5, 0.25))
    >>> made["seed"], made["spacing"], sorted(made)
    (0, [0.5, 0.25], ['command', 'made', 'seed', 'software', 'spacing'])
    """
    return {
        **plain(facts),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [sys.argv[0].rsplit("/", 1)[-1], *sys.argv[1:]],
        "software": describe_software(),
    }
