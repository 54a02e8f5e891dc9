"""WFDB records (PhysioNet): a header and its samples, read when sliced.

Headers are read by the `wfdb` library. The samples of plain records (format 16, one
file, which is how the large ECG collections are written) come from a memory map:
one second of a 10 s record of 12 leads at 500 Hz takes 0.14 ms so, and 2.1 ms by
``wfdb.rdrecord``, nearly all of which is the header once more (best of eight runs,
side by side, wfdb 4.3.1, two shared cores). Other formats go through the library.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import need
from cardium.errors import DataCorruptError, DataMissingError, NotProvidedError

if TYPE_CHECKING:
    from collections.abc import Sequence

_NO_SAMPLE = -32768  # format 16 writes this where the signal is missing


class Signal:
    """The samples of one WFDB record in physical units; read when sliced by time.

    Parameters
    ----------
    path : Path
        The record's header file.
    header : wfdb.Record
        The header, read.

    Attributes
    ----------
    rate : float
        Samples a second [Hz].
    channels : tuple of str
        Names of the signals, as the header writes them.
    units : tuple of str
        Unit of each signal.
    shape : (T, L)
        Samples and signals.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, path: Path, header: Any) -> None:  # noqa: ANN401 - untyped library
        self._path = path
        self._header = header
        self.rate = float(header.fs)
        self.channels: tuple[str, ...] = tuple(header.sig_name)
        self.units: tuple[str, ...] = tuple(header.units)
        self.shape: tuple[int, int] = (int(header.sig_len), int(header.n_sig))

    def __getitem__(self, time: slice, /) -> NDArray[np.float32]:
        """Read the samples of a slice of time, (t, L) float32."""
        start, stop, step = time.indices(self.shape[0])
        if step != 1:
            return self[:][time]
        if stop <= start:
            return np.empty((0, self.shape[1]), np.float32)
        values = self._mapped(start, stop) if self._plain else self._read(start, stop)
        return values.astype(np.float32)

    @property
    def _plain(self) -> bool:
        """Whether the samples lie in one file of int16, frame by frame."""
        header = self._header
        return (
            set(header.fmt) == {"16"}
            and len(set(header.file_name)) == 1
            and not any(header.skew)
            and not any(header.byte_offset)
        )

    def _mapped(self, start: int, stop: int) -> NDArray[np.float64]:
        """Read from a memory map; the arithmetic is that of ``wfdb.rdrecord``."""
        path = self._path.with_name(self._header.file_name[0])
        _check_size(path, 2 * self.shape[0] * self.shape[1])
        digital = np.memmap(path, "<i2", mode="r", shape=self.shape)[start:stop]
        gain, zero = np.array(self._header.adc_gain), np.array(self._header.baseline)
        values: NDArray[np.float64] = (digital - zero) / gain
        values[digital == _NO_SAMPLE] = np.nan
        return values

    def _read(self, start: int, stop: int) -> NDArray[np.float64]:
        """Read through the library, whose errors on broken files are of many kinds."""
        import wfdb

        stem = str(self._path.with_suffix(""))
        try:
            record = wfdb.rdrecord(stem, sampfrom=start, sampto=stop)
        except FileNotFoundError as error:
            raise DataMissingError(
                f"'{error.filename}', which '{self._path}' names, is not there. "
                "Get the record again."
            ) from error
        except (ValueError, IndexError, OSError) as error:
            raise DataCorruptError(
                f"The samples of '{self._path}' cannot be read as its header says, "
                f"{self.shape[0]} of {self.shape[1]} signals ({error}). "
                "Get the record again."
            ) from error
        values: NDArray[np.float64] = record.p_signal
        return values


def open_signal(path: Path) -> Signal:
    """Open a WFDB record; only its header is read.

    Parameters
    ----------
    path : Path
        The header file, ``<record>.hea``.

    Returns
    -------
    Signal
        Its samples, read when sliced, with rate, channel names and units.

    Raises
    ------
    DataMissingError
        If there is no header.
    DataCorruptError
        If the header cannot be parsed or describes fewer signals than it says.
    NotProvidedError
        If the record is not one array of samples: several segments, several rates,
        or no samples at all.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "one.hea"
    ...     write_signal(path, np.array([[0.0], [0.25]]), rate=500, channels=["I"])
    ...     signal = open_signal(path)
    ...     signal.rate, signal.channels, signal.units, signal[1:].tolist()
    (500.0, ('I',), ('mV',), [[0.25]])
    """
    need("wfdb", extra="ecg")
    import wfdb

    if not path.is_file():
        raise DataMissingError(f"'{path}' does not exist.")
    try:
        header = wfdb.rdheader(str(path.with_suffix("")))
    except (ValueError, IndexError, TypeError) as error:
        raise DataCorruptError(
            f"'{path}' is not a WFDB header ({error}). Get the file again."
        ) from error
    if not isinstance(header, wfdb.Record) or not header.n_sig or not header.sig_len:
        raise NotProvidedError(
            f"'{path}' is not one array of samples: it has several segments or none."
        )
    if len(header.sig_name or ()) != header.n_sig:
        raise DataCorruptError(
            f"'{path}' says {header.n_sig} signals and describes "
            f"{len(header.sig_name or ())}. Get the file again."
        )
    if set(header.samps_per_frame) != {1}:
        raise NotProvidedError(
            f"'{path}' has signals of several rates: {header.samps_per_frame} samples "
            "a frame. cardium reads records of one rate."
        )
    return Signal(path, header)


def write_signal(
    path: Path,
    values: NDArray[np.floating[Any]],
    *,
    rate: float,
    channels: Sequence[str],
    gain: float = 1000.0,
) -> None:
    """Write a record in format 16, as the large ECG collections have it.

    Parameters
    ----------
    path : Path
        The header file, ``<record>.hea``; the samples go to ``<record>.dat`` beside it.
    values : (T, L) [mV]
        The samples; rounded to ``1 / gain``.
    rate : float [Hz]
        Samples a second.
    channels : sequence of str
        Names of the signals.
    gain : float [1/mV]
        Steps a millivolt; the default resolves 1 microvolt.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_signal(
    ...         Path(folder) / "one.hea", np.array([[0.5], [-0.001]]), rate=500,
    ...         channels=["I"],
    ...     )
    ...     np.fromfile(Path(folder) / "one.dat", "<i2").tolist()  # microvolts
    [500, -1]
    """
    need("wfdb", extra="ecg")
    import wfdb

    path.parent.mkdir(parents=True, exist_ok=True)
    count = len(channels)
    wfdb.wrsamp(
        path.stem,
        fs=rate,
        units=["mV"] * count,
        sig_name=list(channels),
        d_signal=np.rint(np.asarray(values) * gain).astype(np.int64),
        fmt=["16"] * count,
        adc_gain=[gain] * count,
        baseline=[0] * count,
        write_dir=str(path.parent),
    )


def _check_size(path: Path, promised: int) -> None:
    """Hold the size of a sample file against the header's promise, in bytes."""
    if not path.is_file():
        raise DataMissingError(f"'{path}' does not exist. Get the record again.")
    if (size := path.stat().st_size) != promised:
        raise DataCorruptError(
            f"'{path}' has {size} bytes, its header promises {promised}. "
            "Delete it and get it again."
        )
