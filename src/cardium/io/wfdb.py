"""WFDB records (PhysioNet): headers, and samples that are read when sliced.

The formats of most ECG collections, 16 and 212 in one file, are read from a memory
map, bit for bit as ``wfdb.rdrecord`` reads them; records of several segments are put
together from their parts; any other format goes through the `wfdb` library. Headers
are parsed here, strictly: what cannot be is refused by name, where the library takes it
for something else or stops with any of a dozen errors. Annotations are read by
`cardium.io.wfdb_annotations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import need
from cardium.errors import DataCorruptError, InvalidArgumentError
from cardium.io._wfdb_header import Header, parse_header, read_text, split_comments
from cardium.io._wfdb_samples import Reader, open_reader, open_segments

_MILLIVOLT = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6, "v": 1e3}


class Signal:
    """The samples of one WFDB record in physical units; read when sliced by time.

    Parameters
    ----------
    path : Path
        The record's header file.

    Attributes
    ----------
    path : Path
        The record's header file.
    rate : float
        Samples a second [Hz].
    channels : tuple of str
        Names of the signals, as the header writes them.
    units : tuple of str
        Unit of each signal.
    shape : (T, L)
        Samples and signals.
    comments : tuple of str
        The header's comments, without their marks.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, path: Path) -> None:
        header = parse_header(path)
        model: Header = header
        self._reader: Reader
        if header.segments:
            model, self._reader = open_segments(header)
        else:
            self._reader = open_reader(header)
        self.path = path
        self.rate = header.rate
        self.channels: tuple[str, ...] = tuple(line.name for line in model.lines)
        self.units: tuple[str, ...] = tuple(line.units for line in model.lines)
        self.shape: tuple[int, int] = (header.length, header.count)
        self.comments = header.comments
        self._factors: NDArray[np.float64] | None = None
        self._stored = header.count
        self._columns = list(range(header.count))

    def __getitem__(self, time: slice, /) -> NDArray[np.float32]:
        """Read the samples of a slice of time, (t, L) float32."""
        start, stop, step = time.indices(self.shape[0])
        if step != 1:
            return self[:][time]
        if stop <= start:
            return np.empty((0, self.shape[1]), np.float32)
        values = self._reader.physical(start, stop, self._factors)
        whole = self._columns == list(range(self._stored))
        return values if whole else values[:, self._columns]

    @property
    def in_millivolt(self) -> Signal:
        """The same samples in mV, whichever of V, mV, uV or nV each signal is in.

        Raises
        ------
        DataCorruptError
            If a signal is in another unit.
        """
        try:
            here = [millivolt(unit) for unit in self.units]
        except InvalidArgumentError as error:
            raise DataCorruptError(f"'{self.path}': {error}") from error
        same = self.choose(range(len(here)))
        if set(here) != {1.0}:
            same._factors = np.ones(self._stored)
            same._factors[self._columns] = here
        same.units = ("mV",) * len(here)
        return same

    def choose(self, places: Sequence[int]) -> Signal:
        """Return the record with some of its signals, by their places from 0."""
        same = Signal.__new__(Signal)
        same.__dict__.update(self.__dict__)
        same.channels = tuple(self.channels[k] for k in places)
        same.units = tuple(self.units[k] for k in places)
        same.shape = self.shape[0], len(same.channels)
        same._columns = [self._columns[k] for k in places]
        return same


def open_signal(path: Path) -> Signal:
    """Open a WFDB record; only its header is read.

    Parameters
    ----------
    path : Path
        The header file, ``<record>.hea``.

    Returns
    -------
    Signal
        Its samples, read when sliced, with rate, channel names and units. A record of
        several segments reads as one; what it lacks in between is NaN.

    Raises
    ------
    DataMissingError
        If there is no header.
    DataCorruptError
        If the header cannot be parsed, describes fewer signals than it says, states
        no rate above 0, a gain below 0, 0 or none, or a file outside its folder.
    NotProvidedError
        If the record is not one array of samples: signals of several rates, or no
        samples at all.

    Notes
    -----
    A gain of 0 or none is legal and means that the amplitude was never calibrated. The
    wfdb library then takes 200 units for a millivolt; here it is refused, for
    amplitudes that are a guess must not pass for millivolts.

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
    return Signal(path)


def verify_checksum(signal: Signal) -> None:
    """Hold the samples of a record against the checksums in its header.

    Parameters
    ----------
    signal : Signal
        The record; all of it is read. A signal without a checksum passes.

    Raises
    ------
    DataCorruptError
        If the samples of a signal have another sum, modulo 65536.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "one.hea"
    ...     write_signal(path, np.array([[0.25]]), rate=500, channels=["I"])
    ...     verify_checksum(open_signal(path))
    ...     _ = path.with_suffix(".dat").write_bytes(bytes([251, 0]))
    ...     verify_checksum(open_signal(path))
    Traceback (most recent call last):
    cardium.errors.DataCorruptError: ... have the checksum 251, the header states 250...
    """
    signal._reader.check()


def millivolt(unit: str) -> float:
    """Return how many millivolts a unit is.

    Parameters
    ----------
    unit : str
        V, mV, uV or nV, in any case and with either sign for micro.

    Returns
    -------
    float [mV]
        What to multiply by.

    Raises
    ------
    InvalidArgumentError
        If it is no unit of voltage.

    Examples
    --------
    >>> [millivolt(unit) for unit in ("mv", "uV", "µV", "V")]
    [1.0, 0.001, 0.001, 1000.0]
    """
    if (factor := _MILLIVOLT.get(unit.strip().lower())) is None:
        raise InvalidArgumentError(
            f"'{unit}' is no unit of an ECG, expected mV, uV, nV or V. Leave the "
            "signal out, or mend its header."
        )
    return factor


def read_comments(path: Path) -> tuple[str, ...]:
    r"""Read the comments of a header, whatever else it says.

    Parameters
    ----------
    path : Path
        The header file.

    Returns
    -------
    tuple of str
        One a line, without the mark; those before the record's line come too.

    Raises
    ------
    DataMissingError
        If there is no header.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "one.hea"
    ...     _ = path.write_text("one 0 360 0\n# 69 M\n#Aldomet\n")
    ...     read_comments(path)
    ('69 M', 'Aldomet')
    """
    return tuple(split_comments(read_text(path))[1])


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
