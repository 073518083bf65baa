"""Series that the tests generate, and one small training that many of them share."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from model import Checkpoint, Forecaster, Panel, Series, TrainingConfig, TrainingOptions, choose_config, fit


def season_and_trend(item_id: str, *, length: int = 600, seed: int = 0, noise: float = 0.2, freq: str = "h") -> Series:
    """A daily season on a slow trend, with noise."""
    random = np.random.default_rng(seed)
    steps = np.arange(length)
    values = 10 + seed + 0.005 * steps + 3 * np.sin(2 * np.pi * steps / 24 + seed) + noise * random.normal(size=length)
    return Series.from_values(item_id, pd.date_range("2026-01-01", periods=length, freq=freq), values)


def thinned(series: Series, *, keep: float, seed: int = 0) -> Series:
    """The same series with some observations missing at random; the last one stays."""
    kept = np.random.default_rng(seed).random(len(series)) < keep
    kept[-1] = True
    return replace(series, timestamps=series.timestamps[kept], values=series.values[kept])


def coupled(*, length: int = 1500, delay: int = 12, seed: int = 0) -> Panel:
    """A random oscillation and, some steps behind it, what it drives."""
    random = np.random.default_rng(seed)
    driver = np.zeros(length + 200)
    for step in range(2, len(driver)):
        driver[step] = 1.5 * driver[step - 1] - 0.75 * driver[step - 2] + random.normal()
    index = pd.date_range("2026-01-01", periods=length, freq="h")
    driven = 5 + 3 * driver[200 - delay : -delay] + 0.1 * random.normal(size=length)
    return Panel((Series.from_values("driver", index, driver[200:]), Series.from_values("driven", index, driven)))


SMALL = TrainingOptions(
    horizon=24,
    context_length=72,
    patch_length=12,
    state_size=16,
    num_particles=8,
    num_epochs=6,
    steps_per_epoch=40,
    batch_size=64,
    learning_rate=0.02,
)


@pytest.fixture(scope="session")
def panel() -> Panel:
    return Panel((season_and_trend("a"), thinned(season_and_trend("b", seed=1), keep=0.8)))


@pytest.fixture(scope="session")
def config(panel: Panel) -> TrainingConfig:
    return replace(choose_config(panel, SMALL), training_horizons=(12, 24))


@pytest.fixture(scope="session")
def checkpoint(panel: Panel, config: TrainingConfig) -> Checkpoint:
    return fit(panel, config, device="cpu")


@pytest.fixture
def forecaster(checkpoint: Checkpoint) -> Forecaster:
    return Forecaster(checkpoint, device="cpu")
