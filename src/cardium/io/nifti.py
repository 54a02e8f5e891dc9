"""NIfTI images of planes: stills and films, as (time, z, x) on a grid in metres.

The format stores the lateral axis first, (x, z) or (x, z, t); streams have time first
and rows before columns. The axes are turned here, and nowhere else. The sign of the
affine is left aside: it says how the plane lies in a room, which a free-hand probe
does not know; rows go down, away from the probe, and columns to the right.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import PlaneGrid, need
from cardium.core.files import written_aside
from cardium.errors import DataCorruptError, DataMissingError

_METRES = {"unknown": 1e-3, "mm": 1e-3, "meter": 1.0, "micron": 1e-6}


class Planes:
    """The frames of a NIfTI image as uint8, (time, z, x); read when sliced by time.

    Parameters
    ----------
    path : Path
        The file.
    image : nibabel.Nifti1Image
        The image, of which only the header has been read.
    codes : mapping of int to int, optional
        For a label map: code to give for each value that the source defines.

    Attributes
    ----------
    shape : (T, Z, X)
        Frames, rows and columns; a still has one frame.
    grid : PlaneGrid
        Where the pixels lie: the centre of the first is at x = z = 0.
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        path: Path,
        image: Any,  # noqa: ANN401 - nibabel is untyped
        codes: Mapping[int, int] | None = None,
    ) -> None:
        columns, rows, *frames = image.shape
        self._path = path
        self._image = image
        self._codes = codes
        self.shape = (frames[0] if frames else 1, rows, columns)
        self.grid = _grid(path, image)

    def __getitem__(self, time: slice, /) -> NDArray[np.uint8]:
        """Read the frames of a slice of time, (t, Z, X) uint8."""
        try:
            if len(self._image.shape) == 2:
                stored = np.asarray(self._image.dataobj)[..., None][..., time]
            else:
                stored = np.asarray(self._image.dataobj[..., time])
        except (EOFError, OSError, ValueError, zlib.error) as error:
            raise DataCorruptError(
                f"The pixels of '{self._path}' cannot be read as its header says, "
                f"shape {self._image.shape} ({error}). Delete it and get it again."
            ) from error
        frames = self._grey(stored) if self._codes is None else self._labels(stored)
        return frames.transpose(2, 1, 0)

    def _grey(self, stored: NDArray[Any]) -> NDArray[np.uint8]:
        """Cast grey levels to uint8; refuse what is not whole or does not fit."""
        whole = (stored >= 0) & (stored <= 255) & (stored == np.round(stored))
        if not whole.all():
            raise DataCorruptError(
                f"'{self._path}' should hold whole grey levels 0..255, it also holds "
                f"{stored[~whole][0]:g}. Was it interpolated or rescaled? Get it again."
            )
        return stored.astype(np.uint8)

    def _labels(self, stored: NDArray[Any]) -> NDArray[np.uint8]:
        """Translate the source's codes; refuse values that it does not define."""
        codes = self._codes or {}
        known = np.isin(stored, list(codes))
        if not known.all():
            wrong = np.unique(stored[~known])
            more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
            raise DataCorruptError(
                f"'{self._path}' should hold the labels {sorted(codes)}, it also holds "
                f"{', '.join(f'{value:g}' for value in wrong[:5])}{more}. "
                "Was it interpolated? Get it again."
            )
        table = np.zeros(max(codes) + 1, np.uint8)
        table[list(codes)] = list(codes.values())
        return table[stored.astype(np.intp)]


