"""Folders, zips and data sets of unlabelled images: every image gets a row, every other file a sentence."""

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.classify import (
    Answer,
    Answers,
    Found,
    Predictor,
    classify_images,
    classify_unlabelled,
    found_images,
    ids_have_endings,
    trained_on,
    zipped_images,
)
from core.classify.folder import BATCH
from core.data import Dataset, FolderSource, ImportOptions, Library
from core.errors import BadInput
from core.runs import Run, RunStore, train
from core.train import Compute
from tests.unit import tiny
from tests.unit.data.pictures import several_frames


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(dataset: Dataset, tmp_path: Path) -> Path:
    """Three images in two folders, and five files that are none."""
    root = tmp_path / "unlabelled"
    for number, name in enumerate(("a.png", "deep/b.png", "deep/c.bmp")):
        save(root / name, np.array(dataset.images[number]))
    (root / "empty.png").write_bytes(b"")
    (root / "text.jpg").write_text("no image")
    (root / "cut.png").write_bytes((root / "a.png").read_bytes()[:200])
    (root / "notes.txt").write_text("notes")
    (root / ".hidden.png").write_bytes(b"")
    return root


def zipped(folder: Path, target: Path, around: str) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, f"{around}{path.relative_to(folder).as_posix()}")
    return target


def answers_of(predictor: Predictor, *paths: Path, views: int = 0) -> Answers:
    with found_images(paths) as found:
        return classify_images(predictor, found, views=views)


class TestFolder:
    def test_ids_are_paths_inside_and_the_rest_is_named_with_its_reason(
        self, predictor: Predictor, folder: Path
    ) -> None:
        result = answers_of(predictor, folder)
        assert [answer.id for answer in result.answers] == ["a.png", "deep/b.png", "deep/c.bmp"]
        told = "\n".join(result.left_out)
        for word in ("empty.png is empty", "text.jpg is not an image", "cut.png is damaged", "'.txt'"):
            assert word in told
        assert len(result.left_out) == 4

    def test_of_several_frames_the_first_is_answered_and_that_is_said(
        self, predictor: Predictor, tmp_path: Path
    ) -> None:
        (tmp_path / "moving.gif").write_bytes(several_frames("GIF", size=28))
        save(tmp_path / "white.png", np.full((28, 28, 3), 255, dtype=np.uint8))
        result = answers_of(predictor, tmp_path)
        assert result.left_out == ("moving.gif has several frames or pages; the first one counts.",)
        moving, white = result.answers
        assert moving.top == white.top

    def test_the_answers_are_those_of_the_images_one_by_one(
        self, predictor: Predictor, folder: Path, dataset: Dataset
    ) -> None:
        result = answers_of(predictor, folder)
        for answer, expected in zip(
            result.answers, predictor.predict(list(np.array(dataset.images[:3]))), strict=True
        ):
            assert [name for name, _ in answer.top] == [predictor.card.classes[i] for i, _ in expected.top()]
            assert answer.tta is None
            assert answer.category == predictor.card.classes[expected.predicted]
            assert answer.probability == pytest.approx(float(expected.probabilities.max()), abs=1e-5)

    def test_with_views_the_category_is_the_majority_vote(self, predictor: Predictor, folder: Path) -> None:
        for answer in answers_of(predictor, folder, views=3).answers:
            assert answer.tta is not None
            assert (answer.category, answer.probability) == (answer.tta.category, answer.tta.mean_probability)
            votes = dict(answer.tta.votes)
            assert votes[answer.category] == max(votes.values())
            assert answer.tta.views == sum(votes.values()) == 3
            assert answer.tta.changed == (answer.category != answer.top[0][0])

    def test_an_answer_holds_names_and_numbers_and_no_pixels(
        self, predictor: Predictor, folder: Path
    ) -> None:
        """A hundred thousand of them must fit into memory."""
        for answer in answers_of(predictor, folder, views=32).answers:
            assert len(repr(answer)) < 600

    def test_the_order_is_by_name_whatever_order_the_disk_has(
        self, predictor: Predictor, tmp_path: Path, dataset: Dataset
    ) -> None:
        names = ["b/a.png", "10.png", "a/z.png", "9.png", "a/b/c.png"]
        for root in ("one", "two"):
            for number, name in enumerate(names if root == "one" else reversed(names)):
                save(tmp_path / root / name, np.array(dataset.images[number]))
            ids = [answer.id for answer in answers_of(predictor, tmp_path / root).answers]
            assert ids == ["10.png", "9.png", "a/z.png", "a/b/c.png", "b/a.png"]

    def test_an_images_votes_do_not_depend_on_the_folder_around_it(
        self, predictor: Predictor, folder: Path
    ) -> None:
        together = answers_of(predictor, folder, views=5).answers
        for answer in together:
            (alone,) = answers_of(predictor, folder / answer.id, views=5).answers
            assert alone.tta is not None
            assert answer.tta is not None
            assert alone.tta.votes == answer.tta.votes

    def test_more_images_than_a_batch_keep_their_order(
        self, predictor: Predictor, tmp_path: Path, dataset: Dataset
    ) -> None:
        for number in range(BATCH + 3):
            save(tmp_path / "many" / f"{number:04d}.png", np.array(dataset.images[number]))
        told: list[tuple[int, int]] = []
        with found_images([tmp_path / "many"]) as found:
            result = classify_images(
                predictor, found, progress=lambda s, done, total: told.append((done, total))
            )
        assert [answer.id for answer in result.answers] == [f"{n:04d}.png" for n in range(BATCH + 3)]
        assert told == [(0, BATCH + 3), (BATCH, BATCH + 3), (BATCH + 3, BATCH + 3)]

    def test_single_files_keep_the_name_they_were_given_by(self, predictor: Predictor, folder: Path) -> None:
        path = folder / "a.png"
        assert [answer.id for answer in answers_of(predictor, path).answers] == [str(path)]

    @pytest.mark.parametrize("kind", ["missing", "empty folder", "only text"])
    def test_nothing_to_classify_is_one_sentence(self, kind: str, tmp_path: Path) -> None:
        path = tmp_path / "here"
        if kind != "missing":
            path.mkdir()
        if kind == "only text":
            (path / "notes.txt").write_text("x")
        words = "does not exist" if kind == "missing" else "holds no images"
        with pytest.raises(BadInput, match=words), found_images([path]):
            pass

    def test_only_unreadable_images_is_an_error_that_names_the_first(
        self, predictor: Predictor, tmp_path: Path
    ) -> None:
        (tmp_path / "bad.png").write_text("x")
        with pytest.raises(BadInput, match=r"The only image cannot be read.*bad\.png"):
            answers_of(predictor, tmp_path)


