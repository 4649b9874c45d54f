"""`train` and `resume`."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from core.insight.repeats import groups
from core.recipe import load_presets
from core.runs import Run, RunStore
from core.runs.status import read_status, write_status
from tests.unit import tiny
from tests.unit.cli.calls import Call
from tests.unit.runs.setups import eventually, rows

PROJECT = Path(__file__).resolve().parents[3]


def test_train_prints_the_id_last_and_leaves_a_run(call: Call, store: RunStore, recipe_file: Path) -> None:
    answer = call(
        "train",
        recipe_file,
        "--data",
        tiny.DATASET,
        "--epochs",
        3,
        "--set",
        "optimizer.lr=0.02",
        "--set",
        "scheduler.kind=cosine",
        "--name",
        "caf\udce9",  # as a shell of another encoding gives it
        "--hypothesis",
        "a lower lr",
    )
    assert answer.status == 0, answer.err
    run = store.get(answer.out.splitlines()[-1])
    assert answer.out == f"{run.id}\n", "standard output is for the result alone"
    assert run.status().state == "finished"
    assert len(rows(run)) == 3
    recipe = run.recipe()
    assert (recipe.optimizer.lr, recipe.scheduler.kind, recipe.epochs) == (0.02, "cosine", 3)
    assert run.notes().hypothesis == "a lower lr"
    assert run.notes().name.startswith("caf")
    assert "best val" in answer.err
    assert store.queue() == []


def test_a_preset_trains(call: Call, store: RunStore) -> None:
    preset = load_presets()[0]
    small = 'architecture={"kind":"my_net","blocks":1,"width":4}'
    answer = call(
        "train", preset.id, "--data", "tiny", "--epochs", 1, "--set", small, "--set", "batch_size=16"
    )
    assert answer.status == 0, answer.err
    run = store.get(answer.out.strip())
    assert run.recipe().optimizer == preset.recipe.optimizer
    assert run.notes().name == preset.title
    assert store.find(preset.title.lower().replace(" ", "-")) == run


LOOP_SETTINGS = {
    "ema": ["ema.decay=0.5"],
    "clip": ["clip_norm=0.01"],
    "mixup": ["mixing.kind=mixup"],
    "cutmix": ["mixing.kind=cutmix", "mixing.alpha=0.5"],
    "either": ["mixing.kind=mixup_or_cutmix", "mixing.mixup_alpha=0.2"],
}


@pytest.mark.parametrize("assignments", LOOP_SETTINGS.values(), ids=LOOP_SETTINGS.keys())
def test_averaging_clipping_and_mixing_are_set_from_the_command_line_and_act(
    call: Call, store: RunStore, recipe_file: Path, assignments: list[str]
) -> None:
    options = [word for each in assignments for word in ("--set", each)]
    plain, changed = (
        store.get(call("train", recipe_file, "--data", "tiny", *more).out.strip()) for more in ([], options)
    )
    for each in assignments:
        field, _, value = each.partition("=")
        found: Any = changed.recipe().model_dump()
        for name in field.split("."):
            found = found[name]
        assert str(found) == value
    ours, theirs = rows(changed), rows(plain)
    assert len(ours) == len(theirs) == 2
    if "ema.decay=0.5" in assignments:
        # The average stands beside the weights and leaves them as they are.
        assert {"val/ema_loss", "val/ema_accuracy"} <= set(ours[0]) - set(theirs[0])
        assert [row["val/loss"] for row in ours] == [row["val/loss"] for row in theirs]
        assert all(row["val/ema_loss"] != row["val/loss"] for row in ours)
    else:
        assert [row["val/loss"] for row in ours] != [row["val/loss"] for row in theirs]


@pytest.mark.parametrize("assignments", LOOP_SETTINGS.values(), ids=LOOP_SETTINGS.keys())
def test_with_them_an_extended_run_goes_on_as_the_longer_one(
    call: Call, store: RunStore, recipe_file: Path, assignments: list[str]
) -> None:
    options = ["--data", "tiny", *(word for each in assignments for word in ("--set", each))]
    # Without a scheduler an extension is the rest of the longer run.
    whole = store.get(call("train", recipe_file, *options, "--epochs", 3).out.strip())
    part = store.get(call("train", recipe_file, *options, "--epochs", 1).out.strip())
    assert call("resume", part.id, "--epochs", 3).status == 0
    assert rows(part) == rows(whole)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "nowhere"], ["nowhere"]),
        ([], ["No data set is chosen", "--data"]),
        (["--data", "tiny", "--set", "optimizer.lr=-1"], ["optimizer.lr = -1", "must be above 0"]),
        (["--data", "tiny", "--set", "optimiser.lr=1"], ["optimiser.lr"]),
        (["--data", "tiny", "--set", "optimizer.lr"], ["FIELD=VALUE"]),
        (["--data", "tiny", "--epochs", "0"], ["epochs = 0"]),
        (["--data", "tiny", "--set", "clip_norm=0"], ["clip_norm = 0", "must be above 0"]),
        (["--data", "tiny", "--set", "ema.decay=1"], ["ema.decay = 1", "must be below 1"]),
        (["--data", "tiny", "--set", "mixing.kind=cutup"], ["mixing"]),
        (["--data", "tiny", "--set", "batch_size=500"], ["batch_size = 500", "84 training images"]),
        (["--data", "tiny", "--set", "device=cuda:9"], ["cuda:9"]),
        (["--data", "tiny", "--set", "seed=-1", "--set", "epochs=0"], ["seed = -1", "epochs = 0"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_a_training_that_cannot_be_is_one_line_and_makes_no_run(
    call: Call, store: RunStore, recipe_file: Path, arguments: list[str], words: list[str]
) -> None:
    answer = call("train", recipe_file, *arguments)
    assert (answer.status, answer.out) == (1, "")
    assert all(word in answer.sentence for word in words)
    assert store.list() == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.json", None, "no recipe file"),
        ("no-such-preset", None, "There is no preset and no recipe file 'no-such-preset'"),
        ("bad.json", "{", "not valid JSON"),
        ("image.json", b"\x89PNG\r\n", "not valid JSON"),
        ("newer.json", '{"version": 2}', "update Plateau"),
        ("wrong.json", '{"epochs": 0, "seed": "x"}', "epochs = 0"),
    ],
)
def test_a_recipe_that_cannot_be_read_is_named(
    call: Call, store: RunStore, tmp_path: Path, name: str, content: str | bytes | None, words: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    answer = call("train", path if name.endswith(".json") else name, "--data", "tiny")
    assert (answer.status, answer.out) == (1, "")
    assert words in answer.sentence
    assert store.list() == []


def test_a_failed_run_is_status_1_with_its_sentence_and_still_its_id(
    call: Call, store: RunStore, recipe_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.train import Diverged

    def diverge(task: object) -> None:
        raise Diverged("The loss became nan in epoch 1, by step 1 of 6: lower the learning rate.")

    monkeypatch.setattr("core.runs.training.fit", diverge)
    answer = call("train", recipe_file, "--data", "tiny")
    assert answer.status == 1
    assert store.get(answer.out.strip()).status().state == "failed"
    assert "The loss became nan in epoch 1" in answer.err


def test_warnings_before_a_run_are_notes(call: Call, recipe_file: Path) -> None:
    answer = call("train", recipe_file, "--data", "tiny", "--epochs", 1, "--set", "checkpoints.epochs=[7]")
    assert answer.status == 0
    assert "Note: Checkpoint epoch 7" in answer.err


def test_ctrl_c_ends_the_run_after_its_step_and_it_can_be_resumed(
    call: Call, store: RunStore, recipe_file: Path
) -> None:
    def interrupt() -> None:
        eventually(lambda: [e for e in store.list() if e.status and e.status.epoch >= 1])
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    before = signal.getsignal(signal.SIGINT)
    answer = call("train", recipe_file, "--data", "tiny", "--epochs", 5000)
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before
    run = store.get(answer.out.strip())
    status = run.status()
    assert status.state == "interrupted"
    assert 1 <= status.epoch < 5000
    assert "interrupted after epoch" in answer.err


@pytest.mark.parametrize(("epochs", "total"), [("4", 4), ("+2", 4), ("3", 3), ("+1", 3)])
def test_a_finished_run_goes_on_to_n_in_all_or_by_n(
    call: Call, trained: Run, epochs: str, total: int
) -> None:
    before = rows(trained)
    answer = call("resume", trained.id, "--epochs", epochs)
    assert answer.status == 0, answer.err
    assert answer.out == f"{trained.id}\n"
    assert (trained.status().epoch, trained.status().epochs) == (total, total)
    assert rows(trained)[:2] == before
    assert [row["epoch"] for row in rows(trained)] == list(range(1, total + 1))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "is finished; extend it with --epochs"),
        (["--epochs", "2"], "has 2 epochs already"),
        (["--epochs", "1"], "has 2 epochs already"),
        (["--epochs", "+0"], "has 2 epochs already"),
        (["--epochs", "many"], "must be a whole number"),
        (["--epochs", "2.5"], "must be a whole number"),
        (["--epochs", "-3"], ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_resume_that_cannot_be_is_one_sentence(
    call: Call, trained: Run, arguments: list[str], words: str
) -> None:
    answer = call("resume", trained.id, *arguments)
    if arguments == ["--epochs", "-3"]:
        assert answer.status in (1, 2)  # argparse may take it for an option
        return
    assert (answer.status, answer.out) == (1, "")
    assert words in answer.sentence
    assert trained.status().state == "finished"


def test_an_interrupted_run_is_resumed(call: Call, trained: Run) -> None:
    status = read_status(trained.folder)
    status.state, status.epochs = "running", 3
    write_status(trained.folder, status)
    answer = call("resume", "first")
    assert (answer.status, answer.out) == (0, f"{trained.id}\n")
    assert (trained.status().state, trained.status().epoch) == ("finished", 3)


def test_the_last_lr_can_be_held(call: Call, recipe_file: Path, store: RunStore) -> None:
    step = 'scheduler={"kind":"step","step_size":1,"gamma":0.5}'
    run = store.get(call("train", recipe_file, "--data", "tiny", "--set", step).out.strip())
    call("resume", run.id, "--epochs", "+2", "--hold-lr")
    assert [row["lr"] for row in rows(run)] == pytest.approx([0.05, 0.025, 0.025, 0.025])


class TestRepeat:
    def test_n_seeds_are_n_runs_whose_ids_are_printed(
        self, call: Call, store: RunStore, recipe_file: Path
    ) -> None:
        options = ["--name", "narrow", "--hypothesis", "chance", "--set", "seed=4"]
        answer = call("train", recipe_file, "--data", "tiny", "--repeat", 3, *options)
        assert answer.status == 0, answer.err
        runs = [store.get(run_id) for run_id in answer.out.split()]
        assert [run.recipe().seed for run in runs] == [4, 5, 6]
        assert [run.display_name() for run in runs] == ["narrow", "narrow, seed 5", "narrow, seed 6"]
        assert [run.status().state for run in runs] == ["finished"] * 3
        assert [run.status().parent for run in runs] == [None, runs[0].id, runs[0].id]
        assert {run.notes().hypothesis for run in runs} == {"chance"}
        assert len({str(rows(run)) for run in runs}) == 3, "each seed trains in its own way"
        [group] = groups(store.list())
        assert group.mean is not None
        assert f"Best val of 3 seeds: {100 * group.mean:.1f} % on average" in answer.err

    @pytest.mark.parametrize("number", [0, -2, 101])
    def test_a_number_out_of_range_makes_no_run(
        self, call: Call, store: RunStore, recipe_file: Path, number: int
    ) -> None:
        answer = call("train", recipe_file, "--data", "tiny", "--repeat", number)
        assert (answer.status, answer.out) == (1, "")
        assert answer.sentence == f"--repeat {number}: must be 1 to 100 runs."
        assert store.list() == []

    def test_ctrl_c_stops_the_one_that_trains_and_takes_the_others_out_of_the_queue(
        self, call: Call, store: RunStore, recipe_file: Path
    ) -> None:
        def interrupt() -> None:
            eventually(lambda: [e for e in store.list() if e.status and e.status.epoch >= 1])
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        answer = call("train", recipe_file, "--data", "tiny", "--epochs", 5000, "--repeat", 3)
        thread.join()
        assert answer.status == 1
        runs = [store.get(run_id) for run_id in answer.out.split()]
        assert [run.status().state for run in runs] == ["interrupted", "stopped", "stopped"]
        assert store.queue() == []
        assert "2 of 3 runs had not begun and wait no more" in answer.err
        assert "average" not in answer.err

    def test_one_that_fails_keeps_no_other_from_training(
        self, call: Call, store: RunStore, recipe_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from core.runs import training
        from core.train import Diverged, Task

        whole = training.fit

        def diverge(task: Task) -> Any:
            if task.recipe.seed == 4:
                raise Diverged("The loss became nan in epoch 1, by step 1 of 6: lower the learning rate.")
            return whole(task)

        monkeypatch.setattr("core.runs.training.fit", diverge)
        answer = call("train", recipe_file, "--data", "tiny", "--repeat", 3, "--set", "seed=3")
        states = [store.get(run_id).status().state for run_id in answer.out.split()]
        assert (answer.status, states) == (1, ["finished", "failed", "finished"])
