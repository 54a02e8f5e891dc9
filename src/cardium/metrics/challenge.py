"""The scores of the PhysioNet/CinC Challenges 2020 and 2021 for 12-lead ECGs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
)
from cardium.io.tables import read_rows
from cardium.metrics.classification import check_columns

SCORED_2021: Mapping[str, str] = MappingProxyType(
    {
        "164889003": "AF",
        "164890007": "AFL",
        "6374002": "BBB",
        "426627000": "Brady",
        "733534002": "CLBBB|LBBB",
        "164909002": "CLBBB|LBBB",
        "713427006": "CRBBB|RBBB",
        "59118001": "CRBBB|RBBB",
        "270492004": "IAVB",
        "713426002": "IRBBB",
        "39732003": "LAD",
        "445118002": "LAnFB",
        "164947007": "LPR",
        "251146004": "LQRSV",
        "111975006": "LQT",
        "698252002": "NSIVCB",
        "426783006": "NSR",
        "284470004": "PAC|SVPB",
        "63593006": "PAC|SVPB",
        "10370003": "PR",
        "365413008": "PRWP",
        "427172004": "PVC|VPB",
        "17338001": "PVC|VPB",
        "164917005": "QAb",
        "47665007": "RAD",
        "427393009": "SA",
        "426177001": "SB",
        "427084000": "STach",
        "164934002": "TAb",
        "59931005": "TInv",
    }
)
"""The class of each scored SNOMED CT code of 2021: 30 codes, 26 classes.

Codes that are scored as one have one class. Names are the abbreviations of the
challenge's ``dx_mapping_scored.csv``.
"""

_ONLY_2021 = ("6374002", "733534002", "365413008")
SCORED_2020: Mapping[str, str] = MappingProxyType(
    {
        code: "LBBB" if code == "164909002" else name
        for code, name in SCORED_2021.items()
        if code not in _ONLY_2021
    }
)
"""The class of each scored SNOMED CT code of 2020: 27 codes, 24 classes.

Three of 2021's four pairs are scored as one: RBBB with CRBBB, PAC with SVPB, PVC with
VPB. The list is that of 2021 without BBB, CLBBB and PRWP; it was not compared with the
table of 2020 itself, and `read_weights` refuses a table of other codes.
"""

CLASSES_2021: tuple[str, ...] = tuple(dict.fromkeys(SCORED_2021.values()))
"""The 26 classes, in the order of the rows of the challenge's ``weights.csv``."""
CLASSES_2020: tuple[str, ...] = tuple(dict.fromkeys(SCORED_2020.values()))
"""The 24 classes of 2020, in the order in which 2021 has them."""

