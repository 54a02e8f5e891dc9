"""ECG files against arithmetic on their bytes, and against other libraries."""

import hashlib
import struct
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from defusedxml import ElementTree
from pydicom.data import get_testdata_file

from cardium.datasets import _ecg_folder_files as files
from cardium.errors import DataCorruptError, InvalidArgumentError, NotProvidedError
from cardium.io.ecg_file import FORMATS, detect_format, open_ecg
from cardium.signal.leads import LEADS

RATE = 250
EIGHT = ("I", "II", *LEADS[6:])
SCP_CODES = (1, 2, 61, 62, 63, 64, *range(3, 9))
SOMEBODY = files.Person("A-1", "F", 61)


@pytest.fixture(scope="module")
def ecg():
    """Twelve leads of ten seconds that differ, and keep Einthoven's law."""
    time = np.arange(10 * RATE) / RATE
    table = np.stack([np.sin((n + 1) * time) * (0.2 + 0.1 * n) for n in range(12)], 1)
    one, two = table[:, 0], table[:, 1]
    table[:, 2:6] = np.stack(
        [two - one, -(one + two) / 2, one - two / 2, two - one / 2], 1
    )
    return table


@pytest.fixture(scope="module")
def folder(tmp_path_factory, ecg):
    """One file of every format."""
    root = tmp_path_factory.mktemp("formats")
    beat = ecg[:150]
    eight = [0, 1, *range(6, 12)]
    at = {"rate": RATE}
    files.write_aecg(root / "aecg", ecg, beat, LEADS, SOMEBODY, **at)
    files.write_muse(
        root / "muse", ecg[:, eight], beat[:, eight], EIGHT, SOMEBODY, **at
    )
    files.write_scp(root / "scp", ecg, beat, SCP_CODES, SOMEBODY, **at)
    files.write_edf(root / "edf", ecg, LEADS, SOMEBODY, **at)
    files.write_edf(root / "bdf", ecg, LEADS, SOMEBODY, bits=24, **at)
    files.write_ishne(root / "ishne", ecg, range(5, 17), SOMEBODY, **at)
    files.write_csv(root / "csv", ecg, LEADS)
    waves = (("ORIGINAL", ecg), ("DERIVED", beat))
    files.write_dicom(root / "dicom", waves, LEADS, SOMEBODY, **at)
    return root


STEPS = {"aecg": 2.5, "muse": 4.88, "scp": 2.5, "edf": 0.5, "bdf": 0.5, "ishne": 1,
         "csv": 1, "dicom": 1.25}  # fmt: skip


# What was written


@pytest.mark.parametrize("kind", STEPS)
def test_every_format_gives_back_what_was_written(folder, ecg, kind):
    assert detect_format(folder / kind) == kind
    recording = open_ecg(folder / kind, rate=RATE)
    stream = recording["ecg"]
    assert (stream.coords["lead"], stream.unit) == (LEADS, "mV")
    assert (stream.dims, stream.rate) == (("time", "lead"), RATE)
    allowed = STEPS[kind] * 1e-3 * (1.001 if kind == "muse" else 0.501) + 1e-6
    assert np.abs(stream.load() - ecg).max() <= allowed
    assert stream.load().dtype == np.float32
    part = stream.between(4.0, 6.0)
    assert np.array_equal(part.values, stream.load()[4 * RATE : 6 * RATE])
    assert np.array_equal(stream.values[10:400:7], stream.load()[10:400:7])
    assert stream.values[5:5].shape == (0, 12)


@pytest.mark.parametrize("kind", ["aecg", "muse", "scp", "dicom"])
def test_the_median_beat_has_a_clock_of_its_own(folder, ecg, kind):
    median = open_ecg(folder / kind)["median"]
    assert np.abs(median.load() - ecg[:150]).max() <= 5e-3
    assert (median.time[0], median.rate) == (0, RATE)


@pytest.mark.parametrize("kind", [k for k in STEPS if k != "csv"])
def test_age_and_sex_are_read_and_nobody_is_named(folder, kind):
    entry = open_ecg(folder / kind).entry
    assert (entry.labels["age"], entry.labels["sex"]) == (61, "female")
    assert entry.patient == hashlib.sha256(b"A-1").hexdigest()[:12]
    assert {"ecg", "age", "sex"} <= entry.provides
    for secret in ("A-1", "Nobody", "1959"):
        assert secret not in repr(entry)


