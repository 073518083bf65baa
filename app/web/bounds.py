"""How long the head of a request may be, and how many requests are answered at once."""

from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import ServiceFull
from app.probes import PROBES
from app.schemas.refusals import HeadersTooLarge, UrlTooLong


class HeadLimit:
    """Refuses long URLs and headers before anything is read from them.

    Args:
        app: The application behind it.
        max_url_bytes: Of the path with its query, as sent.
        max_header_bytes: Of all names and values together.
    """

    def __init__(self, app: ASGIApp, *, max_url_bytes: int, max_header_bytes: int) -> None:
        self._app = app
        self._max_url_bytes = max_url_bytes
        self._max_header_bytes = max_header_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, if its head is short enough."""
        if scope["type"] == "http":
            self._check(scope)
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        path = scope.get("raw_path") or scope["path"].encode()
        num_url_bytes = len(path) + len(scope["query_string"])
        if num_url_bytes > self._max_url_bytes:
            raise UrlTooLong(num_url_bytes, self._max_url_bytes)
        num_header_bytes = sum(len(name) + len(value) for name, value in scope["headers"])
        if num_header_bytes > self._max_header_bytes:
            raise HeadersTooLarge(num_header_bytes, self._max_header_bytes)


class ConcurrencyLimit:
    """Refuses requests while as many as allowed are being answered; one that streams counts until its end.

    Args:
        app: The application behind it.
        max_requests: At once.
    """

    def __init__(self, app: ASGIApp, *, max_requests: int) -> None:
        self._app = app
        self._max_requests = max_requests
        self._num_requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, if there is room."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        if self._num_requests >= self._max_requests:
            raise ServiceFull(self._max_requests)
        self._num_requests += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._num_requests -= 1
