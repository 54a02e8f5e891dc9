"""The score of the Challenges 2020 and 2021: on paper, restated, on real records."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from cardium.errors import DataCorruptError, DataMissingError, InvalidArgumentError
from cardium.metrics import (
    CLASSES_2020,
    CLASSES_2021,
    SCORED_2020,
    SCORED_2021,
    Weights,
    challenge_score,
    exact_match,
    read_weights,
)

TWO = Weights(("AF", "NSR"), np.array([[1.0, 0.5], [0.5, 1.0]]))
THREE = Weights(
    ("AF", "NSR", "SB"),
    np.array([[1.0, 0.2, 0.4], [0.2, 1.0, 0.6], [0.4, 0.6, 1.0]]),
)


def restated(predicted, truth, weights):
    """The definition, pair by pair, and the two classifiers it is scaled by."""

    def total(answers):
        size = len(weights.classes)
        table = np.zeros((size, size))
        for row, true in zip(answers, truth, strict=True):
            n = max(1, sum(bool(a or b) for a, b in zip(row, true, strict=True)))
            for i in range(size):
                for j in range(size):
                    if true[i] and row[j]:
                        table[i, j] += 1 / n
        return (weights.matrix * table).sum()

    inactive = np.zeros_like(truth)
    inactive[:, weights.classes.index("NSR")] = 1
    least = total(inactive)
    return (total(predicted) - least) / (total(truth) - least)


def test_classes_and_codes():
    assert (len(SCORED_2021), len(CLASSES_2021)) == (30, 26)
    assert (len(SCORED_2020), len(CLASSES_2020)) == (27, 24)
    assert SCORED_2021["164909002"] == SCORED_2021["733534002"] == "CLBBB|LBBB"
    assert SCORED_2020["164909002"] == "LBBB"
    for codes in (SCORED_2020, SCORED_2021):
        assert codes["713427006"] == codes["59118001"]
        assert codes["284470004"] == codes["63593006"]
        assert codes["427172004"] == codes["17338001"]
    assert set(CLASSES_2021) - set(CLASSES_2020) == {"BBB", "PRWP", "CLBBB|LBBB"}


def test_one_record_on_paper():
    """AF and sinus rhythm said of AF: (1 + 0.5) / 2; truth 1; sinus rhythm 0.5 / 2."""
    score = challenge_score(np.array([[1, 1]]), np.array([[1, 0]]), TWO)
    assert score == pytest.approx((0.75 - 0.25) / (1 - 0.25))


def test_three_classes_on_paper():
    """Truths {AF, SB} and {NSR}; answers {AF} and {SB}."""
    truth = np.array([[1, 0, 1], [0, 1, 0]])
    predicted = np.array([[1, 0, 0], [0, 0, 1]])
    # observed: (1 + 0.4) / 2 + 0.6 / 2; perfect: (1 + 0.4 + 0.4 + 1) / 2 + 1;
    # sinus rhythm alone: (0.2 + 0.6) / 3 + 1
    expected = (1.0 - (0.8 / 3 + 1)) / (2.4 - (0.8 / 3 + 1))
    assert challenge_score(predicted, truth, THREE) == pytest.approx(expected)


def test_truth_is_1_and_sinus_rhythm_is_0():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (50, 3))
    always = np.tile([0, 1, 0], (50, 1))
    assert challenge_score(truth, truth, THREE) == pytest.approx(1)
    assert challenge_score(always, truth, THREE) == pytest.approx(0)
    assert challenge_score(np.zeros((50, 3)), truth, THREE) < 0


def test_random_answers_agree_with_the_definition():
    rng = np.random.default_rng(1)
    for share in (0.1, 0.3, 0.6):
        matrix = rng.random((6, 6))
        weights = Weights(("a", "b", "NSR", "c", "d", "e"), (matrix + matrix.T) / 2)
        predicted, truth = (rng.random((2, 40, 6)) < share).astype(int)
        assert challenge_score(predicted, truth, weights) == pytest.approx(
            restated(predicted, truth, weights)
        )


def test_a_true_row_and_a_predicted_column_are_not_swapped():
    """With weights that are not symmetric, as the challenge's are."""
    skew = Weights(("AF", "NSR"), np.array([[1.0, 0.0], [0.7, 1.0]]))
    truth, predicted = np.array([[0, 1], [1, 0]]), np.array([[1, 0], [1, 0]])
    # true NSR called AF is row NSR, column AF: 0.7 / 2; sinus rhythm alone: 1 + 0
    expected = (0.35 + 1 - 1) / (2 - 1)
    assert challenge_score(predicted, truth, skew) == pytest.approx(expected)


def test_sinus_rhythm_alone_cannot_be_beaten():
    truth = np.array([[0, 1], [0, 1]])
    assert math.isnan(challenge_score(truth, truth, TWO))


def test_exact_match():
    truth = np.array([[1, 0], [1, 1], [0, 0]])
    assert exact_match(np.array([[1, 0], [1, 0], [0, 0]]), truth) == pytest.approx(
        2 / 3
    )
    with pytest.raises(InvalidArgumentError, match="one shape"):
        exact_match(truth[:2], truth)