def test_a_file_that_names_no_patient_is_its_own(folder):
    entry = open_ecg(folder / "csv", rate=RATE).entry
    assert entry.patient == entry.id == "csv"
    assert "age" not in entry.provides


def test_only_the_computed_leads_are_called_computed(folder, ecg):
    assert open_ecg(folder / "aecg").entry.labels["computed_leads"] == ()
    recording = open_ecg(folder / "muse")
    assert recording.entry.labels["computed_leads"] == ("III", "aVR", "aVL", "aVF")
    one, two, three, avr = (recording["ecg"].load()[:, n] for n in range(4))
    assert np.allclose(three, two - one, atol=1e-6)
    assert np.allclose(avr, -(one + two) / 2, atol=1e-6)


@pytest.mark.parametrize("kind", STEPS)
def test_leads_are_chosen_by_any_name(folder, ecg, kind):
    stream = open_ecg(folder / kind, rate=RATE, channels=["V3", "AVL"])["ecg"]
    assert stream.coords["lead"] == ("V3", "aVL")
    assert np.abs(stream.load() - ecg[:, [8, 4]]).max() < 5e-3
    with pytest.raises(
        NotProvidedError, match=r"no (lead|channel) 'V9'.*There are.*V6"
    ):
        open_ecg(folder / kind, rate=RATE, channels=["V9"])


# Other libraries


@pytest.mark.parametrize("kind", ["aecg", "muse", "ishne", "scp", "edf", "dicom"])
def test_ecgdatakit_reads_the_same_millivolts(folder, kind):
    from ecgdatakit import FileParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = FileParser.parse(folder / kind, units="mV")
    stream = open_ecg(folder / kind)["ecg"]
    values = dict(zip(stream.coords["lead"], stream.load().T, strict=True))
    assert len(record.leads) == (8 if kind == "muse" else 12)
    for lead in record.leads:
        name = lead.label.removeprefix("ECG ").replace("ECG", "").strip()
        assert np.allclose(values[name], lead.samples, atol=1e-6), lead.label


@pytest.mark.parametrize("kind", ["edf", "bdf"])
def test_edfio_reads_the_same(folder, kind):
    import edfio

    other = getattr(edfio, f"read_{kind}")(folder / kind)
    stream = open_ecg(folder / kind)["ecg"]
    for n, signal in enumerate(other.signals):
        assert signal.label == f"ECG {LEADS[n]}"
        assert np.allclose(stream.load()[:, n], signal.data / 1e3, atol=1e-6)
    assert other.signals[0].sampling_frequency == RATE


def test_an_edf_of_edfio_with_other_signals_and_notes(tmp_path, ecg):
    import edfio

    signals = [
        edfio.EdfSignal(np.zeros(1000), 100, label="EEG Cz", physical_dimension="uV",
                        physical_range=(-1, 1)),
        edfio.EdfSignal(1e3 * ecg[:, 6], RATE, label="ECG V1", physical_dimension="uV"),
        edfio.EdfSignal(ecg[:, 1], RATE, label="EKG II", physical_dimension="mV"),
        edfio.EdfSignal(np.arange(10.0), 1, label="SpO2", physical_dimension="%"),
    ]  # fmt: skip
    notes = [
        edfio.EdfAnnotation(2.5, None, "pill"),
        edfio.EdfAnnotation(3, 1.5, "walk"),
    ]
    edfio.Edf(signals, annotations=notes).write(tmp_path / "a")
    recording = open_ecg(tmp_path / "a", texts=True)
    stream = recording["ecg"]
    assert stream.coords["lead"] == ("V1", "II")
    assert np.abs(stream.load() - ecg[:, [6, 1]]).max() < 1e-4
    pill, walk = recording.marks
    assert (pill.label, pill.points[:, 0].tolist()) == ("pill", [2.5])
    assert (walk.label, walk.points[:, 0].tolist()) == ("walk", [3, 4.5])
    assert open_ecg(tmp_path / "a").marks == ()


