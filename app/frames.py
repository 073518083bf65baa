"""CSV and Parquet in, CSV out: named columns become a Panel, a Forecast becomes a table."""

import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet

from app.errors import LimitExceeded, OperationError
from model import Aggregation, ColumnMissing, DataError, ItemForecast, Panel, TimestampInvalid

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


def read_panel(
    content: bytes,
    columns: Columns,
    *,
    name: str = "The table",
    freq: str | None = None,
    duplicates: Aggregation = "error",
    limits: TableLimits = TableLimits(),
) -> Panel:
    """The panel in a table: Parquet or CSV (comma, semicolon or tab; gzip or plain), told apart by their first bytes.

    Args:
        content: The bytes of the file.
        columns: Which columns to read.
        name: What to call the table in an error.
        freq: A pandas offset alias for every series; read from the timestamps if left out.
        duplicates: How to aggregate the observations of one timestamp.
        limits: How large it may be.

    Raises:
        DataError: The table or a series in it cannot be used.
        LimitExceeded: It is too large.
    """
    if content[:4] == b"PAR1":
        table = _read_parquet(content, columns, name, limits.max_rows)
    else:
        table = _read_csv(content, columns, name, limits.max_bytes)
    _check_rows(len(table), limits.max_rows)
    chosen = _choose(columns, [str(column) for column in table.columns])
    item_id, timestamp, target = chosen.item_id, str(chosen.timestamp), str(chosen.target)
    table = table[~(_is_blank(table[timestamp]) & table[target].isna())]
    if item_id is not None:
        _refuse_blank(table, item_id, "a name")
    _refuse_blank(table, timestamp, "a point in time")
    _refuse_text(table, target)
    try:
        return Panel.from_frame(
            table, item_id=item_id, timestamp=timestamp, target=target, freq=freq, duplicates=duplicates
        )
    except TimestampInvalid as error:
        rows = table if item_id is None else table[table[item_id].astype(str) == error.item_id]
        raise CellInvalid(_line(rows, error.position), timestamp, error.found, "a point in time") from error


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
        line = _line(table, int(np.argmax(surplus)))
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


def _refuse_blank(table: pd.DataFrame, column: str, needed: str) -> None:
    blank = _is_blank(table[column]).to_numpy()
    if blank.any():
        raise CellInvalid(_line(table, int(np.argmax(blank))), column, "an empty cell", needed)


def _refuse_text(table: pd.DataFrame, target: str) -> None:
    column = table[target]
    if column.dtype.kind == "b":
        wrong = np.ones(len(column), dtype=bool)
    elif column.dtype.kind in "iuf":
        wrong = np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan))
    else:
        numbers = pd.to_numeric(column, errors="coerce")
        wrong = (numbers.isna() & column.notna()).to_numpy()
    if wrong.any():
        position = int(np.argmax(wrong))
        raise CellInvalid(_line(table, position), target, repr(str(column.iloc[position]))[:80], "a finite number")


def _line(table: pd.DataFrame, position: int) -> int:
    """The line of the file that a row stands on; the header is line 1."""
    return int(table.index[position]) + 2
