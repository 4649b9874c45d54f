"""`reference`: every setting of every choice as Markdown, out of the specs themselves."""

import argparse
from collections.abc import Iterator
from typing import Any

from core.augment import AnyAugmentation, AnyMixing
from core.cli.arguments import add_commands
from core.data import ImportOptions, Source
from core.models import AnyArchitecture, ShakeDropSettings
from core.optim import AnyOptimizer, AnyScheduler, Warmup
from core.recipe import (
    AnyNormalization,
    AverageSettings,
    CheckpointSettings,
    DataSettings,
    LossSettings,
    Recipe,
)
from core.spec import Setting, Spec, choices_of, kind_of, settings_of

GROUPS: tuple[tuple[str, Any], ...] = (
    ("The recipe", Recipe),
    ("Data of a run", DataSettings),
    ("Architectures", AnyArchitecture),
    ("ShakeDrop", ShakeDropSettings),
    ("Augmentations", AnyAugmentation),
    ("Mixing", AnyMixing),
    ("Optimizers", AnyOptimizer),
    ("Schedulers", AnyScheduler),
    ("Warm-up", Warmup),
    ("Loss", LossSettings),
    ("Normalizations", AnyNormalization),
    ("Average of the weights", AverageSettings),
    ("Checkpoints", CheckpointSettings),
    ("Data sources", Source),
    ("Import", ImportOptions),
)


def reference(call: argparse.Namespace) -> None:
    """Print the reference page."""
    print("\n".join(reference_lines()))


def reference_lines() -> Iterator[str]:
    """The reference page, line by line."""
    yield "# Reference"
    yield ""
    yield "Every setting, out of the code's own specs: `python -m core reference > docs/reference.md`."
    yield 'A recipe file tells a choice by its `kind`: `{"optimizer": {"kind": "sgd", "lr": 0.05}}`.'
    for title, union in GROUPS:
        yield ""
        yield f"## {title}"
        for spec in choices_of(union):
            yield from _spec_lines(spec)
    yield ""
    yield "## Commands"
    yield ""
    yield "`python -m core COMMAND --help` shows each command's options."
    yield ""
    yield "| command | what it does |"
    yield "| --- | --- |"
    yield from _command_lines()


def _spec_lines(spec: type[Spec]) -> Iterator[str]:
    yield ""
    if "kind" in spec.model_fields:
        yield f"### {spec.label}: `{kind_of(spec)}`"
        yield ""
    yield " ".join((spec.__doc__ or "").split())
    settings = settings_of(spec)
    if not settings:
        return
    yield ""
    yield "| field | default | allowed | help |"
    yield "| --- | --- | --- | --- |"
    for setting in settings:
        unit = f" ({setting.unit})" if setting.unit else ""
        help_text = setting.help.replace("|", "\\|")
        name = f"`{setting.name}` {setting.label}{unit}"
        yield f"| {name} | {_default(setting)} | {_allowed(setting)} | {help_text} |"


def _default(setting: Setting) -> str:
    if setting.required:
        return "required"
    value = setting.default
    if isinstance(value, Spec):
        return f"`{kind_of(value)}`" if "kind" in type(value).model_fields else "its own defaults"
    if isinstance(value, tuple):
        value = list(value)
    return "none" if value is None else f"`{value}`"


def _allowed(setting: Setting) -> str:
    parts = []
    if setting.type == "choice":
        parts.append(", ".join(f"`{choice}`" for choice in setting.choices))
    elif setting.type in ("union", "specs") and len(setting.choices) > 1:
        parts.append("one of the kinds below" if setting.type == "union" else "a list of the kinds below")
    else:
        names = {
            "bool": "true, false",
            "spec": "the fields below",
            "numbers": f"a list of {setting.item}s",
            "text": "text",
        }
        parts.append(names.get(setting.type, setting.type))
    signs = (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤"))
    bounds = [
        f"{sign} {getattr(setting, name):g}" for name, sign in signs if getattr(setting, name) is not None
    ]
    if bounds:
        parts.append(" and ".join(bounds))
    if setting.optional:
        parts.append("or null")
    return " ".join(parts)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def _command_lines() -> Iterator[str]:
    parser = argparse.ArgumentParser(prog="python -m core")
    add_commands(parser)
    yield from _walk(parser, "")


def _walk(parser: argparse.ArgumentParser, prefix: str) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                inner = list(_walk(command, f"{prefix}{name} "))
                if inner:
                    yield from inner
                else:
                    yield f"| `{prefix}{name}` | {command.description} |"
