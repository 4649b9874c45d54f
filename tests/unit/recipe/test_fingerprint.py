"""The same fingerprint for the same training but for chance, another for everything else."""

import json
from typing import Any

import pytest

from core.recipe import SEED_AND_PLACE, Recipe, load_presets, parse_recipe, recipe_fingerprint, set_values

OTHER_PLACE: dict[str, str] = {
    "seed": "seed=7",
    "device": "device=cpu",
    "launcher": "launcher=process",
    "compile": "compile=true",
    "checkpoints": "checkpoints.every=5",
}
OTHER_TRAINING = [
    "data.name=other",
    "architecture.width=24",
    'augmentations=[{"kind":"horizontal_flip"}]',
    "mixing.kind=mixup",
    "optimizer.lr=0.07",
    "optimizer.kind=adam",
    "scheduler.kind=cosine",
    "warmup.epochs=2",
    "clip_norm=1.5",
    "ema.decay=0.9",
    "loss.label_smoothing=0.1",
    "normalization.kind=imagenet",
    "batch_size=32",
    "epochs=16",
    "precision=fp32",
]


@pytest.mark.parametrize("field", sorted(SEED_AND_PLACE))
def test_seed_and_place_do_not_count(field: str) -> None:
    changed = set_values(Recipe(), [OTHER_PLACE[field]])
    assert changed != Recipe()
    assert recipe_fingerprint(changed) == recipe_fingerprint(Recipe())


@pytest.mark.parametrize("assignment", OTHER_TRAINING)
def test_every_other_setting_counts(assignment: str) -> None:
    assert recipe_fingerprint(set_values(Recipe(), [assignment])) != recipe_fingerprint(Recipe())


def test_a_cosine_as_long_as_the_run_is_the_same_said_or_left_empty() -> None:
    cosine = set_values(Recipe(), ["scheduler.kind=cosine", "epochs=12", "warmup.epochs=2"])
    said, other = (set_values(cosine, [f"scheduler.t_max={length}"]) for length in (10, 12))
    assert recipe_fingerprint(said) == recipe_fingerprint(cosine) != recipe_fingerprint(other)


def test_every_field_is_one_or_the_other() -> None:
    counted = {assignment.partition("=")[0].partition(".")[0] for assignment in OTHER_TRAINING}
    assert counted | SEED_AND_PLACE | {"version"} == set(Recipe.model_fields)
    assert set(OTHER_PLACE) == SEED_AND_PLACE


def test_the_order_of_a_files_keys_does_not_count() -> None:
    def turned(value: Any) -> Any:
        return {key: turned(value[key]) for key in reversed(value)} if isinstance(value, dict) else value

    for preset in load_presets():
        content = json.loads(preset.recipe.model_dump_json())
        assert recipe_fingerprint(parse_recipe(json.dumps(turned(content)))) == recipe_fingerprint(
            preset.recipe
        )


def test_the_order_of_augmentations_counts() -> None:
    both = ['augmentations=[{"kind":"horizontal_flip"},{"kind":"vertical_flip"}]']
    turned = ['augmentations=[{"kind":"vertical_flip"},{"kind":"horizontal_flip"}]']
    assert recipe_fingerprint(set_values(Recipe(), both)) != recipe_fingerprint(set_values(Recipe(), turned))
