"""What the catalogue alone says: links, labels, and which entries are wanted."""

from __future__ import annotations

import json
import pickle
from dataclasses import FrozenInstanceError, replace
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from cardium.core import Entry
from cardium.datasets.echoxflow import DATASET, Link, index, links, select
from cardium.errors import DataCorruptError, InvalidArgumentError, UnknownNameError

B_MODE = ("data/2d_brightness_mode", "timestamps/2d_brightness_mode")


def release(root: Path, rows: list[dict], **sets: list[dict]) -> Path:
    """Write a catalogue of rows; what they leave out is filled in."""
    full = [
        {"exam_id": "e1", "zarr_path": f"{r['recording_id']}.zarr", **r} for r in rows
    ]
    stated = [{"@id": "recordings", "data": full}]
    stated += [{"name": name, "data": data} for name, data in sets.items()]
    (root / "croissant.json").write_text(json.dumps({"recordSet": stated}))
    return root


def row(name: str, **more) -> dict:
    return {"recording_id": name, **more}


def test_a_row_of_links_is_turned_around(tmp_path) -> None:
    """The release calls the derived recording the source."""
    stated = {
        "recording_links/exam_id": "e1",
        "recording_links/source_recording_id": "strain1",
        "recording_links/linked_recording_id": "r9",
        "recording_links/panel_role_id": "apical_four_chamber",
        "recording_links/linked_frame_array_id": "r9/data/2d_brightness_mode",
        "recording_links/linked_timestamp_array_id": "x/r9/timestamps/later",
    }
    rows = [row("strain1"), row("r9", array_paths=B_MODE)]
    root = release(tmp_path, rows, recording_links=[stated])
    assert links(root) == (
        Link("r9", "strain1", "4ch", frames=B_MODE[0], times="timestamps/later"),
    )
    catalog = index(root)
    assert catalog["strain1"].labels["sources"] == ("r9",)
    assert catalog["r9"].labels["derived"] == ("strain1",)
    assert catalog["r9"].labels["view"] == "4CH"


@pytest.mark.parametrize(
    ("key", "item", "link"),
    [
        (
            "relationships",
            {
                "source_recording_id": "a",
                "target_recording_id": "b",
                "relationship_type": "mask_of",
                "panel_role_id": "2ch",
                "source_array_path": "data/x",
            },
            Link("a", "b", "2ch", "mask_of", "data/x"),
        ),
        ("links", {"source": "a", "target": "b", "type": "t"}, Link("a", "b", "", "t")),
        (
            "links",
            {"from": "a", "to": "b", "name": "n", "from_path": "timestamps/x"},
            Link("a", "b", "", "n", "", "timestamps/x"),
        ),
        ("relationships", {"source": "a"}, Link("a", "c", "", "linked")),
        ("relationships", {}, Link("s", "c", "", "linked")),
    ],
)
@pytest.mark.parametrize("prefix", ["", "recordings/"])
def test_relationships_have_their_names(tmp_path, key, item, link, prefix) -> None:
    stated = row("c", **{f"{prefix}{key}": [item], f"{prefix}source_recording_id": "s"})
    stated_source = Link("s", "c", kind="derived_from")
    expected = (link,) if link.source == "s" else (link, stated_source)
    assert links(release(tmp_path, [stated])) == expected


@pytest.mark.parametrize(
    "name",
    ["source_recording_id", "derived_from_recording_id", "source_bmode_recording_id"],
)
def test_a_stated_source_is_a_link(tmp_path, name) -> None:
    rows = [row("a"), row("b", **{name: "a"})]
    assert links(release(tmp_path, rows)) == (Link("a", "b", kind="derived_from"),)


def test_a_lone_b_mode_is_the_source_of_what_was_drawn(tmp_path) -> None:
    rows = [
        row("plane", array_paths=B_MODE),
        row("mesh", array_paths=["data/3d_left_ventricle_mesh/point_values"]),
        row("mask", content_types=["segmentation_mask"]),
        row("spectrum", array_paths=["data/1d_pulsed_wave_doppler"]),
        row("linked", array_paths=["data/a_mask"], source_recording_id="plane"),
        row("elsewhere", exam_id="e2", array_paths=["data/a_mask"]),
        row("one", exam_id="e3", array_paths=B_MODE),
        row("two", exam_id="e3", content_types=["2d_brightness_mode"]),
        row("drawn", exam_id="e3", array_paths=["data/a_mask"]),
    ]
    inferred = "inferred_source_bmode"
    assert set(links(release(tmp_path, rows))) == {
        Link("plane", "mesh", kind=inferred),
        Link("plane", "mask", kind=inferred),
        Link("plane", "linked", kind="derived_from"),
    }


