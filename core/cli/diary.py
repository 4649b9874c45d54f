"""`diary`: every run in order, as Markdown with its pictures in a zip, or as one HTML file."""

import argparse
from pathlib import Path

from tqdm import tqdm

from core.cli.output import note
from core.errors import BadInput, NotFound
from core.files import replacing
from core.insight.diary.entries import Diary
from core.insight.diary.write import form_of, pictures_of, write_diary
from core.runs import RunStore
from core.words import size
from core.workspace import find_workspace


def diary(call: argparse.Namespace) -> None:
    """Write the diary; prints the file's path. Raises BadInput, NotFound."""
    form = form_of(call.out)
    target = Path(call.out).expanduser()
    if not target.parent.is_dir():
        raise BadInput(f"--out {call.out}: there is no folder {target.parent}; make it, or name another one.")
    if target.is_dir():
        raise BadInput(f"--out {call.out}: is a folder; name a file in it.")
    store = RunStore(find_workspace().runs)
    asked = {store.find(text).id for text in call.run}
    entries = store.list()
    if not entries:
        raise NotFound("There is no run yet; `python -m core train RECIPE --data NAME` makes one.")
    chosen = [entry for entry in entries if not asked or entry.id in asked]
    with tqdm(total=len(chosen), unit="run", disable=None) as bar:

        def progress(stage: str, done: int, total: int) -> None:
            bar.set_description_str(stage, refresh=False)
            bar.n, bar.total = done, total
            bar.refresh()

        with replacing(target) as temporary, temporary.open("wb") as file:
            written = write_diary(file, form, Diary.of(entries), chosen, pictures_of(store), progress)
    runs = "1 run" if written.runs == 1 else f"{written.runs:,} runs"
    pictures = "1 picture" if written.pictures == 1 else f"{written.pictures:,} pictures"
    note(f"{runs}, {pictures}, {size(target.stat().st_size)}.")
    print(target)