def test_wrong_classes_are_refused():
    with pytest.raises(InvalidArgumentError, match="one column for each"):
        challenge_score(np.zeros((2, 3)), np.zeros((2, 3)), TWO)
    other = Weights(("AF", "SB"), TWO.matrix)
    with pytest.raises(InvalidArgumentError, match="no class 'NSR'"):
        challenge_score(np.zeros((2, 2)), np.zeros((2, 2)), other)


def write(path, names, matrix):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["", *names])
        writer.writerows([name, *row] for name, row in zip(names, matrix, strict=True))
    return path


def joined(year):
    """The codes of each class, joined by a bar."""
    scored = SCORED_2021 if year == 2021 else SCORED_2020
    classes = CLASSES_2021 if year == 2021 else CLASSES_2020
    return ["|".join(c for c, n in scored.items() if n == name) for name in classes]


def matrix_of(size, seed=0):
    half = np.random.default_rng(seed).random((size, size)).round(3)
    matrix = np.triu(half, 1) + np.triu(half, 1).T
    np.fill_diagonal(matrix, 1)
    return matrix


def test_weights_are_read_in_any_order_of_rows(tmp_path):
    matrix, names = matrix_of(26), joined(2021)
    order = np.random.default_rng(3).permutation(26)
    shuffled = matrix[np.ix_(order, order)]
    write(tmp_path / "weights.csv", [names[k] for k in order], shuffled)
    weights = read_weights(tmp_path)
    assert weights.classes == CLASSES_2021
    np.testing.assert_array_equal(weights.matrix, matrix)


def test_equal_codes_of_2020_have_rows_of_their_own(tmp_path):
    codes, matrix = list(SCORED_2020), matrix_of(24)
    place = [CLASSES_2020.index(SCORED_2020[code]) for code in codes]
    path = write(tmp_path / "w.csv", codes, matrix[np.ix_(place, place)])
    weights = read_weights(path, year=2020)
    assert weights.classes == CLASSES_2020
    np.testing.assert_array_equal(weights.matrix, matrix)
    wide = matrix[np.ix_(place, place)]
    wide[codes.index("59118001"), 0] += 0.1
    with pytest.raises(DataCorruptError, match="scored as one"):
        read_weights(write(path, codes, wide), year=2020)


def spoilt(how):
    matrix = matrix_of(26)
    match how:
        case "symmetric":
            matrix[0, 1] += 0.001
        case "diagonal":
            matrix[3, 3] = 0.9
        case r"0\.\.1":
            matrix[0, 1] = matrix[1, 0] = 1.5
        case "weights must be":
            matrix[0, 1] = matrix[1, 0] = np.nan
    return matrix


@pytest.mark.parametrize("how", ["symmetric", "diagonal", r"0\.\.1", "weights must be"])
def test_spoilt_weights_are_refused(tmp_path, how):
    path = write(tmp_path / "weights.csv", joined(2021), spoilt(how))
    with pytest.raises(DataCorruptError, match=how):
        read_weights(path)


def test_tables_that_are_no_weights_are_refused(tmp_path):
    path, names, matrix = tmp_path / "weights.csv", joined(2021), matrix_of(26)
    with pytest.raises(DataMissingError, match="evaluation-2021"):
        read_weights(path)
    write(path, names[:-1], matrix[:-1, :-1])
    with pytest.raises(DataCorruptError, match="no row for TInv"):
        read_weights(path)
    write(path, ["1234567", *names[1:]], matrix)
    with pytest.raises(DataCorruptError, match="'1234567' is no class"):
        read_weights(path)
    write(path, names, matrix)
    with pytest.raises(DataCorruptError, match="is no class of the challenge of 2020"):
        read_weights(path, year=2020)
    path.write_text(path.read_text().replace("1.0", "one", 1))
    with pytest.raises(DataCorruptError, match="no number"):
        read_weights(path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[2:], lines[1]]))
    with pytest.raises(DataCorruptError, match="names of the rows"):
        read_weights(path)
    with pytest.raises(InvalidArgumentError, match="2019"):
        read_weights(path, year=2019)


def test_the_official_weights(shared_data):
    """26 classes in the order of the file, worth 0.15 at least."""
    folder = shared_data / "cinc2021_evaluation"
    weights = read_weights(folder)
    assert weights.classes == CLASSES_2021
    assert weights.matrix.min() == 0.15
    place = {name: k for k, name in enumerate(CLASSES_2021)}
    assert weights.matrix[place["AF"], place["AFL"]] == 0.5
    assert weights.matrix[place["AF"], place["Brady"]] == 0.3
    rows = list(csv.reader((folder / "weights.csv").read_text().splitlines()))
    assert [SCORED_2021[row[0].split("|")[0]] for row in rows[1:]] == [*CLASSES_2021]


def test_the_official_names(shared_data):
    path = shared_data / "cinc2021_evaluation" / "dx_mapping_scored.csv"
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert {row["SNOMEDCTCode"] for row in rows} == set(SCORED_2021)
    for row in rows:
        names = SCORED_2021[row["SNOMEDCTCode"]].split("|")
        assert row["Abbreviation"] in names
        assert (len(names) == 2) == ("same diagnosis" in row["Notes"])
