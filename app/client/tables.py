"""Tables of callers and of the service: pandas, or whatever speaks Arrow, in; the same kind of table out.

Only what handles tables is imported here, and this module only by those who have one: pandas takes a second to load.
"""

import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.client.columns import Columns, Found, choose_columns
from app.client.errors import FrameUnusable

ARROW: Final = "application/vnd.apache.arrow.stream"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
"""How everything begins that zstd packed."""


@runtime_checkable
class Frame(Protocol):
    """A table of pandas, polars, pyarrow, DuckDB, …: anything with the PyCapsule interface of Arrow."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The table as an Arrow stream."""


@dataclass(frozen=True, eq=False)
class Sent:
    """A table of the caller as it is sent.

    Attributes:
        table: Its columns that matter, in Arrow.
        columns: Which those are.
        kind: What the caller calls a table: `pandas`, `polars` or `pyarrow`.
    """

    table: pa.Table
    columns: Columns
    kind: str

    def to_arrow(self) -> bytes:
        """An Arrow stream of it."""
        file = io.BytesIO()
        with pa.ipc.new_stream(file, self.table.schema) as stream:
            stream.write_table(self.table)
        return file.getvalue()

    def to_series(self) -> list[dict[str, Any]]:
        """The series as JSON has them."""
        columns = self.columns
        times = np.array(_texts(self.table[columns.timestamp]), dtype=object)
        values = self.table[columns.target].to_numpy().astype(np.float64)
        if columns.item_id is None:
            return [{"timestamps": times.tolist(), "target": values.tolist()}]
        encoded = _encoded(self.table[columns.item_id])
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        order = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes, minlength=len(encoded.dictionary)))
        parts = zip(encoded.dictionary.to_pylist(), np.split(order, ends[:-1]), strict=True)
        return [
            {"item_id": str(name), "timestamps": times[rows].tolist(), "target": values[rows].tolist()}
            for name, rows in parts
        ]

    def like(self, answer: pa.Table) -> pa.Table:
        """An answer with names and timestamps called and typed as in this table."""
        columns = {name: answer[name] for name in answer.column_names}
        named: dict[str, Any] = {}
        for name, values in columns.items():
            if name == "timestamp":
                named[self.columns.timestamp] = _typed(values, self.table.schema.field(self.columns.timestamp).type)
            elif name != "item_id":
                named[name] = values
            elif self.columns.item_id is not None:
                named[self.columns.item_id] = _typed(values, self.table.schema.field(self.columns.item_id).type)
        return pa.table(named)


def read_frame(frame: Frame, *, item_id: str | None, timestamp: str | None, target: str | None) -> Sent:
    """The columns of a caller's table that matter.

    Raises:
        FrameUnusable: It is no table, or it cannot be told which columns these are.
    """
    kind = kind_of(frame)
    whole: Any = _with_index(frame) if kind == "pandas" else _to_arrow(frame)
    schema = _schema(whole)
    found = Found(
        schema.names,
        [one.name for one in schema if pa.types.is_temporal(_plain(one.type))],
        [one.name for one in schema if _is_number(_plain(one.type))],
    )
    columns = choose_columns(found, item_id=item_id, timestamp=timestamp, target=target)
    table = _to_arrow(whole[columns.names]) if kind == "pandas" else whole.select(columns.names)
    if columns.item_id is not None and columns.item_id not in (columns.timestamp, columns.target):
        place = table.schema.get_field_index(columns.item_id)
        names = _encoded(table[columns.item_id])
        if names.null_count:
            raise FrameUnusable(f"{names.null_count} rows have no name in column {columns.item_id!r}.")
        table = table.set_column(place, columns.item_id, names)
    return Sent(table, columns, kind)


def kind_of(frame: object) -> str:
    """What somebody calls a table.

    Raises:
        FrameUnusable: It is none.
    """
    module = type(frame).__module__.partition(".")[0]
    if module in ("pandas", "polars"):
        return module
    if isinstance(frame, Frame):
        return "pyarrow"
    raise FrameUnusable(
        f"A {type(frame).__name__} is not a table. Give a DataFrame, whatever speaks Arrow, or the id of a dataset."
    )


