"""Tables in: the series in named columns, whatever the file, read all at once or, where needed, cell by cell."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from app.frames.arrow import ARROW_FILE, ARROW_STREAM, PARQUET, read_arrow, read_parquet
from app.frames.columnar import to_rows
from app.frames.columns import NO_LIMITS, ChosenColumns, Columns, TableLimits
from app.frames.covariates import raw_covariates, with_covariates
from app.frames.delimited import DelimitedText
from app.frames.errors import CellInvalid, FileUnreadable
from app.frames.json_lines import read_json_lines
from model import (
    COUNTED,
    Aggregation,
    CovariateInvalid,
    DataError,
    Panel,
    Reading,
    RowsOfItem,
    Series,
    TimestampInvalid,
    ValueInvalid,
    is_count,
    read_columns,
    read_instants,
    read_rows,
)

_STDIN = "-"


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
    columns: ChosenColumns

    def to_panel(self) -> Panel:
        """The panel.

        Raises:
            DataError: A series cannot be used; the first fault, with its line if it is one of a cell.
        """
        series = []
        for one in self.each_series():
            if not isinstance(one, Series):
                raise one
            series.append(one)
        return Panel(tuple(series))

    def each_series(self) -> Iterator[Series | DataError]:
        """Each series, or the first thing that is wrong with it."""
        for item in self.items:
            if isinstance(item, CellInvalid):
                yield item
            elif item.faults:
                yield self._located(item.item_id, item.faults[0].error)
            else:
                yield Series.from_reading(item)

    def _located(self, item_id: str, error: DataError) -> DataError:
        if not isinstance(error, (TimestampInvalid, ValueInvalid, CovariateInvalid)) or error.position is None:
            return error
        line = int(self.lines[item_id][error.position])
        if isinstance(error, ValueInvalid):
            found = repr(error.found.strip("'"))
            return CellInvalid(line, self.columns.target, found, "a finite number", item_id=item_id)
        if isinstance(error, CovariateInvalid):
            return CellInvalid(line, error.covariate, error.found, "a finite number", item_id=item_id)
        found = "an empty cell" if error.found in ("nothing", repr("")) else error.found
        return CellInvalid(line, self.columns.timestamp, found, "a point in time", item_id=item_id)


def read_table(
    content: bytes,
    columns: Columns,
    *,
    name: str = "The table",
    freq: str | None = None,
    duplicates: Aggregation = "error",
    limits: TableLimits = NO_LIMITS,
) -> RawTable:
    """The series in a table: Parquet, Arrow, NDJSON or CSV (also in gzip), told apart by its first bytes.

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
    sent = _open(content, columns, name, limits)
    if isinstance(sent.cells, pa.Table):
        rows = to_rows(sent.cells, sent.chosen, counted=is_count(freq))
        if rows is not None:
            limits.check_series(len(rows.names))
            found = read_rows(rows, freq=freq, duplicates=duplicates)
            return _of_rows(with_covariates(found, rows.instants, sent.cells, sent.chosen.covariates), sent)
    return _of_cells(sent, freq, duplicates, limits)


def read_panel(
    content: bytes,
    columns: Columns,
    *,
    name: str = "The table",
    freq: str | None = None,
    duplicates: Aggregation = "error",
    limits: TableLimits = NO_LIMITS,
) -> Panel:
    """The panel in a table; see `read_table`.

    Raises:
        DataError: The table or a series in it cannot be used.
        LimitExceeded: It is too large.
    """
    return read_table(content, columns, name=name, freq=freq, duplicates=duplicates, limits=limits).to_panel()


@dataclass(frozen=True, eq=False)
class _Sent:
    """A table that was opened: its cells, which row each stands in, and what they are."""

    cells: pa.Table | pd.DataFrame
    chosen: ChosenColumns
    first_line: int = 2


def _open(content: bytes, columns: Columns, name: str, limits: TableLimits) -> _Sent:
    if content.startswith(PARQUET):
        return _Sent(*read_parquet(content, columns, name, limits))
    if content.startswith((ARROW_STREAM, ARROW_FILE)):
        return _Sent(*read_arrow(content, columns, name, limits))
    if content.lstrip().startswith(b"{"):
        return _Sent(*read_json_lines(content, columns, name, limits), first_line=1)
    text = DelimitedText(content, columns, name, limits)
    plain = text.to_arrow()
    return _Sent(text.to_pandas() if plain is None else plain, text.chosen)


def _of_rows(found: Sequence[RowsOfItem], sent: _Sent) -> RawTable:
    lines = {one.reading.item_id: one.positions + sent.first_line for one in found}
    return RawTable(tuple(one.reading for one in found), lines, sent.chosen)


def _of_cells(sent: _Sent, freq: str | None, duplicates: Aggregation, limits: TableLimits) -> RawTable:
    """Whatever the cells hold, looked at one by one where that is needed."""
    table, chosen = _to_pandas(sent), sent.chosen
    table = table[~(_is_blank(table[chosen.timestamp]) & table[chosen.target].isna())]
    items: list[Reading | CellInvalid] = []
    if chosen.item_id is not None:
        blank = _is_blank(table[chosen.item_id]).to_numpy()
        if blank.any():
            line = int(_lines(table)[np.argmax(blank)])
            items.append(CellInvalid(line, chosen.item_id, "an empty cell", "a name"))
        table = table[~blank]
        limits.check_series(int(table[chosen.item_id].nunique()))
    lines: dict[str, NDArray[np.int64]] = {}
    table = _with_counts(table, chosen.timestamp, freq)
    for item_id, rows in _groups(table, chosen.item_id):
        timestamps, target = rows[chosen.timestamp], rows[chosen.target]
        beside = raw_covariates(rows, chosen.covariates)
        items.append(read_columns(item_id, timestamps, target, freq=freq, duplicates=duplicates, covariates=beside))
        lines[item_id] = _lines(rows)
    return RawTable(tuple(items), lines, chosen)


def _with_counts(table: pd.DataFrame, timestamp: str, freq: str | None) -> pd.DataFrame:
    """The table with numbers for timestamps that are texts of them: all series alike, whichever texts one has."""
    texts = table[timestamp][~_is_blank(table[timestamp])].unique().tolist()
    read = read_instants(texts, counted=is_count(freq)) if all(isinstance(one, str) for one in texts) else None
    if read is None or read.time_zone != COUNTED:
        return table
    numbers = pd.to_numeric(table[timestamp].where(~_is_blank(table[timestamp])))
    return table.assign(**{timestamp: numbers})


def _to_pandas(sent: _Sent) -> pd.DataFrame:
    """The cells as pandas has them, texts as objects: one that many rows share stays one."""
    if isinstance(sent.cells, pd.DataFrame):
        return sent.cells
    columns = {}
    for name in sent.chosen.names:
        column = sent.cells[name].to_pandas()
        columns[name] = column.astype(object) if isinstance(column.dtype, pd.CategoricalDtype) else column
    table = pd.DataFrame(columns)
    table.index = pd.RangeIndex(sent.first_line, sent.first_line + len(table))
    return table


def _is_blank(column: pd.Series) -> "pd.Series[bool]":
    return column.isna() | column.eq("") if column.dtype.kind not in "iufM" else column.isna()


def _groups(table: pd.DataFrame, item_id: str | None) -> list[tuple[str, pd.DataFrame]]:
    if item_id is None:
        return [("series", table)]
    return [(str(name), rows) for name, rows in table.groupby(item_id, sort=False, observed=True)]


def _lines(table: pd.DataFrame) -> NDArray[np.int64]:
    return table.index.to_numpy(dtype=np.int64)
