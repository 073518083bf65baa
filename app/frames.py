"""CSV and Parquet in, CSV out: named columns become a Panel, a Forecast becomes a table."""

import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
from numpy.typing import NDArray

from app.errors import LimitExceeded, OperationError
from model import (
    Aggregation,
    ColumnMissing,
    DataError,
    ItemForecast,
    Panel,
    Reading,
    Series,
    TimestampInvalid,
    ValueInvalid,
    read_columns,
)

_MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "<NA>", "-"]
_RAGGED = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
_STDIN = "-"
_SURPLUS = "(surplus)"


class FileUnreadable(DataError):
    """A file that is not the table it should be."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"{name} cannot be read: {reason}.", hint="Give a CSV file with a header (.csv, .csv.gz), or Parquet."
        )
        self.name = name
        self.reason = reason


class FileNotWritable(OperationError):
    """A file that cannot be written."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} cannot be written: {reason}.", hint="Name a file in a folder that exists.")
        self.name = name
        self.reason = reason


class CellInvalid(DataError):
    """A cell of a table that does not hold what its column needs."""

    def __init__(self, line: int, column: str, found: str, needed: str) -> None:
        super().__init__(
            f"Line {line}, column {column!r}: {found} is not {needed}.",
            hint="Correct the cell; leave the cell of a missing observation empty.",
        )
        self.line = line
        self.column = column
        self.found = found


class ColumnUnnamed(DataError):
    """A column that must be named, because none has the usual name."""

    def __init__(self, role: str, found: list[str]) -> None:
        super().__init__(
            f"Which column holds the {role}? The columns are {', '.join(map(repr, found)) or 'none'}.",
            hint=f"Name it with --{role.replace('_', '-')} (over HTTP: the query parameter {role}).",
        )
        self.role = role
        self.found = found


@dataclass(frozen=True)
class TableLimits:
    """How large a table may be; None is without a limit.

    Attributes:
        max_bytes: Of a CSV, once decompressed.
        max_rows: Of any table.
    """

    max_bytes: int | None = None
    max_rows: int | None = None


@dataclass(frozen=True)
class Columns:
    """The columns of a table in long form.

    Attributes:
        item_id: Names the series; None takes `item_id` if there is such a column, and else the table as one series.
        timestamp: None takes `timestamp`.
        target: None takes `target`.
    """

    item_id: str | None = None
    timestamp: str | None = None
    target: str | None = None


def read_file(path: str) -> bytes:
    """The bytes of a file, or of standard input where the path is `-`.

    Raises:
        FileUnreadable: It does not exist or may not be read.
    """
    try:
        return sys.stdin.buffer.read() if path == _STDIN else Path(path).read_bytes()
    except OSError as error:
        raise FileUnreadable(path, (error.strerror or "it failed").lower()) from error


@dataclass(frozen=True, eq=False)
class RawTable:
    """The series of a table, read as far as they can be.

    Attributes:
        items: Each series; or why a row belongs to none.
        lines: The line of the file for each row of each series; the header is line 1.
        columns: The columns they were read from.
    """

    items: tuple[Reading | CellInvalid, ...]
    lines: Mapping[str, NDArray[np.int64]]
    columns: Columns

    def to_panel(self) -> Panel:
        """The panel.

        Raises:
            DataError: A series cannot be used; the first fault, with its line if it is one of a cell.
        """
        for item in self.items:
            if isinstance(item, CellInvalid):
                raise item
            for fault in item.faults:
                raise self._located(item.item_id, fault.error)
        return Panel(tuple(Series.from_reading(one) for one in self.items if isinstance(one, Reading)))

    def _located(self, item_id: str, error: DataError) -> DataError:
        if not isinstance(error, (TimestampInvalid, ValueInvalid)):
            return error
        line = int(self.lines[item_id][error.position])
        if isinstance(error, ValueInvalid):
            found = repr(error.found.strip("'"))
            return CellInvalid(line, str(self.columns.target), found, "a finite number")
        found = "an empty cell" if error.found in ("nothing", repr("")) else error.found
        return CellInvalid(line, str(self.columns.timestamp), found, "a point in time")


