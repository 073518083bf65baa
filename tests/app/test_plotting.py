import re

import numpy as np
import pytest

from app.plotting import plot_forecast
from model import ItemForecast, Series


def parts(length: int = 96, ahead: int = 48, scale: float = 1.0) -> tuple[Series, ItemForecast, Series]:
    values = scale * np.sin(np.arange(length + ahead) / 4)
    whole = Series.from_grid("a", "2026-01-01", "h", values)
    cutoff = whole.timestamps[length - 1]
    mean = values[length:]
    quantiles = {0.1: mean - 0.5 * scale, 0.9: mean + 0.5 * scale}
    forecast = ItemForecast("a", whole.timestamps[length:], mean, quantiles, None)
    return whole.until(cutoff), forecast, whole.after(cutoff)


@pytest.mark.parametrize("width", [48, 60, 80, 173])
def test_a_plot_fits_its_width_and_shows_what_there_is(width):
    history, forecast, truth = parts()
    text = plot_forecast(history, forecast, truth=truth, width=width, height=12)
    lines = text.splitlines()
    assert len(lines) == 1 + 12 + 2
    assert all(len(line) <= width for line in lines[1:])
    assert all(mark in text for mark in "░●┊")
    assert "2026-01-04" in lines[-1]
    assert "\033" not in text


def test_color_changes_nothing_but_color():
    history, forecast, truth = parts()
    colored = plot_forecast(history, forecast, truth=truth, width=80, color=True)
    plain = plot_forecast(history, forecast, truth=truth, width=80)
    assert [line.rstrip() for line in re.sub(r"\033\[[0-9;]*m", "", colored).splitlines()] == plain.splitlines()


def test_without_truth_nothing_is_said_about_it():
    history, forecast, _ = parts()
    text = plot_forecast(history, forecast, width=80)
    assert "●" not in text


def test_a_constant_series_and_a_single_point_can_be_drawn():
    times = np.array(["2026-01-02T00:00"], dtype="datetime64[us]")
    history = Series.from_grid("a", "2026-01-01", "D", [5.0])
    forecast = ItemForecast("a", times, np.array([5.0]), {}, None)
    assert "5" in plot_forecast(history, forecast, width=60)


def test_the_order_in_which_timestamps_were_asked_does_not_matter():
    history, forecast, _ = parts()
    order = np.random.default_rng(0).permutation(len(forecast.mean))
    shuffled = ItemForecast(
        "a",
        forecast.timestamps[order],
        forecast.mean[order],
        {level: values[order] for level, values in forecast.quantiles.items()},
        None,
    )
    assert plot_forecast(history, shuffled, width=80) == plot_forecast(history, forecast, width=80)
