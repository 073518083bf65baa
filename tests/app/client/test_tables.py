"""Tables of callers: which columns are meant, what is sent, and that the answer is the caller's own kind of table."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from app.client import FrameUnusable
from app.client.columns import Found, choose_columns
from app.client.forecasts import write_horizon
from app.client.kinds import to_kind
from app.client.tables import from_arrow, joined, parsed_times, read_frame

HOURS = pd.date_range("2026-01-01", periods=3, freq="h")


def choose(*names: str, times: tuple[str, ...] = (), numbers: tuple[str, ...] = (), **named: str):
    whole = {"item_id": None, "timestamp": None, "target": None} | named
    return choose_columns(Found(names, times, numbers), **whole)


def read(frame, **named: str):
    return read_frame(frame, **({"item_id": None, "timestamp": None, "target": None} | named))


@pytest.mark.parametrize(
    "names",
    [("item_id", "timestamp", "target"), ("unique_id", "ds", "y"), ("id", "date", "value"), ("ID", "Time", "Y")],
)
def test_usual_names_are_known(names):
    found = choose(*names, "other")
    assert (found.item_id, found.timestamp, found.target) == names
    assert len(found.notes) == (0 if names[0] == "item_id" else 3)


def test_what_is_named_is_taken_and_not_noted():
    found = choose("ds", "date", "y", timestamp="date")
    assert (found.item_id, found.timestamp, found.target) == (None, "date", "y")
    assert found.notes == ("Column 'y' was taken for the observations.",)


def test_types_tell_what_names_do_not():
    found = choose("when", "load", "place", times=("when",), numbers=("load",))
    assert (found.timestamp, found.target) == ("when", "load")


def test_what_cannot_be_told_is_asked_for():
    with pytest.raises(FrameUnusable, match=r"'ds', 'date' could all hold the timestamps.*timestamp="):
        choose("ds", "date", "y")
    with pytest.raises(FrameUnusable, match=r"Which column holds the observations\?.*'a', 'b'.*target="):
        choose("ds", "a", "b", numbers=("a", "b"))
    with pytest.raises(FrameUnusable, match=r"no column 'z'; the columns are 'ds', 'y'"):
        choose("ds", "y", target="z")
    with pytest.raises(FrameUnusable, match="dict is not a table"):
        read({"ds": [1]})


def test_an_index_of_timestamps_is_a_column_of_them():
    values = pd.DataFrame({"load": [1.0, 2, 3]}, index=HOURS)
    named = values.rename_axis("ds")
    assert read(values).columns.timestamp == "timestamp"
    assert read(named).table["ds"].to_pylist() == HOURS.tolist()


def test_series_are_told_apart_in_the_order_of_their_rows_and_null_is_missing():
    frame = pd.DataFrame(
        {"id": [7, 8, 7, 8], "ds": ["2026-01-01", "2026-01-01", "2026-01-02", "2026-01-02"], "y": [1, 2, None, 4]}
    )
    first, second = read(frame).to_series()
    assert first == {
        "item_id": "7",
        "timestamps": ["2026-01-01", "2026-01-02"],
        "target": [1.0, pytest.approx(np.nan, nan_ok=True)],
    }
    assert (second["item_id"], second["target"]) == ("8", [2.0, 4.0])


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_what_is_sent_is_the_table(zone):
    frame = pd.DataFrame(
        {"id": pd.Categorical(["a", "a", "b"]), "ds": HOURS.tz_localize(zone), "y": [1, 2, 3], "more": 1}
    )
    sent = from_arrow(read(frame).to_arrow())
    assert sent.column_names == ["id", "ds", "y"]
    assert sent["ds"].to_pandas().tolist() == frame["ds"].tolist()
    assert sent["id"].cast(pa.string()).to_pylist() == ["a", "a", "b"]


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_an_answer_has_the_names_types_and_zones_of_the_table(zone):
    frame = pd.DataFrame({"id": [1, 1, 2], "ds": HOURS.tz_localize(zone).as_unit("ns"), "y": [1.0, 2, 3]})
    times = pa.array(HOURS.tz_localize(zone).tz_convert("UTC") if zone else HOURS)
    answer = pa.table({"item_id": pa.array(["1", "1", "2"]), "timestamp": times, "mean": [1.0, 2, 3]})
    found = to_kind(read(frame).like(answer), "pandas")
    pd.testing.assert_frame_equal(found, frame.rename(columns={"y": "mean"}))


class Foreign:
    """A table of somebody else's, of which nothing is known but that it speaks Arrow."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def test_whatever_speaks_arrow_is_a_table():
    sent = read(Foreign(pa.table({"ds": HOURS.tolist(), "y": [1.0, 2, 3]})))
    assert (sent.kind, sent.columns.item_id, sent.table.num_rows) == ("pyarrow", None, 3)
    assert isinstance(to_kind(sent.table, sent.kind), pa.Table)