def test_channels_of_several_rates_are_not_chosen_silently(tmp_path, ecg):
    import edfio

    signals = [
        edfio.EdfSignal(ecg[:, 0], RATE, label="ECG I", physical_dimension="mV"),
        edfio.EdfSignal(ecg[::2, 1], RATE / 2, label="ECG II", physical_dimension="mV"),
    ]
    edfio.Edf(signals).write(tmp_path / "a")
    with pytest.raises(
        NotProvidedError, match=r"ECG I \(250 Hz, mV\), ECG II \(125 Hz"
    ):
        open_ecg(tmp_path / "a")
    stream = open_ecg(tmp_path / "a", channels=["II"])["ecg"]
    assert (stream.rate, stream.shape) == (125, (1250, 1))
    edfio.Edf([edfio.EdfSignal(ecg[:, 0], RATE, label="C3")]).write(tmp_path / "b")
    with pytest.raises(NotProvidedError, match=r"C3 \(250 Hz, no unit\).*channels="):
        open_ecg(tmp_path / "b")
    with pytest.raises(NotProvidedError, match="unit="):
        open_ecg(tmp_path / "b", channels=["C3"])
    assert open_ecg(tmp_path / "b", channels=["C3"], unit="mV")["ecg"].shape == (
        2500,
        1,
    )


def test_gaps_of_a_discontinuous_edf_are_kept(tmp_path):
    notes = [b"+0\x14\x14\0".ljust(20, b"\0"), b"+5\x14\x14\0".ljust(20, b"\0")]
    data = b"".join(struct.pack("<4h", *range(n, n + 4)) + notes[n] for n in range(2))
    path = edf_of(tmp_path, data, [("ECG", 4), ("EDF Annotations", 10)], "EDF+D")
    stream = open_ecg(path)["ecg"]
    assert stream.time.tolist() == [0, 0.25, 0.5, 0.75, 5, 5.25, 5.5, 5.75]
    assert stream.load()[:, 0].tolist() == [0, 1, 2, 3, 1, 2, 3, 4]


def edf_of(folder: Path, data: bytes, signals, kind="", low=-100, high=100):
    """Write an EDF by hand: records of a second, two of them, 100 mV are 100 steps."""
    count = len(signals)
    text = f"{'0':<8}{'X X X X':<80}{'':<80}{'01.01.20':<8}{'00.00.00':<8}"
    text += f"{256 * (count + 1):<8}{kind:<44}{2:<8}{1:<8}{count:<4}"
    columns = [[s[0] for s in signals], "", "mV", low, high, -100, 100, "",
               [s[1] for s in signals], ""]  # fmt: skip
    for value, size in zip(columns, (16, 80, 8, 8, 8, 8, 8, 80, 8, 32), strict=True):
        cells = value if isinstance(value, list) else [value] * count
        text += "".join(f"{cell!s:<{size}}" for cell in cells)
    path = folder / "by_hand.edf"
    path.write_bytes(text.encode("ascii") + data)
    return path


def test_a_negative_gain_turns_an_edf_and_an_empty_one_is_refused(tmp_path):
    data = struct.pack("<8h", *range(8))
    turned = edf_of(tmp_path, data, [("ECG", 4)], low=100, high=-100)
    assert open_ecg(turned)["ecg"].load()[:, 0].tolist() == [-n for n in range(8)]
    with pytest.raises(DataCorruptError, match="gain of 0 mV"):
        open_ecg(edf_of(tmp_path, data, [("ECG", 4)], low=5, high=5))


# Real files, by arithmetic on what they hold


