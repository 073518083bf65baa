"""Who may call, and how much: the size of bodies, headers for browsers, where the service may listen."""

import asyncio
import contextlib
import ipaddress
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import SettingInvalid
from app.schemas.refusals import BodyTooLarge

_PAGES: Final = ("/docs", "/static/")
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ANSWER_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
_MAX_DROP_BYTES: Final = 256 * 2**20
_MAX_DROP_SECONDS: Final = 10.0
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class BodyLimit:
    """Refuses bodies above a size before anyone parses them: by their Content-Length, and chunk by chunk.

    What is refused is still received for a moment and dropped: a client that is cut off while it sends would never read
    the answer.

    Args:
        app: The application behind it.
        max_body_bytes: The limit.
    """

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, with a `receive` that counts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        announced = headers.get("content-length", "")
        too_large = announced.isdecimal() and int(announced) > self._max_body_bytes
        asks_first = headers.get("expect", "").lower() == "100-continue"
        num_bytes = 0

        async def counted() -> Message:
            nonlocal num_bytes
            if too_large and asks_first:
                raise BodyTooLarge(self._max_body_bytes)
            message = await receive()
            num_bytes += len(message.get("body", b""))
            if too_large or num_bytes > self._max_body_bytes:
                await _drop(message, receive)
                raise BodyTooLarge(self._max_body_bytes)
            return message

        await self._app(scope, counted, send)


async def _drop(message: Message, receive: Receive) -> None:
    num_bytes = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_MAX_DROP_SECONDS):
            while message.get("more_body", False) and num_bytes < _MAX_DROP_BYTES:
                message = await receive()
                num_bytes += len(message.get("body", b""))


class BrowserHeaders:
    """Tells browsers not to guess, frame, keep or run anything of an answer.

    Args:
        app: The application behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, with a `send` that adds the headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                is_page = scope["path"].startswith(_PAGES)
                headers["Content-Security-Policy"] = _PAGE_POLICY if is_page else _ANSWER_POLICY
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def check_host(host: str, *, allow_unauthenticated: bool) -> None:
    """Refuses to listen where strangers could call, as long as nobody has to say who they are.

    Raises:
        SettingInvalid: The address is not of loopback.
    """
    if not allow_unauthenticated and not _is_loopback(host):
        raise SettingInvalid(
            "LONGSHOT_HOST",
            host,
            "a loopback address such as 127.0.0.1, because requests are not authenticated; "
            "LONGSHOT_ALLOW_UNAUTHENTICATED=1 says that something else guards the port",
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
