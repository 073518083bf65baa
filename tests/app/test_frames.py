import contextlib
import csv
import gzip
import io
import json
import os
import struct
from datetime import UTC, datetime, timedelta

import hypothesis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import pytest
from hypothesis import strategies as st

from app.errors import LimitExceeded
from app.frames import (
    CellInvalid,
    Columns,
    ColumnUnnamed,
    FileUnreadable,
    TableLimits,
    read_file,
    read_panel,
    read_table,
    write_csv,
)
from model import ColumnMissing, DataError, DuplicateTimestamps, ItemForecast, TimeZonesMixed, audit_panel

MAX_EXAMPLES = int(os.environ.get("FUZZ_CASES", "300"))
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
    "content",
    [gzip.compress(LONG, mtime=0), b"\xef\xbb\xbf" + LONG, LONG.replace(b",", b";"), LONG.replace(b"\n", b"\r\n")],
)
def test_gzip_byte_order_marks_semicolons_and_windows_lines_are_read_alike(content):
    assert read_panel(content, Columns()).digest() == read_panel(LONG, Columns()).digest()


def test_parquet_is_read_like_csv():
    frame = pd.read_csv(io.BytesIO(LONG), keep_default_na=False, na_values={"target": ["", "NA"]})
    frame["timestamp"] = pd.to_datetime(frame["timestamp"])
    stored = io.BytesIO()
    frame.to_parquet(stored)
    assert read_panel(stored.getvalue(), Columns()).digest() == read_panel(LONG, Columns()).digest()


FORMATS = ("csv", "quoted csv", "parquet", "arrow", "ndjson")


def stored(table: pa.Table, kind: str) -> bytes:
    file = io.BytesIO()
    if kind == "arrow":
        with pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table, max_chunksize=7)
    elif kind == "parquet":
        pa.parquet.write_table(table, file)
    elif kind == "ndjson":
        file.write(
            table.to_pandas().to_json(orient="records", lines=True, date_format="iso", double_precision=15).encode()
        )
    else:
        quoting = csv.QUOTE_ALL if kind == "quoted csv" else csv.QUOTE_MINIMAL
        file.write(table.to_pandas().to_csv(index=False, quoting=quoting).encode())
    return file.getvalue()


def outcome(content: bytes) -> object:
    try:
        return [(one.item_id, one.freq, one.time_zone, *one.timestamps.tolist(), *one.values) for one in
                read_panel(content, Columns())]  # fmt: skip
    except DataError as error:
        return type(error)


rows = st.tuples(
    st.sampled_from(["a", "b", "NA"]),
    st.integers(0, 9),
    st.none() | st.integers(-9, 9).map(float) | st.floats(0.25, 60000, width=16),
)


@hypothesis.given(st.lists(rows, min_size=1, max_size=30), st.booleans(), st.sampled_from([None, "UTC"]))
def test_the_same_rows_are_the_same_panel_or_the_same_fault_in_every_format(drawn, is_sorted, zone):
    names, hours, numbers = zip(*(sorted(drawn, key=lambda row: row[:2]) if is_sorted else drawn), strict=True)
    times = [datetime(2026, 3, 28, 20, tzinfo=UTC) + timedelta(hours=hour) for hour in hours]
    kind = pa.timestamp("us", zone)
    table = pa.table(
        {
            "item_id": pa.array(names),
            "timestamp": pa.array([one if zone else one.replace(tzinfo=None) for one in times], kind),
            "target": pa.array(numbers, pa.float64()),
        }
    )
    found = {kind: outcome(stored(table, kind)) for kind in FORMATS}
    # One column in Arrow has one zone; in text, what stands there decides.
    assert len(set(map(str, found.values()))) == 1, found


@pytest.mark.parametrize("kind", [pa.timestamp("ns", "Europe/Berlin"), pa.timestamp("s"), pa.date32(), pa.string()])
def test_arrow_columns_of_other_kinds_are_read_too(kind):
    days = pa.array(["2026-03-28", "2026-03-29", "2026-03-30"])
    wall = getattr(kind, "tz", None)
    seconds = days.cast(pa.timestamp("s"))
    times = days if pa.types.is_string(kind) else seconds.cast(pa.timestamp("s", wall) if wall else kind).cast(kind)
    table = pa.table({"item_id": pa.array([7, 7, 7]), "timestamp": times, "target": pa.array([1, None, 3], pa.int32())})
    panel = read_panel(stored(table, "arrow"), Columns())
    (series,) = panel
    assert (series.item_id, series.values.tolist()) == ("7", [1.0, 3.0])
    assert series.time_zone == getattr(kind, "tz", None)
    encoded = table.set_column(1, "timestamp", pc.dictionary_encode(table["timestamp"]))
    assert read_panel(stored(encoded, "arrow"), Columns()).digest() == panel.digest()


