"""Backtests of versions: submit, list, show, follow, cancel."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.sse import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from app import backtesting, errors
from app.jobs.rows import JobFilter
from app.jobs.values import BacktestJob, BacktestRequest, JobState
from app.routes.accounting import audited, note
from app.routes.bodies import answer, describe_body, read_json
from app.routes.documented import ANY_ALIAS, ANY_BODY, ANY_DATASET, ANY_SERIES, problems
from app.routes.job_events import EVENT_PROBLEMS, begin_after, follow
from app.routes.permissions import TRAIN, SpendPoints
from app.routes.resources import Resources, Service
from app.schemas.backtests import BacktestBody, BacktestJobRequest, BacktestPage, from_backtest, from_backtests
from app.schemas.job_events import JobEventBody
from app.schemas.panels import check_size, each_read_once, to_panel
from model import ChannelMissing, FrequencyUnknown

router = APIRouter(prefix="/v1/backtests", tags=["backtests"])


@router.post(
    "",
    status_code=202,
    summary="Backtest a version",
    response_model=BacktestBody,
    dependencies=[TRAIN, audited("job.submitted")],
    responses=problems(
        *ANY_BODY,
        *ANY_SERIES,
        *ANY_DATASET,
        *ANY_ALIAS,
        errors.NameInvalid,
        errors.VersionNotFound,
        FrequencyUnknown,
        ChannelMissing,
        errors.IdempotencyMismatch,
    ),
    openapi_extra=describe_body(BacktestJobRequest),
)
async def post_backtest(
    request: Request,
    service: Service,
    spend: SpendPoints,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> Response:
    """Queues forecasts of what each series did after some cutoffs in its past, to be scored beside the baselines."""
    body = await read_json(request)
    job = await run_in_threadpool(_submit, service, spend, body, idempotency_key)
    note(request, model=job.request.model_name, version=job.request.version, dataset=job.request.dataset_id)
    return answer(from_backtest(job), 202, Location=f"/v1/backtests/{job.id}")


@router.get(
    "",
    summary="List the backtests",
    response_model=BacktestPage,
    dependencies=[TRAIN],
)
def get_backtests(
    service: Service,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
    state: JobState | None = None,
    model: Annotated[str | None, Query(max_length=64, description="The name of the model examined.")] = None,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The version of it.")] = None,
) -> Response:
    """The newest first, without their reports."""
    only = JobFilter(state, model, version)
    return answer(from_backtests(service.jobs.list(BacktestJob, limit=limit, cursor=cursor, only=only)))


@router.get(
    "/{job_id}",
    summary="Show a backtest",
    response_model=BacktestBody,
    dependencies=[TRAIN],
    responses=problems(errors.JobNotFound),
)
def get_backtest(job_id: str, service: Service) -> Response:
    """Its state and progress, and in the end how every method did, over all leads and by lead."""
    return answer(from_backtest(service.jobs.get(job_id, BacktestJob)))


@router.get(
    "/{job_id}/events",
    summary="Follow a backtest",
    response_class=EventSourceResponse,
    dependencies=[TRAIN],
    responses=EVENT_PROBLEMS,
)
async def get_backtest_events(
    job_id: str, service: Service, after: Annotated[int, Depends(begin_after("backtest"))]
) -> AsyncIterator[JobEventBody]:
    """Each change of its state, and its progress, from the first or after `Last-Event-ID`, until it ends."""
    async for event in follow(service, job_id, after):
        yield event  # type: ignore[misc]


@router.post(
    "/{job_id}/cancel",
    status_code=202,
    summary="Cancel a backtest",
    response_model=BacktestBody,
    dependencies=[TRAIN, audited("job.cancelled", "/v1/backtests/{job_id}")],
    responses=problems(errors.JobNotFound, errors.JobNotCancellable),
)
def post_cancel_backtest(job_id: str, service: Service) -> Response:
    """Asks it to stop: a queued one at once, a running one before its next forecast."""
    return answer(from_backtest(service.jobs.cancel(job_id, BacktestJob)), 202)


def _submit(service: Resources, spend: SpendPoints, body: bytes, idempotency_key: str | None) -> BacktestJob:
    asked, settings = BacktestJobRequest.model_validate_json(body), service.settings
    check_size(asked.series or [], settings.max_series, settings.max_points)
    version = service.registry.resolve(asked.model)
    dataset_id = asked.dataset
    if asked.series is not None:
        find = each_read_once(service.datasets.panel, settings.max_points)
        panel = to_panel(asked.series, find, duplicates=asked.duplicates)
        spend(panel.num_observations)
        dataset_id = service.datasets.add(panel).id
    wanted = BacktestRequest(
        asked.model, version.name, version.number, str(dataset_id), asked.horizon, asked.num_cutoffs, asked.stride
    )
    limits = backtesting.BacktestLimits(settings.max_cutoffs, settings.max_horizon_steps)
    job, num_steps = backtesting.submit(
        service.jobs, service.registry, service.datasets, wanted, limits=limits, idempotency_key=idempotency_key
    )
    spend(num_steps)
    return job
