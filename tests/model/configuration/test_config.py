"""Choices that follow from the data, and those that users make."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from torch import device

from model import ConfigurationInvalid, Panel, Series, SeriesTooShort, TrainingConfig, TrainingOptions, choose_config
from model.configuration.choosing import HOLE_SHARE
from model.contexts.cuts import WindowShape
from model.contexts.splitting import Split, split
from tests.model.conftest import season_and_trend, thinned


def parts_of(panel: Panel, config: TrainingConfig) -> Split:
    shape = WindowShape(
        config.freq, config.season_length, config.context_length, config.horizon, config.validation_steps
    )
    return split(panel, shape, device("cpu"))


@pytest.mark.parametrize("freq", ["15min", "h", "D", "W-MON", "MS", "YE-DEC"])
@pytest.mark.parametrize("length", [16, 40, 144, 1000, 4000])
def test_every_series_that_is_long_enough_gives_windows_to_learn_from_and_to_validate_on(
    freq: str, length: int
) -> None:
    if freq == "YE-DEC" and length > 200:
        pytest.skip("no calendar is that long")
    panel = Panel((season_and_trend("a", length=length, freq=freq),))
    config = choose_config(panel, TrainingOptions())
    parts = parts_of(panel, config)
    assert len(parts.training) > 0
    assert len(parts.validation) > 0
    assert config.freq == freq


def test_three_points_are_too_few() -> None:
    with pytest.raises(SeriesTooShort, match="has 3 observations; training for a horizon of 1 steps needs at least 16"):
        choose_config(Panel((season_and_trend("a", length=3),)), TrainingOptions())


def test_a_horizon_needs_a_history_of_more_than_twice_its_length() -> None:
    with pytest.raises(SeriesTooShort, match="horizon of 100 steps needs at least 208"):
        choose_config(Panel((season_and_trend("a", length=150),)), TrainingOptions(horizon=100))


def test_what_the_user_chooses_is_taken(panel: Panel) -> None:
    chosen = TrainingOptions(horizon=10, context_length=50, patch_length=5, learning_rate=0.1, seed=3)
    config = choose_config(panel, chosen)
    assert {name: getattr(config, name) for name in chosen.chosen} == chosen.chosen


@pytest.mark.parametrize("options", [{"preset": "slow"}, {"time_budget_seconds": 0.0}, {"time_budget_seconds": -1.0}])
def test_a_preset_or_a_budget_that_cannot_be_is_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationInvalid, match=next(iter(options))):
        TrainingOptions(**options)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("horizon", 0),
        ("horizon", 10**9),
        ("context_length", -1),
        ("learning_rate", 0.0),
        ("dropout", 1.0),
        ("hole_share", 1.1),
        ("seed", -1),
    ],
)
def test_an_impossible_choice_is_refused_by_name(panel: Panel, field: str, value: float) -> None:
    with pytest.raises((ConfigurationInvalid, SeriesTooShort), match=field):
        choose_config(panel, dataclasses.replace(TrainingOptions(), **{field: value}))


@pytest.mark.parametrize("seed", range(8))
def test_a_series_with_holes_gives_windows_to_validate_on_though_the_usual_cutoff_may_be_one(seed: int) -> None:
    panel = Panel((thinned(season_and_trend("a", length=400), keep=0.6, seed=seed),))
    config = choose_config(panel, TrainingOptions())
    parts = parts_of(panel, config)
    assert len(parts.training) > 0
    assert len(parts.validation) > 0


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (TrainingOptions(horizon=100, patch_length=24), (25, 50, 100)),
        (TrainingOptions(horizon=100, patch_length=48), (50, 100)),
        (TrainingOptions(horizon=100, patch_length=48, preset="balanced"), (25, 50, 100)),
        (TrainingOptions(horizon=60, patch_length=12), (30, 60)),
        (TrainingOptions(horizon=20, patch_length=4), (20,)),
    ],
)
def test_batches_draw_their_length_from_the_halves_of_the_horizon_down_to_a_season_and_to_a_settled_patch(
    panel: Panel, options: TrainingOptions, expected: tuple[int, ...]
) -> None:
    assert choose_config(panel, options).horizons == expected


def test_a_small_panel_is_learned_from_several_seeds_where_trials_are_made() -> None:
    small, large = (Panel((season_and_trend("a", length=length),)) for length in (400, 12_000))
    assert choose_config(small, TrainingOptions(preset="balanced")).num_seeds > 1
    assert choose_config(small, TrainingOptions(preset="balanced", num_seeds=1)).num_seeds == 1
    assert choose_config(small, TrainingOptions()).num_seeds == 1
    assert choose_config(large, TrainingOptions(preset="best")).num_seeds == 1


@pytest.mark.parametrize("horizons", [(12, 20), (24, 12), (12, 12, 24), (0, 24), (24, 30)])
def test_training_horizons_that_do_not_ascend_to_the_horizon_are_refused(
    config: TrainingConfig, horizons: tuple[int, ...]
) -> None:
    with pytest.raises(ConfigurationInvalid, match="ascending lengths up to the horizon of 24"):
        dataclasses.replace(config, training_horizons=horizons)


def test_a_configuration_survives_json(config: TrainingConfig) -> None:
    assert TrainingConfig.from_json(config.to_json()) == config


def test_a_configuration_of_an_earlier_release_trains_on_one_horizon_without_a_loss_of_the_mean(
    config: TrainingConfig,
) -> None:
    later = {"training_horizons", "mean_weight"}
    earlier = {name: value for name, value in config.to_json().items() if name not in later}
    assert TrainingConfig.from_json(earlier).horizons == (config.horizon,)
    assert TrainingConfig.from_json(earlier).mean_weight == 0


@pytest.mark.parametrize("freq", ["us", "ms", "100ms", "s"])
def test_steps_far_shorter_than_a_day_can_be_trained_on(freq: str) -> None:
    walk = np.cumsum(np.random.default_rng(0).normal(size=200))
    assert choose_config(Panel((Series.from_grid("a", "2025-01-01", freq, walk),)), TrainingOptions()).freq == freq


def test_holes_are_torn_where_series_have_holes_of_their_own_or_where_that_is_asked_for() -> None:
    whole = Panel((season_and_trend("a"), season_and_trend("b", length=400)))
    holed = Panel((season_and_trend("a"), thinned(season_and_trend("b", length=400), keep=0.9)))
    assert choose_config(whole, TrainingOptions()).hole_share == 0
    assert choose_config(holed, TrainingOptions()).hole_share == HOLE_SHARE
    assert choose_config(holed, TrainingOptions(hole_share=0.0)).hole_share == 0
    assert choose_config(whole, TrainingOptions(hole_share=0.3)).hole_share == 0.3
