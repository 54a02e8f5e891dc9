"""Recording to disk: WFDB records that are whole at every second.

A folder holds one record a session, ``live_0001``, ``live_0002`` …, never overwritten:

``live_0001.dat``
    The samples, format 16, 1 µV a step, appended as they come. Where samples are
    missing they are written as missing, which readers give back as NaN.
``live_0001.hea``
    The header, written anew after each second.
``live_0001.qrs``
    The R peaks, written anew after each minute and at the end.
``gaps.csv``
    A row for each place where a stream was not continuous, of all sessions.
``beats.csv``
    A row a beat, as it was reported: its time, the heart rate, how late it was
    reported, and what a model said of it.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from cardium.core.files import write_text, written_aside
from cardium.errors import DataCorruptError, InvalidArgumentError
from cardium.live._wfdb_files import (
    GAIN,
    NO_SAMPLE,
    annotation_bytes,
    digitise,
    header_text,
)
from cardium.live.rows import Gap

GAPS = "gaps.csv"
BEATS = "beats.csv"
_GAP_COLUMNS = ("record", "time_s", "kind", "missing_samples", "missing_s", "detail")
_BEAT_COLUMNS = ("record", "time_s", "rate_per_min", "latency_s", "label")
_LONGEST_GAP = 600.0
_BLOCK = 1 << 16


class Recorder:
    """Writes one stream to a folder; use it in a ``with`` block.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there. What is in it is kept.
    lead : str
        Name of the lead.
    rate : float [Hz]
        Samples a second.
    comments : sequence of str
        Lines for the header: the board.

    Raises
    ------
    InvalidArgumentError
        If the rate is not positive.

    Notes
    -----
    A gap of more than ten minutes ends the record, and the next one begins with its
    own time of day.

    The zero of the samples is the median of the first batch, so that an electrode's
    offset of hundreds of millivolts does not drive them out of the 16 bits; what is
    beyond 32.767 mV of it is held there and counted in `clipped`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from cardium.io.wfdb import open_signal
    >>> with TemporaryDirectory() as folder:
    ...     with Recorder(folder, lead="MLII", rate=250) as recorder:
    ...         recorder.write(np.array([0.5, -0.25]), stamp=1.7e9)
    ...         recorder.write_gap(Gap("lost", 1, 1.7e9, 1.7e9 + 0.008))
    ...         recorder.write(np.array([1.0]), stamp=1.7e9 + 0.012)
    ...     signal = open_signal(Path(folder) / "live_0001.hea")
    ...     signal.channels, signal[:].ravel().tolist()
    (('MLII',), [0.5, -0.25, nan, 1.0])
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        lead: str,
        rate: float,
        comments: Sequence[str] = (),
    ) -> None:
        if rate <= 0:
            raise InvalidArgumentError(f"The rate must be positive, got {rate:g} Hz.")
        self.folder = Path(folder)
        self.clipped = 0
        self.records: list[str] = []
        self._lead = lead.replace(" ", "_")
        self._rate = rate
        self._comments = tuple(comments)
        self._file: BinaryIO | None = None
        self._start = 0.0
        self._first = 0
        self._count = 0
        self._zero = 0
        self._value, self._sum = 0, 0
        self._peaks: list[int] = []
        self._written, self._annotated = 0, 0

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, values: NDArray[np.floating], *, stamp: float) -> None:
        """Append samples.

        Parameters
        ----------
        values : (N,) [mV]
            What follows on what was written.
        stamp : float [s]
            When the first of them was taken, in seconds since 1970; it is the start of
            a record that has none yet.
        """
        if not len(values):
            return
        if self._file is None:
            self._open(values, stamp)
        digital, beyond = digitise(values, self._zero)
        self.clipped += beyond
        self._append(digital)
        if self._count - self._written >= self._rate:
            self._write_header()
        if self._count - self._annotated >= 60 * self._rate:
            self._write_peaks()

    def write_gap(self, gap: Gap) -> None:
        """Write samples as missing, and say so in ``gaps.csv``."""
        if self._file is None:
            return
        seconds = gap.missing / self._rate
        ends = seconds > _LONGEST_GAP
        row = (
            self.records[-1],
            f"{self._count / self._rate:.3f}",
            gap.kind,
            gap.missing,
            f"{seconds:.3f}",
            f"{gap.detail} (a new record begins)".strip() if ends else gap.detail,
        )
        _append_row(self.folder / GAPS, _GAP_COLUMNS, row)
        if ends:
            self.close()
            self._first += self._count + gap.missing
            return
        left = gap.missing
        while left > 0:
            self._append(np.full(min(left, _BLOCK), NO_SAMPLE, "<i2"))
            left -= _BLOCK

    def write_beat(
        self, place: int, *, rate: float, latency: float, label: str = ""
    ) -> None:
        """Note a beat.

        Parameters
        ----------
        place : int
            Number of its sample, from the first that was ever written.
        rate : float [beats/min]
            Heart rate after it.
        latency : float [s]
            How late it was reported.
        label : str
            What a model said of it.
        """
        if self._file is None or not 0 <= place - self._first < self._count:
            return
        within = place - self._first
        self._peaks.append(within)
        row = (
            self.records[-1],
            f"{within / self._rate:.3f}",
            "" if np.isnan(rate) else f"{rate:.1f}",
            f"{latency:.3f}",
            label,
        )
        _append_row(self.folder / BEATS, _BEAT_COLUMNS, row)

    def close(self) -> None:
        """Write what is open; may be called twice."""
        if self._file is None:
            return
        self._write_header()
        self._write_peaks()
        self._file.close()
        self._file = None

    def _open(self, values: NDArray[np.floating], stamp: float) -> None:
        """Claim the next free name in the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        taken = [p.stem for p in self.folder.glob("live_[0-9]*.dat")]
        number = 1 + max(
            (int(stem[5:]) for stem in taken if stem[5:].isdigit()), default=0
        )
        while self._file is None:
            name = f"live_{number:04d}"
            try:
                self._file = (self.folder / f"{name}.dat").open("xb")
            except FileExistsError:  # another session was sooner
                number += 1
        finite = np.asarray(values)[np.isfinite(values)]
        middle = float(np.median(finite)) if finite.size else 0.0
        # a small offset is no reason for a zero that differs from 0
        self._zero = 0 if abs(middle) < 1 else -round(middle * GAIN)
        self.records.append(name)
        self._start = stamp
        self._count = self._written = self._annotated = 0
        self._value, self._sum = 0, 0
        self._peaks = []

    def _append(self, digital: NDArray[np.int16]) -> None:
        """Append samples, and hand them to the system at once."""
        if self._file is None:
            return
        if self._count == 0:
            self._value = int(digital[0])
        self._file.write(digital.tobytes())
        self._file.flush()
        self._count += len(digital)
        self._sum = (self._sum + int(digital.sum(dtype=np.int64))) % 65536

    def _write_header(self) -> None:
        """Write the header for what there is."""
        name = self.records[-1]
        text = header_text(
            name,
            lead=self._lead,
            rate=self._rate,
            samples=self._count,
            zero=self._zero,
            first=self._value,
            checksum=self._sum,
            start=self._start,
            comments=self._comments,
        )
        write_text(self.folder / f"{name}.hea", text)
        self._written = self._count

    def _write_peaks(self) -> None:
        """Write all R peaks of the record."""
        with written_aside(self.folder / f"{self.records[-1]}.qrs") as aside:
            aside.write_bytes(annotation_bytes(self._peaks))
        self._annotated = self._count


def recover(folder: str | Path) -> list[str]:
    """Make records whole whose session was killed between two writings.

    Parameters
    ----------
    folder : str or Path
        Where a `Recorder` wrote.

    Returns
    -------
    list of str
        Names of the records whose header now counts all samples that are in the file.

    Raises
    ------
    DataCorruptError
        If a header is none of a recorder's.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with Recorder(folder, lead="II", rate=250) as recorder:
    ...         recorder.write(np.zeros(250), stamp=1.7e9)
    ...     with (Path(folder) / "live_0001.dat").open("ab") as file:
    ...         _ = file.write(bytes(200))
    ...     names = recover(folder)
    ...     names, (Path(folder) / "live_0001.hea").read_text().split()[3]
    (['live_0001'], '350')
    """
    mended = []
    for header in sorted(Path(folder).glob("live_[0-9]*.hea")):
        if not header.with_suffix(".dat").exists():
            continue
        samples = header.with_suffix(".dat").stat().st_size // 2
        lines = header.read_text("utf-8").splitlines()
        words, fields = ([*line.split()] for line in [*lines, "", ""][:2])
        if len(words) < 4 or len(fields) < 9:
            raise DataCorruptError(
                f"'{header}' is not the header of a recording: it begins with "
                f"'{' '.join(words)[:60]}'. Move it out of the folder."
            )
        rest = lines[2:]
        if words[3] == str(samples):
            continue
        digital = np.fromfile(header.with_suffix(".dat"), "<i2", samples)
        words[3] = str(samples)
        checksum = int(digital.sum(dtype=np.int64))
        fields[6] = str((checksum + 32768) % 65536 - 32768)
        write_text(header, "\n".join([" ".join(words), " ".join(fields), *rest, ""]))
        mended.append(header.stem)
    return mended


def _append_row(path: Path, columns: Sequence[str], row: Sequence[object]) -> None:
    """Append a row to a table that is there, or begin it."""
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(columns)
        writer.writerow(row)
