"""Imports point to the left only: spec, problems, data | models | augment | optim, recipe, train, runs,
insight | classify, cli, ui, pages."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

RANKS = {
    "errors": 0,
    "vision": 0,
    "workspace": 0,
    "words": 0,
    "spec": 0,
    "files": 1,
    "problems": 1,
    "data": 2,
    "models": 2,
    "augment": 2,
    "optim": 2,
    "recipe": 3,
    "train": 4,
    "runs": 5,
    "insight": 6,
    "classify": 6,
    "cli": 7,
    "__main__": 8,
}
PICKLE_FROM_OUTSIDE = {
    # CIFAR's official files are pickles: read once their checksum was compared, by an unpickler that
    # makes arrays only (tests/unit/data holds it to that).
    "data/known/cifar.py",
    # torchvision's weights: read by torch's restricted reader; the name is needed to catch its error.
    "models/pretrained.py",
}
MODULES = sorted((PROJECT / "core").rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Every module that a file names in an import, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which room they reach into"
            assert node.module
            yield node.module
            if node.module == "core":
                yield from (f"core.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # The command line imports its commands by name: 'core.cli.training:train'.
            module, colon, _ = node.value.partition(":")
            if colon and module.startswith("core.") and " " not in node.value:
                yield module


def room_of(module: str) -> str | None:
    """'train' for 'core.train.engine'; None for other packages and for core's own version."""
    parts = module.split(".")
    return parts[1] if parts[0] == "core" and len(parts) > 1 and parts[1] in RANKS else None


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_module_imports_only_from_the_rooms_to_its_left(path: Path) -> None:
    relative = path.relative_to(PROJECT / "core")
    own = relative.parts[0].removesuffix(".py")
    if own == "__init__":
        assert list(imported(path)) == ["os"]
        return
    assert own in RANKS, f"the room {own} has no place in the order yet"
    for module in imported(path):
        room = room_of(module)
        if room is not None and room != own:
            assert RANKS[room] < RANKS[own], f"core.{own} must not import {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_core_knows_neither_streamlit_nor_the_pages(path: Path) -> None:
    roots = {module.partition(".")[0] for module in imported(path)}
    assert not roots & {"streamlit", "altair", "ui", "pages", "streamlit_app"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_nothing_reads_or_writes_pickle(path: Path) -> None:
    if path.relative_to(PROJECT / "core").as_posix() in PICKLE_FROM_OUTSIDE:
        return
    assert not {m.partition(".")[0] for m in imported(path)} & {"pickle", "dill", "joblib", "shelve"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            assert name not in ("torch.load", "torch.save"), f"{name} in line {node.lineno}"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant) and node.value.value is False


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_torchvision_comes_from_core_vision(path: Path) -> None:
    """Elsewhere `import torchvision` may run before the operators that it needs are declared."""
    if path.name == "vision.py":
        return
    names = list(imported(path))
    assert "torchvision" not in names or "core.vision" in names
