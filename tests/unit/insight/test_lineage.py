"""Runs as a tree: chains stay on one level, branches go one deeper."""

from pathlib import Path

import pytest

from core.insight.lineage import lineage
from core.runs import RunStore
from core.runs.status import write_status
from tests.pages.made_runs import data_info, make_run


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


def shown(store: RunStore) -> list[tuple[str, int, bool]]:
    return [(node.entry.name, node.level, node.goes_on) for node in lineage(store.list())]


def test_a_chain_stays_on_its_level(store: RunStore) -> None:
    parent = None
    for at in range(30):
        parent = make_run(store, name=f"{at}", parent=parent, done=1).id
    assert shown(store) == [(f"{at}", 0, True) for at in range(30)]


def test_the_child_with_the_most_runs_below_goes_on_and_the_others_branch_off(store: RunStore) -> None:
    root = make_run(store, name="root")
    left = make_run(store, name="left", parent=root.id)
    make_run(store, name="right", parent=root.id)
    make_run(store, name="last", parent=root.id)
    make_run(store, name="leaf", parent=left.id)
    assert shown(store) == [
        ("root", 0, True),
        ("right", 1, False),
        ("last", 1, False),
        ("left", 0, True),
        ("leaf", 0, True),
    ]


def test_an_edge_names_what_changed_and_the_difference(store: RunStore) -> None:
    root = make_run(store)
    make_run(store, parent=root.id, level=0.7, settings={"loss": {"label_smoothing": 0.1}})
    first, second = lineage(store.list())
    assert first.card is None and second.card is not None
    assert [change.words for change in second.card.changes] == ["Label smoothing 0 → 0.1"]
    assert second.card.difference == pytest.approx(0.1, abs=0.01)
    assert second.family == root.id and second.card.relation == "clone"


def test_every_run_is_there_once_also_damaged_ones_and_other_data(store: RunStore) -> None:
    make_run(store)
    make_run(store, info=data_info("other"))
    broken = make_run(store)
    (broken.folder / "status.json").write_text("{")
    odd = make_run(store, parent=make_run(store).id)
    (odd.folder / "recipe.json").write_text("{")
    nodes = lineage(store.list())
    assert sorted(node.entry.id for node in nodes) == sorted(entry.id for entry in store.list())
    assert next(node for node in nodes if node.entry.id == odd.id).card is None


def test_runs_that_name_each_other_as_parents_make_no_ring(store: RunStore) -> None:
    first = make_run(store)
    second = make_run(store, parent=first.id)
    status = first.status()
    status.parent = second.id
    write_status(first.folder, status)
    nodes = lineage(store.list())
    assert [(node.entry.id, node.card is None) for node in nodes] == [(first.id, True), (second.id, False)]


def test_no_run_no_tree() -> None:
    assert lineage([]) == []
