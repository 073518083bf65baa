"""A job cannot do what was asked."""

from model import ForecastingError


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
