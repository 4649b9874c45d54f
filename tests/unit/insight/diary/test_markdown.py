"""The diary as Markdown."""

import re
from dataclasses import replace

import pytest

from core.insight.diary.entries import Diary
from core.insight.diary.markdown import inline, markdown_lines, quoted
from core.runs import Run
from tests.pages.made_runs import HOSTILE
from tests.unit.insight.diary.setups import NOTE, WORDS

BACKSLASHED = re.compile(r"\\[!-/:-@\[-`{-~]")


@pytest.mark.parametrize(
    "text",
    [HOSTILE, "a*b*", "a_b_ _c_", "[x](y)", "<b>", "a|b", "`x`", "# x #", "&lt;", "$x$", "~~x~~", "\\"],
)
def test_no_sign_in_a_name_is_taken_for_markdown(text: str) -> None:
    rest = BACKSLASHED.sub("", inline(text))
    assert not set(rest) & set("*[]<>|`#&$~!\\")
    assert BACKSLASHED.sub(lambda found: found[0][1], inline(text)) == text


@pytest.mark.parametrize("text", ["my_net 12", "T_max 20, weight_decay 0.0001", "58.3 % → 59.4 % (+1.1)"])
def test_a_plain_name_stays_readable(text: str) -> None:
    assert inline(text) == text


@pytest.mark.parametrize("text", ["http://evil", "www.evil.com", "a@evil.com"])
def test_an_address_in_a_name_is_no_link(text: str) -> None:
    assert not re.search(r"(?<!\\)://|www\.|\w@", inline(text))


def test_a_name_is_one_line() -> None:
    assert inline("a\nb\x00\tc") == "a b c"


@pytest.mark.parametrize("text", [WORDS, NOTE, "a\r\nb\rc", "\n\nblank first"])
def test_nothing_leaves_a_quote(text: str) -> None:
    lines = quoted(text)
    assert all(line == ">" or line.startswith("> ") for line in lines)
    assert not any("\n" in line or "\r" in line for line in lines)
    assert not re.search(r"<[A-Za-z/!?]", "\n".join(lines))


def test_a_persons_own_markdown_stays() -> None:
    assert quoted("As *expected*:\n\n- a < b\n- `x`") == ["> As *expected*:", ">", "> - a < b", "> - `x`"]


@pytest.mark.parametrize(
    "text",
    [
        "It takes a `dict<str>` and ``a`<b>``.",
        "```\n<b>\n\n<!-- x\n```\nand `<i>`",
        "~~~~ html\n<div>\n~~~\n~~~~",
        "[a paper](x)\n\n`<b>`",
    ],
)
def test_code_keeps_its_brackets(text: str) -> None:
    assert quoted(text) == [f"> {line}".rstrip() for line in text.split("\n")]


def test_a_tag_beside_code_becomes_none() -> None:
    assert quoted("`<b>` <b>") == ["> `<b>` &lt;b>"]
    assert quoted("```\n<b>\n```\n<b>") == ["> ```", "> <b>", "> ```", "> &lt;b>"]


@pytest.mark.parametrize(
    "text",
    [
        "```\n<b>",  # never closed
        "~~~\n<b>\n```",
        "````\n<b>\n```",
        "`<b>",  # a backtick left over
        "a `\n`<b>` c",  # which belongs to one of the next line
        "`<b>``",
        "\\`<b>`",  # not the backtick of a span
        "| `a | <b>` |",  # two cells of a table
        '[x](` "<b>` y',  # an address
        "[x][`a] <b> `",
        "- ```\n<b>\n  ```",  # the block ends with the list
        "a\n ```\n<b>\n```",
        "> ```\n<b>\n> ```",
        "``` a`b\n<b>\n```",  # opens no block
    ],
)
def test_what_may_be_no_code_is_taken_for_none(text: str) -> None:
    assert "<b" not in "\n".join(quoted(text))


def test_an_entry_follows_the_experiment_log(runs: dict[str, Run], diary: Diary) -> None:
    run = runs["better"]
    entry = replace(diary.entry(diary.entries[1]), hypothesis="It should help.", note="It does.")
    text = "\n".join(markdown_lines([entry], {run.id: "pictures/x.png"}, written="today"))
    parts = [
        "## 2. flip",
        "> It should help.",
        "**Settings**",
        "- Optimizer: ",
        "**What changed**",
        "**Results**",
        "- Best val: ",
    ]
    parts += ["](pictures/x.png)", "**Verdict**", "> It does."]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_the_table_of_contents_has_a_row_per_run_and_its_links_lead_somewhere(diary: Diary) -> None:
    entries = [diary.entry(run) for run in diary.entries]
    lines = list(markdown_lines(entries, {}, written="today"))
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == len(entries) + 2
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}
    text = "\n".join(lines)
    assert set(re.findall(r"\]\(#(run-[^)]*)\)", text)) == set(re.findall(r'<a id="([^"]*)">', text))


def test_a_parent_that_is_not_in_the_file_is_no_link(diary: Diary) -> None:
    entry = diary.entry(diary.entries[1])
    assert entry.changed
    assert "](#" not in "\n".join(markdown_lines([entry], {}, written="today"))
