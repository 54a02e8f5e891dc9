"""Fakes written once: simulating them takes seconds."""

import json
import warnings

import pytest
import zarr
from zarr.storage import ZipStore

from cardium.datasets import camus, echoxflow, ptb_xl


@pytest.fixture(scope="session")
def camus_fake(tmp_path_factory):
    """A CAMUS root and what reading it must give; copy it before changing it."""
    root = tmp_path_factory.mktemp("camus")
    return root, camus.DATASET.write_fake(root)


@pytest.fixture(scope="session")
def ptb_xl_fake(tmp_path_factory):
    """A PTB-XL root and what reading it must give; copy it before changing it."""
    root = tmp_path_factory.mktemp("ptb_xl")
    return root, ptb_xl.DATASET.write_fake(root)


@pytest.fixture(params=[(2, False), (2, True), (3, False), (3, True)], ids=str)
def store_kind(request) -> tuple[int, bool]:
    """Version of the format, and whether the store is a zip file."""
    return request.param


@pytest.fixture
def by_hand(tmp_path):
    """Write recordings with zarr and json alone, from the format's description."""
    return ByHand(tmp_path)


class ByHand:
    """A release that grows by one recording at a time."""

    def __init__(self, root) -> None:
        self.root = root
        self.sets = {"recordings": [], "arrays": [], "recording_links": []}

    def add(
        self, name, arrays, manifest, kind=(2, False), attributes=None, **row
    ) -> None:
        """Write one store, and its row of the catalogue."""
        zarr_format, zipped = kind
        path = self.root / f"{name}.zarr"
        store = ZipStore(path, mode="w") if zipped else str(path)
        with warnings.catch_warnings():
            # Old kinds of text are not part of version 3, and are there all the same.
            warnings.simplefilter("ignore")
            group = zarr.open_group(store, mode="w", zarr_format=zarr_format)
            group.attrs.update(
                {"recording_manifest": manifest, "exam_id": "ex1", **(attributes or {})}
            )
            for place, values in arrays.items():
                values, more = values if isinstance(values, tuple) else (values, {})
                array = group.create_array(
                    place, shape=values.shape, dtype=values.dtype
                )
                array[...] = values
                if more:
                    array.attrs.update(more)
        if zipped:
            store.close()
        stated = {
            "exam_id": "ex1",
            "recording_id": name,
            "zarr_path": path.name,
            "array_paths": [*arrays],
            **row,
        }
        self.sets["recordings"].append(
            {f"recordings/{key}": value for key, value in stated.items()}
        )

    def link(self, derived, images, **more) -> None:
        """Add a row whose names are the reverse of what one expects."""
        row = {"source_recording_id": derived, "linked_recording_id": images, **more}
        self.sets["recording_links"].append(row)

    def open(self):
        """Write the catalogue, and open the release."""
        sets = [{"@id": name, "data": rows} for name, rows in self.sets.items()]
        text = json.dumps({"@type": "sc:Dataset", "recordSet": sets})
        (self.root / "croissant.json").write_text(text)
        return echoxflow.DATASET.open(self.root)

    def read(self, name, arrays, manifest, kind=(2, False), **more):
        """Write one recording, and load it."""
        self.add(name, arrays, manifest, kind, **more)
        return self.open()[name]
