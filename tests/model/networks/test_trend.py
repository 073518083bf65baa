"""The change of a whole history, and its share."""

import torch
from torch.testing import assert_close

from model.networks.past import Past
from model.networks.trend import Trend, towards


def past(values: torch.Tensor, *, unknown: int = 0) -> Past:
    return Past(values, torch.arange(len(values)) >= unknown, 7, 7)


def test_the_trend_of_a_line_goes_on_as_the_line() -> None:
    line = 3 + 0.5 * torch.arange(50, dtype=torch.float64)
    assert_close(Trend.of([past(line[:40])]).path(10), line[None, 40:])


def test_what_was_filled_in_before_the_first_observation_does_not_count() -> None:
    line = torch.arange(40, dtype=torch.float64)
    filled = torch.cat([torch.full((10,), 99.0, dtype=torch.float64), line])
    assert_close(Trend.of([past(filled, unknown=10)]).slope, torch.ones(1, dtype=torch.float64))


def test_a_trend_that_is_not_trusted_is_the_last_value() -> None:
    trend = Trend.of([past(torch.randn(30, generator=torch.Generator().manual_seed(0)))])
    assert_close(trend.path(5, trust=0.0), trend.last[:, None].expand(-1, 5))


def test_quantiles_move_alike_and_with_a_whole_share_their_mean_is_the_path() -> None:
    quantiles = torch.randn(2, 12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).sort(-1).values
    path = torch.arange(8, dtype=torch.float64).expand(2, 8)
    found = towards(quantiles, quantiles.mean(-1), path, 1.0, 4)
    assert_close(found[:, :8].mean(-1), path)
    assert_close(found.diff(dim=-1), quantiles.diff(dim=-1))


def test_past_the_path_they_move_as_a_period_earlier_and_a_horizon_is_the_prefix_of_a_longer_one() -> None:
    quantiles = torch.randn(2, 20, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    path = torch.arange(8, dtype=torch.float64).expand(2, 8)
    moves = towards(quantiles, quantiles.mean(-1), path, 0.5, 4) - quantiles
    assert_close(moves[:, 8:12], moves[:, 4:8])
    assert_close(moves[:, 12:20], moves[:, 4:12][:, [0, 1, 2, 3, 0, 1, 2, 3]])
    short = towards(quantiles[:, :5], quantiles[:, :5].mean(-1), path, 0.5, 4)
    assert_close(short, quantiles[:, :5] + moves[:, :5])
