"""A GET of what the caller has already, by the ETag in If-None-Match, is answered 304 without its body."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class NotModified:
    """Answers 304 where an answer would be the one that the caller names.

    Args:
        app: The application behind it, which knows nothing of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, with a `send` that compares tags."""
        held = Headers(scope=scope).get("if-none-match") if scope["type"] == "http" else None
        if held is None or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        is_answered = False

        async def compared(message: Message) -> None:
            nonlocal is_answered
            if message["type"] == "http.response.start" and _is_held(message, held):
                is_answered = True
                kept = [(name, value) for name, value in message["headers"] if not name.startswith(b"content-")]
                await send({**message, "status": 304, "headers": kept})
                await send({"type": "http.response.body", "body": b""})
            elif not is_answered:
                await send(message)

        await self._app(scope, receive, compared)


def _is_held(message: Message, held: str) -> bool:
    """Whether an answer is one of those named; tags are compared weakly, as RFC 9110 has it for If-None-Match."""
    tag = Headers(raw=message["headers"]).get("etag")
    if message["status"] != 200 or tag is None:
        return False
    named = [one.strip().removeprefix("W/") for one in held.split(",")]
    return "*" in named or tag.removeprefix("W/") in named
