"""Annotation files against the wfdb library's own reading, and known bytes."""

from collections import Counter

import numpy as np
import pytest
import wfdb

from cardium.errors import DataCorruptError, DataMissingError, InvalidArgumentError
from cardium.io._wfdb_annotations import SYMBOLS
from cardium.io.wfdb_annotations import (
    beats_of,
    read_annotations,
    rhythm_of,
    write_annotations,
)
from cardium.signal.beat_classes import BEAT_SYMBOLS, aami_class, labels_of


def word(code, low):
    return (code << 10 | low).to_bytes(2, "little")


def test_the_symbols_are_those_of_wfdb():
    theirs = {
        label.label_store: label.symbol for label in wfdb.io.annotation.ann_labels
    }
    assert {code: SYMBOLS[code] for code in theirs} == theirs


def test_bytes_by_hand(tmp_path):
    """A skip, a subtype, a channel that holds on, a note of odd length, a bad code."""
    content = (
        word(59, 0) + (1).to_bytes(2, "little") + (10).to_bytes(2, "little")
        + word(1, 7) + word(61, 0xFF) + word(62, 3)  # N at 65536 + 10 + 7
        + word(28, 20) + word(63, 3) + b"(T\0" + b"\0"  # rhythm 20 later
        + word(45, 1)
        + bytes(2)
    )  # fmt: skip
    (tmp_path / "r.atr").write_bytes(content)
    found = read_annotations(tmp_path / "r.atr", rate=100.0)
    assert found.sample.tolist() == [65553, 65573, 65574]
    assert found.time.tolist() == [655.53, 655.73, 655.74]
    assert found.symbol == ("N", "+", "[45]")
    assert found.note == ("", "(T", "")
    assert found.channel.tolist() == [3, 3, 3]
    assert found.subtype.tolist() == [-1, 0, 0]


@pytest.mark.parametrize("name", ["mitdb/100", "mitdb/105", "mitdb/208", "svdb/800"])
def test_real_annotations_are_those_of_wfdb(shared_data, name):
    theirs = wfdb.rdann(str(shared_data / name), "atr")
    found = read_annotations(shared_data / f"{name}.atr", rate=theirs.fs)
    assert found.symbol == tuple(theirs.symbol)
    assert found.note == tuple(note.strip("\0") for note in theirs.aux_note)
    for ours, other in (
        (found.sample, theirs.sample),
        (found.channel, theirs.chan),
        (found.subtype, theirs.subtype),
    ):
        np.testing.assert_array_equal(ours, other)
    np.testing.assert_array_equal(found.time, theirs.sample / theirs.fs)


@pytest.mark.parametrize(
    ("name", "rate", "classes"),
    [
        ("mitdb/100", 360.0, {"N": 2239, "S": 33, "V": 1}),
        ("mitdb/105", 360.0, {"N": 2526, "V": 41, "Q": 5}),
        ("mitdb/208", 360.0, {"N": 1586, "V": 992, "F": 373, "S": 2, "Q": 2}),
        ("svdb/800", 128.0, {"N": 1846, "S": 30, "V": 6, "F": 1}),
    ],
)
def test_real_beats_by_class(shared_data, name, rate, classes):
    beats = beats_of(read_annotations(shared_data / f"{name}.atr", rate=rate))
    assert Counter(aami_class(symbol) for symbol in labels_of(beats)) == classes


def test_real_rhythms_lose_their_bracket_and_zero(shared_data):
    found = read_annotations(shared_data / "mitdb/208.atr", rate=360.0)
    rhythm = rhythm_of(found)
    assert Counter(labels_of(rhythm)) == {"N": 27, "T": 26}
    assert rhythm.time[:3].tolist() == [9 / 360, 22415 / 360, 27257 / 360]


