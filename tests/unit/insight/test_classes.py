"""Matrix, classes, pairs and errors from answers made by hand."""

import numpy as np
import pytest

from core.insight.classes import (
    class_rows,
    confused_pairs,
    confusion,
    most_confused,
    side_by_side,
    worst_errors,
)
from core.insight.outcomes import Outcomes
from core.insight.significance import wilson


def outcomes(labels: list[int], predicted: list[int], probability: list[float] | None = None) -> Outcomes:
    chosen = np.array(probability or [0.5] * len(labels), dtype=np.float32)
    return Outcomes(
        epoch=1,
        split="val",
        labels=np.array(labels, dtype=np.int64),
        predicted=np.array(predicted, dtype=np.int64),
        probability=chosen,
        true_probability=1 - chosen,
    )


ANSWERS = outcomes([0, 0, 0, 0, 1, 1, 1, 2], [0, 1, 1, 2, 1, 1, 0, 2])


def test_rows_are_true_classes_and_columns_answers() -> None:
    assert confusion(ANSWERS, 4).tolist() == [[1, 2, 1, 0], [1, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_the_matrix_is_that_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 200, 3000), rng.integers(0, 200, 3000)
    expected = np.zeros((200, 200), dtype=np.int64)
    for label, answer in zip(labels, predicted, strict=True):
        expected[label, answer] += 1
    np.testing.assert_array_equal(confusion(outcomes(list(labels), list(predicted)), 200), expected)


def test_images_of_unknown_class_are_left_out() -> None:
    assert confusion(outcomes([-1, 0, -1], [1, 0, 0]), 2).tolist() == [[1, 0], [0, 0]]
    assert worst_errors(outcomes([-1, 0, -1], [1, 1, 0])).tolist() == [1]


def test_a_class_has_its_accuracy_interval_precision_and_what_it_is_taken_for() -> None:
    first, second, third, fourth = class_rows(confusion(ANSWERS, 4))
    assert (first.images, first.right, first.accuracy, first.answered) == (4, 1, 0.25, 2)
    assert (first.low, first.high) == wilson(1, 4)
    assert (first.taken_for, first.times, first.precision) == (1, 2, 0.5)
    assert (second.accuracy, second.taken_for) == (pytest.approx(2 / 3), 0)
    assert (third.taken_for, third.times, third.precision) == (None, 0, 0.5)
    assert (fourth.images, fourth.accuracy, fourth.precision) == (0, None, None)


def test_pairs_count_both_directions_and_tell_the_frequent_one_first() -> None:
    matrix = np.array([[5, 1, 0], [4, 5, 2], [3, 0, 5]])
    found = [(p.first, p.second, p.forth, p.back, p.count, p.images) for p in confused_pairs(matrix)]
    assert found == [(1, 0, 4, 1, 5, 17), (2, 0, 3, 0, 3, 14), (1, 2, 2, 0, 2, 19)]
    assert len(confused_pairs(matrix, 1)) == 1
    assert confused_pairs(np.eye(3, dtype=np.int64)) == []


def test_the_most_confused_classes_are_those_of_the_most_confused_pairs() -> None:
    matrix = np.eye(6, dtype=np.int64)
    matrix[4, 2], matrix[0, 5], matrix[1, 3] = 9, 7, 1
    assert most_confused(matrix, 2) == [2, 4]
    assert most_confused(matrix, 4) == [0, 2, 4, 5]
    assert most_confused(matrix, 6) == most_confused(matrix, 10) == [0, 1, 2, 3, 4, 5]
    assert most_confused(np.eye(3, dtype=np.int64), 2) == [0, 1], "without errors the first ones"


def test_confused_classes_stand_side_by_side() -> None:
    matrix = np.diag([50] * 6)
    for a, b in ((0, 3), (1, 4), (2, 5)):
        matrix[a, b] = 20
    matrix[3, 1] = matrix[4, 2] = 2
    order = side_by_side(matrix, range(6))
    assert sorted(order) == list(range(6))
    assert all(abs(order.index(a) - order.index(b)) == 1 for a, b in ((0, 3), (1, 4), (2, 5)))
    assert side_by_side(matrix, [2, 5]) == [2, 5]
    assert side_by_side(np.eye(4, dtype=np.int64), [0, 1, 2, 3]) == [0, 1, 2, 3]


def test_errors_come_by_confidence_and_can_be_narrowed() -> None:
    found = outcomes([0, 0, 0, 1, 1], [1, 0, 2, 0, 0], [0.6, 0.9, 0.8, 0.3, 0.7])
    assert worst_errors(found).tolist() == [2, 4, 0, 3]
    assert worst_errors(found, truth=0).tolist() == [2, 0]
    assert worst_errors(found, predicted=0).tolist() == [4, 3]
    assert worst_errors(found, truth=0, predicted=1).tolist() == [0]
    assert worst_errors(found, truth=2).tolist() == []
