"""PTB-XL: the label rules, the tables and the signals, on fakes and on real records."""

import math
import shutil
from collections import Counter
from typing import get_args

import numpy as np
import pytest
import wfdb

from cardium.core import Stream
from cardium.datasets import _ptb_xl_fake, ptb_xl
from cardium.datasets.ptb_xl import LEADS, Statement, statements
from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.measure.statements import (
    SCP_STATEMENTS,
    StatementKind,
    statement_names,
)
from cardium.phantom.ecg import LEADS as WRITTEN
from cardium.signal import find_r_peaks

TABLE = {
    "NORM": Statement(diagnostic=True, superclass="NORM", subclass="NORM"),
    "IMI": Statement(diagnostic=True, superclass="MI", subclass="IMI"),
    "ASMI": Statement(diagnostic=True, superclass="MI", subclass="AMI"),
    "NDT": Statement(diagnostic=True, form=True, superclass="STTC", subclass="STTC"),
    "ABQRS": Statement(form=True),
    "SR": Statement(rhythm=True),
}
CODES = {"SR": 0.0, "NDT": 15.0, "IMI": 0.0, "ASMI": 50.0, "ABQRS": 0.0, "XYZ": 0.0}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("superclass", ("MI", "STTC")),
        ("subclass", ("AMI", "IMI", "STTC")),
        ("diagnostic", ("ASMI", "IMI", "NDT")),
        ("form", ("ABQRS", "NDT")),
        ("rhythm", ("SR",)),
        ("all", ("ABQRS", "ASMI", "IMI", "NDT", "SR", "XYZ")),
    ],
)
def test_each_kind_of_label_keeps_every_code(kind, names):
    assert statements(CODES, TABLE, kind=kind) == names


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("superclass", ("MI",)),
        ("diagnostic", ("ASMI", "IMI")),
        ("form", ("ABQRS", "NDT")),
        ("rhythm", ("SR",)),
        ("all", ("ABQRS", "ASMI", "IMI", "SR", "XYZ")),
    ],
)
def test_a_threshold_spares_what_states_no_likelihood(kind, names):
    """NDT goes with its 15 %; IMI stays, for its 0 means that none was stated."""
    assert statements(CODES, TABLE, kind=kind, min_likelihood=50) == names


def test_no_code_of_a_kind_gives_no_name():
    assert statements({"SR": 0.0}, TABLE, kind="superclass") == ()


def test_wrong_arguments_are_refused():
    with pytest.raises(InvalidArgumentError, match="'super'"):
        statements(CODES, TABLE, kind="super")
    with pytest.raises(InvalidArgumentError, match=r"-1"):
        statements(CODES, TABLE, kind="all", min_likelihood=-1)


@pytest.fixture
def copy(ptb_xl_fake, tmp_path):
    """A fake that may be changed."""
    root = tmp_path / "ptb_xl"
    shutil.copytree(ptb_xl_fake[0], root)
    return root


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_folds_make_the_official_split(ptb_xl_fake):
    catalog = ptb_xl.index(ptb_xl_fake[0])
    assert Counter(e.split for e in catalog) == {"train": 25, "val": 3, "test": 3}
    assert {e.labels["fold"] for e in catalog.split("train")} == set(range(1, 9))
    assert {e.labels["fold"] for e in catalog.split("test")} == {10}
    assert len(catalog.patients) == 30
    assert catalog["00031"].patient == catalog["00001"].patient == "101"


def test_every_split_of_the_fake_has_both_outcomes_of_each_superclass(ptb_xl_fake):
    catalog = ptb_xl.index(ptb_xl_fake[0])
    for split in catalog.splits:
        part = catalog.split(split).where(lambda e: "superclass" in e.provides)
        counts = Counter(n for e in part for n in e.labels["superclass"])
        assert set(counts) == {"CD", "HYP", "MI", "NORM", "STTC"}
        assert max(counts.values()) < len(part)


def test_signals_of_the_fake_show_what_its_statements_say(ptb_xl_fake):
    """Each statement is a finding of the simulation, and each finding is stated."""
    codes = ptb_xl.read_codes(ptb_xl_fake[0])
    stated = {
        "AMI": "anterior_infarct",
        "IMI": "inferior_infarct",
        "LMI": "lateral_infarct",
        "LVH": "left_ventricular_hypertrophy",
        "CLBBB": "left_bundle_branch_block",
        "LAFB": "left_anterior_fascicular_block",
        "AFIB": "atrial_fibrillation",
        "PVC": "ventricular_ectopy",
        "SR": "sinus_rhythm",
        "SBRAD": "sinus_rhythm",
    }
    plan = [case for fold in range(1, 11) for case in _ptb_xl_fake._cases(fold)]
    for number, case in enumerate([*plan, _ptb_xl_fake._NO_DIAGNOSIS], start=1):
        patient = 100 + (number if number <= len(plan) else 1)
        found = set(_ptb_xl_fake.examine(case, patient).truth.findings) - {"strain"}
        want = {stated[code] for code in codes[f"{number:05d}"] if code in stated}
        assert found == want
    assert {code for record in codes.values() for code in record} == {
        *stated, "NORM", "NDT", "ABQRS"
    }  # fmt: skip


