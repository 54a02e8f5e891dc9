"""BrainFlow's boards: its amplifiers, its synthetic signal, and files played back."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Stream, need
from cardium.core.files import written_aside
from cardium.errors import (
    DataMissingError,
    InvalidArgumentError,
    MissingLibraryError,
    NotProvidedError,
    UnknownNameError,
)
from cardium.live.rows import Rows

COUNTER_SIZES: Mapping[str, int] = MappingProxyType(
    {"synthetic": 256, "cyton": 256, "cyton_wifi": 256}
)
"""Boards that number every sample, and where the number starts again.

Others number packages of several samples, or none; of these the time stamps alone say
that something is missing.
"""

_PLAYBACK = "playback"
_BUFFER_SECONDS = 60
_MICROVOLT = 1e-3  # [mV]


class BrainFlowBoard:
    """One channel of a board of BrainFlow.

    Parameters
    ----------
    board : str
        ``"synthetic"``, ``"playback"``, or another of BrainFlow's, by its name
        (``"cyton"``, ``"ganglion"``) or its number.
    lead : int
        Which of its ECG channels, from 1; of boards that have none, of those for
        other potentials.
    name : str, optional
        What to call the lead. If not given, ``"ECG1"`` for the first.
    file : str or Path, optional
        What is played; see `write_playback`.
    master : str
        The board whose file it is.
    loop : bool
        Whether a file starts again at its end.
    serial_port, mac_address, ip_address : str
        Where hardware is, as BrainFlow takes it.
    ip_port : int
        Likewise.

    Raises
    ------
    MissingLibraryError
        If BrainFlow is not installed.
    UnknownNameError
        If BrainFlow has no such board.
    InvalidArgumentError
        If the board has no such channel, or a file is given and not played.
    DataMissingError
        If the file is not there.
    """

    def __init__(
        self,
        board: str,
        *,
        lead: int = 1,
        name: str | None = None,
        file: str | Path | None = None,
        master: str = "synthetic",
        loop: bool = False,
        serial_port: str = "",
        mac_address: str = "",
        ip_address: str = "",
        ip_port: int = 0,
    ) -> None:
        self._shim, ids = _brainflow()
        self.name, number = _find(board, ids)
        described, measured = self.name, number
        if self.name == _PLAYBACK:
            described, measured = _find(master, ids)
            if file is None or not Path(file).is_file():
                raise DataMissingError(
                    f"Board 'playback' needs a file to play; there is none at '{file}'."
                )
        elif file is not None:
            raise InvalidArgumentError(
                f"Board '{self.name}' plays no file; board 'playback' does."
            )
        self._number, self._loop = number, loop and self.name == _PLAYBACK
        self.rate = float(self._shim.get_sampling_rate(measured))
        self.counter_size = COUNTER_SIZES.get(described)
        self._row = _channel(self._shim, measured, described, lead)
        self._counter = int(self._shim.get_package_num_channel(measured))
        self._stamp = int(self._shim.get_timestamp_channel(measured))
        self.lead = name or f"ECG{lead}"
        self._where = {
            "file": "" if file is None else str(file),
            "master_board": measured if self.name == _PLAYBACK else -100,
            "serial_port": serial_port,
            "mac_address": mac_address,
            "ip_address": ip_address,
            "ip_port": ip_port,
        }
        self._session: Any = None

    def start(self) -> None:
        """Open the board and let it stream.

        Raises
        ------
        NotProvidedError
            If BrainFlow cannot.
        """
        from brainflow.board_shim import BrainFlowInputParams
        from brainflow.exit_codes import BrainFlowError

        parameters = BrainFlowInputParams()
        for key, value in self._where.items():
            setattr(parameters, key, value)
        try:
            self._session = self._shim(self._number, parameters)
            self._session.prepare_session()
            self._session.start_stream(round(_BUFFER_SECONDS * self.rate))
            if self._loop:
                self._session.config_board("loopback_true")
        except BrainFlowError as error:
            self.stop()
            raise NotProvidedError(
                f"Board '{self.name}' cannot be started: {error}. Is it switched on, "
                "and where it is said to be?"
            ) from error

    def read(self) -> Rows:
        """Take what has come since the last call.

        Raises
        ------
        NotProvidedError
            If the board fails, or was not started.
        """
        from brainflow.exit_codes import BrainFlowError

        if self._session is None:
            raise NotProvidedError(f"Board '{self.name}' was not started.")
        try:
            data: NDArray[np.float64] = self._session.get_board_data()
        except BrainFlowError as error:
            raise NotProvidedError(f"Board '{self.name}' fails: {error}.") from error
        return Rows(
            (data[self._row] * _MICROVOLT).astype(np.float32),
            data[self._counter].astype(np.int64),
            data[self._stamp].astype(np.float64),
        )

    def stop(self) -> None:
        """Let go of the board, whatever state it is in."""
        if self._session is None:
            return
        from brainflow.exit_codes import BrainFlowError

        for step in (self._session.stop_stream, self._session.release_session):
            # a board that failed can often do neither, and there is nothing to do
            with suppress(BrainFlowError):
                step()
        self._session = None


def write_playback(
    path: str | Path,
    ecg: Stream,
    *,
    board: str = "synthetic",
    rate: float | None = None,
) -> None:
    r"""Write an ECG as a file that BrainFlow plays back.

    Parameters
    ----------
    path : str or Path
        The file; tab-separated text, a line a sample, a column for each row of the
        board's data.
    ecg : Stream (T,) or (T, L) [mV]
        Lead k goes to the board's ECG channel k + 1, in microvolts.
    board : str
        The board whose file it is to look like.
    rate : float, optional [Hz]
        If given, it must be the board's; a file has no rate of its own.

    Raises
    ------
    MissingLibraryError
        If BrainFlow is not installed.
    UnknownNameError
        If BrainFlow has no such board.
    InvalidArgumentError
        If samples are missing, there are more leads than channels, or the rate is not
        the board's.

    Examples
    --------
    >>> ecg = Stream("ecg", np.array([0.5, -0.25]), np.arange(2) / 250, ("time",), "mV")
    >>> write_playback("one.csv", ecg)                      # doctest: +SKIP
    >>> open("one.csv").readline().split("\t")[:2]          # doctest: +SKIP
    ['0.000000', '500.000000']
    """
    shim, ids = _brainflow()
    name, number = _find(board, ids)
    its_rate = float(shim.get_sampling_rate(number))
    if rate is not None and rate != its_rate:
        raise InvalidArgumentError(
            f"Board '{name}' has {its_rate:g} Hz, a file of {rate:g} Hz was asked for."
        )
    values = np.atleast_2d(np.asarray(ecg.load(), np.float64).T).T
    if values.ndim != 2 or not np.isfinite(values).all():
        raise InvalidArgumentError(
            f"Stream '{ecg.name}' has samples that are missing, or is no ECG (time, "
            "lead): play a part that is whole."
        )
    played = resample(values, ecg.rate, its_rate)
    rows = np.zeros((int(shim.get_num_rows(number)), len(played)))
    order = np.arange(len(played))
    rows[shim.get_package_num_channel(number)] = order % COUNTER_SIZES.get(name, 256)
    rows[shim.get_timestamp_channel(number)] = 1 + order / its_rate
    for lead in range(played.shape[1]):
        row = _channel(shim, number, name, lead + 1)
        rows[row] = played[:, lead] / _MICROVOLT
    with written_aside(Path(path)) as aside:
        np.savetxt(aside, rows.T, fmt="%.6f", delimiter="\t")


def resample(
    values: NDArray[np.floating], rate: float, wanted: float
) -> NDArray[np.floating]:
    """Resample along the first axis by a zero-phase polyphase filter.

    Parameters
    ----------
    values : (T, ...)
        Samples, all of them there.
    rate, wanted : float [Hz]
        What they have, and what they are to have.

    Returns
    -------
    (T', ...)
        The first sample keeps its time.

    Examples
    --------
    >>> resample(np.arange(6.0), 100, 50).round(6).tolist()
    [0.0, 2.0, 4.0]
    """
    ratio = Fraction(wanted).limit_denominator(1000) / Fraction(rate).limit_denominator(
        1000
    )
    if ratio == 1:
        return values
    from scipy.signal import resample_poly

    done: NDArray[np.floating] = resample_poly(
        values, ratio.numerator, ratio.denominator, axis=0, padtype="line"
    )
    return done


def _brainflow() -> tuple[Any, Mapping[str, int]]:
    """Import BrainFlow, silence its log, and return its shim and its boards."""
    need("brainflow", extra="live")
    from brainflow.board_shim import BoardIds, BoardShim

    try:
        with warnings.catch_warnings():
            # of BrainFlow's own loading, which the version of setuptools is pinned for
            warnings.filterwarnings("ignore", "pkg_resources is deprecated")
            BoardShim.disable_board_logger()
    except ImportError as error:
        raise MissingLibraryError(
            f"BrainFlow cannot be loaded ({error}): it needs setuptools below 81. "
            'Type: pip install "cardium[live]"'
        ) from error
    names = {_plain(board.name): int(board.value) for board in BoardIds}
    return BoardShim, {k: v for k, v in names.items() if k != "no"}


def _plain(name: str) -> str:
    """Return BrainFlow's name of a board as it is typed: CYTON_BOARD is cyton."""
    return name.removesuffix("_BOARD").removesuffix("_FILE").lower()


def _find(board: str, ids: Mapping[str, int]) -> tuple[str, int]:
    """Find a board by its name or its number."""
    asked = _plain(board.upper())
    for name, number in ids.items():
        if asked in (name, str(number)):
            return name, number
    raise UnknownNameError("board of BrainFlow", board, ids)


def _channel(shim: Any, number: int, name: str, lead: int) -> int:  # noqa: ANN401 - untyped
    """Return the row of the board's data that holds a lead, counted from 1."""
    from brainflow.exit_codes import BrainFlowError

    rows: list[int] = []
    for channels in (shim.get_ecg_channels, shim.get_exg_channels):
        with suppress(BrainFlowError):
            rows = rows or [int(row) for row in channels(number)]
    if not 1 <= lead <= len(rows):
        raise InvalidArgumentError(
            f"Board '{name}' has {len(rows)} channels for potentials, lead {lead} was "
            "asked for."
        )
    return rows[lead - 1]
