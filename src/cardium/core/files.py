"""Files that are whole or not there: written aside, then renamed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path
from typing import Any

import numpy as np

from cardium.errors import DataCorruptError, DataMissingError, RunConflictError

_CHUNK = 1 << 20


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield a neighbouring path to write to; it takes the name `path` at the end.

    When the block raises, or the process dies, whatever `path` held before is still
    there and nothing half-written has its name.

    Parameters
    ----------
    path : Path
        Where the file is to be; parent folders are made.

    Yields
    ------
    Path
        The temporary path, in the same folder and with the same suffixes.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with written_aside(Path(folder) / "a.txt") as aside:
    ...         _ = aside.write_text("whole")
    ...     (Path(folder) / "a.txt").read_text()
    'whole'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".part{os.getpid()}.{path.name}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def locked_journal(path: Path) -> Iterator[BufferedRandom]:
    """Yield what notes the progress of a folder that is being written, locked.

    Parameters
    ----------
    path : Path
        The journal, in the folder; both are made if need be.

    Yields
    ------
    file
        Opened to be read, at its start, and to be appended to.

    Raises
    ------
    RunConflictError
        If the folder holds files and no journal, or another process writes it.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with locked_journal(Path(folder) / "pack" / "unfinished") as file:
    ...         _ = file.write(b"one")
    ...     with locked_journal(Path(folder) / "pack" / "unfinished") as file:
    ...         file.read()
    b'one'
    """
    import fcntl

    folder = path.parent
    if folder.is_dir() and not path.exists() and any(folder.iterdir()):
        raise RunConflictError(
            f"'{folder}' holds files and is no pack. Choose a folder that is not there."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunConflictError(
                f"Another process writes the pack '{folder}'. Wait for it."
            ) from error
        file.seek(0)
        yield file


def write_text(path: Path, text: str) -> None:
    """Write a text file whole, in UTF-8 with Unix line ends."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: object) -> None:
    """Write a JSON file whole; NaN becomes null, numpy numbers become numbers."""
    write_text(path, json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; missing and corrupt are told apart.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        The object, its keys in the file's order.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataCorruptError
        If it is not JSON, or not an object.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_json(Path(folder) / "a.json", {"dice": np.float32(0.5)})
    ...     read_json(Path(folder) / "a.json")
    {'dice': 0.5}
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataMissingError(f"'{path}' does not exist.") from error
    except ValueError as error:
        raise DataCorruptError(
            f"'{path}' is not JSON ({error}). Restore it or delete it."
        ) from error
    if not isinstance(value, dict):
        raise DataCorruptError(
            f"'{path}' holds a JSON {type(value).__name__}, expected an object."
        )
    return value


def plain(value: object) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Turn numpy values, paths, tuples and sets into what JSON can hold.

    Parameters
    ----------
    value : object
        A number, a text, an array, or containers of them.

    Returns
    -------
    dict, list, str, float, int, bool or None
        The same; numbers that are not finite become None, sets sorted lists.

    Examples
    --------
    >>> plain({"a": np.float32(0.5), "b": (1, float("nan"))})
    {'a': 0.5, 'b': [1, None]}
    """
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(v) for v in value)
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def sha256(path: Path) -> str:
    """Hash a file in pieces, so that its size does not matter."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()
