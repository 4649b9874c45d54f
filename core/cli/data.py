"""`data list` and `data import`."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from tqdm import tqdm

from core.cli.output import note, print_json, print_table
from core.data import (
    KNOWN_SETS,
    DamagedDataset,
    FolderSource,
    ImportOptions,
    KnownSource,
    Library,
    Progress,
    ShapesSource,
    TableSource,
    ZipSource,
)
from core.data.collection import SPLITS
from core.errors import BadInput, InvalidSettings
from core.problems import problems_of
from core.spec import Spec
from core.workspace import find_workspace


def list_datasets(call: argparse.Namespace) -> None:
    """List the imported data sets."""
    library = Library(find_workspace().data)
    found = library.list()
    if call.json:
        print_json(
            [
                {"name": item.name, "damaged": item.message}
                if isinstance(item, DamagedDataset)
                else item.model_dump(mode="json")
                for item in found
            ]
        )
        return
    if not found:
        note("No data sets yet; `python -m core data import shapes --name shapes` makes one.")
        return
    rows = []
    for item in found:
        if isinstance(item, DamagedDataset):
            rows.append([item.name, "damaged", *[""] * (1 + len(SPLITS))])
            continue
        size = f"{item.image_size}x{item.image_size}x{item.channels}"
        counts = [f"{item.counts.get(split, 0):,}" for split in SPLITS]
        rows.append([item.name, str(len(item.classes)), size, *counts])
    print_table(["name", "classes", "size", *SPLITS], rows)


def import_dataset(call: argparse.Namespace) -> None:
    """Import images as a data set."""
    library = Library(find_workspace().data)
    options = _checked(
        ImportOptions,
        image_size=call.size,
        resize=call.resize,
        color=call.color,
        val_fraction=call.val,
        test_fraction=call.test,
        seed=call.seed,
    )
    with _progress_bar() as progress:
        info = library.import_dataset(_source(call), call.name, options, progress)
    counts = ", ".join(f"{count:,} {split}" for split, count in info.counts.items() if count)
    note(f"{len(info.classes)} classes, {info.image_size} px, {info.channels} channel(s): {counts}")
    for warning in info.warnings:
        note(f"Note: {warning}")
    print(info.name)


def _source(call: argparse.Namespace) -> Any:
    """What PATH stands for."""
    path = Path(call.path).expanduser()
    if call.csv:
        return _checked(
            TableSource,
            images=str(path),
            table=str(Path(call.csv).expanduser()),
            test_images=str(Path(call.test_folder).expanduser()) if call.test_folder else "",
            id_column=call.id_column,
            label_column=call.category_column,
        )
    if path.is_dir():
        return _checked(FolderSource, path=str(path))
    if path.is_file():
        return _checked(
            ZipSource, path=str(path), id_column=call.id_column, label_column=call.category_column
        )
    if call.path == "shapes":
        chosen = {"classes": call.classes, "images": call.images, "image_size": call.size}
        return _checked(ShapesSource, seed=call.seed, **{k: v for k, v in chosen.items() if v is not None})
    if call.path in KNOWN_SETS:
        return _checked(KnownSource, dataset=call.path)
    known = ", ".join(KNOWN_SETS)
    raise BadInput(f"{call.path}: there is no such folder or zip; besides paths there are shapes, {known}.")


def _checked(spec: type[Spec], **values: Any) -> Any:
    """The spec with these values; every wrong one becomes a sentence."""
    try:
        return spec(**values)
    except ValidationError as error:
        raise InvalidSettings(problems_of(error, spec, _FLAGS | _FLAGS_OF.get(spec, {}))) from error


_FLAGS = {
    "path": "PATH",
    "dataset": "PATH",
    "image_size": "--size",
    "resize": "--resize",
    "color": "--color",
    "val_fraction": "--val",
    "test_fraction": "--test",
    "seed": "--seed",
    "classes": "--classes",
    "images": "--images",
    "id_column": "--id-column",
    "label_column": "--category-column",
}
"""What a field is called in a call of the command."""

_FLAGS_OF: dict[type[Spec], dict[str, str]] = {
    TableSource: {"images": "PATH", "table": "--csv", "test_images": "--test-folder"}
}
"""Fields that another source calls otherwise."""


@contextmanager
def _progress_bar() -> Iterator[Progress]:
    """A bar per stage of the import, on standard error."""
    bars: dict[str, tqdm[Any]] = {}

    def progress(stage: str, done: int, total: int) -> None:
        if stage not in bars:
            for bar in bars.values():
                bar.close()
            bars[stage] = tqdm(total=total or None, desc=stage, unit_scale=True)
        bar = bars[stage]
        bar.total = total or None
        bar.n = done
        bar.refresh()

    try:
        yield progress
    finally:
        for bar in bars.values():
            bar.close()
