"""Parquet and Arrow in: only the columns asked for, and nothing that is larger than it looks."""

import io
import struct
from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from numpy.typing import NDArray

from app.frames.columns import ChosenColumns, Columns, TableLimits
from app.frames.errors import FileUnreadable

PARQUET, ARROW_FILE, ARROW_STREAM = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"
"""How files of each kind begin."""

_HEADER, _COMPRESSION, _DICTIONARY_DATA = 2, 3, 1
_HEADER_TYPE, _IS_DICTIONARY = 1, 2
"""Where a flatbuffer of Arrow's Message has what is looked for: Schema.fbs and Message.fbs of its format."""

_MAX_EXPANSION: Final = 8
"""Times the largest body that columns may take once their cells are written out."""


def read_parquet(content: bytes, columns: Columns, name: str, limits: TableLimits) -> tuple[pa.Table, ChosenColumns]:
    """The columns of a Parquet file; texts stay encoded, so that one long text in many rows is held once.

    Raises:
        FileUnreadable, ColumnMissing, ColumnUnnamed: It is no such file.
        LimitExceeded: It is too large.
    """
    try:
        file = pa.parquet.ParquetFile(io.BytesIO(content))
        limits.check_rows(file.metadata.num_rows)
        chosen = columns.choose(_names(file.schema_arrow, name))
        _check_kinds(file.schema_arrow, chosen, name)
        limits.check_bytes(_uncompressed_bytes(file.metadata) // _MAX_EXPANSION)
        texts = [one for one in chosen.names if _is_text(file.schema_arrow.field(one).type)]
        file = pa.parquet.ParquetFile(io.BytesIO(content), read_dictionary=texts)
        table = file.read(columns=chosen.names, use_threads=False)
        table.validate(full=True)
        _check_texts(table, limits)
        table = _without_codes(table)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise FileUnreadable(name, "it is damaged, or not Parquet") from error
    return table, chosen


def read_arrow(content: bytes, columns: Columns, name: str, limits: TableLimits) -> tuple[pa.Table, ChosenColumns]:
    """The columns of an Arrow stream or file.

    Raises:
        FileUnreadable, ColumnMissing, ColumnUnnamed: It is no such file.
        LimitExceeded: It is too large.
    """
    try:
        if content.startswith(ARROW_FILE):
            raise FileUnreadable(name, "it is an Arrow file; send an Arrow stream")
        if any(map(_is_compressed, _metadata(content))):
            raise FileUnreadable(name, "its buffers are compressed one by one; compress the whole stream instead")
        with pa.ipc.open_stream(pa.py_buffer(content)) as stream:
            chosen = columns.choose(_names(stream.schema, name))
            batches, num_rows = [], 0
            for batch in stream:
                num_rows += batch.num_rows
                limits.check_rows(num_rows)
                batches.append(batch)
            _check_kinds(stream.schema, chosen, name)
            table = pa.Table.from_batches(batches, stream.schema).select(chosen.names)
        table.validate(full=True)
        _check_texts(table, limits)
        table = _without_codes(table)
    except (pa.ArrowException, OSError, ValueError, OverflowError, struct.error) as error:
        raise FileUnreadable(name, "it is damaged, or not an Arrow stream") from error
    return table, chosen


def _check_kinds(schema: pa.Schema, chosen: ChosenColumns, name: str) -> None:
    for column in chosen.names:
        kind = _value_type(schema.field(column).type)
        if pa.types.is_nested(kind) or not any(known(kind) for known in _KNOWN):
            raise FileUnreadable(
                name, f"its column {column[:80]!r} holds {str(kind)[:80]}, not texts, numbers or times"
            )
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            _check_zone(kind.tz, column, name)


def _check_texts(table: pa.Table, limits: TableLimits) -> None:
    """Refuses texts that would fill the memory where each row has its own: one long text may be named by every row."""
    for column in table.columns:
        if _is_text(_value_type(column.type)):
            limits.check_bytes(sum(map(_text_bytes, column.chunks)) // _MAX_EXPANSION)


def _text_bytes(chunk: pa.Array) -> int:
    if pa.types.is_string_view(chunk.type):
        return int(_view_lengths(chunk).sum())
    if not pa.types.is_dictionary(chunk.type):
        return int(pc.sum(pc.binary_length(chunk)).as_py() or 0)
    return int(pc.sum(pc.binary_length(chunk.dictionary).take(chunk.indices)).as_py() or 0)


def _view_lengths(chunk: pa.Array) -> NDArray[np.int64]:
    """How long the text of each row is: the first four of the sixteen bytes of a view, which may all be of one text."""
    views = np.frombuffer(chunk.buffers()[1], dtype="<i4")[::4][chunk.offset : chunk.offset + len(chunk)]
    return np.where(chunk.is_valid().to_numpy(zero_copy_only=False), views, 0).astype(np.int64)


def _without_codes(table: pa.Table) -> pa.Table:
    """The table with only texts encoded, a number is as short as its code, and those as all know them."""
    return table.cast(pa.schema([(one.name, _plain(one.type)) for one in table.schema]))


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string_view(kind):
        return pa.string()
    return kind if _is_text(_value_type(kind)) else _value_type(kind)


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _check_zone(zone: str, column: str, name: str) -> None:
    try:
        pd.DatetimeTZDtype("us", zone)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise FileUnreadable(name, f"the time zone {zone[:80]!r} of its column {column[:80]!r} is unknown") from error


def _names(schema: pa.Schema, name: str) -> list[str]:
    found = [str(one) for one in schema.names]
    if len(set(found)) != len(found):
        raise FileUnreadable(name, "two of its columns share their name")
    return found


_KNOWN: Final = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_boolean,
    pa.types.is_decimal,
    pa.types.is_timestamp,
    pa.types.is_date,
    pa.types.is_null,
)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _uncompressed_bytes(metadata: pa.parquet.FileMetaData) -> int:
    # By group: where a file is damaged, asking for the metadata of a column ends the process (pyarrow 26).
    return sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))


def _metadata(content: bytes) -> Iterator[bytes]:
    """The metadata of each message of a stream."""
    messages = pa.ipc.MessageReader.open_stream(pa.py_buffer(content))
    while True:
        try:
            yield messages.read_next_message().metadata.to_pybytes()
        except StopIteration:
            return


def _is_compressed(metadata: bytes) -> bool:
    """Whether a message has its buffers compressed: pyarrow does not tell, and would allocate what they claim to be."""
    (root,) = struct.unpack_from("<I", metadata, 0)
    kind, header = _field(metadata, root, _HEADER_TYPE), _field(metadata, root, _HEADER)
    if not kind or not header:
        return False
    batch = _target(metadata, header)
    if metadata[kind] == _IS_DICTIONARY:
        data = _field(metadata, batch, _DICTIONARY_DATA)
        return bool(data) and bool(_field(metadata, _target(metadata, data), _COMPRESSION))
    return metadata[kind] == _IS_DICTIONARY + 1 and bool(_field(metadata, batch, _COMPRESSION))


def _target(metadata: bytes, place: int) -> int:
    return place + int(struct.unpack_from("<I", metadata, place)[0])


def _field(metadata: bytes, table: int, number: int) -> int:
    """Where a flatbuffer's table has a field; 0 if it has none."""
    virtual = table - int(struct.unpack_from("<i", metadata, table)[0])
    (size,) = struct.unpack_from("<H", metadata, virtual)
    slot = 4 + 2 * number
    offset = int(struct.unpack_from("<H", metadata, virtual + slot)[0]) if slot < size else 0
    return table + offset if offset else 0
