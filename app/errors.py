"""Everything the service can refuse to do, beside what the model refuses.

The tree::

    model.ForecastingError
    ├── RegistryError                  a name does not lead to a version
    │   ├── NameInvalid
    │   ├── ModelNotFound
    │   ├── VersionNotFound
    │   ├── AliasNotFound
    │   ├── AliasChanged               someone else moved it first
    │   ├── AliasWithoutPast           there is nothing to roll back to
    │   ├── VersionInUse               an alias points at it
    │   ├── ModelUnresolved            neither the name nor a default leads to one
    │   └── ModelIsDefault             it is what unknown names mean
    ├── DatasetError                   a stored panel cannot be used
    │   ├── DatasetNotFound
    │   ├── DatasetInUse
    │   ├── DatasetChanged             someone else appended to it first
    │   └── DatasetCorrupt
    ├── ForecastNotFound               no forecast is kept under this id
    ├── JobError                       a job cannot do what was asked
    │   ├── JobNotFound
    │   ├── JobNotCancellable
    │   ├── JobNotResumable
    │   ├── JobAbandoned
    │   ├── TrainingFailed
    │   ├── TrainingUnfinished         it goes on
    │   └── IdempotencyMismatch
    ├── AccessError                    the caller may not do this
    │   ├── KeyMissing
    │   ├── KeyRefused                 unknown, expired or revoked
    │   ├── ScopeMissing
    │   ├── CallerNotLocal             without a key, from elsewhere
    │   ├── KeyNotFound
    │   └── KeyLifetimeInvalid
    ├── LimitError                     more was asked than this service allows
    │   ├── LimitExceeded
    │   ├── RateExceeded
    │   ├── ServiceFull
    │   ├── ErrandsFull
    │   └── CursorInvalid
    └── OperationError                 the service cannot start or go on as it is set up
        ├── SettingInvalid
        ├── HomeUnusable
        ├── DatabaseTooNew
        └── WorkerAlreadyRunning

No error knows HTTP: its status is chosen by `app/problems.py`.
"""

from collections.abc import Sequence

from model import ForecastingError


class RegistryError(ForecastingError):
    """A name does not lead to a version."""


class NameInvalid(RegistryError):
    """A name of a model or an alias with characters it cannot have."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The name {name[:80]!r} cannot be used.",
            hint="Use 1 to 64 lower-case letters, digits, '.', '_' or '-', the first a letter or a digit.",
        )
        self.name = name


class ModelNotFound(RegistryError):
    """No version was ever registered under a name."""

    def __init__(self, name: str, existing: Sequence[str]) -> None:
        super().__init__(
            f"There is no model {name!r}; there {_are(existing)}.",
            hint="Name one of these, or train this one first." if existing else "Train it first.",
        )
        self.name = name
        self.existing = tuple(existing)


class VersionNotFound(RegistryError):
    """A model has no version of a number."""

    def __init__(self, name: str, number: int, existing: Sequence[int]) -> None:
        super().__init__(
            f"The model {name!r} has no version {number}; there {_are(existing)}.",
            hint="Name one of these.",
        )
        self.name = name
        self.number = number
        self.existing = tuple(existing)


class AliasNotFound(RegistryError):
    """A model has no alias of a name."""

    def __init__(self, name: str, alias: str, existing: Sequence[str]) -> None:
        super().__init__(
            f"The model {name!r} has no alias {alias!r}; there {_are(existing)}.",
            hint=f"Name a version by number ({name}/1), or point the alias at one.",
        )
        self.name = name
        self.alias = alias
        self.existing = tuple(existing)


class AliasChanged(RegistryError):
    """An alias was moved since the caller looked at it."""

    def __init__(self, name: str, alias: str, expected: int, found: int) -> None:
        super().__init__(
            f"The alias {name}@{alias} is at revision {found}, not {expected}.",
            hint="Look at it again, and decide anew.",
        )
        self.name = name
        self.alias = alias
        self.expected = expected
        self.found = found


class AliasWithoutPast(RegistryError):
    """An alias that has pointed at one version only has none to return to."""

    def __init__(self, name: str, alias: str, number: int) -> None:
        super().__init__(
            f"The alias {name}@{alias} points at version {number}, and at no other that still exists before.",
            hint="Point it at a version by number instead.",
        )
        self.name = name
        self.alias = alias


class VersionInUse(RegistryError):
    """A version that an alias points at cannot be deleted."""

    def __init__(self, name: str, number: int, aliases: Sequence[str]) -> None:
        super().__init__(
            f"Version {number} of {name!r} is what {', '.join(f'{name}@{one}' for one in aliases)} means.",
            hint="Point the alias at another version first.",
        )
        self.name = name
        self.number = number
        self.aliases = tuple(aliases)


class ModelUnresolved(RegistryError):
    """A name of a foreign protocol that is not registered here, where no default is set."""

    def __init__(self, name: str, existing: Sequence[str]) -> None:
        super().__init__(
            f"There is no model {name[:80]!r} here, and LONGSHOT_DEFAULT_MODEL names none to answer instead; "
            f"there {_are(existing)}.",
            hint="This service answers from versions trained on your series. Train one, by finetune(…, "
            "output_model_id='mine') or POST /v1/training-jobs; then pass model='mine', or have the operator set "
            "LONGSHOT_DEFAULT_MODEL=mine.",
        )
        self.name = name
        self.existing = tuple(existing)


class ModelIsDefault(RegistryError):
    """The model that unknown names mean cannot be deleted."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The model {name!r} is what LONGSHOT_DEFAULT_MODEL names.",
            hint="Have the operator name another one there first.",
        )
        self.name = name


