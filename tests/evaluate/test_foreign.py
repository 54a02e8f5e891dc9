"""Predictions made elsewhere: read by name, checked, and scored as any other."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from cardium.core import (
    Answer,
    Catalog,
    Dataset,
    Entry,
    Info,
    Metric,
    OpenDataset,
    Output,
    Recording,
    Sample,
    Stream,
    Task,
)
from cardium.errors import (
    CardiumError,
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    NotProvidedError,
    RunConflictError,
)
from cardium.evaluate import import_predictions, score
from cardium.tasks import open_task

CLASSES = ("CD", "HYP", "MI", "NORM", "STTC")
INFO = Info("Toy", "Numbers.", "1.0", "", "CC0", "", "It is in memory.")
TRUE = {
    "00001": ("NORM",),
    "00002": ("MI", "CD"),
    "00003": ("HYP",),
    "00004": ("STTC",),
    "00005": ("NORM", "STTC"),
    "00006": ("MI",),
    "00007": ("CD", "HYP"),
    "00008": ("NORM",),
}
SEX = ("male", "female")
EVENTS = {"a": (0.25, 0.9, 1.75), "b": (0.5, 1.5)}
BEATS = {"a": (0, 1, 0), "b": (1, 0)}


def load(root: Path, entry: Entry) -> Recording:
    ecg = np.zeros((200, 1), np.float32)
    time = np.arange(200) / 100
    stream = Stream("ecg", ecg, time, ("time", "lead"), "mV", coords={"lead": ("I",)})
    return Recording(entry, {"ecg": stream})


def open_toy(root: Path, entries: list[Entry]) -> OpenDataset:
    provides = frozenset({"ecg", "superclass"})
    catalog = Catalog(tuple(entries))
    toy = Dataset("toy", INFO, provides, lambda _: catalog, load, lambda _: ())
    return OpenDataset(toy, root)


@pytest.fixture
def data(tmp_path: Path) -> OpenDataset:
    """Eight ECGs to test on, and one to train on."""
    provides = frozenset({"ecg", "superclass"})
    tested = [
        Entry(id, f"p{k}", "test", provides,
              labels={"superclass": names, "sex": SEX[k % 2], "age": 30.0 + 9 * k})
        for k, (id, names) in enumerate(TRUE.items())
    ]  # fmt: skip
    trained = Entry("00100", "q", "train", provides, labels={"superclass": ("MI",)})
    return open_toy(tmp_path, [*tested, trained])


@pytest.fixture
def beats(tmp_path: Path) -> OpenDataset:
    """Two recordings of two seconds, with three events and two."""
    provides = frozenset({"ecg"})
    entries = [Entry(id, id, "test", provides) for id in EVENTS]
    return open_toy(tmp_path, [*entries, Entry("c", "c", "train", provides)])


def _event_score(prediction: Answer, truth: Answer) -> dict[str, float]:
    """Share of the events whose likeliest class is the true one."""
    [one], [two] = prediction.values.values(), truth.values.values()
    if one.ndim == 1:
        return {"accuracy": float(np.array_equal(one, two))}
    return {"accuracy": float((one.argmax(1) == two.argmax(1)).mean())}


def event_task(kind: str = "event_class") -> Task:
    """Ask what each event is, or when there is one."""

    def target(recording: Recording, geometry: object) -> Answer:
        codes = np.array(BEATS[recording.entry.id])
        times = np.array(EVENTS[recording.entry.id])
        return Answer({"answer": np.eye(2)[codes] if kind != "events" else times})

    return Task(
        name="toy_events",
        title="",
        needs=("ecg",),
        output=Output("answer", kind, ("N", "V") if kind != "events" else ()),
        inputs=lambda r: Sample(
            r.entry.id, r["ecg"], events=np.array(EVENTS[r.entry.id])
        ),
        target=target,
        score=_event_score,
        summarize=lambda columns, patients: {
            "accuracy": float(columns["accuracy"].mean())
        },
        metrics=MappingProxyType({"accuracy": Metric("Accuracy")}),
        primary="accuracy",
    )


SUPERCLASS = open_task("ecg_superclass")


def probabilities(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=(len(TRUE), 5)).round(4)


def truths() -> np.ndarray:
    return np.array([[c in names for c in CLASSES] for names in TRUE.values()], int)


def write(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def write_wide(path: Path, values: np.ndarray, order: tuple[str, ...] = CLASSES):
    columns = [CLASSES.index(name) for name in order]
    rows = [(id, *row[columns]) for id, row in zip(TRUE, values, strict=True)]
    return write(path, ("recording", *order), rows)


def scored(file: Path, data: OpenDataset, task: Task = SUPERCLASS):
    out = import_predictions(file, task, data, file.with_suffix(""))
    return score(out, task=task, data=data, draws=0)


def test_scores_are_those_of_scikit_learn(data, tmp_path: Path) -> None:
    report = scored(write_wide(tmp_path / "a.csv", probabilities()), data)
    area = roc_auc_score(truths(), probabilities(), average=None)
    precision = average_precision_score(truths(), probabilities())
    for name, value in zip(CLASSES, area, strict=True):
        assert np.isclose(report.summary[f"auroc_{name}"].value, value, atol=1e-6)
    assert np.isclose(report.summary["macro_auroc"].value, area.mean(), atol=1e-6)
    assert np.isclose(
        report.summary["macro_average_precision"].value, precision, atol=1e-6
    )
    assert not report.skipped


def test_columns_may_stand_in_any_order_but_not_under_other_names(
    data, tmp_path: Path
) -> None:
    values = probabilities()
    straight = scored(write_wide(tmp_path / "a.csv", values), data).summary
    other = ("NORM", "STTC", "CD", "MI", "HYP")
    shuffled = scored(write_wide(tmp_path / "b.csv", values, other), data).summary
    assert {k: e.value for k, e in straight.items()} == {
        k: e.value for k, e in shuffled.items()
    }
    swapped = values[:, [0, 1, 3, 2, 4]]
    wrong = scored(write_wide(tmp_path / "c.csv", swapped), data).summary
    assert abs(wrong["auroc_MI"].value - straight["auroc_MI"].value) > 0.1


@pytest.mark.parametrize("form", ["npy", "npz", "named", "npz_ids"])
def test_arrays_score_as_the_table_does(data, tmp_path: Path, form: str) -> None:
    values = probabilities()
    expected = scored(write_wide(tmp_path / "t.csv", values), data).summary
    path = tmp_path / f"a.{form[:3] if form != 'named' else 'npz'}"
    if form == "npy":
        np.save(path, values)
    elif form == "npz":
        np.savez(path, values)
    elif form == "named":
        np.savez(path, probability=values, other=np.zeros(3))
    else:
        back = np.arange(len(values))[::-1]
        np.savez(
            path,
            p=values[back][:, ::-1],
            recording=np.array(list(TRUE))[back],
            classes=np.array(CLASSES[::-1]),
        )
    found = scored(path, data).summary
    for name, estimate in expected.items():
        assert np.isclose(found[name].value, estimate.value, atol=1e-6)


def test_ids_are_found_by_number_unless_two_have_it(data, tmp_path: Path) -> None:
    rows = [(int(id), *row) for id, row in zip(TRUE, probabilities(), strict=True)]
    by_number = write(tmp_path / "n.csv", ("recording", *CLASSES), rows)
    by_id = write_wide(tmp_path / "i.csv", probabilities())
    for name, estimate in scored(by_id, data).summary.items():
        assert scored(by_number, data).summary[name].value == estimate.value
    twin = replace(data.catalog.entries[0], id="001", patient="y")
    twins = open_toy(tmp_path, [*data.catalog, twin])
    with pytest.raises(DataCorruptError, match=r"line 2: No recording '1'"):
        import_predictions(by_number, SUPERCLASS, twins, tmp_path / "o")


def test_what_the_file_lacks_is_named_and_other_sides_are_left_out(
    data, tmp_path: Path
) -> None:
    values = probabilities()
    rows = [(id, *row) for id, row in zip(TRUE, values, strict=True)][:-2]
    rows.append(("00100", *values[0]))
    path = write(tmp_path / "a.csv", ("recording", *CLASSES), rows)
    report = scored(path, data)
    assert [name for name, _ in report.skipped] == ["00007", "00008"]
    assert "no prediction" in report.skipped[0][1]
    made = report.provenance["predictions"]
    assert made["left_out"] == 1
    area = roc_auc_score(truths()[:-2, 3], values[:-2, 3])
    assert np.isclose(report.summary["auroc_NORM"].value, area, atol=1e-6)


def test_provenance_names_the_file_and_its_hash(data, tmp_path: Path) -> None:
    path = write_wide(tmp_path / "mine.csv", probabilities())
    out = import_predictions(path, SUPERCLASS, data, tmp_path / "o", model="lstm")
    made = json.loads((out / "provenance.json").read_text())
    assert made["model"]["name"] == "lstm"
    assert made["model"]["file"] == "mine.csv"
    assert made["model"]["sha256"] == sha256(path.read_bytes()).hexdigest()
    assert made["seen"] == "unknown"
    write_wide(path, probabilities(1))
    with pytest.raises(RunConflictError, match="sha256"):
        import_predictions(path, SUPERCLASS, data, tmp_path / "o", model="lstm")


def test_results_are_broken_down_by_sex_and_band_of_age(data, tmp_path: Path) -> None:
    task = replace(SUPERCLASS, groups=("sex", "age_band"))
    report = scored(write_wide(tmp_path / "a.csv", probabilities()), data, task)
    assert set(report.groups) == {"sex", "age_band"}
    assert list(report.groups["age_band"]) == ["0-39", "40-59", "60-74", "75+"]
    male = np.arange(0, len(TRUE), 2)
    area = roc_auc_score(truths()[male, 3], probabilities()[male, 3])
    there = report.groups["sex"]["male"]["auroc_NORM"]
    assert np.isclose(there.value, area, atol=1e-6)
    assert there.n_recordings == 4
    assert np.isnan(report.groups["age_band"]["60-74"]["auroc_MI"].value)


LINE = "00001,0.1,0.2,0.3,0.4,0.5"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("recording,CD,HYP,MI,NORM\n00001,0,0,0,1", "no column 'STTC'"),
        ("recording,CD,HYP,MI,NORM,STTC,AF\n00001,0,0,0,1,0,0", "column 'AF'"),
        (f"recording,CD,HYP,MI,NORM,STTC\n{LINE}\n{LINE}", "line 2 and line 3"),
        ("recording,CD,HYP,MI,NORM,STTC\n\n00001,0,0,nan,0,0", "line 3, class 'MI'"),
        ("recording,CD,HYP,MI,NORM,STTC\n00001,0,0,3.2,0,0", "apply a sigmoid"),
        ("recording,CD,HYP,MI,NORM,STTC\n00001,0,0,x,0,0", "'x' is no number"),
        ("recording,CD,HYP,MI,NORM,STTC\n00001,0,0,0,0", "line 2 has 5 cells"),
        ("recording,CD,HYP,MI,NORM,STTC\n00009,0,0,0,0,0", "No recording '00009'"),
        ("recording,CD,HYP,MI,NORM,STTC\n", "a row at least"),
        ("recording;CD;HYP\n00001;0;0", "no column 'recording'"),
        ('recording,CD,HYP,MI,NORM,STTC\n"00001,0', "cannot be read as a table"),
    ],
)
def test_errors_name_the_line_and_the_column(
    data, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(DataCorruptError, match=said):
        import_predictions(path, SUPERCLASS, data, tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_arrays_of_another_shape_or_kind_are_refused(data, tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((7, 5)))
    with pytest.raises(DataCorruptError, match=r"\(8, 5\).*\(7, 5\)"):
        import_predictions(path, SUPERCLASS, data, tmp_path / "o")
    np.save(path, np.zeros((5, 8)))
    with pytest.raises(DataCorruptError, match=r"CD, HYP.*\(5, 8\)"):
        import_predictions(path, SUPERCLASS, data, tmp_path / "o")
    np.save(path, np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(DataCorruptError, match="without objects"):
        import_predictions(path, SUPERCLASS, data, tmp_path / "o")
    path.write_bytes(b"\x93NUMPY")
    with pytest.raises(DataCorruptError, match="cannot be read"):
        import_predictions(path, SUPERCLASS, data, tmp_path / "o")


def test_what_is_no_file_of_predictions_is_refused(data, tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match="does not exist"):
        import_predictions(tmp_path / "a.csv", SUPERCLASS, data, tmp_path / "o")
    with pytest.raises(InvalidArgumentError, match=r"\.csv, \.npy, \.npz"):
        import_predictions(tmp_path / "a.json", SUPERCLASS, data, tmp_path / "o")
    masks = open_task("lv_segmentation")
    with pytest.raises(InvalidArgumentError, match="label_map"):
        import_predictions(tmp_path / "a.csv", masks, data, tmp_path / "o")
    only = write(
        tmp_path / "b.csv", ("recording", *CLASSES), [("00100", 0, 0, 0, 0, 0)]
    )
    with pytest.raises(NotProvidedError, match="side 'test'"):
        import_predictions(only, SUPERCLASS, data, tmp_path / "o")


def rows_of_events(*, swap: bool = False, shift: float = 0.0):
    """Soft probabilities of the right classes, or of the other ones."""
    return [
        (id, t + shift, *((0.2, 0.8) if (code == 1) != swap else (0.7, 0.3)))
        for id in EVENTS
        for t, code in zip(EVENTS[id], BEATS[id], strict=True)
    ]


def test_events_are_matched_by_their_times(beats, tmp_path: Path) -> None:
    head = ("recording", "time", "N", "V")
    rows = rows_of_events(shift=0.0004)[::-1]
    right = scored(write(tmp_path / "a.csv", head, rows), beats, event_task())
    assert right.summary["accuracy"].value == 1
    swapped = write(tmp_path / "b.csv", head, rows_of_events(swap=True))
    assert scored(swapped, beats, event_task()).summary["accuracy"].value == 0
    names = write(
        tmp_path / "c.csv",
        ("recording", "class", "time"),
        [(id, "NV"[c], t) for id in EVENTS
         for t, c in zip(EVENTS[id], BEATS[id], strict=True)],
    )  # fmt: skip
    assert scored(names, beats, event_task()).summary["accuracy"].value == 1
    array = tmp_path / "d.npy"
    np.save(array, np.array([row[2:] for row in rows_of_events()]))
    assert scored(array, beats, event_task()).summary["accuracy"].value == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows[1:], "lacks 1 of the 3 events of recording 'a': 0.25 s"),
        (lambda rows: [("a", 0.26, 1, 0), *rows[1:]], "no event .* at 0.26 s"),
        (lambda rows: [*rows, rows[0]], "at 0.25 s twice: line 2 and line 7"),
        (lambda rows: [("a", 0.25, 0.9, 0.3), *rows[1:]], "add up to 1"),
        (lambda rows: [("a", 0.25, -2, 4), *rows[1:]], "apply a softmax"),
        (lambda rows: [("a", "", 1, 0), *rows[1:]], "column 'time': '' is no number"),
    ],
)
def test_events_that_are_not_those_asked_for_are_named(
    beats, tmp_path: Path, change, said: str
) -> None:
    head = ("recording", "time", "N", "V")
    path = write(tmp_path / "a.csv", head, change(rows_of_events()))
    with pytest.raises(DataCorruptError, match=said):
        import_predictions(path, event_task(), beats, tmp_path / "o")


def test_an_unknown_class_of_an_event_is_named(beats, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", ("recording", "time", "class"), [("a", 0.25, "X")])
    with pytest.raises(DataCorruptError, match="line 2: No class 'X'"):
        import_predictions(path, event_task(), beats, tmp_path / "o")


def test_times_of_events_are_read_sorted_and_none_is_an_answer(
    beats, tmp_path: Path
) -> None:
    task = event_task("events")
    rows: list[tuple[object, ...]] = [("a", t) for t in EVENTS["a"][::-1]]
    path = write(tmp_path / "a.csv", ("recording", "time"), [*rows, ("b", "")])
    report = scored(path, beats, task)
    assert report.scores.columns["accuracy"].tolist() == [1, 0]
    assert not report.skipped
    for time, said in ((7.0, "0..1.99 s"), (0.25, "twice")):
        path = write(tmp_path / "b.csv", ("recording", "time"), [*rows, ("a", time)])
        with pytest.raises(CardiumError, match=said):
            import_predictions(path, task, beats, tmp_path / "o")
    with pytest.raises(InvalidArgumentError, match=r"from \.csv"):
        import_predictions(tmp_path / "a.npy", task, beats, tmp_path / "o")


def test_quantities_may_be_any_finite_number(data, tmp_path: Path) -> None:
    task = replace(
        SUPERCLASS,
        output=Output("years", "quantity", ("age",)),
        target=lambda r, _: Answer({"years": np.array([r.entry.labels["age"]])}),
        score=lambda p, t: {
            "error": float(abs(p.values["years"] - t.values["years"]).item())
        },
        summarize=lambda c, _: {"error": float(c["error"].mean())},
        metrics=MappingProxyType({"error": Metric("Error", "years", False)}),
        primary="error",
    )
    rows = [(id, 28.0 + 9 * k) for k, id in enumerate(TRUE)]
    path = write(tmp_path / "a.csv", ("recording", "age"), rows)
    assert np.isclose(scored(path, data, task).summary["error"].value, 2)
