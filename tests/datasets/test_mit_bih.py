"""MIT-BIH Arrhythmia: split, labels, leads by name, and the real records."""

import hashlib
import math
import shutil
from collections import Counter
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
import wfdb

from cardium.core.dataset import default_root
from cardium.datasets import fetch, mit_bih, mit_bih_strict, verify
from cardium.datasets.mit_bih import DS1, DS2, PACED, PUBLISHED
from cardium.errors import DataCorruptError, DataMissingError
from cardium.signal import find_r_peaks
from cardium.signal.beat_classes import BEAT_SYMBOLS, aami_class, labels_of
from cardium.signal.leads import select_leads


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    root = tmp_path_factory.mktemp("mit_bih")
    return root, mit_bih.DATASET.write_fake(root)


@pytest.fixture
def copy(fake, tmp_path):
    root = tmp_path / "mit_bih"
    shutil.copytree(fake[0], root)
    return root


def test_the_published_split_is_that_of_de_chazal():
    """All 48 records of the database, each once; pacemakers apart."""
    numbers = {*range(100, 125), *range(200, 235)}
    numbers -= {110, 120, 204, 206, 211, 216, 218, 224, 225, 226, 227, 229}
    assert sorted(map(int, PUBLISHED)) == sorted(numbers)
    assert (len(DS1), len(DS2)) == (22, 22)
    assert not set(DS1) & set(DS2)
    assert set(PUBLISHED) - set(DS1) - set(DS2) == set(PACED)
    assert PACED == ("102", "104", "107", "217")
    assert PUBLISHED[:2] == ("100", "101")
    assert PUBLISHED[-1] == "234"
    assert {"201", "207"} <= set(DS1)
    assert {"100", "202"} <= set(DS2)


def test_splits_and_subjects(fake):
    catalog = mit_bih.index(fake[0])
    assert Counter(e.split for e in catalog) == {"train": 6, "test": 6, "": 1}
    sides = {e.id: (e.patient, e.split, e.labels["ds"]) for e in catalog}
    assert sides["201"] == ("201", "train", "DS1")
    assert sides["202"] == ("202", "test", "DS2")
    assert sides["102"] == ("102", "", "")
    assert catalog["201"].labels["subject"] == catalog["202"].labels["subject"] == "201"
    assert [e.id for e in catalog if e.labels["paced"]] == ["102"]


def test_the_strict_split_has_each_person_on_one_side(fake):
    catalog = mit_bih_strict.index(fake[0])
    assert catalog["202"].patient == catalog["201"].patient == "201"
    assert catalog["202"].split == catalog["201"].split == "train"
    theirs = mit_bih.index(fake[0])
    assert [e.id for e in catalog] == [e.id for e in theirs]
    moved = [e.id for e in theirs if catalog[e.id].split != e.split]
    assert moved == ["202"]


def test_both_lie_in_one_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("CARDIUM_DATA", str(tmp_path))
    assert default_root(mit_bih_strict.DATASET) == tmp_path / "mit_bih"
    assert default_root(mit_bih.DATASET) == tmp_path / "mit_bih"


def test_labels_come_from_the_comments(fake):
    catalog = mit_bih.index(fake[0])
    labels = catalog["100"].labels
    assert (labels["age"], labels["sex"]) == (69.0, "male")
    assert labels["medication"] == ("Aldomet", "Inderal")
    assert "notes" not in catalog["100"].provides
    paced = catalog["102"]
    assert paced.labels["medication"] == ()
    assert paced.labels["notes"] == "The rhythm is paced."
    assert not {"medication", "ds"} & paced.provides
    unknown = catalog["103"]
    assert math.isnan(unknown.labels["age"])
    assert "age" not in unknown.provides
    assert unknown.labels["sex"] == "male"


