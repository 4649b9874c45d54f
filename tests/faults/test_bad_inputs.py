"""Every bad input gives its sentence, word for word, and leaves nothing half-done behind."""

import re
import shutil
import tempfile
from pathlib import Path

import pytest

from core.data import FolderSource, ImportOptions, Library
from core.data.decode import SUFFIXES
from core.errors import BadInput, PlateauError
from core.runs import Run, RunStore, train
from tests.faults import setups
from tests.faults.bad_case import Bad, Desk
from tests.faults.bad_images import IMAGES
from tests.faults.bad_inputs import BAD_INPUTS
from tests.unit.data.pictures import write_classes

pytestmark = pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, library: Library) -> Run:
    """A finished run of two epochs."""
    store = RunStore(tmp_path_factory.mktemp("bad") / "runs")
    run = setups.new_run(store, library.open("tiny"), epochs=2)
    train(run, library)
    return run


@pytest.fixture
def desk(tmp_path: Path, library: Library, trained: Run, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for part in ("place", "temporary"):
        (tmp_path / part).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    shutil.copytree(library.folder, tmp_path / "data")
    shutil.copytree(trained.folder, tmp_path / "runs" / trained.id)
    store = RunStore(tmp_path / "runs")
    return Desk(tmp_path / "place", Library(tmp_path / "data"), store, store.get(trained.id))


def everything(folder: Path) -> dict[str, bytes]:
    """All files below a folder but locks."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
        if ".locks" not in path.parts
    }


ALL = [pytest.param(bad, id=f"{kind}: {bad.name}") for kind, found in BAD_INPUTS.items() for bad in found]


@pytest.mark.parametrize("bad", ALL)
def test_a_bad_input_gives_its_sentence_and_leaves_nothing(bad: Bad, desk: Desk) -> None:
    act = bad.make(desk)
    before = everything(desk.library.folder), everything(desk.place)
    with pytest.raises(PlateauError) as caught:
        act()
    assert str(caught.value) == bad.sentence(desk)
    assert str(caught.value).isprintable()
    assert (everything(desk.library.folder), everything(desk.place)) == before
    assert list(Path(tempfile.gettempdir()).iterdir()) == [], "a folder for work in between was left"


def test_the_table_is_large_enough_and_names_each_input_once() -> None:
    for found in BAD_INPUTS.values():
        names = [bad.name for bad in found]
        assert len(names) == len(set(names))
    assert sum(map(len, BAD_INPUTS.values())) >= 120


REMEDY = re.compile(
    "(add|choose|clone|copy|correct|cut|evaluate|fill|give|import|keep|lower|name|pack|put|raise|remove|rename"
    "|save|shorten|swap|train|unpack|update|use|write)\\b"
)
POINTERS = ("list them.", "lists them.", "list them all.", "checkpoints.every.")
"""Where to look for what there is, is a remedy too."""


def has_remedy(sentence: str) -> bool:
    """Whether its last clause says what to do."""
    clauses = re.split(r"; |, so ", sentence)
    return len(clauses) > 1 and bool(REMEDY.match(clauses[-1]) or clauses[-1].endswith(POINTERS))


def test_every_sentence_ends_in_what_to_do() -> None:
    said = [bad.said for found in BAD_INPUTS.values() for bad in found]
    assert [sentence for sentence in said if not has_remedy(sentence)] == []
    for without in ("optimizer.lr = 'nan': must be a number.", "x.png is bad; PNG can.", "Raise it."):
        assert not has_remedy(without)


IN_FOLDERS = [name for name in IMAGES if name.endswith(SUFFIXES)]


def test_bad_images_of_an_import_are_left_out_and_listed(desk: Desk) -> None:
    root = write_classes(desk.place / "pets", {"cat": 6, "dog": 6})
    for name in IN_FOLDERS:
        (root / "cat" / name).write_bytes(IMAGES[name][0]())
    info = desk.library.import_dataset(FolderSource(path=str(root)), "new", _options(on_bad_file="skip"))
    assert info.images == 12
    assert info.skipped_count == len(IN_FOLDERS)
    assert set(info.skipped) == {f"cat/{name} {IMAGES[name][1]}" for name in IN_FOLDERS}
    assert f"Images that could not be read and were left out: {len(IN_FOLDERS)}." in info.warnings


@pytest.mark.parametrize("name", IN_FOLDERS[::5])
def test_one_bad_image_ends_an_import_that_is_to_stop_there(desk: Desk, name: str) -> None:
    root = write_classes(desk.place / "pets", {"cat": 6, "dog": 6})
    (root / "cat" / name).write_bytes(IMAGES[name][0]())
    before = everything(desk.library.folder)
    with pytest.raises(BadInput) as caught:
        desk.library.import_dataset(FolderSource(path=str(root)), "new", _options(on_bad_file="stop"))
    assert str(caught.value) == f"cat/{name} {IMAGES[name][1]}"
    assert everything(desk.library.folder) == before


def _options(**values: str) -> ImportOptions:
    return ImportOptions.model_validate(values)
