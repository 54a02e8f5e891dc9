"""What the catalogue says of a recording besides its name, as labels of its entry."""

from __future__ import annotations

from collections.abc import Mapping

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

_ENDLESS = 1e12
_KEYS: Mapping[str, tuple[str, ...]] = {
    TISSUE_CONTENT: (TISSUE_CONTENT, "tissue_doppler"),
    COLOUR_CONTENT: (
        COLOUR_CONTENT,
        "2d_color_doppler_velocity",
        "2d_color_doppler_power",
    ),
}


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
            if value is not None and 0 <= value < _ENDLESS:
                return value
    return None
