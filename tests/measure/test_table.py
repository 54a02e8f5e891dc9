"""Tables of a dataset: order, failures, workers, files."""

from __future__ import annotations

import csv
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import pyarrow.parquet as parquet
import pytest

from cardium.core import Catalog, Dataset, Entry, Info, OpenDataset, Recording
from cardium.errors import DataCorruptError, InvalidArgumentError
from cardium.measure.echo import COLUMNS, Measurements
from cardium.measure.table import check_table, measure_dataset, write_table
from measure.conftest import beating_heart


def _index(root: Path) -> Catalog:
    """Two patients of two views each, and a recording that cannot be read."""
    rows = [
        Entry(
            f"r{number}.{view.lower()}",
            f"p{number}",
            "",
            frozenset({"lv_contour"}),
            (PurePosixPath(f"r{number}.zarr"),),
            MappingProxyType({"view": view}),
            f"e{number}",
        )
        for number in (1, 2)
        for view in ("4CH", "2CH")
    ]
    return Catalog((*rows, Entry("broken", "p2", "", frozenset(), exam="e2")))


def _load(root: Path, entry: Entry) -> Recording:
    if entry.id == "broken":
        raise DataCorruptError("its header is torn")
    beating = beating_heart(int(entry.patient[1:]))
    annotations = {"lv_contour": beating.contour(), "qrs": beating.qrs()}
    return Recording(entry, {}, annotations)


@pytest.fixture
def data(tmp_path) -> OpenDataset:
    info = Info("Toy", "", "", "", "", "", "")
    toy = Dataset("toy", info, frozenset(), _index, _load, lambda root: ())
    return OpenDataset(toy, tmp_path)


def ef(number: int) -> float:
    return 100 * beating_heart(number).heart.function.ejection_fraction


def test_one_row_a_recording_in_order(data) -> None:
    seen = []
    rows = measure_dataset(
        data, progress=lambda done, total: seen.append((done, total))
    )
    assert [row.recording for row in rows] == [e.id for e in data.catalog]
    assert seen == [(k, 5) for k in range(1, 6)]
    assert rows[0].values["ef_percent"] == pytest.approx(ef(1), abs=0.05)
    assert rows[4].values == {}
    assert rows[4].reasons == ("DataCorruptError: its header is torn",)


def test_one_row_an_examination(data) -> None:
    rows = measure_dataset(data, by="exam")
    assert [(row.patient, row.exam) for row in rows] == [("p1", "e1"), ("p2", "e2")]
    for number, row in enumerate(rows, start=1):
        assert row.values["volume_method"] == "biplane_discs"
        assert row.values["ef_percent"] == pytest.approx(ef(number), abs=0.05)
    assert rows[1].reasons == ("broken: DataCorruptError: its header is torn",)


def test_a_part_of_the_catalog(data) -> None:
    rows = measure_dataset(data, data.catalog.of_patients(["p2"]), by="exam")
    assert [row.patient for row in rows] == ["p2"]
    assert measure_dataset(data, Catalog(())) == []


@pytest.mark.parametrize("options", [{"by": "patient"}, {"workers": 0}])
def test_wrong_options_are_refused(data, options) -> None:
    with pytest.raises(InvalidArgumentError):
        measure_dataset(data, **options)


def test_workers_give_the_same_rows(tmp_path) -> None:
    from cardium.datasets import DATASETS

    DATASETS.find("echoxflow").write_fake(tmp_path)
    opened = DATASETS.find("echoxflow").open(tmp_path)
    catalog = opened.catalog[:6]
    one = measure_dataset(opened, catalog)
    two = measure_dataset(opened, catalog, workers=2)
    assert [row.row() for row in one] == [row.row() for row in two]


ROWS = [
    Measurements("r1", "p1", values={"ef_percent": 61.2345678, "flow": "AV, LVOT"}),
    Measurements("r2", "p2", flags=("folded",), reasons=('it said "no"',)),
]


def test_csv_holds_every_column(tmp_path) -> None:
    path = tmp_path / "deep" / "a.csv"
    write_table(path, ROWS)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert set(COLUMNS) < set(rows[0])
    assert (rows[0]["ef_percent"], rows[0]["flow"]) == ("61.2346", "AV, LVOT")
    assert (rows[1]["ef_percent"], rows[1]["reason"]) == ("", 'it said "no"')
    assert [p.name for p in path.parent.iterdir()] == ["a.csv"]


def test_parquet_keeps_types(tmp_path) -> None:
    write_table(tmp_path / "a.parquet", ROWS)
    table = parquet.read_table(tmp_path / "a.parquet")
    assert table.num_rows == 2
    assert table["ef_percent"].to_pylist() == [61.2345678, None]
    assert table["flow"].to_pylist() == ["AV, LVOT", None]
    assert str(table.schema.field("vti_cm").type) == "double"


def test_other_files_are_refused_before_anything_is_measured(tmp_path) -> None:
    with pytest.raises(InvalidArgumentError, match="xlsx"):
        check_table(tmp_path / "a.xlsx")
    with pytest.raises(InvalidArgumentError, match="xlsx"):
        write_table(tmp_path / "a.xlsx", ROWS)
