"""The training loop: epochs of gradient steps, until validation no longer improves.

Several processes that train together run it in step, each on its rows of every batch; see `team`.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from model.configuration.config import TrainingConfig
from model.contexts.cuts import WindowShape
from model.contexts.holes import Holes
from model.contexts.scaling import Scale
from model.contexts.splitting import Split, split_by_horizon
from model.contexts.windows import Batch, Windows
from model.errors import SeriesTooShort, TrainingCancelled, TrainingDiverged
from model.networks.device import autocast, choose_device
from model.networks.loss import huber, mean_weights, pinball
from model.networks.network import ShootingNetwork
from model.panels.series import Panel
from model.training.regressing import regressed
from model.training.team import Team
from model.training.training_state import TrainingState
from model.training.warm_start import WarmStart

GRADIENT_CLIP = 1.0
WEIGHT_DECAY = 0.01
MAX_VALIDATION_WINDOWS = 1024

NUM_HALVES = 4
"""The horizon, its half, its quarter and its eighth: shorter ones have more windows that do not overlap."""

_Fresh = Callable[[int], tuple[ShootingNetwork, torch.optim.AdamW]]
"""From the number of a seed to what it begins with."""


@dataclass(frozen=True)
class Progress:
    """How far a training is, told after each epoch.

    Attributes:
        epoch: Epochs done, or left out because a seed no longer improved.
        num_epochs: Epochs at most, of all seeds and of a refit of the flow together.
        train_loss: Mean loss of the epoch, on scaled values.
        validation_loss: The same on the validation windows of every training horizon; the lowest so far during a
            refit, which validates nothing.
        best_validation_loss: The lowest so far.
        elapsed_seconds: Since the training first started, interruptions left out.
        eta_seconds: Expected until the last epoch.
        num_steps: Gradient steps done.
        num_windows: Windows learned from in them, those seen again counted again.
    """

    epoch: int
    num_epochs: int
    train_loss: float
    validation_loss: float
    best_validation_loss: float
    elapsed_seconds: float
    eta_seconds: float
    num_steps: int
    num_windows: int

    @property
    def fraction(self) -> float:
        """Between 0 and 1."""
        return self.epoch / self.num_epochs

    @property
    def throughput(self) -> str:
        """What one reads of a training: windows and gradient steps a second, validation included."""
        seconds = max(self.elapsed_seconds, 1e-9)
        return f"{self.num_windows / seconds:,.0f} windows/s, {self.num_steps / seconds:.1f} steps/s"


@dataclass(frozen=True, eq=False)
class Learned:
    """A network at the end of its training.

    Attributes:
        network: With the weights of its best epoch.
        parts: The windows by training horizon, the longest last.
        halves: The windows of the horizon, its half, its quarter and its eighth, the longest last.
        seconds: Spent, interruptions left out.
        validation_loss: The best one.
        device: Where.
    """

    network: ShootingNetwork
    parts: tuple[Split, ...]
    halves: tuple[Split, ...]
    seconds: float
    validation_loss: float
    device: torch.device


def learn(
    panel: Panel,
    config: TrainingConfig,
    *,
    state_path: Path | None = None,
    on_epoch: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
    device: str | None = None,
    start: WarmStart | None = None,
    build: Callable[[TrainingConfig], ShootingNetwork] = ShootingNetwork,
) -> Learned:
    """Trains until validation no longer improves; arguments and errors are those of `trainer.fit`.

    `build` makes the untrained network of a configuration.
    """
    place, team = choose_device(device), Team.current()
    halves = {max(1, config.horizon // 2**power) for power in range(NUM_HALVES)}
    lengths = sorted({*config.horizons, *halves})
    shape = _shape(config, config.validation_steps)
    cut = dict(zip(lengths, split_by_horizon(panel, shape, lengths, place), strict=True))
    parts = tuple(cut[length] for length in config.horizons)
    _require_windows(panel, config, parts[-1].training, parts[-1].validation)
    training = [part.training for part in parts if len(part.training)]
    validation = [part.validation.thinned(MAX_VALIDATION_WINDOWS // len(parts)) for part in parts]
    fresh = partial(_fresh, config, place, start, build, regressed(config, parts[-1]))
    num_steps = config.num_epochs * config.steps_per_epoch
    rate = partial(one_cycle, num_steps=num_steps, highest=config.learning_rate)
    state = _new_state(panel, config, start, fresh)
    if state_path is not None:
        state.restore(state_path)
    while _is_unfinished(state, config):
        if _is_seed_done(state, config):
            state.begin(*fresh(state.seed_number + 1))
        started = time.monotonic()
        train_loss = train_epoch(state, config, training, rate, should_stop)
        validation_loss = team.agreed(_validation_loss(state.network, config, validation), place)
        state.note(validation_loss, team.agreed(time.monotonic() - started, place))
        if state_path is not None and team.is_first:
            state.save(state_path)
        on_epoch(progress_of(state, config, train_loss, validation_loss))
    state.network.load_state_dict(state.best_weights)
    shorter = tuple(cut[length] for length in sorted(halves))
    return Learned(state.network, parts, shorter, state.seconds, state.best_loss, place)


def whole_windows(panel: Panel, config: TrainingConfig, horizons: Sequence[int], device: torch.device) -> list[Windows]:
    """All windows of a panel by horizon, those of its validation steps among them."""
    return [one.training for one in split_by_horizon(panel, _shape(config, 0), horizons, device)]


def _shape(config: TrainingConfig, validation_steps: int) -> WindowShape:
    return WindowShape(
        config.freq,
        config.season_length,
        config.context_length,
        config.horizon,
        validation_steps,
        config.covariates,
        config.channels,
    )


def one_cycle(step: int, num_steps: int, highest: float) -> float:
    """The learning rate of a step: up to `highest` over three tenths of them, then down to almost nothing, by cosines.

    Smith and Topin, "Super-Convergence", 2018.
    """
    turn = 0.3 * num_steps
    rising = step < turn
    lowest = highest / 25 if rising else highest / 1e5
    share = step / turn if rising else (num_steps - step) / (num_steps - turn)
    return lowest + (highest - lowest) * (1 - math.cos(math.pi * share)) / 2


def train_epoch(
    state: TrainingState,
    config: TrainingConfig,
    parts: Sequence[Windows],
    rate: Callable[[int], float],
    should_stop: Callable[[], bool],
) -> float:
    """The mean loss of the steps of an epoch, each of which was learned from.

    Args:
        state: What learns.
        config: Of the training.
        parts: The windows of each horizon; every batch draws one of these.
        rate: The learning rate of a step, counted from the first one of the present seed.
        should_stop: Asked before each step.

    Raises:
        TrainingDiverged: The loss is no longer finite.
        TrainingCancelled: `should_stop` said so.
    """
    team = Team.current()
    network, optimizer = state.network, state.optimizer
    network.train()
    device = parts[-1].values.device
    total = torch.zeros((), device=device)
    with _seeded(config, state.seed_number, state.epoch + 1, device):
        chosen = torch.randint(len(parts), (config.steps_per_epoch,)).tolist()
        places = torch.rand(config.steps_per_epoch, config.batch_size, dtype=torch.float64)
        for number, place in enumerate(places.to(device)):
            if team.any(should_stop(), device):
                raise TrainingCancelled(state.epoch + 1)
            step = state.epoch * config.steps_per_epoch + number
            optimizer.param_groups[0]["lr"] = rate(step)
            windows = parts[chosen[number]]
            optimizer.zero_grad()
            loss = _backward(network, windows, (place * len(windows)).long(), config, team)
            nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_CLIP)
            optimizer.step()
            total += loss
    mean = float(total) / config.steps_per_epoch
    if not math.isfinite(mean):
        raise TrainingDiverged(state.epoch + 1)
    return mean


def _backward(
    network: ShootingNetwork, windows: Windows, numbers: Tensor, config: TrainingConfig, team: Team
) -> Tensor:
    """Leaves the gradient of a batch in the parameters, and returns its loss; each process computes some of the rows.

    A part counts by its observed targets among those of the batch, noise and holes are drawn for the batch as a whole:
    the gradient is the same, but for the order of sums, in however many parts and processes it is computed.
    """
    noise = network.noise(len(numbers), windows.values.device)
    holes = Holes(config.hole_share, config.season_length)
    kept = holes.drawn(len(numbers), windows.context_length, windows.values.device)
    rows = team.parts(len(numbers), config.accumulation)
    total = torch.zeros((), device=windows.values.device)
    num_known = windows.num_known(numbers)
    for some in rows:
        batch = windows.batch(numbers[some])
        if kept is not None:
            batch = replace(batch, context=holes.tear(batch.context, kept[some]))
        loss = _loss(network, batch, config, None if noise is None else noise[some]) * (batch.known.sum() / num_known)
        loss.backward()
        total += loss.detach()
    team.add([total, *(one.grad for one in network.parameters() if one.grad is not None)])
    return total


def _loss(network: ShootingNetwork, batch: Batch, config: TrainingConfig, noise: Tensor | None = None) -> Tensor:
    scale = Scale.of(batch.context)
    with autocast(batch.context.device, config.precision):
        quantiles = network(scale.remove(batch.context), batch.target.shape[1], batch.inputs, noise)
    quantiles, target = quantiles.float(), scale.remove(batch.target)
    mean, known = quantiles @ mean_weights(network.levels), batch.known
    return pinball(quantiles, target, network.levels, known) + config.mean_weight * huber(mean, target, known)


@torch.inference_mode()
def _validation_loss(network: ShootingNetwork, config: TrainingConfig, parts: list[Windows]) -> float:
    """The mean over the horizons of the mean over their windows."""
    network.eval()
    losses = []
    for windows in (part for part in parts if len(part)):
        sums = [_loss(network, windows.batch(numbers), config) * len(numbers) for numbers in windows.groups(256)]
        losses.append(torch.stack(sums).sum() / len(windows))
    return float(torch.stack(losses).mean())


def _new_state(panel: Panel, config: TrainingConfig, start: WarmStart | None, fresh: _Fresh) -> TrainingState:
    network, optimizer = fresh(0)
    origin = [] if start is None else [start.checkpoint.manifest.digest]
    purpose = json.dumps([config.to_json(), panel.digest(), *origin], sort_keys=True)
    return TrainingState(network, optimizer, hashlib.sha256(purpose.encode()).hexdigest())


def _fresh(
    config: TrainingConfig,
    device: torch.device,
    start: WarmStart | None,
    build: Callable[[TrainingConfig], ShootingNetwork],
    regression: Tensor | None,
    seed_number: int,
) -> tuple[ShootingNetwork, torch.optim.AdamW]:
    """What one of the seeds begins with."""
    with _seeded(config, seed_number, 0, device):
        network = build(config).to(device)
    if start is not None:
        start.weigh(network)
    if network.regression is not None and regression is not None:
        network.regression.weights.copy_(regression)
    return network, torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=WEIGHT_DECAY)


@contextmanager
def _seeded(config: TrainingConfig, seed_number: int, epoch: int, device: torch.device) -> Iterator[None]:
    """Everything random inside follows from the seed, its number and the epoch, and nothing outside is disturbed."""
    epochs_before = seed_number * (config.num_epochs + 1)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed((config.seed * 1_000_003 + epochs_before + epoch) % 2**63)
        yield


def _is_unfinished(state: TrainingState, config: TrainingConfig) -> bool:
    return state.seed_number + 1 < config.num_seeds or not _is_seed_done(state, config)


def _is_seed_done(state: TrainingState, config: TrainingConfig) -> bool:
    return state.epoch == config.num_epochs or state.epoch - state.best_epoch >= _patience(config)


def _patience(config: TrainingConfig) -> int:
    """Epochs without improvement before training stops."""
    return max(5, config.num_epochs // 2)


def progress_of(state: TrainingState, config: TrainingConfig, train_loss: float, validation_loss: float) -> Progress:
    """How far a training is after an epoch with these losses."""
    done = state.seed_number * config.num_epochs + state.epoch
    most = config.num_seeds * config.num_epochs + config.num_refit_epochs
    remaining = (most - done) * state.seconds / done
    num_steps = done * config.steps_per_epoch
    return Progress(
        done,
        most,
        train_loss,
        validation_loss,
        state.best_loss,
        state.seconds,
        remaining,
        num_steps,
        num_steps * config.batch_size,
    )


def _require_windows(panel: Panel, config: TrainingConfig, *parts: Windows) -> None:
    if any(len(part) == 0 for part in parts):
        longest = max(panel, key=len)
        needed = config.validation_steps + config.horizon + 2
        purpose = f"training with {config.validation_steps} validation steps and a horizon of {config.horizon} steps"
        raise SeriesTooShort(longest.item_id, len(longest), max(needed, len(longest) + 1), purpose)
