"""WFDB annotation files (PhysioNet, MIT format): beats, rhythms, and what else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import FloatArray, Stream, need
from cardium.errors import InvalidArgumentError
from cardium.io._wfdb_annotations import SYMBOLS, parse_annotations
from cardium.signal.beat_classes import BEAT_SYMBOLS, label_stream

_RHYTHMS = {"VF": "VFIB"}  # both are written for ventricular fibrillation


@dataclass(frozen=True, slots=True)
class Annotations:
    """What an annotation file says, in the order of time.

    Parameters
    ----------
    time : (K,) [s]
        When, from the record's start.
    sample : (K,) int64
        The same in samples.
    symbol : tuple of str
        What: ``N``, ``V``, ``+``; a code that has no symbol is ``[42]``.
    note : tuple of str
        What is written beside it, without the zeros and blanks around it; or empty.
    channel, subtype : (K,) int64
        The signal it is of, and its kind by the source's own numbers.
    """

    time: FloatArray
    sample: NDArray[np.int64]
    symbol: tuple[str, ...]
    note: tuple[str, ...]
    channel: NDArray[np.int64]
    subtype: NDArray[np.int64]


def read_annotations(path: Path, *, rate: float) -> Annotations:
    """Read an annotation file, always whole.

    Parameters
    ----------
    path : Path
        The file, ``<record>.atr``.
    rate : float [Hz]
        Samples a second of the record. A file that states a time resolution of its own
        is read by that, and its samples are those of the record.

    Returns
    -------
    Annotations
        All that it says. Comments at sample 0, which describe the file, are left out,
        as ``wfdb.rdann`` leaves them out.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataCorruptError
        If it ends before its end mark.
    InvalidArgumentError
        If the rate is not above 0.

    Notes
    -----
    A part cannot be read rightly alone: a rhythm holds from its mark to the next, and a
    channel from where it is stated.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "100.atr"
    ...     write_annotations(path, [18, 77], "+N", notes=["(N", ""])
    ...     found = read_annotations(path, rate=360.0)
    ...     found.symbol, found.note, found.time.round(3).tolist()
    (('+', 'N'), ('(N', ''), [0.05, 0.214])
    """
    if not rate > 0:
        raise InvalidArgumentError(f"The rate must be above 0 Hz, got {rate}.")
    parsed = parse_annotations(path)
    ticks = np.asarray(parsed.sample, np.int64)
    order = np.argsort(ticks, kind="stable")
    time = ticks[order] / (parsed.resolution or rate)
    return Annotations(
        time,
        np.rint(time * rate).astype(np.int64),
        tuple(SYMBOLS.get(parsed.code[k], f"[{parsed.code[k]}]") for k in order),
        tuple(parsed.note[k] for k in order),
        np.asarray(parsed.channel, np.int64)[order],
        np.asarray(parsed.subtype, np.int64)[order],
    )


def write_annotations(
    path: Path, samples: ArrayLike, symbols: Sequence[str], *, notes: Sequence[str] = ()
) -> None:
    r"""Write an annotation file, in the MIT format.

    Parameters
    ----------
    path : Path
        The file, ``<record>.atr``.
    samples : (K,) int
        When, in samples, ascending.
    symbols : sequence of str
        What, K symbols of PhysioNet.
    notes : sequence of str, optional
        What to write beside each, K texts; an empty one is not written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "1.atr"
    ...     write_annotations(path, [3], "V")
    ...     path.read_bytes()  # 3 samples, code 5, and the end mark
    b'\x03\x14\x00\x00'
    """
    need("wfdb", extra="ecg")
    import wfdb

    path.parent.mkdir(parents=True, exist_ok=True)
    wfdb.wrann(
        path.stem,
        path.suffix[1:],
        np.asarray(samples, np.int64),
        symbol=list(symbols),
        aux_note=[f"{note}\0" if note else "" for note in notes] or None,
        write_dir=str(path.parent),
    )


def beats_of(annotations: Annotations) -> Stream | None:
    """Return the beats among annotations, labelled with their symbols.

    Parameters
    ----------
    annotations : Annotations
        What a file says.

    Returns
    -------
    Stream (K,) or None
        ``beats``: codes of `cardium.signal.beat_classes.BEAT_SYMBOLS`; None if no
        annotation marks a beat.

    Examples
    --------
    >>> from cardium.signal.beat_classes import labels_of
    >>> none = np.zeros(3, np.int64)
    >>> found = Annotations(np.array([0.1, 0.9, 1.2]), none, ("+", "N", "V"),
    ...                     ("(N", "", ""), none, none)
    >>> labels_of(beats_of(found))
    ('N', 'V')
    """
    kept = [k for k, symbol in enumerate(annotations.symbol) if symbol in BEAT_SYMBOLS]
    if not kept:
        return None
    symbols = [annotations.symbol[k] for k in kept]
    return label_stream("beats", annotations.time[kept], symbols, known=BEAT_SYMBOLS)


def rhythm_of(annotations: Annotations) -> Stream | None:
    """Return the changes of rhythm among annotations.

    Parameters
    ----------
    annotations : Annotations
        What a file says.

    Returns
    -------
    Stream (K,) or None
        ``rhythm``: the label holds from its time to the next. It is the note of a
        ``+``, without its bracket; ``(VF`` and ``(VFIB`` are both ``VFIB``. None if
        there is no such note.

    Examples
    --------
    >>> from cardium.signal.beat_classes import labels_of
    >>> none = np.zeros(3, np.int64)
    >>> found = Annotations(np.array([0.1, 0.9, 1.2]), none, ("+", "N", "+"),
    ...                     ("(N", "", "(VF"), none, none)
    >>> rhythm = rhythm_of(found)
    >>> rhythm.time.tolist(), labels_of(rhythm)
    ([0.1, 1.2], ('N', 'VFIB'))
    """
    kept = [
        k
        for k, (symbol, note) in enumerate(
            zip(annotations.symbol, annotations.note, strict=True)
        )
        if symbol == "+" and note.startswith("(") and note[1:].strip()
    ]
    if not kept:
        return None
    names = [annotations.note[k][1:].strip() for k in kept]
    labels = [_RHYTHMS.get(name, name) for name in names]
    return label_stream("rhythm", annotations.time[kept], labels)
