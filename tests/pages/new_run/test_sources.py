"""Where the form's settings come from: presets, past runs, recipe files, drafts."""

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.data import Library
from core.recipe import load_preset, load_presets, recipe_from_draft, recipe_to_draft
from core.runs import RunStore
from tests.pages.new_run.page import checked, draft_of, launch, opened, put, texts, widget


@pytest.mark.parametrize(
    "preset", [preset.id for preset in load_presets() if preset.group == "Starting points"]
)
def test_a_preset_loads_and_keeps_the_data_set(expert_page: AppTest, preset: str) -> None:
    page = expert_page
    checked(page.button(key=f"preset-{preset}").click().run())
    expected = recipe_to_draft(load_preset(preset).recipe)
    expected["data"]["name"] = "shapes"
    assert draft_of(page)["recipe"] == expected


def choose_experiment(page: AppTest, preset: str) -> str:
    """The page's text after an experiment of the diary was chosen."""
    return texts(checked(page.selectbox(key=f"diary-{draft_of(page)['id']}").set_value(preset).run()))


def test_the_diary_is_one_line_to_search_in(expert_page: AppTest) -> None:
    diary = [preset for preset in load_presets() if preset.group == "The diary"]
    options = expert_page.selectbox(key=f"diary-{draft_of(expert_page)['id']}").options
    assert len(options) == len(diary) == 26
    reported = "train 54.7 %, val 45 %, test 41.48 %, test with TTA 41.8 % (5 views)"
    assert options[10] == f"11 Shift, cosine over 20 · {reported}"
    assert not [button.key for button in expert_page.button if button.key == f"preset-{diary[0].id}"]


def test_an_experiment_tells_what_it_reported_changed_and_assumed(expert_page: AppTest) -> None:
    page = expert_page
    shown = choose_experiment(page, "19-effnet-p08")
    assert "Reported: train 65.8 %, val 47.7 %." in shown
    assert "Changed since 18 Dropout 0.7, 40 epochs" in shown
    assert "Read as: The normalization is the data set's own" in shown
    changes = next(frame.value for frame in page.dataframe if "Setting" in frame.value.columns)
    assert [tuple(row.values()) for row in changes.to_dict("records")] == [
        ("Affine › Probability", "0.6", "0.8"),
        ("Affine 2 › Probability", "0.6", "0.8"),
    ]
    shown = choose_experiment(page, "20-effnet-plateau")
    assert "No figures were reported." in shown
    assert "In every one of several runs the scheduler took" in shown
    assert "Changed since" not in choose_experiment(page, "01-my-net-one-block")


def test_an_experiment_of_the_diary_loads(store: RunStore) -> None:
    page = opened()
    choose_experiment(page, "26-effnet-best-checkpoint-46")
    checked(page.button(key="preset-26-effnet-best-checkpoint-46").click().run())
    assert draft_of(page)["recipe"]["checkpoints"]["epochs"] == [46]
    assert draft_of(page)["recipe"]["data"]["name"] == "shapes"


def test_loading_can_be_taken_back(store: RunStore) -> None:
    page = opened()
    put(page, "epochs", 7)
    checked(page.button(key="preset-first-look").click().run())
    assert draft_of(page)["recipe"]["epochs"] != 7
    checked(page.button(key="go_back").click().run())
    assert draft_of(page)["recipe"]["epochs"] == 7 == widget(page, "epochs").value


def _made(store: RunStore, dataset: Path, **fields: Any) -> Any:
    recipe = recipe_from_draft({"data": {"name": "shapes"}, **fields})
    return store.create(recipe, Library(dataset).open("shapes").info, name="parent", queue=False)


def test_a_clone_of_a_named_run_is_numbered_after_it(
    store: RunStore, dataset: Path, visited: list[Any]
) -> None:
    run = _made(store, dataset)
    run.write_notes(name="")
    assert draft_of(opened(new_run_request={"clone": run.id}))["name"] == ""
    run.write_notes(name="flip")
    assert draft_of(opened(new_run_request={"clone": run.id}))["name"] == "flip (2)"


