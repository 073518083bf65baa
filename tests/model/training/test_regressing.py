"""Signals known in advance help where the values depend on them, and do no harm where they do not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from model import Checkpoint, Forecaster, Panel, Series, Steps, TrainingConfig, TrainingOptions, choose_config, fit
from model.panels.covariates import RawCovariates

HORIZON = 24
QUICK = TrainingOptions(
    horizon=HORIZON, context_length=72, state_size=16, num_particles=8, num_epochs=2, steps_per_epoch=20, batch_size=64
)


def driven(effect: float, *, length: int = 700, seed: int = 0) -> tuple[Panel, np.ndarray]:
    """A day's season and, by so much each, a temperature and a rare promotion; with its last values apart."""
    random = np.random.default_rng(seed)
    season = np.sin(2 * np.pi * np.arange(length) / 24)
    temperature = np.convolve(random.normal(size=length + 11), np.ones(12) / 3, "valid")
    promotion = (random.random(length) < 0.1).astype(float)
    values = 50 + 3 * season + effect * (2 * temperature + 10 * promotion) + 0.5 * random.normal(size=length)
    known = np.where(np.arange(length) < length - HORIZON, values, np.nan)
    covariates = RawCovariates(past={}, future={"temperature": temperature, "promotion": promotion}, static={})
    times = pd.date_range("2026-01-01", periods=length, freq="h")
    return Panel((Series.from_values("s", times, known, covariates=covariates),)), values[-HORIZON:]


def off_by(checkpoint: Checkpoint, panel: Panel, came: np.ndarray) -> float:
    (item,) = Forecaster(checkpoint, device="cpu").forecast(panel, Steps(HORIZON)).items
    return float(np.abs(item.mean - came).mean())


def told(checkpoint: Checkpoint) -> str:
    return {one.choice: one.value for one in checkpoint.manifest.reasons}["regression"]


def without_covariates(panel: Panel) -> Panel:
    return Panel(tuple(Series.from_values(one.item_id, one.local_timestamps(), one.values) for one in panel))


def test_values_that_depend_on_what_is_known_in_advance_are_forecast_far_better_with_it() -> None:
    panel, came = driven(1.0)
    checkpoint = fit(panel, choose_config(panel, QUICK), device="cpu")
    plain = without_covariates(panel)
    blind = fit(plain, choose_config(plain, QUICK), device="cpu")
    assert told(checkpoint) == "yes"
    assert off_by(checkpoint, panel, came) < 0.5 * off_by(blind, plain, came)


def test_signals_that_say_nothing_are_left_out_of_the_regression() -> None:
    panel, _ = driven(0.0)
    checkpoint = fit(panel, choose_config(panel, QUICK), device="cpu")
    assert checkpoint.network.regression is not None
    assert told(checkpoint) == "no"
    assert not checkpoint.network.regression.weights.any()


@pytest.fixture(scope="module")
def config() -> TrainingConfig:
    return choose_config(driven(1.0)[0], QUICK)


def test_there_is_a_regression_where_signals_are_known_in_advance_and_only_there(config: TrainingConfig) -> None:
    panel, _ = driven(1.0)
    assert config.regression
    assert not choose_config(without_covariates(panel), QUICK).regression


def test_a_saved_version_answers_the_same_with_its_regression(config: TrainingConfig, tmp_path: Path) -> None:
    panel, _ = driven(1.0)
    checkpoint = fit(panel, replace(config, num_epochs=1, steps_per_epoch=2), device="cpu")
    checkpoint.save(tmp_path / "one")
    loaded = Checkpoint.load(tmp_path / "one")
    assert loaded.network.regression is not None
    assert torch.equal(loaded.network.regression.weights, checkpoint.network.regression.weights)
    first, second = (
        Forecaster(one, device="cpu").forecast(panel, Steps(HORIZON)).items[0] for one in (checkpoint, loaded)
    )
    assert np.array_equal(first.mean, second.mean)