@pytest.mark.parametrize(
    ("column", "values", "error"),
    [
        ("target", pa.array([[1.0], [2.0]]), "holds list"),
        ("timestamp", pa.array([b"a", b"b"]), "holds binary"),
        ("timestamp", pa.array([1, 2]).cast(pa.timestamp("us", "Nowhere/Land")), "time zone 'Nowhere/Land'"),
    ],
)
def test_a_column_that_cannot_hold_what_it_should_is_named(column, values, error):
    usual = {"timestamp": pa.array(["2026-01-01", "2026-01-02"]), "target": pa.array([1.0, 2.0])}
    for kind in ("arrow", "parquet"):
        with pytest.raises(FileUnreadable, match=error):
            read_panel(stored(pa.table(usual | {column: values}), kind), Columns())


def test_arrow_buffers_that_claim_to_be_larger_than_they_are_sent_are_refused():
    table = pa.table({"timestamp": pa.array(["2026-01-01"] * 9), "target": np.zeros(9)})
    file = io.BytesIO()
    with pa.ipc.new_stream(file, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_table(table)
    with pytest.raises(FileUnreadable, match="compressed one by one"):
        read_panel(file.getvalue(), Columns())


def test_a_long_text_in_many_rows_is_not_written_out():
    before = pa.total_allocated_bytes()
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(100_000, dtype=np.int8)), pa.array(["x" * 100_000]))
    table = pa.table({"timestamp": text, "target": np.zeros(100_000)})
    for kind in ("arrow", "parquet"):
        with pytest.raises(LimitExceeded):
            read_panel(stored(table, kind), Columns(), limits=TableLimits(2**24))
    assert pa.total_allocated_bytes() - before < 2**25


def test_texts_that_are_views_are_read_as_texts():
    names = pa.array(["a", "a", "a name longer than a view has room for", None])
    times = pa.array([f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 1, 2)])
    plain = pa.table({"item_id": names, "timestamp": times, "target": np.arange(4.0)})
    views = plain.cast(
        pa.schema([("item_id", pa.string_view()), ("timestamp", pa.string_view()), ("target", pa.float64())])
    )
    for some in (slice(0, 3), slice(1, 3)):
        expected, found = (
            read_panel(stored(one.slice(some.start, some.stop - some.start), "arrow"), Columns())
            for one in (plain, views)
        )
        assert found.digest() == expected.digest()
    assert outcome(stored(views, "arrow")) == outcome(stored(plain, "arrow"))


def test_views_that_all_show_the_same_long_text_are_not_written_out():
    before = pa.total_allocated_bytes()
    text, num_rows = b"x" * 100_000, 100_000
    one = struct.pack("<i4sii", len(text), text[:4], 0, 0)
    buffers = [None, pa.py_buffer(one * num_rows), pa.py_buffer(text)]
    table = pa.table(
        {"timestamp": pa.Array.from_buffers(pa.string_view(), num_rows, buffers), "target": np.zeros(num_rows)}
    )
    with pytest.raises(LimitExceeded):
        read_panel(stored(table, "arrow"), Columns(), limits=TableLimits(2**24))
    assert pa.total_allocated_bytes() - before < 2**25


SMALL = pa.table(
    {
        "item_id": pa.array(["a", "a", "b", "b"]),
        "timestamp": pa.array([0, 3600, 0, 3600], pa.int64()).cast(pa.timestamp("s", "UTC")),
        "target": pa.array([1.0, None, 3.0, 4.0]),
    }
)


@hypothesis.given(
    st.sampled_from(FORMATS),
    st.lists(st.tuples(st.integers(0, 5000), st.binary(max_size=6)), min_size=1, max_size=4),
    st.integers(0, 5000),
)
@hypothesis.settings(max_examples=MAX_EXAMPLES)
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_file_of_any_kind_gives_a_panel_or_a_typed_error(kind, patches, length):
    content = bytearray(stored(SMALL, kind))
    for number, patch in patches:
        place = number % len(content)
        content[place : place + len(patch)] = patch
    is_read_or_refused(bytes(content[: length or None]))


