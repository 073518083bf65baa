"""What validation data decide after training."""

import numpy as np
import pandas as pd
import pytest

from model import Checkpoint, Panel, Series, TrainingOptions, choose_config, fit
from model.validation import Validation


def test_a_network_that_learned_a_season_is_trusted(checkpoint: Checkpoint) -> None:
    assert checkpoint.validation.trust == 1.0


def test_a_network_that_learned_nothing_of_a_walk_gives_way_to_its_last_value() -> None:
    walk = np.cumsum(np.random.default_rng(0).normal(size=300))
    panel = Panel((Series.from_values("w", pd.date_range("2026-01-01", periods=300, freq="D"), walk),))
    options = TrainingOptions(horizon=7, state_size=8, num_particles=4, num_epochs=1, steps_per_epoch=4, batch_size=16)
    assert fit(panel, choose_config(panel, options), device="cpu").validation.trust < 0.5


@pytest.mark.parametrize("missing", [(), ("trust",)])
def test_choices_survive_json_and_those_of_an_earlier_release_trust_the_network(
    checkpoint: Checkpoint, missing: tuple[str, ...]
) -> None:
    content = {name: value for name, value in checkpoint.validation.to_json().items() if name not in missing}
    assert Validation.from_json(content) == checkpoint.validation
