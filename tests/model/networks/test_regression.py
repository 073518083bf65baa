"""A regression on signals known in advance does what the documents say."""

import pytest
import torch
from torch.testing import assert_close

from model.contexts.inputs import Inputs
from model.contexts.scheme import Measure, Scheme
from model.contexts.windows import Batch
from model.networks.exogenous import MEMORY
from model.networks.regression import Regression

CONTEXT, HORIZON, BATCH = 30, 12, 4
SCHEME = Scheme(past=(Measure("p", 0.0, 1.0),), future=(Measure("a", 0.0, 1.0), Measure("b", 0.0, 1.0)))


@pytest.fixture
def regression() -> Regression:
    made = Regression(SCHEME).double()
    made.weights.copy_(torch.randn(2 * MEMORY, generator=torch.Generator().manual_seed(2), dtype=torch.float64))
    return made


@pytest.fixture
def inputs() -> Inputs:
    generator = torch.Generator().manual_seed(1)
    signals = torch.randn(BATCH, CONTEXT + HORIZON, 3, generator=generator, dtype=torch.float64)
    return Inputs(signals, torch.zeros(BATCH, 0), torch.zeros(BATCH, 0, dtype=torch.long))


def test_a_value_is_moved_by_the_signals_of_its_own_time_and_just_before(
    regression: Regression, inputs: Inputs
) -> None:
    steps, weights = CONTEXT + HORIZON, regression.weights.view(2, MEMORY)
    expected = torch.zeros(BATCH, steps, dtype=torch.float64)
    for step in range(steps):
        for back in range(min(MEMORY, step + 1)):
            expected[:, step] += inputs.signals[:, step - back, 1:] @ weights[:, MEMORY - 1 - back]
    assert_close(regression(inputs, steps), expected)


def test_signals_that_end_early_are_at_their_mean_from_there_on(regression: Regression, inputs: Inputs) -> None:
    short = Inputs(inputs.signals[:, :CONTEXT], inputs.measures, inputs.choices)
    whole = inputs.without_future(CONTEXT)
    assert_close(regression(short, CONTEXT + HORIZON), regression(whole, CONTEXT + HORIZON))


def test_what_was_taken_out_of_a_history_is_put_back_ahead_of_it(regression: Regression, inputs: Inputs) -> None:
    effects = regression(inputs, CONTEXT + HORIZON)
    plain = torch.sin(torch.arange(CONTEXT + HORIZON, dtype=torch.float64)).expand(BATCH, -1)
    values = 3 + 2 * (plain + effects)
    context, target = (values[:, :CONTEXT] - 3) / 2, (values[:, CONTEXT:] - 3) / 2
    left, put_back = regression.cleared(context, HORIZON, inputs)
    ahead = (plain[:, CONTEXT:] - plain[:, :CONTEXT].mean(1, keepdim=True)) / plain[:, :CONTEXT].std(
        1, keepdim=True, correction=0
    )
    assert_close(
        left,
        (plain[:, :CONTEXT] - plain[:, :CONTEXT].mean(1, keepdim=True))
        / plain[:, :CONTEXT].std(1, keepdim=True, correction=0),
    )
    assert_close(put_back(ahead), target)
    assert_close(put_back(ahead[..., None])[..., 0], target)


def test_windows_are_cleared_in_their_own_units(regression: Regression, inputs: Inputs) -> None:
    values = torch.randn(BATCH, CONTEXT + HORIZON, dtype=torch.float64)
    known = torch.ones(BATCH, HORIZON, dtype=torch.bool)
    one, other = (
        regression.cleared_batch(Batch(v[:, :CONTEXT], v[:, CONTEXT:], known, inputs))
        for v in (values, 1000 * values + 5)
    )
    assert_close(other.context, 1000 * one.context + 5)
    assert_close(other.target, 1000 * one.target + 5)


@pytest.mark.parametrize("context", [3, CONTEXT])
def test_what_a_line_misses_of_a_tap_is_what_it_misses_of_the_effects_of_that_tap_alone(
    regression: Regression, inputs: Inputs, context: int
) -> None:
    line = torch.randn(context, HORIZON, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    missed = regression.missed(inputs, line, regression.said(inputs, line))
    for tap in range(2 * MEMORY):
        regression.weights.copy_(torch.eye(2 * MEMORY, dtype=torch.float64)[tap])
        effects = regression(inputs, context + HORIZON)
        effects = effects - effects[:, :context].mean(1, keepdim=True)
        assert_close(missed[..., tap], effects[:, context:] - effects[:, :context] @ line)


@pytest.mark.parametrize("places", [[0, 1, 2, 3], [40, 33, 35, 60]])
def test_a_line_says_the_same_of_windows_close_together_as_of_each_by_itself(
    regression: Regression, places: list[int]
) -> None:
    generator, starts = torch.Generator().manual_seed(1), torch.tensor(places)
    signals = torch.randn(60 + CONTEXT + HORIZON, 3, generator=generator, dtype=torch.float64)
    line = torch.randn(CONTEXT, HORIZON, generator=generator, dtype=torch.float64)
    own = signals[starts[:, None] + torch.arange(CONTEXT + HORIZON)]
    each = regression.said(Inputs(own, torch.zeros(4, 0), torch.zeros(4, 0, dtype=torch.long)), line)
    assert_close(regression.said_of_neighbours(signals, starts, line), each)
