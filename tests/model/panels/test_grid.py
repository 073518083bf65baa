"""Grids of any frequency, in any zone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import FrequencyUnknown, Series
from model.panels.grid import Grid, infer_frequency, season_length, week_length

FREQUENCIES = ["s", "5min", "15min", "30min", "h", "6h", "D", "B", "W-MON", "MS", "ME", "QS-JAN", "QE-DEC", "YS-JAN"]
ZONES = [None, "UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"]


def series_on(freq: str, time_zone: str | None, *, length: int = 60) -> Series:
    index = pd.date_range("2025-09-01", periods=length, freq=freq, tz=time_zone)
    return Series.from_values("a", index, np.arange(float(length)))


@pytest.mark.parametrize("freq", FREQUENCIES)
@pytest.mark.parametrize("time_zone", ZONES)
def test_the_frequency_is_read_from_the_timestamps_and_their_positions_are_whole(freq: str, time_zone: str) -> None:
    series = series_on(freq, time_zone)
    assert series.freq == freq
    positions = series.grid(freq).positions(series.timestamps)
    assert np.allclose(positions, np.arange(-59, 1), atol=1e-9)
    ahead = series.grid(freq).timestamps(1, 3)
    expected = pd.date_range(series.local_timestamps()[-1], periods=4, freq=freq)[1:]
    assert pd.DatetimeIndex(ahead).tolist() == (
        expected.tz_convert("UTC").tz_localize(None).tolist() if time_zone else expected.tolist()
    )


@pytest.mark.parametrize("freq", ["h", "D", "MS", "W-MON"])
def test_gaps_do_not_change_the_frequency(freq: str) -> None:
    series = series_on(freq, None, length=200)
    kept = np.random.default_rng(0).random(200) < 0.75
    assert infer_frequency(series.timestamps[kept], None, item_id="a") == freq


def test_scattered_timestamps_get_the_round_step_nearest_their_median_gap() -> None:
    minutes = np.cumsum(np.random.default_rng(0).uniform(20, 40, size=500))
    timestamps = np.datetime64("2026-01-01", "us") + (minutes * 6e7).astype("timedelta64[us]")
    assert infer_frequency(timestamps, None, item_id="a") == "30min"


@pytest.mark.parametrize("until", ["1930-02-03T10:04:09.984", "2239-08-01T10:04:09.984", "8999-01-01"])
def test_years_between_timestamps_are_whole_days_of_a_frequency_there_is(until) -> None:
    timestamps = np.array(["1926-01-01T00:00", until], dtype="datetime64[us]")
    freq = infer_frequency(timestamps, None, item_id="a")
    first, last = Grid(timestamps[-1], freq, None).positions(timestamps)
    assert freq.endswith("D")
    assert last == 0
    assert first <= -0.99


def test_one_timestamp_has_no_frequency() -> None:
    with pytest.raises(FrequencyUnknown, match="'a'"):
        infer_frequency(np.array(["2026-01-01"], dtype="datetime64[us]"), None, item_id="a")


@pytest.mark.parametrize("freq", ["h", "D", "MS"])
@given(share=st.floats(0.01, 0.99), step=st.integers(-40, 40))
def test_positions_between_points_are_linear_in_time(freq: str, share: float, step: int) -> None:
    grid = series_on(freq, "Europe/Berlin").grid(freq)
    left, right = grid.timestamps(step, step + 1)
    between = left + np.timedelta64(round((right - left).astype(int) * share), "us")
    assert grid.positions(np.array([between]))[0] == pytest.approx(step + share, abs=1e-6)


def test_days_keep_their_hour_across_a_change_of_clocks() -> None:
    series = Series.from_values(
        "a", pd.date_range("2026-03-20 06:00", periods=5, freq="D", tz="Europe/Berlin"), list(range(5))
    )
    ahead = pd.DatetimeIndex(series.grid("D").timestamps(1, 10)).tz_localize("UTC").tz_convert("Europe/Berlin")
    assert set(ahead.hour) == {6}


@pytest.mark.parametrize("freq", ["D", "3D", "W-MON", "2W-THU"])
@pytest.mark.parametrize("anchor", ["2025-03-30T02:30", "2024-02-29T23:59:59.999999", "0001-02-03"])
def test_days_and_weeks_are_where_one_step_after_the_other_leads(freq: str, anchor: str) -> None:
    grid = Grid(np.datetime64(anchor, "us"), freq, None)
    offset = pd.tseries.frequencies.to_offset(freq)
    origin = offset.rollback(pd.Timestamp(np.datetime64(anchor, "us")))
    steps = [origin]
    for _ in range(30):
        steps = [steps[0] - offset, *steps, steps[-1] + offset]
    expected = pd.DatetimeIndex(steps).as_unit("us").to_numpy()
    np.testing.assert_array_equal(grid.timestamps(-30, 30), expected)
    np.testing.assert_array_equal(grid.timestamps(7, 9), expected[37:40])
    np.testing.assert_array_equal(grid.timestamps(-9, -7), expected[21:24])


def test_an_hour_that_the_clocks_skip_is_moved_not_an_error() -> None:
    series = Series.from_values(
        "a", pd.date_range("2026-03-25 02:30", periods=3, freq="D", tz="Europe/Berlin"), list(range(3))
    )
    ahead = pd.DatetimeIndex(series.grid("D").timestamps(1, 4)).tz_localize("UTC").tz_convert("Europe/Berlin")
    assert [str(one.time()) for one in ahead] == ["02:30:00", "03:00:00", "02:30:00", "02:30:00"]


@pytest.mark.parametrize(
    ("freq", "length"),
    [("15min", 96), ("h", 24), ("2h", 12), ("D", 7), ("B", 5), ("W-SUN", 52), ("MS", 12), ("QE-DEC", 4), ("YE-DEC", 1)],
)
def test_the_usual_season(freq: str, length: int) -> None:
    assert season_length(freq) == length


@pytest.mark.parametrize(("freq", "length"), [("15min", 672), ("h", 168), ("D", None), ("MS", None), ("24h", None)])
def test_what_is_observed_within_the_day_has_a_week_too(freq: str, length: int | None) -> None:
    assert week_length(freq) == length
