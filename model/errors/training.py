"""A choice made before training is impossible, or training ended without a checkpoint."""

from model.errors.base import ForecastingError


class ConfigurationError(ForecastingError):
    """A choice made before training is impossible."""


class ConfigurationInvalid(ConfigurationError):
    """A field of a configuration has a value it cannot have."""

    def __init__(self, field: str, found: object, needed: str) -> None:
        super().__init__(f"The option {field} is {found!r}; it must be {needed}.", hint="Correct it, or leave it out.")
        self.field = field
        self.found = found
        self.needed = needed


class WarmStartMismatch(ConfigurationError):
    """A training cannot start from a version, since its weights are of another shape or meaning."""

    def __init__(self, reference: str, differences: tuple[tuple[str, str, str], ...]) -> None:
        found = ", ".join(f"{name} ({before} there, {wanted} here)" for name, before, wanted in differences)
        super().__init__(
            f"The version {reference} cannot be the start of this training, because of {found}.",
            hint="Leave out the options that follow from the version and send the same kind of series, or train "
            "without warm_start.",
        )
        self.reference = reference
        self.differences = differences


class ShootingArgumentInvalid(ConfigurationError):
    """An argument of the shooting library has a value, a shape or a size it cannot have."""

    def __init__(self, argument: str, found: object, needed: str) -> None:
        super().__init__(f"The argument {argument} is {found!r}; it must be {needed}.", hint=f"Correct {argument}.")
        self.argument = argument
        self.found = found
        self.needed = needed


class TrainingError(ForecastingError):
    """Training ended without a checkpoint."""


class TrainingDiverged(TrainingError):
    """The loss is no longer a finite number."""

    def __init__(self, epoch: int) -> None:
        super().__init__(
            f"The training loss was no longer finite in epoch {epoch}.",
            hint="Lower learning_rate, or check the series for extreme values.",
        )
        self.epoch = epoch


class TrainingPartnerLost(TrainingError):
    """One of the processes that train together no longer answers."""

    def __init__(self, num_processes: int) -> None:
        super().__init__(
            f"One of the {num_processes} processes that train together no longer answers.",
            hint="Look for what it said before it ended, and start them all again.",
        )
        self.num_processes = num_processes


class TrainingCancelled(TrainingError):
    """Training was asked to stop; what it had learned is kept for a resume."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"Training was stopped in epoch {epoch}.", hint="Start it again to continue from there.")
        self.epoch = epoch
