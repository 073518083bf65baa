"""The question cannot be answered."""

from model.errors.base import ForecastingError

_MOST_LISTED = 10


class RequestError(ForecastingError):
    """The question cannot be answered."""


class HorizonOutOfRange(RequestError):
    """A horizon of no step, or of more steps than allowed."""

    def __init__(self, num_steps: int, limit: int, *, item_id: str | None = None) -> None:
        super().__init__(
            f"The horizon is {num_steps} steps; it must be between 1 and {limit}.",
            hint="Ask for fewer steps, or for a coarser frequency.",
            item_id=item_id,
        )
        self.num_steps = num_steps
        self.limit = limit


class HorizonNotAhead(RequestError):
    """A timestamp is asked that is not after the last observation."""

    def __init__(self, item_id: str, timestamp: str, last: str) -> None:
        super().__init__(
            f"Series {item_id!r} ends at {last}, and a forecast for {timestamp} was asked.",
            hint="Ask for timestamps after the last observation.",
            item_id=item_id,
        )
        self.timestamp = timestamp
        self.last = last


class QuantileLevelOutOfRange(RequestError):
    """A quantile level outside the open interval from 0 to 1."""

    def __init__(self, level: float) -> None:
        super().__init__(
            f"The quantile level {level} is not between 0 and 1.", hint="Use levels such as 0.1, 0.5, 0.9."
        )
        self.level = level


class CovariateMissing(RequestError):
    """A covariate that is needed is not there, or not as far as it is needed."""

    def __init__(self, item_id: str, covariate: str, purpose: str, *, known_until: str | None = None) -> None:
        lacks = f"lacks the covariate {covariate!r}, which"
        ends = f"has the covariate {covariate!r} only up to {known_until}; it"
        super().__init__(
            f"Series {item_id!r} {lacks if known_until is None else ends} is needed {purpose}.",
            hint="Send it along with the series, or use a version that was trained without it.",
            item_id=item_id,
        )
        self.covariate = covariate
        self.known_until = known_until


class ChannelMissing(RequestError):
    """A version of one system is asked without one of its channels."""

    def __init__(self, item_id: str, channels: tuple[str, ...]) -> None:
        super().__init__(
            f"This version forecasts one system of {len(channels)} channels, and {item_id!r} is not among the series.",
            hint=f"Send all of them together: {_listed(channels)}.",
            item_id=item_id,
        )
        self.channels = channels


class ChannelUnknown(RequestError):
    """A series is no channel of the system that a version forecasts."""

    def __init__(self, item_id: str, channels: tuple[str, ...]) -> None:
        super().__init__(
            f"Series {item_id!r} is no channel of the system that this version forecasts: {_listed(channels)}.",
            hint="Leave it out, or train a version with it.",
            item_id=item_id,
        )
        self.channels = channels


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(map(repr, names[:_MOST_LISTED])) + more
