"""Motion capture: the rest of a walk of 300 frames from its first three.

Sixteen walks of one person are trained on, four tested; the error is the mean square over the 297 frames that follow
and the 50 channels, in the units of the file. Not in the paper; the sets are those of Gan et al. (2015) that the
published figures share.

A walk is an orbit with a period of about 135 frames, so a forecast is as good as the place on the orbit and the tempo
that three frames tell. Every window of a walk is a training sequence, at a tempo that is changed at random by a few per
cent, and its horizon grows from 30 frames to 297 over the first half of training. The encoder sees the last frame and
its first and second difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.paper.experiment import Experiment, Metric, Outcome, Run, Task
from benchmarks.paper.latent import LatentFlow
from benchmarks.paper.walks import NUM_SEEN, Walks, load, missing, windows
from model.errors import TrainingDiverged
from model.shooting.dynamics import ACTIVATIONS, UpDownUniversal
from model.shooting.flow import Flow
from model.shooting.parametrisation import parametrise

SMALLEST_SPREAD = 0.3
"""In the units of the file: channels that hardly move are not blown up to the size of the others."""


@dataclass(frozen=True)
class MocapBudget:
    """Sizes and steps.

    Attributes:
        seeds: One training each.
        iterations: Of AdamW, under a one-cycle schedule.
        batch_size: Windows an iteration.
        learning_rate: The highest.
        weight_decay: Of AdamW.
        input_noise: Deviation added to what the encoder sees, in each channel's own deviations.
        tempo_spread: The largest change of tempo of a window, as a logarithm.
        energy_weight: Of the control's energy, beside the mean square error.
        first_horizon: Frames forecast at the start of training.
        frame_stride: Every how manieth frame, from a random one on, an iteration compares.
        state_size: d.
        inflation: α.
        num_particles: K.
        num_hidden: Units of the encoder's hidden layer.
        frames_per_step: Of the Runge–Kutta method; frames in between are read off its continuous extension.
        step: h in the flow's time.
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    iterations: int = 1500
    batch_size: int = 24
    learning_rate: float = 1e-2
    weight_decay: float = 1e-4
    input_noise: float = 0.05
    tempo_spread: float = 0.05
    energy_weight: float = 1e-4
    first_horizon: int = 30
    frame_stride: int = 4
    state_size: int = 8
    inflation: int = 8
    num_particles: int = 32
    num_hidden: int = 64
    frames_per_step: int = 15
    step: float = 0.5


class _Encoder(nn.Module):
    """From three frames to x(0), by way of the last frame and scaled differences."""

    mean: Tensor
    spread: Tensor

    def __init__(self, walks: Tensor, budget: MocapBudget) -> None:
        super().__init__()
        mean, spread = _scale(walks)
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)
        self.input_noise = budget.input_noise
        num_inputs = NUM_SEEN * walks.shape[2]
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(num_inputs, budget.num_hidden),
            nn.Tanh(),
            nn.Linear(budget.num_hidden, budget.state_size),
        )

    def forward(self, seen: Tensor) -> Tensor:
        scaled = (seen - self.mean) / self.spread
        if self.training:
            scaled = scaled + self.input_noise * torch.randn_like(scaled)
        first, middle, last = scaled.unbind(1)
        # A tenth of a period passes in the three frames: brought to the size of the frame itself.
        x: Tensor = self.layers(torch.stack((last, 5 * (last - first), 5 * (last - 2 * middle + first)), 1))
        return x


class _Decoder(nn.Module):
    """From x to a frame: linear."""

    mean: Tensor
    spread: Tensor

    def __init__(self, walks: Tensor, state_size: int) -> None:
        super().__init__()
        mean, spread = _scale(walks)
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)
        self.linear = nn.Linear(state_size, walks.shape[2])

    def forward(self, x: Tensor) -> Tensor:
        frame: Tensor = self.linear(x)
        return self.mean + self.spread * frame


