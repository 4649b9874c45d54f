"""A run's folder and the small files in it, damaged or put there by somebody else."""

from collections.abc import Callable

from core.errors import Damaged
from tests.faults.bad_case import Act, Bad, Desk
from tests.unit.runs.setups import launched_with


def _listed(desk: Desk) -> None:
    """What the list says of the run."""
    (entry,) = desk.store.list()
    raise Damaged(entry.damaged)


def _card(name: str, content: bytes | None) -> Callable[[Desk], Act]:
    """A run one of whose files holds this, or is cut to half where it is None."""

    def make(desk: Desk) -> Act:
        path = desk.run.folder / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)
        return lambda: _listed(desk)

    return make


def _without(name: str) -> Callable[[Desk], Act]:
    def make(desk: Desk) -> Act:
        (desk.run.folder / name).unlink()
        return lambda: _listed(desk)

    return make


def _changed_status(before: str, after: str) -> Callable[[Desk], Act]:
    def make(desk: Desk) -> Act:
        text = (desk.run.folder / "status.json").read_text()
        assert before in text
        return _card("status.json", text.replace(before, after).encode())(desk)

    return make


def _folder_for_rows(desk: Desk) -> Act:
    rows = desk.run.folder / "epochs.jsonl"
    rows.unlink()
    rows.mkdir()
    return lambda: _listed(desk)


def _newer_recipe(desk: Desk) -> Act:
    """A newer Plateau launched the run with it: it can be looked at, and not trained."""
    launched_with(desk.run, b'{"version": 7}')
    assert [entry.state for entry in desk.store.list()] == ["finished"]
    return lambda: desk.run.recipe()


def _huge(desk: Desk) -> Act:
    with (desk.run.folder / "status.json").open("wb") as file:
        file.truncate(2**40)
    return lambda: _listed(desk)


def _linked(desk: Desk) -> Act:
    link = desk.store.folder / "20990101-000000-my-net-link"
    link.symlink_to(desk.run.folder)
    return lambda: desk.store.get(link.name)


def _linked_card(desk: Desk) -> Act:
    _linked(desk)

    def act() -> None:
        entry, whole = desk.store.list()
        assert whole.id == desk.run.id and not whole.damaged
        raise Damaged(entry.damaged)

    return act


def _linked_part(desk: Desk) -> Act:
    (desk.run.folder / "train.log").unlink()
    (desk.run.folder / "train.log").symlink_to(desk.file("outside.txt", b"x"))
    return lambda: desk.store.resume(desk.run)


def _linked_recipe(desk: Desk) -> Act:
    recipe = desk.run.folder / "recipe.json"
    outside = desk.file("outside.json", recipe.read_bytes())
    recipe.unlink()
    recipe.symlink_to(outside)
    return lambda: desk.store.get(desk.run.id).recipe()


BAD_RUN_FILES = [
    Bad(
        "a cut recipe",
        "recipe.json of {run} is damaged and cannot be read; put back a copy of it, or delete the run.",
        _card("recipe.json", None),
    ),
    Bad(
        "an empty recipe",
        "recipe.json of {run} is damaged and cannot be read; put back a copy of it, or delete the run.",
        _card("recipe.json", b""),
    ),
    Bad(
        "a recipe of zeros",
        "recipe.json of {run} is damaged and cannot be read; put back a copy of it, or delete the run.",
        _card("recipe.json", bytes(100)),
    ),
    Bad(
        "a recipe that is no text",
        "recipe.json of {run} is damaged and cannot be read; put back a copy of it, or delete the run.",
        _card("recipe.json", b"\xff\xfe\xff"),
    ),
    Bad(
        "a recipe that is a list",
        "recipe.json of {run} does not hold what it should; put back a copy of it, or delete the run.",
        _card("recipe.json", b"[]"),
    ),
    Bad(
        "a newer recipe",
        "recipe.json of run {run} cannot be used: version = 7: this Plateau reads recipes up to version 1; update Plateau.",
        _newer_recipe,
    ),
    Bad(
        "no recipe",
        "Run {run} has no recipe.json; put back a copy of it, or delete the run.",
        _without("recipe.json"),
    ),
    Bad(
        "a cut status",
        "status.json of {run} is damaged and cannot be read; put back a copy of it, or delete the run.",
        _card("status.json", None),
    ),
    Bad(
        "a status of zeros",
        "status.json of {run} is damaged and cannot be read; put back a copy of it, or delete the run.",
        _card("status.json", bytes(100)),
    ),
    Bad(
        "a status that is a list",
        "status.json of {run} does not hold what it should; put back a copy of it, or delete the run.",
        _card("status.json", b"[]"),
    ),
    Bad(
        "a status without its state",
        "status.json of run {run} does not hold what it should; put back a copy of it, or delete the run.",
        _card("status.json", b"{}"),
    ),
    Bad(
        "a status with another digit",
        "status.json of run {run} is damaged: its checksum does not fit; put back a copy of it, or remove its line crc32 to take it as it is.",
        _changed_status('"epoch": 2', '"epoch": 1'),
    ),
    Bad(
        "a status whose time has no end",
        "status.json of run {run} does not hold what it should; put back a copy of it, or delete the run.",
        _card(
            "status.json",
            b'{"state": "finished", "epochs": 2, "created_at": "", "dataset": "tiny", "architecture": "my_net", "elapsed_s": Infinity}',
        ),
    ),
    Bad(
        "a folder for the rows",
        "Run {run} holds the folder 'epochs.jsonl', which must be a file; remove it, or delete the run.",
        _folder_for_rows,
    ),
    Bad(
        "no status",
        "Run {run} has no status.json; put back a copy of it, or delete the run.",
        _without("status.json"),
    ),
    Bad(
        "a run's folder that is a link",
        "There is no run '20990101-000000-my-net-link'; Compare and `python -m core runs` list them all.",
        _linked,
    ),
    Bad(
        "a run's folder that is a link, in the list",
        "Run 20990101-000000-my-net-link is a link and was not followed; put the folder itself in its place, or delete the run, which removes the link alone.",
        _linked_card,
    ),
    Bad(
        "a run's folder with a link in it",
        "Run {run} holds the link 'train.log', which may lead anywhere; remove it, or delete the run.",
        _linked_part,
    ),
    Bad(
        "a status of a terabyte",
        "status.json of {run} is damaged and cannot be read; put back a copy of it, or delete the run.",
        _huge,
    ),
    Bad(
        "a recipe that is a link",
        "recipe.json of {run} is damaged and cannot be read; put back a copy of it, or delete the run.",
        _linked_recipe,
    ),
]
