"""Which runs are said not to compare: those that were judged on other images, whatever these are called."""

from dataclasses import replace
from typing import Any

import pytest

from core.runs import RunEntry
from tests.unit.ui.test_run_fields import entry
from ui.comparability import data_warnings


def on(at: int, **data: Any) -> RunEntry:
    """A run on these data: 'dataset', 'dataset_fingerprint', 'split_fingerprint'."""
    run = entry(at)
    assert run.status
    known = {"dataset": "shapes", "dataset_fingerprint": "pixels", "split_fingerprint": "split"}
    return replace(run, status=run.status.model_copy(update=known | data))


def test_the_same_images_under_two_names_compare() -> None:
    assert data_warnings([on(0), on(1, dataset="shapes copy"), on(2)]) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            {"dataset": "faces", "dataset_fingerprint": "others"},
            "these runs saw different data sets (shapes and faces)",
        ),
        ({"dataset_fingerprint": "others"}, "the data set shapes was changed between these runs"),
        ({"split_fingerprint": "other"}, "the split of shapes was changed between these runs"),
        ({"split_fingerprint": ""}, "one of the runs does not say which images it was judged on"),
    ],
)
def test_other_images_are_told_once_in_the_words_of_the_verdict(data: dict[str, str], said: str) -> None:
    [sentence] = data_warnings([on(0), on(1, **data), on(2, **data)])
    assert sentence.startswith(f"Not compared: {said}")


def test_each_other_data_set_has_its_sentence() -> None:
    runs = [on(at, dataset=name, dataset_fingerprint=name) for at, name in enumerate("abcb")]
    assert ["(a and b)" in said or "(a and c)" in said for said in data_warnings(runs)] == [True, True]


def test_a_damaged_run_and_no_run_at_all_say_nothing() -> None:
    assert data_warnings([]) == []
    assert data_warnings([replace(on(0), status=None), on(1)]) == []
