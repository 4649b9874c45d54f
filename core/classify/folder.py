"""Many unlabelled images at once: a folder, a zip, single files, or a data set's own unlabelled
images become answers, and answers become the CSV `Id,Category` that competitions ask for.

Images are read and classified in small batches, so a folder of any size fits into memory. An image
that cannot be read has no answer and is named; it never ends the whole. In the CSV it has a row all the
same, since a competition refuses a file in which one is missing.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from core.classify.predictor import TTA, Prediction, Predictor
from core.data import Dataset, Library, Progress
from core.data.archive import extract_zip
from core.data.decode import KINDS, SUFFIXES, decode_image, first_frame_sentence
from core.data.folder import is_image, left_out, walk_files
from core.data.pack import read_image_file
from core.data.scratch import Scratch
from core.errors import BadInput, PlateauError, shown

BATCH = 64
TOP = 5
"""How many classes of each answer are kept."""


@dataclass(frozen=True)
class NamedImage:
    """An image that is still to be read: the Id that the CSV has for it, and where its bytes are."""

    id: str
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Vote:
    """What test-time augmentation says to one image."""

    category: str
    votes: tuple[tuple[str, int], ...]
    """The classes that got any, in the classes' order."""
    mean_probability: float
    """Of the category."""
    changed: bool
    """Whether the plain answer is another one."""

    @property
    def views(self) -> int:
        """How many voted."""
        return sum(count for _, count in self.votes)


@dataclass(frozen=True, slots=True)
class Answer:
    """One image's Id and what the network says to it: names and numbers only, for there may be any
    number of images."""

    id: str
    category: str
    probability: float
    top: tuple[tuple[str, float], ...]
    """The most probable classes of the plain answer, best first."""
    tta: Vote | None = None


@dataclass(frozen=True)
class Answers:
    """The answers in the images' order, and one sentence per file or further frame that was left out."""

    answers: tuple[Answer, ...]
    left_out: tuple[str, ...] = ()
    unreadable: tuple[tuple[int, str], ...] = ()
    """The images that cannot be read: how many answers stand before each, and its Id."""

    @property
    def fallback(self) -> str:
        """What the CSV says of an image that cannot be read: the answer that most others got."""
        return Counter(answer.category for answer in self.answers).most_common(1)[0][0]

    @property
    def warning(self) -> str:
        """One sentence about rows of the CSV that are no answer of the network; empty where all are."""
        many = len(self.unreadable)
        if not many:
            return ""
        rows = "1 image cannot be read; its row in the CSV says"
        if many > 1:
            rows = f"{many:,} images cannot be read; their rows in the CSV say"
        return f"{rows} {self.fallback!r}, the most frequent answer, so that no row is missing."

    def csv(self, id_column: str = "Id", label_column: str = "Category", *, endings: bool = True) -> str:
        """The rows as CSV text: one line per image, below the column names.

        Without `endings` the Ids are file names without '.jpg' and the like, unless two images would
        have the same then.
        """
        rows = [(answer.id, answer.category) for answer in self.answers]
        fallback = self.fallback if self.unreadable else ""
        for done, (before, image_id) in enumerate(self.unreadable):
            rows.insert(before + done, (image_id, fallback))
        if not endings:
            bare = [_without_ending(image_id) for image_id, _ in rows]
            if len(set(bare)) == len(rows):
                rows = [(name, category) for name, (_, category) in zip(bare, rows, strict=True)]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([id_column, label_column])
        writer.writerows(rows)
        return text.getvalue()


@dataclass(frozen=True)
class Found:
    """Images that were found, and one sentence per sort of files that are no images."""

    images: tuple[NamedImage, ...]
    left_out: tuple[str, ...] = ()


@contextmanager
def found_images(paths: Sequence[Path], progress: Progress | None = None) -> Iterator[Found]:
    """The images of folders, zips and single files, in that order; a zip is unpacked while this lasts.

    The Id of a folder's or zip's image is its path inside, of a single file its path as given.
    Raises BadInput for a path that does not exist, and where there is no image at all.
    """
    images: list[NamedImage] = []
    others: list[str] = []
    with Scratch() as scratch:
        for number, path in enumerate(paths):
            if path.is_dir():
                found = _in_folder(path, path.name)
            elif not path.exists():
                raise BadInput(f"{shown(str(path), 300)} does not exist; give an image, a folder or a zip.")
            elif path.suffix.lower() == ".zip":
                with path.open("rb") as file:
                    found = _in_zip(file, path.name, scratch / str(number), progress)
            else:
                found = Found((_named(str(path), path),))
            images += found.images
            others += found.left_out
        yield _checked(Found(tuple(images), tuple(others)), " and ".join(path.name for path in paths[:3]))


@contextmanager
def zipped_images(file: BinaryIO, name: str, progress: Progress | None = None) -> Iterator[Found]:
    """The images of an opened zip, such as an upload; it is unpacked while this lasts. Raises BadInput."""
    with Scratch() as scratch:
        yield _checked(_in_zip(file, name, scratch / "zip", progress), name)


