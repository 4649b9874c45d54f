"""What is said before a launch: problems that stand in its way, and warnings."""

from typing import Any

import pytest
import torch

from core.data import Dataset, DatasetInfo
from core.errors import BadInput, Unavailable
from core.models.randomness import set_generator
from core.optim import lr_curve
from core.recipe import Recipe
from core.train import architecture_stages, check, measure, preview_lr, schedule_advice, steps_per_epoch
from core.train import preflight as preflight_module
from core.train.images import load_images
from tests.unit import tiny
from tests.unit.train import setups


def changed(info: DatasetInfo, **changes: Any) -> DatasetInfo:
    return info.model_copy(update=changes)


def test_a_good_recipe_has_neither_problems_nor_warnings(dataset: Dataset) -> None:
    advice = check(tiny.recipe(), dataset.info)
    assert advice.problems == []
    assert advice.warnings == []


def problem(recipe: Recipe, info: DatasetInfo | None) -> tuple[str, str]:
    (found,) = check(recipe, info).problems
    return found.field, found.sentence()


@pytest.mark.parametrize(
    ("settings", "field", "words"),
    [
        ({"device": "cuda:7"}, "device", "no such device; choose 'auto' or"),
        ({"batch_size": 85}, "batch_size", "more than the 84 training images; use 84 or less"),
        (
            {"normalization": {"kind": "own", "mean": [0.5, 0.5], "std": [0.5, 0.5]}},
            "normalization.mean",
            "the images have 3 channels; give 3 numbers",
        ),
        (
            {"augmentations": [{"kind": "random_crop", "padding": 40, "padding_mode": "reflect"}]},
            "augmentations.0",
            "cannot be mirrored from images of 28x28; use at most 27",
        ),
        (
            {"augmentations": [{"kind": "horizontal_flip"}, {"kind": "gaussian_blur", "kernel_size": 57}]},
            "augmentations.1",
            "too large for images of 28x28; use at most 55",
        ),
        (
            {"architecture": {"kind": "resnet18", "full_resolution_steps": 16}},
            "architecture.full_resolution_steps",
            "downsampling convolutions; choose no more",
        ),
        (
            {"architecture": {"kind": "resnet18", "shakedrop": {"place": "stages", "stages": [9]}}},
            "architecture.shakedrop.stages",
            "has stages 1 to 4",
        ),
    ],
    ids=["device", "batch size", "normalization", "crop", "blur", "downsampling", "shakedrop"],
)
def test_what_stands_in_the_way_is_named(
    dataset: Dataset, settings: dict[str, Any], field: str, words: str
) -> None:
    found, sentence = problem(tiny.recipe(**settings), dataset.info)
    assert found == field
    assert words in sentence
    assert ".." not in sentence.replace("...", "")


def test_a_problem_of_the_network_keeps_its_value(dataset: Dataset) -> None:
    """It is handed on as it was raised, and not read out of its sentence."""
    recipe = tiny.recipe(architecture={"kind": "resnet18", "full_resolution_steps": 16})
    (found,) = check(recipe, dataset.info).problems
    assert found.value == 16
    assert found.remedy == "choose no more than that"


