"""MetaImage files (.mha, .mhd): films of planes and volumes, as ITK reads them.

A text header and raw pixels. Planes are films of three axes, (X, Z, T), volumes of
four, (X, Y, Z, T); the last axis is time in seconds, the others are millimetres of the
probe's x, y and z, which stand for left, posterior and superior. What the format has no
key for is in keys of our own: ``StreamName``, ``StreamUnit``, ``AxisNames``,
``VelocityLimit`` and, in lines of 500, ``FrameTimes0`` and so on: the exact time of
each frame in seconds. The last element spacing is the mean step.
"""

from __future__ import annotations

import math
import zlib
from contextlib import ExitStack
from pathlib import Path, PurePath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, PlaneGrid, Stream, VolumeGrid
from cardium.core.files import written_aside
from cardium.errors import DataCorruptError, NotProvidedError
from cardium.io._pixels import (
    blocks,
    check_ending,
    image_stream,
    mean_step,
    pixel_type,
    require_file,
)

_TYPES = {
    "uint8": "MET_UCHAR",
    "int16": "MET_SHORT",
    "uint16": "MET_USHORT",
    "int32": "MET_INT",
    "float32": "MET_FLOAT",
    "float64": "MET_DOUBLE",
}
_PLANE, _STILL = ("x", "z", "time"), ("x", "y", "z")
_VOLUME = (*_STILL, "time")
_LINE = 500  # the readers' buffer for one line is 32 kB
_HEADER_BYTES = 1 << 22


def write_metaimage(path: Path, stream: Stream) -> None:
    """Write the images of a stream: spacing, place, times and unit, frame by frame.

    Parameters
    ----------
    path : Path
        A ``.mha`` file, or a ``.mhd`` header whose pixels go to a ``.raw`` file beside
        it. Files of these names are replaced.
    stream : Stream
        Images of a plane or a volume, or a label map; beamspace is scan converted.

    Raises
    ------
    InvalidArgumentError
        If the name ends otherwise, or MetaImage cannot hold the axes or the type.
    NotProvidedError
        If the stream has no geometry.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> grid = PlaneGrid(x=(-0.001, 0.001), z=(0.0, 0.003), shape=(4, 3))
    >>> film = Stream("b_mode", np.zeros((2, 4, 3), np.uint8), np.array([0.5, 0.75]),
    ...               ("time", "z", "x"), "grey", grid)
    >>> with TemporaryDirectory() as folder:
    ...     write_metaimage(Path(folder) / "film.mha", film)
    ...     back = read_metaimage(Path(folder) / "film.mha")
    ...     back.shape, back.geometry.spacing, back.time.tolist()
    ((2, 4, 3), (0.001, 0.001), [0.5, 0.75])
    """
    check_ending(path, ".mha", ".mhd")
    placed, grid = image_stream(stream, path)
    dtype = pixel_type(placed, path)
    beside = path.with_suffix(".raw") if path.suffix.lower() == ".mhd" else None
    fields = _fields(placed, grid, dtype)
    fields["ElementDataFile"] = beside.name if beside else "LOCAL"
    header = "".join(f"{key} = {value}\n" for key, value in fields.items()).encode()
    with ExitStack() as opened:
        # Left in the reverse order: the header takes its name when its pixels have.
        file = opened.enter_context(
            opened.enter_context(written_aside(path)).open("wb")
        )
        file.write(header)
        pixels: IO[bytes] = file
        if beside is not None:
            aside = opened.enter_context(written_aside(beside))
            pixels = opened.enter_context(aside.open("wb"))
        for block in blocks(placed.values, dtype):
            pixels.write(block.data)


def read_metaimage(path: Path) -> Stream:
    """Open a MetaImage of planes or volumes; its pixels are read when sliced.

    Parameters
    ----------
    path : Path
        A ``.mha`` or ``.mhd`` file.

    Returns
    -------
    Stream
        On a `PlaneGrid` or a `VolumeGrid`. What `write_metaimage` wrote has its name,
        unit and times again. In a file of another tool, which does not name its axes,
        two axes are a still, three are one volume, and four are volumes by time.

    Raises
    ------
    DataMissingError
        If the file, or the file of its pixels, is not there.
    DataCorruptError
        If it is not a MetaImage, contradicts itself, or is cut short.
    NotProvidedError
        If it has colours, pixels as text, or pixels in many files.
    GeometryError
        If its axes span no volume.
    """
    header, end = _read_header(require_file(path))
    named = header.get("AxisNames", "")
    sizes = _numbers(path, header, "DimSize", int)
    axes = tuple(named.split()) or {2: ("x", "z"), 3: _STILL, 4: _VOLUME}.get(
        len(sizes), ()
    )
    if axes not in (("x", "z"), _PLANE, _STILL, _VOLUME) or len(axes) != len(sizes):
        raise DataCorruptError(
            f"'{path}' has {len(sizes)} axes, named '{named}'; expected x z, "
            "x z time, x y z or x y z time."
        )
    grid = _grid(path, header, axes, sizes)
    frames = sizes[-1] if axes[-1] == "time" else 1
    values = _pixels(path, header, end, (frames, *grid.shape))
    limit = header.get("VelocityLimit")
    return Stream(
        header.get("StreamName", "image"),
        values,
        _clock(path, header, frames),
        ("time", *(("z", "x") if isinstance(grid, PlaneGrid) else ("z", "y", "x"))),
        header.get("StreamUnit", ""),
        grid,
        velocity_limit=None if limit is None else _number(path, "VelocityLimit", limit),
    )


