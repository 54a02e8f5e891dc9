"""The command that shows recordings: as a list, a table, or a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from cardium.cli.options import Json, Limit, Root, Where, select
from cardium.cli.output import Row, print_rows
from cardium.core import Catalog, Recording
from cardium.errors import InvalidArgumentError, NotProvidedError

if TYPE_CHECKING:
    from cardium.plot.ecg_picture import Form

_ECGS = ("ecg", "ecg_100hz")


def show(
    name: Annotated[str, typer.Argument(help="A dataset's name; `cardium datasets`.")],
    recordings: Annotated[
        list[str] | None,
        typer.Argument(help="Recordings' ids. Without any, recordings are listed."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A .png, .gif or .mp4 to write; of an ECG .png, .svg or .pdf.",
        ),
    ] = None,
    stream: Annotated[
        str | None, typer.Option(help="The stream to show, if there are several.")
    ] = None,
    view: Annotated[
        str | None,
        typer.Option(
            help="cartesian, beamspace or both side by side. Default: cartesian."
        ),
    ] = None,
    frame: Annotated[
        int | None, typer.Option(help="The frame of a .png, from 0; -1 is the last.")
    ] = None,
    time: Annotated[float | None, typer.Option(help="The time of a .png [s].")] = None,
    phase: Annotated[
        float | None,
        typer.Option(
            help="The cardiac phase of a .png: 0 at the R peak, 1 at the next."
        ),
    ] = None,
    sync: Annotated[
        str | None,
        typer.Option(
            help="Several recordings: together by time or by phase. Default: time."
        ),
    ] = None,
    frame_rate: Annotated[
        float | None, typer.Option(help="Frames a second of the file [Hz].")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(help="How fast time passes; 0.5 is slow motion. Default: 1."),
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=64, help="Longer side of an image [pixels].")
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            help="Of an ECG: auto, strip, 3x4+1, 6x2, 12x1 or rows. Default: auto."
        ),
    ] = None,
    start: Annotated[
        float | None, typer.Option(help="Of an ECG: the first time drawn [s].")
    ] = None,
    duration: Annotated[
        float | None, typer.Option(help="Of an ECG: how much is drawn [s].")
    ] = None,
    lead: Annotated[str | None, typer.Option(help="Of an ECG: a strip's lead.")] = None,
    paper_speed: Annotated[
        float | None, typer.Option(help="Of an ECG: 25 or 50 mm/s. Default: 25.")
    ] = None,
    gain: Annotated[
        float | None, typer.Option(help="Of an ECG: 5, 10 or 20 mm/mV. Default: 10.")
    ] = None,
    root: Root = None,
    where: Where = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Show recordings: what they hold as a table, or a picture of one or several."""
    from cardium.datasets import open_dataset

    data = open_dataset(name, root)
    if not recordings:
        if output is not None:
            raise InvalidArgumentError(
                f"'{output}': name the recording to show. List them with: cardium show "
                f"{name}"
            )
        entries = select(data.catalog, where, limit)
        print_rows(_list(entries, whole=as_json), as_json=as_json)
        return
    opened = [data[recording] for recording in recordings]
    if output is None:
        print_rows(_rows(opened, stream), title=", ".join(recordings), as_json=as_json)
        return
    of_images = {
        "--view": view, "--frame": frame, "--time": time, "--phase": phase,
        "--sync": sync, "--frame-rate": frame_rate, "--speed": speed, "--size": size,
    }  # fmt: skip
    of_ecgs = {
        "--layout": layout, "--start": start, "--duration": duration, "--lead": lead,
        "--paper-speed": paper_speed, "--gain": gain,
    }  # fmt: skip
    from cardium.plot.clip import write_panels, write_picture

    if (trace := _trace(opened, stream)) is not None:
        from cardium.plot.ecg_picture import write_ecg

        _refuse(of_images, "the picture of an ECG")
        write_ecg(
            opened[0], output, stream=trace, layout=cast("Form", layout or "auto"),
            start=start, duration=duration, lead=lead,
            speed=25.0 if paper_speed is None else paper_speed,
            gain=10.0 if gain is None else gain,
        )  # fmt: skip
    elif len(opened) == 1:
        _refuse({**of_ecgs, "--sync": sync}, "a picture of images")
        write_picture(
            opened[0], output, stream=stream, view=view or "cartesian", frame=frame,
            time=time, phase=phase, frame_rate=frame_rate,
            speed=1.0 if speed is None else speed, size=size or 640,
        )  # fmt: skip
    else:
        _refuse(of_ecgs, "a picture of images")
        write_panels(
            opened, output, sync=sync or "time", stream=stream,
            view=view or "cartesian", frame=frame, time=time, phase=phase,
            frame_rate=frame_rate, speed=1.0 if speed is None else speed,
            size=size or 420,
        )  # fmt: skip
    typer.echo(output)


