"""What a recipe is made of, in few words: one short list of parts per column of a table."""

from dataclasses import dataclass

from core.recipe.recipe import Recipe
from core.recipe.words import kind_words, value_words
from core.spec import Spec, kind_of, settings_of


@dataclass(frozen=True)
class Part:
    """One thing in a column of the table."""

    name: str
    """What it is compared by, once per column: a setting, a kind of augmentation."""
    text: str
    value: str = ""
    """The text's end, where it is a setting's name and its value."""


def contents(recipe: Recipe) -> dict[str, list[Part]]:
    """What a recipe is made of: a list of parts per column."""
    dropout: float = getattr(recipe.architecture, "dropout", 0.0)
    kept = [Part(f"epoch {epoch}", f"epoch {epoch} kept") for epoch in recipe.checkpoints.epochs]
    return {
        "network": _network(recipe.architecture),
        "augmentations": _augmentations(recipe),
        "optimizer": _choice(recipe.optimizer),
        "scheduler": _choice(recipe.scheduler),
        "dropout": [Part("", f"{dropout:g}")],
        "normalization": [Part("", kind_words("normalization", recipe.normalization.kind))],
        "batch": [Part("", str(recipe.batch_size))],
        "epochs": [Part("", str(recipe.epochs)), *kept],
    }


def _network(architecture: Spec) -> list[Part]:
    """An architecture's name and what differs from its published form; dropout has its own column."""
    parts = [Part("", architecture.label)]
    for setting in settings_of(type(architecture)):
        value = getattr(architecture, setting.name)
        match setting.name:
            case "dropout":
                continue
            case "blocks":
                text = "1 block" if value == 1 else f"{value} blocks"
            case _ if value == setting.default:
                continue
            case "full_resolution_steps":
                text = f"first {value} downsampling steps at full resolution"
            case "max_pool":
                text = "no max-pool"
            case "shakedrop":
                text = f"ShakeDrop {value.probability:g} ({value.place})"
            case _:
                text = f"{setting.label.lower()} {value_words(value)}"
        parts.append(Part(setting.name, text))
    return parts


def _augmentations(recipe: Recipe) -> list[Part]:
    """In their order. Shift and rotation are two things though one kind does both: a part is named by
    its kind and by what it says it does first."""
    parts: list[Part] = []
    for augmentation in recipe.augmentations:
        summary = augmentation.summary()
        name = f"{kind_of(augmentation)} {summary.partition(' ')[0]}"
        times = sum(part.name.partition("#")[0] == name for part in parts)
        parts.append(Part(f"{name}#{times}", f"{summary} (p {augmentation.p:g})"))
    return parts


def _choice(spec: Spec) -> list[Part]:
    """An optimizer's or scheduler's name and its settings, by the names that torch has for them."""
    parts = [Part("", spec.label)]
    for setting in settings_of(type(spec)):
        value = getattr(spec, setting.name)
        if setting.level == "expert" and value == setting.default:
            continue
        name = "T_max" if setting.name == "t_max" else setting.name
        if isinstance(value, bool):
            parts += [Part(name, name)] if value else []
        else:
            words = "all epochs" if name == "T_max" and value is None else value_words(value)
            parts.append(Part(name, f"{name} {words}", words))
    return parts
