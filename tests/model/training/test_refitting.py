"""What is fitted once more when validation has nothing left to choose."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from model import (
    Checkpoint,
    Forecaster,
    Panel,
    Progress,
    Steps,
    TrainingCancelled,
    TrainingConfig,
    TrainingOptions,
    WarmStart,
    choose_config,
    configure,
    fit,
)
from model.training.blending import blend
from model.training.learning import learn
from model.training.refitting import fading, refit
from model.training.validation import validated
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
    assert said(found) == ("none", "left as it was validated: there was nothing to do")


def test_the_flow_goes_on_from_its_best_weights_on_all_windows(panel: Panel, brief: TrainingConfig) -> None:
    flow_alone = replace(brief, linear=False, num_epochs=2, steps_per_epoch=40)
    before, after = (fit(panel, replace(flow_alone, refit=one), device="cpu") for one in ("none", "all"))
    first, second = dict(before.network.named_parameters()), dict(after.network.named_parameters())
    assert differing(before, after) == set(first)
    for name, value in first.items():
        assert float((second[name] - value).detach().norm()) < 0.5 * float(value.detach().norm()) + 0.1, name
    kept = replace(after.validation.calibration, restored=())
    assert replace(after.validation, calibration=kept) == before.validation
    assert after.manifest.validation_loss == before.manifest.validation_loss
    assert said(after)[0] == "flow"


def test_where_the_flow_goes_on_intervals_stay_as_wide_as_they_were_judged(panel: Panel, brief: TrainingConfig) -> None:
    unfinished = replace(brief, linear=False, precedent_windows=0, num_epochs=2, steps_per_epoch=40)
    before, after = (fit(panel, replace(unfinished, refit=one), device="cpu") for one in ("none", "all"))
    series = [season_and_trend(str(one), seed=one, length=400) for one in range(100, 130)]
    widths, flows = [], []
    for one in (before, after):
        found = Forecaster(one, device="cpu").forecast(Panel(tuple(series)), Steps(24), (0.1, 0.9)).items
        widths.append(np.median([item.quantiles[0.9] - item.quantiles[0.1] for item in found], axis=0))
        raw = replace(one.validation, calibration=replace(one.validation.calibration, restored=()))
        found = Forecaster(replace(one, validation=raw), device="cpu").forecast(
            Panel(tuple(series)), Steps(24), (0.1, 0.9)
        )
        flows.append(np.median([item.quantiles[0.9] - item.quantiles[0.1] for item in found.items], axis=0))
    off, without = (np.abs(np.log(later / earlier)).mean() for earlier, later in (widths, flows))
    assert off < 0.1
    assert off < 0.5 * without


def test_the_epochs_of_a_refit_are_told_with_those_before(panel: Panel, brief: TrainingConfig) -> None:
    longer = replace(brief, linear=False, refit="all", num_epochs=14)
    told: list[Progress] = []
    found = fit(panel, longer, on_epoch=told.append, device="cpu")
    assert [(one.epoch, one.num_epochs) for one in told[-2:]] == [(15, 16), (16, 16)]
    assert told[-1].fraction == 1
    assert told[-1].validation_loss == found.manifest.validation_loss
    assert told[-1].elapsed_seconds == pytest.approx(found.manifest.train_seconds, abs=1e-3)
    assert [one.elapsed_seconds for one in told] == sorted(one.elapsed_seconds for one in told)


def test_a_flow_that_started_from_a_version_goes_on_as_well(panel: Panel, brief: TrainingConfig) -> None:
    start = WarmStart("meters/1", fit(panel, replace(brief, refit="all"), device="cpu"))
    later = Panel((season_and_trend("c", seed=2, length=700),))
    config = configure(later, TrainingOptions(num_epochs=1, steps_per_epoch=4, batch_size=32), start)
    config = replace(config, linear=False)
    before, after = (fit(later, replace(config, refit=one), start=start, device="cpu") for one in ("none", "all"))
    assert said(after)[0] == "flow"
    assert differing(before, after) == {name for name, _ in before.network.named_parameters()}


@pytest.mark.parametrize("steps", [0, 3, 8])
def test_a_refit_that_was_stopped_goes_on_to_the_same_weights(
    panel: Panel, brief: TrainingConfig, tmp_path: Path, steps: int
) -> None:
    longer = replace(brief, linear=False, refit="all", num_epochs=14, steps_per_epoch=8)
    whole, path = fit(panel, longer, device="cpu"), tmp_path / "state"
    asked = itertools.count()
    refit_path = path.with_name("state.refit")
    with pytest.raises(TrainingCancelled):
        fit(panel, longer, state_path=path, should_stop=lambda: next(asked) >= 8 * 14 + steps, device="cpu")
    assert refit_path.exists() == (steps >= 8)
    resumed = fit(panel, longer, state_path=path, device="cpu")
    assert resumed.manifest.digest == whole.manifest.digest


def test_where_the_line_says_everything_the_flow_is_left(panel: Panel, brief: TrainingConfig) -> None:
    learned = learn(panel, brief, device="cpu")
    form = blend(learned.network, learned.halves, brief.season_length)
    assert learned.network.linear is not None
    learned.network.linear.share.fill_(1.0)
    chosen = validated(learned.network, learned.parts, brief)
    before = {name: value.clone() for name, value in learned.network.named_parameters()}
    refitted = refit(learned, panel, replace(brief, refit="all"), form=form, chosen=chosen)
    assert refitted.reason.value == "line"
    assert refitted.chosen == chosen
    assert all(torch.equal(value, before[name]) for name, value in learned.network.named_parameters())


def test_the_rate_of_a_refit_rises_soon_and_falls_to_nothing() -> None:
    rates = [fading(step, num_steps=100, highest=1.0) for step in range(100)]
    assert max(rates) > 0.85
    assert rates.index(max(rates)) <= 10
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.02


def test_refitting_can_be_turned_off(panel: Panel, brief: TrainingConfig) -> None:
    assert choose_config(panel, TrainingOptions()).refit == "all"
    assert choose_config(panel, TrainingOptions(refit="none")).refit == "none"
    assert said(fit(panel, brief, device="cpu")) == ("none", "as asked")
