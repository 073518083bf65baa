"""Series whose timestamps are whole numbers: read from any column, forecast as on a calendar, answered in numbers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from model import (
    At,
    AxesMixed,
    ConfigurationInvalid,
    Cutoffs,
    DataError,
    DuplicateTimestamps,
    Duration,
    Forecaster,
    HorizonNotAhead,
    Panel,
    Search,
    Series,
    Steps,
    TimestampInvalid,
    TrainingOptions,
    Until,
    audit_panel,
    backtest,
    choose_config,
    find_anomalies,
    fit,
    join,
)
from model.panels.counting import COUNTED, MAX_COUNT, to_instants, to_numbers

OPTIONS = TrainingOptions(
    horizon=20,
    season_length=20,
    context_length=60,
    patch_length=10,
    state_size=8,
    num_particles=4,
    num_epochs=2,
    steps_per_epoch=10,
    batch_size=16,
)
VALUES = np.sin(2 * np.pi * np.arange(300) / 20) + 0.1 * np.random.default_rng(0).normal(size=300)


def counted(values: np.ndarray = VALUES, start: int = 0, step: int = 1, item_id: str = "a") -> Series:
    return Series.from_values(item_id, start + step * np.arange(len(values)), values)


@pytest.fixture(scope="module")
def forecaster() -> Forecaster:
    panel = Panel((counted(),))
    return Forecaster(fit(panel, choose_config(panel, OPTIONS), device="cpu"), device="cpu")


@pytest.mark.parametrize(
    "column",
    [
        [0, 1, 2, 3],
        ["0", "1", "2", "3"],
        ["-1", "0", "+1", " 2 "],
        [999, 1000, 1001, 1002],
        ["999", "1000", "1001", "1002"],
        ["5000", "5010", "5020", "5030"],
        ["0001", "0002", "0003", "0004"],
        np.arange(4),
        np.arange(4, dtype="uint8"),
        np.arange(4.0),
        pd.Series([7, 8, 9, 10]),
        pd.Series([1, 2, 3, 4], dtype="Int64"),
        pd.Index([1, 2, 3, 4]),
        [-MAX_COUNT, 0, 5, MAX_COUNT],
    ],
)
def test_whole_numbers_of_any_kind_are_timestamps(column: list[object]) -> None:
    series = Series.from_values("a", column, [1.0, 2.0, 3.0, 4.0])
    assert series.time_zone == COUNTED
    assert series.local_timestamps().tolist() == [int(one) for one in column]
    assert series.local_timestamps().dtype == np.int64


@pytest.mark.parametrize(("step", "freq"), [(1, "1"), (5, "5"), (3600, "3600"), (10**9, "1000000000")])
def test_the_frequency_is_the_step_that_most_gaps_are(step: int, freq: str) -> None:
    timestamps = [step * one for one in (0, 1, 2, 3, 5, 6, 7, 9)]
    assert Series.from_values("a", timestamps, np.arange(8.0)).freq == freq


def test_rows_in_any_order_with_missing_ones_are_sorted() -> None:
    series = Series.from_values("a", [5, 3, 4, 1], [5.0, 3.0, None, 1.0])
    assert series.local_timestamps().tolist() == [1, 3, 5]
    assert series.values.tolist() == [1, 3, 5]


@pytest.mark.parametrize("column", [["2001", "2002", "2003"], ["20010101", "20010102", "20010103"]])
def test_texts_that_could_be_dates_are_dates_unless_the_frequency_is_a_number(column: list[str]) -> None:
    assert Series.from_values("a", column, [1, 2, 3]).time_zone is None
    found = Series.from_values("a", column, [1, 2, 3], freq="1")
    assert (found.time_zone, found.local_timestamps().tolist()) == (COUNTED, [int(one) for one in column])


@pytest.mark.parametrize("wrong", [[0, 1.5, 2], [0, 10**15, 2], [0, None, 2], [True, False, True], ["0", "x", "2"]])
def test_what_is_no_whole_number_or_too_far_is_refused(wrong: list[object]) -> None:
    with pytest.raises(TimestampInvalid):
        Series.from_values("a", wrong, [1, 2, 3])


def test_repeated_numbers_are_named_and_aggregated() -> None:
    with pytest.raises(DuplicateTimestamps, match="at 7"):
        Series.from_values("a", [6, 7, 7], [1, 2, 4])
    assert Series.from_values("a", [6, 7, 7], [1, 2, 4], duplicates="mean").values.tolist() == [1, 3]


@pytest.mark.parametrize(("timestamps", "freq"), [([0, 1, 2], "D"), (["2025-01-01", "2025-01-02"], "1")])
def test_a_frequency_of_the_other_kind_is_refused(timestamps: list[object], freq: str) -> None:
    with pytest.raises(AxesMixed, match="its frequency is"):
        Series.from_values("a", timestamps, np.arange(float(len(timestamps))), freq=freq)


def test_a_grid_begins_at_any_number() -> None:
    series = Series.from_grid("a", 100, "5", [1.0, None, 3.0])
    assert (series.local_timestamps().tolist(), series.freq) == ([100, 110], "5")
    with pytest.raises(AxesMixed):
        Series.from_grid("a", 100, "D", [1.0])
    with pytest.raises(DataError):
        Series.from_grid("a", "2025-01-01", "5", [1.0])


@pytest.mark.parametrize("numbers", [[0, -5, 10**13], [0.5, 1.25, -0.125], []])
def test_numbers_survive_as_instants(numbers: list[float]) -> None:
    assert to_numbers(to_instants(np.array(numbers, dtype=float))).tolist() == numbers


def test_a_panel_of_both_kinds_is_refused() -> None:
    dated = Series.from_grid("b", "2025-01-01", "D", VALUES)
    for order in ((counted(), dated), (dated, counted())):
        with pytest.raises(AxesMixed, match=r"Series 'a' has .* whole numbers; those of series 'b' are dates"):
            Panel(order)
    with pytest.raises(AxesMixed, match="those added to it are dates"):
        join(Panel((counted(),)), [replace(dated, item_id="a")])


def test_a_table_with_a_column_of_numbers_survives_the_way_there_and_back() -> None:
    panel = Panel((counted(item_id="a"), counted(start=-7, step=3, item_id="b")))
    frame = panel.to_frame()
    assert frame["timestamp"].dtype == np.int64
    back = Panel.from_frame(frame)
    assert back.digest() == panel.digest()
    assert [one.freq for one in back] == ["1", "3"]


@pytest.mark.parametrize(
    ("start", "step", "freq", "zone"), [(0, 1, "h", ""), (-1000, 60, "15min", "Z"), (1_700_000_000, 3600, "D", "")]
)
def test_forecasts_equal_those_of_the_same_series_with_dates_bit_for_bit(
    start: int, step: int, freq: str, zone: str
) -> None:
    holes = VALUES.copy()
    holes[[30, 31, 150, 222]] = np.nan
    numbered = Panel((Series.from_values("a", start + step * np.arange(300), holes),))
    dated = Panel((Series.from_grid("a", f"2025-01-01T00:00:00{zone}", freq, holes),))
    answers = []
    for panel in (numbered, dated):
        version = Forecaster(fit(panel, choose_config(panel, OPTIONS), device="cpu"), device="cpu")
        answers.append(version.forecast(panel, Steps(45)).items[0])
    numbers, dates = answers
    assert np.array_equal(numbers.mean, dates.mean)
    assert all(np.array_equal(numbers.quantiles[level], dates.quantiles[level]) for level in dates.quantiles)
    assert numbers.local_timestamps().tolist() == [start + step * (299 + lead) for lead in range(1, 46)]


def test_a_season_is_found_in_what_is_only_counted() -> None:
    config = choose_config(Panel((counted(),)), TrainingOptions())
    assert (config.freq, config.season_length, config.horizon) == ("1", 20, 20)


def test_horizons_are_numbers_too(forecaster: Forecaster) -> None:
    panel = Panel((counted(),))
    steps = forecaster.forecast(panel, Steps(5)).items[0]
    until = forecaster.forecast(panel, Until(304)).items[0]
    at = forecaster.forecast(panel, At((304, 300, 301.5))).items[0]
    assert until.local_timestamps().tolist() == steps.local_timestamps().tolist() == [300, 301, 302, 303, 304]
    assert at.local_timestamps().tolist() == [304, 300, 301.5]
    assert at.mean[0] == steps.mean[4]
    assert at.mean[2] == pytest.approx((steps.mean[1] + steps.mean[2]) / 2)


def test_horizons_of_the_other_kind_are_refused(forecaster: Forecaster) -> None:
    panel, date = Panel((counted(),)), pd.Timestamp("2025-01-01")
    for horizon in (Until(date), At((date,)), Duration(pd.Timedelta(1, unit="D"))):
        with pytest.raises(AxesMixed, match="whole numbers"):
            forecaster.forecast(panel, horizon)
    with pytest.raises(AxesMixed, match="its timestamps are dates"):
        forecaster.forecast(Panel((Series.from_grid("a", "2025-01-01", "h", VALUES),)), At((5,)))
    with pytest.raises(HorizonNotAhead, match="ends at 299, and a forecast for 12 was asked"):
        forecaster.forecast(panel, At((12,)))


def test_there_is_no_calendar_of_whole_numbers() -> None:
    with pytest.raises(ConfigurationInvalid, match="no day, week or year"):
        choose_config(Panel((counted(),)), replace(OPTIONS, calendar=True))


def test_a_version_that_uses_the_calendar_refuses_whole_numbers() -> None:
    panel = Panel((Series.from_grid("a", "2025-01-01", "h", VALUES),))
    options = replace(OPTIONS, calendar=True, num_epochs=1, steps_per_epoch=1)
    version = Forecaster(fit(panel, choose_config(panel, options), device="cpu"), device="cpu")
    with pytest.raises(AxesMixed, match="uses the calendar"):
        version.forecast(Panel((counted(),)), Steps(3))


def test_backtests_and_anomalies_know_numbers(forecaster: Forecaster) -> None:
    panel = Panel((counted(),))
    report = backtest(forecaster, panel, Cutoffs(20, 3))
    assert report.num_forecasts == 3
    assert "weekly_naive" not in {one.method for one in report.scores}
    (found,) = find_anomalies(forecaster, panel, Search(80.0, since=290))
    assert found.local_timestamps().tolist() == list(range(290, 300))


def test_an_audit_names_numbers() -> None:
    reading = Series.from_values("a", [0, 1, 2, 3, 9, 10, 11, 12], np.arange(8.0)).to_reading()
    audit = audit_panel([reading])
    (item,) = audit.items
    assert (item.first, item.last, item.freq) == ("0", "12", "1")
    assert [one.timestamps for one in item.findings if one.code in ("gaps", "many_gaps")] == [("3",)]