POLARS = pl.DataFrame({"id": ["a", "a", "b"], "ds": HOURS.to_list(), "y": [1.0, 2, None]})


@pytest.mark.parametrize(
    "frame",
    [
        POLARS,
        POLARS.lazy(),
        POLARS.with_columns(pl.col("ds").dt.strftime("%Y-%m-%dT%H:%M:%S")),
        POLARS.with_columns(pl.col("id").cast(pl.Categorical)),
        POLARS.with_columns(pl.col("id").cast(pl.Enum(["b", "a"]))),
        POLARS.with_columns(pl.col("y").cast(pl.Decimal(10, 2))),
    ],
    ids=["plain", "a plan", "texts", "categories", "an enumeration", "decimals"],
)
def test_a_table_of_polars_is_sent_in_types_that_the_service_reads(frame):
    sent = read(frame)
    kinds = [sent.table["id"].type.value_type, sent.table["ds"].type]
    assert all(kind in (pa.string(), pa.timestamp("us")) for kind in kinds)
    assert from_arrow(sent.to_arrow())["id"].to_pylist() == ["a", "a", "b"]
    assert [one["item_id"] for one in sent.to_series()] == ["a", "b"]


@pytest.mark.parametrize("kind", [pl.String, pl.Categorical, pl.Enum(["b", "a"])])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_a_table_of_polars_is_answered_with_one_of_the_same_types(kind, zone):
    frame = POLARS.with_columns(pl.col("id").cast(kind), pl.col("ds").dt.replace_time_zone(zone))
    times = pa.array(HOURS.tz_localize(zone).tz_convert("UTC") if zone else HOURS)
    answer = pa.table({"item_id": ["a", "a", "b"], "timestamp": times, "mean": [1.0, 2, 3]})
    found = to_kind(read(frame).like(answer), "polars")
    assert isinstance(found, pl.DataFrame)
    assert found["ds"].equals(frame["ds"])
    assert found["id"].cast(pl.String).to_list() == ["a", "a", "b"]
    assert (found["id"].dtype == pl.String) == (kind == pl.String)


def test_categories_of_pandas_come_back_as_categories():
    frame = pd.DataFrame({"id": pd.Categorical([7, 7, 8]), "ds": HOURS, "y": [1.0, 2, 3]})
    answer = pa.table({"item_id": ["7", "7", "8"], "timestamp": pa.array(HOURS), "mean": [1.0, 2, 3]})
    assert to_kind(read(frame).like(answer), "pandas")["id"].tolist() == [7, 7, 8]
    assert to_kind(read(frame).like(answer), "pandas")["id"].dtype == "category"


@pytest.mark.parametrize("name", [None, "load"])
def test_a_column_of_pandas_with_its_index_is_a_table(name):
    sent = read(pd.Series([1.0, 2, 3], index=HOURS, name=name))
    assert (sent.columns.timestamp, sent.columns.target) == ("timestamp", name or "target")


def test_periods_are_their_first_instants():
    frame = pd.DataFrame({"ds": pd.period_range("2026-01", periods=3, freq="M"), "y": [1.0, 2, 3]})
    for table in (frame, frame.set_index("ds"), frame.set_index("ds").rename_axis(None)):
        sent = read(table)
        assert [one.month for one in sent.table[sent.columns.timestamp].to_pylist()] == [1, 2, 3]


def test_columns_may_be_called_by_numbers():
    sent = read(pd.DataFrame({0: HOURS, 1: [1.0, 2, 3]}))
    assert (sent.columns.timestamp, sent.columns.target) == ("0", "1")


