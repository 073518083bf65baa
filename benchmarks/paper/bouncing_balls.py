"""Bouncing balls: ten frames ahead from the first three (section 4.3 of the paper).

The error is the mean square over the pixels of the ten frames. A training sequence is a window of thirteen frames from
a random place of a film; a square box without friction looks the same mirrored, turned and with time reversed, so each
batch is shown in one of those sixteen ways. Films come from `balls_generator`, for training and for the test from a
seed each.

Two guesses stand beside the networks, since an image that is mostly dark has a small error whatever is said of it:
repeating the last frame that was seen, and showing the mean of all training frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.paper.balls_generator import Box, films
from benchmarks.paper.convolutions import image_encoder, shuffled_decoder
from benchmarks.paper.experiment import Experiment, Metric, Outcome, Run, Task
from benchmarks.paper.latent import LatentFlow, mosaic
from model.errors import TrainingDiverged
from model.shooting.dynamics import UpDownUniversal
from model.shooting.flow import Flow
from model.shooting.parametrisation import parametrise

NUM_SEEN = 3
NUM_AHEAD = 10
TRAINING_SEED, TEST_SEED = 2008, 2009


@dataclass(frozen=True)
class BallsBudget:
    """Sizes and steps.

    Attributes:
        seeds: One training each.
        num_films: To train on.
        num_frames: Of a film.
        num_test: Films to test on, from their first frame.
        epochs: Passes over the films, one window of each.
        batch_size: Windows a step.
        learning_rate: Of Adam, down to 0 by a cosine.
        symmetric: Whether batches are mirrored, turned and reversed at random.
        energy_weight: Of the control's energy, beside the mean square over pixels.
        state_size: d.
        inflation: α.
        num_particles: K.
        step: Of the Runge-Kutta method; frames in between, a tenth apart, are read off its continuous extension.
        filters: Of the encoder's first convolution, and a quarter of the decoder's.
        num_decoded: Frames of the ten that a training step decodes of each window, drawn anew; decoding is most of the
            work.
    """

    seeds: tuple[int, ...] = (0,)
    num_films: int = 10_000
    num_frames: int = 20
    num_test: int = 500
    epochs: int = 100
    batch_size: int = 25
    learning_rate: float = 1e-3
    symmetric: bool = True
    energy_weight: float = 5e-4
    state_size: int = 50
    inflation: int = 20
    num_particles: int = 100
    step: float = 0.2
    filters: int = 16
    num_decoded: int = NUM_AHEAD


def network(name: str, budget: BallsBudget) -> LatentFlow:
    """An untrained network with a control held in the way of that name."""
    control = parametrise(
        name,
        UpDownUniversal(budget.state_size, budget.inflation),
        num_particles=budget.num_particles,
        num_pieces=6,
        duration=_times()[-1],
    )
    size = {"side": Box().side, "filters": budget.filters, "state_size": budget.state_size}
    flow = Flow(control, step=budget.step)
    return LatentFlow(image_encoder(num_frames=NUM_SEEN, **size), flow, shuffled_decoder(**size))


def train(task: Task[BallsBudget]) -> Outcome:
    """One training, tested on films that were not trained on."""
    budget = task.budget
    training = _drawn(budget.num_films, budget.num_frames, TRAINING_SEED).to(task.device)
    test = _drawn(budget.num_test, NUM_SEEN + NUM_AHEAD, TEST_SEED).to(task.device)
    trained = network(task.parametrisation, budget).to(task.device)
    _fit(trained, training, budget, torch.Generator().manual_seed(task.seed))
    forecast, future = _forecast(trained, test), test[:, NUM_SEEN:]
    values = {
        "ten_frames": _error(forecast, future),
        "first_frame": _error(forecast[:, :1], future[:, :1]),
        "tenth_frame": _error(forecast[:, -1:], future[:, -1:]),
        "last_frame_repeated": _error(test[:, NUM_SEEN - 1 : NUM_SEEN], future),
        "mean_frame": _error(training.mean((0, 1)), future),
    }
    return Outcome(values, (test[:3].cpu().clone(), forecast[:3].cpu().clone()))


@cache
def _drawn(num_films: int, num_frames: int, seed: int) -> Tensor:
    return films(num_films, num_frames, seed=seed)


def _error(forecast: Tensor, truth: Tensor) -> float:
    return (forecast - truth).square().mean().item()


def _fit(network: LatentFlow, training: Tensor, budget: BallsBudget, generator: torch.Generator) -> None:
    optimizer = torch.optim.Adam(network.parameters(), lr=budget.learning_rate)
    num_steps = budget.epochs * -(-len(training) // budget.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)
    network.train()
    for epoch in range(1, budget.epochs + 1):
        for chosen in torch.randperm(len(training), generator=generator).split(budget.batch_size):
            batch = _windows(training, chosen, generator)
            batch = seen_otherwise(batch, generator) if budget.symmetric else batch
            loss = _error_in_training(network, batch, budget.num_decoded, generator)
            loss = loss + budget.energy_weight * network.flow.energy()
            if not torch.isfinite(loss):
                raise TrainingDiverged(epoch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    network.eval()


def _error_in_training(network: LatentFlow, batch: Tensor, num_decoded: int, generator: torch.Generator) -> Tensor:
    """The mean square error at some of the frames ahead, drawn for each window; only those are decoded."""
    seen, ahead = batch.split([NUM_SEEN, NUM_AHEAD], dim=1)
    order = torch.rand(len(batch), NUM_AHEAD, generator=generator).argsort(1)
    rows, chosen = torch.arange(len(batch), device=batch.device)[:, None], order[:, :num_decoded].to(batch.device)
    decoded = network.decode(network.paths(seen, _times())[rows, chosen])
    error: Tensor = (decoded - ahead[rows, chosen]).square().mean()
    return error


def _windows(training: Tensor, chosen: Tensor, generator: torch.Generator) -> Tensor:
    """A window of each film that is chosen, from a random frame on."""
    length = NUM_SEEN + NUM_AHEAD
    start = torch.randint(0, training.shape[1] - length + 1, (len(chosen), 1), generator=generator)
    return training[chosen[:, None], start + torch.arange(length)]


def seen_otherwise(batch: Tensor, generator: torch.Generator) -> Tensor:
    """The same windows in one of sixteen ways: time reversed or not, mirrored, rows and columns exchanged.

    All are as likely in the box as what was filmed: elastic collisions know no direction of time, and places that are
    uniform with velocities that are isotropic stay so as the balls move.
    """
    way = int(torch.randint(16, (), generator=generator))
    flipped = batch.flip([axis for axis in (1, 2, 3) if way >> (axis - 1) & 1])
    return flipped.mT if way & 8 else flipped


def _times() -> list[float]:
    """Of the frames ahead; the last one seen is at 0, and frames are a tenth apart."""
    return [number / 10 for number in range(1, NUM_AHEAD + 1)]


@torch.inference_mode()
def _forecast(network: LatentFlow, sequences: Tensor) -> Tensor:
    return torch.cat([network(batch[:, :NUM_SEEN], _times()) for batch in sequences.split(100)])


def draw(runs: Sequence[Run[BallsBudget]], folder: Path) -> list[Path]:
    """Three test films, the truth above what the first run of each parametrisation makes of it."""
    import matplotlib.pyplot as plt  # noqa: PLC0415

    firsts = {run.task.parametrisation: run for run in reversed(runs)}
    if not firsts:
        return []
    truth = next(iter(firsts.values())).outcome.drawn[0]
    pairs = [(name, run.outcome.drawn[1]) for name, run in reversed(firsts.items())]
    rows = [("truth", truth), *((name, torch.cat((truth[:, :NUM_SEEN], ahead), 1)) for name, ahead in pairs)]
    figure, axes = plt.subplots(len(rows), 1, figsize=(8, 0.7 * len(rows) * len(truth) + 0.4))
    for axis, (name, sequences) in zip(np.atleast_1d(axes), rows, strict=True):
        axis.imshow(mosaic(sequences).numpy(), cmap="gray", vmin=0, vmax=1)
        axis.axvline(NUM_SEEN * truth.shape[-1] - 0.5, color="tab:red", linewidth=1)
        axis.set_title(name, fontsize=8)
        axis.set_axis_off()
    path = folder / "bouncing_balls.png"
    figure.savefig(path, dpi=90, bbox_inches="tight")
    plt.close(figure)
    return [path]


PUBLISHED = {"DTSBN-s": 0.0732, "DDPAE": 0.0242, "the paper": 0.0166, "ODE2VAE": 0.0093}

EXPERIMENT = Experiment(
    name="bouncing_balls",
    quick=BallsBudget(
        num_films=2000,
        epochs=15,
        batch_size=50,
        learning_rate=3e-3,
        inflation=10,
        num_particles=50,
        step=0.25,
        filters=8,
        num_decoded=2,
    ),
    full=BallsBudget(),
    train=train,
    metrics=(
        Metric("ten_frames", "MSE", PUBLISHED),
        Metric("first_frame", "MSE"),
        Metric("tenth_frame", "MSE"),
        Metric("last_frame_repeated", "MSE"),
        Metric("mean_frame", "MSE"),
    ),
    draw=draw,
)