@pytest.mark.parametrize("name", ["fda_example_aecg.xml", "fda_subject1_0.xml"])
def test_a_real_aecg_is_origin_plus_scale_times_digits(shared_data, name):
    path = shared_data / "ecg_formats" / name
    recording = open_ecg(path)
    space = "{urn:hl7-org:v3}"
    sets = ElementTree.parse(path).getroot().iter(f"{space}sequenceSet")
    for stream, one in zip(("ecg", "median"), sets, strict=True):
        got = recording[stream]
        leads = dict(zip(got.coords["lead"], got.load().T, strict=True))
        count = 0
        for sequence in one.iter(f"{space}sequence"):
            code = sequence.find(f"{space}code").get("code")
            value = sequence.find(f"{space}value")
            if code.startswith("TIME"):
                assert value.find(f"{space}increment").get("value") == "0.002"
                continue
            assert value.find(f"{space}scale").get("unit") == "uV"
            digits = value.find(f"{space}digits").text.split()
            scale = float(value.find(f"{space}scale").get("value"))
            origin = float(value.find(f"{space}origin").get("value"))
            want = (origin + scale * np.array([float(d) for d in digits])) / 1000
            lead = code.removeprefix("MDC_ECG_LEAD_").replace("AV", "aV")
            assert np.allclose(leads[lead], want, rtol=0, atol=1e-6)
            count += 1
        assert count == 12
        assert got.coords["lead"] == LEADS
        assert got.rate == 500
    assert recording["ecg"].shape == (5000, 12)
    assert recording.entry.labels["age"] == 46  # as reported, not by day of birth
    assert recording.entry.labels["sex"] == "male"
    assert "SBJ" not in repr(recording.entry)


def limb_error(values) -> float:
    """Largest violation of Einthoven's and Goldberger's laws [mV]."""
    i, ii, iii, avr, avl, avf = np.asarray(values, np.float64).T[:6]
    laws = (ii - i - iii, avr + (i + ii) / 2, avl - i + ii / 2, avf - ii + i / 2)
    return max(np.abs(law).max() for law in laws)


def test_a_real_dicom_is_raw_times_sensitivity(shared_data):
    path = shared_data / "ecg_formats" / "anonymous_ecg.dcm"
    recording = open_ecg(path)
    data = pydicom.dcmread(path)
    for stream, group in zip(("ecg", "median"), data.WaveformSequence, strict=True):
        raw = np.frombuffer(group.WaveformData, "<i2").reshape(-1, 12)
        got = recording[stream]
        assert np.allclose(got.load(), raw * 1.25e-3, rtol=0, atol=1e-6)
        assert (got.rate, got.coords["lead"]) == (1000, LEADS)
    assert recording["ecg"].shape == (10000, 12)
    assert recording["median"].shape == (1200, 12)
    assert (recording.entry.labels["age"], recording.entry.labels["sex"]) == (
        42,
        "female",
    )
    assert (
        limb_error(recording["ecg"].load()) < 2.6e-3
    )  # two steps: leads were in order


def test_the_limb_leads_of_real_aecgs_obey_einthoven(shared_data):
    for name in ("fda_example_aecg.xml", "fda_subject1_0.xml"):
        values = open_ecg(shared_data / "ecg_formats" / name)["ecg"].load()
        assert limb_error(values) < 5.1e-3


def test_the_ecg_that_pydicom_brings():
    path = get_testdata_file("waveform_ecg.dcm", download=False)
    stream = open_ecg(path)["ecg"]
    data = pydicom.dcmread(path)
    want = data.waveform_array(0) * 1e-3  # microvolts
    assert np.allclose(stream.load(), want, rtol=0, atol=1e-6)
    assert stream.coords["lead"] == LEADS
    assert limb_error(stream.load()) < 5.1e-3


def test_a_real_wfdb_record(shared_data):
    recording = open_ecg(shared_data / "mitdb" / "100.hea")
    stream = recording["ecg"]
    assert (stream.coords["lead"], stream.rate) == (("MLII", "V5"), 360)
    assert stream.samples(slice(0, 1)).values.round(4).tolist() == pytest.approx(
        np.array([[-0.145, -0.065]])
    )
    assert (recording.entry.labels["age"], recording.entry.labels["sex"]) == (
        69,
        "male",
    )
    beats = recording["beats"]
    assert beats.time[0] == pytest.approx(77 / 360)
    assert len(beats.time) == 2273
    assert {"beats", "rhythm"} <= recording.entry.provides


# DICOM