def test_leads_are_read_by_name(fake):
    """Record 114 has V5 before MLII, and its MLII has the larger R in II's place."""
    data = mit_bih.DATASET.open(fake[0])
    names = {e.id: data[e.id]["ecg"].coords["lead"] for e in data.catalog}
    assert names["114"] == ("V5", "MLII")
    assert names["102"] == ("V5", "V2")
    assert names["100"] == ("MLII", "V1")
    ecg = data["114"]["ecg"]
    one = select_leads(ecg, ("MLII",))
    np.testing.assert_array_equal(one.load()[:, 0], ecg.load()[:, 1])


def test_beats_lie_on_r_peaks_of_the_signal(fake):
    recording = mit_bih.DATASET.open(fake[0])["100"]
    beats, ecg = recording["beats"], select_leads(recording["ecg"], ("MLII",))
    assert beats.coords["label"] == BEAT_SYMBOLS
    values = ecg.load()[:, 0]
    for time, symbol in zip(beats.time, labels_of(beats), strict=True):
        place = round(time * 360)
        if symbol in "NAV":
            around = values[place - 18 : place + 19]
            assert values[place] == around.max()
    normal = [t for t, s in zip(beats.time, labels_of(beats), strict=True) if s == "N"]
    found = find_r_peaks(replace(ecg, values=values, dims=("time",), coords={}))
    near = np.abs(np.asarray(normal)[:, None] - found).min(1)
    assert (near < 0.02).mean() > 0.9


def test_a_rhythm_does_not_begin_at_0_and_holds_on(fake):
    recording = mit_bih.DATASET.open(fake[0])["101"]
    assert labels_of(recording["rhythm"]) == ("N", "AFIB")
    np.testing.assert_allclose(recording["rhythm"].time, [0.05, 32.05])


def test_fake_records_read_the_same_in_wfdb(fake):
    root, known = fake
    for answer in known[:3]:
        name = answer.recording.entry.id
        theirs = wfdb.rdrecord(str(root / name))
        ours = mit_bih.DATASET.open(root)[name]["ecg"]
        np.testing.assert_array_equal(ours.load(), theirs.p_signal.astype(np.float32))
        assert tuple(theirs.sig_name) == ours.coords["lead"]
        assert theirs.calc_checksum is not None


def test_a_part_of_the_dataset_can_be_used(copy):
    (copy / "101.dat").unlink()
    (copy / "103.hea").unlink()
    (copy / "105.atr").unlink()
    catalog = mit_bih.index(copy)
    assert not {"101", "103"} & {e.id for e in catalog}
    assert mit_bih.absent(copy) == ("101", "103")
    assert "ecg" in catalog["105"].provides
    assert not {"beats", "rhythm"} & catalog["105"].provides
    assert list(mit_bih.load(copy, catalog["105"]).annotations) == []
    (copy / "RECORDS").unlink()
    assert [e.id for e in mit_bih.index(copy)] == [e.id for e in catalog]
    assert len(mit_bih.absent(copy)) == 48 - len(catalog)


def test_a_list_cannot_lead_out_of_the_root(copy):
    (copy / "RECORDS").write_text("100\n../101\n")
    with pytest.raises(DataCorruptError, match="leads out"):
        mit_bih.index(copy)


def test_an_empty_folder_says_where_the_data_is(tmp_path):
    for dataset in (mit_bih.DATASET, mit_bih_strict.DATASET):
        with pytest.raises(DataMissingError, match=r"100\.hea.*cardium fetch mit_bih"):
            _ = dataset.open(tmp_path).catalog


def test_another_rate_is_refused(copy):
    path = copy / "100.hea"
    path.write_text(path.read_text().replace(" 2 360 ", " 2 250 "))
    with pytest.raises(DataCorruptError, match=r"100\.hea' has 250 Hz; expected 360"):
        mit_bih.DATASET.open(copy)["100"]


def test_annotations_without_a_beat_are_corrupt(copy):
    (copy / "100.atr").write_bytes(bytes(2))
    with pytest.raises(DataCorruptError, match=r"100\.atr' has no beats among its 0"):
        mit_bih.DATASET.open(copy)["100"]


