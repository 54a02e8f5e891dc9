"""Options that several commands share, and how their texts become values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cardium.core import Catalog, Entry
from cardium.errors import InvalidArgumentError, NotProvidedError

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Root = Annotated[
    Path | None,
    typer.Option(
        help="The dataset's folder. Default: $CARDIUM_DATA/NAME, else the platform's "
        "data folder."
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LABEL=VALUE",
        help="Keep the recordings with this label: view=4CH. May be repeated.",
    ),
]
Limit = Annotated[
    int | None, typer.Option(min=1, help="Take only the first N recordings.")
]
Option = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        "-O",
        metavar="NAME=VALUE",
        help="An option of the task: domain=beamspace. May be repeated.",
    ),
]


def parse_pairs(texts: Sequence[str] | None, *, of: str) -> dict[str, str]:
    """Split ``NAME=VALUE`` texts.

    Raises
    ------
    InvalidArgumentError
        If a text has no equals sign.
    """
    pairs = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InvalidArgumentError(f"{of} '{text}' is not of the form NAME=VALUE.")
        pairs[name.strip()] = value.strip()
    return pairs


def parse_values(
    texts: Sequence[str] | None, *, of: str
) -> dict[str, str | int | float]:
    """Split ``NAME=VALUE`` texts; a value that is a number becomes one."""
    return {name: _number(value) for name, value in parse_pairs(texts, of=of).items()}


def select(
    catalog: Catalog, where: Sequence[str] | None, limit: int | None = None
) -> Catalog:
    """Keep the entries that have every label asked for, and the first `limit`.

    Raises
    ------
    NotProvidedError
        If none is left; the message lists the values there are.
    """
    wanted = parse_pairs(where, of="--where")
    kept = catalog.where(lambda entry: _matches(entry, wanted))
    if not len(kept):
        there = {
            name: sorted({str(e.labels[name]) for e in catalog if name in e.labels})
            for name in wanted
        }
        raise NotProvidedError(f"No recording is left by {wanted}; there are {there}.")
    return kept[:limit]


def _matches(entry: Entry, wanted: dict[str, str]) -> bool:
    """Compare labels as texts, without regard to case."""
    return all(
        name in entry.labels and str(entry.labels[name]).lower() == value.lower()
        for name, value in wanted.items()
    )


def _number(text: str) -> str | int | float:
    """Read a number where there is one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
