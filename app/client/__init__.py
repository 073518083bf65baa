"""The Python client: a running service, asked by a program or a notebook, with tables in and out."""

from app.client.anomalies import Anomalies
from app.client.clients import AsyncLongshot, Longshot
from app.client.errors import (
    AccessDenied,
    AnswerUnreadable,
    Conflict,
    DataRefused,
    FrameUnusable,
    JobCancelled,
    JobFailed,
    LongshotError,
    NotFound,
    PlottingUnavailable,
    Problem,
    RateExceeded,
    Refused,
    RequestMalformed,
    ServiceFailed,
    ServiceUnreachable,
    TooLarge,
    Unavailable,
)
from app.client.forecasts import Failure, Forecast
from app.client.jobs import AsyncJob, Job
from app.client.requests import Retries
from app.client.values import Alias, Audit, Dataset, Health, JobState, Model, Version

__all__ = [
    "AccessDenied",
    "Alias",
    "Anomalies",
    "AnswerUnreadable",
    "AsyncJob",
    "AsyncLongshot",
    "Audit",
    "Conflict",
    "DataRefused",
    "Dataset",
    "Failure",
    "Forecast",
    "FrameUnusable",
    "Health",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobState",
    "Longshot",
    "LongshotError",
    "Model",
    "NotFound",
    "PlottingUnavailable",
    "Problem",
    "RateExceeded",
    "Refused",
    "RequestMalformed",
    "Retries",
    "ServiceFailed",
    "ServiceUnreachable",
    "TooLarge",
    "Unavailable",
    "Version",
]
