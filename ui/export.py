"""Runs as a zip, beside the pages: a route of its own, for a page's download would have to hold all
of it in memory."""

import shutil
import tempfile
from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from core.data.scratch import Scratch
from core.errors import NotFound
from core.runs import Run
from ui import words
from ui.links import route_path
from ui.services import store

PATH = "export"
SPARE_BYTES = 200_000_000
"""What a packed export leaves free on the disk."""


def export_link(run_ids: Sequence[str]) -> str:
    """The address of the zip with these runs, as seen from any page: relative, so that it holds
    wherever the app is mounted."""
    return f"{PATH}?{urlencode({'runs': ','.join(run_ids)}, safe=',')}"


def export_route(base: str = "") -> Route:
    """The route that `export_link` leads to; `base` is the server's base path."""
    return Route(route_path(base, PATH), _export, methods=["GET"])


class _Passing(FileResponse):
    """A file that is removed with its folder once it was sent, or its reader went away."""

    scratch: Scratch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.scratch.close()


def _export(request: Request) -> Response:
    """Pack the runs that the address names. Starlette calls it in a thread of its own."""
    # Packing is work: no other site may ask a person's browser for it.
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return _told(403, "An export is asked for on the page Compare.")
    asked = [part for part in request.query_params.get("runs", "").split(",") if part]
    if not asked:
        return _told(400, "No run was named; select runs on the page Compare.")
    try:
        runs = [store().get(run_id) for run_id in dict.fromkeys(asked)]
        return _packed(runs)
    except NotFound as error:
        return _told(404, str(error))
    except OSError as error:
        return _told(500, f"The runs could not be packed: {error.strerror or error}.")


def _packed(runs: list[Run]) -> Response:
    needed = sum(run.size_bytes() for run in runs)
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if needed + SPARE_BYTES > free:
        return _told(
            507,
            f"Packing needs up to {words.size(needed)}, and the folder for temporary files has "
            f"{words.size(free)} free; export fewer runs at once, or name a larger folder in TMPDIR.",
        )
    scratch = Scratch()
    target = scratch.folder / "runs.zip"
    try:
        store().export(runs, target)
    except BaseException:
        scratch.close()
        raise
    name = f"{runs[0].id}.zip" if len(runs) == 1 else f"{len(runs)}-runs.zip"
    answer = _Passing(target, filename=name, media_type="application/zip")
    answer.scratch = scratch
    return answer


def _told(code: int, sentence: str) -> Response:
    return PlainTextResponse(sentence, status_code=code)
