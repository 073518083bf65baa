"""What is fitted once more when validation has nothing left to choose."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from model import Checkpoint, Panel, TrainingConfig, TrainingOptions, choose_config, fit
from tests.model.conftest import season_and_trend

LINE = "linear.weights"


@pytest.fixture(scope="module")
def brief(config: TrainingConfig) -> TrainingConfig:
    return replace(config, linear=True, refit="none", num_epochs=1, steps_per_epoch=4)


def said(checkpoint: Checkpoint) -> tuple[str, str]:
    (found,) = [(one.value, one.why) for one in checkpoint.manifest.reasons if one.choice == "refit"]
    return found


def differing(first: Checkpoint, second: Checkpoint) -> set[str]:
    one, other = first.network.state_dict(), second.network.state_dict()
    return {name for name in one if not torch.equal(one[name], other[name])}


def test_the_line_is_solved_again_on_all_windows_and_nothing_else_changes(panel: Panel, brief: TrainingConfig) -> None:
    before = fit(panel, brief, device="cpu")
    after = fit(panel, replace(brief, refit="line"), device="cpu")
    assert differing(before, after) == {LINE}
    assert after.validation == before.validation
    assert said(after)[0] == "line"


def test_a_line_that_all_windows_agree_on_stays_what_it_was(brief: TrainingConfig) -> None:
    panel = Panel((season_and_trend("a", noise=0.0), season_and_trend("b", noise=0.0)))
    before, after = (fit(panel, replace(brief, refit=one), device="cpu") for one in ("none", "line"))
    first, second = before.network.linear, after.network.linear
    assert first is not None
    assert second is not None
    context = torch.sin(torch.arange(brief.context_length) * 2 * torch.pi / 24)[None]
    assert_close(first(context, brief.horizon), second(context, brief.horizon), atol=0.1, rtol=0)


def test_where_windows_are_few_the_line_is_left_as_it_was_validated(panel: Panel, brief: TrainingConfig) -> None:
    most = brief.validation_steps + 2 * brief.horizon + 2
    short = Panel(tuple(replace(one, timestamps=one.timestamps[:most], values=one.values[:most]) for one in panel))
    before, after = (fit(short, replace(brief, refit=one), device="cpu") for one in ("none", "line"))
    assert not differing(before, after)
    assert said(after)[0] == "none"
    assert "fewer than 16 windows" in said(after)[1]


def test_without_a_line_there_is_nothing_to_solve_again(panel: Panel, brief: TrainingConfig) -> None:
    found = fit(panel, replace(brief, linear=False, refit="line"), device="cpu")
    assert said(found) == ("none", "left as it was validated: there is no line beside the flow")


def test_refitting_can_be_turned_off(panel: Panel, brief: TrainingConfig) -> None:
    assert choose_config(panel, TrainingOptions()).refit == "line"
    assert choose_config(panel, TrainingOptions(refit="none")).refit == "none"
    assert said(fit(panel, brief, device="cpu")) == ("none", "as asked")
