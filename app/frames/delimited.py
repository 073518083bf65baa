"""CSV in: with commas, semicolons or tabs, plain or in gzip."""

import gzip
import io
import re
import zlib
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from app.frames.columns import ChosenColumns, Columns, TableLimits
from app.frames.errors import FileUnreadable

_MISSING: Final = ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "<NA>", "-"]
_RAGGED: Final = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
_SURPLUS: Final = "(surplus)"
_FIRST_LINE: Final = 2
_ENCODED: Final = pa.dictionary(pa.int32(), pa.string())


class DelimitedText:
    """A CSV file whose header has been read.

    Args:
        content: Its bytes.
        columns: Which columns to read.
        name: What to call it in an error.
        limits: How large it may be.

    Raises:
        FileUnreadable, ColumnMissing, ColumnUnnamed: It is no such file.
        LimitExceeded: It is too large.
    """

    def __init__(self, content: bytes, columns: Columns, name: str, limits: TableLimits) -> None:
        self._name = name
        self._limits = limits
        self._bytes = _unpacked(content, name, limits).removeprefix(b"\xef\xbb\xbf")
        header, _, self._rows = self._bytes.partition(b"\n")
        self._header = _decode(header, name)
        if not self._header.strip():
            raise FileUnreadable(name, "it has no header line")
        self._separator = max((",", ";", "\t"), key=self._header.count)
        self._found = self._read_header()
        self.chosen: ChosenColumns = columns.choose(self._found)

    def to_arrow(self) -> pa.Table | None:
        """The columns chosen, if the file is as plain as most are: a row a line, and numbers that are numbers."""
        plain = [one.strip('"') for one in self._header.strip().split(self._separator)]
        if plain != self._found or len(set(plain)) != len(plain):
            return None
        numbers = self.chosen.numbers
        texts = [one for one in self.chosen.names if one not in numbers]
        convert = pa.csv.ConvertOptions(
            include_columns=self.chosen.names,
            column_types=dict.fromkeys(numbers, pa.float64()) | dict.fromkeys(texts, _ENCODED),
            null_values=_MISSING,
        )
        parse = pa.csv.ParseOptions(delimiter=self._separator)
        try:
            table = pa.csv.read_csv(
                io.BytesIO(self._bytes),
                pa.csv.ReadOptions(use_threads=False),
                parse_options=parse,
                convert_options=convert,
            )
        except (pa.ArrowException, OSError, ValueError):
            return None
        self._limits.check_rows(table.num_rows)
        num_lines = self._rows.count(b"\n") + (not self._rows.endswith(b"\n"))
        return table if table.num_rows == num_lines else None

    def to_pandas(self) -> pd.DataFrame:
        """The columns chosen, with the line of each row as index; whatever its cells hold.

        Raises:
            FileUnreadable: Its lines are no rows.
        """
        rows = _decode(self._rows, self._name)
        try:
            table = self._parse(f"{self._header.rstrip()}{self._separator}{_SURPLUS}\n{rows}")
        except (pd.errors.ParserError, ValueError, OverflowError) as error:
            raise FileUnreadable(self._name, _explain(str(error), len(self._found))) from error
        self._limits.check_rows(len(table))
        table.index = pd.RangeIndex(_FIRST_LINE, _FIRST_LINE + len(table))
        surplus = table.pop(_SURPLUS).notna().to_numpy()
        if surplus.any():
            reason = _too_many(int(np.argmax(surplus)) + _FIRST_LINE, len(self._found))
            raise FileUnreadable(self._name, reason)
        return table

    def _read_header(self) -> list[str]:
        try:
            table = pd.read_csv(io.StringIO(self._header), sep=self._separator, nrows=0, index_col=False)
        except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
            raise FileUnreadable(self._name, "its first line is no header") from error
        return [str(one) for one in table.columns]

    def _parse(self, text: str) -> pd.DataFrame:
        """The columns wanted, and one appended to the header, because pandas drops surplus cells without a word."""
        numbers = self.chosen.numbers
        names = [one for one in self.chosen.names if one not in numbers]
        return pd.read_csv(
            io.StringIO(text),
            sep=self._separator,
            usecols=[*names, *numbers, _SURPLUS],
            dtype=dict.fromkeys([*names, _SURPLUS], str),
            na_values=dict.fromkeys(numbers, _MISSING) | {_SURPLUS: [""]},
            keep_default_na=False,
            skip_blank_lines=False,
            low_memory=False,
        )


def _unpacked(content: bytes, name: str, limits: TableLimits) -> bytes:
    """The content of a gzip file; of one that bursts, no more than it takes to know."""
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        with gzip.open(io.BytesIO(content)) as file:
            plain = file.read(-1 if limits.max_bytes is None else limits.max_bytes + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FileUnreadable(name, "its gzip data is damaged") from error
    limits.check_bytes(len(plain))
    return plain


def _decode(text: bytes, name: str) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileUnreadable(name, "it is not UTF-8 text") from error


def _explain(reason: str, num_columns: int) -> str:
    ragged = _RAGGED.search(reason)
    return "it is not a CSV table" if ragged is None else _too_many(int(ragged[2]), num_columns)


def _too_many(line: int, num_columns: int) -> str:
    return f"line {line} has more cells than the header, which has {num_columns}"
