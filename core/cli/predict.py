"""`evaluate` and `predict`."""

import argparse
from pathlib import Path
from typing import Any

from core.classify import MAX_VIEWS, Predictor, evaluate_run, look_as_json
from core.classify.folder import Answer, classify_images, found_images
from core.cli.output import note, percent, print_json, print_table
from core.data import Library
from core.errors import BadInput
from core.files import write_text
from core.runs import RunStore
from core.train import resolve_compute
from core.workspace import find_workspace

SHOWN_CLASSES = 5


def evaluate(call: argparse.Namespace) -> None:
    """A checkpoint's accuracy on a split."""
    _check_views(call.tta)
    workspace = find_workspace()
    run = RunStore(workspace.runs).find(call.run)
    look = evaluate_run(
        run,
        Library(workspace.data),
        resolve_compute(call.device, "auto"),
        checkpoint=call.checkpoint,
        split=call.split,
        views=call.tta,
        averaged=call.ema,
    )
    if call.json:
        print_json(look_as_json(look))
        return
    print(
        f"{look.split}, epoch {look.checkpoint_epoch}, {look.images:,} images: "
        f"accuracy {percent(look.accuracy)}, loss {look.loss:.3f}"
    )
    if look.tta_views:
        print(
            f"with TTA of {look.tta_views} views: {percent(look.tta_accuracy)} "
            f"(fixes {look.fixed}, breaks {look.broken})"
        )
    if call.split == "test":
        looks = sum(1 for item in run.looks() if item.split == "test")
        note(f"This was look {looks} at the test split for this run.")


def predict(call: argparse.Namespace) -> None:
    """Classify images, folders and zips."""
    _check_views(call.tta)
    run = RunStore(find_workspace().runs).find(call.run)
    compute = resolve_compute(call.device, "auto")
    predictor = Predictor.load(run.checkpoint(call.checkpoint), compute, averaged=call.ema)
    with found_images([Path(image).expanduser() for image in call.images]) as found:
        result = classify_images(predictor, found, views=call.tta)
    for sentence in result.left_out:
        note(sentence)
    if call.csv:
        write_text(Path(call.csv).expanduser(), result.csv())
        note(f"{len(result.answers):,} rows in {call.csv}")
    if call.json:
        print_json([_as_json(answer, predictor.card.classes) for answer in result.answers])
    elif not call.csv:
        rows = [
            [answer.id, answer.category, percent(answer.probability), _votes(answer)]
            for answer in result.answers
        ]
        print_table(["image", "class", "probability", "votes" if call.tta else ""], rows)


def _check_views(views: int) -> None:
    if not 0 <= views <= MAX_VIEWS:
        raise BadInput(f"--tta {views}: must be 1 to {MAX_VIEWS} views, or 0 for none.")


def _votes(answer: Answer) -> str:
    tta = answer.prediction.tta
    return f"{tta.votes.max()} of {len(tta.views)}" if tta else ""


def _as_json(answer: Answer, classes: tuple[str, ...]) -> dict[str, Any]:
    """One image: `class` and `probability` are TTA's where TTA was asked for; `top` is the plain answer."""
    prediction = answer.prediction
    tta: dict[str, Any] | None = None
    if prediction.tta:
        tta = {
            "views": len(prediction.tta.views),
            "class": classes[prediction.tta.predicted],
            "votes": {classes[i]: int(n) for i, n in enumerate(prediction.tta.votes) if n},
            "mean_probability": float(prediction.tta.mean_probabilities[prediction.tta.predicted]),
            "changed": prediction.tta.predicted != prediction.predicted,
        }
    return {
        "image": answer.id,
        "class": answer.category,
        "probability": answer.probability,
        "top": [{"class": classes[i], "probability": p} for i, p in prediction.top(SHOWN_CLASSES)],
        "tta": tta,
    }
