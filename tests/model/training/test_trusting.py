"""How far what was learned is trusted."""

import pytest
import torch

from model.networks.past import Past
from model.networks.trend import Trend
from model.training.evidence import Kinship
from model.training.trusting import HEDGED, Told, best_trust, most_trust, trend_share

HORIZON = 5


def told(*, slope: float, gain: float, num_series: int = 12, noise: float = 1.0, seed: int = 0) -> Told:
    """Walks with a trend; what is said goes so much of the way from the last value to the target."""
    random = torch.Generator().manual_seed(seed)
    steps = slope + noise * torch.randn(num_series, 200, generator=random, dtype=torch.float64)
    walks = steps.cumsum(1)
    cutoffs = range(100, 200 - HORIZON, HORIZON)
    pasts = [Past(walk[:cutoff], torch.ones(cutoff, dtype=torch.bool), 1, 1) for cutoff in cutoffs for walk in walks]
    target = torch.stack([walk[cutoff : cutoff + HORIZON] for cutoff in cutoffs for walk in walks])
    trend = Trend.of(pasts)
    said = trend.last[:, None] + gain * (target - trend.last[:, None])
    stretches = torch.arange(len(cutoffs)).repeat_interleave(num_series)
    series = torch.arange(num_series).repeat(len(cutoffs))
    known, unit = torch.ones_like(target, dtype=torch.bool), torch.ones(len(target), 1, dtype=torch.float64)
    return Told(said, target, known, unit, trend, Kinship(stretches, series))


def test_the_trend_has_a_share_where_series_have_one_and_none_where_they_only_wander() -> None:
    assert trend_share([told(slope=0.5, gain=0.0)]) == 0.5
    assert trend_share([told(slope=0.0, gain=0.0)]) == 0


def test_the_trend_has_none_where_what_was_learned_is_better() -> None:
    assert trend_share([told(slope=0.5, gain=0.9)]) == 0


@pytest.mark.parametrize(("gain", "most"), [(0.5, 1.0), (0.01, HEDGED), (-0.01, 0.0)])
def test_what_is_hardly_better_than_the_last_value_is_hedged_and_what_is_worse_is_left(
    gain: float, most: float
) -> None:
    assert most_trust([told(slope=0.0, gain=gain)], 0.0) == most


def test_one_horizon_at_which_it_is_worse_is_enough_where_the_rest_is_in_doubt_and_not_where_it_is_plain() -> None:
    worse, hardly, plainly = (told(slope=0.0, gain=gain) for gain in (-0.01, 0.01, 0.5))
    assert most_trust([worse, hardly], 0.0) == 0
    assert most_trust([worse, plainly], 0.0) == 1


def test_the_best_trust_is_the_one_with_the_least_error_where_it_does_worst() -> None:
    assert best_trust([told(slope=0.0, gain=2.0), told(slope=0.0, gain=2.0, seed=1)], 0.0) == 0.5
    assert best_trust([told(slope=0.0, gain=1.0)], 0.0) == 1
