"""The notebook's loop and the comparison with it, on tiny images."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import effect, notebook_loop
from benchmarks.effect import CASES, Case, Sample
from benchmarks.effect_figures import EFFECT_FIGURES, SIDES, read_result
from core.data import Dataset, Library
from core.errors import BadInput
from core.files import write_json
from core.train import EpochEnded, build_model, statistics_for
from tests.unit import tiny
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


@every_case
def test_both_sides_start_from_different_weights_with_every_seed(case: Case, sample: Sample) -> None:
    """Then their accuracies are independent draws, as the standard error of their difference takes them
    to be; with common first weights they would rise and fall together."""
    network = TINY if case.architecture["kind"] == "my_net" else case.architecture | {"width": 4}
    small = replace(case, architecture=network)
    first = set()
    for seed in range(3):
        task = effect.engine_task(small, sample, seed)
        for model in (
            build_model(task.recipe, task.bank, task.compute),
            effect.notebook_network(small, sample, seed),
        ):
            weights = next(p for p in model.parameters() if p.ndim == 4)
            first.add(tiny.digest({"first": weights}))
    assert len(first) == 6


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


def test_a_stopped_comparison_goes_on_with_what_it_lacks(sample, tmp_path: Path, monkeypatch) -> None:
    trained: list[tuple[str, int]] = []
    for who in SIDES:

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
    assert len(read_result(out).trainings) == 2
    monkeypatch.setattr(effect, "cpu_name", lambda: "another processor")
    result = effect.continued(effect.new_result(sample, cases), out)
    assert effect.compare(sample, cases, 2, result, out) == read_result(out)
    assert [t.cpu == "another processor" for t in read_result(out).trainings] == [False, False, True, True]
    assert trained == [("engine", 0), ("notebook", 0), ("engine", 1), ("engine", 1), ("notebook", 1)]


def test_a_file_of_other_images_or_recipes_is_not_continued(sample: Sample, tmp_path: Path) -> None:
    new = effect.new_result(sample, {"my_net": CASES["my_net"]})
    for change in (
        {"data": new.data.model_copy(update={"fingerprint": "another"})},
        {"cases": {"my_net": replace(CASES["my_net"], epochs=99)}},
        {"versions": new.versions | {"torch": "1.0"}},
    ):
        old = new.model_copy(update=change)
        write_json(tmp_path / "old.json", old.model_dump(mode="json"))
        with pytest.raises(BadInput, match="name another --out"):
            effect.continued(new, tmp_path / "old.json")


def test_one_seed_is_refused_since_it_has_no_standard_error(capsys) -> None:
    with pytest.raises(SystemExit):
        effect.parse(["--data", "x", "--seeds", "1"])
    assert "needs at least 2" in capsys.readouterr().err


def test_the_result_is_kept_beside_the_diarys_figures() -> None:
    assert effect.parse(["--data", "x"]).out == EFFECT_FIGURES
    assert EFFECT_FIGURES.parts[-3:] == ("docs", "figures", "effect.json")


def test_the_command_trains_what_lacks_and_shows_the_same_again(
    library: Library, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("PLATEAU_DATA", str(library.folder))
    for who in SIDES:
        monkeypatch.setattr(effect, f"train_{who}", lambda case, sample, seed: [0.5 + seed / 10])
    out = str(tmp_path / "effect.json")
    asked = ["--data", tiny.DATASET, "--train", "40", "--val", "10", "--seeds", "2", "--out", out]
    assert effect.main(asked) == 0
    shown = capsys.readouterr().out
    assert "| my_net | +0.00 | 7.07 | yes |" in shown
    assert effect.main(["--show", out]) == 0
    assert shown.endswith(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--show", "FOLDER/none.json"], "none.json cannot be read or written (No such file or directory)"),
        (["--data", tiny.DATASET, "--out", "FOLDER/none/x.json"], "lies in no folder that is there"),
        (["--data", "no-such-set", "--out", "FOLDER/x.json"], "no-such-set"),
    ],
)
def test_the_command_says_in_one_sentence_what_is_wrong(
    arguments: list[str], words: str, library: Library, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("PLATEAU_DATA", str(library.folder))
    assert effect.main([argument.replace("FOLDER", str(tmp_path)) for argument in arguments]) == 1
    shown = capsys.readouterr().err
    assert words in shown
    assert shown.count("\n") == 1
