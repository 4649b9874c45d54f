"""How small a difference the images can show, as pages say it beside a comparison."""

from pathlib import Path

import pytest

from core.insight.significance import paired_counts
from core.insight.verdict import judge
from core.runs import RunEntry, RunStore
from tests.pages.made_runs import data_info, make_run
from tests.unit.insight.judged_runs import hits_of, judged_run
from ui.smallest import smallest_between, smallest_expected, smallest_of_splits, smallest_seen

EXPECTED = "These 1,500 val images can show a difference from 3.6 points on"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    monkeypatch.setenv("PLATEAU_DATA", str(tmp_path / "data"))
    return RunStore(tmp_path / "runs")


def judged(store: RunStore, level: float = 0.6, **made: object) -> RunEntry:
    right = round(1500 * level)
    return judged_run(store, hits_of(1500, right, 0, 0)[0], **made)  # type: ignore[arg-type]


@pytest.mark.parametrize("split", ["val", "test"])
def test_of_two_networks_it_rests_on_the_images_that_they_disagree_on(split: str) -> None:
    said = smallest_seen(paired_counts(1500, 60, 100), split)
    assert said.startswith(f"These 1,500 {split} images (160 of them only one of the two has right) can show")


def test_before_a_comparison_it_follows_from_the_accuracy() -> None:
    assert smallest_expected(1500, 0.6).startswith(EXPECTED)


@pytest.mark.parametrize(("images", "accuracy"), [(None, 0.6), (0, 0.6), (1500, None)])
def test_where_nobody_knows_nothing_is_said(images: int | None, accuracy: float | None) -> None:
    assert smallest_expected(images, accuracy) == ""


class TestOfTwoRuns:
    def test_it_is_the_verdicts_own_sentence(self, store: RunStore) -> None:
        before, after = (judged_run(store, hits) for hits in hits_of(1500, 900, 60, 100))
        assert smallest_between(before, after) == judge([before], [after]).smallest_sentence != ""

    def test_without_the_answers_of_one_it_is_what_can_be_expected(self, store: RunStore) -> None:
        before, after = store.entry(make_run(store)), judged(store)
        assert smallest_between(before, after).startswith(EXPECTED)

    def test_of_runs_on_other_images_nothing_is_said(self, store: RunStore) -> None:
        assert smallest_between(judged(store), judged(store, info=data_info("faces"))) == ""


class TestOfManyRuns:
    def test_one_split_has_one_sentence_at_the_middle_accuracy(self, store: RunStore) -> None:
        [said] = smallest_of_splits([judged(store, level) for level in (0.1, 0.6, 0.95)])
        assert said.startswith(EXPECTED)

    def test_several_splits_are_told_apart_by_the_data_sets_name(self, store: RunStore) -> None:
        runs = [judged(store, info=data_info(name)) for name in ("shapes", "faces") for _ in range(2)]
        names = [said.partition(":")[0] for said in smallest_of_splits(runs)]
        assert names == ["shapes", "faces"]

    def test_a_run_alone_on_its_split_is_compared_with_nothing(self, store: RunStore) -> None:
        assert smallest_of_splits([judged(store), judged(store, info=data_info("faces"))]) == []

    def test_a_run_without_answers_does_not_hide_another_ones(self, store: RunStore) -> None:
        [said] = smallest_of_splits([store.entry(make_run(store)), judged(store)])
        assert said.startswith("These 1,500 val images")