SINUS_RHYTHM = "NSR"
"""The class that a classifier which always answers the same is held to give."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """What an answer is worth for a truth.

    Parameters
    ----------
    classes : tuple of str
        Names of the C classes.
    matrix : (C, C)
        Worth of answering the column's class where the row's is true: 1 on the
        diagonal.
    """

    classes: tuple[str, ...]
    matrix: FloatArray


def read_weights(path: str | Path, *, year: Literal[2020, 2021] = 2021) -> Weights:
    r"""Read the weights of a challenge from its own ``weights.csv``.

    Parameters
    ----------
    path : str or Path
        The file, or the folder that holds it. It comes with the evaluation code of the
        challenge, https://github.com/physionetchallenges/evaluation-2021 (or -2020).
    year : {2020, 2021}
        Which codes are scored.

    Returns
    -------
    Weights
        In the order of `CLASSES_2021` or `CLASSES_2020`.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataCorruptError
        If it is not a symmetric square table of numbers 0 to 1, with 1 on the diagonal
        and the scored codes as names of its rows and columns.
    InvalidArgumentError
        If it is another year.

    Notes
    -----
    Codes that are scored as one share a name joined by ``|`` in 2021. In 2020 they have
    rows of their own, which must be equal and of which one is kept.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> head = ",".join(["", *SCORED_2020])
    >>> rows = [f"{a}," + ",".join("1.0" for b in SCORED_2020) for a in SCORED_2020]
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "weights.csv"
    ...     _ = path.write_text("\n".join([head, *rows]))
    ...     weights = read_weights(path, year=2020)
    >>> weights.classes[:3], weights.matrix.shape
    (('AF', 'AFL', 'Brady'), (24, 24))
    """
    scored, classes = _of_year(year)
    file = Path(path)
    file = file / "weights.csv" if file.is_dir() else file
    if not file.is_file():
        raise DataMissingError(
            f"'{file}' does not exist. The weights of the challenge come with its "
            f"evaluation code, https://github.com/physionetchallenges/evaluation-{year}"
            ": get weights.csv from there."
        )
    rows = read_rows(file, required=("",))
    codes = [row.pop("") for row in rows]
    if not rows or codes != list(rows[0]):
        raise DataCorruptError(
            f"'{file}': the names of the rows, {', '.join(codes)[:60]}…, are not those "
            "of the columns. Get the file again."
        )
    names = [_class_of(code, scored, file, year) for code in codes]
    try:
        matrix = np.array([[float(v) for v in row.values()] for row in rows])
    except ValueError as error:
        raise DataCorruptError(
            f"'{file}' holds a value that is no number ({error}). Get the file again."
        ) from error
    return Weights(classes, _reduced(matrix, names, classes, file))


def challenge_credit(
    predicted: NDArray[Any], truth: NDArray[Any], weights: Weights
) -> FloatArray:
    """Return what each record adds to the challenge's score, before it is normalised.

    Parameters
    ----------
    predicted : (N, C) of 0 and 1
        Which classes were predicted.
    truth : (N, C) of 0 and 1
        Which classes are there.
    weights : Weights
        Of the C classes; sinus rhythm (``"NSR"``) among them.

    Returns
    -------
    (N, 3)
        The worth of the prediction, of the truth itself, and of sinus rhythm alone.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ or do not match the weights, or sinus rhythm is no class.

    Notes
    -----
    A record's worth is the sum of the weights over all pairs of a true and a predicted
    class, divided by the number of classes that are true or predicted, at least 1.

    Examples
    --------
    >>> weights = Weights(("AF", "NSR"), np.array([[1, 0.5], [0.5, 1]]))
    >>> predicted, truth = np.array([[1, 1]]), np.array([[1, 0]])
    >>> # (1 + 0.5) / 2 for both, 1 for the truth, 0.5 / 2 for sinus rhythm
    >>> challenge_credit(predicted, truth, weights).tolist()
    [[0.75, 1.0, 0.25]]
    """
    _check(predicted, truth, weights)
    answered, is_true = np.asarray(predicted, bool), np.asarray(truth, bool)
    inactive = np.zeros_like(is_true)
    inactive[:, weights.classes.index(SINUS_RHYTHM)] = True
    worth = np.asarray(is_true, np.float64) @ weights.matrix
    return np.stack(
        [
            (worth * one).sum(axis=1) / np.maximum((one | is_true).sum(axis=1), 1)
            for one in (answered, is_true, inactive)
        ],
        axis=1,
    )


def challenge_score(
    predicted: NDArray[Any], truth: NDArray[Any], weights: Weights
) -> float:
    r"""Return the score of the PhysioNet/CinC Challenges 2020 and 2021.

    .. math:: \frac{s - s_{inactive}}{s_{perfect} - s_{inactive}}

    Parameters
    ----------
    predicted : (N, C) of 0 and 1
        Which classes were predicted.
    truth : (N, C) of 0 and 1
        Which classes are there.
    weights : Weights
        Of the C classes; sinus rhythm (``"NSR"``) among them.

    Returns
    -------
    float
        1 for the truth, 0 for a classifier that always answers sinus rhythm, below 0
        for what is worth less. NaN if the truth is worth as much as sinus rhythm.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ or do not match the weights, or sinus rhythm is no class.

    Notes
    -----
    Perez Alday et al., Physiological Measurement 41:124003 (2020); Reyna et al.,
    Computing in Cardiology 2021. `challenge_credit` says what s is the sum of. The
    challenge's own code returns 0 where this returns NaN.

    Examples
    --------
    >>> weights = Weights(("AF", "NSR"), np.array([[1, 0.5], [0.5, 1]]))
    >>> truth = np.array([[1, 0], [0, 1]])
    >>> predicted = np.array([[1, 1], [0, 1]])
    >>> score = challenge_score(predicted, truth, weights)
    >>> round(score, 6)  # (1.75 - 1.25) / (2 - 1.25)
    0.666667
    """
    return normalised_score(*challenge_credit(predicted, truth, weights).sum(axis=0))


def normalised_score(observed: float, perfect: float, inactive: float) -> float:
    """Scale a sum of credits to 1 for the truth and 0 for sinus rhythm alone.

    Parameters
    ----------
    observed, perfect, inactive : float
        Sums over records of what `challenge_credit` returns.

    Returns
    -------
    float
        The score; NaN if the truth is worth as much as sinus rhythm alone.

    Examples
    --------
    >>> normalised_score(2.0, 3.0, 1.0)
    0.5
    """
    room = float(perfect) - float(inactive)
    return (float(observed) - float(inactive)) / room if room else float("nan")


def exact_match(predicted: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return the share of records of which every class is answered rightly.

    Parameters
    ----------
    predicted : (N, C) of 0 and 1
        Which classes were predicted.
    truth : (N, C) of 0 and 1
        Which classes are there.

    Returns
    -------
    float
        0 to 1; the challenge calls it accuracy.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ or there is no record.

    Examples
    --------
    >>> exact_match(np.array([[1, 0], [1, 1]]), np.array([[1, 0], [1, 0]]))
    0.5
    """
    if predicted.shape != truth.shape or not len(truth):
        raise InvalidArgumentError(
            f"Predictions {predicted.shape} and truths {truth.shape} must have one "
            "shape, with at least one record."
        )
    same = np.asarray(predicted, bool) == np.asarray(truth, bool)
    return float(same.all(axis=1).mean())


