"""Arrow columns become the rows of many series without an object for each cell."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.frames.columns import ChosenColumns
from model import COUNTED, MAX_COUNT, Rows, read_instants

_NOT_A_TIME = np.datetime64("NaT", "us").astype(np.int64)


def to_rows(table: pa.Table, chosen: ChosenColumns, *, counted: bool = False) -> Rows | None:
    """The rows of a table whose columns are as they should be; None where a cell needs a closer look.

    Args:
        table: Its columns in Arrow.
        chosen: What they are.
        counted: Whether timestamps are whole numbers, even if they are texts that could be dates.
    """
    try:
        items = _items(table, chosen.item_id)
        times = None if items is None else _times(table[chosen.timestamp], counted=counted)
        numbers = None if times is None else _numbers(table[chosen.target])
    except pa.ArrowException:
        return None
    if items is None or times is None or numbers is None:
        return None
    (names, codes), (instants, time_zone) = items, times
    if (np.isnat(instants) & np.isnan(numbers)).any():
        return None
    return Rows(names, codes, instants, numbers, time_zone)


def _items(table: pa.Table, item_id: str | None) -> tuple[list[str], NDArray[np.integer]] | None:
    if item_id is None:
        return ["series"], np.zeros(table.num_rows, dtype=np.int32)
    encoded = _encoded(table[item_id])
    kind = encoded.dictionary.type
    if encoded.null_count or not (_is_text(kind) or pa.types.is_integer(kind)):
        return None
    names = [str(one) for one in encoded.dictionary.to_pylist()]
    if encoded.dictionary.null_count or "" in names or len(set(names)) != len(names):
        return None
    return names, encoded.indices.to_numpy(zero_copy_only=False)


def _times(column: pa.ChunkedArray, *, counted: bool) -> tuple[NDArray[np.datetime64], str | None] | None:
    kind = column.type
    if pa.types.is_timestamp(kind):
        plain = column.cast(pa.timestamp("us", kind.tz), safe=kind.unit != "ns").combine_chunks()
        return _instants(plain), None if kind.tz is None else _zone(kind.tz)
    if pa.types.is_date(kind):
        return _instants(column.cast(pa.timestamp("us")).combine_chunks()), None
    if pa.types.is_integer(kind):
        return _counts(column), COUNTED
    is_text = _is_text(kind) or (pa.types.is_dictionary(kind) and _is_text(kind.value_type))
    return _of_texts(column, counted=counted) if is_text else None


def _of_texts(column: pa.ChunkedArray, *, counted: bool) -> tuple[NDArray[np.datetime64], str | None] | None:
    encoded = _encoded(column)
    read = None if encoded.dictionary.null_count else read_instants(encoded.dictionary.to_pylist(), counted=counted)
    if read is None or read.day_unsure:
        return None
    places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return np.append(read.instants, np.datetime64("NaT", "us"))[places], read.time_zone


def _counts(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    """Whole numbers as instants; where one is too far from 0, which a closer look will say, an Arrow error."""
    plain = column.cast(pa.int64()).combine_chunks()
    lowest, highest = pc.min_max(plain).as_py().values()
    if lowest is not None and max(-lowest, highest) > MAX_COUNT:
        raise pa.ArrowInvalid("too far")
    return _instants(pc.multiply(plain, 1000).cast(pa.timestamp("us")))


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64] | None:
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return None
    plain = column.cast(pa.float64(), safe=False).combine_chunks()
    return np.asarray(plain.fill_null(np.nan).to_numpy(zero_copy_only=False))


def _instants(plain: pa.Array) -> NDArray[np.datetime64]:
    ticks = plain.view(pa.int64()).fill_null(_NOT_A_TIME).to_numpy(zero_copy_only=False)
    return np.asarray(ticks.view("datetime64[us]"))


def _zone(name: str) -> str | None:
    """A zone under the name that it has everywhere else in the service."""
    return str(pd.DatetimeTZDtype("us", name).tz)


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    combined = column.unify_dictionaries().combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
