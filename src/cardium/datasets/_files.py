"""What every dataset module needs of the disk."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from shutil import rmtree
from tempfile import TemporaryFile

from cardium.core import Info
from cardium.core.files import sha256, write_text
from cardium.errors import (
    CardiumError,
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
)


def require(root: Path, name: str | PurePosixPath, info: Info) -> Path:
    """Return ``root / name``, or say what is missing and where to get it.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    name : str or PurePosixPath
        A file or folder, relative to the root, as the layout or a table of the
        source names it.
    info : Info
        The data sheet, for the message.

    Returns
    -------
    Path
        A path that exists.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataCorruptError
        If the name leads out of the root: a table must not make cardium read, nor a
        checksum list write, anywhere else.
    """
    path = root / inside(name)
    if not path.exists():
        raise DataMissingError(
            f"{info.title}: '{name}' is not under '{root}'. {info.access}"
        )
    return path


def inside(name: str | PurePosixPath) -> PurePosixPath:
    """Refuse a relative name that would leave the folder it is relative to.

    Examples
    --------
    >>> inside("records100/00000/00001_lr")
    PurePosixPath('records100/00000/00001_lr')
    >>> inside("../00001_lr")
    Traceback (most recent call last):
    cardium.errors.DataCorruptError: '../00001_lr' leads out of ...
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in str(name):
        raise DataCorruptError(
            f"'{name}' leads out of the dataset's folder. "
            "Get the file that names it again."
        )
    return path


def move(source: Path, target: Path) -> None:
    """Move a file or a folder on one disk; what has the target's name is replaced."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        rmtree(target)
    source.replace(target)


def make_root(root: Path) -> None:
    """Make a folder that a dataset is to be written to, or say why that cannot be.

    Parameters
    ----------
    root : Path
        The folder; it and those above it are made if need be.

    Raises
    ------
    InvalidArgumentError
        If there is something in it, or it is a file.
    CardiumError
        If it cannot be made or written to.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise InvalidArgumentError(
            f"'{root}' is not an empty folder. Name a new one, or empty it."
        )
    try:
        root.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=root):
            pass
    except OSError as error:
        raise CardiumError(
            f"Cannot write to '{root}': {error.strerror}. Name another folder."
        ) from error


def read_checksums(path: Path) -> dict[str, str]:
    """Read a list of SHA-256 checksums as ``sha256sum`` writes it.

    Returns
    -------
    dict of str to str
        The 64 hexadecimal digits of each file, by its name relative to the list.

    Raises
    ------
    DataCorruptError
        If a line is not a checksum and a name inside the folder.
    """
    found = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        digest, _, name = line.partition(" ")
        name = name.strip().removeprefix("*")
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef") or not name:
            raise DataCorruptError(
                f"'{path}', line {number}: expected a SHA-256 checksum and a file "
                f"name, found '{line[:80]}'. Get the file again."
            )
        found[str(inside(name))] = digest
    return found


def write_checksums(root: Path) -> None:
    """Write ``SHA256SUMS.txt`` over all files of a folder, as PhysioNet does."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    sums = (f"{sha256(path)} {path.relative_to(root).as_posix()}\n" for path in files)
    write_text(root / "SHA256SUMS.txt", "".join(sums))
