"""Every command and its options. The commands import what they need when they run, so that a
quick one such as `runs` does not wait for torch."""

import argparse
from collections.abc import Callable
from typing import Any

Command = Callable[[argparse.Namespace], Any]
RUN = "a run's name, its id or a beginning or end of it, or 'last'"


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Add all commands to the parser."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_data(commands)
    presets = _add(commands, "presets", "core.cli.presets:presets", "list the ready-made recipes")
    presets.add_argument("preset", nargs="?", metavar="PRESET", help="a preset's id: show this one in full")
    _add_json(presets)
    _add_train(commands)
    runs = _add(commands, "runs", "core.cli.runs:runs", "list all runs, newest first")
    _add_json(runs)
    stop = _add(commands, "stop", "core.cli.runs:stop", "stop a training run, or take one out of the queue")
    stop.add_argument("run", metavar="RUN", help=RUN)
    stop.add_argument("--after-epoch", action="store_true", help="let the epoch that is under way end first")
    resume = _add(commands, "resume", "core.cli.training:resume", "let a run go on from its last whole epoch")
    which = resume.add_mutually_exclusive_group(required=True)
    which.add_argument("run", metavar="RUN", nargs="?", help=RUN)
    which.add_argument(
        "--interrupted", action="store_true", help="instead of RUN: every interrupted run, the oldest first"
    )
    resume.add_argument("--epochs", metavar="N", help="go on to N epochs in all; +N for N more")
    resume.add_argument("--hold-lr", action="store_true", help="beyond the planned end, keep the last lr")
    _add_evaluate(commands)
    _add_predict(commands)
    _add_compare(commands)
    _add_diary(commands)
    _add(
        commands,
        "reference",
        "core.cli.reference:reference",
        "print every setting of every choice as Markdown",
    )


def _add(commands: Any, name: str, target: str, about: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    parser.set_defaults(command=_lazy(target))
    return parser


def _lazy(target: str) -> Command:
    """The command `module:function`, imported when it is called."""

    def run(call: argparse.Namespace) -> Any:
        import importlib

        module, _, function = target.partition(":")
        return getattr(importlib.import_module(module), function)(call)

    return run


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def _add_data(commands: Any) -> None:
    data = commands.add_parser(
        "data", help="list or import data sets", description="list or import data sets"
    )
    parts = data.add_subparsers(required=True, metavar="ACTION")
    _add_json(_add(parts, "list", "core.cli.data:list_datasets", "list the imported data sets"))
    load = _add(parts, "import", "core.cli.data:import_dataset", "import images as a data set")
    load.add_argument(
        "path",
        metavar="PATH",
        help="a folder or zip of class folders; a folder of images (with --csv); 'shapes'; or a known set "
        "such as cifar10",
    )
    load.add_argument("--name", required=True, help="the data set's name")
    load.add_argument("--csv", metavar="FILE", help="the table of labels: a row per image of the folder PATH")
    load.add_argument("--id-column", default="Id", metavar="COLUMN")
    load.add_argument("--category-column", default="Category", metavar="COLUMN")
    load.add_argument("--test-folder", metavar="DIR", help="with --csv: unlabelled test images")
    load.add_argument("--classes", type=int, metavar="N", help="shapes: how many classes")
    load.add_argument("--images", type=int, metavar="N", help="shapes: how many images")
    load.add_argument("--size", type=int, metavar="PX", help="side of the stored square images")
    load.add_argument("--resize", choices=["crop", "pad", "stretch"], default="crop")
    load.add_argument("--color", choices=["as stored", "rgb", "grey"], default="as stored")
    load.add_argument("--val", type=float, metavar="SHARE", help="share of the images for val")
    load.add_argument("--test", type=float, metavar="SHARE", help="share of the images for test")
    load.add_argument("--seed", type=int, default=0, help="seed of the split (and of the shapes)")


def _add_train(commands: Any) -> None:
    train = _add(
        commands, "train", "core.cli.training:train", "train a recipe; the last line printed is the run's id"
    )
    train.add_argument(
        "recipe", metavar="RECIPE", help="a preset's id (of the diary also its number) or a JSON file"
    )
    train.add_argument("--data", metavar="NAME", help="the data set")
    train.add_argument("--epochs", type=int, metavar="N")
    train.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        dest="assignments",
        help="change a setting, such as optimizer.lr=0.05 or scheduler.kind=cosine; may be repeated",
    )
    train.add_argument(
        "--repeat",
        type=int,
        default=1,
        metavar="N",
        help="N runs in all with N seeds, the first with the recipe's own; all are queued at once, trained "
        "one after the other, and each one's id is printed as it ends. Ctrl-C stops the one that trains "
        "(resume goes on with it) and takes those that wait out of the queue",
    )
    train.add_argument(
        "--name",
        default="",
        help="a name for the run (default: the preset's title); repeats add their seed to it",
    )
    train.add_argument("--hypothesis", default="", help="why this run?")


def _add_evaluate(commands: Any) -> None:
    evaluate = _add(
        commands, "evaluate", "core.cli.predict:evaluate", "a checkpoint's accuracy on val or test"
    )
    _add_checkpoint(evaluate)
    evaluate.add_argument("--split", choices=["val", "test"], default="val")
    _add_json(evaluate)


def _add_predict(commands: Any) -> None:
    predict = _add(commands, "predict", "core.cli.predict:predict", "classify images")
    _add_checkpoint(predict)
    predict.add_argument(
        "images", nargs="+", metavar="IMAGE", help="image files; a folder or zip counts as its images"
    )
    predict.add_argument(
        "--csv",
        metavar="OUT",
        help="write a table Id,Category with a row for every image: one that cannot be read gets the most "
        "frequent answer, with a warning; Ids have file endings unless the table of labels that the run's "
        "data set came from has none",
    )
    _add_json(predict)


def _add_compare(commands: Any) -> None:
    compare = _add(
        commands,
        "compare",
        "core.cli.compare:compare",
        "what changed between two runs, what it did, and whether it is real",
    )
    compare.add_argument("before", metavar="RUN", help=f"the baseline: {RUN}")
    compare.add_argument("after", metavar="RUN", help="the run that is judged against it")
    _add_json(compare)


def _add_diary(commands: Any) -> None:
    diary = _add(
        commands, "diary", "core.cli.diary:diary", "write the diary: every run, what changed, what it did"
    )
    diary.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help="FILE.zip for Markdown with its pictures, FILE.html for one file with all inside",
    )
    diary.add_argument(
        "--run",
        action="append",
        default=[],
        metavar="RUN",
        help=f"this run only: {RUN}; may be repeated",
    )


def _add_checkpoint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help=RUN)
    parser.add_argument("--checkpoint", default="best", metavar="best|last|EPOCH", type=_checkpoint)
    parser.add_argument(
        "--tta", type=int, default=0, metavar="N", help="also by test-time augmentation with N views"
    )
    parser.add_argument("--ema", action="store_true", help="the averaged weights, where the run kept them")
    parser.add_argument("--device", help="such as cpu or cuda:0; the run's own where this machine has it")


def _checkpoint(text: str) -> str | int:
    if text in ("best", "last"):
        return text
    if text.isdigit():
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is neither best, last nor an epoch")
