"""`evaluate` and `predict`."""

import argparse
from pathlib import Path
from typing import Any

from core.classify import (
    MAX_VIEWS,
    Answer,
    Predictor,
    classify_images,
    compute_for,
    evaluate_run,
    found_images,
    ids_have_endings,
    look_as_json,
)
from core.cli.output import note, print_json, print_table
from core.data import Library
from core.errors import BadInput
from core.files import write_text
from core.recipe import Recipe
from core.runs import Run, RunStore
from core.train import Compute, read_card
from core.words import percent
from core.workspace import find_workspace


def evaluate(call: argparse.Namespace) -> None:
    """A checkpoint's accuracy on a split."""
    _check_views(call.tta)
    workspace = find_workspace()
    run = RunStore(workspace.runs).find(call.run)
    look = evaluate_run(
        run,
        Library(workspace.data),
        _compute(run, call),
        checkpoint=call.checkpoint,
        split=call.split,
        views=call.tta,
        averaged=call.ema,
    )
    if call.json:
        print_json(look_as_json(look))
        return
    weights = ", averaged weights (EMA)" if look.averaged else ""
    print(
        f"{look.split}, epoch {look.checkpoint_epoch}{weights}, {look.images:,} images: "
        f"accuracy {percent(look.accuracy)}, loss {look.loss:.3f}"
    )
    if look.tta_views:
        print(
            f"with TTA of {look.tta_views} views: {percent(look.tta_accuracy)} "
            f"(fixes {look.fixed}, breaks {look.broken})"
        )
        if not _recipe(run, call).augmentations:
            note("This run has no augmentations: all views of an image are alike, and TTA changes nothing.")
    if call.split == "test":
        looks = sum(1 for item in run.looks() if item.split == "test")
        note(f"This was look {looks} at the test split for this run.")


def predict(call: argparse.Namespace) -> None:
    """Classify images, folders and zips."""
    _check_views(call.tta)
    workspace = find_workspace()
    run = RunStore(workspace.runs).find(call.run)
    predictor = Predictor.load(run.checkpoint(call.checkpoint), _compute(run, call), averaged=call.ema)
    with found_images([Path(image).expanduser() for image in call.images]) as found:
        result = classify_images(predictor, found, views=call.tta)
    for sentence in result.left_out:
        note(sentence)
    if call.csv:
        endings = ids_have_endings(Library(workspace.data), predictor.card.dataset)
        write_text(Path(call.csv).expanduser(), result.csv(endings=endings))
        note(f"{len(result.answers) + len(result.unreadable):,} rows in {call.csv}")
        if result.warning:
            note(f"Warning: {result.warning}")
    if call.json:
        print_json([_as_json(answer) for answer in result.answers])
    elif not call.csv:
        rows = [
            [answer.id, answer.category, percent(answer.probability), _votes(answer)]
            for answer in result.answers
        ]
        print_table(["image", "class", "probability", "votes" if call.tta else ""], rows)


def _check_views(views: int) -> None:
    if not 0 <= views <= MAX_VIEWS:
        raise BadInput(f"--tta {views}: must be 1 to {MAX_VIEWS} views, or 0 for none.")


def _compute(run: Run, call: argparse.Namespace) -> Compute:
    """The run's own device and precision; `--device` asks for another device. The checkpoint knows
    both, so a damaged recipe.json is no hindrance."""
    return compute_for(_recipe(run, call), call.device)


def _recipe(run: Run, call: argparse.Namespace) -> Recipe:
    return read_card(run.checkpoint(call.checkpoint)).parsed_recipe()


def _votes(answer: Answer) -> str:
    """'4 of 5': the votes for the category."""
    if answer.tta is None:
        return ""
    return f"{dict(answer.tta.votes)[answer.tta.category]} of {answer.tta.views}"


def _as_json(answer: Answer) -> dict[str, Any]:
    """One image: `class` and `probability` are TTA's where TTA was asked for; `top` is the plain answer."""
    tta: dict[str, Any] | None = None
    if answer.tta:
        tta = {
            "views": answer.tta.views,
            "class": answer.tta.category,
            "votes": dict(answer.tta.votes),
            "mean_probability": answer.tta.mean_probability,
            "changed": answer.tta.changed,
        }
    return {
        "image": answer.id,
        "class": answer.category,
        "probability": answer.probability,
        "top": [{"class": name, "probability": share} for name, share in answer.top],
        "tta": tta,
    }
