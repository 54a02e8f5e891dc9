"""Broken headers and annotations: a clear error, or something that can be read."""

import numpy as np
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardium.errors import CardiumError
from cardium.io.wfdb import open_signal, verify_checksum
from cardium.io.wfdb_annotations import beats_of, read_annotations, rhythm_of

BOUNDED = settings(
    max_examples=400,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
HEADERS = {
    "16": "r 2 250 20\nr.dat 16 200(3)/mV 12 0 0 0 0 MLII\n"
    "r.dat 16 200 12 0 0 0 0 V1\n",
    "212": "r 2 360 20\nr.dat 212 200 11 1024 995 -22131 0 MLII\n"
    "r.dat 212 200 11 1024 1011 20052 0 V1\n# 69 M\n",
    "80": "r 2 250 20\nr.dat 80 200 8 0 0 0 0 MLII\nr.dat 80 200 8 0 0 0 0 V1\n",
    "24": "r 2 250 20\nr.dat 24:1 200 8 0 0 0 0 MLII\nr.dat 24 200 8 0 0 0 0 V1\n",
    "m": "m/2 2 250 25\nr 20\n~ 5\n",
}
SIZES = {"16": 80, "212": 60, "80": 40, "24": 120, "m": 80}
PIECES = st.sampled_from(
    ["0", "-1", "1e9", "999999999999", "16", "212", "8", "310", "516", "x3", ":40",
     "+24", "(", ")", "/", "mV", "../", "\n", " ", "#", "nan", "inf", "~", "µ", "\0",
     "200", "/2 ", "r.dat", "/etc/passwd"]
)  # fmt: skip
CHANGES = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 12), PIECES), min_size=1, max_size=3
)


def change(text, changes):
    for at, length, piece in changes:
        at %= len(text) + 1
        text = text[:at] + piece + text[at + length :]
    return text


@BOUNDED
@given(kind=st.sampled_from(sorted(HEADERS)), changes=CHANGES)
def test_a_changed_header_is_read_or_refused(tmp_path, kind, changes):
    (tmp_path / "r.dat").write_bytes(bytes(range(SIZES[kind])))
    (tmp_path / "r.hea").write_text(HEADERS["16"])
    path = tmp_path / ("m.hea" if kind == "m" else "r.hea")
    path.write_text(change(HEADERS[kind], changes), "utf-8")
    try:
        signal = open_signal(path)
        assert signal.rate > 0
        assert len(signal.channels) == len(signal.units) == signal.shape[1]
        part = signal[1:3]
        assert part.shape[1] == signal.shape[1]
        assert signal[:].shape == signal.shape
        assert signal.in_millivolt[:].shape == signal.shape
        verify_checksum(signal)
    except CardiumError as error:
        told = str(error)
    else:
        told = str(path)
    assert str(tmp_path) in told


@settings(BOUNDED, max_examples=300)
@given(
    cut=st.integers(0, 60),
    changes=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), max_size=3),
)
def test_a_changed_annotation_file_is_read_or_refused(tmp_path, cut, changes):
    wfdb.wrann(
        "r", "atr", sample=np.array([5, 20, 3000, 3100, 99999]),
        symbol=["+", "N", "V", "+", "N"], aux_note=["(N\0", "", "", "(AFIB", ""],
        write_dir=str(tmp_path),
    )  # fmt: skip
    path = tmp_path / "r.atr"
    content = bytearray(path.read_bytes())
    for at, value in changes:
        content[at % len(content)] = value
    path.write_bytes(content[: len(content) - cut])
    try:
        found = read_annotations(path, rate=360.0)
        assert len(found.time) == len(found.symbol) == len(found.note)
        assert (found.sample[1:] >= found.sample[:-1]).all()
        beats_of(found)
        rhythm_of(found)
    except CardiumError as error:
        told = str(error)
    else:
        told = str(path)
    assert str(path) in told
