"""The diary as Markdown: headings, lists, quotes and pictures, nothing that one viewer knows only."""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import groupby

from core.insight.diary.entries import Changed, DiaryEntry

_SPECIAL = re.compile(r"([\\`*\[\]<>|~$&#!])")
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""One inside a word, as in my_net, emphasizes nothing."""
_ADDRESS = re.compile(r"://|(?<=www)\.|@")
"""What many viewers make a link of."""
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_FENCE = re.compile(r"(?P<fence>`{3,})[^`]*|(?P<other>~{3,}).*")
"""A line that opens a block of code, or closes it where nothing else stands in it."""
_TICKS = re.compile(r"`+")
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

    A tag's bracket becomes an entity: HTML that is opened in a quote would go on behind it. In code, where
    an entity would be shown as such, it stays.
    """
    lines = _LINES.split(_CONTROL.sub("", text.strip()))
    return [f"> {line}".rstrip() for line in _without_tags(lines)]


def _without_tags(lines: Sequence[str]) -> list[str]:
    """The lines with no tag outside of code. What not every viewer must take for code counts as none."""
    fenced = _fenced(lines)
    is_text = [at not in fenced and line.strip(" \t") != "" for at, line in enumerate(lines)]
    found = list(lines)
    for text, places in groupby(range(len(lines)), is_text.__getitem__):
        if text:
            paragraph = list(places)
            spans = [_code_spans(lines[at]) for at in paragraph]
            sure = None not in spans
            for at, code in zip(paragraph, spans, strict=True):
                found[at] = _escaped(lines[at], code if sure and code else [])
    return found


def _fenced(lines: Sequence[str]) -> set[int]:
    """Places of the lines of closed code blocks. None where a fence stands anywhere but at the beginning of
    a line: in a list the block would end with the list."""
    found: set[int] = set()
    opened: tuple[int, str] | None = None
    for at, line in enumerate(lines):
        match = _FENCE.fullmatch(line)
        if not match:
            if "```" in line or "~~~" in line:
                return set()
            continue
        fence = match["fence"] or match["other"]
        if opened is None:
            opened = at, fence
        elif fence.startswith(opened[1]) and line.rstrip(" ") == fence:
            found |= set(range(opened[0], at + 1))
            opened = None
    return found


def _code_spans(line: str) -> list[tuple[int, int]] | None:
    """Where code in backticks begins and ends within a line; None where that is in doubt: a backtick may
    belong to one of another line, to a link's address or to a backslash, and a table's bar parts two."""
    ticks = [found.span() for found in _TICKS.finditer(line)]
    by_size: dict[int, list[int]] = {}
    for at in reversed(range(len(ticks))):
        begin, end = ticks[at]
        by_size.setdefault(end - begin, []).append(at)
    spans: list[tuple[int, int]] = []
    at = 0
    while at < len(ticks):
        begin, end = ticks[at]
        later = by_size[end - begin]
        while later and later[-1] <= at:
            later.pop()
        if not later:
            return None
        at = later.pop()
        spans.append((begin, ticks[at][1]))
        at += 1
    outside, inside = _parts(line, spans)
    doubtful = "\\`" in line or any("|" in code for code in inside)
    return None if doubtful or any("](" in text or "][" in text for text in outside) else spans


def _escaped(line: str, spans: Sequence[tuple[int, int]]) -> str:
    outside, inside = _parts(line, spans)
    safe = (_TAG.sub("&lt;", text) for text in outside)
    return "".join(text + code for text, code in zip(safe, [*inside, ""], strict=True))


def _parts(line: str, spans: Sequence[tuple[int, int]]) -> tuple[list[str], list[str]]:
    """What lies outside of the spans, one part more than there are spans, and what lies inside."""
    begins, ends = [begin for begin, _ in spans], [end for _, end in spans]
    outside = [line[a:b] for a, b in zip([0, *ends], [*begins, len(line)], strict=True)]
    return outside, [line[a:b] for a, b in spans]


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
