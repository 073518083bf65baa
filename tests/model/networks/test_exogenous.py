"""What covariates add to a flow is what the documents say."""

from itertools import repeat

import pytest
import torch
from torch.testing import assert_close

from model.contexts.inputs import Inputs
from model.contexts.scheme import Choice, Measure, Scheme
from model.networks.exogenous import MEMORY, Exogenous
from model.shooting.dynamics import UpDownUniversal
from model.shooting.flow import Flow
from model.shooting.parametrisation import parametrise

CONTEXT, PATCH, D, BATCH = 12, 4, 3, 5
SCHEME = Scheme(
    past=(Measure("weather", 0.0, 1.0),),
    future=(Measure("promo", 0.0, 1.0),),
    measures=(Measure("size", 0.0, 1.0),),
    choices=(Choice("site", ("north", "south")),),
)


@pytest.fixture
def exogenous() -> Exogenous:
    torch.manual_seed(0)
    made = Exogenous(SCHEME, context_length=CONTEXT, patch_length=PATCH, sizes=(D, 2 * D)).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.3)
    return made.requires_grad_(requires_grad=False)


@pytest.fixture
def inputs() -> Inputs:
    generator = torch.Generator().manual_seed(1)
    signals = torch.randn(BATCH, CONTEXT + 3 * PATCH, 2, generator=generator, dtype=torch.float64)
    measures = torch.randn(BATCH, 1, generator=generator, dtype=torch.float64)
    return Inputs(signals, measures, torch.tensor([[0], [1], [2], [1], [0]]))


def test_history_and_facts_start_x_linearly(exogenous: Exogenous, inputs: Inputs) -> None:
    history = inputs.signals[:, :CONTEXT].flatten(1) @ exogenous.history.weight.T
    facts = inputs.measures @ exogenous.facts.weight.T + exogenous.choices[0].weight[inputs.choices[:, 0]]
    assert_close(exogenous.start(inputs), history + facts)


def test_after_each_patch_its_signals_kick_the_whole_state(exogenous: Exogenous, inputs: Inputs) -> None:
    held = parametrise("particles_dynamic", UpDownUniversal(D, 2).weighted_by_fan_in(), num_particles=4).double()
    flow = Flow(held, step=1.0).requires_grad_(requires_grad=False)
    state = (torch.randn(BATCH, D).double(), torch.randn(BATCH, 2 * D).double())
    found = exogenous.carry(flow, state, flow.controls(), 3, inputs)
    for number, (stages, there) in enumerate(zip(flow.controls(), found, strict=False)):
        state = flow.carry(state, repeat(stages), [1.0])[0]
        assert_close(there, state)
        patch = inputs.signals[:, CONTEXT + number * PATCH : CONTEXT + (number + 1) * PATCH, 1]
        kick = patch @ exogenous.kick.weight.T
        state = (state[0] + kick[:, :D], state[1] + kick[:, D:])


def test_a_value_is_moved_by_the_signals_of_its_own_time_and_just_before(exogenous: Exogenous, inputs: Inputs) -> None:
    states = [(torch.randn(BATCH, D).double(), torch.randn(BATCH, 2 * D).double()) for _ in range(3)]
    before = exogenous.effects(states, inputs)
    for step in range(3 * PATCH):
        signals = inputs.signals.clone()
        signals[:, CONTEXT + step, 1] += 1.0
        moved = (exogenous.effects(states, Inputs(signals, inputs.measures, inputs.choices)) != before).any(0)
        assert moved.nonzero().flatten().tolist() == list(range(step, min(step + MEMORY, 3 * PATCH)))