def test_what_is_no_table_in_long_form_is_refused_with_what_to_do():
    with pytest.raises(FrameUnusable, match="melt"):
        read(pd.DataFrame({"ds": HOURS, "store-1": [1.0, 2, 3], "store-2": [1.0, 2, 3]}))
    with pytest.raises(FrameUnusable, match="no rows"):
        read(pd.DataFrame({"ds": HOURS, "y": [1.0, 2, 3]}).iloc[:0])
    with pytest.raises(FrameUnusable, match="Several columns are called 'y'"):
        read(pd.DataFrame([[1, 2.0, 3.0]], columns=["ds", "y", "y"]))


def test_a_column_of_many_types_is_refused_before_it_is_sent():
    with pytest.raises(FrameUnusable, match="cannot be sent"):
        read(pd.DataFrame({"ds": HOURS, "y": [1.0, "two", None]}))


def test_a_row_without_a_name_is_refused_before_it_is_sent():
    with pytest.raises(FrameUnusable, match="1 rows have no name in column 'id'"):
        read(pd.DataFrame({"id": ["a", None, "b"], "ds": HOURS, "y": [1.0, 2, 3]}))


def test_covariates_are_sent_by_name_and_in_json_with_their_series():
    frame = pd.DataFrame(
        {
            "ds": pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"]),
            "y": [1.0, 2.0, None],
            "weather": [7, 8, None],
            "promo": [0.0, 1.0, 1.0],
            "site": ["north"] * 3,
        }
    )
    named = {"past": ["weather"], "future": ["promo"], "static": ["site"]}
    sent = read_frame(frame, item_id=None, timestamp=None, target=None, covariates=named)
    assert sent.table.column_names == ["ds", "y", "weather", "promo", "site"]
    (series,) = sent.to_series()
    assert series["past_covariates"] == {"weather": [7.0, 8.0, None], "promo": [0.0, 1.0, 1.0]}
    assert series["future_covariates"] == {"promo": []}
    assert series["static_covariates"] == {"site": "north"}
    with pytest.raises(FrameUnusable, match="no column 'wind'"):
        read_frame(frame, item_id=None, timestamp=None, target=None, covariates={"past": ["wind"]})
    with pytest.raises(FrameUnusable, match="past, future or static, not 'ahead'"):
        read_frame(frame, item_id=None, timestamp=None, target=None, covariates={"ahead": ["promo"]})


def test_yes_and_no_are_numbers_where_they_are_covariates():
    frame = pl.DataFrame(
        {"ds": HOURS.to_list(), "y": [1.0, 2.0, None], "promo": [True, False, None], "kind": ["mall"] * 3}
    )
    named = {"future": ["promo"], "static": ["kind"]}
    sent = read_frame(frame, item_id=None, timestamp=None, target=None, covariates=named)
    table = from_arrow(sent.to_arrow())
    assert table["promo"].to_pylist() == [1, 0, None]
    assert table["kind"].type == pa.string()


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_whole_numbers_are_sent_as_they_are_and_come_back_so(make):
    sent = read(make({"item_id": ["a", "a", "b"], "timestamp": [7, 8, 7], "target": [1.0, 2.0, 3.0]}))
    assert [one["timestamps"] for one in sent.to_series()] == [[7, 8], [7]]
    assert pa.types.is_integer(pa.ipc.open_stream(sent.to_arrow()).read_all()["timestamp"].type)
    answer = sent.like(pa.table({"item_id": ["a"], "timestamp": pa.array([9], pa.int64()), "mean": [1.0]}))
    assert next(iter(to_kind(answer, sent.kind)["timestamp"])) in (9, pa.scalar(9))
    between = sent.like(pa.table({"item_id": ["a"], "timestamp": [9.5], "mean": [1.0]}))
    assert between["timestamp"].to_pylist() == [9.5]


def test_anomalies_at_whole_numbers_are_a_column_of_them():
    parts = iter([("a", {"timestamp": [1, 2], "value": [1.0, 2.0]}), ("b", {"timestamp": [5], "value": [3.0]})])
    found = parsed_times(joined(parts, ["timestamp", "value"]))
    assert found["timestamp"].to_pylist() == [1, 2, 5]
    assert pa.types.is_integer(found["timestamp"].type)


@pytest.mark.parametrize(("horizon", "expected"), [([310, 311.5], [310.0, 311.5]), (["2026-01-01"], ["2026-01-01"])])
def test_numbers_may_be_asked(horizon, expected):
    assert write_horizon(horizon) == {"timestamps": expected}
