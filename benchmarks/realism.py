"""How the phantom's images compare with real ones: grey levels, contrast and speckle.

Run `python benchmarks/realism.py [CAMUS_FOLDER]`. The folder holds ``patientNNNN``
folders of the CAMUS dataset; without it the comparison with CAMUS is left out. The
film that comes with pydicom is always used.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cardium.core import PlaneGrid
from cardium.geometry import resample
from cardium.geometry.contour import contour_mask
from cardium.geometry.grids import plane_around
from cardium.phantom.exam import Examination, simulate
from cardium.phantom.population import sample_patient
from cardium.phantom.realism import (
    PERCENTILES,
    Appearance,
    describe_frame,
    match_frames,
    speckle_statistics,
)

PATIENTS = 6
CAMUS_FRAMES = 40
STEP = 0.308e-3


def main() -> None:
    """Print phantom and real images side by side."""
    columns = {"phantom": phantom_looks()}
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if folder is None or not folder.is_dir():
        print(f"CAMUS: left out, no folder of its patients was given ({folder}).")
    else:
        columns["CAMUS"] = camus_looks(folder)
    print_looks(columns)
    print_films()
    print_speckle()


def phantom_looks() -> list[Appearance]:
    """Describe end-diastole and end-systole of simulated four-chamber views."""
    looks = []
    for number in range(PATIENTS):
        exam = simulate(sample_patient(number), preset="full", frame_rate=2.0)
        stream, contour = exam.streams["b_mode"], exam.annotations["lv_contour"]
        plane = plane_at(exam, STEP)
        fan = np.isfinite(to_plane(np.ones(stream.geometry.shape), exam, plane, np.nan))
        for time in (exam.truth.ed_time, exam.truth.es_time):
            k = int(abs(stream.time - time).argmin())
            lines = contour.load()[k].astype(float)
            cavity = contour_mask(lines[0], plane)
            grey = to_plane(stream.load()[k].astype(np.float32), exam, plane, 0)
            looks.append(
                describe_frame(
                    np.rint(grey).astype(np.uint8),
                    plane,
                    muscle=contour_mask(lines[-1], plane) & ~cavity,
                    cavity=cavity,
                    fan=fan,
                )
            )
    return looks


def plane_at(exam: Examination, step: float) -> PlaneGrid:
    """Make the image plane of an examination, with pixels of a size [m]."""
    sector = exam.streams["b_mode"].geometry
    return plane_around(sector, rows=round(sector.depth[1] / step))


def to_plane(
    values: NDArray[np.float64], exam: Examination, plane: PlaneGrid, outside: float
) -> NDArray[np.float64]:
    """Scan-convert samples of an examination."""
    sector = exam.streams["b_mode"].geometry
    return np.asarray(resample(values, sector, plane, outside=outside, antialias=True))


def camus_looks(folder: Path) -> list[Appearance]:
    """Describe frames of CAMUS by their expert masks."""
    import nibabel
    from scipy.spatial import ConvexHull

    looks = []
    for path in sorted(folder.glob("patient*/*_4CH_E?.nii.gz"))[:CAMUS_FRAMES]:
        image = nibabel.load(path)
        mask = nibabel.load(path.with_name(path.name.replace(".nii", "_gt.nii")))
        grey = np.asarray(image.dataobj).T.astype(np.uint8)
        labels = np.asarray(mask.dataobj).T
        step = float(image.header.get_zooms()[0]) / 1000
        rows, columns = grey.shape
        plane = PlaneGrid(
            (0.0, step * (columns - 1)), (0.0, step * (rows - 1)), grey.shape
        )
        places = np.argwhere(grey > 0)
        hull = ConvexHull(places)
        every = np.indices(grey.shape).reshape(2, -1)
        inside = hull.equations[:, :2] @ every + hull.equations[:, 2:] <= 0
        looks.append(
            describe_frame(
                grey,
                plane,
                muscle=labels == 2,
                cavity=labels == 1,
                fan=inside.all(axis=0).reshape(grey.shape),
            )
        )
    return looks


def print_looks(columns: dict[str, list[Appearance]]) -> None:
    """Print the median appearance, and the middle half of what is one number."""
    print(f"\n{'':24}" + "".join(f"{name:>34}" for name in columns))
    for field in Appearance._fields:
        cells = []
        for looks in columns.values():
            values = np.array([getattr(look, field) for look in looks])
            scale = 1000 if field in ("axial", "lateral") else 1
            middle = scale * np.nanmedian(values, axis=0)
            if values.ndim > 1:
                cells.append(" ".join(f"{v:5.0f}" for v in middle))
                continue
            low, high = scale * np.nanpercentile(values, [25, 75])
            cells.append(f"{middle:.2f} ({low:.2f} to {high:.2f})")
        unit = " [mm]" if field in ("axial", "lateral") else ""
        print(f"{field + unit:24}" + "".join(f"{cell:>34}" for cell in cells))
    print(f"(muscle, cavity, rest: percentiles {PERCENTILES}; quarters: of the depth)")


def print_films() -> None:
    """Print how fast blocks of myocardium change, beside those of a real film."""
    import pydicom
    from pydicom.data import get_testdata_file

    data = pydicom.dcmread(get_testdata_file("examples_ybr_color.dcm"))
    film = data.pixel_array[..., 0]
    # The septum: rows and columns were read off the first frame.
    septum = np.s_[85:113, 146:158]
    exam = simulate(sample_patient(0), preset="full", frame_rate=30.0)
    plane = plane_at(exam, 1.02e-3)
    frames = to_plane(exam.streams["b_mode"].load().astype(np.float32), exam, plane, 0)
    line = exam.annotations["lv_contour"].load()[0, 2, 15].astype(float)
    row, column = (int(v) for v in plane.index_of(line[0], line[1]))
    wall = np.s_[row - 14 : row + 14, column - 6 : column + 6]
    print("\nBest match of a block of septum after 1, 2, 4 and 8 frames at 30 a second")
    for name, values, block in (("phantom", frames, wall), ("SonoSite", film, septum)):
        found = match_frames(values.astype(np.uint8), block)
        print(f"{name:24}" + " ".join(f"{v:6.2f}" for v in found))
    for name, values in (("phantom", frames), ("SonoSite", film[:, 31:208, 42:298])):
        shown = values[values > 0]
        levels = " ".join(f"{v:6.0f}" for v in np.percentile(shown, PERCENTILES))
        print(f"{name + ', all of the fan':24}{levels}")


def print_speckle() -> None:
    """Print the statistics of the phantom's speckle before it is displayed."""
    from cardium.core import Sector
    from cardium.phantom.probe import Probe
    from cardium.phantom.receive import receive

    probe = Probe.matched_to(Sector((0.05, 0.11), (-0.2, 0.2), (192, 44)))
    rng = np.random.default_rng(0)
    r, angle = rng.uniform(0.04, 0.12, 10**6), rng.uniform(-0.3, 0.3, 10**6)
    y = rng.uniform(-0.005, 0.005, r.size)
    points = np.stack([r * np.sin(angle), y, r * np.cos(angle)], axis=-1)
    sign = rng.choice(np.array([-1, 1], np.float32), r.size)
    snr, deviation = speckle_statistics(abs(receive(points, sign, probe=probe)))
    print(f"\nDense speckle: SNR {snr:.3f} (1.913), level {deviation:.2f} dB (5.57 dB)")


if __name__ == "__main__":
    main()
