"""Suggestions at a run's end: when each rule speaks, and that what it says can be done."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data import DatasetInfo
from core.insight.case import Case
from core.insight.next_steps import MOST, RULES, Suggestion, changed, next_steps
from core.models import AnyArchitecture
from core.recipe import recipe_from_draft, recipe_to_draft
from core.recipe.words import changed_settings
from core.runs import Run, RunStore
from core.runs.status import Best, Reason, write_status
from core.spec import Spec, choices_of, kind_of
from core.train import architecture_stages
from tests.pages.made_runs import add_epoch, data_info, epoch_row, make_run
from tests.unit.insight.judged_runs import judged_run
from tests.unit.insight.recipes import every_recipe

FLIP = [{"kind": "horizontal_flip"}]
COSINE = {"kind": "cosine"}
CALM: dict[str, Any] = {
    "augmentations": FLIP,
    "scheduler": COSINE,
    "optimizer": {"kind": "sgd", "lr": 0.1, "weight_decay": 5e-4},
    "epochs": 20,
}
"""A recipe to which no rule has anything to say as long as the curves are calm."""


def net(dropout: float = 0.0, **settings: Any) -> dict[str, Any]:
    return {"architecture": {"kind": "my_net", "blocks": 1, "width": 8, "dropout": dropout} | settings}


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


@pytest.fixture
def info() -> DatasetInfo:
    """As the runs', with a val split large enough to have little noise."""
    counts = {"train": 8_000, "val": 2_000, "test": 2_000, "unlabelled": 0}
    return data_info().model_copy(update={"counts": counts})


Curve = Callable[[float], float]


def run_of(
    store: RunStore,
    *,
    val: Curve = lambda share: min(0.8, 3 * share),
    gap: Curve = lambda share: 0.03,
    lr: Curve = lambda share: 0.1 * (1 - 0.9 * share),
    loss: Curve = lambda share: 1.0,
    state: str = "finished",
    message: str = "",
    reason: Reason = "",
    parent: str | None = None,
    done: int | None = None,
    extended_to: int | None = None,
    on: str = "shapes",
    **settings: Any,
) -> Run:
    """A run whose curves follow these functions of the share of its epochs."""
    run = make_run(
        store,
        state=state,
        done=0,
        message=message,
        parent=parent,
        settings=CALM | settings,
        info=data_info(on),
    )
    status = run.status()
    epochs = status.epochs = extended_to or run.recipe().epochs
    status.reason = reason
    for epoch in range(1, (epochs if done is None else done) + 1):
        share = epoch / epochs
        accuracies = {"val/accuracy": val(share), "train/clean_accuracy": val(share) + gap(share)}
        row = epoch_row(epoch, epochs) | accuracies | {"lr": lr(share), "val/loss": loss(share)}
        add_epoch(run, status, row)
    write_status(run.folder, status, durable=False)
    return run


def steps(store: RunStore, run: Run, info: DatasetInfo | None) -> dict[str, Suggestion]:
    found = next_steps(store.entry(run), store.list(), info)
    assert len(found) <= MOST
    return {suggestion.rule: suggestion for suggestion in found}


def told(store: RunStore, run: Run, suggestion: Suggestion) -> list[str]:
    """What a suggestion changes, in words."""
    recipe = run.recipe()
    return [f"{s} {o} → {n}" for _, s, o, n in changed_settings(recipe, changed(recipe, suggestion.changes))]


def test_a_calm_run_gets_no_advice(store: RunStore, info: DatasetInfo) -> None:
    assert steps(store, run_of(store), info) == {}


CASES: dict[str, dict[str, Any]] = {
    "diverged": {"state": "failed", "reason": "diverged", "done": 3},
    "still rising": {"val": lambda share: 0.3 + 0.4 * share},
    "lr near zero": {"lr": lambda share: 0.1 if share < 0.5 else 1e-5},
    "no augmentation": {"augmentations": [], "gap": lambda share: 0.08},
    "small images": {"architecture": {"kind": "resnet18"}},
    "more dropout": {"gap": lambda share: 0.2},
    "constant lr": {"scheduler": {"kind": "none"}, "lr": lambda share: 0.1},
    "no weight decay": {"optimizer": {"kind": "sgd", "lr": 0.1}, "gap": lambda share: 0.08},
    "overconfident": {"loss": lambda share: 1.0 + share},
    "no mixing": {**net(0.6), "gap": lambda share: 0.2},
    "too much dropout": {**net(0.5), "gap": lambda share: 0.01},
    "larger network": {"gap": lambda share: 0.01},
}
"""Per rule a run to which it speaks; 'win within noise' needs a parent and stands below."""


