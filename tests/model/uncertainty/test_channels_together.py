"""Sample paths of a system's channels hang together as their residuals did, and each is still as its quantiles say."""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from model import Checkpoint, Forecaster, Panel, Paths, Series, Steps, TrainingOptions, choose_config, fit
from model.training.validation import Validation
from model.uncertainty.calibration import Residuals
from model.uncertainty.sampling import Dependence, dependence_of

LEVELS = (0.025, 0.1, 0.3, 0.5, 0.7, 0.9, 0.975)
NAMES = ("a", "b", "c")
TRUTH = np.array([[1.0, 0.8, -0.3], [0.8, 1.0, 0.1], [-0.3, 0.1, 1.0]])
GIVEN = Dependence((0.7, 0.49, 0.343), ((), (0.8,), (-0.3, 0.1)))


def matrix_of(dependence: Dependence) -> np.ndarray:
    rows = dependence.channel_correlations
    lower = np.array([(*row, *[0.0] * (len(rows) - len(row))) for row in rows])
    return lower + lower.T + np.eye(len(rows))


def residuals_of(scores: np.ndarray) -> Residuals:
    """Of standard normal quantiles; from scores of shape (channels, leads, windows)."""
    target = scores.transpose(2, 0, 1).reshape(-1, scores.shape[1])
    quantiles = np.broadcast_to([NormalDist().inv_cdf(level) for level in LEVELS], (*target.shape, len(LEVELS)))
    return Residuals(quantiles, target, np.ones(target.shape, dtype=bool))


@pytest.fixture(scope="module")
def moved_together() -> Checkpoint:
    """Of three series of noise, two of which are moved alike and one is moved the other way."""
    noise = np.random.default_rng(0).normal(size=(4, 900))
    values = [noise[0] + 0.5 * noise[1], noise[0] + 0.5 * noise[2], -noise[0] + 0.5 * noise[3]]
    index = pd.date_range("2026-01-01", periods=900, freq="h")
    panel = Panel(tuple(Series.from_values(name, index, 10 + one) for name, one in zip(NAMES, values, strict=True)))
    sizes = {"state_size": 8, "num_particles": 4, "num_epochs": 1, "steps_per_epoch": 10, "batch_size": 16}
    options = TrainingOptions(horizon=6, context_length=24, patch_length=6, joint=True, **sizes)
    return fit(panel, choose_config(panel, options), device="cpu")


def drawn(checkpoint: Checkpoint, seed: int = 1, *, steps: int = 6, reverse: bool = False) -> dict[str, np.ndarray]:
    index = pd.date_range("2026-01-01", periods=100, freq="h")
    values = np.random.default_rng(5).normal(size=(3, 100))
    series = [Series.from_values(name, index, one) for name, one in zip(NAMES, values, strict=True)]
    forecaster = Forecaster(checkpoint, device="cpu")
    found = forecaster.forecast(Panel(tuple(series[:: -1 if reverse else 1])), Steps(steps), paths=Paths(2000, seed))
    for one in found.items:
        for level, quantile in one.quantiles.items():
            np.testing.assert_allclose((one.samples < quantile).mean(0), level, atol=0.04)
    return {one.item_id: one.samples for one in found.items}


def test_scores_of_channels_have_the_correlations_they_were_given_and_are_standard_normal():
    scores = GIVEN.scores(12, 20_000, 0, NAMES)
    np.testing.assert_allclose(scores.std(2), 1, atol=0.03)
    for lead in (0, 5, 11):
        np.testing.assert_allclose(np.corrcoef(scores[:, lead]), TRUTH, atol=0.03)
    for number in range(3):
        assert np.corrcoef(scores[number, 5], scores[number, 6])[0, 1] == pytest.approx(0.7, abs=0.03)
    assert np.corrcoef(scores[0, 5], scores[1, 6])[0, 1] == pytest.approx(0.8 * 0.7, abs=0.03)


def test_the_correlations_of_channels_are_found_in_residuals():
    found = dependence_of(residuals_of(GIVEN.scores(12, 500, 0, NAMES)), LEVELS, num_channels=3, num_apart=500)
    np.testing.assert_allclose(matrix_of(found), TRUTH, atol=0.07)
    assert dependence_of(residuals_of(GIVEN.scores(12, 500, 0, NAMES)), LEVELS).channel_correlations == ()


def test_correlations_that_chance_alone_would_give_are_shrunk_away_and_one_window_tells_nothing():
    names = tuple(f"{number}" for number in range(40))
    few = residuals_of(Dependence((0.9, 0.81)).scores(12, 10, 0, names))
    raw = np.corrcoef(few.target.reshape(10, 40, 12).transpose(1, 0, 2).reshape(40, -1))
    found = matrix_of(dependence_of(few, LEVELS, num_channels=40, num_apart=10))
    assert np.abs(found - np.eye(40)).max() < 0.5 * np.abs(raw - np.eye(40)).max()
    alone = matrix_of(dependence_of(few, LEVELS, num_channels=40, num_apart=1))
    assert np.array_equal(alone, np.eye(40))


