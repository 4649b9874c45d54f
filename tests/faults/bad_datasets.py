"""Folders, tables and data sets that cannot be used."""

import os
import shutil
from collections.abc import Callable, Mapping

from core.classify import classify_images, compute_for, evaluate_run, found_images, trained_on
from core.classify.predictor import Predictor
from core.data import FolderSource, ImportOptions, KnownSource, ShapesSource, TableSource
from core.errors import BadInput
from core.runs import train
from tests.faults.bad_case import Act, Bad, Desk
from tests.unit import tiny
from tests.unit.data.pictures import png, write_classes


def _folder(counts: Mapping[str, int], **options: object) -> Callable[[Desk], Act]:
    def make(desk: Desk) -> Act:
        root = desk.place / "pets"
        root.mkdir()
        write_classes(root, dict(counts))
        return desk.importing(FolderSource(path=str(root)), **options)

    return make


def _with_file(name: str, content: bytes = b"", **options: object) -> Callable[[Desk], Act]:
    """Two classes of six images, and one more file."""

    def make(desk: Desk) -> Act:
        write_classes(desk.place / "pets", {"cat": 6, "dog": 6})
        desk.file(f"pets/{name}", content)
        return desk.importing(FolderSource(path=str(desk.place / "pets")), **options)

    return make


def _path(path: str) -> Callable[[Desk], Act]:
    return lambda desk: desk.importing(FolderSource(path=path.replace("{place}", str(desk.place))))


def _a_file(desk: Desk) -> Act:
    return desk.importing(FolderSource(path=str(desk.file("pets", b"x"))))


def _table(text: str | bytes, **fields: str) -> Callable[[Desk], Act]:
    """Images 1.png to 9.png, a 2.jpg beside, and a CSV."""

    def make(desk: Desk) -> Act:
        for number in range(1, 10):
            desk.file(f"images/{number}.png", png(number))
        desk.file("images/2.jpg", png(2))
        table = desk.file("train.csv", text if isinstance(text, bytes) else text.encode())
        given = {"images": str(desk.place / "images"), "table": str(table)} | fields
        given = {key: value.replace("{place}", str(desk.place)) for key, value in given.items()}
        return desk.importing(TableSource(**given))

    return make


def _with_pipe(desk: Desk) -> Act:
    write_classes(desk.place / "pets", {"cat": 6, "dog": 6})
    os.mkfifo(desk.place / "pets" / "cat" / "pipe.png")
    return desk.importing(FolderSource(path=str(desk.place / "pets")), on_bad_file="stop")


def _evaluating(change: Callable[[Desk], None]) -> Callable[[Desk], Act]:
    """Evaluate the run after its data set was changed."""

    def make(desk: Desk) -> Act:
        change(desk)
        return lambda: evaluate_run(desk.run, desk.library, compute_for(desk.run.recipe(), "cpu"))

    return make


def _anew(desk: Desk) -> None:
    """Other images under the old name."""
    desk.library.delete(tiny.DATASET)
    shapes = ShapesSource(classes=2, images=24, image_size=28, seed=9)
    desk.library.import_dataset(shapes, tiny.DATASET, ImportOptions())


def _split_anew(desk: Desk) -> None:
    """The same images in another split."""
    desk.library.delete(tiny.DATASET)
    shapes = ShapesSource(classes=2, images=24, image_size=28)
    desk.library.import_dataset(shapes, tiny.DATASET, ImportOptions(seed=5))


def _gone(desk: Desk) -> None:
    shutil.rmtree(desk.library.folder / tiny.DATASET)


def _resumed(change: Callable[[Desk], None]) -> Callable[[Desk], Act]:
    """Resume the run after its data set was changed: it fails with the sentence, and says so."""

    def make(desk: Desk) -> Act:
        change(desk)
        desk.store.extend(desk.run, 1, queue=False)

        def act() -> None:
            status = train(desk.run, desk.library)
            assert status.state == "failed"
            assert status.epoch == 2
            raise BadInput(status.message)

        return act

    return make


def _classifying(*paths: str) -> Callable[[Desk], Act]:
    def make(desk: Desk) -> Act:
        predictor = Predictor.load(desk.run.checkpoint("last"), compute_for(desk.run.recipe(), "cpu"))
        desk.file("one/bad.png", b"x")
        desk.file("two/bad.png", b"x")
        desk.file("two/worse.png", b"")
        (desk.place / "none").mkdir()

        def act() -> None:
            with found_images([desk.place / path for path in paths]) as found:
                classify_images(predictor, found)

        return act

    return make


def _classes_of(desk: Desk) -> Act:
    _gone(desk)
    predictor = Predictor.load(desk.run.checkpoint("last"), compute_for(desk.run.recipe(), "cpu"))
    return lambda: trained_on(predictor.card, desk.library)


