import asyncio
import contextlib
import gzip

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.errors import LimitError
from app.schemas.refusals import BodyExpandsTooMuch, BodyTooLarge, CompressionDamaged
from app.web.compression import Compression, decompress

PLAIN = b'{"target": [1, 2, null]}' * 100


def zstd(plain: bytes) -> bytes:
    return pa.Codec("zstd").compress(plain, asbytes=True)


PACKED = {"gzip": gzip.compress, "zstd": zstd}


def unpack(encoding: str, body: bytes, *, max_bytes: int = 2**20, max_ratio: int = 200) -> bytes:
    return decompress(encoding, body, max_bytes=max_bytes, max_ratio=max_ratio)


def answered(accept_encoding: str, pieces: list[bytes], **headers: str) -> tuple[dict[str, str], list[bytes]]:
    """The headers and the pieces of an answer in JSON, as they leave."""
    sent: list[dict] = []
    given = {"content-type": "application/json", "content-length": str(sum(map(len, pieces)))} | headers

    async def application(scope, receive, send) -> None:
        head = [(name.encode(), value.encode()) for name, value in given.items()]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        for number, piece in enumerate(pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces) - 1})

    async def send(message) -> None:
        sent.append(message)

    scope = {"type": "http", "headers": [(b"accept-encoding", accept_encoding.encode())]}
    asyncio.run(Compression(application)(scope, None, send))
    head, *bodies = sent
    return {name.decode().lower(): value.decode() for name, value in head["headers"]}, [one["body"] for one in bodies]


@pytest.mark.parametrize("encoding", PACKED)
def test_a_body_is_unpacked_to_what_it_was(encoding):
    assert unpack(encoding, PACKED[encoding](PLAIN)) == PLAIN
    assert unpack(encoding, PACKED[encoding](PLAIN) * 2) == PLAIN * 2


@pytest.mark.parametrize("encoding", PACKED)
def test_a_body_cut_off_or_of_another_kind_is_damaged(encoding):
    packed = PACKED[encoding](PLAIN)
    other = PACKED["gzip" if encoding == "zstd" else "zstd"](PLAIN)
    for body in (packed[:-1], packed[: len(packed) // 2], packed[:5], b"no such thing", packed + b"more", other):
        with pytest.raises(CompressionDamaged, match=encoding):
            unpack(encoding, body)


@pytest.mark.parametrize("encoding", PACKED)
def test_a_bomb_is_refused_before_it_is_held(encoding):
    before = pa.total_allocated_bytes()
    bomb = PACKED[encoding](bytes(100 * 2**20))
    with pytest.raises(BodyTooLarge):
        unpack(encoding, bomb, max_bytes=2**20, max_ratio=10**9)
    with pytest.raises(BodyExpandsTooMuch, match="more than 200 times"):
        unpack(encoding, bomb, max_bytes=2**40)
    assert pa.total_allocated_bytes() - before < 2**20


def test_what_is_small_may_grow_as_it_likes():
    assert len(unpack("zstd", zstd(bytes(2**19)))) == 2**19


@given(st.binary(max_size=300), st.sampled_from(sorted(PACKED)), st.booleans())
@example(b"", "gzip", False)
@example(b"\x28\xb5\x2f\xfd", "zstd", False)
def test_any_bytes_are_unpacked_or_refused(body, encoding, is_header_kept):
    body = PACKED[encoding](PLAIN)[:12] + body if is_header_kept else body
    with contextlib.suppress(CompressionDamaged, LimitError):
        assert isinstance(unpack(encoding, body), bytes)


@pytest.mark.parametrize("encoding", PACKED)
def test_an_answer_is_packed_and_can_be_read_piece_by_piece(encoding):
    headers, bodies = answered(encoding, [PLAIN, PLAIN, b""])
    assert (headers["content-encoding"], headers["vary"]) == (encoding, "Accept-Encoding")
    assert "content-length" not in headers
    assert unpack(encoding, b"".join(bodies)) == PLAIN * 2
    with pa.CompressedInputStream(pa.BufferReader(bodies[0]), encoding) as stream:
        assert stream.read(len(PLAIN)) == PLAIN


@pytest.mark.parametrize(
    ("accepted", "pieces", "headers"),
    [
        ("", [PLAIN], {}),
        ("br", [PLAIN], {}),
        ("gzip;q=0", [PLAIN], {}),
        ("gzip", [b"{}"], {}),
        ("gzip", [PLAIN], {"etag": '"1"'}),
        ("gzip", [PLAIN], {"content-type": "text/event-stream"}),
        ("gzip", [PLAIN], {"content-type": "application/vnd.apache.parquet"}),
    ],
)
def test_an_answer_stays_as_it_is_where_packing_is_not_asked_not_worth_it_or_harmful(accepted, pieces, headers):
    told, bodies = answered(accepted, pieces, **headers)
    assert "content-encoding" not in told
    assert told["content-length"] == str(len(pieces[0]))
    assert bodies == pieces
