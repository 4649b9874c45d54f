"""A folder of class folders, torchvision's ImageFolder layout."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from core.data.collection import NO_LABEL, TEST, TRAIN, UNLABELLED, VAL, Collection, FilePictures, Workplace
from core.data.decode import SUFFIXES
from core.errors import BadInput, shown
from core.spec import Spec, setting

_SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("val", "valid", "validation"), VAL),
    **dict.fromkeys(("test", "testing"), TEST),
}


class FolderSource(Spec):
    """A folder with one folder of images per class, or with such folders inside train, val and
    test; a test folder without class folders holds unlabelled images. Source: torchvision's ImageFolder."""

    label: ClassVar[str] = "Folder of class folders"
    kind: Literal["folder"] = "folder"

    path: str = setting(label="Folder", min_length=1)
    """Where the class folders are, or the folders train, val and test."""

    def collect(self, place: Workplace) -> Collection:
        """The images of the folder."""
        return collect_folder(existing_folder(self.path))


def existing_folder(path: str) -> Path:
    """The folder at `path`; BadInput where there is none."""
    folder = Path(path).expanduser()
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise BadInput(f"The folder {shown(path, 300)} {what}; give the path of a folder of images.")
    return folder


def collect_folder(root: Path) -> Collection:
    """The collection of a folder of class folders, with or without train, val and test above."""
    splits = _split_folders(root)
    gathered = _Gathered(root)
    if not splits:
        gathered.classes = tuple(subfolders(root))
        gathered.add_classes(root, TRAIN)
    for split, folder in sorted(splits.items()):
        if split == TRAIN:
            gathered.classes = tuple(subfolders(folder))
        if split == TEST and not subfolders(folder):
            gathered.add_unlabelled(folder)
        else:
            gathered.add_classes(folder, split)
    return gathered.collection()


def subfolders(folder: Path) -> list[str]:
    """The visible folders inside a folder, sorted as torchvision sorts them."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and is_visible(entry.name))


def is_visible(name: str) -> bool:
    """False for what file managers and archivers leave behind."""
    return not name.startswith(".") and name != "__MACOSX"


def walk_files(folder: Path) -> Iterator[Path]:
    """All visible files below a folder, in a fixed order: files before folders, by name."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if is_visible(name))
        for name in sorted(files):
            if is_visible(name):
                yield Path(parent, name)


def readable(name: str) -> str:
    """A file's name as text: bytes that are no UTF-8 become question marks."""
    return name.encode("utf-8", "replace").decode()


def is_image(path: Path) -> bool:
    """True where the name says that it is an image of a kind that can be read."""
    return path.suffix.lower() in SUFFIXES


def left_out(suffixes: Counter[str], where: str) -> list[str]:
    """One sentence per sort of files that are no images."""
    return [f"{count} files of {shown(where)} left out: '{shown(suffix)}' is no image that can be read."
            if suffix else f"{count} files of {shown(where)} left out: their names have no ending."
            for suffix, count in sorted(suffixes.items())]  # fmt: skip


def _split_folders(root: Path) -> dict[int, Path]:
    """Split to folder, where `root` holds train, val or test; empty for plain class folders."""
    found: dict[int, Path] = {}
    names = subfolders(root)
    for name in names:
        split = _SPLIT_NAMES.get(name.lower())
        if split is None:
            continue
        if split in found:
            raise BadInput(
                f"{shown(root.name)} holds both '{found[split].name}' and '{name}'; keep one of them."
            )
        found[split] = root / name
    # Classes may well be called 'train' and 'car': only a train folder with folders inside is a split.
    if TRAIN not in found or not subfolders(found[TRAIN]) or (len(found) == 1 and len(names) > 1):
        return {}
    return found


class _Gathered:
    """Files, labels and splits while the folders are walked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.classes: tuple[str, ...] = ()
        self.paths: list[Path] = []
        self.names: list[str] = []
        self.labels: list[int] = []
        self.splits: list[int] = []
        self.others: Counter[str] = Counter()

    def add_classes(self, folder: Path, split: int) -> None:
        """Take the class folders inside `folder`."""
        names = subfolders(folder)
        known = {name: label for label, name in enumerate(self.classes)}
        if not names:
            raise BadInput(
                f"{shown(folder.name)} holds no class folders; put each class's images into a folder of its "
                "own."
            )
        for name in names:
            if name not in known:
                raise BadInput(
                    f"The class '{shown(name)}' is in {folder.name} but not in train; add it there or remove "
                    "it."
                )
            found = self._add(folder / name, known[name], split, relative_to=self.root)
            if not found and split == TRAIN:
                raise BadInput(
                    f"The class folder '{shown(name)}' of {shown(folder.name)} holds no images; fill it or "
                    "remove it."
                )

    def add_unlabelled(self, folder: Path) -> None:
        """Take the images that lie in `folder` itself."""
        self._add(folder, NO_LABEL, UNLABELLED, relative_to=folder)

    def _add(self, folder: Path, label: int, split: int, relative_to: Path) -> int:
        before = len(self.paths)
        for path in walk_files(folder):
            if not is_image(path):
                self.others[path.suffix.lower()] += 1
                continue
            self.paths.append(path)
            self.names.append(readable(path.relative_to(relative_to).as_posix()))
            self.labels.append(label)
            self.splits.append(split)
        return len(self.paths) - before

    def collection(self) -> Collection:
        """What was gathered."""
        return Collection(
            classes=tuple(readable(name) for name in self.classes),
            pictures=FilePictures(self.paths),
            names=self.names,
            labels=np.array(self.labels, dtype=np.int64),
            splits=np.array(self.splits, dtype=np.uint8),
            skipped=tuple(left_out(self.others, self.root.name)),
        )
