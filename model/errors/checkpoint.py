"""A stored model cannot be trusted."""

from model.errors.base import ForecastingError


class CheckpointError(ForecastingError):
    """A stored model cannot be trusted."""


class CheckpointMissing(CheckpointError):
    """There is no checkpoint at the place named."""

    def __init__(self, place: str) -> None:
        super().__init__(f"There is no checkpoint at {place}.", hint="Name the folder that training wrote.")
        self.place = place


class CheckpointCorrupt(CheckpointError):
    """A file of a checkpoint is damaged or does not match its manifest."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(
            f"The checkpoint file {file} cannot be used: {reason}.",
            hint="Restore the checkpoint from a backup, or train again.",
        )
        self.file = file
        self.reason = reason


class CheckpointFormatUnsupported(CheckpointError):
    """A checkpoint written in a format that this release does not read."""

    def __init__(self, found: int, supported: int) -> None:
        super().__init__(
            f"The checkpoint has format {found}; this release reads format {supported}.",
            hint="Load it with the release that wrote it, or train again.",
        )
        self.found = found
        self.supported = supported
