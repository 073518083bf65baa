"""Training jobs asked for, and answered, in JSON."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.jobs.values import JobState, PromotionPolicy, TrainingJob
from app.schemas.panels import SeriesBody, Text
from app.stores.database import Page
from model import Aggregation, Floor, Precision, Preset, Refit, TrainingOptions


class OptionsBody(BaseModel):
    """Choices for a training; what is left out follows from the data."""

    model_config = ConfigDict(extra="forbid", strict=True)

    horizon: Annotated[int | None, Field(description="The longest lead, in steps, that it is trained on.")] = None
    season_length: Annotated[
        int | None, Field(description="Steps after which values repeat; found in them if left out.")
    ] = None
    context_length: Annotated[int | None, Field(description="How many steps of history it sees.")] = None
    patch_length: int | None = None
    state_size: int | None = None
    inflation: int | None = None
    num_particles: int | None = None
    steps_per_patch: int | None = None
    dropout: float | None = None
    hole_share: Annotated[
        float | None, Field(description="Of the histories trained on, how many have holes torn, to get used to them.")
    ] = None
    learning_rate: float | None = None
    batch_size: int | None = None
    accumulation: Annotated[
        int | None, Field(description="In how many parts a batch is computed, where memory is short.")
    ] = None
    precision: Annotated[
        Precision | None, Field(description="In which matrices are multiplied on a GPU; a CPU keeps to float32.")
    ] = None
    num_epochs: Annotated[int | None, Field(description="Epochs at most.")] = None
    steps_per_epoch: int | None = None
    validation_steps: int | None = None
    seed: int = 0
    num_seeds: Annotated[
        int | None, Field(description="Trainings from so many initial weights; the one that validates best is kept.")
    ] = None
    calendar: Annotated[
        bool, Field(description="Whether the phases of the day, the week and the year are covariates, too.")
    ] = False
    joint: Annotated[
        bool, Field(description="Whether the series are the channels of one system, forecast together.")
    ] = False
    refit: Annotated[
        Refit | None, Field(description="What is fitted once more at the end, on the data kept for validation as well.")
    ] = None
    floor: Annotated[Floor | None, Field(description="Below what no forecast goes; found in the data.")] = None
    preset: Annotated[
        Preset, Field(description="How much is tried on validation data before what was left open is settled.")
    ] = "fast"
    time_budget_seconds: Annotated[
        float | None, Field(description="About how long trials and training may take together.")
    ] = None
    warm_start: Annotated[
        Text | None,
        Field(description="The version whose weights to start from: `name`, `name@alias` or `name/3`."),
    ] = None

    def to_options(self) -> TrainingOptions:
        """The options as the model knows them."""
        return TrainingOptions(**self.model_dump())


class TrainingJobRequest(BaseModel):
    """What to train, on a dataset or on series sent along, and what becomes of the version."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: Annotated[Text, Field(description="The name that the version will belong to.")]
    dataset: Annotated[Text | None, Field(description="The id of an uploaded dataset.")] = None
    series: Annotated[list[SeriesBody] | None, Field(min_length=1)] = None
    duplicates: Annotated[Aggregation, Field(description="What to do with repeated timestamps.")] = "error"
    options: OptionsBody = OptionsBody()
    policy: Annotated[
        PromotionPolicy, Field(description="What happens to the alias production once training has succeeded.")
    ] = "promote_if_better"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.dataset is None) == (self.series is None):
            raise PydanticCustomError("training_source", "A training job takes either a dataset or series.")
        return self


@dataclass(frozen=True)
class LossBody:
    """The losses after one epoch."""

    epoch: int
    train: float
    validation: float


@dataclass(frozen=True)
class FailureBody:
    """Why a job failed."""

    code: str
    detail: str
    hint: str


@dataclass(frozen=True)
class NoticeBody:
    """Something about the data that its user should know."""

    code: str
    detail: str
    hint: str
    item_id: str | None


@dataclass(frozen=True)
class JobBody:
    """A training job as it stands."""

    id: str
    state: JobState
    model: str
    dataset: str
    dataset_digest: str | None
    policy: PromotionPolicy
    options: dict[str, bool | int | float | str | None]
    cancel_requested: bool
    epoch: int
    num_epochs: int | None
    progress: float
    eta_seconds: float | None
    losses: list[LossBody]
    error: FailureBody | None
    notices: list[NoticeBody]
    version: int | None
    decision: str | None
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class JobPage:
    """Training jobs, newest first, without their losses."""

    data: list[JobBody]
    next_cursor: str | None


def from_job(job: TrainingJob) -> JobBody:
    """A job as JSON has it."""
    failure = job.failure
    return JobBody(
        id=job.id,
        state=job.state,
        model=job.request.model_name,
        dataset=job.request.dataset_id,
        dataset_digest=job.dataset_digest,
        policy=job.request.policy,
        options=asdict(job.request.options),
        cancel_requested=job.cancel_requested,
        epoch=job.epoch,
        num_epochs=job.num_epochs,
        progress=job.progress,
        eta_seconds=job.eta_seconds,
        losses=[LossBody(one.epoch, one.train, one.validation) for one in job.losses],
        error=FailureBody(failure.code, failure.detail, failure.hint) if failure else None,
        notices=[NoticeBody(one.code, one.detail, one.hint, one.item_id) for one in job.notices],
        version=job.version,
        decision=job.decision,
        attempts=job.attempts,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def from_jobs(page: Page[TrainingJob]) -> JobPage:
    """A part of the list as JSON has it."""
    return JobPage([from_job(one) for one in page.items], page.next_cursor)
