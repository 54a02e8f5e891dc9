"""`cardium show` as typed: lists, tables, stills, videos, panels."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from cardium.cli import main
from cardium.cli.show import describe
from cardium.core import Entry, Gate, Mark, Mesh, Recording, Stream
from cardium.datasets import DATASETS


@pytest.fixture
def show(monkeypatch, capsys, root):
    """Run the command; return its exit status, its output and its errors."""

    def run(*words: object) -> tuple[int, str, str]:
        line = ["cardium", "show", "echoxflow", *map(str, words), "--root", str(root)]
        monkeypatch.setattr(sys, "argv", line)
        monkeypatch.setenv("COLUMNS", "240")
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


@pytest.fixture(scope="session")
def root(tmp_path_factory) -> Path:
    """A small dataset of known content."""
    folder = tmp_path_factory.mktemp("echoxflow")
    DATASETS.find("echoxflow").write_fake(folder)
    return folder


@pytest.fixture(scope="session")
def recording(root: Path) -> str:
    """The id of a recording with a sector of B-mode."""
    data = DATASETS.find("echoxflow").open(root)
    return next(e.id for e in data.catalog if "b_mode" in e.provides)


def test_without_a_recording_they_are_listed(show) -> None:
    status, out, err = show("--json")
    assert status == 0, err
    assert {"recording", "patient", "split"} <= set(json.loads(out)[0])
    status, _, err = show("-o", "a.png")
    assert status == 2
    assert "name the recording" in err


def test_without_a_file_a_table_is_printed(show, recording) -> None:
    rows = json.loads(show(recording, "--json")[1])
    assert {"stream", "kind"} <= set(rows[0])
    assert "b_mode" in {row["stream"] for row in rows}
    only = json.loads(show(recording, "--json", "--stream", "b_mode")[1])
    assert {row["stream"] for row in only if row["kind"] == "stream"} == {"b_mode"}


def test_a_still_has_the_size_and_the_view_asked_for(
    show, recording, tmp_path: Path
) -> None:
    sizes = {}
    for view in ("cartesian", "both"):
        path = tmp_path / f"{view}.png"
        words = ("--stream", "b_mode", "--frame", 0, "--size", 200, "--view", view)
        status, out, err = show(recording, "-o", path, *words)
        assert status == 0, err
        assert str(path) in out
        with Image.open(path) as picture:
            sizes[view] = picture.size
    assert sizes["both"][0] > sizes["cartesian"][0] + 100


def test_a_video_runs_at_the_speed_asked_for(show, recording, tmp_path: Path) -> None:
    lengths = []
    for speed in (1, 0.5):
        path = tmp_path / "a.mp4"
        words = ("--stream", "b_mode", "--speed", speed, "--size", 100)
        assert show(recording, "-o", path, *words)[0] == 0
        with av.open(path) as file:
            video = file.streams.video[0]
            lengths.append(float(video.duration * video.time_base))
    assert np.isclose(lengths[1], 2 * lengths[0], rtol=0.05)


def test_two_recordings_are_one_picture(show, recording, tmp_path: Path) -> None:
    words = ("--stream", "b_mode", "--size", 120)
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    assert show(recording, "-o", one, *words)[0] == 0
    assert show(recording, recording, "-o", two, *words)[0] == 0
    with Image.open(one) as first, Image.open(two) as second:
        assert second.size[0] >= 2 * first.size[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--view", "polar"), "cartesian, beamspace, both"),
        (("--frame", 999), "no frame 999"),
        (("--frame", 0, "--time", 0.1), "one of frame, time and phase"),
        (("--stream", "nonsense"), "nonsense"),
    ],
)
def test_errors_teach(show, recording, tmp_path: Path, words, said: str) -> None:
    status, _, err = show(recording, "-o", tmp_path / "a.png", *words)
    assert status in (1, 2)
    assert said in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def show_ecg(monkeypatch, capsys, tmp_path: Path):
    """Run the command on the first recording of a fake of PTB-XL."""
    folder = tmp_path / "ptb_xl"
    DATASETS.find("ptb_xl").write_fake(folder)
    first = DATASETS.find("ptb_xl").open(folder).catalog.entries[0].id

    def run(*words: object) -> tuple[int, str]:
        line = ["cardium", "show", "ptb_xl", first, *map(str, words), "--root",
                str(folder)]  # fmt: skip
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as stop:
            main()
        return int(stop.value.code or 0), capsys.readouterr().err

    return run


def test_an_ecg_is_drawn_true_to_scale(show_ecg, tmp_path: Path) -> None:
    widths = {}
    for name, words in {
        "page": (),
        "fast": ("--paper-speed", 50),
        "part": ("--start", 1, "--duration", 2, "--layout", "12x1"),
        "strip": ("--lead", "V2", "--gain", 20),
    }.items():
        path = tmp_path / f"{name}.svg"
        status, err = show_ecg("-o", path, *words)
        assert status == 0, err
        points = float(path.read_text().split('width="')[1].split("pt")[0])
        widths[name] = round(points / 72 * 25.4, 3)
    assert widths == {"page": 270, "fast": 520, "part": 70, "strip": 280}
    for ending, begin in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
        assert show_ecg("-o", tmp_path / f"a.{ending}")[0] == 0
        assert (tmp_path / f"a.{ending}").read_bytes().startswith(begin)


def test_what_an_ecg_cannot_be_drawn_as_is_said(show_ecg, tmp_path: Path) -> None:
    for words, said in (
        (("-o", tmp_path / "a.mp4"), "Choose the ending"),
        (("-o", tmp_path / "a.png", "--layout", "9x9"), "3x4+1"),
        (("-o", tmp_path / "a.png", "--start", 99), "99"),
        (("-o", tmp_path / "a.png", "--lead", "V9"), "No lead"),
    ):
        status, err = show_ecg(*words)
        assert status in (1, 2)
        assert said in err


def test_everything_a_recording_holds_is_described() -> None:
    ecg = Stream("ecg", np.zeros(11), np.arange(11) / 10, ("time",), "mV")
    corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], float)
    faces = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])
    mesh = Mesh.from_frames("lv_mesh", np.array([0.0, 0.5]), [(corners, faces)] * 2)
    mark = Mark("IVSd", "b_mode", ("x", "z"), np.zeros((2, 2)))
    gate = Gate("pulsed_wave", 0.1, 0.09, 0.004)
    one = Recording(
        Entry("r0", "p0", "", frozenset()),
        {"ecg": ecg},
        meshes={"lv_mesh": mesh},
        marks=(mark,),
        gates=(gate,),
    )
    rows = describe(one)
    assert [row["kind"] for row in rows] == ["stream", "mesh", "mark", "gate"]
    assert rows[0]["rate Hz"] == 10
    assert rows[1]["geometry"] == "8 points, 8 triangles"
    assert rows[1]["rate Hz"] == 2
    assert rows[2]["on"] == "b_mode"
    assert rows[3]["geometry"] == "5.7°, 9.0 cm, 4.0 mm"
    assert [row["stream"] for row in describe(one, "b_mode")] == ["IVSd"]


@pytest.fixture(scope="session")
def ecgs(tmp_path_factory) -> Path:
    """A small PTB-XL."""
    folder = tmp_path_factory.mktemp("ptb_xl")
    DATASETS.find("ptb_xl").write_fake(folder)
    return folder


@pytest.fixture
def typed(monkeypatch, capsys, ecgs):
    """Show ECGs; return the exit status, the output and the errors."""

    def run(*words: object) -> tuple[int, str, str]:
        line = ["cardium", "show", "ptb_xl", *map(str, words), "--root", str(ecgs)]
        monkeypatch.setattr(sys, "argv", line)
        monkeypatch.setenv("COLUMNS", "240")
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("00001", "-o", "a.png", "--frame", 3), 2, "--frame changes nothing"),
        (("00001", "-o", "a.png", "--size", 99), 2, "--size changes nothing"),
        (("00001", "-o", "a.png", "--gain", 0), 2, "gain must be one of"),
        (("00001", "00002", "-o", "a.png"), 2, "ECGs are drawn one at a time"),
        (("00001", "--stream", "nope"), 1, "There are: ecg, ecg_100hz"),
        (("00001", "-o", "a.png", "--stream", "nope"), 1, "ecg, ecg_100hz"),
        (("--where", "sexx=male"), 2, "did you mean 'sex'"),
    ],
)
def test_what_an_ecg_cannot_be_is_refused(
    typed, tmp_path, monkeypatch, words, status, said
) -> None:
    monkeypatch.chdir(tmp_path)
    got, _, err = typed(*words)
    assert got == status, err
    assert said in err
    assert not any(tmp_path.iterdir())


def test_an_option_of_ecgs_changes_no_image(show, recording, tmp_path) -> None:
    status, _, err = show(recording, "-o", tmp_path / "a.png", "--layout", "rows")
    assert status == 2
    assert "--layout changes nothing in a picture of images" in err


def test_a_list_leaves_out_labels_that_are_empty(typed, ecgs) -> None:
    empty = next(
        entry.id
        for entry in DATASETS.find("ptb_xl").open(ecgs).catalog
        if entry.labels["age_band"] in (None, "")
    )
    out = typed()[1]
    line = next(line for line in out.splitlines() if line.startswith(f" {empty} "))
    assert "sex=" in line
    assert "age_band" not in line


def test_a_pack_of_a_hundred_hertz_is_drawn(monkeypatch, capsys, ecgs, tmp_path):
    from cardium.io.signal_packs import write_signal_pack

    data = DATASETS.find("ptb_xl").open(ecgs)
    chosen = data.catalog.entries[:1]
    write_signal_pack(tmp_path / "pack", data, ["ecg_100hz"], entries=chosen)
    picture = tmp_path / "a.png"
    line = ["cardium", "show", "ptb_xl", chosen[0].id, "-o", str(picture)]
    monkeypatch.setattr(sys, "argv", [*line, "--root", str(tmp_path / "pack")])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code, capsys.readouterr().err
    assert picture.is_file()
