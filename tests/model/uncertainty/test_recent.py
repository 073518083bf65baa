"""Errors of late tell hard times from easy ones."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from model.configuration.config import DEFAULT_QUANTILE_LEVELS as LEVELS
from model.contexts.cuts import WindowShape
from model.contexts.scaling import Scale
from model.contexts.splitting import split
from model.networks.linear import LinearPath
from model.panels.series import Panel, Series
from model.uncertainty.calibration import Calibration, Residuals, calibrate
from model.uncertainty.recent import (
    LARGEST_RATIO,
    Recent,
    errors_of_late,
    misses_of,
    reach_of,
    steps_of,
)

LOW, HIGH = LEVELS.index(0.1), LEVELS.index(0.9)
CONTEXT, STEPS = 30, 8


def line() -> LinearPath:
    found = LinearPath(CONTEXT, 12)
    found.weights.copy_(torch.randn(CONTEXT, 12, generator=torch.Generator().manual_seed(0)) / CONTEXT)
    return found


def histories(num: int) -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=(num, CONTEXT + reach_of(STEPS))).cumsum(1)


def test_errors_of_late_are_those_of_the_line_in_the_last_windows() -> None:
    values = torch.tensor(histories(3))
    observed = torch.tensor(np.random.default_rng(1).random(values.shape) < 0.8)
    shares, counts = torch.zeros(3, dtype=torch.float64), torch.zeros(3)
    spread = Scale.of(values[:, :-STEPS]).spread
    for until in (values.shape[1], values.shape[1] - STEPS // 2):
        context, target = values[:, until - STEPS - CONTEXT : until - STEPS], values[:, until - STEPS : until]
        known = observed[:, until - STEPS : until]
        missed = (target - line()(context.float(), STEPS)).abs() / spread
        shares, counts = shares + (missed * known).sum(1), counts + known.sum(1)
    found = errors_of_late(misses_of(line().weights, STEPS), values.numpy(), observed.numpy())
    np.testing.assert_allclose(found, shares / counts, rtol=1e-4)


def test_errors_of_late_have_no_unit_and_are_unknown_of_a_constant_or_where_nothing_was_observed() -> None:
    misses, values = misses_of(line().weights, STEPS), histories(4)
    everywhere = np.ones(values.shape, bool)
    found = errors_of_late(misses, values, everywhere)
    np.testing.assert_allclose(errors_of_late(misses, 1e6 * values - 3e6, everywhere), found, rtol=1e-6)
    assert np.isnan(errors_of_late(misses, np.full(values.shape, 0.1), everywhere)).all()
    assert np.isnan(errors_of_late(misses, values, ~everywhere)).all()


@pytest.mark.parametrize(("horizon", "season"), [(720, 24), (48, 24), (13, 52), (1, 1), (96, 1)])
def test_what_is_looked_at_is_no_longer_than_the_horizon(horizon: int, season: int) -> None:
    steps = steps_of(horizon, season)
    assert 1 <= steps <= horizon
    assert steps <= reach_of(steps) <= 4 * steps


def in_times(wildness: NDArray[np.float64], seed: int) -> tuple[Residuals, NDArray[np.float64]]:
    """Targets so far off forecasts that say the same of all windows, and errors of late that tell it roughly."""
    random = np.random.default_rng(seed)
    target = random.normal(size=(len(wildness), 12)) * wildness[:, None]
    quantiles = np.broadcast_to(np.linspace(-1, 1, len(LEVELS)), (*target.shape, len(LEVELS)))
    late = np.abs(random.normal(size=(len(wildness), 12))).mean(1) * wildness
    return Residuals(quantiles, target, np.ones(target.shape, bool)), late


def learned(late: NDArray[np.float64], residuals: Residuals) -> Recent | None:
    return Recent.learned(STEPS, late, residuals.errors(), residuals.distances(), residuals.known)


def share_inside(calibration: Calibration, residuals: Residuals, late: NDArray[np.float64] | None) -> float:
    quantiles = torch.tensor(np.array(residuals.quantiles))
    moved = calibration.apply(quantiles, torch.ones(len(quantiles), 1, dtype=torch.float64), late).numpy()
    return float(((residuals.target >= moved[..., LOW]) & (residuals.target <= moved[..., HIGH])).mean())


@pytest.mark.parametrize("later", [0.5, 2.0])
def test_intervals_follow_a_time_that_grows_wilder_or_calmer_than_validation(later: float) -> None:
    residuals, late = in_times(np.exp(0.4 * np.random.default_rng(0).normal(size=600)), 1)
    fresh, fresh_late = in_times(later * np.exp(0.4 * np.random.default_rng(2).normal(size=600)), 3)
    recent = learned(late, residuals)
    assert recent is not None
    follows = calibrate(residuals.over(recent.factors(late)), LEVELS, 12, recent=recent)
    off = abs(share_inside(calibrate(residuals, LEVELS, 12), fresh, None) - 0.8)
    assert off > 0.1
    assert abs(share_inside(follows, fresh, fresh_late) - 0.8) < 0.7 * off
    assert share_inside(follows, residuals, late) == pytest.approx(0.8, abs=0.01)


def test_what_quantiles_tell_by_themselves_errors_of_late_do_not_tell_once_more() -> None:
    wildness = np.exp(0.8 * np.random.default_rng(0).normal(size=600))
    alike, late = in_times(wildness, 1)
    found = []
    for power in (0.0, 0.4, 1.0, 2.0):
        apart = alike.quantiles * (wildness**power)[:, None, None]
        recent = learned(late, replace(alike, quantiles=apart))
        assert recent is not None
        found.append(recent.exponent)
    assert found[0] > 0.6
    assert found[1] == pytest.approx(found[0] - 0.4, abs=0.05)
    assert found[2] < 0.1
    assert found[3] == 0


def test_unknown_errors_of_late_leave_intervals_as_wide_as_usual_and_others_have_limits() -> None:
    recent = Recent(STEPS, np.log(2.0), 1.0)
    late = np.array([np.nan, 0.0, 2.0, 4.0, 1e9, 1e-5])
    np.testing.assert_allclose(recent.factors(late), [1, 1, 1, 2, LARGEST_RATIO, 1 / LARGEST_RATIO])


def test_of_values_too_large_for_a_forecast_errors_of_late_are_unknown() -> None:
    """Without a warning: the forecast refuses them with their names."""
    values = histories(2)
    values[1] *= 1e305
    late = errors_of_late(misses_of(line().weights, STEPS), values, np.ones(values.shape, dtype=bool))
    assert np.isnan(late).tolist() == [False, True]


def test_of_few_windows_nothing_is_learned() -> None:
    residuals, late = in_times(np.geomspace(1, 3, 20), 1)
    assert learned(np.where(np.arange(20) < 7, late, np.nan), residuals) is None


def test_quantiles_do_not_cross_and_the_median_stays() -> None:
    residuals, late = in_times(np.geomspace(0.1, 10, 40), 1)
    found = calibrate(residuals, LEVELS, 6, recent=Recent(STEPS, 0.0, 0.7))
    before = torch.tensor(np.array(residuals.quantiles))
    after = found.apply(before, torch.ones(40, 1), late)
    assert (after.diff(dim=-1) >= 0).all()
    torch.testing.assert_close(after[..., len(LEVELS) // 2], before[..., len(LEVELS) // 2])


def test_it_survives_json_and_an_earlier_release_has_none() -> None:
    residuals, _ = in_times(np.ones(40), 1)
    found = calibrate(residuals, LEVELS, 6, recent=Recent(STEPS, -0.5, 0.25))
    content = found.to_json()
    assert Calibration.from_json(content) == found
    del content["recent"]
    assert Calibration.from_json(content) == replace(found, recent=None)


@pytest.mark.parametrize(
    "recent",
    [Recent(0, 0.0, 0.5), Recent(9, 0.0, 0.5), Recent(8, float("nan"), 0.5), Recent(8, 1e9, 0.5), Recent(8, 0.0, 1.5)],
)
def test_what_no_validation_gives_is_refused(recent: Recent) -> None:
    Recent(8, 0.0, 0.5).check(8)
    with pytest.raises(ValueError, match=r"steps|recent"):
        recent.check(8)


def test_histories_end_before_the_targets_and_are_whole_where_the_series_goes_back_so_far() -> None:
    values = np.random.default_rng(0).normal(size=120)
    series = Series.from_values("a", pd.date_range("2026-01-01", periods=120, freq="D"), values)
    panel = Panel((series, Series.from_values("b", series.timestamps[60:], values[60:])))
    windows = split(panel, WindowShape("D", 7, 28, 7, 20), torch.device("cpu")).training
    numbers = torch.arange(len(windows))
    found, observed, whole = windows.histories(numbers, 40)
    torch.testing.assert_close(found[:, -28:], windows.batch(numbers).context)
    assert whole.any()
    assert not whole.all()
    assert observed[whole].all()
    for start, known in zip(windows.places(numbers).tolist(), whole.tolist(), strict=True):
        assert known == (len(windows.past(start)[0]) >= 40)