def _gtsrb(desk: Desk) -> Act:
    """GTSRB's folders as they are unpacked, and one more beside the classes."""
    root = desk.place / "gtsrb"
    for folder in ("GTSRB/Training/00000", "GTSRB/Training/mine", "GTSRB/Final_Test/Images"):
        (root / folder).mkdir(parents=True)
    desk.file("gtsrb/GT-final_test.csv", b"Filename;ClassId\n")
    return desk.importing(KnownSource(dataset="gtsrb", folder=str(desk.place)))


BAD_DATASETS = [
    Bad(
        "no such folder",
        "The folder {place}/none does not exist; give the path of a folder of images.",
        _path("{place}/none"),
    ),
    Bad(
        "a file for a folder",
        "The folder {place}/pets is a file, not a folder; give the path of a folder of images.",
        _a_file,
    ),
    Bad(
        "no class folder",
        "pets holds no class folders; put each class's images into a folder of its own.",
        _folder({}),
    ),
    Bad(
        "one class",
        "A data set needs at least two classes; there is only one, 'cat', so add another.",
        _folder({"cat": 6}),
    ),
    Bad(
        "an empty class",
        "The class folder 'dog' of pets holds no images; fill it or remove it.",
        _folder({"cat": 6, "dog": 0}),
    ),
    Bad(
        "too few to split",
        "There are too few images to split ('cat' 1, 'dog' 1): every class needs one train image, and val and test need at least one image each; add images or lower the shares.",
        _folder({"cat": 1, "dog": 1}),
    ),
    Bad(
        "too few for val and test",
        "There are too few images to split ('cat' 2, 'dog' 1, 'emu' 1): every class needs one train image, and val and test need at least one image each; add images or lower the shares.",
        _folder({"cat": 2, "dog": 1, "emu": 1}),
    ),
    Bad(
        "shares above 1",
        "The validation share 0.6 and the test share 0.5 leave nothing to train on; lower one, for together they must stay below 1.",
        _folder({"cat": 6, "dog": 6}, val_fraction=0.6, test_fraction=0.5),
    ),
    Bad(
        "a bad file, to stop at",
        "cat/bad.png is empty; save it again.",
        _with_file("cat/bad.png", on_bad_file="stop"),
    ),
    Bad(
        "no such CSV",
        "The CSV file {place}/none.csv does not exist; give the path of a file.",
        _table("Id,Category\n", table="{place}/none.csv"),
    ),
    Bad(
        "no such folder of images",
        "The folder {place}/none does not exist; give the path of a folder of images.",
        _table("Id,Category\n1,a\n", images="{place}/none"),
    ),
    Bad("an empty CSV", "train.csv is empty; give it a first row that names the columns.", _table("")),
    Bad(
        "a CSV of names alone",
        "train.csv names no images; add a row for each image.",
        _table("Id,Category\n"),
    ),
    Bad(
        "a missing file",
        "train.csv, row 3: there is no image '77.png' in images; add the file or remove the row.",
        _table("Id,Category\n1.png,a\n77.png,b\n"),
    ),
    Bad(
        "a missing name",
        "train.csv, row 3: there is no image '77' in images; add the file or remove the row.",
        _table("Id,Category\n1,a\n77,b\n"),
    ),
    Bad(
        "a file of another kind",
        "train.csv, row 3: there is no image '2.txt' in images; correct its ending or remove the row.",
        _table("Id,Category\n1.png,a\n2.txt,b\n"),
    ),
    Bad(
        "a name that climbs out",
        "train.csv, row 3: there is no image '../../etc/passwd' in images; add the file or remove the row.",
        _table("Id,Category\n1.png,a\n../../etc/passwd,b\n"),
    ),
    Bad(
        "a name of two files",
        "train.csv, row 3: '2' may be 2 files of images; write it with its ending.",
        _table("Id,Category\n1,a\n2,b\n"),
    ),
    Bad(
        "an unknown column",
        "train.csv has no single column 'Id'; its columns are 'Name', 'Category'; choose one of them or correct the first row.",
        _table("Name,Category\n1,a\n"),
    ),
    Bad(
        "an unknown column of classes",
        "train.csv has no single column 'Category'; its columns are 'Id', 'Class'; choose one of them or correct the first row.",
        _table("Id,Class\n1,a\n"),
    ),
    Bad(
        "a column twice",
        "train.csv has no single column 'Id'; its columns are 'Id', 'Category', 'Id'; choose one of them or correct the first row.",
        _table("Id,Category,Id\n1,a,1\n"),
    ),
    Bad(
        "a duplicate Id",
        "train.csv, row 4: '1' is already in row 2; keep one of them.",
        _table("Id,Category\n1,a\n3,b\n1,a\n"),
    ),
    Bad(
        "a duplicate with and without ending",
        "train.csv, row 4: '1.png' is already in row 2; keep one of them.",
        _table("Id,Category\n1,a\n3,b\n1.png,a\n"),
    ),
    Bad(
        "a row too long",
        "train.csv, row 3: there are 3 values for 2 columns; correct the row.",
        _table("Id,Category\n1,a\n3,b,c\n"),
    ),
    Bad(
        "a row without a class",
        "train.csv, row 3: the column 'Category' is empty; fill it in or remove the row.",
        _table("Id,Category\n1,a\n3,\n"),
    ),
    Bad(
        "a row without a name",
        "train.csv, row 3: the column 'Id' is empty; fill it in or remove the row.",
        _table("Id,Category\n1,a\n,b\n"),
    ),
    Bad(
        "an open quotation",
        "train.csv is not a CSV file that can be read; save it as 'CSV UTF-8'.",
        _table('Id,Category\n1,a\n3,"b\n'),
    ),
    Bad(
        "a million columns",
        "train.csv, row 1: there are more than 10,000 columns; keep those of names and classes.",
        _table("Id,Category" + "," * 900_000 + "\n1,a\n"),
    ),
    Bad(
        "a row of a million columns",
        "train.csv, row 3: there are more than 10,000 columns; keep those of names and classes.",
        _table("Id;Category\n1;a\n" + ";" * 900_000),
    ),
    Bad(
        "a line of two million characters",
        "train.csv, row 2: it is longer than 1,000,000 characters; correct its quotation marks or shorten it.",
        _table("Id,Category\n" + "1" * 2_000_000 + ",a\n"),
    ),
    Bad(
        "an open quotation around a million lines",
        "train.csv, row 2: there are more than 10,000 columns; keep those of names and classes.",
        _table('Id,Category\n"' + "1,a\n" * 1_000_000),
    ),
    Bad(
        "many quotations that span lines",
        "train.csv, row 2: it is longer than 1,000,000 characters; correct its quotation marks or shorten it.",
        _table("Id,Category\n" + ('"' + "\n" * 120_000 + '",') * 10),
    ),
    Bad(
        "UTF-16",
        "train.csv is not a text file in UTF-8; save it as 'CSV UTF-8'.",
        _table("Id,Category\n1,a\n".encode("utf-16")),
    ),
    Bad(
        "Latin-1",
        "train.csv is not a text file in UTF-8; save it as 'CSV UTF-8'.",
        _table("Id,Category\n1,caf\xe9\n".encode("latin-1")),
    ),
    Bad(
        "a picture for a CSV",
        "train.csv is not a text file in UTF-8; save it as 'CSV UTF-8'.",
        _table(png(1)),
    ),
    Bad(
        "NUL in a column's name",
        "train.csv has no single column 'Id'; its columns are 'Id?', 'Category'; choose one of them or correct the first row.",
        _table("Id\0,Category\n1,a\n"),
    ),
    Bad(
        "one class in a CSV",
        "A data set needs at least two classes; there is only one, 'a', so add another.",
        _table("Id,Category\n1,a\n3,a\n4,a\n"),
    ),
    Bad(
        "data changed, evaluated",
        "The data set 'tiny' has changed since run {run} was trained on it: its figures would not compare; train a clone of the run on it.",
        _evaluating(_anew),
    ),
    Bad(
        "split changed, evaluated",
        "The data set 'tiny' was split anew since run {run} was trained on it: what is val and test now may have been trained on; train a clone of the run on it.",
        _evaluating(_split_anew),
    ),
    Bad(
        "data gone, evaluated",
        "There is no data set 'tiny'; Data and `python -m core data list` list them.",
        _evaluating(_gone),
    ),
    Bad(
        "data changed, resumed",
        "The data set 'tiny' is not the one that it was when it began: this run would not mean what its settings say, so clone it to train on the data as it is now.",
        _resumed(_anew),
    ),
    Bad(
        "split changed, resumed",
        "The data set 'tiny' is not the one that it was when it began: this run would not mean what its settings say, so clone it to train on the data as it is now.",
        _resumed(_split_anew),
    ),
    Bad(
        "data gone, resumed",
        "There is no data set 'tiny'; Data and `python -m core data list` list them.",
        _resumed(_gone),
    ),
    Bad(
        "data gone, sampled",
        "There is no data set 'tiny'; Data and `python -m core data list` list them.",
        _classes_of,
    ),
    Bad(
        "no such image to classify",
        "{place}/nothing.png does not exist; give an image, a folder or a zip.",
        _classifying("nothing.png"),
    ),
    Bad(
        "a folder without images to classify",
        "none holds no images; give files in PNG, JPEG, WebP, BMP, GIF or TIFF.",
        _classifying("none"),
    ),
    Bad(
        "nothing but bad images to classify",
        "The only image cannot be read, so choose another one: bad.png is not an image that can be read; give a PNG, JPEG, WebP, BMP, GIF or TIFF.",
        _classifying("one"),
    ),
    Bad(
        "several bad images to classify",
        "None of the 2 images can be read, so choose others; the first: bad.png is not an image that can be read; give a PNG, JPEG, WebP, BMP, GIF or TIFF.",
        _classifying("two"),
    ),
    Bad(
        "a foreign folder among a known set's classes",
        "The folder 'mine' in {place}/gtsrb/GTSRB/Training is no class of GTSRB; remove it and import again.",
        _gtsrb,
    ),
    Bad("a pipe among images", "cat/pipe.png is no ordinary file; save it again.", _with_pipe),
]
