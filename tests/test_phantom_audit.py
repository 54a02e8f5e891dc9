"""The phantom's truth, worked out again from the files that it wrote.

Stores, tables and images are opened with zarr, pyarrow, nibabel and wfdb, and every
number is computed here anew: nothing of `cardium.phantom` but what writes the files is
used, with one exception: `dense_truth` is asked for displacements at neighbouring
times.
"""

from __future__ import annotations

import numpy as np
import pytest

zarr = pytest.importorskip("zarr")
nibabel = pytest.importorskip("nibabel")
wfdb = pytest.importorskip("wfdb")
parquet = pytest.importorskip("pyarrow.parquet")

VIEWS = ("4ch", "2ch", "3ch")
CAVITY, WALL, RIGHT = 1, 2, 4
"""Codes of the left cavity, its wall and the right cavity in labels."""


class Root:
    """A written dataset of one examination, read with nothing of ours."""

    def __init__(self, path):
        self.path = path
        (self.row,) = parquet.read_table(path / "truth.parquet").to_pylist()

    def store(self, name):
        exam = self.row["exam_id"]
        path = self.path / "recordings" / exam / f"{exam}_{name}.zarr"
        return zarr.open_group(path, mode="r")

    def dense(self, name):
        path = self.path / "truth" / f"{self.row['exam_id']}_{name}.zarr"
        return zarr.open_group(path, mode="r")

    def contour(self, view):
        """Times, layers (time, layer, point, xz) and QRS times."""
        store = self.store("strain")
        time = store[f"timestamps/{view}_contour"][:]
        points = store[f"data/{view}_contour"][:].astype(float)
        layers = points.reshape(len(time), 61, 5, 2).swapaxes(1, 2)
        return time, layers, store[f"timestamps/{view}_ecg_qrs"][:]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Every mode of a healthy heart."""
    from cardium.datasets.echoxflow import write_phantom

    path = tmp_path_factory.mktemp("audit") / "whole"
    write_phantom(path, exams=1, seed=3, conditions=())
    return Root(path)


@pytest.fixture(scope="module")
def dense(tmp_path_factory):
    """Four-chamber views of a healthy heart, with what is true at every sample."""
    from cardium.datasets.echoxflow import write_phantom

    path = tmp_path_factory.mktemp("audit") / "dense"
    write_phantom(path, exams=1, seed=4, conditions=(), modes="4ch", dense=True)
    return Root(path)


def sector(store, name):
    """Depths [m] and angles [rad] of the samples, and what else is stated."""
    stated = store.attrs["recording_manifest"]["sectors"]
    (found,) = (one for one in stated if one["semantic_id"] == name)
    shape = found["geometry"]
    ends = [[shape[f"{k}_start_{u}"], shape[f"{k}_end_{u}"]] for k, u in _AXES]
    rows, beams = shape["grid_shape"]
    return np.linspace(*ends[0], rows), np.linspace(*ends[1], beams), found


_AXES = (("depth", "m"), ("angle", "rad"))


def in_polygon(polygon, x, z):
    """Even-odd rule: an odd number of edges is to the right of what is inside."""
    inside = np.zeros(x.shape, bool)
    for (x0, z0), (x1, z1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if z0 != z1:
            crosses = (z0 > z) != (z1 > z)
            inside ^= crosses & (x < x0 + (z - z0) * (x1 - x0) / (z1 - z0))
    return inside


def overlap(a, b, weight):
    """Dice's coefficient with weights."""
    return 2 * (weight * (a & b)).sum() / ((weight * a).sum() + (weight * b).sum())


def volumes_of_meshes(store):
    """Volume within each mesh by the divergence theorem [mL]; and are they closed?"""
    mesh = store["data/3d_left_ventricle_mesh"]
    points, faces = mesh["point_values"][:].astype(float), mesh["face_values"][:]
    starts, offsets = mesh["point_frame_offsets"][:], mesh["face_frame_offsets"][:]
    found, closed = [], True
    for frame, start in enumerate(starts[:-1]):
        triangles = faces[offsets[frame] : offsets[frame + 1]]
        a, b, c = points[start + triangles].swapaxes(0, 1)
        found.append(1e6 * np.einsum("ij,ij", a, np.cross(b, c)) / 6)
        edges = np.concatenate([triangles[:, [i, (i + 1) % 3]] for i in range(3)])
        _, times = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
        closed &= bool((times == 2).all())
    return np.array(found), closed


@pytest.mark.parametrize("name", ["mesh", "mesh_stitched"])
def test_meshes_are_closed_and_hold_the_volumes_of_the_table(root, name):
    volume, closed = volumes_of_meshes(root.store(name))
    assert closed
    assert volume.max() == pytest.approx(root.row["edv_ml"], rel=0.01)
    ejected = 100 * (1 - volume.min() / volume.max())
    assert ejected == pytest.approx(root.row["ef_percent"], abs=1)


