"""One short training that was tried before the real one, and how it did."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Trial:
    """A short training.

    Attributes:
        context_length: As in `TrainingConfig`, like the next four.
        patch_length: Steps read off the flow at once.
        dropout: The share of x(0) dropped.
        learning_rate: The highest one.
        anchored: Whether it answered relative to the last value.
        num_steps: Gradient steps.
        score: Validation loss of half its flow and half the line beside it, in units of each series' own deviation, so
            that trials of all kinds compare; lower is better, and only trials of as many steps compare.
        seconds: How long it took.
    """

    context_length: int
    patch_length: int
    dropout: float
    learning_rate: float
    anchored: bool
    num_steps: int
    score: float
    seconds: float

    def __str__(self) -> str:
        anchored = ", relative to the last value" if self.anchored else ""
        return (
            f"{self.score:.4f} after {self.num_steps} steps: context {self.context_length}, patch {self.patch_length}, "
            f"dropout {self.dropout:g}, learning rate {self.learning_rate:g}{anchored}"
        )
