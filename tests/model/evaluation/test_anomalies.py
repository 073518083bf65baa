"""Anomalies are found, and what is no anomaly is flagged about as often as the level says."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from model import (
    Checkpoint,
    Forecaster,
    FrequencyUnknown,
    HorizonOutOfRange,
    Panel,
    QuantileLevelOutOfRange,
    Search,
    Series,
    SeriesTooShort,
    Steps,
    count_cutoffs,
    find_anomalies,
)
from model.networks.lens import Lens
from model.networks.precedents import NO_PRECEDENTS, Precedents
from tests.model.conftest import season_and_trend, thinned

PLANTED = (15, 55, 95, 140)


def fresh(number: int, *, length: int = 600) -> Series:
    """A series of the kind that was trained on, with noise of its own."""
    random = np.random.default_rng(100 + number)
    steps = np.arange(length)
    values = 10 + 0.005 * steps + 3 * np.sin(2 * np.pi * steps / 24) + 0.2 * random.normal(size=length)
    return Series.from_values(f"s{number}", pd.date_range("2026-01-01", periods=length, freq="h"), values)


def with_values(series: Series, values: np.ndarray) -> Series:
    return Series.from_values(series.item_id, series.timestamps, values)


@pytest.mark.parametrize("lead", [1, 6])
def test_planted_anomalies_are_found_and_few_others(forecaster: Forecaster, lead: int) -> None:
    clean = [fresh(number) for number in range(4)]
    planted = []
    for number, one in enumerate(clean):
        values = one.values.copy()
        values[[450 + place for place in PLANTED]] += 4.0 * (-1) ** number
        planted.append(with_values(one, values))
    found = find_anomalies(forecaster, Panel(tuple(planted)), Search(last=150, lead=lead))
    for one in found:
        assert one.is_anomaly[list(PLANTED)].all()
    others = np.concatenate([np.delete(one.is_anomaly, PLANTED) for one in found])
    assert others.sum() <= binom.ppf(0.9999, len(others), 0.01)


@pytest.mark.parametrize(("level", "lead"), [(99.0, 1), (90.0, 1), (80.0, 12)])
def test_without_anomalies_the_share_flagged_is_about_the_nominal_one(
    forecaster: Forecaster, level: float, lead: int
) -> None:
    panel = Panel(tuple(fresh(number) for number in range(4)))
    flagged = np.concatenate(
        [one.is_anomaly for one in find_anomalies(forecaster, panel, Search(level, last=150, lead=lead))]
    )
    assert flagged.sum() <= binom.ppf(0.9999, len(flagged), 1 - level / 100)


@pytest.mark.parametrize("precedents", [NO_PRECEDENTS, Precedents((Lens(24, 4.0, 0.1, relative=True),), (0.5,))])
def test_each_observation_is_compared_with_the_forecast_made_before_it(
    checkpoint: Checkpoint, precedents: Precedents
) -> None:
    validation = replace(checkpoint.validation, precedents=precedents)
    forecaster = Forecaster(replace(checkpoint, validation=validation), device="cpu")
    series = thinned(season_and_trend("a", seed=0), keep=0.9)
    (found,) = find_anomalies(forecaster, Panel((series,)), Search(99.99, last=8))
    for row in range(8):
        place = len(series) - 8 + row
        history = series.until(series.timestamps[place - 1])
        ahead = series.timestamps[place] - series.timestamps[place - 1]
        steps = int(ahead / np.timedelta64(1, "h"))
        forecast = forecaster.forecast(Panel((history,)), Steps(steps), (0.00005, 0.5, 0.99995)).items[0]
        expected = [forecast.quantiles[level][-1] for level in (0.00005, 0.5, 0.99995)]
        assert [found.lower[row], found.expected[row], found.upper[row]] == pytest.approx(expected, rel=1e-5)
    assert found.timestamps.tolist() == series.timestamps[-8:].tolist()
    assert (found.is_anomaly == (found.scores > 1)).all()


def test_a_block_is_forecast_at_once_from_what_lies_before_it(forecaster: Forecaster) -> None:
    series = season_and_trend("a")
    (found,) = find_anomalies(forecaster, Panel((series,)), Search(last=24, lead=12))
    history = series.until(series.timestamps[-25])
    forecast = forecaster.forecast(Panel((history,)), Steps(12), (0.5,)).items[0]
    assert found.expected[:12] == pytest.approx(forecast.quantiles[0.5], rel=1e-5)
    assert count_cutoffs(forecaster, series, Search(last=24, lead=12)) == 2


def test_what_is_judged_begins_at_a_timestamp_or_counts_from_the_end(forecaster: Forecaster) -> None:
    panel = Panel((season_and_trend("a"),))
    since = pd.Timestamp(panel.series[0].timestamps[-10])
    by_time = find_anomalies(forecaster, panel, Search(since=since))[0]
    by_count = find_anomalies(forecaster, panel, Search(last=10))[0]
    assert (by_time.timestamps == by_count.timestamps).all()
    assert len(find_anomalies(forecaster, panel)[0].values) == forecaster.config.horizon
    assert len(find_anomalies(forecaster, panel, Search(last=10**9, lead=24))[0].values) == 598


def test_what_follows_too_long_a_gap_is_not_judged_and_that_is_said(forecaster: Forecaster) -> None:
    whole = season_and_trend("a")
    kept = np.r_[0:400, 550:600]
    series = Series.from_values("a", whole.timestamps[kept], whole.values[kept])
    (found,) = find_anomalies(forecaster, Panel((series,)), Search(last=60))
    assert len(found.values) == 59
    assert "gap_too_long" in {one.code for one in found.notices}


def test_what_cannot_be_searched_is_refused(forecaster: Forecaster) -> None:
    series = season_and_trend("a")
    for search, error in (
        (Search(level=100.0), QuantileLevelOutOfRange),
        (Search(lead=0), HorizonOutOfRange),
        (Search(lead=10_000), HorizonOutOfRange),
        (Search(last=0), HorizonOutOfRange),
        (Search(since=pd.Timestamp("2030-01-01")), SeriesTooShort),
    ):
        with pytest.raises(error):
            find_anomalies(forecaster, Panel((series,)), search)
    with pytest.raises(FrequencyUnknown):
        find_anomalies(forecaster, Panel((Series.from_values("a", ["2026-01-01"], [1.0]),)))
