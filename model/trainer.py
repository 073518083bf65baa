"""The training loop, on one page."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model.checkpoint import Checkpoint
from model.config import TrainingConfig
from model.series import Panel


@dataclass(frozen=True)
class Progress:
    """How far a training is, told after each epoch.

    Attributes:
        epoch: Epochs done.
        num_epochs: Epochs at most.
        train_loss: Mean pinball loss of the epoch, on scaled values.
        validation_loss: The same on the validation windows.
        best_validation_loss: The lowest so far.
        elapsed_seconds: Since training started or was resumed.
        eta_seconds: Expected until the last epoch.
    """

    epoch: int
    num_epochs: int
    train_loss: float
    validation_loss: float
    best_validation_loss: float
    elapsed_seconds: float
    eta_seconds: float

    @property
    def fraction(self) -> float:
        """Between 0 and 1."""
        return self.epoch / self.num_epochs


def fit(
    panel: Panel,
    config: TrainingConfig,
    *,
    state_path: Path | None = None,
    on_epoch: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Checkpoint:
    raise NotImplementedError
