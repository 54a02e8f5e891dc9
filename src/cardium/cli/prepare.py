"""The command that packs the clips of a benchmark's protocol, ready for a network."""

from __future__ import annotations

from collections.abc import Mapping
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

if TYPE_CHECKING:
    from cardium.core import Setting
    from cardium.fit.packs import Pack, RawSource

_LISTED = 20


def prepare(
    task: Annotated[str, typer.Argument(help="A task that has a protocol.")],
    data: Annotated[str, typer.Option(help="A dataset's name.")],
    out: Annotated[Path, typer.Option("--output", "-o", help="The pack's folder.")],
    root: Root = None,
    protocol: Annotated[
        str, typer.Option(help="published: as a paper's code does. corrected.")
    ] = "published",
    domain: Annotated[
        str, typer.Option(help="What a model sees: beamspace or cartesian.")
    ] = "beamspace",
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-O",
            metavar="NAME=VALUE",
            help="An option of the protocol: size=128. May be repeated.",
        ),
    ] = None,
    where: Where = None,
    limit: Limit = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that prepare.")] = 0,
    as_json: Json = False,
) -> None:
    """Prepare clips once, for training that does not wait for them.

    Stopped at any time, the same command goes on where it was. What is not used is
    listed with the reason.
    """
    from cardium.fit.packs import write_pack

    options = {**parse_values(option, of="--option"), "domain": domain}
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
        typer.echo("Interrupted. The same command goes on from here.", err=True)
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
    from cardium.datasets import DATASETS
    from cardium.fit.packs import RawSource
    from cardium.protocols import open_protocol

    opened = DATASETS.find(data).open(root)
    return RawSource(open_protocol(task, protocol, **options), opened)


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
    if skipped:
        print_rows(skipped[:_LISTED], title="Not packed")
    if len(skipped) > _LISTED:
        typer.echo(f"… and {len(skipped) - _LISTED} more, in {pack.path}/pack.json")
