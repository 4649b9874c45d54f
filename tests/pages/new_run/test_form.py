"""The form: every setting can be seen, changed and launched, and what is wrong is said at its field."""

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.augment import AnyAugmentation
from core.recipe import Recipe, recipe_to_draft
from core.runs import RunStore
from core.spec import choices_of, kind_of, settings_of
from tests.pages.new_run.page import checked, draft_of, has, launch, opened, put, texts, widget, with_draft
from ui.form_values import conform

AUGMENTATIONS = choices_of(AnyAugmentation)
UNIONS = [
    (setting.name, kind_of(choice))
    for setting in settings_of(Recipe)
    if setting.type == "union"
    for choice in setting.choices
]


def test_an_empty_library_says_what_to_do_next(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visited: list[Any]
) -> None:
    monkeypatch.setenv("PLATEAU_DATA", str(tmp_path / "no data"))
    page = opened()
    assert "First, some images" in [heading.value for heading in page.subheader]
    checked(page.button(key="go_to_data").click().run())
    assert visited == [("data", None)]
    assert not store.list()


def test_a_launch_makes_one_queued_run_of_these_settings(store: RunStore, visited: list[Any]) -> None:
    page = opened()
    put(page, "optimizer.lr", 0.02)
    put(page, "epochs", 2)
    draft = draft_of(page)
    checked(page.text_input(key=f"{draft['id']}:name").set_value("wider").run())
    checked(page.text_input(key=f"{draft['id']}:hypothesis").set_value("it helps").run())
    launch(page)

    (entry,) = store.list()
    assert entry.state == "queued" and entry.name == "wider" and entry.notes.hypothesis == "it helps"
    assert [run.id for run in store.queue()] == [entry.id]
    assert recipe_to_draft(entry.run.recipe()) == draft_of(page)["recipe"]
    assert entry.run.recipe().optimizer.lr == 0.02 and entry.run.recipe().epochs == 2
    assert entry.run.recipe().data.name == "shapes"
    assert visited[0] == ("live", {"run": entry.id})


def test_the_draft_stays_after_a_launch_and_can_be_launched_again(
    store: RunStore, visited: list[Any]
) -> None:
    page = opened()
    before = json.dumps(draft_of(page)["recipe"])
    launch(page)
    assert json.dumps(draft_of(page)["recipe"]) == before
    launch(page)
    assert len(store.list()) == 2


def test_the_second_click_of_a_double_click_makes_no_second_run(store: RunStore, visited: list[Any]) -> None:
    page = opened()
    button = page.button(key=f"launch-{draft_of(page)['id']}-0")
    checked(button.click().run())
    checked(button.click().run())  # the button as it was on the screen before the first click
    assert len(store.list()) == 1


def test_repeats_queue_the_same_with_other_seeds_once(store: RunStore, visited: list[Any]) -> None:
    page = opened()
    draft = draft_of(page)
    checked(page.text_input(key=f"{draft['id']}:name").set_value("wider").run())
    checked(page.number_input(key=f"{draft['id']}:repeats").set_value(3).run())
    button = page.button(key=f"launch-{draft['id']}-0")
    checked(button.click().run())
    checked(button.click().run())  # the button as it was on the screen before the first click

    runs = store.queue()
    assert [run.recipe().seed for run in runs] == [0, 1, 2]
    assert [run.notes().name for run in runs] == ["wider", "wider, seed 1", "wider, seed 2"]
    assert [run.status().parent for run in runs] == [None, runs[0].id, runs[0].id]
    assert ("live", {"run": runs[0].id}) in visited
    assert page.number_input(key=f"{draft['id']}:repeats").value == 1, "for the next launch it is one again"


