"""What a series' own past says."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from model.networks.cycles import Cycles
from model.networks.lens import Lens, followed
from model.networks.past import Past
from model.networks.precedents import Precedents, moved

NEAR, WIDE = Lens(12, 16.0, 0.1, relative=False), Lens(48, 0.0, 0.01, relative=True)


def past_of(values: Tensor, season: int = 24, period: int | None = None) -> Past:
    return Past(values, torch.ones(len(values), dtype=torch.bool), season, season if period is None else period)


def logistic(length: int) -> Tensor:
    """Chaos: what comes next follows from the last value, but by no line."""
    values = [0.3]
    for _ in range(length - 1):
        values.append(3.9 * values[-1] * (1 - values[-1]))
    return torch.tensor(values, dtype=torch.float64)


def test_chaos_is_followed_by_near_precedents_where_a_line_fails() -> None:
    values = logistic(1004)
    near, line = (followed(past_of(values[:1000], 1), 4, Lens(4, at, 0.01, relative=False)) for at in (64.0, 0.0))
    assert near is not None
    assert line is not None
    assert (near - values[1000:]).abs().mean() < 0.1 * (line - values[1000:]).abs().mean()


def test_a_season_on_a_trend_goes_on_through_a_relative_lens() -> None:
    steps = torch.arange(624, dtype=torch.float64)
    values = 3 * torch.sin(steps * 2 * torch.pi / 24) + 0.01 * steps
    said = followed(past_of(values[:600]), 24, Lens(48, 0.0, 1e-4, relative=True))
    assert_close(said, values[600:], atol=0.02, rtol=0)


@pytest.mark.parametrize("lens", [NEAR, WIDE])
def test_scaling_and_shifting_a_history_scales_and_shifts_what_followed(lens: Lens) -> None:
    values = torch.randn(300, generator=torch.Generator().manual_seed(0), dtype=torch.float64).cumsum(0)
    plain, other = followed(past_of(values), 12, lens), followed(past_of(1000 * values - 5e5), 12, lens)
    assert plain is not None
    assert_close(other, 1000 * plain - 5e5, rtol=1e-4, atol=1e-1)


def test_what_was_not_observed_is_no_precedent() -> None:
    values = torch.sin(torch.arange(600, dtype=torch.float64) * 2 * torch.pi / 24)
    spoilt, observed = values.clone(), torch.ones(600, dtype=torch.bool)
    spoilt[:300], observed[:300] = 5.0, False
    past = Past(spoilt, observed, 24, 24)
    said = followed(past, 12, Lens(24, 4.0, 0.01, relative=False))
    assert_close(said, values[:12], atol=0.1, rtol=0)


@pytest.mark.parametrize("values", [torch.ones(600), torch.arange(20.0)])
def test_a_constant_or_a_short_history_says_nothing(values: Tensor) -> None:
    assert followed(past_of(values.double()), 12, NEAR) is None


def test_what_followed_stays_within_reach_of_the_history() -> None:
    values = torch.exp(torch.arange(200, dtype=torch.float64) / 20)
    said = followed(past_of(values), 100, Lens(4, 0.0, 0.0, relative=False))
    assert said is not None
    assert said.isfinite().all()
    assert said.max() <= 2 * values.max()


def test_quantiles_take_the_share_of_precedents_keep_their_spread_and_never_cross() -> None:
    values = logistic(600)
    quantiles = torch.rand(1, 60, 13, generator=torch.Generator().manual_seed(0), dtype=torch.float64).cumsum(-1)
    past, whole = [past_of(values)], Precedents((NEAR,), (1.0,))
    said, after = followed(past[0], 24, NEAR), moved(quantiles, whole, past, 24)
    assert said is not None
    assert_close(after[0, :24, 6], said)
    assert_close(after[..., -1] - after[..., 0], quantiles[..., -1] - quantiles[..., 0])
    half = moved(quantiles, replace(whole, shares=(0.5,)), past, 24)
    assert_close(half, (quantiles + after) / 2)
    assert (half.diff(dim=-1) >= 0).all()
    assert_close(moved(quantiles[:, :10], whole, past, 24), after[:, :10])


@pytest.mark.parametrize("period", [12, 24])
def test_past_the_trained_horizon_a_lens_repeats_its_last_period(period: int) -> None:
    values = logistic(600)
    quantiles = torch.rand(1, 60, 13, generator=torch.Generator().manual_seed(0), dtype=torch.float64).cumsum(-1)
    after = moved(quantiles, Precedents((NEAR,), (1.0,)), [past_of(values, period=period)], 24)
    assert_close(after[0, 24:, 6], after[0, 24 - period : 24, 6].repeat(3)[:36])
    assert_close((after - quantiles)[0, 24:], (after - quantiles)[0, 24:, 6:7].expand(-1, 13))


def test_past_a_horizon_without_a_whole_period_a_lens_repeats_its_last_season_and_cycles_go_on() -> None:
    values = torch.arange(300, dtype=torch.float64) % 30
    quantiles = torch.zeros(1, 60, 13, dtype=torch.float64)
    past = [past_of(values, season=6, period=30)]
    lens, cycles = (
        moved(quantiles, Precedents((one,), (1.0,)), past, 12)[0, :, 6] for one in (NEAR, Cycles(2, relative=False))
    )
    assert_close(lens[12:], lens[6:12].repeat(8))
    assert_close(cycles, values[:60])


def test_a_history_says_the_same_whatever_others_are_asked_with_it() -> None:
    random = torch.Generator().manual_seed(0)
    walks = [
        torch.randn(length, generator=random, dtype=torch.float64).cumsum(0)
        for length in (300, 700, 300, 11_000, 12_000)
    ]
    pasts = [past_of(values) for values in (*walks, torch.full((300,), 4.0), walks[0][:20])]
    quantiles = torch.rand(len(pasts), 30, 13, generator=random, dtype=torch.float64).cumsum(-1)
    looks = (NEAR, WIDE, replace(NEAR, locality=4.0), Cycles(4, relative=True))
    both = Precedents(looks, (0.25, 0.25, 0.125, 0.25))
    together = moved(quantiles, both, pasts, 24)
    for number, past in enumerate(pasts):
        alone = moved(quantiles[number : number + 1], both, [past], 24)
        assert_close(together[number : number + 1], alone, rtol=1e-4, atol=1e-4)
    assert torch.equal(together[6:], quantiles[6:])
    assert not torch.equal(together[:5], quantiles[:5])


def test_precedents_survive_json_and_impossible_ones_are_refused() -> None:
    some = Precedents((NEAR, WIDE, Cycles(4, relative=True)), (0.5, 0.25, 0.125))
    some.check()
    assert Precedents.from_json(some.to_json()) == some
    for wrong in (replace(some, shares=(0.5,)), replace(some, shares=(0.5, float("nan")))):
        with pytest.raises(ValueError, match="shares"):
            wrong.check()
    with pytest.raises(ValueError, match="lengths"):
        replace(some, lenses=(replace(NEAR, length=0), *some.lenses[1:])).check()
    with pytest.raises(ValueError, match="lengths"):
        replace(some, lenses=(NEAR, WIDE, Cycles(0, relative=True))).check()


def test_what_followed_the_same_stretch_before_is_said_whatever_the_scale_of_the_rest() -> None:
    random = np.random.default_rng(0)
    motif = random.normal(size=36)
    values = torch.from_numpy(np.concatenate([random.normal(size=100), motif, random.normal(size=200), motif[:12]]))
    said = followed(past_of(values, 1), 24, Lens(12, 64.0, 1.0, relative=False))
    assert_close(said, torch.from_numpy(motif[12:]), atol=0.1, rtol=0)


def test_of_a_long_history_the_nearest_precedents_are_used() -> None:
    values = logistic(3004)
    said = followed(past_of(values[:3000], 1), 1, Lens(4, 0.0, 1e-4, relative=False))
    recent = followed(past_of(values[2000:3000], 1), 1, Lens(4, 0.0, 1e-4, relative=False))
    assert said is not None
    assert recent is not None
    assert abs(float(said[0] - values[3000])) < 0.5 * abs(float(recent[0] - values[3000]))
