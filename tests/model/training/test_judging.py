"""The judge of trials: the line beside a flow counts as it will in what is said."""

from dataclasses import replace

import pytest

from model import Panel, TrainingOptions, choose_config
from model.configuration.config import TrainingConfig
from model.training.judging import Judge
from model.training.learning import Learned, learn
from tests.model.conftest import season_and_trend


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel((season_and_trend("a", length=160), season_and_trend("b", length=120, seed=1)))


@pytest.fixture(scope="module")
def config(panel: Panel) -> TrainingConfig:
    options = TrainingOptions(
        horizon=24, context_length=48, state_size=8, num_particles=4, num_epochs=1, steps_per_epoch=2, batch_size=16
    )
    return choose_config(panel, replace(options, validation_steps=30))


def _score(learned: Learned, judge: Judge) -> float:
    return judge.score(learned, mean_weight=1.0)


def test_a_flow_that_has_learned_little_is_judged_better_with_its_line_than_alone(
    panel: Panel, config: TrainingConfig
) -> None:
    with_line, alone = (learn(panel, replace(config, linear=linear), device="cpu") for linear in (True, False))
    assert _score(with_line, Judge()) < _score(alone, Judge())


def test_flows_differ_by_less_than_they_do_alone(panel: Panel, config: TrainingConfig) -> None:
    configs = [replace(config, linear=linear, seed=seed) for linear in (True, False) for seed in (0, 1)]
    first, second, alone, other = (_score(learn(panel, one, device="cpu"), Judge()) for one in configs)
    assert 0 < abs(first - second) < abs(alone - other)


def test_a_score_does_not_depend_on_what_was_judged_before(panel: Panel, config: TrainingConfig) -> None:
    judge = Judge()
    trials = [replace(config, context_length=length, seed=seed) for seed in (0, 1) for length in (48, 32)]
    for one in trials:
        learned = learn(panel, one, device="cpu")
        assert _score(learned, judge) == pytest.approx(_score(learned, Judge()), rel=1e-6)
