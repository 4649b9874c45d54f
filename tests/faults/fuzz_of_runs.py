"""A run's own files, as a disk or a stranger may have left them: rows, small JSON files, checkpoints,
answers, and the ids that links carry."""

import json
import struct
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load

from core import words
from core.classify import Predictor, compute_for
from core.cli.runs import run_as_json
from core.files import read_json, to_json
from core.insight.diary.entries import Diary
from core.insight.diary.results import results_list
from core.runs import Run, RunEntry, RunStore, Status, train
from core.runs.answers import read_answers, stored_answers
from core.runs.rows import read_rows, write_rows
from core.runs.status import write_status
from core.train import checkpoint, read_card, read_checkpoint, read_state, read_state_rows, write_state
from tests.faults import setups
from tests.faults.fuzz_mutations import (
    TEXTS,
    hostile_name,
    json_bytes,
    mutated_bytes,
    mutated_json,
    mutated_value,
)
from tests.faults.fuzz_target import Target
from tests.faults.points import small_library
from tests.unit import tiny
from ui.run_table import TableRow, run_rows

RUN_ID = "20260901-101530-my-net-a1b2"


def _settled(run: Run) -> Run:
    """The run as if it had been made at a certain time, and had taken a certain time: a case must be the
    same one whenever it is repeated."""
    settled = Run(run.folder.rename(run.folder.with_name(RUN_ID)))
    path = settled.state_path
    card, state = read_card(path).model_copy(update={"run": RUN_ID}), read_state(path)
    rows = [_timeless(row) for row in read_state_rows(path)]
    write_state(path, card, state, rows)
    write_rows(settled.folder / "epochs.jsonl", rows)
    times = dict.fromkeys(("created_at", "started_at", "ended_at"), "2026-09-01T10:15:30+00:00")
    status = _timeless(read_json(settled.folder / "status.json")) | times | {"environment": {"torch": "2"}}
    write_status(settled.folder, Status.model_validate(status))
    return settled


def _timeless(row: dict[str, Any]) -> dict[str, Any]:
    return {key: 1.5 if key in setups.TIMES else value for key, value in row.items()}


def split_header(content: bytes) -> tuple[dict[str, Any], bytes]:
    """A safetensors file as its header and its numbers."""
    (size,) = struct.unpack_from("<Q", content)
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def with_header(header: bytes, body: bytes) -> bytes:
    """The other way round."""
    return struct.pack("<Q", len(header)) + header + body


def in_order(content: bytes) -> bytes:
    """The same file with its texts by name: safetensors writes them in another order each time."""
    header, body = split_header(content)
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    packed = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return with_header(packed + b" " * (-len(packed) % 8), body)


def with_texts(header: dict[str, Any], texts: dict[str, str], body: bytes) -> bytes:
    """The file with these texts and with the checksum that belongs to them."""
    texts = {key: text for key, text in texts.items() if key != "text_crc32"}
    texts["text_crc32"] = str(checkpoint._text_sum(texts))
    return with_header(json.dumps(header | {"__metadata__": texts}).encode(), body)


class _OfRun(Target):
    """One trained run, whose files are replaced one at a time."""

    file: str

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.library = small_library(place / "data")
        self.store = RunStore(place / "runs")
        dataset = self.library.open(tiny.DATASET)
        run = setups.new_run(self.store, dataset, epochs=2, mixing={"kind": "none"})
        train(run, self.library)
        run.write_notes(name="a run", tags=("x", "y"), hypothesis="that it learns")
        self.run = _settled(run)

    @property
    def path(self) -> Path:
        return self.run.folder / self.file


class Rows(_OfRun):
    """epochs.jsonl."""

    name, file = "rows", "epochs.jsonl"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.rows = read_rows(self.path).rows

    def draw(self, rng: Random) -> tuple[bytes, int]:
        lines = [mutated_json(rng, self.rows).replace(b"\n", b" ") for _ in range(rng.randint(1, 4))]
        content = b"\n".join([to_json(self.rows[0]).encode(), *lines]) + rng.choice((b"\n", b""))
        return mutated_bytes(rng, [content]) if rng.random() < 0.3 else content, rng.randrange(
            len(content) + 9
        )

    def feed(self, given: tuple[bytes, int]) -> None:
        content, cut = given
        self.path.write_bytes(content[:cut])
        first = read_rows(self.path)
        with self.path.open("ab") as file:
            file.write(content[cut:])
        second, whole = read_rows(self.path, first.cursor), read_rows(self.path)
        # As text: a number that is none does not equal itself.
        assert repr([*first.rows, *second.rows]) == repr(whole.rows), "read in two parts it is something else"
        assert whole.damaged == first.damaged + second.damaged
        for row in whole.rows:
            assert row["epoch"] >= 0
            to_json(row)


