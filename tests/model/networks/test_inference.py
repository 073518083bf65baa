"""Forecasts far past the trained horizon."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from model import Checkpoint
from model.networks.inference import Predictor
from model.networks.network import ShootingNetwork
from model.shooting.control_cache import ControlCache


def contexts(length: int = 72) -> Tensor:
    steps = torch.arange(length, dtype=torch.float64)
    season = torch.sin(2 * torch.pi * steps / 24)
    torch.manual_seed(0)
    noise = torch.randn(4, length, dtype=torch.float64)
    outlier = season.clone()
    outlier[-1] = 1e6
    rows = [10 + 3 * season, season + 0.3 * steps, outlier, noise.cumsum(1)[0]]
    return torch.stack(rows)


def predictor(network: ShootingNetwork, *, blocks: int) -> Predictor:
    return Predictor(network, block_length=blocks * network.horizon, season_length=24)


def runaway(network: ShootingNetwork) -> ShootingNetwork:
    """The same network with a read-out that makes each block three times as wide as its context."""
    with torch.no_grad():
        network.median_head.weight *= 3
    return network


@pytest.fixture
def network(checkpoint: Checkpoint) -> ShootingNetwork:
    again = ShootingNetwork(checkpoint.config)
    again.load_state_dict(checkpoint.network.state_dict())
    return again


@pytest.mark.parametrize("blocks", [1, 4])
def test_a_hundred_horizons_ahead_forecasts_stay_near_the_known_range(network: ShootingNetwork, blocks: int) -> None:
    for model in (network, runaway(network)):
        quantiles = predictor(model, blocks=blocks).quantiles(contexts(), 100 * model.horizon)
        known = torch.cat([contexts(), quantiles[:, : model.horizon, model.median]], dim=1)
        room = 0.5 * (known.amax(1) - known.amin(1)) * (1 + 1e-9)
        late = quantiles[:, model.horizon :, model.median]
        assert torch.isfinite(quantiles).all()
        assert (late.amax(1) <= known.amax(1) + room).all()
        assert (late.amin(1) >= known.amin(1) - room).all()
        assert (quantiles.diff(dim=-1) >= 0).all()


@pytest.mark.parametrize("blocks", [1, 4])
def test_within_the_trained_horizon_a_forecast_is_what_the_network_says(network: ShootingNetwork, blocks: int) -> None:
    short, long = 24, 2000
    found = predictor(network, blocks=blocks).quantiles(contexts(), long)[:, :short]
    scaled = contexts()
    level, spread = scaled.mean(1, keepdim=True), scaled.std(1, keepdim=True, correction=0)
    with torch.no_grad():
        scaled = ((scaled - level) / spread).float()
        raw = network.eval().predict(scaled, short, ControlCache(network.flow)).double()
    assert_close(found, raw * spread[..., None] + level[..., None], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("blocks", [1, 2])
def test_a_shorter_horizon_is_the_beginning_of_a_longer_one(network: ShootingNetwork, blocks: int) -> None:
    model = predictor(network, blocks=blocks)
    longest = model.quantiles(contexts(), 200)
    for horizon in (1, 23, 24, 25, 48, 49, 100):
        assert_close(model.quantiles(contexts(), horizon), longest[:, :horizon], rtol=1e-5, atol=1e-5)


def test_scaling_and_shifting_a_series_scales_and_shifts_its_far_forecast(network: ShootingNetwork) -> None:
    model = predictor(runaway(network), blocks=1)
    plain, moved = model.quantiles(contexts(), 400), model.quantiles(50 * contexts() - 7000, 400)
    assert_close(moved, 50 * plain - 7000, rtol=1e-3, atol=1e-1)


@pytest.mark.parametrize("blocks", [1, 2, 8])
def test_intervals_do_not_narrow_however_the_network_runs(network: ShootingNetwork, blocks: int) -> None:
    model = predictor(runaway(network), blocks=blocks)
    quantiles = model.quantiles(contexts(), 600)
    width = (quantiles[..., -1] - quantiles[..., 0]).unflatten(1, (-1, 24))
    assert (width.diff(dim=1) >= -1e-9 * width.amax((1, 2), keepdim=True)).all()


def test_a_season_is_still_there_after_a_hundred_horizons(network: ShootingNetwork) -> None:
    far = predictor(network, blocks=1).quantiles(contexts()[:1], 2400)[0, -48:, network.median]
    season = contexts()[0, 24:]
    assert torch.corrcoef(torch.stack([far, season]))[0, 1] > 0.9


def test_a_network_that_is_not_trusted_repeats_the_last_value_with_intervals_as_wide(network: ShootingNetwork) -> None:
    def said(trust: float, width: float = 1.0) -> tuple[Tensor, Tensor]:
        predictor = Predictor(network, block_length=24, season_length=24, trust=trust, width=width)
        quantiles = predictor.quantiles(contexts(), 24)
        return quantiles, predictor.mean(quantiles)

    median = network.median
    (whole, whole_mean), (_, half_mean), (none, none_mean) = said(1.0), said(0.5), said(0.0)
    last = contexts()[:, -1:].expand(-1, 24)
    assert_close(none_mean, last)
    assert_close(half_mean, (last + whole_mean) / 2)
    assert_close(none - none[..., median, None], whole - whole[..., median, None])
    assert_close(said(0.0, 0.0)[0], last[..., None].expand_as(whole))
