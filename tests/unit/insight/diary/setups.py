"""A store with a run of each kind that a diary meets."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from core.runs import Run, RunStore
from tests.pages.made_runs import HOSTILE, data_info, make_run

IMAGES = 400
WORDS = "<script>alert(1)</script> ![x](http://evil/x.png)\n\n# heading\n```\nnever closed"
NOTE = "<!-- and now\n> a quote\n</blockquote></section><h1>out\n| a | b |\n---"


def with_answers(run: Run, share: float) -> Run:
    """The run with per-image answers of its best epoch, this share of them right."""
    best = run.status().best
    assert best
    hit = np.arange(IMAGES) < round(share * IMAGES)
    tensors = {
        "label": np.zeros(IMAGES, np.int64),
        "predicted": np.where(hit, 0, 1).astype(np.int64),
        "probability": np.full(IMAGES, 0.8, np.float32),
        "true_probability": np.where(hit, 0.8, 0.2).astype(np.float32),
    }
    save_file(tensors, run.folder / "predictions" / f"val-{best.epoch:04d}.safetensors")
    return run


def flipped(seed: int = 0) -> dict[str, object]:
    return {"augmentations": [{"kind": "horizontal_flip", "p": 0.5}], "seed": seed}


def fill(folder: Path) -> dict[str, Run]:
    """One run of each kind, by what it is."""
    store = RunStore(folder)
    found = {"first": with_answers(make_run(store, name="baseline", hypothesis="Start small."), 0.5)}
    first = found["first"].id
    found["better"] = with_answers(make_run(store, name="flip", parent=first, settings=flipped()), 0.7)
    found["repeat"] = with_answers(
        make_run(store, name="flip, seed 1", parent=found["better"].id, settings=flipped(1)), 0.72
    )
    found["hostile"] = make_run(store, name=HOSTILE, hypothesis=WORDS, info=data_info("other"))
    found["hostile"].write_notes(note=NOTE, tags=("<b>t</b>", "a|b"), star=True)
    found["failed"] = make_run(
        store, state="failed", done=0, message="The loss became nan.", hint="Lower the lr."
    )
    found["stopped"] = make_run(store, state="stopped", done=1, name="one epoch")
    found["queued"] = make_run(store, state="queued")
    found["interrupted"] = make_run(store, state="running", done=3)
    damaged = make_run(store, name="broken")
    (damaged.folder / "status.json").write_text("nothing")
    # Only its id tells when it was made: later than all that were made in this second.
    found["damaged"] = Run(damaged.folder.rename(damaged.folder.with_name("20991231-235959-my-net-0000")))
    return found