def case(store: RunStore, rule: str) -> Run:
    return run_of(store, **CASES[rule])


CHANGES = {
    "diverged": ["Optimizer › Learning rate 0.1 → 0.01"],
    "lr near zero": ["Epochs 20 → 30"],
    "no augmentation": [
        "Horizontal flip off → on",
        "Affine off → on: Rotation 0, 0, Shift 0.125, 0.125",
    ],
    "small images": ["Architecture › Downsampling steps at full resolution 0 → 1"],
    "more dropout": ["Architecture › Dropout 0 → 0.2"],
    "constant lr": ["Scheduler None (constant) → CosineAnnealingLR"],
    "no weight decay": ["Optimizer › Weight decay 0 → 0.0005"],
    "overconfident": ["Loss › Label smoothing 0 → 0.1"],
    "no mixing": ["Mixing None → MixUp: Alpha 0.2"],
    "too much dropout": ["Architecture › Dropout 0.5 → 0.3"],
    "larger network": ["Architecture › Width of the first block (channels) 8 → 16"],
}


@pytest.mark.parametrize("rule", CASES)
def test_each_rule_speaks_and_what_it_changes(store: RunStore, info: DatasetInfo, rule: str) -> None:
    run = case(store, rule)
    found = steps(store, run, info)
    assert rule in found, list(found)
    suggestion = found[rule]
    assert suggestion.sentence.endswith(".") and suggestion.reason.endswith(".")
    if suggestion.action == "form":
        assert told(store, run, suggestion) == CHANGES[rule]
    else:
        assert suggestion == replace(suggestion, action="extend", changes={"epochs": 10})


@pytest.mark.parametrize("rule", [rule for rule in CASES if rule != "still rising"])
def test_what_was_tried_on_the_same_data_is_left_out(store: RunStore, info: DatasetInfo, rule: str) -> None:
    run = case(store, rule)
    after = changed(run.recipe(), steps(store, run, info)[rule].changes)
    settings = recipe_to_draft(after.model_copy(update={"seed": 5}))
    settings.pop("data")
    make_run(store, info=data_info("other"), settings=settings)
    assert rule in steps(store, run, info)
    make_run(store, state="queued", settings=settings)
    assert rule not in steps(store, run, info)


@pytest.mark.parametrize(
    ("state", "reason", "speaks"),
    [("failed", "diverged", True), ("failed", "", False), ("stopped", "diverged", False)],
)
def test_a_run_diverged_where_its_status_says_so_whatever_the_words(
    store: RunStore, info: DatasetInfo, state: str, reason: Reason, speaks: bool
) -> None:
    message = "The data set 'diverged' could not be read."
    run = run_of(store, state=state, message=message, reason=reason, done=3)
    assert ("diverged" in steps(store, run, info)) is speaks


class TestRepeat:
    def test_a_win_within_noise_is_to_be_repeated(self, store: RunStore, info: DatasetInfo) -> None:
        parent = run_of(store)
        run = run_of(store, val=lambda share: min(0.805, 3 * share), parent=parent.id, batch_size=16)
        found = steps(store, run, info)["win within noise"]
        assert found.action == "repeat" and "0.5 points above" in found.reason
        assert "win within noise" not in steps(store, run, None)

    @pytest.mark.parametrize(("right", "chance"), [(55, True), (90, False)])
    def test_where_the_answers_for_single_images_are_kept_the_verdict_decides(
        self, store: RunStore, info: DatasetInfo, right: int, chance: bool
    ) -> None:
        parent = judged_run(store, np.arange(100) < 50, settings=CALM)
        hits = (np.arange(100) < right) & (np.arange(100) != 3)
        run = judged_run(store, hits, parent=parent.id, settings=CALM | {"batch_size": 16})
        found = steps(store, run.run, info)
        assert ("win within noise" in found) is chance
        if chance:
            assert "on these 100 images that may be chance (95 %" in found["win within noise"].reason

    @pytest.mark.parametrize("level", [0.79, 0.9])
    def test_a_loss_or_a_clear_win_is_not(self, store: RunStore, info: DatasetInfo, level: float) -> None:
        parent = run_of(store)
        run = run_of(store, val=lambda share: min(level, 3 * share), parent=parent.id, batch_size=16)
        assert "win within noise" not in steps(store, run, info)

    def winner(self, store: RunStore, parent: Run, seed: int = 0, **made: Any) -> Run:
        """Half a point above its parent."""
        chosen = {"batch_size": 16} | made
        return run_of(store, val=lambda share: min(0.805, 3 * share), parent=parent.id, seed=seed, **chosen)

    @pytest.mark.parametrize(
        ("others", "told"),
        [
            ([], True),
            ([{"seed": 1}], True),
            ([{"seed": 1}, {"seed": 2}], False),
            ([{"seed": 1}, {"seed": 2, "state": "queued", "done": 0}], False),
            ([{"seed": 1}, {"seed": 1}], True),
            ([{"seed": 1}, {"seed": 2, "state": "failed", "done": 3}], True),
            ([{"seed": 1}, {"seed": 2, "state": "stopped", "done": 3}], True),
        ],
    )
    def test_three_seeds_are_enough_that_are_done_or_will_be(
        self, store: RunStore, info: DatasetInfo, others: list[dict[str, Any]], told: bool
    ) -> None:
        parent = run_of(store)
        run = self.winner(store, parent)
        for made in others:
            self.winner(store, parent, **made)
        assert ("win within noise" in steps(store, run, info)) is told

    def test_a_repeat_of_its_parent_wins_by_its_seed(self, store: RunStore, info: DatasetInfo) -> None:
        parent = run_of(store, batch_size=16)
        assert "win within noise" not in steps(store, self.winner(store, parent, seed=1), info)

    def test_a_parent_on_other_images_is_no_rival(self, store: RunStore, info: DatasetInfo) -> None:
        parent = run_of(store, on="other")
        assert "win within noise" not in steps(store, self.winner(store, parent), info)


