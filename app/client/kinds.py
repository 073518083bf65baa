"""What callers call a table: pandas, polars, or whatever speaks Arrow; made Arrow of, and given back as the same.

Only what handles tables is imported here, and this module only by those who have one: pandas takes a second to load.
"""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, runtime_checkable

import pyarrow as pa

from app.client.errors import FrameUnusable


@runtime_checkable
class Frame(Protocol):
    """A table of pandas, polars, pyarrow, DuckDB, …: anything with the PyCapsule interface of Arrow."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The table as an Arrow stream."""


class Readable:
    """A caller's table, of which only the columns that are wanted become Arrow.

    Attributes:
        kind: What the caller calls a table: `pandas`, `polars` or `pyarrow`.
    """

    def __init__(self, frame: object) -> None:
        """Raises FrameUnusable: It is no table."""
        self.kind = _kind_of(frame)
        self._frame = _READERS[self.kind](frame)

    @property
    def schema(self) -> pa.Schema:
        """Its columns, by the types of their first row."""
        return self._frame.schema if self.kind == "pyarrow" else _converted(self._frame.head(1)).schema

    def select(self, names: Sequence[str]) -> pa.Table:
        """Some of its columns; texts in the one form that the service reads.

        Raises:
            FrameUnusable: One of them has values of several types.
        """
        chosen = self._frame.select(names) if self.kind != "pandas" else self._frame[list(names)]
        table = _converted(chosen)
        for place, one in enumerate(table.schema):
            table = table.set_column(place, one.name, _plain_texts(table[one.name]))
        return table


def to_kind(table: pa.Table, kind: str) -> Any:
    """A table as somebody calls it."""
    if kind == "pandas":
        return table.to_pandas()
    if kind == "polars":
        return sys.modules["polars"].DataFrame(table)
    return table


def value_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values of a column, which may be encoded."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _kind_of(frame: object) -> str:
    module = type(frame).__module__.partition(".")[0]
    if module in ("pandas", "polars"):
        return module
    if isinstance(frame, Frame):
        return "pyarrow"
    raise FrameUnusable(
        f"A {type(frame).__name__} is not a table. Give a DataFrame, whatever speaks Arrow, or the id of a dataset."
    )


def _from_pandas(frame: Any) -> Any:
    """A DataFrame with texts for names, its index as columns where that says anything, and instants for periods."""
    if frame.ndim == 1:
        frame = frame.to_frame("target" if frame.name is None else frame.name)
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    elif frame.index.dtype.kind == "M" or _is_period(frame.index.dtype):
        frame = frame.rename_axis("timestamp").reset_index()
    names = [str(name) for name in frame.columns]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise FrameUnusable(f"Several columns are called {twice[0]!r}. Give each a name of its own.")
    frame = frame.set_axis(names, axis=1)
    periods = [name for name, kind in frame.dtypes.items() if _is_period(kind)]
    return frame.assign(**{name: frame[name].dt.to_timestamp() for name in periods})


def _from_polars(frame: Any) -> Any:
    """A DataFrame: a plan is carried out, a column becomes a table."""
    if hasattr(frame, "collect"):
        frame = frame.collect()
    return frame.to_frame() if hasattr(frame, "to_frame") else frame


def _is_period(kind: object) -> bool:
    return type(kind).__name__ == "PeriodDtype"


def _converted(frame: Any) -> pa.Table:
    try:
        if type(frame).__module__.startswith("pandas"):
            return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
        return pa.table(frame)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise FrameUnusable(f"The table cannot be sent: {error}. Give each column one type.") from error


def _plain_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column whose texts, if it has any, are plain strings: polars has views of them, and the service reads none."""
    if not pa.types.is_string_view(value_type(column.type)):
        return column
    if not pa.types.is_dictionary(column.type):
        return column.cast(pa.string())
    chunks = (
        pa.DictionaryArray.from_arrays(one.indices.cast(pa.int64()), one.dictionary.cast(pa.string()))
        for one in column.chunks
    )
    return pa.chunked_array(chunks, pa.dictionary(pa.int64(), pa.string()))


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "pandas": _from_pandas,
    "polars": _from_polars,
    "pyarrow": _converted,
}