class DatasetError(ForecastingError):
    """A stored panel cannot be used."""


class DatasetNotFound(DatasetError):
    """No dataset has this id."""

    def __init__(self, dataset_id: str) -> None:
        super().__init__(f"There is no dataset {dataset_id[:80]!r}.", hint="List the datasets, or upload it again.")
        self.dataset_id = dataset_id


class ForecastNotFound(ForecastingError):
    """No forecast is kept under this id, or no longer."""

    def __init__(self, forecast_id: str) -> None:
        super().__init__(
            f"No forecast is kept under {forecast_id[:80]!r}.",
            hint="It may have been too old, too large or deleted, or asked for with keep: false; forecast anew.",
        )
        self.forecast_id = forecast_id


class DatasetInUse(DatasetError):
    """A dataset that a queued or running job needs cannot be deleted."""

    def __init__(self, dataset_id: str, job_id: str) -> None:
        super().__init__(
            f"The dataset {dataset_id!r} is needed by job {job_id!r}.", hint="Wait for the job to end, or cancel it."
        )
        self.dataset_id = dataset_id
        self.job_id = job_id


class DatasetChanged(DatasetError):
    """A dataset was appended to since the caller looked at it."""

    def __init__(self, dataset_id: str, expected: str, found: str) -> None:
        super().__init__(
            f"The dataset {dataset_id!r} has the digest {found}, not {expected[:80]}.",
            hint="Look at it again, and decide anew.",
        )
        self.dataset_id = dataset_id
        self.expected = expected
        self.found = found


class DatasetCorrupt(DatasetError):
    """The file of a dataset is damaged or gone."""

    def __init__(self, dataset_id: str, reason: str) -> None:
        super().__init__(
            f"The stored file of dataset {dataset_id!r} cannot be used: {reason}.",
            hint="Delete the dataset and upload it again.",
        )
        self.dataset_id = dataset_id
        self.reason = reason


class JobError(ForecastingError):
    """A job cannot do what was asked."""


class JobNotFound(JobError):
    """No job has this id."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no such job: {job_id[:80]!r}.", hint="List the jobs of this kind.")
        self.job_id = job_id


class JobNotCancellable(JobError):
    """A job that has ended cannot be cancelled."""

    def __init__(self, job_id: str, state: str) -> None:
        super().__init__(
            f"The job {job_id!r} has ended: its state is {state}.",
            hint="Only a queued or running job can be cancelled.",
        )
        self.job_id = job_id
        self.state = state


class JobNotResumable(JobError):
    """A job that cannot go on from where it stopped."""

    def __init__(self, job_id: str, reason: str) -> None:
        super().__init__(
            f"The job {job_id!r} cannot be resumed: {reason}.",
            hint="Only a cancelled or failed job whose data and last epoch are kept goes on; else submit another.",
        )
        self.job_id = job_id
        self.reason = reason


class JobAbandoned(JobError):
    """A job whose worker died again and again without getting any further."""

    def __init__(self, job_id: str, attempts: int) -> None:
        super().__init__(
            f"The worker died {attempts} times in job {job_id!r} before it got any further.",
            hint="It most likely ran out of memory: lower batch_size or context_length of a training, or give it more.",
        )
        self.job_id = job_id
        self.attempts = attempts


class TrainingFailed(JobError):
    """A training that somebody waited for has ended without a version."""

    def __init__(self, job_id: str, reason: str, hint: str) -> None:
        super().__init__(f"The training job {job_id!r} has ended without a version: {reason}", hint=hint)
        self.job_id = job_id


class TrainingUnfinished(JobError):
    """A training that takes longer than a request waits for it."""

    def __init__(self, job_id: str, name: str, seconds: float) -> None:
        super().__init__(
            f"The training job {job_id!r} has not ended within {seconds:g} seconds; it goes on, to be model {name!r}.",
            hint="Send the same request again to wait on (the package does so by itself), or submit it as a job: "
            "client.jobs.finetune(…).",
        )
        self.job_id = job_id


class IdempotencyMismatch(JobError):
    """An idempotency key was used before, for another request."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The idempotency key {key[:80]!r} belongs to another request.",
            hint="Use a new key for a new request, or repeat the earlier request unchanged.",
        )
        self.key = key


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


def _are(existing: Sequence[object]) -> str:
    shown = ", ".join(str(one) for one in existing[:20])
    more = f" and {len(existing) - 20} more" if len(existing) > 20 else ""
    return f"{'is' if len(existing) == 1 else 'are'} {shown}{more}" if existing else "is none yet"
