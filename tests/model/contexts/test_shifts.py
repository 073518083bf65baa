"""Which histories jumped, and by how much."""

import numpy as np
import pytest
import torch
from torch import Tensor

from model.contexts.shifts import levelled, shifts_in, stay

LENGTH, SEASON = 168, 7


def weekly(seed: int = 0, noise: float = 0.5) -> Tensor:
    random = np.random.default_rng(seed)
    steps = np.arange(LENGTH)
    return torch.tensor(10 + 3 * np.sin(2 * np.pi * steps / SEASON) + noise * random.normal(size=LENGTH))


def jumped(history: Tensor, since: int, size: float) -> Tensor:
    moved = history.clone()
    moved[-since:] += size
    return moved


@pytest.mark.parametrize("since", [4, 5, 11, 60, 150])
@pytest.mark.parametrize("size", [12.0, -12.0, 100.0])
def test_a_jump_is_found_where_it_was_and_as_large(since: int, size: float) -> None:
    histories = torch.stack([jumped(weekly(seed), since, size) for seed in range(20)])
    shifts = shifts_in(histories, SEASON)
    assert shifts.at.tolist() == [LENGTH - since] * 20
    assert (shifts.sizes - size).abs().max() < 1.5
    assert abs(float(shifts.sizes.mean()) - size) < 0.3


def test_a_history_that_jumped_looks_as_if_it_had_not() -> None:
    histories = torch.stack([jumped(weekly(seed), 9, 30.0) for seed in range(20)])
    still = torch.stack([weekly(seed) + 30 for seed in range(20)])
    assert torch.equal(levelled(histories, SEASON)[:, -9:], histories[:, -9:])
    assert (levelled(histories, SEASON) - still).abs().max() < 1.5


def test_scaling_and_shifting_a_history_changes_nothing_of_a_jump() -> None:
    history = jumped(weekly(), 9, 30.0)[None]
    moved = levelled(1000 * history - 5e5, SEASON)
    assert torch.allclose(moved, 1000 * levelled(history, SEASON) - 5e5)


def test_what_did_not_jump_stays_as_it_is() -> None:
    steps = torch.arange(LENGTH, dtype=torch.float64)
    spike, weekend_away = weekly(), weekly()
    spike[-1] += 50
    weekend_away[-3:] -= 50
    twice = jumped(jumped(weekly(), 60, 30.0), 20, -30.0)
    torch.manual_seed(0)
    histories = [
        weekly(),
        spike,
        weekend_away,
        twice,
        steps,
        1.05**steps,
        torch.zeros(LENGTH, dtype=torch.float64),
        *torch.randn(200, LENGTH, dtype=torch.float64),
        *torch.randn(200, LENGTH, dtype=torch.float64).cumsum(1),
        *torch.distributions.StudentT(2.0).sample((200, LENGTH)).double(),
        *(torch.rand(200, LENGTH, dtype=torch.float64) < 0.1).double(),
    ]
    whole = torch.stack(histories)
    for season in (1, SEASON, 24):
        assert levelled(whole, season) is whole


def test_an_outlier_before_a_jump_does_not_hide_it() -> None:
    history = jumped(weekly(), 9, 30.0)
    history[60] = 500.0
    assert shifts_in(history[None], SEASON).at.tolist() == [LENGTH - 9]


def test_a_price_that_was_changed_has_jumped() -> None:
    prices = torch.tensor([9.99] * 20 + [12.99] * 4)[None]
    assert torch.allclose(levelled(prices, 7), torch.full((1, 24), 12.99))


@pytest.mark.parametrize("length", [2, 5, 11])
def test_a_history_too_short_for_a_jump_stays_as_it_is(length: int) -> None:
    history = jumped(weekly()[:length], length // 2, 100.0)[None]
    assert levelled(history, 1) is history


def test_jumps_stay_unless_what_followed_went_back() -> None:
    histories = torch.stack([jumped(weekly(seed), 9, 30.0) for seed in range(20)])
    new, old = torch.full((20,), 40.0), torch.full((20,), 10.0)
    assert stay(histories, new.double(), SEASON)
    assert not stay(histories, old.double(), SEASON)
    assert stay(torch.stack([weekly(seed) for seed in range(20)]), old.double(), SEASON)
