"""CSV tables: columns by name, and clear refusals."""

import pytest

from cardium.errors import DataCorruptError
from cardium.io.tables import read_rows


def test_rows_are_text_by_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('id,codes,report\n1,"{\'NORM\': 100.0}",\n2,"{}",Ä\n', "utf-8")
    assert read_rows(path, required=("id", "codes")) == [
        {"id": "1", "codes": "{'NORM': 100.0}", "report": ""},
        {"id": "2", "codes": "{}", "report": "Ä"},
    ]


def test_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfid,age\r\n1,56\r\n")
    assert read_rows(path, required=("id",)) == [{"id": "1", "age": "56"}]


def test_missing_column_is_named_with_the_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,age\n1,56\n")
    with pytest.raises(DataCorruptError, match=r"a\.csv.*'sex'.*id, age"):
        read_rows(path, required=("id", "sex"))


def test_empty_file_has_no_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("")
    with pytest.raises(DataCorruptError, match=r"no column 'id'\. It has: none"):
        read_rows(path, required=("id",))


@pytest.mark.parametrize("row", ["1", "1,2,3"])
def test_a_row_of_another_length_is_named_by_line(tmp_path, row):
    path = tmp_path / "a.csv"
    path.write_text(f"id,age\n7,8\n{row}\n")
    with pytest.raises(DataCorruptError, match="line 3"):
        read_rows(path)


def test_other_encodings_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("id\nÄ\n".encode("latin-1"))
    with pytest.raises(DataCorruptError, match="UTF-8"):
        read_rows(path)
