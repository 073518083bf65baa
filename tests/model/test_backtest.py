"""A backtest scores every method on the same truth."""

import json

import numpy as np
import pytest

from model import Forecaster, HorizonOutOfRange, Panel, Series, SeriesTooShort, backtest
from tests.model.conftest import season_and_trend, thinned


def test_the_baselines_stand_beside_the_version_on_the_same_forecasts(forecaster: Forecaster, panel: Panel) -> None:
    report = backtest(forecaster, panel, horizon=24, num_cutoffs=3)
    assert [score.method for score in report.scores] == ["longshot", "seasonal_naive", "drift", "weekly_naive"]
    assert report.num_forecasts == 6
    assert report.overlaps_training
    assert json.loads(json.dumps(report.to_json()))["scores"][0]["method"] == "longshot"


def test_the_seasonal_naive_score_is_what_a_hand_computes(forecaster: Forecaster) -> None:
    series = season_and_trend("a", length=200)
    report = backtest(forecaster, Panel((series,)), horizon=24)
    history, truth = series.values[:-24], series.values[-24:]
    error = np.abs(truth - history[-24:]).mean()
    assert report.scores[1].mae == pytest.approx(error)
    assert report.scores[1].mase == pytest.approx(error / np.abs(history[24:] - history[:-24]).mean())


def test_only_what_came_after_the_cutoff_is_scored(forecaster: Forecaster) -> None:
    series = season_and_trend("a", length=200)
    spoilt = series.values.copy()
    spoilt[-24:] += 1000
    changed = Series(series.item_id, series.timestamps, spoilt, series.freq)
    before = backtest(forecaster, Panel((series,)), horizon=24).scores[0]
    after = backtest(forecaster, Panel((changed,)), horizon=24).scores[0]
    assert after.mae == pytest.approx(1000, rel=0.01)
    assert before.mae < 10


def test_holes_are_not_scored(forecaster: Forecaster) -> None:
    report = backtest(forecaster, Panel((thinned(season_and_trend("a"), keep=0.5),)), horizon=24)
    assert np.isfinite(report.scores[0].mase)


def test_later_data_do_not_overlap_the_training(forecaster: Forecaster) -> None:
    later = season_and_trend("a", length=900)
    assert not backtest(forecaster, Panel((later,)), horizon=24).overlaps_training


def test_what_cannot_be_examined_is_refused(forecaster: Forecaster) -> None:
    short = Panel((season_and_trend("a", length=20),))
    with pytest.raises(SeriesTooShort, match="a backtest of 24 steps"):
        backtest(forecaster, short, horizon=24)
    with pytest.raises(HorizonOutOfRange):
        backtest(forecaster, short, horizon=0)
