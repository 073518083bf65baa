"""What strangers may send and see: the size of bodies, headers for browsers, where the service answers without keys."""

import asyncio
import contextlib
import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import SettingInvalid
from app.schemas.refusals import BodyTooLarge

_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors "
)
_ANSWER_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
_FRAMED: Final = "/embed/"
"""What pages of other origins may frame, if they are allowed to."""

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
        frame_ancestors: Origins whose pages may frame what is made for that, with commas between.
    """

    def __init__(self, app: ASGIApp, *, frame_ancestors: str = "") -> None:
        self._app = app
        self._frame_ancestors = " ".join(one.strip() for one in frame_ancestors.split(",") if one.strip())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, with a `send` that adds the headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                if scope["path"].startswith("/static/"):
                    # Kept, but never used without asking whether it is still the same.
                    headers["Cache-Control"] = "no-cache"
                self._protect(headers, scope["path"])
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)

    def _protect(self, headers: MutableHeaders, path: str) -> None:
        is_page = headers.get("content-type", "").startswith("text/html")
        may_be_framed = is_page and bool(self._frame_ancestors) and path.startswith(_FRAMED)
        if may_be_framed:
            # The older header knows nothing between "by everybody" and "by nobody".
            del headers["X-Frame-Options"]
        ancestors = f"'self' {self._frame_ancestors}" if may_be_framed else "'none'"
        headers["Content-Security-Policy"] = f"{_PAGE_POLICY}{ancestors}" if is_page else _ANSWER_POLICY


def check_host(host: str, *, allow_unauthenticated: bool, keys_are_needed: bool = False) -> None:
    """Refuses to listen where strangers could call, as long as nobody has to say who they are.

    Raises:
        SettingInvalid: The address is not of loopback.
    """
    if not allow_unauthenticated and not keys_are_needed and not _is_loopback(host):
        raise SettingInvalid(
            "LONGSHOT_HOST",
            host,
            "a loopback address such as 127.0.0.1 as long as there is no API key ('longshot keys create' makes one); "
            "LONGSHOT_ALLOW_UNAUTHENTICATED=1 says that something else guards the port",
        )


def why_not_local(address: str, headers: Mapping[str, str]) -> str | None:
    """Why a request may not be of a program on this machine; None if it is.

    A request through a proxy of this machine also comes from loopback, and so does one from a page whose name was made
    to lead here (DNS rebinding); both show in the headers.

    Args:
        address: Where the request came from.
        headers: Its headers.
    """
    if not _is_loopback(address):
        return f"this request came from {address}"
    if "x-forwarded-for" in headers or "forwarded" in headers:
        return "a proxy has passed this request on"
    host = headers.get("host", "")
    if not _is_loopback(_host_name(host)):
        return f"this request was sent to {host[:80]!r}"
    return None


def why_from_page(headers: Mapping[str, str], allowed_origins: str) -> str | None:
    """Why a request was sent by a page of another site, behind its reader's back; None if it was not.

    Args:
        headers: The request's; browsers tell in `Sec-Fetch-Site` where a request comes from.
        allowed_origins: Origins whose pages may call, with commas between.
    """
    origin = headers.get("origin", "")
    if origin and origin in [one.strip() for one in allowed_origins.split(",")]:
        return None
    if headers.get("sec-fetch-site", "none") in ("cross-site", "same-site"):
        return f"a page of {origin[:80] or 'another site'} sent this request"
    return None


@lru_cache(maxsize=256)
def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
