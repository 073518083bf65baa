"""Tables of callers as they are sent, and those of the service as callers want them.

Only what handles tables is imported here, and this module only by those who have one: pyarrow takes its time to load.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.client.columns import Columns, Covariates, Found, choose_columns
from app.client.errors import FrameUnusable
from app.client.kinds import Readable, value_type

ARROW: Final = "application/vnd.apache.arrow.stream"
PARQUET: Final = "application/vnd.apache.parquet"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
"""How everything begins that zstd packed."""


@dataclass(frozen=True, eq=False)
class Sent:
    """A table of the caller as it is sent.

    Attributes:
        table: Its columns that matter, in Arrow.
        columns: Which those are.
        kind: What the caller calls a table: `pandas`, `polars` or `pyarrow`.
        schema: The types that the caller has them in.
    """

    table: pa.Table
    columns: Columns
    kind: str
    schema: pa.Schema

    def to_arrow(self) -> bytes:
        """An Arrow stream of it."""
        file = io.BytesIO()
        with pa.ipc.new_stream(file, self.table.schema) as stream:
            stream.write_table(self.table)
        return file.getvalue()

    def to_parquet(self) -> bytes:
        """A Parquet file of it: smaller than an Arrow stream, and slower to make."""
        from pyarrow import parquet  # noqa: PLC0415 - for those who keep something large

        file = io.BytesIO()
        parquet.write_table(self.table, file, compression="zstd")
        return file.getvalue()

    def to_series(self) -> list[dict[str, Any]]:
        """The series as JSON has them."""
        times = np.array(_written(self.table[self.columns.timestamp]), dtype=object)
        values = self.table[self.columns.target].to_numpy().astype(np.float64)
        if self._names is None:
            everything = self._order
            return [{"timestamps": times.tolist(), "target": values.tolist(), **self._covariates(everything)}]
        rows_of_each = np.split(self._order, np.cumsum(self.lengths())[:-1])
        return [
            {
                "item_id": str(name),
                "timestamps": times[rows].tolist(),
                "target": values[rows].tolist(),
                **self._covariates(rows),
            }
            for name, rows in zip(self._names.dictionary.to_pylist(), rows_of_each, strict=True)
        ]

    def _covariates(self, rows: NDArray[np.int64]) -> dict[str, Any]:
        """Those of one series as JSON has them; rows without an observation hold what is to come."""
        kinds = self.columns.covariates
        if not kinds or not len(rows):
            return {}
        signals = (*kinds.get("past", ()), *kinds.get("future", ()))
        own = self.table.take(rows)
        return {
            "past_covariates": {name: own[name].cast(pa.float64()).to_pylist() for name in signals},
            "future_covariates": {name: [] for name in kinds.get("future", ())},
            "static_covariates": {name: _fact(own[name]) for name in kinds.get("static", ())},
        }

    @property
    def num_series(self) -> int:
        """How many series it holds."""
        return 1 if self._names is None else len(self._names.dictionary)

    def lengths(self) -> list[int]:
        """The rows of each series."""
        if self._names is None:
            return [self.table.num_rows]
        codes = self._names.indices.to_numpy(zero_copy_only=False)
        return np.bincount(codes, minlength=self.num_series).tolist()  # type: ignore[no-any-return]

    def split(self, ends: Sequence[int]) -> "Iterator[Sent]":
        """Its series from each end to the next, made one part at a time."""
        places = np.cumsum([0, *self.lengths()])
        for start, stop in pairwise(ends):
            part = self.table.take(self._order[places[start] : places[stop]])
            yield _encode_names(replace(self, table=part))

    @cached_property
    def _names(self) -> pa.DictionaryArray | None:
        if self.columns.item_id is None:
            return None
        column = self.table[self.columns.item_id]
        return _in_one(column) if pa.types.is_dictionary(column.type) else _encoded(column)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """Its rows, series by series."""
        if self._names is None:
            return np.arange(self.table.num_rows)
        return np.argsort(self._names.indices.to_numpy(zero_copy_only=False), kind="stable")

    def like(self, answer: pa.Table) -> pa.Table:
        """An answer with names and timestamps called and typed as in this table."""
        named = {"item_id": self.columns.item_id, "timestamp": self.columns.timestamp}
        columns = {}
        for name, values in zip(answer.column_names, answer.columns, strict=True):
            ours = named.get(name, name)
            if ours is not None:
                columns[ours] = _typed(values, self.schema.field(ours).type) if name in named else values
        return pa.table(columns)


def read_frame(
    frame: object,
    *,
    item_id: str | None,
    timestamp: str | None,
    target: str | None,
    covariates: Covariates | None = None,
) -> Sent:
    """The columns of a caller's table that matter.

    Raises:
        FrameUnusable: It is no table, is empty, or it cannot be told which columns these are.
    """
    whole = Readable(frame)
    schema = whole.schema
    found = Found(
        schema.names,
        [one.name for one in schema if pa.types.is_temporal(value_type(one.type))],
        [one.name for one in schema if _is_number(value_type(one.type))],
    )
    columns = choose_columns(found, item_id=item_id, timestamp=timestamp, target=target, covariates=covariates or {})
    table = _with_numbers(whole.select(columns.names), columns)
    if not table.num_rows:
        raise FrameUnusable("The table has no rows, so there is nothing to ask about.")
    return _encode_names(Sent(table, columns, whole.kind, table.schema))


def _with_numbers(table: pa.Table, columns: Columns) -> pa.Table:
    """The table with 1 and 0 for yes and no, where a covariate is that."""
    for kind in ("past", "future"):
        for name in columns.covariates.get(kind, ()):
            if pa.types.is_boolean(table.schema.field(name).type):
                table = table.set_column(table.schema.get_field_index(name), name, table[name].cast(pa.int8()))
    return table


def _fact(column: pa.ChunkedArray) -> Any:
    """The value that a column has in all its rows; the service says if they differ, as here only the first counts."""
    return next((one for one in column.to_pylist() if one is not None), None)


def _encode_names(sent: Sent) -> Sent:
    """The same table with each name held once, and none that has no rows."""
    column = sent.columns.item_id
    if column is None or column in (sent.columns.timestamp, sent.columns.target):
        return sent
    names = _encoded(sent.table[column])
    if names.null_count:
        raise FrameUnusable(f"{names.null_count} rows have no name in column {column!r}.")
    place = sent.table.schema.get_field_index(column)
    return replace(sent, table=sent.table.set_column(place, column, names))


def from_arrow(content: bytes) -> pa.Table:
    """The table of an Arrow stream, which may be packed."""
    packed = pa.BufferReader(content)
    with pa.CompressedInputStream(packed, "zstd") if content[:4] == _ZSTD else packed as file:
        return pa.ipc.open_stream(file).read_all()


def concatenated(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables of the same columns, one below the other; texts that are held once in each are held once in all."""
    return pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()


