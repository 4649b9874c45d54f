"""By which names the app may be called: those of `server.allowedHosts`, for every request.

Streamlit itself looks at the name of a WebSocket alone.
"""

import streamlit as st
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send


class KnownHosts:
    """Starlette's TrustedHostMiddleware, with Streamlit's setting as it is at the first request: while the
    app's file is loaded, what was set on the command line or in the environment is not there yet."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._guarded: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._guarded is None:
            hosts = st.get_option("server.allowedHosts") or ["*"]
            self._guarded = TrustedHostMiddleware(self._app, allowed_hosts=hosts, www_redirect=False)
        await self._guarded(scope, receive, send)
