"""Relevance as colour along an ECG: on the right lead, at the right time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError
from cardium.plot.attribution import draw_attribution
from cardium.plot.style import png_bytes
from plot.conftest import twelve_leads


def relevance(rate: int = 100, lead: int = 1, at: float = 6.0) -> Stream:
    """One second of one lead counts."""
    time = np.arange(10 * rate) / rate
    values = np.zeros((len(time), 12))
    values[(time >= at) & (time < at + 1), lead] = 0.5
    names = twelve_leads().coords
    return Stream("relevance", values, time, ("time", "lead"), "", coords=names)


def halos(figure) -> list[tuple[FloatArray, FloatArray]]:
    """Places [mm] and opacity of the coloured pieces, strip by strip."""
    from matplotlib.collections import LineCollection

    return [
        (
            np.array([s.mean(axis=0) for s in lines.get_segments()]),
            lines.get_colors()[:, 3],
        )
        for lines in figure.axes[0].collections
        if isinstance(lines, LineCollection) and len(lines.get_colors()) > 1
    ]


@pytest.mark.parametrize("rate", [50, 100, 250])
def test_colour_lies_on_the_lead_and_the_second_that_count(rate: int) -> None:
    found = halos(draw_attribution(twelve_leads(), relevance(rate)))
    assert len(found) == 13
    # Lead II: its quarter is the first 2.5 s; the second that counts is on the strip.
    for k, (_, opacity) in enumerate(found[:12]):
        assert opacity.max() == 0, k
    places, opacity = found[12]
    x = places[opacity > 0.9, 0]
    assert np.isclose(x.min(), 15 + 6 * 25, atol=1)
    assert np.isclose(x.max(), 15 + 7 * 25, atol=1)


def test_leads_are_found_by_name_and_not_by_place() -> None:
    there = relevance(lead=11, at=8)  # V6, in its own quarter
    back = replace(
        there,
        values=there.load()[:, ::-1],
        coords={"lead": there.coords["lead"][::-1]},
    )
    for stream in (there, back):
        coloured = [
            k
            for k, (_, o) in enumerate(halos(draw_attribution(twelve_leads(), stream)))
            if o.max() > 0.9
        ]
        assert coloured == [11]  # strips are drawn I, II, III, aVR, … V6, II


def test_signs_have_two_colours_and_the_legend_says_so() -> None:
    values = relevance().load() - np.roll(relevance().load(), 200, axis=0)
    figure = draw_attribution(twelve_leads(), relevance().with_values(values))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "-0.5 against" in texts
    assert "0.5 for" in texts
    plain = draw_attribution(twelve_leads(), relevance())
    assert "0.5 or more" in [text.get_text() for text in plain.axes[0].texts]


def test_nothing_relevant_is_drawn_without_colour() -> None:
    none = relevance().with_values(np.zeros((1000, 12)))
    figure = draw_attribution(twelve_leads(), none, title="x")
    assert halos(figure) == []
    assert "no relevance" in [text.get_text() for text in figure.axes[0].texts]
    assert png_bytes(figure).startswith(b"\x89PNG")


def test_what_does_not_fit_is_refused() -> None:
    other = replace(relevance(), coords={"lead": tuple(f"X{k}" for k in range(12))})
    with pytest.raises(InvalidArgumentError, match="none in common"):
        draw_attribution(twelve_leads(), other)
    late = replace(relevance(), time=relevance().time + 60)
    with pytest.raises(InvalidArgumentError, match="clock of the ECG"):
        draw_attribution(twelve_leads(), late)
    broken = relevance().with_values(np.full((1000, 12), np.nan))
    with pytest.raises(InvalidArgumentError, match="not finite"):
        draw_attribution(twelve_leads(), broken)
