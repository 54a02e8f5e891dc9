"""The command that writes a recording, or a fitted model, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from cardium.cli.options import Root
from cardium.errors import DataMissingError, InvalidArgumentError

if TYPE_CHECKING:
    from cardium.core import OpenDataset

_ENTRY = "challenge-2021"


def export(
    form: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help="nifti, metaimage, vtk, dicom, hdf5 or xarray; or challenge-2021.",
        ),
    ],
    name: Annotated[
        str,
        typer.Argument(
            help="A dataset's name; `cardium datasets`. challenge-2021: a run folder."
        ),
    ],
    recording: Annotated[
        str,
        typer.Argument(
            help="A recording's id; `cardium show`. challenge-2021: a new folder."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The file: .nii .nii.gz .mha .mhd .vti .vts .vtp .pvd .dcm .h5 .zarr",
        ),
    ] = None,
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

    challenge-2021 RUN DIR writes a fitted network as an entry to the PhysioNet/CinC
    Challenge 2021, which trains and answers without cardium.
    """
    if form == _ENTRY:
        if output or stream or frame is not None or geometry:
            raise InvalidArgumentError(
                f"{_ENTRY} takes a run and the folder to write, and of the options "
                "--root alone."
            )
        _export_entry(Path(name), Path(recording), root)
        return
    if output is None:
        raise InvalidArgumentError(f"{form} needs --output, the file to write.")
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


def _export_entry(run: Path, folder: Path, root: Path | None) -> None:
    """Write an entry, with the frequencies of classes where the data are there."""
    from cardium.entries import export_challenge_2021

    data = _fitted_to(run, root)
    if data is None:
        typer.echo(
            "The dataset of the run is not there (--root): the entry will answer "
            "records that it cannot read with probabilities of 0.",
            err=True,
        )
    export_challenge_2021(run, folder, data=data)
    typer.echo(folder)


def _fitted_to(run: Path, root: Path | None) -> OpenDataset | None:
    """Open the dataset that a run was fitted to, if it is there."""
    from cardium.datasets import open_dataset
    from cardium.fit import load_run

    name = str(load_run(run, device="cpu").config["data"]["name"])
    try:
        return open_dataset(name, root)
    except DataMissingError:
        if root is not None:
            raise
        return None
