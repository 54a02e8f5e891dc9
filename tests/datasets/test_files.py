"""Files under a root: missing, outside, and their checksums."""

from pathlib import PurePosixPath

import pytest

from cardium.datasets._files import inside, read_checksums, require
from cardium.datasets.camus import INFO
from cardium.errors import DataCorruptError, DataMissingError


def test_a_file_that_is_there_is_returned(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").touch()
    assert require(tmp_path, "a/b.txt", INFO) == tmp_path / "a" / "b.txt"
    assert require(tmp_path, PurePosixPath("a"), INFO) == tmp_path / "a"


def test_a_missing_file_is_named_with_its_root_and_remedy(tmp_path):
    with pytest.raises(
        DataMissingError, match=rf"CAMUS: 'a\.txt'.*{tmp_path}.*Register"
    ):
        require(tmp_path, "a.txt", INFO)


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/passwd", "..\\a"])
def test_no_name_leads_out_of_the_root(name):
    with pytest.raises(DataCorruptError, match="leads out"):
        inside(name)


def test_checksums_are_read_in_both_notations(tmp_path):
    path = tmp_path / "sums"
    path.write_text(f"{'a' * 64} one.txt\n{'0' * 64} *b/two words.txt\n")
    assert read_checksums(path) == {"one.txt": "a" * 64, "b/two words.txt": "0" * 64}


@pytest.mark.parametrize("line", ["x" * 64 + " a", "a" * 63 + " a", "a" * 64])
def test_a_line_that_is_no_checksum_is_named(tmp_path, line):
    path = tmp_path / "sums"
    path.write_text(f"{'a' * 64} one.txt\n{line}\n")
    with pytest.raises(DataCorruptError, match="line 2"):
        read_checksums(path)
