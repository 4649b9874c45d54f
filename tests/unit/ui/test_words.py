"""What a person typed, shown as it is."""

import pytest

from ui.words import distinct, plain


@pytest.mark.parametrize("sign", list("\\`*_{}[]()#+-.!|~$<>:&"))
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


def test_lines_become_one() -> None:
    assert plain("a\nb") == "a b"


def test_labels_that_are_there_twice_get_their_id() -> None:
    assert distinct({"1": "a", "2": "b", "3": "a"}) == {"1": "a · 1", "2": "b", "3": "a · 3"}
