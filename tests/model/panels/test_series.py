"""What a series is, whatever it was made from."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import (
    ColumnMissing,
    DuplicateItems,
    DuplicateTimestamps,
    FrequencyInvalid,
    LengthMismatch,
    Panel,
    PanelEmpty,
    Series,
    SeriesTooShort,
    TimestampInvalid,
    TimeZonesMixed,
    ValueInvalid,
)

HOURS = ["2026-01-01T00:00:00", "2026-01-01T01:00:00", "2026-01-01T02:00:00"]


@given(st.lists(st.tuples(st.integers(0, 10_000), st.floats(-1e9, 1e9)), min_size=1, unique_by=lambda pair: pair[0]))
def test_a_series_is_sorted_unique_and_keeps_every_observation(pairs: list[tuple[int, float]]) -> None:
    start = pd.Timestamp("2026-01-01")
    series = Series.from_values("a", [start + pd.Timedelta(minutes=m) for m, _ in pairs], [v for _, v in pairs])
    assert (np.diff(series.timestamps) > np.timedelta64(0)).all()
    assert series.values.tolist() == [value for _, value in sorted(pairs)]


def test_a_missing_value_is_the_same_as_an_absent_point() -> None:
    with_null = Series.from_values("a", HOURS, [1.0, None, 3.0], freq="h")
    without = Series.from_values("a", [HOURS[0], HOURS[2]], [1.0, 3.0], freq="h")
    assert Panel((with_null,)).digest() == Panel((without,)).digest()


def test_repeated_timestamps_are_refused_by_name_or_aggregated() -> None:
    timestamps, values = [HOURS[0], HOURS[1], HOURS[1], HOURS[2]], [1.0, 2.0, 6.0, 3.0]
    with pytest.raises(DuplicateTimestamps, match=r"'a' has 1 repeated timestamps, the first at 2026-01-01 01:00:00"):
        Series.from_values("a", timestamps, values)
    for how, expected in [("mean", 4.0), ("sum", 8.0), ("first", 2.0), ("last", 6.0)]:
        series = Series.from_values("a", timestamps, values, duplicates=how)
        assert series.values.tolist() == [1.0, expected, 3.0]


@pytest.mark.parametrize(
    ("timestamps", "values", "error", "message"),
    [
        (HOURS, [1.0, 2.0], LengthMismatch, "3 timestamps and 2 values"),
        (["soon", *HOURS[1:]], [1, 2, 3], TimestampInvalid, "'soon' as timestamp 0"),
        ([*HOURS[:2], None], [1, 2, 3], TimestampInvalid, "timestamp 2"),
        ([1, 2.5, 3], [1, 2, 3], TimestampInvalid, "2.5 as timestamp 1.* all whole numbers"),
        (["1", "2.5", "3"], [1, 2, 3], TimestampInvalid, "all dates in ISO 8601, or all whole numbers"),
        ([HOURS[0] + "Z", *HOURS[1:]], [1, 2, 3], TimeZonesMixed, "with and without a time zone"),
        (HOURS, [1, "many", 3], ValueInvalid, "'many' as observation 1"),
        (HOURS, [1, float("inf"), 3], ValueInvalid, "inf as observation 1"),
        (HOURS, [True, False, True], ValueInvalid, "observation 0"),
        (["0021-01-01", *HOURS[1:]], [1, 2, 3], TimestampInvalid, "outside the years 1000 to 9000"),
        (HOURS, [None, None, None], SeriesTooShort, "0 observations"),
        ([], [], SeriesTooShort, "0 observations"),
    ],
)
def test_what_is_not_a_series_is_refused_with_the_place(timestamps, values, error, message) -> None:
    with pytest.raises(error, match=message) as caught:
        Series.from_values("a", timestamps, values)
    assert caught.value.item_id == "a"
    assert caught.value.hint


@pytest.mark.parametrize("freq", ["fortnight", "-1h", "0D", "", "1ns", "99999YE", "bh", "C"])
def test_an_unknown_frequency_is_refused(freq: str) -> None:
    with pytest.raises(FrequencyInvalid):
        Series.from_values("a", HOURS, [1, 2, 3], freq=freq)


def test_time_zones_come_back_as_they_came() -> None:
    index = pd.date_range("2026-03-28", periods=72, freq="h", tz="Europe/Berlin")
    series = Series.from_values("a", index, np.arange(72.0))
    assert series.time_zone == "Europe/Berlin"
    assert series.local_timestamps().equals(index.as_unit("us"))


def test_offsets_that_change_with_the_clocks_are_kept_in_utc() -> None:
    series = Series.from_values("a", ["2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"], [1, 2])
    assert series.time_zone == "UTC"
    assert (np.diff(series.timestamps) == np.timedelta64(1, "h")).all()


def test_a_grid_of_values_is_a_series_with_holes() -> None:
    series = Series.from_grid("a", "2026-01-31", "MS", [1, None, 3])
    assert [str(day.date()) for day in series.local_timestamps()] == ["2026-02-01", "2026-04-01"]


def test_a_panel_comes_from_a_table_and_goes_back_into_one() -> None:
    frame = pd.DataFrame({"meter": ["x", "y", "x", "y"], "at": HOURS[:2] * 2, "kw": [1.0, 2.0, 3.0, 4.0]})
    frame["at"] = sorted(frame["at"])
    panel = Panel.from_frame(frame, item_id="meter", timestamp="at", target="kw")
    assert [one.item_id for one in panel] == ["x", "y"]
    assert Panel.from_frame(panel.to_frame()).digest() == panel.digest()


def test_a_panel_names_the_column_it_misses() -> None:
    with pytest.raises(ColumnMissing, match="no column 'target'; the columns are 'timestamp', 'value'"):
        Panel.from_frame(pd.DataFrame({"timestamp": HOURS, "value": [1, 2, 3]}), item_id=None)


def test_a_panel_holds_series_of_different_names() -> None:
    one = Series.from_values("a", HOURS, [1, 2, 3])
    with pytest.raises(DuplicateItems, match="'a'"):
        Panel((one, one))
    with pytest.raises(PanelEmpty):
        Panel(())


def test_the_digest_follows_content_not_order() -> None:
    a, b = (Series.from_values(name, HOURS, [1, 2, 3]) for name in "ab")
    other = Series.from_values("b", HOURS, [1, 2, 3.0000001])
    assert Panel((a, b)).digest() == Panel((b, a)).digest()
    assert Panel((a, b)).digest() != Panel((a, other)).digest()


def test_a_grid_that_leaves_the_calendar_is_refused() -> None:
    with pytest.raises(TimestampInvalid, match="past the year 9000"):
        Series.from_grid("a", "2026-01-01", "10YE", [1.0] * 1000)


def test_some_timestamps_with_offsets_that_differ_and_one_that_is_none_are_told_apart() -> None:
    texts = ["2026-03-29T01:00:00+01:00", "soon", "2026-03-29T03:00:00+02:00"]
    with pytest.raises(TimestampInvalid, match="'soon' as timestamp 1"):
        Series.from_values("a", texts, [1, 2, 3])


def test_a_number_too_large_for_a_float_is_refused_with_the_place() -> None:
    with pytest.raises(ValueInvalid, match="observation 1"):
        Series.from_values("a", HOURS, [1, 10**400, 3])
