"""Recordings written in EchoXFlow's layout: a store each, a catalogue at the end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from cardium.core import Recording
from cardium.core.files import plain
from cardium.datasets._echoxflow.catalogue import (
    Catalogue,
    array_rows,
    field_of,
    hash_values,
)
from cardium.datasets._echoxflow.drawn import pack_gates, pack_marks, pack_mesh
from cardium.datasets._echoxflow.encoding import TissueEncoding
from cardium.datasets._echoxflow.layout import PATHS, TIMES
from cardium.datasets._echoxflow.pack import (
    VOLUME,
    Pack,
    pack_masks,
    pack_streams,
)
from cardium.datasets._echoxflow.panels import (
    CHAMBERS,
    Images,
    chamber_of,
    describe_volume,
    from_apex,
    pack_qrs,
    pack_view,
    role_for,
)
from cardium.datasets._echoxflow.rows import (
    fold_of_views,
    link_row,
    name_of_store,
    recording_row,
    with_source,
)
from cardium.datasets._files import inside, move
from cardium.errors import InvalidArgumentError, UnknownNameError

if TYPE_CHECKING:
    from typing import Self

    from cardium.io.zarr import Compressor

SCHEMA = 4
_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
_ANALYSES = {f"{c}_{what}" for c in CHAMBERS for what in ("contour", "strain")}


class Writer:
    """Write recordings as a dataset in EchoXFlow's layout, or add to one.

    A store is written whole when its recording is added. The catalogue and the folds
    are written once, by `close`, `flush` or the end of a ``with`` block; until then a
    dataset that was there before is as it was, and stores that no catalogue lists are
    overwritten by the next writer.

    Parameters
    ----------
    root : str or Path
        The dataset's folder; made if need be. If it holds a catalogue, recordings are
        added to that, and its title, licence and so on stay.
    zarr_format : {3, 2}
        Version of the stores; the release has 2.
    zipped : bool
        Write each store as one zip file.
    compressor : {"zstd", "blosc", "gzip"}, optional
        How chunks are packed; None leaves them as they are.
    name, description, license, url, version, cite_as : str
        What a new catalogue says of the dataset; licence and home are addresses, the
        version has three numbers. What is blank is left out.
    date_published : str, optional
        As ``"2026-01-31"``; today, if not given.

    Raises
    ------
    DataCorruptError
        If there is a catalogue or fold file that cannot be read.
    SplitLeakError
        If the folds that are there have an examination twice.

    Notes
    -----
    Velocities of tissue are rounded to 8 bits, times to float32. Everything else that
    is float becomes float32; grey levels are 8 bits. Depths count from the apex of the
    fan: a `Sector` with an `apex_offset` is moved there, with its contours and marks.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from cardium.core import Entry, Recording, Stream
    >>> from cardium.datasets.echoxflow import DATASET, Writer
    >>> ecg = Stream("ecg", np.ones(4), np.arange(4) / 250, ("time",), "")
    >>> one = Recording(Entry("r1", "p1", "", frozenset({"ecg"})), {"ecg": ecg})
    >>> with TemporaryDirectory() as folder:
    ...     with Writer(folder, name="mine") as writer:
    ...         writer.add(one, exam="exam1", fold=2)
    ...     entry = DATASET.open(folder).catalog["r1"]
    'r1'
    >>> entry.patient, entry.split
    ('exam1', 'fold2')
    """

    def __init__(
        self,
        root: str | Path,
        *,
        zarr_format: Literal[2, 3] = 3,
        zipped: bool = False,
        compressor: Compressor | None = "zstd",
        name: str = "echocardiograms",
        description: str = "",
        license: str = "",
        url: str = "",
        version: str = "1.0.0",
        cite_as: str = "",
        date_published: str | None = None,
    ) -> None:
        self.root = Path(root)
        self.zarr_format: Literal[2, 3] = zarr_format
        self.zipped = zipped
        self.compressor = compressor
        header = {
            "name": name,
            "description": description or name,
            "license": license,
            "url": url,
            "version": version,
            "citeAs": cite_as,
            "datePublished": date_published or datetime.now(UTC).date().isoformat(),
        }
        self._catalogue = Catalogue.open(self.root, header)
        self._links: list[tuple[str, str]] = []
        self._changed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()

    def __repr__(self) -> str:
        return f"<Writer of {len(self._catalogue.recordings)} at '{self.root}'>"

    def add(
        self,
        recording: Recording | Sequence[Recording],
        *,
        exam: str | None = None,
        recording_id: str | None = None,
        fold: int | None = None,
        modes: Iterable[str] | None = None,
        source: str | None = None,
        stitched_beats: int | None = None,
        tissue: TissueEncoding = "linear",
        prediction: Mapping[str, Any] | None = None,
    ) -> str:
        """Write one recording to its store.

        Parameters
        ----------
        recording : Recording or sequence of Recording
            Streams, annotations, meshes, marks and gates by the names that reading
            gives them. Several are the views of one strain analysis.
        exam : str, optional
            The examination; that of the entry, or its patient, if not given.
        recording_id : str, optional
            The id; that of the entry, without the view of a strain analysis.
        fold : int, optional
            The fold of the examination; that of the entry's split, if not given.
        modes : iterable of str, optional
            What was acquired; the content types, if not given.
        source : str, optional
            The recording that it was derived from, if `Recording.links` does not say.
        stitched_beats : int, optional
            Beats that a volume was put together from.
        tissue : {"linear", "raw", "float"}
            How tissue velocities are stored.
        prediction : mapping, optional
            Says that the values were predicted, and by what.

        Returns
        -------
        str
            The id of the recording.

        Raises
        ------
        InvalidArgumentError
            If there is a recording of that id, the examination is in another fold, or
            something cannot be stored as it is.
        UnknownNameError
            If the format has no place for a stream, or a recording that it is derived
            from is not in the dataset.
        GeometryError
            If a stream does not lie in beamspace.

        Notes
        -----
        Streams that a linked recording holds, sample for sample, are not stored again:
        the images of a strain analysis, the volume of a mesh, which must have been
        added before. Other links may lead to recordings that are added later.
        """
        views = [recording] if isinstance(recording, Recording) else list(recording)
        if not views:
            raise InvalidArgumentError("There is no recording to add.")
        first = views[0].entry
        exam = exam or first.exam or first.patient
        name = recording_id or name_of_store(views)
        self._expect_new(exam, name)
        store = f"recordings/{exam}/{name}.zarr"
        views = [from_apex(with_source(view, source)) for view in views]
        fold = fold_of_views(views) if fold is None else fold
        patient = first.patient if first.exam == exam != first.patient else ""
        self._catalogue.expect_fold(exam, fold, patient)
        pack, links = self._pack(views, name, store, tissue, prediction is not None)
        row = recording_row(
            pack, exam, name, store, modes, links, stitched_beats, prediction
        )
        self._write(pack, row)
        self._note(pack, row, links)
        if fold is not None:
            self._catalogue.folds[exam] = fold
        if fold is not None and patient:
            self._catalogue.patients[exam] = patient
        return name

    def adopt(self, other: Writer) -> None:
        """Take over all recordings of a writer that has not written its catalogue.

        Parameters
        ----------
        other : Writer
            Its folder is on the same disk: stores are moved from there. It may come
            from another process.

        Raises
        ------
        InvalidArgumentError
            If this dataset has one of its recordings, or an examination in another
            fold.
        """
        added = other._catalogue
        if known := self._catalogue.recordings.keys() & added.recordings.keys():
            raise InvalidArgumentError(
                f"'{self.root}' has a recording '{min(known)}' already."
            )
        self._catalogue.merge(added)
        for row in added.recordings.values():
            path = inside(str(field_of(row, "recordings", "zarr_path")))
            move(other.root / path, self.root / path)
        self._links += other._links
        self._changed = self._changed or other._changed

    def flush(self) -> None:
        """Write the folds and the catalogue, if something was added.

        Raises
        ------
        RunConflictError
            If somebody else wrote the catalogue since this writer read it.
        InvalidArgumentError
            If a recording is derived from one that was not added.
        """
        known = self._catalogue.recordings
        for name, other in self._links:
            if other not in known:
                raise InvalidArgumentError(
                    f"Recording '{name}' is derived from '{other}', which is not in "
                    f"'{self.root}'. Add that too."
                )
        if self._changed:
            self._catalogue.write()
        self._changed = False

    def close(self) -> None:
        """Write the folds and the catalogue."""
        self.flush()

    def _expect_new(self, exam: str, name: str) -> None:
        """Refuse names that are taken or make no file name."""
        for what, text in (("Examination", exam), ("Recording", name)):
            if not _NAME.fullmatch(text):
                raise InvalidArgumentError(
                    f"{what} '{text}': an id has letters, digits, '_', '-' and '.' and "
                    "begins with none of the latter two."
                )
        if name in self._catalogue.recordings:
            raise InvalidArgumentError(
                f"'{self.root}' has a recording '{name}' already. Give another "
                "recording_id."
            )

    def _pack(
        self,
        views: Sequence[Recording],
        name: str,
        store: str,
        tissue: TissueEncoding,
        predicted: bool,
    ) -> tuple[Pack, list[dict[str, str]]]:
        """Make the arrays and the manifest of a store, and its links."""
        pack = Pack(manifest={"manifest_type": "", "schema_version": SCHEMA})
        links: list[dict[str, str]] = []
        for view in views:
            drawn = bool(chamber_of(view) or view.meshes)
            linked = [self._linked(name, other, drawn) for other in view.links]
            inherited = {} if predicted else self._inherited(view, linked, tissue)
            own = {k: s for k, s in view.streams.items() if k not in inherited}
            pack_streams(pack, own, tissue=tissue, predicted=predicted)
            chamber = chamber_of(view)
            if chamber:
                role = role_for(view, chamber)
                fallback = linked[:1] if "b_mode" not in own else []
                images = inherited.get("b_mode") or [*fallback, Images(name, store)][0]
                pack_view(pack, view, role, images, store)
            else:
                role = "3d_brightness_mode" if view.meshes else ""
                images = inherited.get(VOLUME) or [*linked, Images(name, store)][0]
                self._pack_rest(pack, view)
            if view.meshes:
                pack.manifest["linked_volume"] = describe_volume(
                    replace(images, frames=PATHS[VOLUME], times=TIMES[VOLUME]), store
                )
            links += [link_row(name, other, role, view) for other in linked]
            pack_mesh(pack, view.meshes)
            pack_marks(pack, view.marks)
            pack_gates(pack, view.gates)
        order = ("2d", "3d", "strain")
        pack.manifest["manifest_type"] = "+".join(k for k in order if k in pack.kinds)
        return pack, links

    def _pack_rest(self, pack: Pack, view: Recording) -> None:
        """Add the annotations of a recording that is no strain analysis."""
        masks = []
        for key, stream in view.annotations.items():
            if key == "qrs":
                pack_qrs(pack, stream)
            elif key.endswith("_mask"):
                masks.append(stream)
            else:
                known = ["qrs", *sorted(_ANALYSES), "lv_mask"]
                raise UnknownNameError("EchoXFlow annotation", key, known)
        pack_masks(pack, masks)

    def _linked(self, name: str, other: str, drawn: bool) -> Images:
        """Find the recording that one is derived from; others may come later."""
        row = self._catalogue.recordings.get(other)
        if row is None and drawn:
            raise InvalidArgumentError(
                f"Recording '{name}' was drawn on '{other}', which is not in "
                f"'{self.root}'. Add that first."
            )
        path = "" if row is None else field_of(row, "recordings", "zarr_path")
        return Images(other, str(path))

    def _inherited(
        self, view: Recording, linked: Sequence[Images], tissue: TissueEncoding
    ) -> dict[str, Images]:
        """Find the streams that linked recordings hold, sample for sample."""
        found: dict[str, Images] = {}
        there = [images for images in linked if images.path]
        for key in view.streams if there else ():
            pack = Pack()
            pack_streams(pack, {key: view.streams[key]}, tissue=tissue)
            wanted = {path: hash_values(v) for path, v in pack.arrays.items()}
            for images in there:
                if all(self._hash(images, p) == h for p, h in wanted.items()):
                    found[key] = images
                    break
        return found

    def _hash(self, images: Images, path: str) -> str:
        """Return the hash of an array of a recording; empty if it has none."""
        key = images.recording, path
        if key not in self._catalogue.hashes:
            from cardium.io.zarr import open_store

            store = open_store(self.root / inside(images.path))
            there = path in store
            values = store.open_array(path)[:] if there else None
            digest = "" if values is None else hash_values(values)
            self._catalogue.hashes[key] = digest
        return self._catalogue.hashes[key]

    def _write(self, pack: Pack, row: Mapping[str, Any]) -> None:
        """Write one store, aside first."""
        from cardium.io.zarr import write_store

        described = [
            {
                "name": path.removeprefix("data/"),
                "shape": list(values.shape),
                "content_types": list(pack.content[path]),
            }
            for path, values in pack.arrays.items()
        ]
        attributes = {
            "exam_id": row["exam_id"],
            "recording_id": row["recording_id"],
            "source_recording_id": row["source_recording_id"],
            "recording_manifest": pack.manifest,
            "content_types": row["content_types"],
            "frame_counts_by_content_type": pack.counts,
            "median_delta_time": pack.steps,
            "arrays": described,
        }
        for key in ("stitch_beat_count", "prediction_manifest"):
            if row[key] is not None:
                attributes[key] = row[key]
        write_store(
            self.root / inside(str(row["zarr_path"])),
            pack.arrays,
            attributes=plain(attributes),
            array_attributes=plain(pack.array_attributes),
            zarr_format=self.zarr_format,
            zipped=self.zipped,
            compressor=self.compressor,
        )

    def _note(
        self, pack: Pack, row: Mapping[str, Any], links: Iterable[Mapping[str, str]]
    ) -> None:
        """Note the rows of a store that was written."""
        self._catalogue.add("recordings", row)
        for one in array_rows(str(row["recording_id"]), pack.arrays, pack.content):
            self._catalogue.add("arrays", one)
        for link in links:
            ends = link["source_recording_id"], link["linked_recording_id"]
            self._links.append(ends)
            self._catalogue.add("recording_links", {"exam_id": row["exam_id"], **link})
        self._changed = True


def write_recordings(
    root: str | Path,
    recordings: Iterable[Recording],
    *,
    zarr_format: Literal[2, 3] = 3,
    zipped: bool = False,
    compressor: Compressor | None = "zstd",
    name: str = "echocardiograms",
    license: str = "",
) -> list[str]:
    """Write recordings in EchoXFlow's layout, or add them to a dataset.

    Parameters
    ----------
    root : str or Path
        The dataset's folder.
    recordings : iterable of Recording
        What to write, one by one, with the examination and the fold of its entry. A
        recording comes after those it was derived from. The views of a strain analysis,
        ``"<id>.2ch"``, ``"<id>.4ch"``, follow one another and become one.
    zarr_format : {3, 2}
        Version of the stores; the release has 2.
    zipped : bool
        Write each store as one zip file.
    compressor : {"zstd", "blosc", "gzip"}, optional
        How chunks are packed; None leaves them as they are.
    name, license : str
        What a new catalogue says of the dataset; the licence is an address.

    Returns
    -------
    list of str
        The ids of the recordings.

    Raises
    ------
    InvalidArgumentError
        If something cannot be stored; the catalogue is then as it was before.
    """
    with Writer(
        root,
        zarr_format=zarr_format,
        zipped=zipped,
        compressor=compressor,
        name=name,
        license=license,
    ) as writer:
        stores = groupby(recordings, key=lambda one: name_of_store([one]))
        return [writer.add(list(views)) for _, views in stores]
