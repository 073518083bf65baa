"""Addresses as callers wrote them: with the host before the path, or with a slash too many or too few behind it."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from app.web.targets import path_of


class AbsoluteTarget:
    """Takes scheme and host off the target of a request.

    Args:
        app: The application behind it, which knows paths alone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] == "http":
            # It has been decoded, so that `?` and `#` belong to the path.
            scope = {**scope, "path": path_of(scope["path"])}
        await self._app(scope, receive, send)


def slash_mended(request: Request) -> str | None:
    """Where a request for nothing leads with one slash more or less at its end, without a host; None if nowhere.

    The service does not know under which scheme and host a proxy is reached, and callers know it anyway.
    """
    path = request.url.path
    mended = path.rstrip("/") if path.endswith("/") else path + "/"
    if not mended or mended.startswith("//"):
        return None
    # Where the path itself leads somewhere, as those of files do, what is missing is behind it.
    if _leads(request, path) or not _leads(request, mended):
        return None
    return quote(mended) + (f"?{request.url.query}" if request.url.query else "")


def _leads(request: Request, path: str) -> bool:
    scope = {**request.scope, "path": path}
    return any(one.matches(scope)[0] is not Match.NONE for one in request.app.routes)