def classify_images(
    predictor: Predictor, found: Found, *, views: int = 0, progress: Progress | None = None
) -> Answers:
    """The network's answers; with `views` the category is TTA's majority vote.

    `progress` is told how far it is, and may raise to cancel. Raises BadInput where not a single
    image can be read.
    """
    answers: list[Answer] = []
    sentences: list[str] = []
    unreadable: list[tuple[int, str]] = []
    for start in range(0, len(found.images), BATCH):
        _tell(progress, start, len(found.images))
        ids, pixels = [], []
        for image in found.images[start : start + BATCH]:
            try:
                decoded = decode_image(image.read(), image.id)
                pixels.append(predictor.prepare(decoded))
                ids.append(image.id)
                if more := first_frame_sentence(decoded, image.id):
                    sentences.append(more)
            except BadInput as error:
                sentences.append(str(error))
                unreadable.append((len(answers) + len(ids), image.id))
        answers += _answered(predictor, ids, pixels, views)
    _tell(progress, len(found.images), len(found.images))
    if not answers:
        first = sentences[0] if sentences else "there is none."
        if len(found.images) == 1:
            raise BadInput(f"The only image cannot be read, so choose another one: {first}")
        raise BadInput(
            f"None of the {len(found.images):,} images can be read, so choose others; the first: {first}"
        )
    return Answers(tuple(answers), (*sentences, *found.left_out), tuple(unreadable))


def classify_unlabelled(
    predictor: Predictor, dataset: Dataset, *, views: int = 0, progress: Progress | None = None
) -> Answers:
    """The answers for a data set's own unlabelled images. Raises BadInput where it has none."""
    indices = dataset.indices("unlabelled")
    if len(indices) == 0:
        raise BadInput(
            f"The data set {dataset.info.name!r} has no unlabelled images; give a folder or zip "
            "of images instead."
        )
    answers: list[Answer] = []
    for start in range(0, len(indices), BATCH):
        _tell(progress, start, len(indices))
        part = indices[start : start + BATCH]
        pixels = list(predictor.as_seen(dataset.images[part]))
        answers += _answered(predictor, [dataset.image_name(int(i)) for i in part], pixels, views)
    _tell(progress, len(indices), len(indices))
    return Answers(tuple(answers))


def ids_have_endings(library: Library, name: str) -> bool:
    """Whether Ids of the competition that this data set came from end in '.jpg' or the like.

    A hand-in wants Ids as the table of labels has them, and that may name its images without. A data set
    without a table, and one that is gone, leave file names as they are.
    """
    try:
        dataset = library.open(name)
        if dataset.info.source.get("kind") not in ("table", "zip"):
            return True
        labelled = np.flatnonzero(dataset.labels >= 0)
        names = (dataset.image_name(int(index)) for index in labelled)
        return any(_without_ending(name) != name for name in names)
    except PlateauError:
        return True


def _without_ending(image_id: str) -> str:
    """'a/b' for 'a/b.jpg', and what has no image's ending as it is."""
    suffix = PurePosixPath(image_id).suffix
    return image_id.removesuffix(suffix) if suffix.lower() in SUFFIXES else image_id


def _answered(
    predictor: Predictor, ids: Sequence[str], pixels: Sequence[np.ndarray], views: int
) -> Iterator[Answer]:
    predictions = predictor.predict(pixels, views=views, keep_views=False)
    for image_id, prediction in zip(ids, predictions, strict=True):
        yield _answer(image_id, prediction, predictor.card.classes)


def _answer(image_id: str, prediction: Prediction, classes: Sequence[str]) -> Answer:
    top = tuple((classes[label], share) for label, share in prediction.top(TOP))
    if prediction.tta is None:
        return Answer(image_id, *top[0], top)
    vote = _vote(prediction.tta, prediction.predicted, classes)
    return Answer(image_id, vote.category, vote.mean_probability, top, vote)


def _vote(tta: TTA, plain: int, classes: Sequence[str]) -> Vote:
    predicted = tta.predicted
    return Vote(
        category=classes[predicted],
        votes=tuple((name, int(count)) for name, count in zip(classes, tta.votes, strict=True) if count),
        mean_probability=float(tta.mean_probabilities[predicted]),
        changed=predicted != plain,
    )


def _in_folder(folder: Path, name: str) -> Found:
    """All images below a folder, by their path inside it."""
    images, others = [], Counter[str]()
    for path in walk_files(folder):
        if is_image(path):
            images.append(_named(path.relative_to(folder).as_posix(), path))
        else:
            others[path.suffix.lower()] += 1
    return Found(tuple(images), tuple(left_out(others, name)))


def _in_zip(file: BinaryIO, name: str, into: Path, progress: Progress | None) -> Found:
    """All images of a zip, by their path inside it; folders that are around all of them don't count."""
    extracted = extract_zip(file, into, name=name, progress=progress)
    found = _in_folder(into, name)
    around = _common_folder([image.id for image in found.images])
    images = tuple(NamedImage(image.id[around:], image.read) for image in found.images)
    return Found(images, (*extracted.sentences(), *found.left_out))


def _common_folder(ids: Sequence[str]) -> int:
    """How many characters of all these paths are one and the same folder."""
    if not ids:
        return 0
    shared = list(PurePosixPath(ids[0]).parts[:-1])
    for image_id in ids[1:]:
        parts = PurePosixPath(image_id).parts[:-1]
        same = [mine == theirs for mine, theirs in zip(shared, parts, strict=False)]
        shared = shared[: same.index(False) if False in same else len(same)]
    return sum(len(part) + 1 for part in shared)


def _named(image_id: str, path: Path) -> NamedImage:
    return NamedImage(image_id, lambda: read_image_file(path, image_id))


def _checked(found: Found, name: str) -> Found:
    if not found.images:
        raise BadInput(f"{shown(name, 300)} holds no images; give files in {KINDS}.")
    return found


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress:
        progress("Classifying", done, total)
