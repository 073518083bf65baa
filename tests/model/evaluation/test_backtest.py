"""A backtest scores every method on the same truth."""

import json

import numpy as np
import pytest

from model import (
    BacktestReport,
    Cutoffs,
    Forecaster,
    HorizonOutOfRange,
    Panel,
    Series,
    SeriesTooShort,
    TrainingCancelled,
    backtest,
    check_backtest,
)
from tests.model.conftest import season_and_trend, thinned


def test_the_baselines_stand_beside_the_version_on_the_same_forecasts(forecaster: Forecaster, panel: Panel) -> None:
    report = backtest(forecaster, panel, Cutoffs(24, 3))
    assert [score.method for score in report.scores] == ["longshot", "seasonal_naive", "drift", "weekly_naive"]
    assert report.num_forecasts == 6
    assert report.overlaps_training
    assert json.loads(json.dumps(report.to_json()))["scores"][0]["method"] == "longshot"


def test_the_seasonal_naive_score_is_what_a_hand_computes(forecaster: Forecaster) -> None:
    series = season_and_trend("a", length=200)
    report = backtest(forecaster, Panel((series,)), Cutoffs(24))
    history, truth = series.values[:-24], series.values[-24:]
    error = np.abs(truth - history[-24:]).mean()
    assert report.scores[1].mae == pytest.approx(error)
    assert report.scores[1].mase == pytest.approx(error / np.abs(history[24:] - history[:-24]).mean())


def test_only_what_came_after_the_cutoff_is_scored(forecaster: Forecaster) -> None:
    series = season_and_trend("a", length=200)
    spoilt = series.values.copy()
    spoilt[-24:] += 1000
    changed = Series(series.item_id, series.timestamps, spoilt, series.freq)
    before = backtest(forecaster, Panel((series,)), Cutoffs(24)).scores[0]
    after = backtest(forecaster, Panel((changed,)), Cutoffs(24)).scores[0]
    assert after.mae == pytest.approx(1000, rel=0.01)
    assert before.mae < 10


def test_a_series_scores_the_same_however_many_are_examined_with_it(forecaster: Forecaster) -> None:
    several = [season_and_trend(f"s{number}", length=180 + number) for number in range(40)]
    together = backtest(forecaster, Panel(tuple(several)), Cutoffs(24, 2))
    alone = [backtest(forecaster, Panel((one,)), Cutoffs(24, 2)) for one in several]
    assert together.num_forecasts == 80
    for method, score in enumerate(together.scores):
        for measure in ("mase", "mae", "smape"):
            each = [getattr(one.scores[method], measure) for one in alone]
            assert getattr(score, measure) == pytest.approx(np.mean(each), rel=1e-5)


def test_holes_are_not_scored(forecaster: Forecaster) -> None:
    report = backtest(forecaster, Panel((thinned(season_and_trend("a"), keep=0.5),)), Cutoffs(24))
    assert np.isfinite(report.scores[0].mase)


def test_later_data_do_not_overlap_the_training(forecaster: Forecaster) -> None:
    later = season_and_trend("a", length=900)
    assert not backtest(forecaster, Panel((later,)), Cutoffs(24)).overlaps_training


def test_what_cannot_be_examined_is_refused(forecaster: Forecaster) -> None:
    short = Panel((season_and_trend("a", length=20),))
    with pytest.raises(SeriesTooShort, match="a backtest of 24 steps"):
        backtest(forecaster, short, Cutoffs(24))
    with pytest.raises(SeriesTooShort, match="a backtest of 24 steps"):
        check_backtest(short, forecaster.config, Cutoffs(24))
    for cutoffs in (Cutoffs(0), Cutoffs(24, 0), Cutoffs(24, 2, 0), Cutoffs(10**9)):
        with pytest.raises(HorizonOutOfRange):
            backtest(forecaster, short, cutoffs)


def test_scores_by_lead_are_what_a_hand_computes_and_together_make_the_whole(forecaster: Forecaster) -> None:
    series = season_and_trend("a", length=200)
    report = backtest(forecaster, Panel((series,)), Cutoffs(24))
    leads = [(one.first_lead, one.last_lead) for one in report.leads]
    assert leads == [(1, 1), (2, 2), (3, 3), (4, 6), (7, 12), (13, 24)]
    errors = np.abs(series.values[-24:] - series.values[-48:-24])
    for one in report.leads:
        naive = next(score for score in one.scores if score.method == "seasonal_naive")
        assert naive.mae == pytest.approx(errors[one.first_lead - 1 : one.last_lead].mean())
    for number, score in enumerate(report.scores):
        parts = [one.scores[number].mae * one.num_observations for one in report.leads]
        assert sum(parts) / 24 == pytest.approx(score.mae)


def test_a_stride_moves_the_cutoffs_closer_together(forecaster: Forecaster) -> None:
    series = season_and_trend("a", length=200)
    close = backtest(forecaster, Panel((series,)), Cutoffs(24, 3, 6))
    errors = []
    for back in (36, 30, 24):
        end = len(series) - back + 24
        truth = series.values[end - 24 : end]
        errors.append(np.abs(truth - series.values[end - 48 : end - 24]).mean())
    assert (close.num_forecasts, close.stride) == (3, 6)
    assert close.scores[1].mae == pytest.approx(np.mean(errors))
    assert [one.num_observations for one in close.leads] == [3, 3, 3, 9, 18, 36]


def test_a_lead_counts_from_the_cutoff_where_nothing_was_observed_there(forecaster: Forecaster) -> None:
    whole = season_and_trend("a", length=200)
    kept = ~np.isin(np.arange(200), (174, 175))
    series = Series("a", whole.timestamps[kept], whole.values[kept], whole.freq)
    report = backtest(forecaster, Panel((series,)), Cutoffs(24))
    assert sum(one.num_observations for one in report.leads) == 24
    assert report.leads[-1].last_lead == 24


def test_cutoffs_before_the_series_began_are_left_out_however_many_are_asked(forecaster: Forecaster) -> None:
    told: list[tuple[int, int]] = []
    series = season_and_trend("a", length=200)
    report = backtest(
        forecaster,
        Panel((series,)),
        Cutoffs(24, 1000, 1000),
        on_forecast=lambda done, total: told.append((done, total)),
    )
    assert report.num_forecasts == 1
    assert told == sorted(set(told))
    assert told[-1] == (1000, 1000)


def test_a_backtest_stops_when_it_is_asked_to(forecaster: Forecaster, panel: Panel) -> None:
    asked = iter([False, True])
    with pytest.raises(TrainingCancelled):
        backtest(forecaster, panel, Cutoffs(1, 100), should_stop=lambda: next(asked))


def test_a_report_is_read_as_it_was_written_and_from_an_earlier_release(forecaster: Forecaster, panel: Panel) -> None:
    report = backtest(forecaster, panel, Cutoffs(24, 2))
    content = json.loads(json.dumps(report.to_json()))
    assert BacktestReport.from_json(content) == report
    del content["leads"], content["stride"]
    earlier = BacktestReport.from_json(content)
    assert (earlier.scores, earlier.leads, earlier.stride) == (report.scores, (), 24)
