"""What the package sends, and which of it cannot be honoured here."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.errors import LimitExceeded
from app.schemas.panels import Number, Text, Timestamp
from app.schemas.refusals import OptionUnsupported

Count = Annotated[int, Field(ge=1, le=10**9)]
Level = Annotated[float, Field(ge=0, lt=100)]

DEFAULT_STEPS: Final = 10
"""What `finetune` says where its caller said nothing."""

LEAST_STEPS: Final = 50
"""Fewer gradient steps teach a fresh network next to nothing."""


class SeriesPayload(BaseModel):
    """Several series end to end, each on a regular grid.

    Attributes:
        y: The observations of all series; null is missing.
        sizes: How many of them are whose.
        start_datetime: The first timestamp of each; left out for integer times, and for zones that change their clocks.
        X: What else is known at each observation, one row a feature.
        X_future: What is known at the timestamps to forecast.
        categorical_exog: Which of the features are categories.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    y: list[Number | None]
    sizes: Annotated[list[Count], Field(min_length=1)]
    start_datetime: list[Timestamp] | None = None
    X: list[list[Number | str | None]] | None = None
    X_future: list[list[Number | str | None]] | None = None
    categorical_exog: list[int] | None = None

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        if sum(self.sizes) != len(self.y):
            raise PydanticCustomError(
                "sizes", f"The sizes add up to {sum(self.sizes)}, and there are {len(self.y)} observations."
            )
        if any(len(row) != len(self.y) for row in self.X or ()):
            raise PydanticCustomError(
                "features", f"Every feature needs a value for each of {len(self.y)} observations."
            )
        if self.start_datetime is not None and len(self.start_datetime) != len(self.sizes):
            raise PydanticCustomError(
                "starts", f"There are {len(self.start_datetime)} timestamps to start at, and {len(self.sizes)} series."
            )
        return self

    def check_size(self, *, max_series: int, max_points: int) -> None:
        """Refuses more series or observations than the service allows.

        Raises:
            LimitExceeded: There are more.
        """
        if len(self.sizes) > max_series:
            raise LimitExceeded("series", len(self.sizes), max_series, "LONGSHOT_MAX_SERIES")
        if self.num_points > max_points:
            raise LimitExceeded("observations", self.num_points, max_points, "LONGSHOT_MAX_POINTS")

    @property
    def num_points(self) -> int:
        """Observations and values of features sent, missing ones included."""
        return len(self.y) + sum(map(len, (*(self.X or ()), *(self.X_future or ()))))


class JobOptions(BaseModel):
    """How a job is to be run."""

    model_config = ConfigDict(extra="forbid", strict=True)

    timeout_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None


