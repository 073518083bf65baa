"""Trainings that start from a version."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from model import (
    Checkpoint,
    Forecaster,
    Manifest,
    Panel,
    Steps,
    TrainingConfig,
    TrainingOptions,
    WarmStart,
    WarmStartMismatch,
    configure,
    fit,
    select,
)
from model.training.learning import learn
from tests.model.conftest import season_and_trend

SHORT = TrainingOptions(num_epochs=1, steps_per_epoch=3, batch_size=32)


@pytest.fixture
def start(checkpoint: Checkpoint) -> WarmStart:
    return WarmStart("meters/3", checkpoint)


@pytest.fixture(scope="session")
def later() -> Panel:
    return Panel((season_and_trend("c", seed=2, length=700),))


def test_a_warm_start_takes_over_what_decides_shapes_and_units_and_leaves_the_rest_open(
    start: WarmStart, later: Panel, config: TrainingConfig
):
    found = configure(later, SHORT, start)
    for name in ("context_length", "patch_length", "state_size", "num_particles", "horizon", "anchored", "linear"):
        assert getattr(found, name) == getattr(config, name)
    assert (found.learning_rate, found.dropout) == (config.learning_rate, config.dropout)
    assert (found.num_epochs, found.batch_size) == (1, 32)
    assert configure(later, replace(SHORT, horizon=12, learning_rate=0.5), start).horizon == 12


def test_a_training_begins_with_the_weights_of_its_start(start: WarmStart, later: Panel):
    options = replace(SHORT, learning_rate=1e-9)
    learned = learn(later, configure(later, options, start), start=start, device="cpu").network.state_dict()
    cold = learn(later, configure(later, options, start), device="cpu").network.state_dict()
    for name, before in start.checkpoint.network.state_dict().items():
        if not name.startswith("linear."):
            torch.testing.assert_close(learned[name], before, atol=1e-6, rtol=1e-6)
            assert not torch.allclose(cold[name], before, atol=1e-3)


def test_the_line_is_solved_anew_for_the_horizon_that_was_chosen(start: WarmStart, later: Panel):
    found = fit(later, configure(later, replace(SHORT, horizon=12), start), start=start, device="cpu")
    assert found.network.linear.weights.shape == (72, 12)
    assert found.network.linear.weights.abs().sum() > 0


def test_a_few_steps_from_a_version_err_less_than_as_many_from_nothing(start: WarmStart, later: Panel):
    warm = learn(later, configure(later, SHORT, start), start=start, device="cpu").validation_loss
    cold = learn(later, replace(configure(later, SHORT, start), learning_rate=0.02), device="cpu").validation_loss
    assert warm < 0.5 * cold


def test_the_manifest_keeps_the_start_and_how_far_it_had_learned(start: WarmStart, panel: Panel, later: Panel):
    earlier = Panel((later.series[0].until(np.datetime64("2026-01-20")),))
    found = fit(earlier, configure(earlier, SHORT, start), start=start, device="cpu").manifest
    assert (found.warm_start, found.warm_start_digest) == ("meters/3", start.checkpoint.manifest.digest)
    assert found.trained_until == start.checkpoint.manifest.trained_until
    fit(later, configure(later, SHORT, start), start=start, device="cpu")
    assert start.checkpoint.manifest.warm_start is None
    with pytest.raises(TypeError):
        replace(found, warm_start=3).check()
    assert Manifest.from_json({k: v for k, v in vars(found).items() if "warm" not in k} | {"trials": [], "reasons": []})


def test_a_warm_start_is_saved_and_answers(start: WarmStart, later: Panel, tmp_path):
    found = fit(later, configure(later, SHORT, start), start=start, device="cpu")
    found.save(tmp_path / "version")
    again = Checkpoint.load(tmp_path / "version")
    assert again.manifest == found.manifest
    assert np.isfinite(Forecaster(again, device="cpu").forecast(later, Steps(50)).items[0].mean).all()


def test_a_start_that_does_not_fit_is_refused_with_all_that_differs(start: WarmStart, later: Panel):
    options = replace(SHORT, context_length=96, state_size=8, calendar=True)
    with pytest.raises(WarmStartMismatch) as refusal:
        configure(later, options, start)
    assert {name for name, _, _ in refusal.value.differences} == {"context_length", "state_size", "calendar"}
    assert "context_length (72 there, 96 here)" in refusal.value.detail
    days = Panel((season_and_trend("d", freq="D"),))
    with pytest.raises(WarmStartMismatch, match=r"freq \(h there, D here\)"):
        configure(days, SHORT, start)


def test_an_interrupted_warm_start_goes_on_to_the_same_weights(start: WarmStart, later: Panel, tmp_path):
    options = replace(SHORT, num_epochs=2)
    config = configure(later, options, start)
    whole = learn(later, config, start=start, device="cpu").network.state_dict()
    calls = iter([False] * 4 + [True])
    with pytest.raises(Exception, match="stopped"):
        learn(later, config, start=start, device="cpu", state_path=tmp_path / "s", should_stop=lambda: next(calls))
    again = learn(later, config, start=start, device="cpu", state_path=tmp_path / "s").network.state_dict()
    assert all(torch.equal(again[name], value) for name, value in whole.items())


def test_only_the_regularisation_is_tried_before_a_warm_start(start: WarmStart, later: Panel):
    chosen = select(later, replace(SHORT, num_epochs=10, preset="balanced"), start=start, device="cpu")
    assert len(chosen.trials) == 3
    assert {one.context_length for one in chosen.trials} == {72}