def test_links_that_lead_nowhere_leave_the_rest_readable(tmp_path) -> None:
    rows = [row("a", source_recording_id="gone"), row("b", source_recording_id="a")]
    stated = [{"source_recording_id": "nobody", "linked_recording_id": "a"}]
    root = release(tmp_path, rows, recording_links=stated)
    assert len(index(root)) == 2


def test_links_in_a_circle_end(tmp_path) -> None:
    rows = [
        row("a", source_recording_id="b", array_paths=["data/4ch_contour"]),
        row("b", source_recording_id="a", array_paths=["data/x_mesh_points"]),
        row("c", source_recording_id="c"),
    ]
    catalog = index(release(tmp_path, rows))
    assert catalog["a.4ch"].labels["sources"] == ("b",)
    assert catalog["b"].labels["sources"] == ("a",)
    assert "sources" not in catalog["c"].labels


def test_an_entry_says_what_the_catalogue_says(tmp_path) -> None:
    stated = row(
        "r",
        modes=["2d", "aps"],
        content_types=["2d_color_doppler", "2d_brightness_mode"],
        frame_counts_by_content_type={"2d_color_doppler_velocity": 11, "ecg": 99},
        median_delta_time_by_content_type={"2d_brightness_mode": 0.25},
        array_paths=[*B_MODE, "data/ecg", "timestamps/ecg"],
        stitch_beat_count=4,
    )
    (entry,) = index(release(tmp_path, [stated]))
    assert entry.labels == {
        "modes": ("2d", "aps"),
        "content_types": ("2d_color_doppler", "2d_brightness_mode"),
        "arrays": (*B_MODE, "data/ecg", "timestamps/ecg"),
        "frames": 11,
        "rate_hz": 4.0,
        "duration_s": 2.5,
        "stitched_beats": 4,
    }
    assert entry.provides == {"b_mode", "ecg"} | entry.labels.keys()
    assert entry.files == (PurePosixPath("r.zarr"),)


def test_a_copy_of_an_entry_is_a_plain_entry(tmp_path) -> None:
    """Whatever an entry works out when it is asked is in the copy."""
    (entry,) = index(release(tmp_path, [row("r", array_paths=B_MODE)]))
    moved = replace(entry, split="test", labels=dict(entry.labels))
    assert type(moved) is Entry
    assert (moved.id, moved.split, moved.files) == ("r", "test", entry.files)
    again = pickle.loads(pickle.dumps(entry))
    assert again == replace(moved, split="")
    assert again.provides == entry.provides
    with pytest.raises(FrozenInstanceError):
        entry.split = "test"


@pytest.mark.parametrize("step", [0, -1, None, 1e30])
@pytest.mark.parametrize("frames", [None, -5, 1e30])
def test_numbers_that_cannot_be_are_not_labels(tmp_path, step, frames) -> None:
    stated = row(
        "r",
        content_types=["a"],
        frame_counts_by_content_type={"a": frames},
        median_delta_time_by_content_type={"a": step},
    )
    (entry,) = index(release(tmp_path, [stated]))
    assert set(entry.labels) == {"modes", "content_types", "arrays"} == entry.provides


