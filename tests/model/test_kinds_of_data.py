"""Series of unusual kinds: very short, constant, intermittent, mostly zero, and of wildly different scales together."""

from dataclasses import replace

import numpy as np
import pytest

from model import Forecaster, Panel, Series, Steps, TrainingOptions, choose_config, fit
from model.evaluation.baselines import seasonal_naive

QUICK = TrainingOptions(state_size=24, num_particles=8, num_epochs=4, steps_per_epoch=20, batch_size=64)
LEVELS = (0.05, 0.5, 0.95)


def passengers(num_months: int = 144) -> np.ndarray:
    """A trend with a season that grows with it, as airline passengers had."""
    months = np.arange(num_months)
    noise = np.random.default_rng(0).normal(size=num_months)
    return 110 * np.exp(0.0105 * months) * (1 + 0.2 * np.sin(2 * np.pi * months / 12)) + 5 * noise


def demand(kind: str, length: int, seed: int = 0) -> np.ndarray:
    """Sales of each day: a few on some days, or on hardly any."""
    random = np.random.default_rng(seed)
    share = {"intermittent": 0.3, "zero-heavy": 0.03}[kind]
    return (random.random(length) < share) * random.poisson(4, length).astype(float)


def trained(*series: Series, **options: object) -> Forecaster:
    panel = Panel(series)
    return Forecaster(fit(panel, choose_config(panel, replace(QUICK, **options)), device="cpu"))


def test_twelve_years_of_months_are_forecast_better_than_by_their_last_season():
    whole = passengers()
    history = Series.from_grid("a", "1949-01-01", "MS", whole[:108])
    item = trained(history, num_epochs=16).forecast(Panel((history,)), Steps(36)).items[0]
    naive = seasonal_naive(whole[:108], np.arange(1.0, 37.0), 12)
    assert np.abs(item.mean - whole[108:]).mean() < np.abs(naive - whole[108:]).mean()


@pytest.mark.parametrize("kind", ["intermittent", "zero-heavy"])
def test_demand_that_is_mostly_zero_is_forecast_near_its_mean_and_within_its_range(kind):
    values = demand(kind, 500)
    series = Series.from_grid("a", "2026-01-01", "D", values)
    item = trained(series, horizon=28).forecast(Panel((series,)), Steps(56), LEVELS).items[0]
    assert abs(item.mean.mean() - values.mean()) < values.std()
    lower, median, upper = (item.quantiles[level] for level in LEVELS)
    assert (lower <= median).all()
    assert (median <= upper).all()
    assert lower.min() >= 0
    assert upper.max() < 2 * values.max()


@pytest.mark.parametrize("value", [0.0, 42.0, -1e9])
def test_a_constant_series_is_forecast_as_itself_beside_others(value):
    constant = Series.from_grid("constant", "2026-01-01", "D", np.full(200, value))
    other = Series.from_grid("other", "2026-01-01", "D", demand("intermittent", 200))
    item = trained(constant, other, horizon=14, num_epochs=1).forecast(Panel((constant,)), Steps(40), LEVELS).items[0]
    np.testing.assert_allclose(item.mean, value)
    for values in item.quantiles.values():
        np.testing.assert_allclose(values, value)


def test_scales_that_differ_by_many_orders_do_not_disturb_each_other():
    days = np.arange(300)
    shape = np.sin(2 * np.pi * days / 7) + 0.1 * np.random.default_rng(0).normal(size=300)
    scales = (1e-9, 1.0, 1e12)
    panel = Panel(tuple(Series.from_grid(f"{one:g}", "2026-01-01", "D", one * (5 + shape)) for one in scales))
    items = trained(*panel, horizon=14, num_epochs=3).forecast(panel, Steps(28), LEVELS).items
    unit = items[1].mean
    assert np.abs(unit - 5).max() < 2
    for item, scale in zip(items, scales, strict=True):
        np.testing.assert_allclose(item.mean / scale, unit, rtol=1e-3)
        np.testing.assert_allclose(item.quantiles[0.95] / scale, items[1].quantiles[0.95], rtol=1e-3)


def test_a_panel_may_hold_very_many_short_series():
    panel = Panel(
        tuple(Series.from_grid(f"{n}", "2026-01-01", "D", demand("intermittent", 40, seed=n) + n) for n in range(300))
    )
    items = trained(*panel, horizon=7, num_epochs=1).forecast(panel, Steps(7)).items
    assert [item.item_id for item in items] == [f"{n}" for n in range(300)]
    assert all(np.isfinite(item.mean).all() for item in items)
