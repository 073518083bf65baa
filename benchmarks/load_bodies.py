"""The same request for a forecast in every format."""

import io
import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from benchmarks.service_process import MODEL

_START = np.datetime64("2026-01-01T00:00:00", "us")
_TABLES = {
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}


@dataclass(frozen=True)
class Body:
    """A request: where it goes, what it is, and in what it is answered."""

    path: str
    content: bytes
    headers: dict[str, str]


def make_body(form: str, num_series: int, num_points: int, horizon: int) -> Body:
    """A request for so many hourly series.

    Args:
        form: `json_grid` has a start and a frequency, `json_timestamps` a timestamp each; `ndjson`, `csv`, `parquet`
            and `arrow` are tables of one row an observation, and answered as they come.
        num_series: Series.
        num_points: Observations of each.
        horizon: Steps ahead.
    """
    noise = np.random.default_rng(0)
    values = np.round(np.sin(np.arange(num_points) / 4) + 0.1 * noise.normal(size=(num_series, num_points)), 4)
    times = _START + np.arange(num_points) * np.timedelta64(1, "h")
    if form in _TABLES:
        headers = {"Content-Type": _TABLES[form], "Accept": _TABLES[form]}
        return Body(f"/v1/forecasts?model={MODEL}&horizon={horizon}", _table(form, times, values), headers)
    texts = [f"{one}Z" for one in np.datetime_as_string(times, unit="s")]
    where = {"start": texts[0], "freq": "h"} if form == "json_grid" else {"timestamps": texts}
    series = [{"item_id": f"s{number}", "target": one, **where} for number, one in enumerate(values.tolist())]
    content = json.dumps({"model": MODEL, "series": series, "horizon": {"steps": horizon}}).encode()
    return Body("/v1/forecasts", content, {"Content-Type": "application/json"})


def _table(form: str, times: np.ndarray, values: np.ndarray) -> bytes:
    num_series, num_points = values.shape
    names = np.repeat([f"s{number}" for number in range(num_series)], num_points)
    texts = [f"{one}Z" for one in np.datetime_as_string(times, unit="s")] * num_series
    written = form in ("csv", "ndjson")
    stamps = pa.array(texts) if written else pa.array(np.tile(times, num_series), pa.timestamp("us", "UTC"))
    table = pa.table({"item_id": pa.array(names), "timestamp": stamps, "target": values.ravel()})
    file = io.BytesIO()
    if form == "csv":
        pa.csv.write_csv(table, file)
    elif form == "parquet":
        pa.parquet.write_table(table, file)
    elif form == "arrow":
        with pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
    else:
        file.writelines(json.dumps(row).encode() + b"\n" for row in table.to_pylist())
    return file.getvalue()
