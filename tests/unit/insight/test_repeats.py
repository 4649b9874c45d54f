"""A group of repeats says of its recipe what whole trainings with different seeds say."""

from pathlib import Path
from statistics import mean, stdev

import pytest

from core.insight.repeats import Group, groups
from core.runs import Notes, Run, RunEntry, Status
from core.runs.status import Best


def entry(
    run_id: str, accuracy: float | None = None, *, seed: int = 0, recipe: str = "a", done: int = 10
) -> RunEntry:
    status = Status(
        state="finished",
        epoch=done,
        epochs=10,
        best=None if accuracy is None else Best(epoch=1, val_accuracy=accuracy),
        created_at="2026-09-01T12:00:00+00:00",
        dataset="shapes",
        dataset_fingerprint="pixels",
        split_fingerprint="split",
        architecture="my_net",
        recipe_fingerprint=recipe,
        seed=seed,
    )
    return RunEntry(Run(Path(run_id)), Notes(), status)


def damaged(run_id: str) -> RunEntry:
    return RunEntry(Run(Path(run_id)), Notes(), None, damaged="It is damaged.")


def ids(group: Group) -> list[str]:
    return [member.id for member in group.entries]


def test_runs_that_differ_by_their_seed_are_one_group_where_its_first_stands() -> None:
    listed = [
        entry("5", 0.5, seed=2),
        entry("4", 0.4, recipe="b"),
        damaged("3"),
        damaged("2"),
        entry("1", 0.6, seed=1),
    ]
    found = groups(listed)
    assert [ids(group) for group in found] == [["5", "1"], ["4"], ["3"], ["2"]]
    assert len({group.key for group in found}) == 4
    assert found[0].key == groups(listed[-1:])[0].key, "the key does not depend on what else is listed"


def test_mean_and_spread_are_those_of_the_best_val_accuracies() -> None:
    accuracies = [0.571, 0.582, 0.564]
    [group] = groups([entry(str(i), value, seed=i) for i, value in enumerate(accuracies)])
    assert group.n == 3
    assert group.mean == pytest.approx(mean(accuracies))
    assert group.spread == pytest.approx(stdev(accuracies))


def test_one_seed_has_no_spread_and_none_has_no_mean() -> None:
    [one] = groups([entry("1", 0.5)])
    assert (one.n, one.mean, one.spread) == (1, 0.5, None)
    [none] = groups([damaged("1")])
    assert (none.n, none.mean, none.spread) == (0, None, None)


def test_a_training_under_way_does_not_count_yet() -> None:
    [group] = groups([entry("1", 0.5), entry("2", 0.1, seed=1, done=3), entry("3", seed=2, done=0)])
    assert (len(group.entries), group.n, group.mean) == (3, 1, 0.5)


def test_a_seed_that_was_trained_twice_counts_once() -> None:
    [group] = groups([made("3", 2), made("2", 1), entry("1", 0.6, seed=1)])
    assert [member.id for member in group.counted] == ["3", "1"], "the oldest of a seed"
    assert (group.n, group.mean) == (2, 0.55)


def test_seeds_that_are_expected_are_those_done_or_still_to_come() -> None:
    waiting, lost = entry("2", seed=2, done=0), entry("3", 0.1, seed=3, done=4)
    for each, state in ((waiting, "queued"), (lost, "failed")):
        assert each.status
        each.status.state = state  # type: ignore[assignment]
    [group] = groups([entry("1", 0.5), made("4", 0), waiting, lost])
    assert (group.n, group.expected) == (1, 2)


def test_the_first_is_the_one_that_was_made_first() -> None:
    [group] = groups([made("c", 2), made("a", 1), made("b", 0)])
    assert group.first.id == "b", "ids of one second are in no order"


def made(run_id: str, number: int) -> RunEntry:
    found = entry(run_id, 0.5, seed=number)
    assert found.status
    found.status.color = number
    return found
