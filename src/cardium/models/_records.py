"""What can be set for every network of records: how they are cut for it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cardium.core import Setting

RECORD_SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "seconds": 10.0,
        "crop": 0.0,
        "aggregate": "mean",
        "window": 3.0,
        "balance": 0.5,
        "augment": "full",
    }
)
"""Settings that the fitting takes, and no ``build``.

``seconds`` [s]: what a record is cut or padded to.
``crop`` [s]: length of the random crops that a network is trained on; a record is then
answered by windows of this length, each half a window after the one before. 0: it is
trained on halves of records and answers whole ones.
``aggregate``: what is taken of the probabilities of the windows, their ``"mean"`` or
their ``"max"``. Numbers are always averaged.
``window`` [s]: what is seen around an event, which lies in the middle.
``balance`` 0..1: share of the draws in which each class that a recording has is as
likely as the others; in the rest each of its events is.
``augment``: ``"full"``, or ``"crop"`` for crops alone.
"""

PUBLISHED: Mapping[str, Setting] = MappingProxyType({"crop": 2.5, "augment": "crop"})
"""How the benchmark of PTB-XL trains (Strodthoff et al., IEEE JBHI 25, 2021)."""


def record_settings(**others: Setting) -> Mapping[str, Setting]:
    """Put a network's own settings, and other defaults, beside `RECORD_SETTINGS`."""
    return MappingProxyType({**RECORD_SETTINGS, **others})