def joined(parts: Iterator[tuple[str | None, Mapping[str, Sequence[Any]]]], names: Sequence[str]) -> pa.Table:
    """A table in long form of the columns of several series."""
    columns: dict[str, list[Any]] = {name: [] for name in ("item_id", *names)}
    is_counted = False
    for item_id, given in parts:
        columns["item_id"] += [item_id] * len(given["timestamp"])
        is_counted |= not all(isinstance(one, str) for one in given["timestamp"][:1])
        for name in names:
            columns[name] += given[name]
    kinds = {"item_id": pa.string(), "timestamp": None if is_counted else pa.string()}
    table = pa.table({name: pa.array(columns[name], kind) for name, kind in kinds.items()})
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


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _encoded(names: pa.ChunkedArray) -> pa.DictionaryArray:
    """Names, each held once."""
    plain = names.cast(value_type(names.type))
    if not _is_number(plain.type):
        plain = plain.cast(pa.string())
    return _in_one(plain.dictionary_encode())


def _in_one(names: pa.ChunkedArray) -> pa.DictionaryArray:
    """The chunks of a column as one array."""
    chunks = names.combine_chunks()
    return chunks.chunk(0) if isinstance(chunks, pa.ChunkedArray) else chunks


def _written(times: pa.ChunkedArray) -> list[Any]:
    """Timestamps in ISO 8601, with an offset where they have a zone; whole numbers as they are."""
    kind = value_type(times.type)
    if pa.types.is_integer(kind):
        return list(times.cast(kind).to_pylist())
    if not pa.types.is_timestamp(kind):
        return list(times.cast(kind).cast(pa.string()).to_pylist())
    texts = pc.strftime(times.cast(kind), "%Y-%m-%dT%H:%M:%S%z" if kind.tz else "%Y-%m-%dT%H:%M:%S")
    return list(texts.to_pylist())


def _typed(values: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    """Values in the type that a caller has them in, where nothing is lost by it; else as they came."""
    plain = values.cast(value_type(values.type))
    if pa.types.is_timestamp(plain.type) and not pa.types.is_temporal(value_type(wanted)):
        return plain
    try:
        typed = plain.cast(value_type(wanted))
    except (pa.ArrowException, ValueError):
        return plain
    return typed.dictionary_encode() if pa.types.is_dictionary(wanted) else typed
