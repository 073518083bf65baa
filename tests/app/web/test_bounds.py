import asyncio

import pytest

from app.errors import ServiceFull
from app.schemas.refusals import HeadersTooLarge, UrlTooLong
from app.web.bounds import ConcurrencyLimit, HeadLimit


async def nothing(*_: object) -> None:
    pass


def send_head(path: bytes, query: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    scope = {"type": "http", "path": path.decode(), "raw_path": path, "query_string": query, "headers": headers}
    limited = HeadLimit(nothing, max_url_bytes=10, max_header_bytes=10)
    asyncio.run(limited(scope, nothing, nothing))


def test_a_head_up_to_the_limits_passes():
    send_head(b"/12345", b"6789", [(b"abcde", b"fghij")])


def test_a_head_above_the_limits_is_refused():
    with pytest.raises(UrlTooLong, match="11 bytes"):
        send_head(b"/12345", b"67890", [])
    with pytest.raises(HeadersTooLarge, match="11 bytes"):
        send_head(b"/", b"", [(b"abcde", b"fgh"), (b"a", b"bc")])


def test_no_more_requests_are_answered_at_once_than_allowed_but_health_is():
    release = asyncio.Event()

    async def slow(scope, receive, send) -> None:
        await release.wait()

    async def ask_all() -> list[object]:
        limited = ConcurrencyLimit(slow, max_requests=2)

        async def ask(path: str) -> None:
            await limited({"type": "http", "path": path}, nothing, nothing)

        asked = [asyncio.create_task(ask(path)) for path in ("/v1/a", "/v1/b", "/v1/c", "/livez")]
        await asyncio.sleep(0)
        release.set()
        ended = await asyncio.gather(*asked, return_exceptions=True)
        await ask("/v1/d")
        return ended

    first, second, third, health = asyncio.run(ask_all())
    assert (first, second, health) == (None, None, None)
    assert isinstance(third, ServiceFull)
