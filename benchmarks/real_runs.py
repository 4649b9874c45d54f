"""Is the page right about real runs? `python -m benchmarks.real_runs --data NAME [--seeds 3] [--epochs 8]`.

Trains a small network on a data set of the app's library without augmentation, with flips and with dropout
0.5, each with so many seeds, and prints what the page says of: two seeds of one recipe, flip against none,
dropout against none, and the same with all seeds a side; then every recipe's mean and spread. The runs stay
in the app's folder of runs (PLATEAU_RUNS), to be looked at there. docs/insight.md tells of such runs on
10,000 images of CIFAR-10.
"""

import argparse
from typing import Any

from core.data import Library
from core.insight.repeats import Group
from core.insight.verdict import judge
from core.recipe import recipe_from_draft
from core.runs import RunEntry, RunStore, train
from core.words import in_points, percent
from core.workspace import find_workspace

RECIPES: dict[str, dict[str, Any]] = {
    "no augmentation": {},
    "flip": {"augmentations": [{"kind": "horizontal_flip"}]},
    "dropout 0.5": {"architecture": {"dropout": 0.5}},
}


def trained(store: RunStore, library: Library, name: str, call: argparse.Namespace) -> list[RunEntry]:
    """A recipe's runs, one per seed, each trained to its end."""
    info = library.open(call.data).info
    changed = RECIPES[name]
    made: list[RunEntry] = []
    for seed in range(call.seeds):
        draft = {
            "data": {"name": call.data},
            "architecture": {"kind": "my_net", "blocks": 2, "width": 16} | changed.get("architecture", {}),
            "augmentations": changed.get("augmentations", []),
            "optimizer": {"kind": "sgd", "lr": 0.05},
            "scheduler": {"kind": "cosine"},
            "epochs": call.epochs,
            "device": "cpu",
            "seed": seed,
        }
        run = store.create(
            recipe_from_draft(draft),
            info,
            name=f"{name}, seed {seed}" if seed else name,
            parent=made[0].id if made else None,
            queue=False,
        )
        train(run, library)
        made.append(store.entry(run))
        print(f"  {made[-1].name}: {said_of(made[-1])}", flush=True)
    return made


def said_of(entry: RunEntry) -> str:
    """How the run ended."""
    status = entry.status
    if status is None or status.best is None:
        return entry.damaged or (status.message if status else "")
    return f"{status.state}, best val {percent(status.best.val_accuracy)} at epoch {status.best.epoch}"


def main() -> None:
    """Train, and print the sentences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", required=True, help="the name of a data set in the app")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=8)
    call = parser.parse_args()
    if call.seeds < 2:
        parser.error("--seeds must be at least 2: two seeds of one recipe are compared")
    workspace = find_workspace()
    store, library = RunStore(workspace.runs), Library(workspace.data)
    plain, flip, dropout = (trained(store, library, name, call) for name in RECIPES)
    pairs = {
        "two seeds of one recipe": (plain[:1], plain[1:2]),
        "flip against none": (plain[:1], flip[:1]),
        "dropout against none": (plain[:1], dropout[:1]),
        "flip against none, all seeds": (plain, flip),
        "dropout against none, all seeds": (plain, dropout),
    }
    for what, (before, after) in pairs.items():
        found = judge(before, after)
        print(f"\n{what}:\n  {found.sentence}\n  {found.smallest_sentence}")
    print()
    for runs in (plain, flip, dropout):
        group = Group("", tuple(runs))
        spread = "" if group.spread is None else f", spread {in_points(group.spread)}"
        print(f"{group.name}: {percent(group.mean)} on average{spread}, n = {group.n}")


if __name__ == "__main__":
    main()