class _SmallFile(_OfRun):
    """A JSON file of the run: it is listed all the same, and drawn as an entry of the diary."""

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.whole = self.path.read_bytes() if self.path.exists() else b"{}"
        self.seeds: list[Any] = [json.loads(self.whole)]

    def draw(self, rng: Random) -> bytes:
        return mutated_json(rng, self.seeds)

    def feed(self, given: bytes) -> None:
        self.path.write_bytes(given)
        try:
            self.read()
        finally:
            self.path.write_bytes(self.whole)

    def read(self) -> None:
        (entry,) = self.store.list()
        assert entry.status is not None or entry.damaged.isprintable()
        assert self.run.display_name()
        Diary.of([entry])
        status = self.run.status()
        to_json(status.model_dump(mode="json"))
        self.run.checkpoint("best")


class StatusFile(_SmallFile):
    """status.json: with a checksum that does not fit, or with none, as an older Plateau wrote it."""

    name, file = "status", "status.json"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        live = {"epoch": 2, "step": 3, "steps": 9, "phase": "training", "lr": 0.1, "images_per_s": 99.5}
        live |= {"train_loss": 1.5, "train_accuracy": 0.5}
        old = {key: value for key, value in self.seeds[0].items() if key != "crc32"}
        self.seeds = [*self.seeds, *[old, old | {"state": "running", "live": live}] * 4]

    def read(self) -> None:
        super().read()
        (entry,) = self.store.list()
        _shown(entry)


def _shown(entry: RunEntry) -> None:
    """What pages and commands make of a status: words, shares, a line of the table."""
    status = entry.status
    assert status is not None
    assert results_list(entry.run, status, []) or not status.epoch
    to_json(run_as_json(entry), indent=1)
    assert len(run_rows([TableRow((entry,))])) == 1
    assert status.epoch / status.epochs >= 0
    if live := status.live:
        assert live.step / live.steps >= 0
        assert words.count(round(live.images_per_s)) and words.lr(live.lr)


class NotesFile(_SmallFile):
    """notes.json."""

    name, file = "notes", "notes.json"

    def read(self) -> None:
        super().read()
        to_json(self.run.notes().model_dump(mode="json"))


class EvaluationsFile(_SmallFile):
    """evaluations.json."""

    name, file = "evaluations", "evaluations.json"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        look = {
            "at": "2026-09-01T10:00:00+00:00",
            "checkpoint_epoch": 1,
            "images": 4,
            "accuracy": 0.5,
            "loss": 1.0,
        }
        self.seeds = [
            {"looks": [look | {"split": "val"}, look | {"split": "test", "tta_views": 5, "fixed": 1}]}
        ]

    def read(self) -> None:
        super().read()
        for look in self.run.looks():
            to_json(look.model_dump(mode="json"))


class StoredRecipe(_SmallFile):
    """recipe.json of a run."""

    name, file = "stored-recipe", "recipe.json"

    def read(self) -> None:
        super().read()
        self.run.recipe()


class QueueAndRequests(_SmallFile):
    """control.json, and a place in the queue."""

    name, file = "queue", "control.json"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.store.enqueue(self.run)
        self.seeds = [{"stop": "now"}, {"position": 1.0}, {"position": 2}]

    def read(self) -> None:
        waiting = self.store.queue_folder / self.run.id
        waiting.write_bytes(self.path.read_bytes())
        assert self.run.stop_request() in (None, "now", "after_epoch")
        assert [run.id for run in self.store.queue()] == [self.run.id]


class _Tensors(_OfRun):
    """A safetensors file: its bytes, its header, or its texts with the checksum that belongs to them."""

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.whole = in_order(self.path.read_bytes())
        self.header, self.body = split_header(self.whole)

    def draw(self, rng: Random) -> bytes:
        way = rng.random()
        if way < 0.25:
            return mutated_bytes(rng, [self.whole, self.whole[:200]])
        if way < 0.5:
            return with_header(mutated_json(rng, [self.header]), self.body)
        return self.with_texts(rng)

    def with_texts(self, rng: Random) -> bytes:
        """The same tensors under texts that are hostile, but were written by somebody who can count."""
        texts = dict(self.header["__metadata__"])
        for key in rng.sample(sorted(texts), rng.randint(1, 2)):
            if key == "card" or rng.random() < 0.3:
                texts[key] = self.text(rng, key, json.loads(texts[key]))
        return with_texts(self.header, texts, self.body)

    def text(self, rng: Random, key: str, value: Any) -> str:
        return json_bytes(rng, mutated_value(rng, value)).decode("utf-8", "replace")

    def feed(self, given: bytes) -> None:
        self.path.write_bytes(given)
        try:
            self.read()
        finally:
            self.path.write_bytes(self.whole)

    def read(self) -> None:
        raise NotImplementedError


