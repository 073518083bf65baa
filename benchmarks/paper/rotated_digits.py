"""Rotated digits: from the upright image of a handwritten three to all sixteen angles of a full turn.

Of each training sequence some angles, drawn anew in each epoch, are left out, and the fourth always is; the error is
measured at the fourth angle of sequences that were not trained on (section 4.3 of the paper). One angle is one step of
the Runge–Kutta method on times from 0 to 1, where the paper's code runs an adaptive solver on times from 0 to 1.5.

The data are `rotated_threes.npz` with `X`, of shape (sequences, 16, 28, 28) and whole numbers from 0 to 255.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.paper.convolutions import image_decoder, image_encoder
from benchmarks.paper.deformation import deformations, deformed
from benchmarks.paper.experiment import Experiment, Metric, Outcome, Run, Task
from benchmarks.paper.latent import LatentFlow, find, mosaic
from model.errors import TrainingDiverged
from model.shooting.dynamics import UpDownUniversal
from model.shooting.flow import Flow
from model.shooting.parametrisation import parametrise

FILE = "rotated_threes.npz"
ASKED_ANGLE = 3
"""Counted from 0: never trained on, and the one that the error is measured at."""


@dataclass(frozen=True)
class DigitsBudget:
    """Sizes and steps.

    Attributes:
        seeds: One training each.
        epochs: Passes over the training sequences.
        num_train: Sequences from the beginning of the file; the others are tested on.
        num_test: How many of those at most.
        batch_size: Sequences a step.
        num_skipped: Angles that are left out of a sequence in an epoch, beside the fourth.
        learning_rate: Of Adam, down to 0 by a cosine.
        energy_weight: Of the control's energy, beside the mean square over pixels.
        state_size: d.
        inflation: α.
        num_particles: K.
        filters: Of the convolutions at full size.
        angles_per_step: Of the Runge–Kutta method; angles in between are read off its continuous extension.
        deformation: How much digits are deformed in training: the deviation of a linear map from 1, entry by entry.
    """

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    epochs: int = 500
    num_train: int = 500
    num_test: int = 1000
    batch_size: int = 25
    num_skipped: int = 4
    learning_rate: float = 5e-3
    energy_weight: float = 5e-4
    state_size: int = 20
    inflation: int = 10
    num_particles: int = 100
    filters: int = 8
    angles_per_step: int = 1
    deformation: float = 0.0


def load(data: Path) -> Tensor:
    """All sequences with values between 0 and 1, of shape (sequences, angles, side, side)."""
    path = find(data, FILE)
    if path is None:
        raise FileNotFoundError(f"no {FILE} below {data}")
    with np.load(path) as file:
        return torch.from_numpy(file["X"]).float() / 255


def network(name: str, budget: DigitsBudget, *, num_angles: int, side: int) -> LatentFlow:
    """An untrained network with a control held in the way of that name."""
    control = parametrise(
        name,
        UpDownUniversal(budget.state_size, budget.inflation),
        num_particles=budget.num_particles,
        num_pieces=5,
    )
    size = {"side": side, "filters": budget.filters, "state_size": budget.state_size}
    flow = Flow(control, step=budget.angles_per_step / (num_angles - 1))
    return LatentFlow(image_encoder(num_frames=1, **size), flow, image_decoder(**size))


def train(task: Task[DigitsBudget]) -> Outcome:
    """One training, tested on the sequences that were kept back."""
    budget = task.budget
    sequences = load(task.data).to(task.device)
    shown, hidden = sequences[: budget.num_train], sequences[budget.num_train :][: budget.num_test]
    untrained = network(task.parametrisation, budget, num_angles=sequences.shape[1], side=sequences.shape[-1])
    trained = _fitted(untrained.to(task.device), shown, budget, torch.Generator().manual_seed(task.seed))
    forecast = _forecast(trained, hidden)
    errors = (forecast - hidden).square().mean((2, 3))
    guess = (shown[:, ASKED_ANGLE].mean(0) - hidden[:, ASKED_ANGLE]).square().mean()
    values = {
        "left_out_angle": errors[:, ASKED_ANGLE].mean().item(),
        "all_angles": errors.mean().item(),
        "mean_image": guess.item(),
    }
    return Outcome(values, (hidden[:3].cpu().clone(), forecast[:3].cpu().clone()))


def _fitted(network: LatentFlow, sequences: Tensor, budget: DigitsBudget, generator: torch.Generator) -> LatentFlow:
    optimizer = torch.optim.Adam(network.parameters(), lr=budget.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, budget.epochs)
    network.train()
    for epoch in range(1, budget.epochs + 1):
        for chosen in torch.randperm(len(sequences), generator=generator).split(budget.batch_size):
            batch = sequences[chosen.to(sequences.device)]
            loss = _error(network, batch, budget, generator)
            loss = loss + budget.energy_weight * network.flow.energy()
            if not torch.isfinite(loss):
                raise TrainingDiverged(epoch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    return network.eval()


def _error(network: LatentFlow, batch: Tensor, budget: DigitsBudget, generator: torch.Generator) -> Tensor:
    """The mean square error at the angles that are shown; only those are decoded."""
    num_angles = batch.shape[1]
    shown = _shown_angles(len(batch), num_angles, budget.num_skipped, generator).to(batch.device)
    rows = torch.arange(len(batch), device=batch.device)[:, None]
    upright, target = batch[:, :1], batch[rows, shown]
    if budget.deformation:
        maps = deformations(len(batch), budget.deformation, generator).to(batch.device)
        angles = functional.pad(shown, (1, 0)) / num_angles
        upright, target = deformed(torch.cat([upright, target], 1), angles, maps).split([1, target.shape[1]], dim=1)
    paths = network.paths(upright, _times(batch))
    return (network.decode(paths[rows, shown]) - target).square().mean()


def _shown_angles(num_sequences: int, num_angles: int, num_skipped: int, generator: torch.Generator) -> Tensor:
    """For each sequence, which angles are trained on, of shape (sequences, angles shown)."""
    order = torch.rand(num_sequences, num_angles, generator=generator)
    order[:, ASKED_ANGLE] = 2.0
    return order.argsort(1)[:, : num_angles - 1 - num_skipped].sort(1).values


@torch.inference_mode()
def _forecast(network: LatentFlow, sequences: Tensor) -> Tensor:
    return torch.cat([network(batch[:, :1], _times(batch)) for batch in sequences.split(100)])


def _times(sequences: Tensor) -> list[float]:
    return torch.linspace(0, 1, sequences.shape[1], dtype=torch.float64).tolist()


def draw(runs: Sequence[Run[DigitsBudget]], folder: Path) -> list[Path]:
    """Three test digits, the truth above what the first run of each parametrisation makes of it."""
    import matplotlib.pyplot as plt  # noqa: PLC0415

    firsts = {run.task.parametrisation: run for run in reversed(runs)}
    if not firsts:
        return []
    truth = next(iter(firsts.values())).outcome.drawn[0]
    rows = [("truth", truth), *((name, run.outcome.drawn[1]) for name, run in reversed(firsts.items()))]
    figure, axes = plt.subplots(len(rows), 1, figsize=(8, 0.55 * len(rows) * len(truth) + 0.4))
    for axis, (name, sequences) in zip(np.atleast_1d(axes), rows, strict=True):
        axis.imshow(mosaic(sequences).numpy(), cmap="gray_r", vmin=0, vmax=1)
        axis.set_title(name, fontsize=8)
        axis.set_axis_off()
    path = folder / "rotated_digits.png"
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)
    return [path]


def missing(data: Path) -> str | None:
    """What is not there."""
    return None if find(data, FILE) else f"no {FILE} below {data}; give --data"


PUBLISHED = {"GPPVAE-joint": 0.0288, "ODE2VAE": 0.0194, "ODE2VAE-KL": 0.0184, "InImNet": 0.0125, "the paper": 0.0122}
"""On other digits of the same construction, so a guide only."""

EXPERIMENT = Experiment(
    name="rotated_digits",
    quick=DigitsBudget(seeds=(0,), epochs=15),
    full=DigitsBudget(),
    train=train,
    metrics=(
        Metric("left_out_angle", "MSE", PUBLISHED),
        Metric("all_angles", "MSE"),
        Metric("mean_image", "MSE"),
    ),
    draw=draw,
    missing=missing,
)
