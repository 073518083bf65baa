"""Tables of the command line: read from files and pipes, their columns guessed, and written in every format."""

import io
import sys
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import typer

from app.cli.refusals import refuse
from app.column_names import ColumnsUnclear, choose_names
from app.frames import Columns, FileNotWritable, RawTable, glance, read_file, read_table
from model import Aggregation, Panel, Reading

Format = Literal["csv", "json", "parquet", "arrow"]

STDIO: Final = "-"
_SUFFIXES: Final[dict[str, Format]] = {
    ".csv": "csv",
    ".json": "json",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
}
_WIDE: Final = " If each is a series of its own, make one observation a row of them first."
_ARROW_FILE: Final = b"ARROW1"
_ARROW_STREAM: Final = b"\xff\xff\xff\xff"
_STREAMED: Final = (".arrows", "")


def load_table(file: str, columns: Columns, freq: str | None, duplicates: Aggregation) -> RawTable:
    """The series in a file, or on standard input, whatever is wrong with them; says which columns were guessed.

    Raises:
        DataError: It is no table.
    """
    name = "Standard input" if file == STDIO else file
    content = _plain_arrow(read_file(file))
    return read_table(content, _chosen(content, columns), name=name, freq=freq, duplicates=duplicates)


def load_panel(file: str, columns: Columns, freq: str | None, duplicates: Aggregation) -> Panel:
    """The panel in a file, or on standard input; says which columns were guessed.

    Raises:
        DataError: It cannot be used.
    """
    table = load_table(file, columns, freq, duplicates)
    panel = table.to_panel()
    if any(isinstance(one, Reading) and one.day_unsure for one in table.items):
        first, name = panel.series[0].timestamps[0], table.columns.timestamp
        typer.echo(
            f"In column {name!r} day and month could be exchanged in every date; they were read month first, the first "
            f"as {np.datetime_as_string(first, unit='D')}. Write the year first, or dots where the day is first.",
            err=True,
        )
    return panel


def _chosen(content: bytes, columns: Columns) -> Columns:
    found = glance(content)
    if found is None:
        return columns
    try:
        names = choose_names(
            found,
            item_id=columns.item_id,
            timestamp=columns.timestamp,
            target=columns.target,
            beside=columns.covariates.names,
        )
    except ColumnsUnclear as error:
        remedy = f" Name it with --{error.role.replace('_', '-')}." if error.role else ""
        refuse(f"{error.reason}{remedy}{_WIDE if error.may_be_wide else ''}")
    for note in names.notes:
        typer.echo(note, err=True)
    return Columns(names.item_id, names.timestamp, names.target, columns.covariates)


def _plain_arrow(content: bytes) -> bytes:
    """An Arrow file (Feather), or a stream with packed buffers, as the plain stream that the service would be sent."""
    if not content.startswith((_ARROW_FILE, _ARROW_STREAM)):
        return content
    try:
        opened = pa.ipc.open_file if content.startswith(_ARROW_FILE) else pa.ipc.open_stream
        return _stream(opened(pa.py_buffer(content)).read_all())
    except (pa.ArrowException, OSError):
        # To read it as a table will say what is wrong with it.
        return content


def choose_format(asked: Format | None, output: str, *, as_json: bool) -> Format:
    """The format to write in: the one asked for, or that of the file's name, or CSV."""
    if as_json:
        return "json"
    return asked or _SUFFIXES.get(Path(output).suffix.lower(), "csv")


def write_output(path: str, content: str | bytes) -> None:
    """Writes to a file, or to standard output where the path is `-`.

    Raises:
        FileNotWritable: It cannot be written.
    """
    raw = content if isinstance(content, bytes) else _ended(content).encode()
    if path == STDIO:
        if isinstance(content, bytes) and sys.stdout.isatty():
            refuse("This format is not for terminals: name a file with --output, or pipe it.")
        sys.stdout.flush()
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
        return
    try:
        Path(path).write_bytes(raw)
    except OSError as error:
        raise FileNotWritable(path, (error.strerror or "it failed").lower()) from error


def to_bytes(table: pd.DataFrame, format: Format, path: str) -> bytes:  # noqa: A002
    """A table as a Parquet file, or in Arrow: a file (Feather) where the path ends so, else a stream.

    Args:
        table: Timestamps of several zones come out in UTC.
        format: `parquet` or `arrow`.
        path: Where it goes.
    """
    if table["timestamp"].dtype == object:
        table = table.assign(timestamp=pd.to_datetime(table["timestamp"], utc=True))
    whole = pa.Table.from_pandas(table, preserve_index=False)
    if format == "arrow":
        return _stream(whole, as_file=Path(path).suffix.lower() not in _STREAMED)
    file = io.BytesIO()
    pa.parquet.write_table(whole, file, compression="zstd")
    return file.getvalue()


def _stream(table: pa.Table, *, as_file: bool = False) -> bytes:
    file = io.BytesIO()
    with (pa.ipc.new_file if as_file else pa.ipc.new_stream)(file, table.schema) as stream:
        stream.write_table(table)
    return file.getvalue()


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
