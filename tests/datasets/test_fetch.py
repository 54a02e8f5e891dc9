"""Downloads from a server on this machine: whole, resumed, refused."""

import hashlib
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from cardium.datasets import fetch
from cardium.datasets.camus import DATASET as CAMUS
from cardium.datasets.ptb_xl import DATASET as PTB_XL
from cardium.errors import DataCorruptError, DataMissingError, NotProvidedError

FILES = {
    "table.csv": b"id\n1\n",
    "LICENSE.txt": b"free",
    "records100/00000/a.dat": b"\x01\x02",
    "records100/00000/b.dat": b"\x03\x04",
    "records500/00000/a b.dat": b"\x05\x06",
}


@pytest.fixture
def source(tmp_path):
    """A dataset that is served, the folder it is served from, the paths asked for."""
    folder = tmp_path / "source"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    sums = (f"{hashlib.sha256(c).hexdigest()} {n}\n" for n, c in FILES.items())
    (folder / "SHA256SUMS.txt").write_text("".join(sums))
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    yield replace(PTB_XL, info=replace(PTB_XL.info, download=url)), folder, asked
    server.shutdown()
    thread.join()
    server.server_close()


def there(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS.txt"
    }


def test_everything_listed_arrives(source, tmp_path, capfd):
    dataset, _, _ = source
    steps = []
    root = fetch(dataset, tmp_path / "new" / "ptb", progress=lambda *s: steps.append(s))
    assert there(root) == FILES
    assert steps == [(n, 5) for n in range(1, 6)]
    assert capfd.readouterr() == ("", "")


def test_a_second_run_fetches_only_what_is_missing_or_broken(source, tmp_path):
    dataset, _, asked = source
    root = fetch(dataset, tmp_path / "ptb")
    (root / "table.csv").unlink()
    (root / "LICENSE.txt").write_bytes(b"half")
    asked.clear()
    fetch(dataset, root)
    assert sorted(asked) == ["/LICENSE.txt", "/table.csv"]
    assert there(root) == FILES


def test_a_part_comes_with_the_files_at_the_top(source, tmp_path):
    dataset, _, _ = source
    root = fetch(dataset, tmp_path / "ptb", only=("records100",))
    assert sorted(there(root)) == sorted(n for n in FILES if "records500" not in n)


def test_a_part_that_does_not_exist_is_refused(source, tmp_path):
    dataset, _, _ = source
    with pytest.raises(NotProvidedError, match=r"records250.*records100, records500"):
        fetch(dataset, tmp_path / "ptb", only=("records250",))


def test_another_checksum_is_refused_and_nothing_kept(source, tmp_path):
    dataset, folder, _ = source
    (folder / "table.csv").write_bytes(b"changed")
    with pytest.raises(DataCorruptError, match=r"table\.csv"):
        fetch(dataset, tmp_path / "ptb")
    assert not (tmp_path / "ptb" / "table.csv").exists()


def test_a_file_that_is_not_served_is_named(source, tmp_path):
    dataset, folder, _ = source
    (folder / "table.csv").unlink()
    with pytest.raises(DataMissingError, match=r"table\.csv.*Run it again"):
        fetch(dataset, tmp_path / "ptb")


def test_a_list_cannot_write_outside_the_root(source, tmp_path):
    dataset, folder, _ = source
    (folder / "SHA256SUMS.txt").write_text("0" * 64 + " ../evil.txt\n")
    with pytest.raises(DataCorruptError, match=r"\.\./evil\.txt"):
        fetch(dataset, tmp_path / "ptb")


def test_the_default_place_is_where_it_is_read_from(source, tmp_path, monkeypatch):
    dataset, _, _ = source
    monkeypatch.setenv("CARDIUM_DATA", str(tmp_path / "data"))
    root = fetch(dataset)
    assert root == tmp_path / "data" / "ptb_xl"
    assert dataset.open().root == root


def test_a_dataset_behind_a_registration_says_how_to_get_it(tmp_path):
    with pytest.raises(NotProvidedError, match=r"Register at https://www\.creatis"):
        fetch(CAMUS, tmp_path)
