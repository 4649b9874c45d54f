"""The notebook's loop, and the arithmetic of the comparison with it, on tiny images."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import effect, notebook_loop
from benchmarks.effect import CASES, Case, Comparison, Sample
from core.data import Dataset
from core.errors import BadInput
from core.files import read_json, write_json
from core.train import EpochEnded, build_model, derive_seed, statistics_for
from tests.unit.train import setups

from torchvision.transforms import v2  # isort: skip  (core.vision must come before its parts)

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
TINY = {"kind": "my_net", "blocks": 1, "width": 4}


def as_tensor(mean: tuple[float, ...] = (0.5,) * 3, std: tuple[float, ...] = (0.5,) * 3) -> Any:
    return v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)])


@pytest.fixture
def sample(dataset: Dataset) -> Sample:
    return effect.draw_sample(dataset, 40, 10)


def notebook_rows(seed: int = 0, workers: int = 0, channels: int = 3) -> list[notebook_loop.EpochRow]:
    """A linear network on 70 images whose brightness is their class."""
    images = np.random.default_rng(1).integers(0, 100, (70, 6, 6, channels), dtype=np.uint8)
    labels = np.arange(70) % 2
    images[labels == 1] += 150
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Linear(36 * channels, 2))
        optimizer = torch.optim.SGD(network.parameters(), lr=0.02)
        plain = as_tensor((0.5,) * channels, (0.5,) * channels)
        return notebook_loop.run(
            images,
            labels,
            np.arange(50),
            np.arange(50, 70),
            network,
            optimizer,
            torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.0),
            plain,
            plain,
            epochs=4,
            batch_size=16,
            workers=workers,
            seed=seed,
        )


@pytest.mark.parametrize("channels", [1, 3])
def test_the_notebook_learns_until_its_scheduler_sets_the_lr_to_zero(channels: int) -> None:
    rows = notebook_rows(channels=channels)
    assert [row.epoch for row in rows] == [1, 2, 3, 4]
    assert rows[0].train_loss > rows[1].train_loss > rows[2].train_loss
    assert rows[3].train_loss == pytest.approx(rows[2].train_loss)
    assert rows[3].val_accuracy == rows[1].val_accuracy > 0.9
    assert all(0 < row.train_seconds < row.seconds for row in rows)


def test_the_notebooks_draws_follow_its_seed_and_not_its_workers() -> None:
    losses = [[row.train_loss for row in rows] for rows in map(notebook_rows, (0, 0, 1))]
    assert losses[0] == losses[1] != losses[2]
    assert [row.train_loss for row in notebook_rows(workers=1)] == losses[0]


@every_case
def test_with_all_images_in_one_batch_engine_and_notebook_learn_the_same(case, dataset: Dataset) -> None:
    """Then the order does not count, and without random changes nothing else is left to chance."""
    network = TINY if case.architecture["kind"] == "my_net" else case.architecture | {"width": 4}
    case = replace(case, architecture=network, batch_size=1000, epochs=3, shift=0)
    recipe = effect.recipe_of(case, seed=0).model_copy(update={"augmentations": ()})
    task = setups.task(dataset, recipe, train=24)
    ended = [event for event in setups.run(task) if isinstance(event, EpochEnded)]
    model = build_model(recipe, task.bank, task.compute)
    optimizer = torch.optim.SGD(model.parameters(), **case.sgd)
    plain = as_tensor(*statistics_for(recipe, dataset))
    with torch.random.fork_rng(devices=[]):
        rows = notebook_loop.run(
            dataset.images,
            dataset.labels,
            task.bank.train.numpy(),
            task.bank.val.numpy(),
            model,
            optimizer,
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=case.epochs),
            plain,
            plain,
            epochs=case.epochs,
            batch_size=case.batch_size,
        )
    assert [row.train_loss for row in rows] == pytest.approx([e.train_loss for e in ended], rel=1e-3)
    assert [row.val_accuracy for row in rows] == [e.val_accuracy for e in ended]


@every_case
@pytest.mark.parametrize("train", [effect.train_engine, effect.train_notebook])
def test_both_sides_train_every_case_and_repeat_with_their_seed(case: Case, train, sample: Sample) -> None:
    network = case.architecture if case.architecture["kind"] == "resnet18" else TINY
    short = replace(case, architecture=network, epochs=2, batch_size=16)
    with torch.random.fork_rng(devices=[]):
        first, again = train(short, sample, 1), train(short, sample, 1)
    assert len(first) == 2
    assert first == again
    assert all(0 <= accuracy <= 1 for accuracy in first)


def test_no_network_of_the_notebook_starts_from_weights_of_the_engine() -> None:
    engine = {derive_seed(seed, "weights") for seed in range(100)}
    assert not engine & {effect.NOTEBOOK_SEEDS + seed for seed in range(100)}


def test_a_sample_takes_val_images_from_the_val_split_and_else_from_the_rest_of_train(dataset) -> None:
    train, val = set(dataset.indices("train").tolist()), set(dataset.indices("val").tolist())
    drawn = effect.draw_sample(dataset, 40, 10)
    assert (len(drawn.train), len(drawn.val)) == (40, 10)
    assert set(drawn.train.tolist()) <= train
    assert set(drawn.val.tolist()) <= val
    assert drawn.train.tolist() == sorted(drawn.train)
    more = effect.draw_sample(dataset, 40, len(val) + 10)
    assert more.train.tolist() == drawn.train.tolist()
    assert set(more.val.tolist()) <= train - set(more.train.tolist())
    with pytest.raises(BadInput, match="too few images for 84 to train on and 19 to validate on"):
        effect.draw_sample(dataset, len(train), len(val) + 1)


def test_standard_errors_and_the_answer_follow_from_the_accuracies() -> None:
    assert effect.standard_error([0.5, 0.6, 0.7]) == pytest.approx(0.1 / 3**0.5)
    near = Comparison([0.5, 0.6, 0.7], [0.6, 0.7, 0.8])
    assert near.difference == pytest.approx(-0.1)
    assert near.error == pytest.approx((0.01 / 3 + 0.01 / 3) ** 0.5)
    assert near.agrees
    assert not Comparison([0.5, 0.6, 0.7], [0.67, 0.77, 0.87]).agrees
    assert not Comparison([0.67, 0.77, 0.87], [0.5, 0.6, 0.7]).agrees


def result_of(accuracies: dict[tuple[str, str], list[float]]) -> dict[str, Any]:
    rows = [
        {"model": model, "who": who, "seed": seed, "val_accuracy": [0.1, value]}
        for (model, who), values in accuracies.items()
        for seed, value in enumerate(values)
    ]
    return {"trainings": rows}


def test_the_table_shows_the_seeds_that_both_sides_have_trained() -> None:
    result = result_of(
        {
            ("my_net", "engine"): [0.5, 0.52, 0.99],
            ("my_net", "notebook"): [0.6, 0.62],
            ("my_resnet18", "engine"): [0.5, 0.52],
            ("my_resnet18", "notebook"): [0.5],
        }
    )
    assert list(effect.table(result)) == [
        "| model | trained by | val accuracy per seed | mean | standard error |",
        "| --- | --- | --- | --- | --- |",
        "| my_net | engine | 50.00, 52.00 | 51.00 % | 1.00 |",
        "| my_net | notebook | 60.00, 62.00 | 61.00 % | 1.00 |",
        "",
        "| model | difference of the means | its standard error | within two standard errors |",
        "| --- | --- | --- | --- |",
        "| my_net | -10.00 | 1.41 | no |",
    ]


def test_a_stopped_comparison_goes_on_with_what_it_lacks(sample, tmp_path: Path, monkeypatch) -> None:
    trained: list[tuple[str, int]] = []
    for who in effect.WHO:

        def train(case: Case, sample: Sample, seed: int, who: str = who) -> list[float]:
            trained.append((who, seed))
            if len(trained) == 3:
                raise KeyboardInterrupt
            return [0.1, 0.5]

        monkeypatch.setattr(effect, f"train_{who}", train)
    out, cases = tmp_path / "effect.json", {"my_net": CASES["my_net"]}
    result = effect.new_result(sample, cases)
    with pytest.raises(KeyboardInterrupt):
        effect.compare(sample, cases, 2, result, out)
    assert len(read_json(out)["trainings"]) == 2
    result = effect.continued(effect.new_result(sample, cases), out)
    effect.compare(sample, cases, 2, result, out)
    assert trained == [("engine", 0), ("notebook", 0), ("engine", 1), ("engine", 1), ("notebook", 1)]
    assert len(read_json(out)["trainings"]) == 4


def test_a_file_of_other_images_or_recipes_is_not_continued(sample: Sample, tmp_path: Path) -> None:
    new = effect.new_result(sample, {"my_net": CASES["my_net"]})
    for change in (
        {"data": new["data"] | {"fingerprint": "another"}},
        {"cases": {"my_net": asdict(replace(CASES["my_net"], epochs=99))}},
    ):
        write_json(tmp_path / "old.json", new | change)
        with pytest.raises(BadInput, match="name another --out"):
            effect.continued(new, tmp_path / "old.json")


def test_one_seed_is_refused_since_it_has_no_standard_error(capsys) -> None:
    with pytest.raises(SystemExit):
        effect.parse(["--data", "x", "--seeds", "1"])
    assert "needs at least 2" in capsys.readouterr().err
