"""The line beside the flow."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from model import Checkpoint, Panel, TrainingConfig, fit
from model.contexts.splitting import Split
from model.contexts.windows import Windows
from model.networks.linear import LinearPath
from model.networks.network import ShootingNetwork
from model.training.blending import blend, ridge


def windows_of(values: torch.Tensor, *, context: int, horizon: int) -> Windows:
    num_windows = len(values) - context - horizon + 1
    ends = torch.full((num_windows,), len(values))
    known = torch.ones_like(values, dtype=torch.bool)
    return Windows(values, known, torch.arange(num_windows), ends, context_length=context, horizon=horizon)


def test_a_linear_recurrence_is_learned_in_closed_form_and_followed_past_the_trained_horizon() -> None:
    wave = torch.sin(torch.arange(400) * 2 * torch.pi / 12) + 3
    line = LinearPath(context_length=24, horizon=6)
    line.weights.copy_(ridge(windows_of(wave[:300], context=24, horizon=6))(1e-6))
    assert_close(line(wave[None, 276:300], 48), wave[None, 300:348], atol=1e-3, rtol=0)


def test_a_stronger_ridge_has_smaller_weights() -> None:
    solved = ridge(windows_of(torch.randn(300, generator=torch.Generator().manual_seed(0)), context=24, horizon=6))
    sizes = [float(solved(strength).norm()) for strength in (0.01, 1.0, 100.0)]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("anchored", [True, False])
def test_a_strong_ridge_says_the_last_value_or_the_level(*, anchored: bool) -> None:
    noise = torch.randn(300, generator=torch.Generator().manual_seed(0))
    line, context = LinearPath(context_length=24, horizon=6), noise[None, :24]
    line.weights.copy_(ridge(windows_of(noise, context=24, horizon=6))(1e9, anchored=anchored))
    says = context[:, -1:] if anchored else context.mean(1, keepdim=True)
    assert_close(line(context, 6), says.expand(-1, 6), atol=1e-4, rtol=0)


def test_without_a_ridge_it_is_the_same_line_around_either() -> None:
    solved = ridge(windows_of(torch.randn(300, generator=torch.Generator().manual_seed(0)), context=24, horizon=6))
    around = [solved(1e-6, anchored=anchored) for anchored in (False, True)]
    shapes = [weights - weights.mean(0) for weights in around]
    assert_close(*shapes, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("wanders", [True, False])
def test_the_line_of_walks_is_around_the_last_value_and_that_of_noise_around_the_level(
    config: TrainingConfig, *, wanders: bool
) -> None:
    noise = torch.randn(400, generator=torch.Generator().manual_seed(0))
    values = noise.cumsum(0) if wanders else noise
    windows = windows_of(values, context=config.context_length, horizon=config.horizon)
    before, after = (
        Windows(
            values,
            windows.observed,
            starts,
            windows.ends[: len(starts)],
            context_length=config.context_length,
            horizon=config.horizon,
        )
        for starts in (windows.starts[:150], windows.starts[150:])
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ShootingNetwork(replace(config, linear=True))
    form = blend(network, [Split(before, after)], season_length=1)
    assert form is not None
    assert form.anchored == wanders


def test_a_few_windows_that_swing_a_thousand_times_as_wide_do_not_decide_the_share(config: TrainingConfig) -> None:
    context, horizon = config.context_length, config.horizon
    wave = torch.sin(torch.arange(400) * 2 * torch.pi / 12)
    noise = 1000 * torch.randn(context + horizon + 4, generator=torch.Generator().manual_seed(0))
    calm = windows_of(wave, context=context, horizon=horizon)
    both = windows_of(torch.cat([wave, noise]), context=context, horizon=horizon)
    starts = torch.cat([calm.starts, len(wave) + torch.arange(5)])
    mixed = Windows(
        both.values, both.observed, starts, both.ends[: len(starts)], context_length=context, horizon=horizon
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ShootingNetwork(replace(config, linear=True))
    blend(network, [Split(calm, mixed)], season_length=1)
    assert network.linear is not None
    assert network.linear.share == 1


@pytest.mark.parametrize("kept", [1.0, 0.0])
def test_the_last_season_has_a_share_in_the_line_where_series_go_on_as_theirs_was(
    config: TrainingConfig, kept: float
) -> None:
    """Shapes of the day that move slowly, each series' own: too many for one line to learn."""
    random, day = torch.Generator().manual_seed(0), 24
    context, horizon = config.context_length, config.horizon
    moves = torch.randn(8, 60, day, generator=random)
    shapes = (moves.cumsum(1) if kept else moves).reshape(8, -1)
    each = [windows_of(one, context=context, horizon=horizon) for one in shapes]
    starts = torch.cat([one.starts[:: day // 2] + number * shapes.shape[1] for number, one in enumerate(each)])
    ends = (starts // shapes.shape[1] + 1) * shapes.shape[1]
    values = shapes.reshape(-1)
    known = torch.ones_like(values, dtype=torch.bool)
    windows = Windows(values, known, starts, ends, context_length=context, horizon=horizon)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ShootingNetwork(replace(config, linear=True))
    few = Windows(values, known, starts[:20], ends[:20], context_length=context, horizon=horizon)
    found = []
    for season_length in (1, day):
        form = blend(network, [Split(few, windows)], season_length)
        assert network.linear is not None
        assert form is not None
        found.append((form.season_share, network.linear.weights.clone()))
    (none, without), (some, with_season) = found
    assert none == 0
    assert (some > 0) == bool(kept)
    repeated = with_season - without
    assert bool(repeated.abs().sum() > 0) == bool(kept)


def test_the_line_moves_with_level_and_spread() -> None:
    torch.manual_seed(0)
    line, context = LinearPath(24, 6), torch.randn(3, 24)
    line.weights.normal_()
    assert_close(line(7 + 2 * context, 10), 7 + 2 * line(context, 10), rtol=1e-4, atol=1e-4)


def test_a_line_with_a_whole_share_gives_the_mean_and_leaves_the_spread(config: TrainingConfig) -> None:
    torch.manual_seed(0)
    network = ShootingNetwork(replace(config, linear=True)).eval()
    assert network.linear is not None
    context = torch.randn(4, config.context_length)
    before = network.predict(context, 30, network.flow.controls())
    assert_close(before, network(context, 30))
    network.linear.weights.normal_()
    network.linear.share.fill_(1.0)
    after = network.predict(context, 30, network.flow.controls())
    assert_close(after.diff(dim=-1), before.diff(dim=-1), atol=1e-4, rtol=1e-4)
    assert (after.diff(dim=-1) >= -1e-5).all()


def test_a_training_gives_the_line_a_share_and_the_checkpoint_keeps_it(checkpoint: Checkpoint) -> None:
    assert checkpoint.network.linear is not None
    assert checkpoint.network.linear.share > 0
    assert checkpoint.network.linear.weights.abs().sum() > 0


def test_a_version_of_an_earlier_release_has_no_line(panel: Panel, config: TrainingConfig) -> None:
    earlier = {name: value for name, value in config.to_json().items() if name != "linear"}
    old = TrainingConfig.from_json(earlier)
    assert not old.linear
    assert not any(name.startswith("linear.") for name in ShootingNetwork(old).state_dict())
    assert fit(panel, replace(old, num_epochs=1, steps_per_epoch=2), device="cpu").network.linear is None