def test_the_parts_of_a_dicom_value(tmp_path, ecg):
    files.write_dicom(tmp_path / "a", [("ORIGINAL", ecg)], LEADS, SOMEBODY, rate=RATE)
    data = pydicom.dcmread(tmp_path / "a")
    channel = data.WaveformSequence[0].ChannelDefinitionSequence[3]
    channel.ChannelBaseline = "40"
    channel.ChannelSensitivityCorrectionFactor = "2"
    channel.ChannelSensitivityUnitsSequence[0].CodeValue = "mV"
    data.save_as(tmp_path / "a")
    raw = np.rint(ecg[:, 3] / 1.25e-3)
    got = open_ecg(tmp_path / "a")["ecg"].load()[:, 3]
    assert np.allclose(got, (raw + 40) * 1.25 * 2, rtol=1e-6)


def test_leads_recorded_in_turn_lie_where_they_were(tmp_path, ecg):
    """Two groups of one file; the second, of other leads, begins at 4 s."""
    waves = (("ORIGINAL", ecg[:1000, :2]), ("ORIGINAL", ecg[1000:2000, 6:8]))
    files.write_dicom(tmp_path / "a", waves, LEADS[:2], SOMEBODY, rate=RATE)
    data = pydicom.dcmread(tmp_path / "a")
    second = data.WaveformSequence[1]
    second.MultiplexGroupTimeOffset = "4000"
    for channel, lead in zip(second.ChannelDefinitionSequence, "12", strict=True):
        channel.ChannelSourceSequence[0].CodeMeaning = f"Lead V{lead}"
    data.save_as(tmp_path / "a")
    stream = open_ecg(tmp_path / "a")["ecg"]
    assert stream.coords["lead"] == ("I", "II", "V1", "V2")
    values = stream.load()
    assert np.abs(values[:1000, :2] - ecg[:1000, :2]).max() < 1e-3
    assert np.abs(values[1000:, 2:] - ecg[1000:2000, 6:8]).max() < 1e-3
    assert np.isnan(values[1000:, :2]).all()
    assert np.isnan(values[:1000, 2:]).all()


# SCP-ECG


def huffman(values) -> bytes:
    """Encode by the default table of SCP-ECG."""
    bits = ""
    for value in map(int, values):
        size = abs(value)
        if size == 0:
            bits += "0"
        elif size <= 8:
            bits += "1" * size + "0" + ("1" if value < 0 else "0")
        elif -128 <= value < 128:
            bits += "1111111110" + format(value & 0xFF, "08b")
        else:
            bits += "1111111111" + format(value & 0xFFFF, "016b")
    bits += "0" * (-len(bits) % 16)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def scp_leads(table, *, difference: int) -> bytes:
    """Write section 5 or 6, Huffman coded: 2500 nV, 4000 us."""
    coded = []
    for lead in table.T:
        second = np.concatenate([lead[:2], np.diff(lead, n=2)])
        coded.append(huffman(second if difference == 2 else lead))
    sizes = struct.pack(f"<{len(coded)}H", *map(len, coded))
    return struct.pack("<HHBB", 2500, 4000, difference, 0) + sizes + b"".join(coded)


def test_scp_with_huffman_codes_and_differences(tmp_path, ecg):
    digital = np.rint(ecg[:, :2] / 2.5e-3).astype(int)
    third = struct.pack("<BBIIBIIB", 2, 4 | 2 << 3, 1, 2500, 1, 1, 2500, 2)
    sections = {1: b"\xff\0\0", 2: struct.pack("<H", 19999), 3: third}
    sections[6] = scp_leads(digital, difference=2)
    files.write_bytes(tmp_path / "a.scp", files.scp_record(sections))
    stream = open_ecg(tmp_path / "a.scp")["ecg"]
    assert np.allclose(stream.load(), digital * 2.5e-3, atol=1e-6)
    assert (stream.rate, stream.coords["lead"]) == (250, ("I", "II"))


