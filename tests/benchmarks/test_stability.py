"""Flows followed past their training, and what keeps them bounded."""

import json
import math
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from benchmarks.stability.__main__ import main
from benchmarks.stability.follow import energy_drift, followed
from benchmarks.stability.planar import SIZES, Planar, trajectories
from benchmarks.stability.remedies import FOR_ALL_PARAMETRISATIONS, REMEDIES, Continuation, ControlPast, Training
from benchmarks.stability.seasonal import HORIZON, Seasonal, in_blocks
from benchmarks.stability.trial import follow, train
from model.shooting.parametrisation import PARAMETRISATIONS


def planar(parametrisation: str = "particles_dynamic", training: Training | None = None) -> Planar:
    torch.manual_seed(0)
    return Planar("rotation", parametrisation, training or Training())


def states(task: Planar, continuation: Continuation, num_steps: int) -> torch.Tensor:
    steps = islice(followed(task.flow, task.start(), continuation, trained=SIZES.num_steps), num_steps)
    return torch.stack([x.float() for x, _ in steps]).detach()


def test_the_truth_is_what_the_equations_say() -> None:
    rotation, spiral = trajectories("rotation", 0), trajectories("spiral", 0)
    assert_close(rotation[0], rotation[-1], atol=1e-3, rtol=1e-3)
    assert_close(rotation[0], -rotation[SIZES.num_steps // 2], atol=1e-5, rtol=1e-5)
    radius = spiral.norm(dim=2)
    assert (radius[-1] < 0.7 * radius[0]).all()


@pytest.mark.parametrize("parametrisation", PARAMETRISATIONS)
@pytest.mark.parametrize("control", ["held", "repeated"])
def test_within_the_trained_time_a_continuation_changes_nothing(parametrisation: str, control: ControlPast) -> None:
    task = planar(parametrisation)
    plain = states(task, Continuation(), SIZES.num_steps)
    assert_close(states(task, Continuation(control), SIZES.num_steps), plain)
    assert_close(states(task, Continuation(double=True), SIZES.num_steps), plain, rtol=1e-3, atol=1e-3)


def test_following_a_flow_is_what_the_flow_says() -> None:
    task = planar()
    times = [SIZES.step * number for number in range(1, 26)]
    assert_close(states(task, Continuation(), 25), task.flow(task.start(), times)[0].detach())


def test_a_repeated_control_makes_a_map_that_is_applied_again_and_again() -> None:
    task, length = planar(), SIZES.num_steps
    ways = Continuation("repeated")
    (*_, end) = islice(followed(task.flow, task.start(), ways, trained=length), length)
    again = torch.stack([x for x, _ in islice(followed(task.flow, end, ways, trained=length), length)]).detach()
    assert_close(states(task, ways, 2 * length)[length:], again)


def test_bounded_points_stay_within_their_bound() -> None:
    task = planar()
    first = states(task, Continuation(), SIZES.num_steps)
    largest = torch.cat([first, task.start()[0][None]]).norm(dim=2).max()
    far = states(task, Continuation(state_bound=1.5), 20 * SIZES.num_steps)
    assert far.norm(dim=2).max() <= 1.5 * largest * (1 + 1e-5)


def test_smaller_steps_keep_the_energy_better() -> None:
    task = planar()
    coarse = energy_drift(task.flow, 20)
    task.flow.step /= 4
    assert max(energy_drift(task.flow, 80)) < 0.1 * max(coarse)
    assert energy_drift(planar("direct_static").flow, 20) == []


def test_an_energy_is_kept_below_its_bound_in_training() -> None:
    training = Training(energy_bound=0.25)
    for parametrisation in PARAMETRISATIONS:
        task = planar(parametrisation, training)
        train(task, training, iterations=2, learning_rate=0.01)
        assert task.flow.energy().item() <= 0.25 * (1 + 1e-4)


def test_a_flow_that_runs_away_has_errors_without_an_end() -> None:
    task = planar("direct_static")
    with torch.no_grad():
        for weights in task.flow.parametrisation.parameters():
            weights.mul_(30)
    found = follow(task, Continuation(), SIZES, most=30)
    assert len(found.errors) == 30
    assert found.errors[-1] == math.inf


def test_blocks_that_are_held_are_forecasts_of_the_same_series() -> None:
    torch.manual_seed(0)
    ways = dict(in_blocks(Seasonal("particles_dynamic", Training())))
    assert ways["rolled"].errors[0] == pytest.approx(ways["anchored"].errors[0])
    assert len(ways["anchored"].errors) * HORIZON == 9600
    assert max(ways["anchored"].sizes) < 3


def test_every_remedy_changes_something_and_has_a_name_of_its_own() -> None:
    assert len({remedy.name for remedy in REMEDIES}) == len(REMEDIES)
    assert len({repr(replace(remedy, name="")) for remedy in REMEDIES}) == len(REMEDIES)
    assert {remedy.name for remedy in REMEDIES} >= FOR_ALL_PARAMETRISATIONS


def test_the_command_prints_a_table_and_writes_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--tasks", "rotation", "--iterations", "2", "--seeds", "0", "--remedies", "none", "state bounded"]
    words += ["--parametrisations", "direct_static", "particles_static"]
    assert main([*words, "--json", str(tmp_path / "out.json"), "--figures", str(tmp_path)]) == 0
    assert "| particles_static | state bounded |" in capsys.readouterr().out
    records = json.loads((tmp_path / "out.json").read_text())
    assert len(records) == 2 * 2 * 2 * 4
    assert records[0]["name"].startswith("stability.rotation.")