def test_every_invalid_value_is_named_with_its_remedy_and_nothing_is_launched(
    store: RunStore, visited: list[Any]
) -> None:
    page = opened()
    put(page, "optimizer.lr", -3.0)
    put(page, "architecture.blocks", 9)
    put(page, "epochs", 0)
    put(page, "batch_size", 500)
    assert widget(page, "optimizer.lr").value == -3.0
    (box,) = [error.value.replace("\\", "") for error in page.error]
    for field, value, remedy in (
        ("Optimizer › Learning rate", "-3", "raise it"),
        ("Architecture › Blocks", "9", "lower it"),
        ("Epochs", "0", "raise it"),
        ("Batch size", "500", "or less"),
    ):
        line = next(line for line in box.splitlines() if f"**{field}**" in line)
        assert f"({value})" in line and remedy in line
    assert texts(page).count(":red[") >= 4  # and beside the fields
    launch(page)
    assert not store.list()
    said = page.warning[0].value.replace("\\", "")
    assert said.startswith("Nothing was launched. Correct Architecture › Blocks (9): must be at most 4")
    assert "3 more stand below the button." in said


def test_an_unknown_data_set_is_a_problem_of_the_field(store: RunStore) -> None:
    page = opened()
    with_draft(page, lambda draft: draft["recipe"]["data"].update(name="gone"))
    assert "there is no data set of this name" in page.error[0].value.replace("\\", "")


def test_small_numbers_and_lists_can_be_typed(store: RunStore) -> None:
    page = opened()
    put(page, "optimizer.lr", 1e-4)
    put(page, "scheduler.kind", "multi_step")
    put(page, "scheduler.milestones", "5 , 10")
    recipe = draft_of(page)["recipe"]
    assert recipe["optimizer"]["lr"] == 1e-4 and recipe["scheduler"]["milestones"] == [5, 10]
    put(page, "scheduler.milestones", "5, ten")
    assert widget(page, "scheduler.milestones").value == "5, ten"
    assert "must be a whole number" in texts(page)


def test_another_choice_keeps_the_shared_values_that_were_touched(store: RunStore) -> None:
    page = opened()
    put(page, "optimizer.weight_decay", 0.25)
    put(page, "optimizer.kind", "adam")
    optimizer = draft_of(page)["recipe"]["optimizer"]
    assert optimizer["kind"] == "adam" and optimizer["weight_decay"] == 0.25 and optimizer["lr"] == 0.001


@pytest.mark.parametrize(("field", "kind"), UNIONS)
def test_every_choice_renders(expert_page: AppTest, field: str, kind: str) -> None:
    page = expert_page
    if draft_of(page)["recipe"][field]["kind"] != kind:
        put(page, f"{field}.kind", kind)
    spec = next(c for s in settings_of(Recipe) if s.name == field for c in s.choices if kind_of(c) == kind)
    for setting in settings_of(spec):
        assert has(page, f"{field}.{setting.name}"), setting.name
        assert widget(page, f"{field}.{setting.name}").label.startswith(setting.label)
        assert widget(page, f"{field}.{setting.name}").help.startswith(setting.help)
    assert draft_of(page)["recipe"][field]["kind"] == kind


@pytest.mark.parametrize("kind", [kind_of(choice) for choice in AUGMENTATIONS])
def test_every_augmentation_can_be_added(expert_page: AppTest, kind: str) -> None:
    page = expert_page
    draft_of(page)["recipe"]["architecture"] = {"kind": "my_net", "blocks": 1, "width": 4}
    draft_of(page)["recipe"] = conform(Recipe, draft_of(page)["recipe"])
    draft_of(page)["recipe"]["augmentations"].clear()
    checked(page.run())
    put(page, "augmentations:add", kind)
    assert [item["kind"] for item in draft_of(page)["recipe"]["augmentations"]] == [kind]
    spec = next(choice for choice in AUGMENTATIONS if kind_of(choice) == kind)
    for setting in settings_of(spec):
        assert has(page, f"augmentations.{kind}-0.{setting.name}"), setting.name


