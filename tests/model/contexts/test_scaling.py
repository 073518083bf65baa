"""What is taken out comes back."""

import torch
from torch.testing import assert_close

from model.contexts.scaling import Scale


def test_what_is_removed_is_restored() -> None:
    values = torch.randn(5, 30, dtype=torch.float64) * 100 + 1e6
    scale = Scale.of(values)
    scaled = scale.remove(values)
    assert_close(scale.restore(scaled), values)
    assert_close(scaled.mean(1), torch.zeros(5, dtype=torch.float64), atol=1e-8, rtol=0)


def test_a_constant_has_no_spread_and_is_restored_to_its_level() -> None:
    for level in (0.0, 3.0, 0.1, 1e12):
        values = torch.full((1, 30), level, dtype=torch.float64)
        scale = Scale.of(values)
        assert float(scale.spread) == 0
        assert torch.equal(scale.remove(values), torch.zeros(1, 30, dtype=torch.float64))
        assert_close(scale.restore(torch.ones(1, 30, dtype=torch.float64)), values)