@pytest.fixture
def mixed(tmp_path):
    """Volumes of several beats, clips of several lengths, one of them linked."""
    rows = [
        row(
            f"r{n}",
            exam_id=f"e{n % 2}",
            modes=["2d"] if n % 2 else ["2d", "aps"],
            content_types=["2d_brightness_mode"],
            frame_counts_by_content_type={"2d_brightness_mode": 10 * n},
            median_delta_time_by_content_type={"2d_brightness_mode": 1 / (8 + n)},
            array_paths=B_MODE,
            stitch_beat_count=n or None,
        )
        for n in range(5)
    ]
    rows += [
        row("bare", exam_id="e9"),
        row("cut", exam_id="e9", source_recording_id="r1"),
    ]
    return index(release(tmp_path, rows))


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ({}, "r0 r1 r2 r3 r4 bare cut"),
        ({"modes": ["aps", "3d"]}, "r0 r2 r4"),
        ({"modes": ["aps", "2d"], "require_all": True}, "r0 r2 r4"),
        ({"modes": ["aps", "3d"], "require_all": True}, ""),
        ({"content_types": ["2d_brightness_mode"]}, "r0 r1 r2 r3 r4"),
        ({"arrays": [B_MODE[0]]}, "r0 r1 r2 r3 r4"),
        ({"min_frames": 20}, "r2 r3 r4"),
        ({"min_frames": 0}, "r0 r1 r2 r3 r4 bare cut"),
        ({"max_frames": 20}, "r0 r1 r2"),
        ({"min_rate": 9.99, "max_rate": 11.01}, "r2 r3"),
        ({"max_rate": 100}, "r0 r1 r2 r3 r4"),
        ({"stitched_beats": 3}, "r3"),
        ({"stitched_beats": (2, 3)}, "r2 r3"),
        ({"stitched_beats": (0, 3)}, "r1 r2 r3"),
        ({"linked": True}, "r1 cut"),
        ({"linked": False}, "r0 r2 r3 r4 bare"),
        ({"linked": "r1"}, "cut"),
        ({"linked": "cut"}, "r1"),
        ({"exams": ["e9"]}, "bare cut"),
        ({"exams": ["e1"], "min_frames": 20}, "r3"),
    ],
)
def test_select_keeps_what_is_asked_for(mixed, wanted, kept) -> None:
    assert " ".join(entry.id for entry in select(mixed, **wanted)) == kept


def test_a_text_is_no_list_of_names(mixed) -> None:
    with pytest.raises(InvalidArgumentError, match=r"modes.*'2d'"):
        select(mixed, modes="2d")


def test_an_unknown_name_is_told(mixed) -> None:
    with pytest.raises(UnknownNameError, match="did you mean"):
        _ = mixed["bar"]


@pytest.mark.parametrize("path", ["../a.zarr", "/a.zarr", "a\\b.zarr", "x/../../a"])
def test_a_store_elsewhere_is_refused(tmp_path, path) -> None:
    with pytest.raises(DataCorruptError, match="leads out"):
        index(release(tmp_path, [row("r", zarr_path=path)]))


def test_dots_in_a_name_lead_nowhere(tmp_path) -> None:
    (entry,) = index(release(tmp_path, [row("r", zarr_path="a..b/r.zarr")]))
    assert entry.files == (PurePosixPath("a..b/r.zarr"),)


def test_a_constant_may_be_left_out_where_it_is_likely(by_hand, store_kind) -> None:
    """Zarr's own writer leaves out chunks of zeros: of a signal, a flow, one time."""
    zeros = np.zeros((2, 3, 4), np.float32)
    arrays = {
        "data/2d_brightness_mode": np.ones((1, 3, 4), np.uint8),
        "timestamps/2d_brightness_mode": np.zeros(1, np.float32),
        "data/2d_color_doppler_power": zeros,
        "timestamps/2d_color_doppler": np.arange(2, dtype=np.float32),
        "data/ecg": zeros[:, 0, 0],
        "timestamps/ecg": np.arange(2, dtype=np.float32),
    }
    recording = by_hand.read("r", arrays, {}, store_kind)
    assert recording["b_mode"].time.tolist() == [0.0]
    assert not recording["colour_power"].load().any()
    assert recording["ecg"].load().tolist() == [0.0, 0.0]


def test_an_image_that_is_not_there_was_lost(by_hand, store_kind) -> None:
    arrays = {
        "data/2d_brightness_mode": np.zeros((1, 3, 4), np.uint8),
        "timestamps/2d_brightness_mode": np.zeros(1, np.float32),
    }
    recording = by_hand.read("r", arrays, {}, store_kind)
    with pytest.raises(DataCorruptError, match="is not there"):
        recording["b_mode"].load()


def test_the_dataset_provides_what_its_fake_holds(tmp_path) -> None:
    DATASET.write_fake(tmp_path)
    listed = frozenset().union(*(entry.provides for entry in index(tmp_path)))
    assert listed == DATASET.provides
