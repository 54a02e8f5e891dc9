"""A cut of the smoke benchmark on phantoms, with real trainings; and what must hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest

from cardium.bench import load_spec, open_bench, report_bench
from cardium.bench._layout import lay_out
from cardium.bench.jobs import perform
from cardium.bench.rows import read_rows, read_skipped
from cardium.clip_models import CLIP_MODELS
from cardium.core import quarter_times
from cardium.datasets.echoxflow import DATASET, write_phantom
from cardium.protocols import cut_recording, open_protocol

MODELS = ["temporal_mean", "temporal_unet", "beam_net", "volume_unet"]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Examinations of two patients, one in each of two folds."""
    folder = tmp_path_factory.mktemp("phantom") / "root"
    write_phantom(folder, exams=2, preset="bench", modes="benchmark", seed=4)
    return folder


@pytest.fixture(scope="module")
def bench(root: Path, tmp_path_factory):
    """The cut: beamspace, four models, the first fold; every cell computed."""
    spec = load_spec("echoxflow-smoke")
    matrix = replace(spec.matrix, models=MODELS, domains=["beamspace"])
    opened = open_bench(
        replace(spec, matrix=matrix, data=replace(spec.data, limit=2)),
        root=root,
        out=tmp_path_factory.mktemp("bench"),
    )
    opened.write_plan()
    for cell in opened.plan.cells:
        assert perform(opened.job(cell)) == "done", cell.name
    return opened


def rows_of(bench, cell):
    return read_rows(bench.folder(cell))


def test_every_task_is_learnt_and_scored_by_its_protocols(bench) -> None:
    cells = {(cell.task, cell.model): cell for cell in bench.plan.cells}
    assert len(cells) == 3 * 3 + 1
    for (task, _), cell in cells.items():
        rows = rows_of(bench, cell)
        assert np.isfinite([row.value for row in rows]).all()
        protocols = {row.protocol for row in rows}
        wanted = {"corrected"} if task == "lv_volume_3d" else {"corrected", "published"}
        assert protocols == wanted
        assert all(one.step == "train" for one in read_skipped(bench.folder(cell)))


def test_the_report_shows_both_tables_and_what_is_not_the_papers_size(bench) -> None:
    found = report_bench(bench.spec, out=bench.out)
    text = "\n".join(lay_out(table) for table in found.tables)
    for word in ("Dice", "beam_net", "cm/s", "% of Nyquist", "paper"):
        assert word in text
    titles = " ".join(table.title for table in found.tables)
    assert "published" in titles
    assert "corrected" in titles
    assert "clip_length 8 (32)" in " ".join(found.notes)
    assert max(map(len, text.splitlines())) <= 100


def test_a_seed_gives_the_same_rows_twice(bench) -> None:
    (cell,) = (
        one
        for one in bench.plan.cells
        if (one.task, one.model) == ("tissue_velocity", "beam_net")
    )
    before = rows_of(bench, cell)
    rmtree(bench.folder(cell))
    assert perform(bench.job(cell)) == "done"
    assert rows_of(bench, cell) == before


def test_clips_prepared_once_teach_the_same(bench, tmp_path: Path) -> None:
    """Packed numbers are rounded to 16 bits, which two steps hardly feel."""
    spec = replace(bench.spec, data=replace(bench.spec.data, prepared=True))
    again = open_bench(spec, root=bench.data.root, out=tmp_path)
    wanted = ("tissue_velocity", "temporal_unet")
    (raw,), (packed,) = (
        [one for one in opened.plan.cells if (one.task, one.model) == wanted]
        for opened in (bench, again)
    )
    assert raw.key != packed.key
    assert perform(again.job(packed)) == "done"
    assert list((tmp_path / "packs").glob("*/pack.json"))
    for one, other in zip(rows_of(bench, raw), rows_of(again, packed), strict=True):
        assert (one.recordings, one.metric) == (other.recordings, other.metric)
        assert other.value == pytest.approx(one.value, rel=0.02, abs=0.02)


