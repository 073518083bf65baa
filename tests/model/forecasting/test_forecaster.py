"""What every forecast promises."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model import (
    At,
    Checkpoint,
    Duration,
    Forecaster,
    HorizonNotAhead,
    HorizonOutOfRange,
    ItemForecast,
    Panel,
    QuantileLevelOutOfRange,
    Series,
    SeriesTooShort,
    Steps,
    Until,
    ask,
    load,
)
from model.forecasting.forecaster import memory_of
from model.forecasting.notices import notices
from model.networks.precedents import NO_PRECEDENTS
from model.uncertainty.recent import reach_of, steps_of
from tests.model.conftest import season_and_trend, thinned

LEVELS = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)


def one(forecaster: Forecaster, series: Series, horizon: object = Steps(60)) -> ItemForecast:
    return forecaster.forecast(Panel((series,)), horizon, LEVELS).items[0]


def close(first: ItemForecast, second: ItemForecast, tolerance: float = 1e-4) -> bool:
    return np.allclose(first.mean, second.mean, atol=tolerance) and all(
        np.allclose(first.quantiles[level], second.quantiles[level], atol=tolerance) for level in LEVELS
    )


def test_a_forecast_follows_the_season(forecaster: Forecaster) -> None:
    whole = season_and_trend("a", length=648, noise=0.2)
    forecast = one(forecaster, whole.until(whole.timestamps[599]), Steps(48))
    assert np.abs(forecast.mean - whole.values[600:648]).mean() < 0.25 * whole.values[600:648].std()
    assert np.array_equal(forecast.timestamps, whole.timestamps[600:648])


def test_quantiles_never_cross_at_any_level_or_lead(forecaster: Forecaster, panel: Panel) -> None:
    for item in forecaster.forecast(panel, Steps(500), LEVELS).items:
        assert (np.diff(np.stack([item.quantiles[level] for level in LEVELS]), axis=0) >= 0).all()


def test_scaling_and_shifting_a_series_scales_and_shifts_its_forecast(forecaster: Forecaster) -> None:
    series = season_and_trend("a")
    moved = replace(series, values=1000 * series.values - 5e5)
    plain, other = one(forecaster, series), one(forecaster, moved)
    assert np.allclose(other.mean, 1000 * plain.mean - 5e5, atol=0.1)
    assert np.allclose(other.quantiles[0.9], 1000 * plain.quantiles[0.9] - 5e5, atol=0.1)


def test_a_shorter_horizon_is_the_beginning_of_a_longer_one(forecaster: Forecaster) -> None:
    series = season_and_trend("a")
    short, long = one(forecaster, series, Steps(30)), one(forecaster, series, Steps(300))
    assert np.allclose(short.mean, long.mean[:30], atol=1e-4)
    assert np.allclose(short.quantiles[0.1], long.quantiles[0.1][:30], atol=1e-4)


def test_a_missing_value_is_the_same_as_an_absent_point(forecaster: Forecaster) -> None:
    series = thinned(season_and_trend("a"), keep=0.7)
    index = pd.date_range("2026-01-01", periods=600, freq="h")
    with_nulls = pd.Series(series.values, index=series.local_timestamps()).reindex(index)
    assert close(one(forecaster, Series.from_values("a", index, with_nulls)), one(forecaster, series), 0)


def test_the_value_at_a_timestamp_does_not_depend_on_the_others_asked(forecaster: Forecaster) -> None:
    series = season_and_trend("a")
    last = series.local_timestamps()[-1]
    wanted = [last + pd.Timedelta(hours=h) for h in (90.5, 3, 0.25, 41, 3)]
    together = one(forecaster, series, At(tuple(wanted)))
    assert np.array_equal(together.timestamps, np.array(wanted, dtype="datetime64[us]"))
    for number, timestamp in enumerate(wanted):
        alone = one(forecaster, series, At((timestamp,)))
        assert alone.mean[0] == pytest.approx(together.mean[number], abs=1e-4)
        assert alone.quantiles[0.9][0] == pytest.approx(together.quantiles[0.9][number], abs=1e-4)
    assert together.mean[1] == together.mean[4]


def test_neighbours_in_a_batch_do_not_matter(forecaster: Forecaster) -> None:
    many = Panel(tuple(season_and_trend(str(number), seed=number) for number in range(5)))
    together = forecaster.forecast(many, Steps(60), LEVELS).items
    for series, item in zip(many, together, strict=True):
        assert item.item_id == series.item_id
        assert close(item, one(forecaster, series))


def test_questions_of_different_callers_are_answered_together_as_they_are_alone(forecaster: Forecaster) -> None:
    asked = [
        ask(season_and_trend("a"), Steps(60), LEVELS),
        ask(season_and_trend("b", seed=1), Steps(60), (0.5,)),
        ask(season_and_trend("a", seed=2), Steps(300), (0.05, 0.95)),
        ask(season_and_trend("c", seed=3), Steps(60), LEVELS),
    ]
    for one_asked, item in zip(asked, forecaster.answer(asked), strict=True):
        (alone,) = forecaster.answer([one_asked])
        assert list(item.quantiles) == list(one_asked.levels)
        assert np.array_equal(item.timestamps, alone.timestamps)
        pairs = [
            (item.mean, alone.mean),
            *((item.quantiles[level], alone.quantiles[level]) for level in item.quantiles),
        ]
        assert all(np.allclose(first, second, rtol=1e-6, atol=1e-5) for first, second in pairs)


def test_steps_a_date_a_duration_and_timestamps_ask_the_same(forecaster: Forecaster) -> None:
    series = season_and_trend("a")
    last = series.local_timestamps()[-1]
    by_steps = one(forecaster, series, Steps(48))
    for horizon in (
        Until(last + pd.Timedelta(hours=48)),
        Until(last + pd.Timedelta(hours=48.5)),
        Duration(pd.Timedelta(days=2)),
        At(tuple(pd.date_range(last, periods=49, freq="h")[1:])),
    ):
        other = one(forecaster, series, horizon)
        assert np.array_equal(other.timestamps, by_steps.timestamps)
        assert close(other, by_steps)


def test_time_zones_come_back_and_do_not_change_the_values(forecaster: Forecaster) -> None:
    plain = season_and_trend("a")
    aware = replace(plain, time_zone="Europe/Berlin")
    forecast = one(forecaster, aware, Steps(10))
    assert str(forecast.local_timestamps().tz) == "Europe/Berlin"
    assert close(forecast, one(forecaster, plain, Steps(10)), 0)
    until = aware.local_timestamps()[-1] + pd.Timedelta(hours=10)
    assert len(one(forecaster, aware, Until(until)).mean) == 10
    assert len(one(forecaster, aware, Until(until.tz_convert("Asia/Tokyo"))).mean) == 10
    assert len(one(forecaster, aware, Until(until.tz_localize(None))).mean) == 10


@pytest.mark.parametrize("freq", ["D", "MS", "B", "W-MON", "15min"])
def test_a_series_of_another_frequency_is_forecast_with_a_notice(forecaster: Forecaster, freq: str) -> None:
    series = season_and_trend("a", length=200, freq=freq)
    forecast = one(forecaster, series, Steps(24))
    expected = pd.date_range(series.local_timestamps()[-1], periods=25, freq=freq)[1:]
    assert forecast.local_timestamps().equals(expected.as_unit("us"))
    assert "frequency_differs" in [notice.code for notice in forecast.notices]


def test_a_constant_is_forecast_as_itself(forecaster: Forecaster) -> None:
    flat = replace(season_and_trend("a"), values=np.full(600, 7.3))
    forecast = one(forecaster, flat)
    assert np.allclose(forecast.mean, 7.3)
    assert np.allclose(forecast.quantiles[0.99], 7.3)


@pytest.mark.parametrize("length", [2, 3, 10, 50])
def test_a_short_history_is_answered_with_a_notice(forecaster: Forecaster, length: int) -> None:
    forecast = one(forecaster, season_and_trend("a", length=length))
    assert np.isfinite(forecast.mean).all()
    assert "history_short" in [notice.code for notice in forecast.notices]


def test_thinning_the_history_changes_the_forecast_only_a_little(forecaster: Forecaster) -> None:
    smooth = season_and_trend("a", noise=0)
    whole, part = one(forecaster, smooth, Steps(48)), one(forecaster, thinned(smooth, keep=0.5), Steps(48))
    assert np.abs(whole.mean - part.mean).max() < 0.6


def test_a_hundred_horizons_ahead_everything_is_finite_and_intervals_do_not_narrow(forecaster: Forecaster) -> None:
    forecast = one(forecaster, season_and_trend("a"), Steps(100 * forecaster.config.horizon))
    assert np.isfinite(forecast.mean).all()
    assert np.isfinite(forecast.quantiles[0.99]).all()
    width = (forecast.quantiles[0.9] - forecast.quantiles[0.1]).reshape(-1, 24)
    trained = forecaster.config.horizon // 24
    assert (np.diff(width[trained - 1 :], axis=0) >= -1e-6).all()
    assert "past_calibrated_lead" in [notice.code for notice in forecast.notices]


def test_intervals_that_could_not_be_calibrated_are_told_as_such(forecaster: Forecaster) -> None:
    asked = ask(season_and_trend("a"), Steps(3))
    (told,) = notices(asked, forecaster.config, longest_lead=0, looked_at=1)
    assert (told.code, "not calibrated" in told.detail) == ("past_calibrated_lead", True)


@pytest.mark.parametrize("num_steps", [0, -5, 10**9])
def test_a_horizon_out_of_range_is_refused(forecaster: Forecaster, num_steps: int) -> None:
    with pytest.raises(HorizonOutOfRange, match=f"{num_steps} steps; it must be between 1 and 100000"):
        one(forecaster, season_and_trend("a"), Steps(num_steps))


@pytest.mark.parametrize("horizon", [Until(pd.Timestamp("2026-01-02")), At((pd.Timestamp("2026-01-02"),))])
def test_the_past_is_not_forecast(forecaster: Forecaster, horizon: object) -> None:
    with pytest.raises(HorizonNotAhead, match="after the last observation"):
        one(forecaster, season_and_trend("a"), horizon)


def test_a_far_date_is_refused_without_computing_its_grid(forecaster: Forecaster) -> None:
    for freq in ("h", "MS"):
        series = season_and_trend("a", freq=freq, length=100)
        for horizon in (Until(pd.Timestamp("8000-01-01")), At((pd.Timestamp("8000-01-01"),))):
            with pytest.raises(HorizonOutOfRange):
                forecaster.forecast(Panel((series,)), horizon, max_steps=1000)


def test_one_observation_is_too_few(forecaster: Forecaster) -> None:
    lonely = Series.from_values("a", ["2026-01-01"], [1.0])
    with pytest.raises(SeriesTooShort, match="has 1 observations; a forecast needs at least 2"):
        one(forecaster, lonely)
    with pytest.raises(SeriesTooShort):
        ask(lonely, Steps(1))


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_quantile_level_lies_between_0_and_1(forecaster: Forecaster, level: float) -> None:
    with pytest.raises(QuantileLevelOutOfRange):
        forecaster.forecast(Panel((season_and_trend("a"),)), Steps(1), (level,))


def test_many_threads_get_the_same_answer(forecaster: Forecaster) -> None:
    series = season_and_trend("a")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda steps: one(forecaster, series, Steps(steps)), [24, 240, 60, 480] * 4))
    expected = one(forecaster, series, Steps(480))
    for answer in answers:
        assert np.allclose(answer.mean, expected.mean[: len(answer.mean)], atol=1e-4)


def test_a_forecaster_is_loaded_by_its_path_and_answers_as_a_table(
    forecaster: Forecaster, checkpoint: Checkpoint, panel: Panel, tmp_path: Path
) -> None:
    checkpoint.save(tmp_path / "version")
    table = load(str(tmp_path / "version")).forecast(panel, Steps(3), (0.5,)).to_frame()
    assert table.columns.tolist() == ["item_id", "timestamp", "mean", "0.5"]
    assert table["item_id"].tolist() == [one.item_id for one in panel for _ in range(3)]
    expected = forecaster.forecast(panel, Steps(3), (0.5,)).items
    assert np.array_equal(table["mean"], np.concatenate([one.mean for one in expected]))


def test_rates_are_the_slope_of_what_is_answered(forecaster: Forecaster, panel: Panel) -> None:
    series = panel.series[1]
    last = pd.Timestamp(series.last)
    hours = np.array([0.25, 1.5, 7.9, 30.75])
    near = 1e-3

    def ask(at: np.ndarray) -> ItemForecast:
        asked = At(tuple(last + pd.to_timedelta(one, "h") for one in at))
        return forecaster.forecast(Panel((series,)), asked, rates=True).items[0]

    slope = (ask(hours + near).mean - ask(hours - near).mean) / (2 * near)
    np.testing.assert_allclose(ask(hours).rate, slope, rtol=1e-4, atol=1e-6)


def test_rates_add_up_to_the_mean_from_the_last_observation(forecaster: Forecaster, panel: Panel) -> None:
    for series, found in zip(panel, forecaster.forecast(panel, Steps(60), rates=True).items, strict=True):
        np.testing.assert_allclose(series.values[-1] + np.cumsum(found.rate), found.mean)
    assert list(forecaster.forecast(panel, Steps(2), rates=True).to_frame().columns[:4]) == [
        "item_id", "timestamp", "mean", "rate",
    ]  # fmt: skip
    assert forecaster.forecast(panel, Steps(2)).items[0].rate is None


def test_a_version_that_chose_no_precedents_remembers_its_context_and_what_fills_holes_in_it(
    checkpoint: Checkpoint,
) -> None:
    without = Forecaster(replace(checkpoint, validation=replace(checkpoint.validation, precedents=NO_PRECEDENTS)))
    config = checkpoint.config
    of_late = reach_of(steps_of(config.horizon, config.season_length))
    seen = config.context_length + of_late
    assert seen < without.memory < seen + 3 * config.season_length
    assert memory_of(config, looks_back=True) > without.memory


def test_what_was_before_a_level_shift_counts_as_if_it_had_been_where_the_series_is_now(forecaster: Forecaster) -> None:
    whole = season_and_trend("a", length=648)
    series = whole.until(whole.timestamps[599])
    shifted = replace(series, values=series.values + 40 * (np.arange(600) >= 580))
    forecast, still = one(forecaster, shifted, Steps(24)), one(forecaster, series, Steps(24))
    assert np.abs(forecast.mean - 40 - still.mean).mean() < 0.2
    assert [notice.code for notice in forecast.notices] == ["level_shifted"]
    assert "2026-01-25 04:00:00" in forecast.notices[0].detail
    assert not still.notices


def test_a_version_of_an_earlier_release_leaves_histories_as_they_are(checkpoint: Checkpoint) -> None:
    earlier = replace(checkpoint, validation=replace(checkpoint.validation, levels=False))
    series = season_and_trend("a")
    shifted = replace(series, values=series.values + 40 * (np.arange(600) >= 580))
    assert not one(Forecaster(earlier, device="cpu"), shifted, Steps(24)).notices


def test_a_series_that_was_never_negative_has_a_forecast_that_is_not_once_it_fell(forecaster: Forecaster) -> None:
    series = season_and_trend("a")
    fallen = replace(series, values=np.where(np.arange(600) >= 580, 0.1, 20 + series.values))
    forecast = one(forecaster, fallen)
    assert "level_shifted" in [notice.code for notice in forecast.notices]
    assert forecast.quantiles[0.01].min() >= 0


def test_a_share_of_the_trend_goes_on_by_the_average_change_of_a_history_far_longer_than_the_context(
    checkpoint: Checkpoint,
) -> None:
    plain = replace(checkpoint.validation, precedents=NO_PRECEDENTS)
    without, shared = (Forecaster(replace(checkpoint, validation=replace(plain, trend=trend))) for trend in (0.0, 0.5))
    series = season_and_trend("s", length=500)
    before, after = (one(each, series, Steps(checkpoint.config.horizon)) for each in (without, shared))
    slope = (series.values[-1] - series.values[0]) / 499
    path = series.values[-1] + slope * np.arange(1, checkpoint.config.horizon + 1)
    np.testing.assert_allclose(after.mean, (before.mean + path) / 2, atol=1e-4)
    assert shared.memory > without.memory
    moved = one(shared, replace(series, values=3 + 2 * series.values), Steps(100))
    np.testing.assert_allclose(moved.mean, 3 + 2 * one(shared, series, Steps(100)).mean, rtol=1e-4)
