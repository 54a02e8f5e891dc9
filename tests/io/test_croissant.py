"""The catalogue, held against rows typed from the format's description."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cardium.errors import DataCorruptError, DataMissingError
from cardium.io.croissant import (
    RecordingRow,
    read_croissant,
)

RECORDING = {
    "exam_id": "ex1",
    "recording_id": "r7",
    "zarr_path": "recordings/r7.zarr",
    "modes": ["2d"],
    "content_types": ["2d_brightness_mode", "2d_color_doppler"],
    "frame_counts_by_content_type": {"2d_brightness_mode": 40, "2d_color_doppler": 78},
    "median_delta_time_by_content_type": {"2d_brightness_mode": 0.091},
    "array_paths": ["data/2d_brightness_mode", "timestamps/2d_brightness_mode"],
    "stitch_beat_count": None,
}
ARRAY = {
    "recording_id": "r7",
    "array_path": "data/2d_brightness_mode",
    "content_types": ["2d_brightness_mode"],
    "role": "frames",
    "dtype": "uint8",
    "shape": [40, 300, 120],
    "data_sha256": "ab",
}
LINK = {
    "exam_id": "ex1",
    "source_recording_id": "strain1",
    "linked_recording_id": "r9",
    "panel_role_id": "4ch",
    "linked_frame_array_id": "r9/data/2d_brightness_mode",
    "linked_timestamp_array_id": "r9/timestamps/2d_brightness_mode",
}


def catalogue(path: Path, prefixed: bool = True, **sets: list[dict]) -> Path:
    """Write record sets as plain JSON."""
    stated = [
        {
            "@id": name,
            "data": [
                {(f"{name}/{k}" if prefixed else k): v for k, v in row.items()}
                for row in rows
            ],
        }
        for name, rows in sets.items()
    ]
    path.write_text(json.dumps({"name": "x", "recordSet": stated}))
    return path


@pytest.mark.parametrize("prefixed", [True, False])
def test_rows_are_typed_with_or_without_prefix(tmp_path, prefixed) -> None:
    path = catalogue(
        tmp_path / "c.json",
        prefixed,
        recordings=[RECORDING],
        arrays=[ARRAY],
        recording_links=[LINK],
    )
    found = read_croissant(path)
    (recording,) = found.recordings
    assert (recording.exam_id, recording.recording_id) == ("ex1", "r7")
    assert recording.zarr_path == "recordings/r7.zarr"
    assert recording.content_types == ("2d_brightness_mode", "2d_color_doppler")
    assert recording.frame_counts_by_content_type["2d_color_doppler"] == 78
    assert recording.median_delta_time_by_content_type["2d_brightness_mode"] == 0.091
    assert recording.array_paths[1] == "timestamps/2d_brightness_mode"
    assert recording.stitch_beat_count is None
    (array,) = found.arrays
    assert (array.shape, array.dtype, array.data_sha256) == (
        (40, 300, 120),
        "uint8",
        "ab",
    )
    (link,) = found.links
    assert link.source_recording_id == "strain1"
    assert link.linked_recording_id == "r9"
    assert link.panel_role_id == "4ch"


def test_what_is_optional_may_be_absent(tmp_path) -> None:
    row = {k: RECORDING[k] for k in ("exam_id", "recording_id", "zarr_path")}
    found = read_croissant(catalogue(tmp_path / "c.json", recordings=[row]))
    assert found.recordings == (RecordingRow("ex1", "r7", "recordings/r7.zarr"),)
    assert found.arrays == ()
    assert found.links == ()


@pytest.mark.parametrize(("stated", "count"), [(4, 4), (0, None), ("x", None)])
def test_a_stitch_count_is_positive_or_none(tmp_path, stated, count) -> None:
    row = RECORDING | {"stitch_beat_count": stated}
    found = read_croissant(catalogue(tmp_path / "c.json", recordings=[row]))
    assert found.recordings[0].stitch_beat_count == count


@pytest.mark.parametrize(
    ("stated", "path"),
    [
        ({"array_path": "timestamps/ecg"}, "timestamps/ecg"),
        ({"array_path": "ecg"}, "data/ecg"),
        ({"name": "ecg"}, "data/ecg"),
    ],
)
def test_an_array_path_has_its_aliases(tmp_path, stated, path) -> None:
    row = {"recording_id": "r7", **stated}
    path_ = catalogue(tmp_path / "c.json", False, recordings=[], arrays=[row])
    assert read_croissant(path_).arrays[0].array_path == path


@pytest.mark.parametrize(
    "damage",
    [
        {"exam_id": None},
        {"exam_id": "  "},
        {"zarr_path": 3},
        {"modes": "2d"},
        {"array_paths": [1]},
        {"frame_counts_by_content_type": [1]},
    ],
)
def test_a_row_that_is_wrong_is_named(tmp_path, damage) -> None:
    path = catalogue(tmp_path / "c.json", recordings=[RECORDING, RECORDING | damage])
    with pytest.raises(DataCorruptError, match=r"Row 1 .*'recordings'.*c\.json"):
        _ = read_croissant(path).recordings


@pytest.mark.parametrize(
    "text",
    [
        '{"recordSet": [',
        "[]",
        "{}",
        '{"recordSet": {}}',
        '{"recordSet": [1]}',
        '{"recordSet": [{"@id": "recordings", "data": {}}]}',
        '{"recordSet": [{"@id": "arrays", "data": []}]}',
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path, text) -> None:
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(DataCorruptError, match=r"c\.json"):
        read_croissant(path)


def test_a_row_that_is_no_object_is_named(tmp_path) -> None:
    path = tmp_path / "c.json"
    path.write_text('{"recordSet": [{"@id": "recordings", "data": [3]}]}')
    with pytest.raises(DataCorruptError, match="Row 0"):
        _ = read_croissant(path).recordings


def test_a_missing_file_is_missing(tmp_path) -> None:
    with pytest.raises(DataMissingError, match=r"c\.json"):
        read_croissant(tmp_path / "c.json")


def test_rows_become_typed_when_asked_for(tmp_path) -> None:
    """A wrong row in one record set does not keep the others from being read."""
    path = catalogue(tmp_path / "c.json", recordings=[RECORDING], arrays=[{"x": 1}])
    found = read_croissant(path)
    assert len(found.recordings) == 1
    with pytest.raises(DataCorruptError, match="'arrays'"):
        _ = found.arrays


def test_keys_are_mapped_by_the_record_set_s_fields(tmp_path) -> None:
    fields = [
        {"@id": "recordings/f1", "name": "exam_id"},
        {"@id": "recordings/f2", "name": "recordings/recording_id"},
        {"@id": "store", "name": "zarr_path"},
        {"@id": "recordings/more", "name": "more"},
    ]
    row = {"recordings/f1": "e", "recordings/f2": "r", "store": "r.zarr"}
    sets = [
        {"name": "recordings", "field": fields, "data": [row | {"recordings/more": 1}]}
    ]
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"recordSet": sets}))
    assert read_croissant(path).recordings == (RecordingRow("e", "r", "r.zarr"),)


def test_rows_may_mix_the_names_of_keys(tmp_path) -> None:
    """A count of beats stands without the prefix; keys nobody knows are passed over."""
    row = {
        f"recordings/{k}": v for k, v in RECORDING.items() if k != "stitch_beat_count"
    }
    more = {"stitch_beat_count": 3, "recordings/modes": None, "modes": ["3d"], "x": {}}
    path = tmp_path / "c.json"
    sets = [{"@id": "recordings", "data": [row, row | more]}]
    path.write_text(json.dumps({"recordSet": sets}))
    plain, mixed = read_croissant(path).recordings
    assert (plain.stitch_beat_count, mixed.stitch_beat_count) == (None, 3)
    assert (plain.modes, mixed.modes) == (("2d",), ("3d",))
    assert plain.content_types == mixed.content_types


def test_the_usual_spelling_wins(tmp_path) -> None:
    row = {**RECORDING, "recordings/modes": ["prefixed"]}
    path = catalogue(tmp_path / "c.json", False, recordings=[row])
    assert read_croissant(path).recordings[0].modes == ("prefixed",)


@pytest.mark.parametrize(
    ("key", "limit"),
    [
        ("nyquist_mps", 0.6),
        ("velocity_limit_mps", 0.6),
        ("color_doppler_nyquist_mps", 0.6),
        ("color_doppler_velocity_limit_mps", 0.6),
        ("nyquist_mps", None),
        ("nyquist_mps", 0),
    ],
)
@pytest.mark.parametrize("prefixed", [True, False])
def test_hints_at_the_velocity_limit_have_their_names(
    tmp_path, key, limit, prefixed
) -> None:
    row = RECORDING | {key: limit, f"{key.split('_mps')[0][-7:]}": 1}
    path = catalogue(tmp_path / "c.json", prefixed, recordings=[row])
    assert read_croissant(path).recordings[0].nyquist_mps == (limit or None)


def test_limits_may_be_by_content_type(tmp_path) -> None:
    row = RECORDING | {"velocity_limit_mps_by_content_type": {"2d_color_doppler": 0.6}}
    path = catalogue(tmp_path / "c.json", recordings=[row])
    (found,) = read_croissant(path).recordings
    assert found.velocity_limit_mps_by_content_type == {"2d_color_doppler": 0.6}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"zarr_path": 3}, r"zarr_path.*found 3"),
        ({"modes": "2d"}, "modes.*found '2d'"),
        ({"array_paths": [1]}, r"array_paths\[0\].*found \[1\]"),
        ({"frame_counts_by_content_type": {"a": "x"}}, r"Expected.*found \{'a': 'x'\}"),
        ({"relationships": [3]}, "expected a relationship, found 3"),
        ({"relationships": [{"source": 3}]}, "source_recording_id, found 3"),
        ({"exam_id": "  "}, "exam_id, found '  '"),
    ],
)
@pytest.mark.parametrize("prefixed", [True, False])
def test_the_value_that_is_wrong_is_shown(tmp_path, prefixed, damage, said) -> None:
    rows = [RECORDING, RECORDING | damage]
    path = catalogue(tmp_path / "c.json", prefixed, recordings=rows)
    with pytest.raises(
        DataCorruptError, match=rf"Row 1 .*'recordings'.*c\.json.*{said}"
    ):
        _ = read_croissant(path).recordings


def test_numbers_that_are_not_json_are_not_stated(tmp_path) -> None:
    row = RECORDING | {"median_delta_time_by_content_type": {"ecg": float("nan")}}
    path = catalogue(tmp_path / "c.json", recordings=[row])
    assert "NaN" in path.read_text()
    (found,) = read_croissant(path).recordings
    assert found.median_delta_time_by_content_type == {"ecg": None}


@pytest.mark.parametrize("shape", ["x", [1, "a"], [1, -1], [True], [1.5], None])
def test_a_shape_that_is_none_is_empty(tmp_path, shape) -> None:
    path = catalogue(
        tmp_path / "c.json", recordings=[], arrays=[ARRAY | {"shape": shape}]
    )
    assert read_croissant(path).arrays[0].shape == ()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b'{"recordSet": ' + b"[" * 100_000,
        b'{"recordSet": [{"@id": "recordings", "data": [' + b"[" * 100_000,
        b'{"recordSet": [{"@id": "recordings", "data": null}]}',
        b'{"recordSet": [{"@id": "recordings", "data": [{"a": 1e999}]}]',
    ],
)
def test_no_file_makes_the_reader_crash(tmp_path, text) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(text)
    with pytest.raises(DataCorruptError, match=r"c\.json"):
        _ = read_croissant(path).recordings
