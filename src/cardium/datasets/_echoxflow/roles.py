"""Views of EchoXFlow's strain analyses: their many spellings, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath

from cardium.datasets._echoxflow.layout import LV_STRAIN, ROLES, STRAIN

_CHAMBERS = re.compile(r"(?:apical_)?(two|three|four|[234])_?(?:ch|chamber)(?=_|$)")
_DIGITS = {"two": "2", "three": "3", "four": "4"}
_ENDINGS = re.compile(
    r"_(?:source|recording|contour_points|contour|strain_curve|curve|points)$"
)


@lru_cache(maxsize=1024)
def normal_role(name: str) -> str:
    """Spell a role as the names of arrays do.

    Examples
    --------
    >>> normal_role("Apical four chamber"), normal_role("2-CH"), normal_role("RV")
    ('4ch', '2ch', 'rv')
    """
    role = re.sub(r"[-\s]", "_", PurePosixPath(name).stem.lower())
    while (shorter := _ENDINGS.sub("", role)) != role:
        role = shorter
    if found := _CHAMBERS.fullmatch(role):
        return _DIGITS.get(found[1], found[1]) + "ch"
    return role


def roles_in(arrays: Iterable[str]) -> tuple[str, ...]:
    """List the roles that have a contour or a curve among some arrays.

    Examples
    --------
    >>> roles_in(["data/4ch_contour", "data/2ch_curve", "data/ecg"])
    ('2ch', '4ch')
    """
    there = frozenset(arrays)
    return tuple(
        role
        for role in ROLES
        if not there.isdisjoint((f"data/{role}_contour", *curve_paths(role)))
    )


def curve_paths(role: str) -> tuple[str, ...]:
    """List the places that the strain curve of a role may be at."""
    return f"data/{role}_curve", f"data/{role}_strain_curve"


def chambers_of(
    content_types: Iterable[str], roles: Iterable[str]
) -> Mapping[str, str]:
    """Say whose the contours of each role are; empty where nothing tells.

    Analyses of the left ventricle and atrium call their views alike. One content type
    decides; of several, each leaves out the roles that are named after another chamber.

    Examples
    --------
    >>> dict(chambers_of(["2d_left_atrial_strain"], ["2ch", "4ch"]))
    {'2ch': 'la', '4ch': 'la'}
    >>> both = ["2d_left_ventricular_strain", "2d_right_ventricular_strain"]
    >>> dict(chambers_of(both, ["4ch", "rv"]))
    {'4ch': 'lv', 'rv': 'rv'}
    """
    types = frozenset(content_types)
    stated = [chamber for chamber, content in STRAIN.items() if content in types]
    named = frozenset(roles)
    unnamed = [chamber for chamber in stated if chamber not in named]
    found = {}
    for role in named:
        if len(stated) == 1:
            found[role] = stated[0]
        elif role in STRAIN:
            found[role] = role
        elif role == "3ch" and LV_STRAIN in types:
            found[role] = "lv"
        else:
            found[role] = unnamed[0] if len(unnamed) == 1 else ""
    return dict(sorted(found.items()))
