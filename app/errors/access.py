"""The caller may not do this."""

from collections.abc import Sequence

from model import ForecastingError


class AccessError(ForecastingError):
    """The caller may not do this."""


class KeyMissing(AccessError):
    """A request without a key, to a service that asks for one."""

    def __init__(self) -> None:
        super().__init__(
            "This service asks for an API key, and the request has none.",
            hint="Send it as 'Authorization: Bearer lsk_…'; 'longshot keys create' makes one.",
        )


class KeyRefused(AccessError):
    """A key that opens nothing (any more)."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The API key cannot be used: {reason}.", hint="Ask the operator for another one.")
        self.reason = reason


class ScopeMissing(AccessError):
    """A key that may do other things than this."""

    def __init__(self, needed: str, given: Sequence[str]) -> None:
        super().__init__(
            f"This needs a key with the scope {needed!r}; the key sent has {', '.join(map(repr, given))}.",
            hint="Use another key, or ask the operator for one with this scope.",
        )
        self.needed = needed
        self.given = tuple(given)


class CallerNotLocal(AccessError):
    """A request from elsewhere, to a service that without keys answers its own machine only."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Without API keys this service answers programs of its own machine only, and {reason}.",
            hint="Create a key ('longshot keys create --scope admin') and send it as 'Authorization: Bearer lsk_…'.",
        )
        self.reason = reason


class KeyNotFound(AccessError):
    """No key has this id."""

    def __init__(self, key_id: str) -> None:
        # Somebody may have pasted the key itself, which is nobody's business.
        shown = "of this id" if key_id.startswith("lsk_") else f"{key_id[:40]!r}"
        super().__init__(f"There is no API key {shown}.", hint="Name it by its id, as 'longshot keys' lists it: key_….")
        self.key_id = key_id


class KeyLifetimeInvalid(AccessError):
    """A key that would expire at once, or never that anybody lives to see."""

    def __init__(self, found: str, longest_days: int) -> None:
        super().__init__(
            f"A key cannot be made for {found}; it lasts from 1 second to {longest_days} days.",
            hint="Write 90d, 12h or P90D, or leave it out for a key that does not expire.",
        )
        self.found = found
