"""The app: `streamlit run streamlit_app.py`.

An ASGI app instead of a plain script, for three reasons (ARCHITECTURE.md has them at length): a
link to any page works as the server's first request, the queue starts once per server, and no
error ever shows a traceback.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from core.data import Library
from core.data.scratch import clear_scratch
from core.errors import PlateauError
from core.runs import JobQueue, RunStore
from core.workspace import find_workspace
from ui.export import export_route
from ui.headers import GuardedAnswers
from ui.hosts import KnownHosts
from ui.login import closed_by_login
from ui.problems import show_script_error
from ui.shell import page_routes


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Start the job queue with the server, and end it with the server."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    workspace = find_workspace()
    library = Library(workspace.data)
    queue = JobQueue(RunStore(workspace.runs), library)
    with suppress(OSError):
        library.clear_leftovers()
        clear_scratch()
    try:
        queue.start()
    except (PlateauError, OSError) as error:
        # The pages say what is wrong with the folder; what is there can still be looked at.
        logging.getLogger("plateau").error("the queue could not be started: %s", error)
    yield {}
    queue.close()


BASE = st.get_option("server.baseUrlPath")
app = st.App(
    Path(__file__).resolve().parent / "ui" / "router.py",
    lifespan=lifespan,
    # Streamlit asks the login of its own pages alone.
    routes=[closed_by_login(export_route(BASE)), *page_routes(BASE)],
    middleware=[Middleware(GuardedAnswers), Middleware(KnownHosts)],
    on_script_error=show_script_error,
)