def test_fibrillation_and_ectopy_of_the_fake_are_in_its_intervals(ptb_xl_fake):
    data = ptb_xl.DATASET.open(ptb_xl_fake[0])
    for id_, spread in (("00001", 0.06), ("00003", 0.12), ("00004", 0.15)):
        ecg = data[id_]["ecg"]
        one = Stream("ecg", ecg.load()[:, 1], ecg.time, ("time",), "mV")
        rr = np.diff(find_r_peaks(one))
        variation = rr.std() / rr.mean()
        assert (variation < spread) if id_ == "00001" else (variation > spread)


def test_what_is_not_stated_is_not_provided(ptb_xl_fake):
    catalog = ptb_xl.index(ptb_xl_fake[0])
    over_89, unknown, no_diagnosis = (catalog[i] for i in ("00003", "00004", "00031"))
    assert math.isnan(over_89.labels["age"])
    assert over_89.labels["age_over_89"] is True
    assert over_89.labels["age_band"] == "75+"
    assert unknown.labels["age_band"] is None
    assert "age" not in over_89.provides
    assert "age_over_89" in over_89.provides
    assert unknown.labels["age_over_89"] is None
    assert not {"age", "age_over_89", "age_band"} & unknown.provides
    assert no_diagnosis.labels["superclass"] == ()
    assert not {"superclass", "subclass", "diagnostic", "form"} & no_diagnosis.provides
    assert {"rhythm_statements", "all", "ecg", "age"} <= no_diagnosis.provides


@pytest.mark.parametrize(
    ("age", "band"),
    [
        ("39.0", "0-39"),
        ("40.0", "40-59"),
        ("59.0", "40-59"),
        ("60.0", "60-74"),
        ("74.0", "60-74"),
        ("75.0", "75+"),
        ("300.0", "75+"),
    ],
)
def test_bands_of_ages(copy, age, band):
    edit(copy / "ptbxl_database.csv", "1,101.0,41.0", f"1,101.0,{age}")
    assert ptb_xl.index(copy)["00001"].labels["age_band"] == band


def test_codes_keep_their_likelihoods_in_the_catalog(ptb_xl_fake):
    catalog = ptb_xl.index(ptb_xl_fake[0])
    assert catalog["00001"].labels["scp_codes"] == ("NORM:100", "SR:0")
    stated = catalog["00002"].labels["scp_codes"]
    assert stated == ("NDT:100", "IMI:15", "ABQRS:0", "SR:0")


def test_leads_are_named_as_everywhere_whatever_the_header_writes(copy):
    assert "AVR" in (copy / "records500/00000/00001_hr.hea").read_text()
    assert ptb_xl.DATASET.open(copy)["00001"]["ecg"].coords["lead"][3] == "aVR"


def test_a_copy_with_one_rate_provides_that_rate(copy):
    shutil.rmtree(copy / "records500")
    data = ptb_xl.DATASET.open(copy)
    assert all("ecg" not in entry.provides for entry in data.catalog)
    recording = data["00002"]
    assert list(recording.streams) == ["ecg_100hz"]
    assert len(recording.entry.files) == 2
    assert recording["ecg_100hz"].shape == (1000, 12)
    with pytest.raises(NotProvidedError, match="ecg_100hz"):
        recording["ecg"]


def test_a_record_without_its_samples_is_not_provided(copy):
    (copy / "records100/00000/00002_lr.dat").unlink()
    catalog = ptb_xl.index(copy)
    assert "ecg_100hz" not in catalog["00002"].provides
    assert "ecg_100hz" in catalog["00003"].provides


def test_the_catalog_opens_no_record(copy):
    for path in copy.rglob("*_hr.*"):
        path.write_bytes(b"")
    assert len(ptb_xl.index(copy)) == 31


def test_both_rates_have_their_clock(ptb_xl_fake):
    recording = ptb_xl.DATASET.open(ptb_xl_fake[0])["00001"]
    for name, rate in (("ecg", 500), ("ecg_100hz", 100)):
        stream = recording[name]
        assert (stream.dims, stream.unit) == (("time", "lead"), "mV")
        assert stream.coords["lead"] == LEADS
        assert stream.time[[0, 1, -1]] == pytest.approx([0, 1 / rate, 10 - 1 / rate])
    at_one_second = [recording[n].between(1.0, 1.001).load() for n in recording.streams]
    np.testing.assert_allclose(*at_one_second, atol=0.0011)


