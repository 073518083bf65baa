"""A series cannot be used as it is."""

import re

from model.errors.base import ForecastingError

_ISO_8601 = "Write timestamps as ISO 8601, for example 2026-11-01T00:00:00Z."
_NUMBERED = "Timestamps are all dates in ISO 8601, or all whole numbers; to have years read as numbers, say freq=1."


class DataError(ForecastingError):
    """A series cannot be used as it is."""


class PanelEmpty(DataError):
    """A panel without a single series."""

    def __init__(self) -> None:
        super().__init__("The panel holds no series.", hint="Send at least one series with observations.")


class ColumnMissing(DataError):
    """A table without a column that was named."""

    def __init__(self, column: str, found: list[str]) -> None:
        super().__init__(
            f"There is no column {column!r}; the columns are {', '.join(map(repr, found)) or 'none'}.",
            hint="Name the columns of item, timestamp and target as they stand in the table.",
        )
        self.column = column
        self.found = found


class DuplicateItems(DataError):
    """Two series of one panel share their item_id."""

    def __init__(self, item_id: str) -> None:
        super().__init__(
            f"The item_id {item_id!r} occurs more than once in the panel.",
            hint="Give each series its own item_id, or join the observations into one series.",
            item_id=item_id,
        )


class DuplicateTimestamps(DataError):
    """Two observations of one series share their timestamp."""

    def __init__(self, item_id: str, timestamp: str, count: int) -> None:
        super().__init__(
            f"Series {item_id!r} has {count} repeated timestamps, the first at {timestamp}.",
            hint="Keep one observation per timestamp, or choose how to aggregate them: mean, sum, first, last.",
            item_id=item_id,
        )
        self.timestamp = timestamp
        self.count = count


class LengthMismatch(DataError):
    """Timestamps and values of a series differ in number."""

    def __init__(self, item_id: str, num_timestamps: int, num_values: int) -> None:
        super().__init__(
            f"Series {item_id!r} has {num_timestamps} timestamps and {num_values} values.",
            hint="Send one value, or null, per timestamp.",
            item_id=item_id,
        )
        self.num_timestamps = num_timestamps
        self.num_values = num_values


class ValueInvalid(DataError):
    """An observation that is not a finite number."""

    def __init__(self, item_id: str, position: int, found: str) -> None:
        super().__init__(
            f"Series {item_id!r} has {found} as observation {position}.",
            hint="Observations are finite numbers; leave a missing one empty (null).",
            item_id=item_id,
        )
        self.position = position
        self.found = found


class TimestampInvalid(DataError):
    """A timestamp that cannot be read."""

    def __init__(self, item_id: str, position: int, found: str) -> None:
        super().__init__(
            f"Series {item_id!r} has {found} as timestamp {position}, which is not a point in time.",
            hint=_NUMBERED if re.fullmatch(r"'?-?\d+(\.\d+)?'?", found) else _ISO_8601,
            item_id=item_id,
        )
        self.position = position
        self.found = found


class TimeZonesMixed(DataError):
    """Some timestamps of a series, or of the channels of a system, carry a time zone and others do not."""

    def __init__(self, item_id: str, *, other: str | None = None) -> None:
        between = "mixes" if other is None else f"and {other!r} of the same system mix"
        super().__init__(
            f"Series {item_id!r} {between} timestamps with and without a time zone.",
            hint="Give every timestamp a time zone, or none of them.",
            item_id=item_id,
        )


class AxesMixed(DataError):
    """Timestamps that are whole numbers beside others that are dates."""

    def __init__(self, found: str, needed: str, *, item_id: str | None = None) -> None:
        super().__init__(
            f"{found}; {needed}.",
            hint="Number all timestamps, with a whole number such as 1 as the frequency, or give all of them dates.",
            item_id=item_id,
        )


class FrequencyInvalid(DataError):
    """A frequency that is not a usable pandas offset alias."""

    def __init__(self, freq: str, *, item_id: str | None = None) -> None:
        super().__init__(
            f"The frequency {freq!r} is not a pandas offset alias for a step between a microsecond and ten years.",
            hint="Use an alias such as 15min, h, D, W, MS or B; a whole number such as 1 where timestamps are numbers.",
            item_id=item_id,
        )
        self.freq = freq


class FrequencyUnknown(DataError):
    """The frequency of a series cannot be read from its timestamps."""

    def __init__(self, item_id: str) -> None:
        super().__init__(
            f"The frequency of series {item_id!r} cannot be read from its timestamps.",
            hint="Name it with freq, for example 15min, h, D, W or MS.",
            item_id=item_id,
        )


class SeriesTooShort(DataError):
    """A series with fewer observations than the purpose needs."""

    def __init__(self, item_id: str, found: int, needed: int, purpose: str) -> None:
        super().__init__(
            f"Series {item_id!r} has {found} observations; {purpose} needs at least {needed}.",
            hint="Send a longer history, or leave this series out.",
            item_id=item_id,
        )
        self.found = found
        self.needed = needed


class CovariateLengthMismatch(DataError):
    """A covariate has another number of values than there are timestamps for them."""

    def __init__(self, item_id: str, covariate: str, found: int, needed: int) -> None:
        super().__init__(
            f"Series {item_id!r} has {found} values of the covariate {covariate!r} for {needed} timestamps.",
            hint="Send one value, or null, per timestamp; in future_covariates one per timestamp that is asked.",
            item_id=item_id,
        )
        self.covariate = covariate
        self.found = found
        self.needed = needed


class CovariateInvalid(DataError):
    """A covariate that has a value it cannot have."""

    def __init__(self, item_id: str, covariate: str, found: str, needed: str, *, position: int | None = None) -> None:
        place = "" if position is None else f" as value {position}"
        super().__init__(
            f"Series {item_id!r} has the covariate {covariate!r} with {found}{place}; it must be {needed}.",
            hint="Correct it, or leave it out; names belong in static_covariates.",
            item_id=item_id,
        )
        self.position = position
        self.covariate = covariate
        self.found = found
        self.needed = needed


class ObservationConflict(DataError):
    """An observation contradicts the one that is known for its timestamp."""

    def __init__(self, item_id: str, timestamp: str, stored: float, sent: float, count: int) -> None:
        more = f" (and {count - 1} more differ)" if count > 1 else ""
        super().__init__(
            f"Series {item_id!r} has the value {stored!r} at {timestamp}, and {sent!r} was sent{more}.",
            hint="What is stored does not change: leave the observation out, or upload the corrected panel anew.",
            item_id=item_id,
        )
        self.timestamp = timestamp
        self.stored = stored
        self.sent = sent
        self.count = count