def test_discs_of_two_views_lead_to_the_ejection_fraction(root):
    views = []
    for view in VIEWS[:2]:
        time, layers, qrs = root.contour(view)
        cavity = [discs(points[0]) for points in layers[time >= qrs[0] - 1e-3]]
        areas = [widths.sum() * length for widths, length in cavity]
        views.append((cavity[0], cavity[int(np.argmin(areas))]))
    volumes = []
    for (four, length), (two, other) in zip(*views, strict=True):
        volumes.append(1e6 * np.pi / 4 * (four * two).sum() * max(length, other) / 20)
    # The cross-section is an ellipse, of which the views are no half-axes.
    assert volumes[0] == pytest.approx(root.row["edv_ml"], rel=0.04)
    got = 100 * (1 - volumes[1] / volumes[0])
    assert got == pytest.approx(root.row["ef_percent"], abs=1)


def discs(points):
    """Widths of twenty discs across the long axis, and its length [m]."""
    middle = (points[0] + points[-1]) / 2
    far = np.hypot(*(points - middle).T)
    top, length = int(far.argmax()), far.max()
    axis = (points[top] - middle) / length
    up, aside = (points - middle) @ axis, (points - middle) @ [-axis[1], axis[0]]
    heights = (np.arange(20) + 0.5) / 20 * length
    left = np.interp(heights, up[: top + 1], aside[: top + 1])
    right = np.interp(heights, up[top:][::-1], aside[top:][::-1])
    return abs(left - right), length


def test_arc_lengths_of_each_view_are_its_curve_and_the_table(root):
    least = []
    for view in VIEWS:
        time, layers, qrs = root.contour(view)
        length = np.hypot(*np.moveaxis(np.diff(layers, axis=2), 3, 0)).sum(axis=-1)
        first = abs(time - qrs[0]).argmin()
        strain = 100 * (length / length[first] - 1)
        curve = root.store("strain")[f"data/{view}_curve"][:]
        np.testing.assert_allclose(curve, strain[:, 2], atol=0.02)
        for layer, name in ((2, "midwall"), (0, "endocardial")):
            table = root.row[f"strain_{name}_{view}_percent"]
            assert strain[:, layer].min() == pytest.approx(table, abs=0.15)
        least.append(strain[:, [2, 0]].min(axis=0))
    midwall, endocardial = np.mean(least, axis=0)
    assert midwall == pytest.approx(root.row["gls_percent"], abs=0.15)
    assert endocardial == pytest.approx(
        root.row["true_gls_endocardial_percent"], abs=0.15
    )


def test_curves_of_an_infarct_are_those_of_their_own_view():
    from cardium.datasets._echoxflow.patients import Order, Visit, examine
    from cardium.phantom.patient import Infarct, Patient

    patient = Patient(
        edv_ml=140.0,
        ef_percent=40.0,
        gls_percent=-11.0,
        conditions=("infarct",),
        infarct=Infarct("lad", 0.8),
    )
    views = {}
    for made in examine(Visit(0, patient, 0), Order()):
        if len(made.recordings) == 3:
            views = {one.entry.labels["view"]: one for one in made.recordings}
            break
    parts = {}
    for view, one in views.items():
        layers = one["lv_contour"].load().astype(float)
        length = np.hypot(*np.moveaxis(np.diff(layers[:, 2], axis=1), 2, 0))
        curve = one["lv_strain"].load()
        frame = int(curve.argmin())
        first = abs(one["lv_contour"].time - one["qrs"].time[0]).argmin()
        whole = 100 * (length.sum(axis=1) / length[first].sum() - 1)
        np.testing.assert_allclose(curve, whole, atol=0.02)
        thirds = length[[first, frame]].reshape(2, 6, 10).sum(axis=-1)
        parts[view] = 100 * (thirds[1] / thirds[0] - 1)
    # Inferior left, anterior right; inferolateral left, anteroseptal right.
    for view in ("2CH", "3CH"):
        assert parts[view][0] < -15
        assert parts[view][-2:].min() > -8
    assert parts["4CH"][[0, -1]].max() < -15


def test_labels_of_the_slices_lie_where_they_should(root):
    exam = root.row["exam_id"]
    image = nibabel.load(root.path / "cine_mri" / f"{exam}_labels.nii.gz")
    labels = np.asarray(image.dataobj)
    voxel = abs(np.linalg.det(image.affine[:3, :3])) / 1000
    frames = [root.row["cine_ed_frame"], root.row["cine_es_frame"]]
    diastole, systole = (voxel * (labels[..., k] == CAVITY).sum() for k in frames)
    # Slices are 1 cm apart: half of one at the base is 5 mL.
    assert diastole == pytest.approx(root.row["edv_ml"], abs=6)
    assert systole == pytest.approx(root.row["esv_ml"], abs=6)
    left, right = (
        nibabel.affines.apply_affine(
            image.affine, np.argwhere(labels[..., frames[0]] == code)
        ).mean(axis=0)
        for code in (CAVITY, RIGHT)
    )
    # To the patient's right and in front, in axes that run right, front, up.
    assert right[0] - left[0] > 15
    assert right[1] - left[1] > 5