def read_table(
    content: bytes,
    columns: Columns,
    *,
    name: str = "The table",
    freq: str | None = None,
    duplicates: Aggregation = "error",
    limits: TableLimits = TableLimits(),
) -> RawTable:
    """The series in a table: Parquet or CSV (comma, semicolon or tab; gzip or plain), told apart by its first bytes.

    Args:
        content: The bytes of the file.
        columns: Which columns to read.
        name: What to call the table in an error.
        freq: A pandas offset alias for every series; read from the timestamps if left out.
        duplicates: How to aggregate the observations of one timestamp.
        limits: How large it may be.

    Raises:
        FileUnreadable, ColumnMissing, ColumnUnnamed: It is no such table.
        LimitExceeded: It is too large.
    """
    if content[:4] == b"PAR1":
        table = _read_parquet(content, columns, name, limits.max_rows)
    else:
        table = _read_csv(content, columns, name, limits.max_bytes)
    _check_rows(len(table), limits.max_rows)
    chosen = _choose(columns, [str(column) for column in table.columns])
    timestamp, target = str(chosen.timestamp), str(chosen.target)
    table = table[~(_is_blank(table[timestamp]) & table[target].isna())]
    items: list[Reading | CellInvalid] = []
    if chosen.item_id is not None:
        blank = _is_blank(table[chosen.item_id]).to_numpy()
        if blank.any():
            line = int(_lines(table)[np.argmax(blank)])
            items.append(CellInvalid(line, chosen.item_id, "an empty cell", "a name"))
        table = table[~blank]
    lines: dict[str, NDArray[np.int64]] = {}
    for item_id, rows in _groups(table, chosen.item_id):
        items.append(read_columns(item_id, rows[timestamp], rows[target], freq=freq, duplicates=duplicates))
        lines[item_id] = _lines(rows)
    return RawTable(tuple(items), lines, chosen)


def read_panel(
    content: bytes,
    columns: Columns,
    *,
    name: str = "The table",
    freq: str | None = None,
    duplicates: Aggregation = "error",
    limits: TableLimits = TableLimits(),
) -> Panel:
    """The panel in a table; see `read_table`.

    Raises:
        DataError: The table or a series in it cannot be used.
        LimitExceeded: It is too large.
    """
    return read_table(content, columns, name=name, freq=freq, duplicates=duplicates, limits=limits).to_panel()


def write_csv(forecasts: Iterable[ItemForecast]) -> str:
    """Forecasts in long form: item_id, timestamp, mean, and a column for each quantile level."""
    return pd.concat(_tables(forecasts), ignore_index=True).to_csv(
        index=False, lineterminator="\n", float_format="%.10g"
    )


def _tables(forecasts: Iterable[ItemForecast]) -> Iterable[pd.DataFrame]:
    for item in forecasts:
        quantiles = {f"{level:g}": values for level, values in item.quantiles.items()}
        times = [timestamp.isoformat() for timestamp in item.local_timestamps()]
        yield pd.DataFrame({"item_id": item.item_id, "timestamp": times, "mean": item.mean, **quantiles})


def _check_rows(num_rows: int, max_rows: int | None) -> None:
    if max_rows is not None and num_rows > max_rows:
        raise LimitExceeded("rows", num_rows, max_rows, "LONGSHOT_MAX_POINTS")


def _read_parquet(content: bytes, columns: Columns, name: str, max_rows: int | None) -> pd.DataFrame:
    try:
        metadata = pyarrow.parquet.read_metadata(io.BytesIO(content))
        _check_rows(metadata.num_rows, max_rows)
        found = [str(column) for column in metadata.schema.to_arrow_schema().names]
        wanted = _choose(columns, found)
        return pd.read_parquet(
            io.BytesIO(content), columns=[one for one in (wanted.item_id, wanted.timestamp, wanted.target) if one]
        )
    except (pyarrow.ArrowException, OSError) as error:
        raise FileUnreadable(name, "it is damaged, or not Parquet") from error


