"""Sample paths are distributed as the quantiles, hang together as residuals did, and are the same for the same seed."""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from model import At, Forecaster, Panel, Paths, Steps
from model.uncertainty.calibration import Residuals
from model.uncertainty.sampling import Dependence, at_scores, dependence_of, scores_between

LEVELS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)


def assert_below(samples: np.ndarray, values: np.ndarray, level: float) -> None:
    """So many of the samples lie below; where quantiles coincide, some lie on them."""
    assert ((samples < values).mean(0) < level + 0.03).all()
    assert ((samples <= values).mean(0) > level - 0.03).all()


def test_at_each_lead_samples_are_distributed_as_the_quantiles(forecaster, panel):
    item = forecaster.forecast(panel, Steps(60), (0.1, 0.25, 0.5, 0.9), paths=Paths(10_000, seed=1)).items[0]
    assert item.samples.shape == (10_000, 60)
    for level, values in item.quantiles.items():
        assert_below(item.samples, values, level)


@pytest.mark.parametrize("blocks", [1, 8])
def test_far_past_the_trained_horizon_they_are_too_whether_the_flow_goes_on_or_the_context_moves_on(
    checkpoint, panel, blocks
):
    validation = replace(checkpoint.validation, block_length=blocks * checkpoint.config.horizon)
    version = Forecaster(replace(checkpoint, validation=validation), device="cpu")
    asked = Steps(5 * checkpoint.config.horizon + 3)
    for item in version.forecast(panel, asked, (0.05, 0.5, 0.9), paths=Paths(10_000, seed=2)).items:
        for level, values in item.quantiles.items():
            assert_below(item.samples, values, level)


def test_at_a_timestamp_between_two_leads_they_are_too(forecaster, panel):
    last = pd.Timestamp(panel.series[0].last)
    asked = At(tuple(last + pd.Timedelta(hours=hours) for hours in (7.5, 0.25, 3)))
    item = forecaster.forecast(panel, asked, (0.1, 0.9), paths=Paths(4000)).items[0]
    for level, values in item.quantiles.items():
        assert_below(item.samples, values, level)


def test_the_same_seed_gives_the_same_paths_and_series_have_their_own(forecaster, panel):
    first, second = forecaster.forecast(panel, Steps(24), paths=Paths(5, seed=3)).items
    again = forecaster.forecast(Panel(panel.series[:1]), Steps(24), paths=Paths(5, seed=3)).items[0]
    other = forecaster.forecast(panel, Steps(24), paths=Paths(5, seed=4)).items[0]
    np.testing.assert_allclose(again.samples, first.samples, rtol=1e-5)
    assert not np.allclose(other.samples, first.samples)
    assert np.corrcoef(first.samples[0] - first.quantiles[0.5], second.samples[0] - second.quantiles[0.5])[0, 1] < 0.95


def test_a_shorter_horizon_has_the_beginning_of_the_same_paths(forecaster, panel):
    shorter, longer = (forecaster.forecast(panel, Steps(steps), paths=Paths(3)).items[0] for steps in (10, 24))
    np.testing.assert_allclose(shorter.samples, longer.samples[:, :10], rtol=1e-5)


def test_no_paths_are_drawn_unless_asked_for(forecaster, panel):
    assert forecaster.forecast(panel, Steps(3)).items[0].samples is None


@pytest.mark.parametrize("correlation", [0.0, 0.6, -0.5, 0.95])
def test_scores_have_the_correlations_they_were_given_and_are_standard_normal(correlation):
    dependence = Dependence(tuple(correlation**lag for lag in range(1, 13)))
    scores = dependence.scores(30, 20_000, 0, ("a",))[0]
    np.testing.assert_allclose(scores.std(1), 1, atol=0.03)
    np.testing.assert_allclose(scores.mean(1), 0, atol=0.04)
    found = [np.corrcoef(scores[10], scores[10 + lag])[0, 1] for lag in (1, 2, 5)]
    np.testing.assert_allclose(found, [correlation, correlation**2, correlation**5], atol=0.03)


def test_correlations_that_no_process_has_still_give_standard_normal_scores():
    scores = Dependence((0.9, -0.9, 0.9, 1.0, -1.0)).scores(40, 5000, 0, ("a",))[0]
    np.testing.assert_allclose(scores.std(1), 1, atol=0.06)


def test_scores_between_leads_are_standard_normal():
    scores = Dependence((0.7,)).scores(5, 20_000, 0, ("a",))[0]
    found = scores_between(scores, np.array([0.3, 1.5, 2.25, 5.0]), 0.7)
    np.testing.assert_allclose(found.std(1), 1, atol=0.03)


def test_the_dependence_of_residuals_is_found(config):
    random = np.random.default_rng(0)
    truth = Dependence((0.8, 0.64, 0.512))
    normal = truth.scores(24, 2000, 0, ("a",))[0].T
    quantiles = np.broadcast_to([NormalDist().inv_cdf(level) for level in LEVELS], (2000, 24, len(LEVELS)))
    known = random.random((2000, 24)) < 0.7
    found = dependence_of(Residuals(quantiles, normal, known), LEVELS).autocorrelations
    np.testing.assert_allclose(found[:3], [0.8, 0.64, 0.512], atol=0.05)
    assert dependence_of(Residuals(quantiles, normal, np.zeros_like(known)), LEVELS) == Dependence()


def test_samples_go_straight_on_beyond_the_outermost_levels():
    quantiles = np.array([[NormalDist(5, 2).inv_cdf(level) for level in LEVELS]])
    scores = np.array([[-3.0, -0.5, 0.0, 0.5, 3.0]])
    np.testing.assert_allclose(at_scores(quantiles, LEVELS, scores), 5 + 2 * scores, atol=1e-9)


def test_a_version_keeps_its_dependence(checkpoint, tmp_path):
    checkpoint.save(tmp_path / "version")
    loaded = type(checkpoint).load(tmp_path / "version")
    assert loaded.validation.dependence == checkpoint.validation.dependence
    assert len(checkpoint.validation.dependence.autocorrelations) == 23
    content = checkpoint.validation.to_json()
    del content["autocorrelations"]
    assert type(checkpoint.validation).from_json(content).dependence == Dependence()
    wrong = replace(checkpoint.validation, dependence=Dependence((2.0,)))
    with pytest.raises(ValueError, match="autocorrelations"):
        wrong.check(checkpoint.config)
