"""What is stored cannot be used: datasets and forecasts."""

from model import ForecastingError


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