def to_kind(table: pa.Table, kind: str) -> Any:
    """A table as somebody calls it."""
    if kind == "pandas":
        return table.to_pandas()
    if kind == "polars":
        return sys.modules["polars"].DataFrame(table)
    return table


def from_arrow(content: bytes) -> pa.Table:
    """The table of an Arrow stream, which may be packed."""
    packed = pa.BufferReader(content)
    with pa.CompressedInputStream(packed, "zstd") if content[:4] == _ZSTD else packed as file:
        return pa.ipc.open_stream(file).read_all()


def from_rows(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> pa.Table:
    """A table of JSON objects; what one lacks is null."""
    return pa.table({name: [row.get(name) for row in rows] for name in names})


def joined(parts: Iterator[tuple[str | None, Mapping[str, Sequence[Any]]]], names: Sequence[str]) -> pa.Table:
    """A table in long form of the columns of several series."""
    columns: dict[str, list[Any]] = {name: [] for name in ("item_id", *names)}
    for item_id, given in parts:
        columns["item_id"] += [item_id] * len(given["timestamp"])
        for name in names:
            columns[name] += given[name]
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items() if name in _NAMES})
    for name in names[1:]:
        table = table.append_column(name, pa.array(columns[name]))
    return table


def parsed_times(table: pa.Table) -> pa.Table:
    """A table with its timestamps parsed, where they are texts that can be."""
    texts = table["timestamp"]
    if not pa.types.is_string(texts.type):
        return table
    first = next((one for one in texts.to_pylist() if one is not None), "")
    is_zoned = first.endswith("Z") or first[-6:-5] in ("+", "-")
    try:
        times = pc.cast(texts, pa.timestamp("us", "UTC" if is_zoned else None))
    except pa.ArrowInvalid:
        return table
    return table.set_column(table.schema.get_field_index("timestamp"), "timestamp", times)


_NAMES: Final = ("item_id", "timestamp")


def _with_index(frame: Any) -> Any:
    """A DataFrame with its index as columns, where that says anything."""
    if all(name is None for name in frame.index.names):
        return frame.rename_axis("timestamp").reset_index() if frame.index.dtype.kind == "M" else frame
    return frame.reset_index()


def _schema(frame: Any) -> pa.Schema:
    if isinstance(frame, pa.Table):
        return frame.schema
    try:
        return pa.Schema.from_pandas(frame.head(1), preserve_index=False)
    except pa.ArrowException as error:
        raise FrameUnusable(f"The table cannot be sent: {error}.") from error


def _to_arrow(frame: Any) -> pa.Table:
    try:
        if type(frame).__module__.startswith("pandas"):
            return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
        return pa.table(frame)
    except pa.ArrowException as error:
        raise FrameUnusable(f"The table cannot be sent: {error}. Give each column one type.") from error


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _encoded(names: pa.ChunkedArray) -> pa.DictionaryArray:
    """Names, each held once."""
    plain = names.cast(_plain(names.type)) if pa.types.is_dictionary(names.type) else names
    if not _is_number(plain.type):
        plain = plain.cast(pa.string())
    chunks = plain.dictionary_encode().combine_chunks()
    return chunks.chunk(0) if isinstance(chunks, pa.ChunkedArray) else chunks


def _texts(times: pa.ChunkedArray) -> list[str | None]:
    """Timestamps in ISO 8601, with an offset where they have a zone."""
    kind = _plain(times.type)
    if not pa.types.is_timestamp(kind):
        return list(times.cast(kind).cast(pa.string()).to_pylist())
    texts = pc.strftime(times.cast(kind), "%Y-%m-%dT%H:%M:%S%z" if kind.tz else "%Y-%m-%dT%H:%M:%S")
    return list(texts.to_pylist())


def _typed(values: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    """Values in the type that a caller has them in, where nothing is lost by it; else as they came."""
    plain = values.cast(_plain(values.type)) if pa.types.is_dictionary(values.type) else values
    if pa.types.is_timestamp(plain.type) and not pa.types.is_temporal(_plain(wanted)):
        return plain
    try:
        return plain.cast(_plain(wanted))
    except (pa.ArrowException, ValueError):
        return plain