class TestZip:
    @pytest.mark.parametrize("around", ["", "test/", "a/b/"])
    def test_a_folder_around_everything_is_no_part_of_the_id(
        self, predictor: Predictor, folder: Path, tmp_path: Path, around: str
    ) -> None:
        archive = zipped(folder, tmp_path / "images.zip", around)
        ids = [answer.id for answer in answers_of(predictor, archive).answers]
        assert ids == ["a.png", "deep/b.png", "deep/c.bmp"]

    def test_an_upload_is_read_from_memory_and_gives_the_same(
        self, predictor: Predictor, folder: Path, tmp_path: Path
    ) -> None:
        archive = zipped(folder, tmp_path / "images.zip", "test/")
        with zipped_images(io.BytesIO(archive.read_bytes()), "images.zip") as found:
            uploaded = classify_images(predictor, found)
        assert uploaded.csv() == answers_of(predictor, archive).csv()

    def test_a_member_that_leads_out_is_refused(self, tmp_path: Path) -> None:
        archive = tmp_path / "evil.zip"
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr("../out.png", b"x")
        with pytest.raises(BadInput, match=r"evil\.zip.*\.\."), found_images([archive]):
            pass
        assert not (tmp_path / "out.png").exists()

    def test_what_is_no_zip_is_named(self) -> None:
        with (
            pytest.raises(BadInput, match=r"photos\.zip is not a whole zip"),
            zipped_images(io.BytesIO(b"hello"), "photos.zip"),
        ):
            pass


class TestUnlabelled:
    @pytest.fixture
    def with_unlabelled(self, tmp_path: Path, dataset: Dataset) -> Dataset:
        root = tmp_path / "source"
        for number in range(24):
            save(root / "train" / f"class{number % 4}" / f"{number}.png", np.array(dataset.images[number]))
        for number in range(3):
            save(root / "test" / f"x{number}.png", np.array(dataset.images[number]))
        library = Library(tmp_path / "data")
        library.import_dataset(FolderSource(path=str(root)), "mixed", ImportOptions())
        return library.open("mixed")

    def test_a_data_sets_own_images_get_their_names_as_ids(
        self, predictor: Predictor, with_unlabelled: Dataset
    ) -> None:
        result = classify_unlabelled(predictor, with_unlabelled)
        assert [answer.id for answer in result.answers] == ["x0.png", "x1.png", "x2.png"]

    def test_a_data_set_without_any_says_so(self, predictor: Predictor, dataset: Dataset) -> None:
        with pytest.raises(BadInput, match="no unlabelled images; give a folder or zip"):
            classify_unlabelled(predictor, dataset)


