"""What a person typed, shown as it is."""

from typing import get_args

import pytest

from core.insight.verdict import Kind
from ui.words import distinct, plain, unique, verdict_badge


@pytest.mark.parametrize("sign", list("\\`*_{}[]()#+-.!|~$<>:&="))
def test_a_sign_of_markdown_has_a_backslash(sign: str) -> None:
    assert plain(f"a{sign}b") == f"a\\{sign}b"


@pytest.mark.parametrize(
    "typed",
    [
        "www.example.org",
        "WWW.example.org",
        "http://a.b",
        "https://a.b",
        "me@a.b",
        ":smile:",
        ":material/home:",
        ":+1:",
    ],
)
def test_an_address_or_a_shortcode_is_broken_where_it_begins(typed: str) -> None:
    shown = plain(typed)
    assert "\u200b" in shown
    assert shown.replace("\\", "").replace("\u200b", "") == typed


@pytest.mark.parametrize("typed", ["lr 0.1, width 8", "a: b", "12:30", "5 @ home", "seed 1", "wwww", "http"])
def test_other_words_stay_as_they_are(typed: str) -> None:
    assert plain(typed).replace("\\", "") == typed


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_lines_become_one(end: str) -> None:
    assert plain(f"a{end}b") == "a b"


def test_nothing_is_taken_for_a_heading_or_for_code() -> None:
    assert plain("x\r\r===\r    code") == r"x  \=\=\=     code"


def test_labels_that_are_there_twice_get_their_id() -> None:
    assert distinct({"1": "a", "2": "b", "3": "a"}) == {"1": "a · 1", "2": "b", "3": "a · 3"}


def test_names_that_are_there_twice_get_as_much_of_their_ids_as_tells_them_apart() -> None:
    assert unique({"1-abcd": "a", "2-bcde": "b", "3-cdef": "a"}) == {
        "1-abcd": "a (abcd)",
        "2-bcde": "b",
        "3-cdef": "a (cdef)",
    }
    assert unique({"1-abcd": "a", "2-abcd": "a"}) == {"1-abcd": "a (1-abcd)", "2-abcd": "a (2-abcd)"}


def test_each_verdict_has_a_badge_of_its_own_colour() -> None:
    badges = [verdict_badge(kind) for kind in get_args(Kind)]
    assert len({badge.partition("[")[0] for badge in badges}) == 4
