import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stores.remembered import Outcome, Remembered, Tally
from model import ItemForecast, Series

START = np.datetime64("2026-03-01T00:00", "us")


def at(*hours: int) -> np.ndarray:
    return START + np.array(hours) * np.timedelta64(1, "h")


def forecast(hours: list[int], levels: tuple[float, ...] = (0.1, 0.5, 0.9)) -> ItemForecast:
    steps = np.array(hours, dtype=float)
    return ItemForecast("a", at(*hours), steps, {one: steps + 10 * (one - 0.5) for one in levels}, "UTC")


def series(values: dict[int, float]) -> Series:
    return Series("a", at(*sorted(values)), np.array([values[one] for one in sorted(values)]), "h", "UTC")


def test_a_remembered_forecast_comes_back_from_its_bytes_as_it_was():
    one = Remembered.from_forecast(forecast([5, 3, 4]))
    same = Remembered.from_bytes(one.to_bytes())
    for name in ("timestamps", "levels", "values", "is_scored"):
        np.testing.assert_array_equal(getattr(same, name), getattr(one, name))


def test_an_outcome_counts_what_each_level_covered():
    _, outcome = Remembered.from_forecast(forecast([1, 2, 3])).scored(series({1: 1.0, 2: 7.0, 3: -2.0, 9: 0.0}))
    assert outcome.num_scored == 3
    assert outcome.sum_absolute_error == pytest.approx(0 + 5 + 5)
    assert outcome.sum_absolute_observed == pytest.approx(10)
    assert outcome.quantiles == {0.1: Tally(3, 1), 0.5: Tally(3, 2), 0.9: Tally(3, 2)}
    assert outcome.intervals == {80.0: Tally(3, 1)}


@given(st.lists(st.sets(st.integers(0, 12)), max_size=6))
def test_an_observation_counts_once_in_whatever_parts_and_however_often_it_comes(parts):
    truth = {hour: hour + np.sin(hour) for hour in range(13)}
    remembered = Remembered.from_forecast(forecast([2, 4, 6, 8, 10]))
    total = Outcome()
    for hours in parts:
        if hours:
            remembered, outcome = remembered.scored(series({hour: truth[hour] for hour in hours}))
            total += outcome
    seen = set().union(*parts)
    if seen:
        _, at_once = Remembered.from_forecast(forecast([2, 4, 6, 8, 10])).scored(
            series({hour: truth[hour] for hour in seen})
        )
        assert total.num_scored == at_once.num_scored
        assert total.sum_absolute_error == pytest.approx(at_once.sum_absolute_error)
        assert dict(total.quantiles) == dict(at_once.quantiles)


def test_the_same_question_asked_twice_and_an_overlapping_one_count_once():
    once = Remembered.from_forecast(forecast([1, 2, 3]))
    both = once.joined(Remembered.from_forecast(forecast([2, 3, 4], (0.05, 0.5, 0.95))))
    _, outcome = both.scored(series({hour: float(hour) for hour in range(1, 5)}))
    assert outcome.num_scored == 4
    assert outcome.quantiles[0.5] == Tally(4, 4)
    assert outcome.quantiles[0.1] == Tally(3, 0)
    assert outcome.intervals == {80.0: Tally(3, 3), 90.0: Tally(3, 3)}


def test_what_was_compared_stays_compared_when_more_is_asked():
    known, first = Remembered.from_forecast(forecast([1, 2])).scored(series({1: 1.0}))
    _, second = known.joined(Remembered.from_forecast(forecast([1, 2, 3]))).scored(series({1: 1.0, 2: 2.0, 3: 3.0}))
    assert (first.num_scored, second.num_scored) == (1, 2)
