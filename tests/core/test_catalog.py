from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardium.core import Catalog, Entry, Recording, split_catalog
from cardium.errors import (
    DataCorruptError,
    InvalidArgumentError,
    NotProvidedError,
    SplitLeakError,
    UnknownNameError,
)


def entry(number: int, patient: str, split: str = "train") -> Entry:
    return Entry(f"r{number}", patient, split, frozenset({"ecg"}))


def catalog(*splits: str) -> Catalog:
    """Two recordings a patient, one patient an item."""
    return Catalog(
        tuple(
            entry(2 * i + j, f"p{i}", s) for i, s in enumerate(splits) for j in (0, 1)
        )
    )


def test_order_is_kept() -> None:
    rows = Catalog((entry(3, "b"), entry(1, "a"), entry(2, "b")))
    assert [e.id for e in rows] == ["r3", "r1", "r2"]
    assert rows.patients == ("b", "a")


def test_a_patient_in_two_splits_is_refused() -> None:
    with pytest.raises(SplitLeakError, match=r"'p'.*'train'.*'test'"):
        Catalog((entry(1, "p", "train"), entry(2, "p", "test")))


def test_two_recordings_of_one_name_are_refused() -> None:
    with pytest.raises(DataCorruptError, match="'r1'"):
        Catalog((entry(1, "p"), entry(1, "q")))


def test_a_recording_without_patient_is_refused() -> None:
    with pytest.raises(DataCorruptError, match="no patient"):
        Catalog((entry(1, ""),))


def test_unknown_names_suggest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'test'"):
        catalog("train", "test").split("tset")
    with pytest.raises(UnknownNameError, match="r1"):
        _ = catalog("train")["r11"]


def test_a_recording_says_what_it_has() -> None:
    with pytest.raises(NotProvidedError, match=r"no 'b_mode'. It has: nothing"):
        Recording(entry(1, "p"), {})["b_mode"]


def test_official_split() -> None:
    split = split_catalog(catalog("train", "val", "test", "train"))
    assert [len(s) for s in (split.train, split.val, split.test)] == [4, 2, 2]
    assert split.name == "official"


def test_official_folds_score_one_and_validate_on_the_next() -> None:
    rows = catalog("fold0", "fold1", "fold2", "fold3", "fold4")
    split = split_catalog(rows, fold=4)
    assert split.test.patients == ("p4",)
    assert split.val.patients == ("p0",)
    assert split.train.patients == ("p1", "p2", "p3")


def test_holdout_leaves_the_official_validation_unseen() -> None:
    rows = catalog(*["train"] * 10, "val", "test")
    split = split_catalog(rows, holdout=0.2)
    assert len(split.val.patients) == 2
    assert "p10" not in {
        *split.val.patients,
        *split.train.patients,
        *split.test.patients,
    }


@given(patients=st.integers(2, 40), folds=st.integers(2, 10), seed=st.integers(0, 99))
def test_drawn_folds_cover_every_patient_once(patients, folds, seed) -> None:
    rows = catalog(*[""] * patients)
    if folds > patients:
        with pytest.raises(InvalidArgumentError):
            split_catalog(rows, folds=folds)
        return
    tested = []
    for fold in range(folds):
        split = split_catalog(rows, folds=folds, fold=fold, seed=seed)
        tested += split.test.patients
        together = [*split.train, *split.val, *split.test]
        assert len(together) == len(rows)
    assert sorted(tested) == sorted(rows.patients)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"fold": 1}, InvalidArgumentError),
        ({"folds": 3, "fold": 3}, InvalidArgumentError),
        ({"folds": 1}, InvalidArgumentError),
        ({"holdout": 1.5}, InvalidArgumentError),
    ],
)
def test_splitting_refuses_what_cannot_be(options, error) -> None:
    with pytest.raises(error):
        split_catalog(catalog("train", "train", "train", "val"), **options)


def test_a_dataset_without_split_asks_for_folds() -> None:
    with pytest.raises(NotProvidedError, match="--folds 5"):
        split_catalog(catalog("", ""))
