"""The command that writes a recording to a file of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from cardium.cli.options import Root


def export(
    form: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT", help="nifti, metaimage, vtk, dicom, hdf5 or xarray."
        ),
    ],
    name: Annotated[str, typer.Argument(help="A dataset's name; `cardium datasets`.")],
    recording: Annotated[str, typer.Argument(help="A recording's id; `cardium show`.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="The file: .nii .nii.gz .mha .mhd .vti .vts .vtp .pvd .dcm .h5 .zarr",
        ),
    ],
    stream: Annotated[
        str | None,
        typer.Option(help="The stream, annotation or mesh, if several fit."),
    ] = None,
    frame: Annotated[
        int | None, typer.Option(min=0, help="Write this frame only, from 0.")
    ] = None,
    geometry: Annotated[
        str | None,
        typer.Option(help="cartesian (scan converted) or beamspace (as acquired)."),
    ] = None,
    root: Root = None,
) -> None:
    """Write a recording for another program, with spacing, times and units.

    NIfTI, MetaImage and DICOM hold one stream, scan converted; VTK holds a stream or a
    mesh, beamspace at its true places; HDF5 and xarray (Zarr) hold the whole recording.
    """
    from cardium.datasets import open_dataset
    from cardium.io.export import Samples, export_recording

    data = open_dataset(name, root)
    export_recording(
        data[recording],
        output,
        format=form,
        stream=stream,
        frame=frame,
        geometry=cast("Samples | None", geometry),
    )
    typer.echo(output)
