"""Settings that cannot be: in a recipe, against a data set and a machine, of an import, and of names."""

import json
import shutil
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from core.data import FolderSource, ImportOptions, ShapesSource
from core.errors import InvalidSettings
from core.files import to_json
from core.problems import problems_of
from core.recipe import parse_recipe, recipe_to_draft, set_values
from core.runs import Run
from core.spec import Spec
from core.train.preflight import check
from tests.faults.bad_case import Act, Bad, Desk
from tests.unit import tiny


def _recipe(path: str, value: Any) -> Callable[[Desk], Act]:
    """A recipe file with one value replaced."""

    def make(desk: Desk) -> Act:
        draft = recipe_to_draft(tiny.recipe())
        holder: Any = draft
        *parents, last = path.split(".")
        for part in parents:
            holder = holder[part]
        holder[last] = value
        return lambda: parse_recipe(json.dumps(draft))

    return make


def _text(text: str | bytes) -> Callable[[Desk], Act]:
    return lambda desk: lambda: parse_recipe(text)


def _checked(**settings: Any) -> Callable[[Desk], Act]:
    """A recipe that is valid by itself, against the data set and this machine."""

    def make(desk: Desk) -> Act:
        recipe = tiny.recipe(**settings)
        here = recipe.data.name == tiny.DATASET

        def act() -> None:
            problems = check(recipe, desk.dataset.info if here else None).problems
            if problems:
                raise InvalidSettings(problems)

        return act

    return make


def _options(spec: type[Spec], **values: Any) -> Callable[[Desk], Act]:
    def act() -> None:
        try:
            spec.model_validate_json(to_json(values))
        except ValidationError as error:
            raise InvalidSettings(problems_of(error, spec)) from error

    return lambda desk: act


def _named(name: str) -> Callable[[Desk], Act]:
    return lambda desk: desk.importing(FolderSource(path=str(desk.place)), name)


def _asked(text: str) -> Callable[[Desk], Act]:
    return lambda desk: lambda: desk.store.get(text)


def _found(text: str) -> Callable[[Desk], Act]:
    return lambda desk: lambda: desk.store.find(text)


def _set(assignment: str) -> Callable[[Desk], Act]:
    return lambda desk: lambda: set_values(tiny.recipe(), [assignment])


def _extended(epochs: int) -> Callable[[Desk], Act]:
    return lambda desk: lambda: desk.store.extend(desk.run, epochs)


def _launched(name: str = "", hypothesis: str = "") -> Callable[[Desk], Act]:
    """A run with this name or hypothesis."""
    return lambda desk: (
        lambda: desk.store.create(tiny.recipe(), desk.dataset.info, name=name, hypothesis=hypothesis)
    )


def _two_of_one_name(desk: Desk) -> Act:
    """A name may be taken: what is refused is to mean one of the two by it."""
    for run_id in ("20200101-000000-my-net-aaaa", "20200101-000001-my-net-bbbb"):
        run = Run(shutil.copytree(desk.run.folder, desk.store.folder / run_id))
        run.write_notes(name="same")
    return lambda: desk.store.find("same")


_NUMBER = "; give one, such as 0.1, without quotation marks."

