"""The diary's experiments: trains them as their presets are, and prints docs/diary.md.

    python -m benchmarks.diary run PRESET... --data NAME [--train N] [--val N] [--epochs N] [--seed S]
    python -m benchmarks.diary page > docs/diary.md

`run` trains on a data set of the library (PLATEAU_DATA names another one) with the loop that trains
every run, and adds what it measured to docs/figures/diary.json. `page` prints the page from the
presets and from the figures.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import effect
from benchmarks.diary_runs import Figures, Measurement, add_figure, measure, read_figures
from core.data import Library
from core.errors import PlateauError
from core.files import read_json
from core.models import MyNet
from core.recipe import DIARY, REPORTED, Preset, load_preset, load_presets, predecessors
from core.spec import Spec, settings_of
from core.train import EpochEnded
from core.workspace import find_workspace
from ui.setting_words import kind_words, value_words
from ui.words import count, duration, percent

FIGURES = Path(__file__).resolve().parent.parent / "docs" / "figures"
DIARY_FIGURES, EFFECT_FIGURES = FIGURES / "diary.json", FIGURES / "effect.json"

Parts = list[str]
CHOICES = ("network", "optimizer", "scheduler")
"""Columns whose first part is the name of a choice, and the others its settings."""
EXPERIMENT_COLUMNS = ("experiment", "changed", *REPORTED.values(), "remark", "reproduced here")
RUN_COLUMNS = (
    *("", "data", "train, val images", "epochs", "train", "clean train", "val", "best val", "seed"),
    *("time", "precision", "machine", "torch", "date"),
)

OPENING = """\
# The diary

A notebook's author kept a diary of 26 experiments on one task: 40x40 images of 200 classes, one label
each, learned from scratch, from a plain network of one block to an EfficientNetV2-S with ShakeDrop. Each
experiment is a preset here (`python -m core presets`): a recipe as the diary gives it. The first table
has what each experiment changed against the one before it, what the diary reported (in percent; a dash
where it reported nothing), and what was really trained here. The second has what each preset contains.
Then come the readings: what was assumed where the diary is silent.

