"""The diary as one HTML file that needs nothing beside it: style and pictures are inside."""

import re
from base64 import b64encode
from collections.abc import Container, Iterator, Sequence
from html import escape
from pathlib import Path

from core.insight.diary.entries import Changed, DiaryEntry

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
"""Light and dark by the reader's own choice; on paper light, with no page break inside a list."""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""The file asks no other machine for anything, whatever stands in it."""


def text(words: str) -> str:
    """Words as they are: nothing of them is taken for HTML."""
    return escape(_CONTROL.sub("", words))


def opening(entries: Sequence[DiaryEntry], *, written: str) -> Iterator[str]:
    """The file's head and the table of contents."""
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield "<title>Diary</title>"
    yield f"<style>\n{STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield '<header id="top">'
    yield "<h1>Diary</h1>"
    runs = "1 run" if len(entries) == 1 else f"{len(entries):,} runs"
    yield f'<p class="facts">{runs}, the oldest first. Written by Plateau on {text(written)} UTC.</p>'
    yield "</header>"
    if len(entries) > 1:
        yield from _contents(entries)
    yield "<main>"


def closing() -> Iterator[str]:
    """The file's end."""
    yield "</main>"
    yield "</body>"
    yield "</html>"


def _contents(entries: Sequence[DiaryEntry]) -> Iterator[str]:
    yield '<nav aria-label="Runs"><table>'
    yield (
        '<thead><tr><th class="number">No.</th><th>Run</th><th class="number">Best val</th>'
        '<th class="number">Epoch</th><th>Verdict</th><th>State</th></tr></thead>'
    )
    yield "<tbody>"
    for entry in entries:
        epoch = "" if entry.best_epoch is None else entry.best_epoch
        yield (
            f'<tr><td class="number">{entry.number}</td>'
            f'<td class="name"><a href="#run-{escape(entry.id)}">{text(entry.name)}</a>{_star(entry)}</td>'
            f'<td class="number">{text(entry.best)}</td><td class="number">{epoch}</td>'
            f"<td>{text(entry.verdict_kind)}</td><td>{text(entry.state)}</td></tr>"
        )
    yield "</tbody></table></nav>"


def _star(entry: DiaryEntry) -> str:
    return ' <span title="starred">★</span>' if entry.star else ""


def section(entry: DiaryEntry, png: bytes | None, linked: Container[str]) -> Iterator[str]:
    """One run, with its picture inside; `linked` has the ids of the runs that stand in the file."""
    yield f'<section id="run-{escape(entry.id)}">'
    yield f'<h2><span class="no">{entry.number}</span> {text(entry.name)}{_star(entry)}</h2>'
    tags = "".join(f' <span class="tag">{text(tag)}</span>' for tag in entry.tags)
    yield (
        f'<p class="facts">{text(entry.made)} UTC · <code>{text(entry.id)}</code> · '
        f'<span class="state {text(entry.state)}">{text(entry.state)}</span>{tags}</p>'
    )
    for sentence in entry.told:
        yield f'<p class="told">{text(sentence)}</p>'
    yield from _own_words("Hypothesis", entry.hypothesis)
    yield from _list("Settings", entry.settings)
    if entry.changed:
        yield from _changed(entry.changed, linked)
    if entry.repeats:
        yield f"<p>{text(entry.repeats)}</p>"
    yield from _list("Results", entry.results)
    if png:
        yield (
            '<img alt="Accuracy and learning rate over the epochs" '
            f'src="data:image/png;base64,{b64encode(png).decode()}">'
        )
    if entry.verdict:
        yield "<h3>Verdict</h3>"
        yield f'<p class="verdict {text(entry.verdict_kind)}">{text(entry.verdict)}</p>'
    if entry.marks:
        yield "<h3>Overfitting</h3>"
        yield "<ul>"
        yield from (f"<li>{text(sentence)}</li>" for sentence in entry.marks)
        yield "</ul>"
    yield from _own_words("Conclusion", entry.note)
    yield "</section>"


def _own_words(title: str, words: str) -> Iterator[str]:
    if words.strip():
        yield f"<h3>{title}</h3>"
        yield f"<blockquote>{text(words.strip())}</blockquote>"


def _list(title: str, lines: Sequence[tuple[str, str]]) -> Iterator[str]:
    if lines:
        yield f"<h3>{title}</h3>"
        yield "<ul>"
        yield from (f"<li><b>{text(name)}</b>: {text(said)}</li>" for name, said in lines)
        yield "</ul>"


def _changed(changed: Changed, linked: Container[str]) -> Iterator[str]:
    yield "<h3>What changed</h3>"
    parent = f"{changed.parent_number} · {text(changed.parent_name)}"
    if changed.parent_id in linked:
        parent = f'<a href="#run-{escape(changed.parent_id)}">{parent}</a>'
    yield f'<p>Against {parent}, {text(changed.relation)}: <span class="kind">{text(changed.kind)}</span></p>'
    if changed.settings:
        yield "<ul>"
        for setting, before, now in changed.settings:
            yield f"<li><b>{text(setting)}</b>: {text(before)} → {text(now)}</li>"
        yield "</ul>"
    yield from _list("What it did", changed.effects)
    if changed.note:
        yield f'<p class="facts">{text(changed.note)}</p>'