def test_augmentations_move_and_go(store: RunStore) -> None:
    page = opened()
    for kind in ("horizontal_flip", "solarize", "affine"):
        put(page, "augmentations:add", kind)
    name = f"{draft_of(page)['id']}:augmentations-%s:%s"
    checked(page.button(key=name % ("affine-0", "arrow_upward")).click().run())
    kinds = [item["kind"] for item in draft_of(page)["recipe"]["augmentations"]]
    assert kinds == ["horizontal_flip", "affine", "solarize"]
    checked(page.button(key=name % ("horizontal_flip-0", "close")).click().run())
    checked(page.button(key=name % ("affine-0", "arrow_downward")).click().run())
    kinds = [item["kind"] for item in draft_of(page)["recipe"]["augmentations"]]
    assert kinds == ["solarize", "affine"]


def test_an_augmentation_with_a_short_range_is_read_as_its_spec_reads_it(store: RunStore) -> None:
    page = opened()
    put(page, "augmentations:add", "affine")
    put(page, "augmentations.affine-0.degrees", "25")
    assert draft_of(page)["recipe"]["augmentations"][0]["degrees"] == [-25.0, 25.0]
    put(page, "augmentations.affine-0.degrees", "10 to -10")
    assert "swap the two numbers" in texts(page)


def test_expert_fields_are_hidden_until_asked_for_or_wrong(store: RunStore) -> None:
    page = opened()
    put(page, "optimizer.kind", "adam")
    assert not has(page, "optimizer.eps") and has(page, "optimizer.lr")
    with_draft(page, lambda draft: draft["recipe"]["optimizer"].update(beta1=0.5))
    assert "Beta 1 0.5" in texts(page)  # hidden, but not silently
    with_draft(page, lambda draft: draft["recipe"]["optimizer"].update(eps=-1.0))
    assert has(page, "optimizer.eps")
    checked(page.segmented_control[0].set_value("expert").run())
    assert has(page, "optimizer.beta1") and draft_of(page)["view"] == "expert"


def test_optional_settings_open_and_close(store: RunStore) -> None:
    page = opened()
    put(page, "architecture.kind", "resnet18")
    put(page, "architecture.shakedrop", True)
    assert has(page, "architecture.shakedrop.probability")
    put(page, "architecture.shakedrop", False)
    assert draft_of(page)["recipe"]["architecture"]["shakedrop"] is None


def test_what_is_hidden_but_not_at_its_default_is_named_in_words(store: RunStore) -> None:
    page = opened()

    def change(draft: dict[str, Any]) -> None:
        recipe = draft["recipe"]
        recipe["mixing"] = {"kind": "mixup", "alpha": 0.4}
        recipe["clip_norm"] = 2.0
        recipe["ema"] = {"decay": 0.999}

    with_draft(page, change)
    assert not any(has(page, path) for path in ("mixing.kind", "clip_norm", "ema.decay"))
    for words in ("Mixing MixUp (Alpha 0.4)", "Clip gradients at 2", "EMA decay 0.999"):
        assert words in texts(page)
    assert "{" not in texts(page)


def test_no_clipping_is_called_so(expert_page: AppTest) -> None:
    page = expert_page
    assert widget(page, "clip_norm").placeholder == "no limit"
    put(page, "clip_norm", 1.5)
    assert draft_of(page)["recipe"]["clip_norm"] == 1.5
    put(page, "clip_norm", None)
    assert draft_of(page)["recipe"]["clip_norm"] is None


def test_several_problems_of_a_field_are_one_element_below_it(expert_page: AppTest) -> None:
    """A cell has a row for its widget and one row for what is wrong: neighbours stay in place."""
    page = expert_page
    put(page, "checkpoints.epochs", "a, b")
    (told,) = [m.value for m in page.markdown if m.value.startswith(":red[:small[")]
    assert told.count("must be a whole number") == 2
    put(page, "checkpoints.epochs", "")
