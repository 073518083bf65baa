"""The paper's small experiments ask what they say they ask, and each runs from its command to its records."""

import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchdiffeq import odeint

from benchmarks.paper import __main__ as paper
from benchmarks.paper import circles, regression, spiral
from benchmarks.paper.control_record import record_controls
from benchmarks.paper.experiment import Experiment, Metric, Outcome, Run, Task
from benchmarks.paper.table import quartiles, table
from benchmarks.paper.training import LiftedFlow, descend, num_parameters
from model.errors import TrainingDiverged
from model.shooting.parametrisation import PARAMETRISATIONS


def lifted(parametrisation: str, **changes: object) -> LiftedFlow:
    torch.manual_seed(0)
    sizes = {"state_size": 2, "inflation": 3, "num_particles": 4, "num_pieces": 2, "duration": 1.0, "step": 0.25}
    return LiftedFlow(parametrisation, **sizes | {"lift": "linear", "parameter_weights": 1.0} | changes)


def test_the_spiral_solves_its_equation():
    points = spiral.trajectory()
    step = spiral.END_TIME / (spiral.NUM_POINTS - 1)
    assert points.shape == (200, 2)
    assert points[0].tolist() == [2.0, 0.0]
    # The velocity on finer steps, by central differences of a solution as fine.
    times = torch.linspace(0, 0.01, 101, dtype=torch.float64)
    fine = odeint(spiral.velocity, points[50], times, rtol=1e-12, atol=1e-14)
    by_difference = (fine[2:] - fine[:-2]) / (2 * times[1])
    cubes = fine[1:-1] ** 3
    by_hand = torch.stack([-0.1 * cubes[:, 0] - 2 * cubes[:, 1], 2 * cubes[:, 0] - 0.1 * cubes[:, 1]], dim=1)
    torch.testing.assert_close(by_difference, by_hand, rtol=1e-5, atol=1e-6)
    onward = odeint(spiral.velocity, points[50], torch.tensor([0.0, step], dtype=torch.float64), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(onward[1], points[51], rtol=1e-7, atol=1e-7)


def test_the_spiral_shrinks():
    fourth_powers = (spiral.trajectory() ** 4).sum(1)
    assert bool((fourth_powers.diff() < 0).all())


def test_chained_snippets_of_the_truth_are_the_truth():
    truth = spiral.trajectory()
    times = torch.linspace(0, spiral.END_TIME, spiral.NUM_POINTS, dtype=torch.float64)[:5]

    def onward(start: Tensor) -> Tensor:
        return odeint(spiral.velocity, start, times, rtol=1e-10, atol=1e-12)[1:]

    torch.testing.assert_close(spiral.chained(onward, truth[0], 200), truth, rtol=1e-6, atol=1e-6)


def test_snippets_are_neighbouring_points():
    truth = spiral.trajectory()
    windows = spiral.snippets(truth, 5)
    assert windows.shape == (5, 196, 2)
    assert torch.equal(windows[:, 17], truth[17:22])


def test_a_trajectory_that_runs_away_is_a_failure_and_no_number():
    truth = torch.zeros(4, 2)
    network = lifted("direct_static")
    with torch.no_grad():
        for weight in network.parameters():
            weight.fill_(50.0)
    found = spiral._finite_or_nan(lambda: spiral.chained(lambda x: network(x, [1.0]), truth[0], 4), truth)
    assert bool(found.isnan().all())


def test_the_circles_keep_to_their_radii_and_a_circle_between_separates_them():
    x, classes = circles.circles(2000, seed=3)
    radius = x.norm(dim=1)
    assert classes.mean().item() == 0.5
    assert bool((radius[classes == 0] <= 0.5).all())
    assert bool(((radius[classes == 1] >= 1.0) & (radius[classes == 1] <= 1.5)).all())
    assert bool(((radius > 0.75) == (classes > 0.5)).all())


def test_no_line_separates_the_circles():
    x, classes = circles.circles(2000, seed=3)
    angles = torch.linspace(0, math.pi, 50)
    projected = x @ torch.stack([angles.cos(), angles.sin()])
    inner, outer = projected[classes == 0], projected[classes == 1]
    assert bool((outer.amin(0) < inner.amin(0)).all())
    assert bool((outer.amax(0) > inner.amax(0)).all())


def test_the_functions_are_those_of_the_paper():
    x = torch.tensor([[-1.0], [0.0], [2.0]])
    assert regression.FUNCTIONS["cubic"](x).flatten().tolist() == [-1.0, 0.0, 8.0]
    torch.testing.assert_close(regression.FUNCTIONS["quadratic"](x).flatten(), torch.tensor([2.5, 3.0, 4.6]))


def test_test_points_lie_between_training_points():
    train, test = regression.points(11)
    assert bool((test > train[:-1]).all())
    assert bool((test < train[1:]).all())


def test_only_particles_are_varied_in_number():
    budget = regression.FULL
    assert len(regression.variants(budget, "direct_static")) == 6
    assert len(regression.variants(budget, "particles_dynamic")) == 24


def test_parameters_are_counted_as_on_paper():
    alpha, particles = 3, 4
    lift = alpha * 2 * 2 + alpha * 2
    weights = 2 * 6 + 6 * 2 + 6 * 6 + 2 + 6
    assert num_parameters(lifted("direct_static")) == lift + weights
    assert num_parameters(lifted("direct_dynamic")) == lift + 2 * weights
    assert num_parameters(lifted("particles_dynamic")) == lift + particles * 2 * (2 + 6)


def test_a_control_is_recorded_as_it_is_held():
    still = record_controls(lifted("particles_static").flow, duration=1.0, num_steps=8)
    assert still.positions is None
    assert all(len(set(norms)) == 1 for norms in still.norms.values())
    moving = record_controls(lifted("particles_dynamic").flow, duration=1.0, num_steps=8)
    assert moving.positions is not None
    assert moving.positions.shape == (9, 4, 2)
    assert moving.norms["a1"][0] == pytest.approx(still.norms["a1"][0])
    assert moving.norms["a1"][-1] != pytest.approx(moving.norms["a1"][0], rel=1e-6)
    pieces = record_controls(lifted("direct_dynamic").flow, duration=1.0, num_steps=8)
    assert len(set(pieces.norms["a3"])) == 2


def test_a_descent_that_is_not_finite_says_so():
    network = torch.nn.Linear(1, 1)
    with pytest.raises(TrainingDiverged):
        descend(
            network,
            lambda: network.weight.sum() * torch.tensor(math.inf),
            iterations=2,
            learning_rate=0.1,
            annealed=True,
        )


def failing(task: Task[circles.Budget]) -> Outcome:
    if task.seed == 1:
        raise TrainingDiverged(3)
    return Outcome({"error": 2.0})


def test_a_run_that_diverges_is_counted_and_the_others_go_on(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    budget = circles.Budget(seeds=(0, 1))
    experiment = Experiment(
        "some", budget, budget, failing, (Metric("error", "MSE", {"theirs": 1.5}),), draw=lambda runs, folder: []
    )
    tasks = [Task("direct_static", seed, {}, budget, torch.device("cpu"), tmp_path) for seed in (0, 1)]
    runs = [paper._run(experiment, task) for task in tasks]
    assert "no longer finite in epoch 3" in capsys.readouterr().err
    assert table(experiment, runs).splitlines()[-1] == "| error (MSE) | 2, 1 of 2 failed | theirs 1.5 |"


def test_quartiles_interpolate():
    assert quartiles([4.0, 1.0, 2.0, 3.0, 5.0]) == (2.0, 3.0, 4.0)
    assert quartiles([7.0]) == (7.0, 7.0, 7.0)


def test_a_table_stands_beside_what_it_needs_to_be_measured_again(tmp_path: Path):
    budget = regression.QUICK
    task = Task("direct_static", 0, {"inflation": 4, "particles": 0}, budget, torch.device("cpu"), tmp_path)
    values = {metric.name: 1.0 for metric in regression.CUBIC.metrics}
    lines = table(regression.CUBIC, [Run(task, Outcome(values), 0.1)]).splitlines()
    assert lines[0] == "| inflation | particles | metric | direct_static | published |"


@pytest.mark.parametrize("words", [["--budget", "colour=3"], ["--device", "abacus"], ["--experiments", "chess"]])
def test_what_no_experiment_has_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        paper.main(words)
    assert words[1].split("=")[0] in capsys.readouterr().err


SMALL = ["iterations=3", "epochs=1", "points=130", "num_particles=3", "inflation=2", "inflations=[3]", "particles=[2]"]


@pytest.mark.parametrize("name", ["cubic", "quadratic", "spiral", "circles"])
def test_an_experiment_runs_from_its_command_to_its_records(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file, figures = tmp_path / "records.json", tmp_path / "figures"
    words = ["--experiments", name, "--quick", "--seeds", "7", "--json", str(file), "--figures", str(figures)]
    assert paper.main([*words, *(word for change in SMALL for word in ("--budget", change))]) == 0
    records = json.loads(file.read_text())
    metrics = paper.EXPERIMENTS[name].metrics
    assert len(records) == len(PARAMETRISATIONS) * len(metrics)
    assert {record["settings"]["seed"] for record in records} == {7}
    assert all(record["name"].startswith(f"paper.{name}.") and "environment" in record for record in records)
    printed = capsys.readouterr().out
    assert all(parametrisation in printed for parametrisation in PARAMETRISATIONS)
    assert list(figures.glob("*.png"))
