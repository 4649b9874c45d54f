"""The diary as a file."""

import io
import re
import zipfile

import pytest
from PIL import Image

from core.errors import BadInput
from core.insight.diary.entries import Diary
from core.insight.diary.pictures import Pictures
from core.insight.diary.write import DRAWING, READING, Form, Written, form_of, pictures_of, write_diary
from core.runs import Run, RunStore

WITH_CURVES = 6
"""Of the runs in the fixture; three have no epoch or are damaged."""


def test_the_zip_opens_and_has_every_picture_that_it_names(diary: Diary, store: RunStore) -> None:
    file = io.BytesIO()
    written = write_diary(file, "zip", diary, diary.entries, pictures_of(store))
    assert written == Written(len(diary.entries), WITH_CURVES)
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        text = archive.read("diary.md").decode()
        named = re.findall(r"^!\[[^\]]*\]\((pictures/[^)]*)\)$", text, re.MULTILINE)
        assert sorted([*named, "diary.md"]) == sorted(archive.namelist())
        assert len(named) == WITH_CURVES
        for name in named:
            with Image.open(io.BytesIO(archive.read(name))) as image:
                image.load()
                assert image.format == "PNG"
    numbers = [int(name[9:11]) for name in named]
    assert numbers == sorted(numbers)


def test_the_html_file_has_the_pictures_inside(diary: Diary, store: RunStore) -> None:
    file = io.BytesIO()
    write_diary(file, "html", diary, diary.entries, pictures_of(store))
    text = file.getvalue().decode()
    assert text.count("data:image/png;base64,") == WITH_CURVES
    assert text.startswith("<!doctype html>") and text.endswith("</html>\n")


@pytest.mark.parametrize("form", ["zip", "html"])
def test_a_few_runs_alone(form: Form, diary: Diary, store: RunStore, runs: dict[str, Run]) -> None:
    chosen = [entry for entry in diary.entries if entry.id in (runs["repeat"].id, runs["failed"].id)]
    kept = len(list((store.folder / ".pictures").iterdir()))
    assert write_diary(io.BytesIO(), form, diary, chosen[::-1], pictures_of(store)) == Written(2, 1)
    assert len(list((store.folder / ".pictures").iterdir())) == kept > 1


def test_an_empty_diary_is_a_whole_file() -> None:
    empty = Diary.of([])
    for form in ("zip", "html"):
        assert write_diary(io.BytesIO(), form, empty, [], Pictures()) == Written(0, 0)


def test_progress_is_told_up_to_the_end(diary: Diary, store: RunStore) -> None:
    pictures = pictures_of(store)
    told: list[tuple[str, int, int]] = []
    chosen = diary.entries[:3]
    write_diary(io.BytesIO(), "zip", diary, chosen, pictures, lambda *words: told.append(words))
    assert told == [(READING, at, 3) for at in range(3)] + [(DRAWING, at, 3) for at in range(4)]


@pytest.mark.parametrize(
    ("name", "form"), [("a.zip", "zip"), ("x/y.HTML", "html"), ("a.b.htm", "html"), ("a.ZIP", "zip")]
)
def test_the_ending_says_the_form(name: str, form: Form) -> None:
    assert form_of(name) == form


@pytest.mark.parametrize("name", ["diary", "diary.pdf", "diary.zip.md", ".zip", ""])
def test_another_ending_is_refused_with_the_ones_that_there_are(name: str) -> None:
    with pytest.raises(BadInput, match=r"\.zip .*\.html"):
        form_of(name)


def test_pictures_stand_beside_the_runs_and_those_of_runs_that_went_go(store: RunStore) -> None:
    folder = store.folder / ".pictures"
    (folder / "of-a-run-that-went.png").write_bytes(b"old")
    diary = Diary.of(store.list())
    write_diary(io.BytesIO(), "zip", diary, diary.entries, pictures_of(store))
    assert len(list(folder.iterdir())) == WITH_CURVES
