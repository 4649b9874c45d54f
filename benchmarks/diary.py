"""The diary's experiments: trains them as their presets are, and prints docs/diary.md.

    python -m benchmarks.diary run PRESET... --data NAME [--train N] [--val N] [--epochs N] [--seed S]
    python -m benchmarks.diary page [--out docs/diary.md]

`run` trains on a data set of the library (PLATEAU_DATA names another one) with the loop that trains
every run, and adds what it measured to docs/figures/diary.json. `page` makes the page of the presets, of
these figures and of docs/figures/effect.json, which benchmarks.effect writes.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.diary_page import diary_lines
from benchmarks.diary_runs import DIARY_FIGURES, add_figure, measure
from core.data import Library
from core.errors import BadInput, PlateauError
from core.files import write_text
from core.recipe import load_preset
from core.train import EpochEnded
from core.workspace import find_workspace
from ui.words import percent


def run(call: argparse.Namespace) -> None:
    """Train the presets one after the other; each is stored as soon as it is done."""
    presets = [load_preset(name) for name in call.presets]
    dataset = Library(find_workspace().data).open(call.data)
    for preset in presets:
        print(preset.title, flush=True)
        settings = {name: getattr(call, name) for name in ("train", "val", "epochs", "seed")}
        found = measure(preset, dataset, **settings, listener=_print_epoch)
        add_figure(DIARY_FIGURES, found)


def _print_epoch(epoch: EpochEnded) -> None:
    accuracies = f"train {percent(epoch.train_accuracy)}  val {percent(epoch.val_accuracy)}"
    print(f"  epoch {epoch.epoch:3d}  {accuracies}  {epoch.seconds:.1f} s", flush=True)


def page(call: argparse.Namespace) -> None:
    """Print docs/diary.md, or write it: a page that cannot be made leaves the file as it is."""
    text = "\n".join(diary_lines())
    if call.out is None:
        print(text)
        return
    try:
        write_text(call.out, text + "\n")
    except OSError as error:
        rule = f"cannot be written ({error.strerror})"
        raise BadInput.at("--out", str(call.out), rule, "name a file in a folder that is there") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a problem is one sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.diary",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    runs = commands.add_parser("run", help="train presets and store what was measured")
    runs.add_argument("presets", nargs="+", metavar="PRESET", help="an experiment, such as 03-resnet18")
    runs.add_argument("--data", required=True, metavar="NAME", help="a data set of the library")
    runs.add_argument("--train", type=int, metavar="N", help="train on so many images of the train split")
    runs.add_argument("--val", type=int, metavar="N", help="validate on so many images of the val split")
    runs.add_argument("--epochs", type=int, metavar="N", help="end after so many of the preset's epochs")
    runs.add_argument("--seed", type=int, default=0, metavar="S")
    runs.set_defaults(command=run)
    pages = commands.add_parser("page", help="print docs/diary.md, or write it")
    pages.add_argument("--out", type=Path, metavar="FILE", help="write this file, such as docs/diary.md")
    pages.set_defaults(command=page)
    call = parser.parse_args(arguments)
    try:
        call.command(call)
    except PlateauError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
