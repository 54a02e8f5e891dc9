"""Whether probabilities mean what they say: reliability curves, and how far off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError
from cardium.plot.chart import Line, line_chart
from cardium.plot.style import new_figure, style_axes
from cardium.plot.table import cell, heading, name_cell, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cardium.evaluate.report import Report

_INK, _FAINT, _CURVE, _BARS = "#15181e", "#6b7280", "#0b6bcb", "#d5dbe3"
_COLUMNS, _SIDE = 4, 2.6  # panels in a row; inches
_DETAILED = 12  # classes of which a page draws curves
_TOGETHER = 4  # curves in a chart
POOLED = "all classes together"


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often what was given a probability was true.

    Parameters
    ----------
    name : str
        Of the class.
    mean : (B,) [0..1]
        Mean probability of each bin; NaN where nothing is in it.
    share : (B,) [0..1]
        Share that was true of each bin; NaN where nothing is in it.
    count : (B,)
        How many are in each bin.
    true : int
        How many are true in all.
    error : float [0..1]
        Expected calibration error.
    """

    name: str
    mean: FloatArray
    share: FloatArray
    count: NDArray[np.intp]
    true: int
    error: float


def reliability(
    probability: ArrayLike, truth: ArrayLike, *, bins: int = 10, name: str = ""
) -> Reliability:
    r"""Hold probabilities against what was true, in bins of equal width.

    .. math:: ECE = \sum_b \frac{n_b}{N} |\bar p_b - \bar t_b|

    Parameters
    ----------
    probability : (N,) [0..1]
        What was predicted.
    truth : (N,) of 0 and 1
        What was true.
    bins : int
        How many bins; one ends above its highest probability, the last one at 1.
    name : str
        Of the class.

    Returns
    -------
    Reliability
        Curve, counts and expected calibration error.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ, nothing is there, a probability is not 0..1, a truth is
        not 0 or 1, or there is no bin.

    Notes
    -----
    Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning",
    AAAI 2015. The error depends on the bins, and where few are true it is small for a
    model that always says "no": read it beside the curve and the counts.

    Examples
    --------
    Of four given 0.75 three are true, as they should; of two given 0.25 both are.

    >>> found = reliability([0.75] * 4 + [0.25] * 2, [1, 1, 1, 0, 1, 1], bins=2)
    >>> found.share.tolist(), found.count.tolist(), found.error  # 2/6 of 0.75
    ([1.0, 0.75], [2, 4], 0.25)
    """
    p, t = np.asarray(probability, np.float64), np.asarray(truth, np.float64)
    if p.ndim != 1 or p.shape != t.shape or not p.size or bins < 1:
        raise InvalidArgumentError(
            f"Probabilities {p.shape} and truths {t.shape} must be two lists of one "
            f"length, and bins 1 at least, got {bins}."
        )
    if not ((p >= 0) & (p <= 1)).all() or not np.isin(t, (0, 1)).all():
        raise InvalidArgumentError("Probabilities must be 0..1, truths 0 or 1.")
    place = np.minimum((p * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    there = np.where(count, count, np.nan)
    mean, share = (np.bincount(place, v, minlength=bins) / there for v in (p, t))
    error = float(np.nansum(count * np.abs(mean - share)) / p.size)
    return Reliability(name, mean, share, count, int(t.sum()), error)


def reliabilities(
    probability: NDArray[Any],
    truth: NDArray[Any],
    classes: Sequence[str],
    *,
    bins: int = 10,
) -> list[Reliability]:
    """Return the reliability of all classes together, then of each.

    Parameters
    ----------
    probability : (N, C) [0..1]
        One column a class.
    truth : (N, C) of 0 and 1
        What was true.
    classes : sequence of str
        Names of the C classes.
    bins : int
        As of `reliability`.

    Returns
    -------
    list of Reliability
        1 + C of them.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ or do not match the names, or as of `reliability`.

    Examples
    --------
    >>> p, t = np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([[1, 0], [1, 0]])
    >>> [(r.name, round(r.error, 3)) for r in reliabilities(p, t, ("MI", "AF"))]
    [('all classes together', 0.15), ('MI', 0.15), ('AF', 0.15)]
    """
    if probability.shape != truth.shape or probability.shape[1:] != (len(classes),):
        raise InvalidArgumentError(
            f"Probabilities {probability.shape} and truths {truth.shape} must both be "
            f"(N, {len(classes)}): one column for each of {', '.join(classes)}."
        )
    pooled = reliability(probability.ravel(), truth.ravel(), bins=bins, name=POOLED)
    return [pooled] + [
        reliability(probability[:, k], truth[:, k], bins=bins, name=name)
        for k, name in enumerate(classes)
    ]


def draw_calibration(
    probability: NDArray[Any],
    truth: NDArray[Any],
    classes: Sequence[str],
    *,
    bins: int = 10,
    title: str = "",
) -> Figure:
    """Draw reliability curves with counts: all classes together, then each.

    Parameters
    ----------
    probability : (N, C) [0..1]
        One column a class.
    truth : (N, C) of 0 and 1
        What was true.
    classes : sequence of str
        Names of the C classes.
    bins : int
        As of `reliability`.
    title : str
        Heading.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a class. The dashed line is perfect; bars say how many have such a
        probability, the fullest being a third of the panel high.

    Raises
    ------
    InvalidArgumentError
        As of `reliabilities`.

    Examples
    --------
    >>> p, t = np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([[1, 0], [1, 0]])
    >>> len(draw_calibration(p, t, ("MI", "AF")).axes)
    3
    """
    curves = reliabilities(probability, truth, classes, bins=bins)
    columns = min(_COLUMNS, len(curves))
    rows = -(-len(curves) // columns)
    height = rows * (_SIDE + 0.55) + 0.75
    figure = new_figure(columns * (_SIDE + 0.35) + 0.4, height, ground="#ffffff")
    figure.text(0.02, 1 - 0.25 / height, title, color=_INK, fontsize=13, va="center")
    width = columns * (_SIDE + 0.35) + 0.4
    for k, curve in enumerate(curves):
        row, column = divmod(k, columns)
        left = 0.55 + column * (_SIDE + 0.35)
        bottom = height - 0.75 - (row + 1) * (_SIDE + 0.55) + 0.6
        side = (left / width, bottom / height, (_SIDE - 0.25) / width,
                (_SIDE - 0.25) / height)  # fmt: skip
        _draw_curve(figure.add_axes(side), curve)
    figure.text(0.5, 0.14 / height, "predicted probability (across), share that was "
                "true (up)", color=_FAINT, fontsize=10, ha="center")  # fmt: skip
    return figure


def calibration(models: Mapping[str, Report]) -> str:
    """Build the section of a report page, where scores hold probabilities and truths.

    Parameters
    ----------
    models : mapping of str to Report
        By the name of the model.

    Returns
    -------
    str
        HTML; empty if no report has columns ``probability_<class>`` and
        ``truth_<class>``.

    Examples
    --------
    >>> calibration({})
    ''
    """
    found = {name: c for name, r in models.items() if (c := _of_report(r))}
    if not found:
        return ""
    lines = [_perfect()]
    lines += [
        _line(name, curves[0], k) for k, (name, curves) in enumerate(found.items())
    ]
    chart = line_chart(lines, x_label="predicted probability", y_label="share true",
                       title="Reliability of all classes together")  # fmt: skip
    said = (
        "Of what is given a probability of 0.7, 70 % should be true. The expected "
        "calibration error is the mean distance from that, over ten bins of "
        "probability, weighted by how many are in them; lower is better. It is small "
        "for a rare class that is never predicted."
    )
    return (
        f'<h2>Calibration</h2><p class="soft">{said}</p>'
        f'<div class="chart">{chart}</div>{_error_table(found)}'
        f"{''.join(_details(name, curves) for name, curves in found.items())}"
    )


def _of_report(report: Report) -> list[Reliability]:
    """Return the curves of a report; none without probabilities."""
    columns = report.scores.columns
    classes = [
        name
        for key in columns
        if key.startswith("probability_")
        and f"truth_{(name := key.removeprefix('probability_'))}" in columns
    ]
    if not classes or not len(report.scores):
        return []
    p, t = (
        np.stack([columns[f"{kind}_{name}"] for name in classes], axis=1)
        for kind in ("probability", "truth")
    )
    known = np.isfinite(p).all(axis=1) & np.isfinite(t).all(axis=1)
    if not known.any() or not np.isin(t[known], (0, 1)).all():
        return []
    return reliabilities(np.clip(p[known], 0, 1), t[known], classes)


def _error_table(found: Mapping[str, Sequence[Reliability]]) -> str:
    """Build the table of errors, a row a class."""
    first = next(iter(found.values()))
    rows = []
    for curve in first:
        cells = [
            next((f"{c.error:.3f}" for c in curves if c.name == curve.name), "–")
            for curves in found.values()
        ]
        counted = f"{curve.true} of {int(curve.count.sum())}"
        rows.append([name_cell(curve.name), cell(counted, number=True),
                     *(cell(text, number=True) for text in cells)])  # fmt: skip
    head = [heading("Class"), heading("True", number=True)]
    head += [heading(name, number=True) for name in found]
    return table(head, rows, caption="Expected calibration error.")


def _details(model: str, curves: Sequence[Reliability]) -> str:
    """Draw the curves of single classes, folded away; of a few classes only."""
    classes = curves[1:]
    shown = sorted(classes, key=lambda curve: -curve.true)[:_DETAILED]
    charts = ""
    for first in range(0, len(shown), _TOGETHER):
        part = shown[first : first + _TOGETHER]
        lines = [_perfect(), *(_line(c.name, c, k) for k, c in enumerate(part))]
        names = ", ".join(curve.name for curve in part)
        chart = line_chart(
            lines,
            x_label="predicted probability",
            y_label="share true",
            title=f"Reliability of {names}",
        )
        charts += f'<div class="chart">{chart}</div>'
    fewer = f" (the {len(shown)} commonest)" if len(shown) < len(classes) else ""
    return (
        f"<details><summary>{escape(model)}: reliability by class{fewer}</summary>"
        f"{charts}{_count_table(shown)}</details>"
    )


def _count_table(curves: Sequence[Reliability]) -> str:
    """Build the table of how many are in each bin."""
    bins = len(curves[0].count)
    head = [heading("Class")]
    head += [heading(f"{k / bins:g} to {(k + 1) / bins:g}", number=True)
             for k in range(bins)]  # fmt: skip
    rows = [
        [name_cell(c.name), *(cell(str(int(n)), number=True) for n in c.count)]
        for c in curves
    ]
    return table(head, rows, caption="How many were given such a probability.")


def _line(label: str, curve: Reliability, hue: int) -> Line:
    """Turn a curve into one of a chart."""
    return Line(f"{label} (error {curve.error:.3f})", curve.mean, curve.share, hue)


def _perfect() -> Line:
    """Return the line on which probabilities mean what they say."""
    ends = np.array([0.0, 1.0])
    return Line("perfect", ends, ends, 5, dashed=True)


def _draw_curve(axes: Axes, curve: Reliability) -> None:
    """Draw one panel."""
    style_axes(axes, ink=_INK, faint=_FAINT)
    bins = len(curve.count)
    most = max(int(curve.count.max()), 1)
    axes.bar((np.arange(bins) + 0.5) / bins, curve.count / most / 3, 0.86 / bins,
             color=_BARS, zorder=0)  # fmt: skip
    axes.plot([0, 1], [0, 1], color=_FAINT, lw=0.9, ls=(0, (4, 3)))
    known = np.isfinite(curve.mean)
    axes.plot(curve.mean[known], curve.share[known], "o-", color=_CURVE, lw=1.5, ms=4)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=(0, 0.5, 1),
             yticks=(0, 0.5, 1))  # fmt: skip
    axes.set_title(
        f"{curve.name}\nerror {curve.error:.3f}, true {curve.true} of "
        f"{int(curve.count.sum())}",
        fontsize=9, color=_INK, loc="left", pad=4,
    )  # fmt: skip
