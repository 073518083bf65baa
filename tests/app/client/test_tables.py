"""Tables of callers: which columns are meant, what is sent, and that the answer is the caller's own kind of table."""

import sys
from types import ModuleType

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from app.client import FrameUnusable
from app.client.columns import Found, choose_columns
from app.client.tables import from_arrow, read_frame, to_kind

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


def test_a_table_of_polars_is_answered_with_one(monkeypatch):
    polars = ModuleType("polars")
    polars.DataFrame = type("DataFrame", (Foreign,), {"__module__": "polars.dataframe.frame"})
    monkeypatch.setitem(sys.modules, "polars", polars)
    views = pa.table({"id": pa.array(["a", "a", "b"], pa.string_view()), "ds": HOURS.tolist(), "y": [1.0, 2, 3]})
    sent = read(polars.DataFrame(views))
    assert (sent.kind, sent.table["id"].type.value_type) == ("polars", pa.string())
    assert isinstance(to_kind(sent.table, sent.kind), polars.DataFrame)


def test_a_column_of_many_types_is_refused_before_it_is_sent():
    with pytest.raises(FrameUnusable, match="cannot be sent"):
        read(pd.DataFrame({"ds": HOURS, "y": [1.0, "two", None]}))


def test_a_row_without_a_name_is_refused_before_it_is_sent():
    with pytest.raises(FrameUnusable, match="1 rows have no name in column 'id'"):
        read(pd.DataFrame({"id": ["a", None, "b"], "ds": HOURS, "y": [1.0, 2, 3]}))
