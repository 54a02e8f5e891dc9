"""Cardiac recordings, their geometry, and tasks to score models on.

The names below are loaded when they are first used; importing cardium loads numpy at
most.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cardium.core import PlaneGrid as PlaneGrid
    from cardium.core import Recording as Recording
    from cardium.core import Sector as Sector
    from cardium.core import Stream as Stream
    from cardium.tasks import open_task as open_task

_WHERE = {
    "PlaneGrid": "cardium.core",
    "Recording": "cardium.core",
    "Sector": "cardium.core",
    "Stream": "cardium.core",
    "open_task": "cardium.tasks",
}
__all__ = [*_WHERE]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _WHERE:
        raise AttributeError(f"module 'cardium' has no attribute '{name}'")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
