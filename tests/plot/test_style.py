from __future__ import annotations

import numpy as np

from cardium.plot.style import colour_of, velocity_scale, velocity_table


def test_towards_the_probe_is_red_and_away_is_blue() -> None:
    table = velocity_table().astype(int)
    assert (table[140:230, 0] > table[140:230, 2]).all()
    assert (table[25:115, 2] > table[25:115, 0]).all()
    assert table[127:129].max() < 30


def test_brighter_is_faster_on_both_sides() -> None:
    light = velocity_table().astype(float) @ [0.299, 0.587, 0.114]
    assert (np.diff(light[128:]) > 0).all()
    assert (np.diff(light[:127]) < 0).all()


def test_scale_is_round_and_never_over_the_limit() -> None:
    assert velocity_scale(np.array([0.021]), 0.6) == 0.03
    assert velocity_scale(np.array([0.0]), None) == 0.001
    assert velocity_scale(np.array([0.21]), 0.25) == 0.25
    assert velocity_scale(np.full(3, np.nan), 0.2) == 0.001


def test_structures_keep_their_colour() -> None:
    assert colour_of("lv_cavity") != colour_of("myocardium")
    assert colour_of("valve", 2) == colour_of("valve", 6)