def test_the_csv_has_one_row_per_image_and_quotes_what_needs_it(
    predictor: Predictor, tmp_path: Path, dataset: Dataset
) -> None:
    save(tmp_path / "images" / 'odd, "name".png', np.array(dataset.images[0]))
    result = answers_of(predictor, tmp_path / "images")
    rows = list(csv.reader(io.StringIO(result.csv())))
    assert rows == [["Id", "Category"], ['odd, "name".png', result.answers[0].category]]
    assert result.csv("image", "label").startswith("image,label\n")


def test_nothing_found_is_no_answer(predictor: Predictor) -> None:
    with pytest.raises(BadInput):
        classify_images(predictor, Found(()))


def answered(*ids: str) -> tuple[Answer, ...]:
    return tuple(Answer(image_id, "cat" if i else "dog", 1.0, ()) for i, image_id in enumerate(ids))


class TestCsv:
    def test_what_cannot_be_read_stands_in_its_place_with_the_most_frequent_answer(
        self, predictor: Predictor, folder: Path
    ) -> None:
        result = answers_of(predictor, folder)
        rows = list(csv.reader(io.StringIO(result.csv())))[1:]
        names = ["a.png", "cut.png", "empty.png", "text.jpg", "deep/b.png", "deep/c.bmp"]
        assert [name for name, _ in rows] == names
        answers = [answer.category for answer in result.answers]
        assert {category for name, category in rows if name in names[1:4]} == {result.fallback}
        assert answers.count(result.fallback) == max(map(answers.count, answers))
        assert result.warning.startswith("3 images cannot be read; their rows in the CSV say ")

    def test_without_such_there_is_no_warning(self) -> None:
        assert Answers(answered("a.png")).warning == ""

    def test_several_in_a_row_keep_their_order(self) -> None:
        unreadable = ((0, "0.png"), (1, "b.png"), (1, "c.png"), (2, "z.png"))
        rows = Answers(answered("a.png", "d.png"), unreadable=unreadable).csv().split()[1:]
        assert [row.split(",")[0] for row in rows] == ["0.png", "a.png", "b.png", "c.png", "d.png", "z.png"]

    @pytest.mark.parametrize(
        ("ids", "expected"),
        [
            (["a.png", "deep/b.JPG", "c.v2.webp"], ["a", "deep/b", "c.v2"]),
            (["a.txt", "b", ".png"], ["a.txt", "b", ".png"]),
            (["a.png", "a.jpg"], ["a.png", "a.jpg"]),
        ],
        ids=["images' endings go", "others stay", "two images never share an Id"],
    )
    def test_ids_without_endings(self, ids: list[str], expected: list[str]) -> None:
        rows = Answers(answered(*ids)).csv(endings=False).split()[1:]
        assert [row.split(",")[0] for row in rows] == expected


def test_file_names_stay_where_no_table_says_otherwise(library: Library) -> None:
    assert ids_have_endings(library, "tiny"), "drawn shapes have no table"
    assert ids_have_endings(library, "gone")


def test_a_checkpoint_keeps_its_own_order_of_classes_when_the_data_set_has_another(
    tmp_path: Path, dataset: Dataset, compute: Compute
) -> None:
    """A class folder was renamed and the set imported anew: what was 'ant' comes second now."""
    library, root = Library(tmp_path / "data"), tmp_path / "insects"
    for number in range(24):
        save(root / ("ant", "bee")[number % 2] / f"{number}.png", np.array(dataset.images[number]))
    library.import_dataset(FolderSource(path=str(root)), "insects", ImportOptions())
    run = made_run(tmp_path, library)
    (tmp_path / "new").mkdir()
    for number in range(24, 40):
        save(tmp_path / "new" / f"{number}.png", np.array(dataset.images[number]))
    before = answers_of(Predictor.load(run.checkpoint("last"), compute), tmp_path / "new", views=3)

    library.delete("insects")
    (root / "ant").rename(root / "wasp")
    library.import_dataset(FolderSource(path=str(root)), "insects", ImportOptions())
    assert library.open("insects").info.classes == ("bee", "wasp")
    predictor = Predictor.load(run.checkpoint("last"), compute)
    assert predictor.card.classes == ("ant", "bee")
    after = answers_of(predictor, tmp_path / "new", views=3)
    assert after == before
    assert {answer.category for answer in after.answers} <= {"ant", "bee"}
    with pytest.raises(BadInput, match="has changed since run"):
        trained_on(predictor.card, library)


def made_run(folder: Path, library: Library) -> Run:
    """A run of an epoch on the set 'insects'."""
    recipe = tiny.recipe(data={"name": "insects"}, epochs=1, augmentations=[{"kind": "horizontal_flip"}])
    run = RunStore(folder / "runs").create(recipe, library.open("insects").info, queue=False)
    assert train(run, library).state == "finished"
    return run
