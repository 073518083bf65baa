"""NDJSON in: one JSON object a line, each an observation."""

from typing import Any, Final

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from app.frames.columns import ChosenColumns, Columns, TableLimits
from app.frames.errors import FileUnreadable

_MAX_LOOKED_AT: Final = 100
_SERIES_FIELDS: Final = {"timestamps", "start", "dataset"}


def holds_series(content: bytes) -> bool:
    """Whether each line is a whole series, as in a JSON request, and not an observation; the first line tells."""
    first = content.lstrip().partition(b"\n")[0]
    try:
        found = orjson.loads(first)
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and (bool(_SERIES_FIELDS & found.keys()) or isinstance(found.get("target"), list))


def join_series(content: bytes) -> bytes:
    """Lines that each hold a series as the JSON list of them."""
    return b"[" + b",".join(line for line in content.split(b"\n") if line.strip()) + b"]"


def read_json_lines(
    content: bytes, columns: Columns, name: str, limits: TableLimits
) -> tuple[pa.Table | pd.DataFrame, ChosenColumns]:
    """The columns of a table with one JSON object a row: in Arrow if their values are plain, else as they are.

    Raises:
        FileUnreadable, ColumnMissing, ColumnUnnamed: It is no such table.
        LimitExceeded: It is too large.
    """
    found = _read_regular(content, columns, limits)
    if found is not None:
        return found
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    limits.check_rows(len(lines))
    rows = _read_all([line for _, line in lines])
    if rows is None:
        rows = [_read(line, number, name) for number, line in lines]
    chosen = columns.choose(list(dict.fromkeys(field for row in rows[:_MAX_LOOKED_AT] for field in row)))
    cells = {column: [row.get(column) for row in rows] for column in chosen.names}
    if lines[-1][0] == len(lines):
        plain = _plain_table(cells)
        if plain is not None:
            return plain, chosen
    index = pd.Index([number for number, _ in lines])
    return pd.DataFrame(
        {column: pd.Series(map(_plain, one), index=index, dtype=object) for column, one in cells.items()}
    ), chosen


def _read_regular(content: bytes, columns: Columns, limits: TableLimits) -> tuple[pa.Table, ChosenColumns] | None:
    """The columns of lines that are as regular as a program writes them, without an object for each; else None.

    Arrow is laxer than JSON: it takes several objects in a line or one in several, numbers that are not finite, bytes
    that are not UTF-8. What it would forgive is left to who reads line by line and says what is wrong.
    """
    num_lines = content.count(b"\n") + (not content.endswith(b"\n"))
    # Between the objects of JSON, and nowhere within one, a brace that opens follows one that closes.
    if content.count(b"}\n{") != num_lines - 1 or not (content.isascii() or _is_text(content)):
        return None
    limits.check_rows(num_lines)
    first = _read_all(content.split(b"\n", _MAX_LOOKED_AT)[: min(num_lines, _MAX_LOOKED_AT)])
    if first is None:
        return None
    fields = list(dict.fromkeys(field for row in first for field in row))
    chosen = columns.choose(fields)
    is_all_read = set(fields) == set(chosen.names)
    if not is_all_read and (b"NaN" in content or b"Inf" in content):
        return None
    try:
        schema = pa.schema([(one, _type_of(one, chosen, first)) for one in chosen.names])
        table = pa.json.read_json(
            pa.BufferReader(content),
            pa.json.ReadOptions(use_threads=False),
            pa.json.ParseOptions(schema, unexpected_field_behavior="error" if is_all_read else "ignore"),
        )
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        return None
    return (table, chosen) if table.num_rows == num_lines and all(map(_is_finite, table.columns)) else None


def _type_of(column: str, chosen: ChosenColumns, first: list[dict[str, Any]]) -> pa.DataType:
    """What a column holds, by its first lines.

    Raises:
        ValueError: Neither texts nor numbers.
    """
    if column in chosen.numbers:
        return pa.float64()
    found = pa.array([row.get(column) for row in first]).type
    if found not in (pa.string(), pa.int64(), pa.float64()):
        raise ValueError(found)
    return found


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_finite(column: pa.ChunkedArray) -> bool:
    return not pa.types.is_floating(column.type) or pc.all(pc.is_finite(column)).as_py() is not False


def _read_all(lines: list[bytes]) -> list[dict[str, Any]] | None:
    """All lines in one go, which is several times faster; None if one of them is no object."""
    try:
        found = orjson.loads(b"[" + b",".join(lines) + b"]")
    except orjson.JSONDecodeError:
        return None
    return found if len(found) == len(lines) and set(map(type, found)) == {dict} else None


def _read(line: bytes, number: int, name: str) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise FileUnreadable(name, f"line {number} is not JSON") from error
    if not isinstance(found, dict):
        raise FileUnreadable(name, f"line {number} is not a JSON object")
    return found


def _plain_table(cells: dict[str, list[Any]]) -> pa.Table | None:
    """Columns of texts or numbers in Arrow; None where one holds anything else."""
    try:
        table = pa.table({column: pa.array(values) for column, values in cells.items()})
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        return None
    return None if any(map(pa.types.is_nested, table.schema.types)) else table


def _plain(value: Any) -> Any:
    """A value that a cell can hold; of a list or an object, its text, which is then refused as what it is."""
    return orjson.dumps(value).decode() if isinstance(value, (list, dict)) else value
