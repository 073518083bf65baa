"""A trained version fitted once more, on its validation windows as well, under the choices that these have made.

What is newest tells most of what comes next, and validation has kept it from everything that learns. Once nothing is
left to choose, nothing is left to keep it for. The line is solved again; the flow goes on from its best weights for a
few epochs, its rate falling from a part of the highest one to nothing. Choices and calibration stay those of the
version that had not seen it, whose errors were honest.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save

from model.configuration.config import TrainingConfig
from model.configuration.reason import Reason
from model.contexts.windows import Windows
from model.networks.network import ShootingNetwork
from model.panels.series import Panel
from model.training.blending import LineForm
from model.training.learning import WEIGHT_DECAY, train_epoch, whole_windows
from model.training.team import Team
from model.training.training_state import TrainingState

LEAST_APART = 16
"""Windows whose targets do not overlap; with fewer everything is left as it was judged."""

RATE_SHARE = 0.3
"""Of the highest learning rate, where the flow goes on."""

_RISE = 0.1

_ALL = "on all windows, under the same choices: those of validation are the newest"
_UNTRUSTED = "left as it was validated: what was learned is not trusted"
_TOO_FEW = f"left as it was validated: fewer than {LEAST_APART} windows whose targets do not overlap"
_NOTHING = "left as it was validated: there was nothing to do"


@dataclass(frozen=True)
class Refitted:
    """What came of a refit.

    Attributes:
        reason: In words.
        seconds: That the flow took, interruptions left out.
    """

    reason: Reason
    seconds: float = 0.0


def refit(
    network: ShootingNetwork,
    panel: Panel,
    config: TrainingConfig,
    *,
    form: LineForm | None,
    trust: float,
    state_path: Path | None,
    should_stop: Callable[[], bool],
    device: torch.device,
) -> Refitted:
    """Fits what `config.refit` names once more, in place.

    Args:
        network: Trained, and nothing of it left to be chosen.
        panel: All that it may learn from.
        config: Of the training.
        form: Of its line; None without one.
        trust: In the network.
        state_path: Of the training; the refit keeps its own beside it.
        should_stop: Asked before each gradient step.
        device: Where.

    Raises:
        TrainingDiverged: The loss is no longer finite.
        TrainingCancelled: `should_stop` said so.
    """
    if config.refit == "none":
        return Refitted(Reason("refit", "none", "as asked"))
    if not trust:
        return Refitted(Reason("refit", "none", _UNTRUSTED))
    parts = whole_windows(panel, config, config.horizons, device)
    if parts[-1].num_apart() < LEAST_APART:
        return Refitted(Reason("refit", "none", _TOO_FEW))
    line, done, seconds = network.linear, [], 0.0
    if config.refit == "all" and (line is None or line.share < 1):
        seconds = _go_on(network, parts, config, panel.digest(), state_path, should_stop)
        done.append("flow")
    if form is not None and line is not None:
        line.weights.copy_(form.solved(parts[-1]))
        done.append("line")
    return Refitted(Reason("refit", " and ".join(done) or "none", _ALL if done else _NOTHING), seconds)


def fading(step: int, num_steps: int, highest: float) -> float:
    """The learning rate of a step: soon at `highest`, then down to nothing in a straight line."""
    return highest * min(1.0, (step + 1) / (_RISE * num_steps)) * (1 - step / num_steps)


def _go_on(
    network: ShootingNetwork,
    parts: Sequence[Windows],
    config: TrainingConfig,
    panel_digest: str,
    state_path: Path | None,
    should_stop: Callable[[], bool],
) -> float:
    """Leaves the flow as it is after some more epochs, and returns the seconds that they took."""
    network.requires_grad_(requires_grad=True)
    weights = save({name: value.detach().contiguous() for name, value in network.named_parameters()})
    purpose = hashlib.sha256(json.dumps([config.to_json(), panel_digest], sort_keys=True).encode() + weights)
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=WEIGHT_DECAY)
    # Seeds are numbered from 0 on, so that nothing random is as it was in one of them.
    state = TrainingState(network, optimizer, purpose.hexdigest(), seed_number=config.num_seeds)
    path = None if state_path is None else state_path.with_name(f"{state_path.name}.refit")
    if path is not None:
        state.restore(path)
    num_steps, highest = config.num_refit_epochs * config.steps_per_epoch, RATE_SHARE * config.learning_rate
    rate, some = partial(fading, num_steps=num_steps, highest=highest), [part for part in parts if len(part)]
    while state.epoch < config.num_refit_epochs:
        started = time.monotonic()
        train_epoch(state, config, some, rate, should_stop)
        state.count(time.monotonic() - started)
        if path is not None and Team.current().is_first:
            state.save(path)
    network.eval()
    return state.seconds
