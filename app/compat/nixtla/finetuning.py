"""finetune: a training job under the hood, the same one for a request that is sent again."""

import hashlib
import uuid
from datetime import timedelta
from itertools import count
from math import ceil
from typing import Final

from app import training_jobs
from app.compat.nixtla.payloads import DEFAULT_STEPS, LEAST_STEPS, FinetunePayload
from app.compat.nixtla.windows import read_rows_of
from app.errors import ModelNotFound, VersionNotFound
from app.jobs.rows import LIVE
from app.jobs.values import TrainingJob, TrainingRequest
from app.routes.permissions import SpendPoints
from app.routes.resources import Resources
from app.stores.database import now
from model import Panel, TrainingOptions

_KEPT_FOR: Final = {"succeeded": timedelta(minutes=10), "failed": timedelta(minutes=1)}
"""How long a training that has ended is the answer to the same request sent again; a cancelled one never is."""


def submit(service: Resources, spend: SpendPoints, caller_id: str, body: bytes) -> TrainingJob:
    """Queues a training, unless the same caller has just sent the same request: then the job is the one of before.

    Raises:
        ForecastingError: The request or the series allow no training.
    """
    asked, settings = FinetunePayload.model_validate_json(body), service.settings
    asked.check()
    asked.series.check_size(max_series=settings.max_series, max_points=settings.max_points)
    panel = Panel(tuple(rows.history(len(rows)) for rows in read_rows_of(asked)))
    spend(panel.num_observations)
    digest = hashlib.sha256(caller_id.encode() + b"\0" + body).hexdigest()
    wanted = TrainingRequest(
        asked.output_model_id or str(uuid.UUID(digest[:32])),
        service.datasets.add(panel).id,
        to_options(asked),
        "promote",
    )
    for attempt in count():
        key = f"nixtla-{digest}-{attempt}"
        job = training_jobs.submit(service.jobs, service.registry, service.datasets, wanted, idempotency_key=key)
        if job.state in LIVE or _is_fresh(service, job):
            return job
    raise AssertionError("a new key makes a new job")


def to_options(asked: FinetunePayload) -> TrainingOptions:
    """The options of a training of so many gradient steps at most; as many as pay, where the default stands."""
    steps = asked.finetune_steps
    if steps == DEFAULT_STEPS:
        return TrainingOptions(warm_start=asked.finetuned_model_id)
    num_epochs = ceil(steps / LEAST_STEPS)
    return TrainingOptions(
        num_epochs=num_epochs, steps_per_epoch=steps // num_epochs, warm_start=asked.finetuned_model_id
    )


def _is_fresh(service: Resources, job: TrainingJob) -> bool:
    """Whether a job that has ended still answers the request that it was made for."""
    if job.finished_at is None or now() - job.finished_at > _KEPT_FOR.get(job.state, timedelta()):
        return False
    if job.version is None:
        return True
    try:
        service.registry.version(job.request.model_name, job.version)
    except (ModelNotFound, VersionNotFound):
        return False
    return True
