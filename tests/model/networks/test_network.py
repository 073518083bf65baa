"""The network's quantiles."""

import torch
from torch.testing import assert_close

from model import TrainingConfig
from model.contexts.scaling import Scale
from model.networks.loss import pinball
from model.networks.network import ShootingNetwork


def test_quantiles_never_cross_even_before_training(config: TrainingConfig) -> None:
    torch.manual_seed(0)
    quantiles = ShootingNetwork(config)(10 * torch.randn(50, config.context_length), 100)
    assert (quantiles.diff(dim=-1) >= 0).all()


def test_a_shorter_horizon_is_the_beginning_of_a_longer_one(config: TrainingConfig) -> None:
    network = ShootingNetwork(config).eval()
    context = torch.randn(4, config.context_length)
    assert_close(network(context, 17), network(context, 60)[:, :17])


def test_a_batch_can_be_learned_by_heart(config: TrainingConfig) -> None:
    torch.manual_seed(0)
    network = ShootingNetwork(config)
    context, target = torch.randn(4, config.context_length), torch.randn(4, config.horizon)
    known = torch.ones_like(target, dtype=torch.bool)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        loss = pinball(network(Scale.of(context).remove(context), config.horizon), target, network.levels, known)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_the_pinball_loss_of_the_median_is_the_mean_absolute_error() -> None:
    target, median = torch.randn(3, 5), torch.randn(3, 5, 1)
    known = torch.tensor([[True, True, False, True, True]] * 3)
    expected = (target - median[..., 0]).abs()[known].mean()
    assert_close(pinball(median, target, torch.tensor([0.5]), known), expected)


def test_the_pinball_loss_is_least_at_the_quantile() -> None:
    sample = torch.randn(1, 20_000)
    known = torch.ones_like(sample, dtype=torch.bool)
    for level in (0.1, 0.5, 0.9):
        candidates = torch.linspace(-2, 2, 81)
        losses = [pinball(c.expand(1, 20_000, 1), sample, torch.tensor([level]), known).item() for c in candidates]
        best = candidates[int(torch.tensor(losses).argmin())]
        assert abs(best - sample.quantile(level)) < 0.06
