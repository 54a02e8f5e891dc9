"""Simulated examinations written in EchoXFlow's layout, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from cardium.core import Entry, FloatArray, Recording, Stream
from cardium.datasets._echoxflow.layout import FOLDS, LAYERS
from cardium.datasets._echoxflow.writer import Writer

if TYPE_CHECKING:
    from cardium.phantom.exam import Examination


def write_examinations(
    root: Path,
    examinations: Iterable[Examination],
    *,
    zarr_format: Literal[2, 3] = 3,
    zipped: bool = False,
    progress: Callable[[int], None] | None = None,
) -> list[dict[str, str | float]]:
    """Write simulated examinations as a dataset in EchoXFlow's layout.

    Parameters
    ----------
    root : Path
        The dataset's folder; made if need be.
    examinations : iterable of Examination
        Apical examinations. They are taken one by one, so that memory does not
        grow with their number.
    zarr_format : {2, 3}
        Version of the stores; the release has 2.
    zipped : bool
        Write each store as one zip file.
    progress : function (number of examinations written), optional
        Called after each examination.

    Returns
    -------
    list of dict
        What is true of each: ``exam_id``, ``edv_ml``, ``esv_ml``, ``ef_percent``.

    Notes
    -----
    Each examination becomes three recordings: B-mode with tissue Doppler, B-mode, and
    a strain analysis of the latter. Examinations are dealt to the five folds in turn.
    The catalogue is written last: a root without one was not finished.
    """
    truths: list[dict[str, str | float]] = []
    with open_writer(root, zarr_format=zarr_format, zipped=zipped) as writer:
        for number, examination in enumerate(examinations):
            for recording in recordings_of(number, examination):
                writer.add(recording)
            truths.append(truth_of(number, examination))
            if progress is not None:
                progress(number + 1)
    return truths


def open_writer(
    root: Path, *, zarr_format: Literal[2, 3] = 3, zipped: bool = False
) -> Writer:
    """Begin a dataset of the phantom."""
    return Writer(
        root,
        zarr_format=zarr_format,
        zipped=zipped,
        name="cardium-phantom",
        description="Simulated examinations of a phantom heart in the layout of "
        "EchoXFlow. No person was examined.",
        license="https://creativecommons.org/publicdomain/zero/1.0/",
        url="https://cardium.readthedocs.io",
        version="1.0.0",
        cite_as="cardium phantom",
        date_published="2026-01-01",
    )


def recordings_of(
    number: int, examination: Examination
) -> tuple[Recording, Recording, Recording]:
    """Make the recordings of an examination: tissue Doppler, B-mode, strain."""
    streams = {k: as_stored(v) for k, v in examination.streams.items()}
    plain = {k: streams[k] for k in ("b_mode", "ecg")}
    qrs = {"qrs": qrs_stream(examination.qrs_times)}
    contour = as_stored(examination.annotations["lv_contour"])
    contour = replace(contour, coords={"layer": LAYERS})
    name = exam_name(number)
    view = examination.view
    return (
        Recording(entry(number, f"{name}_tissue"), streams, qrs),
        Recording(entry(number, f"{name}_bmode", view), plain, qrs),
        Recording(
            entry(number, f"{name}_strain.{view}", view),
            plain,
            {**qrs, "lv_contour": contour},
            (f"{name}_bmode",),
        ),
    )


def truth_of(number: int, examination: Examination) -> dict[str, str | float]:
    """State what is true of an examination."""
    truth = examination.truth
    return {
        "exam_id": exam_name(number),
        "edv_ml": float(truth.edv_ml),
        "esv_ml": float(truth.esv_ml),
        "ef_percent": float(truth.ef_percent),
    }


def entry(number: int, name: str, view: str = "") -> Entry:
    """Make the entry of a recording that is to be written."""
    return Entry(
        id=name,
        patient=exam_name(number),
        split=f"fold{number % FOLDS}",
        provides=frozenset(),
        labels={"view": view.upper()} if view else {},
        exam=exam_name(number),
    )


def exam_name(number: int) -> str:
    """Name an examination."""
    return f"exam{number:04d}"


def as_stored(stream: Stream) -> Stream:
    """Round times to what the format's float32 holds, and read the values."""
    time = stream.time.astype(np.float32).astype(np.float64)
    return replace(stream, values=stream.load(), time=time)


def qrs_stream(times: FloatArray) -> Stream:
    """Make the stream of QRS times that reading gives."""
    time = np.asarray(times, np.float32).astype(np.float64)
    return Stream("qrs", time, time, ("time",), "s")
