"""How much of a network's spreads intervals start from."""

import numpy as np

from model.uncertainty.calibration import Residuals, calibrate
from model.uncertainty.narrowing import LEAST_WINDOWS, best_width

LEVELS = (0.1, 0.5, 0.9)


def windows(says: np.ndarray, is_off: np.ndarray) -> Residuals:
    """Forecasts of zero: how far each window says that it errs, and how far it does; shape (windows,)."""
    random = np.random.default_rng(0)
    target = is_off[:, None] * random.normal(size=(len(says), 12))
    quantiles = says[:, None, None] * np.array([-1.28, 0.0, 1.28]) + np.zeros((len(says), 12, 1))
    return Residuals(quantiles, target, np.ones_like(target, dtype=bool))


def test_spreads_that_tell_of_the_errors_are_left_as_they_are() -> None:
    sizes = np.random.default_rng(1).lognormal(size=200)
    assert best_width(windows(sizes, sizes), LEVELS, 4) == 1
    assert best_width(windows(np.ones(200), np.ones(200)), LEVELS, 4) == 1


def test_spreads_that_tell_nothing_are_left_out() -> None:
    sizes = np.random.default_rng(1).lognormal(size=200)
    residuals = windows(3 * sizes, np.ones(200))
    assert best_width(residuals, LEVELS, 4) == 0
    as_they_are, left_out = (
        calibrate(one, LEVELS, 4).loss(one, LEVELS) for one in (residuals, residuals.narrowed(0.0))
    )
    assert left_out < 0.8 * as_they_are


def test_too_few_windows_decide_nothing() -> None:
    sizes = np.random.default_rng(1).lognormal(size=LEAST_WINDOWS - 1)
    assert best_width(windows(3 * sizes, np.ones(len(sizes))), LEVELS, 4) == 1
