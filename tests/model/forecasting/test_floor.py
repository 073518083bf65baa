"""What is never negative is never forecast to be, and loses nothing by that."""

from dataclasses import replace

import numpy as np
import pytest

from model import (
    Checkpoint,
    ConfigurationInvalid,
    Forecaster,
    ItemForecast,
    Panel,
    Paths,
    Series,
    Steps,
    TrainingOptions,
    choose_config,
    fit,
)

LEVELS = (0.001, 0.1, 0.5, 0.9)
QUICK = TrainingOptions(horizon=14, state_size=16, num_particles=8, num_epochs=2, steps_per_epoch=20, batch_size=64)


def demand(seed: int, *, shift: float = 0.0) -> Series:
    """A few sales on one day of seven or so."""
    random = np.random.default_rng(seed)
    values = (random.random(300) < 0.15) * random.poisson(3, 300) + shift
    return Series.from_grid(f"{seed}", "2026-01-01", "D", values)


@pytest.fixture(scope="module")
def counts() -> Panel:
    return Panel(tuple(demand(seed) for seed in range(4)))


@pytest.fixture(scope="module")
def trained(counts: Panel) -> Checkpoint:
    return fit(counts, choose_config(counts, QUICK), device="cpu")


def asked(checkpoint: Checkpoint, panel: Panel, floor: str) -> tuple[ItemForecast, ...]:
    forecaster = Forecaster(replace(checkpoint, config=replace(checkpoint.config, floor=floor)), device="cpu")
    return forecaster.forecast(panel, Steps(40), LEVELS, paths=Paths(20, seed=1), rates=True).items


def every_value(item: ItemForecast) -> np.ndarray:
    assert item.samples is not None
    return np.concatenate([item.mean, *item.quantiles.values(), item.samples.ravel()])


def test_data_that_are_never_negative_are_not_forecast_below_zero_and_all_else_stays(
    trained: Checkpoint, counts: Panel
) -> None:
    assert trained.config.floor == "zero"
    raised, plain = asked(trained, counts, "zero"), asked(trained, counts, "none")
    assert min(every_value(one).min() for one in plain) < 0
    for one, other in zip(raised, plain, strict=True):
        np.testing.assert_array_equal(every_value(one), np.maximum(every_value(other), 0))


def test_rates_still_add_up_to_a_mean_that_stops_at_zero(trained: Checkpoint, counts: Panel) -> None:
    for series, one in zip(counts, asked(trained, counts, "zero"), strict=True):
        np.testing.assert_allclose(series.values[-1] + np.cumsum(one.rate), one.mean, atol=1e-9)


def test_a_history_with_a_negative_value_has_no_floor(trained: Checkpoint) -> None:
    moved = Panel((demand(0, shift=-50.0),))
    (raised,), (plain,) = asked(trained, moved, "zero"), asked(trained, moved, "none")
    assert raised.mean.max() < 0
    np.testing.assert_array_equal(every_value(raised), every_value(plain))


def test_one_negative_value_of_one_series_leaves_forecasts_without_a_floor(counts: Panel) -> None:
    assert choose_config(Panel((*counts, demand(9, shift=-1.0))), QUICK).floor == "none"


def test_the_floor_can_be_set(counts: Panel) -> None:
    assert choose_config(counts, replace(QUICK, floor="none")).floor == "none"
    with pytest.raises(ConfigurationInvalid, match="one of none, zero"):
        choose_config(counts, replace(QUICK, floor="half"))
