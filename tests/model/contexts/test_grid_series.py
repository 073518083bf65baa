"""Series on their grids."""

import numpy as np
import pandas as pd

from model import Series
from model.contexts.grid_series import on_grid
from tests.model.conftest import season_and_trend


def test_a_regular_series_is_its_own_grid() -> None:
    series = season_and_trend("a", length=100)
    grid = on_grid(series, "h", 24)
    assert np.array_equal(grid.values, series.values)
    assert grid.observed.all()
    assert np.array_equal(on_grid(series, "h", 24, 30).values, series.values[-30:])


def test_a_short_gap_is_bridged_in_time_and_a_long_one_repeats_the_season() -> None:
    steps = np.arange(240)
    wave = np.sin(2 * np.pi * steps / 24)
    kept = np.ones(240, dtype=bool)
    kept[50:53] = False
    kept[150:190] = False
    index = pd.date_range("2026-01-01", periods=240, freq="h")
    grid = on_grid(Series.from_values("a", index[kept], wave[kept]), "h", 24)
    assert np.array_equal(grid.observed, kept)
    assert np.abs(grid.values[150:190] - wave[150:190]).max() < 1e-9
    assert np.allclose(grid.values[50:53], np.interp([50, 51, 52], steps[kept], wave[kept]))


def test_before_the_first_observation_the_season_after_it_is_repeated() -> None:
    series = season_and_trend("a", length=48, noise=0)
    grid = on_grid(series, "h", 24, 96)
    assert not grid.observed[:48].any()
    assert np.array_equal(grid.values[24:48], series.values[:24])
    assert np.array_equal(grid.values[:24], series.values[:24])


def test_a_history_of_less_than_a_season_keeps_its_level_and_spread() -> None:
    index = pd.date_range("2026-01-01", periods=5, freq="h")
    grid = on_grid(Series.from_values("a", index, [1.0, 2.0, 3.0, 2.0, 1.0]), "h", 24, 100)
    assert np.array_equal(grid.values, [1.0, 2.0, 3.0, 2.0, 1.0] * 20)


def test_until_a_later_end_the_last_value_is_held() -> None:
    series = season_and_trend("a", length=100)
    grid = on_grid(series, "h", 24, 60, end=series.last + np.timedelta64(40, "h"))
    assert np.array_equal(grid.values[:20], series.values[-20:])
    assert (grid.values[20:] == series.values[-1]).all()
    assert np.array_equal(grid.observed, np.arange(60) < 20)
    long_after = on_grid(series, "h", 24, 60, end=series.last + np.timedelta64(1000, "h"))
    assert (long_after.values == series.values[-1]).all()


def test_irregular_observations_are_interpolated_at_the_points_of_the_grid() -> None:
    minutes = np.array([0, 50, 130, 170, 240])
    start = pd.Timestamp("2026-01-01")
    series = Series.from_values("a", [start + pd.Timedelta(minutes=int(m)) for m in minutes], minutes * 2.0, freq="h")
    assert np.allclose(on_grid(series, "h", 24).values, [0, 120, 240, 360, 480])


def test_a_line_observed_at_any_moments_stays_a_line_from_its_first_observation_to_its_last() -> None:
    random = np.random.default_rng(0)
    minutes = np.unique(random.choice(200 * 60, size=260, replace=False))
    minutes = minutes[(minutes < 50 * 60) | (minutes >= 58 * 60 + 17)]
    moments = pd.Timestamp("2026-01-01", tz="Europe/Berlin") + pd.to_timedelta(minutes, unit="min")
    series = Series.from_values("a", moments, 5 - 0.25 * minutes, freq="h")
    grid = on_grid(series, "h", 24)
    steps = np.arange(1 - len(grid.values), 1)
    expected = 5 - 0.25 * (minutes[-1] + 60 * steps)
    inside = minutes[-1] + 60 * steps >= minutes[0]
    assert inside.sum() >= len(grid.values) - 1
    assert np.allclose(grid.values[inside], expected[inside], atol=1e-9)
    assert np.allclose(on_grid(series, "h", 24, 96).values, expected[-96:], atol=1e-9)