def test_contours_go_round_what_the_labels_call_cavity_and_wall(dense):
    film = dense.dense("bmode")
    stated = film.attrs["geometry"]
    rows, beams = stated["grid_shape"]
    depth = np.linspace(stated["depth_start_m"], stated["depth_end_m"], rows)
    angle = np.linspace(stated["angle_start_rad"], stated["angle_end_rad"], beams)
    x, z = depth[:, None] * np.sin(angle), depth[:, None] * np.cos(angle)
    weight = depth[:, None] * np.ones(beams)
    _, layers, _ = dense.contour("4ch")
    grey = dense.store("bmode")["data/2d_brightness_mode"][:].astype(float)
    for frame in (3, 12, 20):
        tissue = film["tissue"][frame]
        inner, outer = layers[frame, 0], layers[frame, -1]
        ring = np.concatenate([inner, outer[::-1]])
        assert overlap(in_polygon(inner, x, z), tissue == CAVITY, weight) > 0.99
        assert overlap(in_polygon(ring, x, z), tissue == WALL, weight) > 0.99
        assert (
            grey[frame][tissue == WALL].mean()
            > grey[frame][tissue == CAVITY].mean() + 20
        )
    # The right ventricle is on the left of the image, and the septum with it.
    assert x[film["tissue"][3] == RIGHT].max() < x[film["tissue"][3] == CAVITY].mean()
    assert layers[3, 0, 0, 0] < layers[3, 0, -1, 0]


def test_tissue_doppler_is_the_velocity_along_the_beam_without_bias(dense):
    store, film = dense.store("tissue"), dense.dense("tissue")
    depth, angle, stated = sector(store, "tissue_doppler")
    limit = stated["velocity_limit_mps"]
    code = store["data/tissue_doppler"][:].astype(float)
    measured = (2 * code / 255 - 1) * limit
    velocity, wall = film["velocity"][:].astype(float), film["tissue"][:] == WALL
    along = -(velocity[:, 0] * np.sin(angle) + velocity[:, 2] * np.cos(angle))
    np.testing.assert_allclose(along, film["beam_velocity"][:], atol=1e-6)
    miss = 100 * (np.mod(measured - along + limit, 2 * limit) - limit)[wall]
    power = brightness_at(store, depth, angle)[wall]
    assert abs(np.average(miss, weights=power)) < 0.05
    assert np.median(abs(miss)) < 0.15
    assert 100 * along[wall].std() > 0.8


def brightness_at(store, depth, angle):
    """Power of the images beside the samples of a frame between two of them."""
    from scipy.interpolate import RegularGridInterpolator

    rows, beams, _ = sector(store, "bmode")
    grey = store["data/2d_brightness_mode"][:].astype(float)
    between = (grey[:-1] + grey[1:]) / 2
    places = np.stack(np.meshgrid(depth, angle, indexing="ij"), axis=-1)
    levels = [RegularGridInterpolator((rows, beams), one)(places) for one in between]
    return 10 ** (np.stack(levels) / 255 * 6)


@pytest.mark.parametrize("disease", ["none", "infarct"])
def test_velocity_is_how_fast_material_points_move(disease):
    from cardium.core import SectorVolume
    from cardium.phantom.acquisition import begin
    from cardium.phantom.patient import Infarct, Patient
    from cardium.phantom.probe import Placement
    from cardium.phantom.truth import dense_truth

    ill = {
        "ef_percent": 40.0,
        "edv_ml": 140.0,
        "gls_percent": -11.0,
        "conditions": ("infarct",),
        "infarct": Infarct("rca", 0.8),
    }
    scene = begin(Patient(**(ill if disease == "infarct" else {})), what="a", beats=1)
    placement = Placement.apical(apex=(0.0, 0.02), tilt=0.1)
    half, step, count = 5e-4, 2e-4, 0
    for depth, side in ((0.05, -0.42), (0.07, -0.33), (0.05, 0.6), (0.07, 0.48)):
        turn = half / depth
        fan = SectorVolume(
            depth=(depth - half, depth + half),
            azimuth=(side - turn, side + turn),
            elevation=(-turn, turn),
            shape=(3, 3, 3),
        )
        for time in (0.25, 0.6):
            films = dense_truth(
                scene, placement, fan, time + step * np.array([-1.0, 0.0, 1.0])
            )
            if not (films["tissue"].load() == WALL).all():
                continue
            count += 1
            shift = films["displacement"].load().astype(float)
            axes = [
                np.linspace(c - w, c + w, 3)
                for c, w in ((0.0, turn), (side, turn), (depth, half))
            ]
            places = slopes(np.stack(fan.points()), axes)
            slope = slopes(shift[1], axes) @ np.linalg.inv(places)
            back = np.eye(3) - slope
            rate = (shift[2] - shift[0])[:, 1, 1, 1] / (2 * step)
            stated = films["velocity"].load()[1, :, 1, 1, 1]
            np.testing.assert_allclose(np.linalg.solve(back, rate), stated, atol=2e-4)
            assert np.linalg.det(back) == pytest.approx(1, abs=5e-3)
    assert count >= 3


