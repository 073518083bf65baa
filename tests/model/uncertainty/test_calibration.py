"""Calibrated intervals cover what they promise."""

import json
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
import torch

from model.configuration.config import DEFAULT_QUANTILE_LEVELS as LEVELS
from model.uncertainty.calibration import LEAST_WIDTH, Calibration, Residuals, calibrate


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


def test_shrinking_never_crosses_the_median_and_leaves_some_width() -> None:
    calibration = Calibration(12, ((-5.0,) * 6,), calibrate(forecasts_with_spread(1.0), LEVELS, 12).summary)
    before = torch.tensor(forecasts_with_spread(1.0).quantiles.copy())
    moved = calibration.apply(before, torch.ones(400, 1))
    torch.testing.assert_close(moved - moved[..., 6:7], LEAST_WIDTH * (before - before[..., 6:7]))
    assert (moved.diff(dim=-1) > 0).all()


def test_quantiles_of_a_network_that_went_on_are_calibrated_as_those_that_were_judged() -> None:
    judged = torch.tensor(forecasts_with_spread(1.0, num_windows=4).quantiles.copy())
    ratios = torch.linspace(0.5, 2, 24, dtype=torch.float64)
    calibration = calibrate(forecasts_with_spread(1.0), LEVELS, 12)
    restoring = replace(calibration, restored=tuple(ratios.tolist()))
    torch.testing.assert_close(
        restoring.apply(judged / ratios[:, None], torch.ones(4, 1)), calibration.apply(judged, torch.ones(4, 1))
    )
    farther = torch.cat([judged, judged], dim=1)
    later = restoring.apply(farther, torch.ones(4, 1))[:, 24:]
    torch.testing.assert_close(later, calibration.apply(torch.cat([judged, 2 * judged], 1), torch.ones(4, 1))[:, 24:])
    assert Calibration.from_json(json.loads(json.dumps(restoring.to_json()))) == restoring


def test_intervals_of_unequal_widths_that_are_all_too_wide_do_not_collapse() -> None:
    far, near = forecasts_with_spread(3.0), forecasts_with_spread(0.6)
    found = Residuals(
        np.where(np.arange(400)[:, None, None] % 2, far.quantiles, near.quantiles), 0.1 * far.target, far.known
    )
    calibration = calibrate(found, LEVELS, 12)
    moved = calibration.apply(torch.tensor(found.quantiles), torch.ones(400, 1))
    assert (moved.diff(dim=-1) >= 0).all()
    assert (moved[..., -1] > moved[..., 0]).all()
    assert ((moved[..., 10] - moved[..., 2]) > 0.1).all()
    covered = (found.target >= moved[..., 2].numpy()) & (found.target <= moved[..., 10].numpy())
    assert covered.mean() >= 0.795
    assert calibration.summary.realised_coverage >= 0.78


def test_too_few_windows_leave_the_quantiles_alone() -> None:
    calibration = calibrate(forecasts_with_spread(0.3, num_windows=1), LEVELS, 12)
    assert calibration.summary.method == "none"
    quantiles = torch.tensor(forecasts_with_spread(0.3).quantiles.copy())
    assert torch.equal(calibration.apply(quantiles, torch.ones(400, 1)), quantiles)


def test_a_calibration_survives_json() -> None:
    calibration = calibrate(forecasts_with_spread(0.3), LEVELS, 12)
    assert Calibration.from_json(calibration.to_json()) == calibration


def test_a_calibration_of_an_earlier_release_has_no_factors() -> None:
    content = calibrate(forecasts_with_spread(0.3), LEVELS, 12).to_json()
    del content["factors"]
    assert Calibration.from_json(content) == calibrate(forecasts_with_spread(0.3), LEVELS, 12)