def describe(recording: Recording, stream: str | None = None) -> list[Row]:
    """List streams, annotations, meshes, marks and gates of a recording.

    Parameters
    ----------
    recording : Recording
        What is described.
    stream : str, optional
        Keep only what has this name, or lies on the stream of this name.

    Returns
    -------
    list of mapping
        One a thing.
    """
    rows: list[dict[str, object]] = []
    for kind, streams in (
        ("stream", recording.streams),
        ("annotation", recording.annotations),
    ):
        for key, value in streams.items():
            rows.append(
                {
                    "stream": key,
                    "kind": kind,
                    "axes": value.dims,
                    "shape": value.shape,
                    "rate Hz": value.rate,
                    "seconds": value.duration,
                    "unit": value.unit,
                    "geometry": type(value.geometry).__name__ if value.geometry else "",
                }
            )
    for key, mesh in recording.meshes.items():
        seconds = float(mesh.time[-1] - mesh.time[0]) if len(mesh) else 0.0
        rate = (len(mesh) - 1) / seconds if seconds else None
        points = f"{len(mesh.points)} points, {len(mesh.faces)} triangles"
        rows.append(
            {"stream": key, "kind": "mesh", "axes": ("time",), "shape": (len(mesh),),
             "rate Hz": rate, "seconds": seconds, "unit": "m", "geometry": points}
        )  # fmt: skip
    for mark in recording.marks:
        rows.append(
            {"stream": mark.label, "kind": "mark", "axes": mark.dims,
             "shape": mark.points.shape, "on": mark.on}
        )  # fmt: skip
    for gate in recording.gates:
        place = f"{math.degrees(gate.angle):.1f}°"
        place += f", {gate.depth * 100:.1f} cm" if gate.depth is not None else ""
        place += f", {gate.length * 1000:.1f} mm" if gate.length is not None else ""
        rows.append(
            {"stream": "gate", "kind": "gate", "geometry": place, "on": gate.on}
        )
    return [r for r in rows if stream in (None, r["stream"], r.get("on"))]


def _rows(opened: Sequence[Recording], stream: str | None) -> list[Row]:
    """Describe recordings, or what one stream of theirs is."""
    rows: list[Row] = [
        {"recording": one.entry.id, **row} if len(opened) > 1 else row
        for one in opened
        for row in describe(one, stream)
    ]
    if stream is not None and not rows:
        there = {str(row["stream"]) for one in opened for row in describe(one)}
        raise NotProvidedError(
            f"No stream '{stream}'. There are: {', '.join(sorted(there)) or 'none'}."
        )
    return rows


def _trace(opened: Sequence[Recording], stream: str | None) -> str | None:
    """Name the ECG that is to be drawn; None if images are."""
    from cardium.plot.clip import is_ecg

    of_ecg = [
        stream or next(name for name in _ECGS if name in one.streams)
        for one in opened
        if is_ecg(one, stream)
        or (stream is None and not one.streams.keys() - set(_ECGS) and one.streams)
    ]
    if of_ecg and len(opened) > 1:
        raise InvalidArgumentError(
            f"ECGs are drawn one at a time; {len(opened)} recordings were named."
        )
    return of_ecg[0] if of_ecg else None


def _refuse(options: Mapping[str, object], of: str) -> None:
    """Refuse options that would change nothing."""
    if given := [name for name, value in options.items() if value is not None]:
        raise InvalidArgumentError(f"{', '.join(given)} changes nothing in {of}.")


def _list(entries: Catalog, *, whole: bool) -> list[Row]:
    """List recordings with what the catalog knows of them; for people, the gist."""
    rows: list[Row] = []
    for entry in entries:
        labels = {k: v for k, v in entry.labels.items() if v == v}
        row = {"recording": entry.id, "patient": entry.patient, "split": entry.split}
        if whole:
            rows.append({**row, "labels": labels, "provides": sorted(entry.provides)})
            continue
        has = ", ".join(sorted(entry.provides - labels.keys()))
        short = {
            k: v
            for k, v in labels.items()
            if v not in (None, "") and not isinstance(v, tuple)
        }
        rows.append({**row, "has": has, "labels": short})
    return rows
