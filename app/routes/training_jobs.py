"""Training jobs: submit, list, show, cancel, resume."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from app import errors, training_jobs
from app.jobs.rows import JobFilter
from app.jobs.values import JobState, TrainingJob, TrainingRequest
from app.routes.accounting import audited, note
from app.routes.bodies import answer, describe_body, read_json
from app.routes.documented import ANY_BODY, ANY_CHECKPOINT, ANY_DATASET, ANY_SERIES, problems
from app.routes.permissions import TRAIN, SpendPoints
from app.routes.resources import Resources, Service
from app.schemas.panels import check_size, each_read_once, to_panel
from app.schemas.training import JobBody, JobPage, TrainingJobRequest, from_job, from_jobs
from model import ConfigurationInvalid, FrequencyUnknown, WarmStartMismatch

router = APIRouter(prefix="/v1/training-jobs", tags=["training jobs"])


@router.post(
    "",
    status_code=202,
    summary="Train a version",
    response_model=JobBody,
    dependencies=[TRAIN, audited("job.submitted")],
    responses=problems(
        *ANY_BODY,
        *ANY_SERIES,
        *ANY_DATASET,
        errors.NameInvalid,
        FrequencyUnknown,
        ConfigurationInvalid,
        WarmStartMismatch,
        errors.IdempotencyMismatch,
        errors.ModelNotFound,
        errors.AliasNotFound,
        errors.VersionNotFound,
        *ANY_CHECKPOINT,
    ),
    openapi_extra=describe_body(TrainingJobRequest),
)
async def post_training_job(
    request: Request,
    service: Service,
    spend: SpendPoints,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> Response:
    """Queues a training; a worker runs it, and `Location` tells how far it is."""
    body = await read_json(request)
    job = await run_in_threadpool(_submit, service, spend, body, idempotency_key)
    note(request, model=job.request.model_name, dataset=job.request.dataset_id, policy=job.request.policy)
    return answer(from_job(job), 202, Location=f"/v1/training-jobs/{job.id}")


@router.get(
    "",
    summary="List the training jobs",
    response_model=JobPage,
    dependencies=[TRAIN],
)
def get_training_jobs(
    service: Service,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
    state: JobState | None = None,
) -> Response:
    """The newest first, without their losses."""
    return answer(from_jobs(service.jobs.list(TrainingJob, limit=limit, cursor=cursor, only=JobFilter(state))))


@router.get(
    "/{job_id}",
    summary="Show a training job",
    response_model=JobBody,
    dependencies=[TRAIN],
    responses=problems(errors.JobNotFound),
)
def get_training_job(job_id: str, service: Service) -> Response:
    """Its state, progress, losses, and in the end its version or what went wrong."""
    return answer(from_job(service.jobs.get(job_id, TrainingJob)))


@router.post(
    "/{job_id}/cancel",
    status_code=202,
    summary="Cancel a training job",
    response_model=JobBody,
    dependencies=[TRAIN, audited("job.cancelled", "/v1/training-jobs/{job_id}")],
    responses=problems(errors.JobNotFound, errors.JobNotCancellable),
)
def post_cancel(job_id: str, service: Service) -> Response:
    """Asks a job to stop: a queued one at once, a running one at its next batch."""
    return answer(from_job(service.jobs.cancel(job_id, TrainingJob)), 202)


@router.post(
    "/{job_id}/resume",
    status_code=202,
    summary="Resume a training job",
    response_model=JobBody,
    dependencies=[TRAIN, audited("job.resumed", "/v1/training-jobs/{job_id}")],
    responses=problems(errors.JobNotFound, errors.JobNotResumable, errors.DatasetCorrupt),
)
def post_resume(job_id: str, service: Service) -> Response:
    """Queues a cancelled or failed job again; it goes on from its last epoch to the result it would have had."""
    job = training_jobs.resume(service.jobs, service.datasets, job_id, folder=service.settings.training_path)
    return answer(from_job(job), 202)


def _submit(service: Resources, spend: SpendPoints, body: bytes, idempotency_key: str | None) -> TrainingJob:
    asked = TrainingJobRequest.model_validate_json(body)
    check_size(asked.series or [], service.settings.max_series, service.settings.max_points)
    dataset_id = asked.dataset
    if asked.series is not None:
        find = each_read_once(service.datasets.panel, service.settings.max_points)
        panel = to_panel(asked.series, find, duplicates=asked.duplicates)
        spend(panel.num_observations)
        dataset_id = service.datasets.add(panel).id
    wanted = TrainingRequest(asked.model, str(dataset_id), asked.options.to_options(), asked.policy)
    return training_jobs.submit(
        service.jobs, service.registry, service.datasets, wanted, idempotency_key=idempotency_key
    )
