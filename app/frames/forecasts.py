"""Forecasts out, as tables in long form: a row for each series and timestamp."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from app.forecasting import Refusal
from app.time_axes import Axis, TimeAxes, format_timestamps
from model import COUNTED, ItemForecast, to_numbers

_METADATA: Final = b"longshot"


@dataclass(frozen=True)
class ForecastColumns:
    """What is known of a table of forecasts before they are.

    Attributes:
        names: The item_id of each series, in order.
        levels: Quantile levels.
        zones: The zones of the timestamps.
        has_rates: Whether rates of change were asked for.
        num_samples: Sample paths.
        about: What is told beside the table, in JSON; Arrow and Parquet keep it under the key `longshot`.
        is_partial: Whether a series may fail alone.
        are_whole: Whether timestamps that are numbers are whole ones.
    """

    names: Sequence[str | None]
    levels: Sequence[float]
    zones: frozenset[str | None]
    has_rates: bool
    num_samples: int
    about: bytes
    is_partial: bool
    are_whole: bool = True

    @property
    def time_type(self) -> pa.DataType:
        """Of the timestamps, where they are not text."""
        return _time_type(self.zones, are_whole=self.are_whole)


class ForecastTable:
    """The forecasts of an answer as the rows of a table, some series after the other.

    Its columns are item_id, timestamp, mean, rate where that was asked for, one for each quantile level, one for each
    sample path, and warnings, the codes of them with spaces between. Where a series may fail alone, problem and
    problem_detail follow: such a series is one row, of which these two and its item_id are all that is not null.

    Args:
        columns: What it has.
    """

    def __init__(self, columns: ForecastColumns) -> None:
        self._columns = columns
        self._axes = TimeAxes()
        self._names = _Texts(columns.names)
        remarks = ("warnings", "problem", "problem_detail") if columns.is_partial else ("warnings",)
        self._remarks = {name: _Texts() for name in remarks}

    def rows(self, items: Sequence[ItemForecast | Refusal], *, time_type: pa.DataType | None = None) -> pa.Table:
        """Those of some series.

        Args:
            items: A forecast or a refusal for each.
            time_type: Of the timestamps, if not the one that goes with their zones.
        """
        lengths = np.array([len(one.mean) if isinstance(one, ItemForecast) else 1 for one in items], dtype=np.int64)
        columns = {
            "item_id": self._names.repeated([one.item_id for one in items], lengths),
            "timestamp": self._timestamps(items, time_type or self._columns.time_type),
            "mean": _numbers([one.mean if isinstance(one, ItemForecast) else None for one in items]),
        }
        if self._columns.has_rates:
            columns["rate"] = _numbers([one.rate if isinstance(one, ItemForecast) else None for one in items])
        for level in self._columns.levels:
            values = [one.quantiles[level] if isinstance(one, ItemForecast) else None for one in items]
            columns[f"{level:g}"] = _numbers(values)
        for number in range(self._columns.num_samples):
            columns[f"sample_{number + 1}"] = _numbers([_path(one, number) for one in items])
        for name, texts in self._remarks.items():
            columns[name] = texts.repeated([_REMARKS[name](one) for one in items], lengths)
        return pa.table(columns).replace_schema_metadata({_METADATA: self._columns.about})

    def _timestamps(self, items: Sequence[ItemForecast | Refusal], kind: pa.DataType) -> pa.Array:
        if pa.types.is_string(kind):
            axes: Iterator[Axis | list[None]] = (
                self._axes.written(one) if isinstance(one, ItemForecast) else [None] for one in items
            )
            return pa.array([None if one is None else str(one) for axis in axes for one in axis], kind)
        if not pa.types.is_timestamp(kind):
            found = [to_numbers(one.timestamps) if isinstance(one, ItemForecast) else [np.nan] for one in items]
            return pa.array(np.concatenate([[], *found]), from_pandas=True).cast(kind)
        nowhere = np.array(["NaT"], dtype="datetime64[us]")
        parts = [one.timestamps if isinstance(one, ItemForecast) else nowhere for one in items]
        return pa.array(np.concatenate([nowhere[:0], *parts]).astype("datetime64[us]")).cast(kind)


class CsvForecasts:
    """Forecasts as the lines of a CSV file, some series after the other; timestamps as in JSON.

    Args:
        columns: What it has.
    """

    def __init__(self, columns: ForecastColumns) -> None:
        self._table = ForecastTable(columns)
        self._is_first = True

    def write(self, items: Sequence[ItemForecast | Refusal]) -> bytes:
        """The lines of the next series; the first ones begin with the names of the columns."""
        table = self._table.rows(items, time_type=pa.string())
        columns = [one.cast(pa.string()) if pa.types.is_dictionary(one.type) else one for one in table.columns]
        file = io.BytesIO()
        options = pa.csv.WriteOptions(include_header=self._is_first, quoting_style="needed")
        pa.csv.write_csv(pa.table(columns, names=table.schema.names), file, options)
        self._is_first = False
        return file.getvalue()

    def end(self) -> bytes:
        """Nothing: the last line is the end."""
        return b""


class ArrowForecasts:
    """Forecasts as an Arrow stream, a record batch for some series after the other.

    Args:
        columns: What it has.
    """

    def __init__(self, columns: ForecastColumns) -> None:
        self._table = ForecastTable(columns)
        self._file = io.BytesIO()
        self._stream = pa.ipc.new_stream(self._file, self._table.rows(()).schema)

    def write(self, items: Sequence[ItemForecast | Refusal]) -> bytes:
        """The batch of the next series; the first one comes after the schema."""
        self._stream.write_table(self._table.rows(items))
        return _taken(self._file)

    def end(self) -> bytes:
        """The mark without which a stream is broken off."""
        self._stream.close()
        return _taken(self._file)


def write_parquet(columns: ForecastColumns, items: Sequence[ItemForecast | Refusal]) -> bytes:
    """All forecasts as a Parquet file."""
    file = io.BytesIO()
    pa.parquet.write_table(ForecastTable(columns).rows(items), file, compression="zstd")
    return file.getvalue()


class _Texts:
    """A text for each series, encoded by a dictionary that only grows: what a batch has, later ones have alike.

    Args:
        expected: Texts that are going to come.
    """

    def __init__(self, expected: Iterable[str | None] = ()) -> None:
        self._codes: dict[str, int] = {}
        self._dictionary = pa.array([], pa.string())
        self._learn(expected)

    def repeated(self, texts: Sequence[str | None], lengths: NDArray[np.int64]) -> pa.DictionaryArray:
        """The texts of some series, each for as many rows as it has."""
        self._learn(texts)
        codes = pa.array([None if one is None else self._codes[one] for one in texts], pa.int32())
        rows = codes.take(pa.array(np.repeat(np.arange(len(lengths)), lengths)))
        return pa.DictionaryArray.from_arrays(rows, self._dictionary)

    def _learn(self, texts: Iterable[str | None]) -> None:
        known = len(self._codes)
        for one in texts:
            if one is not None:
                self._codes.setdefault(one, len(self._codes))
        if len(self._codes) > known:
            self._dictionary = pa.array(self._codes, pa.string())


def write_csv(forecasts: Iterable[ItemForecast]) -> str:
    """Forecasts for people, in ten digits: item_id, timestamp, mean, rate, one column a quantile level and path."""
    return pd.concat(_tables(forecasts), ignore_index=True).to_csv(
        index=False, lineterminator="\n", float_format="%.10g"
    )


def _tables(forecasts: Iterable[ItemForecast]) -> Iterable[pd.DataFrame]:
    for item in forecasts:
        columns = {f"{level:g}": values for level, values in item.quantiles.items()} | item.named_samples()
        times = _for_people(item)
        yield pd.DataFrame({"item_id": item.item_id, "timestamp": times, **item.means(), **columns})


def _for_people(item: ItemForecast) -> Axis:
    if item.time_zone == COUNTED:
        return format_timestamps(item)
    return [one.isoformat() for one in item.local_timestamps()]


def _time_type(zones: frozenset[str | None], *, are_whole: bool) -> pa.DataType:
    """Of a column with these zones: one has its own, several are in UTC, and with wall clocks among them it is text.

    Timestamps that are numbers are numbers, and texts with others among them.
    """
    if len(zones) > 1 and not zones.isdisjoint({None, COUNTED}):
        return pa.string()
    if zones == {COUNTED}:
        return pa.int64() if are_whole else pa.float64()
    if zones <= {None}:
        return pa.timestamp("us")
    (zone, *others) = zones
    name = "UTC" if others else str(zone)
    return pa.timestamp("us", name.removeprefix("UTC") or "UTC")


def _path(item: ItemForecast | Refusal, number: int) -> NDArray[np.float64] | None:
    return None if isinstance(item, Refusal) or item.samples is None else item.samples[number]


def _warnings(item: ItemForecast | Refusal) -> str | None:
    return " ".join(one.code for one in item.notices) or None if isinstance(item, ItemForecast) else None


def _problem(item: ItemForecast | Refusal) -> str | None:
    return item.error.code if isinstance(item, Refusal) else None


def _problem_detail(item: ItemForecast | Refusal) -> str | None:
    return item.error.detail if isinstance(item, Refusal) else None


_REMARKS: Final[Mapping[str, Callable[[ItemForecast | Refusal], str | None]]] = {
    "warnings": _warnings,
    "problem": _problem,
    "problem_detail": _problem_detail,
}


def _numbers(parts: Sequence[NDArray[np.float64] | None]) -> pa.Array:
    unknown = np.array([np.nan])
    values = np.concatenate([unknown[:0], *(unknown if one is None else one for one in parts)])
    return pa.array(values, from_pandas=True)


def _taken(file: io.BytesIO) -> bytes:
    """What was written since the last time."""
    content = file.getvalue()
    file.seek(0)
    file.truncate()
    return content
