"""Counts of a fake whose content is known."""

from cardium.datasets import camus, ptb_xl, stats


def test_ptb_xl_counts(ptb_xl_fake):
    root = ptb_xl_fake[0]
    rows = {(r["split"], r["stream"]): r for r in stats(ptb_xl.DATASET.open(root))}
    assert list(rows) == [
        (split, stream)
        for split in ("test", "train", "val", "all")
        for stream in ("all files", "ecg", "ecg_100hz")
    ]
    assert rows["train", "ecg"] == {
        "split": "train",
        "stream": "ecg",
        "recordings": 25,
        "patients": 24,
        "samples": 25 * 5000,
        "rate_hz": 500.0,
        "duration_s": 250.0,
        "bytes": 25 * 5000 * 12 * 4,
    }
    assert rows["all", "ecg_100hz"]["rate_hz"] == 100.0
    assert rows["all", "ecg_100hz"]["duration_s"] == 310.0
    on_disk = sum(path.stat().st_size for path in root.rglob("records*/*/*"))
    assert rows["all", "all files"]["bytes"] == on_disk
    assert rows["all", "all files"]["recordings"] == 31
    assert rows["all", "all files"]["patients"] == 30


def test_stills_have_no_rate(camus_fake):
    steps = []
    data = camus.DATASET.open(camus_fake[0])
    table = stats(data, progress=lambda *step: steps.append(step))
    rows = {(r["split"], r["stream"]): r for r in table}
    still, film = rows["all", "b_mode"], rows["all", "b_mode_sequence"]
    assert (still["recordings"], still["patients"], still["samples"]) == (24, 6, 24)
    assert (still["rate_hz"], still["duration_s"]) == (None, None)
    assert film["rate_hz"] == 30.0
    assert film["duration_s"] == round(film["samples"] / 30, 6)
    assert rows["val", "lv_mask"]["patients"] == 1
    assert steps[-1] == (36, 36)