def test_a_clone_is_exact_and_remembers_its_parent(
    store: RunStore, dataset: Path, visited: list[Any]
) -> None:
    run = _made(
        store,
        dataset,
        architecture={"kind": "my_net", "width": 8, "input_size": 16},
        augmentations=[{"kind": "affine", "degrees": [-7.5, 3.25], "p": 0.3}, {"kind": "horizontal_flip"}],
        optimizer={"kind": "adamw", "lr": 3e-5, "eps": 1e-7},
        checkpoints={"epochs": [3, 5], "every": 2},
    )
    page = opened(new_run_request={"clone": run.id})
    assert draft_of(page)["recipe"] == recipe_to_draft(run.recipe())
    assert "no setting differs yet" in texts(page)
    put(page, "optimizer.lr", 1e-3)
    assert page.table[0].value.reset_index().to_dict("records") == [
        {"Setting": "Optimizer › Learning rate", "Before": r"3e\-5", "Now": r"0\.001"}
    ]
    put(page, "scheduler.kind", "cosine")
    put(page, "scheduler.t_max", 4)
    checked(page.button(key=f"{draft_of(page)['id']}:augmentations-affine-0:close").click().run())
    changed = page.table[0].value.reset_index().to_dict("records")
    assert [tuple(text.replace("\\", "") for text in row.values()) for row in changed] == [
        ("Affine", "on", "off"),
        ("Optimizer › Learning rate", "3e-5", "0.001"),
        ("Scheduler", "None (constant)", "CosineAnnealingLR"),
        ("Scheduler › T_max", "–", "4"),
    ]
    launch(page)
    made = store.list()[0] if store.list()[0].id != run.id else store.list()[1]
    assert made.status is not None and made.status.parent == run.id


def test_a_run_can_be_chosen_and_cloned_here(store: RunStore, dataset: Path) -> None:
    run = _made(store, dataset, epochs=3)
    page = opened()
    checked(page.selectbox(key="clone_run").set_value(run.id).run())
    checked(page.button(key="clone").click().run())
    assert draft_of(page)["recipe"] == recipe_to_draft(run.recipe()) and draft_of(page)["parent"] == run.id


def test_a_request_for_a_run_that_is_gone_is_said(store: RunStore) -> None:
    page = opened(new_run_request={"clone": "20260101-000000-my-net-0000"})
    assert "There is no run" in page.warning[0].value.replace("\\", "")


def test_another_page_can_name_the_data_set(store: RunStore) -> None:
    assert draft_of(opened(new_run_request={"data": "other"}))["recipe"]["data"]["name"] == "other"


def test_a_recipe_file_loads(store: RunStore) -> None:
    page = opened()
    recipe = recipe_from_draft({"data": {"name": "shapes"}, "epochs": 3, "optimizer": {"kind": "rmsprop"}})
    upload(page, recipe.model_dump_json().encode())
    assert draft_of(page)["recipe"] == recipe_to_draft(recipe)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[1]", "JSON object"),
        (b"\xff\xfe\x00", "not valid JSON"),
        (b'{"epochs": 0, "optimizer": {"kind": "sgd", "lr": -1}}', "epochs = 0"),
        (b'{"speed": 3}', "speed"),
        (b'{"version": 99}', "update Plateau"),
    ],
)
def test_a_bad_recipe_file_is_named_and_changes_nothing(
    expert_page: AppTest, content: bytes, said: str
) -> None:
    page = expert_page
    draft_of(page)["recipe"] = recipe_to_draft(recipe_from_draft({"data": {"name": "shapes"}}))
    before = json.dumps(draft_of(page))
    upload(page, content)
    (box,) = [error.value.replace("\\", "") for error in page.error]
    assert box.startswith("mine.json: ") and said in box
    assert json.dumps(draft_of(page)) == before


def upload(page: AppTest, content: bytes) -> None:
    (uploader,) = page.file_uploader
    checked(uploader.set_value([("mine.json", content, "application/json")]).run())


def test_the_draft_survives_another_session(store: RunStore) -> None:
    page = opened()
    put(page, "epochs", 9)
    put(page, "optimizer.lr", -1.0)  # invalid values survive too
    again = opened(draft_of(page)["id"])
    assert widget(again, "epochs").value == 9 and widget(again, "optimizer.lr").value == -1.0
    assert again.query_params["draft"] in (draft_of(page)["id"], [draft_of(page)["id"]])


def test_a_damaged_draft_gives_a_fresh_one_and_a_sentence(store: RunStore) -> None:
    page = opened()
    draft_id = draft_of(page)["id"]
    (store.folder / ".drafts" / f"{draft_id}.json").write_text("{ no")
    again = opened(draft_id)
    assert draft_of(again)["id"] != draft_id and "damaged" in again.warning[0].value
