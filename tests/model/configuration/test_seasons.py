"""The season: the usual one of a frequency unless the values clearly say another."""

import numpy as np
import pytest
from numpy.typing import NDArray

from model import Panel, Series
from model.configuration.seasons import Season, season_of, usual_season


def season_in(values: NDArray[np.float64], freq: str, given: int | None = None) -> Season:
    return season_of(Panel((Series.from_grid("a", "2025-01-01", freq, values),)), freq, given=given)


def wave(period: float, length: int = 2000) -> NDArray[np.float64]:
    return np.sin(2 * np.pi * np.arange(length) / period) + 0.1 * np.random.default_rng(0).normal(size=length)


@pytest.mark.parametrize(
    ("period", "freq", "length"),
    [(100, "s", 1000), (37, "min", 4000), (37, "min", 8000), (132, "MS", 1600), (10, "h", 2000), (30, "YE-DEC", 300)],
)
def test_a_clear_period_of_the_values_is_the_season(period: int, freq: str, length: int) -> None:
    found = season_in(wave(period, length), freq)
    assert (found.length, found.is_usual) == (period, False)
    assert "repeat after so many steps (autocorrelation" in found.why


@pytest.mark.parametrize("freq", ["15min", "h", "D", "B", "W-MON", "MS", "YE-DEC"])
def test_where_nothing_is_clear_the_usual_season_stays(freq: str) -> None:
    walk = np.cumsum(np.random.default_rng(1).normal(size=300))
    found = season_in(walk, freq)
    assert (found.length, found.period) == (usual_season(freq).length, usual_season(freq).period)
    assert "no other period is clear" in found.why


def test_the_usual_season_is_confirmed_by_the_values() -> None:
    found = season_in(wave(24), "h")
    assert (found.length, found.period, found.is_usual) == (24, 168, True)
    assert "the values repeat after it" in found.why


@pytest.mark.parametrize(("period", "freq"), [(12, "h"), (8, "h"), (48, "h"), (14, "D")])
def test_a_part_or_a_few_times_the_usual_season_leaves_it(period: int, freq: str) -> None:
    assert season_in(wave(period), freq).length == usual_season(freq).length


def test_a_cycle_that_happens_to_divide_the_day_is_no_day() -> None:
    assert season_in(wave(36, 8000), "min").length == 36


def test_a_longer_period_above_the_season_is_what_repeats_most_fully() -> None:
    steps = np.arange(3000)
    found = season_in(wave(20, 3000) * ((steps // 20) % 5 < 4), "s")
    assert (found.length, found.period) == (20, 100)


def test_a_season_that_is_named_is_taken() -> None:
    assert season_in(wave(24), "h", given=30) == Season(30, 30, is_usual=False, why="as asked")
    assert season_in(wave(37), "h", given=24) == usual_season("h")
