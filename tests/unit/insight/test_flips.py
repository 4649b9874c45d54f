"""What a second run fixed and broke."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import BadInput
from core.insight.flips import flips, net_by_class
from core.insight.outcomes import Outcomes

LABELS = [0, 0, 0, 1, 1, 1, 2]


def answered(predicted: list[int], true_probability: list[float]) -> Outcomes:
    return Outcomes(
        epoch=1,
        split="val",
        labels=np.array(LABELS),
        predicted=np.array(predicted),
        probability=np.full(len(LABELS), 0.5, dtype=np.float32),
        true_probability=np.array(true_probability, dtype=np.float32),
    )


BEFORE = answered([1, 1, 0, 1, 1, 0, 0], [0.1, 0.3, 0.9, 0.8, 0.6, 0.2, 0.1])
AFTER = answered([0, 0, 0, 0, 2, 2, 0], [0.5, 0.9, 0.9, 0.3, 0.4, 0.2, 0.1])


def test_fixed_and_broken_come_with_the_clearest_change_first() -> None:
    found = flips(BEFORE, AFTER)
    assert (found.fixed.tolist(), found.broken.tolist()) == ([1, 0], [3, 4])
    assert (found.both_right, found.both_wrong, found.wrong_otherwise, found.net) == (1, 2, 1, 0)


def test_the_other_way_round_fixed_is_broken() -> None:
    back = flips(AFTER, BEFORE)
    assert (back.fixed.tolist(), back.broken.tolist()) == ([3, 4], [1, 0])


def test_the_net_by_class_adds_up_to_the_difference() -> None:
    rows = net_by_class(BEFORE, AFTER, 4)
    assert [(row.images, row.fixed, row.broken, row.net) for row in rows] == [
        (3, 2, 0, 2),
        (3, 0, 2, -2),
        (1, 0, 0, 0),
        (0, 0, 0, 0),
    ]
    assert sum(row.net for row in rows) == int(AFTER.hits.sum()) - int(BEFORE.hits.sum())


def test_a_side_without_labels_still_tells_the_class_of_a_flip() -> None:
    older = replace(BEFORE, labels=np.where(BEFORE.hits, BEFORE.labels, -1))
    assert flips(older, AFTER).fixed.tolist() == [1, 0]
    assert [(row.fixed, row.broken) for row in net_by_class(older, AFTER, 3)] == [(2, 0), (0, 2), (0, 0)]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (replace(AFTER, split="test"), "same split"),
        (replace(AFTER, labels=np.array([1, *LABELS[1:]])), "other val images"),
        (replace(AFTER, labels=np.array(LABELS[1:]), predicted=AFTER.predicted[1:]), "other val images"),
    ],
)
def test_other_images_are_refused(other: Outcomes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        flips(BEFORE, other)