@pytest.mark.parametrize("name", ["ptbxl_database.csv", "scp_statements.csv"])
def test_a_missing_table_is_named_with_where_to_get_it(copy, name):
    (copy / name).unlink()
    with pytest.raises(DataMissingError, match=rf"'{name}'.*physionet\.org"):
        ptb_xl.index(copy)


@pytest.mark.parametrize(
    ("name", "column"),
    [("ptbxl_database.csv", "scp_codes"), ("scp_statements.csv", "diagnostic_class")],
)
def test_a_missing_column_is_named_with_its_file(copy, name, column):
    edit(copy / name, column, "other")
    with pytest.raises(DataCorruptError, match=rf"{name}.*'{column}'"):
        ptb_xl.index(copy)


@pytest.mark.parametrize(
    "codes",
    [
        "__import__('os').getcwd()",
        "['NORM']",
        "{'NORM': 'much'}",
        "{'NORM': 100.0",
        "1",
    ],
)
def test_codes_that_are_no_dictionary_name_the_row_and_are_never_run(copy, codes):
    edit(copy / "ptbxl_database.csv", "{'NORM': 100.0, 'SR': 0.0}", codes)
    with pytest.raises(DataCorruptError, match="ecg_id 1: scp_codes"):
        ptb_xl.index(copy)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1,101.0,", "1,,"),
        ("1,101.0,41.0", "1,101.0,old"),
        (",1,records100", ",11,records100"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(copy, old, new):
    edit(copy / "ptbxl_database.csv", old, new)
    with pytest.raises(DataCorruptError, match="ecg_id 1: patient_id"):
        ptb_xl.index(copy)


def test_a_table_cannot_lead_out_of_the_root(copy):
    edit(copy / "ptbxl_database.csv", "records500/", "../records500/")
    with pytest.raises(DataCorruptError, match="leads out"):
        ptb_xl.index(copy)


def test_a_truncated_record_is_told_with_both_sizes(copy):
    path = copy / "records500/00000/00001_hr.dat"
    path.write_bytes(path.read_bytes()[:60000])
    recording = ptb_xl.DATASET.open(copy)["00001"]
    with pytest.raises(DataCorruptError, match=r"00001_hr\.dat.*60000 .*120000"):
        recording["ecg"].load()


@pytest.mark.parametrize(
    ("old", "new"), [(" 12 500 ", " 12 250 "), ("V1", "V7"), ("/mV", "/uV")]
)
def test_a_header_of_another_record_is_refused(copy, old, new):
    edit(copy / "records500/00000/00001_hr.hea", old, new)
    with pytest.raises(DataCorruptError, match=r"00001_hr\.hea.*expected 500 Hz"):
        ptb_xl.DATASET.open(copy)["00001"]


def test_fake_records_read_the_same_in_wfdb(ptb_xl_fake):
    root, known = ptb_xl_fake
    theirs = wfdb.rdrecord(str(root / "records500/00000/00005_hr"))
    ours = known[4].recording["ecg"].load()
    assert theirs.sig_name == [*WRITTEN]
    np.testing.assert_allclose(theirs.p_signal, ours, rtol=0, atol=0.501e-3)


def test_real_labels(shared_data):
    """Counted over the 434 rows of the sample with likelihoods left aside."""
    catalog = ptb_xl.index(shared_data / "ptb_xl")
    assert (len(catalog), len(catalog.patients)) == (434, 407)
    assert Counter(e.split for e in catalog) == {"train": 353, "val": 81}
    counts = Counter(name for e in catalog for name in e.labels["superclass"])
    assert counts == {"NORM": 261, "STTC": 80, "CD": 67, "MI": 65, "HYP": 33}
    assert sum("superclass" in e.provides for e in catalog) == 424
    kinds = ("form", "rhythm_statements")
    with_label = {k: sum(k in e.provides for e in catalog) for k in kinds}
    assert with_label == {"form": 110, "rhythm_statements": 406}
    assert all("rhythm" not in e.provides for e in catalog)
    assert sum("ecg" in e.provides for e in catalog) == 103
    assert sum("ecg_100hz" in e.provides for e in catalog) == 434
    first = catalog["00001"]
    assert (first.patient, first.split) == ("15709", "train")
    assert first.labels["all"] == ("LVOLT", "NORM", "SR")
    assert first.labels["sex"] == "female"
    assert first.labels["scp_codes"] == ("NORM:100", "LVOLT:0", "SR:0")
    bands = Counter(e.labels["age_band"] for e in catalog)
    assert sum(bands.values()) == 434
    assert bands[None] == sum(math.isnan(e.labels["age"]) for e in catalog if
                              not e.labels["age_over_89"])  # fmt: skip
    # 13619 is the patient with the most recordings of the sample
    assert sum(entry.patient == "13619" for entry in catalog) == 8


def test_real_statements(shared_data):
    """71 codes: 44 diagnostic, 19 form, 12 rhythm, four of them of two kinds."""
    table = ptb_xl.read_statements(shared_data / "ptb_xl")
    assert len(table) == 71
    assert sum(s.diagnostic for s in table.values()) == 44
    assert sum(s.form for s in table.values()) == 19
    assert sum(s.rhythm for s in table.values()) == 12
    both = {code for code, s in table.items() if s.diagnostic and s.form}
    assert both == {"NDT", "NST_", "DIG", "LNGQT"}
    superclass = Counter(s.superclass for s in table.values() if s.diagnostic)
    assert superclass == {"MI": 14, "STTC": 13, "CD": 11, "HYP": 5, "NORM": 1}
    assert len({s.subclass for s in table.values() if s.diagnostic}) == 23


def test_the_table_of_the_package_is_that_of_the_release(shared_data):
    table = ptb_xl.read_statements(shared_data / "ptb_xl")
    assert dict(sorted(table.items())) == dict(SCP_STATEMENTS)
    sizes = {k: len(statement_names(k)) for k in get_args(StatementKind)}
    assert sizes == {"superclass": 5, "subclass": 23, "diagnostic": 44, "form": 19,
                     "rhythm": 12, "all": 71}  # fmt: skip


def test_real_women_are_smaller(shared_data):
    """Which number of the table means which sex shows in the heights [cm]."""
    root = shared_data / "ptb_xl"
    rows = ptb_xl._read_records(root)
    sex = {e.id: e.labels["sex"] for e in ptb_xl.index(root)}
    heights = {"female": [], "male": []}
    for row in rows:
        if row["height"]:
            heights[sex[ptb_xl._id(row)]].append(float(row["height"]))
    assert np.mean(heights["female"]) == pytest.approx(161.2, abs=0.1)
    assert np.mean(heights["male"]) == pytest.approx(173.6, abs=0.1)


def test_real_codes_by_likelihood(shared_data):
    root = shared_data / "ptb_xl"
    table, codes = ptb_xl.read_statements(root), ptb_xl.read_codes(root)
    counts = {
        least: Counter(
            name
            for record in codes.values()
            for name in statements(
                record, table, kind="superclass", min_likelihood=least
            )
        )
        for least in (0, 50, 100)
    }
    assert counts[0] == {"NORM": 261, "STTC": 80, "CD": 67, "MI": 65, "HYP": 33}
    assert counts[50] == {"NORM": 261, "STTC": 80, "CD": 67, "MI": 41, "HYP": 31}
    assert counts[100] == {"NORM": 218, "STTC": 74, "CD": 65, "MI": 22, "HYP": 23}


def test_real_signals_are_those_of_wfdb(shared_data):
    root = shared_data / "ptb_xl"
    recording = ptb_xl.DATASET.open(root)["00001"]
    for name, stem in (("ecg", "records500/00000/00001_hr"),
                       ("ecg_100hz", "records100/00000/00001_lr")):  # fmt: skip
        theirs = wfdb.rdrecord(str(root / stem), physical=True).p_signal
        stream = recording[name]
        np.testing.assert_array_equal(stream.load(), theirs.astype(np.float32))
        part = stream.between(2.0, 2.5)
        np.testing.assert_array_equal(
            part.values, theirs[len(theirs) // 5 : len(theirs) // 4].astype(np.float32)
        )
    # the header's first samples: -119, -55 and 64 units of 1 microvolt
    first = recording["ecg_100hz"].load()[0, :3]
    np.testing.assert_allclose(first, [-0.119, -0.055, 0.064], atol=1e-7)


def test_real_limb_leads_obey_einthoven(shared_data):
    """Within the rounding of three leads to 1 microvolt."""
    data = ptb_xl.DATASET.open(shared_data / "ptb_xl")
    for record in ("00001", "00007", "00120"):
        stream = data[record]["ecg"]
        lead = dict(zip(stream.coords["lead"], 1e3 * stream.load().T, strict=True))
        for value in (
            lead["III"] - (lead["II"] - lead["I"]),
            lead["aVR"] + (lead["I"] + lead["II"]) / 2,
            lead["aVL"] - (lead["I"] - lead["III"]) / 2,
            lead["aVF"] - (lead["II"] + lead["III"]) / 2,
        ):
            assert np.abs(value).max() <= 1.51