def test_verify_holds_samples_against_the_checksums_of_headers(copy):
    data = mit_bih.DATASET.open(copy)
    assert verify(data) == []
    dat = copy / "101.dat"
    content = bytearray(dat.read_bytes())
    content[300] ^= 1
    dat.write_bytes(content)
    found = verify(mit_bih.DATASET.open(copy))
    assert {(f.where, f.kind) for f in found} == {
        ("101", "unreadable"),
        ("101.dat", "wrong-hash"),
    }
    assert "checksum" in next(f.problem for f in found if f.where == "101")


def test_it_is_fetched_from_a_server(fake, tmp_path):
    """As from PhysioNet: the list of checksums first, then every file."""
    folder = fake[0]

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        for number, dataset in enumerate((mit_bih.DATASET, mit_bih_strict.DATASET)):
            served = replace(dataset, info=replace(dataset.info, download=url))
            root = fetch(served, tmp_path / f"data{number}")
            assert len(served.open(root).catalog) == 13
            same = (root / "100.dat").read_bytes()
            assert hashlib.sha256(same).digest() == (
                hashlib.sha256((folder / "100.dat").read_bytes()).digest()
            )
            assert verify(served.open(root), limit=2) == []
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# --- the real records -------------------------------------------------------------


def test_real_records(shared_data):
    data = mit_bih.DATASET.open(shared_data / "mitdb")
    sides = {e.id: (e.split, e.labels["age"], e.labels["sex"]) for e in data.catalog}
    assert sides == {
        "100": ("test", 69.0, "male"),
        "105": ("test", 73.0, "female"),
        "208": ("train", 23.0, "female"),
    }
    labels = data.catalog["105"].labels
    assert labels["medication"] == ("Digoxin", "Nitropaste", "Pronestyl")
    assert labels["notes"].startswith("The PVCs are uniform.")
    assert labels["notes"].endswith("high-grade noise and artifact.")
    assert data.catalog["208"].labels["medication"] == ()
    assert len(mit_bih.absent(shared_data / "mitdb")) == 45
    ecg = data["100"]["ecg"]
    assert ecg.shape == (650000, 2)
    assert (ecg.coords["lead"], ecg.unit) == (("MLII", "V5"), "mV")
    assert ecg.time[[0, 1, -1]] == pytest.approx([0, 1 / 360, 1805.5527778])
    np.testing.assert_allclose(ecg.samples(slice(0, 1)).load(), [[-0.145, -0.065]])


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("100", {"N": 2239, "S": 33, "V": 1}),
        ("105", {"N": 2526, "V": 41, "Q": 5}),
        ("208", {"N": 1586, "V": 992, "F": 373, "S": 2, "Q": 2}),
    ],
)
def test_real_beats_by_class(shared_data, name, classes):
    recording = mit_bih.DATASET.open(shared_data / "mitdb")[name]
    found = Counter(map(aami_class, labels_of(recording["beats"])))
    assert found == classes
    assert labels_of(recording["rhythm"])[0] == "N"
    theirs = wfdb.rdrecord(str(shared_data / "mitdb" / name))
    np.testing.assert_array_equal(
        recording["ecg"].load(), theirs.p_signal.astype(np.float32)
    )
    assert tuple(theirs.sig_name) == recording["ecg"].coords["lead"]


def test_real_beats_lie_on_real_peaks(shared_data):
    """The first beats of record 100 are at samples 77, 370 and 662."""
    recording = mit_bih.DATASET.open(shared_data / "mitdb")["100"]
    beats, ecg = recording["beats"], recording["ecg"]
    np.testing.assert_allclose(beats.time[:3] * 360, [77, 370, 662])
    lead = ecg.between(0, 60).load()[:, 0]
    places = np.rint(beats.time[beats.time < 59] * 360).astype(int)
    heights = [lead[p] - np.median(lead[max(p - 90, 0) : p + 90]) for p in places]
    assert min(heights) > 0.8  # mV


def test_real_checksums(shared_data):
    findings = verify(mit_bih.DATASET.open(shared_data / "mitdb"))
    assert {f.severity for f in findings} == {"warning"}
