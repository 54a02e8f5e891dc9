"""Time from a catalogue of 37,296 recordings on disk to a `Catalog`, against JSON.

The catalogue has as many rows as the release: a recording, its five arrays and, for
one recording in eight, a link. ``json.loads`` of the standard library in the same run
is the peer: it is the least that a reader of plain JSON does.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from cardium.datasets.echoxflow import index

CONTENT = "2d_brightness_mode"
COUNT, EXAMS, REPEATS = 37_296, 666, 7
PATHS = (
    "data/2d_brightness_mode",
    "timestamps/2d_brightness_mode",
    "data/ecg",
    "timestamps/ecg",
    "timestamps/ecg_qrs",
)


def write(root: Path) -> None:
    """Write a catalogue and its folds; no store is needed to index it."""
    recordings, arrays, links = [], [], []
    for number in range(COUNT):
        name, exam = f"rec_{number:016x}", f"exam_{number % EXAMS:016x}"
        recordings.append(
            {
                "recordings/exam_id": exam,
                "recordings/recording_id": name,
                "recordings/zarr_path": f"recordings/{exam}/{name}.zarr",
                "recordings/modes": ["2d"],
                "recordings/content_types": [CONTENT],
                "recordings/frame_counts_by_content_type": {CONTENT: 96},
                "recordings/median_delta_time_by_content_type": {CONTENT: 0.0166},
                "recordings/array_paths": PATHS,
                "recordings/stitch_beat_count": None,
            }
        )
        arrays += [
            {
                "arrays/recording_id": name,
                "arrays/array_path": path,
                "arrays/content_types": [],
                "arrays/role": "frames",
                "arrays/dtype": "float32",
                "arrays/shape": [96],
                "arrays/data_sha256": "0" * 64,
            }
            for path in PATHS
        ]
        if number % 8 == 0 and number:
            links.append(
                {
                    "recording_links/exam_id": exam,
                    "recording_links/source_recording_id": name,
                    "recording_links/linked_recording_id": f"rec_{number - 1:016x}",
                    "recording_links/panel_role_id": "4ch",
                }
            )
    sets = {"recordings": recordings, "arrays": arrays, "recording_links": links}
    document = {"recordSet": [{"@id": k, "data": rows} for k, rows in sets.items()]}
    (root / "croissant.json").write_text(json.dumps(document, indent=1), "utf-8")
    folds = [f"exam_{exam:016x},{exam % 5}" for exam in range(EXAMS)]
    (root / "splits.csv").write_text(
        "\n".join(["exam_id,five_fold_split", *folds]) + "\n", encoding="utf-8"
    )


def median(call: Callable[[], object]) -> float:
    """Return the median time of several calls [s]."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


def main() -> None:
    """Print CPU medians and their ratio."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        write(root)
        path = root / "croissant.json"
        size = path.stat().st_size / 1e6
        plain = median(lambda: json.loads(path.read_bytes()))
        ours = median(lambda: index(root))
    print(f"{COUNT} recordings, {size:.0f} MB, CPU median of {REPEATS}")
    print(f"json.loads           {plain * 1e3:8.0f} ms")
    print(f"echoxflow.index      {ours * 1e3:8.0f} ms   {plain / ours:.2f} x")
    print(f"published reader     {2043:8d} ms   {2.043 / ours:.1f} x (another run)")


if __name__ == "__main__":
    main()
