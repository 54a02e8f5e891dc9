"""Damaged releases: a typed error, a finding or the same values; never another thing.

A hundred or so are drawn here. For thousands, set ``CARDIUM_MUTATIONS``.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from cardium.core import Entry, Recording
from cardium.datasets import DATASETS, verify
from cardium.errors import CardiumError

COUNT = int(os.environ.get("CARDIUM_MUTATIONS", "60"))
Damage = tuple[str, list[Path]]
WEIRD = [
    None,
    True,
    -1,
    0,
    2.5,
    float("nan"),
    float("inf"),
    10**30,
    "",
    "text",
    "../../etc/passwd",
    "/etc/passwd",
    [],
    [1, "a"],
    {},
    {"a": {"b": []}},
    ["data/ecg"] * 3,
]


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("whole")
    DATASETS.find("echoxflow").write_fake(root)
    return root


@pytest.fixture(scope="module")
def whole(release) -> dict[str, dict[str, np.ndarray]]:
    """What every recording of the release holds before anything is damaged."""
    data = DATASETS.find("echoxflow").open(release)
    return {entry.id: contents(data.load(entry)) for entry in data.catalog}


def contents(recording: Recording) -> dict[str, np.ndarray]:
    """Read every number that a recording holds."""
    found = {}
    for stream in (*recording.streams.values(), *recording.annotations.values()):
        found[stream.name] = stream.load()
        found[f"{stream.name} time"] = stream.time
    for mesh in recording.meshes.values():
        found[mesh.name] = mesh.points
    for number, mark in enumerate(recording.marks):
        found[f"mark {number} {mark.label}"] = mark.points
    return found


# Zarr reads some of what its own format forbids, and says so.
@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning")
@pytest.mark.parametrize("seed", range(COUNT))
def test_damage_is_told_and_never_changes_a_number(release, whole, seed, tmp_path):
    rng = random.Random(seed)
    root = tmp_path / "damaged"
    shutil.copytree(release, root, copy_function=os.link)
    mutate = rng.choice(MUTATIONS)
    what, touched = mutate(root, rng)
    data = DATASETS.find("echoxflow").open(root)
    try:
        catalog = data.catalog
    except CardiumError:
        assert verify(data)  # a finding, not a crash
        return
    silent = []
    for entry in catalog:
        if not touches(entry, root, touched):
            continue
        try:
            found = contents(data.load(entry))
        except CardiumError:
            continue
        for name, values in found.items():
            before = whole.get(entry.id, {}).get(name)
            if before is not None and not np.array_equal(
                before, values, equal_nan=True
            ):
                silent.append((entry.id, name))
    if silent:
        # Formats without checksums cannot tell; the catalogue's hashes can.
        findings = [f for f in verify(data) if f.severity == "error"]
        assert findings, f"{mutate.__name__}: {what} changed {silent} without a word"


def touches(entry: Entry, root: Path, touched: Sequence[Path]) -> bool:
    """Say whether an entry may differ: its store was touched, or the tables were."""
    stores = [root / file for file in entry.files]
    tables = any(path.parent == root for path in touched)
    return tables or any(
        path == store or store in path.parents for path in touched for store in stores
    )


def rewrite(path: Path, content: bytes) -> None:
    """Replace a file; its content is shared with the whole release until then."""
    path.unlink()
    path.write_bytes(content)


def _files(root: Path) -> list[Path]:
    return sorted(p for p in root.rglob("*") if p.is_file())


def _stores(root: Path) -> list[Path]:
    return [p for p in _files(root) if "recordings" in p.parts]


def flip_bits(root: Path, rng: random.Random) -> Damage:
    path = rng.choice(_stores(root))
    content = bytearray(path.read_bytes() or b"\0")
    for _ in range(rng.choice([1, 1, 4, 64])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    rewrite(path, bytes(content))
    return str(path), [path]


def truncate(root: Path, rng: random.Random) -> Damage:
    path = rng.choice(_files(root))
    content = path.read_bytes()
    rewrite(path, content[: rng.randrange(len(content) + 1)])
    return str(path), [path]


def delete(root: Path, rng: random.Random) -> Damage:
    path = rng.choice(_files(root))
    path.unlink()
    return str(path), [path]


def change_json(root: Path, rng: random.Random) -> Damage:
    """Put a weird value at a random place of a JSON file."""
    names = {"zarr.json", ".zattrs", ".zarray", ".zgroup", "croissant.json"}
    path = rng.choice([p for p in _files(root) if p.name in names])
    content = json.loads(path.read_text("utf-8"))
    places: list[tuple[dict | list, object]] = []
    _walk(content, places)
    if not places:
        return str(path), [path]
    holder, key = rng.choice(places)
    if rng.random() < 0.25:
        del holder[key]
    else:
        holder[key] = rng.choice(WEIRD)
    rewrite(path, json.dumps(content).encode())
    return f"{path}: {key}", [path]


def change_catalogue(root: Path, rng: random.Random) -> Damage:
    """Put a weird value into one row of one record set."""
    path = root / "croissant.json"
    content = json.loads(path.read_text("utf-8"))
    rows = rng.choice([s for s in content["recordSet"] if s.get("data")])["data"]
    row = rng.choice(rows)
    key = rng.choice(sorted(row))
    row[key] = rng.choice(WEIRD)
    rewrite(path, json.dumps(content).encode())
    return f"{key} = {row[key]!r}", [path]


def swap_files(root: Path, rng: random.Random) -> Damage:
    one, other = rng.sample(_stores(root), 2)
    first, second = one.read_bytes(), other.read_bytes()
    rewrite(one, second)
    rewrite(other, first)
    return f"{one} and {other}", [one, other]


def garbage(root: Path, rng: random.Random) -> Damage:
    path = rng.choice(_files(root))
    rewrite(path, rng.randbytes(rng.randrange(200)))
    return str(path), [path]


def _walk(value: object, places: list) -> None:
    if isinstance(value, dict):
        for key in value:
            places.append((value, key))
            _walk(value[key], places)
    elif isinstance(value, list):
        for index in range(len(value)):
            places.append((value, index))
            _walk(value[index], places)


MUTATIONS: list[Callable[[Path, random.Random], Damage]] = [
    flip_bits,
    truncate,
    delete,
    change_json,
    change_json,
    change_catalogue,
    swap_files,
    garbage,
]