def slopes(field, axes):
    """Central differences (3, 3) of a field (3, 3, 3, 3) at its middle."""
    found = np.stack(
        [
            np.gradient(field, axis, axis=k + 1)[:, 1, 1, 1]
            for k, axis in enumerate(axes)
        ]
    )
    return found.T


@pytest.mark.parametrize("name", ["pw_lvot", "cw_lvot"])
def test_the_trace_by_the_area_is_the_stroke_volume(root, name):
    trace = trace_of(root.store(name))
    integral = 100 * abs(np.trapezoid(trace[:, 1], trace[:, 0]))
    prefix = name.removeprefix("pw_")
    assert integral == pytest.approx(root.row[f"{prefix}_vti_cm"], rel=0.01)
    flown = integral * root.row[f"{prefix}_area_cm2"] / root.row[f"{prefix}_cosine"]
    assert flown == pytest.approx(root.row["beat_aortic_forward_ml"][0], rel=0.02)


def trace_of(store):
    """The only trace of a spectrum, time [s] and velocity [m/s]."""
    (name,) = (key for key in store["data"] if "annotation" in key)
    return store[f"data/{name}"][:].astype(float)


def test_the_waves_of_the_inflow_are_in_the_trace_and_in_the_spectrum(root):
    store, row = root.store("pw_mitral"), root.row
    trace = trace_of(store)
    assert 100 * trace[:, 1].max() == pytest.approx(
        max(row["mitral_e_cm_s"], row["mitral_a_cm_s"]), rel=0.02
    )
    stated = store.attrs["recording_manifest"]["tracks"][0]
    velocity = np.array(stated["row_velocity_mps"])
    grey = store["data/1d_pulsed_wave_doppler"][:].astype(float)
    time = store["timestamps/1d_pulsed_wave_doppler"][:]
    peak = trace[trace[:, 1].argmax()]
    lines = grey[abs(time - peak[0]) < 0.015].mean(axis=0)
    bright = velocity[lines > lines.max() / 2]
    # Wider than the velocity itself by the window and the transit.
    assert peak[1] * 0.9 < bright.max() < peak[1] * 1.25


def r_peaks(signal, rate):
    """Times of steep tall waves: the greatest energy of slopes, 0.3 s apart."""
    slope = np.gradient(signal, axis=0) ** 2
    energy = slope if slope.ndim == 1 else slope.sum(axis=1)
    energy = np.convolve(energy, np.ones(round(0.08 * rate)), mode="same")
    found = []
    for k in np.flatnonzero(energy > 0.3 * np.quantile(energy, 0.995)):
        if found and k - found[-1] < 0.3 * rate:
            if energy[k] > energy[found[-1]]:
                found[-1] = k
        else:
            found.append(int(k))
    return np.array(found) / rate


def test_r_waves_are_where_the_files_say(root):
    store = root.store("pw_lvot")
    time, trace = store["timestamps/ecg"][:], store["data/ecg"][:]
    stated = store["timestamps/ecg_qrs"][:]
    found = r_peaks(trace, 1 / np.diff(time).mean())
    assert len(found) >= 2
    assert max(abs(stated - one).min() for one in found) < 0.03
    exam = root.row["exam_id"]
    record = wfdb.rdrecord(str(root.path / "ecg_12_lead" / exam))
    assert record.p_signal.shape[1] == 12
    found = r_peaks(record.p_signal, record.fs)
    known = np.array(root.row["ecg_r_s"])
    whole = known[(known > 0.1) & (known < len(record.p_signal) / record.fs - 0.1)]
    assert max(abs(found - one).min() for one in whole) < 0.03
    assert abs(len(found) - len(whole)) <= 2
    leads = dict(zip(record.sig_name, record.p_signal.T, strict=True))
    np.testing.assert_allclose(
        leads["II"], leads["I"] + leads["III"], atol=3 / min(record.adc_gain)
    )
