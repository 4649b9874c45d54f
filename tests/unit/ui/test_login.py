"""With [auth] in secrets.toml nobody sees a page who has not logged in and is not named."""

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ui.login import login_configured, may_enter

AUTH = {
    "redirect_uri": "http://localhost:8501/oauth2callback",
    "cookie_secret": "a long random text",
    "client_id": "plateau",
    "client_secret": "x",
    "server_metadata_url": "https://id.example.org/.well-known/openid-configuration",
}


def page(secrets: dict[str, Any]) -> AppTest:
    def script() -> None:
        import streamlit as st

        from ui.login import require_login

        require_login()
        st.markdown("the page")

    test = AppTest.from_function(script)
    for name, value in secrets.items():
        test.secrets[name] = value
    test.run()
    assert not test.exception
    return test


class _User(dict[str, Any]):
    def to_dict(self) -> dict[str, Any]:
        return dict(self)


def shown(test: AppTest) -> bool:
    return "the page" in [part.value for part in test.markdown]


def test_without_it_everybody_who_reaches_the_app_is_let_in() -> None:
    assert shown(page({"other": "x"}))


def test_with_it_a_stranger_sees_a_button_and_no_page() -> None:
    test = page({"auth": AUTH, "plateau": {"users": ["*"]}})
    assert not shown(test)
    assert [button.label for button in test.button] == ["Log in"]


@pytest.mark.parametrize(
    ("users", "enters"),
    [
        (["ada@example.org"], True),
        (["@example.org"], True),
        (["*"], True),
        (["bob@example.org"], False),
        ([], False),
    ],
)
def test_of_those_who_have_only_the_named_ones_enter(
    users: list[str], enters: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(st, "user", _User(is_logged_in=True, email="ada@example.org"))
    test = page({"auth": AUTH, "plateau": {"users": users}})
    assert shown(test) is enters
    if not enters:
        assert "is not among the users" in test.error[0].value
        assert [button.label for button in test.button] == ["Log out"]


def test_nobody_is_named_where_the_list_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "user", _User(is_logged_in=True, email="ada@example.org"))
    assert not shown(page({"auth": AUTH}))


@pytest.mark.parametrize(
    ("user", "users"),
    [
        ({}, ["a@b.c"]),
        ({"email": None}, ["@None"]),
        ({"email": "a@b.c", "email_verified": False}, ["a@b.c"]),
        ({"email": "x@evil.example"}, ["@b.c"]),
        ({"email": "a@b.c.evil.example"}, ["@b.c"]),
        ({"email": "b.c"}, ["@b.c", ""]),
    ],
    ids=str,
)
def test_no_other_address_passes_for_a_named_one(user: dict[str, Any], users: list[str]) -> None:
    assert not may_enter(user, users)


def test_a_secrets_file_that_cannot_be_read_asks_for_a_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secrets.toml"
    monkeypatch.setattr(st, "get_option", lambda name: [str(path)])
    assert not login_configured()
    path.write_text("[auth")
    assert login_configured()


def test_a_list_of_users_without_a_provider_opens_no_door() -> None:
    assert not shown(page({"plateau": {"users": ["ada@example.org"]}}))
