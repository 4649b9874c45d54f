"""The diary as Markdown: headings, lists, quotes and pictures, nothing that one viewer knows only."""

import re
from collections.abc import Container, Iterator, Mapping, Sequence

from core.insight.diary.entries import Changed, DiaryEntry

_SPECIAL = re.compile(r"([\\`*\[\]<>|~$&#!])")
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""One inside a word, as in my_net, emphasizes nothing."""
_ADDRESS = re.compile(r"://|(?<=www)\.|@")
"""What many viewers make a link of."""
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINES = re.compile(r"\r\n|\r|\n")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def inline(text: str) -> str:
    """Words within a line, shown as they are: none of their signs is taken for Markdown."""
    text = _CONTROL.sub("", " ".join(text.split()))
    text = _SPECIAL.sub(r"\\\1", text)
    text = _UNDERSCORE.sub(r"\\_", text)
    return _ADDRESS.sub(lambda found: "\\" + found[0], text)


def quoted(text: str) -> list[str]:
    """A person's own Markdown as a quote, which nothing in it can leave.

    A tag's bracket becomes an entity: HTML that is opened in a quote would go on behind it.
    """
    text = _TAG.sub("&lt;", _CONTROL.sub("", text.strip()))
    return [f"> {line}".rstrip() for line in _LINES.split(text)]


def markdown_lines(
    entries: Sequence[DiaryEntry], pictures: Mapping[str, str], *, written: str
) -> Iterator[str]:
    """The whole diary, line by line; `pictures` has a picture's path per run's id."""
    yield "# Diary"
    yield ""
    yield f"{_count(len(entries))}, the oldest first. Written by Plateau on {written} UTC."
    if len(entries) > 1:
        yield ""
        yield from _contents(entries)
    linked = {entry.id for entry in entries}
    for entry in entries:
        yield ""
        yield from _entry(entry, pictures.get(entry.id), linked)


def _count(runs: int) -> str:
    return "1 run" if runs == 1 else f"{runs:,} runs"


def _contents(entries: Sequence[DiaryEntry]) -> Iterator[str]:
    yield "| | run | best val | epoch | verdict | state |"
    yield "| ---: | --- | ---: | ---: | --- | --- |"
    for entry in entries:
        name = f"[{inline(entry.name)}](#run-{entry.id})"
        epoch = "" if entry.best_epoch is None else entry.best_epoch
        yield f"| {entry.number} | {name} | {entry.best} | {epoch} | {entry.verdict_kind} | {entry.state} |"


def _entry(entry: DiaryEntry, picture: str | None, linked: Container[str]) -> Iterator[str]:
    yield f'<a id="run-{entry.id}"></a>'
    yield ""
    yield f"## {entry.number}. {inline(entry.name)}{' ★' if entry.star else ''}"
    yield ""
    tags = f" · {', '.join(inline(tag) for tag in entry.tags)}" if entry.tags else ""
    yield f"{entry.made} UTC · `{entry.id}` · {entry.state}{tags}"
    for sentence in entry.told:
        yield from ("", inline(sentence))
    if entry.hypothesis.strip():
        yield from ("", "**Hypothesis**", "", *quoted(entry.hypothesis))
    yield from _list("Settings", entry.settings)
    if entry.changed:
        yield from _changed(entry.changed, linked)
    if entry.repeats:
        yield from ("", inline(entry.repeats))
    yield from _list("Results", entry.results)
    if picture:
        yield from ("", f"![Accuracy and learning rate over the epochs]({picture})")
    if entry.verdict:
        yield from ("", "**Verdict**", "", inline(entry.verdict))
    if entry.marks:
        yield from ("", "**Overfitting**", "", *(f"- {inline(sentence)}" for sentence in entry.marks))
    if entry.note.strip():
        yield from ("", "**Conclusion**", "", *quoted(entry.note))


def _list(title: str, lines: Sequence[tuple[str, str]]) -> Iterator[str]:
    if lines:
        yield from ("", f"**{title}**", "")
        yield from (f"- {inline(name)}: {inline(text)}" for name, text in lines)


def _changed(changed: Changed, linked: Container[str]) -> Iterator[str]:
    parent = f"{changed.parent_number}. {inline(changed.parent_name)}"
    if changed.parent_id in linked:
        parent = f"[{parent}](#run-{changed.parent_id})"
    yield from ("", "**What changed**", "")
    yield f"Against {parent}, {inline(changed.relation)}: {inline(changed.kind)}"
    if changed.settings:
        yield ""
        for setting, before, now in changed.settings:
            yield f"- {inline(setting)}: {inline(before)} → {inline(now)}"
    yield from _list("What it did", changed.effects)
    if changed.note:
        yield from ("", inline(changed.note))
