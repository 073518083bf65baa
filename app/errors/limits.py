"""More was asked than this service allows."""

from model import ForecastingError


class LimitError(ForecastingError):
    """More was asked than this service allows."""


class LimitExceeded(LimitError):
    """A count is above the limit set for it."""

    def __init__(self, what: str, found: int, limit: int, setting: str) -> None:
        super().__init__(
            f"There are {found} {what}; this service accepts at most {limit}.",
            hint=f"Send less at once, or have the operator raise {setting}.",
        )
        self.what = what
        self.found = found
        self.limit = limit
        self.setting = setting


class RateExceeded(LimitError):
    """A caller has used up what it may ask for in a minute."""

    def __init__(self, what: str, limit: int, retry_seconds: int, setting: str) -> None:
        super().__init__(
            f"This caller may ask for {limit} {what} a minute, and has.",
            hint=f"Wait {retry_seconds} s and ask more slowly, or have the operator raise {setting}.",
        )
        self.what = what
        self.limit = limit
        self.retry_seconds = retry_seconds
        self.setting = setting


class ServiceFull(LimitError):
    """As many requests are being answered as the service answers at once."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} requests are being answered already, and this service answers no more at once.",
            hint="Try again in a moment.",
        )
        self.limit = limit


class ErrandsFull(LimitError):
    """As many jobs wait in this process as it takes on."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} jobs are waiting or running in this process, and it takes on no more.",
            hint="Wait for some to end, or ask without a job.",
        )
        self.limit = limit
        self.retry_seconds = 5


class CursorInvalid(LimitError):
    """A cursor that no list of this service gave."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"The cursor {cursor[:80]!r} is not one of this list.", hint="Start without a cursor.")
        self.cursor = cursor