GROWN = ("json/history", "json/rows")
"""What a checkpoint holds as JSON beside its tensors; it grows with the epochs."""


class Checkpoints(_Tensors):
    """last.state: weights, optimizer, history, card."""

    name, file = "checkpoint", "checkpoints/last.state"

    def read(self) -> None:
        card, weights = read_checkpoint(self.path)
        assert read_card(self.path).epoch == card.epoch
        card.parsed_recipe()
        state = read_state(self.path)
        assert state.weights.keys() == weights.keys()
        for row in read_state_rows(self.path):
            to_json(row)
        read_checkpoint(self.path, averaged=True)

    def draw(self, rng: Random) -> bytes:
        return self.with_grown(rng) if rng.random() < 0.2 else super().draw(rng)

    def with_grown(self, rng: Random) -> bytes:
        name = rng.choice(GROWN)
        return self.grown(name, json_bytes(rng, mutated_value(rng, self.stored(name))))

    def stored(self, name: str) -> Any:
        """What is stored under that name of GROWN."""
        return json.loads(load(self.whole)[name].numpy().tobytes())

    def grown(self, name: str, content: bytes) -> bytes:
        """History or rows of somebody who can count."""
        tensors = dict(sorted(load(self.whole).items()))
        tensors[name] = torch.tensor(list(content), dtype=torch.uint8)
        path = self.place / "grown.state"
        checkpoint._write(path, tensors, read_card(self.path))
        try:
            return in_order(path.read_bytes())
        finally:
            path.unlink()


class Predictors(_Tensors):
    """A checkpoint that somebody gave away: it is loaded, and asked for an answer."""

    name, file = "predictor", "checkpoints/last.state"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.image = Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3))
        self.compute = compute_for(self.run.recipe(), "cpu")

    def draw(self, rng: Random) -> bytes:
        return self.with_texts(rng) if rng.random() < 0.9 else super().draw(rng)

    def read(self) -> None:
        predictor = Predictor.load(self.path, self.compute)
        (answer,) = predictor.predict([predictor.prepare(self.image)], views=2)
        assert len(answer.probabilities) == len(predictor.card.classes)


class AnswerFiles(_Tensors):
    """Per-image answers."""

    name = "answers"

    def __init__(self, place: Path) -> None:
        self.file = ""
        _OfRun.__init__(self, place)
        self.answers = stored_answers(self.run)[0]
        self.file = str(self.answers.path(self.run).relative_to(self.run.folder))
        self.whole = self.path.read_bytes()
        self.header, self.body = split_header(self.whole)

    def with_texts(self, rng: Random) -> bytes:
        header = self.header | {"__metadata__": {"augmentations": self.text(rng, "", ["flip"])}}
        return with_header(json.dumps(mutated_value(rng, header)).encode(), self.body)

    def read(self) -> None:
        arrays, words = read_answers(self.run, self.answers, ("label", "predicted"))
        assert len({len(array) for array in arrays.values()}) == 1
        assert all(isinstance(word, str) for word in words)


class Ids(_OfRun):
    """What a link or a command names: a run, a data set."""

    name, file = "ids", ""

    def draw(self, rng: Random) -> tuple[str, str]:
        door = rng.choice(("link", "command", "data set"))
        if rng.random() < 0.5:
            ids = [RUN_ID.encode(), tiny.DATASET.encode(), b"last"]
            return door, mutated_bytes(rng, ids, 2).decode("utf-8", "surrogateescape")
        return door, hostile_name(rng, (RUN_ID, tiny.DATASET, "runs", "..", RUN_ID[:8], *TEXTS))

    def feed(self, given: tuple[str, str]) -> None:
        door, text = given
        if door == "data set":
            folder = self.library.open(text).folder
            assert folder == self.library.folder / tiny.DATASET
            return
        run = self.store.get(text) if door == "link" else self.store.find(text)
        assert run.folder == self.run.folder


RUN_TARGETS: tuple[type[Target], ...] = (
    Rows,
    StatusFile,
    NotesFile,
    EvaluationsFile,
    StoredRecipe,
    QueueAndRequests,
    Checkpoints,
    Predictors,
    AnswerFiles,
    Ids,
)
