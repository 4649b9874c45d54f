"""The page New run, without a browser."""

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.augment import AnyAugmentation
from core.data import ImportOptions, Library, ShapesSource
from core.recipe import Recipe, load_preset, load_presets, recipe_from_draft, recipe_to_draft
from core.runs import RunStore
from core.spec import choices_of, kind_of, settings_of
from core.train import measure
from ui.form_values import conform

PAGE = Path(__file__).parents[2] / "pages" / "new_run.py"
AUGMENTATIONS = choices_of(AnyAugmentation)
UNIONS = [
    (setting.name, kind_of(choice))
    for setting in settings_of(Recipe)
    if setting.type == "union"
    for choice in setting.choices
]


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    Library(folder).import_dataset(
        ShapesSource(images=150, classes=3, image_size=28), "shapes", ImportOptions()
    )
    return folder


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: Path) -> RunStore:
    monkeypatch.setenv("PLATEAU_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PLATEAU_DATA", str(dataset))
    return RunStore(tmp_path / "runs")


@pytest.fixture
def visited(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Where the page wanted to go; a page alone has no other pages to go to."""
    pages: list[tuple[str, Any]] = []

    def switch_page(page: Any, *, query_params: Any = None) -> None:
        pages.append((Path(page).stem, query_params))

    monkeypatch.setattr(st, "switch_page", switch_page)
    monkeypatch.setattr(
        st, "page_link", lambda page, **options: pages.append((f"link {Path(page).stem}", options))
    )
    return pages


def opened(draft: str = "", **session: Any) -> AppTest:
    page = AppTest.from_file(str(PAGE), default_timeout=30)
    if draft:
        page.query_params["draft"] = draft
    for key, value in session.items():
        page.session_state[key] = value
    return checked(page.run())


def checked(page: AppTest) -> AppTest:
    assert not page.exception, page.exception[0].value
    return page


def draft_of(page: AppTest) -> dict[str, Any]:
    return page.session_state["draft"]


def widget(page: AppTest, path: str) -> Any:
    key = f"{draft_of(page)['id']}:{path}"
    for kind in ("number_input", "selectbox", "text_input", "toggle"):
        for found in getattr(page, kind):
            if found.key == key:
                return found
    raise KeyError(path)


def has(page: AppTest, path: str) -> bool:
    try:
        widget(page, path)
    except KeyError:
        return False
    return True


def put(page: AppTest, path: str, value: Any) -> AppTest:
    return checked(widget(page, path).set_value(value).run())


def launch(page: AppTest) -> AppTest:
    draft = draft_of(page)
    return checked(page.button(key=f"launch-{draft['id']}-{draft['launches']}").click().run())


def texts(page: AppTest) -> str:
    shown = [*page.markdown, *page.caption, *page.error, *page.warning]
    return "\n".join(element.value for element in shown).replace("\\", "")


def with_draft(page: AppTest, change: Callable[[dict[str, Any]], None]) -> AppTest:
    """The page after a change of its draft, as loading other settings makes it."""
    change(draft_of(page))
    return checked(page.run())


@pytest.fixture(scope="module")
def expert_page(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppTest]:
    """One page for many tests, which leave it with other settings: opening one takes long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLATEAU_RUNS", str(tmp_path_factory.mktemp("runs")))
        patch.setenv("PLATEAU_DATA", str(dataset))
        page = opened()
        draft_of(page)["view"] = "expert"
        yield checked(page.run())


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
    assert not store.list() and "Nothing was launched" in page.warning[0].value


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


@pytest.mark.parametrize(
    "preset", [preset.id for preset in load_presets() if preset.group == "Starting points"]
)
def test_a_preset_loads_and_keeps_the_data_set(expert_page: AppTest, preset: str) -> None:
    page = expert_page
    checked(page.button(key=f"preset-{preset}").click().run())
    expected = recipe_to_draft(load_preset(preset).recipe)
    expected["data"]["name"] = "shapes"
    assert draft_of(page)["recipe"] == expected


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
    changed = next(frame.value for frame in page.dataframe if "Setting" in frame.value.columns)
    assert changed.to_dict("records") == [
        {"Setting": "Optimizer › Learning rate", "Before": "3e-5", "Now": "0.001"}
    ]
    put(page, "scheduler.kind", "cosine")
    put(page, "scheduler.t_max", 4)
    checked(page.button(key=f"{draft_of(page)['id']}:augmentations-affine-0:close").click().run())
    changed = next(frame.value for frame in page.dataframe if "Setting" in frame.value.columns)
    affine = "Affine: rotate, shift, scale, shear"
    assert [tuple(row.values()) for row in changed.to_dict("records")] == [
        (f"Augmentations › {affine}", affine, "–"),
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


def test_the_preflight_shows_curve_warnings_stages_and_steps(store: RunStore) -> None:
    page = opened()
    put(page, "scheduler.kind", "cosine")
    put(page, "scheduler.t_max", 5)
    assert "climbs back up" in texts(page)
    put(page, "scheduler.kind", "plateau")
    assert page.slider[0].label == "If nothing improves after epoch"
    metrics = {metric.label: metric.value for metric in page.metric}
    assert metrics["Steps per epoch"] == "2" and metrics["Parameters"] != "–"
    stages = next(frame.value for frame in page.dataframe if "Stage" in frame.value.columns)
    assert list(stages["Stage"]) == ["blocks.0", "blocks.1", "pool", "head"]


def test_a_map_of_one_pixel_is_marked(store: RunStore) -> None:
    page = opened()
    put(page, "architecture.kind", "resnet18")
    assert "1 × 1 in layer4" in texts(page)


def test_an_edit_that_the_network_refuses_is_named_at_its_field(store: RunStore) -> None:
    page = opened()
    put(page, "architecture.kind", "resnet18")
    put(page, "architecture.full_resolution_steps", 16)
    assert "Downsampling steps at full resolution" in page.error[0].value
    assert "choose no more than that" in page.error[0].value


def test_timing_is_measured_when_asked(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.preflight_view.measure", functools.partial(measure, budget_s=0.05))
    page = opened()
    put(page, "architecture.width", 4)
    assert "per epoch," not in texts(page).replace("Seconds per epoch,", "")
    checked(page.button(key="time_it").click().run())
    assert "in all," in texts(page)
    put(page, "epochs", 3)
    assert "in all," in texts(page)  # more epochs need no new measurement
    put(page, "architecture.width", 8)
    assert "in all," not in texts(page)
