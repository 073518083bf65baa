"""What has learned nothing tells how wild validation windows were."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from model.configuration.config import DEFAULT_QUANTILE_LEVELS as LEVELS
from model.contexts.cuts import WindowShape
from model.contexts.splitting import Split, split
from model.panels.series import Panel, Series
from model.uncertainty.calibration import Calibration, Residuals, calibrate
from model.uncertainty.yardstick import LARGEST_FACTOR, Yardstick

LOW, HIGH = LEVELS.index(0.1), LEVELS.index(0.9)


def windows_as_wild_as(wildness: NDArray[np.float64], seed: int) -> tuple[Residuals, NDArray[np.float64]]:
    """Targets so far off forecasts that say the same of all windows, and errors of a worse forecast of the same."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(2, len(wildness), 12)) * wildness[:, None]
    quantiles = np.broadcast_to(np.linspace(-1, 1, len(LEVELS)), (len(wildness), 12, len(LEVELS)))
    return Residuals(quantiles, noise[0], np.ones(noise[0].shape, bool)), np.abs(noise[0] + noise[1])


def share_inside(calibration: Calibration, residuals: Residuals) -> float:
    moved = calibration.apply(torch.tensor(np.array(residuals.quantiles)), torch.ones(len(residuals.target), 1)).numpy()
    return float(((residuals.target >= moved[..., LOW]) & (residuals.target <= moved[..., HIGH])).mean())


@pytest.mark.parametrize(("wild", "weight"), [(0.8, 1.0), (0.8, 10.0), (0.1, 1.0)])
def test_intervals_cover_what_they_promise_of_ordinary_windows_when_validation_was_wild_or_calm(
    wild: float, weight: float
) -> None:
    random = np.random.default_rng(0)

    def wildness(share: float, number: int) -> NDArray[np.float64]:
        return np.where(random.random(number) < share, 3.0, 1.0) * np.exp(0.2 * random.normal(size=number))

    residuals, judged = windows_as_wild_as(wildness(wild, 400), 1)
    _, others = windows_as_wild_as(wildness(0.4, 4000), 2)
    fresh, _ = windows_as_wild_as(wildness(0.4, 4000), 3)
    alone = calibrate(residuals, LEVELS, 12)
    beside = calibrate(residuals, LEVELS, 12, Yardstick(judged, others, weight))
    assert abs(share_inside(alone, fresh) - 0.8) > 0.06
    assert share_inside(beside, fresh) == pytest.approx(0.8, abs=0.035)


def test_what_tells_nothing_of_the_errors_of_a_version_changes_hardly_anything() -> None:
    residuals, _ = windows_as_wild_as(np.ones(400), 1)
    _, judged = windows_as_wild_as(np.geomspace(1, 10, 400), 2)
    _, others = windows_as_wild_as(np.geomspace(0.1, 1, 400), 3)
    factors = calibrate(residuals, LEVELS, 12, Yardstick(judged, others, 1.0)).factors
    np.testing.assert_allclose(factors, 1, atol=0.2)


def test_without_training_windows_or_with_few_validation_windows_validation_stands() -> None:
    residuals, judged = windows_as_wild_as(np.geomspace(1, 10, 40), 1)
    nothing = Yardstick(judged, np.empty((0, 12)), 1.0)
    few = Yardstick(judged[:7], judged, 1.0)
    errors = np.abs(residuals.target)
    assert set(nothing.factors(errors, (0.5, 0.8), slice(None))) == {1.0}
    assert set(few.factors(errors[:7], (0.5, 0.8), slice(None))) == {1.0}


def test_a_factor_has_limits() -> None:
    residuals, judged = windows_as_wild_as(np.geomspace(1, 10, 40), 1)
    wild = Yardstick(judged, 1e6 * judged, 1e6).factors(np.abs(residuals.target), (0.5, 0.95), slice(None))
    calm = Yardstick(judged, 0 * judged, 1e6).factors(np.abs(residuals.target), (0.5, 0.95), slice(None))
    assert wild == (LARGEST_FACTOR, LARGEST_FACTOR)
    assert calm == (1 / LARGEST_FACTOR, 1 / LARGEST_FACTOR)


def test_quantiles_do_not_cross_whatever_the_factors_and_past_the_last_bucket_none_is_narrower() -> None:
    residuals, _ = windows_as_wild_as(np.ones(40), 1)
    found = calibrate(residuals, LEVELS, 6)
    narrow_outside = replace(found, factors=((0.5, 0.6, 1.0, 1.1, 1.5, 2.0), (1.0,) * 6))
    before = torch.tensor(np.concatenate([residuals.quantiles] * 2, axis=1))
    after = narrow_outside.apply(before, torch.ones(40, 1))
    assert (after.diff(dim=-1) >= 0).all()
    assert torch.equal(after[..., len(LEVELS) // 2], before[..., len(LEVELS) // 2])
    widths = after[..., HIGH] - after[..., LOW]
    assert (widths[:, 12:] >= widths[:, :12].amax(1, keepdim=True) - 1e-12).all()


@pytest.mark.parametrize(
    "factors", [((1.0,) * 6,), ((1.0,) * 5, (1.0,) * 5), ((1.0,) * 6, (0.0,) * 6), ((float("nan"),) * 6, (1.0,) * 6)]
)
def test_factors_that_no_validation_gives_are_refused(factors: tuple[tuple[float, ...], ...]) -> None:
    residuals, _ = windows_as_wild_as(np.ones(40), 1)
    found = calibrate(residuals, LEVELS, 6)
    found.check(6)
    with pytest.raises(ValueError, match=r"factors|pairs"):
        replace(found, factors=factors).check(6)


def _split(scale: float) -> Split:
    values = scale * np.random.default_rng(0).normal(size=300).cumsum() + 7 * scale
    times = pd.date_range("2026-01-01", periods=300, freq="D")
    kept = np.random.default_rng(1).random(300) < 0.9
    kept[-1] = True
    panel = Panel((Series.from_values("a", times[kept], values[kept]),))
    return split(panel, WindowShape("D", 7, 28, 7, 60), torch.device("cpu"))


def test_errors_are_in_units_of_each_context_and_missing_where_nothing_was_observed() -> None:
    once, again = (Yardstick.of(one.validation, one.training, 7, 1.0) for one in (_split(1.0), _split(1000.0)))
    windows = _split(1.0).validation
    known = windows.batch(torch.arange(len(windows))).known.numpy()
    np.testing.assert_array_equal(np.isnan(once.judged), ~known)
    np.testing.assert_allclose(once.judged, again.judged, rtol=1e-3)
    assert once.judged[known].mean() > 0.1
