"""Calibrated intervals cover what they promise."""

from statistics import NormalDist

import numpy as np
import pytest
import torch

from model.calibration import Calibration, Residuals, calibrate
from model.config import DEFAULT_QUANTILE_LEVELS as LEVELS


def forecasts_with_spread(spread: float, *, num_windows: int = 400, horizon: int = 24) -> Residuals:
    """Standard normal targets, forecast with normal quantiles of another spread."""
    random = np.random.default_rng(0)
    quantiles = np.array([spread * NormalDist().inv_cdf(level) for level in LEVELS])
    shape = (num_windows, horizon)
    return Residuals(np.broadcast_to(quantiles, (*shape, len(LEVELS))), random.normal(size=shape), np.ones(shape, bool))


@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
def test_intervals_that_are_too_narrow_or_too_wide_come_to_cover_what_they_promise(spread: float) -> None:
    calibration = calibrate(forecasts_with_spread(spread), LEVELS, bucket_length=12)
    assert calibration.summary.realised_coverage == pytest.approx(0.8, abs=0.02)
    fresh = np.random.default_rng(1).normal(size=(400, 24))
    quantiles = torch.tensor(forecasts_with_spread(spread).quantiles.copy())
    moved = calibration.apply(quantiles, torch.ones(400, 1)).numpy()
    for pair, level in enumerate(LEVELS[: len(LEVELS) // 2]):
        covered = (fresh >= moved[..., pair]) & (fresh <= moved[..., -1 - pair])
        assert covered.mean() == pytest.approx(1 - 2 * level, abs=0.025)
    assert (np.diff(moved, axis=-1) >= 0).all()


def test_shrinking_never_crosses_the_median() -> None:
    calibration = Calibration(12, ((-5.0,) * 6,), calibrate(forecasts_with_spread(1.0), LEVELS, 12).summary)
    moved = calibration.apply(torch.tensor(forecasts_with_spread(1.0).quantiles.copy()), torch.ones(400, 1))
    assert (moved == moved[..., 6:7]).all()


def test_too_few_windows_leave_the_quantiles_alone() -> None:
    calibration = calibrate(forecasts_with_spread(0.3, num_windows=1), LEVELS, 12)
    assert calibration.summary.method == "none"
    quantiles = torch.tensor(forecasts_with_spread(0.3).quantiles.copy())
    assert torch.equal(calibration.apply(quantiles, torch.ones(400, 1)), quantiles)


def test_a_calibration_survives_json() -> None:
    calibration = calibrate(forecasts_with_spread(0.3), LEVELS, 12)
    assert Calibration.from_json(calibration.to_json()) == calibration
