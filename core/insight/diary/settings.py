"""A run's settings as the list that opens its entry."""

from core.recipe import Recipe
from core.recipe.contents import contents
from core.recipe.words import change_words

Line = tuple[str, str]
"""A name and what stands behind it."""

_NAMES = {
    "network": "Architecture",
    "augmentations": "Augmentations",
    "optimizer": "Optimizer",
    "scheduler": "Schedule",
    "dropout": "Dropout",
    "normalization": "Normalization",
    "batch": "Batch size",
    "epochs": "Epochs",
}
_ONLY_WHERE_CHANGED = ("mixing", "warmup", "clip_norm", "ema", "loss", "precision", "compile")
"""Parts of a recipe that most runs leave as they are: named where they are not."""


def settings_list(recipe: Recipe, epochs: int | None = None) -> list[Line]:
    """The main settings of every run, and of the others those that are not at their default.

    `epochs` is how many were asked for in the end, which an extension makes more than the recipe's.
    """
    lines = [("Data set", recipe.data.name)]
    for column, parts in contents(recipe).items():
        text = ", ".join(part.text for part in parts) or "none"
        if column == "epochs" and epochs and epochs != recipe.epochs:
            text += f", extended to {epochs}"
        lines.append((_NAMES[column], text))
    lines.append(("Seed", str(recipe.seed)))
    usual = Recipe()
    changed = recipe.model_copy(update={name: getattr(usual, name) for name in _ONLY_WHERE_CHANGED})
    lines += [(setting, now) for setting, _, now in change_words(changed, recipe)]
    return lines
