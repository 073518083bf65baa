"""Signed-in browsers: an API key in a cookie that no script reads, and a token that only our own pages learn."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from app.errors import AccessError

COOKIE: Final = "longshot_key"
TOKEN_HEADER: Final = "X-CSRF-Token"
_SAFE: Final = ("GET", "HEAD", "OPTIONS")


class SessionNotConfirmed(AccessError):
    """A change asked with the cookie of a browser, without the token that our own pages send along."""

    def __init__(self) -> None:
        super().__init__(
            f"A change that a browser's session asks for needs the header {TOKEN_HEADER} with the session's token.",
            hint="Read the token from GET /session, or send the key as 'Authorization: Bearer lsk_…'.",
        )


def token_of(key: str) -> str:
    """The token of a session: made of its key, so that nothing has to be kept, and telling nothing of it."""
    return hmac.new(key.encode(), b"longshot session", hashlib.sha256).hexdigest()


def key_of_session(method: str, headers: Mapping[str, str], cookies: Mapping[str, str]) -> str | None:
    """The key in a request's cookie; None where there is none, or where a page of another origin has sent the request.

    Args:
        method: Of the request; one that changes something needs the token.
        headers: Of the request.
        cookies: Of the request.

    Raises:
        SessionNotConfirmed: The request would change something and has not the session's token.
    """
    key = cookies.get(COOKIE)
    # Another port of this host is the same site to a browser, and gets the cookie sent along.
    if key is None or headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return None
    token = headers.get(TOKEN_HEADER.lower(), "")
    if method not in _SAFE and not hmac.compare_digest(token.encode(), token_of(key).encode()):
        raise SessionNotConfirmed
    return key
