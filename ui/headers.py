"""What every answer tells the browser beside its content: who may frame it, how it is to be taken, and what
other sites learn of it."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    # In a frame of another site's page a person's clicks could be guided to what they do not see.
    "Content-Security-Policy": "frame-ancestors 'self'",
    # A file is what the app says that it is, whatever its bytes look like.
    "X-Content-Type-Options": "nosniff",
    # An address names runs: a link that leads elsewhere does not tell it.
    "Referrer-Policy": "same-origin",
}


class GuardedAnswers:
    """Adds the headers to each answer over HTTP; a WebSocket passes untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_guarded if scope["type"] == "http" else send)
