"""`runs` and `stop`."""

import argparse
from typing import Any

from core.cli.output import note, print_json, print_table
from core.runs import RunEntry, RunStore
from core.words import percent
from core.workspace import find_workspace


def runs(call: argparse.Namespace) -> None:
    """List all runs."""
    entries = RunStore(find_workspace().runs).list()
    if call.json:
        print_json([run_as_json(entry) for entry in entries])
        return
    if not entries:
        note("No runs yet; `python -m core train RECIPE --data NAME` makes one.")
        return
    rows = []
    for entry in entries:
        status = entry.status
        if status is None:
            rows.append([entry.id, "damaged", "", "", "", "", entry.notes.name])
            continue
        best = f"{percent(status.best.val_accuracy)} (epoch {status.best.epoch})" if status.best else "-"
        done = f"{status.epoch}/{status.epochs}"
        rows.append([entry.id, entry.state, status.dataset, status.architecture, done, best, entry.name])
    print_table(["id", "state", "data", "architecture", "epochs", "best val", "name"], rows)


def run_as_json(entry: RunEntry) -> dict[str, Any]:
    """A run as `runs --json` prints it."""
    status = entry.status
    if status is None:
        return {"id": entry.id, "state": "damaged", "name": entry.notes.name, "message": entry.damaged}
    return {
        "id": entry.id,
        "state": entry.state,
        "name": entry.notes.name,
        "dataset": status.dataset,
        "architecture": status.architecture,
        "epochs": status.epochs,
        "epoch": status.epoch,
        "best": status.best.model_dump() if status.best else None,
        "last": status.last.model_dump() if status.last else None,
        "elapsed_s": status.elapsed_s,
        "images_per_s": status.images_per_s,
        "device": status.device,
        "parent": status.parent,
        "created_at": status.created_at,
        "message": entry.damaged or " ".join(filter(None, (status.message, *entry.lost))),
        "hypothesis": entry.notes.hypothesis,
        "tags": entry.notes.tags,
        "star": entry.notes.star,
    }


def stop(call: argparse.Namespace) -> None:
    """Stop a run, whichever process trains it."""
    store = RunStore(find_workspace().runs)
    run = store.find(call.run)
    store.stop(run, "after_epoch" if call.after_epoch else "now")
    note(f"Asked {run.id} to stop{' after this epoch' if call.after_epoch else ''}.")
