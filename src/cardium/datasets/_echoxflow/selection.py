"""Filters of EchoXFlow's catalog, as its own tooling means them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cardium.core import Catalog, Entry, Label
from cardium.errors import InvalidArgumentError


def select(
    catalog: Catalog,
    *,
    modes: Collection[str] = (),
    content_types: Collection[str] = (),
    arrays: Collection[str] = (),
    require_all: bool = False,
    min_frames: int | None = None,
    max_frames: int | None = None,
    min_rate: float | None = None,
    max_rate: float | None = None,
    stitched_beats: int | tuple[int, int] | None = None,
    linked: bool | str | None = None,
    exams: Collection[str] = (),
) -> Catalog:
    """Keep the entries of a catalog that are what is asked for.

    Parameters
    ----------
    catalog : Catalog
        What `index` returned.
    modes, content_types, arrays : collections of str
        Keep what has any of these; without a name everything is kept.
    require_all : bool
        Ask for all of the names instead.
    min_frames, max_frames : int, optional
        Samples in time of the first content type that states them.
    min_rate, max_rate : float [Hz], optional
        Its samples a second.
    stitched_beats : int or (fewest, most), optional
        Beats that a volume was put together from.
    linked : bool or str, optional
        True for recordings that were derived from another or from which one was
        derived, False for the others; an id for those that are linked with it.
    exams : collection of str
        Keep these examinations; without a name all are kept.

    Returns
    -------
    Catalog
        In the same order.

    Raises
    ------
    InvalidArgumentError
        If one text stands for a collection.

    Notes
    -----
    A number that the catalogue does not state counts as zero for a lower limit, and
    fails an upper limit.

    Examples
    --------
    >>> from cardium.core import Catalog, Entry
    >>> known = {
    ...     "r20": {"modes": ("2d",), "frames": 20},
    ...     "r40": {"modes": ("2d",), "frames": 40},
    ...     "r0": {"modes": ("2d", "aps")},
    ... }
    >>> catalog = Catalog(tuple(
    ...     Entry(name, "e1", "", frozenset(), labels=labels)
    ...     for name, labels in known.items()
    ... ))
    >>> [entry.id for entry in select(catalog, modes=["2d"], min_frames=32)]
    ['r40']
    >>> [entry.id for entry in select(catalog, max_frames=32)]
    ['r20']
    >>> [entry.id for entry in select(catalog, modes=["2d", "aps"], require_all=True)]
    ['r0']
    """
    _check_names(modes=modes, content_types=content_types, arrays=arrays, exams=exams)
    wanted = _Selection(
        modes=modes,
        content_types=content_types,
        arrays=arrays,
        require_all=require_all,
        frames=(min_frames, max_frames),
        rate=(min_rate, max_rate),
        stitched_beats=stitched_beats,
        linked=linked,
        exams=exams,
    )
    return catalog.where(wanted.keeps)


@dataclass(frozen=True, slots=True)
class _Selection:
    """What is asked of entries."""

    modes: Collection[str]
    content_types: Collection[str]
    arrays: Collection[str]
    require_all: bool
    frames: tuple[float | None, float | None]
    rate: tuple[float | None, float | None]
    stitched_beats: int | tuple[int, int] | None
    linked: bool | str | None
    exams: Collection[str]

    def keeps(self, entry: Entry) -> bool:
        """Say whether an entry is what was asked for."""
        labels = entry.labels
        return (
            self._names(labels, "modes", self.modes)
            and self._names(labels, "content_types", self.content_types)
            and self._names(labels, "arrays", self.arrays)
            and _within(labels.get("frames"), *self.frames)
            and _within(labels.get("rate_hz"), *self.rate)
            and self._beats(labels.get("stitched_beats"))
            and self._link(labels)
            and (not self.exams or entry.exam in self.exams)
        )

    def _names(
        self, labels: Mapping[str, Label], key: str, wanted: Collection[str]
    ) -> bool:
        """Say whether any, or all, of some names are there."""
        found = labels.get(key)
        there = found if isinstance(found, tuple) else ()
        return not wanted or (all if self.require_all else any)(
            name in there for name in wanted
        )

    def _beats(self, beats: Label) -> bool:
        """Say whether a volume was put together from as many beats as wanted."""
        if self.stitched_beats is None:
            return True
        if isinstance(self.stitched_beats, tuple):
            return _within(beats, *self.stitched_beats)
        return beats == self.stitched_beats

    def _link(self, labels: Mapping[str, Label]) -> bool:
        """Say whether a recording is linked as wanted."""
        if self.linked is None:
            return True
        ends = [labels.get(key) for key in ("sources", "derived")]
        others = [name for end in ends if isinstance(end, tuple) for name in end]
        if isinstance(self.linked, str):
            return self.linked in others
        return bool(others) == self.linked


def _check_names(**names: Collection[str]) -> None:
    """Refuse a text where several names are expected: it would be read as letters."""
    for key, value in names.items():
        if isinstance(value, str):
            raise InvalidArgumentError(
                f"{key} must be a list of names, got the text '{value}'. Give "
                f"['{value}']."
            )


def _within(value: Label, low: float | None, high: float | None) -> bool:
    """Say whether a number lies between two; one that is missing counts as zero.

    Zero is never above, so a missing number fails where there is an upper limit.
    """
    known = isinstance(value, (int, float))
    number = float(value) if isinstance(value, (int, float)) else 0.0
    if low is not None and number < low:
        return False
    return high is None or (known and number <= high)
