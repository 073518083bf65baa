"""Bodies that come or go compressed: gzip and zstd, unpacked within limits, packed where the caller reads it."""

import io
import zlib
from functools import partial
from typing import Any, Final, Literal

import pyarrow as pa
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.schemas.refusals import (
    BodyExpandsTooMuch,
    BodyTooLarge,
    CompressionDamaged,
    EncodingUnsupported,
)
from app.web.negotiation import preferred

Encoding = Literal["gzip", "zstd"]
ENCODINGS: Final[tuple[Encoding, ...]] = ("zstd", "gzip")

_PIECE_BYTES: Final = 2**16
_UNSUSPECTED_BYTES: Final = 2**20
"""What little grows to is no bomb, whatever it grew from."""
_WORTH_BYTES: Final = 2**10
_QUICK_BYTES: Final = 2**15
_GZIP_LEVEL, _GZIP_FORMAT = 1, 31
_COMPRESSIBLE: Final = (
    *("application/json", "application/problem+json", "application/x-ndjson", "text/csv", "text/plain", "text/html"),
    *("application/vnd.apache.arrow.stream", "text/css", "text/javascript", "application/javascript"),
)


def decompress(encoding: Encoding, body: bytes, *, max_bytes: int, max_ratio: int) -> bytes:
    """A body as it was before it was packed, unpacked piece by piece, so that a bomb is never held.

    Args:
        encoding: How it was packed.
        body: As sent.
        max_bytes: Of the result.
        max_ratio: How many times its packed size it may have, once it is larger than a mebibyte.

    Raises:
        BodyTooLarge, BodyExpandsTooMuch: It is larger; no more than that was unpacked.
        CompressionDamaged: It is not of this encoding, cut off, or damaged.
    """
    pieces: list[bytes] = []
    num_bytes, most = 0, max(_UNSUSPECTED_BYTES, max_ratio * len(body))
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), encoding) as stream:
            while piece := stream.read(_PIECE_BYTES):
                pieces.append(piece)
                num_bytes += len(piece)
                if num_bytes > max_bytes:
                    raise BodyTooLarge(max_bytes)
                if num_bytes > most:
                    raise BodyExpandsTooMuch(max_ratio)
    except (OSError, pa.ArrowException) as error:
        raise CompressionDamaged(encoding) from error
    return b"".join(pieces)


class Decompression:
    """Unpacks compressed bodies before anything behind it reads them; others pass as they come.

    Args:
        app: The application behind it.
        max_body_bytes: Of a body, unpacked.
        max_ratio: How many times its packed size a body may have.
    """

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, max_ratio: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._max_ratio = max_ratio

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, with a `receive` that unpacks."""
        encoding = Headers(scope=scope).get("content-encoding", "").strip().lower() if scope["type"] == "http" else ""
        if encoding in ("", "identity"):
            await self._app(scope, receive, send)
            return
        is_read = False

        async def unpacked() -> Message:
            nonlocal is_read
            if is_read:
                return await receive()
            known = _known(encoding)
            packed = await _whole(receive)
            is_read = True
            return await self._unpack(known, packed) if packed["type"] == "http.request" else packed

        await self._app(scope, unpacked, send)

    async def _unpack(self, encoding: Encoding, packed: Message) -> Message:
        unpack = partial(decompress, max_bytes=self._max_body_bytes, max_ratio=self._max_ratio)
        packed["body"] = await run_in_threadpool(unpack, encoding, packed["body"])
        return packed


class Compression:
    """Packs answers that are worth it, if the caller reads what is packed.

    Answers with an ETag stay as they are, because the tag means their bytes; so do events, which must not wait.

    Args:
        app: The application behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, with a `send` that packs."""
        if scope["type"] == "http":
            accepted = Headers(scope=scope).get("accept-encoding", "")
            encoding = preferred(accepted, (*ENCODINGS, "identity")) if accepted else None
            if encoding in ENCODINGS:
                send = _Packing(send, encoding)
        await self._app(scope, receive, send)


class _Packing:
    """A `send` that packs one answer. Its head is held back until its body shows whether that is worth it."""

    def __init__(self, send: Send, encoding: str) -> None:
        self._send = send
        self._encoding = encoding
        self._head: Message | None = None
        self._packer: _Gzip | _Zstd | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_compressible(message):
            self._head = message
        elif message["type"] == "http.response.body" and (self._head is not None or self._packer is not None):
            await self._send_body(message)
        else:
            await self._send(message)

    async def _send_body(self, message: Message) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._head is not None:
            await self._send_head(self._head, is_worth_it=more or len(body) >= _WORTH_BYTES)
            self._head = None
        if self._packer is not None:
            pack = partial(self._packer.pack, body, is_last=not more)
            message["body"] = pack() if len(body) < _QUICK_BYTES else await run_in_threadpool(pack)
        await self._send(message)

    async def _send_head(self, head: Message, *, is_worth_it: bool) -> None:
        headers = MutableHeaders(scope=head)
        headers.add_vary_header("Accept-Encoding")
        if is_worth_it:
            self._packer = _Gzip() if self._encoding == "gzip" else _Zstd()
            headers["Content-Encoding"] = self._encoding
            del headers["Content-Length"]
        await self._send(head)


class _Gzip:
    """One gzip member; what was given can be read after each piece."""

    def __init__(self) -> None:
        self._packer = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_FORMAT)

    def pack(self, body: bytes, *, is_last: bool) -> bytes:
        return self._packer.compress(body) + self._packer.flush(zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH)


class _Zstd:
    """One zstd frame; what was given can be read after each piece."""

    def __init__(self) -> None:
        self._packed = _Sink()
        self._packer = pa.CompressedOutputStream(self._packed, "zstd")

    def pack(self, body: bytes, *, is_last: bool) -> bytes:
        self._packer.write(body)
        if is_last:
            self._packer.close()
        else:
            self._packer.flush()
        return self._packed.take()


class _Sink(io.RawIOBase):
    """Holds what is written to it until it is taken, even when it has been closed."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def _is_compressible(head: Message) -> bool:
    headers = MutableHeaders(scope=head)
    media_type = headers.get("content-type", "").partition(";")[0]
    is_free = not any(name in headers for name in ("etag", "content-encoding", "content-range"))
    return is_free and media_type in _COMPRESSIBLE and head["status"] not in (204, 206, 304)


def _known(encoding: str) -> Encoding:
    for one in ENCODINGS:
        if encoding in (one, f"x-{one}"):
            return one
    raise EncodingUnsupported(encoding, ENCODINGS)


async def _whole(receive: Receive) -> Message:
    """All messages of a body as one; how large it may be is counted by who receives it first."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return {"type": "http.request", "body": b"".join(parts), "more_body": False}
