"""Everything the model can refuse to do.

The tree::

    ForecastingError
    ├── DataError                      a series cannot be used as it is
    │   ├── PanelEmpty
    │   ├── ColumnMissing
    │   ├── DuplicateItems
    │   ├── DuplicateTimestamps
    │   ├── LengthMismatch
    │   ├── ValueInvalid
    │   ├── TimestampInvalid
    │   ├── TimeZonesMixed
    │   ├── AxesMixed
    │   ├── FrequencyInvalid
    │   ├── FrequencyUnknown
    │   ├── SeriesTooShort
    │   ├── CovariateLengthMismatch
    │   ├── CovariateInvalid
    │   └── ObservationConflict
    ├── RequestError                   the question cannot be answered
    │   ├── HorizonOutOfRange
    │   ├── HorizonNotAhead
    │   ├── QuantileLevelOutOfRange
    │   ├── CovariateMissing
    │   ├── ChannelMissing
    │   └── ChannelUnknown
    ├── ConfigurationError             a choice made before training is impossible
    │   ├── ConfigurationInvalid
    │   ├── WarmStartMismatch
    │   └── ShootingArgumentInvalid
    ├── TrainingError                  training ended without a checkpoint
    │   ├── TrainingDiverged
    │   ├── TrainingPartnerLost
    │   └── TrainingCancelled
    ├── CheckpointError                a stored model cannot be trusted
    │   ├── CheckpointMissing
    │   ├── CheckpointCorrupt
    │   └── CheckpointFormatUnsupported
    └── SolverError                    an integration did not finish
        ├── StepBudgetExceeded
        ├── ImplicitStepUnsolved
        └── ControlNotFound

A message says what was found, what is needed and what to do. The facts are attributes of the error, so that a caller
can act on them without reading prose.
"""

import re

_MOST_LISTED = 10


class ForecastingError(Exception):
    """Base of every error that this project raises on purpose.

    Attributes:
        detail: What was found and what is needed.
        hint: What to do about it.
        item_id: The series concerned, where there is one.
    """

    def __init__(self, detail: str, *, hint: str, item_id: str | None = None) -> None:
        super().__init__(f"{detail} {hint}")
        self.detail = detail
        self.hint = hint
        self.item_id = item_id

    @property
    def code(self) -> str:
        """The name of the class in snake case, stable for machines to compare."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


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


_ISO_8601 = "Write timestamps as ISO 8601, for example 2026-11-01T00:00:00Z."
_NUMBERED = "Timestamps are all dates in ISO 8601, or all whole numbers; to have years read as numbers, say freq=1."


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


class SolverError(ForecastingError):
    """An integration did not finish."""


class StepBudgetExceeded(SolverError):
    """An adaptive integration used up its steps, or its step became too small."""

    def __init__(self, max_steps: int, reason: str) -> None:
        super().__init__(
            f"The adaptive solver stopped within its budget of {max_steps} steps: {reason}.",
            hint="Use a fixed-step method, or loosen rtol and atol.",
        )
        self.max_steps = max_steps


class ImplicitStepUnsolved(SolverError):
    """The fixed-point iteration of an implicit step did not come to rest."""

    def __init__(self, step: float, num_sweeps: int, change: float) -> None:
        super().__init__(
            f"After {num_sweeps} sweeps an implicit step of {step:g} still changes by {change:.1e} of its size.",
            hint="Use a smaller step, so that the iteration contracts, or an explicit method.",
        )
        self.step = step
        self.num_sweeps = num_sweeps
        self.change = change


class ControlNotFound(SolverError):
    """A vector field without a closed form has no optimal control that the search could find."""

    def __init__(self, num_iterations: int, reason: str) -> None:
        super().__init__(
            f"No optimal control was found in {num_iterations} Newton steps: {reason}.",
            hint="Raise parameter_weights or max_iterations, or start the particles nearer to zero.",
        )
        self.num_iterations = num_iterations
        self.reason = reason