def test_what_is_written_is_read_and_wfdb_reads_it(tmp_path):
    samples, symbols = [5, 900, 2000, 300_000], ["+", "N", "/", "+"]
    notes = ["(N", "", "", "(AFIB"]
    write_annotations(tmp_path / "x" / "1.atr", samples, symbols, notes=notes)
    found = read_annotations(tmp_path / "x" / "1.atr", rate=250.0)
    assert found.sample.tolist() == samples
    assert (found.symbol, found.note) == (tuple(symbols), tuple(notes))
    theirs = wfdb.rdann(str(tmp_path / "x" / "1"), "atr")
    assert theirs.sample.tolist() == samples
    assert theirs.aux_note == ["(N\0", "", "", "(AFIB\0"]


def test_a_time_resolution_of_its_own_is_kept_to(tmp_path):
    """Annotated at 1000 ticks a second, of a record at 250 Hz."""
    wfdb.wrann(
        "r", "atr", sample=np.array([500, 1004]), symbol=["N", "V"], fs=1000,
        write_dir=str(tmp_path),
    )  # fmt: skip
    found = read_annotations(tmp_path / "r.atr", rate=250.0)
    assert found.symbol == ("N", "V")
    assert found.time.tolist() == [0.5, 1.004]
    assert found.sample.tolist() == [125, 251]


def test_times_that_go_back_are_put_in_order(tmp_path):
    minus = (1 << 32) - 30
    back = word(59, 0) + (minus >> 16).to_bytes(2, "little")
    back += (minus & 0xFFFF).to_bytes(2, "little")
    content = word(1, 100) + back + word(5, 0) + bytes(2)
    (tmp_path / "r.atr").write_bytes(content)
    found = read_annotations(tmp_path / "r.atr", rate=100.0)
    assert (found.symbol, found.sample.tolist()) == (("V", "N"), [70, 100])


def test_only_symbols_of_beats_are_beats(tmp_path):
    """The brackets of waves, noise and flutter marks among them."""
    others = [s for s in SYMBOLS.values() if s not in BEAT_SYMBOLS and s[0] not in " ["]
    symbols = [*others, *BEAT_SYMBOLS]
    write_annotations(tmp_path / "r.atr", np.arange(1, len(symbols) + 1), symbols)
    found = read_annotations(tmp_path / "r.atr", rate=1.0)
    beats = beats_of(found)
    assert labels_of(beats) == BEAT_SYMBOLS
    assert beats.coords["label"] == BEAT_SYMBOLS
    assert beats.values.tolist() == list(range(len(BEAT_SYMBOLS)))
    assert (beats.values.dtype, beats.unit) == (np.uint8, "label")
    assert beats.time[0] == len(others) + 1
    assert rhythm_of(found) is None


def test_neither_beats_nor_rhythms_are_none(tmp_path):
    write_annotations(tmp_path / "r.atr", [1, 2], "~+", notes=["", "note"])
    found = read_annotations(tmp_path / "r.atr", rate=1.0)
    assert beats_of(found) is None
    assert rhythm_of(found) is None


def test_both_names_of_fibrillation_are_one(tmp_path):
    notes = ["(VF", "(VFL", " (VFIB \0"]
    write_annotations(tmp_path / "r.atr", [1, 5, 9], "+++", notes=notes)
    rhythm = rhythm_of(read_annotations(tmp_path / "r.atr", rate=1.0))
    assert labels_of(rhythm) == ("VFIB", "VFL", "VFIB")
    assert rhythm.time.tolist() == [1, 5, 9]


@pytest.mark.parametrize("keep", [0, 1, 2, 5, 8])
def test_a_file_without_its_end_is_corrupt(tmp_path, keep):
    write_annotations(tmp_path / "r.atr", [3, 9, 5000], "NVN", notes=["", "abc", ""])
    path = tmp_path / "r.atr"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataCorruptError, match=rf"r\.atr' has {keep} bytes.*end mark"):
        read_annotations(path, rate=360.0)


def test_a_missing_file_and_no_rate_are_told(tmp_path):
    with pytest.raises(DataMissingError, match=r"r\.atr"):
        read_annotations(tmp_path / "r.atr", rate=360.0)
    with pytest.raises(InvalidArgumentError, match="0"):
        read_annotations(tmp_path / "r.atr", rate=0.0)
