"""The diary as one HTML file."""

import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from core.insight.diary.entries import Diary
from core.insight.diary.html import STYLE, closing, opening, section
from tests.pages.made_runs import HOSTILE
from tests.unit.insight.diary.setups import NOTE, WORDS

VOID = {"meta", "img", "br"}


class Read(HTMLParser):
    """What a browser finds: elements, addresses, ids and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


@pytest.fixture
def read(diary: Diary) -> Read:
    entries = [diary.entry(run) for run in diary.entries]
    linked = {entry.id for entry in entries}
    lines = [*opening(entries, written="today")]
    for entry in entries:
        lines += section(entry, b"\x89PNG" if entry.picture else None, linked)
    return Read("\n".join([*lines, *closing()]))


def test_every_element_is_closed(read: Read) -> None:
    assert read.open == [] and read.seen["section"] == read.seen["h2"] == 9


def test_it_refers_to_nothing_outside(read: Read) -> None:
    assert all(value.startswith("data:image/png;base64,") for value in read.values("src"))
    assert all(value.startswith("#") for value in read.values("href"))
    assert not re.search(r"url\(|@import|https?:", STYLE)
    assert not {"script", "link", "iframe", "object", "base", "form"} & set(read.seen)
    assert not any(name.startswith("on") for _, name, _ in read.attributes)


def test_links_lead_to_runs_of_the_file(read: Read) -> None:
    ids = read.values("id")
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in read.values("href")} <= set(ids)


@pytest.mark.parametrize("words", [HOSTILE, WORDS, NOTE, "<b>t</b>", "a|b"])
def test_what_a_person_typed_shows_literally(read: Read, words: str) -> None:
    assert words in read.texts


def test_a_parent_that_is_not_in_the_file_is_no_link(diary: Diary) -> None:
    entry = diary.entry(diary.entries[1])
    assert entry.changed
    assert not Read("\n".join(section(entry, None, {entry.id}))).values("href")
