"""The filter over the list of runs."""

from pathlib import Path

import pytest

from core.runs import Notes, Run, RunEntry, Status
from ui.run_filter import RunFilter


def entry(**notes: object) -> RunEntry:
    status = Status(
        state="finished",
        epochs=10,
        created_at="2026-09-01T14:15:30+00:00",
        dataset="shapes",
        architecture="my_net",
    )
    return RunEntry(Run(Path("/nowhere/r1")), Notes.model_validate(notes), status)


@pytest.mark.parametrize(
    ("chosen", "passes"),
    [
        (RunFilter(), True),
        (RunFilter(text="FLIP gap"), True),
        (RunFilter(text="flip cosine"), False),
        (RunFilter(states=("failed",)), False),
        (RunFilter(datasets=("shapes",), architectures=("my_net",)), True),
        (RunFilter(datasets=("cifar10",)), False),
        (RunFilter(tags=("lr", "other")), True),
        (RunFilter(tags=("other",)), False),
        (RunFilter(starred=True), False),
    ],
)
def test_the_filter(chosen: RunFilter, passes: bool) -> None:
    run = entry(name="with flip", hypothesis="the gap closes", tags=("lr",))
    assert chosen.passes(run) is passes


SETTINGS = {"optimizer.kind": "sgd", "optimizer.lr": 0.05, "optimizer.nesterov": True, "epochs": 10}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("optimizer.kind=sgd", True),
        ("kind=sgd", True),
        ("kind=adam", False),
        ("lr=0.05", True),
        ("lr<0.1", True),
        ("lr<0.05", False),
        ("lr<=0.05", True),
        ("lr>0.01 flip", True),
        ("lr>0.01 cosine", False),
        ("epochs>=10", True),
        ("nesterov=on", True),
        ("nesterov=off", False),
        ("momentum=0.9", False),
        ("lr<fast", False),
    ],
)
def test_a_word_may_be_a_condition_on_a_setting(text: str, passes: bool) -> None:
    chosen = RunFilter(text=text)
    assert chosen.asks_settings
    assert chosen.passes(entry(name="with flip"), SETTINGS) is passes


def test_a_plain_word_asks_for_no_settings() -> None:
    assert not RunFilter(text="flip gap").asks_settings


@pytest.mark.parametrize("word", ["lr<<3", "lr<", "=3", "<0.1", "lr=>2"])
def test_a_word_that_looks_like_a_condition_and_is_none_is_named(word: str) -> None:
    said = RunFilter(f"name {word}").unclear
    assert said.startswith(f"{word!r} is no condition") and "lr<0.01" in said


def test_words_and_conditions_are_clear() -> None:
    assert RunFilter("plain-name lr<0.01 kind=sgd dropout>=.3 note=a-b").unclear == ""