def _scale(walks: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel."""
    return walks.mean((0, 1)), walks.std((0, 1)).clamp_min(SMALLEST_SPREAD)


def network(name: str, budget: MocapBudget, walks: Tensor) -> LatentFlow:
    """An untrained network with a control held in the way of that name."""
    control = parametrise(
        name,
        UpDownUniversal(budget.state_size, budget.inflation, ACTIVATIONS["tanh"]),
        num_particles=budget.num_particles,
        num_pieces=10,
        duration=_times(walks.shape[1], budget)[-1],
    )
    encoder, decoder = _Encoder(walks, budget), _Decoder(walks, budget.state_size)
    return LatentFlow(encoder, Flow(control, step=budget.step), decoder)


def train(task: Task[MocapBudget]) -> Outcome:
    """One training; its validation and test error, and two guesses that need no training."""
    walks = Walks(*(one.to(task.device) for one in load(task.data)))
    budget = task.budget
    trained = network(task.parametrisation, budget, walks.training).to(task.device)
    _fit(trained, walks.training, budget, torch.Generator().manual_seed(task.seed))
    future = walks.test[:, NUM_SEEN:]
    forecast = _forecast(trained, walks.test, budget)
    values = {
        "test": _error(forecast, future),
        "validation": _error(_forecast(trained, walks.validation, budget), walks.validation[:, NUM_SEEN:]),
        "training": _error(_forecast(trained, walks.training, budget), walks.training[:, NUM_SEEN:]),
        "mean_frame": _error(walks.training.mean((0, 1)), future),
        "last_frame": _error(walks.test[:, NUM_SEEN - 1 : NUM_SEEN], future),
    }
    return Outcome(values, (walks.test.cpu(), forecast.cpu()))


def _error(forecast: Tensor, truth: Tensor) -> float:
    return (forecast - truth).square().mean().item()


def _fit(network: LatentFlow, walks: Tensor, budget: MocapBudget, generator: torch.Generator) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=budget.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, budget.learning_rate, total_steps=budget.iterations, pct_start=0.1
    )
    network.train()
    for iteration in range(1, budget.iterations + 1):
        horizon = _horizon(iteration / budget.iterations, walks.shape[1], budget)
        seen, future, observed = windows(
            walks, horizon, count=budget.batch_size, tempo_spread=budget.tempo_spread, generator=generator
        )
        loss = _loss(network, seen, future, observed, budget, generator)
        if not torch.isfinite(loss):
            raise TrainingDiverged(iteration)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
    network.eval()


def _horizon(progress: float, num_frames: int, budget: MocapBudget) -> int:
    """How far ahead to forecast after a share of the iterations: all the way from half of them on."""
    longest = num_frames - NUM_SEEN
    growth = min(max(progress - 0.15, 0.0) / 0.35, 1.0)
    return round(min(budget.first_horizon, longest) * (1 - growth) + longest * growth)


def _loss(
    network: LatentFlow,
    seen: Tensor,
    future: Tensor,
    observed: Tensor,
    budget: MocapBudget,
    generator: torch.Generator,
) -> Tensor:
    """The mean square error over some of the frames, and the penalty."""
    first = int(torch.randint(0, budget.frame_stride, (), generator=generator))
    chosen = range(min(first, future.shape[1] - 1), future.shape[1], budget.frame_stride)
    times = _times(NUM_SEEN + future.shape[1], budget)
    forecast: Tensor = network(seen, [times[n] for n in chosen])
    errors = (forecast - future[:, chosen]).square().mean(2)
    weights = observed[:, chosen]
    error = (errors * weights).sum() / weights.sum().clamp_min(1)
    return error + budget.energy_weight * network.flow.energy()


def _times(num_frames: int, budget: MocapBudget) -> list[float]:
    """Of the frames that follow those seen; the last one seen is at 0."""
    frame = budget.step / budget.frames_per_step
    return [number * frame for number in range(1, num_frames - NUM_SEEN + 1)]


@torch.inference_mode()
def _forecast(network: LatentFlow, walks: Tensor, budget: MocapBudget) -> Tensor:
    frames: Tensor = network(walks[:, :NUM_SEEN], _times(walks.shape[1], budget))
    return frames


def draw(runs: Sequence[Run[MocapBudget]], folder: Path) -> list[Path]:
    """The three channels of a test walk that move most, and what the first run of each parametrisation forecasts."""
    import matplotlib.pyplot as plt  # noqa: PLC0415

    firsts = {run.task.parametrisation: run for run in reversed(runs)}
    if not firsts:
        return []
    walks = next(iter(firsts.values())).outcome.drawn[0]
    channels = walks.std((0, 1)).argsort(descending=True)[:3].tolist()
    figure, axes = plt.subplots(len(channels), 1, figsize=(8, 5), sharex=True)
    for axis, channel in zip(axes, channels, strict=True):
        axis.plot(walks[0, :, channel], color="black", linewidth=1.5, label="truth")
        for name, run in reversed(firsts.items()):
            frames = np.arange(NUM_SEEN, walks.shape[1])
            axis.plot(frames, run.outcome.drawn[1][0, :, channel], linewidth=0.9, label=name)
        axis.set_ylabel(f"channel {channel}")
    axes[0].legend(fontsize=7, ncols=len(firsts) + 1)
    axes[-1].set_xlabel("frame; the first three are seen")
    path = folder / "mocap.png"
    figure.savefig(path, dpi=90, bbox_inches="tight")
    plt.close(figure)
    return [path]


PUBLISHED = {
    "NeuralODE": 22.5,
    "ODE2VAE": 10.06,
    "ODE2VAE-KL": 8.09,
    "Latent ODE": 5.98,
    "SDE matching": 4.50,
    "Latent SDE": 4.03,
}

EXPERIMENT = Experiment(
    name="mocap",
    quick=MocapBudget(seeds=(0,), iterations=400),
    full=MocapBudget(),
    train=train,
    metrics=(
        Metric("test", "MSE", PUBLISHED),
        Metric("validation", "MSE"),
        Metric("training", "MSE"),
        Metric("mean_frame", "MSE"),
        Metric("last_frame", "MSE"),
    ),
    draw=draw,
    missing=missing,
)