def _of_year(year: int) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return the codes and the classes of a year."""
    match year:
        case 2020:
            return SCORED_2020, CLASSES_2020
        case 2021:
            return SCORED_2021, CLASSES_2021
        case _:
            raise InvalidArgumentError(
                f"year must be 2020 or 2021, got {year}: others have no weights."
            )


def _class_of(joined: str, scored: Mapping[str, str], file: Path, year: int) -> str:
    """Return the one class of codes that are joined by a bar."""
    names = {scored.get(code.strip(), "") for code in joined.split("|")}
    if len(names) != 1 or "" in names:
        raise DataCorruptError(
            f"'{file}': '{joined}' is no class of the challenge of {year}. Is it the "
            "file of another year?"
        )
    return names.pop()


def _reduced(
    matrix: FloatArray, names: Sequence[str], classes: tuple[str, ...], file: Path
) -> FloatArray:
    """Keep one row and column a class, in the order of the classes."""
    if lacking := sorted(set(classes) - set(names)):
        raise DataCorruptError(
            f"'{file}' has no row for {', '.join(lacking)}; expected {len(classes)} "
            "classes. Get the file again."
        )
    place = [names.index(name) for name in classes]
    reduced = matrix[np.ix_(place, place)]
    where = [classes.index(name) for name in names]
    if not np.array_equal(reduced[np.ix_(where, where)], matrix, equal_nan=True):
        raise DataCorruptError(
            f"'{file}': codes that are scored as one have different weights. "
            "Get the file again."
        )
    within = np.isfinite(reduced) & (reduced >= 0) & (reduced <= 1)
    if not within.all() or (reduced.diagonal() != 1).any():
        raise DataCorruptError(
            f"'{file}': weights must be 0..1 with 1 on the diagonal, found "
            f"{np.nanmin(reduced):g}..{np.nanmax(reduced):g} and a diagonal of "
            f"{np.unique(reduced.diagonal())[:3].tolist()}. Get the file again."
        )
    if not np.array_equal(reduced, reduced.T):
        raise DataCorruptError(
            f"'{file}': the weights are not symmetric. Get the file again."
        )
    return reduced


def _check(predicted: NDArray[Any], truth: NDArray[Any], weights: Weights) -> None:
    """Refuse arrays of other classes than the weights."""
    check_columns(predicted, truth, weights.classes)
    if SINUS_RHYTHM not in weights.classes:
        raise InvalidArgumentError(
            f"The weights have no class '{SINUS_RHYTHM}', the sinus rhythm that an "
            "answer is compared with."
        )
