"""A trained version fitted once more, on its validation windows as well, under the choices that these have made.

What is newest tells most of what comes next, and validation has kept it from everything that learns. Once nothing is
left to choose, nothing is left to keep it for. The line is solved again; the flow goes on from its best weights for a
few epochs, its rate falling from a part of the highest one to nothing. Choices and widths stay those of the version
that had not seen it, whose errors were honest.
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
from model.panels.series import Panel
from model.training.blending import LineForm
from model.training.learning import WEIGHT_DECAY, Learned, Progress, progress_of, train_epoch, whole_windows
from model.training.team import Team
from model.training.training_state import TrainingState
from model.training.validation import Validation
from model.training.widths import as_wide, widths_of

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
        chosen: The choices of validation, with intervals as wide as they were judged.
        seconds: That the training and the refit of its flow took, interruptions left out.
    """

    reason: Reason
    chosen: Validation
    seconds: float


def refit(
    learned: Learned,
    panel: Panel,
    config: TrainingConfig,
    *,
    form: LineForm | None,
    chosen: Validation,
    state_path: Path | None = None,
    on_epoch: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Refitted:
    """Fits what `config.refit` names once more, in place.

    Args:
        learned: Whose network is trained, and nothing of it left to be chosen.
        panel: All that it may learn from.
        config: Of the training.
        form: Of its line; None without one.
        chosen: What validation chose for it.
        state_path: Of the training; the refit keeps its own beside it.
        on_epoch: Told how far the training is, after each epoch.
        should_stop: Asked before each gradient step.

    Raises:
        TrainingDiverged: The loss is no longer finite.
        TrainingCancelled: `should_stop` said so.
    """
    parts = whole_windows(panel, config, config.horizons, learned.device)
    left = _left(parts[-1], config, chosen)
    if left is not None:
        return Refitted(Reason("refit", "none", left), chosen, learned.seconds)
    line, done, seconds = learned.network.linear, [], learned.seconds
    if config.refit == "all" and (line is None or line.share < 1):
        judge = partial(widths_of, learned.network, learned.parts[-1].validation, config, chosen)
        before = judge()
        seconds = _go_on(learned, parts, config, panel.digest(), state_path, on_epoch, should_stop)
        chosen = as_wide(chosen, before, judge())
        done.append("flow")
    if form is not None and line is not None:
        line.weights.copy_(form.solved(parts[-1], learned.network.regression))
        done.append("line")
    return Refitted(Reason("refit", " and ".join(done) or "none", _ALL if done else _NOTHING), chosen, seconds)


def _left(windows: Windows, config: TrainingConfig, chosen: Validation) -> str | None:
    """Why everything is left as it was validated; None where it is not."""
    if config.refit == "none":
        return "as asked"
    if not chosen.trust:
        return _UNTRUSTED
    return _TOO_FEW if windows.num_apart() < LEAST_APART else None


def fading(step: int, num_steps: int, highest: float) -> float:
    """The learning rate of a step: soon at `highest`, then down to nothing in a straight line."""
    return highest * min(1.0, (step + 1) / (_RISE * num_steps)) * (1 - step / num_steps)


def _go_on(
    learned: Learned,
    parts: Sequence[Windows],
    config: TrainingConfig,
    panel_digest: str,
    state_path: Path | None,
    on_epoch: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> float:
    """Leaves the flow as it is after some more epochs, and returns the seconds of all epochs so far."""
    network = learned.network.requires_grad_(requires_grad=True)
    weights = save({name: value.detach().contiguous() for name, value in network.named_parameters()})
    purpose = hashlib.sha256(json.dumps([config.to_json(), panel_digest], sort_keys=True).encode() + weights)
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=WEIGHT_DECAY)
    # Seeds are numbered from 0 on, so that nothing random is as it was in one of them.
    state = TrainingState(network, optimizer, purpose.hexdigest(), seed_number=config.num_seeds)
    state.best_loss, state.seconds = learned.validation_loss, learned.seconds
    path = None if state_path is None else state_path.with_name(f"{state_path.name}.refit")
    if path is not None:
        state.restore(path)
    num_steps, highest = config.num_refit_epochs * config.steps_per_epoch, RATE_SHARE * config.learning_rate
    rate, some = partial(fading, num_steps=num_steps, highest=highest), [part for part in parts if len(part)]
    team = Team.current()
    while state.epoch < config.num_refit_epochs:
        started = time.monotonic()
        train_loss = train_epoch(state, config, some, rate, should_stop)
        state.count(team.agreed(time.monotonic() - started, learned.device))
        if path is not None and team.is_first:
            state.save(path)
        on_epoch(progress_of(state, config, train_loss, state.best_loss))
    network.eval()
    return state.seconds
