"""What validation data decide after training."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from model import Checkpoint, Panel, Series, TrainingOptions, choose_config, fit
from model.configuration.config import TrainingConfig
from model.contexts.cuts import WindowShape
from model.contexts.scaling import Scale
from model.contexts.splitting import split
from model.networks.inference import Predictor
from model.networks.network import ShootingNetwork
from model.training.validation import Validation, validated


def test_a_network_that_learned_a_season_is_trusted(checkpoint: Checkpoint) -> None:
    assert checkpoint.validation.trust == 1.0


@pytest.mark.parametrize("num_series", [1, 10])
def test_what_was_learned_of_walks_gives_way_to_the_last_value_by_a_half_at_least(num_series: int) -> None:
    walks = np.random.default_rng(0).normal(size=(num_series, 300)).cumsum(1)
    times = pd.date_range("2026-01-01", periods=300, freq="D")
    panel = Panel(tuple(Series.from_values(f"{number}", times, walk) for number, walk in enumerate(walks)))
    options = TrainingOptions(horizon=7, state_size=8, num_particles=4, num_epochs=2, steps_per_epoch=5, batch_size=16)
    assert fit(panel, choose_config(panel, options), device="cpu").validation.trust <= 0.5


def test_intervals_around_a_last_value_are_learned_from_its_own_errors_over_the_whole_history_at_each_lead() -> None:
    config = TrainingConfig("D", 7, 7, 28, 7, validation_steps=8, state_size=8, num_particles=4)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ShootingNetwork(config)

    def walks(seed: int) -> Panel:
        steps = np.random.default_rng(seed).normal(size=(20, 200)).cumsum(1)
        times = pd.date_range("2026-01-01", periods=200, freq="D")
        return Panel(tuple(Series.from_values(f"{number}", times, walk) for number, walk in enumerate(steps)))

    shape = WindowShape("D", 7, 28, 7, config.validation_steps)
    found = validated(network, [split(walks(0), shape, torch.device("cpu"))], config)
    assert (found.trust, found.width) == (0.0, 0.0)
    batch = (fresh := split(walks(1), shape, torch.device("cpu")).training).batch(torch.arange(len(fresh)))
    raw = Predictor(network, block_length=7, season_length=7, trust=0.0, width=0.0).quantiles(batch.context.double(), 7)
    quantiles = found.calibration.apply(raw, Scale.of(batch.context).spread)
    low, high = config.quantile_levels.index(0.1), config.quantile_levels.index(0.9)
    inside = (batch.target >= quantiles[..., low]) & (batch.target <= quantiles[..., high])
    assert inside.double().mean(0).numpy() == pytest.approx([0.8] * 7, abs=0.03)


@pytest.mark.parametrize("missing", [(), ("trust",), ("width",)])
def test_choices_survive_json_and_those_of_an_earlier_release_trust_the_network(
    checkpoint: Checkpoint, missing: tuple[str, ...]
) -> None:
    content = {name: value for name, value in checkpoint.validation.to_json().items() if name not in missing}
    assert Validation.from_json(content) == replace(checkpoint.validation, **dict.fromkeys(missing, 1.0))


def test_a_version_of_an_earlier_release_has_no_share_of_the_trend(checkpoint: Checkpoint) -> None:
    chosen = replace(checkpoint.validation, trend=0.25)
    content = chosen.to_json()
    assert Validation.from_json(content) == chosen
    assert Validation.from_json({name: value for name, value in content.items() if name != "trend"}).trend == 0
