"""A zip archive with class folders, or with a table beside its images."""

from pathlib import Path
from typing import ClassVar, Literal

from core.data.archive import Extracted, extract_zip
from core.data.collection import Collection, Workplace
from core.data.decode import KINDS
from core.data.folder import collect_folder, is_image, is_visible, subfolders, walk_files
from core.data.table import collect_table, has_columns, read_table
from core.errors import BadInput, shown
from core.spec import Spec, setting


class ZipSource(Spec):
    """A zip archive that holds class folders (with or without train, val and test), or a CSV beside
    a folder of images. Source: torchvision's ImageFolder; Python's zipfile."""

    label: ClassVar[str] = "Zip archive"
    kind: Literal["zip"] = "zip"

    path: str = setting(label="Zip file", min_length=1)
    """The archive; other kinds than zip are not taken."""

    table: str = setting("", label="CSV inside", level="expert")
    """Name of the CSV in the archive. Empty: the only one with the two columns below, if any."""

    id_column: str = setting("Id", label="Column of names", min_length=1, level="expert")
    """Which column of the CSV holds the image's file name, with or without its ending."""

    label_column: str = setting("Category", label="Column of classes", min_length=1, level="expert")
    """Which column of the CSV holds the image's class."""

    def collect(self, place: Workplace) -> Collection:
        """Extract the archive into the scratch folder and collect what it holds."""
        folder, name = place.scratch / "archive", Path(self.path).name
        extracted = self._extract(place, folder)
        root = _unwrapped(folder)
        if not any(is_image(path) for path in walk_files(root)):
            raise BadInput(f"{shown(name)} holds no images; pack files in {KINDS}.")
        table = self._table(root, name)
        if table is None:
            collection = collect_folder(root)
        else:
            images, test = self._image_folders(root, table)
            collection = collect_table(table, images, test, self.id_column, self.label_column)
        skipped = (*extracted.sentences(), *collection.skipped)
        return Collection(
            collection.classes,
            collection.pictures,
            collection.names,
            collection.labels,
            collection.splits,
            collection.warnings,
            skipped,
        )

    def _extract(self, place: Workplace, into: Path) -> Extracted:
        archive = Path(self.path).expanduser()
        if not archive.is_file():
            raise BadInput(f"The zip file {shown(self.path, 300)} does not exist; give the path of a file.")
        return extract_zip(archive, into, progress=place.progress)

    def _table(self, root: Path, archive: str) -> Path | None:
        """The CSV of a table layout; None for class folders."""
        tables = sorted(path for path in root.iterdir() if path.suffix.lower() == ".csv" and path.is_file())
        if self.table:
            named = [path for path in tables if path.name == Path(self.table).name]
            if not named:
                raise BadInput(
                    f"{shown(archive)} has no CSV '{shown(self.table)}' beside its folders; correct the name."
                )
            return named[0]
        fitting = [path for path in tables if has_columns(path, self.id_column, self.label_column)]
        if len(fitting) > 1:
            names = ", ".join(shown(path.name) for path in fitting[:8])
            raise BadInput(
                f"{shown(archive)} holds several CSV files ({names}); name the one with the classes."
            )
        return fitting[0] if fitting else None

    def _image_folders(self, root: Path, table: Path) -> tuple[Path, Path | None]:
        """The folder with the table's first image, and the one other folder with images."""
        rows = read_table(table, self.id_column, self.label_column)
        if not rows:
            raise BadInput(f"{shown(table.name)} has no rows; add one for each image.")
        first = Path(rows[0][1])
        folders = [folder for name in subfolders(root) for folder in [root / name] if _holds_images(folder)]
        for folder in folders:
            if any(path.name in (first.name, f"{first.name}{path.suffix}") for path in walk_files(folder)):
                others = [other for other in folders if other != folder]
                return folder, others[0] if len(others) == 1 else None
        if not folders or any(is_image(path) for path in root.iterdir()):
            return root, None
        raise BadInput(
            f"{shown(table.name)}, row {rows[0][0]}: there is no image '{shown(rows[0][1])}' in the archive; "
            "add it or remove the row."
        )


def _unwrapped(folder: Path) -> Path:
    """The folder, or what a single folder around everything holds."""
    inside = [path for path in folder.iterdir() if is_visible(path.name)]
    if len(inside) != 1 or not inside[0].is_dir():
        return folder
    wrapped = inside[0]
    # A single folder with nothing but images is the only class, not a wrapping.
    has_table = any(path.suffix.lower() == ".csv" for path in wrapped.iterdir())
    return wrapped if has_table or subfolders(wrapped) else folder


def _holds_images(folder: Path) -> bool:
    return any(is_image(path) for path in walk_files(folder))
