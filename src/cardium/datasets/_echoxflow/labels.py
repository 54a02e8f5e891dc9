"""What a catalog knows of a recording: labels and files, made when they are asked for.

Of the tens of thousands of recordings in a catalogue few are asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import overload

from cardium.core import Label
from cardium.datasets._echoxflow.layout import COLOUR_CONTENT, TISSUE_CONTENT
from cardium.io.croissant import RecordingRow

LABELS = (
    "content_types",
    "modes",
    "arrays",
    "frames",
    "rate_hz",
    "duration_s",
    "stitched_beats",
    "view",
    "sources",
    "derived",
)
"""What the catalogue says of a recording, where it does."""

USUAL = ("content_types", "modes", "arrays", "frames", "rate_hz", "duration_s")
ENDLESS = 1e12
_KEYS: Mapping[str, tuple[str, ...]] = {
    TISSUE_CONTENT: (TISSUE_CONTENT, "tissue_doppler"),
    COLOUR_CONTENT: (
        COLOUR_CONTENT,
        "2d_color_doppler_velocity",
        "2d_color_doppler_power",
    ),
}


class Labels(Mapping[str, Label]):
    """What the catalogue says of a recording, worked out when it is first asked for.

    Parameters
    ----------
    row : RecordingRow
        What the catalogue says.
    more : mapping of str to Label
        What its links say.
    """

    __slots__ = ("_known", "_more", "_row")

    def __init__(self, row: RecordingRow, more: Mapping[str, Label]) -> None:
        self._row = row
        self._more = more
        self._known: Mapping[str, Label] | None = None

    @property
    def known(self) -> Mapping[str, Label]:
        """All labels."""
        if self._known is None:
            self._known = {**labels_of(self._row), **self._more}
        return self._known

    def __getitem__(self, name: str) -> Label:
        return self.known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)

    def __repr__(self) -> str:
        return repr(self.known)


class StoreFiles(Sequence[PurePosixPath]):
    """The stores of an entry; paths are made when they are first asked for.

    Parameters
    ----------
    name : str
        The store of the recording, under the dataset's root.
    other : str
        The store of what it was drawn on, if that is another.
    """

    __slots__ = ("_name", "_other")

    def __init__(self, name: str, other: str = "") -> None:
        self._name = name
        self._other = other

    @overload
    def __getitem__(self, index: int) -> PurePosixPath: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[PurePosixPath, ...]: ...
    def __getitem__(
        self, index: int | slice
    ) -> PurePosixPath | tuple[PurePosixPath, ...]:
        names = (self._name, self._other)[: len(self)]
        return tuple(map(PurePosixPath, names))[index]

    def __len__(self) -> int:
        return 2 if self._other else 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def labels_of(row: RecordingRow) -> dict[str, Label]:
    """Say what the catalogue says of a recording; what it does not say has no key."""
    labels: dict[str, Label] = {
        "content_types": row.content_types,
        "modes": row.modes,
        "arrays": row.array_paths,
    }
    frames = _of_main(row.content_types, row.frame_counts_by_content_type)
    step = _of_main(row.content_types, row.median_delta_time_by_content_type)
    if frames is not None:
        labels["frames"] = int(frames)
    if step:
        labels["rate_hz"] = 1 / step
        if frames:
            labels["duration_s"] = (frames - 1) * step
    if row.stitch_beat_count is not None:
        labels["stitched_beats"] = row.stitch_beat_count
    return labels


def _of_main(
    content_types: tuple[str, ...], values: Mapping[str, int | float | None]
) -> int | float | None:
    """Return what is stated of the first content type of which it is stated.

    A number that is negative, or not finite, is not stated.
    """
    for content in content_types:
        for key in _KEYS.get(content) or (content,):
            value = values.get(key)
            if value is not None and 0 <= value < ENDLESS:
                return value
    return None