class Payload(BaseModel):
    """What every call about series says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    series: SeriesPayload
    model: Text
    freq: Annotated[str, Field(min_length=1, max_length=64)]
    finetuned_model_id: Text | None = None
    job_options: JobOptions = JobOptions()

    @property
    def timeout_seconds(self) -> float | None:
        """How long the job may run."""
        return self.job_options.timeout_seconds

    def check(self) -> None:
        """Refuses what cannot be honoured.

        Raises:
            OptionUnsupported
        """


class AskingPayload(Payload):
    """What every call says that a version answers."""

    clean_ex_first: bool = True
    finetune_steps: Annotated[int, Field(ge=0)] = 0
    finetune_depth: Annotated[int, Field(ge=1, le=5)] = 1
    finetune_loss: str = "default"
    refit: bool = False
    hist_exog: list[int] | None = None
    feature_contributions: bool = False
    feature_contributions_type: str | None = None
    multivariate: bool = False
    model_parameters: dict[str, Any] | None = None

    def check(self) -> None:
        """Refuses what cannot be honoured; depth, loss and `refit` mean nothing without steps to fine-tune by.

        Raises:
            OptionUnsupported
        """
        if self.series.categorical_exog:
            raise OptionUnsupported(
                "categorical_exog_list",
                "covariates that change in time are numbers",
                "Encode them as numbers, one column for each category, and train a version with these.",
            )
        if self.finetune_steps:
            raise OptionUnsupported(
                "finetune_steps",
                "a version is trained by a job, not within a request",
                "Train one with client.finetune(df, output_model_id='mine'), then pass finetuned_model_id='mine'.",
            )
        if self.multivariate:
            raise OptionUnsupported("multivariate", "every series is forecast from itself alone", "Leave it at False.")
        if self.feature_contributions:
            raise OptionUnsupported(
                "feature_contributions", "nothing here attributes a forecast to features", "Leave it at False."
            )
        if (self.model_parameters or {}).keys() - {"features"}:
            raise OptionUnsupported(
                "model_parameters",
                "all but 'features' are settings of TimeGPT's own networks",
                "Leave them out; a version's settings are chosen when it is trained (POST /v1/training-jobs).",
            )

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """How the caller names the features in the order in which they are sent; the package itself does not.

        Raises:
            OptionUnsupported: They are no names.
        """
        found = (self.model_parameters or {}).get("features")
        if found is None:
            return None
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise OptionUnsupported(
                "model_parameters", "'features' is no list of names", "Write model_parameters={'features': ['price']}."
            )
        return tuple(found)


class ForecastPayload(AskingPayload):
    """`forecast`: the next `h` steps of each series."""

    h: Count
    level: list[Level] | None = None


class SimulatePayload(ForecastPayload):
    """`simulate`: paths that each series may take.

    Attributes:
        n_paths: How many.
        quantiles: To know the distribution at each step by; here it is known by all that a version learns.
        seed: The same one gives the same paths; others each time, if left out.
    """

    n_paths: Annotated[int, Field(ge=1, le=10_000)]
    quantiles: list[Annotated[float, Field(gt=0, lt=1)]] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**64)] | None = None


class CrossValidationPayload(ForecastPayload):
    """`cross_validation`, and with `full_history` the part of `forecast` that `add_history` adds."""

    n_windows: Count
    step_size: Count | None = None
    full_history: bool = False


class AnomalyPayload(AskingPayload):
    """`detect_anomalies`: judge all that can be."""

    level: Annotated[float, Field(gt=0, lt=100)] = 99


class OnlineAnomalyPayload(AnomalyPayload):
    """`detect_anomalies_online`: judge the last observations."""

    h: Count
    detection_size: Count
    threshold_method: Literal["univariate", "multivariate"] = "univariate"
    step_size: Count | None = None

    def check(self) -> None:
        """Refuses what cannot be honoured.

        Raises:
            OptionUnsupported
        """
        super().check()
        if self.threshold_method != "univariate":
            raise OptionUnsupported(
                "threshold_method",
                "every series is judged by its own calibrated interval, and there is no threshold over all of them",
                "Leave it at 'univariate'.",
            )
        if self.step_size is not None and self.step_size > self.h:
            raise OptionUnsupported(
                "step_size",
                f"forecasts of {self.h} steps, one every {self.step_size}, leave observations between them unjudged",
                f"Take at most {self.h}, or leave it out.",
            )


class FinetunePayload(Payload):
    """`finetune`: train a version."""

    finetune_steps: Annotated[int, Field(ge=0, le=10**6)] = DEFAULT_STEPS
    finetune_depth: Annotated[int, Field(ge=1, le=5)] = 1
    finetune_loss: str = "default"
    output_model_id: Text | None = None

    def check(self) -> None:
        """Refuses what cannot be honoured.

        Raises:
            OptionUnsupported
        """
        if self.series.X is not None:
            raise OptionUnsupported("X", "fine-tuning takes the target alone", "Leave the features out.")
        fewest = LEAST_STEPS if self.finetuned_model_id is None else 1
        if self.finetune_steps != DEFAULT_STEPS and self.finetune_steps < fewest:
            raise OptionUnsupported(
                "finetune_steps",
                f"a version learns next to nothing in {self.finetune_steps} steps",
                f"Leave it out: then training ends once validation no longer improves. Or give at least {fewest}.",
            )
        if self.finetune_depth not in (1, 5):
            raise OptionUnsupported(
                "finetune_depth",
                "2 to 4 keep part of a pretrained network, and here the whole network is trained",
                "Leave it out, or say 5.",
            )
        if self.finetune_loss != "default":
            raise OptionUnsupported(
                "finetune_loss",
                "versions learn quantiles, by the pinball loss",
                "Leave it at 'default'; the median that they answer minimises the mean absolute error.",
            )
