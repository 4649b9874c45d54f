"""What stands beside the form: learning rate, samples, network, time."""

import functools
from typing import Any

import pytest

from core.optim import LrCurve
from core.recipe import Recipe
from core.runs import RunStore
from core.train import measure, preview_lr
from tests.pages.new_run.page import checked, opened, put, texts


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


def test_a_long_runs_learning_rate_is_gone_through_once(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100,000 epochs take a second, and every click draws the page anew."""
    gone_through: list[int] = []

    def counted(recipe: Recipe, *arguments: Any, **options: Any) -> LrCurve:
        gone_through.append(recipe.epochs)
        return preview_lr(recipe, *arguments, **options)

    for module in ("ui.form_checks", "core.train.preflight"):
        monkeypatch.setattr(f"{module}.preview_lr", counted)
    page = opened()
    put(page, "scheduler.kind", "cosine")
    gone_through.clear()
    put(page, "epochs", 100_000)
    assert gone_through == [100_000], "curve and warnings from one look"
    put(page, "architecture.blocks", 1)
    put(page, "seed", 7)
    assert gone_through == [100_000]
    put(page, "scheduler.t_max", 50_000)
    assert len(gone_through) == 2
    assert "climbs back up" in texts(page)
