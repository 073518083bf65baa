"""What is more than chance."""

import pytest
import torch
from torch import Tensor

from model.contexts.windows import Windows
from model.training.evidence import Kinship, is_real

SERIES, STRETCHES = 7, 30
CHANNELS = Kinship(torch.arange(STRETCHES).repeat_interleave(SERIES), torch.arange(SERIES).repeat(STRETCHES))
"""Of each of seven series a window in each of thirty stretches of time, in time."""


def noise(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def moving_together(gain: float, seed: int) -> Tensor:
    """What happens in a stretch of time happens to all series."""
    return gain + noise(STRETCHES, seed=seed).repeat_interleave(SERIES) + 0.1 * noise(SERIES * STRETCHES, seed=seed + 1)


def found(gain: float) -> float:
    return sum(is_real(moving_together(gain, 2 * number), CHANNELS) for number in range(200)) / 200


def test_windows_that_share_their_time_do_not_make_chance_a_gain() -> None:
    assert found(0.0) <= 0.05
    alone = Kinship(torch.arange(SERIES * STRETCHES), torch.zeros(SERIES * STRETCHES, dtype=torch.long))
    taken_for_many = sum(is_real(moving_together(0.0, 2 * number), alone) for number in range(200)) / 200
    assert taken_for_many > 0.1


def test_a_gain_of_a_deviation_is_found() -> None:
    assert found(1.0) > 0.95


def test_one_series_that_gains_for_all_is_chance() -> None:
    gains = (CHANNELS.series == 3).double() + 0.01 * noise(SERIES * STRETCHES, seed=0)
    assert not is_real(gains, CHANNELS)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_gain_is_there_in_both_halves_of_time(sign: int) -> None:
    gains = torch.where(CHANNELS.stretches < STRETCHES // 2, 3.0, -0.1)
    assert gains.mean() > 0
    assert not is_real(gains.flip(0) if sign < 0 else gains, CHANNELS)


def test_few_stretches_have_to_agree_more() -> None:
    gains, series = torch.tensor([0.2, 1.0, 1.8, 1.0]), torch.zeros(4, dtype=torch.long)
    assert is_real(gains.repeat(4), Kinship(torch.arange(16), series.repeat(4)))
    assert not is_real(gains[:3], Kinship(torch.arange(3), series[:3]))


def test_series_alone_tell_where_all_windows_share_one_stretch_of_time() -> None:
    gains = 1 + noise(64, seed=0)
    assert is_real(gains, Kinship(torch.zeros(64, dtype=torch.long), torch.arange(64)))


def test_nothing_is_no_gain() -> None:
    assert not is_real(torch.zeros(64), Kinship(torch.arange(64), torch.arange(64)))
    assert not is_real(torch.zeros(0), Kinship(torch.arange(0), torch.arange(0)))


def test_stretches_are_counted_from_the_ends_of_series() -> None:
    starts, ends = torch.tensor([0, 3, 4, 100, 107]), torch.tensor([20, 20, 20, 120, 120])
    windows = Windows(torch.zeros(120), torch.ones(120).bool(), starts, ends, context_length=8, horizon=4)
    kinship = Kinship.of(windows, torch.arange(5), 4)
    assert kinship.series.unique(return_inverse=True)[1].tolist() == [0, 0, 0, 1, 1]
    assert kinship.stretches.tolist() == [-3, -3, -2, -3, -2]
    assert len(Kinship.together([kinship, kinship]).series) == 10