def _fields(
    stream: Stream, grid: PlaneGrid | VolumeGrid, dtype: np.dtype[Any]
) -> dict[str, str]:
    """Collect the keys of a header, in the order that readers ask for."""
    axes: tuple[str, ...]
    if isinstance(grid, PlaneGrid):
        axes, origin = _PLANE, np.array([grid.x[0], grid.z[0]])
        steps = np.diag(grid.spacing[::-1])
    else:
        axes, origin = _VOLUME, np.array(grid.origin)
        steps = np.array(grid.steps)[::-1]
    spacing = np.linalg.norm(steps, axis=1)
    matrix = np.eye(len(axes))
    matrix[:-1, :-1] = steps / spacing[:, None]
    fields = {
        "ObjectType": "Image",
        "NDims": str(len(axes)),
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": _text(matrix.ravel()),
        "Offset": _text([*(origin * 1e3), stream.time[0]]),
        "CenterOfRotation": _text(np.zeros(len(axes))),
        "ElementSpacing": _text([*(spacing * 1e3), mean_step(stream) or 1.0]),
        "DimSize": " ".join(map(str, (*grid.shape[::-1], len(stream.time)))),
        "StreamName": " ".join(stream.name.split()),
        "AxisNames": " ".join(axes),
    }
    if stream.unit:
        fields["StreamUnit"] = stream.unit
    if len(axes) == 4:
        fields["AnatomicalOrientation"] = "RAI"  # MetaIO's word for an LPS world
    if stream.velocity_limit is not None:
        fields["VelocityLimit"] = repr(float(stream.velocity_limit))
    for line, start in enumerate(range(0, len(stream.time), _LINE)):
        fields[f"FrameTimes{line}"] = _text(stream.time[start : start + _LINE])
    return {**fields, "ElementType": _TYPES[dtype.newbyteorder("=").name]}


def _read_header(path: Path) -> tuple[dict[str, str], int]:
    """Read the keys of a header, and where it ends."""
    header: dict[str, str] = {}
    with path.open("rb") as file:
        while "ElementDataFile" not in header:
            line = file.readline(_HEADER_BYTES)
            key, equals, value = line.decode("latin-1").partition("=")
            if not equals or not line.endswith(b"\n") or file.tell() > _HEADER_BYTES:
                raise DataCorruptError(
                    f"'{path}' is not a MetaImage: line {len(header) + 1} of its "
                    f"header is {line[:60]!r}, expected KEY = VALUE. Get it again."
                )
            header[key.strip()] = value.strip()
        return header, file.tell()


def _grid(
    path: Path, header: dict[str, str], axes: tuple[str, ...], sizes: list[int]
) -> PlaneGrid | VolumeGrid:
    """Lay the grid by spacing, directions and offset."""
    count = len(axes)
    spacing = np.array(_numbers(path, header, "ElementSpacing", float)) / 1e3
    named = next((k for k in ("Offset", "Position", "Origin") if k in header), "")
    offset = np.array(_numbers(path, header, named, float) if named else [0.0] * count)
    named = next((k for k in ("TransformMatrix", "Rotation") if k in header), "")
    turned = _numbers(path, header, named, float) if named else np.eye(count).ravel()
    if (len(spacing), len(offset), len(turned)) != (count, count, count**2):
        raise DataCorruptError(
            f"'{path}' has {count} axes, but {len(spacing)} spacings, {len(offset)} "
            f"offsets and {len(turned)} directions. Get it again."
        )
    space = 2 if "y" not in axes else 3
    directions = np.reshape(turned, (count, count))[:space, :space]
    origin = offset[:space] / 1e3
    if space == 3:
        steps = (directions * spacing[:3, None])[::-1]
        rows = tuple(tuple(map(float, step)) for step in steps)
        shape = tuple(sizes[2::-1])
        return VolumeGrid(tuple(map(float, origin)), rows, shape)  # type: ignore[arg-type]
    if not np.allclose(directions, np.eye(2)):
        raise NotProvidedError(
            f"'{path}' holds a plane whose axes are turned, {directions.tolist()}. "
            "Resample it to an upright one."
        )
    (dx, dz), (columns, rows_) = spacing[:2], sizes[:2]
    x, z = map(float, origin)
    return PlaneGrid(
        (x, x + dx * (columns - 1)), (z, z + dz * (rows_ - 1)), (rows_, columns)
    )


