"""A network answers as its run computed: the same precision, the same device where there is one."""

from argparse import Namespace
from pathlib import Path

import pytest
import torch

from core.classify import compute_for, evaluate_run
from core.cli import predict as commands
from core.data import Library
from core.errors import Unavailable
from core.runs import Run, RunStore
from core.train import device as devices
from tests.unit import tiny
from tests.unit.classify.conftest import make_run


@pytest.fixture(autouse=True)
def fast_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which 'auto' means bf16."""
    monkeypatch.setattr(devices, "_fastest_type", lambda device: (torch.bfloat16, "said by a test"))


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("auto", torch.bfloat16)])
def test_the_precision_is_the_recipes(precision: str, dtype: torch.dtype) -> None:
    recipe = tiny.recipe(precision=precision)
    assert compute_for(recipe).dtype == compute_for(recipe, "cpu").dtype == dtype


def test_a_device_that_is_not_here_is_replaced_unless_it_was_asked_for() -> None:
    recipe = tiny.recipe(device="cuda:9")
    assert compute_for(recipe).device == compute_for(recipe, "auto").device
    assert compute_for(recipe, "cpu").device == torch.device("cpu")
    with pytest.raises(Unavailable, match="cuda:8"):
        compute_for(recipe, "cuda:8")


@pytest.fixture(params=["fp32", "auto"])
def run(request: pytest.FixtureRequest, library: Library, runs_folder: Path) -> Run:
    store = RunStore(runs_folder)
    return make_run(
        store, library, [{"kind": "horizontal_flip"}], precision=request.param, ema={"decay": 0.5}
    )


@pytest.mark.parametrize("averaged", [False, True], ids=["raw", "ema"])
def test_a_vals_figures_are_to_the_bit_those_of_the_epoch(run: Run, library: Library, averaged: bool) -> None:
    look = evaluate_run(run, library, compute_for(run.recipe()), averaged=averaged)
    (row,) = run.epochs().rows
    kind = "ema_" if averaged else ""
    assert (look.accuracy, look.loss) == (row[f"val/{kind}accuracy"], row[f"val/{kind}loss"])


def test_the_command_line_gives_them_too_though_recipe_json_is_damaged(
    run: Run, library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLATEAU_RUNS", str(run.folder.parent))
    monkeypatch.setenv("PLATEAU_DATA", str(library.folder))
    (run.folder / "recipe.json").write_text("{", encoding="utf-8")
    asked = {"run": run.id, "checkpoint": "best", "split": "val", "tta": 0, "ema": False, "json": True}
    commands.evaluate(Namespace(**asked, device=None))
    (look,) = run.looks()
    (row,) = run.epochs().rows
    assert (look.accuracy, look.loss) == (row["val/accuracy"], row["val/loss"])
    assert f'"accuracy": {look.accuracy}' in capsys.readouterr().out
