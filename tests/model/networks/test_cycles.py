"""The last periods together."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from model.networks.cycles import Cycles
from tests.model.networks.test_precedents import past_of

PERIOD = 12


def walk(length: int = 100) -> Tensor:
    return torch.randn(length, generator=torch.Generator().manual_seed(0), dtype=torch.float64).cumsum(0)


def said(values: Tensor, cycles: Cycles, steps: int = 30) -> Tensor:
    found = cycles.repeated([past_of(values, season=4, period=PERIOD)], steps)
    assert found is not None
    return found[0]


def test_what_has_a_period_goes_on() -> None:
    values = walk(PERIOD).repeat(10)
    for cycles in (Cycles(1, relative=False), Cycles(3, relative=True), Cycles(99, relative=False)):
        assert_close(said(values[:90], cycles), values[90:])


def test_noise_is_averaged_over_as_many_periods_as_are_asked_for() -> None:
    values = walk(96)
    assert_close(said(values, Cycles(4, relative=False))[:PERIOD], values[-4 * PERIOD :].view(4, PERIOD).mean(0))


def test_a_season_on_a_level_that_moved_is_put_on_the_last_one() -> None:
    season, levels = walk(PERIOD), torch.tensor([0.0, 5.0, -3.0, 40.0], dtype=torch.float64)
    values = (season + levels[:, None]).flatten()
    assert_close(said(values, Cycles(4, relative=True))[:PERIOD], season + 40)
    assert_close(said(values, Cycles(4, relative=False))[:PERIOD], season + levels.mean())


@pytest.mark.parametrize("relative", [True, False])
def test_scaling_and_shifting_a_history_does_so_with_what_is_said(relative: bool) -> None:
    cycles = Cycles(3, relative)
    assert_close(said(1e6 * walk() - 5e7, cycles), 1e6 * said(walk(), cycles) - 5e7)


def test_what_was_not_observed_has_no_share_unless_nothing_was() -> None:
    values = walk(PERIOD).repeat(4)
    past = past_of(values.clone(), season=4, period=PERIOD)
    past.values[-PERIOD + 2] = 1e9
    past.observed[-PERIOD + 2] = False
    past.observed[5::PERIOD] = False
    found = Cycles(4, relative=False).repeated([past], PERIOD)
    assert_close(found, values[None, :PERIOD])


def test_without_a_whole_period_nothing_is_said() -> None:
    assert Cycles(4, relative=False).repeated([past_of(walk(11), season=4, period=PERIOD)], 30) is None


def test_histories_say_the_same_together_as_alone() -> None:
    pasts = [past_of(walk(60) * scale, season=4, period=PERIOD) for scale in (1.0, -2.0, 30.0)]
    cycles = Cycles(3, relative=True)
    together = cycles.repeated(pasts, 20)
    assert together is not None
    for past, row in zip(pasts, together, strict=True):
        assert_close(cycles.repeated([past], 20), row[None])
