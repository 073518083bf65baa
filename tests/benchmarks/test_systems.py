"""The systems that are integrated for a benchmark are what they are called."""

import numpy as np
import pytest

from benchmarks.accuracy import systems
from model import TrainingOptions


def test_an_echo_is_what_was_heard_before() -> None:
    driver, first, second = systems._echoes(0).T
    assert np.corrcoef(driver[:-12], first[12:])[0, 1] > 0.99
    assert np.corrcoef(driver[:-24], second[24:])[0, 1] > 0.99
    assert abs(np.corrcoef(driver, first)[0, 1]) < 0.3


def test_a_trajectory_follows_its_equation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "KNOWN", 60)
    monkeypatch.setattr(systems, "AHEAD", 0)
    states = systems._integrated(systems._Motion(systems.lorenz, 0.005, (1.0, 1.0, 20.0)))
    slopes = (states[2:] - states[:-2]) / 0.01
    expected = np.array([systems.lorenz(state) for state in states[1:-1]])
    assert np.abs(slopes - expected).max() < 0.01 * np.abs(expected).max()


@pytest.mark.slow
def test_both_ways_are_measured_on_the_same_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "_systems", lambda seed: {"echoes": systems._echoes(seed)})
    options = TrainingOptions(num_epochs=8, state_size=32, learning_rate=0.01)
    whole, driver, first, second = systems.run((), options)
    assert [one.name for one in (whole, second)] == ["systems.echoes.mse", "systems.echoes.2.mse"]
    assert second.value < 0.75 * second.compared_with["apart"]
    assert whole.value == pytest.approx(np.mean([driver.value, first.value, second.value]))
