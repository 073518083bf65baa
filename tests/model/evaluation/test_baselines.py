"""Baselines that a hand can check."""

import numpy as np

from model.evaluation.baselines import drift, seasonal_naive


def test_seasonal_naive_repeats_the_last_season() -> None:
    history = np.array([9.0, 9.0, 9.0, 1.0, 2.0, 3.0])
    assert seasonal_naive(history, np.arange(1.0, 8.0), 3).tolist() == [1, 2, 3, 1, 2, 3, 1]
    assert seasonal_naive(history, np.array([1.5]), 3).tolist() == [1.5]


def test_seasonal_naive_of_less_than_a_season_repeats_all_there_is() -> None:
    assert seasonal_naive(np.array([1.0, 2.0]), np.arange(1.0, 5.0), 24).tolist() == [1, 2, 1, 2]


def test_drift_continues_the_average_change() -> None:
    assert drift(np.array([1.0, 5.0, 2.0, 4.0]), np.array([1.0, 2.0, 2.5]), 3).tolist() == [5.0, 6.0, 6.5]
    assert drift(np.array([4.0]), np.array([3.0]), 3).tolist() == [4.0]
