"""The command line: exit status, one sentence on standard error, one JSON document on standard output."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core import __version__
from core.cli.main import main
from core.data import Dataset, Library
from core.recipe import load_presets
from core.runs import Run, RunStore, train
from core.runs.lock import hold
from core.runs.status import read_status, write_status
from tests.unit import tiny
from tests.unit.runs.setups import eventually, rows

PROJECT = Path(__file__).resolve().parents[3]


@dataclass
class Answer:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out, parse_constant=pytest.fail)

    @property
    def sentence(self) -> str:
        """Standard error as the one sentence that it must be."""
        (line,) = self.err.strip().splitlines()
        assert line.endswith(".")
        assert "Traceback" not in line
        return line


Call = Callable[..., Answer]


@pytest.fixture
def call(
    library: Library, runs_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    monkeypatch.setenv("PLATEAU_RUNS", str(runs_folder))
    monkeypatch.setenv("PLATEAU_DATA", str(library.folder))

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Answer(status, captured.out, captured.err)

    return run


@pytest.fixture
def own_data(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder that a test may fill."""
    monkeypatch.setenv("PLATEAU_DATA", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture
def store(runs_folder: Path) -> RunStore:
    return RunStore(runs_folder)


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.json"
    recipe = tiny.recipe(data={"name": ""}, augmentations=tiny.AUGMENTATIONS)
    path.write_text(recipe.model_dump_json())
    return path


@pytest.fixture(scope="session")
def finished(library: Library, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of two epochs. Not to be changed."""
    store = RunStore(tmp_path_factory.mktemp("finished"))
    recipe = tiny.recipe(augmentations=tiny.AUGMENTATIONS)
    run = store.create(recipe, dataset.info, name="first", queue=False)
    assert train(run, library).state == "finished"
    return run


@pytest.fixture
def trained(finished: Run, store: RunStore) -> Run:
    """A finished run of two epochs, of the test's own."""
    shutil.copytree(finished.folder, store.folder / finished.id)
    return store.get(finished.id)


# Calls


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["data"],
        ["data", "import", "x"],
        ["train"],
        ["train", "x", "--epochs", "many"],
        ["runs", "--xml"],
        ["stop"],
        ["resume"],
        ["evaluate", "x", "--split", "train"],
        ["evaluate", "x", "--checkpoint", "middle"],
        ["evaluate", "x", "--checkpoint", "-1"],
        ["evaluate", "x", "--checkpoint", "²"],
        ["evaluate", "x", "--tta", "few"],
        ["predict", "x"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_status_2_with_the_usage(call: Call, arguments: list[str]) -> None:
    answer = call(*arguments)
    assert answer.status == 2
    assert answer.out == ""
    assert answer.err.startswith("usage: python -m core")


@pytest.mark.parametrize(
    "command",
    [[], ["data"], ["data", "list"], ["data", "import"]]
    + [[c] for c in ("presets", "train", "runs", "stop", "resume", "evaluate", "predict")],
    ids=" ".join,
)
def test_every_command_has_help(call: Call, command: list[str]) -> None:
    answer = call(*command, "--help")
    assert answer.status == 0
    assert answer.out.startswith("usage: python -m core")
    assert answer.err == ""


def test_the_version_is_told(call: Call) -> None:
    assert call("--version").out == f"Plateau {__version__}\n"


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "core", "--version"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == (f"Plateau {__version__}\n", "")
    assert subprocess.run([*command[:-1], "dance"], cwd=PROJECT, capture_output=True).returncode == 2


def test_a_long_message_of_a_fault_stays_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("many\nlines " * 1000)

    monkeypatch.setattr("core.cli.recipes.load_presets", fail)
    assert len(call("presets").sentence) < 400


def test_a_fault_of_ours_is_one_sentence_and_status_1(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("core.cli.recipes.load_presets", fail)
    answer = call("presets")
    assert (answer.status, answer.out) == (1, "")
    assert "ZeroDivisionError: oh" in answer.sentence
    monkeypatch.setenv("PLATEAU_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        call("presets")


# data


def test_data_sets_are_listed(call: Call, dataset: Dataset) -> None:
    answer = call("data", "list")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines()[0].split() == ["name", "classes", "size", "train", "val", "test"]
    assert answer.out.splitlines()[1].split() == ["tiny", "4", "28x28x3", "84", "18", "18"]
    (found,) = call("data", "list", "--json").json
    assert (found["name"], found["counts"]["train"]) == ("tiny", 84)
    assert found["fingerprint"] == dataset.info.fingerprint


def test_no_data_sets_is_an_empty_list(call: Call, own_data: Path) -> None:
    assert call("data", "list", "--json").json == []
    answer = call("data", "list")
    assert (answer.status, answer.out) == (0, "")
    assert "data import" in answer.sentence


def test_a_damaged_data_set_hides_no_other(call: Call, own_data: Path) -> None:
    call("data", "import", "shapes", "--name", "good", "--images", 24, "--classes", 2, "--size", 28)
    (own_data / "bad").mkdir()
    (own_data / "bad" / "dataset.json").write_text("{")
    bad, good = call("data", "list", "--json").json
    assert set(bad) == {"name", "damaged"}
    assert good["name"] == "good"
    assert "damaged" in call("data", "list").out


def test_shapes_are_imported(call: Call, own_data: Path) -> None:
    answer = call("data", "import", "shapes", "--name", "s", "--images", 24, "--classes", 2, "--size", 28)
    assert answer.status == 0
    assert answer.out == "s\n"
    assert "2 classes, 28 px" in answer.err
    assert Library(own_data).open("s").info.images == 24


def test_a_folder_of_class_folders_is_imported(call: Call, own_data: Path, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(6):
            Image.new("RGB", (20, 16), (i * 30, 10, len(name) * 40)).save(
                tmp_path / "pets" / name / f"{i}.png"
            )
    answer = call(
        "data", "import", tmp_path / "pets", "--name", "pets", "--size", 16, "--val", 0.3, "--test", 0.2
    )
    assert (answer.status, answer.out) == (0, "pets\n"), answer.err
    info = Library(own_data).open("pets").info
    assert (info.classes, info.image_size) == (("cat", "dog"), 16)
    assert info.counts["val"] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-folder", "--name", "x"], "no-such-folder"),
        (["shapes", "--name", "../x"], "../x"),
        (["shapes", "--name", "x", "--classes", "1"], "classes = 1"),
        (["shapes", "--name", "x", "--images", "3"], "images = 3"),
        (["shapes", "--name", "x", "--size", "7"], "image_size = 7"),
        (["shapes", "--name", "x", "--images", "24", "--val", "0.7", "--test", "0.7"], "0.7"),
    ],
)
def test_an_import_that_cannot_be_is_one_sentence(
    call: Call, own_data: Path, arguments: list[str], words: str
) -> None:
    answer = call("data", "import", *arguments)
    assert (answer.status, answer.out) == (1, "")
    assert words in answer.err
    assert answer.err.rstrip().endswith(".")
    assert "Traceback" not in answer.err
    assert call("data", "list", "--json").json == []


# presets


def test_presets_are_listed_with_their_recipes(call: Call) -> None:
    found = call("presets", "--json").json
    assert [each["id"] for each in found] == [preset.id for preset in load_presets()]
    assert all({"id", "title", "group", "about", "recipe"} <= set(each) for each in found)
    plain = call("presets")
    assert all(preset.id in plain.out for preset in load_presets())
    assert (plain.status, plain.err) == (0, "")


# train


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
    assert store.get(answer.out.strip()).recipe().optimizer == preset.recipe.optimizer


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "nowhere"], ["nowhere"]),
        ([], ["No data set is chosen", "--data"]),
        (["--data", "tiny", "--set", "optimizer.lr=-1"], ["optimizer.lr = -1", "must be above 0"]),
        (["--data", "tiny", "--set", "optimiser.lr=1"], ["optimiser.lr"]),
        (["--data", "tiny", "--set", "optimizer.lr"], ["FIELD=VALUE"]),
        (["--data", "tiny", "--epochs", "0"], ["epochs = 0"]),
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
        ("no-such-preset", None, "There is no preset 'no-such-preset'; there are"),
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


# runs, stop


def test_no_runs_is_an_empty_list(call: Call) -> None:
    assert call("runs", "--json").json == []
    answer = call("runs")
    assert (answer.status, answer.out) == (0, "")
    assert "python -m core train" in answer.err


def test_runs_are_listed(call: Call, store: RunStore, trained: Run, dataset: Dataset) -> None:
    waiting = store.create(tiny.recipe(), dataset.info)
    (store.folder / "broken").mkdir()
    found = {each["id"]: each for each in call("runs", "--json").json}
    assert set(found) == {trained.id, waiting.id, "broken"}
    one = found[trained.id]
    keys = {"id", "state", "name", "dataset", "epochs", "epoch", "best", "architecture"}
    assert keys <= set(one)
    assert (one["state"], one["name"], one["dataset"]) == ("finished", "first", "tiny")
    assert (one["epoch"], one["epochs"]) == (2, 2)
    best = max(rows(trained), key=lambda row: row["val/accuracy"])
    assert one["best"]["epoch"] == best["epoch"]
    assert one["best"]["val_accuracy"] == best["val/accuracy"]
    assert 0 <= one["best"]["val_accuracy"] <= 1
    assert found[waiting.id]["best"] is None
    assert (found["broken"]["state"], "status.json" in found["broken"]["message"]) == ("damaged", True)
    table = call("runs").out
    assert f"{best['val/accuracy'] * 100:.1f} %" in table
    assert all(run_id in table for run_id in found)


def test_stop_leaves_a_request_or_takes_a_run_out_of_the_queue(
    call: Call, store: RunStore, dataset: Dataset
) -> None:
    run = store.create(tiny.recipe(), dataset.info, name="mine")
    with hold(run.lock_path, busy=""):
        answer = call("stop", "mine", "--after-epoch")
        assert (answer.status, answer.out) == (0, "")
        assert run.id in answer.sentence
        assert run.stop_request() == "after_epoch"
        call("stop", run.id)
        assert run.stop_request() == "now"
    assert call("stop", run.id[-4:]).status == 0
    assert run.status().state == "stopped"
    assert store.queue() == []
    answer = call("stop", run.id)
    assert answer.status == 1
    assert "nothing to stop" in answer.sentence


@pytest.mark.parametrize("command", ["stop", "resume", "evaluate"])
@pytest.mark.parametrize("run_id", ["no-such", "../../etc", "", "a/b", ".."])
def test_an_unknown_run_is_one_sentence(call: Call, trained: Run, command: str, run_id: str) -> None:
    answer = call(command, run_id)
    assert (answer.status, answer.out) == (1, "")
    assert f"There is no run {run_id!r}" in answer.sentence


# resume


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


# evaluate, predict


@pytest.mark.parametrize("checkpoint", ["best", "last", "2"])
@pytest.mark.parametrize("split", ["val", "test"])
def test_evaluate_prints_one_document(call: Call, trained: Run, checkpoint: str, split: str) -> None:
    answer = call("evaluate", trained.id, "--checkpoint", checkpoint, "--split", split, "--json")
    assert answer.status == 0, answer.err
    found = answer.json
    assert {"split", "checkpoint_epoch", "images", "accuracy", "loss"} <= set(found)
    best = trained.status().best
    assert best
    assert (found["split"], found["images"]) == (split, 18)
    assert found["checkpoint_epoch"] == (best.epoch if checkpoint == "best" else 2)
    assert 0 <= found["accuracy"] <= 1
    if split == "val":
        assert found["accuracy"] == rows(trained)[found["checkpoint_epoch"] - 1]["val/accuracy"]


def test_evaluate_with_views_says_what_they_change(call: Call, trained: Run) -> None:
    found = call("evaluate", trained.id, "--tta", 3, "--json").json
    tta = found["tta"]
    assert {"views", "accuracy", "fixed", "broken"} <= set(tta)
    assert tta["views"] == 3
    assert tta["accuracy"] == pytest.approx(found["accuracy"] + (tta["fixed"] - tta["broken"]) / 18)
    assert call("evaluate", trained.id, "--json").json["tta"] is None


def test_evaluate_for_a_person_counts_looks_at_the_test_split(call: Call, trained: Run) -> None:
    first, second = (call("evaluate", trained.id, "--split", "test") for _ in range(2))
    assert "accuracy" in first.out
    assert "%" in first.out
    assert "look 1 at the test split" in first.sentence
    assert "look 2 at the test split" in second.sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--checkpoint", "7"], "no checkpoint of epoch 7"),
        (["--tta", "33"], "--tta 33"),
        (["--tta", "-1"], "--tta -1"),
        (["--device", "cuda:9"], "cuda:9"),
    ],
    ids=str,
)
def test_an_evaluation_that_cannot_be_is_one_sentence(
    call: Call, trained: Run, arguments: list[str], words: str
) -> None:
    answer = call("evaluate", trained.id, *arguments)
    assert (answer.status, answer.out) == (1, "")
    assert words in answer.sentence


