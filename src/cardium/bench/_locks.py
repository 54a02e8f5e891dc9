"""Locks on folders: held by one process, and let go when it dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock of a file while the block runs.

    Parameters
    ----------
    path : Path
        The file; it is made, and stays.
    wait : bool
        Whether to wait for a process that holds it.

    Yields
    ------
    bool
        Whether it is held; False only if another process does and `wait` is not set.

    Notes
    -----
    The system keeps the lock, not the file: it is gone when the process is, however it
    ended. On a disk that hosts share it works as far as the disk does (NFS 4, Lustre
    with ``flock``).

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "lock"
    ...     with locked(path, wait=False) as one, locked(path, wait=False) as two:
    ...         one, two
    (True, False)
    """
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