@pytest.mark.filterwarnings("ignore")
def test_no_damaged_byte_of_a_parquet_file_ends_the_process():
    sound = stored(SMALL, "parquet")
    for place in range(len(sound)):
        content = bytearray(sound)
        content[place] = (content[place] + 1) % 256
        is_read_or_refused(bytes(content))


@hypothesis.given(
    st.sampled_from([b"", b"PAR1", b"\xff\xff\xff\xff", b"{", b'{"target":', b"timestamp,target\n"]), st.binary()
)
@hypothesis.settings(max_examples=MAX_EXAMPLES)
@pytest.mark.filterwarnings("ignore")
def test_any_bytes_give_a_panel_or_a_typed_error(start, rest):
    is_read_or_refused(start + rest)


@hypothesis.given(st.text(max_size=200), st.sampled_from(["timestamp,target\n", "item_id;timestamp;target\n", ""]))
@pytest.mark.filterwarnings("ignore")
def test_any_text_gives_a_panel_or_a_typed_error(text, header):
    is_read_or_refused((header + text).encode())


JSON_CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.none())


@hypothesis.given(
    st.lists(st.fixed_dictionaries({"timestamp": JSON_CELLS, "target": JSON_CELLS, "item_id": JSON_CELLS}))
)
@pytest.mark.filterwarnings("ignore")
def test_any_json_lines_give_a_panel_or_a_typed_error(lines):
    is_read_or_refused("\n".join(map(json.dumps, lines)).encode())


@hypothesis.given(
    st.lists(
        st.fixed_dictionaries(
            {"timestamp": JSON_CELLS | st.dates().map(str), "target": JSON_CELLS},
            optional={"item_id": st.sampled_from(["a", "b", 1]), "note": JSON_CELLS},
        ),
        min_size=1,
    ),
    st.lists(
        st.tuples(st.integers(0, 5000), st.sampled_from([b"\xff", b"}{", b"\n", b"NaN", b"", b"1e999"])), max_size=2
    ),
)
@hypothesis.example([{"timestamp": f"2026-01-0{day}", "target": day} for day in range(1, 9)], [])
@hypothesis.example([{"timestamp": day, "target": float(day), "item_id": 7} for day in range(1, 9)], [])
@hypothesis.example([{"timestamp": f"2026-01-0{day}", "target": 1, "note": float("inf")} for day in range(1, 9)], [])
@hypothesis.settings(max_examples=MAX_EXAMPLES)
@pytest.mark.filterwarnings("ignore")
def test_json_lines_read_in_one_go_say_what_they_say_read_one_by_one(lines, patches):
    content = bytearray("\n".join(map(json.dumps, lines)).encode())
    for number, patch in patches:
        place = 1 + number % (len(content) - 1)
        content[place : place + 1] = patch
    # A space after each line is nothing that a program would write, and nothing that JSON minds.
    assert told(bytes(content)) == told(bytes(content).replace(b"}\n", b"} \n"))


def told(content: bytes) -> object:
    try:
        return read_panel(content, Columns()).digest()
    except DataError as error:
        return type(error), str(error)


def is_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(DataError, LimitExceeded):
        assert len(read_panel(content, Columns(), limits=TableLimits(2**16, 1000))) > 0


def test_a_line_of_json_that_is_none_is_named():
    with pytest.raises(FileUnreadable, match="line 3 is not JSON"):
        read_panel(b'{"timestamp": "2026-01-01", "target": 1}\n\n{"timestamp": ', Columns())
    with pytest.raises(CellInvalid, match=r"Line 2, column 'target': 'True' is not a finite number"):
        read_panel(b'{"timestamp": "2026-01-01", "target": 1}\n{"timestamp": "2026-01-02", "target": true}', Columns())


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
        (gzip.compress(LONG, mtime=0)[:-30], "gzip data is damaged"),
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


def test_dates_of_which_no_series_says_which_part_is_the_day_are_read_alike_and_told():
    rows = [f"{name},0{one}/0{other}/2026,{one}" for name in "ab" for one in (1, 2, 3) for other in (4, 5)]
    table = "\n".join(["item_id,timestamp,target", *rows])
    unsure = read_table(table.encode(), Columns("item_id", "timestamp", "target"))
    assert all(one.day_unsure for one in unsure.items)
    assert codes_of(audit_panel(unsure.items)) >= {"dates_ambiguous"}
    sure = read_table((table + "\nb,13/05/2026,1").encode(), Columns("item_id", "timestamp", "target"))
    assert not any(one.day_unsure for one in sure.items)
    assert str(sure.items[0].instants[0])[:10] == "2026-04-01"


def codes_of(audit):
    return {one.code for one in audit.tallies}
