import gzip
import io

import numpy as np
import pandas as pd
import pytest

from app.errors import LimitExceeded
from app.frames import (
    CellInvalid,
    Columns,
    ColumnUnnamed,
    FileUnreadable,
    TableLimits,
    read_file,
    read_panel,
    write_csv,
)
from model import ColumnMissing, DuplicateTimestamps, ItemForecast, TimeZonesMixed

LONG = b"""item_id,timestamp,target,note
a,2026-01-01T00:00:00Z,1.5,x
a,2026-01-01T01:00:00Z,,y
a,2026-01-01T02:00:00Z,NA,z
a,2026-01-01T03:00:00Z,4,w
NA,2026-01-01T00:00:00Z,7,w
NA,2026-01-01T01:00:00Z,8,w
"""


def test_the_usual_column_names_need_not_be_named():
    panel = read_panel(LONG, Columns())
    assert [one.item_id for one in panel] == ["a", "NA"]
    assert panel.series[0].values.tolist() == [1.5, 4.0]
    assert panel.series[0].time_zone == "UTC"


def test_columns_can_be_named_and_a_table_without_items_is_one_series():
    panel = read_panel(b"when,count\n2026-01-01,1\n2026-01-02,2\n", Columns(timestamp="when", target="count"))
    assert [one.item_id for one in panel] == ["series"]
    assert panel.series[0].freq == "D"


@pytest.mark.parametrize(
    "content", [gzip.compress(LONG), b"\xef\xbb\xbf" + LONG, LONG.replace(b",", b";"), LONG.replace(b"\n", b"\r\n")]
)
def test_gzip_byte_order_marks_semicolons_and_windows_lines_are_read_alike(content):
    assert read_panel(content, Columns()).digest() == read_panel(LONG, Columns()).digest()


def test_parquet_is_read_like_csv():
    frame = pd.read_csv(io.BytesIO(LONG), keep_default_na=False, na_values={"target": ["", "NA"]})
    frame["timestamp"] = pd.to_datetime(frame["timestamp"])
    stored = io.BytesIO()
    frame.to_parquet(stored)
    assert read_panel(stored.getvalue(), Columns()).digest() == read_panel(LONG, Columns()).digest()


def test_a_named_column_that_is_not_there_is_reported_with_those_that_are():
    with pytest.raises(
        ColumnMissing, match=r"no column 'value'; the columns are 'item_id', 'timestamp', 'target', 'note'"
    ):
        read_panel(LONG, Columns(target="value"))


def test_a_column_left_unnamed_without_the_usual_name_must_be_named():
    with pytest.raises(
        ColumnUnnamed, match=r"Which column holds the timestamp\? The columns are 'when', 'target'.*--timestamp"
    ):
        read_panel(b"when,target\n2026-01-01,1\n", Columns())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,2026-01-01,1\na,2026-01-02,lots\n", r"Line 3, column 'target': 'lots' is not a finite number"),
        ("a,2026-01-01,1\n\na,2026-01-02,inf\n", r"Line 4, column 'target': 'inf' is not a finite number"),
        ("a,2026-01-01,True\na,2026-01-02,False\n", r"Line 2, column 'target': 'True' is not a finite number"),
        (
            "b,2026-01-01,1\na,2026-01-01,1\na,yesterday,1\n",
            r"Line 4, column 'timestamp': 'yesterday' is not a point in time",
        ),
        ("a,2026-01-01,1\na,,1\n", r"Line 3, column 'timestamp': an empty cell is not a point in time"),
        ("a,2026-01-01,1\n,2026-01-02,1\n", r"Line 3, column 'item_id': an empty cell is not a name"),
    ],
)
def test_a_wrong_cell_is_named_by_its_line(rows, message):
    with pytest.raises(CellInvalid, match=message):
        read_panel(f"item_id,timestamp,target\n{rows}".encode(), Columns())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no header line"),
        (b"timestamp,target\n2026-01-01,1,2\n2026-01-01,1\n", "line 2 has more cells than the header, which has 2"),
        (b"timestamp,target\n2026-01-01,1\n2026-01-01,1,2,3,4\n", "line 3 has more cells than the header, which has 2"),
        (gzip.compress(LONG)[:-30], "gzip data is damaged"),
        (b"PAR1 and then nothing", "not Parquet"),
        (b"timestamp,target\n\xff\xfe\xfd,1\n", "not UTF-8"),
    ],
)
def test_a_damaged_file_is_an_error_of_one_line(content, message):
    with pytest.raises(FileUnreadable, match=message) as caught:
        read_panel(content, Columns(), name="x.csv")
    assert str(caught.value).startswith("x.csv ")
    assert "\n" not in str(caught.value)


def test_a_table_larger_than_allowed_is_refused_before_it_fills_the_memory():
    bomb = gzip.compress(LONG.splitlines()[0] + b"\n" * 50_000_000)
    with pytest.raises(LimitExceeded, match="decompressed"):
        read_panel(bomb, Columns(), limits=TableLimits(max_bytes=1000))
    stored = io.BytesIO()
    pd.DataFrame({"timestamp": pd.date_range("2026-01-01", periods=9), "target": range(9)}).to_parquet(stored)
    for content in (LONG, stored.getvalue()):
        with pytest.raises(LimitExceeded, match="rows"):
            read_panel(content, Columns(), limits=TableLimits(max_rows=5))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileUnreadable, match=r"nowhere\.csv cannot be read: no such file"):
        read_file(str(tmp_path / "nowhere.csv"))


def test_what_the_panel_refuses_passes_through():
    with pytest.raises(DuplicateTimestamps):
        read_panel(b"timestamp,target\n2026-01-01,1\n2026-01-01,2\n2026-01-02,2\n", Columns())
    with pytest.raises(TimeZonesMixed):
        read_panel(b"timestamp,target\n2026-01-01T00:00:00Z,1\n2026-01-02T00:00:00,2\n", Columns())


def test_repeated_timestamps_are_aggregated_when_asked():
    panel = read_panel(b"timestamp,target\n2026-01-01,1\n2026-01-01,2\n2026-01-02,2\n", Columns(), duplicates="mean")
    assert panel.series[0].values.tolist() == [1.5, 2.0]


def test_a_forecast_is_written_in_long_form_with_its_zone():
    times = np.array(["2026-06-01T00:00", "2026-06-01T01:00"], dtype="datetime64[us]")
    item = ItemForecast(
        "a", times, np.array([1.0, 2.0]), {0.1: np.array([0.5, 1.5]), 0.9: np.array([3.0, 4.0])}, "Europe/Berlin"
    )
    assert write_csv([item]).splitlines() == [
        "item_id,timestamp,mean,0.1,0.9",
        "a,2026-06-01T02:00:00+02:00,1,0.5,3",
        "a,2026-06-01T03:00:00+02:00,2,1.5,4",
    ]
