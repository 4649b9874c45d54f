"""Runs as a tree: chains stay on one level, branches go one deeper, repeats are one line."""

from pathlib import Path
from typing import Any

import pytest

from core.insight.lineage import lineage
from core.runs import RunStore
from core.runs.status import write_status
from tests.pages.made_runs import data_info, make_run


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


def shown(store: RunStore) -> list[tuple[str, str]]:
    """Each line's name and the columns in front of it."""
    return [(node.group.name, " ".join(node.rails)) for node in lineage(store.list())]


def other(number: int) -> dict[str, Any]:
    """Settings of their own, so that no run repeats another."""
    return {"batch_size": 8 + number}


def test_a_chain_stays_on_its_level_and_each_parent_is_the_line_above(store: RunStore) -> None:
    parent = None
    for at in range(30):
        parent = make_run(store, name=f"{at}", parent=parent, done=1, settings=other(at)).id
    assert shown(store) == [("0", "root"), *((f"{at}", "on") for at in range(1, 30))]


def test_siblings_look_alike_one_level_below_their_parent(store: RunStore) -> None:
    root = make_run(store, name="root")
    left = make_run(store, name="left", parent=root.id, settings=other(1))
    make_run(store, name="right", parent=root.id, settings=other(2))
    leaf = make_run(store, name="leaf", parent=left.id, settings=other(3))
    for at in (4, 5):
        make_run(store, name=f"under {at}", parent=leaf.id, settings=other(at))
    assert shown(store) == [
        ("root", "root"),
        ("left", "branch"),
        ("leaf", "line on"),
        ("under 4", "line branch"),
        ("under 5", "line last"),
        ("right", "last"),
    ]


def test_repeats_are_one_line_with_the_difference_of_the_means(store: RunStore) -> None:
    root = make_run(store, name="plain", level=0.5)
    make_run(store, name="plain, seed 1", parent=root.id, level=0.6, settings={"seed": 1})
    smooth = {"loss": {"label_smoothing": 0.1}}
    first = make_run(store, name="smooth", parent=root.id, level=0.7, settings=smooth)
    for seed, level in ((1, 0.8), (2, 0.9)):
        made = smooth | {"seed": seed}
        make_run(store, name=f"smooth, seed {seed}", parent=first.id, level=level, settings=made)
    assert shown(store) == [("plain", "root"), ("smooth", "on")]
    plain, repeated = lineage(store.list())
    assert (plain.group.n, repeated.group.n) == (2, 3) and repeated.entry.id == first.id
    assert repeated.card is not None and repeated.card.seeds == (2, 3)
    assert plain.group.mean is not None and repeated.group.mean is not None
    assert repeated.card.difference == pytest.approx(repeated.group.mean - plain.group.mean)
    assert [change.field for change in repeated.card.changes] == ["loss.label_smoothing"]


def test_a_child_of_a_repeat_stands_below_its_group(store: RunStore) -> None:
    root = make_run(store, name="plain")
    again = make_run(store, name="plain, seed 1", parent=root.id, settings={"seed": 1})
    make_run(store, name="child", parent=again.id, settings=other(1))
    assert shown(store) == [("plain", "root"), ("child", "on")]


def test_an_edge_names_what_changed_and_the_difference(store: RunStore) -> None:
    root = make_run(store)
    make_run(store, parent=root.id, level=0.7, settings={"loss": {"label_smoothing": 0.1}})
    first, second = lineage(store.list())
    assert first.card is None and second.card is not None
    assert [change.words for change in second.card.changes] == ["Label smoothing 0 → 0.1"]
    assert second.card.difference == pytest.approx(0.1, abs=0.01)
    assert second.family == root.id and second.card.relation == "clone"


def test_every_run_is_there_once_also_damaged_ones_and_other_data(store: RunStore) -> None:
    make_run(store, settings=other(1))
    make_run(store, info=data_info("other"))
    broken = make_run(store)
    (broken.folder / "status.json").write_text("{")
    odd = make_run(store, parent=make_run(store).id, settings=other(2))
    (odd.folder / "recipe.json").write_text("{")
    nodes = lineage(store.list())
    listed = [entry.id for node in nodes for entry in node.group.entries]
    assert sorted(listed) == sorted(entry.id for entry in store.list())
    assert next(node for node in nodes if node.entry.id == odd.id).card is None


def test_runs_that_name_each_other_as_parents_make_no_ring(store: RunStore) -> None:
    first = make_run(store)
    second = make_run(store, parent=first.id, settings=other(1))
    status = first.status()
    status.parent = second.id
    write_status(first.folder, status)
    nodes = lineage(store.list())
    assert [(node.entry.id, node.card is None) for node in nodes] == [(first.id, True), (second.id, False)]


def test_no_run_no_tree() -> None:
    assert lineage([]) == []
