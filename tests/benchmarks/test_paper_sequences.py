"""Digits, balls and walks: the data are what their modules say, and each runs from its files to its figures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat
from scipy.ndimage import rotate

from benchmarks.paper import bouncing_balls, mocap, rotated_digits, walks
from benchmarks.paper.balls_generator import Box, films, overlap, positions, rendered, step
from benchmarks.paper.deformation import deformations, deformed
from benchmarks.paper.experiment import Experiment, Run, Task

SMALL_DIGITS = rotated_digits.DigitsBudget(
    seeds=(0,), epochs=1, num_train=6, batch_size=3, state_size=3, inflation=2, num_particles=4, filters=2
)
SMALL_BALLS = bouncing_balls.BallsBudget(
    num_films=6,
    num_frames=15,
    num_test=4,
    epochs=1,
    batch_size=3,
    state_size=3,
    inflation=2,
    num_particles=4,
    filters=2,
)
SMALL_MOCAP = mocap.MocapBudget(
    seeds=(0,), iterations=3, batch_size=3, state_size=3, inflation=2, num_particles=4, num_hidden=5
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The two files in their own formats, small and made up, somewhere below a folder."""
    generator = np.random.default_rng(0)
    (tmp_path / "sets").mkdir()
    digits = generator.integers(0, 256, (10, 16, 28, 28)).astype(np.uint8)
    np.savez(tmp_path / "sets" / rotated_digits.FILE, X=digits)
    recorded = {name: generator.normal(size=(count, 60, 5)) for name, count in (("Xtr", 4), ("Xval", 2), ("Xtest", 2))}
    savemat(tmp_path / "sets" / walks.FILE, recorded)
    return tmp_path


CASES = [
    (rotated_digits.EXPERIMENT, SMALL_DIGITS),
    (rotated_digits.EXPERIMENT, replace(SMALL_DIGITS, deformation=0.1, angles_per_step=5)),
    (bouncing_balls.EXPERIMENT, SMALL_BALLS),
    (bouncing_balls.EXPERIMENT, replace(SMALL_BALLS, num_decoded=2)),
    (mocap.EXPERIMENT, SMALL_MOCAP),
]


@pytest.mark.parametrize(("experiment", "budget"), CASES, ids=lambda one: getattr(one, "name", ""))
@pytest.mark.parametrize("parametrisation", ["particles_dynamic", "direct_dynamic"])
def test_each_runs_from_its_data_to_its_figure(
    experiment: Experiment, budget: object, parametrisation: str, data: Path, tmp_path: Path
):
    torch.manual_seed(0)
    task = Task(parametrisation, 0, {}, budget, torch.device("cpu"), data)
    outcome = experiment.train(task)
    assert set(outcome.values) == {metric.name for metric in experiment.metrics}
    assert all(np.isfinite(value) for value in outcome.values.values())
    pytest.importorskip("matplotlib").use("Agg")
    (path,) = experiment.draw([Run(task, outcome, 1.0)], tmp_path)
    assert path.stat().st_size > 0


@pytest.mark.parametrize("experiment", [rotated_digits.EXPERIMENT, mocap.EXPERIMENT], ids=lambda one: one.name)
def test_data_that_are_not_there_are_named(experiment: Experiment, data: Path, tmp_path: Path):
    assert experiment.missing(data) is None
    (tmp_path / "empty").mkdir()
    assert ".npz" in (said := experiment.missing(tmp_path / "empty") or "") or ".mat" in said


def test_the_same_seed_trains_the_same_network(data: Path):
    def trained() -> dict[str, float]:
        torch.manual_seed(7)
        budget = replace(SMALL_MOCAP, seeds=(7,))
        return dict(mocap.train(Task("particles_static", 7, {}, budget, torch.device("cpu"), data)).values)

    assert trained() == trained()


def test_the_fourth_angle_is_never_trained_on():
    shown = rotated_digits._shown_angles(200, 16, 4, torch.Generator().manual_seed(0))
    assert shown.shape == (200, 11)
    assert not (shown == rotated_digits.ASKED_ANGLE).any()
    assert all(len(set(row.tolist())) == 11 for row in shown)


def test_a_digit_deformed_and_then_rotated_is_one_rotated_and_then_deformed():
    rows, columns = np.mgrid[:28, :28] - 13.5
    digit = np.exp(-((rows - 3) ** 2 + 3 * (columns + 2) ** 2) / 30) + np.exp(-((rows + 4) ** 2 + columns**2) / 8)

    def rotated(picture: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.stack([rotate(picture, 360 * a / 16, reshape=False, order=1) for a in range(16)]))

    maps = torch.tensor([[[1.15, 0.2], [-0.1, 0.9]]], dtype=torch.float64)
    upright, angles = torch.from_numpy(digit)[None, None], torch.arange(16.0, dtype=torch.float64)[None] / 16
    first = deformed(upright, torch.zeros(1, 1, dtype=torch.float64), maps)[0, 0]
    assert (first - upright[0, 0]).square().mean() > 2e-3
    later = deformed(rotated(digit)[None], angles, maps)[0]
    assert (later - rotated(first.numpy())).square().mean() < 1e-4


