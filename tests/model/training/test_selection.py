"""Choices by trial: repeatable, resumable, and never against the user's own."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model import Panel, Series, TrainingCancelled, TrainingOptions, Trial, choose_config, fit, select
from model.training.selection import AS_GOOD, SHORT_IN_TRIALS
from tests.model.conftest import season_and_trend

QUICK = TrainingOptions(
    horizon=24,
    context_length=48,
    state_size=8,
    num_particles=4,
    num_epochs=10,
    steps_per_epoch=4,
    batch_size=16,
    validation_steps=30,
    preset="balanced",
)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel((season_and_trend("a", length=160), season_and_trend("b", length=120, seed=1)))


def without_times(trials: tuple[Trial, ...]) -> list[Trial]:
    return [replace(trial, seconds=0.0) for trial in trials]


def test_the_preset_that_tries_nothing_leaves_all_to_the_rules(panel: Panel) -> None:
    chosen = select(panel, replace(QUICK, preset="fast"))
    assert chosen.config == choose_config(panel, replace(QUICK, preset="fast"))
    assert chosen.trials == ()


def test_the_same_seed_chooses_the_same_and_an_interrupted_choice_repeats_no_trial(
    panel: Panel, tmp_path: Path
) -> None:
    told: list[Trial] = []
    whole = select(panel, QUICK, on_trial=told.append)
    assert tuple(told) == whole.trials
    batches = itertools.count()
    some: list[Trial] = []
    with pytest.raises(TrainingCancelled):
        select(panel, QUICK, record_path=tmp_path / "t", on_trial=some.append, should_stop=lambda: next(batches) >= 10)
    rest: list[Trial] = []
    resumed = select(panel, QUICK, record_path=tmp_path / "t", on_trial=rest.append)
    assert some
    assert tuple(some + rest) == resumed.trials
    assert resumed.config == whole.config
    assert without_times(resumed.trials) == without_times(whole.trials)
    other: list[Trial] = []
    select(panel, replace(QUICK, seed=1), record_path=tmp_path / "t", on_trial=other.append)
    assert len(other) == len(whole.trials)


def test_what_the_user_chose_is_not_tried_otherwise(panel: Panel) -> None:
    own = replace(QUICK, patch_length=12, dropout=0.1, learning_rate=0.02)
    chosen = select(panel, own)
    assert {(one.patch_length, one.dropout, one.learning_rate, one.context_length) for one in chosen.trials} == {
        (12, 0.1, 0.02, 48)
    }
    assert {one.anchored for one in chosen.trials} == {False, True}


def test_the_shortest_patch_is_taken_among_those_as_good_as_the_best(panel: Panel) -> None:
    chosen = select(panel, replace(QUICK, horizon=36, validation_steps=40, dropout=0.0, learning_rate=0.01))
    plain = [trial for trial in chosen.trials if not trial.anchored]
    patches = [trial.patch_length for trial in plain]
    assert len(patches) > 1
    assert patches == sorted(patches)
    limit = AS_GOOD * min(trial.score for trial in plain)
    assert chosen.config.patch_length == next(trial.patch_length for trial in plain if trial.score <= limit)


@pytest.mark.parametrize("noise", [0.0, 1000.0])
def test_a_training_is_short_where_a_trial_of_twice_the_length_is_no_better(panel: Panel, noise: float) -> None:
    drawn = np.random.default_rng(0)
    noisy = [one.values + noise * drawn.normal(size=len(one)) for one in panel]
    again = Panel(
        tuple(Series.from_values(one.item_id, one.timestamps, values) for one, values in zip(panel, noisy, strict=True))
    )
    own = replace(QUICK, num_epochs=None, patch_length=24, dropout=0.0, learning_rate=0.01, steps_per_epoch=8)
    chosen = select(again, own)
    *_, twice = chosen.trials
    once = next(
        trial
        for trial in chosen.trials
        if replace(trial, score=0.0, seconds=0.0, num_steps=0) == replace(twice, score=0.0, seconds=0.0, num_steps=0)
    )
    assert twice.num_steps == 2 * once.num_steps
    is_short = once.score <= AS_GOOD * twice.score
    assert chosen.config.num_epochs == (SHORT_IN_TRIALS * once.num_steps // 8 if is_short else 20)
    assert is_short == (noise > 0)


@pytest.mark.parametrize("horizon", [24, 48], ids=["one patch is possible", "several are"])
def test_a_time_budget_ends_the_trials_and_shortens_the_training(panel: Panel, horizon: int) -> None:
    chosen = select(panel, replace(QUICK, horizon=horizon, validation_steps=60, time_budget_seconds=1e-6))
    assert len(chosen.trials) == 1
    assert chosen.config.num_epochs == 1


def test_without_time_for_more_what_was_tried_stays_and_one_network_is_trained(panel: Panel) -> None:
    hurried = replace(QUICK, steps_per_epoch=20, horizon=48, validation_steps=60, time_budget_seconds=1e-6)
    assert choose_config(panel, hurried).num_seeds > 1
    chosen = select(panel, hurried)
    (only,) = chosen.trials
    config = chosen.config
    assert (config.num_seeds, config.num_epochs) == (1, 1)
    assert (only.patch_length, only.dropout, only.learning_rate) == (
        config.patch_length,
        config.dropout,
        config.learning_rate,
    )
    assert select(panel, replace(hurried, num_seeds=2)).config.num_seeds == 2


def test_a_budget_shortens_what_tries_nothing_else_and_one_that_is_ample_changes_nothing(panel: Panel) -> None:
    fast = replace(QUICK, preset="fast")
    short = select(panel, replace(fast, time_budget_seconds=1e-6))
    assert (short.config.num_epochs, len(short.trials)) == (1, 1)
    assert "budget" in next(reason.why for reason in short.reasons if reason.choice == "num_epochs")
    assert select(panel, replace(fast, time_budget_seconds=1e6)).config == choose_config(panel, fast)


def test_a_walk_without_a_memory_is_forecast_relative_to_its_last_value() -> None:
    walk = np.cumsum(np.random.default_rng(0).normal(size=300))
    panel = Panel((Series.from_values("w", pd.date_range("2026-01-01", periods=300, freq="D"), walk),))
    options = replace(QUICK, horizon=7, num_epochs=20, steps_per_epoch=10, learning_rate=0.02, dropout=0.0)
    assert select(panel, options).config.anchored


def test_the_manifest_says_what_was_tried(panel: Panel, tmp_path: Path) -> None:
    chosen = select(panel, replace(QUICK, dropout=0.0, learning_rate=0.01))
    checkpoint = fit(panel, chosen.config, trials=chosen.trials, device="cpu")
    checkpoint.save(tmp_path / "c")
    assert type(checkpoint).load(tmp_path / "c").manifest == checkpoint.manifest
    assert checkpoint.manifest.trials == chosen.trials
    assert all("after" in str(trial) for trial in chosen.trials)