def _clock(path: Path, header: dict[str, str], frames: int) -> FloatArray:
    """Return the time of each frame: stated one by one, or by the last axis."""
    lines = sum(key.startswith("FrameTimes") for key in header)
    stated: list[float] = []
    for line in range(lines):
        stated += _numbers(path, header, f"FrameTimes{line}", float)
    if not lines:
        step = _numbers(path, header, "ElementSpacing", float)[-1]
        start = _numbers(path, header, "Offset", float)[-1] if "Offset" in header else 0
        if frames == 1:
            return np.zeros(1)
        even: FloatArray = start + step * np.arange(frames)
        return even
    times = np.array(stated)
    rising = np.isfinite(times).all() and (np.diff(times) > 0).all()
    if len(times) != frames or not rising:
        raise DataCorruptError(
            f"'{path}' has {frames} frames and {len(times)} frame times; they must be "
            "as many, finite and ascending. Get it again."
        )
    return times


def _pixels(
    path: Path, header: dict[str, str], end: int, shape: tuple[int, ...]
) -> NDArray[Any]:
    """Map the pixels of a file, or inflate them."""
    names = {word: name for name, word in _TYPES.items()}
    word = header.get("ElementType", "")
    plain = header.get("BinaryData", "True") == "True"
    if word not in names or header.get("ElementNumberOfChannels", "1") != "1":
        raise NotProvidedError(
            f"'{path}' has pixels of type '{word}', "
            f"{header.get('ElementNumberOfChannels', '1')} a place; known are single "
            f"{', '.join(names)}."
        )
    where = header["ElementDataFile"]
    local = where.upper() == "LOCAL"
    if (
        not plain
        or "HeaderSize" in header
        or not (local or PurePath(where).name == where)
    ):
        raise NotProvidedError(
            f"'{path}' keeps its pixels in '{where}' in a way that is not supported; "
            "expected binary pixels in one file beside it. Convert it to .mha."
        )
    big = "True" in (header.get(k) for k in _BIG_ENDIAN)
    dtype = np.dtype(names[word]).newbyteorder(">" if big else "<")
    file, start = (path, end) if local else (require_file(path.with_name(where)), 0)
    needed = dtype.itemsize * math.prod(shape)
    if header.get("CompressedData") == "True":
        return _inflate(file, start, needed).view(dtype).reshape(shape)
    there = file.stat().st_size - start
    if there < needed:
        raise DataCorruptError(
            f"'{file}' has {there} bytes of pixels, but its header promises {needed}. "
            "Get it again."
        )
    return np.memmap(file, dtype, "r", start, shape)


def _inflate(file: Path, start: int, needed: int) -> NDArray[np.uint8]:
    """Inflate pixels to the size that the header promises, and no further."""
    packed = file.read_bytes()[start:]
    engine = zlib.decompressobj()
    try:
        plain = engine.decompress(packed, needed)
    except zlib.error as error:
        raise DataCorruptError(
            f"The pixels of '{file}' cannot be inflated ({error}). Get it again."
        ) from error
    if len(plain) != needed:
        raise DataCorruptError(
            f"'{file}' inflates to {len(plain)} bytes of pixels, but its header "
            f"promises {needed}. Get it again."
        )
    return np.frombuffer(plain, np.uint8)


def _numbers(path: Path, header: dict[str, str], key: str, kind: type) -> list[Any]:
    """Read the numbers of a key."""
    if key not in header:
        raise DataCorruptError(f"'{path}' lacks '{key}'. Get it again.")
    numbers = [_number(path, key, word) for word in header[key].split()]
    if kind is int and not all(n >= 1 and n == int(n) for n in numbers):
        raise DataCorruptError(f"'{path}': {key} is '{header[key]}', no sizes.")
    return [kind(n) for n in numbers]


def _number(path: Path, key: str, word: str) -> float:
    """Read a finite number."""
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataCorruptError(f"'{path}': {key} holds '{word[:40]}', no number.")
    return number


def _text(numbers: Any) -> str:  # noqa: ANN401 - any sequence of numbers
    """Write numbers so that they read back exactly."""
    return " ".join(repr(float(number)) for number in numbers)


_BIG_ENDIAN = ("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
