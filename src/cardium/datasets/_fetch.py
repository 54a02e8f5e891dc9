"""Download a dataset whose source serves it to everybody, checked file by file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

from cardium.core import Dataset, Progress
from cardium.core.dataset import default_root
from cardium.datasets._files import read_checksums
from cardium.errors import DataCorruptError, DataMissingError, NotProvidedError

_Download = Callable[[str, str, object], None]
_CHUNK = 1 << 20
_TIMEOUT = 30.0  # s without an answer


def fetch(
    dataset: Dataset,
    root: str | Path | None = None,
    *,
    only: tuple[str, ...] = (),
    workers: int = 4,
    progress: Progress | None = None,
) -> Path:
    """Download a dataset; what is there and whole is not fetched again.

    Parameters
    ----------
    dataset : Dataset
        One whose source serves its files to everybody, ``info.download``.
    root : str or Path, optional
        Where to put it; made if need be. If not given, where `find_root` looks for it.
    only : tuple of str, optional
        Fetch only files whose path begins with one of these, ``("records100/",)``,
        and the files at the top, which are tables and terms. If not given, all.
    workers : int
        Files fetched at a time.
    progress : function (done, total), optional
        Called after each file.

    Returns
    -------
    Path
        The root.

    Raises
    ------
    NotProvidedError
        If the source does not serve its files to everybody (the message says how to
        get access), or no file begins with `only`.
    DataMissingError
        If a file could not be fetched; run again, and it goes on from there.
    DataCorruptError
        If a file arrived with another checksum than the source lists.

    Notes
    -----
    The source's SHA-256 list is fetched first and every file is held against it, those
    already on disk too. A file takes its name when it is whole, so an interrupted run
    leaves nothing half-written.
    """
    info = dataset.info
    if info.download is None or info.checksums is None:
        raise NotProvidedError(
            f"{info.title} cannot be fetched for you: its source serves it to "
            f"registered people only. {info.access}"
        )
    folder = Path(root).expanduser() if root is not None else default_root(dataset)
    with _quiet_pooch(), _connections() as download:
        retrieve = partial(_retrieve, info.download, folder, download)
        retrieve(info.checksums, None)
        sums = read_checksums(folder / info.checksums)
        names = [n for n in sums if "/" not in n or not only or n.startswith(only)]
        if only and not any("/" in name for name in names):
            raise NotProvidedError(
                f"{info.title}: no file begins with {' or '.join(only)}. Folders: "
                f"{', '.join(sorted({n.split('/')[0] for n in sums if '/' in n}))}."
            )
        with ThreadPoolExecutor(workers) as pool:
            tasks = [pool.submit(retrieve, name, sums[name]) for name in names]
            try:
                for done, task in enumerate(as_completed(tasks), start=1):
                    task.result()
                    if progress is not None:
                        progress(done, len(names))
            finally:
                pool.shutdown(cancel_futures=True)
    return folder


def _retrieve(
    base: str, folder: Path, download: _Download, name: str, digest: str | None
) -> None:
    """Fetch one file unless it is there with that checksum."""
    import pooch

    url = base.rstrip("/") + "/" + quote(name)
    path = folder / name
    known = None if digest is None else f"sha256:{digest}"
    try:
        pooch.retrieve(url, known, path.name, path.parent, downloader=download)
    except OSError as error:
        raise DataMissingError(
            f"'{url}' could not be fetched ({error}). Run it again: what is already "
            f"under '{folder}' is kept."
        ) from error
    except ValueError as error:
        raise DataCorruptError(
            f"'{url}' arrived with another SHA-256 than {digest}, which the source "
            "lists. It was not kept. Run it again; if it stays, tell the source."
        ) from error


@contextmanager
def _connections() -> Iterator[_Download]:
    """Keep connections open from file to file; pooch alone makes one for each."""
    import requests

    with requests.Session() as session:

        def download(url: str, path: str, _: object) -> None:
            with session.get(url, stream=True, timeout=_TIMEOUT) as response:
                response.raise_for_status()
                with Path(path).open("wb") as file:
                    file.writelines(response.iter_content(_CHUNK))

        yield download


@contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Keep pooch from writing a line a file to stderr."""
    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")
    try:
        yield
    finally:
        logger.setLevel(level)
