"""The real app with its own settings, and what a neighbour or another site's page may ask of it: nothing."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import connect

from benchmarks.acting_client import opened
from benchmarks.served_app import served
from tests.faults.running import run_async

EVIL = "evil.example"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("doors")
    with served(folder / "runs", folder / "data") as (address, _):
        yield address


def headers_of(url: str, **headers: str) -> Message:
    """The headers of what the app answers, an error or not."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as found:
            return found.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.headers


def answer(url: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    """Status and beginning of what the app answers."""
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as found:
            return found.status, found.read(2_000).decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(2_000).decode("utf-8", "replace")


@pytest.mark.parametrize("path", ["", "live", "export?runs=x", "_stcore/host-config", "_stcore/health"])
def test_another_name_for_this_machine_gets_nothing(url: str, path: str) -> None:
    """A page of another site whose name was made to lead here: its requests bear its own name."""
    assert answer(f"{url}/{path}", Host=EVIL) == (400, "Invalid host header")


@pytest.mark.parametrize(
    "path",
    ["", "live", "nothing", "export?runs=x", "media/x", "_stcore/host-config", "_stcore/health", "static/x"],
)
@pytest.mark.parametrize("host", ["127.0.0.1", EVIL])
def test_no_answer_may_be_framed_by_another_site_or_be_taken_for_another_kind(
    url: str, path: str, host: str
) -> None:
    headers = headers_of(f"{url}/{path}", Host=host)
    assert headers.get_all("Content-Security-Policy") == ["frame-ancestors 'self'"]
    assert headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert headers.get_all("Referrer-Policy") == ["same-origin"]


def test_no_page_around_it_may_steer_it_by_messages(url: str) -> None:
    """An app of Streamlit's cloud may, by Streamlit's default."""
    with urllib.request.urlopen(f"{url}/_stcore/host-config", timeout=20) as found:
        assert json.load(found)["allowedOrigins"] == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_machines_own_names_do(url: str, host: str) -> None:
    port = urlsplit(url).port
    assert answer(f"{url}/_stcore/health", Host=f"{host}:{port}")[0] == 200


def session(url: str, origin: str | None, host: str = "127.0.0.1") -> Any:
    """A session's WebSocket as a browser on a page of `origin` opens it, the app called `host`."""
    port = urlsplit(url).port
    return connect(
        f"ws://{host}:{port}/_stcore/stream",
        sock=socket.create_connection(("127.0.0.1", port), timeout=20),
        origin=origin,  # type: ignore[arg-type]
        subprotocols=["streamlit"],  # type: ignore[list-item]
        open_timeout=20,
    )


@pytest.mark.parametrize(
    ("host", "origin"), [("127.0.0.1", f"http://{EVIL}"), (EVIL, f"http://{EVIL}"), (EVIL, None)], ids=str
)
def test_another_sites_page_opens_no_session(url: str, host: str, origin: str | None) -> None:
    with pytest.raises(InvalidHandshake), session(url, origin, host):
        pass


def test_its_own_page_does(url: str) -> None:
    with session(url, url):
        pass


def test_an_upload_without_the_token_is_refused(url: str) -> None:
    code, _ = answer(f"{url}/_stcore/upload_file/session/file", "PUT", Origin=f"http://{EVIL}")
    assert code == 403


def test_another_site_cannot_ask_for_an_export(url: str) -> None:
    code, said = answer(f"{url}/export?runs=x", **{"Sec-Fetch-Site": "cross-site"})
    assert (code, said) == (403, "An export is asked for on the page Compare.")


def test_nobody_may_read_its_answers(url: str) -> None:
    request = urllib.request.Request(f"{url}/_stcore/host-config", headers={"Origin": f"http://{EVIL}"})
    with urllib.request.urlopen(request, timeout=20) as found:
        assert found.headers.get("Access-Control-Allow-Origin") is None


def test_it_listens_on_this_machine_alone(url: str) -> None:
    """The kernel's own table of listening sockets; 0100007F is 127.0.0.1."""
    port = f"{urlsplit(url).port:04X}"
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    assert [address for address in listening if address.endswith(f":{port}")] == [f"0100007F:{port}"]
    assert socket.gethostbyname("localhost") == "127.0.0.1"


@pytest.mark.parametrize(
    "path", ["app/static/config.toml", "app/static/../../core/spec.py", "media/..%2f..%2fREADME.md"]
)
def test_no_file_is_served(url: str, path: str) -> None:
    said = answer(f"{url}/{path}")[1]
    assert "class " not in said
    assert "[server]" not in said
    assert "# Plateau" not in said


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app as docs/security.md opens it wider: another name, and a login."""
    folder = tmp_path_factory.mktemp("guarded")
    secrets = folder / ".streamlit" / "secrets.toml"
    secrets.parent.mkdir()
    secrets.write_text(
        '[auth]\nredirect_uri = "https://plateau.example.org/oauth2callback"\ncookie_secret = "random"\n'
        'client_id = "a"\nclient_secret = "b"\nserver_metadata_url = "https://id.example.org/openid"\n'
        '[plateau]\nusers = ["@example.org"]\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.setenv("STREAMLIT_SERVER_ALLOWED_HOSTS", "plateau.example.org 127.0.0.1")
        patch.setenv("STREAMLIT_BROWSER_SERVER_ADDRESS", "plateau.example.org")
        with served(folder / "runs", folder / "data") as (address, _):
            yield address


def test_with_a_login_a_stranger_gets_a_button_and_nothing_else(guarded: str) -> None:
    async def look() -> tuple[dict[str, str], dict[str, str], int]:
        async with opened(f"{guarded}/data") as session:
            return session.buttons, session.uploaders, session.charts

    buttons, uploaders, charts = run_async(look())
    assert list(buttons) == ["Log in"]
    assert (uploaders, charts) == ({}, 0)


def test_with_a_login_no_run_leaves_beside_the_pages(guarded: str) -> None:
    expected = (403, "This app asks for a login, and this address cannot.")
    assert answer(f"{guarded}/export?runs=x") == expected


def test_a_name_that_the_operator_adds_opens_a_session(guarded: str) -> None:
    name = "plateau.example.org"
    with session(guarded, f"https://{name}", name):
        pass
    assert answer(f"{guarded}/_stcore/health", Host=name)[0] == 200
    assert answer(f"{guarded}/_stcore/health", Host=EVIL)[0] == 400