def test_what_no_field_is_to_blame_for_stands_at_the_architecture(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise BadInput("It = 3: cannot be; try another.")

    monkeypatch.setattr(preflight_module, "architecture_stages", refuse)
    (found,) = check(tiny.recipe(), dataset.info).problems
    assert found.sentence() == "architecture = 'my_net': It = 3: cannot be; try another."


def test_the_look_at_the_schedule_can_be_left_out(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """A form that remembers it need not go through 100,000 epochs again."""
    recipe = tiny.recipe(scheduler={"kind": "cosine", "t_max": 1}, epochs=5)
    curve = preview_lr(recipe, dataset.info)
    assert schedule_advice(recipe, curve) == check(recipe, dataset.info).warnings != []
    monkeypatch.delattr(preflight_module, "preview_lr")
    assert check(recipe, dataset.info, schedule=False).warnings == []


def test_a_missing_data_set_is_told_apart_from_none_chosen() -> None:
    assert "no data set of this name" in problem(tiny.recipe(), None)[1]
    assert "no data set is chosen" in problem(tiny.recipe(data={"name": ""}), None)[1]
    assert problem(tiny.recipe(), None)[0] == "data.name"


def test_all_problems_come_at_once(dataset: Dataset) -> None:
    recipe = tiny.recipe(
        device="cuda:7", batch_size=500, architecture={"kind": "resnet18", "full_resolution_steps": 16}
    )
    fields = {found.field for found in check(recipe, dataset.info).problems}
    assert fields == {"device", "batch_size", "architecture.full_resolution_steps"}


@pytest.mark.parametrize("numbers", [1, 3])
def test_one_number_or_one_per_channel_is_right(dataset: Dataset, numbers: int) -> None:
    own = {"kind": "own", "mean": [0.5] * numbers, "std": [0.5] * numbers}
    assert check(tiny.recipe(normalization=own), dataset.info).problems == []


def test_a_grey_set_wants_one_number_unless_it_is_seen_in_colour(dataset: Dataset) -> None:
    grey = changed(dataset.info, channels=1, mean=(0.5,), std=(0.2,))
    own = {"kind": "own", "mean": [0.5] * 3, "std": [0.5] * 3}
    found = problem(tiny.recipe(normalization=own), grey)
    assert found[0] == "normalization.mean"
    assert "1 channel; give 1 number." in found[1]
    in_colour = tiny.recipe(normalization=own, data={"name": "x", "color": "rgb"})
    assert check(in_colour, grey).problems == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"scheduler": {"kind": "cosine", "t_max": 1}, "epochs": 5}, "climbs back up"),
        ({"scheduler": {"kind": "multi_step", "milestones": [9]}}, "Milestone 9"),
        ({"checkpoints": {"epochs": [1, 7, 8]}}, "Checkpoint epoch 7, 8 lies beyond the run's 2 epochs"),
        ({"warmup": {"epochs": 2}}, "lasts all 2 epochs"),
    ],
    ids=["climbs", "milestone", "checkpoints", "warm-up"],
)
def test_what_is_odd_is_said(dataset: Dataset, settings: dict[str, Any], words: str) -> None:
    advice = check(tiny.recipe(**settings), dataset.info)
    assert advice.problems == []
    assert any(words in warning for warning in advice.warnings), advice.warnings


def test_no_val_images_are_said(dataset: Dataset) -> None:
    info = changed(dataset.info, counts=dataset.info.counts | {"val": 0})
    assert any("no val images" in warning for warning in check(tiny.recipe(), info).warnings)


@pytest.mark.parametrize(("normalization", "said"), [("half", True), ("imagenet", False)])
def test_imagenets_weights_want_imagenets_normalization(
    dataset: Dataset, normalization: str, said: bool
) -> None:
    """And the look at the network downloads nothing."""
    recipe = tiny.recipe(
        architecture={"kind": "resnet18", "pretrained": "imagenet"}, normalization={"kind": normalization}
    )
    advice = check(recipe, dataset.info)
    assert advice.problems == []
    assert any("ImageNet's normalization" in warning for warning in advice.warnings) == said


def test_one_image_at_a_time_is_warned_of(dataset: Dataset) -> None:
    advice = check(tiny.recipe(batch_size=1), dataset.info)
    assert advice.problems == []
    assert any("batch size 1" in warning for warning in advice.warnings)


def test_the_look_at_the_network_can_be_left_out(dataset: Dataset) -> None:
    """A form that has just built it need not build it again."""
    recipe = tiny.recipe(architecture={"kind": "resnet18", "full_resolution_steps": 16})
    assert check(recipe, dataset.info, network=False).problems == []


def test_the_global_random_state_is_left_alone(dataset: Dataset) -> None:
    before = torch.random.get_rng_state()
    check(tiny.recipe(), dataset.info)
    architecture_stages(tiny.recipe(), dataset.info)
    measure(tiny.recipe(**setups.RANDOMNESS), dataset, setups.fp32(), budget_s=0.01)
    if not torch.equal(before, torch.random.get_rng_state()):
        pytest.fail("the pre-flight drew from the global generator")


# The learning rate


def test_the_preview_is_the_schedule_of_this_data_set(dataset: Dataset) -> None:
    recipe = tiny.recipe(scheduler={"kind": "one_cycle"}, epochs=3)
    steps = steps_per_epoch(84, 16)
    expected = lr_curve(recipe.scheduler, recipe.warmup, recipe.optimizer, epochs=3, steps_per_epoch=steps)
    assert preview_lr(recipe, dataset.info) == expected
    assert len(preview_lr(recipe, None).epochs) == 3