@pytest.mark.parametrize("num_apart", [2, 10, 10_000])
def test_whatever_was_seen_the_matrix_can_be_drawn_from(num_apart):
    """Channels that are the same, the opposite, constant, or hardly ever seen, and more of them than windows."""
    random = np.random.default_rng(0)
    scores = random.normal(size=(12, 8, 5))
    scores[1], scores[2], scores[3] = scores[0], -scores[0], 0.0
    seen = residuals_of(scores)
    seen = replace(seen, known=random.random(seen.known.shape) < 0.4)
    seen.known[4::12] = False
    found = dependence_of(seen, LEVELS, num_channels=12, num_apart=num_apart)
    found.check(12)
    assert np.linalg.eigvalsh(matrix_of(found)).min() > 0.005
    assert set(found.channel_correlations[4]) == {0.0}


def test_channels_that_are_moved_together_have_paths_that_are(moved_together):
    samples = drawn(moved_together)
    scores = np.corrcoef(np.stack([samples[name][:, 3] for name in NAMES]))
    np.testing.assert_allclose(scores, [[1, 0.8, -0.8], [0.8, 1, -0.8], [-0.8, -0.8, 1]], atol=0.12)


def test_sums_of_channels_spread_as_those_of_what_they_are_drawn_from(moved_together):
    """Where channels move alike a sum is wider than that of independent ones, where they move apart it is narrower."""
    samples = drawn(moved_together)
    alone = np.hypot(samples["a"].std(0), samples["b"].std(0))
    np.testing.assert_allclose((samples["a"] + samples["b"]).std(0) / alone, np.sqrt(1.8), atol=0.08)
    alone = np.hypot(samples["a"].std(0), samples["c"].std(0))
    np.testing.assert_allclose((samples["a"] + samples["c"]).std(0) / alone, np.sqrt(0.2), atol=0.15)


def test_the_same_seed_gives_a_system_the_same_paths_in_any_order_and_for_any_horizon(moved_together):
    first, again, longer = (drawn(moved_together, **one) for one in ({}, {"reverse": True}, {"steps": 9}))
    other = drawn(moved_together, seed=2)
    for name in NAMES:
        np.testing.assert_allclose(again[name], first[name], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(longer[name][:, :6], first[name], rtol=1e-5, atol=1e-5)
        assert not np.allclose(other[name], first[name])


def test_another_system_beside_does_not_change_paths(moved_together):
    forecaster = Forecaster(moved_together, device="cpu")
    index = pd.date_range("2026-01-01", periods=100, freq="h")

    def asked(seed: int) -> list:
        values = np.random.default_rng(seed).normal(size=(3, 100))
        series = [Series.from_values(name, index, one) for name, one in zip(NAMES, values, strict=True)]
        system = forecaster.system(series)
        return [forecaster.ask(one, Steps(6), paths=Paths(5, seed), system=system) for one in series]

    one, two = asked(1), asked(2)
    beside = forecaster.answer([*one, *two])
    for found, expected in zip(beside, (*forecaster.answer(one), *forecaster.answer(two)), strict=True):
        np.testing.assert_allclose(found.samples, expected.samples, rtol=1e-5, atol=1e-5)


def test_a_version_keeps_what_channels_have_in_common_and_one_of_an_earlier_release_draws_each_by_itself(
    moved_together, tmp_path
):
    moved_together.save(tmp_path / "version")
    validation = Checkpoint.load(tmp_path / "version").validation
    assert validation.dependence == moved_together.validation.dependence
    content = validation.to_json()
    del content["channel_correlations"]
    earlier = replace(moved_together, validation=Validation.from_json(content))
    earlier.validation.check(earlier.config)
    samples = drawn(earlier)
    assert abs(np.corrcoef(samples["a"][:, 3], samples["b"][:, 3])[0, 1]) < 0.1


@pytest.mark.parametrize(
    "rows",
    [
        ((), (0.5,)),
        ((), (0.5,), (0.5,)),
        ((), (2.0,), (0.0, 0.0)),
        ((), (float("nan"),), (0.0, 0.0)),
        ((), (0.9,), (0.9, -0.9)),
    ],
)
def test_correlations_that_no_system_has_are_refused(moved_together, checkpoint, rows):
    for one in (moved_together, checkpoint):
        wrong = replace(one.validation, dependence=Dependence((), rows))
        with pytest.raises(ValueError, match=r"hannels|correlations|positive definite"):
            wrong.check(one.config)
