"""Options that several commands share, and how their texts become values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cardium.core import Catalog, Entry, need
from cardium.errors import InvalidArgumentError, NotProvidedError, UnknownNameError

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
        help="Keep the recordings with this label: view=4CH, rate_hz>=25. "
        "May be repeated.",
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


_LISTED = 12


def check_device(name: str, *, option: str = "--device") -> None:
    """Refuse a device that is none, or is not here, before anything is read.

    Raises
    ------
    InvalidArgumentError
        If it has another name.
    NotProvidedError
        If this machine has no such device.
    """
    gpu = "gpu" if option == "--accelerator" else "cuda"
    if name in ("auto", "cpu"):
        return
    if name != gpu and not (name.startswith("cuda:") and gpu == "cuda"):
        raise InvalidArgumentError(
            f"{option} must be one of auto, cpu, {gpu}, got '{name}'."
        )
    need("torch", extra="torch")
    import torch

    found = torch.accelerator.current_accelerator(check_available=True)
    if found is None or (gpu == "cuda" and found.type != "cuda"):
        raise NotProvidedError(
            f"{option} {name}: PyTorch finds no such device here. Take auto or cpu."
        )


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

    A label of several names has each of them; numbers can be at least (``>=``) or at
    most (``<=``) what is asked for.

    Raises
    ------
    InvalidArgumentError
        If a text is no condition, or a number is compared with none.
    UnknownNameError
        If no recording has such a label.
    NotProvidedError
        If none is left; the message lists the values there are.
    """
    wanted = [_condition(text) for text in where or ()]
    labels = sorted({name for entry in catalog for name in entry.labels})
    for name, _, _ in wanted:
        if labels and name not in labels:
            raise UnknownNameError("label", name, labels)
    kept = catalog.where(lambda entry: all(_fits(entry, *one) for one in wanted))
    if not len(kept):
        there = "; ".join(f"{name}: {_there(catalog, name)}" for name, _, _ in wanted)
        asked = " and ".join(where or ["any"])
        raise NotProvidedError(f"No recording is left by {asked}. There are {there}.")
    return kept[:limit]


def _condition(text: str) -> tuple[str, str, str]:
    """Split a condition into the label, how it is compared, and with what."""
    found = re.fullmatch(r"\s*(\w+)\s*(>=|<=|=)\s*(.*?)\s*", text)
    if found is None:
        raise InvalidArgumentError(
            f"--where '{text}' is not of the form LABEL=VALUE, LABEL>=NUMBER or "
            "LABEL<=NUMBER."
        )
    name, sign, value = found.groups()
    if sign != "=" and isinstance(_number(value), str):
        raise InvalidArgumentError(f"--where '{text}' compares with no number.")
    return name, sign, value


def _fits(entry: Entry, name: str, sign: str, value: str) -> bool:
    """Hold the values of a label against a condition; texts without regard to case."""
    if sign == "=":
        return value.lower() in (str(v).lower() for v in _values(entry, name))
    numbers = [v for v in _values(entry, name) if isinstance(v, (int, float))]
    bound = float(value)
    return any(v >= bound if sign == ">=" else v <= bound for v in numbers)


def _there(catalog: Catalog, name: str) -> str:
    """List the first values of a label."""
    found = sorted({str(v) for entry in catalog for v in _values(entry, name)})
    more = f", … ({len(found)} in all)" if len(found) > _LISTED else ""
    return (", ".join(found[:_LISTED]) or "none") + more


def _values(entry: Entry, name: str) -> Sequence[object]:
    """Return what a label says: nothing, a value, or several."""
    value = entry.labels.get(name)
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _number(text: str) -> str | int | float:
    """Read a number where there is one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
