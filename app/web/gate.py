"""Who asks while the service still loads is answered at once: that it lives, and for the rest when to come back."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from app.telemetry import request_id_of
from app.web.targets import path_of

_HEAD_BYTES: Final = 2**16
_HEAD_SECONDS: Final = 5.0
_DROP_SECONDS: Final = 2.0
_END_SECONDS: Final = 1.0
_ALIVE: Final = {"/livez": b'{"status":"alive"}', "/v2/health/live": b'{"live":true}'}
_HEADERS: Final = (
    b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src 'none'\r\n"
    b"Connection: close\r\n"
)


@contextmanager
def answering(listener: socket.socket, *, backlog: int) -> Iterator[None]:
    """Answers on a socket that listens, from a thread; who has not been accepted by the end waits for who comes next.

    Args:
        listener: The socket; it stays open.
        backlog: How many may wait to be accepted.
    """
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(_serve(listener, backlog, stop)), name="gate")
    thread.daemon = True
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def _serve(listener: socket.socket, backlog: int, stop: asyncio.Event) -> None:
    """Accepts by itself: asyncio's own server loses whom it has accepted and not yet attached when it is closed."""
    loop, talks = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    def welcome() -> None:
        with suppress(OSError):  # Another one took him, or he has left.
            caller, _ = door.accept()
            caller.settimeout(0)
            talks.add(loop.create_task(_talk(caller)))

    with listener.dup() as door:
        door.settimeout(0)
        door.listen(backlog)
        loop.add_reader(door, welcome)
        await stop.wait()
        loop.remove_reader(door)
    await _end(talks)


async def _end(talks: set[asyncio.Task[None]]) -> None:
    """Waits for whoever was accepted, not for ever."""
    if talks:
        _, late = await asyncio.wait(talks, timeout=_END_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    # What was closed is let go of in the next turn of the loop.
    await asyncio.sleep(0)


async def _talk(caller: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=caller, limit=_HEAD_BYTES)
    try:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await _converse(reader, writer)
    finally:
        writer.close()


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async with asyncio.timeout(_HEAD_SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
    writer.write(_answer(head))
    writer.write_eof()
    # Who is cut off while he sends never reads the answer.
    async with asyncio.timeout(_DROP_SECONDS):
        while await reader.read(_HEAD_BYTES):
            pass


def _answer(head: bytes) -> bytes:
    method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
    path = path_of(rest.partition(b" ")[0].partition(b"?")[0].decode("latin-1"))
    request_id = request_id_of(_header(head, b"x-request-id"))
    if method in (b"GET", b"HEAD") and path in _ALIVE:
        status, kind, body = b"200 OK", b"application/json", _ALIVE[path]
    else:
        status, kind, body = b"503 Service Unavailable", b"application/problem+json", _problem(request_id)
    told = b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n" % (status, kind, len(body))
    retry = b"" if path in _ALIVE else b"Retry-After: 2\r\n"
    named = b"X-Request-ID: %s\r\n\r\n" % request_id.encode()
    return told + retry + _HEADERS + named + (b"" if method == b"HEAD" else body)


def _header(head: bytes, name: bytes) -> str:
    for line in head.split(b"\r\n")[1:]:
        found, _, value = line.partition(b":")
        if found.lower() == name:
            return value.strip().decode("latin-1")
    return ""


def _problem(request_id: str) -> bytes:
    """What a service that has loaded says while it is not ready."""
    return json.dumps(
        {
            "type": "urn:longshot:problem:not_ready",
            "title": "Not ready",
            "status": 503,
            "detail": "The service is still loading.",
            "code": "not_ready",
            "hint": "Try again in a moment.",
            "request_id": request_id,
        }
    ).encode()