def open_planes(path: Path, *, codes: Mapping[int, int] | None = None) -> Planes:
    """Open a NIfTI still or film; only its header is read.

    Parameters
    ----------
    path : Path
        A ``.nii`` or ``.nii.gz`` file of shape (X, Z) or (X, Z, T).
    codes : mapping of int to int, optional
        If it is a label map: the values that the source defines, and the code to give
        for each. Any other value is refused when it is read.

    Returns
    -------
    Planes
        The frames, (T, Z, X) uint8, with their grid.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataCorruptError
        If it is not a NIfTI image of two or three axes with pixels of a positive size.

    Notes
    -----
    The pixel size is that of the header's ``pixdim`` in its unit (millimetres where it
    states none, as the ITK tools write). It is stored as float32 and rounded here to
    the sixth digit, so that 0.308 mm reads as 0.308 mm. The third axis is time whatever
    its ``pixdim`` says.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> grid = PlaneGrid(x=(0.0, 0.001), z=(0.0, 0.001), shape=(3, 2))
    >>> stored = np.array([[[0, 0], [0, 1], [1, 1]]])
    >>> with TemporaryDirectory() as folder:
    ...     write_planes(Path(folder) / "mask.nii.gz", stored, grid)
    ...     mask = open_planes(Path(folder) / "mask.nii.gz", codes={0: 0, 1: 2})
    ...     mask.shape, mask.grid.spacing, mask[:].tolist()
    ((1, 3, 2), (0.0005, 0.001), [[[0, 0], [0, 2], [2, 2]]])
    """
    nifti = _nifti()
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    try:
        image = nifti.from_filename(path)
    except FileNotFoundError as error:
        raise DataMissingError(f"'{path}' does not exist.") from error
    except (ImageFileError, HeaderDataError, EOFError, OSError, zlib.error) as error:
        raise DataCorruptError(
            f"'{path}' is not a NIfTI image ({error}). Delete it and get it again."
        ) from error
    if len(image.shape) not in (2, 3):
        raise DataCorruptError(
            f"'{path}' has shape {image.shape}, expected (x, z) or (x, z, time)."
        )
    return Planes(path, image, codes)


def write_planes(path: Path, values: NDArray[Any], grid: PlaneGrid) -> None:
    """Write a still or a film in float32, with its pixel size in millimetres.

    Parameters
    ----------
    path : Path
        A ``.nii`` or ``.nii.gz`` file.
    values : (T, Z, X)
        The frames; one frame is written as a still, (X, Z).
    grid : PlaneGrid
        Its spacing goes to the header; its origin does not.

    Examples
    --------
    The file has the lateral axis first.

    >>> from tempfile import TemporaryDirectory
    >>> from nibabel.nifti1 import Nifti1Image
    >>> grid = PlaneGrid(x=(0.0, 0.001), z=(0.0, 0.001), shape=(3, 2))
    >>> with TemporaryDirectory() as folder:
    ...     write_planes(Path(folder) / "film.nii", np.zeros((4, 3, 2)), grid)
    ...     image = Nifti1Image.from_filename(Path(folder) / "film.nii")
    ...     image.shape, [float(size) for size in image.header.get_zooms()[:2]]
    ((2, 3, 4), [1.0, 0.5])
    """
    nifti = _nifti()
    stored = np.asarray(values, np.float32).transpose(2, 1, 0)
    dz, dx = grid.spacing
    affine = np.diag([-dx * 1e3, -dz * 1e3, 1.0, 1.0])
    image = nifti(stored[..., 0] if len(values) == 1 else stored, affine)
    image.header.set_xyzt_units("mm")
    with written_aside(path) as aside:
        image.to_filename(aside)


def _nifti() -> Any:  # noqa: ANN401 - nibabel is untyped
    """Import the image class of NIfTI-1."""
    need("nibabel", extra="echo")
    from nibabel.nifti1 import Nifti1Image

    return Nifti1Image


def _grid(path: Path, image: Any) -> PlaneGrid:  # noqa: ANN401 - nibabel is untyped
    """Lay the grid by the pixel size of the header."""
    unit = image.header.get_xyzt_units()[0]
    zooms = image.header.get_zooms()[:2]
    dx, dz = (round(float(zoom), 6) * _METRES[unit] for zoom in zooms)
    columns, rows = image.shape[:2]
    if not (dx > 0 and dz > 0 and columns > 1 and rows > 1):
        raise DataCorruptError(
            f"'{path}' has pixels of {dx:g} x {dz:g} m in an image of {columns} x "
            f"{rows}. Get it again."
        )
    return PlaneGrid(
        x=(0.0, (columns - 1) * dx), z=(0.0, (rows - 1) * dz), shape=(rows, columns)
    )