class TestSchedules:
    def test_still_rising_with_a_used_up_rate_needs_a_new_schedule(
        self, store: RunStore, info: DatasetInfo
    ) -> None:
        def lr(share: float) -> float:
            return 0.1 if share < 0.9 else 0.0

        scheduler = {"kind": "multi_step", "milestones": [10, 18]}
        run = run_of(store, val=lambda share: 0.3 + 0.4 * share, lr=lr, scheduler=scheduler)
        found = steps(store, run, info)["still rising"]
        assert found.action == "form"
        assert found.changes == {"epochs": 30, "scheduler.milestones": [15, 27]}

    def test_a_stopped_run_is_resumed_and_not_extended(self, store: RunStore, info: DatasetInfo) -> None:
        run = run_of(store, val=lambda share: 0.3 + 0.4 * share, state="stopped", done=15)
        assert "still rising" not in steps(store, run, info)

    @pytest.mark.parametrize(
        ("scheduler", "changes"),
        [
            ({"kind": "plateau", "patience": 1}, {"scheduler.patience": 3}),
            ({"kind": "multi_step", "milestones": [4, 8]}, {"scheduler.milestones": [10, 15]}),
            ({"kind": "multi_step", "milestones": [10, 15]}, {"scheduler.kind": "cosine"}),
            ({"kind": "multi_step", "milestones": [12]}, {"scheduler.kind": "cosine"}),
            ({"kind": "multi_step", "milestones": [4, 16]}, {"scheduler.kind": "cosine"}),
            ({"kind": "multi_step", "milestones": [6]}, {"scheduler.milestones": [10]}),
            ({"kind": "multi_step", "milestones": [2, 4, 6]}, {"scheduler.milestones": [10, 15]}),
            ({"kind": "step", "step_size": 3}, {"scheduler.step_size": 7}),
            ({"kind": "step", "step_size": 7}, {"scheduler.kind": "cosine"}),
            ({"kind": "cosine", "t_max": 12}, {"scheduler.t_max": None}),
            ({"kind": "one_cycle"}, {"epochs": 30}),
        ],
    )
    def test_a_rate_that_fell_too_early_falls_later(
        self, store: RunStore, info: DatasetInfo, scheduler: dict[str, Any], changes: dict[str, Any]
    ) -> None:
        run = run_of(store, lr=lambda share: 0.1 if share < 0.5 else 1e-5, scheduler=scheduler)
        assert steps(store, run, info)["lr near zero"].changes == changes

    @pytest.mark.parametrize(
        ("scheduler", "sentence", "changes"),
        [
            (
                {"kind": "multi_step", "milestones": [4, 8]},
                "Move the milestones to 20 and 30.",
                {"scheduler.milestones": [20, 30]},
            ),
            ({"kind": "step", "step_size": 3}, "drop every 14 epochs", {"scheduler.step_size": 14}),
            ({"kind": "cosine"}, "as long as the run", {"scheduler.t_max": None}),
            ({"kind": "one_cycle"}, "Train for 60 epochs instead of 40", {"epochs": 60}),
        ],
    )
    def test_an_extended_run_goes_by_the_epochs_asked_for_in_the_end(
        self,
        store: RunStore,
        info: DatasetInfo,
        scheduler: dict[str, Any],
        sentence: str,
        changes: dict[str, Any],
    ) -> None:
        run = run_of(
            store, extended_to=40, lr=lambda share: 0.1 if share < 0.5 else 1e-5, scheduler=scheduler
        )
        found = steps(store, run, info)["lr near zero"]
        assert sentence in found.sentence
        assert found.changes == {"epochs": 40} | changes

    def test_an_extended_run_that_still_rises_is_to_be_longer_than_it_was(
        self, store: RunStore, info: DatasetInfo
    ) -> None:
        run = run_of(
            store,
            extended_to=40,
            val=lambda share: 0.3 + 0.4 * share,
            lr=lambda share: 0.1 if share < 0.9 else 0.0,
        )
        found = steps(store, run, info)["still rising"]
        assert "Train for 60 epochs instead of 40" in found.sentence and found.changes == {"epochs": 60}


