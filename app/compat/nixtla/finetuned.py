"""finetune, and the models that it makes: listed, shown, deleted."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from app.compat.nixtla import finetuning
from app.compat.nixtla.answering import STATES
from app.errors import JobNotFound, ModelIsDefault, TrainingFailed, TrainingUnfinished, VersionNotFound
from app.jobs.rows import LIVE
from app.jobs.values import TrainingJob
from app.routes.accounting import audited, enter_now, note, note_nothing
from app.routes.bodies import answer, read_json
from app.routes.permissions import ANY_KEY, TRAIN, CurrentCaller, SpendPoints
from app.routes.resources import Resources, Service
from app.stores.database import now
from app.stores.references import PRODUCTION, ModelReference
from app.stores.versions import Version

router = APIRouter(prefix="/compat/nixtla", include_in_schema=False)

_WAIT_SECONDS: Final = 45.0
"""Less than the minute after which the package gives up on an answer."""
_LOOK_SECONDS: Final = 0.2
_WHOLE_NETWORK: Final = 5


@dataclass(frozen=True)
class FinetunedModel:
    """A registered model as the package knows one.

    Attributes:
        id: Its name.
        created_at: When the version that it means was registered.
        created_by: The job that trained it, or how else it came.
        base_model_id: The version whose weights its training started from, or `none`.
        steps: Gradient steps of its training.
        depth: How much of the network was trained: all of it.
        loss: Of its training.
        model: The version that it means.
        freq: The step that it was trained on.
    """

    id: str
    created_at: datetime
    created_by: str
    base_model_id: str
    steps: int
    depth: int
    loss: str
    model: str
    freq: str


@router.post("/v2/finetune", dependencies=[TRAIN, audited("job.submitted")])
async def post_finetune(request: Request, service: Service, caller: CurrentCaller, spend: SpendPoints) -> Response:
    """Trains a version, and answers once it has ended."""
    job = await _submit(request, service, caller, spend)
    return answer({"finetuned_model_id": (await _wait(service, job)).request.model_name})


@router.post("/v2/finetune/async", dependencies=[TRAIN, audited("job.submitted")])
async def post_finetune_job(request: Request, service: Service, caller: CurrentCaller, spend: SpendPoints) -> Response:
    """Trains a version in the background."""
    job = await _submit(request, service, caller, spend)
    return answer({"job_id": job.id}, 202, Location=f"/compat/nixtla/v2/finetune/jobs/{job.id}")


@router.get("/v2/finetune/jobs/{job_id}", dependencies=[TRAIN])
def get_finetune_job(job_id: str, service: Service) -> Response:
    """How a training stands, with the name of its model once it has succeeded."""
    job = service.jobs.get(job_id, TrainingJob)
    result = {"finetuned_model_id": job.request.model_name} if job.state == "succeeded" else None
    error = f"{job.failure.detail} {job.failure.hint}" if job.failure else None
    return answer({"job_id": job.id, "status": STATES.get(job.state, job.state), "result": result, "error": error})


@router.post(
    "/v2/async/jobs/job_{number}/cancel",
    dependencies=[TRAIN, audited("job.cancelled", "/v1/training-jobs/job_{number}")],
)
def post_cancel_training(number: str, service: Service) -> Response:
    """Asks a training to stop."""
    job = service.jobs.cancel(f"job_{number}", TrainingJob)
    return answer({"job_id": job.id, "status": STATES.get(job.state, job.state)}, 202)


@router.get("/v2/finetuned_models", dependencies=[ANY_KEY])
def get_finetuned_models(service: Service) -> Response:
    """Every registered model, by name: all of them were trained on somebody's series."""
    found = [_meant(service, one.name) for one in service.registry.models() if one.latest is not None]
    return answer({"finetuned_models": [_describe(service, one) for one in found]})


@router.get("/v2/finetuned_models/{name}", dependencies=[ANY_KEY])
def get_finetuned_model(name: str, service: Service) -> Response:
    """One registered model."""
    return answer(_describe(service, _meant(service, name)))


@router.delete(
    "/v2/finetuned_models/{name}",
    status_code=204,
    dependencies=[TRAIN, audited("version.deleted", "/v1/models/{name}")],
)
def delete_finetuned_model(request: Request, name: str, service: Service) -> Response:
    """Deletes every version of a model, also those in production."""
    default = service.settings.default_model
    if default and ModelReference.parse(default).name == name:
        raise ModelIsDefault(name)
    numbers = service.registry.delete_model(name)
    for number in numbers:
        service.hindsight.forget_version(name, number)
    note(request, versions=", ".join(map(str, sorted(numbers))))
    return Response(status_code=204)


async def _submit(request: Request, service: Resources, caller: CurrentCaller, spend: SpendPoints) -> TrainingJob:
    """Queues the training of a request, and enters that in the audit log, although the answer may come too late."""
    body, started = await read_json(request), now()
    job = await run_in_threadpool(finetuning.submit, service, spend, caller.id, body)
    if job.created_at < started:
        note_nothing(request)
    else:
        note(request, model=job.request.model_name, dataset=job.request.dataset_id, policy=job.request.policy)
        await run_in_threadpool(enter_now, request, service.audit_log, f"/v1/training-jobs/{job.id}")
    return job


async def _wait(service: Resources, job: TrainingJob) -> TrainingJob:
    """The job once it has succeeded.

    Raises:
        TrainingFailed: It has ended without a version.
        TrainingUnfinished: It has not ended in time, and goes on.
    """
    until = time.monotonic() + _WAIT_SECONDS
    while job.state in LIVE:
        if time.monotonic() > until or service.leaving.is_set():
            raise TrainingUnfinished(job.id, job.request.model_name, _WAIT_SECONDS)
        await asyncio.sleep(_LOOK_SECONDS)
        job = await run_in_threadpool(service.jobs.get, job.id, TrainingJob)
    if job.state == "succeeded":
        return job
    if job.failure is None:
        raise TrainingFailed(job.id, "it was cancelled.", "Send the request again to train anew.")
    raise TrainingFailed(job.id, job.failure.detail, job.failure.hint)


def _meant(service: Resources, name: str) -> Version:
    """The version of a model in production, or its newest."""
    versions = service.registry.versions(name)
    if not versions:
        raise VersionNotFound(name, 1, ())
    return next((one for one in versions if PRODUCTION in one.aliases), versions[0])


def _describe(service: Resources, version: Version) -> FinetunedModel:
    return FinetunedModel(
        id=version.name,
        created_at=version.created_at,
        created_by=version.job_id or ("a bundle" if version.origin else "the command line"),
        base_model_id=version.manifest.warm_start or "none",
        steps=_num_steps(service, version),
        depth=_WHOLE_NETWORK,
        loss="default",
        model=str(version),
        freq=version.config.freq,
    )


def _num_steps(service: Resources, version: Version) -> int:
    """Gradient steps that a version was trained by; the most that it may have been, where no job tells."""
    num_epochs = version.config.num_epochs
    if version.job_id is not None:
        with suppress(JobNotFound):
            num_epochs = service.jobs.get(version.job_id, TrainingJob).epoch
    return num_epochs * version.config.steps_per_epoch
