"""The command that watches an ECG as it comes in."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from cardium.cli.options import Json, Root
from cardium.core.files import plain
from cardium.errors import InvalidArgumentError

if TYPE_CHECKING:
    from cardium.core import Stream
    from cardium.live import Beat, BrainFlowBoard, Monitor, Recorder

_REPORT_EVERY = 1.0
_LONGEST = 3600.0


def live(
    board: Annotated[
        str,
        typer.Option(
            help="synthetic, playback, or a board of BrainFlow by its name or number: "
            "cyton, ganglion, …"
        ),
    ] = "synthetic",
    file: Annotated[
        Path | None, typer.Option(help="playback: BrainFlow's file to play.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="playback: a dataset to play a recording of."),
    ] = None,
    recording: Annotated[
        str | None, typer.Option(help="playback: which recording; `cardium show`.")
    ] = None,
    lead: Annotated[
        str,
        typer.Option(
            help="Number of the board's ECG channel, from 1; of a recording, also the "
            "lead's name."
        ),
    ] = "1",
    master: Annotated[
        str | None,
        typer.Option(help="playback: the board whose file it is. Default: synthetic."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(help="The rate you expect [Hz]; another one is refused."),
    ] = None,
    loop: Annotated[
        bool, typer.Option("--loop", help="playback: start again at the end.")
    ] = False,
    serial_port: Annotated[str, typer.Option(help="Where hardware is.")] = "",
    mac_address: Annotated[str, typer.Option(help="Where hardware is.")] = "",
    ip_address: Annotated[str, typer.Option(help="Where hardware is.")] = "",
    ip_port: Annotated[int, typer.Option(min=0, help="Where hardware is.")] = 0,
    seconds: Annotated[
        float, typer.Option(min=0, help="How long; 0: until Ctrl-C.")
    ] = 60.0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="A folder to record to; a new record each time."
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="A run folder: its model, for one lead, answers as well."),
    ] = None,
    root: Root = None,
    as_json: Json = False,
) -> None:
    """Watch an ECG as it comes in: trace, R peaks, heart rate, gaps and latency.

    Missing samples are shown, counted and recorded as missing, never filled in. On a
    terminal the trace scrolls; elsewhere there is a line a second, of JSON with --json.
    """
    _check_playback(board, file, data, root)
    from cardium.live import BrainFlowBoard, Monitor, Recorder, Source, open_model
    from cardium.live.recorder import GAPS, recover
    from cardium.live.source import RESTART_AFTER

    played = master or "synthetic"
    taken = min(seconds or _LONGEST, _LONGEST) + 1
    with _playable(board, file, data, recording, lead, played, root, taken) as (
        path,
        name,
    ):
        source = BrainFlowBoard(
            board,
            lead=1 if name else _number(lead),
            name=name,
            file=path,
            master=played,
            loop=loop,
            serial_port=serial_port,
            mac_address=mac_address,
            ip_address=ip_address,
            ip_port=ip_port,
        )
        if source.name != "playback" and (loop or master is not None):
            raise InvalidArgumentError(
                f"--loop and --master are for a playback; board is '{source.name}'."
            )
        _check_rate(source, rate)
        recorder = None
        if out is not None:
            recover(out)
            comments = (f"board: {source.name}", "recorded by cardium live")
            recorder = Recorder(
                out, lead=source.lead, rate=source.rate, comments=comments
            )
        # a file that has ended is silent, and not to be started again
        patience = math.inf if source.name == "playback" else RESTART_AFTER
        monitor = Monitor(
            Source(source, restart_after=patience),
            recorder=recorder,
            model=None if run is None else open_model(run),
        )
        with _reporter(monitor, as_json=as_json) as each:
            summary = monitor.run(seconds or None, each=each)
    _print_end(monitor, recorder, as_json=as_json)
    if recorder is not None and not as_json:
        names = ", ".join(recorder.records) or "nothing: no sample came"
        typer.echo(f"Recorded in {out}: {names}")
        if summary.gaps:
            typer.echo(f"Gaps: {recorder.folder / GAPS}")
        if recorder.clipped:
            typer.echo(f"{recorder.clipped} samples were out of range.", err=True)


def _check_playback(
    board: str, file: Path | None, data: str | None, root: Path | None
) -> None:
    """Refuse a playback of nothing, and a folder of no dataset."""
    if board == "playback" and file is None and data is None:
        raise InvalidArgumentError(
            "Board 'playback' needs a file to play, --file, or a recording, --data and "
            "--recording."
        )
    if root is not None and data is None:
        raise InvalidArgumentError(f"--root '{root}' is of no use without --data.")


def _check_rate(board: BrainFlowBoard, rate: float | None) -> None:
    """Refuse a board that does not have the rate that is expected."""
    if rate is not None and rate != board.rate:
        raise InvalidArgumentError(
            f"Board '{board.name}' has {board.rate:g} Hz, --rate says {rate:g}."
        )


@contextmanager
def _playable(
    board: str,
    file: Path | None,
    data: str | None,
    recording: str | None,
    lead: str,
    master: str,
    root: Path | None,
    taken: float,
) -> Iterator[tuple[Path | None, str | None]]:
    """Yield a file to play and its lead; of a recording, make one for this time."""
    if data is None and recording is None:
        yield file, None
        return
    if data is None or recording is None or file is not None or board != "playback":
        raise InvalidArgumentError(
            "To play a recording say --board playback, --data and --recording, and no "
            "--file."
        )
    from cardium.datasets import DATASETS
    from cardium.live import write_playback

    ecg = DATASETS.find(data).open(root)[recording]["ecg"]
    ecg, name = _one_lead(ecg.between(ecg.time[0], ecg.time[0] + taken), lead)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "playback.csv"
        write_playback(path, ecg, board=master)
        yield path, name


def _one_lead(ecg: Stream, lead: str) -> tuple[Stream, str]:
    """Choose a lead of an ECG by its number or its name."""
    from cardium.errors import UnknownNameError
    from cardium.signal import lead_name, select_leads

    names = ecg.coords["lead"]
    asked = (
        names[int(lead) - 1] if lead.isdigit() and 0 < int(lead) <= len(names) else lead
    )
    if lead_name(asked) not in names:
        raise UnknownNameError("lead", lead, names)
    return select_leads(ecg, [lead_name(asked)]), lead_name(asked)


def _number(lead: str) -> int:
    """Read the number of a channel."""
    if not lead.isdigit():
        raise InvalidArgumentError(
            f"--lead '{lead}' must be a number: a board's channels have no names."
        )
    return int(lead)


@contextmanager
def _reporter(
    monitor: Monitor, *, as_json: bool
) -> Iterator[Callable[[list[Beat]], None]]:
    """Yield what shows a reading: a screen, or a line a second."""
    if as_json or not sys.stdout.isatty():
        yield _line_writer(monitor, as_json=as_json)
        return
    from rich.console import Console
    from rich.live import Live

    from cardium.live.view import draw_screen

    console = Console()

    with Live(console=console, auto_refresh=False) as screen:

        def draw(_: list[Beat]) -> None:
            height = min(16, console.height - 1)
            drawn = draw_screen(monitor, width=console.width, height=height)
            screen.update(drawn, refresh=True)

        yield draw


def _line_writer(monitor: Monitor, *, as_json: bool) -> Callable[[list[Beat]], None]:
    """Return what writes a line each second."""
    from time import monotonic

    from cardium.live.view import as_fields, status_line

    due = monotonic() + _REPORT_EVERY
    fresh: list[Beat] = []

    def write(beats: list[Beat]) -> None:
        nonlocal due
        fresh.extend(beats)
        if monotonic() < due:
            return
        due += _REPORT_EVERY
        summary = monitor.summary()
        if not as_json:
            typer.echo(status_line(summary))
            return
        times = [round(beat.time, 3) for beat in fresh]
        labels = [beat.label for beat in fresh]
        line = {**as_fields(summary), "r_peaks": times, "labels": labels}
        fresh.clear()
        typer.echo(json.dumps(plain(line)))

    return write


def _print_end(monitor: Monitor, recorder: Recorder | None, *, as_json: bool) -> None:
    """Print what a stream came to."""
    from cardium.live.view import as_fields, status_line

    summary = monitor.summary()
    if as_json:
        records = [] if recorder is None else recorder.records
        end = {**as_fields(summary), "records": records, "ended": True}
        typer.echo(json.dumps(plain(end)))
        return
    typer.echo(status_line(summary))
    typer.echo(
        f"Taking in what came took {1000 * summary.step_median:.1f} ms "
        f"(median), {1000 * summary.step_worst:.1f} ms at most."
    )