class TestWhereThereIsNothingToSay:
    @pytest.mark.parametrize("epochs", [1, 2])
    def test_no_advice_about_a_schedule_or_a_small_gap_after_an_epoch_or_two(
        self, store: RunStore, info: DatasetInfo, epochs: int
    ) -> None:
        run = run_of(
            store,
            epochs=epochs,
            scheduler={"kind": "one_cycle"},
            lr=lambda share: 0.1 if share < 1 else 1e-7,
            gap=lambda share: 0.0,
            **net(0.5),
        )
        found = steps(store, run, info)
        assert not {"lr near zero", "too much dropout", "larger network"} & set(found)

    @pytest.mark.parametrize("state", ["queued", "running", "stopping"])
    def test_no_advice_before_the_end(self, store: RunStore, info: DatasetInfo, state: str) -> None:
        run = run_of(store, gap=lambda share: 0.2)
        entry = store.entry(run)
        assert entry.status
        status = entry.status.model_copy(update={"state": state})
        assert next_steps(replace(entry, status=status), store.list(), info) == []

    def test_a_run_without_an_epoch_and_a_damaged_one(self, store: RunStore, info: DatasetInfo) -> None:
        assert steps(store, make_run(store, state="stopped", done=0), info) == {}
        broken = make_run(store)
        (broken.folder / "status.json").write_text("{")
        assert steps(store, broken, info) == {}

    def test_large_images_need_no_full_resolution(self, store: RunStore, info: DatasetInfo) -> None:
        large = info.model_copy(update={"image_size": 224})
        run = run_of(store, architecture={"kind": "resnet18"})
        assert "small images" not in steps(store, run, large)
        assert "small images" not in steps(store, run, None)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_a_rule_changes_is_a_valid_recipe_whatever_it_begins_with(
    store: RunStore, info: DatasetInfo, rule: Any
) -> None:
    made = run_of(store) if rule.name not in CASES else case(store, rule.name)
    entry, rows = store.entry(made), made.epochs().rows
    assert entry.status
    spoke = 0
    for recipe in every_recipe():
        for gap in (0.0, 0.2):
            best = Best(epoch=1, val_accuracy=0.6, gap=gap) if entry.status.best else None
            status = entry.status.model_copy(update={"best": best, "epochs": recipe.epochs})
            found = rule.suggest(Case(entry, status, recipe, rows, [entry], info))
            if found is None or found.action != "form":
                continue
            after = changed(recipe, found.changes)
            assert changed_settings(recipe, after), found
            spoke += 1
    assert spoke or rule.name in ("win within noise", "still rising")


RESIZED = [spec for spec in choices_of(AnyArchitecture) if "full_resolution_steps" in spec.model_fields]


@pytest.mark.parametrize("spec", RESIZED, ids=kind_of)
def test_a_network_at_full_resolution_can_be_built(info: DatasetInfo, spec: type[Spec]) -> None:
    recipe = recipe_from_draft({"data": {"name": "shapes"}, "architecture": {"kind": kind_of(spec)}})
    assert architecture_stages(changed(recipe, {"architecture.full_resolution_steps": 1}), info)


def test_every_rule_says_when_what_and_from_where() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert {rule.name for rule in RULES} == {*CASES, "win within noise"}
    assert all(rule.when and rule.then and rule.source for rule in RULES)
    page = (Path(__file__).parents[3] / "docs" / "insight.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| ") and ". " in line[:6]]
    expected = [
        f"| {place}. {rule.name} | {rule.when} | {rule.then} | {rule.source} |"
        for place, rule in enumerate(RULES, start=1)
    ]
    assert [line for line in lines if line in expected] == expected
