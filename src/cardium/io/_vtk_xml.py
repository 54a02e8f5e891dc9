"""VTK's XML files with raw appended data, written piece by piece.

VTK itself is not needed to write them. Data come after the XML text, as little-endian
bytes that a 64-bit count precedes; VTK and ParaView read this faster than any other
encoding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from cardium.core.files import write_text, written_aside
from cardium.errors import InvalidArgumentError

_NAMES = {
    "int8": "Int8",
    "uint8": "UInt8",
    "int16": "Int16",
    "uint16": "UInt16",
    "int32": "Int32",
    "int64": "Int64",
    "float32": "Float32",
    "float64": "Float64",
}


@dataclass(frozen=True)
class Column:
    """An array of a file: its name, its tuples (N,) or (N, components), its unit."""

    name: str
    values: NDArray[Any]
    unit: str = ""


@dataclass(frozen=True)
class Block:
    """An element of a piece and the arrays in it: points, cells, values."""

    tag: str
    columns: tuple[Column, ...]


def write_piece(
    path: Path,
    kind: str,
    header: str,
    piece: str,
    blocks: Iterable[Block],
    *,
    time: float,
) -> None:
    """Write one data set of one time.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        Type of the data set: ``"ImageData"``.
    header, piece : str
        Attributes of its element and of its one piece.
    blocks : iterable of Block
        What the piece holds, in the order of the format.
    time : float [s]
        Written as ``TimeValue``, which readers take for the time of the data set.
    """
    arrays: list[NDArray[Any]] = []
    offset = 0
    text = [
        '<?xml version="1.0"?>\n'
        f'<VTKFile type="{kind}" version="1.0" byte_order="LittleEndian" '
        'header_type="UInt64">\n'
        f"<{kind} {header}>\n",
        _field_data(time),
        f"<Piece {piece}>\n",
    ]
    for block in blocks:
        text.append(f"<{block.tag}>\n")
        for column in block.columns:
            values = np.ascontiguousarray(column.values, _little(column))
            text.append(_array(column, values, offset))
            arrays.append(values)
            offset += 8 + values.nbytes
        text.append(f"</{block.tag}>\n")
    text.append(f'</Piece>\n</{kind}>\n<AppendedData encoding="raw">\n_')
    with written_aside(path) as aside, aside.open("wb") as file:
        file.write("".join(text).encode())
        for values in arrays:
            file.write(np.uint64(values.nbytes).astype("<u8").tobytes())
            file.write(values.data if values.size else b"")
        file.write(b"\n</AppendedData>\n</VTKFile>\n")


def write_series(path: Path, files: Iterable[tuple[float, Path]]) -> None:
    """Write a collection of files by time [s]; it is written when they all are."""
    lines = [
        f"<DataSet timestep={quoteattr(repr(float(time)))} "
        f"file={quoteattr(file.relative_to(path.parent).as_posix())}/>\n"
        for time, file in files
    ]
    write_text(
        path,
        '<?xml version="1.0"?>\n<VTKFile type="Collection" version="1.0">\n'
        f"<Collection>\n{''.join(lines)}</Collection>\n</VTKFile>\n",
    )


def numbers(values: Iterable[float]) -> str:
    """Write numbers so that they read back exactly."""
    return " ".join(repr(float(value)) for value in values)


def _field_data(time: float) -> str:
    """State the time and the unit of length of a data set."""
    word = " ".join(str(byte) for byte in (*b"mm", 0))
    return (
        "<FieldData>\n"
        '<DataArray type="Float64" Name="TimeValue" NumberOfTuples="1" '
        f'format="ascii">{float(time)!r}</DataArray>\n'
        '<Array type="String" Name="LengthUnit" NumberOfTuples="1" '
        f'format="ascii">{word}</Array>\n'
        "</FieldData>\n"
    )


def _array(column: Column, values: NDArray[Any], offset: int) -> str:
    """Describe an array: type, name, components, unit, where its bytes begin."""
    parts = "".join(_components(values))
    start = (
        f'<DataArray type="{_NAMES[column.values.dtype.name]}" '
        f'Name={quoteattr(column.name)}{parts} format="appended" offset="{offset}"'
    )
    if not column.unit:
        return f"{start}/>\n"
    return (
        f'{start}>\n<InformationKey name="UNITS_LABEL" location="vtkDataArray">'
        f"{escape(column.unit)}</InformationKey>\n</DataArray>\n"
    )


def _components(values: NDArray[Any]) -> Iterator[str]:
    """Name the number of components, where there is more than one."""
    if values.ndim > 1:
        yield f' NumberOfComponents="{values.shape[1]}"'


def _little(column: Column) -> np.dtype[Any]:
    """Return the little-endian type of an array; refuse what VTK has no name for."""
    if column.values.dtype.name not in _NAMES:
        raise InvalidArgumentError(
            f"VTK: '{column.name}' is {column.values.dtype}; VTK files hold "
            f"{', '.join(_NAMES)}. Convert it first."
        )
    return column.values.dtype.newbyteorder("<")