# The network


def test_stages_are_those_of_the_network_that_will_train(dataset: Dataset) -> None:
    stages = architecture_stages(tiny.recipe(), dataset.info)
    assert stages[-1].output_shape[-1] == len(dataset.info.classes)
    model = setups.task(dataset, tiny.recipe()).recipe.architecture.build(4, 3, 28, 0)
    assert sum(stage.parameters for stage in stages) == sum(p.numel() for p in model.parameters())


# The measurement


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_measurement_gives_positive_figures(dataset: Dataset, optimizer: str) -> None:
    recipe = tiny.recipe(optimizer={"kind": optimizer}, epochs=7, **setups.RANDOMNESS)
    found = measure(recipe, dataset, setups.fp32(), budget_s=0.05)
    assert found.step_s > 0
    assert found.evaluation_image_s > 0
    assert found.steps == 6
    assert found.epoch_s > 6 * found.step_s
    assert found.total_s == pytest.approx(7 * found.epoch_s)
    assert found.device.startswith("CPU")


def test_memory_counts_weights_gradients_state_and_activations(dataset: Dataset) -> None:
    sgd, adam = (
        measure(
            tiny.recipe(optimizer={"kind": kind}, architecture={"kind": "my_net", "blocks": 1, "width": 8}),
            dataset,
            setups.fp32(),
            budget_s=0.01,
        ).memory_bytes
        for kind in ("sgd", "adam")
    )
    larger = measure(
        tiny.recipe(batch_size=64, architecture={"kind": "my_net", "blocks": 1, "width": 8}),
        dataset,
        setups.fp32(),
        budget_s=0.01,
    ).memory_bytes
    weights = sum(
        p.numel() * 4
        for p in tiny.recipe(architecture={"kind": "my_net", "blocks": 1, "width": 8})
        .architecture.build(4, 3, 28, 0)
        .parameters()
    )
    assert adam - sgd == pytest.approx(weights, rel=0.1), "Adam keeps two numbers per weight, SGD one"
    assert larger - sgd > 2 * 48 * 8 * 28 * 28 * 4, "48 images more, two convolutions' outputs"


def test_a_measurement_of_no_images_is_refused(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def empty(*arguments: Any) -> Any:
        bank = load_images(*arguments)
        bank.train = bank.train[:0]
        return bank

    monkeypatch.setattr(preflight_module, "load_images", empty)
    with pytest.raises(BadInput, match="no training images"):
        measure(tiny.recipe(), dataset, setups.fp32())


def test_too_little_memory_says_what_to_lower(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(preflight_module, "augment", full)
    with pytest.raises(Unavailable, match=r"batch_size = 16: CPU, .* runs out of memory; lower it"):
        measure(tiny.recipe(), dataset, setups.fp32())


@pytest.mark.parametrize(
    ("architecture", "fails"),
    [
        ({"kind": "my_net", "blocks": 1, "width": 4}, False),
        ({"kind": "my_net", "blocks": 2, "width": 4, "dropout": 0.5}, False),
        ({"kind": "resnet18"}, True),
        ({"kind": "resnet18", "full_resolution_steps": 2, "dropout": 0.5}, False),
        ({"kind": "resnet18", "shakedrop": {"place": "stages", "stages": [2]}}, True),
        ({"kind": "mobilenet_v3_small"}, True),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_one_image_a_batch_is_refused_where_a_step_would_fail(
    dataset: Dataset, architecture: dict[str, Any], fails: bool
) -> None:
    recipe = tiny.recipe(batch_size=1, architecture=architecture)
    model = recipe.architecture.build(4, 3, 28, 0).train()
    set_generator(model, torch.Generator().manual_seed(0))
    if fails:
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            model(torch.rand(1, 3, 28, 28))
        field, sentence = problem(recipe, dataset.info)
        assert field == "batch_size"
        assert sentence == (
            "batch_size = 1: batch normalization cannot train on one image where the network's feature map "
            "is 1x1; use 2 or more."
        )
    else:
        model(torch.rand(1, 3, 28, 28))
        assert check(recipe, dataset.info).problems == []
