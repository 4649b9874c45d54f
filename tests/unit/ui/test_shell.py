"""The HTML of a page's address: Streamlit's own, with hints where the server is and what will be needed."""

import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ui.layout import STYLE
from ui.links import PAGE_NAMES
from ui.shell import CHART, STATIC, TABLE, needed_scripts, page_html, page_routes, styled_html

PAGES = Path(__file__).resolve().parents[3] / "pages"


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A frontend of five files: a table needs cells, those need the core and themselves the table."""
    for name, text in {
        "Table.a1.js": 'import{a}from"./core.c3.js";import"./cells.b2.js";()=>import("./later.e5.js")',
        "cells.b2.js": 'import{t as n}from"./core.c3.js";import{T}from"./Table.a1.js";import"./deep.d4.js"',
        "core.c3.js": "",
        "deep.d4.js": "",
        "later.e5.js": "",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def client(base: str = "") -> TestClient:
    return TestClient(Starlette(routes=page_routes(base)))


class TestNeededScripts:
    def test_a_widget_needs_what_it_imports_but_not_what_it_may_load_later(self, scripts: Path) -> None:
        assert needed_scripts(scripts, ["Table"]) == [
            "Table.a1.js",
            "core.c3.js",
            "cells.b2.js",
            "deep.d4.js",
        ]

    def test_what_the_browser_knows_already_is_left_out(self, scripts: Path) -> None:
        assert needed_scripts(scripts, ["Table"], known=["core.c3.js"]) == [
            "Table.a1.js",
            "cells.b2.js",
            "deep.d4.js",
        ]

    def test_a_kind_that_is_not_there_is_left_out(self, scripts: Path) -> None:
        assert needed_scripts(scripts, ["Chart", "Tab"]) == []

    @pytest.mark.parametrize("kind", [*CHART, *TABLE])
    def test_every_kind_named_is_one_of_streamlits(self, kind: str) -> None:
        assert needed_scripts(STATIC / "static" / "js", [kind])


class TestPageHtml:
    def test_streamlits_page_is_all_there(self) -> None:
        own = (STATIC / "index.html").read_text(encoding="utf-8")
        before, after = own.split("</head>")
        html = page_html(STATIC, ("DataFrame",))
        assert html.startswith(before.rstrip()) and html.endswith(after)

    def test_the_server_is_named_before_streamlits_script_looks_for_it(self) -> None:
        html = page_html(STATIC, ())
        assert "BACKEND_BASE_URL" in html[: html.index("</head>")]

    def test_the_style_is_there_before_the_page_and_so_nothing_moves_when_it_comes(self) -> None:
        for html in (page_html(STATIC, ()), styled_html(STATIC)):
            head = html[: html.index("</head>")]
            assert f"<style>{STYLE}</style>" in head

    def test_no_script_is_fetched_that_the_page_names_already(self) -> None:
        own = (STATIC / "index.html").read_text(encoding="utf-8")
        added = page_html(STATIC, CHART).removeprefix(own[: own.index("</head>")].rstrip())
        named = re.findall(r"[\w.-]+\.js", added[: added.index("</head>")])
        assert len(named) > 1 and len(named) == len(set(named))
        assert not [name for name in named if name in own]


class TestRoutes:
    def test_every_page_has_one(self) -> None:
        assert set(PAGE_NAMES) == {path.stem for path in PAGES.glob("*.py")}
        for name in PAGE_NAMES:
            answer = client().get(f"/{name}")
            assert answer.status_code == 200 and 'id="root"' in answer.text
            assert answer.headers["cache-control"] == "no-cache"

    @pytest.mark.parametrize("base", ["", "/lab/plateau/"])
    def test_the_apps_own_address_brings_the_style_and_no_hint(self, base: str) -> None:
        """Which of its own addresses the server has there, Streamlit's script finds out."""
        answer = client(base).get(base or "/")
        assert "<style>" in answer.text and "BACKEND_BASE_URL" not in answer.text

    def test_without_its_last_slash_the_apps_address_leads_to_the_one_with_it(self) -> None:
        """Scripts are named relative to the address: without the slash they would be asked for above it."""
        answer = client("lab/plateau").get("/lab/plateau", follow_redirects=False)
        assert answer.is_redirect and answer.headers["location"].endswith("/lab/plateau/")

    def test_the_browser_fetches_what_the_page_begins_with(self) -> None:
        begin = [f"/{name}" for name in PAGE_NAMES] + ["/compare?runs=a,b"]
        for kind, expected in {
            "ArrowVegaLiteChart": ["/live", "/compare?runs=a,b"],
            "DataFrame": ["/compare"],
        }.items():
            assert [address for address in begin if f"{kind}." in client().get(address).text] == expected

    def test_the_servers_base_path_stands_before_each(self) -> None:
        assert client("/lab/plateau/").get("/lab/plateau/compare").status_code == 200
        assert client("/lab/plateau/").get("/compare").status_code == 404