def test_deformations_spread_as_asked_and_none_changes_nothing():
    generator = torch.Generator().manual_seed(0)
    assert deformations(4000, 0.1, generator).std(0).numpy() == pytest.approx(0.1, rel=0.1)
    pictures = torch.rand(3, 4, 28, 28, generator=generator)
    angles = torch.rand(3, 4, generator=generator)
    torch.testing.assert_close(deformed(pictures, angles, torch.eye(2).expand(3, 2, 2)), pictures, rtol=0, atol=1e-4)


def test_windows_of_walks_follow_them_at_another_tempo():
    line = torch.arange(300.0)[None, :, None] * torch.tensor([1.0, -2.0])
    generator = torch.Generator().manual_seed(0)
    seen, future, observed = walks.windows(line, 100, count=50, tempo_spread=0.1, generator=generator)
    tempo = seen[:, 1, 0] - seen[:, 0, 0]
    assert tempo.min() > 0.9
    assert tempo.max() < 1.11
    expected = seen[:, :1] + (torch.arange(3, 103)[:, None] * tempo[:, None, None]) * torch.tensor([1.0, -2.0])
    inside = observed.bool()
    torch.testing.assert_close(future[inside], expected[inside], rtol=1e-3, atol=1e-2)
    assert 0 < inside.float().mean() <= 1


def test_the_horizon_grows_to_all_that_follows():
    budget = mocap.MocapBudget()
    horizons = [mocap._horizon(progress, 300, budget) for progress in (0.0, 0.1, 0.3, 0.5, 1.0)]
    assert horizons == sorted(horizons)
    assert (horizons[0], horizons[-1]) == (30, 297)


def test_balls_keep_their_energy_and_stay_in_the_box():
    box = Box()
    generator = np.random.default_rng(3)
    place = positions(20, 1, seed=5, box=box)[:, 0]
    velocity = generator.normal(size=place.shape)
    energy = (velocity**2).sum((1, 2))
    for _ in range(500):
        place, velocity = step(place, velocity, 0.01, box)
    np.testing.assert_allclose((velocity**2).sum((1, 2)), energy, rtol=1e-12)
    assert place.min() > box.radius - 0.1
    assert place.max() < box.size - box.radius + 0.1


def test_films_are_seen_in_all_sixteen_ways_and_each_is_a_film():
    one = films(1, 4, seed=3)
    generator = torch.Generator().manual_seed(0)
    ways = {bouncing_balls.seen_otherwise(one, generator).contiguous().numpy().tobytes() for _ in range(300)}
    assert len(ways) == 16
    times = one.flip(1).contiguous().numpy().tobytes(), one.flip(2).mT.contiguous().numpy().tobytes()
    assert ways.issuperset(times)


def test_a_film_reversed_and_mirrored_obeys_the_same_physics():
    box = Box()
    generator = np.random.default_rng(1)
    start = positions(40, 1, seed=2, box=box)[:, 0]
    velocity = generator.normal(size=start.shape)
    place, speed = start, velocity
    for _ in range(300):
        place, speed = step(place, speed, 0.01, box)
    # Mirrored at the centre, velocities change their sign; with time reversed, they change it back.
    back = box.size - place[..., ::-1], speed[..., ::-1]
    for _ in range(300):
        back = step(*back, 0.01, box)
    # A collision is noticed up to a step late, and so on the way back at another place.
    assert np.median(np.abs(box.size - back[0][..., ::-1] - start)) < 0.02


def test_two_balls_in_a_line_exchange_their_velocities():
    box = Box(num_balls=2)
    place = np.array([[[4.0, 5.0], [6.35, 5.0]]])
    velocity = np.array([[[1.0, 0.2], [-0.5, 0.2]]])
    _, after = step(place, velocity, 0.01, box)
    np.testing.assert_allclose(after, [[[-0.5, 0.2], [1.0, 0.2]]], atol=1e-12)


def test_films_start_without_overlap_and_differ_by_seed():
    box = Box()
    assert not overlap(positions(50, 1, seed=1, box=box)[:, 0], box).any()
    first, again, other = (films(2, 3, seed=seed, box=box) for seed in (1, 1, 2))
    assert first.equal(again)
    assert not first.equal(other)
    assert 0 <= first.min() <= first.max() <= 1


def test_a_ball_is_bright_within_its_radius_and_dark_beyond():
    box = Box(num_balls=1)
    frame = rendered(np.full((1, 1, 1, 2), 5.0), box)[0, 0]
    centres = (np.arange(box.side) + 0.5) * box.size / box.side - 5
    distance = np.hypot(centres[:, None], centres)
    assert (frame[distance < 0.7 * box.radius] > 0.9).all()
    assert (frame[distance > 1.3 * box.radius] < 0.01).all()