BAD_SETTINGS = [
    Bad("lr NaN", "optimizer.lr = 'nan': must be a number" + _NUMBER, _recipe("optimizer.lr", float("nan"))),
    Bad(
        "lr infinite",
        "optimizer.lr = 'inf': must be a number" + _NUMBER,
        _recipe("optimizer.lr", float("inf")),
    ),
    Bad(
        "lr 1e999",
        "optimizer.lr = 'inf': must be a number" + _NUMBER,
        _text('{"optimizer": {"kind": "sgd", "lr": 1e999}}'),
    ),
    Bad("lr zero", "optimizer.lr = 0: must be above 0; raise it.", _recipe("optimizer.lr", 0)),
    Bad("lr negative", "optimizer.lr = -0.1: must be above 0; raise it.", _recipe("optimizer.lr", -0.1)),
    Bad("lr a text", "optimizer.lr = '0.1': must be a number" + _NUMBER, _recipe("optimizer.lr", "0.1")),
    Bad("lr true", "optimizer.lr = true: must be a number" + _NUMBER, _recipe("optimizer.lr", True)),
    Bad("lr empty", "optimizer.lr: must be a number" + _NUMBER, _recipe("optimizer.lr", None)),
    Bad(
        "lr of 400 digits",
        "optimizer.lr = 100000000000000000000000000000000000000000000000000000000...: must be a finite number; lower it.",
        _recipe("optimizer.lr", 10**400),
    ),
    Bad(
        "momentum 1",
        "optimizer.momentum = 1.0: must be below 1; lower it.",
        _recipe("optimizer.momentum", 1.0),
    ),
    Bad("batch 0", "batch_size = 0: must be at least 1; raise it.", _recipe("batch_size", 0)),
    Bad(
        "batch 1.5",
        "batch_size = 1.5: must be a whole number; give one, such as 10.",
        _recipe("batch_size", 1.5),
    ),
    Bad(
        "batch above any",
        "batch_size = 100000: must be at most 65,536; lower it.",
        _recipe("batch_size", 100_000),
    ),
    Bad(
        "batch above the data",
        "batch_size = 64: more than the 16 training images; use 16 or less.",
        _checked(batch_size=64),
    ),
    Bad("epochs 0", "epochs = 0: must be at least 1; raise it.", _recipe("epochs", 0)),
    Bad("epochs 1e9", "epochs = 1000000000: must be at most 100,000; lower it.", _recipe("epochs", 10**9)),
    Bad("seed negative", "seed = -1: must be at least 0; raise it.", _recipe("seed", -1)),
    Bad(
        "seed above 2**31",
        "seed = 2147483648: must be at most 2,147,483,647; lower it.",
        _recipe("seed", 2**31),
    ),
    Bad(
        "dropout above 1",
        "architecture.dropout = 1.5: must be below 1; lower it.",
        _recipe("architecture.dropout", 1.5),
    ),
    Bad("width 0", "architecture.width = 0: must be at least 4; raise it.", _recipe("architecture.width", 0)),
    Bad(
        "an unknown optimizer",
        "optimizer.kind = 'lion': must be one of 'sgd', 'adam', 'adamw', 'rmsprop'; choose one of them.",
        _recipe("optimizer.kind", "lion"),
    ),
    Bad(
        "an unknown architecture",
        "architecture.kind = 'vgg': must be one of 'my_net', 'resnet18', 'resnet34', 'resnet50', 'efficientnet_v2_s', 'efficientnet_b0', 'mobilenet_v3_small', 'convnext_tiny', 'timm'; choose one of them.",
        _recipe("architecture", {"kind": "vgg"}),
    ),
    Bad(
        "an architecture without a kind",
        "architecture = {'width': 4}: needs a 'kind'; name the choice.",
        _recipe("architecture", {"width": 4}),
    ),
    Bad(
        "an unknown setting",
        "optimizer.learning_rate = 0.1: is not a setting here; remove it or correct its name.",
        _recipe("optimizer.learning_rate", 0.1),
    ),
    Bad(
        "an unknown augmentation",
        "augmentations.0.kind = 'swirl': must be one of 'horizontal_flip', 'vertical_flip', 'affine', 'random_crop', 'random_resized_crop', 'color_jitter', 'solarize', 'gaussian_blur', 'random_erasing', 'trivial_augment_wide', 'rand_augment'; choose one of them.",
        _recipe("augmentations", [{"kind": "swirl"}]),
    ),
    Bad(
        "a range the wrong way round",
        "augmentations.0.degrees = [9, -9]: the minimum must not be above the maximum; swap the two numbers.",
        _recipe("augmentations", [{"kind": "affine", "degrees": [9, -9]}]),
    ),
    Bad(
        "no such device by name",
        "device = 'tpu': must be auto, cpu, mps, cuda or cuda with a number; write cuda:0 for the first GPU.",
        _recipe("device", "tpu"),
    ),
    Bad(
        "a GPU where none is",
        "device = 'cuda:7': this machine has no such device; choose 'auto' or cpu.",
        _checked(device="cuda:7"),
    ),
    Bad(
        "no data set chosen",
        "data.name: no data set is chosen; choose one, or import one on the Data page.",
        _checked(data={"name": ""}),
    ),
    Bad(
        "no such data set",
        "data.name = 'gone': there is no data set of this name; choose one, or import one on the Data page.",
        _checked(data={"name": "gone"}),
    ),
    Bad(
        "statistics for other channels",
        "normalization.mean = [0.5, 0.5]: the images have 3 channels; give 3 numbers.",
        _checked(normalization={"kind": "own", "mean": [0.5, 0.5], "std": [1, 1]}),
    ),
    Bad(
        "a newer recipe",
        "version = 2: this Plateau reads recipes up to version 1; update Plateau.",
        _recipe("version", 2),
    ),
    Bad(
        "an older recipe than there is",
        "version = 0: must be a whole number from 1 on; write 1.",
        _recipe("version", 0),
    ),
    Bad(
        "a version that is none",
        "version = 'one': must be a whole number from 1 on; write 1.",
        _recipe("version", "one"),
    ),
    Bad(
        "a recipe that is no JSON",
        "The recipe is not valid JSON; give a file that Plateau saved.",
        _text("optimizer: sgd"),
    ),
    Bad("an empty recipe file", "The recipe is not valid JSON; give a file that Plateau saved.", _text("")),
    Bad(
        "a recipe that is a list",
        "The recipe must be a JSON object with keys such as architecture and optimizer; give a file that Plateau saved.",
        _text("[1, 2]"),
    ),
    Bad(
        "a recipe nested too deep",
        "The recipe is not valid JSON; give a file that Plateau saved.",
        _text("[" * 100_000),
    ),
    Bad(
        "a recipe of 2 MB",
        "The recipe has 2,000,009 bytes, and a recipe less than 1,000,000; give a file that Plateau saved.",
        _text('{"x": "' + "y" * 2_000_000 + '"}'),
    ),
    Bad(
        "a recipe that is a picture",
        "The recipe is not valid JSON; give a file that Plateau saved.",
        _text(b"\x89PNG\r\n\x1a\n\xff"),
    ),
    Bad(
        "--set without a value",
        "--set epochs: must be FIELD=VALUE; write it like optimizer.lr=0.05.",
        _set("epochs"),
    ),
    Bad(
        "--set of no setting",
        "optimizer.speed = 1: is not a setting here; remove it or correct its name.",
        _set("optimizer.speed=1"),
    ),
    Bad(
        "import size 0",
        "image_size = 0: must be at least 8; raise it.",
        _options(ImportOptions, image_size=0),
    ),
    Bad(
        "import size huge",
        "image_size = 8192: must be at most 512, for 1,000 colour images of this size take 201 GB; lower it.",
        _options(ImportOptions, image_size=8_192),
    ),
    Bad(
        "import size half",
        "image_size = 28.5: must be a whole number; give one, such as 10.",
        _options(ImportOptions, image_size=28.5),
    ),
    Bad(
        "val share 0",
        "val_fraction = 0.0: must be above 0; raise it.",
        _options(ImportOptions, val_fraction=0.0),
    ),
    Bad(
        "val share 95 %",
        "val_fraction = 0.95: must be at most 0.9; lower it.",
        _options(ImportOptions, val_fraction=0.95),
    ),
    Bad("split seed negative", "seed = -1: must be at least 0; raise it.", _options(ImportOptions, seed=-1)),
    Bad("shapes of 1 class", "classes = 1: must be at least 2; raise it.", _options(ShapesSource, classes=1)),
    Bad(
        "a million shapes",
        "images = 1000000: must be at most 200,000; lower it.",
        _options(ShapesSource, images=1_000_000),
    ),
    Bad(
        "a data set's name empty",
        "name = '': a data set's name has up to 64 letters, digits, '-', '_' or '.', and does not start with '.'; choose such a one.",
        _named(""),
    ),
    Bad(
        "a data set called ..",
        "name = '..': a data set's name has up to 64 letters, digits, '-', '_' or '.', and does not start with '.'; choose such a one.",
        _named(".."),
    ),
    Bad(
        "a data set's name with a slash",
        "name = '../x': a data set's name has up to 64 letters, digits, '-', '_' or '.', and does not start with '.'; choose such a one.",
        _named("../x"),
    ),
    Bad(
        "a data set's name huge",
        "name = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...': a data set's name has up to 64 letters, digits, '-', '_' or '.', and does not start with '.'; choose such a one.",
        _named("x" * 300),
    ),
    Bad(
        "a data set's name with a newline",
        "name = 'a?b': a data set's name has up to 64 letters, digits, '-', '_' or '.', and does not start with '.'; choose such a one.",
        _named("a\nb"),
    ),
    Bad("a data set's name taken", "The name TINY is taken; choose another one.", _named("TINY")),
    Bad(
        "a data set's name kept for downloads",
        "The name downloads is kept for downloaded files; choose another one.",
        _named("downloads"),
    ),
    Bad(
        "a link to a run that climbs out",
        "There is no run '../../etc'; Compare and `python -m core runs` list them all.",
        _asked("../../etc"),
    ),
    Bad(
        "a link to no run",
        "There is no run 'nothing'; Compare and `python -m core runs` list them all.",
        _asked("nothing"),
    ),
    Bad(
        "a link to a run with NUL",
        "There is no run 'a?b'; Compare and `python -m core runs` list them all.",
        _asked("a\0b"),
    ),
    Bad(
        "a link to a run of 300 bytes",
        "There is no run 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'; Compare and `python -m core runs` list them all.",
        _asked("x" * 300),
    ),
    Bad(
        "a command for no run",
        "There is no run 'nothing'; `python -m core runs` lists them.",
        _found("nothing"),
    ),
    Bad(
        "an extension by nothing",
        "epochs = 0: an extension must be at least 1 epoch; raise it.",
        _extended(0),
    ),
    Bad(
        "an extension by 20 thousand million epochs",
        "epochs = 20000000002: a run has at most 100,000 in all; lower it, for 99,998 more are left.",
        _extended(20_000_000_000),
    ),
    Bad(
        "an extension by nearly as many epochs as a status may have",
        "epochs = 999999997: a run has at most 100,000 in all; lower it, for 99,998 more are left.",
        _extended(10**9 - 5),
    ),
    Bad(
        "a run's name huge",
        "name = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...: must have at most 200 characters; shorten it.",
        _launched(name="x" * 201),
    ),
    Bad(
        "a hypothesis huge",
        "hypothesis = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...: must have at most 5,000 characters; shorten it.",
        _launched(hypothesis="x" * 5_001),
    ),
    Bad(
        "a run's name taken, and asked for",
        "'same' fits 2 runs: 20200101-000001-my-net-bbbb (same); 20200101-000000-my-net-aaaa (same); give one's id, or the end of it.",
        _two_of_one_name,
    ),
]
