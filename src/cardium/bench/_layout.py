"""Tables as text that fits a page."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """A table for people.

    Parameters
    ----------
    title, note : str
        What it shows, and how it was made.
    rows : tuple of mapping
        Text by column.
    """

    title: str
    note: str
    rows: tuple[Mapping[str, str], ...]


def lay_out(table: Table, width: int = 100) -> str:
    """Write a table in columns of text; those that do not fit go below.

    Parameters
    ----------
    table : Table
        What to write.
    width : int
        Characters a line at most; words are broken over lines in the last column.

    Returns
    -------
    str
        Lines, a unit under its title.

    Examples
    --------
    >>> rows = ({"model": "mean", "Flow [cm/s]": "29.29"},)
    >>> print(lay_out(Table("", "", rows)))
    model  Flow
           cm/s
    mean   29.29
    """
    first, *others = table.rows[0]
    blocks, used = list[list[str]](), width + 1
    label = _width(table, first)
    for name in others:
        wide = min(_width(table, name), width - label - 2) + 2
        if used + wide > width:
            blocks.append([first])
            used = label
        blocks[-1].append(name)
        used += wide
    return "\n\n".join(_block(table, names, width) for names in blocks)


def _block(table: Table, names: Sequence[str], width: int) -> str:
    """Write some columns, of the rows that have something in them.

    The last column is broken where it is too wide.
    """
    wide = [_width(table, name) for name in names]
    wide[-1] = max(1, min(wide[-1], width - sum(wide[:-1]) - 2 * (len(names) - 1)))
    heads = [_head(name) for name in names]
    lines = []
    if any(title for title, _ in heads):
        lines.append([title for title, _ in heads])
    if any(unit for _, unit in heads):
        lines.append([unit for _, unit in heads])
    for row in table.rows:
        if all(row.get(name, "") in ("", _NOTHING) for name in names[1:]):
            continue
        *cells, last = [row.get(name, "") for name in names]
        pieces = textwrap.wrap(last, wide[-1]) or [""]
        lines.append([*cells, pieces[0]])
        lines += [[""] * len(cells) + [piece] for piece in pieces[1:]]
    return "\n".join(
        "  ".join(
            f"{cell:<{size}}" for cell, size in zip(line, wide, strict=True)
        ).rstrip()
        for line in lines
    )


def _width(table: Table, name: str) -> int:
    """Return the width of a column."""
    cells = [row.get(name, "") for row in table.rows]
    return max(len(text) for text in (*_head(name), *cells))


def _head(name: str) -> tuple[str, str]:
    """Split the head of a column into title and unit."""
    title, _, unit = name.partition(" [")
    return title, unit.removesuffix("]")
