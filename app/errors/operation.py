"""The service cannot start or go on as it is set up."""

from collections.abc import Sequence

from model import ForecastingError


class OperationError(ForecastingError):
    """The service cannot start or go on as it is set up."""


class SettingInvalid(OperationError):
    """An environment variable has a value it cannot have."""

    def __init__(self, variable: str, found: str, needed: str) -> None:
        super().__init__(f"{variable} is {found!r}; it must be {needed}.", hint="Correct it, or unset it.")
        self.variable = variable
        self.found = found
        self.needed = needed


class HomeUnusable(OperationError):
    """The home folder cannot be made or written to."""

    def __init__(self, home: str, reason: str) -> None:
        super().__init__(
            f"The home folder {home} cannot be used: {reason}.",
            hint="Name a folder that this user can write to with LONGSHOT_HOME.",
        )
        self.home = home
        self.reason = reason


class DatabaseTooNew(OperationError):
    """The database was migrated by a newer release."""

    def __init__(self, found: str, newest: str) -> None:
        super().__init__(
            f"The database is at revision {found}, which this release does not know; its newest is {newest}.",
            hint="Start the release that wrote it or a newer one, or restore a backup.",
        )
        self.found = found
        self.newest = newest


class WorkerAlreadyRunning(OperationError):
    """Another worker holds the lock of the home folder."""

    def __init__(self, home: str, holder: str) -> None:
        super().__init__(
            f"Another worker (process {holder}) is running on {home}.",
            hint="Stop it first; one worker per home is enough.",
        )
        self.home = home
        self.holder = holder


class NotReady(OperationError):
    """Something that the service needs is missing."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(f"Not ready: {'; '.join(missing)}.", hint="See the log of the service.")
        self.missing = tuple(missing)
