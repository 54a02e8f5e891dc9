"""R peaks: windows, learning, flutter, gross and average rates, real records."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import Answer, Entry, Recording, Stream
from cardium.datasets import DATASETS
from cardium.errors import AnswerError, InvalidArgumentError, NotProvidedError
from cardium.signal import find_r_peaks, label_stream
from cardium.tasks import open_task
from cardium.testing import check_task


def recording(beats, seconds=400, name="r", rhythm=(), qrs=False):
    time = np.arange(seconds * 50) / 50
    ecg = Stream("ecg", np.zeros((len(time), 1)), time, ("time", "lead"), "mV",
                 coords={"lead": ("MLII",)})  # fmt: skip
    beats = np.asarray(beats, float)
    marked = (
        {"qrs": Stream("qrs", beats, beats, ("time",), "s")}
        if qrs
        else {"beats": label_stream("beats", beats, "N" * len(beats))}
    )
    if rhythm:
        marked["rhythm"] = label_stream(
            "rhythm", [t for t, _ in rhythm], [n for _, n in rhythm]
        )
    entry = Entry(name, name, "", frozenset({"ecg", *marked}))
    return Recording(entry, {"ecg": ecg}, marked)


def summary(task, pairs):
    rows = [
        task.score(Answer({"peaks": np.asarray(found, float)}), task.target(one, None))
        for found, one in pairs
    ]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return task.summarize(columns, np.arange(len(rows)))


BEATS = np.arange(0.5, 399, 1.0)


def test_contract():
    check_task(
        open_task("r_peaks"),
        [recording(BEATS, name="a"), recording(BEATS[::2], name="b", qrs=True)],
    )


def test_gross_and_average_on_paper():
    """10 beats of which 9 are found, and 2 of which 1 is found beside a made-up one."""
    many, few = recording(np.arange(1.0, 11.0)), recording([1.0, 2.0])
    found = [(np.arange(1.0, 10.0) + 0.02, many), ([1.01, 5.0], few)]
    result = summary(open_task("r_peaks"), found)
    assert set(result) == set(open_task("r_peaks").metrics)
    assert result["sensitivity"] == pytest.approx(10 / 12)
    assert result["ppv"] == pytest.approx(10 / 11)
    assert result["f1"] == pytest.approx(20 / 23)
    assert result["mean_sensitivity"] == pytest.approx((0.9 + 0.5) / 2)
    assert result["mean_ppv"] == pytest.approx((1 + 0.5) / 2)
    assert result["offset"] == pytest.approx((9 * 20 + 10) / 10)
    assert (result["missed"], result["extra"]) == (2, 1)


def test_nothing_found_is_0_and_has_no_offset():
    result = summary(open_task("r_peaks"), [([], recording([1.0, 2.0]))])
    assert (result["sensitivity"], result["f1"]) == (0, 0)
    assert np.isnan(result["ppv"])
    assert np.isnan(result["offset"])


def test_window_and_start():
    one = recording(BEATS)
    late = BEATS + 0.1
    assert summary(open_task("r_peaks"), [(late, one)])["f1"] == 1
    assert summary(open_task("r_peaks", window=0.05), [(late, one)])["f1"] == 0
    half = BEATS[BEATS > 200]
    assert summary(open_task("r_peaks"), [(half, one)])["sensitivity"] < 0.51
    assert summary(open_task("r_peaks", start=300), [(half, one)])["sensitivity"] == 1


def test_flutter_is_left_out_until_the_next_rhythm():
    rhythm = ((0.0, "N"), (100.0, "VFL"), (150.0, "N"))
    spared = BEATS[(BEATS < 100) | (BEATS > 150)]
    task = open_task("r_peaks")
    assert summary(task, [(spared, recording(BEATS, rhythm=rhythm))])["missed"] == 0
    assert summary(task, [(spared, recording(BEATS))])["missed"] == 50
    made_up = np.sort(np.append(spared, [120.25, 130.25, 160.25]))
    result = summary(task, [(made_up, recording(BEATS, rhythm=rhythm))])
    assert result["extra"] == 1


def test_beats_are_preferred_to_unlabelled_ones():
    task = open_task("r_peaks")
    one = recording([1.0, 2.0])
    both = Recording(
        one.entry, one.streams, {**recording([5.0], qrs=True).annotations,
                                 **one.annotations}
    )  # fmt: skip
    assert task.target(both, None).values["peaks"].tolist() == [1.0, 2.0]
    bare = Recording(one.entry, one.streams)
    with pytest.raises(NotProvidedError, match="'beats or qrs'"):
        task.target(bare, None)


def test_wrong_options_and_answers_are_refused():
    for options in ({"window": 0}, {"start": -1}):
        with pytest.raises(InvalidArgumentError, match="window"):
            open_task("r_peaks", **options)
    task = open_task("r_peaks")
    with pytest.raises(AnswerError, match="ascend"):
        task.answer(task.inputs(recording(BEATS)), {"peaks": np.array([2.0, 1.0])})


@pytest.mark.parametrize("record", ["100", "208"])
def test_real_records(shared_data, record):
    data = DATASETS.find("mit_bih").open(shared_data / "mitdb")
    opened = data[record]
    task = open_task("r_peaks", start=300)
    sample = task.inputs(opened)
    assert (sample.stream.rate, sample.stream.shape) == (360, (650_000, 1))
    trace = Stream("ecg", sample.stream.load()[:, 0], sample.stream.time, ("time",), "")
    found = find_r_peaks(trace)
    answer = task.answer(sample, {"peaks": found})
    row = task.score(answer, task.target(opened, None))
    assert row["mean_sensitivity"] > 0.97
    assert row["mean_ppv"] > 0.97
    truth = task.target(opened, None)
    assert task.score(truth, truth)["missed"] == 0