def test_a_run_without_a_checkpoint_cannot_be_evaluated(
    call: Call, store: RunStore, dataset: Dataset
) -> None:
    run = store.create(tiny.recipe(), dataset.info)
    assert "no checkpoint yet" in call("evaluate", run.id).sentence


@pytest.fixture
def pictures(tmp_path: Path, dataset: Dataset) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(3):
        Image.fromarray(dataset.images[i]).save(folder / f"{i}.png")
    return folder


def test_predict_prints_one_document(call: Call, trained: Run, pictures: Path, dataset: Dataset) -> None:
    answer = call("predict", trained.id, pictures, pictures / "0.png", "--json")
    assert answer.status == 0, answer.err
    found = answer.json
    assert len(found) == 4
    for each in found:
        assert {"image", "class", "probability", "top", "tta"} <= set(each)
        assert each["class"] in dataset.info.classes
        assert each["class"] == each["top"][0]["class"]
        assert 0 < each["probability"] <= 1
        assert each["tta"] is None
        assert sum(top["probability"] for top in each["top"]) == pytest.approx(1, abs=1e-4)


def test_predict_with_views_shows_the_votes(call: Call, trained: Run, pictures: Path) -> None:
    (found,) = call("predict", trained.id, pictures / "0.png", "--tta", 4, "--json").json
    assert found["tta"]["views"] == 4
    assert sum(found["tta"]["votes"].values()) == 4


def test_predict_writes_a_table(call: Call, trained: Run, pictures: Path, tmp_path: Path) -> None:
    answer = call("predict", trained.id, pictures, "--csv", tmp_path / "out.csv")
    assert (answer.status, answer.out) == (0, "")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == "Id,Category"
    assert len(lines) == 4


def test_predict_for_a_person(call: Call, trained: Run, pictures: Path) -> None:
    out = call("predict", trained.id, pictures, "--tta", 2).out
    assert "%" in out
    assert "of 2" in out


def test_a_file_that_is_no_image_is_named(call: Call, trained: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("hello")
    answer = call("predict", trained.id, bad)
    assert answer.status == 1
    assert "bad.png" in answer.err
    assert "Traceback" not in answer.err
    assert call("predict", trained.id, tmp_path / "none.png").status == 1
