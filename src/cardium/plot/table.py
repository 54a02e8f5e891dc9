"""Tables of a report page as HTML; everything foreign is escaped here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Literal

from cardium.core import Metric

if TYPE_CHECKING:
    from cardium.evaluate.bootstrap import Estimate


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str) -> str:
    """Build a table that scrolls sideways on narrow screens.

    Parameters
    ----------
    head : sequence of str
        Header cells, as `heading` makes them.
    rows : iterable of sequence of str
        Body cells, as `name_cell`, `cell` and `estimate_cell` make them.
    caption : str
        What the table shows.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> html = table(
    ...     [heading("model"), heading("Dice", number=True)],
    ...     [[name_cell("a < b"), cell("0.9", number=True)]], caption="Scores",
    ... )
    >>> html.count("<tr>"), "a &lt; b" in html
    (2, True)
    """
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return (
        '<div class="scroll" tabindex="0" role="region" '
        f'aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{''.join(head)}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def heading(text: str, *, sub: str = "", number: bool = False) -> str:
    """Build a column header, with a unit or a hint in small print."""
    kind = ' class="number"' if number else ""
    small = f'<span class="sub">{escape(sub)}</span>' if sub else ""
    return f'<th scope="col"{kind}>{escape(text)}{small}</th>'


def metric_heading(metric: Metric, *, scope: Literal["col", "row"] = "col") -> str:
    """Build a header cell that says the metric, its unit and which way is good."""
    good = "higher" if metric.higher_is_better else "lower"
    arrow = "↑" if metric.higher_is_better else "↓"
    kind = ' class="number"' if scope == "col" else ""
    return (
        f'<th scope="{scope}"{kind}>{escape(metric.title)}<span class="sub">'
        f'{escape(metric.unit)} <span aria-hidden="true">{arrow}</span>'
        f'<span class="hidden">{good} is better</span></span></th>'
    )


def name_cell(text: str, *, sub: str = "") -> str:
    """Build the header cell of a row."""
    small = f'<span class="sub">{escape(sub)}</span>' if sub else ""
    return f'<th scope="row">{escape(text)}{small}</th>'


def cell(text: str, *, number: bool = False) -> str:
    """Build a plain cell."""
    kind = ' class="number"' if number else ""
    return f"<td{kind}>{escape(text)}</td>"


def estimate_cell(
    estimate: Estimate | None,
    *,
    decimals: int,
    best: bool = False,
    signed: bool = False,
    note: str = "",
    undefined: str = "–",
) -> str:
    """Build the cell of a value with its interval, and a note, below it.

    Parameters
    ----------
    estimate : Estimate or None
        The value; a dash stands for None.
    decimals : int
        How many are printed.
    best : bool
        Whether the cell is marked.
    signed : bool
        Whether a plus sign is printed, as of a difference.
    note : str
        Words below the interval.
    undefined : str
        What stands for NaN.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> estimate_cell(None, decimals=3)
    '<td class="number">–</td>'
    """
    if estimate is None or not math.isfinite(estimate.value):
        return cell("–" if estimate is None else undefined, number=True)
    shown = [f"{v:+.{decimals}f}" if signed else f"{v:.{decimals}f}"
             for v in (estimate.value, estimate.low, estimate.high)]  # fmt: skip
    value, low, high = (text.replace("-", "−") for text in shown)
    known = math.isfinite(estimate.low) and math.isfinite(estimate.high)
    interval = f"{low} to {high}" if known else "no interval"
    mark = '<span class="hidden"> (best)</span>' if best else ""
    below = f'<span class="sub">{escape(note)}</span>' if note else ""
    return (
        f'<td class="number{" best" if best else ""}"><strong>{value}</strong>{mark}'
        f'<span class="interval">{interval}</span>{below}</td>'
    )


def decimals_for(estimates: Iterable[Estimate | None]) -> int:
    """Choose decimals so that the narrowest interval has two digits.

    Parameters
    ----------
    estimates : iterable of Estimate or None
        The values of one column.

    Returns
    -------
    int
        1 to 4: values are printed no finer than they are known. 3 without interval.

    Examples
    --------
    >>> from cardium.evaluate import Estimate
    >>> decimals_for([Estimate(0.84131, 0.78, 0.91, 30, 60)])
    2
    """
    widths = [e.high - e.low for e in estimates if e is not None and e.high - e.low > 0]
    if not widths:
        return 3
    return min(max(1 - math.floor(math.log10(min(widths))), 1), 4)
