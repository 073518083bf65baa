"""Forecasts out, as tables in long form: a row for each series and timestamp."""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from app.forecasting import Refusal
from app.time_axes import TimeAxes
from model import ItemForecast

_METADATA: Final = b"longshot"


class ForecastTable:
    """The forecasts of an answer as a table.

    Its columns are item_id, timestamp, mean, rate where that was asked for, one for each quantile level, one for each
    sample path, and warnings, the codes of them with spaces between. Where a series may fail alone, problem and
    problem_detail follow: such a series is one row, of which these two and its item_id are all that is not null.

    Args:
        items: A forecast or a refusal for each series.
        levels: Quantile levels.
        about: What is told beside the table, in JSON; Arrow and Parquet keep it under the key `longshot`.
        is_partial: Whether a series may fail alone.
    """

    def __init__(
        self, items: Sequence[ItemForecast | Refusal], levels: Sequence[float], about: bytes, *, is_partial: bool
    ) -> None:
        self._items = items
        self._levels = levels
        drawn = [one.samples for one in items if isinstance(one, ItemForecast) and one.samples is not None]
        self._num_samples = len(drawn[0]) if drawn else 0
        self._has_rates = any(isinstance(one, ItemForecast) and one.rate is not None for one in items)
        self._metadata = {_METADATA: about}
        self._axes = TimeAxes()
        self._time_type = _time_type({one.time_zone for one in items if isinstance(one, ItemForecast)})
        self._names = _Texts([one.item_id for one in items])
        self._remarks = {"warnings": _Texts([_warnings(one) for one in items])}
        if is_partial:
            refused = [one.error if isinstance(one, Refusal) else None for one in items]
            self._remarks["problem"] = _Texts([None if one is None else one.code for one in refused])
            self._remarks["problem_detail"] = _Texts([None if one is None else one.detail for one in refused])

    def to_csv(self, *, num_series: int) -> Iterator[bytes]:
        """Its lines, so many series at a time; timestamps as in JSON."""
        for number, part in enumerate(self._parts(num_series)):
            table = self._rows(part, pa.string())
            columns = [one.cast(pa.string()) if pa.types.is_dictionary(one.type) else one for one in table.columns]
            file = io.BytesIO()
            options = pa.csv.WriteOptions(include_header=number == 0, quoting_style="needed")
            pa.csv.write_csv(pa.table(columns, names=table.schema.names), file, options)
            yield file.getvalue()

    def to_parquet(self) -> bytes:
        """All of it as a Parquet file."""
        file = io.BytesIO()
        pa.parquet.write_table(self._rows(slice(None), self._time_type), file, compression="zstd")
        return file.getvalue()

    def to_arrow(self, *, num_series: int) -> Iterator[bytes]:
        """An Arrow stream, a record batch for so many series at a time."""
        file = io.BytesIO()
        with pa.ipc.new_stream(file, self._rows(slice(0, 0), self._time_type).schema) as stream:
            for part in self._parts(num_series):
                stream.write_table(self._rows(part, self._time_type))
                yield _taken(file)
        yield _taken(file)

    def _parts(self, num_series: int) -> Iterator[slice]:
        for first in range(0, max(1, len(self._items)), num_series):
            yield slice(first, first + num_series)

    def _rows(self, part: slice, time_type: pa.DataType) -> pa.Table:
        items = self._items[part]
        lengths = np.array([len(one.mean) if isinstance(one, ItemForecast) else 1 for one in items], dtype=np.int64)
        columns = {
            "item_id": self._names.repeated(part, lengths),
            "timestamp": self._timestamps(items, time_type),
            "mean": _numbers([one.mean if isinstance(one, ItemForecast) else None for one in items]),
        }
        if self._has_rates:
            columns["rate"] = _numbers([one.rate if isinstance(one, ItemForecast) else None for one in items])
        for level in self._levels:
            values = [one.quantiles[level] if isinstance(one, ItemForecast) else None for one in items]
            columns[f"{level:g}"] = _numbers(values)
        for number in range(self._num_samples):
            columns[f"sample_{number + 1}"] = _numbers([_path(one, number) for one in items])
        columns |= {name: texts.repeated(part, lengths) for name, texts in self._remarks.items()}
        return pa.table(columns).replace_schema_metadata(self._metadata)

    def _timestamps(self, items: Sequence[ItemForecast | Refusal], kind: pa.DataType) -> pa.Array:
        if pa.types.is_string(kind):
            axes = (self._axes.texts(one) if isinstance(one, ItemForecast) else [None] for one in items)
            return pa.array([text for axis in axes for text in axis], kind)
        nowhere = np.array(["NaT"], dtype="datetime64[us]")
        parts = [one.timestamps if isinstance(one, ItemForecast) else nowhere for one in items]
        return pa.array(np.concatenate([nowhere[:0], *parts]).astype("datetime64[us]")).cast(kind)


class _Texts:
    """A text for each series, encoded over all of them, so that every batch of a stream has the same dictionary."""

    def __init__(self, texts: Sequence[str | None]) -> None:
        encoded = pa.array(texts, pa.string()).dictionary_encode()
        self._dictionary = encoded.dictionary
        self._codes = encoded.indices

    def repeated(self, part: slice, lengths: NDArray[np.int64]) -> pa.DictionaryArray:
        """The texts of some series, each for as many rows as it has."""
        codes = self._codes[part].take(pa.array(np.repeat(np.arange(len(lengths)), lengths)))
        return pa.DictionaryArray.from_arrays(codes, self._dictionary)


def write_csv(forecasts: Iterable[ItemForecast]) -> str:
    """Forecasts for people, in ten digits: item_id, timestamp, mean, rate, one column a quantile level and path."""
    return pd.concat(_tables(forecasts), ignore_index=True).to_csv(
        index=False, lineterminator="\n", float_format="%.10g"
    )


def _tables(forecasts: Iterable[ItemForecast]) -> Iterable[pd.DataFrame]:
    for item in forecasts:
        columns = {f"{level:g}": values for level, values in item.quantiles.items()} | item.named_samples()
        times = [timestamp.isoformat() for timestamp in item.local_timestamps()]
        yield pd.DataFrame({"item_id": item.item_id, "timestamp": times, **item.means(), **columns})


def _time_type(zones: set[str | None]) -> pa.DataType:
    """Of a column with these zones: one has its own, several are in UTC, and with wall clocks among them it is text."""
    if None in zones and len(zones) > 1:
        return pa.string()
    if zones <= {None}:
        return pa.timestamp("us")
    (zone, *others) = zones
    name = "UTC" if others else str(zone)
    return pa.timestamp("us", name.removeprefix("UTC") or "UTC")


def _path(item: ItemForecast | Refusal, number: int) -> NDArray[np.float64] | None:
    return None if isinstance(item, Refusal) or item.samples is None else item.samples[number]


def _warnings(item: ItemForecast | Refusal) -> str | None:
    return " ".join(one.code for one in item.notices) or None if isinstance(item, ItemForecast) else None


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
