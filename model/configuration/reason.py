"""Why a choice of a training is what it is."""

from dataclasses import dataclass


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