def test_scp_with_the_reference_beat_taken_out(tmp_path, ecg):
    """Two beats of 40 samples; what is stored is the difference to the reference."""
    digital = np.rint(ecg[:, :2] / 2.5e-3).astype(int)
    beat = np.rint(100 * np.hanning(40))[:, None].astype(int) * [1, -2]
    rest = digital.copy()
    zones = b""
    for fiducial in (500, 1500):  # counted from 1; sample 20 of the beat
        begin = fiducial - 20
        rest[begin : begin + 40] -= beat
        zones += struct.pack("<HIII", 0, begin + 1, fiducial, begin + 40)
    protected = struct.pack("<4I", 481, 520, 1481, 1520)
    sections = {
        1: b"\xff\0\0",
        2: struct.pack("<H", 19999),
        3: struct.pack("<BBIIBIIB", 2, 1 | 4 | 2 << 3, 1, 2500, 1, 1, 2500, 2),
        4: struct.pack("<HHH", 160, 20, 2) + zones + protected,
        5: scp_leads(beat, difference=0),
        6: scp_leads(rest, difference=0),
    }
    files.write_bytes(tmp_path / "a.scp", files.scp_record(sections))
    recording = open_ecg(tmp_path / "a.scp")
    assert np.allclose(recording["median"].load(), beat * 2.5e-3, atol=1e-6)
    assert np.allclose(recording["ecg"].load(), digital * 2.5e-3, atol=1e-6)


def test_a_rate_that_is_no_whole_number_is_kept(tmp_path):
    """976 microseconds a sample are 1024.59 Hz."""
    table = np.arange(20).reshape(-1, 1)
    data = struct.pack("<HHBBH", 2500, 976, 0, 0, 40) + table.astype("<i2").tobytes()
    sections = {1: b"\xff\0\0", 3: struct.pack("<BBIIB", 1, 12, 1, 20, 1), 6: data}
    files.write_bytes(tmp_path / "a.scp", files.scp_record(sections))
    assert open_ecg(tmp_path / "a.scp")["ecg"].rate == pytest.approx(1024.590164)


# ISHNE


def test_a_holter_is_not_read_until_it_is_sliced(tmp_path):
    """Two hours of three leads; a lead that was off is NaN."""
    values = np.zeros((2 * 3600 * 128, 3))
    values[128 * 60] = (1.5, -0.25, 0)
    files.write_ishne(tmp_path / "a", values, (5, 0, 12), SOMEBODY, rate=128)
    with (tmp_path / "a").open("r+b") as file:
        file.seek(522 + 2 * (3 * 128 * 60 + 2))
        file.write(struct.pack("<h", -32768))
    stream = open_ecg(tmp_path / "a")["ecg"]
    assert stream.coords["lead"] == ("I", "lead 2", "V2")
    assert not isinstance(stream.values, np.ndarray)
    sample = stream.between(60, 60.001).values
    assert np.allclose(sample, [[1.5, -0.25, np.nan]], equal_nan=True)


# CSV


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("time,I\n0,1\n0.5,2\n", [1, 2]),
        ("time [ms];V1 [uV]\n0;1000,5\n500;2000\n", [1.0005, 2]),
        ("t_ms\tLead II (mV)\n0\t1\n500\t\n", [1, np.nan]),
        (",time,II\n0,0,1e0\n1,0.5,nan\n", [1, np.nan]),
    ],
)
def test_tables_of_several_habits(tmp_path, text, want):
    path = tmp_path / "a.csv"
    path.write_text(text)
    stream = open_ecg(path)["ecg"]
    assert stream.time.tolist() == [0, 0.5]
    assert np.allclose(stream.load()[:, 0], want, equal_nan=True)
    assert stream.shape == (2, 1)


def test_a_table_needs_a_rate_or_times(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("I,II\n1,2\n3,4\n")
    with pytest.raises(NotProvidedError, match="rate="):
        open_ecg(path)
    assert open_ecg(path, rate=100, unit="uV")["ecg"].values.tolist() == pytest.approx(
        np.array([[1e-3, 2e-3], [3e-3, 4e-3]])
    )
    for rate in (0, -1, float("nan")):
        with pytest.raises(InvalidArgumentError, match="rate must be positive"):
            open_ecg(path, rate=rate)


def test_constant_missing_and_nan_leads_stay(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("V1,V2,V3\n0,nan,1\n0,nan,2\n")
    values = open_ecg(path, rate=10)["ecg"].values
    assert values[:, 0].tolist() == [0, 0]
    assert np.isnan(values[:, 1]).all()


def test_every_format_has_a_file_here(folder):
    assert {*STEPS, "wfdb"} == set(FORMATS)
