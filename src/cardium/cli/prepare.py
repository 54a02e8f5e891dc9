"""The command that packs what is learnt from: clips of a protocol, or signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cardium.cli.options import (
    Json,
    Limit,
    Root,
    Where,
    parse_values,
    select,
)
from cardium.cli.output import print_fields, print_json, print_rows, progress
from cardium.core import SIGNAL_KINDS
from cardium.errors import InvalidArgumentError, NotProvidedError

if TYPE_CHECKING:
    from cardium.core import OpenDataset, Setting, Task
    from cardium.fit.packs import Pack, RawSource

_LISTED = 20
_INTERRUPTED = "Interrupted. The same command goes on from here."
_OF_SIGNALS = SIGNAL_KINDS | {"events"}


def prepare(
    task: Annotated[
        str, typer.Argument(help="A task of signals, or one that has a protocol.")
    ],
    data: Annotated[str, typer.Option(help="A dataset's name.")],
    out: Annotated[Path, typer.Option("--output", "-o", help="The pack's folder.")],
    root: Root = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Of clips. published: as a paper's code does; or corrected. Default: "
            "published."
        ),
    ] = None,
    domain: Annotated[
        str | None,
        typer.Option(
            help="What a model sees of clips: beamspace or cartesian. Default: "
            "beamspace."
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-O",
            metavar="NAME=VALUE",
            help="An option of the protocol, or of a task of signals: size=128, "
            "rate=500. May be repeated.",
        ),
    ] = None,
    where: Where = None,
    limit: Limit = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that prepare.")] = 0,
    as_json: Json = False,
) -> None:
    """Prepare recordings once, for training that does not wait for them.

    Of a task of signals, all recordings are packed as their devices stored them, and
    --root PACK opens them wherever a dataset is asked for. Of another task, the clips
    of a protocol are packed. Stopped at any time, the same command goes on where it
    was. What cannot be used is listed with the reason.
    """
    from cardium.fit.packs import write_pack
    from cardium.tasks import TASKS, open_task, task_options

    chosen = parse_values(option, of="--option")
    TASKS.find(task)
    known = {k: v for k, v in chosen.items() if k in task_options(task)}
    if (the_task := open_task(task, **known)).output.kind in _OF_SIGNALS:
        open_task(task, **chosen)  # refuses an option that it does not have
        clips = {"--workers": workers, "--protocol": protocol, "--domain": domain}
        if given := [f"{name} {value}" for name, value in clips.items() if value]:
            raise InvalidArgumentError(
                f"{', '.join(given)}: '{task}' is a task of signals, which are packed "
                "as they are, as fast as they are read."
            )
        _prepare_signals(the_task, data, root, out, where, limit, as_json=as_json)
        return
    options = {**chosen, "domain": domain or "beamspace"}
    protocol = protocol or "published"
    reopen = partial(open_source, task, protocol, options, data, root)
    source = reopen()
    usable = source.protocol.task.usable(source.data.catalog)
    entries = select(usable, where, limit).entries
    try:
        with progress(f"Preparing {task}") as report:
            pack = write_pack(
                out, source, entries, workers=workers, reopen=reopen, progress=report
            )
    except KeyboardInterrupt:
        typer.echo(_INTERRUPTED, err=True)
        raise
    _print(pack, as_json=as_json)


def open_source(
    task: str,
    protocol: str,
    options: Mapping[str, Setting],
    data: str,
    root: Path | None,
) -> RawSource:
    """Open the recordings of a dataset by a protocol; each process does so itself."""
    from cardium.datasets import open_dataset
    from cardium.fit.packs import RawSource
    from cardium.protocols import open_protocol

    opened = open_dataset(data, root)
    return RawSource(open_protocol(task, protocol, **options), opened)


def _prepare_signals(
    task: Task,
    name: str,
    root: Path | None,
    out: Path,
    where: Sequence[str] | None,
    limit: int | None,
    *,
    as_json: bool,
) -> None:
    """Pack the signals that a task looks at, and say what was packed."""
    from cardium.datasets import open_dataset
    from cardium.io.signal_packs import skipped_of, write_signal_pack

    data = open_dataset(name, root)
    task.usable(data.catalog)  # refuses a dataset that the task cannot be asked of
    streams = _signals_of(task, data)
    entries = select(data.catalog, where, limit).entries
    try:
        with progress(f"Packing {name}") as report:
            pack = write_signal_pack(
                out, data, streams, entries=entries, progress=report
            )
    except KeyboardInterrupt:
        typer.echo(_INTERRUPTED, err=True)
        raise
    reasons = [
        {"recording": recording, "reason": reason}
        for recording, reason in skipped_of(pack)
    ]
    facts = {
        "pack": str(out),
        "dataset": name,
        "signals": ", ".join(streams),
        "recordings": len(pack) - len(reasons),
        "bytes": sum(f.stat().st_size for f in out.rglob("*") if f.is_file()),
        "skipped": reasons if as_json else len(reasons),
    }
    if as_json:
        print_json(facts)
        return
    print_fields(facts)
    _print_reasons(reasons)
    typer.echo(f"Next: cardium fit {task.name} --data {name} --root {out}")


def _signals_of(task: Task, data: OpenDataset) -> list[str]:
    """Name the signals that a task needs; of several that will do, the first there."""
    there = set[str]().union(*(entry.provides for entry in data.catalog))
    groups = [(need,) if isinstance(need, str) else need for need in task.needs]
    named = [next((n for n in group if n in there), "") for group in groups]
    signals = [name for name in named if name.startswith("ecg")]
    if not signals:
        raise NotProvidedError(
            f"Task '{task.name}' needs {', '.join(map(str, task.needs))}; of signals, "
            f"{data.dataset.info.title} has none of these here."
        )
    return signals


def _print(pack: Pack, *, as_json: bool) -> None:
    """Say what a pack holds and what it does not."""
    skipped = [{"recording": name, "reason": reason} for name, reason in pack.skipped]
    facts = {
        "pack": str(pack.path),
        "recordings": len(pack),
        "clips": pack.clips,
        "bytes": pack.nbytes,
        "skipped": skipped if as_json else len(skipped),
    }
    if as_json:
        print_json({**facts, **pack.facts})
        return
    print_fields(facts)
    _print_reasons(skipped)


def _print_reasons(skipped: Sequence[Mapping[str, str]]) -> None:
    """Print why recordings are not in a pack: the first of them."""
    if skipped:
        print_rows(skipped[:_LISTED], title="Not packed")
    if len(skipped) > _LISTED:
        typer.echo(f"… and {len(skipped) - _LISTED} more; --json lists them all.")