def first_case(root: Path, task: str, protocol: str):
    """The first recording that a protocol uses."""
    data = DATASET.open(root)
    opened = open_protocol(task, protocol, clip_length=8)
    usable = [e for e in opened.task.usable(data.catalog) if not opened.admit(e)]
    return opened, opened.open(data.load(usable[0]))


@pytest.mark.parametrize("task", ["tissue_velocity", "blood_flow", "lv_segmentation"])
def test_the_truth_in_another_order_is_worse_than_its_mean(root, task: str) -> None:
    """Moments in the wrong order answer worse than no moment at all."""
    protocol, case = first_case(root, task, "corrected")
    item = protocol.item(case, case.scored)
    truth = protocol.task.target(cut_recording(case), None)
    if task == "lv_segmentation":
        codes = item["target"]
        target = np.stack([codes == k for k in range(3)]).astype(np.float32)
    else:
        target = item["target"]
    half = target.shape[1] // 4  # of a film of two beats: the other end of a beat
    scores = {}
    for name, answer in {
        "true": target,
        "mean": np.broadcast_to(target.mean(1, keepdims=True), target.shape),
        "moved": np.roll(target, half, axis=1),
    }.items():
        found = protocol.task.score(protocol.answer(case, answer.copy()), truth)
        metric = protocol.task.metrics[protocol.task.primary]
        sign = 1 if metric.higher_is_better else -1
        scores[name] = sign * found[protocol.task.primary]
    assert scores["true"] > scores["mean"] > scores["moved"]


def test_nothing_is_nearer_to_the_measured_tissue_than_its_noise(root: Path) -> None:
    """Where tissue is, neither zero nor matched blocks beat the true velocity."""
    from cardium.phantom.acquisition import Acquisition
    from cardium.phantom.exam import simulate
    from cardium.phantom.patient import Patient
    from cardium.phantom.truth import dense_truth

    exam = simulate(Patient(number=8))
    doppler = exam.streams["tissue_velocity"]
    scene = Acquisition(
        exam.heart.patient, exam.heart, exam.motion, np.random.default_rng(0)
    )
    films = dense_truth(scene, exam.placement, doppler.geometry, doppler.time)
    true, measured = films["beam_velocity"].load(), doppler.load()
    limit = doppler.velocity_limit
    wall = films["tissue"].load() == films["tissue"].coords["label"].index("myocardium")

    def error(answer) -> float:
        apart = (answer - measured + limit) % (2 * limit) - limit
        return float(np.abs(apart[wall]).mean())

    from cardium.core import Entry, Recording

    entry = Entry("r", "p", "", frozenset(("b_mode", "tissue_velocity")))
    protocol = open_protocol("tissue_velocity", "corrected", clip_length=8)
    case = protocol.open(Recording(entry, exam.streams))
    item = protocol.item(case, case.scored)
    matcher = CLIP_MODELS.find("block_matching").build("tissue_velocity", "beamspace")
    answer = protocol.answer(case, matcher.predict(item))
    from cardium.geometry import resample_velocity

    matched = resample_velocity(
        answer.values["velocity"],
        answer.geometry,
        doppler.geometry,
        velocity_limit=limit,
    )
    zero, found = error(0 * measured), error(matched[: len(measured)])
    floor = error(true)
    assert floor < found < 0.6 * zero
    assert 0 < floor < 0.02 * limit


def test_flow_is_answered_at_the_quarters_of_each_interval(root: Path) -> None:
    protocol, case = first_case(root, "blood_flow", "corrected")
    time = case.recording["b_mode"].time[case.scored.start : case.scored.stop]
    item = protocol.item(case, case.scored)
    answer = protocol.answer(case, item["target"])
    np.testing.assert_allclose(answer.time, quarter_times(time))
