"""A fitted network on a stream: what it says live is what it says of the file."""

from __future__ import annotations

import numpy as np
import pytest
from tests.live.conftest import FakeBoard, beats_at

from cardium.core import Sample, Split
from cardium.datasets import DATASETS
from cardium.errors import InvalidArgumentError
from cardium.fit import fit, load_run
from cardium.live import Monitor, Source, open_model
from cardium.models import MODELS
from cardium.tasks import open_task


def fitted(folder, dataset, task):
    """A run of three steps."""
    root = folder / "data"
    DATASETS.find(dataset).write_fake(root)
    data = DATASETS.find(dataset).open(root)
    usable = task.usable(data.catalog)
    run = fit(
        task, data, MODELS.find("resnet_1d"), folder / "run",
        split=Split(usable, usable[:0], usable[:0], "all"),
        settings={"width": 4, "blocks": 1},
        steps=2, batch_size=4, accelerator="cpu", progress=False,
    )  # fmt: skip
    return data, run


def test_beats_are_classified_as_in_the_file(tmp_path, time):
    task = open_task("beat_class")
    data, run = fitted(tmp_path, "mit_bih", task)
    live, model = open_model(run), load_run(run, device="cpu")
    shown = task.inputs(data[data.catalog.entries[0].id])
    trace = shown.stream.load()[:, 0]
    rate = shown.stream.rate
    assert live.after <= 3
    last = shown.stream.time[-1] - 3
    events = shown.events[(shown.events > 3) & (shown.events < last)]
    answers = live.classify_beats(trace, rate, events)
    sample = Sample("r", shown.stream, events=events)
    expected = model.predict(sample)[task.output.name]
    np.testing.assert_allclose(
        [p for _, p in answers], expected.max(1), rtol=0, atol=1e-5
    )
    assert [name for name, _ in answers] == [
        task.output.classes[k] for k in expected.argmax(1)
    ]
    board = FakeBoard(time, beats_at(np.arange(0.4, 12, 0.8), 12))
    monitor = Monitor(Source(board, clock=time.clock), model=live, clock=time.clock)
    summary = monitor.run(12)
    assert summary.beats >= 11
    assert {beat.label for beat in monitor.beats} <= set(task.output.classes)


def test_a_run_for_twelve_leads_is_refused(tmp_path):
    task = open_task("challenge_2021", rate=100)
    _, run = fitted(tmp_path, "cinc_2021", task)
    with pytest.raises(InvalidArgumentError, match="takes 12 leads"):
        open_model(run)
