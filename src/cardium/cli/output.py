"""What commands print: tables for people, JSON for machines, bars while they wait."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import NoneType
from typing import Literal

import typer

from cardium.core.files import plain
from cardium.errors import InvalidArgumentError

Row = Mapping[str, object]
_NARROWEST = 20
_NAMES = ("name", "recording", "split", "stream", "exam_id", "tasks", "data")


def print_json(value: object) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))


def print_rows(rows: Sequence[Row], *, title: str = "", as_json: bool = False) -> None:
    """Print rows as a table that fits the terminal, or as JSON."""
    if as_json:
        print_json(rows)
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = _columns(rows)
    table = Table(
        title=title or None,
        box=SIMPLE_HEAD,
        title_justify="left",
        collapse_padding=True,
        pad_edge=False,
    )
    for name in columns:
        cells = [row.get(name) for row in rows]
        numbers = all(isinstance(cell, (int, float, NoneType)) for cell in cells)
        side: Literal["left", "right"] = "right" if numbers else "left"
        # a name or a number that is broken over two lines cannot be read or copied
        whole = numbers or name in _NAMES
        table.add_column(name, justify=side, overflow="fold", no_wrap=whole)
    for row in rows:
        # Text, not markup: labels and file names are foreign input
        table.add_row(*(Text(_cell(row.get(name))) for name in columns))
    Console(highlight=False).print(table)


def print_fields(fields: Row, *, as_json: bool = False) -> None:
    """Print one thing, a line a field, or as JSON."""
    if as_json:
        print_json(fields)
        return
    from rich.console import Console

    width = max(len(name) for name in fields)
    room = max(Console().width, width + 2 * _NARROWEST)
    for name, value in fields.items():
        # broken between words only: what is copied, as an address, stays whole
        lines = textwrap.wrap(
            _cell(value),
            room - width - 2,
            break_long_words=False,
            break_on_hyphens=False,
        )
        first, *rest = lines or [""]
        typer.echo(f"{name:<{width}}  {first}".rstrip())
        for line in rest:
            typer.echo(f"{'':<{width}}  {line}")


def format_rows(rows: Sequence[Row], style: str) -> str:
    """Write rows as csv, markdown or latex.

    Raises
    ------
    InvalidArgumentError
        If the style is none of these.
    """
    columns = _columns(rows)
    cells = [[_cell(row.get(name)) for name in columns] for row in rows]
    match style:
        case "csv":
            import csv
            import io

            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerows([columns, *cells])
            return text.getvalue()
        case "markdown":
            lines = [columns, ["---"] * len(columns), *cells]
            rule = [[cell.replace("|", "\\|") for cell in line] for line in lines]
            return "\n".join(f"| {' | '.join(line)} |" for line in rule) + "\n"
        case "latex":
            body = [" & ".join(_latex(c) for c in line) for line in [columns, *cells]]
            head, *rest = [f"{line} \\\\" for line in body]
            open_ = f"\\begin{{tabular}}{{{'l' * len(columns)}}}"
            parts = [open_, head, "\\hline", *rest, "\\end{tabular}"]
            return "\n".join(parts) + "\n"
    raise InvalidArgumentError(
        f"No table style '{style}'; there are: text, csv, json, markdown, latex."
    )


@contextmanager
def progress(description: str) -> Iterator[Callable[[int, int], None] | None]:
    """Yield ``report(done, total)`` that moves a bar; None when not on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    parts = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*parts, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(description, total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)


def _columns(rows: Sequence[Row]) -> list[str]:
    """Name the columns that have something in them, in order of appearance."""
    names = dict.fromkeys(key for row in rows for key in row)
    return [n for n in names if any(_cell(row.get(n)) for row in rows)]


def _cell(value: object) -> str:
    """Write one cell as a person would."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return "" if value != value else f"{value:.4g}"
        case str() | int():
            return str(value)
        case Mapping():
            return ", ".join(f"{k}={_cell(v)}" for k, v in value.items())
        case list() | tuple():
            return ", ".join(_cell(v) for v in value)
    return str(value)


def _latex(text: str) -> str:
    """Escape what LaTeX would read as a command."""
    return "".join(f"\\{c}" if c in "&%$#_{}" else c for c in text)
