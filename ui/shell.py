"""The HTML that a browser gets for the app's addresses: Streamlit's own with the style of every page, and for
a page's address with two hints.

A style that a page sends comes when the page stands, which then moves; here it is there before.

Streamlit's script looks for its server below the page's address first ('/compare/_stcore/health'), is
refused there, and asks again above; and it fetches the code of each kind of widget only when the first of
that kind arrives. Here it is told where the server is, and the browser to fetch what the page begins with
while the server makes it. Fetched any sooner, it keeps Streamlit's own script from starting
(docs/performance.md).
"""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ui.layout import STYLE
from ui.links import PAGE_NAMES, route_path

STATIC = Path(st.__file__).parent / "static"
"""Streamlit's own frontend."""
CHART = ("ArrowVegaLiteChart",)
TABLE = ("DataFrame",)
"""Streamlit's names of the kinds of widget that a page with a chart, or with a table, waits for."""
_HINTS = """<script>
      // The server is found above the page's own name, whatever a proxy has put before it.
      window.__streamlit = {{ BACKEND_BASE_URL: new URL(".", window.location.href).href }}
      // Once the server has answered Streamlit's script, which would else wait for these.
      const watch = new PerformanceObserver((seen) => {{
        if (!seen.getEntries().some((one) => one.name.endsWith("/_stcore/health"))) return
        watch.disconnect()
        for (const name of {scripts}) {{
          const link = document.createElement("link")
          Object.assign(link, {{ rel: "modulepreload", crossOrigin: "", href: `./static/js/${{name}}` }})
          document.head.append(link)
        }}
      }})
      watch.observe({{ type: "resource", buffered: true }})
    </script>"""
_IMPORT = re.compile(r'(?:from|import)"\./([\w.-]+\.js)"')
_KNOWN = re.compile(r"\./static/js/([\w.-]+\.js)")


def page_routes(base: str = "") -> list[Route]:
    """A route for each page's address, and one for the app's own; `base` is the server's base path."""
    # With its last slash: without one Streamlit leads to it, and what the HTML names lies below it.
    own = route_path(base, "").rstrip("/") + "/"
    pages = [Route(route_path(base, name), _answer, methods=["GET"]) for name in PAGE_NAMES]
    return [Route(own, _own, methods=["GET"]), *pages]


def _own(_: Request) -> Response:
    """The style alone: Streamlit's script finds its server there by itself."""
    return HTMLResponse(styled_html(STATIC), headers={"Cache-Control": "no-cache"})


def _answer(request: Request) -> Response:
    """Starlette calls it in a thread of its own."""
    name = request.url.path.rpartition("/")[2]
    kinds: tuple[str, ...] = CHART if name == "live" else ()
    if name == "compare":
        kinds = CHART if request.query_params.get("runs") else TABLE
    return HTMLResponse(page_html(STATIC, kinds), headers={"Cache-Control": "no-cache"})


@lru_cache
def page_html(static: Path, kinds: tuple[str, ...]) -> str:
    """Streamlit's index.html with the hints for a page that begins with such widgets; read once."""
    html = styled_html(static)
    scripts = needed_scripts(static / "static" / "js", kinds, known=_KNOWN.findall(html))
    return _in_head(html, _HINTS.format(scripts=json.dumps(scripts)))


@lru_cache
def styled_html(static: Path) -> str:
    """Streamlit's index.html with the style of every page; read once."""
    return _in_head((static / "index.html").read_text(encoding="utf-8"), f"<style>{STYLE}</style>")


def _in_head(html: str, text: str) -> str:
    return html.replace("</head>", f"  {text}\n  </head>", 1)


def needed_scripts(folder: Path, kinds: Iterable[str], known: Iterable[str] = ()) -> list[str]:
    """The files of these kinds of widget and all that they import, without the `known` ones, each before
    what it imports. A kind that this version of Streamlit does not have is left out."""
    seen, found = set(known), []
    waiting = [path.name for kind in kinds for path in sorted(folder.glob(f"{kind}.*.js"))]
    while waiting:
        name = waiting.pop(0)
        if name not in seen:
            seen.add(name)
            found.append(name)
            waiting += _IMPORT.findall((folder / name).read_text(encoding="utf-8"))
    return found
