"""Which columns a table has, and what they hold, from its beginning alone."""

import gzip
import io
import zlib
from typing import Any, Final

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from app.column_names import Found
from app.frames.arrow import ARROW_FILE, ARROW_STREAM, PARQUET
from model import read_instants

_MAX_BYTES: Final = 2**18
_MAX_ROWS: Final = 200
_SEPARATORS: Final = (",", ";", "\t")


def glance(content: bytes) -> Found | None:
    """The columns of a table; None where it cannot be read, which to read the whole of it will explain better.

    A CSV and JSON lines hold points in time and numbers where the first rows all do.
    """
    try:
        if content.startswith(PARQUET):
            return _of_schema(pa.parquet.read_schema(io.BytesIO(content)))
        if content.startswith(ARROW_STREAM):
            return _of_schema(pa.ipc.open_stream(pa.py_buffer(content)).schema)
        if content.startswith(ARROW_FILE):
            return None
        lines = _first_lines(content)
        return _of_rows(_objects(lines) if lines.lstrip().startswith(b"{") else _delimited(lines))
    except (pa.ArrowException, OSError, EOFError, zlib.error, ValueError):
        return None


def _of_schema(schema: pa.Schema) -> Found:
    kinds = {one.name: one.type.value_type if pa.types.is_dictionary(one.type) else one.type for one in schema}
    return Found(
        schema.names,
        [name for name, kind in kinds.items() if pa.types.is_timestamp(kind) or pa.types.is_date(kind)],
        [name for name, kind in kinds.items() if _is_number(kind)],
    )


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _of_rows(rows: pd.DataFrame) -> Found:
    numbers = [name for name in rows if pd.api.types.is_numeric_dtype(rows[name]) and rows[name].dtype != bool]
    others = [name for name in rows if name not in numbers]
    return Found(list(map(str, rows)), [str(one) for one in others if _holds_times(rows[one])], list(map(str, numbers)))


def _holds_times(column: "pd.Series[Any]") -> bool:
    texts = [one for one in column.dropna() if isinstance(one, str)]
    return bool(texts) and len(texts) == column.notna().sum() and read_instants(texts) is not None


def _first_lines(content: bytes) -> bytes:
    """The first whole lines of a text, which may be packed with gzip."""
    if content[:2] == b"\x1f\x8b":
        with gzip.open(io.BytesIO(content)) as file:
            content = file.read(_MAX_BYTES)
    beginning = content[:_MAX_BYTES].removeprefix(b"\xef\xbb\xbf")
    return beginning if len(content) < _MAX_BYTES else beginning[: beginning.rfind(b"\n") + 1]


def _delimited(lines: bytes) -> pd.DataFrame:
    header = lines.partition(b"\n")[0].decode()
    separator = max(_SEPARATORS, key=header.count)
    return pd.read_csv(io.BytesIO(lines), sep=separator, nrows=_MAX_ROWS, index_col=False)


def _objects(lines: bytes) -> pd.DataFrame:
    return pd.DataFrame([orjson.loads(one) for one in lines.splitlines()[:_MAX_ROWS] if one.strip()])
