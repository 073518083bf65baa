"""Backtests asked for, and answered, in JSON."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.jobs.values import BacktestJob, JobState
from app.schemas.panels import SeriesBody, Text
from app.schemas.training import FailureBody, NoticeBody
from app.stores.database import Page
from model import Aggregation, BacktestReport

_MOST_STEPS = 100_000


class BacktestJobRequest(BaseModel):
    """Which version is to forecast the ends of which series, of a dataset or sent along."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "model": "grid-load@production",
                    "dataset": "ds_56e4d8c934b5c3d95e304fc8",
                    "horizon": 96,
                    "num_cutoffs": 4,
                    "stride": 24,
                }
            ]
        },
    )

    model: Annotated[Text, Field(description="`name`, `name@alias` or `name/3`; what it means now is examined.")]
    dataset: Annotated[Text | None, Field(description="The id of an uploaded dataset.")] = None
    series: Annotated[list[SeriesBody] | None, Field(min_length=1)] = None
    duplicates: Annotated[Aggregation, Field(description="What to do with repeated timestamps.")] = "error"
    horizon: Annotated[
        int | None,
        Field(ge=1, le=_MOST_STEPS, description="Steps from each cutoff; the trained horizon if left out."),
    ] = None
    num_cutoffs: Annotated[
        int, Field(ge=1, le=_MOST_STEPS, description="Cutoffs a series, the last one a horizon before its end.")
    ] = 1
    stride: Annotated[
        int | None, Field(ge=1, le=_MOST_STEPS, description="Steps between cutoffs; the horizon if left out.")
    ] = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.dataset is None) == (self.series is None):
            raise PydanticCustomError("backtest_source", "A backtest takes either a dataset or series.")
        return self


@dataclass(frozen=True)
class ScoreBody:
    """How one method did; null for what cannot be said of it."""

    method: str
    mase: float | None
    smape: float | None
    mae: float | None
    pinball: float | None
    coverage: float | None


@dataclass(frozen=True)
class LeadScoresBody:
    """How all methods did from one lead to another, in steps after the cutoff, both included."""

    first_lead: int
    last_lead: int
    num_observations: int
    scores: list[ScoreBody]


@dataclass(frozen=True)
class ReportBody:
    """How all methods did on the same cutoffs: over all leads, and by lead."""

    horizon: int
    num_cutoffs: int
    stride: int
    num_forecasts: int
    season_length: int
    scores: list[ScoreBody]
    leads: list[LeadScoresBody]
    overlaps_training: bool


@dataclass(frozen=True)
class BacktestBody:
    """A backtest as it stands."""

    id: str
    state: JobState
    model: str
    version: int
    asked_for: str
    dataset: str
    dataset_digest: str | None
    horizon: int | None
    num_cutoffs: int
    stride: int | None
    cancel_requested: bool
    progress: float
    eta_seconds: float | None
    report: ReportBody | None
    error: FailureBody | None
    notices: list[NoticeBody]
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class BacktestPage:
    """Backtests, newest first, without their reports."""

    data: list[BacktestBody]
    next_cursor: str | None


def from_backtest(job: BacktestJob) -> BacktestBody:
    """A backtest as JSON has it."""
    request, failure = job.request, job.failure
    return BacktestBody(
        id=job.id,
        state=job.state,
        model=request.model_name,
        version=request.version,
        asked_for=request.reference,
        dataset=request.dataset_id,
        dataset_digest=job.dataset_digest,
        horizon=request.horizon,
        num_cutoffs=request.num_cutoffs,
        stride=request.stride,
        cancel_requested=job.cancel_requested,
        progress=job.progress,
        eta_seconds=job.eta_seconds,
        report=None if job.report is None else from_report(job.report),
        error=FailureBody(failure.code, failure.detail, failure.hint) if failure else None,
        notices=[NoticeBody(one.code, one.detail, one.hint, one.item_id) for one in job.notices],
        attempts=job.attempts,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def from_backtests(page: Page[BacktestJob]) -> BacktestPage:
    """A part of the list as JSON has it."""
    return BacktestPage([from_backtest(one) for one in page.items], page.next_cursor)


def from_report(report: BacktestReport) -> ReportBody:
    """A report as JSON has it."""
    leads = [
        LeadScoresBody(
            one.first_lead, one.last_lead, one.num_observations, [ScoreBody(**asdict(score)) for score in one.scores]
        )
        for one in report.leads
    ]
    scores = [ScoreBody(**asdict(score)) for score in report.scores]
    return ReportBody(**{**vars(report), "scores": scores, "leads": leads})
