"""Losses of quantiles and of their mean."""

import pytest
import torch

from model.configuration.config import DEFAULT_QUANTILE_LEVELS
from model.networks.loss import huber, mean_weights


def test_a_target_that_was_not_observed_costs_nothing() -> None:
    forecast, target = torch.zeros(1, 3), torch.tensor([[0.5, 3.0, 1e6]])
    known = torch.tensor([[True, True, False]])
    assert float(huber(forecast, target, known)) == pytest.approx((0.125 + 2.5) / 2)


def test_the_mean_of_a_distribution_is_that_of_its_quantiles() -> None:
    levels = torch.tensor(DEFAULT_QUANTILE_LEVELS)
    weights = mean_weights(levels)
    assert float(weights.sum()) == pytest.approx(1)
    assert float((levels * weights).sum()) == pytest.approx(0.5)
