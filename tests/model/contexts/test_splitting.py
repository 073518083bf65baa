"""What windows may see."""

from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from model import Panel, Series
from model.contexts.cuts import WindowShape
from model.contexts.splitting import split, split_by_horizon
from tests.model.conftest import season_and_trend, thinned

CPU = torch.device("cpu")


SHAPE = WindowShape("h", 24, context_length=48, horizon=12, validation_steps=60)


def test_training_targets_lie_before_the_validation_steps_and_validation_targets_within_them() -> None:
    panel = Panel((season_and_trend("a", length=300), season_and_trend("b", length=200, seed=1)))
    parts = split(panel, SHAPE, CPU)
    boundaries = {300: 300 - 60, 500: 500 - 60}
    for windows, inside in ((parts.training, False), (parts.validation, True)):
        for start, end in zip(windows.starts.tolist(), windows.ends.tolist(), strict=True):
            first_target = start + 48
            last_target = first_target + 11
            assert last_target < end
            assert (first_target >= boundaries[end]) if inside else (last_target < boundaries[end])


def test_no_window_reaches_from_one_series_into_the_next() -> None:
    panel = Panel((season_and_trend("a", length=300), season_and_trend("b", length=200, seed=1)))
    windows = split(panel, SHAPE, CPU).validation.with_horizon(40)
    assert len(windows) == 2 * (60 - 40 + 1)
    assert (windows.starts + 48 + 40 <= windows.ends).all()


def test_windows_that_do_not_overlap_are_counted_series_by_series() -> None:
    panel = Panel((season_and_trend("a", length=300), season_and_trend("b", length=200, seed=1)))
    windows = split(panel, SHAPE, CPU).validation
    assert windows.num_apart() == 2 * (60 // 12)
    assert windows.with_horizon(40).num_apart() == 2
    assert windows.with_horizon(61).num_apart() == 0


def test_nothing_after_the_cutoff_changes_what_the_network_sees() -> None:
    """A history that ends in a gap would be bridged by later values, so such windows are left out."""
    series = thinned(season_and_trend("a", length=300), keep=0.6)
    before = split(Panel((series,)), SHAPE, CPU).validation
    later = replace(series, values=np.where(np.arange(len(series)) == len(series) - 1, 99.0, series.values))
    after = split(Panel((later,)), SHAPE, CPU).validation
    numbers = torch.arange(len(before))
    assert len(before) == len(after)
    first, second = before.batch(numbers).context, after.batch(numbers).context

    def shapes(context: torch.Tensor) -> torch.Tensor:
        return (context - context.mean(1, keepdim=True)) / context.std(1, keepdim=True)

    assert torch.allclose(shapes(first), shapes(second), atol=1e-4)


def test_a_target_that_was_not_observed_does_not_count() -> None:
    series = thinned(season_and_trend("a", length=300), keep=0.6)
    batch = split(Panel((series,)), SHAPE, CPU).training.batch(torch.arange(20))
    assert 0.4 < float(batch.known.float().mean()) < 0.8


def test_windows_of_several_horizons_are_those_of_each_alone_over_one_copy_of_the_values() -> None:
    panel = Panel((season_and_trend("a", length=200), season_and_trend("b", length=150)))
    shape = WindowShape("h", 24, 48, 24, 60)
    parts = split_by_horizon(panel, shape, (6, 24), CPU)
    for part, alone in zip(
        parts, [split(panel, replace(shape, horizon=length), CPU) for length in (6, 24)], strict=True
    ):
        assert torch.equal(part.training.starts, alone.training.starts)
        assert torch.equal(part.validation.starts, alone.validation.starts)
        assert part.training.horizon == alone.training.horizon
    assert parts[0].training.values is parts[1].validation.values
    assert len(parts[0].training) > len(parts[1].training)


def daily(item_id: str, values: np.ndarray) -> Series:
    return Series.from_values(item_id, pd.date_range("2024-01-01", periods=len(values), freq="D"), values)


def test_a_whole_series_that_jumped_is_learned_from_as_if_it_had_not() -> None:
    shape = WindowShape("D", 7, context_length=28, horizon=7, validation_steps=40)
    noise = np.random.default_rng(0).normal(size=300)
    parts = split(Panel((daily("a", noise + 50 * (np.arange(300) >= 280)),)), shape, CPU)
    assert parts.validation.values.std() < 0.5 * 50 / 12.5
    assert parts.validation.level_season == 7


def test_histories_stay_as_they_are_where_jumps_have_gone_back() -> None:
    shape = WindowShape("D", 7, context_length=28, horizon=7, validation_steps=40)
    noise = np.random.default_rng(0).normal(size=300)
    away = np.arange(300) % 60 >= 53
    parts = split(Panel((daily("a", noise + 50 * away),)), shape, CPU)
    assert parts.validation.level_season == 0
    numbers = torch.arange(len(parts.validation))
    assert torch.equal(parts.validation.levelled_batch(numbers).context, parts.validation.batch(numbers).context)
