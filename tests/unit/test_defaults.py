"""The settings that keep strangers out, as the app ships them, under the names that Streamlit knows."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from streamlit import config

PATH = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"

SHIPPED = {
    "server.address": "127.0.0.1",
    "server.allowedHosts": ["127.0.0.1", "localhost"],
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.enableStaticServing": False,
    "server.fileWatcherType": "none",
    "server.maxUploadSize": 1000,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "viewer",
    "client.allowedOrigins": [],
}
LEFT = {"server.enableAgentApi": False, "server.corsAllowedOrigins": [], "server.xsrfCookieSameSite": "lax"}
"""Streamlit's own defaults that nothing here changes."""


def flat(content: dict[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in content.items():
        found |= flat(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
    return found


SETTINGS = flat(tomllib.loads(PATH.read_text(encoding="utf-8")))


@pytest.mark.parametrize(("name", "value"), SHIPPED.items())
def test_a_default_is_as_documented(name: str, value: object) -> None:
    assert SETTINGS[name] == value


@pytest.mark.parametrize("name", SETTINGS)
def test_streamlit_knows_every_setting_by_this_name(name: str) -> None:
    section, _, key = name.rpartition(".")
    assert name in config.get_options_for_section(section.partition(".")[0]) or key in str(
        config.get_options_for_section(section)
    )


@pytest.mark.parametrize(("name", "value"), LEFT.items())
def test_what_is_left_to_streamlit_is_closed_there(name: str, value: object) -> None:
    assert name not in SETTINGS
    assert config.get_option(name) == value


def test_docs_security_names_every_default() -> None:
    text = (PATH.parents[1] / "docs" / "security.md").read_text(encoding="utf-8")
    assert [name for name in SHIPPED if f"`{name}" not in text] == []
