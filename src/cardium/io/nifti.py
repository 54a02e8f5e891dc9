"""NIfTI images: films of planes and of volumes, with spacing, place, times and unit.

`write_nifti` and `read_nifti` carry a stream: planes as (X, Z, 1, T), volumes as
(X, Y, Z, T), in millimetres and seconds, placed by the affine. NIfTI's world of right,
anterior and superior is ``(-x, -y, z)`` of the probe, in millimetres: x points to the
patient's left, y to the back, z to the head, roughly as in an apical view.

`open_planes` and `write_planes` are for stills and films as (X, Z) or (X, Z, T), as
echo datasets ship them: there, the sign of the affine is left aside, and the third axis
is time.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import PlaneGrid, Stream, need
from cardium.core.files import written_aside
from cardium.errors import DataCorruptError, DataMissingError
from cardium.io import _nifti_header as head
from cardium.io._pixels import blocks, check_ending, image_stream, pixel_type

_UNREADABLE = (EOFError, OSError, ValueError, OverflowError, zlib.error)


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
        self.grid = head.pixel_grid(path, image)

    def __getitem__(self, time: slice, /) -> NDArray[np.uint8]:
        """Read the frames of a slice of time, (t, Z, X) uint8."""
        stored = _read(self._path, self._image, time, still=2)
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
    image = _open(path)
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


def write_nifti(path: Path, stream: Stream) -> None:
    """Write the images of a stream: spacing, place, times, unit; frame by frame.

    Parameters
    ----------
    path : Path
        A ``.nii`` or ``.nii.gz`` file; one of that name is replaced.
    stream : Stream
        Images of a plane or a volume, or a label map; beamspace is scan converted.

    Raises
    ------
    InvalidArgumentError
        If the name ends otherwise, or NIfTI cannot hold the axes, the type or the size.
    NotProvidedError
        If the stream has no geometry.

    Notes
    -----
    Time: ``toffset`` is the first frame's and ``pixdim[4]`` the mean step, so that the
    first and the last frame are where they were. The exact time of every frame, which a
    header of equal steps cannot say, is in a header extension (code 6, JSON), with
    name, unit, exact grid and names of labels. `read_nifti` uses it where the header
    agrees.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> grid = PlaneGrid(x=(-0.001, 0.001), z=(0.0, 0.003), shape=(4, 3))
    >>> film = Stream("b_mode", np.zeros((2, 4, 3), np.uint8), np.array([0.5, 0.75]),
    ...               ("time", "z", "x"), "grey", grid)
    >>> with TemporaryDirectory() as folder:
    ...     write_nifti(Path(folder) / "film.nii.gz", film)
    ...     back = read_nifti(Path(folder) / "film.nii.gz")
    ...     back.geometry == grid, back.time.tolist(), back.unit
    (True, [0.5, 0.75], 'grey')
    """
    check_ending(path, ".nii", ".nii.gz")
    _nifti()
    placed, grid = image_stream(stream, path)
    dtype = pixel_type(placed, path)
    header = head.header_of(placed, grid, dtype, path)
    packed = path.name.lower().endswith(".gz")
    with written_aside(path) as aside, ExitStack() as opened:
        file: IO[bytes] = opened.enter_context(aside.open("wb"))
        if packed:
            file = opened.enter_context(_compressed(file))
        header.write_to(file)
        # NIfTI is Fortran-ordered (x, z, 1, t): the bytes of (t, z, x) in C order.
        for block in blocks(placed.values, dtype):
            file.write(block.data)


def read_nifti(path: Path) -> Stream:
    """Open a NIfTI image of planes or volumes; its pixels are read when sliced.

    Parameters
    ----------
    path : Path
        A ``.nii`` or ``.nii.gz`` file of shape (X, Z, 1), (X, Y, Z) or these by T.

    Returns
    -------
    Stream
        On a `PlaneGrid` or a `VolumeGrid`. What `write_nifti` wrote has its name, unit
        and times again; an image of another tool is called ``"image"``, its unit is
        ``"label"`` where the header says so, else ``""``.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataCorruptError
        If it is not a NIfTI image of three or four axes, or is cut short.
    GeometryError
        If its affine spans no volume.
    """
    image = _open(path)
    if len(image.shape) not in (3, 4):
        raise DataCorruptError(
            f"'{path}' has shape {image.shape}, expected (x, z, 1), (x, y, z) or these "
            "by time. Read a film of planes (x, z, time) with open_planes."
        )
    grid, facts = head.grid_of(path, image), head.extension_of(image)
    labels = int(image.header["intent_code"]) == head.LABEL_INTENT
    coords = facts.get("coords")
    limit = facts.get("velocity_limit")
    dims = ("z", "x") if isinstance(grid, PlaneGrid) else ("z", "y", "x")
    return Stream(
        str(facts.get("name", "image")),
        _Frames(path, image, grid.shape),
        head.clock_of(path, image),
        ("time", *dims),
        str(facts.get("unit", "label" if labels else "")),
        grid,
        velocity_limit=limit if isinstance(limit, float) and limit > 0 else None,
        coords={k: tuple(map(str, v)) for k, v in coords.items() if k == "label"}
        if isinstance(coords, dict)
        else {},
    )


@dataclass(frozen=True)
class _Frames:
    """The frames of an image, (T, *grid), in its stored type; read when sliced."""

    path: Path
    image: Any
    sample: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Frames, and the shape of one."""
        return ((*self.image.shape, 1)[3], *self.sample)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel: the stored one, unless the header scales it."""
        scaled = (self.image.dataobj.slope, self.image.dataobj.inter) != (1, 0)
        stored = np.dtype(np.float64) if scaled else self.image.get_data_dtype()
        return np.dtype(stored).newbyteorder("=")

    def __getitem__(self, time: slice, /) -> NDArray[Any]:
        """Read the frames of a slice of time."""
        stored = _read(self.path, self.image, time, still=3)
        return stored.T.reshape(-1, *self.sample).astype(self.dtype, copy=False)


def _read(path: Path, image: Any, time: slice, *, still: int) -> NDArray[Any]:  # noqa: ANN401
    """Read the stored frames of a slice of time; a still has `still` axes."""
    try:
        if len(image.shape) == still:
            return np.asarray(image.dataobj)[..., None][..., time]
        return np.asarray(image.dataobj[..., time])
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise DataCorruptError(
            f"The pixels of '{path}' cannot be read as its header says, shape "
            f"{image.shape} ({error}). Delete it and get it again."
        ) from error


def _nifti() -> Any:  # noqa: ANN401 - nibabel is untyped
    """Import the image class of NIfTI-1."""
    need("nibabel", extra="echo")
    from nibabel.nifti1 import Nifti1Image

    return Nifti1Image


def _open(path: Path) -> Any:  # noqa: ANN401 - nibabel is untyped
    """Read the header of a NIfTI image; missing and corrupt are told apart."""
    nifti = _nifti()
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError
    from nibabel.wrapstruct import WrapStructError

    try:
        image = nifti.from_filename(path)
    except FileNotFoundError as error:
        raise DataMissingError(f"'{path}' does not exist.") from error
    except _UNREADABLE as error:
        raise _no_image(path, error) from error
    except (ImageFileError, HeaderDataError, WrapStructError) as error:
        raise _no_image(path, error) from error
    head.check_size(path, image)
    return image


def _no_image(path: Path, error: Exception) -> DataCorruptError:
    """Say that a file is not what its name says."""
    return DataCorruptError(
        f"'{path}' is not a NIfTI image ({error}). Delete it and get it again."
    )


def _compressed(file: IO[bytes]) -> IO[bytes]:
    """Compress fast, and the same pixels to the same bytes at any hour."""
    return gzip.GzipFile(  # type: ignore[return-value]
        "", "wb", compresslevel=1, fileobj=file, mtime=0
    )