def _read_csv(content: bytes, columns: Columns, name: str, max_bytes: int | None) -> pd.DataFrame:
    text = _decode(content, name, max_bytes)
    header, _, rows = text.partition("\n")
    if not header.strip():
        raise FileUnreadable(name, "it has no header line")
    separator = max((",", ";", "\t"), key=header.count)
    try:
        found = list(pd.read_csv(io.StringIO(header), sep=separator, nrows=0, index_col=False).columns)
        wanted = _choose(columns, found)
        table = _parse_csv(f"{header.rstrip()}{separator}{_SURPLUS}\n{rows}", separator, wanted)
    except pd.errors.ParserError as error:
        raise FileUnreadable(name, _explain(str(error), len(found))) from error
    surplus = table.pop(_SURPLUS).notna().to_numpy()
    if surplus.any():
        line = int(_lines(table)[np.argmax(surplus)])
        raise FileUnreadable(name, f"line {line} has more cells than the header, which has {len(found)}")
    return table


def _parse_csv(text: str, separator: str, wanted: Columns) -> pd.DataFrame:
    """The columns wanted, and one appended to the header, because pandas drops surplus cells without a word."""
    names = [one for one in (wanted.item_id, wanted.timestamp) if one and one != wanted.target]
    return pd.read_csv(
        io.StringIO(text),
        sep=separator,
        usecols=[*names, str(wanted.target), _SURPLUS],
        dtype=dict.fromkeys([*names, _SURPLUS], str),
        na_values={str(wanted.target): _MISSING, _SURPLUS: [""]},
        keep_default_na=False,
        skip_blank_lines=False,
        low_memory=False,
    )


def _decode(content: bytes, name: str, max_bytes: int | None) -> str:
    try:
        plain = _decompress(content, max_bytes) if content[:2] == b"\x1f\x8b" else content
        return plain.decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FileUnreadable(name, "its gzip data is damaged") from error
    except UnicodeDecodeError as error:
        raise FileUnreadable(name, "it is not UTF-8 text") from error


def _decompress(content: bytes, max_bytes: int | None) -> bytes:
    """The content of a gzip file; of one that bursts, no more than it takes to know."""
    with gzip.open(io.BytesIO(content)) as file:
        plain = file.read(-1 if max_bytes is None else max_bytes + 1)
    if max_bytes is not None and len(plain) > max_bytes:
        raise LimitExceeded("or more bytes, decompressed", len(plain), max_bytes, "LONGSHOT_MAX_BODY_BYTES")
    return plain


def _explain(reason: str, num_columns: int) -> str:
    ragged = _RAGGED.search(reason)
    if ragged is None:
        return "it is not a CSV table"
    return f"line {ragged[2]} has more cells than the header, which has {num_columns}"


def _choose(columns: Columns, found: list[str]) -> Columns:
    for column in (columns.item_id, columns.timestamp, columns.target):
        if column is not None and column not in found:
            raise ColumnMissing(column, found)
    return Columns(
        columns.item_id or ("item_id" if "item_id" in found else None),
        columns.timestamp or _usual("timestamp", found),
        columns.target or _usual("target", found),
    )


def _usual(role: str, found: list[str]) -> str:
    if role not in found:
        raise ColumnUnnamed(role, found)
    return role


def _is_blank(column: pd.Series) -> "pd.Series[bool]":
    return column.isna() | column.eq("") if column.dtype.kind not in "iufM" else column.isna()


def _groups(table: pd.DataFrame, item_id: str | None) -> list[tuple[str, pd.DataFrame]]:
    if item_id is None:
        return [("series", table)]
    return [(str(name), rows) for name, rows in table.groupby(item_id, sort=False, observed=True)]


def _lines(table: pd.DataFrame) -> NDArray[np.int64]:
    """The lines of the file that rows stand on; the header is line 1."""
    return table.index.to_numpy(dtype=np.int64) + 2
