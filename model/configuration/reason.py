"""Why a choice of a training is what it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

NAMES: Final[Mapping[str, str]] = {
    "freq": "Frequency",
    "season_length": "Steps of a season",
    "period": "Steps of the longest cycle",
    "horizon": "Steps of the horizon",
    "training_horizons": "Horizons trained on",
    "validation_steps": "Steps kept for validation",
    "context_length": "Steps of history it sees",
    "patch_length": "Steps forecast at once",
    "channels": "Series forecast together",
    "covariates": "Covariates",
    "quantile_levels": "Quantile levels",
    "anchored": "Relative to the last value",
    "linear": "A linear forecast beside the flow's",
    "precedent_windows": "Windows that choose the share of precedents",
    "hole_share": "Share of histories trained with holes",
    "num_seeds": "Networks trained, the best of them kept",
    "seed": "Seed",
    "state_size": "Size of the state",
    "inflation": "Sizes of the second state",
    "num_particles": "Particles",
    "steps_per_patch": "Solver steps per forecast patch",
    "dropout": "Dropout",
    "learning_rate": "Learning rate",
    "mean_weight": "Weight of the mean in the loss",
    "batch_size": "Windows in a batch",
    "accumulation": "Parts in which a batch is computed",
    "precision": "Precision",
    "num_epochs": "Epochs",
    "steps_per_epoch": "Gradient steps in an epoch",
    "regression": "A regression on what is known in advance",
    "line_share": "Share of a linear forecast",
    "season_share": "Share of the last season in it",
    "trust": "Trust in what was learned",
    "trend_share": "Share of the trend",
    "block_length": "Steps until it goes on from its own forecast",
    "precedent_share": "Share of similar stretches of the past",
    "cycle_share": "Share of the mean of the last periods",
    "floor": "Below what no forecast goes",
    "refit": "Fitted once more, on validation data as well",
}
"""What users call each choice, by its name in the code."""


@dataclass(frozen=True)
class Reason:
    """A choice that nobody made, and what it follows from; or one that somebody made.

    Attributes:
        choice: The field of `TrainingConfig`, or what `model.training.settled` calls it.
        value: What was chosen, as text.
        why: What it follows from, as a clause.
    """

    choice: str
    value: str
    why: str

    def __str__(self) -> str:
        return f"{self.choice} {self.value}: {self.why}"

    @property
    def name(self) -> str:
        """The choice as users call it; its own name where it came from a release that knew others."""
        return NAMES.get(self.choice, self.choice)
