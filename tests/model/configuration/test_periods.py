"""Periods found in values: pure ones exactly, none in noise, whatever the unit and whatever is missing."""

import numpy as np
import pytest
from numpy.typing import NDArray

from model import Panel, Series
from model.configuration.periods import find_periods

Values = NDArray[np.float64]


def panel_of(*columns: Values, freq: str = "s") -> Panel:
    return Panel(
        tuple(Series.from_grid(str(number), "2025-01-01", freq, values) for number, values in enumerate(columns))
    )


def found(*columns: Values) -> list[int]:
    return [one.steps for one in find_periods(panel_of(*columns), "s").clear]


def wave(period: float, length: int) -> Values:
    return np.sin(2 * np.pi * np.arange(length) / period)


def noise(length: int, seed: int = 0) -> Values:
    return np.random.default_rng(seed).normal(size=length)


def with_holes(values: Values, share: float, seed: int = 0) -> Values:
    return np.where(np.random.default_rng(seed).random(len(values)) < share, np.nan, values)


@pytest.mark.parametrize("period", [2, 5, 7, 12, 24, 37, 52, 100, 132, 365])
@pytest.mark.parametrize("num_cycles", [5, 12, 40])
def test_a_pure_period_is_found_exactly(period: int, num_cycles: int) -> None:
    if period * num_cycles < 60:
        pytest.skip("too few observations to tell from chance")
    assert found(wave(period, period * num_cycles)) == [period]


@pytest.mark.parametrize("period", [9.8, 37.4, 88.5])
def test_a_period_between_two_numbers_of_steps_is_found_within_one(period: float) -> None:
    (steps,) = found(wave(period, 1500))
    assert abs(steps - period) <= 1


@pytest.mark.parametrize(
    "kind", ["pulse", "saw", "half as loud as its noise", "on a walk", "with a trend", "with holes"]
)
def test_a_machine_cycle_of_37_steps_is_found_in_whatever_shape_it_comes(kind: str) -> None:
    steps = np.arange(2000)
    values = {
        "pulse": (steps % 37 < 4) + 0.05 * noise(2000),
        "saw": steps % 37 + 0.0,
        "half as loud as its noise": wave(37, 2000) + noise(2000),
        "on a walk": steps % 37 + 3 * np.cumsum(noise(2000)),
        "with a trend": wave(37, 2000) + 0.1 * steps,
        "with holes": with_holes(wave(37, 2000), 0.5),
    }[kind]
    assert found(values) == [37]


def test_a_day_and_a_week_are_both_found() -> None:
    steps = np.arange(2000)
    working = (steps // 24) % 7 < 5
    assert found(wave(24, 2000) * working + 0.3 * noise(2000)) == [24, 168]


def test_a_cycle_whose_length_varies_is_found_about_its_mean() -> None:
    shocks, values = noise(4000), np.zeros(4000)
    for step in range(2, 4000):
        values[step] = 1.99 * np.cos(2 * np.pi / 132) * values[step - 1] - 0.995**2 * values[step - 2] + shocks[step]
    (steps,) = found(values[800:])
    assert 115 < steps < 150


@pytest.mark.parametrize("length", [20, 60, 150, 500, 2000])
@pytest.mark.parametrize("seed", range(6))
def test_noise_walks_and_what_forgets_slowly_have_no_period(length: int, seed: int) -> None:
    shocks = noise(length, seed)
    slowly = np.zeros(length)
    for step in range(1, length):
        slowly[step] = 0.9 * slowly[step - 1] + shocks[step]
    assert [found(one) for one in (shocks, np.cumsum(shocks), slowly, np.arange(length) ** 1.5)] == [[]] * 4


def test_constant_short_and_almost_empty_series_have_none() -> None:
    assert found(np.full(100, 3.0), wave(5, 12), with_holes(wave(12, 600), 0.9)) == []


@pytest.mark.parametrize(("scale", "shift"), [(1e-6, 0.0), (-250.0, 1e6), (1e12, -3.0)])
def test_scale_and_shift_do_not_matter(scale: float, shift: float) -> None:
    values = wave(37, 800) + 0.5 * wave(259, 800) + 0.3 * noise(800)
    assert found(scale * values + shift) == found(values) != []


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_missing_values_do_not_move_a_period(share: float) -> None:
    values = wave(24, 1500) + 0.2 * noise(1500)
    assert found(with_holes(values, share, seed=1)) == found(values) == [24]


def test_an_outage_does_not_move_a_period_either() -> None:
    values = wave(24, 1500) + 0.2 * noise(1500)
    values[400:700] = np.nan
    assert found(values) == [24]


def test_a_few_series_of_another_period_are_outvoted() -> None:
    assert found(*[wave(24, 600)] * 8, *[wave(31, 600)] * 2)[0] == 24


def test_the_strength_of_what_was_asked_about_is_told_unless_the_series_are_too_short() -> None:
    periods = find_periods(panel_of(wave(24, 500)), "s", [24, 37, 168])
    assert periods.strength(24) == pytest.approx(1, abs=0.01)
    assert periods.strength(37) == pytest.approx(0, abs=0.3)
    assert periods.strength(168) is None