Equal by test are the presets' [settings and reported figures](../tests/unit/recipe/test_diary_presets.py),
and the parts that an experiment is made of. The learning rate of every step is torch's own
[to the bit](../tests/unit/optim/test_schedule.py), for each scheduler. Each augmentation gives
[the pixels of torchvision's](../tests/unit/augment/test_parity.py) on tensors, for the same drawn
parameters: flip, shift, rotation and solarize exactly (of a rotation's pixels, one in 10,000 may lie on a
border that rounding decides), blur to a millionth of the range. After 50 optimizer steps in fp32, with
dropout and ShakeDrop, a small network has
[the weights of a plain loop](../tests/unit/train/test_parity.py) of torch's own parts, given the same
draws, to a relative 0.00001; no such closeness is tested in bfloat16, which 'auto' prefers on processors
made for it. Both larger networks lose their strides
[where the diary says so](../tests/unit/models/test_edits.py), and every experiment
[trains for a few steps](../tests/unit/runs/test_diary_presets.py) on 200 classes of 40x40 pixels.

The reported figures themselves cannot be compared: the diary's images are not public, and other images,
another split and another number of classes give other figures (a guess is right in 0.5 % of 200 classes,
and in 10 % of ten). So 'reproduced here' names the data and the number of images first, and its
accuracies belong to those alone. A run on CIFAR-10 can tell whether the order of the diary's conclusions
is plausible, not whether its figures are. What was not trained says 'not run', and a run of fewer epochs
than the preset's shows that it runs, no more.
"""

COMMANDS = """\
## Training one

    python -m core data import cifar10 --name cifar10
    python -m benchmarks.diary run 03-resnet18 --data cifar10
    python -m benchmarks.diary page > docs/diary.md

The same preset trains as a run of its own, to be watched and compared, with
`python -m core train 03-resnet18 --data cifar10`."""


def page_lines(presets: Sequence[Preset], figures: Figures) -> Iterator[str]:
    """The page, line by line: `presets` are the diary's, in its order."""
    readings = list(dict.fromkeys(reading for preset in presets for reading in preset.readings))
    before = predecessors(presets)
    yield from OPENING.splitlines()
    yield from ("", "## Reported, changed, reproduced", "")
    yield from _table(
        EXPERIMENT_COLUMNS,
        [_reported(preset, before.get(preset.id), figures.runs) for preset in presets],
    )
    yield from ("", "## What each preset contains", "")
    yield from _table(
        ["", *contents(presets[0]), "readings"],
        [_contained(preset, readings) for preset in presets],
    )
    yield from ("", "## Readings", "", "Where the diary is silent, and what is done instead.", "")
    yield from (f"{number}. {reading}" for number, reading in enumerate(readings, 1))
    yield from ("", "my_net with two blocks, layer by layer, for 200 classes:", "")
    yield from (f"    {line}" for line in str(MyNet(blocks=2).build(200, 3, 40, 0)).splitlines())
    yield from ("", "## What was run here", "")
    yield from _measured(figures)
    yield from ("", "## The engine against a notebook", "")
    yield from _effect()
    yield ""
    yield from COMMANDS.splitlines()


def contents(preset: Preset) -> dict[str, Parts]:
    """What a preset is made of, in few words: a list of parts per column of the table."""
    recipe = preset.recipe
    dropout: float = getattr(recipe.architecture, "dropout", 0.0)
    kept = [f"epoch {epoch} kept" for epoch in recipe.checkpoints.epochs]
    return {
        "network": _network(recipe.architecture),
        "augmentations": [
            f"{augmentation.summary()} (p {augmentation.p:g})" for augmentation in recipe.augmentations
        ],
        "optimizer": _choice(recipe.optimizer),
        "scheduler": _choice(recipe.scheduler),
        "dropout": [f"{dropout:g}"],
        "normalization": [kind_words("normalization", recipe.normalization.kind)],
        "batch": [str(recipe.batch_size)],
        "epochs": [str(recipe.epochs), *kept],
    }


def _contained(preset: Preset, readings: Sequence[str]) -> list[str]:
    cells = [", ".join(parts) or "none" for parts in contents(preset).values()]
    numbers = sorted(readings.index(reading) + 1 for reading in preset.readings)
    return [preset.title[:2], *cells, ", ".join(map(str, numbers))]


def changed(before: Preset, preset: Preset) -> str:
    """What a preset contains that the one before it did not, and the other way round."""
    found = []
    old, new = contents(before), contents(preset)
    for column, parts in new.items():
        # Of another choice all is told: what two choices have in common says nothing.
        other = column in CHOICES and old[column][0] != parts[0]
        gone = ", ".join(part for part in old[column] if other or part not in parts)
        come = ", ".join(part for part in parts if other or part not in old[column])
        if gone and come:
            found.append(f"{column}: {gone} → {come}")
        elif gone or come:
            found.append(f"{column}: {'+ ' + come if come else '− ' + gone}")
    return "; ".join(found)


def _network(architecture: Spec) -> Parts:
    """An architecture's name and what differs from its published form; dropout has its own column."""
    parts = [architecture.label]
    for setting in settings_of(type(architecture)):
        value = getattr(architecture, setting.name)
        match setting.name:
            case "dropout":
                continue
            case "blocks":
                parts.append("1 block" if value == 1 else f"{value} blocks")
            case _ if value == setting.default:
                continue
            case "full_resolution_steps":
                parts.append(f"first {value} downsampling steps at full resolution")
            case "max_pool":
                parts.append("no max-pool")
            case "shakedrop":
                parts.append(f"ShakeDrop {value.probability:g} ({value.place})")
            case _:
                parts.append(f"{setting.label.lower()} {value_words(value)}")
    return parts


def _choice(spec: Spec) -> Parts:
    """An optimizer's or scheduler's name and its settings, by the names that torch has for them."""
    parts = [spec.label]
    for setting in settings_of(type(spec)):
        value = getattr(spec, setting.name)
        if setting.level == "expert" and value == setting.default:
            continue
        name = "T_max" if setting.name == "t_max" else setting.name
        if isinstance(value, bool):
            parts += [name] if value else []
        else:
            parts.append(f"{name} {value_words(value)}")
    return parts


def _reported(preset: Preset, before: Preset | None, figures: Sequence[Measurement]) -> list[str]:
    percents = [preset.reported_percent.get(name) for name in REPORTED]
    cells = ["–" if value is None else f"{value:g}" for value in percents]
    if preset.tta_views and percents[-1] is not None:
        cells[-1] += f" ({preset.tta_views} views)"
    here = [_here(found) for found in figures if found.preset == preset.id]
    return [
        preset.title,
        changed(before, preset) if before else "the first",
        *cells,
        preset.about,
        "<br>".join(here) or "not run",
    ]


def _here(found: Measurement) -> str:
    """One training, data and images first; of a part of the epochs no accuracy is told here."""
    data = f"{found.data}, {count(found.train_images)} images"
    if found.epochs < found.preset_epochs:
        return f"{data}: {found.epochs} of {found.preset_epochs} epochs; it runs, no more"
    best = f"best {percent(found.best_val_accuracy)} at epoch {found.best_epoch}"
    return f"{data}: train {percent(found.train_accuracy)}, val {percent(found.val_accuracy)} ({best})"


def _measured(figures: Figures) -> Iterator[str]:
    if not figures.runs:
        yield "Nothing yet."
        return
    yield (
        "Train and val are of the last epoch run, train in training mode on augmented images; clean train "
        "is in evaluation mode, on as many training images as there are val images. Each row is one "
        "training with one seed, so a difference between rows may be chance, and a last epoch at a constant "
        "learning rate may lie far below the best one. Time is by the clock, beside whatever else the "
        "machine did."
    )
    yield ""
    used = {found.data for found in figures.runs}
    about = [f"- {name}: {text}" for name, text in figures.data.items() if name in used]
    yield from (*about, *([""] if about else []))
    runs = sorted(figures.runs, key=lambda found: found.preset)
    yield from _table(RUN_COLUMNS, [_row(found) for found in runs])
    yield from _orders(runs)


def _orders(runs: Sequence[Measurement]) -> Iterator[str]:
    """Whole trainings on the same images, the highest val accuracy first."""
    groups: dict[str, list[Measurement]] = {}
    for found in runs:
        if found.epochs == found.preset_epochs:
            key = f"{found.data}, {count(found.train_images)} images, seed {found.seed}"
            groups.setdefault(key, []).append(found)
    for key, members in groups.items():
        if len(members) < 2:
            continue
        best = sorted(members, key=lambda found: -found.best_val_accuracy)
        last = sorted(members, key=lambda found: -found.val_accuracy)
        by_best = ", ".join(f"{found.preset[:2]} {percent(found.best_val_accuracy)}" for found in best)
        by_last = ", ".join(f"{found.preset[:2]} {percent(found.val_accuracy)}" for found in last)
        yield from ("", f"The order on {key}: by the best val, {by_best}; by the last, {by_last}.")


def _row(found: Measurement) -> list[str]:
    return [
        found.preset[:2],
        f"{found.data}: {found.classes} classes, {found.image_size} px",
        f"{count(found.train_images)}, {count(found.val_images)}",
        f"{found.epochs} of {found.preset_epochs}",
        percent(found.train_accuracy),
        percent(found.clean_train_accuracy),
        percent(found.val_accuracy),
        f"{percent(found.best_val_accuracy)} at epoch {found.best_epoch}",
        str(found.seed),
        duration(found.seconds),
        found.precision,
        f"{found.cpu}; {found.device}",
        found.torch,
        found.date,
    ]


def _effect() -> Iterator[str]:
    """The table of benchmarks.effect, which trains the same recipes by the engine and by a notebook."""
    yield (
        "[benchmarks/effect.py](../benchmarks/effect.py) trains the same recipes with this engine and with "
        "a plain notebook loop of torchvision's transforms, with several seeds each."
    )
    yield ""
    try:
        result: dict[str, Any] = read_json(EFFECT_FIGURES)
    except FileNotFoundError:
        yield "Not measured."
        return
    data = result["data"]
    yield (
        f"{data['name']}, {count(data['train'])} training and {count(data['val'])} val images of "
        f"{data['image_size']} px; {result['precision']} on {result['cpu']}, {result['threads']} thread(s), "
        f"torch {result['versions']['torch']}, {result['date']}."
    )
    yield ""
    yield from effect.table(result)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A Markdown table."""
    for row in (header, ["---"] * len(header), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


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
    """Print docs/diary.md."""
    print("\n".join(diary_lines()))


def diary_lines() -> Iterator[str]:
    """docs/diary.md as it should be, line by line."""
    presets = [preset for preset in load_presets() if preset.group == DIARY]
    return page_lines(presets, read_figures(DIARY_FIGURES))


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
    commands.add_parser("page", help="print docs/diary.md").set_defaults(command=page)
    call = parser.parse_args(arguments)
    try:
        call.command(call)
    except PlateauError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
