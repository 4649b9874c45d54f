"""docs/diary.md, made of the presets and of what benchmarks.diary and benchmarks.effect have measured."""

from collections.abc import Collection, Iterator, Sequence

from benchmarks import effect_figures
from benchmarks.diary_runs import DIARY_FIGURES, Figures, Measurement, read_figures
from benchmarks.effect_figures import EFFECT_FIGURES, Result, read_result, recipe_of
from benchmarks.recipe_parts import cells, changed, table
from core.models import MyNet
from core.recipe import DIARY, REPORTED, Preset, load_presets, predecessors
from core.recipe.contents import contents
from ui.words import count, duration, percent

EFFECT_PRESETS = {"my_net": "02-my-net-two-blocks", "my_resnet18": "04-my-resnet18"}
"""The experiments that the models of benchmarks.effect resemble."""
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
[to the bit](../tests/unit/optim/test_schedule.py), for each scheduler. The diary's five augmentations give
[the pixels of torchvision's](../tests/unit/augment/test_parity.py) on tensors, for the same drawn
parameters: flip, shift and solarize exactly, rotation but for at most one pixel in 10,000, on a border
that rounding decides, blur to a millionth of the range. After 50 optimizer steps in fp32, with dropout
and ShakeDrop and with torch's fused kernels on both sides, a small network has
[the weights of a plain loop](../tests/unit/train/test_parity.py) of torch's own parts, given the same
draws, to a relative 0.00001. Torch's default kernels differ from the fused ones in the last bit, which
this network's kinks amplify: with SiLU in place of ReLU, without the max-pool and at a tenth of the
learning rate it agrees with them too, for every optimizer. No such closeness is tested in bfloat16, which
'auto' prefers on processors made for it. Both larger networks lose their strides
[where the diary says so](../tests/unit/models/test_edits.py), and every experiment
[trains for two steps](../tests/unit/runs/test_diary_presets.py) on 200 classes of 40x40 pixels.

The reported figures themselves cannot be compared: the diary's images are not public, and other images,
another split and another number of classes give other figures (a guess is right in 0.5 % of 200 classes,
and in 10 % of ten). So 'reproduced here' names the data and the number of images first, and its
accuracies belong to those alone. A run on CIFAR-10 can tell whether the order of the diary's conclusions
is plausible, not whether its figures are. What was not trained says 'not run', and a run of fewer epochs
than the preset's shows that it runs, no more.
"""

COMMANDS = """\
## The commands

Row 03, from the download of CIFAR-10 on:

    python -m core data import cifar10 --name cifar10
    python -m benchmarks.first_images cifar10 first-10000 --train 10000 --test 2000
    python -m core data import first-10000 --name cifar10-first-10000
    python -m benchmarks.diary run 03-resnet18 --data cifar10-first-10000
    python -m benchmarks.diary page --out docs/diary.md

The data set is the same one if its row has the same split fingerprint. With another processor or another
torch, sums are rounded another way, and a training may end elsewhere. The same preset trains as a run of its
own, to be watched and compared, with `python -m core train 03-resnet18 --data cifar10-first-10000`.

The engine against a notebook:

    python -m benchmarks.first_images cifar10 first-12500 --train 12500
    python -m core data import first-12500 --name cifar10-first-12500 --val 0.19 --test 0.01
    python -m benchmarks.effect --data cifar10-first-12500"""


def page_lines(presets: Sequence[Preset], figures: Figures, compared: Result | None) -> Iterator[str]:
    """The page, line by line: `presets` are the diary's, in its order; `compared` is the result of
    benchmarks.effect, where there is one."""
    readings = list(dict.fromkeys(reading for preset in presets for reading in preset.readings))
    before = predecessors(presets)
    yield from OPENING.splitlines()
    yield from ("", "## Reported, changed, reproduced", "")
    yield from table(
        EXPERIMENT_COLUMNS,
        [_reported(preset, before.get(preset.id), figures.runs) for preset in presets],
    )
    yield from ("", "## What each preset contains", "")
    yield from table(
        ["", *contents(presets[0].recipe), "readings"],
        [_contained(preset, readings) for preset in presets],
    )
    yield from ("", "## Readings", "", "Where the diary is silent, and what is done instead.", "")
    yield from (f"{number}. {reading}" for number, reading in enumerate(readings, 1))
    yield from ("", "my_net with two blocks, layer by layer, for 200 classes:", "")
    yield from (f"    {line}" for line in str(MyNet(blocks=2).build(200, 3, 40, 0)).splitlines())
    yield from ("", "## What was run here", "")
    yield from _measured(figures)
    yield from ("", "## The engine against a notebook", "")
    yield from _effect(presets, figures, compared)
    yield ""
    yield from COMMANDS.splitlines()


def _contained(preset: Preset, readings: Sequence[str]) -> list[str]:
    numbers = sorted(readings.index(reading) + 1 for reading in preset.readings)
    return [preset.title[:2], *cells(preset.recipe), ", ".join(map(str, numbers))]


def _reported(preset: Preset, before: Preset | None, figures: Sequence[Measurement]) -> list[str]:
    percents = [preset.reported_percent.get(name) for name in REPORTED]
    reported = ["–" if value is None else f"{value:g}" for value in percents]
    if preset.tta_views and percents[-1] is not None:
        reported[-1] += f" ({preset.tta_views} views)"
    here = [_here(found) for found in figures if found.preset == preset.id]
    return [
        preset.title,
        changed(before.recipe, preset.recipe) if before else "the first",
        *reported,
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
        "learning rate may lie far below the best one. The best val is that of the epoch chosen by val "
        "itself, so it is optimistic. Time is by the clock, beside whatever else the machine did."
    )
    yield ""
    used = {found.data for found in figures.runs}
    yield from _explained(used, figures)
    runs = sorted(figures.runs, key=lambda found: found.preset)
    yield from table(RUN_COLUMNS, [_row(found) for found in runs])
    yield from _orders(runs)


def _orders(runs: Sequence[Measurement]) -> Iterator[str]:
    """Whole trainings on the same images in the same precision, the highest val accuracy first."""
    groups: dict[str, list[Measurement]] = {}
    for found in runs:
        if found.epochs == found.preset_epochs:
            key = (
                f"{_data(found)}, {count(found.train_images)} train and {count(found.val_images)} val "
                f"images, {found.precision}, seed {found.seed}"
            )
            groups.setdefault(key, []).append(found)
    for key, members in groups.items():
        if len(members) < 2:
            continue
        best = sorted(members, key=lambda found: -found.best_val_accuracy)
        last = sorted(members, key=lambda found: -found.val_accuracy)
        by_best = ", ".join(f"{found.preset[:2]} {percent(found.best_val_accuracy)}" for found in best)
        by_last = ", ".join(f"{found.preset[:2]} {percent(found.val_accuracy)}" for found in last)
        yield from ("", f"The order on {key}: by the best val, {by_best}; by the last, {by_last}.")


def _data(found: Measurement) -> str:
    return f"{found.data} (split fingerprint {found.split_fingerprint[:12]})"


def _explained(names: Collection[str], figures: Figures) -> Iterator[str]:
    """What stands behind the names of data sets."""
    about = [f"- {name}: {text}" for name, text in figures.data.items() if name in names]
    yield from (*about, *([""] if about else []))


def _row(found: Measurement) -> list[str]:
    return [
        found.preset[:2],
        f"{_data(found)}: {found.classes} classes, {found.image_size} px",
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


def _effect(presets: Sequence[Preset], figures: Figures, result: Result | None) -> Iterator[str]:
    """The tables of benchmarks.effect, which trains the same recipes by the engine and by a notebook."""
    yield (
        "[benchmarks/effect.py](../benchmarks/effect.py) trains the same recipes with this engine and with "
        "a plain notebook loop of torchvision's transforms, with several seeds each, and keeps every "
        "accuracy in [effect.json](figures/effect.json). The network comes from the engine's builder on "
        "both sides, so nothing is said about that; first weights, order, augmentation and dropout are "
        "drawn independently."
    )
    yield ""
    if result is None:
        yield "Not measured."
        return
    yield from _explained([result.data.name], figures)
    yield from ("The models are small enough for a CPU, and not the diary's:", "")
    by_id = {preset.id: preset for preset in presets}
    for model, case in result.cases.items():
        preset = by_id.get(EFFECT_PRESETS.get(model, ""))
        if preset:
            yield f"- {model} against {preset.title[:2]}: {changed(preset.recipe, recipe_of(case, 0))}."
    yield ""
    yield from effect_figures.lines(result)


def diary_lines() -> Iterator[str]:
    """docs/diary.md as it should be, line by line. Raises Damaged where the figures are."""
    presets = [preset for preset in load_presets() if preset.group == DIARY]
    try:
        compared = read_result(EFFECT_FIGURES)
    except FileNotFoundError:
        compared = None
    return page_lines(presets, read_figures(DIARY_FIGURES), compared)
