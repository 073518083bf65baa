"""JSON kept with its columns of numbers beside it, as they lie in memory: quick to write, and the same JSON again."""

import struct
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

_MARK: Final = b"LSJ1"
"""How what is packed here begins; neither zstd nor zlib begin so."""

_PLACE: Final = "$"
"""The key of an object that stands for a column: where it begins and ends among the numbers."""

_OPTIONS: Final = orjson.OPT_UTC_Z


def is_packed(content: bytes) -> bool:
    """Whether `pack` has made it."""
    return content.startswith(_MARK)


def pack(content: object) -> bytes:
    """A value, with everything that JSON knows and columns of numbers in it.

    Numbers are most of a forecast. As digits they take a hundred times longer to write, and are no shorter even packed.

    Args:
        content: What is to be kept; a column that stands in several places is kept once. No key in it is `$`.
    """
    columns: list[NDArray[np.float64]] = []
    places: dict[int, dict[str, tuple[int, int]]] = {}
    end = 0

    def set_aside(value: object) -> object:
        nonlocal end
        if not isinstance(value, np.ndarray):
            raise TypeError
        if id(value) not in places:
            columns.append(np.ascontiguousarray(value, dtype="<f8"))
            places[id(value)] = {_PLACE: (end, end + value.size)}
            end += value.size
        return places[id(value)]

    text = orjson.dumps(content, default=set_aside, option=_OPTIONS)
    head = pa.Codec("zstd", compression_level=1).compress(text, asbytes=True)
    return b"".join((_MARK, struct.pack("<I", len(head)), head, *(one.data for one in columns)))


def unpack(content: bytes) -> bytes:
    """The JSON of what was packed."""
    (length,) = struct.unpack_from("<I", content, len(_MARK))
    start = len(_MARK) + 4
    head = pa.CompressedInputStream(pa.BufferReader(content[start : start + length]), "zstd").read()
    numbers = np.frombuffer(content, dtype="<f8", offset=start + length)
    return orjson.dumps(_restored(orjson.loads(head), numbers), option=_OPTIONS | orjson.OPT_SERIALIZE_NUMPY)


def _restored(value: Any, numbers: NDArray[np.float64]) -> object:
    if isinstance(value, dict):
        if _PLACE in value:
            first, last = value[_PLACE]
            return numbers[first:last]
        return {name: _restored(one, numbers) for name, one in value.items()}
    if isinstance(value, list):
        return [_restored(one, numbers) for one in value]
    return value
