"""From a panel and a configuration to a checkpoint."""

from collections.abc import Callable
from pathlib import Path

from model.configuration.config import TrainingConfig
from model.configuration.reason import Reason
from model.configuration.trial import Trial
from model.panels.series import Panel
from model.training.blending import blend
from model.training.checkpoint import Checkpoint, Training
from model.training.learning import Progress, learn
from model.training.refitting import refit
from model.training.settled import settled
from model.training.validation import validated
from model.training.warm_start import WarmStart


def fit(
    panel: Panel,
    config: TrainingConfig,
    *,
    trials: tuple[Trial, ...] = (),
    reasons: tuple[Reason, ...] = (),
    state_path: Path | None = None,
    on_epoch: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
    device: str | None = None,
    start: WarmStart | None = None,
) -> Checkpoint:
    """Trains a network on a panel.

    Args:
        panel: What to learn from. The last `config.validation_steps` of each series choose the epoch, the seed, the
            share of the line, the length of the forecaster's blocks and the calibration of its intervals; until all of
            that is settled nothing is trained on them. See `refitting`.
        config: Every choice; see `choose_config`, `configure` and `select`.
        trials: What led to that choice; kept in the manifest.
        reasons: Why the choices are what they are; kept in the manifest, too, with what validation settles.
        state_path: A file to keep the state of the training in after each epoch. If it exists, and was written for the
            same panel and configuration, training goes on from there, to the same result as without the interruption.
        on_epoch: Told how far the training is, after each epoch.
        should_stop: Asked before each gradient step.
        device: `cpu`, `cuda` or `cuda:N`; the best one of the machine if left out.
        start: Where to start from, if not from random weights; `config` has to come from `configure` with it.

    Raises:
        SeriesTooShort: No series gives a single window to train or to validate on.
        TrainingDiverged: The loss is no longer finite.
        TrainingCancelled: `should_stop` said so.
    """
    learned = learn(
        panel, config, state_path=state_path, on_epoch=on_epoch, should_stop=should_stop, device=device, start=start
    )
    form = blend(learned.network, learned.halves, config.season_length)
    chosen = validated(learned.network, learned.parts, config, learned.halves)
    refitted = refit(
        learned,
        panel,
        config,
        form=form,
        chosen=chosen,
        state_path=state_path,
        on_epoch=on_epoch,
        should_stop=should_stop,
    )
    origin = None if start is None else start.origin
    season_share = 0.0 if form is None else form.season_share
    told = (*reasons, *settled(learned.network, season_share, chosen), refitted.reason)
    training = Training(str(learned.device), refitted.seconds, learned.validation_loss, trials, origin, told)
    return Checkpoint.of(learned.network.cpu(), config, refitted.chosen, panel, training)
