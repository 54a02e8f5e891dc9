"""Splits: who is trained on, who stops the training, who is scored. By patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cardium.core.recording import Catalog
from cardium.errors import InvalidArgumentError, NotProvidedError, SplitLeakError


@dataclass(frozen=True, slots=True)
class Split:
    """Three catalogs that share no patient.

    Parameters
    ----------
    train : Catalog
        Fitted on.
    val : Catalog
        Stops the training early and chooses the checkpoint; may be empty.
    test : Catalog
        Scored, seen by nothing before; may be empty.
    name : str
        How it was made, for reports: ``"official"``, ``"fold 0 of 5, by patient"``.

    Raises
    ------
    SplitLeakError
        If a patient stands on two sides.

    Examples
    --------
    >>> from cardium.core import Entry
    >>> sides = [Catalog((Entry(f"r{i}", f"p{i}", "", frozenset()),)) for i in range(3)]
    >>> Split(*sides, name="by hand").test.patients
    ('p2',)
    """

    train: Catalog
    val: Catalog
    test: Catalog
    name: str

    def __post_init__(self) -> None:
        sides = {k: set(getattr(self, k).patients) for k in ("train", "val", "test")}
        for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
            if both := sides[one] & sides[other]:
                raise SplitLeakError(
                    f"Patient '{min(both)}' is in '{one}' and in '{other}' "
                    f"({len(both)} such patients)."
                )


def split_catalog(
    catalog: Catalog,
    *,
    fold: int | None = None,
    folds: int | None = None,
    holdout: float | None = None,
    seed: int = 0,
) -> Split:
    """Decide who trains, who validates and who is scored, by patient.

    Parameters
    ----------
    catalog : Catalog
        The entries a task can use.
    fold : int, optional
        Which fold is scored. A dataset that comes in folds (``fold0`` …) is scored
        on this one (the first, if not given), validated on the next, and trained on
        the others.
    folds : int, optional
        Make this many folds of the patients and leave the official split aside.
    holdout : float, optional
        Validate on this share of the training patients rather than on the official
        ``val``, so that ``val`` stays unseen and may be scored.
    seed : int
        Of the drawing of patients for `folds` and `holdout`.

    Returns
    -------
    Split
        The three sides.

    Raises
    ------
    NotProvidedError
        If the dataset has no official split and `folds` is not given.
    InvalidArgumentError
        If fold, folds or holdout is out of its range.

    Examples
    --------
    >>> from cardium.core import Entry
    >>> rows = [Entry(f"r{i}", f"p{i}", "", frozenset()) for i in range(10)]
    >>> split = split_catalog(Catalog(tuple(rows)), folds=5, fold=0)
    >>> [len(side) for side in (split.train, split.val, split.test)]
    [6, 2, 2]
    """
    if folds is not None:
        split = _drawn_folds(catalog, folds, fold or 0, seed)
    elif any(name.startswith("fold") for name in catalog.splits):
        names = [name for name in catalog.splits if name.startswith("fold")]
        groups = [catalog.split(name).patients for name in names]
        split = _rotate(catalog, groups, fold or 0, f"of {len(names)}, official")
    elif fold is not None:
        raise InvalidArgumentError(
            "A fold was chosen, but the dataset does not come in folds. "
            "Say how many to make: folds=5 (--folds 5)."
        )
    elif "train" in catalog.splits:
        sides = {
            side: catalog.where(lambda entry, side=side: entry.split == side)  # type: ignore[misc]
            for side in ("train", "val", "test")
        }
        split = Split(**sides, name="official")
    else:
        raise NotProvidedError(
            "The dataset has no official split among the usable recordings "
            f"(splits: {', '.join(catalog.splits) or 'none'}). "
            "Make folds by patient: folds=5 (--folds 5)."
        )
    return split if holdout is None else _hold_out(split, holdout, seed)


def _drawn_folds(catalog: Catalog, folds: int, fold: int, seed: int) -> Split:
    """Deal the shuffled patients into folds."""
    patients = sorted(catalog.patients)
    if not 2 <= folds <= len(patients):
        raise InvalidArgumentError(
            f"folds must lie between 2 and the {len(patients)} patients, got {folds}."
        )
    order = np.random.default_rng(seed).permutation(len(patients))
    groups = [[patients[i] for i in order[k::folds]] for k in range(folds)]
    return _rotate(catalog, groups, fold, f"of {folds}, drawn by patient, seed {seed}")


def _rotate(
    catalog: Catalog, groups: Sequence[Sequence[str]], fold: int, how: str
) -> Split:
    """Score one group, validate on the next (if there are three), train on the rest."""
    count = len(groups)
    if not 0 <= fold < count:
        raise InvalidArgumentError(f"fold must be 0..{count - 1}, got {fold}.")
    val = (fold + 1) % count if count > 2 else None
    rest = [p for k, g in enumerate(groups) if k not in (fold, val) for p in g]
    return Split(
        train=catalog.of_patients(rest),
        val=catalog.of_patients(groups[val] if val is not None else ()),
        test=catalog.of_patients(groups[fold]),
        name=f"fold {fold} {how}",
    )


def _hold_out(split: Split, share: float, seed: int) -> Split:
    """Take a share of the training patients to validate on."""
    patients = sorted(split.train.patients)
    if not 0 < share < 1 or len(patients) < 2:
        raise InvalidArgumentError(
            f"holdout must lie between 0 and 1 and leave patients to train on, got "
            f"{share} of {len(patients)} patients."
        )
    count = min(max(1, round(share * len(patients))), len(patients) - 1)
    order = np.random.default_rng(seed).permutation(len(patients))
    held = [patients[i] for i in order[:count]]
    kept = [patients[i] for i in order[count:]]
    return Split(
        train=split.train.of_patients(kept),
        val=split.train.of_patients(held),
        test=split.test,
        name=f"{split.name}, validated on {share:g} of the training patients",
    )
