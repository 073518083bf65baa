"""Metrics against values worked out by hand."""

import numpy as np
import pytest

from model.evaluation import metrics


def test_errors_by_hand() -> None:
    truth, forecast = np.array([1.0, 2.0, 4.0]), np.array([2.0, 2.0, 0.0])
    assert metrics.mae(truth, forecast) == pytest.approx(5 / 3)
    assert metrics.smape(truth, forecast) == pytest.approx((200 / 3 + 0 + 200) / 3)
    assert metrics.smape(np.zeros(2), np.zeros(2)) == 0


def test_the_seasonal_error_counts_only_observed_pairs() -> None:
    history, observed = np.array([1.0, 2.0, 4.0, 8.0, 16.0]), np.array([True, True, True, False, True])
    assert metrics.seasonal_error(history, observed, 2) == pytest.approx((3 + 12) / 2)
    assert metrics.seasonal_error(history, observed, 24) == pytest.approx((1 + 2) / 2)


def test_pinball_and_coverage_by_hand() -> None:
    truth = np.array([1.0, 2.0])
    assert metrics.pinball(truth, {0.9: np.array([0.0, 3.0])}) == pytest.approx((0.9 + 0.1) / 2)
    assert metrics.coverage(truth, np.array([1.0, 3.0]), np.array([2.0, 4.0])) == 0.5


def test_the_unit_of_mase_is_zero_for_a_constant_only() -> None:
    periodic, seen = np.array([1.0, 2.0, 1.0, 2.0]), np.ones(4, dtype=bool)
    assert metrics.seasonal_error(periodic, seen, 2) == 1.0
    assert metrics.seasonal_error(periodic, np.array([True, False, False, True]), 2) == 0.5
    assert metrics.seasonal_error(np.ones(4), seen, 2) == 0.0
    assert metrics.seasonal_error(np.full(7, 0.1), np.ones(7, dtype=bool), 2) == 0.0, "rounding is no difference"


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e5])
def test_a_season_that_repeats_but_for_rounding_has_the_unit_of_its_steps(scale: float) -> None:
    hours = np.arange(240)
    history, seen = scale * (3 + np.sin(2 * np.pi * hours / 24)), np.ones(240, dtype=bool)
    assert metrics.seasonal_error(history, seen, 24) == metrics.seasonal_error(history, seen, 1)
