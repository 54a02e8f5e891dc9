"""One row a recording: what is found, what is empty and why."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardium.core import Gate, Mark, Sector, Stream
from cardium.measure.echo import COLUMNS, FLAGS, TEXTS, Measurements, measure_recording
from cardium.phantom.exam import simulate
from cardium.phantom.patient import Patient
from measure.conftest import as_contour, beating_heart, recording_of, spheroid_mesh

IN_SPECTRUM = ("time", "velocity")


def strain_recording(beating, *, view="4CH", **more):
    parts = {"annotations": [beating.contour(), beating.qrs()], **more}
    return recording_of(view=view, **parts)


def test_a_strain_analysis_is_measured_in_full(beating) -> None:
    row = measure_recording(strain_recording(beating))
    function, lv = beating.heart.function, beating.heart.ventricle
    assert row.reasons == ()
    assert row.flags == ()
    value = row.values
    assert value["ef_percent"] == pytest.approx(
        100 * function.ejection_fraction, abs=0.02
    )
    assert value["edv_ml"] == pytest.approx(1e6 * lv.cavity_volume, rel=0.002)
    assert value["sv_ml"] == pytest.approx(value["edv_ml"] - value["esv_ml"])
    assert value["volume_method"] == "single_plane_discs"
    assert value["timing_method"] == "contour"
    assert value["heart_rate_bpm"] == pytest.approx(function.heart_rate)
    assert value["n_beats"] == 1
    assert value["mapse_mm"] == pytest.approx(
        1e3 * lv.length * function.shortening, rel=1e-3
    )
    assert value["gls_endocardium_percent"] < value["gls_percent"] < 0
    assert value["gls_percent"] < value["gls_epicardium_percent"]
    assert abs(value["strain_drift_percent"]) < 0.02
    named = [c for c in value if c.startswith("strain_") and "al_" in c]
    assert len(named) == 6
    assert list(row.row()) == [
        "recording", "patient", "exam", "view", *COLUMNS, "flags", "reason"
    ]  # fmt: skip


def test_of_two_beats_the_mean_is_taken() -> None:
    beating = beating_heart(1)
    period = beating.motion.cycle.rhythm.intervals[0]
    time = np.arange(int((0.2 + 2 * period) * 60)) / 60
    contour = as_contour(beating.motion.contour(time), time)
    peaks = 0.1 + period * np.arange(3)
    qrs = Stream("qrs", peaks, peaks, ("time",), "s")
    row = measure_recording(recording_of(annotations=[contour, qrs]))
    assert row.values["n_beats"] == 2
    assert row.values["ed_time_s"] == pytest.approx(0.1, abs=1 / 60)
    assert row.values["ef_percent"] == pytest.approx(
        100 * beating.heart.function.ejection_fraction, abs=0.02
    )


def test_a_beat_may_lack_its_last_frames(beating) -> None:
    """Volumes and strain are there; what needs the end of the beat is not."""
    contour = beating.contour().between(0.0, beating.r_peaks[1] - 0.05)
    row = measure_recording(recording_of(annotations=[contour, beating.qrs()]))
    assert row.values["n_beats"] == 1
    assert row.flags == ("drift_unknown",)
    assert row.values["ef_percent"] == pytest.approx(
        100 * beating.heart.function.ejection_fraction, abs=0.02
    )
    assert "strain_drift_percent" not in row.values


def test_the_three_chamber_view_gives_strain_and_no_volume(beating) -> None:
    row = measure_recording(strain_recording(beating, view="3CH"))
    assert "ef_percent" not in row.values
    assert "strain_basal_anteroseptal_percent" in row.values
    assert any("3CH" in reason for reason in row.reasons)


def test_without_r_peaks_the_film_is_one_window(beating) -> None:
    row = measure_recording(recording_of(annotations=[beating.contour()]))
    assert row.flags == ("no_whole_beat",)
    assert row.values["n_beats"] == 0
    assert "heart_rate_bpm" not in row.values
    assert "peak_ejection_rate_ml_s" not in row.values
    assert row.values["ef_percent"] == pytest.approx(
        100 * beating.heart.function.ejection_fraction, abs=0.02
    )


def test_r_peaks_are_found_in_the_ecg() -> None:
    exam = simulate(Patient(number=3))
    row = measure_recording(
        recording_of(
            streams=[exam.streams["ecg"]], annotations=exam.annotations.values()
        )
    )
    assert row.flags == ("r_peaks_detected",)
    assert row.values["ef_percent"] == pytest.approx(exam.truth.ef_percent, abs=0.05)
    assert row.values["ed_time_s"] == pytest.approx(exam.truth.ed_time, abs=1 / 30)
    assert row.values["es_time_s"] == pytest.approx(exam.truth.es_time, abs=1 / 30)
    assert row.values["gls_endocardium_percent"] == pytest.approx(
        exam.truth.endocardial_strain.min(), abs=0.05
    )
    assert row.values["gls_percent"] == pytest.approx(
        exam.truth.midwall_strain.min(), abs=0.05
    )


def test_a_mesh_goes_before_a_contour(beating) -> None:
    time = np.linspace(*beating.r_peaks, 30)
    scale = 1 - 0.2 * np.sin(np.pi * np.linspace(0, 1, 30))
    mesh = spheroid_mesh((0.025, 0.025, 0.045), time, scale)
    row = measure_recording(strain_recording(beating, meshes=[mesh]))
    assert row.values["volume_method"] == row.values["timing_method"] == "mesh"
    assert row.values["edv_ml"] == pytest.approx(117.8, rel=0.004)
    assert row.values["ef_percent"] == pytest.approx(100 * (1 - 0.8**3), abs=0.2)
    assert "gls_percent" in row.values


def test_atrium_and_right_ventricle() -> None:
    """An atrium of 40 % reservoir strain; a free wall that shortens by a quarter."""
    time = np.arange(51) / 50
    swing = np.sin(np.pi * np.clip(time / 0.8, 0, 1)) ** 2
    angle = np.linspace(-np.pi / 2, np.pi / 2, 41)
    arch = np.stack([0.02 * np.sin(angle), 0.1 - 0.03 * np.cos(angle)], axis=-1)
    atrium = (1 + 0.4 * swing)[:, None, None, None] * arch[None, None]
    wall = np.stack([np.linspace(-0.02, 0, 21), np.linspace(0.1, 0.02, 21)], axis=-1)
    both = np.concatenate([wall, (wall * (-1, 1))[-2::-1]])
    right = np.repeat(both[None], 51, axis=0)
    tip = right[:, 20:21]
    right[:, :20] = tip + (right[:, :20] - tip) * (1 - 0.25 * swing)[:, None, None]
    qrs = Stream("qrs", np.array([0.0, 1.0]), np.array([0.0, 1.0]), ("time",), "s")
    row = measure_recording(
        recording_of(
            annotations=[
                as_contour(atrium, time, name="la_contour", layers=("endocardium",)),
                as_contour(
                    right[:, None], time, name="rv_contour", layers=("midwall",)
                ),
                qrs,
            ]
        )
    )
    assert row.reasons == ()
    assert row.values["la_reservoir_strain_percent"] == pytest.approx(40, abs=0.1)
    assert row.values["rv_free_wall_strain_percent"] == pytest.approx(-25, abs=0.1)
    assert row.values["rv_gls_percent"] == pytest.approx(-12.5, abs=0.1)


@pytest.mark.parametrize("sign", [1, -1])
def test_given_curves_of_either_sign(sign: int) -> None:
    time = np.arange(41) / 40
    course = -18.0 * np.sin(np.pi * np.clip(time / 0.7, 0, 1))
    segments = np.stack([course - 2, course + 2, np.full(41, np.nan)], axis=1)
    given_curve = Stream("lv_strain", sign * segments, time, ("time", "segment"), "%")
    atrial = Stream("la_strain", -2 * course, time, ("time",), "%")
    qrs = Stream("qrs", np.array([0.0, 1.0]), np.array([0.0, 1.0]), ("time",), "s")
    row = measure_recording(recording_of(annotations=[given_curve, atrial, qrs]))
    assert row.values["gls_given_percent"] == pytest.approx(-18, abs=0.05)
    assert row.values["la_reservoir_strain_given_percent"] == pytest.approx(36, abs=0.1)
    assert row.values["timing_method"] == "strain"
    assert ("strain_sign_turned" in row.flags) == (sign < 0)


def tissue(values) -> Stream:
    sector = Sector((0.05, 0.10), (-0.2, 0.2), (11, 5))
    film = np.broadcast_to(
        np.asarray(values)[:, None, None] / 100, (len(values), 11, 5)
    )
    time = np.arange(len(values)) / 10
    return Stream(
        "tissue_velocity", film, time, ("time", "range", "beam"), "m/s", sector,
        velocity_limit=0.16,
    )  # fmt: skip


def test_tissue_needs_a_place_and_a_beat() -> None:
    velocity = tissue([0, 4, 8, 3, 0, -6, -10, -2, -5, -1, 0])
    gate = Gate("tissue_velocity", 0.1, 0.08, 0.004)
    peaks = np.array([0.0, 1.0])
    qrs = Stream("qrs", peaks, peaks, ("time",), "s")
    full = measure_recording(
        recording_of(streams=[velocity], annotations=[qrs], gates=(gate,))
    )
    found = [full.values[f"{wave}_prime_cm_s"] for wave in "sea"]
    assert found == pytest.approx([8, 10, 5])
    nowhere = measure_recording(recording_of(streams=[velocity], annotations=[qrs]))
    assert "sample volume" in nowhere.reasons[0]
    never = measure_recording(recording_of(streams=[velocity], gates=(gate,)))
    assert "R peak" in never.reasons[0]


def test_what_readers_marked_on_spectra() -> None:
    point = np.array([(0.5, -0.09)])
    trace = np.array([(0.1, 0.0), (0.25, -1.0), (0.4, 0.0)])
    marks = (
        Mark("Cardiac/SD/MV E' septal/Manual", "pulsed_wave", IN_SPECTRUM, point),
        Mark("MV E' lateral", "pulsed_wave", IN_SPECTRUM, point * (1, 1.5)),
        Mark("MV E Velocity", "pulsed_wave", IN_SPECTRUM, np.array([(0.5, 0.8)])),
        Mark("A", "pulsed_wave", IN_SPECTRUM, np.array([(0.8, 0.5)])),
        Mark("A", "pulsed_wave", IN_SPECTRUM, np.array([(1.8, 0.7)])),
        Mark("LVOT trace", "pulsed_wave", IN_SPECTRUM, trace),
        Mark("LVOT trace", "pulsed_wave", IN_SPECTRUM, trace * (1, 0.8)),
        Mark("AV trace", "continuous_wave", IN_SPECTRUM, trace * (1, 3)),
        Mark("MV E' septal", "b_mode", ("x", "z"), np.array([(0.0, 0.08)])),
    )
    row = measure_recording(recording_of(marks=marks))
    value = row.values
    assert value["e_prime_septal_cm_s"] == pytest.approx(9)
    assert value["e_prime_lateral_cm_s"] == pytest.approx(13.5)
    assert value["e_to_a"] == pytest.approx(0.8 / 0.6)
    assert (value["flow"], row.flags) == ("LVOT", ("several_flows",))
    assert value["peak_velocity_cm_s"] == pytest.approx(90)
    # triangles: half of the base times the height
    assert value["vti_cm"] == pytest.approx(100 * 0.15 * 0.9)
    assert value["peak_gradient_mmhg"] == pytest.approx(4 * (1 + 0.64) / 2)


def test_waves_are_read_off_a_traced_inflow() -> None:
    """E of 80 cm/s that falls to zero in 200 ms, and A of 50 cm/s."""
    time = np.arange(0, 2, 0.01)
    spectrum = Stream(
        "pulsed_wave", np.zeros((200, 3)), time, ("time", "velocity"), "grey",
        velocity_limit=1.0, axes={"velocity": np.array([1.0, 0.0, -1.0])},
    )  # fmt: skip
    peaks = np.array([0.0, 1.0, 1.99])
    qrs = Stream("qrs", peaks, peaks, ("time",), "s")
    points = [(0.42, 0), (0.5, 0.8), (0.7, 0), (0.8, 0), (0.87, 0.5), (0.94, 0)]
    trace = Mark("MV trace", "pulsed_wave", IN_SPECTRUM, np.array(points))
    recording = recording_of(streams=[spectrum], annotations=[qrs], marks=(trace,))
    value = measure_recording(recording).values
    assert value["flow"] == "MV"
    assert value["e_cm_s"] == pytest.approx(80, rel=0.02)
    assert value["a_cm_s"] == pytest.approx(50, rel=0.03)
    assert value["e_to_a"] == pytest.approx(1.6, rel=0.04)
    assert value["deceleration_time_ms"] == pytest.approx(200, rel=0.03)


def test_a_marked_peak_is_a_gradient() -> None:
    peaks = [
        Mark("TR Vmax", "continuous_wave", IN_SPECTRUM, np.array([(t, -3.0)]))
        for t in (0.2, 1.2)
    ]
    value = measure_recording(recording_of(marks=tuple(peaks))).values
    assert (value["flow"], value["envelope_method"]) == ("TR", "marked")
    assert value["peak_velocity_cm_s"] == 300
    assert value["peak_gradient_mmhg"] == 36


def test_nothing_to_measure_is_said() -> None:
    film = Stream("b_mode", np.zeros((2, 3, 3)), np.arange(2.0), ("time", "z", "x"), "")
    row = measure_recording(recording_of(streams=[film]))
    assert row.values == {}
    assert not row.measured
    assert row.reasons == ("nothing to measure in: b_mode",)
    assert row.row()["ef_percent"] is None


def test_one_failure_leaves_the_others(beating) -> None:
    broken = as_contour(
        np.full((5, 5, 9, 2), np.nan), np.arange(5.0), name="rv_contour"
    )
    given_curve = Stream(
        "lv_strain", np.full(5, np.nan), np.arange(5.0), ("time",), "%"
    )
    row = measure_recording(
        recording_of(
            annotations=[beating.contour(), beating.qrs(), broken, given_curve]
        )
    )
    assert "ef_percent" in row.values
    assert [r.split(":")[0] for r in row.reasons] == ["rv_contour", "lv_strain"]


def test_texts_and_units_are_told_apart() -> None:
    assert set(COLUMNS) >= TEXTS
    units = ("_ml", "_ml_s", "_percent", "_mm", "_cm_s", "_cm", "_mmhg", "_ms", "_s")
    bare = {"e_to_a", "n_beats", "heart_rate_bpm"}
    for column in COLUMNS:
        assert column in TEXTS | bare or column.endswith(units), column
    assert len(set(COLUMNS)) == len(COLUMNS)
    assert Measurements("r", "p").row()["reason"] == ""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_a_file_holds_the_row_is_made(data) -> None:
    """Points moved, lost, frozen or scaled: never an exception, never a NaN."""
    frames, points = data.draw(st.integers(0, 7)), data.draw(st.integers(1, 12))
    seed = data.draw(st.integers(0, 2**31))
    rng = np.random.default_rng(seed)
    scale = data.draw(st.sampled_from([0.0, 1e-6, 0.1, 1e3]))
    values = scale * rng.normal(size=(frames, 3, points, 2))
    values[rng.random(values.shape) < data.draw(st.sampled_from([0, 0.05, 0.5]))] = (
        np.nan
    )
    time = np.cumsum(rng.uniform(0.01, 0.3, frames))
    layers = ("endocardium", "midwall", "epicardium")
    names = ["lv_contour", "la_contour", "rv_contour"]
    lines = [as_contour(values, time, name=name, layers=layers) for name in names]
    peaks = np.cumsum(rng.uniform(0.01, 1.0, data.draw(st.integers(0, 5))))
    curve = Stream("lv_strain", values[:, 0, :, 0], time, ("time", "segment"), "%")
    qrs = Stream("qrs", peaks, peaks, ("time",), "s")
    velocity = tissue(50 * rng.normal(size=max(frames, 2)))
    envelope = np.stack([np.resize(time, points), values[:1].sum((0, 1, 3))], axis=-1)[
        : points if frames else 0
    ]
    row = measure_recording(
        recording_of(
            streams=[velocity],
            annotations=[*lines, curve, qrs],
            gates=(Gate("tissue_velocity", 0.0, 0.07),),
            marks=(Mark("LVOT trace", "pulsed_wave", IN_SPECTRUM, envelope),),
        )
    )
    assert set(row.flags) <= set(FLAGS)
    for value in row.values.values():
        assert isinstance(value, str) or np.isfinite(value)
