"""The route that hands out runs as a zip."""

import io
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.runs import RunStore
from tests.pages.made_runs import make_run
from ui.export import export_link, export_route


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    monkeypatch.setenv("PLATEAU_RUNS", str(tmp_path / "runs"))
    return RunStore(tmp_path / "runs")


@pytest.fixture
def client(store: RunStore, temporary: Path) -> TestClient:
    return TestClient(Starlette(routes=[export_route()]))


def test_the_runs_come_as_one_whole_zip_and_nothing_is_left(
    client: TestClient, store: RunStore, temporary: Path
) -> None:
    first, second = make_run(store), make_run(store)
    answer = client.get("/" + export_link([first.id, second.id]))
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    assert 'attachment; filename="2-runs.zip"' in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {f"{run.id}/epochs.jsonl" for run in (first, second)} <= set(archive.namelist())
        assert archive.testzip() is None
    assert list(temporary.iterdir()) == []


def test_a_single_run_gives_its_name(client: TestClient, store: RunStore) -> None:
    run = make_run(store)
    answer = client.get("/" + export_link([run.id, run.id]))
    assert f'filename="{run.id}.zip"' in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("", 400, "No run was named"),
        ("?runs=,", 400, "No run was named"),
        ("?runs=20260901-gone", 404, "There is no run '20260901-gone'"),
        ("?runs=../../etc", 404, "There is no run"),
        ("?runs=.queue", 404, "There is no run"),
    ],
)
def test_what_is_no_run_is_one_sentence(
    client: TestClient, store: RunStore, temporary: Path, query: str, code: int, said: str
) -> None:
    make_run(store, state="queued")
    answer = client.get(f"/export{query}")
    assert answer.status_code == code and said in answer.text
    assert answer.headers["content-type"].startswith("text/plain") and not list(temporary.iterdir())


@pytest.mark.parametrize(("site", "code"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200)])
def test_another_site_cannot_have_runs_packed(
    client: TestClient, store: RunStore, site: str, code: int
) -> None:
    link = "/" + export_link([make_run(store).id])
    assert client.get(link, headers={"sec-fetch-site": site}).status_code == code


def test_an_error_while_packing_is_one_sentence_and_leaves_nothing(
    client: TestClient, store: RunStore, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: RunStore, runs: object, target: Path) -> None:
        target.write_bytes(b"PK")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunStore, "export", full)
    answer = client.get("/" + export_link([make_run(store).id]))
    assert answer.status_code == 500 and "No space left on device" in answer.text
    assert not list(temporary.iterdir())


def test_without_room_for_it_nothing_is_packed(
    client: TestClient, store: RunStore, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1000))
    answer = client.get("/" + export_link([make_run(store).id]))
    assert answer.status_code == 507 and "export fewer runs" in answer.text and not list(temporary.iterdir())


@pytest.mark.parametrize(("base", "path"), [("", "/export"), ("/app/", "/app/export")])
def test_the_route_stands_below_the_servers_base_path(base: str, path: str) -> None:
    assert export_route(base).path == path
